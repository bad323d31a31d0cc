"""A seeded campaign of broken files: `python -m fuzz.campaign --count 5000 --seed 1` (`make fuzz`).

Each mutation breaks one file of a small release in one way and builds it beside the quarter before. The build may
refuse it, in words; or seal it, and then nothing may have changed that it did not tell:

- no conversion factor is another one;
- keys gone and new, and rows changed in each column, are as many as the build says that they are;
- no column differs in more rows than CMS's own ever did (one in twenty);
- with all forms of the file given, nothing differs at all.

No other error, and no build of over ten seconds of processor time.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
from cms_files import hcpcs_level2
from cms_files.render import file_name, layout_for, render_file, zip_of
from facts import Facts, facts_by_release

from codeset.errors import CodesetError
from codeset.manifest import Manifest, Source, TableEntry
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.tables import TABLES
from codeset_ingest.build import BuildResult, build
from codeset_ingest.read.release_changes import identity
from fuzz import diagnosis_files
from fuzz.mutations import ARCHIVE, TEXT, WORKBOOK, Mutation

SECONDS = 10
SHARE = 20
"""One row in so many may differ in a column."""

BEFORE = {"2024q2": Release(2024, 1), "2026q3": Release(2026, 2)}
_PACKAGE = ("mpfs", "gpci", "oppscap", "anesthesia", "locality_county")
_ONE_FILE = ("hcpcs_level2", "modifier")
_EXCUSED = {"locality_county": {"state", "fee_schedule_area", "counties"}}
"""Columns in which CMS's own forms differ: a difference is told in a note."""


@dataclass(frozen=True)
class Target:
    """What is given to a build: files by name, the one to be broken, and the tables that they make up."""

    label: str
    files: Mapping[str, bytes]
    broken: str
    tables: tuple[str, ...]
    all_forms: bool

    @property
    def mutations(self) -> tuple[Mutation, ...]:
        return {".xlsx": WORKBOOK, ".zip": ARCHIVE}.get(Path(self.broken).suffix, TEXT)


@cache
def releases() -> Mapping[str, Facts]:
    """Return by label the facts of two releases, and those of each set of files of diagnoses."""
    of_diagnoses = enumerate(diagnosis_files.facts_of())
    return facts_by_release() | {f"diagnoses {number}": facts for number, facts in of_diagnoses}


@cache
def targets() -> tuple[Target, ...]:
    """Every form of every file alone, beside its other forms, the fee schedule's package, and files of diagnoses."""
    return (*(target for label in BEFORE for target in _targets(label)), *_targets_of_diagnoses())


def _targets_of_diagnoses() -> Iterator[Target]:
    for number, (table, files) in enumerate(diagnosis_files.file_sets()):
        for name in files:
            yield Target(f"diagnoses {number}", files, name, (table,), all_forms=False)


def _targets(label: str) -> Iterator[Target]:
    cms_facts = releases()[label]
    for table in cms_facts.tables:
        if table == "modifier":
            continue
        tables = _ONE_FILE if table in _ONE_FILE else (table,)
        forms = dict(_rendered_files(cms_facts, table))
        for name, data in forms.items():
            yield Target(label, {name: data}, name, tables, all_forms=False)
            if len(forms) > 1:
                yield Target(label, forms, name, tables, all_forms=True)
    package = {name: data for table in _PACKAGE for name, data in _rendered_files(cms_facts, table)}
    for name in package:
        yield Target(label, package, name, _PACKAGE, all_forms=True)
    archive = f"rvu{cms_facts.release.year % 100}{'abcd'[cms_facts.release.quarter - 1]}.zip"
    yield Target(label, {archive: zip_of(package)}, archive, _PACKAGE, all_forms=True)


def _rendered_files(cms_facts: Facts, table: str) -> Iterator[tuple[str, bytes]]:
    if table in _ONE_FILE:
        for form in ("txt", "xlsx"):
            data = hcpcs_level2.render_file(*(cms_facts.tables[name] for name in _ONE_FILE), form)
            yield hcpcs_level2.file_name(cms_facts.release, form), data
        return
    factor = cms_facts.factors[0]
    participant = factor.participant if table == "mpfs" else None
    for form in layout_for(table).forms:
        name = file_name(table, cms_facts.release, form, participant=participant)
        yield name, render_file(table, cms_facts.tables[table], cms_facts.release, form, factor.value)


def before(label: str, home: Path) -> Store:
    """Return a store with the quarter before *label*, which has the same tables."""
    store = Store(home / label)
    cms_facts, release = releases()[label], BEFORE.get(label, Release(2026, 2))
    entries = {table: TableEntry(table, (Source(table, "0" * 64, 1),), 0, {}, "") for table in cms_facts.tables}
    if not store.revisions(release):
        store.seal(Manifest(release, "all", (), entries), cms_facts.tables)
    return store


def try_one(number: int, seed: int, home: Path) -> tuple[str, str]:
    """Break one file, build, and return the outcome in a word and, if something is wrong, what."""
    chance = random.Random(f"{seed}:{number}")
    target = targets()[number % len(targets())]
    mutation = chance.choice(target.mutations)
    data = mutation(target.files[target.broken], chance)
    if data == target.files[target.broken]:
        return "unchanged", ""
    name = f"{number}: {mutation.__name__} of {target.broken}{' beside its forms' if target.all_forms else ''}"
    start = time.process_time()
    outcome, wrong = _build_outcome(target, data, home)
    if time.process_time() - start > SECONDS:
        wrong = f"took {time.process_time() - start:.0f} s"
    return outcome, f"{name} ({target.label}): {wrong}" if wrong else ""


def _build_outcome(target: Target, data: bytes, home: Path) -> tuple[str, str]:
    store = before(target.label, home)
    release = releases()[target.label].release
    with tempfile.TemporaryDirectory(dir=home) as folder:
        for name, content in (dict(target.files) | {target.broken: data}).items():
            (Path(folder) / name).write_bytes(content)
        try:
            result = build(release, [Path(folder)], store)
        except CodesetError as error:
            return "refused", "" if str(error) else "refused without a word"
        except BaseException as error:
            return "error", f"{type(error).__name__}: {error}"
    try:
        return "sealed", "; ".join(_unreported(target, result))
    except Exception as error:
        return "sealed", f"cannot be read again: {type(error).__name__}: {error}"
    finally:
        shutil.rmtree(result.sealed.snapshot.path)


def _unreported(target: Target, result: BuildResult) -> Iterator[str]:
    cms_facts, snapshot = releases()[target.label], result.sealed.snapshot
    expected = {cms_facts.factors[0].value} if "mpfs" in snapshot else set()
    if {factor.value for factor in snapshot.conversion_factors} != expected:
        yield f"conversion factors {[str(factor.value) for factor in snapshot.conversion_factors]}"
    for table in target.tables:
        if table in snapshot:
            yield from _unreported_changes(target, result, table)
        elif not result.unrecognized:
            yield f"{table} is missing, and no file is said to be unknown"


def _unreported_changes(target: Target, result: BuildResult, table: str) -> Iterator[str]:
    before_rows, snapshot = releases()[target.label].tables[table], result.sealed.snapshot
    removed, new, changed_columns = _differences(table, before_rows, snapshot)
    since = snapshot.manifest.tables[table].since
    counts_in_manifest = (since.keys_gone, since.keys_new, dict(since.rows_changed)) if since else None
    if counts_in_manifest != (removed, new, changed_columns):
        counts = removed, new, changed_columns
        yield f"{table}: removed, new, changed are {counts}, in the manifest {counts_in_manifest}"
    for column, count in changed_columns.items():
        is_fact = column not in TABLES[table].remarks and TABLES[table].columns[column] != pl.Date
        if count * SHARE > before_rows.height and is_fact:
            yield f"{table}.{column} differs in {count} of {before_rows.height} rows"
    if target.all_forms:
        excused_columns = _EXCUSED.get(table, set())
        unreported_columns = {
            column
            for column in changed_columns
            if column not in excused_columns or column not in " ".join(result.notes)
        }
        if removed or new or unreported_columns:
            yield f"{table} differs though all forms were given: {(removed, new, unreported_columns)}"


def _differences(table: str, before_rows: pl.DataFrame, snapshot: Snapshot) -> tuple[int, int, dict[str, int]]:
    """Keys gone and new, and by column the rows with another value, counted in plain Python."""
    key = identity(table)
    old, now = (_by_key(rows, key) for rows in (before_rows, snapshot.table(table)))
    changed_columns: Counter[str] = Counter()
    for both in old.keys() & now.keys():
        changed_columns.update(column for column, value in old[both].items() if value != now[both][column])
    ignored_columns = {column for column in before_rows.columns if before_rows[column].is_null().all()}
    return (
        len(old.keys() - now.keys()),
        len(now.keys() - old.keys()),
        {column: count for column, count in changed_columns.items() if column not in ignored_columns},
    )


def _by_key(rows: pl.DataFrame, key: list[str]) -> dict[tuple[object, ...], dict[str, object]]:
    return {tuple(row[column] for column in key): row for row in rows.iter_rows(named=True)}


def run(count: int, seed: int, workers: int) -> tuple[Counter[str], list[str]]:
    """Try *count* mutations; return how many ended how, and everything that is wrong."""
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(workers) as pool:
        homes = [Path(folder) / str(worker) for worker in range(workers)]
        jobs = [pool.submit(try_some, range(number, count, workers), seed, home) for number, home in enumerate(homes)]
        for job in jobs:
            some_outcomes, some_wrong = job.result()
            outcomes += some_outcomes
            wrong += some_wrong
    return outcomes, sorted(wrong)


def try_some(numbers: Iterable[int], seed: int, home: Path) -> tuple[Counter[str], list[str]]:
    home.mkdir()
    results = [try_one(number, seed, home) for number in numbers]
    return Counter(outcome for outcome, _ in results), [wrong for _, wrong in results if wrong]


def main() -> None:
    """Run the campaign and print what is wrong; exit code 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    start = time.monotonic()
    outcomes, wrong = run(arguments.count, arguments.seed, arguments.workers)
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    sys.stdout.write(f"seed {arguments.seed}: {counts}; {len(wrong)} wrong; {time.monotonic() - start:.0f} s\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
