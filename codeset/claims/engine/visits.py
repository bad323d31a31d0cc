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
    first_positions, second_positions = _positions_of_pairs(lines, code_pairs)
    if first_of_kind:
        is_first = ~_is_later_of_kind(lines)[first_positions]
        first_positions, second_positions = first_positions.filter(is_first), second_positions.filter(is_first)
    if first_positions.is_empty():
        return _NO_PAIRS, _NO_PAIRS
    first_kinds = table["line_kind"][first_positions]
    second_kinds = table["line_kind"][second_positions].alias("line_kind_two")
    pair_rows = [table["row"][first_positions], table["row"][second_positions].alias("row_two")]
    key = pack_u64(first_kinds, second_kinds).alias("key")
    kind_pairs = pl.DataFrame([*pair_rows, first_kinds, second_kinds, key])
    if "date_of_service" in table.columns:
        kind_pairs = kind_pairs.hstack([table["date_of_service"][first_positions].alias("day")])
    answers, answered_pairs = lines.line_kinds.answers_of(rule, kind_pairs, ("line_kind", "line_kind_two"))
    is_dated = "first_day" in answered_pairs.columns
    is_in_force = answered_pairs.select(IS_IN_FORCE).to_series() if is_dated else answered_pairs["has_answer"]
    columns = [answered_pairs["row"], answered_pairs["row_two"], answered_pairs["answer"].alias("reason_row")]
    return filter_rows(pl.DataFrame(columns), is_in_force), answers.rows


_NO_PAIRS = pl.DataFrame(schema=dict.fromkeys(("row", "row_two", "reason_row"), pl.UInt32))

IS_IN_FORCE = (pl.col("first_day") <= pl.col("day")) & (pl.col("day") <= pl.col("last_day"))
"""A dated row holds on the day of service; its last day is the last on which it does."""


def _is_later_of_kind(lines: Lines) -> pl.Series:
    """Whether a line of the same kind is before each one in its visit."""
    line_kinds = lines.table["line_kind"]
    sooner_lines, later_lines = _pairs_of_one_code(lines)
    is_one_kind = line_kinds[sooner_lines] == line_kinds[later_lines]  # lines of one kind have one code
    return all_false(line_kinds.len()).scatter(later_lines.filter(is_one_kind), values=True)


class _PairMarks(NamedTuple):
    """The codes of code pairs, each with a `number` from 1 on, less than `size`; `is_pair` at one * size + two."""

    numbers: pl.DataFrame
    size: int
    is_pair: pl.Series


def _pair_marks(code_set: CodeSet, code_pairs: CodePairs) -> _PairMarks:
    # A mark for every two codes, a bit each, is looked up in a fraction of a join (docs/decisions/0004).
    pairs_of_codes = code_pairs(code_set).select("hcpcs", "hcpcs_two")
    codes = pl.concat(pairs_of_codes.get_columns()).unique()
    code_numbers = pl.DataFrame({"hcpcs": codes}).with_row_index("number", offset=1)
    size = code_numbers.height + 1
    first_numbers, second_numbers = (
        pairs_of_codes.join(code_numbers, left_on=column_name, right_on="hcpcs", maintain_order="left")["number"]
        for column_name in pairs_of_codes.columns
    )
    return _PairMarks(
        code_numbers, size, all_false(size**2).scatter(first_numbers * size + second_numbers, values=True)
    )


def _code_numbers(line_kinds: LineKinds, code_pairs: CodePairs) -> tuple[pl.Series, _PairMarks]:
    """The number of the code of each line kind among the marks, 0 if none; and these marks.

    The marks go with the numbers: two that are computed side by side may be numbered differently.
    """
    pair_marks = line_kinds.code_set.cached(_pair_marks, code_pairs)
    numbered_kinds = line_kinds.table.join(pair_marks.numbers, on="hcpcs", how="left", maintain_order="left")
    return numbered_kinds["number"].fill_null(0), pair_marks


def _positions_of_pairs(lines: Lines, code_pairs: CodePairs) -> tuple[pl.Series, pl.Series]:
    """The positions of both lines of each ordered pair of a visit whose codes are among *code_pairs*."""
    numbers_of_kinds, pair_marks = lines.line_kinds.cached(_code_numbers, code_pairs)
    code_numbers = lines.look_up(numbers_of_kinds)
    first_positions, second_positions = [code_numbers.clear()], [code_numbers.clear()]
    for sooner_lines, later_lines in lines.neighbors.of(lines.table["visit"]):
        sooner_numbers, later_numbers = code_numbers[sooner_lines], code_numbers[later_lines]
        is_pair = pair_marks.is_pair[sooner_numbers * pair_marks.size + later_numbers]
        is_pair_reversed = pair_marks.is_pair[later_numbers * pair_marks.size + sooner_numbers]
        first_positions += [sooner_lines.filter(is_pair), later_lines.filter(is_pair_reversed)]
        second_positions += [later_lines.filter(is_pair), sooner_lines.filter(is_pair_reversed)]
    return pl.concat(first_positions), pl.concat(second_positions)


def sum_in_visit(lines: Lines, values: pl.Series, key: pl.Series) -> pl.Series:
    """Return for each line the sum of *values* over the lines of its visit with the same *key*; 0 is no key.

    Lines with the same key have the same code.
    """
    # Most lines are the only ones of their code in their visit: only the others are grouped (docs/decisions/0004).
    positions = true_positions(is_code_again_in_visit(lines) & (key != 0))
    if positions.is_empty():
        return values
    visits = lines.table["visit"]
    repeated_lines = pl.DataFrame({"visit": visits[positions], "key": key[positions], "values": values[positions]})
    return values.clone().scatter(positions, repeated_lines.select(SUM_OF_VISIT).to_series())


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
    # Numbered anew: where only representatives are left, the numbers of visits have gaps.
    visit_numbers = group_numbers(starts_group(lines.table["visit"]))
    columns = [visit_numbers.alias("visit"), lines.table["row"], *([] if order is None else [order.alias("order")])]
    marked_lines = filter_rows(pl.DataFrame(columns), among)
    if order is not None:
        marked_lines = marked_lines.sort("visit", "order", "row")
    first_lines = filter_rows(marked_lines, starts_group(marked_lines["visit"]))
    visit_count = visit_numbers.len() and int(visit_numbers[-1]) + 1
    return repeat(None, visit_count).scatter(first_lines["visit"], first_lines["row"])[visit_numbers].alias("partner")


def latest_of_each(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return `row` once, with the `row_before` of the pair with the latest `date_before`; of one day the last row's."""
    sorted_pairs = pairs.sort("row", "date_before", "row_before")
    return sorted_pairs.unique("row", keep="last", maintain_order=True).select("row", "row_before")


def as_earlier_service(name: str, latest: pl.DataFrame | None, table: pl.DataFrame) -> pl.DataFrame:
    """Return the columns *name* and *name*`_row`: of each line of *table* the service before it, null if it has none.

    *latest* has `row` and `row_before`. *name* is how many lines of *table* after the line its service is, below 0
    where it is before: lines of two patients are the same only if this is.
    """
    no_rows = repeat(None, table.height)
    distances, partner_rows = no_rows.cast(pl.Int64).alias(name), no_rows.alias(f"{name}_row")
    if latest is not None:
        positions_of_rows = table["row"].arg_sort()
        visit_positions, service_positions = positions_of_rows[latest["row"]], positions_of_rows[latest["row_before"]]
        distances = distances.scatter(
            visit_positions, service_positions.cast(pl.Int64) - visit_positions.cast(pl.Int64)
        )
        partner_rows = partner_rows.scatter(visit_positions, latest["row_before"])
    return pl.DataFrame([distances, partner_rows])
