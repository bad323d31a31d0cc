"""Claims read against releases: `adjudicate`."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codeset.cli.options import StoreOption
from codeset.cli.printing import FOUND, err, out, write
from codeset.store import Store

if TYPE_CHECKING:
    from codeset.claims.bulk.run_bulk import Done
    from codeset.cli.adjudicate_output import Adjudicated, Chosen


class OutcomeFormat(StrEnum):
    """The forms of what is said of claims."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


class YesNo(StrEnum):
    """An answer that has no default."""

    YES = "yes"
    NO = "no"


class OnBadClaim(StrEnum):
    """What becomes of claims that cannot be read as claims."""

    REFUSE = "refuse"
    SKIP = "skip"


def adjudicate(
    files: Annotated[list[Path], typer.Argument(metavar="CLAIMS...", help="csv, JSON, NDJSON, parquet or 837P files")],
    release: Annotated[
        str | None, typer.Option("--release", help="Read all lines against this one [default: by date of service]")
    ] = None,
    qualifying_apm: Annotated[
        YesNo | None,
        typer.Option("--qualifying-apm", help="Whose conversion factor prices lines from 2026 on; else they have none"),
    ] = None,
    locality: Annotated[
        str | None, typer.Option("--locality", help="MAC-LOCALITY or national, where the claims do not say")
    ] = None,
    form: Annotated[OutcomeFormat, typer.Option("--format")] = OutcomeFormat.TABLE,
    explain: Annotated[bool, typer.Option("--explain", help="Show how each amount came about")] = False,
    on_bad_claim: Annotated[
        OnBadClaim,
        typer.Option("--on-bad-claim", help="Refuse everything, or set bad claims aside in a file"),
    ] = OnBadClaim.REFUSE,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A file; or a folder, for many claims in flat memory")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Say of each claim line what Medicare's public rules say: pay, deny, review or unknown; why; and how much.

    Claims of one beneficiary see each other: same-day edits, days after surgery. Lines are read against the release in
    force on their date of service; a date that no release covers is unknown.

        codeset adjudicate claims.csv

        codeset adjudicate claims.csv --release 2026q3 --qualifying-apm no --explain

        codeset adjudicate claims/*.parquet -o out/ --qualifying-apm no

    With a folder (a name that ends in / or is one) csv and parquet claims of any number are adjudicated in parts; a run
    that was stopped goes on where it was. codeset.scan_outcome in Python reads such a folder; docs/bulk.md has its
    files. Exit code 1 if a line is denied or unknown.
    """
    from codeset.cli import adjudicate_output

    apm = None if qualifying_apm is None else qualifying_apm is YesNo.YES
    chosen = adjudicate_output.Chosen(release, apm, locality, skip_bad_claims=on_bad_claim is OnBadClaim.SKIP)
    if output is not None and adjudicate_output.is_folder(output):
        found = _adjudicate_many(files, output, Store.at(store), chosen)
    else:
        adjudicated = adjudicate_output.few(files, Store.at(store), chosen)
        _show_outcome(adjudicated, form, output, explain=explain)
        found = adjudicated.found
    if found:
        raise typer.Exit(FOUND)


def _adjudicate_many(files: Sequence[Path], folder: Path, store: Store, chosen: "Chosen") -> bool:
    """Adjudicate in parts and tell what was done; return whether a line is denied or unknown."""
    from codeset.cli import adjudicate_output

    with _counted() as tell:
        summary = adjudicate_output.many(files, folder, store, chosen, tell)
    out.print(adjudicate_output.summary_text(summary, folder), markup=False)
    return summary.found


def _show_outcome(adjudicated: "Adjudicated", form: OutcomeFormat, output: Path | None, *, explain: bool) -> None:
    from codeset.cli import adjudicate_output

    if adjudicated.rejects_told:
        err.print(adjudicate_output.set_aside(adjudicated, output), markup=False)
    if form is not OutcomeFormat.TABLE or output is not None:
        _print_or_write(adjudicate_output.content(adjudicated, form.value, explain=explain), output)
        return
    out.print(adjudicate_output.outcome_table(adjudicated.outcome))
    if explain:
        out.print("\n".join(adjudicate_output.derivations(adjudicated)), markup=False)


def _print_or_write(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        write(output, content)


@contextmanager
def _counted() -> Iterator[Callable[["Done"], None]]:
    """Show parts done, lines a second and the time left, where somebody watches."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("adjudicating", total=None, rate="")
        start = progress.get_time()

        def tell(done: "Done") -> None:
            rate = done.lines / max(progress.get_time() - start, 1e-9)
            progress.update(task, total=done.of, completed=done.parts, rate=f"{rate:,.0f} lines a second")

        yield tell
