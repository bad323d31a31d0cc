"""One edition of ICD-10-CM: its order file, code file and addenda, which must agree, become the diagnosis table.

The order file alone holds headers and the flag. The code file repeats what is valid. The addenda say what changed since
the edition that their summary names; a changed flag is Delete and Add of one code (FY2023: 7 of April's 42 additions).
Two editions lie in a fiscal year, October's and April's, and may bear one name: the addenda of April's start from an
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

_CODES = re.compile(r"(\d+) codes in icd10cm_order_(\d{4})\w*\.txt")
_COUNTS = re.compile(r"(\d+) (additions|deletions|revisions)")
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
    files = {reading.layout.publication: reading for reading in readings}
    order = files.get("icd10cm_order")
    if order is None:
        message = "the order file did not come with it; it alone holds headers and the flag of valid codes"
        raise BadInput([Fault(reading.names[0], 0, message) for reading in readings])
    faults = [*_gaps(order), *_code_file_faults(order, files), *_addenda_files_faults(files)]
    if faults:
        raise BadInput(faults)
    summary, entries = None, order.frame
    addenda = files.get("icd10cm_order_addenda")
    before = None
    if addenda is not None:
        summary = _summary(addenda)
        before = _edition_before(order, addenda, summary)
    return replace(
        order,
        frame=_with_effective(_with_parents(entries), addenda, _first_day(order, summary)),
        edition=_edition(order, summary),
        sources=tuple(source for reading in readings for source in reading.sources),
        notes=tuple(note for reading in readings for note in reading.notes),
        doubts=(*(doubt for reading in readings for doubt in reading.doubts), *_half_doubts(order, summary, release)),
        before=before,
    )


def _gaps(order: Reading) -> Iterator[Fault]:
    """Order numbers run from 1 without a gap: a missing line is seen."""
    numbers = order.frame.with_columns(expected=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    for row in numbers.filter(pl.col("number") != pl.col("expected")).head(1).iter_rows(named=True):
        message = f"order number {row['number']}, expected {row['expected']}: a line is missing or in another place"
        yield Fault(row[FILE], row[LINE], message)


def _code_file_faults(order: Reading, files: Mapping[str, Reading]) -> Iterator[Fault]:
    """The code file holds the valid codes of the order file, with the same titles."""
    codes = files.get("icd10cm_codes")
    if codes is not None:
        yield from _disagreement(codes, order, order.frame.filter("billable"), "valid")


def _disagreement(one: Reading, other: Reading, rows: pl.DataFrame, what: str) -> Iterator[Fault]:
    """Codes of *one* that are not among *rows* of *other*, the reverse, and other titles."""
    text = pl.col("diagnosis", "title").cast(pl.String)
    rows_here, rows_there = one.frame.with_columns(text), rows.with_columns(text)
    for first_rows, other_rows, names in (
        (rows_here, rows_there, other.names[0]),
        (rows_there, rows_here, one.names[0]),
    ):
        missing = first_rows.join(other_rows, on="diagnosis", how="anti", maintain_order="left")
        for row in missing.head(1).iter_rows(named=True):
            message = f"{row['diagnosis']} is {what} here, and not in {names} ({missing.height} such codes)"
            yield Fault(row[FILE], row[LINE], message)
    both = rows_here.join(rows_there, on="diagnosis", suffix=" there", maintain_order="left")
    differing = both.filter(pl.col("title") != pl.col("title there"))
    for row in differing.head(1).iter_rows(named=True):
        message = f"the title of {row['diagnosis']} is not that of {row[f'{FILE} there']} line {row[f'{LINE} there']}"
        yield Fault(row[FILE], row[LINE], f"{message} ({differing.height} such codes)")


def _addenda_files_faults(files: Mapping[str, Reading]) -> Iterator[Fault]:
    """The code file's addenda are those of the order file, as far as valid codes go."""
    codes, order = files.get("icd10cm_codes_addenda"), files.get("icd10cm_order_addenda")
    if codes is None or order is None:
        return
    key = ["action", "diagnosis", "title"]
    rows_here, rows_there = (rows.with_columns(pl.col(key).cast(pl.String)) for rows in (codes.frame, order.frame))
    for first_rows, other_rows, names in (
        (rows_here, rows_there.filter("billable"), order.names[0]),
        (rows_there.filter("billable"), rows_here, codes.names[0]),
    ):
        missing = first_rows.join(other_rows, on=key, how="anti", maintain_order="left")
        for row in missing.head(1).iter_rows(named=True):
            message = f'"{row["action"]} {row["diagnosis"]}" is not in {names} ({missing.height} such lines)'
            yield Fault(row[FILE], row[LINE], message)


def _summary(addenda: Reading) -> Summary:
    """What the addenda say at their end of valid codes.

    Raises BadInput: if they do not.
    """
    _, _, codes = addenda.closing.partition("Codes\n")
    # Each count stands once for all codes, then `revisions` again by which of the titles changed: reversed, so that the
    # first one stays. Headers are counted in a part of their own, above.
    counts = {what: int(number) for number, what in reversed(_COUNTS.findall(codes))}
    editions = _CODES.findall(codes)
    if len(editions) != 2 or not {"additions", "deletions"} <= set(counts):
        message = (
            "no summary of codes at its end: valid codes before and after, additions, deletions; it may have been cut"
        )
        raise BadInput([Fault(addenda.names[0], 0, message)])
    (before, year_before), (after, year) = ((int(number), int(of)) for number, of in editions)
    return Summary(before, after, year_before, year, counts["additions"], counts["deletions"])


def _edition_before(order: Reading, addenda: Reading, summary: Summary) -> pl.DataFrame:
    """The entries of the edition before (diagnosis, billable, title): this one's with the addenda taken back.

    Raises BadInput: if the addenda do not fit the order file, or their own summary.
    """
    lines = addenda.frame.with_columns(pl.col("action", *_ENTRY).exclude("billable").cast(pl.String))
    ours = order.frame.with_columns(pl.col("diagnosis", "title").cast(pl.String))
    # A changed title is Revise from and Revise to; a changed flag is Delete and Add of the one code, so that both sides
    # carry flag and title.
    added = lines.filter(pl.col("action").is_in(["Add:", "Revise to:"]))
    removed = lines.filter(pl.col("action").is_in(["Delete:", "Revise from:"]))
    unchanged = ours.join(added, on=_ENTRY, how="anti")
    before = pl.concat([unchanged.select(_ENTRY), removed.select(_ENTRY)]).sort("diagnosis")
    faults = [*_unfounded(added, removed, ours, order), *_miscounted(lines, ours, before, summary, addenda)]
    if faults:
        raise BadInput(faults)
    return before


def _unfounded(added: pl.DataFrame, removed: pl.DataFrame, ours: pl.DataFrame, order: Reading) -> Iterator[Fault]:
    """What was added is in the order file as it was added; what was deleted is not."""
    missing = added.join(ours, on=_ENTRY, how="anti", maintain_order="left")
    remaining = removed.join(ours, on=_ENTRY, how="semi", maintain_order="left")
    for rows, message in ((missing, "is not in {} with this flag and title"), (remaining, "is still in {}")):
        for row in rows.head(1).iter_rows(named=True):
            many = f" ({rows.height} such lines)"
            yield Fault(row[FILE], row[LINE], f"{row['diagnosis']} {message.format(order.names[0])}{many}")


def _miscounted(
    lines: pl.DataFrame, ours: pl.DataFrame, before: pl.DataFrame, summary: Summary, addenda: Reading
) -> Iterator[Fault]:
    """The counts of the summary are those of the lines and of both editions."""
    valid = lines.filter("billable")
    counted = {
        "codes before": (summary.before, before["billable"].sum()),
        "codes after": (summary.after, ours["billable"].sum()),
        "additions": (summary.additions, valid.filter(action="Add:").height),
        "deletions": (summary.deletions, valid.filter(action="Delete:").height),
    }
    for what, (printed, count) in counted.items():
        if printed != count:
            yield Fault(addenda.names[0], 0, f"its summary has {printed:,} {what}, expected {count:,}")
    for row in before.filter(pl.col("diagnosis").is_duplicated()).head(1).iter_rows(named=True):
        yield Fault(addenda.names[0], 0, f"{row['diagnosis']} would have stood twice in the edition before")


def _with_parents(entries: pl.DataFrame) -> pl.DataFrame:
    """Each code's header: the longest code that it begins with."""
    code = entries["diagnosis"].cast(pl.String)
    known = code.implode()
    shorter = [code.str.head(length).alias(str(length)) for length in (6, 5, 4, 3)]
    parents = pl.DataFrame(shorter).select(
        pl.coalesce(
            pl.when((pl.col(part.name) != code) & pl.col(part.name).is_in(known)).then(pl.col(part.name))
            for part in shorter
        ).alias("parent")
    )
    return entries.with_columns(parents["parent"])


def _with_effective(entries: pl.DataFrame, addenda: Reading | None, first_day: date | None) -> pl.DataFrame:
    """The edition's first day for codes that it added, or gave another flag; null for those that were there before."""
    if addenda is None or first_day is None:
        return entries.with_columns(effective_date=pl.lit(None, pl.Date))
    added = addenda.frame.filter(pl.col("action").cast(pl.String) == "Add:")["diagnosis"].cast(pl.String)
    is_new = pl.col("diagnosis").cast(pl.String).is_in(added.implode())
    return entries.with_columns(effective_date=pl.when(is_new).then(pl.lit(first_day)))


def _half(order: Reading, summary: Summary | None) -> int | None:
    """The month from which the edition is in force, where its addenda or its name say so."""
    if summary is not None:
        return summary.month
    return APRIL if order.edition.endswith(" april") else None


def _first_day(order: Reading, summary: Summary | None) -> date | None:
    month = _half(order, summary)
    if summary is None or month is None:
        return None
    # Fiscal year 2026 began on October 1, 2025.
    return date(summary.year, APRIL, 1) if month == APRIL else date(summary.year - 1, OCTOBER, 1)


def _edition(order: Reading, summary: Summary | None) -> str:
    name = order.edition.removesuffix(" april")
    return {OCTOBER: f"{name} october", APRIL: f"{name} april", None: name}[_half(order, summary)]


def _half_doubts(order: Reading, summary: Summary | None, release: Release) -> Iterator[Fault]:
    """An edition that is not in force in the release's quarter."""
    if summary is None:
        return
    if summary.year != release.fiscal_year:
        message = (
            f"its addenda are those of fiscal year {summary.year}; {release} is in fiscal year {release.fiscal_year}"
        )
        yield Fault(order.names[0], 0, message)
    from_april = release.quarter in (2, 3)
    if summary.month == APRIL and not from_april and summary.changes_codes:
        message = (
            f"its addenda start from an edition of the same year: this is the edition of April 1, {summary.year}, "
        )
        yield Fault(order.names[0], 0, f"{message}which is not in force in {release}")
    if summary.month == OCTOBER and from_april:
        message = "its addenda start from an edition of the year before: this is the edition of October 1, "
        message += f"{summary.year - 1}. If CMS published one for April 1, {summary.year}, it is in force in {release}"
        yield AcceptableFault(order.names[0], 0, message, "edition:diagnosis")
