"""One lesion: one removal, and what belongs to it. Applies only to lines that name the lesion they belong to.

One removal code for each lesion, its biopsy and closure included, is NCCI Policy Manual 2026, ch. III: E.1, E.2, E.6
(pp. III-6, III-7), F (Mohs, p. III-8), H.1, H.2 (flaps, p. III-9), L.9 (closure, pp. III-14, III-15). What includes
what is `[lesion]` of `rules.toml`.
"""

from functools import cache

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import NO_FINDINGS, combine_findings, findings_of
from codeset.claims.edits.rules import rules
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import is_member
from codeset.claims.engine.visits import first_in_visit, pairs_in_visit
from codeset.scope import codes_of

IS_MOHS = pl.col("family") == "mohs"
IS_NO_ADD_ON = pl.col("global_days") != "ZZZ"

# A biopsy or frozen section before Mohs surgery is paid where no diagnosis was at hand (F, p. III-8).
IS_BEFORE_MOHS = IS_MOHS & pl.col("family_two").is_in(rules()["lesion"]["before_mohs"])
IS_SEPARATE = (pl.col("distinct_two") != "") | pl.col("m58_two") | pl.col("m58")
IS_INCLUDED = ~(IS_BEFORE_MOHS & IS_SEPARATE)


def find_same_lesion(lines: Lines) -> Findings:
    """One finding for each line of a lesion that is another removal, or belongs to a line that is paid."""
    lines_of_lesions = lines.by("lesion")
    removals = find_other_removals(lines_of_lesions)
    return combine_findings([removals, find_included(lines_of_lesions, removals.rows["row"])])


def find_other_removals(lines: Lines) -> Findings:
    """All removals of a lesion but the one that is paid: the first by family as in the rules, then by what it pays.

    A removal that another edit denies comes after those that none does. Stages of Mohs surgery go with its first stage,
    add-on codes with the removal that is paid.
    """
    removals = lines.line_kinds.cached(removals_of_kinds)
    removal_ranks, is_mohs_surgery = lines.look_up(removals["rank"]), lines.look_up(removals["is_mohs"])
    # Behind all ranks: a removal that is denied otherwise leads only where every removal of the lesion is.
    payment_order = removal_ranks + lines.is_denied.cast(pl.UInt32) * removals.height
    first_removals = first_in_visit(lines, among=removal_ranks.is_not_null(), order=payment_order)
    rows = lines.table["row"]
    # Null where a lesion has no removal: such a line has no rank either, and is none of `other_removals`.
    is_stage = is_mohs_surgery & is_member(first_removals.fill_null(0), rows.filter(is_mohs_surgery))
    is_other = lines.look_up(removals["is_no_add_on"]) & (first_removals != rows) & ~is_stage
    other_removals = lines.table.with_columns(first_removals).filter(is_other & removal_ranks.is_not_null())
    return findings_of(other_removals, "lesion-one-removal", detail=pl.col("lesion"))


def removals_of_kinds(line_kinds: LineKinds) -> pl.DataFrame:
    """Of each line kind its `rank` among the removals, null if it is none; whether it is Mohs, and no add-on code."""
    family_order = rules()["lesion"]["removals"]
    family_place = pl.col("family").replace_strict(
        dict(zip(family_order, range(len(family_order)), strict=True)), default=None
    )
    removals = with_family(line_kinds).with_columns(place=family_place)
    rank_rows = removals.select("place", "nonfacility_total_rvu").drop_nulls("place").unique()
    rank_rows = rank_rows.sort("place", "nonfacility_total_rvu", descending=[False, True]).with_row_index("rank")
    # A code without RVUs, such as one that the contractor prices, has a rank, too.
    ranked_kinds = removals.join(
        rank_rows, on=["place", "nonfacility_total_rvu"], how="left", maintain_order="left", nulls_equal=True
    )
    mark_columns = {"is_mohs": IS_MOHS, "is_no_add_on": IS_NO_ADD_ON}
    return ranked_kinds.select(
        "rank", **{name: condition.fill_null(value=False) for name, condition in mark_columns.items()}
    )


def find_included(lines: Lines, other_removals: pl.Series) -> Findings:
    """Lines that belong to another line of their lesion, one that is paid and does not itself belong to a third."""
    pairs, code_pairs = pairs_in_visit(lines, including_codes, inclusions_between)
    pairs = pairs.filter(~is_member(pairs["row"], pl.concat([lines.denied, other_removals])))
    pairs = pairs.filter(~is_member(pairs["row"], pairs["row_two"]))
    if pairs.is_empty():
        return NO_FINDINGS
    first_pairs = pairs.sort("row_two", "row").unique("row_two", keep="first", maintain_order=True)
    included_lines = first_pairs.hstack(code_pairs[first_pairs["reason_row"]]).select(
        "column_one", "column_two", row="row_two", partner="row"
    )
    lesions = lines.table.select("row", "lesion")
    return findings_of(
        included_lines.join(lesions, on="row", how="left", maintain_order="left"),
        "lesion-included",
        detail=pl.col("lesion"),
        column_one=pl.col("column_one"),
        column_two=pl.col("column_two"),
    )


def inclusions_between(line_kinds: LineKinds, pairs: pl.DataFrame) -> pl.DataFrame:
    """The codes of those pairs of line kinds of which the first includes the second."""
    first_kinds = with_family(line_kinds).select("line_kind", "hcpcs", "family", "m58")
    second_kinds = with_family(line_kinds).select(
        pl.col("line_kind", "hcpcs", "family", "m58", "distinct").name.suffix("_two")
    )
    kind_pairs = pairs.join(first_kinds, on="line_kind").join(second_kinds, on="line_kind_two")
    included_pairs = kind_pairs.join(inclusions(), on=["family", "family_two"]).filter(IS_INCLUDED)
    return included_pairs.select("number", column_one="hcpcs", column_two="hcpcs_two")


def including_codes(_: CodeSet) -> pl.DataFrame:
    """The pairs of codes of which the first may include the second."""
    first_families, second_families = families_of_codes(), families_of_codes().select(pl.all().name.suffix("_two"))
    return (
        inclusions()
        .join(first_families, on="family")
        .join(second_families, on="family_two")
        .select("hcpcs", "hcpcs_two")
    )


def with_family(line_kinds: LineKinds) -> pl.DataFrame:
    """The line kinds with the `family` of their code on a lesion, null if it has none."""
    return line_kinds.table.join(families_of_codes(), on="hcpcs", how="left", maintain_order="left")


@cache
def families_of_codes() -> pl.DataFrame:
    """The `family` of each `hcpcs` that removes a lesion or belongs to a removal."""
    spans_of_families = rules()["lesion"]["codes"]
    family_rows = [
        (hcpcs, family) for family, spans in spans_of_families.items() for span in spans for hcpcs in codes_of(span)
    ]
    return pl.DataFrame(family_rows, schema={"hcpcs": CODE, "family": pl.String}, orient="row")


@cache
def inclusions() -> pl.DataFrame:
    """Each `family` with each `family_two` that it includes."""
    included_families = rules()["lesion"]["includes"]
    inclusion_rows = [
        (family, family_two) for family, families_two in included_families.items() for family_two in families_two
    ]
    return pl.DataFrame(inclusion_rows, schema=["family", "family_two"], orient="row")


SAME_LESION = Edit(find_same_lesion, reads=("lesion",), needs="lesion")
