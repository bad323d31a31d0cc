"""What a release needs and what it got: files of another quarter, second editions and missing parts stop a build."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from codeset.errors import Fault
from codeset.releases import Release
from codeset.tables import TABLES
from codeset_ingest.read.open_files import File
from codeset_ingest.read.recognize import Recognised


@dataclass(frozen=True)
class Delivery:
    """The files of a release: those to read, those that no layout knows, and remarks on both."""

    files: tuple[Recognised, ...]
    unrecognised: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def tables(self) -> set[str]:
        """The tables that the files make up."""
        return {each.table for each in self.files if each.table}


def delivered(recognised: Iterable[Recognised | File]) -> Delivery:
    """Sort what was recognised; the same file given twice counts once."""
    known: dict[tuple[str | None, str], Recognised] = {}
    unknown, notes = [], []
    for each in recognised:
        if isinstance(each, File):
            unknown.append(each.names)
            continue
        first = known.setdefault((each.table, each.file.source.sha256), each)
        if first is not each:
            notes.append(f"{each.names} is the same file as {first.names}; read once")
    return Delivery(tuple(known.values()), tuple(unknown), tuple(notes))


def faults_of(delivery: Delivery, release: Release) -> Iterator[Fault]:
    """Yield what stops the build of *release* before a row is read."""
    for each in delivery.files:
        yield from _misfit(each, release)
    yield from _second_editions(delivery)
    yield from _missing_parts(delivery)


def _misfit(each: Recognised, release: Release) -> Iterator[Fault]:
    names = each.names
    if not each.is_of(release):
        yield Fault(
            names,
            0,
            f"is of {each.period}, expected {release.unrevised}. If CMS posted none for {release.unrevised}, seal it "
            f"as the release that it is of and carry it forward: --carry {each.table}={each.period_label}",
        )
    elif release.unrevised < each.layout.since:
        yield Fault(names, 0, f"the layout of {each.layout.publication} is known from {each.layout.since} on")
    if each.table is None:
        tables = each.layout.rules["tables"]
        expected = " or ".join(f"{rule['pattern']} ({TABLES[rule['table']].holds})" for rule in tables)
        yield Fault(
            names,
            0,
            f"its contents do not tell which {each.layout.publication} it is; expected in its name: {expected}",
        )


def _second_editions(delivery: Delivery) -> Iterator[Fault]:
    """Two different files for one place: same table, form and part. Fee schedules may differ by conversion factor."""
    places: dict[tuple[str | None, str, int | None], list[Recognised]] = defaultdict(list)
    for each in delivery.files:
        places[(each.table, each.form, each.part)].append(each)
    for (table, _, part), files in places.items():
        unnumbered = "parts" in files[0].layout.rules and part is None
        if len(files) > 1 and "qualifying_apm" not in files[0].layout.rules and not unnumbered:
            others = ", ".join(each.names for each in files[:-1])
            yield Fault(files[-1].names, 0, f"a second edition of {table}; {others} came too. Give one of them")
    for table in sorted(delivery.tables):
        versions = {each.version for each in delivery.files if each.table == table and each.version}
        if len(versions) > 1:
            names = ", ".join(each.names for each in delivery.files if each.table == table)
            yield Fault(names, 0, f"two editions of {table}: {', '.join(sorted(versions))}. Give one of them")


def _missing_parts(delivery: Delivery) -> Iterator[Fault]:
    for table in sorted(delivery.tables):
        for form in ("txt", "xlsx"):
            files = [each for each in delivery.files if (each.table, each.form) == (table, form)]
            parts = {each.part for each in files if each.part}
            gone = [f"f{part}" for part in range(1, max(parts, default=0)) if part not in parts]
            if gone:
                names = ", ".join(each.names for each in files)
                yield Fault(names, 0, f"{table} is not whole: {', '.join(gone)} of f1 to f{max(parts)} is missing")
