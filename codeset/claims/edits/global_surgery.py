"""Global surgery: the payment of a procedure includes visits and procedures on its day and in its global period.

One practitioner, or group and specialty, and one beneficiary. A visit on the day of a minor procedure needs modifier
25, for new patients too; on the day of a major one 57 (NCCI Policy Manual 2026, p. I-13), and on the day before it
(IOM 100-04 ch. 12, section 40.1); in the days after, 24. Sutures removed then are in the payment (section 40.1.A). A
procedure in the days after needs 58, 78 or 79; 78 begins no new period (same chapter, section 40.2), and needs an
operating room, which an office has not (section 40.1.B; NCCI Policy Manual, p. III-14: a complication treated without
one is in the payment).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import NO_FINDINGS, combine_findings, findings_of, reason_columns
from codeset.claims.edits.of_visits.surgery_of_group import GROUP_SURGERIES, PERIOD_DAYS
from codeset.claims.edits.rules import codes_named, has_code
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.periods import (
    Days,
    explained,
    first_not_null,
    on_earlier_day,
    on_next_day,
    on_same_day,
    patient_days,
    related,
)
from codeset.claims.engine.series import is_member, starts_group, true_positions
from codeset.claims.reference.reference_tables import places_of_service
from codeset.scope import scope

# The longer period first: of two minor procedures of a day that one is named.
MINOR = ("010", "000")
MAJOR = ("090",)
CONTRACTOR = ("YYY",)
GLOBAL_DAYS = pl.col("global_days")
# What adds to a visit (ZZZ) goes with it, and is denied with it as an add-on code.
IS_VISIT = pl.col("is_visit") & (GLOBAL_DAYS != "ZZZ")
IS_PROCEDURE = ~pl.col("is_visit") & GLOBAL_DAYS.is_in([*MINOR, *MAJOR])
IS_BY_CONTRACTOR = ~pl.col("is_visit") & GLOBAL_DAYS.is_in(CONTRACTOR)
# Care before or after surgery alone, by modifier 55 or 56, includes nothing (IOM 100-04 ch. 12, section 40.2).
IS_SURGERY = (IS_PROCEDURE | IS_BY_CONTRACTOR) & ~(pl.col("m55") | pl.col("m56"))
BEGINS_PERIOD = GLOBAL_DAYS.is_in(list(PERIOD_DAYS)) & ~pl.col("m78")
IS_EXPLAINED = pl.col("m58") | pl.col("m78") | pl.col("m79")
PLACE = pl.col("place_of_service").cast(pl.String)
WITHOUT_OPERATING_ROOM = places_of_service().filter(setting="nonfacility")["place_of_service"]
IS_RETURN_IN_OFFICE = IS_PROCEDURE & pl.col("m78") & PLACE.is_in(WITHOUT_OPERATING_ROOM.implode())
IS_SUTURE_REMOVAL = has_code("suture_removal", "codes")
IS_STAGED = IS_PROCEDURE & pl.col("m58")
# 58 may also tell a procedure from another of its day, such as Mohs surgery from the biopsy before it (p. III-8).
IS_OTHER_PROCEDURE = ~pl.col("is_visit") & ~pl.col("m58")
IS_OTHER_SERVICE = ~(pl.col("is_visit") & (pl.col("m25") | (GLOBAL_DAYS == "ZZZ")))

SPEAKS_OF = {
    **{modifier: IS_PROCEDURE & pl.col(f"m{modifier}") for modifier in ("78", "79", "58")},
    **{modifier: IS_VISIT & pl.col(f"m{modifier}") for modifier in ("24", "57", "25")},
}
"""By modifier, the lines on which it speaks of another service: earlier surgery, or, 57 and 25, of that day."""

BESIDE = {"58": IS_OTHER_PROCEDURE, "25": IS_OTHER_SERVICE}
"""By modifier, the lines of the day that it may speak of and that no relation below names."""

NOT_READ = {"57": "global-no-surgery-read", "25": "global-no-service-read"}
"""By modifier, the reason where the claims read hold no service that it speaks of; of others, no open period."""

DAYS_AFTER = (pl.col("date_of_service") - pl.col("date_of_service_before")).dt.total_days()
IS_IN_PERIOD_BEFORE = DAYS_AFTER.is_between(1, pl.col("period_before"))
HOW_CLOSE = (
    pl.when((pl.col("lesion") == pl.col("lesion_before")).fill_null(value=False))
    .then(3)
    .when((pl.col("site") == pl.col("site_before")) & (pl.col("site") != ""))
    .then(2)
    .when((pl.col("family") == pl.col("family_before")) & (pl.col("family") != ""))
    .then(1)
    .otherwise(0)
)
"""How close a staged procedure is to an earlier one: the same lesion, site, or family of codes."""

# In days after the surgery: of a contractor's period (YYY) no length is known.
SURGERY_PERIOD = pl.col("partner_days").replace_strict(
    {days: str(after) for days, after in PERIOD_DAYS.items()}, default=None
)
SURGERY_DAYS = pl.col("partner_days")
"""The global days of the surgery."""

DOCUMENTED = pl.lit("global-visit-documented")
HAS_PERIOD = GLOBAL_DAYS.is_in(list(PERIOD_DAYS))
# 78 pays the intra-operative share; a code of 000 days has none, and is paid in full (IOM ch. 12, section 40.4.C).
PAID_IN_PERIOD = (
    pl.when((pl.col("m58") | pl.col("m79")) & HAS_PERIOD)
    .then(pl.lit("global-new-period"))
    .when(pl.col("m58") | pl.col("m79"))
    .then(pl.lit("global-paid-in-period"))
    .when(HAS_PERIOD)
    .then(pl.lit("global-return"))
    .otherwise(pl.lit("global-return-in-full"))
)
NO_REASON = pl.lit(None, dtype=pl.String)


class Relation(NamedTuple):
    """What a line is, its modifiers that count, the reason with and without them, and which days a finding names."""

    line: pl.Expr
    modifiers: tuple[str, ...]
    with_modifier: pl.Expr
    without: str
    days: pl.Expr


RELATIONS: Mapping[str, Relation] = {
    "minor": Relation(IS_VISIT, ("25",), DOCUMENTED, "global-visit-same-day", SURGERY_DAYS),
    "major": Relation(IS_VISIT, ("57",), DOCUMENTED, "global-visit-major", SURGERY_DAYS),
    "contractor": Relation(IS_VISIT, (), NO_REASON, "global-by-contractor", SURGERY_DAYS),
    "day before": Relation(IS_VISIT, ("57",), DOCUMENTED, "global-visit-major", SURGERY_DAYS),
    "visit after": Relation(IS_VISIT, ("24",), DOCUMENTED, "global-visit-after", SURGERY_PERIOD),
    "sutures after": Relation(IS_SUTURE_REMOVAL, (), NO_REASON, "global-sutures", SURGERY_PERIOD),
    "procedure after": Relation(
        IS_PROCEDURE,
        ("58", "79", "78"),
        PAID_IN_PERIOD,
        "global-procedure-after",
        SURGERY_PERIOD,
    ),
    "return in office": Relation(IS_RETURN_IN_OFFICE, (), NO_REASON, "global-return-in-office", PLACE),
}
"""By the relation of a line to a surgery: on its day (minor, major, contractor's), the day before, in its period."""


PROCEDURE_AFTER = list(RELATIONS).index("procedure after")


def find_global_surgery(lines: Lines) -> Findings:
    """One finding for each line in one of the relations to a surgery of the same patient, or that claims to be in one.

    24, 58, 78 and 79 speak of an earlier surgery whose period is open, 57 of major surgery on this or the next day, 25
    of another service that day: where the claims read hold none, a note says so. Without an operating room 78 is not
    payable, whichever surgery it was.
    """
    kind_marks = lines.line_kinds.cached(marks_of_kinds)
    is_surgery = lines.look_up(kind_marks["surgery"]) & ~lines.is_denied
    is_speaking = lines.look_up(kind_marks["speaks of another"]) & ~lines.is_denied
    if not (is_surgery.any() or is_speaking.any()):
        return NO_FINDINGS
    days = patient_days(lines.table)
    related_lines = find_related(lines, days, kind_marks, is_surgery)
    # Of surgery by the group in another specialty `surgery_of_group` speaks.
    in_no_relation = is_speaking & ~is_member(lines.table["row"], related_lines.rows["row"])
    in_no_relation &= lines.table["group_surgery"].is_null()
    return combine_findings([related_lines, *find_not_read(lines, days, kind_marks, true_positions(in_no_relation))])


def find_not_read(
    lines: Lines, days: Days, kind_marks: pl.DataFrame, speaking_positions: pl.Series
) -> Iterator[Findings]:
    """One finding for each line at *speaking_positions* whose modifier speaks of a service that was not read."""
    if speaking_positions.is_empty():
        return
    speaking_kinds = lines.line_kinds.cached(speaking_of_kinds)[lines.table["line_kind"][speaking_positions]]
    speaking_lines = pl.DataFrame([lines.table["row"][speaking_positions], *speaking_kinds])
    day_positions = days.of_line[speaking_positions]
    for modifier in BESIDE:
        others = true_positions(lines.look_up(kind_marks[f"beside {modifier}"]))
        # 58 and 25 may speak of a service of the same day that no relation names: then it was read.
        has_other = on_same_day(days, others)[day_positions].is_not_null()
        is_beside = (speaking_lines["modifier"] == modifier) & has_other
        speaking_lines, day_positions = speaking_lines.filter(~is_beside), day_positions.filter(~is_beside)
    yield findings_of(speaking_lines.filter("is_in_office"), "global-return-place", detail=pl.col("place"))
    yield findings_of(speaking_lines.filter(~pl.col("is_in_office")), NOT_READ_REASON, detail=pl.col("modifier"))


NOT_READ_REASON = pl.col("modifier").replace_strict(NOT_READ, default="global-no-period-read", return_dtype=pl.String)


def speaking_of_kinds(line_kinds: LineKinds) -> pl.DataFrame:
    """Of each line kind whether it is a return to an office, its place of service, and its first of `SPEAKS_OF`."""
    modifiers_of_lines = (
        pl.when(line_condition).then(pl.lit(modifier)) for modifier, line_condition in SPEAKS_OF.items()
    )
    return line_kinds.table.select(
        IS_RETURN_IN_OFFICE.fill_null(value=False).alias("is_in_office"),
        PLACE.alias("place"),
        pl.coalesce(*modifiers_of_lines).alias("modifier"),
    )


def find_related(lines: Lines, days: Days, kind_marks: pl.DataFrame, is_surgery: pl.Series) -> Findings:
    """One finding for each line in one of the relations to a surgery of the same patient (*is_surgery* marks them)."""
    if not is_surgery.any():
        return NO_FINDINGS
    in_period, is_surgery = settled_periods(lines, days, kind_marks, is_surgery)

    def on_day(*global_days: str) -> pl.Series:
        """The surgery of each day: of the first of *global_days* that the day has a surgery of."""
        positions = (true_positions(is_surgery & lines.look_up(kind_marks[name])) for name in global_days)
        return first_not_null(*(on_same_day(days, surgeries) for surgeries in positions))

    surgery_of_day = {
        "minor": on_day(*MINOR),
        "major": on_day(*MAJOR),
        "contractor": on_day(*CONTRACTOR),
        # Only 090 includes the day before (IOM 100-04 ch. 12, section 40.1).
        "day before": on_next_day(days, true_positions(is_surgery & lines.look_up(kind_marks[MAJOR[0]]))),
        "visit after": in_period,
        "sutures after": in_period,
        "procedure after": in_period,
        "return in office": in_period,
    }
    matches = related(lines, days, {name: (kind_marks[name], surgery_of_day[name]) for name in RELATIONS})
    if matches.is_empty():
        return NO_FINDINGS
    return Findings(*explained(lines, with_followed(lines, matches, kind_marks, is_surgery), reason_rows_of))


def with_followed(lines: Lines, matches: pl.DataFrame, kind_marks: pl.DataFrame, is_surgery: pl.Series) -> pl.DataFrame:
    """The matches, those of staged procedures with the surgery that each follows, among all whose periods are open.

    That is one of the same lesion, else of the same site, else of the same family of codes, else the latest.
    """
    is_staged = kind_marks["staged"][matches["line_kind"]] & (matches["relation"] == PROCEDURE_AFTER)
    if not is_staged.any():
        return matches
    kinds_of_lines = lines.line_kinds.cached(kinds_to_follow)
    all_lines = lines.table.select("row", "patient", "date_of_service", "lesion", "line_kind").hstack(
        kinds_of_lines[lines.table["line_kind"]]
    )
    begun_surgeries = all_lines.filter(is_surgery & all_lines["period"].is_not_null())
    staged_lines = matches.filter(is_staged).select("row", "relation").join(all_lines, on="row")
    followed_surgeries = (
        staged_lines.join(begun_surgeries, on="patient", suffix="_before")
        .filter(IS_IN_PERIOD_BEFORE)
        # Of surgeries as close and as late the first line counts, so that the answer does not hang on the order of
        # joins.
        .sort("row", HOW_CLOSE, "date_of_service_before", "row_before", descending=[False, True, True, False])
        .unique("row", keep="first", maintain_order=True)
        .select("row", "line_kind", "relation", partner="row_before", partner_kind="line_kind_before")
    )
    return pl.concat([matches.filter(~is_staged), followed_surgeries.select(matches.columns)])


def kinds_to_follow(line_kinds: LineKinds) -> pl.DataFrame:
    """Of each line kind its site and family, blank if it has none, and the days of its period, null without one."""
    period_days = GLOBAL_DAYS.replace_strict(PERIOD_DAYS, default=None, return_dtype=pl.Int64)
    family = scope("derm").family(pl.col("hcpcs").cast(pl.String))
    return line_kinds.table.select(
        "site", family.alias("family"), pl.when(BEGINS_PERIOD).then(period_days).alias("period")
    )


def settled_periods(
    lines: Lines, days: Days, kind_marks: pl.DataFrame, is_surgery: pl.Series
) -> tuple[pl.Series, pl.Series]:
    """Return for each day the surgery in whose period it falls, and marks of the surgeries that are not denied there.

    What is denied begins no period itself. Whether one is denied hangs on the earlier ones alone, so that each round
    settles at least one more day. Of two periods the shorter counts, then the one that began last.
    """
    if starts_group(days.patient).all():  # no patient has a second day
        return days.none, is_surgery
    is_unexplained = lines.look_up(kind_marks["unexplained"])
    begun_periods = {
        global_days: is_surgery & lines.look_up(kind_marks[f"begins {global_days}"]) for global_days in PERIOD_DAYS
    }
    is_paid = is_surgery
    while True:
        in_period = first_not_null(
            *(
                on_earlier_day(days, true_positions(begun_periods[global_days] & is_paid), within_days=days_after)
                for global_days, days_after in sorted(PERIOD_DAYS.items(), key=lambda period: period[1])
            )
        )
        is_paid_now = is_surgery & ~(is_unexplained & in_period.is_not_null()[days.of_line])
        if is_paid_now.equals(is_paid):
            return in_period, is_paid
        is_paid = is_paid_now


def marks_of_kinds(line_kinds: LineKinds) -> pl.DataFrame:
    """What each line kind is: a surgery, of which global days, a line that a relation concerns, ..."""
    conditions = {
        "surgery": IS_SURGERY,
        **{days: days == GLOBAL_DAYS for days in (*MINOR, *MAJOR, *CONTRACTOR)},
        **{f"begins {days}": BEGINS_PERIOD & (days == GLOBAL_DAYS) for days in PERIOD_DAYS},
        "unexplained": IS_PROCEDURE & ~IS_EXPLAINED,
        "staged": IS_STAGED,
        "speaks of another": pl.any_horizontal(SPEAKS_OF.values()),
        **{f"beside {modifier}": line_condition for modifier, line_condition in BESIDE.items()},
        **{name: relation.line for name, relation in RELATIONS.items()},
    }
    return line_kinds.table.select(
        condition.fill_null(value=False).alias(name) for name, condition in conditions.items()
    )


def reason_rows_of(line_kinds: LineKinds, matches: pl.DataFrame) -> pl.DataFrame:
    """The reason row of each relation between a line of one kind and a surgery of another."""
    surgery_kinds = line_kinds.table.select(
        partner_kind="line_kind", partner_hcpcs="hcpcs", partner_days=pl.col("global_days").cast(pl.String)
    )
    kind_pairs = matches.join(line_kinds.table, on="line_kind").join(surgery_kinds, on="partner_kind")
    return pl.concat(
        kind_pairs.filter(pl.col("relation") == relation_number).select("number", *_relation_columns(relation))
        for relation_number, relation in enumerate(RELATIONS.values())
    )


def _relation_columns(relation: Relation) -> list[pl.Expr]:
    """The reason row of a relation: the detail is the modifier, or the days of the surgery's period."""
    modifiers = [pl.when(f"m{name}").then(pl.lit(name)) for name in relation.modifiers]
    modifier = pl.coalesce(pl.lit(None, dtype=pl.String), *modifiers)
    reason = pl.when(modifier.is_not_null()).then(relation.with_modifier).otherwise(pl.lit(relation.without))
    return reason_columns(
        reason,
        detail=pl.coalesce(modifier, relation.days.cast(pl.String)),
        table=pl.lit("mpfs"),
        column_one=pl.col("partner_hcpcs"),
        column_two=pl.col("hcpcs"),
    )


def days_of_global_periods(code_set: CodeSet) -> Mapping[int, pl.Series]:
    """The days after the codes with a global period; a visit bears on the next day, which may be that of surgery."""
    global_days = code_set.fees.select("global_days", pl.col("hcpcs").cast(CODE)).unique()
    codes_by_days = {
        days_after: global_days.filter(global_days=days)["hcpcs"] for days, days_after in PERIOD_DAYS.items()
    }
    return {1: pl.Series(sorted(codes_named("visits", "codes")), dtype=CODE), **codes_by_days}


GLOBAL_SURGERY = Edit(
    find_global_surgery,
    concerns=IS_SURGERY | pl.any_horizontal(SPEAKS_OF.values()),
    reads=("date_of_service", "lesion"),
    derives=(GROUP_SURGERIES,),
    reach_days=days_of_global_periods,
)
