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

ON = ("", "one", "two")
"""The line that has it: neither, the first, or the second."""

KEY = ("hcpcs_one", "hcpcs_two", "modifier_on")
DECISION = ("disposition", "edit", "reason", "ccmi", "column_one", "column_two")
"""What is decided of each line, in columns with `_one` and `_two`; that is what is compared."""

ROW = ("effective_date", "deletion_date", "edition")
"""The row of CMS's that decides, besides its codes."""

_WHEN = ("before", "after")
_CASES = pl.DataFrame({"modifier_on": ON})
_LINES = pl.DataFrame({"line": [1, 2], "side": ON[1:]})
# What no PTP edit depends on: one practitioner, one unit, the office (ASSUMPTIONS.md).
_PLAIN = {"provider": "practitioner", "units": 1, "place_of_service": "11", "locality": "national"}


@dataclass(frozen=True)
class Pairs:
    """What a release says of every pair.

    `cases` has a row for each pair (`hcpcs_one` before `hcpcs_two`) and place of the modifier (`modifier_on`: nowhere,
    on one, on two), with `DECISION` and `ROW` of what decides each line, ending in `_one` and `_two`; `alone` the same
    of each code by itself: `hcpcs`, `DECISION`, `ROW`.
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


def pairs(snapshot: Snapshot, of: Collection[str] | None = None) -> Pairs:
    """Return what is said of every pair of derm codes that the fee schedule has, on the first day of the quarter.

    With *of*, `cases` has the pairs in which one of these codes is; `alone` has every code.
    """
    codes = _codes(snapshot)
    cases = _cases(codes, codes if of is None else of)
    lines = _decided_lines(_both_lines(cases), snapshot)
    outcomes = cases.select(KEY)
    for place, side in enumerate(ON[1:]):
        # Lines come back by claim and line number: those of one side are every second one.
        outcomes = outcomes.hstack(lines.gather_every(2, place).select(pl.col(*DECISION, *ROW).name.suffix(f"_{side}")))
    singles = pl.DataFrame({"claim_id": codes, "line": 1, "hcpcs": codes, "modifiers": ""})
    alone = pl.DataFrame({"hcpcs": codes}).hstack(_decided_lines(singles, snapshot))
    return Pairs(outcomes, alone)


def _codes(snapshot: Snapshot) -> list[str]:
    schedule_codes = snapshot.scan("mpfs").select(pl.col("hcpcs").unique().sort()).collect()["hcpcs"]
    return [hcpcs for hcpcs in schedule_codes if hcpcs in scope("derm").families]


def _cases(codes: list[str], of: Collection[str]) -> pl.DataFrame:
    """Each two codes once, of which one at least is among *of*, with each place of the modifier; by `KEY`.

    `claim_id` is the number of the case, with leading zeros: the engine sorts claims by their text.
    """
    one, two = (pl.DataFrame({name: codes}) for name in ("hcpcs_one", "hcpcs_two"))
    concerned = pl.any_horizontal(pl.col(name).is_in(list(of)) for name in ("hcpcs_one", "hcpcs_two"))
    # Each two codes once: which is column one is for the edit to say, not for the order of lines.
    code_pairs = one.join(two, how="cross").filter(pl.col("hcpcs_one") < pl.col("hcpcs_two"), concerned)
    cases = code_pairs.join(_CASES, how="cross")
    number = pl.int_range(pl.len()).cast(pl.String).str.zfill(len(str(cases.height)))
    return cases.with_columns(number.alias("claim_id"))


def _both_lines(cases: pl.DataFrame) -> pl.DataFrame:
    """The two lines of each case, one after the other."""
    lines = cases.join(_LINES, how="cross", maintain_order="left_right")
    modifiers = pl.when(pl.col("modifier_on") == pl.col("side")).then(pl.lit(SEPARATE)).otherwise(pl.lit(""))
    hcpcs = pl.when(side="one").then("hcpcs_one").otherwise("hcpcs_two")
    return lines.select("claim_id", "line", hcpcs=hcpcs, modifiers=modifiers)


def _decided_lines(lines: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """What decides each line, `DECISION` and `ROW`, by claim and line; each claim is a beneficiary of its own."""
    day = pl.lit(snapshot.release.first_day)
    plain = {name: pl.lit(value) for name, value in _PLAIN.items()}
    billed = lines.with_columns(pl.col("claim_id").alias("beneficiary"), date_of_service=day, **plain)
    columns = (
        (pl.col(name) if name in billed.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in COLUMNS.items()
    )
    outcome = adjudicate(billed.select(columns), snapshot)
    # Findings of a line come with the decisive one first.
    decisive = outcome.findings.filter(pl.col("row").is_first_distinct()).select(
        "row", "ccmi", "column_one", "column_two", *ROW
    )
    decisions = outcome.lines.select("row", "disposition", "edit", reason="decided_by")
    texts = pl.col("disposition", "edit", "reason", "column_one", "column_two", "edition").cast(pl.String)
    with_rows = decisions.join(decisive, on="row", how="left", maintain_order="left")
    return with_rows.select(*DECISION, *ROW).with_columns(texts)


def changed_pairs(old: Pairs, new: Pairs) -> PairChanges:
    """Return how the outcomes of *new* differ from those of *old*."""
    alone = _both(old.alone, new.alone, ["hcpcs"]).filter(_differs())
    compared = _both(old.cases, new.cases, list(KEY))
    changed = compared.filter(_differs("_one") | _differs("_two"))
    for side in ("one", "two"):
        changed = _with_own(changed, alone, side)
    # A code that is denied alone is denied in every pair: those cases are counted once, by the code, or they would
    # bury the changes of edits.
    explained = (~_differs("_one") | pl.col("whose_one")) & (~_differs("_two") | pl.col("whose_two"))
    whose = pl.when("whose_one").then("hcpcs_one").otherwise("hcpcs_two").alias("hcpcs")
    counts = changed.filter(explained).group_by(whose).agg(pl.len().cast(pl.Int64).alias("cases"))
    return PairChanges(
        compared=compared.height,
        only_old=old.cases.height - compared.height,
        only_new=new.cases.height - compared.height,
        changed=changed.filter(~explained).drop("whose_one", "whose_two"),
        alone=alone.join(counts, on="hcpcs", how="left", maintain_order="left").with_columns(
            pl.col("cases").fill_null(0)
        ),
    )


def _both(old: pl.DataFrame, new: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    before, after = (
        frame.rename({name: f"{name} {when}" for name in frame.columns if name not in key})
        for frame, when in ((old, "before"), (new, "after"))
    )
    return before.join(after, on=key, how="inner", maintain_order="left")


def _differs(side: str = "") -> pl.Expr:
    return pl.any_horizontal(
        pl.col(f"{name}{side} before").ne_missing(pl.col(f"{name}{side} after")) for name in DECISION
    )


def _with_own(cases: pl.DataFrame, alone: pl.DataFrame, side: str) -> pl.DataFrame:
    """Adds `whose_`side: whether the line comes out as its code does by itself, where that differs.

    So it is if it does before and after; and if it does at one of them, where no row of a pair decides at the other.
    """
    of_code = [f"{name} {when}" for name in DECISION for when in _WHEN]
    of_code_alone = alone.select(
        pl.col("hcpcs").alias(f"hcpcs_{side}"), pl.col(of_code).name.prefix("own "), own=pl.lit(value=True)
    )
    same, without_pair = {}, {}
    for when in _WHEN:
        same[when] = pl.all_horizontal(
            pl.col(f"{name}_{side} {when}").eq_missing(pl.col(f"own {name} {when}")) for name in DECISION
        )
        without_pair[when] = pl.col(f"column_two_{side} {when}").is_null()
    before, after = _WHEN
    is_own = (same[before] & (same[after] | without_pair[after])) | (same[after] & without_pair[before])
    joined = cases.join(of_code_alone, on=f"hcpcs_{side}", how="left", maintain_order="left")
    whose = pl.col("own").fill_null(value=False) & is_own
    return joined.with_columns(whose.alias(f"whose_{side}")).select(*cases.columns, f"whose_{side}")
