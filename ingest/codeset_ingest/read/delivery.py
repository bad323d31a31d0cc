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
    known_files: dict[tuple[str | None, str], CmsFile] = {}
    unknown_files, remarks = [], []
    for file in files:
        if isinstance(file, UnknownFile):
            unknown_files.append(file)
            continue
        # Folders of downloads have a file twice, loose and in its zip.
        first_copy = known_files.setdefault((file.table, file.content.source.sha256), file)
        if first_copy is not file:
            remarks.append(f"{file.names} is the same file as {first_copy.names}; read once")
    return Delivery(tuple(known_files.values()), tuple(unknown_files), tuple(remarks))


def faults_of(delivery: Delivery, release: Release) -> Iterator[Fault]:
    """Yield what stops the build of *release* before a row is read."""
    for cms_file in delivery.files:
        yield from _other_release_fault(cms_file, release)
        yield from _unknown_table_fault(cms_file)
    yield from _second_edition_faults(delivery)
    yield from _missing_part_faults(delivery)


def _other_release_fault(cms_file: CmsFile, release: Release) -> Iterator[Fault]:
    if not cms_file.is_of(release):
        yield Fault(
            cms_file.names,
            0,
            f"This file is for {cms_file.period}, not for {release.unrevised}. {_remedy(cms_file, release)}",
        )
    elif release.unrevised < cms_file.layout.since:
        message = f"the layout of {cms_file.layout.publication} is known from {cms_file.layout.since} on"
        yield Fault(cms_file.names, 0, message)


def _remedy(cms_file: CmsFile, release: Release) -> str:
    """What to do about a file of another time: earlier tables are carried, later ones were not in force yet."""
    if cms_file.origin and Release.parse(cms_file.origin) > release.unrevised:
        period = release.unrevised if cms_file.fiscal_year is None else f"fiscal year {release.fiscal_year}"
        return (
            f"It is of a later time: give CMS's file of {period} instead, and this one to: codeset build "
            f"{cms_file.origin}"
        )
    carry_options = " ".join(f"--carry {table}={cms_file.origin or 'RELEASE'}" for table in cms_file.tables)
    origin_label = cms_file.origin or "the release that it is for"
    return (
        f"If CMS posted none for {release.unrevised}: build {origin_label} first, then: codeset build {release} … "
        f"{carry_options}"
    )


def _unknown_table_fault(cms_file: CmsFile) -> Iterator[Fault]:
    if cms_file.table is not None:
        return
    table_rules = cms_file.layout.rules["tables"]
    expected = " or ".join(f"{rule['pattern']} ({TABLES[rule['table']].holds})" for rule in table_rules)
    publication = cms_file.layout.publication
    message = f"its contents do not tell which {publication} it is; expected in its name: {expected}"
    yield Fault(cms_file.names, 0, message)


def _second_edition_faults(delivery: Delivery) -> Iterator[Fault]:
    """Two different files for one place: same table, form and part. Fee schedules may differ by conversion factor."""
    files_by_place: dict[tuple[str | None, str, str, int | None], list[CmsFile]] = defaultdict(list)
    for file in delivery.files:
        files_by_place[(file.table, file.layout.publication, file.form, file.part)].append(file)
    for (table_name, _, _, part_number), same_place in files_by_place.items():
        # Fee schedules come as QP and non-QP, with one form and no part: those two differ by their conversion
        # factor, later.
        unnumbered = "parts" in same_place[0].layout.rules and part_number is None
        if len(same_place) > 1 and "qualifying_apm" not in same_place[0].layout.rules and not unnumbered:
            other_names = ", ".join(file.names for file in same_place[:-1])
            yield Fault(
                same_place[-1].names, 0, f"a second edition of {table_name}; {other_names} came too. Give one of them"
            )
    for table_name in sorted(delivery.tables):
        versions = {file.version for file in delivery.files if file.table == table_name and file.version}
        if len(versions) > 1:
            file_names = ", ".join(file.names for file in delivery.files if file.table == table_name)
            yield Fault(file_names, 0, f"two editions of {table_name}: {', '.join(sorted(versions))}. Give one of them")


def _missing_part_faults(delivery: Delivery) -> Iterator[Fault]:
    for table_name in sorted(delivery.tables):
        for form_name in ("txt", "xlsx"):
            files_of_form = [file for file in delivery.files if (file.table, file.form) == (table_name, form_name)]
            part_numbers = {file.part for file in files_of_form if file.part}
            # A gap is seen here; a lost first or last part is seen in the rows (contracts, parts_make_a_whole).
            missing_parts = [f"f{part}" for part in range(1, max(part_numbers, default=0)) if part not in part_numbers]
            if missing_parts:
                file_names = ", ".join(file.names for file in files_of_form)
                yield Fault(
                    file_names,
                    0,
                    f"{table_name} is not whole: {', '.join(missing_parts)} of f1 to f{max(part_numbers)} is missing",
                )
