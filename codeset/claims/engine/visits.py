"""What runs on the lines of a visit: pairs, sums, the first of them. Lines are sorted by visit, so neighbors tell."""

from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.line_kinds import LineKinds, Rule
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import (
    all_false,
    filter_rows,
    group_numbers,
    pack_u64,
    repeat,
    starts_group,
    true_positions,
)

CodePairs = Callable[[CodeSet], pl.DataFrame]
"""`hcpcs` and `hcpcs_two` (categories) of all pairs of codes that a rule may concern, in any release."""


def pairs_in_visit(
    lines: Lines, code_pairs: CodePairs, rule: Rule, *, first_of_kind: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the ordered pairs of different lines of a visit of which *rule* says something on their day.

    *rule* is handed `number`, `line_kind` and `line_kind_two`, and returns rows with `number`, what it says, and
    `first_day` and `last_day` if that does not hold on every day (then the edit reads `date_of_service`). Returned are
    `row`, `row_two` and `reason_row`, a row for each that the rule says of the pair, and what `reason_row` numbers.

    The rule is asked once for each pair of line kinds that occurs, and its answer is remembered: it must depend on its
    arguments alone. *first_of_kind*: of several lines of one kind in a visit, which say the same of another line, the
    first alone is `row`; then no code pairs with itself.
    """
    table = lines.table
    # Pairs are filtered by code before the rule is asked: of the kinds alone, all with all would be a cross product.
    one, two = _positions(lines, code_pairs)
    if first_of_kind:
        is_first = ~_is_later_of_kind(lines)[one]
        one, two = one.filter(is_first), two.filter(is_first)
    if one.is_empty():
        return _NO_PAIRS, _NO_PAIRS
    kind, kind_two = table["line_kind"][one], table["line_kind"][two].alias("line_kind_two")
    rows = [table["row"][one], table["row"][two].alias("row_two"), kind, kind_two]
    asked = pl.DataFrame([*rows, pack_u64(kind, kind_two).alias("key")])
    if "date_of_service" in table.columns:
        asked = asked.hstack([table["date_of_service"][one].alias("day")])
    answers, pairs = lines.line_kinds.answers_of(rule, asked, ("line_kind", "line_kind_two"))
    holds = pairs.select(IS_IN_FORCE).to_series() if "first_day" in pairs.columns else pairs["has_answer"]
    columns = [pairs["row"], pairs["row_two"], pairs["answer"].alias("reason_row")]
    return filter_rows(pl.DataFrame(columns), holds), answers.rows


_NO_PAIRS = pl.DataFrame(schema=dict.fromkeys(("row", "row_two", "reason_row"), pl.UInt32))

IS_IN_FORCE = (pl.col("first_day") <= pl.col("day")) & (pl.col("day") <= pl.col("last_day"))
"""A dated row holds on the day of service; its last day is the last on which it does."""


def _is_later_of_kind(lines: Lines) -> pl.Series:
    """Whether a line of the same kind is before each one in its visit."""
    kind = lines.table["line_kind"]
    one, two = _pairs_of_one_code(lines)
    return all_false(kind.len()).scatter(two.filter(kind[one] == kind[two]), values=True)


class _Marks(NamedTuple):
    """The codes of code pairs, each with a `number` from 1 on, less than `size`; `is_pair` at one * size + two."""

    numbers: pl.DataFrame
    size: int
    is_pair: pl.Series


def _marks(code_set: CodeSet, code_pairs: CodePairs) -> _Marks:
    # A mark for every two codes, a bit each, is looked up in a fraction of a join (docs/decisions/0004).
    pairs = code_pairs(code_set).select("hcpcs", "hcpcs_two")
    numbers = pl.DataFrame({"hcpcs": pl.concat(pairs.get_columns()).unique()}).with_row_index("number", offset=1)
    size = numbers.height + 1
    one, two = (
        pairs.join(numbers, left_on=name, right_on="hcpcs", maintain_order="left")["number"] for name in pairs.columns
    )
    return _Marks(numbers, size, all_false(size**2).scatter(one * size + two, values=True))


def _code_numbers(line_kinds: LineKinds, code_pairs: CodePairs) -> tuple[pl.Series, _Marks]:
    """The number of the code of each line kind among the marks, 0 if none; and these marks.

    The marks go with the numbers: two that are computed side by side may be numbered differently.
    """
    marks = line_kinds.code_set.cached(_marks, code_pairs)
    known = line_kinds.table.join(marks.numbers, on="hcpcs", how="left", maintain_order="left")
    return known["number"].fill_null(0), marks


def _positions(lines: Lines, code_pairs: CodePairs) -> tuple[pl.Series, pl.Series]:
    """The positions of both lines of each ordered pair of a visit whose codes are among *code_pairs*."""
    of_kind, marks = lines.line_kinds.cached(_code_numbers, code_pairs)
    number = lines.look_up(of_kind)
    ones, twos = [number.clear()], [number.clear()]
    for one, two in lines.neighbors.of(lines.table["visit"]):
        first, second = number[one], number[two]
        forward, backward = marks.is_pair[first * marks.size + second], marks.is_pair[second * marks.size + first]
        ones += [one.filter(forward), two.filter(backward)]
        twos += [two.filter(forward), one.filter(backward)]
    return pl.concat(ones), pl.concat(twos)


def sum_in_visit(lines: Lines, values: pl.Series, key: pl.Series) -> pl.Series:
    """Return for each line the sum of *values* over the lines of its visit with the same *key*; 0 is no key.

    Lines with the same key have the same code.
    """
    # Most lines are the only ones of their code in their visit: only the others are grouped (docs/decisions/0004).
    positions = true_positions(is_code_again_in_visit(lines) & (key != 0))
    if positions.is_empty():
        return values
    visit = lines.table["visit"]
    split = pl.DataFrame({"visit": visit[positions], "key": key[positions], "values": values[positions]})
    return values.clone().scatter(positions, split.select(SUM_OF_VISIT).to_series())


def is_code_again_in_visit(lines: Lines) -> pl.Series:
    """Return for each line whether another line of its visit has the same code."""
    return all_false(lines.table.height).scatter(pl.concat(_pairs_of_one_code(lines)), values=True)


def _pairs_of_one_code(lines: Lines) -> tuple[pl.Series, pl.Series]:
    """The positions of two lines of a visit that have the same code, the first and the second of each two."""
    code = lines.look_up(lines.line_kinds.table["hcpcs"].to_physical())
    return lines.neighbors.of_one_code(lines.table["visit"], code)


SUM_OF_VISIT = pl.col("values").sum().over(pack_u64(pl.col("visit"), pl.col("key")))


def first_in_visit(lines: Lines, among: pl.Series, order: pl.Series | None = None) -> pl.Series:
    """Return for each line the row of the first line of its visit *among* those marked; null where there is none.

    The first is the one with the lowest *order*, and of equal ones that with the lowest row.
    """
    number = group_numbers(starts_group(lines.table["visit"]))
    columns = [number.alias("visit"), lines.table["row"], *([] if order is None else [order.alias("order")])]
    marked = filter_rows(pl.DataFrame(columns), among)
    if order is not None:
        marked = marked.sort("visit", "order", "row")
    first = filter_rows(marked, starts_group(marked["visit"]))
    visits = number.len() and int(number[-1]) + 1
    return repeat(None, visits).scatter(first["visit"], first["row"])[number].alias("partner")


def latest_of_each(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return `row` once, with the `row_before` of the pair with the latest `date_before`; of one day the last row's."""
    in_order = pairs.sort("row", "date_before", "row_before")
    return in_order.unique("row", keep="last", maintain_order=True).select("row", "row_before")


def as_earlier_service(name: str, latest: pl.DataFrame | None, table: pl.DataFrame) -> pl.DataFrame:
    """Return the columns *name* and *name*`_row`: of each line of *table* the service before it, null if it has none.

    *latest* has `row` and `row_before`. *name* is how many lines of *table* after the line its service is, below 0
    where it is before: lines of two patients are the same only if this is.
    """
    nothing = repeat(None, table.height)
    distance, partner = nothing.cast(pl.Int64).alias(name), nothing.alias(f"{name}_row")
    if latest is not None:
        position = table["row"].arg_sort()
        visit, service = position[latest["row"]], position[latest["row_before"]]
        distance = distance.scatter(visit, service.cast(pl.Int64) - visit.cast(pl.Int64))
        partner = partner.scatter(visit, latest["row_before"])
    return pl.DataFrame([distance, partner])
