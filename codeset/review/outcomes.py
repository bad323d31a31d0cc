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


def outcomes(changes: OutcomeChanges, old: Release, new: SuiteRun) -> Outcomes:
    """Return *changes* for a reader, and the scenarios of the run *new* that contradict their coder."""
    return Outcomes(
        compared=changes.compared,
        tried=len(new.results),
        failed=tuple(FailedScenario(run.scenario.id, run.scenario.says, run.failures) for run in new.failed),
        amounts_only=changes.amounts_only,
        only_old=tuple(scenario.id for scenario in changes.only_old),
        only_new=tuple(scenario.id for scenario in changes.only_new),
        changed=tuple(_scenario(changed, old, new.release) for changed in changes.changed),
    )


def _scenario(changed: ChangedOutcome, old: Release, new: Release) -> ReviewedScenario:
    scenario = changed.scenario
    lines = zip(scenario.lines, changed.before, changed.after, strict=True)
    return ReviewedScenario(
        id=scenario.id,
        family=scenario.family,
        says=scenario.says,
        sources=tuple(map(str, scenario.sources)),
        lines=tuple(_line(scenario, *line, old, new) for line in lines),
    )


def _line(
    scenario: Scenario, line: Line, before: Mapping[str, Any], after: Mapping[str, Any], old: Release, new: Release
) -> ReviewedLine:
    releases = (new,) if scenario.beyond_quarter else (old, new)
    days = (scenario.day_zero(release) + timedelta(days=line.day) for release in releases)
    results = _line_result(before, old), _line_result(after, new)
    return ReviewedLine(
        hcpcs=line.hcpcs,
        modifiers=" ".join(line.modifiers),
        units=line.units,
        day=" / ".join(dict.fromkeys(map(str, days))),
        place_of_service=line.place_of_service,
        before=results[0],
        after=results[1],
        news=_difference(*results),
    )


def _difference(before: LineResult, after: LineResult) -> str:
    """The gravest difference only."""
    result = wording.disposition(after.disposition)
    if before.disposition != after.disposition:
        return f"{wording.disposition(before.disposition)} → {result}"
    if (before.allowed_cents is None) != (after.allowed_cents is None):
        return f"still {result}, {'price missing' if after.allowed_cents is None else 'with a price now'}"
    for name, unit in (("payment_percent", "% of the fee"), ("global_days", " global days")):
        old_value, new_value = getattr(before, name), getattr(after, name)
        if old_value != new_value:
            return f"still {result}, {old_value or wording.NONE} → {new_value or wording.NONE}{unit}"
    return f"still {result}, different reason" if before.why != after.why else ""


def _line_result(line: Mapping[str, Any], release: Release) -> LineResult:
    # Findings come gravest first: the first one decides the line.
    finding = next(iter(line["findings"]), None)
    percent = line.get("payment_percent")
    return LineResult(
        disposition=line["disposition"],
        edit=line["edit"],
        why=sentence({**line, **finding}) if finding else _why_unpriced(line.get("unpriced")),
        payment_percent=None if percent is None else str(percent),
        global_days=line.get("global_days"),
        allowed_cents=line["allowed_cents"],
        row=_row(finding or {}, release, line["hcpcs"]),
        rests_on=_citation(finding or {}),
    )


def _why_unpriced(unpriced: str | None) -> str:
    return f"{wording.UNPRICED[unpriced]}." if unpriced else ""


def sentence(values: Mapping[str, Any]) -> str:
    """Return the sentence of a finding, filled with its *values*; brackets around a missing value are left out."""
    filled: dict[str, Any] = defaultdict(lambda: wording.NONE)
    filled.update({name: value for name, value in values.items() if value is not None})
    return _EMPTY_BRACKETS.sub("", reasons()[values["reason"]].says.format_map(filled))


def _row(finding: Mapping[str, Any], release: Release, hcpcs: str) -> Ref:
    """The row that a finding rests on; the code's row in the fee schedule where it names no other."""
    one, two = finding.get("column_one"), finding.get("column_two")
    if finding.get("table") == "ptp" and one and two:
        return Ref(str(release), "ptp", (one, two))
    if finding.get("table") in ("mue", "add_on") and one:
        return Ref(str(release), str(finding["table"]), (one,))
    return Ref(str(release), "mpfs", (one if finding.get("table") == "mpfs" and one else hcpcs, ""))


def _citation(finding: Mapping[str, Any]) -> str:
    """The edit as coders cite it: `PTP 17004/17000, modifier indicator 0`."""
    one, two = finding.get("column_one"), finding.get("column_two")
    citations = {
        "ptp": f"PTP {one}/{two}, modifier indicator {finding.get('ccmi')}",
        "mue": f"MUE {finding.get('mue_value')}, MAI {finding.get('mai')}",
        "add_on": f"add-on code edits for {one}",
    }
    return citations.get(str(finding.get("table")), "fee schedule")


_PAIR_COLUMNS = ("disposition", "edit", "reason", "ccmi", "column_one", "column_two", "effective_date", "deletion_date")


def pairs(changes: PairChanges, old: Release, new: Release) -> Pairs:
    """Return *changes* for a reader."""
    return Pairs(
        compared=changes.compared,
        only_old=changes.only_old,
        only_new=changes.only_new,
        count=changes.count,
        changed=tuple(_pair(row, old, new) for row in changes.changed.iter_rows(named=True)),
        alone=tuple(_code_alone(row, old, new) for row in changes.alone.iter_rows(named=True)),
    )


def _pair(row: Mapping[str, Any], old: Release, new: Release) -> ReviewedPair:
    one, two = row["hcpcs_one"], row["hcpcs_two"]
    before, after = (
        (_pair_result(row, f"_one {when}", one, release), _pair_result(row, f"_two {when}", two, release))
        for when, release in (("before", old), ("after", new))
    )
    return ReviewedPair(one, two, row["modifier_on"], before, after)


def _code_alone(row: Mapping[str, Any], old: Release, new: Release) -> ReviewedCode:
    before, after = (
        _pair_result(row, f" {when}", row["hcpcs"], release) for when, release in (("before", old), ("after", new))
    )
    return ReviewedCode(row["hcpcs"], row["cases"], before, after)


def _pair_result(row: Mapping[str, Any], suffix: str, hcpcs: str, release: Release) -> LineResult:
    finding = {name: row[f"{name}{suffix}"] for name in _PAIR_COLUMNS}
    finding["table"] = finding["edit"] if finding["edit"] in ("ptp", "mue", "add_on") else "mpfs"
    why = sentence({**finding, "hcpcs": hcpcs}) if finding["reason"] else ""
    row_of_edit = _row(finding if finding["reason"] else {}, release, hcpcs)
    return LineResult(finding["disposition"], finding["edit"], why, None, None, None, row_of_edit, _citation(finding))
