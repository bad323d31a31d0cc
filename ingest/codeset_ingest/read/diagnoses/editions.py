"""One edition of ICD-10-CM: its order file, code file and addenda, which must agree, become the diagnosis table.

The order file alone holds headers and the flag. The code file repeats what is valid. The addenda say what changed since
the edition that their summary names; a changed flag is Delete and Add of one code (FY2023: 7 of April's 42 additions).
A fiscal year has two editions, October's and April's, which may have one name: the addenda of April's start from an
order file of the same year.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from codeset.errors import BadInput, Fault
from codeset.releases import Release
from codeset_ingest.read.acceptance import AcceptableFault
from codeset_ingest.read.table import FILE, LINE, Reading

OCTOBER, APRIL = 10, 4

_CODES_IN_ORDER_FILE = re.compile(r"(\d+) codes in icd10cm_order_(\d{4})\w*\.txt")
_COUNTS_BY_ACTION = re.compile(r"(\d+) (additions|deletions|revisions)")
_ENTRY = ["diagnosis", "billable", "title"]


@dataclass(frozen=True)
class Summary:
    """The end of the addenda: valid codes before and after, the years of both order files, codes added and deleted."""

    before: int
    after: int
    year_before: int
    year: int
    additions: int
    deletions: int

    @property
    def month(self) -> int:
        """The month from which the edition is in force."""
        return APRIL if self.year_before == self.year else OCTOBER

    @property
    def changes_codes(self) -> bool:
        """Whether codes were added or deleted: if not, the edition before is the same."""
        return bool(self.additions or self.deletions)


def merge_edition(readings: list[Reading], release: Release) -> Reading:
    """Return the diagnosis table of one edition, out of the files that came of it.

    Raises BadInput: if they disagree, the order file is missing, or they are of an edition that is not in force.
    """
    readings_by_publication = {reading.layout.publication: reading for reading in readings}
    order_reading = readings_by_publication.get("icd10cm_order")
    if order_reading is None:
        message = "the order file did not come with it; it alone holds headers and the flag of valid codes"
        raise BadInput([Fault(reading.names[0], 0, message) for reading in readings])
    faults = [
        *_order_number_gaps(order_reading),
        *_code_file_faults(order_reading, readings_by_publication),
        *_addenda_files_faults(readings_by_publication),
    ]
    if faults:
        raise BadInput(faults)
    summary, order_entries = None, order_reading.frame
    addenda = readings_by_publication.get("icd10cm_order_addenda")
    previous_edition = None
    if addenda is not None:
        summary = _summary_of_addenda(addenda)
        previous_edition = _edition_before(order_reading, addenda, summary)
    return replace(
        order_reading,
        frame=_with_effective(_with_parents(order_entries), addenda, _first_day_in_force(order_reading, summary)),
        edition=_edition_name(order_reading, summary),
        sources=tuple(source for reading in readings for source in reading.sources),
        notes=tuple(note for reading in readings for note in reading.notes),
        doubts=(
            *(doubt for reading in readings for doubt in reading.doubts),
            *_quarter_faults(order_reading, summary, release),
        ),
        before=previous_edition,
    )


def _order_number_gaps(order_reading: Reading) -> Iterator[Fault]:
    """Order numbers run from 1 without a gap: a missing line is seen."""
    numbered_entries = order_reading.frame.with_columns(expected=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    for misnumbered in numbered_entries.filter(pl.col("number") != pl.col("expected")).head(1).iter_rows(named=True):
        message = (
            f"order number {misnumbered['number']}, expected {misnumbered['expected']}: a line is missing or in "
            "another place"
        )
        yield Fault(misnumbered[FILE], misnumbered[LINE], message)


def _code_file_faults(order_reading: Reading, readings_by_publication: Mapping[str, Reading]) -> Iterator[Fault]:
    """The code file holds the valid codes of the order file, with the same titles."""
    code_reading = readings_by_publication.get("icd10cm_codes")
    if code_reading is not None:
        yield from _disagreement_faults(code_reading, order_reading, order_reading.frame.filter("billable"), "valid")


def _disagreement_faults(
    first_reading: Reading, second_reading: Reading, second_entries: pl.DataFrame, entry_state: str
) -> Iterator[Fault]:
    """Codes of *first_reading* that are not among *second_entries* of *second_reading*, the reverse, and other
    titles.
    """
    text_columns = pl.col("diagnosis", "title").cast(pl.String)
    rows_here, rows_there = first_reading.frame.with_columns(text_columns), second_entries.with_columns(text_columns)
    for first_rows, other_rows, file_name in (
        (rows_here, rows_there, second_reading.names[0]),
        (rows_there, rows_here, first_reading.names[0]),
    ):
        missing_entries = first_rows.join(other_rows, on="diagnosis", how="anti", maintain_order="left")
        for faulty_row in missing_entries.head(1).iter_rows(named=True):
            message = (
                f"{faulty_row['diagnosis']} is {entry_state} here, and not in {file_name} ({missing_entries.height} "
                "such codes)"
            )
            yield Fault(faulty_row[FILE], faulty_row[LINE], message)
    entries_in_both = rows_here.join(rows_there, on="diagnosis", suffix=" there", maintain_order="left")
    differing_titles = entries_in_both.filter(pl.col("title") != pl.col("title there"))
    for faulty_row in differing_titles.head(1).iter_rows(named=True):
        message = (
            f"the title of {faulty_row['diagnosis']} is not that of {faulty_row[f'{FILE} there']} line "
            f"{faulty_row[f'{LINE} there']}"
        )
        yield Fault(faulty_row[FILE], faulty_row[LINE], f"{message} ({differing_titles.height} such codes)")


def _addenda_files_faults(readings_by_publication: Mapping[str, Reading]) -> Iterator[Fault]:
    """The code file's addenda are those of the order file, as far as valid codes go."""
    code_addenda = readings_by_publication.get("icd10cm_codes_addenda")
    order_addenda = readings_by_publication.get("icd10cm_order_addenda")
    if code_addenda is None or order_addenda is None:
        return
    key_columns = ["action", "diagnosis", "title"]
    rows_here, rows_there = (
        rows.with_columns(pl.col(key_columns).cast(pl.String)) for rows in (code_addenda.frame, order_addenda.frame)
    )
    for first_rows, other_rows, file_name in (
        (rows_here, rows_there.filter("billable"), order_addenda.names[0]),
        (rows_there.filter("billable"), rows_here, code_addenda.names[0]),
    ):
        missing_lines = first_rows.join(other_rows, on=key_columns, how="anti", maintain_order="left")
        for missing_line in missing_lines.head(1).iter_rows(named=True):
            message = (
                f'"{missing_line["action"]} {missing_line["diagnosis"]}" is not in {file_name} '
                f"({missing_lines.height} such lines)"
            )
            yield Fault(missing_line[FILE], missing_line[LINE], message)


def _summary_of_addenda(addenda: Reading) -> Summary:
    """What the addenda say at their end of valid codes.

    Raises BadInput: if they do not.
    """
    _, _, codes_summary = addenda.closing.partition("Codes\n")
    # Each count is there once for all codes, then `revisions` again by which of the titles changed: reversed, so that
    # the first one stays. Headers are counted in a part of their own, above.
    counts_by_action = {
        action_name: int(count_text) for count_text, action_name in reversed(_COUNTS_BY_ACTION.findall(codes_summary))
    }
    order_files = _CODES_IN_ORDER_FILE.findall(codes_summary)
    if len(order_files) != 2 or not {"additions", "deletions"} <= set(counts_by_action):
        message = (
            "no summary of codes at its end: valid codes before and after, additions, deletions; it may have been cut"
        )
        raise BadInput([Fault(addenda.names[0], 0, message)])
    (valid_before, year_before), (valid_after, year) = (
        (int(count_text), int(year_text)) for count_text, year_text in order_files
    )
    return Summary(
        valid_before, valid_after, year_before, year, counts_by_action["additions"], counts_by_action["deletions"]
    )


def _edition_before(order_reading: Reading, addenda: Reading, summary: Summary) -> pl.DataFrame:
    """The entries of the edition before (diagnosis, billable, title): this one's with the addenda taken back.

    Raises BadInput: if the addenda do not fit the order file, or their own summary.
    """
    addenda_lines = addenda.frame.with_columns(pl.col("action", *_ENTRY).exclude("billable").cast(pl.String))
    order_entries = order_reading.frame.with_columns(pl.col("diagnosis", "title").cast(pl.String))
    # A changed title is Revise from and Revise to; a changed flag is Delete and Add of the one code, so that both sides
    # carry flag and title.
    added_entries = addenda_lines.filter(pl.col("action").is_in(["Add:", "Revise to:"]))
    removed_entries = addenda_lines.filter(pl.col("action").is_in(["Delete:", "Revise from:"]))
    # Without what the addenda added, and with what they deleted: the order file of the edition before.
    unchanged_entries = order_entries.join(added_entries, on=_ENTRY, how="anti")
    previous_edition = pl.concat([unchanged_entries.select(_ENTRY), removed_entries.select(_ENTRY)]).sort("diagnosis")
    faults = [
        *_unfounded_addenda_faults(added_entries, removed_entries, order_entries, order_reading),
        *_summary_faults(addenda_lines, order_entries, previous_edition, summary, addenda),
    ]
    if faults:
        raise BadInput(faults)
    return previous_edition


def _unfounded_addenda_faults(
    added_entries: pl.DataFrame, removed_entries: pl.DataFrame, order_entries: pl.DataFrame, order_reading: Reading
) -> Iterator[Fault]:
    """What was added is in the order file as it was added; what was deleted is not."""
    missing_entries = added_entries.join(order_entries, on=_ENTRY, how="anti", maintain_order="left")
    remaining_entries = removed_entries.join(order_entries, on=_ENTRY, how="semi", maintain_order="left")
    for faulty_entries, message in (
        (missing_entries, "is not in {} with this flag and title"),
        (remaining_entries, "is still in {}"),
    ):
        for faulty_entry in faulty_entries.head(1).iter_rows(named=True):
            count_note = f" ({faulty_entries.height} such lines)"
            yield Fault(
                faulty_entry[FILE],
                faulty_entry[LINE],
                f"{faulty_entry['diagnosis']} {message.format(order_reading.names[0])}{count_note}",
            )


def _summary_faults(
    addenda_lines: pl.DataFrame,
    order_entries: pl.DataFrame,
    previous_edition: pl.DataFrame,
    summary: Summary,
    addenda: Reading,
) -> Iterator[Fault]:
    """The counts of the summary are those of the lines and of both editions."""
    # The summary counts valid codes only; headers have a summary of their own above it.
    valid_lines = addenda_lines.filter("billable")
    printed_and_counted = {
        "codes before": (summary.before, previous_edition["billable"].sum()),
        "codes after": (summary.after, order_entries["billable"].sum()),
        "additions": (summary.additions, valid_lines.filter(action="Add:").height),
        "deletions": (summary.deletions, valid_lines.filter(action="Delete:").height),
    }
    for count_name, (printed_count, actual_count) in printed_and_counted.items():
        if printed_count != actual_count:
            yield Fault(
                addenda.names[0], 0, f"its summary has {printed_count:,} {count_name}, expected {actual_count:,}"
            )
    for duplicated_entry in previous_edition.filter(pl.col("diagnosis").is_duplicated()).head(1).iter_rows(named=True):
        yield Fault(
            addenda.names[0], 0, f"{duplicated_entry['diagnosis']} would have stood twice in the edition before"
        )


def _with_parents(entries: pl.DataFrame) -> pl.DataFrame:
    """Each code's header: the longest code that it begins with."""
    diagnosis_code = entries["diagnosis"].cast(pl.String)
    all_codes = diagnosis_code.implode()
    # Codes have three to seven characters; the longest code above one is its header.
    shortened_codes = [diagnosis_code.str.head(length).alias(str(length)) for length in (6, 5, 4, 3)]
    parents = pl.DataFrame(shortened_codes).select(
        pl.coalesce(
            pl.when(
                (pl.col(shortened_code.name) != diagnosis_code) & pl.col(shortened_code.name).is_in(all_codes)
            ).then(pl.col(shortened_code.name))
            for shortened_code in shortened_codes
        ).alias("parent")
    )
    return entries.with_columns(parents["parent"])


def _with_effective(entries: pl.DataFrame, addenda: Reading | None, first_day: date | None) -> pl.DataFrame:
    """The edition's first day for codes that it added, or gave another flag; null for those that were there before."""
    if addenda is None or first_day is None:
        return entries.with_columns(effective_date=pl.lit(None, pl.Date))
    added_codes = addenda.frame.filter(pl.col("action").cast(pl.String) == "Add:")["diagnosis"].cast(pl.String)
    # A changed flag is a Delete and an Add of one code: as a code to bill it is new on that day.
    is_new = pl.col("diagnosis").cast(pl.String).is_in(added_codes.implode())
    return entries.with_columns(effective_date=pl.when(is_new).then(pl.lit(first_day)))


def _month_in_force(order_reading: Reading, summary: Summary | None) -> int | None:
    """The month from which the edition is in force, where its addenda or its name say so."""
    if summary is not None:
        return summary.month
    return APRIL if order_reading.edition.endswith(" april") else None


def _first_day_in_force(order_reading: Reading, summary: Summary | None) -> date | None:
    month_in_force = _month_in_force(order_reading, summary)
    if summary is None or month_in_force is None:
        return None
    # Fiscal year 2026 began on October 1, 2025.
    return date(summary.year, APRIL, 1) if month_in_force == APRIL else date(summary.year - 1, OCTOBER, 1)


def _edition_name(order_reading: Reading, summary: Summary | None) -> str:
    fiscal_year_name = order_reading.edition.removesuffix(" april")
    return {OCTOBER: f"{fiscal_year_name} october", APRIL: f"{fiscal_year_name} april", None: fiscal_year_name}[
        _month_in_force(order_reading, summary)
    ]


def _quarter_faults(order_reading: Reading, summary: Summary | None, release: Release) -> Iterator[Fault]:
    """An edition that is not in force in the release's quarter."""
    if summary is None:
        return
    if summary.year != release.fiscal_year:
        message = (
            f"its addenda are those of fiscal year {summary.year}; {release} is in fiscal year {release.fiscal_year}"
        )
        yield Fault(order_reading.names[0], 0, message)
    from_april = release.quarter in (2, 3)
    if summary.month == APRIL and not from_april and summary.changes_codes:
        message = (
            f"its addenda start from an edition of the same year: this is the edition of April 1, {summary.year}, "
        )
        yield Fault(order_reading.names[0], 0, f"{message}which is not in force in {release}")
    if summary.month == OCTOBER and from_april:
        message = "its addenda start from an edition of the year before: this is the edition of October 1, "
        message += f"{summary.year - 1}. If CMS published one for April 1, {summary.year}, it is in force in {release}"
        yield AcceptableFault(order_reading.names[0], 0, message, "edition:diagnosis")
