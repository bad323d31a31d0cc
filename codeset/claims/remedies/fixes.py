"""What fixes a denied line: the services that CMS's tables name in its place, by the reason that denies it.

A reason that is not here has no remedy in a table: the record decides, or the line is not payable.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from codeset.claims.edits.rules import codes_named, rules
from codeset.claims.remedies.code_series import (
    BY_DEFINITION,
    Series,
    fee_row,
    rows_of,
    series_of_additional,
    series_of_first,
    spans_of,
)
from codeset.snapshot import Snapshot

Line = Mapping[str, Any]
"""A claim line: the columns of `claim_fields`."""

TELLS_LESIONS_APART = ("59", "XE", "XS", "XP", "XU", "76", "77")
VISIT_MODIFIERS = ("24", "25", "57")
SIDES = ("LT", "RT")
COMPONENTS = ("26", "TC")
BOTH_SIDES = "50"
TWO_SIDES = "1"
"""The bilateral indicator of codes that are paid 150 percent for both sides (record layout RVU25D)."""


class Service(NamedTuple):
    """A code with its modifiers, in order, and units."""

    hcpcs: str
    modifiers: tuple[str, ...]
    units: int


@dataclass(frozen=True)
class Fix:
    """`services` in place of the lines `replaces`; right only if `condition` holds (`rules.toml`), where there is one.

    `rows` are those of CMS's tables that say so.
    """

    replaces: tuple[Line, ...]
    services: tuple[Service, ...]
    rows: tuple[str, ...]
    condition: str | None = None


@dataclass(frozen=True)
class DeniedLine:
    """A line as it is denied: the other lines of its visit (`visit`, itself among them), and its findings by reason."""

    line: Line
    visit: Sequence[Line]
    findings: Sequence[Mapping[str, Any]]
    snapshot: Snapshot
    day: date
    """The day on which rows of CMS's tables must be in force."""

    is_of_remedy: bool
    """Whether it is of a remedy itself, in which something is left to fix."""

    @property
    def hcpcs(self) -> str:
        """Its code."""
        return str(self.line["hcpcs"])

    @property
    def modifiers(self) -> tuple[str, ...]:
        """Its modifiers, in order."""
        return tuple(self.line["modifiers"].split())

    @property
    def reasons(self) -> frozenset[str]:
        """The reasons of its findings."""
        return frozenset(finding["reason"] for finding in self.findings)

    def indicator(self, column: str) -> str | None:
        """Return what the fee schedule says of the whole service in *column*."""
        fee_schedule_row = fee_row(self.snapshot, self.hcpcs)
        return fee_schedule_row[column] if fee_schedule_row else None

    def lines_of(self, *codes: str) -> tuple[Line, ...]:
        """Return the lines of its visit with any of *codes*."""
        return tuple(line for line in self.visit if line["hcpcs"] in codes)

    def with_modifiers(
        self, modifiers: Sequence[str], source_rows: Iterable[str], condition: str | None = None
    ) -> Fix | None:
        """Return the same service with other *modifiers*; None if a line has no room for them."""
        if len(modifiers) > _MOST_MODIFIERS:
            return None
        service = Service(self.hcpcs, tuple(modifiers), self.line["units"])
        return Fix((self.line,), (service,), tuple(source_rows), condition)

    def without(self, modifiers: Collection[str], source_row: str) -> Fix | None:
        """Return the same service without those *modifiers* of it."""
        return self.with_modifiers([modifier for modifier in self.modifiers if modifier not in modifiers], [source_row])


_MOST_MODIFIERS = 4
"""As many as a claim line has room for (docs/claim-files.md)."""


def fix(denied_line: DeniedLine) -> Fix | None:
    """Return what the tables name in place of *denied_line*; None where they name nothing."""
    for reason, fix_of_reason in FIXES.items():
        # The order of FIXES counts: a misplaced modifier is taken away before one is added.
        if reason in denied_line.reasons and (line_fix := fix_of_reason(denied_line)):
            return line_fix
    return None


def further_of_a_kind(denied_line: DeniedLine) -> Fix | None:
    """A first code beside another first one, which is never paid beside it: more of its kind are counted by an add-on.

    11102 beside 11104: 11103, whose primaries are both of them.
    """
    series = series_of_first(denied_line.snapshot, denied_line.hcpcs, denied_line.day)
    column_ones = {finding["column_one"] for finding in denied_line.findings if finding["reason"] == "ptp-never"}
    if series is None or not column_ones <= series.primaries:
        return None
    replaced_lines = denied_line.lines_of(series.first, series.additional)
    service = Service(series.additional, _other_modifiers(replaced_lines), _total_units(replaced_lines))
    source_rows = [f"add-on edit {series.additional}/{column_one}" for column_one in sorted(column_ones)]
    return Fix(replaced_lines, (service,), tuple(source_rows))


def first_and_additional(denied_line: DeniedLine) -> Fix | None:
    """More units than there can be: the first by its code, the others by its add-on code; or one code for all of them.

    17000 x4: 17000 and 17003 x3. 17000 and 17003 x14, one more than 17003 can mean: 17004.
    """
    series = series_of_first(denied_line.snapshot, denied_line.hcpcs, denied_line.day)
    if series is None:
        return _fix_by_code_for_all(denied_line)
    mue_row = denied_line.snapshot.mue(denied_line.hcpcs)
    # Only a limit of one by policy says that the code is the first alone; one by clinical data says what is likely.
    if mue_row is None or (mue_row["mue_value"], mue_row["mai"]) != (1, BY_DEFINITION):
        return None
    replaced_lines = denied_line.lines_of(series.first, series.additional)
    return _fix_by_series(series, replaced_lines)


def as_counted(denied_line: DeniedLine) -> Fix | None:
    """More units than a code can mean: its two sides, or a code for each additional one."""
    return both_sides(denied_line) or first_and_additional(denied_line) or once_for_all(denied_line)


def once_for_all(denied_line: DeniedLine) -> Fix | None:
    """Units of a code that is reported once for a number of lesions: one unit of the code for as many.

    17110 x3: 17110. 17110 x20: 17111. Of 17111 x2 the number of lesions is not known.
    """
    lesion_spans = spans_of(denied_line.snapshot, denied_line.hcpcs)
    replaced_lines = denied_line.lines_of(*(span.hcpcs for span in lesion_spans))
    lesions = _total_units(replaced_lines)
    covering = next((span for span in lesion_spans if span.covers(lesions)), None)
    # Fewer units than the least the code is for are not lesions but mistakes: 17111 x2 are not two lesions.
    if covering is None or lesions < lesion_spans[0].least:
        return None
    service = Service(covering.hcpcs, _other_modifiers(replaced_lines), 1)
    source_rows = (
        f"description of {covering.hcpcs} in the fee schedule: {covering.text}",
        f"MUE {denied_line.hcpcs}: 1, MAI {BY_DEFINITION}",
    )
    return Fix(replaced_lines, (service,), source_rows, "units")


def _fix_by_code_for_all(denied_line: DeniedLine) -> Fix | None:
    """Of more additional ones than their code can mean: the code for all, where the first is billed too."""
    series = series_of_additional(denied_line.snapshot, denied_line.hcpcs, denied_line.day)
    if series is None or not denied_line.lines_of(series.first):
        return None
    return _fix_by_series(series, denied_line.lines_of(series.first, series.additional))


def _fix_by_series(series: Series, replaced_lines: tuple[Line, ...]) -> Fix | None:
    """All units of *replaced_lines* as the series has them."""
    additional_units = _total_units(replaced_lines) - 1
    is_beyond = series.most is not None and additional_units > series.most
    # More than the add-on code can mean, and no code for all of them: the tables name nothing.
    if is_beyond and series.all_of_them is None:
        return None
    modifiers = _other_modifiers(replaced_lines)
    counted_services = (Service(series.first, modifiers, 1), Service(series.additional, modifiers, additional_units))
    services: tuple[Service, ...] = (Service(str(series.all_of_them), modifiers, 1),) if is_beyond else counted_services
    return Fix(replaced_lines, services, tuple(rows_of(series, is_beyond)), "units")


def both_sides(denied_line: DeniedLine) -> Fix | None:
    """Both sides of a code that has two, on two lines or in two units: one line with 50 and one unit (p. I-30)."""
    if denied_line.indicator("bilateral_surgery") != TWO_SIDES:
        return None
    replaced_lines = denied_line.lines_of(denied_line.hcpcs)
    line_sides = [
        tuple(modifier for modifier in line["modifiers"].split() if modifier in (*SIDES, BOTH_SIDES))
        for line in replaced_lines
    ]
    # Units of one side say nothing of the other: only a side each, or 50 already, are both sides.
    is_one_a_side = sorted(line_sides) == [("LT",), ("RT",)] and _total_units(replaced_lines) == len(SIDES)
    if not is_one_a_side and line_sides != [(BOTH_SIDES,)]:
        return None
    other_modifiers = [
        modifier for modifier in _other_modifiers(replaced_lines) if modifier not in (*SIDES, BOTH_SIDES)
    ]
    # Modifiers that decide the payment are reported first (IOM 100-04 ch. 26, section 10.4, item 24D).
    service = Service(denied_line.hcpcs, (BOTH_SIDES, *other_modifiers), 1)
    return Fix(replaced_lines, (service,), (f"fee schedule {denied_line.hcpcs}: bilateral indicator 1",), "both-sides")


def separate(denied_line: DeniedLine) -> Fix | None:
    """A column two code of an edit with modifier indicator 1: a visit with 25, 57, or 24; anything else with 59."""
    if _is_second_visit(denied_line):
        return denied_line.with_modifiers(["25", *denied_line.modifiers], _edits_bypassed(denied_line), SECOND_VISIT)
    if denied_line.hcpcs in codes_named("visits", "codes"):
        return visit_apart(denied_line)
    # 59 on the column two line; since July 2019 either line may have it (CR 11168).
    modifiers = _with_modifier(denied_line.modifiers, rules()["remedies"]["separate"])
    return denied_line.with_modifiers(modifiers, _edits_bypassed(denied_line), "59")


def _is_second_visit(denied_line: DeniedLine) -> bool:
    """Whether a visit is denied beside another visit of the day alone, and not beside a procedure."""
    visit_codes = codes_named("visits", "one_a_day")
    column_ones = {row["column_one"] for row in denied_line.findings if row["reason"] in VISIT_MODIFIER_OF}
    return denied_line.hcpcs in visit_codes and column_ones <= visit_codes


def _edits_bypassed(denied_line: DeniedLine) -> list[str]:
    """The PTP edits with modifier indicator 1 that deny a line, as a citation has them."""
    bypassable = _findings_for(denied_line, "ptp-no-modifier")
    edit_texts = {f"PTP edit {row['column_one']}/{row['column_two']}, CCMI 1" for row in bypassable}
    return sorted(edit_texts)


SECOND_VISIT = "second-visit"


def visit_apart(denied_line: DeniedLine) -> Fix | None:
    """A visit in the payment of a procedure: 25 on its day, 57 if that has ninety days, 24 in the days after it.

    What it has of these does not help, or would have to be named again.
    """
    needed_modifiers = [modifier for reason, modifier in VISIT_MODIFIER_OF.items() if reason in denied_line.reasons]
    # 57 on the day of a major procedure says what 25 would.
    if "57" in needed_modifiers and "global-visit-same-day" not in denied_line.reasons:
        needed_modifiers = [modifier for modifier in needed_modifiers if modifier != "25"]
    # In a remedy they were put there a round ago, each for another reason: all of them are needed.
    dropped_modifiers = () if denied_line.is_of_remedy else VISIT_MODIFIERS
    other_modifiers = [name for name in denied_line.modifiers if name not in (*dropped_modifiers, *needed_modifiers)]
    surgery_codes = {str(row["column_one"]) for row in denied_line.findings if row["reason"] in VISIT_MODIFIER_OF}
    source_rows = [
        f"fee schedule {code}: global days {_global_days(denied_line, code)}" for code in sorted(surgery_codes)
    ]
    modifiers = [*dict.fromkeys(needed_modifiers), *other_modifiers]
    return denied_line.with_modifiers(modifiers, source_rows, " ".join(needed_modifiers))


def _global_days(denied_line: DeniedLine, hcpcs: str) -> str:
    fee_schedule_row = fee_row(denied_line.snapshot, hcpcs)
    return fee_schedule_row["global_days"] if fee_schedule_row else "unknown"


VISIT_MODIFIER_OF: Mapping[str, str] = {
    "ptp-no-modifier": "25",
    "global-visit-same-day": "25",
    "global-visit-major": "57",
    "global-visit-after": "24",
}
"""The modifier that a visit lacks, by what denies it (NCCI Policy Manual 2026, p. I-13, I-15)."""


def other_lesion(denied_line: DeniedLine) -> Fix | None:
    """RT and LT of a code that has no two sides: XS says that there were two lesions."""
    # X{EPSU} are taken in lieu of 59, and say which of its meanings it is (CR 8863; Policy Manual 2026, p. I-17).
    source_row = f"fee schedule {denied_line.hcpcs}: bilateral indicator 0"
    modifiers = _with_modifier(denied_line.modifiers, rules()["remedies"]["other_lesion"])
    return denied_line.with_modifiers(modifiers, [source_row], "XS")


def professional_component(denied_line: DeniedLine) -> Fix | None:
    """A test billed whole, or its technical part, in a facility: the professional component, 26."""
    if fee_row(denied_line.snapshot, denied_line.hcpcs, COMPONENTS[0]) is None:
        return None
    other_modifiers = [modifier for modifier in denied_line.modifiers if modifier not in COMPONENTS]
    source_row = f"fee schedule {denied_line.hcpcs}: PC/TC indicator {denied_line.indicator('pctc_indicator')}"
    return denied_line.with_modifiers([COMPONENTS[0], *other_modifiers], [source_row], "26")


def without_component(denied_line: DeniedLine) -> Fix | None:
    """26 or TC on a code that has no components: the code without it."""
    source_row = f"fee schedule {denied_line.hcpcs}: PC/TC indicator {denied_line.indicator('pctc_indicator')}"
    return denied_line.without(COMPONENTS, source_row)


def without_sides(denied_line: DeniedLine) -> Fix | None:
    """50 and a side contradict each other: 50 alone, of a code that has two sides."""
    if denied_line.indicator("bilateral_surgery") != TWO_SIDES:
        return None
    return denied_line.without(SIDES, f"fee schedule {denied_line.hcpcs}: bilateral indicator 1")


def without_both_sides(denied_line: DeniedLine) -> Fix | None:
    """50 on a code in which there is no such concept: the code without it."""
    source_row = f"fee schedule {denied_line.hcpcs}: bilateral indicator {denied_line.indicator('bilateral_surgery')}"
    return denied_line.without((BOTH_SIDES,), source_row)


def without_misplaced(denied_line: DeniedLine) -> Fix | None:
    """Modifiers of visits on a procedure, or of procedures on a visit: the line without them."""
    misplaced_modifiers = {
        modifier
        for finding_row in denied_line.findings
        if finding_row["reason"] in MISPLACED and finding_row["severity"] == "deny"
        for modifier in str(finding_row["detail"]).split()
    }
    return denied_line.without(misplaced_modifiers, "NCCI Policy Manual, p. I-13 to I-16")


MISPLACED = ("modifier-of-visits", "modifier-of-procedures", "modifier-distinct-on-visit")

FIXES: Mapping[str, Callable[[DeniedLine], Fix | None]] = {
    **dict.fromkeys(MISPLACED, without_misplaced),
    "modifier-component": without_component,
    "modifier-sides": without_sides,
    "modifier-bilateral": without_both_sides,
    "component-whole-in-hospital": professional_component,
    "component-in-surgical-center": professional_component,
    "ptp-never": further_of_a_kind,
    "mue-day-policy": as_counted,
    "mue-day-clinical": both_sides,
    "ptp-no-modifier": separate,
    "global-visit-same-day": visit_apart,
    "global-visit-major": visit_apart,
    "global-visit-after": visit_apart,
    "two-sides": other_lesion,
}
"""By reason, what fixes the line; the first that applies. What is denied after it is fixed in turn."""


def _findings_for(denied_line: DeniedLine, reason: str) -> list[Mapping[str, Any]]:
    return [finding_row for finding_row in denied_line.findings if finding_row["reason"] == reason]


def _total_units(lines: Iterable[Line]) -> int:
    return sum(line["units"] for line in lines)


def _other_modifiers(replaced_lines: Sequence[Line]) -> tuple[str, ...]:
    """The modifiers that all *replaced_lines* have, but for those that would tell one of them from another."""
    common_modifiers = set.intersection(*(set(line["modifiers"].split()) for line in replaced_lines))
    return tuple(
        modifier
        for modifier in replaced_lines[0]["modifiers"].split()
        if modifier in common_modifiers and modifier not in TELLS_LESIONS_APART
    )


def _with_modifier(modifiers: Sequence[str], added_modifier: str) -> list[str]:
    """*modifiers* with one more, after those that decide the payment."""
    leading_modifiers = [modifier for modifier in modifiers if modifier in rules()["remedies"]["first"]]
    later_modifiers = [modifier for modifier in modifiers if modifier not in leading_modifiers]
    return [*leading_modifiers, added_modifier, *later_modifiers]
