"""Two releases compared: `diff` and `review`."""

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codeset.cli.options import (
    DEFAULT_KEY,
    DEFAULT_LOCK,
    LOCALITY_HELP,
    ApprovalsOption,
    ApprovedLockOption,
    GuidanceOption,
    KeyOption,
    ReleaseArgument,
    ScenariosOption,
    SettingOption,
    StoreOption,
    release_label,
)
from codeset.cli.printing import CHANGES_OR_FAILURES, out, progress, write
from codeset.cli.sign_off_commands import serve_review
from codeset.errors import WrongUse
from codeset.lookups.localities import NATIONAL
from codeset.store import Store
from codeset.tables import REQUIRED_TABLES

if TYPE_CHECKING:
    import polars as pl

    from codeset.differences import Changes
    from codeset.review.first_page import FirstPage
    from codeset.review.model import ChangeReportCheck, Review
    from codeset.snapshot import Snapshot


class ScopeName(StrEnum):
    """What a comparison looks at."""

    DERM = "derm"
    ALL = "all"


class ReportFormat(StrEnum):
    """The forms of the change report."""

    MD = "md"
    JSON = "json"
    XLSX = "xlsx"


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", parser=release_label, help="The earlier release")],
    new: Annotated[str, typer.Argument(metavar="NEW", parser=release_label, help="The later release")],
    scope: Annotated[ScopeName, typer.Option(help="derm: office dermatology; all: every code")] = ScopeName.DERM,
    form: Annotated[ReportFormat, typer.Option("--format", help="xlsx needs -o")] = ReportFormat.MD,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file")] = None,
    store: StoreOption = None,
) -> None:
    """Report what changed between two releases. Exit code 0: nothing; 1: something.

    codeset diff 2025q4 2026q3

    codeset diff 2025q4 2026q3 --scope all --format xlsx -o changes.xlsx
    """
    from codeset.differences import diff as compare

    if form is ReportFormat.XLSX and output is None:
        raise WrongUse("a workbook is not for the screen: name a file with -o")
    with progress() as report_progress:
        report_progress(f"comparing {old} with {new}")
        changes = compare(Store.at(store).open(old), Store.at(store).open(new), scope.value)
        report_progress("writing the report")
        report = _report_content(changes, form)
        if output:
            write(output, report)
    if output is None:
        # Not by rich, which would fold the rows of a Markdown table.
        sys.stdout.write(report.decode())
    if not changes.none:
        raise typer.Exit(CHANGES_OR_FAILURES)


def _report_content(changes: "Changes", form: ReportFormat) -> bytes:
    if form is ReportFormat.MD:
        from codeset.change_report.changes_as_markdown import changes_markdown

        return changes_markdown(changes).encode()
    if form is ReportFormat.JSON:
        from codeset.change_report.changes_as_json import changes_json

        return changes_json(changes).encode()
    from codeset.change_report.changes_as_workbook import changes_workbook

    return changes_workbook(changes)


_ReviewFolderOption = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the review")]
_OldReleaseArgument = Annotated[
    str | None, typer.Argument(metavar="OLD", parser=release_label, help="The earlier release", show_default=False)
]
_NewReleaseArgument = Annotated[
    str | None, typer.Argument(metavar="NEW", parser=release_label, help="The later release", show_default=False)
]
_VolumesOption = Annotated[
    Path | None,
    typer.Option(
        "--volumes", metavar="FILE", help="csv or xlsx of codes and units (a year): what it does to your practice"
    ),
]
_ClaimsOption = Annotated[
    list[Path] | None,
    typer.Option("--claims", metavar="FILE...", help="Your own claims, adjudicated under both releases"),
]
_FavoritesOption = Annotated[
    Path | None,
    typer.Option("--favorites", metavar="FILE", help="Your diagnosis codes, one a line: which are split or deleted"),
]
_LocalityOption = Annotated[
    str | None, typer.Option("--locality", metavar="LOCALITY", help=f"{LOCALITY_HELP} [default: national]")
]
_ChangeReportOption = Annotated[
    Path | None,
    typer.Option("--change-report", metavar="FILE", help="CMS's own report of changed NCCI edits, to compare with"),
]
_ServeOption = Annotated[
    bool,
    typer.Option("--serve", help="Read, decide and sign in the browser, on this machine alone; Ctrl-C ends it"),
]
_PortOption = Annotated[int, typer.Option("--port", help="With --serve [default: any that is free]", min=0)]


def review(
    output: _ReviewFolderOption,
    old: _OldReleaseArgument = None,
    new: _NewReleaseArgument = None,
    volumes: _VolumesOption = None,
    claims: _ClaimsOption = None,
    favorites: _FavoritesOption = None,
    locality: _LocalityOption = None,
    setting: SettingOption = None,
    change_report: _ChangeReportOption = None,
    serve: _ServeOption = False,
    port: _PortOption = 0,
    key: KeyOption = DEFAULT_KEY,
    approvals: ApprovalsOption = Path("approvals"),
    lock: ApprovedLockOption = DEFAULT_LOCK,
    scenarios: ScenariosOption = None,
    guidance: GuidanceOption = None,
    store: StoreOption = None,
) -> None:
    """Write the review of a new release: what changed, financial impact, the rules behind it, action items.

        codeset review 2025q4 2026q3 -o review

        codeset review 2025q4 2026q3 -o review --volumes volumes.csv --locality Manhattan --setting office

        codeset review 2025q4 2026q3 -o review --claims claims-2025.csv

        codeset review -o review --serve

    Volumes are what a practice system exports (csv or xlsx): a code and a units column, and if there are, modifiers,
    place of service, provider, payer, ZIP code or locality. They are Medicare units at allowed amounts, units times
    fee. With --claims the claims themselves (csv, JSON, parquet, 837P) are adjudicated as if each release were in force
    on their dates: what edits, denials and multiple-procedure reductions leave, and which lines differ.

    DIR gets the review (html, xlsx, md, json), files to hand on (fee-schedule.csv, edits-changed.csv, tasks.xlsx,
    physician-handout.html, due-dates.ics) and CHANGELOG-entry.md. An earlier review of the same two releases is
    replaced, anything else is not. Exit code 1 if something changed, or a test claim disagrees with its coder; else 0.

    --serve shows the review in the browser, to be decided and signed there; without OLD and NEW, the one in DIR.
    """
    if old is None or new is None:
        if not serve:
            raise WrongUse("name the two releases to compare, such as: codeset review 2025q4 2026q3 -o review")
        serve_review(output, port, key, approvals, lock, scenarios, guidance, store)
        return
    from codeset.review.first_page import first_page

    own_files = _OwnFiles(volumes, claims, favorites, change_report, locality, setting)
    new_review = _write_review(Store.at(store), (old, new), own_files, output, scenarios, guidance)
    review_page = first_page(new_review)
    out.print(_review_lines(review_page, output), markup=False)
    if serve:
        serve_review(output, port, key, approvals, lock, scenarios, guidance, store)
        return
    if review_page.changed or new_review.outcomes.failed:
        raise typer.Exit(CHANGES_OR_FAILURES)


@dataclass(frozen=True)
class _OwnFiles:
    """A practice's own files that a review takes in: volumes, claims, diagnosis codes; CMS's report; where and how."""

    volumes: Path | None
    claims: list[Path] | None
    favorites: Path | None
    change_report: Path | None
    locality: str | None
    setting: str | None


def _write_review(
    store: Store,
    releases: tuple[str, str],
    own_files: _OwnFiles,
    output: Path,
    scenarios: Path | None,
    guidance: Path | None,
) -> "Review":
    """Review the two *releases*, earlier one first, and write it into *output*; say which columns were not used."""
    from codeset.impact.volume_files import read_volumes
    from codeset.lookups.favorites import read_favorites
    from codeset.lookups.localities import locality_id
    from codeset.review.folder import refuse_other, write_review
    from codeset.review.make import make_review
    from codeset.suite.guidance.guidance_files import guidance_folder
    from codeset.suite.guidance.run_guidance import statements
    from codeset.suite.scenarios import load, scenarios_folder

    earlier_snapshot, later_snapshot = (store.open(release) for release in releases)
    locality_of_review = (
        locality_id(own_files.locality, [earlier_snapshot, later_snapshot]) if own_files.locality else None
    )
    # The practice's files are read before the work begins: a fault in them is reported at once, not after a minute.
    volume_file = read_volumes(own_files.volumes) if own_files.volumes else None
    diagnoses = read_favorites(own_files.favorites) if own_files.favorites else None
    refuse_other(output, str(earlier_snapshot.release), str(later_snapshot.release))
    with progress() as report_progress:
        review = make_review(
            earlier_snapshot,
            later_snapshot,
            load(scenarios_folder(scenarios)),
            statements(guidance or guidance_folder()),
            volumes=volume_file.volumes if volume_file else (),
            claims=_claim_lines(own_files.claims, locality_of_review),
            locality=locality_of_review,
            setting=own_files.setting,
            change_report=_check_change_report(own_files.change_report, earlier_snapshot, later_snapshot),
            favorites=diagnoses,
            history=_releases_up_to(store, later_snapshot),
            report_progress=report_progress,
        )
        write_review(review, output, report_progress)
    if volume_file and volume_file.unused:
        out.print(f"{volume_file.name}: columns not used: {', '.join(volume_file.unused)}", markup=False)
    return review


def page(
    guide: Annotated[str, typer.Argument(metavar="GUIDE", help="derm: office dermatology")],
    release: ReleaseArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to write the guide into")],
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="OLD", parser=release_label, help="Also show what changed since this release"),
    ] = None,
    locality: _LocalityOption = None,
    guidance: Annotated[
        Path | None, typer.Option("--guidance", help="Statements to check [default: the two practice guides]")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write the practice guide of a release, rebuilt from CMS's files: one page, Markdown and JSON.

        codeset page derm 2026q3 -o guide

        codeset page derm 2026q3 -o guide --since 2025q4 --locality Manhattan

    By family: each code with RVUs, office and facility amounts, global days, MUE and add-on codes; which pairs bundle,
    with the modifier indicator; modifiers; and which statements of printed guides this release confirms. DIR gets
    guide.html, guide.md and guide.json; the same release gives the same bytes.
    """
    from codeset.lookups.localities import locality_id
    from codeset.practice_guide.guide import make_guide
    from codeset.practice_guide.guide_folder import PAGE, write_guide
    from codeset.suite.guidance.guidance_files import guidance_folder
    from codeset.suite.guidance.run_guidance import statements

    snapshots = [Store.at(store).open(label) for label in (release, since) if label]
    locality_of_guide = locality_id(locality, snapshots) if locality else None
    guide_statements = statements(guidance or guidance_folder())
    with progress() as report_progress:
        report_progress(f"reading {release}")
        new_guide, *earlier_guides = (
            make_guide(guide, snapshot, guide_statements, locality_of_guide) for snapshot in snapshots
        )
        changes = write_guide(output, new_guide, *earlier_guides)
    comparison_text = f"; {len(changes):,} figures differ from {since}" if since else ""
    out.print(f"wrote {output / PAGE}: {len(new_guide.codes)} rows of codes{comparison_text}", markup=False)


def _claim_lines(claim_files: list[Path] | None, locality: str | None) -> "pl.DataFrame | None":
    """The lines of the claims; those that name no locality are in that of the review."""
    from codeset.claims.input.claim_files import read_files

    return read_files(claim_files, locality=locality or NATIONAL)[0] if claim_files else None


def _releases_up_to(store: Store, later_snapshot: "Snapshot") -> "list[Snapshot]":
    """Every release of the store up to *later_snapshot* that has a fee schedule and the other tables, oldest first."""
    # A release that lacks one of these tables is left out: what it lacks would show as a change of CMS's.
    snapshots = (store.open(release) for release in store.releases() if release <= later_snapshot.release)
    return [snapshot for snapshot in snapshots if all(table in snapshot for table in REQUIRED_TABLES)]


def _check_change_report(
    change_report_file: Path | None, earlier_snapshot: "Snapshot", later_snapshot: "Snapshot"
) -> "ChangeReportCheck | None":
    """CMS's own report of changed NCCI edits against the difference of all codes."""
    if change_report_file is None:
        return None
    from codeset.differences import diff
    from codeset.review.model import ChangeReportCheck
    from codeset_ingest import change_report

    difference = change_report.from_difference(diff(earlier_snapshot, later_snapshot, "all").tables["ptp"])
    return ChangeReportCheck(
        change_report_file.name, len(change_report.compare(change_report.read(change_report_file), difference))
    )


def _review_lines(review_page: "FirstPage", folder: Path) -> str:
    """The first page in short, and where the review is."""
    from codeset.review.folder import PAGE

    readiness = review_page.readiness
    check_lines = (f"  {name}: {status}" for name, status in readiness.checks)
    impact_lines = [f"{review_page.impact_title}:", *(f"  {sentence}" for sentence in review_page.impact)]
    action_lines = (
        f"  {action_number}. {'. '.join(filter(None, (action_item.title, action_item.details)))}"
        for action_number, action_item in enumerate(review_page.actions, start=1)
    )
    summary_lines = [
        readiness.verdict,
        *check_lines,
        "",
        review_page.headline,
        "",
        *impact_lines,
        "",
        "Action items:",
        *action_lines,
        "",
    ]
    return "\n".join([*summary_lines, f"Open {folder / PAGE}"])
