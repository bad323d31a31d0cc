"""Ranks among the lines of a group, and facts put beside the lines that they are of."""

import polars as pl

from codeset.claims.engine.series import count_up, filter_rows, repeat, starts_group

TIE_BREAKERS = ("hcpcs", "row")
"""Items of equal value rank by code, then by line: the order of claims does not matter."""


def rank_within(items: pl.DataFrame, group: list[str], value: str) -> pl.DataFrame:
    """Return *items*, sorted, with `above`: how many procedures of the same *group* rank before, by *value*.

    *items* has `procedures` (how many each item is), `hcpcs` and `row` besides. The highest comes first.
    """
    sorted_items = highest_first(items, group, value)
    procedures_before = pl.col("procedures").cum_sum() - pl.col("procedures")
    starts_group_of_items = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in group)
    # A sum over all items, less what it is where the group starts: sorted, no group need be gathered.
    before_group = pl.when(starts_group_of_items).then(procedures_before).forward_fill()
    return sorted_items.with_columns((procedures_before - before_group).alias("above"))


def highest_first(items: pl.DataFrame, group: list[str], value: str) -> pl.DataFrame:
    """Return *items* sorted by *group*, then from the highest *value* to the lowest."""
    sort_columns = (*group, value, *TIE_BREAKERS)
    return items.sort(sort_columns, descending=[column == value for column in sort_columns])


def with_several(items: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    """Return the items of each *group* that has more than one procedure (`procedures` of its items, added up)."""
    return items.filter(pl.col("procedures").sum().over(group) > 1)


def with_group_facts(items: pl.DataFrame, group: list[str], **facts: pl.Expr) -> pl.DataFrame:
    """Return *items* with a column for each of *facts*, which are of all items of their *group*."""
    return items.with_columns(fact.over(group).alias(name) for name, fact in facts.items())


def numbered_within(items: pl.LazyFrame, group: str, number: str) -> pl.LazyFrame:
    """Return *items* with their *number* in each *group*, from 1 on, in their order."""
    return items.with_columns(pl.int_range(1, pl.len() + 1).over(group).alias(number))


def group_facts(items: pl.DataFrame, group: list[str], **facts: pl.Expr) -> pl.DataFrame:
    """Return a row for each *group* of *items*: its columns, and *facts* of all of its items."""
    return items.group_by(group).agg(fact.alias(name) for name, fact in facts.items())


def with_facts(lines: pl.DataFrame, facts: pl.DataFrame, by: str = "at") -> pl.DataFrame:
    """Return *lines* with the columns of *facts*: those of the line itself, or of the line that *by* points to.

    `at` in *facts* is a position among *lines*, at most once; who has no facts has nulls. A scatter: a join of some
    thousand lines costs more than all rules.
    """
    fact_positions = repeat(None, lines.height).scatter(facts["at"], count_up(facts.height))
    return lines.hstack(facts.drop("at")[fact_positions[lines[by]]])


def sharing_session(lines: pl.DataFrame, part: pl.Series, is_several: pl.Series) -> pl.DataFrame:
    """Return those of *lines* that share a session or are several procedures themselves, with their `session`.

    A session is the lines of one `visit` and one *part* of it: a number for each line, below `PARTS_OF_VISIT`.
    """
    session = (lines["visit"].cast(pl.Int64) * PARTS_OF_VISIT + part).alias("session")
    return filter_rows(lines.hstack([session]), _occurs_again(session) | is_several)


PARTS_OF_VISIT = 4
"""The surgeon, an assistant, and care before and after surgery by others."""


def _occurs_again(values: pl.Series) -> pl.Series:
    """Whether each value occurs more than once; if they are sorted, by their neighbors."""
    if not values.is_sorted():
        return values.is_duplicated()
    starts_of_runs = starts_group(values)
    return ~(starts_of_runs & pl.concat([starts_of_runs[1:], _TRUE[: starts_of_runs.len()]]))


_TRUE = pl.Series([True])
