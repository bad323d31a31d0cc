"""Remedies: the claim lines to report in place of one that is denied, as far as CMS's tables say which.

Each is adjudicated again, in the place of what it replaces, among all lines of the beneficiary: one that would still be
denied, or would deny a line that is paid, is none. Most hold only if the record shows what their condition says: they
are what a coder may report, never what was done.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from codeset.claims.claim_fields import COLUMNS
from codeset.claims.edits.rules import rules
from codeset.claims.engine.lines import PRACTITIONER
from codeset.claims.remedies.fixes import FIXES, DeniedLine, Fix, Line, fix
from codeset.snapshot import Snapshot

Key = tuple[str, int]
"""Claim and line number."""

PRIMARY_DENIED = "add-on-primary-denied"

MOST_LINES = 100
"""Of a beneficiary with more lines than this no remedies are worked out: each remedy adjudicates them all once more."""

TABLES_READ = ("mpfs", "ptp", "mue", "add_on")
"""What the tables say is known of releases that hold these."""

_ROUNDS = 4
"""So often what a remedy leaves to mend is mended in turn, such as 59 on each of the lines that it names."""


@dataclass(frozen=True)
class RemedyLine:
    """A claim line to report: what `claim.schema.json` requires of one."""

    claim_id: str
    line: int
    date_of_service: date
    hcpcs: str
    modifiers: tuple[str, ...]
    units: int
    place_of_service: str
    locality: str

    @property
    def text(self) -> str:
        """Code, modifiers, and units, as a person writes them: `17003-59 x3`."""
        return "-".join((self.hcpcs, *self.modifiers)) + (f" x{self.units}" if self.units != 1 else "")


@dataclass(frozen=True)
class Remedy:
    """`lines` to report in place of the lines `replaces` (claim and number), among which is the denied one, or is one
    without which it is denied.

    `condition`: what the record must show, as a clause that begins with "if"; None where nothing more than what is
    billed. `source`: the rows of CMS's tables. `reasons`: those of the findings that it answers.
    """

    lines: tuple[RemedyLine, ...]
    replaces: tuple[Key, ...]
    condition: str | None
    source: str
    reasons: frozenset[str]

    @property
    def text(self) -> str:
        """What to do, in a sentence."""
        services = [line.text for line in self.lines]
        services_text = " and ".join(filter(None, (", ".join(services[:-1]), services[-1])))
        place = "instead" if len(self.replaces) == 1 else f"in place of lines {_numbers(self.replaces)}"
        if self.condition is None:
            return f"Report {services_text} {place}."
        return f"{self.condition[0].upper()}{self.condition[1:]}, report {services_text} {place}."


@dataclass(frozen=True)
class Reader:
    """Reads other lines against what claims were read against: `snapshots`, each for the dates of its release, or the
    one for all dates. `read` returns them with `row` and `disposition`, and their findings.
    """

    snapshots: tuple[Snapshot, ...]
    on_any_date: bool
    read: Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]

    def snapshot_on(self, day: date) -> Snapshot | None:
        """Return the snapshot that lines of *day* are read against."""
        if self.on_any_date:
            return self.snapshots[0]
        releases = ((snapshot, snapshot.release) for snapshot in self.snapshots)
        return next((snapshot for snapshot, release in releases if release.first_day <= day <= release.last_day), None)

    def day_of_rows(self, snapshot: Snapshot, day: date) -> date:
        """Return the day on which rows hold for lines of *day*."""
        return snapshot.release.last_day if self.on_any_date else day


@dataclass(frozen=True)
class _Attempt:
    """The lines of a beneficiary with some replaced: those of `replaced` are gone, those of `changed` are new.

    `subject` is the denied line; `denied` are the lines that were denied before.
    """

    subject: Key
    denied: frozenset[Key]
    lines: Mapping[Key, Line]
    findings: Mapping[Key, Sequence[Mapping[str, Any]]]
    replaced: frozenset[Key] = frozenset()
    changed: frozenset[Key] = frozenset()
    fixes: tuple[Fix, ...] = ()
    reasons: frozenset[str] = field(default_factory=frozenset)

    @property
    def to_mend(self) -> list[Key]:
        """The lines that are denied, and should not be: the subject, what is new, and what was paid before."""
        # A remedy must not deny what was paid before: such a line would need a remedy too.
        concerned = (key for key in self.lines if key == self.subject or key in self.changed or key not in self.denied)
        return [key for key in concerned if _needs_remedy(self.findings.get(key, ()), key == self.subject)]


def find_remedies(lines: pl.DataFrame, findings: pl.DataFrame, reader: Reader) -> dict[Key, Remedy]:
    """Return the remedies by claim and line number; lines without one are not named.

    *lines* and *findings* are those of an outcome of lines that *reader* read.
    """
    pending = list(_denied_lines(lines, findings))
    remedies: dict[Key, Remedy] = {}
    # All attempts of a round are adjudicated at once: a round costs one run of the engine, however many there are.
    for _ in range(_ROUNDS):
        attempts = [attempt for line in pending if (attempt := _mended(line, reader)) is not None]
        pending = []
        for attempt in _adjudicated(attempts, reader):
            if attempt.to_mend:
                pending.append(attempt)
            else:
                remedies[attempt.subject] = _remedy(attempt)
    return remedies


def _denied_lines(lines: pl.DataFrame, findings: pl.DataFrame) -> Iterator[_Attempt]:
    """Each line that a table may have a remedy for, among all lines of its beneficiary."""
    rows = findings.filter(pl.col("reason").cast(pl.String).is_in([*FIXES, PRIMARY_DENIED]))["row"].unique()
    beneficiaries = lines["beneficiary"][rows].unique()
    concerned = lines.filter(
        pl.col("beneficiary").is_in(beneficiaries.implode()), pl.len().over("beneficiary") <= MOST_LINES
    )
    for of_one, of_lines in _by_beneficiary(concerned, findings):
        denied = frozenset(key for key, of_line in of_lines.items() if _is_denied(of_line))
        for key in of_one:
            if _needs_remedy(of_lines.get(key, ()), is_subject=True):
                yield _Attempt(key, denied, of_one, of_lines)


def _by_beneficiary(
    lines: pl.DataFrame, findings: pl.DataFrame
) -> Iterator[tuple[dict[Key, Line], dict[Key, list[Mapping[str, Any]]]]]:
    """The lines of each beneficiary, and their findings, both by claim and line number."""
    columns = [name for name in COLUMNS if name in lines.columns]
    visits = lines.with_columns(PRACTITIONER[0], specialty_of_visit=PRACTITIONER[1].alias("specialty_of_visit"))
    keys = dict(zip(visits["row"], zip(visits["claim_id"], visits["line"], strict=True), strict=True))
    of_lines: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
    for row in findings.filter(pl.col("row").is_in(visits["row"].implode())).iter_rows(named=True):
        of_lines[keys[row["row"]]].append({**row, "partner_key": keys.get(row["partner"])})
    by_beneficiary: dict[str, dict[Key, Line]] = defaultdict(dict)
    for row in visits.iter_rows(named=True):
        visit = (row["practitioner"], row["specialty_of_visit"], row["date_of_service"])
        line = {**{name: row[name] for name in columns}, "visit": visit}
        by_beneficiary[row["beneficiary"]][row["claim_id"], row["line"]] = line
    for of_one in by_beneficiary.values():
        yield of_one, {key: of_lines[key] for key in of_one}


def _is_denied(findings: Iterable[Mapping[str, Any]]) -> bool:
    return any(row["severity"] == "deny" for row in findings)


def _needs_remedy(findings: Sequence[Mapping[str, Any]], is_subject: bool) -> bool:
    """Whether a line is denied; or, of the line that is to be mended, left to the contractor for want of a modifier."""
    return _is_denied(findings) or (is_subject and any(row["reason"] in FIXES for row in findings))


def _mended(attempt: _Attempt, reader: Reader) -> _Attempt | None:
    """The attempt with the first line that is to be mended replaced by what mends it; None if nothing does."""
    for key in attempt.to_mend:
        denied = _denied_line(attempt, _culprit(attempt, key), reader)
        line_fix = fix(denied) if denied else None
        if denied and line_fix:
            return _replaced(attempt, line_fix, denied.reasons)
    return None


def _culprit(attempt: _Attempt, key: Key) -> Key:
    """The line to mend: an add-on whose primary is denied needs the primary mended."""
    partners = {row["reason"]: row["partner_key"] for row in attempt.findings[key] if row["severity"] == "deny"}
    primary: Key | None = partners.get(PRIMARY_DENIED)
    is_primary_alone = set(partners) == {PRIMARY_DENIED} and primary in attempt.lines
    return primary if primary and is_primary_alone else key


def _denied_line(attempt: _Attempt, key: Key, reader: Reader) -> DeniedLine | None:
    line = attempt.lines[key]
    snapshot = reader.snapshot_on(line["date_of_service"])
    if snapshot is None or not all(table in snapshot for table in TABLES_READ):
        return None
    visit = [other for other in attempt.lines.values() if other["visit"] == line["visit"]]
    day = reader.day_of_rows(snapshot, line["date_of_service"])
    return DeniedLine(line, visit, attempt.findings[key], snapshot, day, is_mended=key in attempt.changed)


def _replaced(attempt: _Attempt, line_fix: Fix, reasons: frozenset[str]) -> _Attempt:
    """The attempt with the services of *line_fix* in place of the lines that it replaces."""
    replaced = [(line["claim_id"], line["line"]) for line in line_fix.replaces]
    claim_id, number = attempt.subject if attempt.subject in replaced else replaced[0]
    replaced_line = attempt.lines[claim_id, number]
    lines = {key: line for key, line in attempt.lines.items() if key not in replaced}
    # New lines take numbers after all that the claim has or had: a number never means two lines.
    last = max(line for claim, line in (*attempt.lines, *attempt.replaced) if claim == claim_id)
    keys = [(claim_id, line) for line in (number, *range(last + 1, last + len(line_fix.services)))]
    for key, service in zip(keys, line_fix.services, strict=True):
        # The charge stays where one service takes the place of as many units: of others only the practice knows it.
        is_same = len(line_fix.services) == 1 and service.units == replaced_line["units"]
        lines[key] = {
            **replaced_line,
            "line": key[1],
            "hcpcs": service.hcpcs,
            "modifiers": " ".join(service.modifiers),
            "units": service.units,
            "charge_cents": replaced_line["charge_cents"] if is_same else None,
        }
    return _Attempt(
        attempt.subject,
        attempt.denied,
        lines,
        {},
        attempt.replaced | {key for key in replaced if key not in attempt.changed},
        (attempt.changed - set(replaced)) | set(keys),
        (*attempt.fixes, line_fix),
        attempt.reasons | reasons,
    )


def _adjudicated(attempts: Sequence[_Attempt], reader: Reader) -> Iterator[_Attempt]:
    """The attempts with what is found of their lines, all adjudicated at once, each as a beneficiary of its own."""
    if not attempts:
        return
    rows = [
        # Attempts of one beneficiary must not see each other: each is a beneficiary of its own, with all of its lines.
        {**line, "claim_id": f"{number:09}{_MARK}{claim_id}", "beneficiary": f"{number:09}"}
        for number, attempt in enumerate(attempts)
        for (claim_id, _), line in attempt.lines.items()
    ]
    schema = {name: dtype for name, dtype in COLUMNS.items() if name in rows[0]}
    frame = pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)
    lines, findings = reader.read(frame)
    of_attempts = dict(
        zip(lines["beneficiary"].unique(maintain_order=True), _by_beneficiary(lines, findings), strict=True)
    )
    for number, attempt in enumerate(attempts):
        _, of_lines = of_attempts[f"{number:09}"]
        findings_of_lines = {
            _unmarked(key): [{**row, "partner_key": _unmarked(row["partner_key"])} for row in of_line]
            for key, of_line in of_lines.items()
        }
        yield _Attempt(**{**vars(attempt), "findings": findings_of_lines})


_MARK = "\x1f"
"""Between the number of an attempt and the claim: sorted as the claims are."""


def _unmarked(key: Key) -> Key:
    return (key[0].partition(_MARK)[2], key[1]) if key else key


def _remedy(attempt: _Attempt) -> Remedy:
    lines = tuple(_remedy_line(attempt.lines[key]) for key in sorted(attempt.changed))
    source = "; ".join(dict.fromkeys(row for fix in attempt.fixes for row in fix.rows))
    return Remedy(lines, tuple(sorted(attempt.replaced)), _condition(attempt.fixes), source, attempt.reasons)


def _condition(fixes: Iterable[Fix]) -> str | None:
    """What all *fixes* rest on, in one clause."""
    names = dict.fromkeys(name for fix in fixes for name in (fix.condition or "").split())
    record, other = rules()["remedies"]["record_shows"], rules()["remedies"]["conditions"]
    record_text = " and ".join(record[name] for name in names if name in record)
    clauses = [f"the record shows {record_text}"] if record_text else []
    clauses += [other[name] for name in names if name in other]
    return f"if {', and '.join(clauses)}" if clauses else None


def _remedy_line(line: Line) -> RemedyLine:
    names = [name for name in RemedyLine.__dataclass_fields__ if name != "modifiers"]
    return RemedyLine(**{name: line[name] for name in names}, modifiers=tuple(line["modifiers"].split()))


def _numbers(keys: Sequence[Key]) -> str:
    is_one_claim = len({claim_id for claim_id, _ in keys}) == 1
    texts = [str(line) if is_one_claim else f"{line} of claim {claim_id}" for claim_id, line in keys]
    return f"{', '.join(texts[:-1])} and {texts[-1]}"
