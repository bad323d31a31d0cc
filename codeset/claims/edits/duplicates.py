"""Duplicates: the same service billed twice for one patient on one day is paid once.

An exact duplicate - same practitioner, days, code, modifiers, place of service, and charge, on one claim or two - is
denied automatically. A suspect one, in which one of these differs, is for the contractor. A modifier that says what
tells the two lines apart prevents both, and its line rests on the record (IOM 100-04 ch. 1, section 120; within one
claim since 2013-07-01). Group OA, code 18: NGS, "How to avoid and correct duplicate claim denials".
"""

from dataclasses import replace

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, combine_findings, findings_of
from codeset.claims.edits.modifiers import IS_ASSISTANT, first_modifier
from codeset.claims.edits.rules import codes_in, codes_named
from codeset.claims.edits.two_sides import IS_ONE_SIDE, same_codes
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.visits import is_code_again_in_visit, pairs_in_visit

READS = ("through_date", "units", "charge_cents")
NAMES = ("provider", "claim_id")

PARTS_OF_A_SERVICE = {"component": ("26", "TC"), "care": ("54", "55", "56")}
"""Lines with different modifiers of one of these claim different parts of a service: they repeat nothing. A line with
none of them claims the whole, and so repeats each part of the same place (record layout RVU25D, PC/TC Indicator 1; IOM
100-04 ch. 12, section 40.2)."""

OTHER_SERVICES = ("m62", "m66", "mJW", "mJZ")
"""Lines that differ in one of these, or in who assists, repeat nothing either."""

SEPARATING = ("distinct", "repeated", "other_bypass")
"""Modifiers that tell two lines of one code apart: 59 and X{EPSU}; 76 and 77; 27, 58, 78, 79, and 91."""

# What tells a line apart from the other: one of `SEPARATING` on either, or else another site.
NAMED_ON_FIRST, NAMED_ON_SECOND = (
    pl.coalesce(first_modifier(f"{name}{suffix}") for name in SEPARATING) for suffix in ("", "_two")
)
# One side is a part of both: beside 50 it tells no other service.
IS_BOTH_SIDES = pl.col("m50") | pl.col("m50_two")
SITE_ON_FIRST, SITE_ON_SECOND = (
    pl.when((pl.col("site") != pl.col("site_two")) & ~IS_BOTH_SIDES).then(first_modifier(f"site{suffix}"))
    for suffix in ("", "_two")
)

# Two sides of a code that has none: `two_sides` decides.
IS_ONE_SIDE_OF_NONE = pl.col("is_one_side") & pl.col("is_one_side_two") & (pl.col("site") != pl.col("site_two"))

# A charge tells more than units do; where neither line has one, the units tell.
IS_SAME_AMOUNT = (
    pl.when(pl.col("charge_cents").is_null() & pl.col("charge_cents_two").is_null())
    .then(pl.col("units") == pl.col("units_two"))
    .otherwise(pl.col("charge_cents").eq_missing(pl.col("charge_cents_two")))
)
DIFFERENCES = {
    "modifiers": ~pl.col("is_same_modifiers"),
    "places of service": ~pl.col("is_same_place"),
    "practitioners": pl.col("provider") != pl.col("provider_two"),
    "last days": pl.col("through_date").ne_missing(pl.col("through_date_two")),
    "charges or units": ~IS_SAME_AMOUNT,
}
"""What makes a duplicate a suspect one, as the sentence names it."""

REASON = (
    pl.when(pl.col("is_exact") & pl.col("is_visit"))
    .then(pl.lit("duplicate-visit"))
    .when("is_exact")
    .then(pl.lit("duplicate-exact"))
    .when("is_new_patient")
    .then(pl.lit("new-patient-established"))
    .otherwise(pl.lit("duplicate-suspect"))
)
IS_EXACT = ~pl.any_horizontal(DIFFERENCES.values())
# The same line with the same 59 on a second claim has more likely been billed twice than for another lesion.
IS_SEPARATE = pl.col("modifier").is_not_null() & (
    ~pl.col("is_same_modifiers") | (pl.col("claim_id") == pl.col("claim_id_two"))
)


def find_duplicates(lines: Lines) -> Findings:
    """One finding for each line that repeats an earlier line of its visit, or that a modifier tells apart from one."""
    # Most visits have each code once: only lines whose code is there again are compared (docs/decisions/0004).
    is_again = is_code_again_in_visit(lines)
    if not is_again.any():
        return NO_FINDINGS
    repeating_lines = replace(lines, table=lines.table.filter(is_again))
    pairs, comparisons = pairs_in_visit(repeating_lines, same_codes, compare_kinds)
    # Pairs come in both orders: the later line is the one that repeats.
    repeated_pairs = pairs.filter(pl.col("row") < pl.col("row_two"))
    if repeated_pairs.is_empty():
        return NO_FINDINGS
    values_of_first = repeating_lines.table.select("row", *READS, *NAMES).filter(~repeating_lines.is_denied)
    values_of_second = values_of_first.rename({name: f"{name}_two" for name in values_of_first.columns})
    compared_pairs = repeated_pairs.hstack(comparisons[repeated_pairs["reason_row"]])
    compared_pairs = compared_pairs.join(values_of_first, on="row").join(values_of_second, on="row_two")
    is_separate = compared_pairs.select(IS_SEPARATE).to_series()
    repeats, separate_services = compared_pairs.filter(~is_separate), compared_pairs.filter(is_separate)
    return combine_findings([_findings_of_repeats(repeats), _findings_of_separate(separate_services)])


def _findings_of_repeats(pairs: pl.DataFrame) -> Findings:
    """The later line of each pair, with the first line that it repeats.

    Visits of one day have a rule of their own, but nobody is a new patient of one practitioner or group twice.
    """
    difference_names = [pl.when(differs).then(pl.lit(name)) for name, differs in DIFFERENCES.items()]
    repeated_lines = (
        pairs.with_columns(
            IS_EXACT.alias("is_exact"),
            pl.concat_str(difference_names, separator=", ", ignore_nulls=True).alias("differing"),
        )
        .filter(pl.col("is_exact") | ~pl.col("is_visit") | pl.col("is_new_patient"))
        # An exact duplicate is denied, so that it decides before a suspect one; of several the first line is named.
        .sort(~pl.col("is_exact"), "row", "row_two")
        .unique("row_two", keep="first", maintain_order=True)
    )
    return findings_of(
        repeated_lines.with_columns(pl.col("row_two").alias("row"), pl.col("row").alias("partner")),
        REASON,
        detail=pl.when(REASON == "duplicate-suspect").then("differing"),
        column_one=pl.col("hcpcs"),
    )


def _findings_of_separate(pairs: pl.DataFrame) -> Findings:
    """The line of each pair that has the modifier: the later one, if both have."""
    line_with_modifier = pl.when("is_on_second").then("row_two").otherwise("row")
    other_line = pl.when("is_on_second").then("row").otherwise("row_two")
    separate_lines = pairs.select(line_with_modifier.alias("row"), other_line.alias("partner"), "modifier", "hcpcs")
    return findings_of(
        separate_lines.sort("row", "modifier", "partner").unique(
            ["row", "modifier"], keep="first", maintain_order=True
        ),
        "duplicate-separate",
        detail=pl.col("modifier"),
        column_one=pl.col("hcpcs"),
    )


def compare_kinds(line_kinds: LineKinds, pairs: pl.DataFrame) -> pl.DataFrame:
    """What the kinds of two lines of one code say of each other; nothing if they claim different parts of a service.

    `modifier` is the one that tells them apart, null if none does; `is_on_second` whether the second line has it.
    """
    first_parts = parts_of_service(line_kinds.table[pairs["line_kind"]])
    second_parts = parts_of_service(line_kinds.table[pairs["line_kind_two"]]).select(pl.all().name.suffix("_two"))
    kind_pairs = pairs.hstack(first_parts).hstack(second_parts)
    new_patients = codes_in(line_kinds.code_set, codes_named("new_patient", "codes"))
    is_same_part = [overlaps(part) for part in PARTS_OF_A_SERVICE]
    return kind_pairs.filter(pl.col("other") == pl.col("other_two"), *is_same_part, ~IS_ONE_SIDE_OF_NONE).select(
        "number",
        "hcpcs",
        "is_visit",
        pl.col("hcpcs").is_in(new_patients.implode()).alias("is_new_patient"),
        (pl.col("sorted_modifiers") == pl.col("sorted_modifiers_two")).alias("is_same_modifiers"),
        (pl.col("place_of_service") == pl.col("place_of_service_two")).alias("is_same_place"),
        pl.coalesce(NAMED_ON_SECOND, NAMED_ON_FIRST, SITE_ON_SECOND, SITE_ON_FIRST).alias("modifier"),
        (NAMED_ON_SECOND.is_not_null() | (NAMED_ON_FIRST.is_null() & SITE_ON_SECOND.is_not_null())).alias(
            "is_on_second"
        ),
    )


def overlaps(part: str) -> pl.Expr:
    """Whether two lines claim the same *part* of a service, or, in the same place, one of them the whole."""
    part_of_first, part_of_second = pl.col(part), pl.col(f"{part}_two")
    is_whole = (part_of_first == "") | (part_of_second == "")
    is_same_place = pl.col("place_of_service") == pl.col("place_of_service_two")
    return (part_of_first == part_of_second) | (is_whole & is_same_place)


def parts_of_service(line_kinds: pl.DataFrame) -> pl.DataFrame:
    """Of each kind of line which part of the service it claims, and what tells it apart from another line."""
    return line_kinds.select(
        "hcpcs",
        "is_visit",
        "place_of_service",
        *SEPARATING,
        "site",
        "m50",
        *(
            pl.concat_str(
                *(pl.when(f"m{modifier}").then(pl.lit(modifier)) for modifier in modifiers), ignore_nulls=True
            ).alias(part)
            for part, modifiers in PARTS_OF_A_SERVICE.items()
        ),
        pl.concat_list(*OTHER_SERVICES, IS_ASSISTANT.alias("assists")).alias("other"),
        pl.col("modifiers").cast(pl.String).str.split(" ").list.sort().alias("sorted_modifiers"),
        IS_ONE_SIDE.alias("is_one_side"),
    )


DUPLICATES = Edit(find_duplicates, reads=READS, names=NAMES)
