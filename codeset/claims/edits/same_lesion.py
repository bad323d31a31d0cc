"""One lesion: one removal, and what belongs to it. Applies only to lines that name the lesion they belong to.

One removal code for each lesion, its biopsy and closure included, is NCCI Policy Manual 2026, ch. III: E.1, E.2, E.6
(pp. III-6, III-7), F (Mohs, p. III-8), H.1, H.2 (flaps, p. III-9), L.9 (closure, pp. III-14, III-15). What includes
what is `[lesion]` of `rules.toml`.
"""

from functools import cache

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import NONE, findings_of, together
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
    of_lesions = lines.by("lesion")
    removals = find_other_removals(of_lesions)
    return together([removals, find_included(of_lesions, removals.rows["row"])])


def find_other_removals(lines: Lines) -> Findings:
    """All removals of a lesion but the one that is paid: the first by family as in the rules, then by what it pays.

    A removal that another edit denies comes after those that none does. Stages of Mohs surgery go with its first stage,
    add-on codes with the removal that is paid.
    """
    removals = lines.line_kinds.cached(removals_of_kinds)
    rank, is_mohs = lines.look_up(removals["rank"]), lines.look_up(removals["is_mohs"])
    order = rank + lines.is_denied.cast(pl.UInt32) * removals.height
    first = first_in_visit(lines, among=rank.is_not_null(), order=order)
    row = lines.table["row"]
    is_stage = is_mohs & is_member(first.fill_null(0), row.filter(is_mohs))
    is_other = lines.look_up(removals["is_no_add_on"]) & (first != row) & ~is_stage
    other = lines.table.with_columns(first).filter(is_other & rank.is_not_null())
    return findings_of(other, "lesion-one-removal", detail=pl.col("lesion"))


def removals_of_kinds(line_kinds: LineKinds) -> pl.DataFrame:
    """Of each line kind its `rank` among the removals, null if it is none; whether it is Mohs, and no add-on code."""
    order = rules()["lesion"]["removals"]
    place = pl.col("family").replace_strict(dict(zip(order, range(len(order)), strict=True)), default=None)
    removals = with_family(line_kinds).with_columns(place=place)
    ranks = removals.select("place", "nonfacility_total_rvu").drop_nulls("place").unique()
    ranks = ranks.sort("place", "nonfacility_total_rvu", descending=[False, True]).with_row_index("rank")
    ranked = removals.join(
        ranks, on=["place", "nonfacility_total_rvu"], how="left", maintain_order="left", nulls_equal=True
    )
    marks = {"is_mohs": IS_MOHS, "is_no_add_on": IS_NO_ADD_ON}
    return ranked.select("rank", **{name: holds.fill_null(value=False) for name, holds in marks.items()})


def find_included(lines: Lines, other_removals: pl.Series) -> Findings:
    """Lines that belong to another line of their lesion, one that is paid and does not itself belong to a third."""
    pairs, codes = pairs_in_visit(lines, including_codes, inclusions_between)
    pairs = pairs.filter(~is_member(pairs["row"], pl.concat([lines.denied, other_removals])))
    pairs = pairs.filter(~is_member(pairs["row"], pairs["row_two"]))
    if pairs.is_empty():
        return NONE
    first = pairs.sort("row_two", "row").unique("row_two", keep="first", maintain_order=True)
    parts = first.hstack(codes[first["reason_row"]]).select("column_one", "column_two", row="row_two", partner="row")
    lesions = lines.table.select("row", "lesion")
    return findings_of(
        parts.join(lesions, on="row", how="left", maintain_order="left"),
        "lesion-included",
        detail=pl.col("lesion"),
        column_one=pl.col("column_one"),
        column_two=pl.col("column_two"),
    )


def inclusions_between(line_kinds: LineKinds, pairs: pl.DataFrame) -> pl.DataFrame:
    """The codes of those pairs of line kinds of which the first includes the second."""
    one = with_family(line_kinds).select("line_kind", "hcpcs", "family", "m58")
    two = with_family(line_kinds).select(pl.col("line_kind", "hcpcs", "family", "m58", "distinct").name.suffix("_two"))
    both = pairs.join(one, on="line_kind").join(two, on="line_kind_two")
    included = both.join(inclusions(), on=["family", "family_two"]).filter(IS_INCLUDED)
    return included.select("number", column_one="hcpcs", column_two="hcpcs_two")


def including_codes(_: CodeSet) -> pl.DataFrame:
    """The pairs of codes of which the first may include the second."""
    one, two = families(), families().select(pl.all().name.suffix("_two"))
    return inclusions().join(one, on="family").join(two, on="family_two").select("hcpcs", "hcpcs_two")


def with_family(line_kinds: LineKinds) -> pl.DataFrame:
    """The line kinds with the `family` of their code on a lesion, null if it has none."""
    return line_kinds.table.join(families(), on="hcpcs", how="left", maintain_order="left")


@cache
def families() -> pl.DataFrame:
    """The `family` of each `hcpcs` that removes a lesion or belongs to a removal."""
    codes = rules()["lesion"]["codes"]
    rows = [(hcpcs, family) for family, spans in codes.items() for span in spans for hcpcs in codes_of(span)]
    return pl.DataFrame(rows, schema={"hcpcs": CODE, "family": pl.String}, orient="row")


@cache
def inclusions() -> pl.DataFrame:
    """Each `family` with each `family_two` that it includes."""
    includes = rules()["lesion"]["includes"]
    rows = [(family, included) for family, parts in includes.items() for included in parts]
    return pl.DataFrame(rows, schema=["family", "family_two"], orient="row")


SAME_LESION = Edit(find_same_lesion, reads=("lesion",), needs="lesion")
