"""Deduplication: what was billed for one patient is the same for many others, and is adjudicated once for all of them.

An episode is a run of one patient's visits that can bear on each other: no edit and no price looks further. Two are the
same if nothing differs that a contract of an edit or of the price reads: names do not count, nor do dates beyond the
days between visits, as long as the same rows of the tables hold.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import polars as pl

from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Contract
from codeset.claims.engine.line_kinds import LINE_KIND
from codeset.claims.engine.series import (
    all_false,
    count_up,
    group_numbers,
    is_constant,
    is_member,
    repeat,
    starts_group,
    true_positions,
)

PAYS_ABOVE = 2_000
"""Up to this many lines are adjudicated sooner than compared."""

_SAMPLE = 5_000
_MOST_THAT_DIFFER = 0.9
"""Where of a sample more lines than this share are like no other, all are adjudicated sooner than compared."""

_COMPARED_AS_A_NAME = ("claim_id",)
"""Columns that count by which lines of an episode have the same."""

# 2^64 divided by the golden ratio, made odd: small numbers, multiplied by it, differ in all 64 bits (Knuth, The Art of
# Computer Programming 3, section 6.4).
_ODD = 0x9E37_79B9_7F4A_7C15


@dataclass(frozen=True)
class Representatives:
    """Lines by patient and visit: `row`, and the row of the `representative` that is adjudicated in its place."""

    lines: pl.DataFrame

    @cached_property
    def are_all(self) -> bool:
        """Whether every line represents itself."""
        return self.lines["row"].equals(self.lines["representative"], check_names=False)

    def among(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return the representatives among the lines of *table*, which are sorted as these are."""
        return table if self.are_all else table.filter(self.lines["row"] == self.lines["representative"])

    def answers_of_lines(self, answers: pl.Series) -> pl.Series:
        """Return for each line, by row, the answer of its representative; *answers* are sorted by row."""
        if self.are_all:
            return answers
        representative = self._representative
        return answers[group_numbers(representative == count_up(representative.len()))[representative]]

    def findings_of_lines(self, findings: pl.DataFrame) -> pl.DataFrame:
        """Return the findings of every line, by row: its representative's, with the partner that is as far from it.

        *findings* (`row`, `partner`, `reason_row`) are sorted by row.
        """
        if self.are_all or findings.is_empty():
            return findings
        row = findings["row"]
        first = true_positions(starts_group(row))
        length = first.shift(-1, fill_value=row.len()) - first
        of_row = [repeat(0, self._representative.len()).scatter(row[first], each) for each in (first, length)]
        line, finding = _expanded(*(each[self._representative] for each in of_row))
        position = self._position.cast(pl.Int32)
        distance = position[findings["partner"]] - position[row]
        partner = self.lines["row"][(position[line] + distance[finding]).cast(pl.UInt32)]
        return pl.DataFrame([line.alias("row"), partner.alias("partner"), findings["reason_row"][finding]])

    def steps_of_lines(self, steps: pl.LazyFrame) -> pl.LazyFrame:
        """Return the steps of every line, by row: its representative's."""
        if self.are_all:
            return steps
        lines = pl.LazyFrame({"representative": self._representative}).with_row_index("row")
        renamed = steps.rename({"row": "representative"})
        return lines.join(renamed, on="representative", maintain_order="left_right").drop("representative")

    @cached_property
    def _position(self) -> pl.Series:
        """The position of each row among the lines."""
        return self.lines["row"].arg_sort()

    @cached_property
    def _representative(self) -> pl.Series:
        """The representative of each row."""
        return self.lines["representative"][self._position]


def _expanded(first: pl.Series, length: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return each place as often as its *length* says, and with it the numbers from its *first* on."""
    some = length > 0
    first, length, here = first.filter(some), length.filter(some), count_up(length.len()).filter(some)
    start, total = length.cum_sum() - length, int(length.sum())
    which = group_numbers(all_false(total).scatter(start, values=True))
    return here[which], count_up(total) + (first + total - start)[which] - total


def representatives(
    table: pl.DataFrame, code_set: CodeSet, contracts: Sequence[Contract], *, deduplicate: bool | None = None
) -> Representatives:
    """Return for each line of *table* (sorted by visit) the first that no contract tells from it, episode included.

    Without *deduplicate* every line represents itself; None: where that is sooner.
    """
    row = table["row"]
    worthwhile = _pays_off(table, code_set, contracts) if deduplicate is None else deduplicate
    first = _first_same(_compared(table, code_set, contracts)) if worthwhile else count_up(row.len())
    return Representatives(pl.DataFrame([row, row[first].alias("representative")]))


def _pays_off(table: pl.DataFrame, code_set: CodeSet, contracts: Sequence[Contract]) -> bool:
    """Whether to adjudicate what is the same once is sooner than to adjudicate every line of *table*."""
    if table.height <= PAYS_ABOVE:
        return False
    sample = table.head(_SAMPLE)
    like_no_other = representatives(sample, code_set, contracts, deduplicate=True).among(sample).height
    return like_no_other <= _MOST_THAT_DIFFER * sample.height


class _Episodes(NamedTuple):
    """The `columns` that tell lines apart; the position at which each episode starts; the episode of each line."""

    columns: list[pl.Series]
    start: pl.Series
    number: pl.Series


def _compared(table: pl.DataFrame, code_set: CodeSet, contracts: Sequence[Contract]) -> _Episodes:
    """What the contracts read of lines, as it is compared."""
    derived = (name for contract in contracts for each in contract.derives for name in each.columns)
    reads = dict.fromkeys(chain(*(contract.reads for contract in contracts), derived))
    day = table["date_of_service"].to_physical().alias("day")
    reach = _reach_of_lines(table["hcpcs"], code_set, contracts)
    starts = table.select("patient", "visit").hstack([day, reach]).select(_STARTS_EPISODE).to_series()
    start, number = true_positions(starts), group_numbers(starts)
    changes = code_set.cached(_change_dates, tuple(contracts))
    gap = (day - day.shift()).zip_with(~starts, repeat(0, day.len()).cast(pl.Int32))
    columns = [*table.select(LINE_KIND), gap, _changes_before(table["date_of_service"], changes)]
    columns.append(_order(table["row"], starts, number))
    names = dict.fromkeys(name for contract in contracts for name in contract.names if name not in reads)
    starts_visit = starts_group(table["visit"])
    columns += [_first_with_same_in_visit(table[name], table["visit"], starts_visit) for name in names]
    for name in reads:
        if name == "through_date":
            columns += [table[name].to_physical() - day, _changes_before(table[name], changes)]
        elif name in _COMPARED_AS_A_NAME:
            columns.append(_first_with_same(table[name], start, number))
        elif name != "date_of_service":
            columns.append(table[name])
    return _Episodes([column for column in columns if not is_constant(column)], start, number)


def _change_dates(code_set: CodeSet, contracts: tuple[Contract, ...]) -> pl.Series:
    """The days on which another row of a table holds than on the day before, sorted."""
    dates = [dates for contract in contracts if contract.change_dates for dates in contract.change_dates(code_set)]
    return pl.concat([pl.Series(dtype=pl.Date), *dates]).drop_nulls().unique().sort()


def _changes_before(days: pl.Series, changes: pl.Series) -> pl.Series:
    """How many of *changes* there are by each of *days*."""
    if days.null_count() == days.len():
        return days
    first, last = changes.search_sorted(pl.Series([days.min(), days.max()], dtype=days.dtype), side="right")
    if first == last and not days.null_count():
        return repeat(first, days.len())
    return changes.search_sorted(days, side="right")


# A visit beyond the reach of all earlier lines of the patient starts an episode. Patients have increasing numbers, so
# that the furthest reach so far, in one number with the patient, is that of an earlier patient, or tells.
_PATIENT_DAY = pl.col("patient").cast(pl.Int64) * 2**32 + pl.col("day")
_IS_NEW_VISIT = pl.col("visit").ne_missing(pl.col("visit").shift())
_STARTS_EPISODE = _IS_NEW_VISIT & ~((_PATIENT_DAY + pl.col("reach")).cum_max().shift() >= _PATIENT_DAY).fill_null(
    value=False
)


def _reach_of_lines(hcpcs: pl.Series, code_set: CodeSet, contracts: Iterable[Contract]) -> pl.Series:
    """How many days the code of each line bears on; codes are small numbers: marks are quicker than look-ups."""
    code, reaches = hcpcs.to_physical(), sorted(_reaches(code_set, contracts).items())
    highest: Any = pl.concat([count_up(1), code, *(codes.to_physical() for _, codes in reaches)]).max()
    days_of_code = repeat(0, highest + 1)
    for days, codes in reaches:  # the furthest last
        days_of_code = days_of_code.scatter(codes.to_physical(), days)
    return days_of_code[code].alias("reach")


def _reaches(code_set: CodeSet, contracts: Iterable[Contract]) -> dict[int, pl.Series]:
    """The codes of each reach of all contracts, in days."""
    reaches: dict[int, pl.Series] = {}
    for contract in contracts:
        for days, codes in (code_set.cached(contract.reach_days) if contract.reach_days else {}).items():
            reaches[days] = pl.concat([reaches[days], codes]) if days in reaches else codes
    return reaches


def _order(row: pl.Series, starts: pl.Series, number: pl.Series) -> pl.Series:
    """The place of each line's row among those of its episode, where they are not sorted by row."""
    unsorted = number.filter(~starts & (row < row.shift()))
    if unsorted.is_empty():
        return repeat(None, row.len())
    placed = pl.when(is_member(number, unsorted)).then(pl.col("row").rank("ordinal").over("number"))
    return pl.DataFrame([row, number.alias("number")]).select(placed).to_series()


def _first_with_same(values: pl.Series, start: pl.Series, number: pl.Series) -> pl.Series:
    """The place, in its episode, of the first line that has the same value."""
    here = count_up(values.len())
    lines = pl.DataFrame([values.alias("value"), number.alias("number"), here.alias("here")])
    return lines.select(pl.col("here").first().over("number", "value")).to_series() - start[number]


def _first_with_same_in_visit(values: pl.Series, visit: pl.Series, starts_visit: pl.Series) -> pl.Series:
    """The place, in its visit, of the first line that has the same value; all 0 where visits have one value each."""
    changes = starts_group(values) & ~starts_visit
    if not changes.any():
        return repeat(0, values.len())
    mixed = true_positions(is_member(visit, visit.filter(changes)))
    start = mixed.filter(starts_visit[mixed])[group_numbers(starts_visit[mixed])]
    first = _first_of_run(values[mixed], visit[mixed], mixed)
    return repeat(0, values.len()).scatter(mixed, first - start)


def _first_of_run(values: pl.Series, visit: pl.Series, here: pl.Series) -> pl.Series:
    """Which of the positions *here* is the first of its visit with the same value."""
    starts_visit = starts_group(visit)
    starts = starts_group(values) | starts_visit
    # Lines of a visit are sorted by row, and so by claim: where values only ascend, what is the same is side by side.
    if (starts_visit | (values >= values.shift())).all(ignore_nulls=False):
        return here.filter(starts)[group_numbers(starts)]
    lines = pl.DataFrame([values.alias("value"), visit.alias("visit"), here.alias("here")])
    return lines.select(pl.col("here").first().over("visit", "value")).to_series()


def _first_same(episodes: _Episodes) -> pl.Series:
    """The position of the first line that is the same as each one.

    Episodes are told apart by a hash; then each line is compared with the one that would represent it, so that an
    episode whose hash is another's by chance represents itself.
    """
    columns, start, number = episodes
    here = count_up(number.len())
    place = here - start[number]
    first = _first_episode(_hashes(columns, place), start)[number] + place
    differs = all_false(number.len())
    for column in columns:
        differs |= _differs(column, column[first])
    if differs.any():
        first = first.zip_with(~is_member(number, number.filter(differs)), here)
    return first


def _hashes(columns: Iterable[pl.Series], place: pl.Series) -> pl.Series:
    """A hash of each line, with its place in the episode."""
    hashes = place.cast(pl.UInt64) * _ODD
    for seed, column in enumerate(columns):
        hashes += column.to_physical().hash(seed)
    return hashes.hash()


def _first_episode(hashes: pl.Series, start: pl.Series) -> pl.Series:
    """The start of the first episode that has all the *hashes* of each one."""
    end = start.shift(-1, fill_value=hashes.len()) - 1
    until = hashes.cum_sum()[end]
    of_episode = until - until.shift(fill_value=0) + (end - start)
    episodes = pl.DataFrame([start.alias("first"), of_episode.alias("hash")])
    return episodes.select(pl.col("first").first().over("hash")).to_series()


def _differs(values: pl.Series, others: pl.Series) -> pl.Series:
    return values.ne_missing(others) if values.null_count() else values != others
