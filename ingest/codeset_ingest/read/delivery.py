"""The files of a release before they are read: other quarters, second editions and missing parts stop a build."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from codeset.errors import Fault
from codeset.releases import Release
from codeset.tables import TABLES
from codeset_ingest.read.recognize import CmsFile, UnknownFile


@dataclass(frozen=True)
class Delivery:
    """The files of a release: those to read, those that no layout knows, and remarks on both."""

    files: tuple[CmsFile, ...]
    unknown: tuple[UnknownFile, ...]
    notes: tuple[str, ...]

    @property
    def tables(self) -> set[str]:
        """The tables that the files make up."""
        return {table for file in self.files for table in file.tables}


def sort_files(files: Iterable[CmsFile | UnknownFile]) -> Delivery:
    """Return *files* sorted into known and unknown; the same file given twice counts once."""
    known: dict[tuple[str | None, str], CmsFile] = {}
    unknown, notes = [], []
    for file in files:
        if isinstance(file, UnknownFile):
            unknown.append(file)
            continue
        # Folders of downloads have a file twice, loose and in its zip.
        first = known.setdefault((file.table, file.content.source.sha256), file)
        if first is not file:
            notes.append(f"{file.names} is the same file as {first.names}; read once")
    return Delivery(tuple(known.values()), tuple(unknown), tuple(notes))


def faults_of(delivery: Delivery, release: Release) -> Iterator[Fault]:
    """Yield what stops the build of *release* before a row is read."""
    for file in delivery.files:
        yield from _other_release(file, release)
        yield from _unknown_table(file)
    yield from _second_editions(delivery)
    yield from _missing_parts(delivery)


def _other_release(file: CmsFile, release: Release) -> Iterator[Fault]:
    if not file.is_of(release):
        yield Fault(
            file.names, 0, f"This file is for {file.period}, not for {release.unrevised}. {_instead(file, release)}"
        )
    elif release.unrevised < file.layout.since:
        message = f"the layout of {file.layout.publication} is known from {file.layout.since} on"
        yield Fault(file.names, 0, message)


def _instead(file: CmsFile, release: Release) -> str:
    """What to do about a file of another time: earlier tables are carried, later ones were not in force yet."""
    if file.origin and Release.parse(file.origin) > release.unrevised:
        period = release.unrevised if file.fiscal_year is None else f"fiscal year {release.fiscal_year}"
        return (
            f"It is of a later time: give CMS's file of {period} instead, and this one to: codeset build {file.origin}"
        )
    carry = " ".join(f"--carry {table}={file.origin or 'RELEASE'}" for table in file.tables)
    before = file.origin or "the release that it is for"
    return f"If CMS posted none for {release.unrevised}: build {before} first, then: codeset build {release} … {carry}"


def _unknown_table(file: CmsFile) -> Iterator[Fault]:
    if file.table is not None:
        return
    tables = file.layout.rules["tables"]
    expected = " or ".join(f"{rule['pattern']} ({TABLES[rule['table']].holds})" for rule in tables)
    publication = file.layout.publication
    message = f"its contents do not tell which {publication} it is; expected in its name: {expected}"
    yield Fault(file.names, 0, message)


def _second_editions(delivery: Delivery) -> Iterator[Fault]:
    """Two different files for one place: same table, form and part. Fee schedules may differ by conversion factor."""
    places: dict[tuple[str | None, str, str, int | None], list[CmsFile]] = defaultdict(list)
    for file in delivery.files:
        places[(file.table, file.layout.publication, file.form, file.part)].append(file)
    for (table, _, _, part), files in places.items():
        # Fee schedules come as QP and non-QP, with one form and no part: those two differ by their conversion
        # factor, later.
        unnumbered = "parts" in files[0].layout.rules and part is None
        if len(files) > 1 and "qualifying_apm" not in files[0].layout.rules and not unnumbered:
            others = ", ".join(file.names for file in files[:-1])
            yield Fault(files[-1].names, 0, f"a second edition of {table}; {others} came too. Give one of them")
    for table in sorted(delivery.tables):
        versions = {file.version for file in delivery.files if file.table == table and file.version}
        if len(versions) > 1:
            names = ", ".join(file.names for file in delivery.files if file.table == table)
            yield Fault(names, 0, f"two editions of {table}: {', '.join(sorted(versions))}. Give one of them")


def _missing_parts(delivery: Delivery) -> Iterator[Fault]:
    for table in sorted(delivery.tables):
        for form in ("txt", "xlsx"):
            files = [file for file in delivery.files if (file.table, file.form) == (table, form)]
            parts = {file.part for file in files if file.part}
            # A gap is seen here; a lost first or last part is seen in the rows (contracts, parts_make_a_whole).
            missing = [f"f{part}" for part in range(1, max(parts, default=0)) if part not in parts]
            if missing:
                names = ", ".join(file.names for file in files)
                yield Fault(names, 0, f"{table} is not whole: {', '.join(missing)} of f1 to f{max(parts)} is missing")
