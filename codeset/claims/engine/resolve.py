"""From findings to answers: the findings by line, the gravest first, and what decides each line, in few rows."""

from collections.abc import Sequence

import polars as pl

from codeset.claims.engine.edit import Findings
from codeset.claims.engine.series import count_up, distinct, repeat, starts_group

MOST_ROWS = 2**27
"""Row, reason and partner are packed into one number of 64 bits up to this many lines."""

# From the left 28 bits of the row, 8 of the reason, 28 of the partner, of which 0 is none.
_SORT_NUMBER = (
    pl.col("row").cast(pl.UInt64) * 2**36
    + pl.col("reason").to_physical().cast(pl.UInt64) * 2**28
    + (pl.col("partner").cast(pl.UInt64) + 1).fill_null(0)
)
"""Row, reason and partner in one number: sorted in a fraction of the time of all three."""


def by_line(findings: Findings, height: int) -> Findings:
    """Return the findings of lines, of *height* in all, by row and gravity; and their reason rows, each once, in the
    order in which the findings use them: whatever was adjudicated before, the same lines have the same bytes.
    """
    finding_rows = findings.rows[_order(findings, height)]
    used_reason_rows = finding_rows["reason_row"].unique(maintain_order=True)
    reason_places = repeat(0, findings.reason_rows.height).scatter(used_reason_rows, count_up(used_reason_rows.len()))
    reason_rows, reason_row = distinct(findings.reason_rows[used_reason_rows], findings.reason_rows.columns)
    reason_of_finding = reason_row[reason_places[finding_rows["reason_row"]]].alias("reason_row")
    return Findings(pl.DataFrame([finding_rows["row"], finding_rows["partner"], reason_of_finding]), reason_rows)


def _order(findings: Findings, height: int) -> pl.Series:
    """The order by row and gravity: reasons are sorted by gravity themselves."""
    if height <= MOST_ROWS:
        sort_numbers = findings.rows.hstack([findings.of("reason")]).select(_SORT_NUMBER).to_series()
        order = sort_numbers.arg_sort()
        if starts_group(sort_numbers[order]).all():
            return order
    # Findings that agree in all three are told apart by their reason rows: so the order never depends on the edits'.
    finding_rows = findings.rows.hstack(findings.reason_rows[findings.rows["reason_row"]])
    return finding_rows.select(pl.arg_sort_by("row", "reason", "partner", "column_one", "detail")).to_series()


def decisive_reasons(findings: Findings) -> pl.DataFrame:
    """Return `row` and `reason` (its number) of each line with findings, which are by line: the first decides."""
    finding_rows, _, reason_rows = findings.rows
    is_first = starts_group(finding_rows)
    reason_numbers = findings.reason_rows["reason"][reason_rows.filter(is_first)].to_physical().cast(pl.UInt32)
    return pl.DataFrame([finding_rows.filter(is_first), reason_numbers.alias("reason")])


def side_by_side(frames: Sequence[pl.DataFrame], height: int) -> pl.DataFrame:
    """Return the columns of *frames*, each with a `row` below *height*, by the rows of the first; null where none is.

    To bring each row to its place costs a fraction of a join.
    """
    sorted_rows = frames[0]["row"].sort()
    places_of_rows = repeat(0, height).scatter(sorted_rows, count_up(sorted_rows.len()))
    columns = []
    for frame in frames:
        frame_positions = repeat(None, sorted_rows.len()).scatter(places_of_rows[frame["row"]], count_up(frame.height))
        columns += [column[frame_positions] for column in frame if column.name != "row"]
    return pl.DataFrame(columns)
