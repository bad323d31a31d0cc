"""Releases come in: `build`, `fetch` and `watch`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codeset.cli.options import (
    AcceptOption,
    AlsoOption,
    IntoOption,
    JsonOption,
    LockedOption,
    LockOption,
    ReleaseArgument,
    StoreOption,
    release_label,
)
from codeset.cli.printing import CHANGES_OR_FAILURES, err, out, print_json, progress
from codeset.errors import WrongUse
from codeset.releases import Release
from codeset.store import Store

if TYPE_CHECKING:
    from codeset_ingest.build import BuildResult
    from codeset_ingest.fetch_and_build import FetchAndBuildResult, FetchOptions


_FilesOption = Annotated[
    list[Path] | None, typer.Option("--from", help="CMS's file, zip or folder; may be given several times")
]
_CarryOption = Annotated[
    list[str] | None,
    typer.Option("--carry", metavar="TABLE=RELEASE", help="Take a table from an earlier sealed release"),
]
_FindingsOption = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="CHECK:TABLE", help="Accept an unusual finding by the name that is printed"),
]
_RowCountOption = Annotated[list[str] | None, typer.Option("--accept-row-count", hidden=True)]
"""The former name of `--accept keys:TABLE`."""

_EmbeddedOption = Annotated[bool, typer.Option("--embedded", help="Build the embedded excerpt instead of files")]
_FetchOption = Annotated[bool, typer.Option("--fetch", help="Fetch CMS's files first; see: codeset fetch --help")]
_ResealOption = Annotated[
    bool, typer.Option("--reseal", help="Replace what was sealed from the same files, read otherwise now")
]
_ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why, for --reseal; the manifest keeps it")
]


def build(
    release: ReleaseArgument,
    files: _FilesOption = None,
    carry: _CarryOption = None,
    findings: _FindingsOption = None,
    accept_row_count: _RowCountOption = None,
    embedded: _EmbeddedOption = False,
    fetched: _FetchOption = False,
    also: AlsoOption = "",
    accept: AcceptOption = None,
    into: IntoOption = None,
    lock: LockOption = None,
    locked: LockedOption = False,
    reseal: _ResealOption = False,
    reason: _ReasonOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read CMS's files and seal them as a release.

    Files are recognized by content, not by name: any mixture of folders, zips and loose files is enough:

        codeset build 2024q2 --from ~/cms/2024q2

        codeset build 2024q3 --from PPRRVU24_JUL.csv --from ~/cms/ptp --carry gpci=2024q2

    Every fault of every file is reported, and then nothing is written. The same files again change nothing; other
    files for the same quarter become a new revision, 2024q3r1. So do the same files when a newer version reads them
    otherwise, unless --reseal replaces what was sealed from them: approvals of it are void then.

    With --fetch they come from cms.gov first:

        codeset build 2026q3 --fetch --accept-ama-license "Your Name"

    A table that CMS did not post anew (add-on edits) is carried forward from the store. Files behind the AMA's license
    may be given by hand with --from as well. CMS's own report of what changed in the edits is then held against our
    difference with the quarter before; exit code 1 if they disagree.
    """
    # A row count that was accepted by the former option is the finding `keys` of its table.
    accepted_findings = [*(findings or []), *(f"keys:{table}" for table in accept_row_count or [])]
    build_input = _BuildInput(files or [], dict(map(_table_to_carry, carry or [])), accepted_findings, reason)
    _refuse_contradictions(build_input, reseal=reseal, fetched=fetched, embedded=embedded)
    if fetched:
        from codeset_ingest.fetch_and_build import FetchOptions

        options = FetchOptions(Store.at(store), into, lock, also, accept, locked)
        _print_fetched_build(_fetch_and_build(release, options, build_input), as_json=as_json)
        return
    build_release = _build_embedded if embedded else _build
    _print_build(build_release(Release.parse(release), Store.at(store), build_input), as_json=as_json)


@dataclass(frozen=True)
class _BuildInput:
    """A build's files, the tables to take from earlier releases, unusual findings that are accepted, why to reseal."""

    files: Sequence[Path]
    carry: Mapping[str, Release]
    accept: Sequence[str]
    reseal: str | None


def _refuse_contradictions(build_input: _BuildInput, *, reseal: bool, fetched: bool, embedded: bool) -> None:
    # A reason without --reseal would be kept nowhere, and a reseal without one cannot be explained later.
    if reseal != (build_input.reseal is not None):
        raise WrongUse("--reseal needs a --reason, and --reason goes with --reseal")
    if reseal and fetched:
        raise WrongUse("--reseal takes the files with --from; they are in the folder that --fetch put them in")
    if embedded == bool(build_input.files or fetched):
        raise WrongUse("Add --from FOLDER, --fetch or --embedded")


def _table_to_carry(option_text: str) -> tuple[str, Release]:
    table_name, _, release = option_text.partition("=")
    return table_name, Release.parse(release)


def _fetch_and_build(release: str, options: "FetchOptions", build_input: _BuildInput) -> "FetchAndBuildResult":
    from codeset.cli import fetch_output
    from codeset_ingest import fetch_and_build

    with fetch_output.download_progress(err) as (report_progress, report_bytes):
        return fetch_and_build.fetch_and_build(
            release, options, build_input.files, build_input.carry, build_input.accept, report_progress, report_bytes
        )


def _build_embedded(release: Release, store: Store, build_input: _BuildInput) -> "BuildResult":
    from codeset_ingest.build import BuildResult
    from codeset_ingest.embedded import build_embedded

    return BuildResult(build_embedded(release, store, build_input.reseal), (), (), ())


def _build(release: Release, store: Store, build_input: _BuildInput) -> "BuildResult":
    from codeset_ingest.build import build as build_release

    with progress() as report_progress:
        return build_release(
            release,
            build_input.files,
            store,
            build_input.carry,
            build_input.accept,
            report_progress,
            reseal=build_input.reseal,
        )


def _print_build(build_result: "BuildResult", *, as_json: bool) -> None:
    from codeset.cli import show_output

    if as_json:
        print_json(_build_json(build_result))
        return
    for news_line in show_output.build_news(build_result):
        out.print(news_line, markup=False)
    out.print(show_output.release_table(build_result.sealed.snapshot))


def _print_fetched_build(result: "FetchAndBuildResult", *, as_json: bool) -> None:
    from codeset.cli import fetch_output
    from codeset_ingest.fetch_and_build import comparison_lines

    if as_json:
        print_json(_build_json(result.built) | fetch_output.result_json(result))
    else:
        out.print("\n".join(fetch_output.fetched_lines(result.fetched)), markup=False)
        _print_build(result.built, as_json=False)
        out.print("\n".join(comparison_lines(result.comparison)), markup=False)
    if not result.comparison.agrees:
        raise typer.Exit(CHANGES_OR_FAILURES)


def _build_json(build_result: "BuildResult") -> dict[str, Any]:
    snapshot = build_result.sealed.snapshot
    return {
        "release": str(snapshot.release),
        "new": build_result.sealed.new,
        "path": str(snapshot.path),
        # Spelled as the first versions wrote it: programs read it by this name.
        "unrecognised": build_result.unrecognized,
        "missing": build_result.missing,
        "notes": build_result.notes,
    }


def fetch(
    release: Annotated[
        str | None, typer.Argument(metavar="[RELEASE]", parser=release_label, help="Such as 2026q3")
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="The newest release that CMS has posted whole")] = False,
    also: AlsoOption = "",
    accept: AcceptOption = None,
    into: IntoOption = None,
    lock: LockOption = None,
    locked: LockedOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a release's files from cms.gov: fee schedule, NCCI edits and their changes, MUE, add-on codes, manual.

        codeset fetch 2026q3

        codeset fetch --latest --into ~/cms --accept-ama-license "Your Name"

    CMS's pages are read to find the files; it says which page and link it used. What is here and unchanged is
    not fetched again; an interrupted download resumes. The files of a release are put into its
    folder only when all of them are whole, and are pinned in sources.lock.json by address, size and sha256. A file that
    CMS posted again with other bytes is reported, and makes a new revision with a folder of its own: 2026q3r1.

    The NCCI edits are behind the AMA's license. Only a person can accept it: without --accept-ama-license (once; the
    store keeps who and when) they are left out, and exit code 2 comes with what to do by hand.

    Exit codes: 0 fetched, or nothing new; 2 a license is to be accepted, or wrong use; 3 a page or file that is not
    what it was; 4 the store; 5 CMS's site. CODESET_CMS_SITE names a site on loopback in place of cms.gov.
    """
    from codeset.cli import fetch_output
    from codeset_ingest import fetch_and_build
    from codeset_ingest.cms_site.fetch_release import license_message

    if latest == bool(release):
        raise WrongUse("name a release, or --latest")
    options = fetch_and_build.FetchOptions(Store.at(store), into, lock, also, accept, locked)
    with fetch_output.download_progress(err) as (report_progress, report_bytes):
        fetched_release = fetch_and_build.fetch(release, options, report_progress, report_bytes)
    if as_json:
        print_json(fetch_output.fetched_json(fetched_release))
    else:
        out.print("\n".join(fetch_output.fetched_lines(fetched_release)), markup=False)
    if license_text := license_message(fetched_release):
        raise WrongUse(license_text)


def watch(
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="RELEASE", parser=release_label, help="From this one on [default: the store's newest]"
        ),
    ] = None,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="As if it were this day [default: today]")
    ] = None,
    also: AlsoOption = "",
    lock: LockOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is new on cms.gov: files that the store lacks, files posted again, files expected and not there.

    Only pages and headers are read, nothing is fetched. A page whose layout has changed is an error, exit code 3, that
    says what was looked for and what was seen, and the page is kept for a bug report: it is never "nothing new".

    Exit codes: 0 nothing new; 1 something new, posted again, or named in no known way; 3 a changed page; 5 CMS's site.
    """
    from codeset.cli import fetch_output
    from codeset_ingest import fetch_and_build

    today = on.date() if on else datetime.now(UTC).date()
    options = fetch_and_build.FetchOptions(Store.at(store), lock=lock, also=also)
    with fetch_output.download_progress(err) as (report_progress, _):
        news = fetch_and_build.news(options, since, today, report_progress)
    calls_for_action = any(news_item.calls_for_action for news_item in news)
    if as_json:
        print_json({"new": calls_for_action, "news": [news_item.plain() for news_item in news]})
    else:
        out.print(fetch_output.news_table(news) if news else "nothing new")
    if calls_for_action:
        raise typer.Exit(CHANGES_OR_FAILURES)
