"""Remedies: the claim lines to report in place of one that is denied, as far as CMS's tables say which.

Each is adjudicated again, in the place of what it replaces, among all lines of the beneficiary: one that would still be
denied, or would deny a line that is paid, is none. Most hold only if the record shows what their condition says: they
are what a coder may report, never what was done.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
"""How often what a remedy leaves denied is fixed in turn, such as 59 on each of the lines that it names."""


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
        service_texts = [line.text for line in self.lines]
        services_text = " and ".join(filter(None, (", ".join(service_texts[:-1]), service_texts[-1])))
        replaced_text = "instead" if len(self.replaces) == 1 else f"in place of lines {_line_numbers(self.replaces)}"
        if self.condition is None:
            return f"Report {services_text} {replaced_text}."
        return f"{self.condition[0].upper()}{self.condition[1:]}, report {services_text} {replaced_text}."


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
    """The lines of a beneficiary with some replaced: those of `replaced_keys` are absent, those of `new_keys` new.

    `subject` is the denied line; `denied_keys` are the lines that were denied before.
    """

    subject: Key
    denied_keys: frozenset[Key]
    lines: Mapping[Key, Line]
    findings: Mapping[Key, Sequence[Mapping[str, Any]]]
    replaced_keys: frozenset[Key] = frozenset()
    new_keys: frozenset[Key] = frozenset()
    fixes: tuple[Fix, ...] = ()
    reasons: frozenset[str] = field(default_factory=frozenset)

    @property
    def lines_to_fix(self) -> list[Key]:
        """The lines that are denied, and should not be: the subject, what is new, and what was paid before."""
        # A remedy must not deny what was paid before: such a line would need a remedy too.
        at_stake = [key for key in self.lines if key in (self.subject, *self.new_keys) or key not in self.denied_keys]
        return [key for key in at_stake if _needs_remedy(self.findings.get(key, ()), key == self.subject)]


def find_remedies(lines: pl.DataFrame, findings: pl.DataFrame, reader: Reader) -> dict[Key, Remedy]:
    """Return the remedies by claim and line number; lines without one are not named.

    *lines* and *findings* are those of an outcome of lines that *reader* read.
    """
    pending = list(_denied_lines(lines, findings))
    remedies: dict[Key, Remedy] = {}
    # All attempts of a round are adjudicated at once: a round costs one run of the engine, however many there are.
    for _ in range(_ROUNDS):
        attempts = [attempt for denied_line in pending if (attempt := _next_attempt(denied_line, reader)) is not None]
        pending = []
        for attempt in _adjudicated_attempts(attempts, reader):
            if attempt.lines_to_fix:
                pending.append(attempt)
            else:
                remedies[attempt.subject] = _remedy_of_attempt(attempt)
    return remedies


def _denied_lines(lines: pl.DataFrame, findings: pl.DataFrame) -> Iterator[_Attempt]:
    """Each line that a table may have a remedy for, among all lines of its beneficiary."""
    denied_rows = findings.filter(pl.col("reason").cast(pl.String).is_in([*FIXES, PRIMARY_DENIED]))["row"].unique()
    beneficiaries = lines["beneficiary"][denied_rows].unique()
    # A remedy may deny another line of the beneficiary: all of them are adjudicated with it.
    lines_of_few = lines.filter(
        pl.col("beneficiary").is_in(beneficiaries.implode()), pl.len().over("beneficiary") <= MOST_LINES
    )
    for beneficiary_lines, findings_of_lines in _lines_by_beneficiary(lines_of_few, findings):
        denied_keys = frozenset(key for key, line_findings in findings_of_lines.items() if _is_denied(line_findings))
        for line_key in beneficiary_lines:
            if _needs_remedy(findings_of_lines.get(line_key, ()), is_subject=True):
                yield _Attempt(line_key, denied_keys, beneficiary_lines, findings_of_lines)


def _lines_by_beneficiary(
    lines: pl.DataFrame, findings: pl.DataFrame
) -> Iterator[tuple[dict[Key, Line], dict[Key, list[Mapping[str, Any]]]]]:
    """The lines of each beneficiary, and their findings, both by claim and line number."""
    field_columns = [name for name in COLUMNS if name in lines.columns]
    visit_lines = lines.with_columns(PRACTITIONER[0], specialty_of_visit=PRACTITIONER[1].alias("specialty_of_visit"))
    line_keys = zip(visit_lines["claim_id"], visit_lines["line"], strict=True)
    keys_of_rows = dict(zip(visit_lines["row"], line_keys, strict=True))
    findings_of_lines: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
    for finding_row in findings.filter(pl.col("row").is_in(visit_lines["row"].implode())).iter_rows(named=True):
        # By claim and line, for rows change with each attempt; a partner outside of the lines read has none.
        partner_key = keys_of_rows.get(finding_row["partner"])
        findings_of_lines[keys_of_rows[finding_row["row"]]].append({**finding_row, "partner_key": partner_key})
    by_beneficiary: dict[str, dict[Key, Line]] = defaultdict(dict)
    for line_row in visit_lines.iter_rows(named=True):
        visit = (line_row["practitioner"], line_row["specialty_of_visit"], line_row["date_of_service"])
        claim_line = {**{name: line_row[name] for name in field_columns}, "visit": visit}
        by_beneficiary[line_row["beneficiary"]][line_row["claim_id"], line_row["line"]] = claim_line
    for beneficiary_lines in by_beneficiary.values():
        yield beneficiary_lines, {line_key: findings_of_lines[line_key] for line_key in beneficiary_lines}


def _is_denied(findings: Iterable[Mapping[str, Any]]) -> bool:
    return any(finding_row["severity"] == "deny" for finding_row in findings)


def _needs_remedy(findings: Sequence[Mapping[str, Any]], is_subject: bool) -> bool:
    """Whether a line is denied; or, of the subject, left to the contractor for want of a modifier."""
    return _is_denied(findings) or (is_subject and any(finding_row["reason"] in FIXES for finding_row in findings))


def _next_attempt(attempt: _Attempt, reader: Reader) -> _Attempt | None:
    """The attempt with the first of its lines to fix replaced by its fix; None if no line has one."""
    for line_key in attempt.lines_to_fix:
        denied_line = _denied_line(attempt, _line_to_fix(attempt, line_key), reader)
        line_fix = fix(denied_line) if denied_line else None
        if denied_line and line_fix:
            return _attempt_with_fix(attempt, line_fix, denied_line.reasons)
    return None


def _line_to_fix(attempt: _Attempt, line_key: Key) -> Key:
    """The line to fix: of an add-on whose primary is denied, the primary."""
    # A denied primary takes its add-ons with it: once it is paid, so are they.
    partners = {
        finding_row["reason"]: finding_row["partner_key"]
        for finding_row in attempt.findings[line_key]
        if finding_row["severity"] == "deny"
    }
    primary_key: Key | None = partners.get(PRIMARY_DENIED)
    is_primary_alone = set(partners) == {PRIMARY_DENIED} and primary_key in attempt.lines
    return primary_key if primary_key and is_primary_alone else line_key


def _denied_line(attempt: _Attempt, line_key: Key, reader: Reader) -> DeniedLine | None:
    claim_line = attempt.lines[line_key]
    snapshot = reader.snapshot_on(claim_line["date_of_service"])
    # A release that lacks one of the tables cannot say what to bill in place of the line.
    if snapshot is None or not all(table in snapshot for table in TABLES_READ):
        return None
    visit_lines = [other_line for other_line in attempt.lines.values() if other_line["visit"] == claim_line["visit"]]
    table_day = reader.day_of_rows(snapshot, claim_line["date_of_service"])
    return DeniedLine(
        claim_line,
        visit_lines,
        attempt.findings[line_key],
        snapshot,
        table_day,
        is_of_remedy=line_key in attempt.new_keys,
    )


def _attempt_with_fix(attempt: _Attempt, line_fix: Fix, reasons: frozenset[str]) -> _Attempt:
    """The attempt with the services of *line_fix* in place of the lines that it replaces."""
    replaced_keys = [(line["claim_id"], line["line"]) for line in line_fix.replaces]
    first_key = attempt.subject if attempt.subject in replaced_keys else replaced_keys[0]
    new_lines = _new_lines(attempt, line_fix, first_key)
    kept_lines = {key: line for key, line in attempt.lines.items() if key not in replaced_keys}
    return replace(
        attempt,
        lines={**kept_lines, **new_lines},
        findings={},
        replaced_keys=attempt.replaced_keys | {key for key in replaced_keys if key not in attempt.new_keys},
        new_keys=(attempt.new_keys - set(replaced_keys)) | set(new_lines),
        fixes=(*attempt.fixes, line_fix),
        reasons=attempt.reasons | reasons,
    )


def _new_lines(attempt: _Attempt, line_fix: Fix, first_key: Key) -> dict[Key, Line]:
    """The services of *line_fix* as lines of the claim: the first takes the number and all else of line *first_key*."""
    claim_id, first_number = first_key
    replaced_line = attempt.lines[first_key]
    # New lines take numbers after all that the claim has or had: a number never means two lines.
    last_number = max(line for claim, line in (*attempt.lines, *attempt.replaced_keys) if claim == claim_id)
    later_numbers = range(last_number + 1, last_number + len(line_fix.services))
    # The charge stays where one service takes the place of as many units: of others only the practice knows it.
    is_same_quantity = [service.units for service in line_fix.services] == [replaced_line["units"]]
    return {
        (claim_id, line_number): {
            **replaced_line,
            "line": line_number,
            "hcpcs": service.hcpcs,
            "modifiers": " ".join(service.modifiers),
            "units": service.units,
            "charge_cents": replaced_line["charge_cents"] if is_same_quantity else None,
        }
        for line_number, service in zip((first_number, *later_numbers), line_fix.services, strict=True)
    }


def _adjudicated_attempts(attempts: Sequence[_Attempt], reader: Reader) -> Iterator[_Attempt]:
    """The attempts with what is found of their lines, all adjudicated at once, each as a beneficiary of its own."""
    if not attempts:
        return
    line_rows = [
        # Attempts of one beneficiary must not see each other: each is a beneficiary of its own, with all of its lines.
        {**claim_line, "claim_id": f"{number:09}{_ATTEMPT_MARK}{claim_id}", "beneficiary": f"{number:09}"}
        for number, attempt in enumerate(attempts)
        for (claim_id, _), claim_line in attempt.lines.items()
    ]
    schema = {name: dtype for name, dtype in COLUMNS.items() if name in line_rows[0]}
    claim_lines = pl.DataFrame([{name: line_row[name] for name in schema} for line_row in line_rows], schema=schema)
    lines, findings = reader.read(claim_lines)
    # Both are in the order in which beneficiaries first occur among the lines.
    of_attempts = dict(
        zip(lines["beneficiary"].unique(maintain_order=True), _lines_by_beneficiary(lines, findings), strict=True)
    )
    for attempt_number, attempt in enumerate(attempts):
        _, findings_by_line = of_attempts[f"{attempt_number:09}"]
        findings_of_lines = {
            _key_without_mark(line_key): [
                {**finding_row, "partner_key": _key_without_mark(finding_row["partner_key"])}
                for finding_row in line_findings
            ]
            for line_key, line_findings in findings_by_line.items()
        }
        yield replace(attempt, findings=findings_of_lines)


_ATTEMPT_MARK = "\x1f"
"""Between the number of an attempt and the claim: sorted as the claims are."""


def _key_without_mark(marked_key: Key) -> Key:
    return (marked_key[0].partition(_ATTEMPT_MARK)[2], marked_key[1]) if marked_key else marked_key


def _remedy_of_attempt(attempt: _Attempt) -> Remedy:
    lines = tuple(_remedy_line(attempt.lines[line_key]) for line_key in sorted(attempt.new_keys))
    source = "; ".join(dict.fromkeys(source_row for fix in attempt.fixes for source_row in fix.rows))
    return Remedy(lines, tuple(sorted(attempt.replaced_keys)), _condition(attempt.fixes), source, attempt.reasons)


def _condition(fixes: Iterable[Fix]) -> str | None:
    """What all *fixes* rest on, in one clause."""
    condition_names = dict.fromkeys(condition_name for fix in fixes for condition_name in (fix.condition or "").split())
    record_conditions, other_conditions = rules()["remedies"]["record_shows"], rules()["remedies"]["conditions"]
    record_text = " and ".join(record_conditions[name] for name in condition_names if name in record_conditions)
    clauses = [f"the record shows {record_text}"] if record_text else []
    clauses += [other_conditions[name] for name in condition_names if name in other_conditions]
    return f"if {', and '.join(clauses)}" if clauses else None


def _remedy_line(claim_line: Line) -> RemedyLine:
    field_names = [name for name in RemedyLine.__dataclass_fields__ if name != "modifiers"]
    return RemedyLine(
        **{name: claim_line[name] for name in field_names}, modifiers=tuple(claim_line["modifiers"].split())
    )


def _line_numbers(line_keys: Sequence[Key]) -> str:
    is_one_claim = len({claim_id for claim_id, _ in line_keys}) == 1
    line_texts = [
        str(line_number) if is_one_claim else f"{line_number} of claim {claim_id}"
        for claim_id, line_number in line_keys
    ]
    return f"{', '.join(line_texts[:-1])} and {line_texts[-1]}"
