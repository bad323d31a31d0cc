"""Episodes alike: what was billed for one patient looks the same for many others, and is judged once for all of them.

An episode is a run of one patient's visits that can bear on each other: no edit and no price looks further. Two are
alike if nothing differs that an edit or the price looks at: names do not count, nor do dates beyond the days between
visits, as long as the same rows of the code set apply.
"""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.global_surgery import AFTER
from codeset.claims.lines import all_of, begins, count_up

FEW = 2_000
"""So few lines are judged sooner than compared."""

_LOOKED_AT = (
    "release",
    "applies",
    "hcpcs",
    "modifiers",
    "place_of_service",
    "units",
    "days",
    "gap",
    "order",
    "locality",
    "charge_cents",
    "lesion",
)
"""All that an edit or the price looks at in a line, besides the lines around it."""

_ODD = 0x9E37_79B9_7F4A_7C15


@dataclass(frozen=True)
class Alike:
    """Lines by patient and visit (`row`), each with the one that is judged in its place (`like`)."""

    lines: pl.DataFrame

    @cached_property
    def is_each_alone(self) -> bool:
        """Whether every line is judged itself."""
        return self.lines["row"].equals(self.lines["like"])

    def judged(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Return those of *lines*, which lie as these do, that are judged."""
        return lines if self.is_each_alone else lines.filter(self.lines["row"] == self.lines["like"])

    def of_lines(self, said: pl.DataFrame) -> list[pl.Series]:
        """Return for each line, by row, what is *said* of the one judged in its place; *said* lies by `row` too."""
        told = [each for each in said if each.name != "row"]
        if self.is_each_alone:
            return told
        number = (self._like == count_up(self._like.len())).cast(pl.UInt32).cum_sum() - 1
        of_line = number[self._like]
        return [each[of_line] for each in told]

    def of_findings(self, findings: pl.DataFrame, order: pl.Series) -> pl.DataFrame:
        """Return the findings of every line, as of the one judged in its place; partners are as far from it.

        *order* says where *findings* lie by `row`: those of a line are the `many` from `first` on.
        """
        if self.is_each_alone or findings.is_empty():
            return findings[order]
        judged = findings["row"][order]
        first = begins(judged).arg_true()
        many = first.shift(-1, fill_value=judged.len()) - first
        of_judged = [all_of(0, self._like.len()).scatter(judged[first], each) for each in (first, many)]
        row, place = _repeated(*(each[self._like] for each in of_judged))
        place = order[place]
        far = self._place.cast(pl.Int32)
        away = far[findings["partner"]] - far[findings["row"]]
        partner = self.lines["row"][(far[row] + away[place]).cast(pl.UInt32)]
        told = findings.drop("row", "partner")[place]
        return told.insert_column(0, row.alias("row")).insert_column(2, partner.alias("partner"))

    def of_steps(self, steps: pl.LazyFrame) -> pl.LazyFrame:
        """Return the steps of every line, as of the one judged in its place."""
        if self.is_each_alone:
            return steps
        each = pl.LazyFrame({"like": self._like}).with_row_index("row")
        return each.join(steps.rename({"row": "like"}), on="like", maintain_order="left_right").drop("like")

    @cached_property
    def _place(self) -> pl.Series:
        """Where each row lies among the lines."""
        return self.lines["row"].arg_sort()

    @cached_property
    def _like(self) -> pl.Series:
        return self.lines["like"][self._place]


def _repeated(first: pl.Series, many: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Say for each place *many* times where it is, and count from its *first* on."""
    some = many > 0
    first, many, here = first.filter(some), many.filter(some), count_up(many.len()).filter(some)
    begin = many.cum_sum() - many
    total = int(many.sum())
    which = all_of(0, total).scatter(begin, count_up(here.len())).cum_max()
    return here[which], count_up(total) + (first + total - begin)[which] - total


def alike(frame: pl.DataFrame, lines: pl.DataFrame, code_set: CodeSet) -> Alike:
    """Find for each of *lines*, numbered out of *frame*, the first that nothing tells from it, its episode included."""
    row = lines["row"]
    if lines.height <= FEW:
        return Alike(pl.DataFrame({"row": row, "like": row}))
    said = frame.select("locality", "charge_cents", "lesion")
    if not row.is_sorted():
        said = said[row]
    first = _first_alike(_looked_at(lines.hstack(said), code_set))
    return Alike(pl.DataFrame({"row": row, "like": row[first]}))


def _looked_at(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """The lines with what is looked at, and `at`, where the line's episode begins."""
    here = pl.int_range(pl.len(), dtype=pl.UInt32)
    applies = code_set.turns.search_sorted(lines["date_of_service"], side="right")
    told = lines.with_columns(
        applies.alias("applies"),
        pl.col("date_of_service").to_physical().alias("day"),
        pl.col("through_date").to_physical().alias("last_day"),
    ).with_columns(_begins(code_set).alias("begins"))
    told = told.with_columns(
        pl.when("begins").then(here).forward_fill().alias("at"),
        pl.when(~pl.col("begins")).then(pl.col("day") - pl.col("day").shift()).alias("gap"),
        (pl.col("last_day") - pl.col("day")).alias("days"),
    )
    return told.with_columns(_order(told).alias("order"))


def _begins(code_set: CodeSet) -> pl.Expr:
    """Whether an episode begins: a visit so long after the earlier ones that neither is in the other's payment.

    Each line reaches to the next day, a procedure with a period to that one's end; patients have increasing numbers, so
    that the furthest reach so far, in one number with the patient, is that of an earlier patient or tells.
    """
    reach = pl.lit(1)
    for days, after in sorted(AFTER.items(), key=lambda each: each[1]):
        surgery = pl.col("hcpcs").is_in(code_set.codes_of_global_days(days))
        reach = pl.when(surgery).then(pl.lit(after)).otherwise(reach)
    patient_day = pl.col("patient").cast(pl.Int64) * 2**32 + pl.col("day")
    new_visit = pl.col("visit").ne_missing(pl.col("visit").shift())
    return new_visit & ~((patient_day + reach).cum_max().shift() >= patient_day).fill_null(value=False)


def _order(lines: pl.DataFrame) -> pl.Series:
    """The place of each line's row among those of its episode, where they do not lie by row as they lie by visit."""
    row = pl.col("row")
    turned = lines.filter(~pl.col("begins") & (row < row.shift()))["at"].unique()
    if turned.is_empty():
        return pl.repeat(None, lines.height, dtype=pl.UInt32, eager=True)
    placed = lines.filter(pl.col("at").is_in(turned.implode())).select(
        "row", row.rank("ordinal").over("at").alias("order")
    )
    return lines.select("row").join(placed, on="row", how="left", maintain_order="left")["order"]


def _first_alike(lines: pl.DataFrame) -> pl.Series:
    """Where the line lies that each one is like.

    Episodes are told apart by a hash; then each line is compared with the one that stands for it, so that an episode
    whose hash is another's by chance is judged itself.
    """
    telling = [name for name in _LOOKED_AT if not _is_the_same_everywhere(lines[name])]
    place = pl.int_range(pl.len(), dtype=pl.UInt32) - pl.col("at")
    line = pl.sum_horizontal(pl.lit(0, pl.UInt64), *(_hashed(name, seed) for seed, name in enumerate(telling)))
    upto = lines.select((line + place.cast(pl.UInt64) * _ODD).hash().cum_sum()).to_series()
    ends = pl.col("at").ne_missing(pl.col("at").shift(-1))
    episodes = (
        lines.select("at", upto.alias("upto"), ends.alias("ends"), place.alias("place"))
        .filter("ends")
        .with_columns((pl.col("upto") - pl.col("upto").shift(fill_value=0) + pl.col("place")).alias("hash"))
        .with_columns(pl.col("at").first().over("hash").alias("first"))
    )
    number = (lines["begins"].cast(pl.UInt32).cum_sum()) - 1
    first = episodes["first"][number]
    like = lines.select(first + place).to_series()
    differs = lines.select(
        pl.any_horizontal(False, *(pl.col(name).ne_missing(pl.col(name).gather(like)) for name in telling))
    ).to_series()
    if differs.any():
        unlike = lines["at"].is_in(lines["at"].filter(differs).unique().implode())
        like = lines.select(pl.when(unlike).then(pl.int_range(pl.len(), dtype=pl.UInt32)).otherwise(like)).to_series()
    return like


def _hashed(name: str, seed: int) -> pl.Expr:
    return pl.col(name).to_physical().hash(seed)


def _is_the_same_everywhere(values: pl.Series) -> bool:
    nulls = values.null_count()
    return nulls == values.len() or (nulls == 0 and bool((values == values.first()).all()))
