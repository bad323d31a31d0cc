"""Claims and small code sets written as literals, and what the engine answers: the words that tests of claims share.

A line is text: code, modifiers, units, then what differs from a plain line, such as `17003-76x2 day=3 provider=q`.
Left out are no modifier, one unit, the first day, the office, and the same claim, beneficiary and practitioner.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

import polars as pl

from codeset.claims.adjudicate import adjudicate
from codeset.claims.claim_fields import COLUMNS
from codeset.claims.outcome import Outcome, outcome_frames
from codeset.manifest import ConversionFactor, Manifest, Source, TableEntry
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.tables import REQUIRED_TABLES, TABLES

FIRST_DAY = date(2026, 7, 1)
"""Day 0 of a line that names no date: the first of 2026q3, so that ninety days and one more fit into the release."""

Case = tuple[str, ...]
"""The lines of a patient whom no other case shares, and what a failure calls the case."""

Value = TypeVar("Value")

_SERVICE = re.compile(r"(?P<hcpcs>\w{5})(?P<modifiers>(?:-\w\w)*)(?:x(?P<units>-?\d+))?")
_NAMES = {"claim": "claim_id", "place": "place_of_service"}
_PLAIN = {
    "claim_id": "c",
    "beneficiary": "b",
    "provider": "p",
    "place_of_service": "11",
    "locality": "national",
    "modifiers": "",
}
_FEE = {
    "status_code": "A",
    "pctc_indicator": "0",
    "global_days": "XXX",
    "multiple_procedure": "0",
    "bilateral_surgery": "0",
    "assistant_surgery": "0",
    "co_surgery": "0",
    "team_surgery": "0",
    **dict.fromkeys(("work_rvu", "nonfacility_pe_rvu", "facility_pe_rvu", "mp_rvu"), Decimal("1.00")),
    **dict.fromkeys(("nonfacility_total_rvu", "facility_total_rvu"), Decimal("3.00")),
    **dict.fromkeys(("nonfacility_na", "facility_na", "not_used_for_medicare"), False),
}


def line(text: str, number: int = 1, first: date = FIRST_DAY) -> dict[str, Any]:
    """Read one line; `day=` counts from *first*, `on=` is a date, `days=` the length of a span of dates."""
    service_text, *field_texts = text.split()
    service = _SERVICE.fullmatch(service_text)
    assert service, f"{service_text!r} is no code with modifiers and units"
    fields = dict(field_text.split("=") for field_text in field_texts)
    day = date.fromisoformat(fields.pop("on", str(first))) + timedelta(days=int(fields.pop("day", "0")))
    last = day + timedelta(days=int(fields.pop("days", "1")) - 1)
    return {
        **_PLAIN,
        "line": number,
        "hcpcs": service["hcpcs"],
        "modifiers": service["modifiers"].replace("-", " ").strip(),
        "units": int(service["units"] or 1),
        "date_of_service": day,
        "through_date": None if last == day else last,
        **{_NAMES.get(name, name): value for name, value in fields.items()},
        **{name: fields[name].replace(",", " ") for name in ("diagnoses", "diagnoses_of_claim") if name in fields},
    }


def engine_lines(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return lines as the engine takes them; what a row does not have is null."""
    return pl.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], schema=dict(COLUMNS))


def claims(*texts: str, first: date = FIRST_DAY) -> pl.DataFrame:
    """Return the lines of *texts*, numbered from 1 whatever their claim."""
    return engine_lines(line(text, number, first) for number, text in enumerate(texts, start=1))


def outcome(snapshots: Snapshot | Sequence[Snapshot], *texts: str, first: date = FIRST_DAY) -> Outcome:
    """Return what the engine says of the lines of *texts*."""
    return adjudicate(claims(*texts, first=first), snapshots)


def answers(snapshots: Snapshot | Sequence[Snapshot], *texts: str, by: str = "decided_by") -> list[str]:
    """Return for each line `pay`, or its disposition and what decided it: `deny mue-line`, or by edit `deny mue`."""
    return answers_by_case(snapshots, [texts], by=by)[texts]


def dispositions(snapshots: Snapshot | Sequence[Snapshot], *texts: str) -> list[str]:
    """Return the disposition of each line."""
    return dispositions_by_case(snapshots, [texts])[texts]


def reasons(snapshots: Snapshot | Sequence[Snapshot], *texts: str, edit: str | None = None) -> list[set[str]]:
    """Return for each line the reasons of all its findings, or of those of *edit*."""
    return reasons_by_case(snapshots, [texts], edit=edit)[texts]


def answers_by_case(
    snapshots: Snapshot | Sequence[Snapshot], cases: Iterable[Case], *, by: str = "decided_by"
) -> dict[Case, list[str]]:
    """Return what `answers` of each case is; all are adjudicated at once."""

    def answers_of(outcome: Outcome) -> list[str]:
        lines = outcome.lines.sort("line").select("disposition", by)
        return ["pay" if disposition == "pay" else f"{disposition} {what}" for disposition, what in lines.iter_rows()]

    return by_case(snapshots, cases, answers_of)


def dispositions_by_case(snapshots: Snapshot | Sequence[Snapshot], cases: Iterable[Case]) -> dict[Case, list[str]]:
    """Return what `dispositions` of each case is; all are adjudicated at once."""
    return by_case(snapshots, cases, lambda outcome: outcome.lines.sort("line")["disposition"].to_list())


def reasons_by_case(
    snapshots: Snapshot | Sequence[Snapshot], cases: Iterable[Case], *, edit: str | None = None
) -> dict[Case, list[set[str]]]:
    """Return what `reasons` of each case is; all are adjudicated at once."""

    def reasons_of(outcome: Outcome) -> list[set[str]]:
        findings = outcome.findings if edit is None else outcome.findings.filter(edit=edit)
        reasons_of_row = dict(findings.group_by("row").agg("reason").iter_rows())
        return [set(reasons_of_row.get(row, [])) for row in outcome.lines.sort("line")["row"]]

    return by_case(snapshots, cases, reasons_of)


def findings_by_case(
    snapshots: Snapshot | Sequence[Snapshot], cases: Iterable[Case], *columns: str, **among: str
) -> dict[Case, list[list[tuple[Any, ...]]]]:
    """Return for each line of each case its findings: *columns* of those *among* them that are of an edit or a reason.

    Columns are those of files, but for names of claims and numbers of lines; all cases are adjudicated at once.
    """

    def findings_of(outcome: Outcome) -> list[list[tuple[Any, ...]]]:
        findings_of_line = defaultdict(list)
        for number, *values in outcome_frames(outcome).findings.filter(**among).select("line", *columns).iter_rows():
            findings_of_line[number].append(tuple(values))
        return [findings_of_line[number] for number in outcome.lines["line"].sort()]

    return by_case(snapshots, cases, findings_of)


def answers_alone(snapshots: Snapshot | Sequence[Snapshot], texts: Iterable[str]) -> dict[str, str]:
    """Return for each line what `answers` of it alone is: no two are of one patient."""
    return {text: answer for (text,), [answer] in answers_by_case(snapshots, [(text,) for text in texts]).items()}


def reasons_alone(snapshots: Snapshot | Sequence[Snapshot], texts: Iterable[str]) -> dict[str, set[str]]:
    """Return for each line what `reasons` of it alone is: no two are of one patient."""
    return {text: reasons for (text,), [reasons] in reasons_by_case(snapshots, [(text,) for text in texts]).items()}


def by_case(
    snapshots: Snapshot | Sequence[Snapshot], cases: Iterable[Case], values_of: Callable[[Outcome], list[Value]]
) -> dict[Case, list[Value]]:
    """Adjudicate all *cases* at once; *values_of* an outcome are those of its lines, by number."""
    cases = list(cases)
    lines = claims_of_cases({str(number): case for number, case in enumerate(cases)})
    values = iter(values_of(adjudicate(lines, snapshots)))
    return {case: list(islice(values, len(case))) for case in cases}


def claims_of_cases(cases: Mapping[str, Case]) -> pl.DataFrame:
    """Return the lines of all *cases*, by name, numbered from 1 through all of them.

    Claims and patients are called by the name of their case and what it calls them, such as `two-sides c`.
    """
    lines = [(name, text) for name, case in cases.items() for text in case]
    return engine_lines(_of_case(name, line(text, number)) for number, (name, text) in enumerate(lines, start=1))


def _of_case(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, **{column: f"{name} {row[column]}" for column in ("claim_id", "beneficiary")}}


def sealed_release(
    store: Store,
    label: str,
    fees: Iterable[str | Mapping[str, Any]],
    *,
    scope: str = "all",
    lacking: Iterable[str] = (),
    **rows: Iterable[Sequence[Any]],
) -> Snapshot:
    """Seal a release made of literals.

    Each of *fees* is a code, or a dict of what differs from a physician's service of status A with no global period.
    *rows*: `ptp` (column one, column two, effective, deleted or None, ccmi), `mue` (code, value, MAI),
    `add_on` (add-on, primary, effective, deleted or None, type), of other tables the first columns; dates as text.
    Every table that claims need is there, if empty, but those that are *lacking*.
    """
    release = Release.parse(label)
    tables = {
        name: [_row(name, row) for row in rows.get(name, ())]
        for name, table in TABLES.items()
        if table.claim_codes is not None and (name in REQUIRED_TABLES or name in rows) and name not in lacking
    }
    if "mpfs" in tables:
        tables["mpfs"] = [{**_FEE, "modifier": "", **({"hcpcs": fee} if isinstance(fee, str) else fee)} for fee in fees]
    frames = {name: _table(name, rows) for name, rows in tables.items()}
    factor = ConversionFactor(Decimal("33.0000"), release.first_day, release.last_day)
    entries = {name: TableEntry("made", (Source(name, f"{0:064x}", 1),), 0, {}, "") for name in frames}
    return store.seal(Manifest(release, scope, (factor,), entries), frames).snapshot


def _row(table: str, values: Sequence[Any]) -> dict[str, Any]:
    """The row of *values*, which are those of the first columns, unless they are said otherwise."""
    row_of = {"ptp": _ptp, "add_on": _add_on}.get(table)
    return row_of(*values) if row_of else dict(zip(TABLES[table].columns, values, strict=False))


def _table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    columns = TABLES[name].columns
    whole = [{column: row.get(column) for column in columns} for row in rows]
    return pl.DataFrame(whole, schema=dict(columns)).sort(TABLES[name].key, nulls_last=True)


def _ptp(column_one: str, column_two: str, effective: str, deletion: str | None, ccmi: int) -> dict[str, Any]:
    return {"column_one": column_one, "column_two": column_two, "ccmi": ccmi, **_dates(effective, deletion)}


def _add_on(add_on: str, primary: str, effective: str, deletion: str | None, kind: int) -> dict[str, Any]:
    return {"add_on_code": add_on, "primary_code": primary, "add_on_type": kind, **_dates(effective, deletion)}


def _dates(effective: str, deletion: str | None) -> dict[str, date | None]:
    return {
        "effective_date": date.fromisoformat(effective),
        "deletion_date": date.fromisoformat(deletion) if deletion else None,
    }
