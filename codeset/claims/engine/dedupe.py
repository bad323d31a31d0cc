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
        representative_rows = self._representative
        has_answer = representative_rows == count_up(representative_rows.len())
        # Answers are those of the representatives alone: which of them a row has is a count of those up to it.
        return answers[group_numbers(has_answer)[representative_rows]]

    def findings_of_lines(self, findings: pl.DataFrame) -> pl.DataFrame:
        """Return the findings of every line, by row: its representative's, with the partner that is as far from it.

        *findings* (`row`, `partner`, `reason_row`) are sorted by row.
        """
        if self.are_all or findings.is_empty():
            return findings
        finding_rows = findings["row"]
        first_findings = true_positions(starts_group(finding_rows))
        finding_counts = first_findings.shift(-1, fill_value=finding_rows.len()) - first_findings
        by_row = [
            repeat(0, self._representative.len()).scatter(finding_rows[first_findings], values)
            for values in (first_findings, finding_counts)
        ]
        line_rows, finding_positions = _expanded(*(values[self._representative] for values in by_row))
        line_positions = self._position.cast(pl.Int32)
        partner_distances = line_positions[findings["partner"]] - line_positions[finding_rows]
        partner_positions = (line_positions[line_rows] + partner_distances[finding_positions]).cast(pl.UInt32)
        partner_rows = self.lines["row"][partner_positions].alias("partner")
        return pl.DataFrame([line_rows.alias("row"), partner_rows, findings["reason_row"][finding_positions]])

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


def _expanded(first_numbers: pl.Series, lengths: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return each place as often as its *lengths* says, and with it the numbers from its *first_numbers* on."""
    has_numbers = lengths > 0
    places = count_up(lengths.len()).filter(has_numbers)
    first_numbers, lengths = first_numbers.filter(has_numbers), lengths.filter(has_numbers)
    run_starts, total_length = lengths.cum_sum() - lengths, int(lengths.sum())
    run_numbers = group_numbers(all_false(total_length).scatter(run_starts, values=True))
    # The total is added first and taken away last: the numbers have no sign, and must not fall below 0 between.
    offsets = first_numbers + total_length - run_starts
    return places[run_numbers], count_up(total_length) + offsets[run_numbers] - total_length


def representatives(
    table: pl.DataFrame, code_set: CodeSet, contracts: Sequence[Contract], *, deduplicate: bool | None = None
) -> Representatives:
    """Return for each line of *table* (sorted by visit) the first that no contract tells from it, episode included.

    Without *deduplicate* every line represents itself; None: where that is sooner.
    """
    rows = table["row"]
    is_worthwhile = _pays_off(table, code_set, contracts) if deduplicate is None else deduplicate
    first_same_lines = _first_same(_compared(table, code_set, contracts)) if is_worthwhile else count_up(rows.len())
    return Representatives(pl.DataFrame([rows, rows[first_same_lines].alias("representative")]))


def _pays_off(table: pl.DataFrame, code_set: CodeSet, contracts: Sequence[Contract]) -> bool:
    """Whether to adjudicate what is the same once is sooner than to adjudicate every line of *table*."""
    if table.height <= PAYS_ABOVE:
        return False
    sample_lines = table.head(_SAMPLE)
    of_sample = representatives(sample_lines, code_set, contracts, deduplicate=True)
    return of_sample.among(sample_lines).height <= _MOST_THAT_DIFFER * sample_lines.height


class _Episodes(NamedTuple):
    """The `columns` that tell lines apart; the position at which each episode starts; the episode of each line."""

    columns: list[pl.Series]
    start: pl.Series
    number: pl.Series


def _compared(table: pl.DataFrame, code_set: CodeSet, contracts: Sequence[Contract]) -> _Episodes:
    """What the contracts read of lines, as it is compared."""
    derived_columns = (name for contract in contracts for derivation in contract.derives for name in derivation.columns)
    read_columns = dict.fromkeys(chain(*(contract.reads for contract in contracts), derived_columns))
    days = table["date_of_service"].to_physical().alias("day")
    reach_of_lines = _reach_of_lines(table["hcpcs"], code_set, contracts)
    starts_episode = table.select("patient", "visit").hstack([days, reach_of_lines]).select(_STARTS_EPISODE).to_series()
    episode_starts, episode_numbers = true_positions(starts_episode), group_numbers(starts_episode)
    change_days = code_set.cached(_change_dates, tuple(contracts))
    # An episode's first line has no distance: on which day it begins does not count.
    days_between = (days - days.shift()).zip_with(~starts_episode, repeat(0, days.len()).cast(pl.Int32))
    columns = [*table.select(LINE_KIND), days_between, _changes_before(table["date_of_service"], change_days)]
    columns.append(_order(table["row"], starts_episode, episode_numbers))
    name_columns = dict.fromkeys(name for contract in contracts for name in contract.names if name not in read_columns)
    starts_visit = starts_group(table["visit"])
    columns += [_first_with_same_in_visit(table[name], table["visit"], starts_visit) for name in name_columns]
    # Dates count by their distance and by the rows that hold on them: by their value no two patients would agree.
    for name in read_columns:
        if name == "through_date":
            columns += [table[name].to_physical() - days, _changes_before(table[name], change_days)]
        elif name in _COMPARED_AS_A_NAME:
            columns.append(_first_with_same(table[name], episode_starts, episode_numbers))
        elif name != "date_of_service":
            columns.append(table[name])
    # What is the same on all lines tells none apart, and is not compared.
    return _Episodes([column for column in columns if not is_constant(column)], episode_starts, episode_numbers)


def _change_dates(code_set: CodeSet, contracts: tuple[Contract, ...]) -> pl.Series:
    """The days on which another row of a table holds than on the day before, sorted."""
    change_dates = [
        dates for contract in contracts if contract.change_dates for dates in contract.change_dates(code_set)
    ]
    return pl.concat([pl.Series(dtype=pl.Date), *change_dates]).drop_nulls().unique().sort()


def _changes_before(days: pl.Series, change_days: pl.Series) -> pl.Series:
    """How many of *change_days* there are by each of *days*."""
    if days.null_count() == days.len():
        return days
    # Most parts have no change between their first and last day: then two look-ups do for all lines.
    first_and_last_day = pl.Series([days.min(), days.max()], dtype=days.dtype)
    changes_by_first_day, changes_by_last_day = change_days.search_sorted(first_and_last_day, side="right")
    if changes_by_first_day == changes_by_last_day and not days.null_count():
        return repeat(changes_by_first_day, days.len())
    return change_days.search_sorted(days, side="right")


# A visit beyond the reach of all earlier lines of the patient starts an episode. Patients have increasing numbers, so
# that the furthest reach so far, in one number with the patient, is that of an earlier patient, or tells.
_PATIENT_DAY = pl.col("patient").cast(pl.Int64) * 2**32 + pl.col("day")
_IS_NEW_VISIT = pl.col("visit").ne_missing(pl.col("visit").shift())
_STARTS_EPISODE = _IS_NEW_VISIT & ~((_PATIENT_DAY + pl.col("reach")).cum_max().shift() >= _PATIENT_DAY).fill_null(
    value=False
)


def _reach_of_lines(hcpcs: pl.Series, code_set: CodeSet, contracts: Iterable[Contract]) -> pl.Series:
    """How many days the code of each line bears on; codes are small numbers: marks are quicker than look-ups."""
    code_numbers, codes_by_reach = hcpcs.to_physical(), sorted(_reaches(code_set, contracts).items())
    all_numbers = [code_numbers, *(codes.to_physical() for _, codes in codes_by_reach)]
    highest_number: Any = pl.concat([count_up(1), *all_numbers]).max()
    days_of_code = repeat(0, highest_number + 1)
    for days, codes in codes_by_reach:  # the furthest last: a code with two reaches has the further one
        days_of_code = days_of_code.scatter(codes.to_physical(), days)
    return days_of_code[code_numbers].alias("reach")


def _reaches(code_set: CodeSet, contracts: Iterable[Contract]) -> dict[int, pl.Series]:
    """The codes of each reach of all contracts, in days."""
    codes_by_reach: dict[int, pl.Series] = {}
    for contract in contracts:
        for days, codes in (code_set.cached(contract.reach_days) if contract.reach_days else {}).items():
            codes_by_reach[days] = pl.concat([codes_by_reach[days], codes]) if days in codes_by_reach else codes
    return codes_by_reach


def _order(rows: pl.Series, starts_episode: pl.Series, episode_numbers: pl.Series) -> pl.Series:
    """The place of each line's row among those of its episode, where they are not sorted by row."""
    unsorted_episodes = episode_numbers.filter(~starts_episode & (rows < rows.shift()))
    if unsorted_episodes.is_empty():
        return repeat(None, rows.len())
    # Of equal findings the lowest row is named: episodes whose rows are in another order have other answers.
    row_rank = pl.col("row").rank("ordinal").over("number")
    rank_where_unsorted = pl.when(is_member(episode_numbers, unsorted_episodes)).then(row_rank)
    return pl.DataFrame([rows, episode_numbers.alias("number")]).select(rank_where_unsorted).to_series()


def _first_with_same(values: pl.Series, episode_starts: pl.Series, episode_numbers: pl.Series) -> pl.Series:
    """The place, in its episode, of the first line that has the same value."""
    positions = count_up(values.len())
    columns = [values.alias("value"), episode_numbers.alias("number"), positions.alias("position")]
    first_positions = pl.DataFrame(columns).select(pl.col("position").first().over("number", "value")).to_series()
    return first_positions - episode_starts[episode_numbers]


def _first_with_same_in_visit(values: pl.Series, visits: pl.Series, starts_visit: pl.Series) -> pl.Series:
    """The place, in its visit, of the first line that has the same value; all 0 where visits have one value each."""
    changes_within_visit = starts_group(values) & ~starts_visit
    if not changes_within_visit.any():
        return repeat(0, values.len())
    # Few visits are of several claims: only their lines are looked at.
    mixed_positions = true_positions(is_member(visits, visits.filter(changes_within_visit)))
    visit_starts = mixed_positions.filter(starts_visit[mixed_positions])[group_numbers(starts_visit[mixed_positions])]
    first_positions = _first_of_run(values[mixed_positions], visits[mixed_positions], mixed_positions)
    return repeat(0, values.len()).scatter(mixed_positions, first_positions - visit_starts)


def _first_of_run(values: pl.Series, visits: pl.Series, positions: pl.Series) -> pl.Series:
    """Which of *positions* is the first of its visit with the same value."""
    starts_visit = starts_group(visits)
    starts_run = starts_group(values) | starts_visit
    # Lines of a visit are sorted by row, and so by claim: where values only ascend, what is the same is side by side.
    if (starts_visit | (values >= values.shift())).all(ignore_nulls=False):
        return positions.filter(starts_run)[group_numbers(starts_run)]
    columns = [values.alias("value"), visits.alias("visit"), positions.alias("position")]
    return pl.DataFrame(columns).select(pl.col("position").first().over("visit", "value")).to_series()


def _first_same(episodes: _Episodes) -> pl.Series:
    """The position of the first line that is the same as each one.

    Episodes are told apart by a hash; then each line is compared with the one that would represent it, so that an
    episode whose hash is another's by chance represents itself.
    """
    columns, episode_starts, episode_numbers = episodes
    positions = count_up(episode_numbers.len())
    places_in_episode = positions - episode_starts[episode_numbers]
    first_episodes = _first_episode(_hashes(columns, places_in_episode), episode_starts)
    first_positions = first_episodes[episode_numbers] + places_in_episode
    is_different = all_false(episode_numbers.len())
    for column in columns:
        is_different |= _differs(column, column[first_positions])
    if is_different.any():
        is_represented = ~is_member(episode_numbers, episode_numbers.filter(is_different))
        first_positions = first_positions.zip_with(is_represented, positions)
    return first_positions


def _hashes(columns: Iterable[pl.Series], places_in_episode: pl.Series) -> pl.Series:
    """A hash of each line, with its place in the episode."""
    line_hashes = places_in_episode.cast(pl.UInt64) * _ODD
    for seed, column in enumerate(columns):
        line_hashes += column.to_physical().hash(seed)
    return line_hashes.hash()


def _first_episode(line_hashes: pl.Series, episode_starts: pl.Series) -> pl.Series:
    """The start of the first episode that has all the *line_hashes* of each one."""
    last_positions = episode_starts.shift(-1, fill_value=line_hashes.len()) - 1
    # Sums wrap at 2^64, and so do their differences: each is the sum of the hashes of an episode's lines still.
    hash_sums = line_hashes.cum_sum()[last_positions]
    episode_hashes = hash_sums - hash_sums.shift(fill_value=0) + (last_positions - episode_starts)
    hashed_episodes = pl.DataFrame([episode_starts.alias("first"), episode_hashes.alias("hash")])
    return hashed_episodes.select(pl.col("first").first().over("hash")).to_series()


def _differs(values: pl.Series, other_values: pl.Series) -> pl.Series:
    return values.ne_missing(other_values) if values.null_count() else values != other_values
