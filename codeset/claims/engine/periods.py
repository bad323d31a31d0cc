"""What runs on the days of a patient: which line of the same, the next or an earlier day bears on another.

A line is a position in the table here, a day a number: both ascend by patient, then date.
"""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from codeset.claims.engine.line_kinds import Rule
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import filter_rows, group_numbers, repeat, starts_group, true_positions


class Days(NamedTuple):
    """The days of patients, each once: its `patient` and `date` (a number of days); `of_line`, the day of each line."""

    of_line: pl.Series
    patient: pl.Series
    date: pl.Series

    @property
    def none(self) -> pl.Series:
        """For each day: no line."""
        return repeat(None, self.patient.len())


def patient_days(table: pl.DataFrame) -> Days:
    """Return the days of the patients of *table*, which has `patient`, `visit` and `date_of_service`."""
    starts_day = starts_group(table["visit"])
    day_numbers = table["date_of_service"].filter(starts_day).cast(pl.Int32)
    return Days(group_numbers(starts_day), table["patient"].filter(starts_day), day_numbers)


def on_same_day(days: Days, lines: pl.Series) -> pl.Series:
    """Return for each day the first of *lines* (positions, ascending) on it, or null."""
    day_of_lines = days.of_line[lines]
    starts_day = starts_group(day_of_lines)
    return days.none.scatter(day_of_lines.filter(starts_day), lines.filter(starts_day))


def on_next_day(days: Days, lines: pl.Series) -> pl.Series:
    """Return for each day the first of *lines* (positions, ascending) on the same patient's day after it, or null."""
    length = days.patient.len() - 1
    is_same_patient = days.patient.slice(1) == days.patient.slice(0, length)
    is_next = is_same_patient & (days.date.slice(1) - days.date.slice(0, length) == 1)
    next_line = on_same_day(days, lines).slice(1)
    return pl.concat([next_line.zip_with(is_next, repeat(None, length)), repeat(None, 1)])


def on_earlier_day(days: Days, lines: pl.Series, within_days: int) -> pl.Series:
    """Return for each day the last of *lines* on the same patient's nearest earlier day that has one, or null.

    That day is at most *within_days* ago. *lines* are positions, ascending.
    """
    if lines.is_empty():
        return days.none
    # Days ascend by patient: the highest position so far is the nearest earlier day. An as-of join by patient
    # takes ten times as long (docs/decisions/0004).
    day_of_lines, length = days.of_line[lines], days.patient.len() - 1
    last_line = days.none.scatter(day_of_lines, lines)
    nearest_days = repeat(0, length + 1).scatter(day_of_lines, day_of_lines).cum_max().slice(0, length)
    is_same_patient = days.patient.slice(1) == days.patient[nearest_days]
    is_near = days.date.slice(1) - days.date[nearest_days] <= within_days
    earlier_lines = last_line[nearest_days].zip_with(is_same_patient & is_near, repeat(None, length))
    return pl.concat([repeat(None, 1), earlier_lines])


def first_not_null(*lines_of_day: pl.Series) -> pl.Series:
    """Return for each day the line of the first of *lines_of_day* that has one, or null."""
    first_lines, *other_lines_of_day = lines_of_day
    for other_lines in other_lines_of_day:
        first_lines = first_lines.zip_with(first_lines.is_not_null(), other_lines)
    return first_lines


def related(lines: Lines, days: Days, relations: Mapping[str, tuple[pl.Series, pl.Series]]) -> pl.DataFrame:
    """Return the lines that have a partner, by relation: `row`, `partner`, `relation`, `line_kind`, `partner_kind`.

    *relations* have, by name, whether each line kind may have one, and the partner of each day. They are always the
    same, in the same order.
    """
    rows, kinds = lines.table["row"], lines.table["line_kind"]
    matches = []
    for relation_number, (may_have_partner, partner_of_day) in enumerate(relations.values()):
        if partner_of_day.null_count() == partner_of_day.len():
            continue
        positions = true_positions(lines.look_up(may_have_partner))
        partners = partner_of_day[days.of_line[positions]]
        has_partner = partners.is_not_null()
        line_positions, partners = positions.filter(has_partner), partners.filter(has_partner)
        if not line_positions.is_empty():
            pair_rows = [rows[line_positions], rows[partners].alias("partner")]
            pair_kinds = [kinds[line_positions], kinds[partners].alias("partner_kind")]
            relation = repeat(relation_number, line_positions.len()).alias("relation")
            matches.append(pl.DataFrame([*pair_rows, *pair_kinds, relation]))
    return pl.concat(matches, rechunk=True) if matches else _NO_MATCHES


_NO_MATCHES = pl.DataFrame(schema=dict.fromkeys(("row", "partner", "line_kind", "partner_kind", "relation"), pl.UInt32))


def explained(lines: Lines, matches: pl.DataFrame, rule: Rule) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return `row`, `partner` and `reason_row` of *matches* of which *rule* says something, and the reason rows.

    *rule* is handed `number`, `relation` (its number), `line_kind` and `partner_kind`, and says at most one thing of
    each. It is asked once for each combination that occurs, and its answer is remembered: it must depend on its
    arguments alone.
    """
    cases = matches.with_columns(_MATCH_KEY)
    answers, answered_cases = lines.line_kinds.answers_of(rule, cases, ("relation", "line_kind", "partner_kind"))
    columns = [answered_cases["row"], answered_cases["partner"], answered_cases["answer"].alias("reason_row")]
    return filter_rows(pl.DataFrame(columns), answered_cases["has_answer"]), answers.rows


_KIND_LIMIT = 2**28
"""More line kinds than there ever are."""

_MATCH_KEY = (
    (pl.col("relation").cast(pl.UInt64) * _KIND_LIMIT + pl.col("line_kind")) * _KIND_LIMIT + pl.col("partner_kind")
).alias("key")
