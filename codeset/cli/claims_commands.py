"""Claims read against releases: `adjudicate`."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codeset.cli.options import LOCALITY_HELP, ClaimFiles, QualifyingApmOption, ReadAgainstOption, StoreOption
from codeset.cli.printing import CHANGES_OR_FAILURES, err, out, write
from codeset.errors import WrongUse
from codeset.participants import Participant
from codeset.releases import Release
from codeset.store import Store

if TYPE_CHECKING:
    from codeset.claims.bulk.run_bulk import Progress
    from codeset.claims.input.check import Rejects
    from codeset.claims.outcome import Outcome
    from codeset.payers.payer_outcome import PayerOutcome
    from codeset.snapshot import Snapshot


class OutcomeFormat(StrEnum):
    """The forms of an outcome."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


class OnBadClaim(StrEnum):
    """What becomes of claims that cannot be read as claims."""

    REFUSE = "refuse"
    SKIP = "skip"


@dataclass(frozen=True)
class _Options:
    """How claims are read: the release that is named, or by date; whose conversion factor; the locality of lines that
    name none; and whether bad claims are set aside.
    """

    release: str | None
    participant: Participant | None
    locality: str | None
    skip_bad_claims: bool


_LocalityOption = Annotated[
    str | None, typer.Option("--locality", metavar="LOCALITY", help=f"{LOCALITY_HELP}; where the claims do not say")
]
_FormatOption = Annotated[
    OutcomeFormat,
    typer.Option("--format", help="csv: a row for each line, in dollars; with -o, findings in a second file"),
]
_ExplainOption = Annotated[bool, typer.Option("--explain", help="Show how each amount came about")]
_OnBadClaimOption = Annotated[
    OnBadClaim, typer.Option("--on-bad-claim", help="Refuse everything, or set bad claims aside in a file")
]
_PayerOption = Annotated[
    str | None,
    typer.Option("--payer", metavar="NAME", help="Also what this payer asks for: a shipped profile or your .yaml file"),
]
_OutputOption = Annotated[
    Path | None, typer.Option("-o", "--output", help="A file; or a folder, for many claims in flat memory")
]


def adjudicate(
    files: ClaimFiles,
    release: ReadAgainstOption = None,
    participant: QualifyingApmOption = None,
    locality: _LocalityOption = None,
    form: _FormatOption = OutcomeFormat.TABLE,
    explain: _ExplainOption = False,
    on_bad_claim: _OnBadClaimOption = OnBadClaim.REFUSE,
    payer: _PayerOption = None,
    output: _OutputOption = None,
    store: StoreOption = None,
) -> None:
    """Say what Medicare's public rules say of each claim line: payable, payable with documentation, needs review,
    denied, or cannot determine; why; and how much.

    Claims of one beneficiary see each other: same-day edits, days after surgery. Lines are read against the release in
    force on their date of service; a date that no release covers is unknown.

        codeset adjudicate claims.csv

        codeset adjudicate claims.csv --release 2026q3 --qualifying-apm no --explain

        codeset adjudicate claims/*.parquet -o out/ --qualifying-apm no

    With --payer (medicare, aetna, bcbs, unitedhealthcare, or a file of your own: docs/writing-a-payer-profile.md) each
    line has what that payer asks for besides. What a guide states and nobody verified denies nothing.

        codeset adjudicate claims.csv --payer our-plan.yaml

    With a folder (a name that ends in / or is one) csv and parquet claims of any number are adjudicated in parts; an
    interrupted run resumes. codeset.scan_outcome in Python reads such a folder; docs/bulk.md has its
    files. Exit code 1 if a line is denied or unknown, or a claim was set aside.
    """
    locality = _locality_id(Store.at(store), release, locality)
    options = _Options(release, participant, locality, skip_bad_claims=on_bad_claim is OnBadClaim.SKIP)
    if output is not None and _is_folder(output):
        if payer is not None:
            raise WrongUse("--payer goes with a table, JSON or csv of some claims, not with a folder")
        is_clean = _adjudicate_many(files, output, Store.at(store), options)
    else:
        is_clean = _adjudicate_few(files, output, Store.at(store), options, form, payer, explain=explain)
    if not is_clean:
        raise typer.Exit(CHANGES_OR_FAILURES)


def _locality_id(store: Store, release: str | None, locality: str | None) -> str | None:
    """`mac-locality` or `national` for what was given; a name must be the same one in every release it may be of."""
    from codeset.lookups.localities import is_numbered, locality_id

    if locality is None or is_numbered(locality):
        return locality
    snapshots = [snapshot for snapshot in snapshots_for(store, release, None) if "gpci" in snapshot]
    return locality_id(locality, snapshots)


def _is_folder(output: Path) -> bool:
    """Whether *output* names a folder: one that exists, or a name without an ending."""
    return output.is_dir() or not output.suffix


def _adjudicate_few(
    files: Sequence[Path],
    output: Path | None,
    store: Store,
    options: _Options,
    form: OutcomeFormat,
    payer: str | None,
    *,
    explain: bool,
) -> bool:
    """Adjudicate the claims of *files* at once and show them; return whether no line is denied, unknown or left out."""
    from codeset.claims.adjudicate import adjudicate as adjudicate_lines
    from codeset.claims.input.claim_files import read_files
    from codeset.cli import adjudicate_output
    from codeset.payers.payer_outcome import PayerOutcome
    from codeset.payers.payer_profiles import payer_profile

    if payer is not None and output is None and form in (OutcomeFormat.CSV, OutcomeFormat.PARQUET):
        raise WrongUse("--payer with csv or parquet needs -o: the payer's rows are a file of their own")
    profile = None if payer is None else payer_profile(payer)
    lines, rejects = read_files(files, locality=options.locality, skip_bad_claims=options.skip_bad_claims)
    snapshots = snapshots_for(store, options.release, lines["date_of_service"].unique())
    left_out = _releases_left_out(store, options.release)
    outcome = adjudicate_lines(lines, snapshots, participant=options.participant, left_out=left_out)
    payer_outcome = None
    if profile is not None:
        payer_outcome = PayerOutcome.of(outcome, lines, profile, snapshots, on_any_date=options.release is not None)
    report_files(rejects, output)
    _show_outcome(outcome, payer_outcome, output, form, explain=explain)
    # A claim without an answer is not clean, whoever asked to set it aside.
    is_complete = not any(file_rejects.claims for file_rejects in rejects)
    dispositions = outcome.lines["disposition"].unique().to_list() + (
        payer_outcome.dispositions if payer_outcome else []
    )
    return is_complete and adjudicate_output.is_clean(dispositions)


def _adjudicate_many(files: Sequence[Path], folder: Path, store: Store, options: _Options) -> bool:
    """Adjudicate in parts and print what was done; return whether no line is denied, unknown or left out."""
    from codeset.claims.bulk.run_bulk import adjudicate_files
    from codeset.cli import adjudicate_output

    snapshots = snapshots_for(store, options.release, None)
    with _progress_bar() as report_progress:
        summary = adjudicate_files(
            files,
            folder,
            snapshots,
            participant=options.participant,
            locality=options.locality,
            skip_bad_claims=options.skip_bad_claims,
            left_out=_releases_left_out(store, options.release),
            report=report_progress,
        )
    for file_name, file_notes in summary.notes.items():
        _print_notes(file_name, file_notes)
    sentences = summary.checked.sentences()
    out.print("\n".join([adjudicate_output.summary_text(summary, folder), *sentences]), markup=False)
    return not summary.rejected_claims and adjudicate_output.is_clean(summary.dispositions)


def snapshots_for(store: Store, release: str | None, service_days: "Iterable[date] | None") -> list["Snapshot"]:
    """The *release* that was named; else those in force on *service_days*, or in each of the store's quarters."""
    if release is not None:
        return [store.open(release)]
    if not store.releases():
        raise WrongUse(f"{store.path} holds no release to read claims against; see: codeset build --help")
    # By quarter, not by revision: the revision in force answers for its quarter.
    quarters = {release.unrevised for release in store.releases()}
    if service_days is not None:
        quarters &= {Release.of(service_day) for service_day in service_days}
    snapshots = (store.in_force(quarter.first_day) for quarter in sorted(quarters))
    return [snapshot for snapshot in snapshots if snapshot is not None]


def _releases_left_out(store: Store, release: str | None) -> list[Release]:
    """The releases of the store that are not read, if *release* was named."""
    return [] if release is None else [other for other in store.releases() if other != Release.parse(release)]


def report_files(rejects_of_files: "Sequence[Rejects]", output: Path | None) -> None:
    """Say which columns were not read; write the faults of what was set aside beside the output, and say where."""
    from codeset.claims.input.claim_files import rejects_as
    from codeset.cli import adjudicate_output

    for file_rejects in rejects_of_files:
        _print_notes(file_rejects.file, file_rejects.notes)
        if not file_rejects.faults.is_empty():
            rejects_file = adjudicate_output.rejects_path(file_rejects, output)
            write(rejects_file, rejects_as([file_rejects], "csv"), private=True)
            err.print(adjudicate_output.set_aside_text(file_rejects, rejects_file), markup=False)


def _print_notes(file_name: str, file_notes: Sequence[str]) -> None:
    """Print a line for each note on a file."""
    for file_note in file_notes:
        err.print(f"{file_name}: {file_note}", markup=False)


def _show_outcome(
    outcome: "Outcome",
    payer_outcome: "PayerOutcome | None",
    output: Path | None,
    form: OutcomeFormat,
    *,
    explain: bool,
) -> None:
    """Print the outcome, or write it to *output*; and say once what it rests on."""
    from codeset.cli import adjudicate_output

    if form is OutcomeFormat.TABLE and output is None:
        out.print(adjudicate_output.outcome_table(outcome))
        out.print(adjudicate_output.summary_of_lines(outcome), markup=False)
        out.print("\n".join(outcome.checked.sentences()), markup=False)
        if payer_outcome is not None:
            out.print(adjudicate_output.payer_table(payer_outcome))
            out.print("\n".join(payer_outcome.sentences()), markup=False)
        if explain:
            out.print("\n".join(adjudicate_output.derivations(outcome)), markup=False)
        return
    if form is OutcomeFormat.TABLE and output is not None:
        # The name of the file says the form where --format does not.
        form = {".json": OutcomeFormat.JSON, ".parquet": OutcomeFormat.PARQUET}.get(output.suffix, OutcomeFormat.CSV)
    content = adjudicate_output.file_content(outcome, form.value, payer_outcome, explain=explain)
    if output is None:
        sys.stdout.buffer.write(content)
        if form is not OutcomeFormat.JSON:
            err.print("\n".join(outcome.checked.sentences()), markup=False)
        return
    write(output, content, private=True)
    if form is not OutcomeFormat.JSON:
        write(adjudicate_output.basis_path(output), adjudicate_output.basis_json(outcome.checked), private=True)
    if payer_outcome is not None and form is not OutcomeFormat.JSON:
        write(adjudicate_output.payer_path(output), adjudicate_output.payer_csv(payer_outcome), private=True)
        err.print("\n".join(payer_outcome.sentences()), markup=False)
    if form is OutcomeFormat.CSV:
        write(adjudicate_output.findings_path(output), adjudicate_output.findings_csv(outcome), private=True)


@contextmanager
def _progress_bar() -> Iterator[Callable[["Progress"], None]]:
    """Show the parts that are done, lines a second and the time left, on a terminal."""
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Bar(*columns, console=err, transient=True) as progress_bar:
        bar_task = progress_bar.add_task("adjudicating", total=None, rate="")
        start_time = progress_bar.get_time()

        def report(progress: "Progress") -> None:
            # The first part may be done within the clock's resolution: never divide by zero.
            lines_a_second = progress.lines / max(progress_bar.get_time() - start_time, 1e-9)
            progress_bar.update(
                bar_task,
                total=progress.parts,
                completed=progress.parts_done,
                rate=f"{lines_a_second:,.0f} lines a second",
            )

        yield report
