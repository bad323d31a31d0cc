"""Scenarios and pairs that come out otherwise: what was said before and after, and the row behind each."""

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
from codeset.suite.compared import ChangedOutcome, OutcomeChanges
from codeset.suite.pairs import PairChanges
from codeset.suite.run_suite import Ran
from codeset.suite.scenarios import Line, Scenario

_EMPTY = re.compile(rf" \((?:\w+ )?{wording.NONE}\)")


@dataclass(frozen=True)
class Said:
    """What a release says of a line: `why` in a sentence, `row` the row that decides, `rests_on` how it is cited."""

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
    """A claim line and what both releases say of it; `news` tells what is different, "" for nothing but the amount."""

    hcpcs: str
    modifiers: str
    units: int
    day: str
    place_of_service: str
    before: Said
    after: Said
    news: str


@dataclass(frozen=True)
class ReviewedScenario:
    """A scenario that comes out otherwise."""

    id: str
    family: str
    says: str
    sources: tuple[str, ...]
    lines: tuple[ReviewedLine, ...]


@dataclass(frozen=True)
class FailedScenario:
    """A scenario of which the new release says something else than the coder, and how."""

    id: str
    says: str
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Outcomes:
    """The suite on both releases. `only_old`, `only_new`: ids of scenarios that hold in one of them only."""

    compared: int
    tried: int
    failed: tuple[FailedScenario, ...]
    amounts_only: int
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]
    changed: tuple[ReviewedScenario, ...]


@dataclass(frozen=True)
class ReviewedPair:
    """A pair of codes, with XS on one of them or none, and what is said of each."""

    hcpcs_one: str
    hcpcs_two: str
    modifier_on: str
    before: tuple[Said, Said]
    after: tuple[Said, Said]


@dataclass(frozen=True)
class ReviewedCode:
    """A code that comes out otherwise by itself, and in how many pairs that is all that differs."""

    hcpcs: str
    cases: int
    before: Said
    after: Said


@dataclass(frozen=True)
class Pairs:
    """Every pair of dermatology's codes on both releases."""

    compared: int
    only_old: int
    only_new: int
    count: int
    changed: tuple[ReviewedPair, ...]
    alone: tuple[ReviewedCode, ...]


def outcomes(compared: OutcomeChanges, old: Release, new: Ran) -> Outcomes:
    """Return what *compared* holds, for people, and where the new run contradicts the coders."""
    return Outcomes(
        compared=compared.compared,
        tried=len(new.tried),
        failed=tuple(FailedScenario(each.scenario.id, each.scenario.says, each.failures) for each in new.failed),
        amounts_only=compared.amounts_only,
        only_old=tuple(each.id for each in compared.only_old),
        only_new=tuple(each.id for each in compared.only_new),
        changed=tuple(_scenario(each, old, new.release) for each in compared.changed),
    )


def _scenario(changed: ChangedOutcome, old: Release, new: Release) -> ReviewedScenario:
    scenario = changed.scenario
    lines = zip(scenario.lines, changed.before, changed.after, strict=True)
    return ReviewedScenario(
        id=scenario.id,
        family=scenario.family,
        says=scenario.says,
        sources=tuple(map(str, scenario.sources)),
        lines=tuple(_line(scenario, *each, old, new) for each in lines),
    )


def _line(
    scenario: Scenario, line: Line, before: Mapping[str, Any], after: Mapping[str, Any], old: Release, new: Release
) -> ReviewedLine:
    days = (
        scenario.day_zero(each) + timedelta(days=line.day)
        for each in ((new,) if scenario.beyond_quarter else (old, new))
    )
    said = _said_of_line(before, old), _said_of_line(after, new)
    return ReviewedLine(
        hcpcs=line.hcpcs,
        modifiers=" ".join(line.modifiers),
        units=line.units,
        day=" / ".join(dict.fromkeys(map(str, days))),
        place_of_service=line.place_of_service,
        before=said[0],
        after=said[1],
        news=_news(*said),
    )


def _news(before: Said, after: Said) -> str:
    """What is different, the gravest only."""
    if before.disposition != after.disposition:
        return f"{before.disposition} → {after.disposition}"
    if (before.allowed_cents is None) != (after.allowed_cents is None):
        return f"{after.disposition}, {'without' if after.allowed_cents is None else 'with'} an amount now"
    for name, unit in (("payment_percent", " % of the fee"), ("global_days", " global days")):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            return f"{after.disposition}, {was or wording.NONE} → {now or wording.NONE}{unit}"
    return f"{after.disposition}, for another reason" if before.why != after.why else ""


def _said_of_line(line: Mapping[str, Any], release: Release) -> Said:
    finding = next(iter(line["findings"]), None)
    percent = line.get("payment_percent")
    why = (
        sentence({**line, **finding})
        if finding
        else f"No amount: {line['unpriced'].replace('-', ' ')}."
        if line.get("unpriced")
        else ""
    )
    return Said(
        disposition=line["disposition"],
        edit=line["edit"],
        why=why,
        payment_percent=None if percent is None else str(percent),
        global_days=line.get("global_days"),
        allowed_cents=line["allowed_cents"],
        row=_row(finding, release, line["hcpcs"]) if finding else Ref(str(release), "mpfs", (line["hcpcs"], "")),
        rests_on=_rests_on(finding or {}),
    )


def sentence(values: Mapping[str, Any]) -> str:
    """Return what a finding says, filled with its *values*; brackets around one that is not there are left out."""
    told: dict[str, Any] = defaultdict(lambda: wording.NONE)
    told.update({name: value for name, value in values.items() if value is not None})
    return _EMPTY.sub("", reasons()[values["reason"]].says.format_map(told))


def _row(finding: Mapping[str, Any], release: Release, hcpcs: str) -> Ref:
    """The row that a finding rests on; the code's in the fee schedule where it names no other."""
    one, two = finding.get("column_one"), finding.get("column_two")
    if finding.get("table") == "ptp" and one and two:
        return Ref(str(release), "ptp", (one, two))
    if finding.get("table") in ("mue", "add_on") and one:
        return Ref(str(release), str(finding["table"]), (one,))
    return Ref(str(release), "mpfs", (one if finding.get("table") == "mpfs" and one else hcpcs, ""))


def _rests_on(finding: Mapping[str, Any]) -> str:
    """The edit as coders cite it: `PTP 17004/17000, CCMI 0`."""
    one, two = finding.get("column_one"), finding.get("column_two")
    told = {
        "ptp": f"PTP {one}/{two}, CCMI {finding.get('ccmi')}",
        "mue": f"MUE {finding.get('mue_value')}, MAI {finding.get('mai')}",
        "add_on": f"add-on code edits of {one}",
    }
    return told.get(str(finding.get("table")), "fee schedule")


_OF_SIDE = ("disposition", "edit", "reason", "ccmi", "column_one", "column_two", "effective_date", "deletion_date")


def pairs(compared: PairChanges, old: Release, new: Release) -> Pairs:
    """Return what *compared* holds, for people."""
    return Pairs(
        compared=compared.compared,
        only_old=compared.only_old,
        only_new=compared.only_new,
        count=compared.count,
        changed=tuple(_pair(row, old, new) for row in compared.changed.iter_rows(named=True)),
        alone=tuple(_code(row, old, new) for row in compared.alone.iter_rows(named=True)),
    )


def _pair(row: Mapping[str, Any], old: Release, new: Release) -> ReviewedPair:
    codes = row["hcpcs_one"], row["hcpcs_two"]
    before, after = (
        (_said_of_pair(row, f"_one {when}", codes[0], release), _said_of_pair(row, f"_two {when}", codes[1], release))
        for when, release in (("before", old), ("after", new))
    )
    return ReviewedPair(*codes, row["modifier_on"], before, after)


def _code(row: Mapping[str, Any], old: Release, new: Release) -> ReviewedCode:
    before, after = (
        _said_of_pair(row, f" {when}", row["hcpcs"], each) for when, each in (("before", old), ("after", new))
    )
    return ReviewedCode(row["hcpcs"], row["cases"], before, after)


def _said_of_pair(row: Mapping[str, Any], suffix: str, hcpcs: str, release: Release) -> Said:
    found = {name: row[f"{name}{suffix}"] for name in _OF_SIDE}
    found["table"] = found["edit"] if found["edit"] in ("ptp", "mue", "add_on") else "mpfs"
    why = sentence({**found, "hcpcs": hcpcs}) if found["reason"] else ""
    ref = _row(found if found["reason"] else {}, release, hcpcs)
    return Said(found["disposition"], found["edit"], why, None, None, None, ref, _rests_on(found))
