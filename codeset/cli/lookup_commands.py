"""What a store holds: `list`, `show`, `edits`, `verify` and `export`."""

import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from codeset.cli.options import JsonOption, ReleaseArgument, StoreOption, hcpcs_code, release_label
from codeset.cli.printing import CHANGES_OR_FAILURES, err, out, print_faults, print_json, progress
from codeset.errors import StoreProblem
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store


class TableFormat(StrEnum):
    """The forms in which tables are exported."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


def list_releases(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the sealed releases, their dates of service and the editions of their tables.

    Exit code 4 if the store holds none.
    """
    from codeset.cli import show_output

    snapshots, faults = _open_releases(Store.at(store))
    if as_json:
        print_json([json.loads(snapshot.manifest.to_json()) for snapshot in snapshots])
    for snapshot in [] if as_json else snapshots:
        out.print(show_output.release_table(snapshot))
    # Such as a copy that somebody named 2026q3-old: it looks like a release, and nothing is read from it.
    if unread_folders := Store.at(store).other_folders():
        err.print(f"Not named as a release, so not read: {', '.join(unread_folders)}", markup=False)
    if faults:
        raise StoreProblem("\n".join(faults))
    if not snapshots:
        raise StoreProblem(f"{Store.at(store).path} holds no release yet; see: codeset build --help")


def _open_releases(store: Store) -> tuple[list[Snapshot], list[str]]:
    """The releases that are as they were sealed, and what is wrong with the others."""
    snapshots, faults = [], []
    for release in store.releases():
        try:
            snapshots.append(store.open(release))
        # One damaged release hides no other: what is wrong is reported after the list.
        except StoreProblem as error:
            faults.append(str(error))
    return snapshots, faults


def show(
    hcpcs: Annotated[str, typer.Argument(metavar="HCPCS", parser=hcpcs_code, help="A code, such as 11102")],
    release: Annotated[
        str | None,
        typer.Option(
            "--release", parser=release_label, metavar="RELEASE", help="Only this release [default: every one]"
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what CMS says of a code: RVUs, national amounts, global days, indicators, MUE, add-on relations, edits.

    Without --release every release of the store is shown, side by side. Exit code 1 if none of them knows the code.
    """
    from codeset.cli import show_output

    code_facts = show_output.code_facts_of_releases(Store.at(store), hcpcs, Release.parse(release) if release else None)
    if as_json:
        print_json(code_facts)
    else:
        out.print(show_output.code_table(hcpcs, code_facts))
    if not any(code_fact["modifiers"] for code_fact in code_facts):
        raise typer.Exit(CHANGES_OR_FAILURES)


def localities(
    query: Annotated[
        str, typer.Argument(metavar="[QUERY]", help="MAC-LOCALITY, a name, a state or a ZIP code [default: all]")
    ] = "",
    release: Annotated[
        str | None,
        typer.Option("--release", parser=release_label, metavar="RELEASE", help="[default: the store's newest]"),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look up Medicare payment localities by name, state or ZIP code, with their GPCIs.

        codeset localities manhattan

        codeset localities CA --release 2026q3

        codeset localities 10001

    Wherever a --locality is taken, a name that finds one locality here will do. ZIP codes need CMS's ZIP code to
    carrier locality file in the release. Exit code 1 if nothing is found.
    """
    from codeset.cli import show_output
    from codeset.lookups.localities import find_localities

    snapshots = Store.at(store)
    snapshot = snapshots.open(release or snapshots.newest())
    locality_rows = find_localities(snapshot, query.strip()).to_dicts()
    if as_json:
        print_json({"release": str(snapshot.release), "query": query, "localities": locality_rows})
    elif locality_rows:
        out.print(show_output.localities_table(snapshot, locality_rows))
    else:
        out.print(f'{snapshot.release} has no locality "{query}"; all of them: codeset localities', markup=False)
    if not locality_rows:
        raise typer.Exit(CHANGES_OR_FAILURES)


def edits(
    hcpcs: Annotated[str, typer.Argument(metavar="HCPCS", parser=hcpcs_code)],
    other: Annotated[str, typer.Argument(metavar="HCPCS", parser=hcpcs_code)],
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Only what applies on this date of service")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the history of the PTP edits between two codes, in both directions.

    A deletion date is the last day on which the edit applies. With --on, the release in force on that date answers;
    if the store holds none, the answer is unknown, and exit code 1.
    """
    from codeset.cli import show_output

    code_pair = (hcpcs, other)
    edit_history = (
        show_output.edits_in_force(Store.at(store), code_pair, on.date())
        if on
        else show_output.edits_of_releases(Store.at(store), code_pair)
    )
    if as_json:
        print_json(edit_history)
    else:
        out.print(show_output.edits_table(code_pair, edit_history))
    if edit_history["answer"] == "unknown":
        raise typer.Exit(CHANGES_OR_FAILURES)


def verify(release: ReleaseArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Compare a snapshot with what was sealed: files byte for byte, and the rows that the content digest is of.

    Exit code 1 if anything differs.
    """
    snapshot = Store.at(store).unchecked(release)
    differences = snapshot.verify()
    manifest = None if differences else snapshot.manifest
    document: dict[str, Any] = {"release": release, "sound": not differences, "differences": differences}
    if manifest:
        document["content_sha256"] = snapshot.content_sha256
        document["editions"] = manifest.editions_plain
    carried_notes = manifest.carried_notes if manifest else []
    print_faults(
        differences, "\n".join([f"{release} is as it was sealed", *carried_notes]), document if as_json else None
    )


def export(
    release: ReleaseArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into; made if it is not there")],
    form: Annotated[TableFormat, typer.Option("--format")],
    store: StoreOption = None,
) -> None:
    """Write a release's tables as files that other tools read, one for each table: DIR/2026q3/mpfs.csv and so on.

    Workbook sheets end at 1,048,576 rows: a longer table goes on in further sheets. Nothing is overwritten.
    """
    from codeset.lookups.export import export as write_tables

    with progress() as report_progress:
        written_folder = write_tables(Store.at(store).open(release), folder, form.value, report_progress)
    out.print(f"wrote {written_folder}", markup=False)
