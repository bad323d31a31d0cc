"""All pairs: every two derm codes on one day, as they are and with XS on either, through the engine; none left out."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from codeset.claims.adjudicate import adjudicate
from codeset.claims.claim_fields import COLUMNS
from codeset.scope import scope
from codeset.snapshot import Snapshot

SEPARATE = "XS"
"""The modifier that says: a separate site or organ."""

MODIFIER_SIDES = ("", "one", "two")
"""The line that has it: neither, the first, or the second."""

CASE_KEY = ("hcpcs_one", "hcpcs_two", "modifier_on")
DECISION_COLUMNS = ("disposition", "edit", "reason", "ccmi", "column_one", "column_two")
"""What is decided of each line, in columns with `_one` and `_two`; that is what is compared."""

CMS_ROW_COLUMNS = ("effective_date", "deletion_date", "edition")
"""The row of CMS's that decides, besides its codes."""

_RELEASE_SUFFIXES = ("before", "after")
_MODIFIER_CASES = pl.DataFrame({"modifier_on": MODIFIER_SIDES})
_LINE_OF_SIDE = pl.DataFrame({"line": [1, 2], "side": MODIFIER_SIDES[1:]})
# What no PTP edit depends on: one practitioner, one unit, the office (ASSUMPTIONS.md).
_CONSTANT_FIELDS = {"provider": "practitioner", "units": 1, "place_of_service": "11", "locality": "national"}


@dataclass(frozen=True)
class Pairs:
    """What a release says of every pair.

    `cases` has a row for each pair (`hcpcs_one` before `hcpcs_two`) and place of the modifier (`modifier_on`: nowhere,
    on one, on two), with `DECISION_COLUMNS` and `CMS_ROW_COLUMNS` of what decides each line, ending in `_one` and
    `_two`; `alone` the same of each code alone: `hcpcs`, `DECISION_COLUMNS`, `CMS_ROW_COLUMNS`.
    """

    cases: pl.DataFrame
    alone: pl.DataFrame


@dataclass(frozen=True)
class PairChanges:
    """The pairs whose outcome differs between two releases.

    `compared` counts the cases (pair and place of the modifier) that both releases know; `only_old` and `only_new`
    those with a code that the other does not have. `changed` has the key and, ending in ` before` and ` after`, the
    columns of `Pairs.cases`, for changes that lie in the pair. `alone` (`hcpcs`, the columns of both, `cases`)
    has the codes that come out otherwise by themselves, and in how many cases nothing else differs.
    """

    compared: int
    only_old: int
    only_new: int
    changed: pl.DataFrame
    alone: pl.DataFrame

    @property
    def count(self) -> int:
        """How many cases differ, for either reason."""
        return self.changed.height + int(self.alone["cases"].sum())


def adjudicate_pairs(snapshot: Snapshot, concerned_codes: Collection[str] | None = None) -> Pairs:
    """Return what is said of every pair of derm codes that the fee schedule has, on the first day of the quarter.

    With *concerned_codes*, `cases` has the pairs in which one of these codes is; `alone` has every code.
    """
    scope_codes = _scheduled_scope_codes(snapshot)
    pair_cases = _pair_cases(scope_codes, scope_codes if concerned_codes is None else concerned_codes)
    decided_lines = _decided_lines(_lines_of_cases(pair_cases), snapshot)
    outcomes = pair_cases.select(CASE_KEY)
    for line_position, side in enumerate(MODIFIER_SIDES[1:]):
        # Lines come back by claim and line number: those of one side are every second one.
        outcomes = outcomes.hstack(
            decided_lines.gather_every(2, line_position).select(
                pl.col(*DECISION_COLUMNS, *CMS_ROW_COLUMNS).name.suffix(f"_{side}")
            )
        )
    single_lines = pl.DataFrame({"claim_id": scope_codes, "line": 1, "hcpcs": scope_codes, "modifiers": ""})
    alone_outcomes = pl.DataFrame({"hcpcs": scope_codes}).hstack(_decided_lines(single_lines, snapshot))
    return Pairs(outcomes, alone_outcomes)


def _scheduled_scope_codes(snapshot: Snapshot) -> list[str]:
    schedule_codes = snapshot.scan("mpfs").select(pl.col("hcpcs").unique().sort()).collect()["hcpcs"]
    return [hcpcs for hcpcs in schedule_codes if hcpcs in scope("derm").families]


def _pair_cases(scope_codes: list[str], concerned_codes: Collection[str]) -> pl.DataFrame:
    """Each two codes once, of which one at least is among *concerned_codes*, with each place of the modifier.

    `claim_id` is the number of the case, with leading zeros: the engine sorts claims by their text.
    """
    first_codes, second_codes = (pl.DataFrame({column: scope_codes}) for column in ("hcpcs_one", "hcpcs_two"))
    is_concerned = pl.any_horizontal(
        pl.col(column).is_in(list(concerned_codes)) for column in ("hcpcs_one", "hcpcs_two")
    )
    # Each two codes once: which is column one is for the edit to say, not for the order of lines.
    code_pairs = first_codes.join(second_codes, how="cross").filter(
        pl.col("hcpcs_one") < pl.col("hcpcs_two"), is_concerned
    )
    cases = code_pairs.join(_MODIFIER_CASES, how="cross")
    case_number = pl.int_range(pl.len()).cast(pl.String).str.zfill(len(str(cases.height)))
    return cases.with_columns(case_number.alias("claim_id"))


def _lines_of_cases(cases: pl.DataFrame) -> pl.DataFrame:
    """The two lines of each case, one after the other."""
    lines = cases.join(_LINE_OF_SIDE, how="cross", maintain_order="left_right")
    modifiers = pl.when(pl.col("modifier_on") == pl.col("side")).then(pl.lit(SEPARATE)).otherwise(pl.lit(""))
    hcpcs = pl.when(side="one").then("hcpcs_one").otherwise("hcpcs_two")
    return lines.select("claim_id", "line", hcpcs=hcpcs, modifiers=modifiers)


def _decided_lines(lines: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """What decides each line, and CMS's row, by claim and line; each claim is a beneficiary of its own."""
    # One day for the whole quarter: edits change with its first day (ASSUMPTIONS.md).
    first_day = pl.lit(snapshot.release.first_day)
    constant_columns = {column: pl.lit(constant) for column, constant in _CONSTANT_FIELDS.items()}
    claim_rows = lines.with_columns(
        pl.col("claim_id").alias("beneficiary"), date_of_service=first_day, **constant_columns
    )
    claim_columns = (
        (pl.col(column) if column in claim_rows.columns else pl.lit(None)).cast(dtype).alias(column)
        for column, dtype in COLUMNS.items()
    )
    outcome = adjudicate(claim_rows.select(claim_columns), snapshot)
    # Findings of a line come with the decisive one first.
    decisive_findings = outcome.findings.filter(pl.col("row").is_first_distinct()).select(
        "row", "ccmi", "column_one", "column_two", *CMS_ROW_COLUMNS
    )
    decisions = outcome.lines.select("row", "disposition", "edit", reason="decided_by")
    text_columns = pl.col("disposition", "edit", "reason", "column_one", "column_two", "edition").cast(pl.String)
    decided_rows = decisions.join(decisive_findings, on="row", how="left", maintain_order="left")
    return decided_rows.select(*DECISION_COLUMNS, *CMS_ROW_COLUMNS).with_columns(text_columns)


def changed_pairs(earlier_pairs: Pairs, later_pairs: Pairs) -> PairChanges:
    """Return how the outcomes of *later_pairs* differ from those of *earlier_pairs*."""
    changed_alone = _side_by_side(earlier_pairs.alone, later_pairs.alone, ["hcpcs"]).filter(_is_different())
    compared_cases = _side_by_side(earlier_pairs.cases, later_pairs.cases, list(CASE_KEY))
    changed_cases = compared_cases.filter(_is_different("_one") | _is_different("_two"))
    for side in ("one", "two"):
        changed_cases = _with_explanation_of_side(changed_cases, changed_alone, side)
    # A code that is denied alone is denied in every pair: those cases are counted once, by the code, or they would
    # bury the changes of edits.
    is_explained = (~_is_different("_one") | pl.col("whose_one")) & (~_is_different("_two") | pl.col("whose_two"))
    explaining_code = pl.when("whose_one").then("hcpcs_one").otherwise("hcpcs_two").alias("hcpcs")
    explained_counts = (
        changed_cases.filter(is_explained).group_by(explaining_code).agg(pl.len().cast(pl.Int64).alias("cases"))
    )
    return PairChanges(
        compared=compared_cases.height,
        only_old=earlier_pairs.cases.height - compared_cases.height,
        only_new=later_pairs.cases.height - compared_cases.height,
        changed=changed_cases.filter(~is_explained).drop("whose_one", "whose_two"),
        alone=changed_alone.join(explained_counts, on="hcpcs", how="left", maintain_order="left").with_columns(
            pl.col("cases").fill_null(0)
        ),
    )


def _side_by_side(earlier_outcomes: pl.DataFrame, later_outcomes: pl.DataFrame, key_columns: list[str]) -> pl.DataFrame:
    earlier_columns, later_columns = (
        outcomes.rename({column: f"{column} {suffix}" for column in outcomes.columns if column not in key_columns})
        for outcomes, suffix in ((earlier_outcomes, "before"), (later_outcomes, "after"))
    )
    return earlier_columns.join(later_columns, on=key_columns, how="inner", maintain_order="left")


def _is_different(side: str = "") -> pl.Expr:
    return pl.any_horizontal(
        pl.col(f"{column}{side} before").ne_missing(pl.col(f"{column}{side} after")) for column in DECISION_COLUMNS
    )


def _with_explanation_of_side(cases: pl.DataFrame, alone: pl.DataFrame, side: str) -> pl.DataFrame:
    """Adds `whose_`side: whether the line comes out as its code does alone, where that differs.

    So it is if it does before and after; and if it does at one of them, where no row of a pair decides at the other.
    """
    outcome_columns = [f"{column} {suffix}" for column in DECISION_COLUMNS for suffix in _RELEASE_SUFFIXES]
    alone_outcomes = alone.select(
        pl.col("hcpcs").alias(f"hcpcs_{side}"), pl.col(outcome_columns).name.prefix("own "), own=pl.lit(value=True)
    )
    is_as_alone, is_without_pair_row = {}, {}
    for suffix in _RELEASE_SUFFIXES:
        is_as_alone[suffix] = pl.all_horizontal(
            pl.col(f"{column}_{side} {suffix}").eq_missing(pl.col(f"own {column} {suffix}"))
            for column in DECISION_COLUMNS
        )
        is_without_pair_row[suffix] = pl.col(f"column_two_{side} {suffix}").is_null()
    earlier_suffix, later_suffix = _RELEASE_SUFFIXES
    is_explained = (is_as_alone[earlier_suffix] & (is_as_alone[later_suffix] | is_without_pair_row[later_suffix])) | (
        is_as_alone[later_suffix] & is_without_pair_row[earlier_suffix]
    )
    cases_with_alone = cases.join(alone_outcomes, on=f"hcpcs_{side}", how="left", maintain_order="left")
    is_explained_by_code = pl.col("own").fill_null(value=False) & is_explained
    return cases_with_alone.with_columns(is_explained_by_code.alias(f"whose_{side}")).select(
        *cases.columns, f"whose_{side}"
    )
