"""Test claims and code pairs whose result changed: each line's result in both releases, and CMS's row behind it."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from codeset import wording
from codeset.claims.edits.findings import reasons
from codeset.releases import Release
from codeset.review.source_rows import Ref
from codeset.suite.compare_outcomes import ChangedOutcome, OutcomeChanges
from codeset.suite.pairs import PairChanges
from codeset.suite.run_suite import SuiteRun
from codeset.suite.scenarios import Line, Scenario

# Sentences name the partner's line in brackets, which an outcome of a code pair does not have: `(line –)`.
_EMPTY_BRACKETS = re.compile(rf" \((?:\w+ )?{wording.NONE}\)")


@dataclass(frozen=True)
class LineResult:
    """What a release says of a line: `why` in a sentence, `row` the row that decides, `rests_on` its usual citation."""

    disposition: str
    edit: str | None
    why: str
    payment_percent: str | None
    global_days: str | None
    allowed_cents: int | None
    row: Ref | None
    rests_on: str


@dataclass(frozen=True)
class ReviewedLine:
    """A claim line with its result in both releases; `news` is the difference, "" if at most the amount differs."""

    hcpcs: str
    modifiers: str
    units: int
    day: str
    place_of_service: str
    before: LineResult
    after: LineResult
    news: str


@dataclass(frozen=True)
class ReviewedScenario:
    """A scenario whose result changed."""

    id: str
    family: str
    says: str
    sources: tuple[str, ...]
    lines: tuple[ReviewedLine, ...]


@dataclass(frozen=True)
class FailedScenario:
    """A scenario whose result in the new release is not what the coder expects, and each difference."""

    id: str
    says: str
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Outcomes:
    """The suite on both releases. `only_old` and `only_new` are the ids of scenarios that apply in one of them only."""

    compared: int
    tried: int
    failed: tuple[FailedScenario, ...]
    amounts_only: int
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    changed: tuple[ReviewedScenario, ...]


@dataclass(frozen=True)
class ReviewedPair:
    """A pair of codes, with XS on one of them or on neither, and the result of both lines."""

    hcpcs_one: str
    hcpcs_two: str
    modifier_on: str
    before: tuple[LineResult, LineResult]
    after: tuple[LineResult, LineResult]


@dataclass(frozen=True)
class ReviewedCode:
    """A code whose result changed when billed alone; in `cases` pairs nothing else differs."""

    hcpcs: str
    cases: int
    before: LineResult
    after: LineResult


@dataclass(frozen=True)
class Pairs:
    """Every pair of dermatology's codes on both releases."""

    compared: int
    only_old: int
    only_new: int
    count: int
    changed: tuple[ReviewedPair, ...]
    alone: tuple[ReviewedCode, ...]


def outcomes(changes: OutcomeChanges, old_release: Release, new_run: SuiteRun) -> Outcomes:
    """Return *changes* for a reader, and the scenarios of *new_run* that contradict their coder."""
    return Outcomes(
        compared=changes.compared,
        tried=len(new_run.results),
        failed=tuple(
            FailedScenario(failed_run.scenario.id, failed_run.scenario.says, failed_run.failures)
            for failed_run in new_run.failed
        ),
        amounts_only=changes.amounts_only,
        only_old=tuple(scenario.id for scenario in changes.only_old),
        only_new=tuple(scenario.id for scenario in changes.only_new),
        changed=tuple(
            _reviewed_scenario(changed_outcome, old_release, new_run.release) for changed_outcome in changes.changed
        ),
    )


def _reviewed_scenario(changed_outcome: ChangedOutcome, old_release: Release, new_release: Release) -> ReviewedScenario:
    scenario = changed_outcome.scenario
    results_of_lines = zip(scenario.lines, changed_outcome.before, changed_outcome.after, strict=True)
    return ReviewedScenario(
        id=scenario.id,
        family=scenario.family,
        says=scenario.says,
        sources=tuple(map(str, scenario.sources)),
        lines=tuple(
            _reviewed_line(scenario, *line_results, old_release, new_release) for line_results in results_of_lines
        ),
    )


def _reviewed_line(
    scenario: Scenario,
    line: Line,
    line_before: Mapping[str, Any],
    line_after: Mapping[str, Any],
    old_release: Release,
    new_release: Release,
) -> ReviewedLine:

    releases = (new_release,) if scenario.beyond_quarter else (old_release, new_release)
    service_days = (scenario.day_zero(release) + timedelta(days=line.day) for release in releases)
    results = _line_result(line_before, old_release), _line_result(line_after, new_release)
    return ReviewedLine(
        hcpcs=line.hcpcs,
        modifiers=" ".join(line.modifiers),
        units=line.units,
        # Once if it is the same day in both releases.
        day=" / ".join(dict.fromkeys(map(str, service_days))),
        place_of_service=line.place_of_service,
        before=results[0],
        after=results[1],
        news=_result_difference(*results),
    )


def _result_difference(result_before: LineResult, result_after: LineResult) -> str:
    """The gravest difference only."""
    new_disposition = wording.disposition(result_after.disposition)
    if result_before.disposition != result_after.disposition:
        return f"{wording.disposition(result_before.disposition)} → {new_disposition}"
    if (result_before.allowed_cents is None) != (result_after.allowed_cents is None):
        return (
            f"still {new_disposition}, {'price missing' if result_after.allowed_cents is None else 'with a price now'}"
        )
    for field_name, unit_text in (("payment_percent", "% of the fee"), ("global_days", " global days")):
        old_value, new_value = getattr(result_before, field_name), getattr(result_after, field_name)
        if old_value != new_value:
            return f"still {new_disposition}, {old_value or wording.NONE} → {new_value or wording.NONE}{unit_text}"
    return f"still {new_disposition}, different reason" if result_before.why != result_after.why else ""


def _line_result(line_outcome: Mapping[str, Any], release: Release) -> LineResult:
    # Findings come gravest first: the first one decides the line.
    deciding_finding = next(iter(line_outcome["findings"]), None)
    payment_percent = line_outcome.get("payment_percent")
    return LineResult(
        disposition=line_outcome["disposition"],
        edit=line_outcome["edit"],
        why=sentence({**line_outcome, **deciding_finding})
        if deciding_finding
        else _why_unpriced(line_outcome.get("unpriced")),
        payment_percent=None if payment_percent is None else str(payment_percent),
        global_days=line_outcome.get("global_days"),
        allowed_cents=line_outcome["allowed_cents"],
        row=_deciding_row(deciding_finding or {}, release, line_outcome["hcpcs"]),
        rests_on=_citation(deciding_finding or {}),
    )


def _why_unpriced(unpriced: str | None) -> str:
    return f"{wording.UNPRICED[unpriced]}." if unpriced else ""


def sentence(finding_values: Mapping[str, Any]) -> str:
    """Return the sentence of a finding with these *finding_values*; brackets around a missing value are left out."""
    filled_values: dict[str, Any] = defaultdict(lambda: wording.NONE)
    filled_values.update(
        {field_name: field_value for field_name, field_value in finding_values.items() if field_value is not None}
    )
    return _EMPTY_BRACKETS.sub("", reasons()[finding_values["reason"]].says.format_map(filled_values))


def _deciding_row(finding: Mapping[str, Any], release: Release, hcpcs: str) -> Ref:
    """The row that a finding rests on; the code's row in the fee schedule where it names no other."""
    table, column_one, column_two = (finding.get(name) for name in ("table", "column_one", "column_two"))
    if table == "ptp" and column_one and column_two:
        return Ref(str(release), table, (column_one, column_two))
    if table not in (None, "ptp", "mpfs") and column_one:
        return Ref(str(release), table, (column_one,))
    return Ref(str(release), "mpfs", (column_one if table == "mpfs" and column_one else hcpcs, ""))


def _citation(finding: Mapping[str, Any]) -> str:
    """The edit as coders cite it: `PTP 17004/17000, modifier indicator 0`."""
    table, column_one = finding.get("table") or "mpfs", finding.get("column_one")
    match table:
        case "mpfs":
            return wording.table_name(table)
        case "ptp":
            return f"PTP {column_one}/{finding.get('column_two')}, modifier indicator {finding.get('ccmi')}"
        case "mue":
            return f"MUE {finding.get('mue_value')}, MAI {finding.get('mai')}"
    return f"{wording.table_name(table)} for {column_one}"


_PAIR_COLUMNS = ("disposition", "edit", "reason", "ccmi", "column_one", "column_two", "effective_date", "deletion_date")


def pairs(changes: PairChanges, old_release: Release, new_release: Release) -> Pairs:
    """Return *changes* for a reader."""
    return Pairs(
        compared=changes.compared,
        only_old=changes.only_old,
        only_new=changes.only_new,
        count=changes.count,
        changed=tuple(
            _reviewed_pair(changed_row, old_release, new_release)
            for changed_row in changes.changed.iter_rows(named=True)
        ),
        alone=tuple(
            _reviewed_code(changed_row, old_release, new_release) for changed_row in changes.alone.iter_rows(named=True)
        ),
    )


def _reviewed_pair(pair_row: Mapping[str, Any], old_release: Release, new_release: Release) -> ReviewedPair:
    first_code, second_code = pair_row["hcpcs_one"], pair_row["hcpcs_two"]
    results_before, results_after = (
        (
            _pair_result(pair_row, f"_one {column_suffix}", first_code, release),
            _pair_result(pair_row, f"_two {column_suffix}", second_code, release),
        )
        for column_suffix, release in (("before", old_release), ("after", new_release))
    )
    return ReviewedPair(first_code, second_code, pair_row["modifier_on"], results_before, results_after)


def _reviewed_code(code_row: Mapping[str, Any], old_release: Release, new_release: Release) -> ReviewedCode:
    result_before, result_after = (
        _pair_result(code_row, f" {column_suffix}", code_row["hcpcs"], release)
        for column_suffix, release in (("before", old_release), ("after", new_release))
    )
    return ReviewedCode(code_row["hcpcs"], code_row["cases"], result_before, result_after)


def _pair_result(pair_row: Mapping[str, Any], suffix: str, hcpcs: str, release: Release) -> LineResult:
    finding = {column: pair_row[f"{column}{suffix}"] for column in _PAIR_COLUMNS}
    # The table of code pairs has no column for it: NCCI's edits have the names of
    # their tables, others are the schedule's.
    finding["table"] = finding["edit"] if finding["edit"] in ("ptp", "mue", "add_on") else "mpfs"
    reason_sentence = sentence({**finding, "hcpcs": hcpcs}) if finding["reason"] else ""
    deciding_row = _deciding_row(finding if finding["reason"] else {}, release, hcpcs)
    return LineResult(
        finding["disposition"], finding["edit"], reason_sentence, None, None, None, deciding_row, _citation(finding)
    )
