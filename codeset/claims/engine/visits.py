"""What runs on the lines of a visit: pairs, sums, the first of them. Lines are sorted by visit, so neighbors tell."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import polars as pl

from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.line_kinds import LineKinds, Rule
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import all_false, count_up, group_numbers, pack_u64, repeat, starts_group

CodePairs = Callable[[CodeSet], pl.DataFrame]
"""`hcpcs` and `hcpcs_two` (categories) of all pairs of codes that a rule may concern, in any release."""


def pairs_in_visit(lines: Lines, code_pairs: CodePairs, rule: Rule) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the ordered pairs of different lines of a visit of which *rule* says something on their day.

    *rule* is handed `number`, `line_kind` and `line_kind_two`, and returns rows with `number`, what it says, and
    `first_day` and `last_day` if that does not hold on every day (then the edit reads `date_of_service`). Returned are
    `row`, `row_two` and `reason_row`, a row for each that the rule says of the pair, and what `reason_row` numbers.

    The rule is asked once for each pair of line kinds that occurs, and its answer is remembered: it must depend on its
    arguments alone.
    """
    table = lines.table
    # Pairs are filtered by code before the rule is asked: of the kinds alone, all with all would be a cross product.
    one, two = _positions(lines, code_pairs)
    if one.is_empty():
        return _NO_PAIRS, _NO_PAIRS
    kind, kind_two = table["line_kind"][one], table["line_kind"][two].alias("line_kind_two")
    rows = [table["row"][one], table["row"][two].alias("row_two"), kind, kind_two]
    asked = pl.DataFrame([*rows, pack_u64(kind, kind_two).alias("key")])
    if "date_of_service" in table.columns:
        asked = asked.hstack([table["date_of_service"][one].alias("day")])
    answers, pairs = lines.line_kinds.answers_of(rule, asked, ("line_kind", "line_kind_two"))
    holds = IS_IN_FORCE if "first_day" in pairs.columns else pl.col("has_answer")
    return pairs.filter(holds).select("row", "row_two", pl.col("answer").alias("reason_row")), answers.rows


_NO_PAIRS = pl.DataFrame(schema=dict.fromkeys(("row", "row_two", "reason_row"), pl.UInt32))

IS_IN_FORCE = (pl.col("first_day") <= pl.col("day")) & (pl.col("day") <= pl.col("last_day"))
"""A dated row holds on the day of service; its last day is the last on which it does."""


def with_first_partner(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return *pairs* (`row`, `row_two`, `reason_row`), one for each `row_two` and `reason_row`: of the lowest `row`.

    Where several lines of a visit say the same of another one, the first is enough to name.
    """
    key = pack_u64(pairs["row_two"], pairs["reason_row"])
    if key.n_unique() == key.len():
        return pairs
    ordered = pairs.hstack([key.alias("key")]).sort("key", "row")
    return ordered.filter(starts_group(ordered["key"])).drop("key")


class _Marks(NamedTuple):
    """The codes of code pairs, each with a `number` from 1 on, less than `size`; `is_pair` at one * size + two."""

    numbers: pl.DataFrame
    size: int
    is_pair: pl.Series


def _marks(code_set: CodeSet, code_pairs: CodePairs) -> _Marks:
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
    for one, two in _neighbors(lines.table["visit"]):
        first, second = number[one], number[two]
        forward, backward = marks.is_pair[first * marks.size + second], marks.is_pair[second * marks.size + first]
        ones += [one.filter(forward), two.filter(backward)]
        twos += [two.filter(forward), one.filter(backward)]
    return pl.concat(ones), pl.concat(twos)


def _neighbors(visit: pl.Series) -> Iterator[tuple[pl.Series, pl.Series]]:
    """The positions of two lines of one visit, each two once: those that are next to each other first.

    After these the lines two apart, and so on to the end of the longest visit.
    """
    position = count_up(visit.len())
    # A visit has few lines: shifts over all lines find its pairs sooner than a self-join does (docs/decisions/0004).
    for distance in range(1, visit.len()):
        length = visit.len() - distance
        one = position.slice(0, length).filter(visit.slice(0, length) == visit.slice(distance))
        if one.is_empty():
            return
        yield one, one + distance


def sum_in_visit(lines: Lines, values: pl.Series, key: pl.Series) -> pl.Series:
    """Return for each line the sum of *values* over the lines of its visit with the same *key*; 0 is no key."""
    visit, again = lines.table["visit"], []
    for one, two in _neighbors(visit):
        is_same = (key[one] == key[two]) & (key[one] != 0)
        again += [one.filter(is_same), two.filter(is_same)]
    # Most lines are the only ones of their key in their visit: only the others are grouped (docs/decisions/0004).
    positions = pl.concat(again).unique() if again else count_up(0)
    if positions.is_empty():
        return values
    split = pl.DataFrame({"visit": visit[positions], "key": key[positions], "values": values[positions]})
    return values.clone().scatter(positions, split.select(SUM_OF_VISIT).to_series())


SUM_OF_VISIT = pl.col("values").sum().over(pack_u64(pl.col("visit"), pl.col("key")))


def first_in_visit(lines: Lines, among: pl.Series, order: pl.Series | None = None) -> pl.Series:
    """Return for each line the row of the first line of its visit *among* those marked; null where there is none.

    The first is the one with the lowest *order*, and of equal ones that with the lowest row.
    """
    number = group_numbers(starts_group(lines.table["visit"]))
    marked = pl.DataFrame([number.alias("visit"), lines.table["row"]])
    if order is not None:
        marked = marked.hstack([order.alias("order")])
    marked = marked.filter(among)
    if order is not None:
        marked = marked.sort("visit", "order", "row")
    first = marked.filter(starts_group(marked["visit"]))
    visits = number.len() and int(number[-1]) + 1
    return repeat(None, visits).scatter(first["visit"], first["row"])[number].alias("partner")
