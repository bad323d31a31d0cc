"""Global surgery: what the payment of a procedure includes on its day and in the days around it.

A line is named here by its place among the lines, a visit by its place among the visits: both lie by patient, then day.
"""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from codeset.claims.edits.findings import NONE, REASON, TABLE, Findings, completed, together
from codeset.claims.engine.line_kinds import Kinds
from codeset.claims.engine.series import (
    count_up,
    distinct,
    group_numbers,
    is_member,
    repeat,
    starts_group,
    true_positions,
)

_MINOR = ("000", "010")
_MAJOR = "090"
_CONTRACTOR = "YYY"
AFTER = {"010": 10, "090": 90}
"""Days after the procedure: 010 is its day and ten more, 090 the day before, its day and ninety more."""

_OFFICE = "11"

_NOWHERE = 2**32 - 1
"""Stands where a visit has no procedure."""


def global_surgery(lines: pl.DataFrame, kinds: Kinds, denied: pl.Series) -> Findings:
    """Findings of global surgery; *denied* rows, those that other edits deny, include nothing and begin no period.

    One practitioner, or group and specialty, and one beneficiary. Visits on the day of a minor procedure need modifier
    25, for new patients too; on the day of a major one 57 (Policy Manual 2026, p. I-13), and on the day before it (IOM
    100-04 ch. 12, section 40.1); in the days after, 24. Procedures in the days after need 58, 78 or 79; 78 begins no
    new period (same chapter, section 40.2).
    """
    bears, kind = kinds.made(_bears), lines["kind"]
    surgery = bears.surgery[kind] & ~is_member(lines["row"], denied)
    if not surgery.any():
        return NONE
    visits = _visits(lines)
    begun, surgery = _periods(visits, surgery, bears, kind)
    place = count_up(lines.height)
    of_visits, procedures = place.filter(bears.visit[kind]), place.filter(bears.procedure[kind])
    minor, major, contractor = (
        _first(visits, [place.filter(surgery & bears.of_days[days][kind]) for days in sort]) for sort in _SORTS
    )
    met = {
        "minor": _beside(visits, of_visits, minor),
        "major": _beside(visits, of_visits, major),
        "contractor": _beside(visits, of_visits, contractor),
        "day before": _beside(visits, of_visits, _tomorrow(visits, major)),
        "visit after": _beside(visits, of_visits, begun),
        "procedure after": _beside(visits, procedures, begun),
        "return in office": _beside(visits, place.filter(bears.return_in_office[kind]), begun),
    }
    return together(_told(lines, kinds, where, *each) for where, each in met.items())


_SORTS = (_MINOR, (_MAJOR,), (_CONTRACTOR,))
"""The global periods that are alike on the day itself, the shortest first."""


class _Bears(NamedTuple):
    """What bears on global surgery, by kind of line: what includes others, and what is included."""

    surgery: pl.Series
    of_days: Mapping[str, pl.Series]
    begins: Mapping[str, pl.Series]
    visit: pl.Series
    procedure: pl.Series
    unexplained: pl.Series
    return_in_office: pl.Series


def _bears(kinds: Kinds) -> _Bears:
    days = pl.col("global_days")
    of_days = {each: days == each for sort in _SORTS for each in sort}
    procedure = ~pl.col("is_visit") & days.is_in(list(of_days))
    later = procedure & (days != _CONTRACTOR)
    in_office = pl.col("m78") & (pl.col("place_of_service").cast(pl.String) == _OFFICE)

    def marks(holds: pl.Expr) -> pl.Series:
        return kinds.table.select(holds.fill_null(value=False)).to_series()

    return _Bears(
        surgery=marks(procedure & ~(pl.col("m55") | pl.col("m56"))),
        of_days={each: marks(holds) for each, holds in of_days.items()},
        begins={each: marks((days == each) & ~pl.col("m78")) for each in AFTER},
        visit=marks(pl.col("is_visit") & (days != "ZZZ")),
        procedure=marks(later),
        unexplained=marks(later & ~(pl.col("m58") | pl.col("m78") | pl.col("m79"))),
        return_in_office=marks(later & in_office),
    )


class _Visits(NamedTuple):
    """The visit `of` each line; and of each visit the `patient` and the `day`."""

    of: pl.Series
    patient: pl.Series
    day: pl.Series


def _visits(lines: pl.DataFrame) -> _Visits:
    another = starts_group(lines["visit"])
    day = lines["date_of_service"].filter(another).cast(pl.Int32)
    return _Visits(group_numbers(another), lines["patient"].filter(another), day)


def _first(visits: _Visits, surgeries: list[pl.Series]) -> pl.Series:
    """The first procedure of each visit among the last of *surgeries* that the visit has some of."""
    first = pl.concat([each.filter(starts_group(visits.of[each])) for each in surgeries])
    return _last(visits, first)


def _last(visits: _Visits, surgeries: pl.Series) -> pl.Series:
    """The procedure of each visit that stands last in *surgeries*."""
    return repeat(_NOWHERE, visits.patient.len()).scatter(visits.of[surgeries], surgeries)


def _beside(visits: _Visits, lines: pl.Series, surgeries: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Those of *lines* whose visit has one of *surgeries*, and which."""
    surgery = surgeries[visits.of[lines]]
    has = surgery != _NOWHERE
    return lines.filter(has), surgery.filter(has)


def _tomorrow(visits: _Visits, surgeries: pl.Series) -> pl.Series:
    """For each visit the procedure of the same patient on the day after it."""
    before = visits.patient.len() - 1
    is_patients = visits.patient.slice(1) == visits.patient.slice(0, before)
    follows = is_patients & (visits.day.slice(1) - visits.day.slice(0, before) == 1)
    return pl.concat([surgeries.slice(1).zip_with(follows, repeat(_NOWHERE, before)), repeat(_NOWHERE, 1)])


def _periods(visits: _Visits, surgery: pl.Series, bears: _Bears, kind: pl.Series) -> tuple[pl.Series, pl.Series]:
    """For each visit the procedure in whose period it falls; and the lines that are denied in none, of *surgery*.

    What is denied begins no period itself. Whether one is denied hangs on the earlier ones alone, so that each round
    settles at least one more day.
    """
    if starts_group(visits.patient).all():
        return repeat(_NOWHERE, visits.patient.len()), surgery
    unexplained = bears.unexplained[kind]
    surgeries = {days: true_positions(surgery & begin[kind]) for days, begin in bears.begins.items()}
    left = surgeries
    while True:
        begun, before = _begun(visits, left), left
        falls = begun != _NOWHERE
        left = {days: each.filter(~(unexplained[each] & falls[visits.of[each]])) for days, each in surgeries.items()}
        if all(left[days].equals(each) for days, each in before.items()):
            return begun, surgery & ~(unexplained & falls[visits.of])


def _begun(visits: _Visits, surgeries: Mapping[str, pl.Series]) -> pl.Series:
    """For each visit the procedure of an earlier day in whose period it falls: of the shorter period, then the nearest.

    All periods of one kind are equally long, so that the nearest earlier procedure of each kind tells.
    """
    begun = repeat(_NOWHERE, visits.patient.len())
    for days, after in sorted(AFTER.items(), key=lambda each: -each[1]):
        earlier = _earlier(visits, surgeries[days], after)
        begun = earlier.zip_with(earlier != _NOWHERE, begun)
    return begun


def _earlier(visits: _Visits, surgeries: pl.Series, after: int) -> pl.Series:
    """For each visit the nearest procedure of an earlier day, if that is at most *after* days ago."""
    of, before = visits.of[surgeries], visits.patient.len() - 1
    at = (repeat(_NOWHERE, before + 1) * 0).scatter(of, of).cum_max().slice(0, before)
    is_patients = visits.patient.slice(1) == visits.patient[at]
    is_near = visits.day.slice(1) - visits.day[at] <= after
    nearest = _last(visits, surgeries)[at]
    return pl.concat([repeat(_NOWHERE, 1), nearest.zip_with(is_patients & is_near, repeat(_NOWHERE, before))])


def _told(lines: pl.DataFrame, kinds: Kinds, where: str, place: pl.Series, surgery: pl.Series) -> Findings:
    """The findings of lines, each with the procedure that it lies so to as *where* says."""
    if place.is_empty():
        return NONE
    row, kind, hcpcs, says = lines["row"], lines["kind"], kinds.table["hcpcs"], kinds.made(_says)[where]
    two = pl.DataFrame({"line": kind[place], "surgery": kind[surgery]})
    (of, of_surgery), ground = distinct(two, two.columns)
    grounds = {
        "reason": says.reason[of],
        "detail": says.modifier[of].zip_with(says.has_modifier[of], says.days[of_surgery]),
        "table": says.table[of],
        "column_one": hcpcs[of_surgery],
        "column_two": hcpcs[of],
    }
    found = {"row": row[place], "partner": row[surgery], "ground": ground}
    return Findings(pl.DataFrame(found), completed(pl.DataFrame(grounds)))


class _Says(NamedTuple):
    """What is said of a line by its kind; the detail is the `modifier`, or the `days` of the procedure's kind."""

    reason: pl.Series
    modifier: pl.Series
    has_modifier: pl.Series
    days: pl.Series
    table: pl.Series


def _says(kinds: Kinds) -> Mapping[str, _Says]:
    """What is said by where a line lies."""
    told = {}
    for where, (modifier, with_modifier, reason, days) in _SAID.items():
        has = modifier.is_not_null()
        columns = {
            "reason": pl.when(has).then(with_modifier).otherwise(pl.lit(reason)).cast(REASON),
            "modifier": modifier,
            "has_modifier": has,
            "days": days,
            "table": pl.lit("mpfs").cast(TABLE),
        }
        told[where] = _Says(*kinds.table.with_columns(**columns).select(*columns))
    return told


def _named(*modifiers: str) -> pl.Expr:
    """The first of *modifiers* that the line has."""
    return pl.coalesce(pl.when(f"m{each}").then(pl.lit(each)) for each in modifiers)


_DAYS = pl.col("global_days")
_PERIOD = _DAYS.replace_strict({days: str(after) for days, after in AFTER.items()}, default=None)

_DOCUMENTED = pl.lit("global-visit-documented")
_EXPLAINED = pl.when(pl.col("m58") | pl.col("m79")).then(pl.lit("global-new-period")).otherwise(pl.lit("global-return"))

_SAID = {
    "minor": (_named("25"), _DOCUMENTED, "global-visit-same-day", _DAYS),
    "major": (_named("57"), _DOCUMENTED, "global-visit-major", _DAYS),
    "contractor": (pl.lit(None, pl.String), _DOCUMENTED, "global-by-contractor", _DAYS),
    "day before": (_named("57"), _DOCUMENTED, "global-visit-major", _DAYS),
    "visit after": (_named("24"), _DOCUMENTED, "global-visit-after", _PERIOD),
    "procedure after": (_named("58", "79", "78"), _EXPLAINED, "global-procedure-after", _PERIOD),
    "return in office": (pl.lit(_OFFICE), pl.lit("global-return-in-office"), "global-return-in-office", _DAYS),
}
"""By where a line lies: the modifiers that bear on it, the reason with and without them, and the days of the period."""
