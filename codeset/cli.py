"""The `codeset` command: the one place that puts the rooms together."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from codeset.faults import CodesetError, WrongUse
from codeset.releases import Release
from codeset.store import Store

if TYPE_CHECKING:
    from codeset.claims.bulk import Done
    from codeset.claims.command import Adjudicated
    from codeset.differences import Changes
    from ingest.build import Built
    from ingest.fetched import Fetched

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help=(
        "CMS's code sets as sealed snapshots, and what changed between two of them.\n\n"
        "A release is a quarter's code set: `2026q3`, or `2026q3r1` when CMS's files came again changed.\n\n"
        "Exit codes: 0 well; 1 differences, failures or news found; 2 wrong use; 3 input that cannot be read; "
        "4 a problem of the store; 5 a problem of CMS's site or the way to it."
    ),
)

FOUND = 1
"""Exit code when a comparison found differences, or a look-up or check failed."""

_PIPED_WIDTH = 200
_out = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
_err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", envvar="CODESET_STORE", help="Folder of snapshots [default: your user data folder]"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs")]
ScenariosOption = Annotated[
    Path | None,
    typer.Option(
        "--scenarios", envvar="CODESET_SCENARIOS", help="Folder of scenarios [default: the golden dermatology suite]"
    ),
]
ApprovalsOption = Annotated[Path, typer.Option("--approvals", help="Folder of signed approvals")]
IntoOption = Annotated[
    Path | None,
    typer.Option("--into", help="Folder of downloads, one folder in it for each release [default: in the store]"),
]
AlsoOption = Annotated[
    str, typer.Option("--also", metavar="outpatient,dme", help="Edits for outpatient hospitals, for DME suppliers too")
]
LockOption = Annotated[
    Path | None,
    typer.Option("--lock", envvar="CODESET_LOCK", help="File that pins CMS's files [default: in the store]"),
]
LockedOption = Annotated[
    bool, typer.Option("--locked", help="Fetch exactly what the lock pins; read no page, take no other bytes")
]
AcceptOption = Annotated[
    str | None,
    typer.Option(
        "--accept-ama-licence",
        metavar="NAME",
        envvar="CODESET_AMA_LICENCE_ACCEPTED_BY",
        help="You, by name, have read and accept the AMA's licence; recorded",
    ),
]
ReleaseArgument = Annotated[str, typer.Argument(metavar="RELEASE", help="Such as 2026q3")]


class ReportFormat(StrEnum):
    """The forms of the change report."""

    MD = "md"
    JSON = "json"
    XLSX = "xlsx"


class TableFormat(StrEnum):
    """The forms in which tables are exported."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


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


class SettingName(StrEnum):
    """Where services are done."""

    NONFACILITY = "nonfacility"
    FACILITY = "facility"


class ScopeName(StrEnum):
    """What a comparison looks at."""

    DERM = "derm"
    ALL = "all"


@app.command()
def build(
    release: ReleaseArgument,
    files: Annotated[
        list[Path] | None, typer.Option("--from", help="CMS's file, zip or folder; may be given several times")
    ] = None,
    carry: Annotated[
        list[str] | None,
        typer.Option("--carry", metavar="TABLE=RELEASE", help="Take a table from an earlier sealed release"),
    ] = None,
    accept_row_count: Annotated[
        list[str] | None,
        typer.Option("--accept-row-count", metavar="TABLE", help="Accept that a table's size changed by over 20 %"),
    ] = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="Build the embedded excerpt instead of files")] = False,
    fetched: Annotated[
        bool, typer.Option("--fetch", help="Fetch CMS's files first; see: codeset fetch --help")
    ] = False,
    also: AlsoOption = "",
    accept: AcceptOption = None,
    into: IntoOption = None,
    lock: LockOption = None,
    locked: LockedOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read CMS's files and seal them as a release.

    Files are told by what is in them, so any name and any mixture of folders, zips and loose files will do:

        codeset build 2024q2 --from ~/cms/2024q2

        codeset build 2024q3 --from PPRRVU24_JUL.csv --from ~/cms/ptp --carry gpci=2024q2

    Every fault of every file is reported, and then nothing is written. The same files again change nothing; other
    files for the same quarter become a new revision, 2024q3r1.

    With --fetch they come from cms.gov first:

        codeset build 2026q3 --fetch --accept-ama-licence "Your Name"

    A table that CMS did not post anew (add-on edits) is carried forward from the store. Files behind the AMA's licence
    may be given by hand with --from as well. CMS's own report of what changed in the edits is then held against our
    difference with the quarter before; exit code 1 if they disagree.
    """
    from ingest import build as building  # noqa: PLC0415 (each command loads what it needs)
    from ingest import command, telling  # noqa: PLC0415
    from ingest.embedded import build_embedded  # noqa: PLC0415

    chosen = Release.parse(release)
    carries = dict(_carry(each) for each in carry or [])
    if fetched and not embedded:
        origin = command.Chosen(Store.at(store), into, lock, also, accept, locked)
        with telling.coming(_err) as (say, count):
            outcome = command.fetch_and_build(release, origin, files or [], carries, accept_row_count or [], say, count)
        _tell_fetched_build(outcome, as_json=as_json)
        return
    if embedded == bool(files) or fetched:
        raise WrongUse("give CMS's files with --from, or --embedded for the excerpt of the package, or --fetch them")
    if embedded:
        sealed = build_embedded(chosen, Store.at(store))
        built = building.Built(sealed, (), (), ())
    else:
        with _progress() as say:
            built = building.build(chosen, files or [], Store.at(store), carries, accept_row_count or [], say)
    _tell_build(built, as_json=as_json)


@app.command()
def fetch(
    release: Annotated[str | None, typer.Argument(metavar="[RELEASE]", help="Such as 2026q3")] = None,
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

        codeset fetch --latest --into ~/cms --accept-ama-licence "Your Name"

    CMS's pages are read to find the files; which page and which link is used is told. What is here and unchanged is
    not fetched again; a download that broke off goes on where it stopped. The files of a release are put into its
    folder only when all of them are whole, and are pinned in sources.lock.json by address, size and sha256. A file that
    CMS posted again with other bytes is told, and makes a new revision with a folder of its own: 2026q3r1.

    The NCCI edits lie behind the AMA's licence. Only a person can accept it: without --accept-ama-licence (once; the
    store keeps who and when) they are left out, and exit code 2 comes with what to do by hand.

    Exit codes: 0 fetched, or nothing new; 2 a licence is to be accepted, or wrong use; 3 a page or file that is not
    what it was; 4 the store; 5 CMS's site. CODESET_CMS_SITE names a site on loopback in place of cms.gov.
    """
    from ingest import command, telling  # noqa: PLC0415

    if latest == bool(release):
        raise WrongUse("name a release, or --latest")
    with telling.coming(_err) as (say, count):
        obtained = command.fetch(release, command.Chosen(Store.at(store), into, lock, also, accept, locked), say, count)
    if as_json:
        _print_json(telling.obtained_json(obtained))
    else:
        _out.print("\n".join(telling.obtained_lines(obtained)), markup=False)
    if todo := telling.licence_news(obtained):
        raise WrongUse(todo)


@app.command()
def watch(
    since: Annotated[
        str | None, typer.Option("--since", metavar="RELEASE", help="From this one on [default: the store's newest]")
    ] = None,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="As if it were this day [default: today]")
    ] = None,
    also: AlsoOption = "",
    lock: LockOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look what is new on cms.gov: files that the store lacks, files posted again, files expected and not there.

    Only pages and headers are read, nothing is fetched. A page whose layout has changed is an error, exit code 3, that
    says what was looked for and what was seen, and the page is kept for a bug report: it is never "nothing new".

    Exit codes: 0 nothing new; 1 something new, posted again, or named in no known way; 3 a changed page; 5 CMS's site.
    """
    from ingest import command, telling  # noqa: PLC0415

    today = on.date() if on else datetime.now(UTC).date()
    with telling.coming(_err) as (say, _):
        found = command.news(command.Chosen(Store.at(store), lock=lock, also=also), since, today, say)
    news = any(each.calls_for_action for each in found)
    if as_json:
        _print_json({"new": news, "news": [each.plain() for each in found]})
    else:
        _out.print(telling.news_table(found) if found else "nothing new")
    if news:
        raise typer.Exit(FOUND)


@app.command("list")
def list_releases(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the sealed releases, their dates of service and the editions of their tables."""
    from codeset import listing  # noqa: PLC0415

    snapshots = [Store.at(store).open(each) for each in Store.at(store).releases()]
    if as_json:
        _print_json([json.loads(each.manifest.to_json()) for each in snapshots])
    elif not snapshots:
        _out.print(f"no release yet in {escape(str(Store.at(store).path))}; see: codeset build --help")
    for snapshot in [] if as_json else snapshots:
        _out.print(listing.release_table(snapshot))


@app.command()
def show(
    hcpcs: Annotated[str, typer.Argument(metavar="HCPCS", help="A code, such as 11102")],
    release: Annotated[str | None, typer.Option("--release", help="Only this release [default: every one]")] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what CMS says of a code: RVUs, national amounts, global days, indicators, MUE, add-on relations, edits.

    Without --release every release of the store is shown, side by side. Exit code 1 if none of them knows the code.
    """
    from codeset import listing  # noqa: PLC0415

    found = listing.code(Store.at(store), hcpcs.upper(), Release.parse(release) if release else None)
    if as_json:
        _print_json(found)
    else:
        _out.print(listing.code_table(hcpcs.upper(), found))
    if not any(each["modifiers"] for each in found):
        raise typer.Exit(FOUND)


@app.command()
def edits(
    hcpcs: Annotated[str, typer.Argument(metavar="HCPCS")],
    other: Annotated[str, typer.Argument(metavar="HCPCS")],
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
    from codeset import listing  # noqa: PLC0415

    pair = (hcpcs.upper(), other.upper())
    found = listing.edits_on(Store.at(store), pair, on.date()) if on else listing.edits(Store.at(store), pair)
    if as_json:
        _print_json(found)
    else:
        _out.print(listing.edits_table(pair, found))
    if found["answer"] == "unknown":
        raise typer.Exit(FOUND)


@app.command()
def verify(release: ReleaseArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Compare a snapshot's files with its manifest, byte for byte. Exit code 1 if anything differs."""
    differences = Store.at(store).open(release).verify()
    plain = {"release": release, "sound": not differences, "differences": differences}
    _tell_faults(differences, f"{release} is as it was sealed", plain if as_json else None)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The earlier release")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The later release")],
    scope: Annotated[ScopeName, typer.Option(help="derm: office dermatology; all: every code")] = ScopeName.DERM,
    form: Annotated[ReportFormat, typer.Option("--format", help="xlsx needs -o")] = ReportFormat.MD,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file")] = None,
    store: StoreOption = None,
) -> None:
    """Report what changed between two releases. Exit code 0: nothing; 1: something.

    codeset diff 2025q4 2026q3

    codeset diff 2025q4 2026q3 --scope all --format xlsx -o changes.xlsx
    """
    from codeset.differences import diff as compare  # noqa: PLC0415

    if form is ReportFormat.XLSX and output is None:
        raise WrongUse("a workbook is not for the screen: name a file with -o")
    with _progress() as say:
        say(f"comparing {old} with {new}")
        changes = compare(Store.at(store).open(old), Store.at(store).open(new), scope.value)
        say("writing the report")
        report = _report(changes, form)
        if output:
            _write(output, report)
    if output is None:
        sys.stdout.write(report.decode())
    if not changes.none:
        raise typer.Exit(FOUND)


@app.command()
def review(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The earlier release")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The later release")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to write the review into")],
    volumes: Annotated[
        Path | None,
        typer.Option("--volumes", metavar="FILE.csv", help="hcpcs,units (a year): what it does to your practice"),
    ] = None,
    locality: Annotated[
        str | None, typer.Option("--locality", metavar="MAC-LOC", help="Amounts of this locality [default: national]")
    ] = None,
    setting: Annotated[SettingName | None, typer.Option("--setting", help="[default: both, side by side]")] = None,
    scenarios: ScenariosOption = None,
    guidance: Annotated[
        Path | None, typer.Option("--guidance", help="Statements to try [default: the two practice guides]")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write the review of a new release: what changed, what it costs, which CMS row caused it, what is asked of you.

        codeset review 2025q4 2026q3 -o review

        codeset review 2025q4 2026q3 -o review --volumes volumes.csv --locality 01112-05 --setting nonfacility

    DIR gets review.html, review.xlsx, review.md, review.json and CHANGELOG-entry.md; an earlier review of the same two
    releases is replaced, anything else is not. Exit code 1 if something changed, or a coder is contradicted; else 0.
    """
    from codeset.review import command  # noqa: PLC0415

    snapshots = Store.at(store).open(old), Store.at(store).open(new)
    chosen = command.Chosen(volumes, locality, setting.value if setting else None, scenarios, guidance)
    with _progress() as say:
        made = command.make(snapshots, chosen, output, say)
    _out.print(command.news(made, output), markup=False)
    if made.changed or made.outcomes.failed:
        raise typer.Exit(FOUND)


@app.command()
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
    that was stopped goes on where it was. Exit code 1 if a line is denied or unknown.
    """
    from codeset.claims import command  # noqa: PLC0415

    apm = None if qualifying_apm is None else qualifying_apm is YesNo.YES
    chosen = command.Chosen(release, apm, locality, skip_bad_claims=on_bad_claim is OnBadClaim.SKIP)
    if output is not None and command.is_folder(output):
        with _counted() as tell:
            summary = command.many(files, output, Store.at(store), chosen, tell)
        _out.print(command.summary_text(summary, output), markup=False)
        found = summary.found
    else:
        adjudicated = command.few(files, Store.at(store), chosen)
        _show_outcome(adjudicated, form, output, explain=explain)
        found = adjudicated.found
    if found:
        raise typer.Exit(FOUND)


def _show_outcome(adjudicated: "Adjudicated", form: OutcomeFormat, output: Path | None, *, explain: bool) -> None:
    from codeset.claims import command  # noqa: PLC0415

    if adjudicated.rejects_told:
        _err.print(command.set_aside(adjudicated, output), markup=False)
    if form is not OutcomeFormat.TABLE or output is not None:
        _tell(command.content(adjudicated, form.value, explain=explain), output)
        return
    _out.print(command.table(adjudicated))
    if explain:
        _out.print("\n".join(command.derivations(adjudicated)), markup=False)


@app.command("test")
def try_suite(
    releases: Annotated[
        list[str] | None, typer.Argument(metavar="[RELEASE...]", help="[default: all that can]")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Write the outcomes that were not accepted before")] = False,
    scenarios: ScenariosOption = None,
    approvals: ApprovalsOption = Path("approvals"),
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try the golden scenarios on releases: what coders expect, and what was accepted of each outcome.

        codeset test

        codeset test 2026q3 --accept

    Exit code 1 if a coder is contradicted, or an outcome is not as it was accepted, or not accepted yet. --accept
    writes what is missing in golden/RELEASE.json beside the scenarios, and ends with 1 too: what was written is to be
    read. It changes nothing that was accepted, no `expect`, and no release that is signed.
    """
    from codeset.suite import command, folders  # noqa: PLC0415
    from codeset.suite.scenarios import load  # noqa: PLC0415

    folder = folders.scenarios_folder(scenarios)
    chosen = command.releases_to_test(Store.at(store), releases or [])
    if accept and not releases:
        raise WrongUse("name the releases whose outcomes are to be accepted")
    with _progress() as say:
        suite, tested = load(folder), []
        for release in chosen:
            say(f"trying {len(suite.scenarios)} scenarios on {release}")
            done = command.tried(suite, Store.at(store).open(release), folders.goldens_folder(folder))
            tested.append(command.accept_missing(done, approvals) if accept else done)
    if as_json:
        _print_json([command.plain(each) for each in tested])
    else:
        for each in tested:
            _out.print("\n".join(command.news(each)), markup=False, end="\n" if command.news(each) else "")
        _out.print(command.summary(tested))
    if not all(each.holds for each in tested):
        raise typer.Exit(FOUND)


@app.command()
def approve(
    release: ReleaseArgument,
    review: Annotated[Path, typer.Option("--review", metavar="DIR", help="The review that was read")],
    by: Annotated[str, typer.Option("--as", metavar="NAME, ROLE", help="Who approves")],
    note: Annotated[str, typer.Option("--note", help="What else is to be kept")] = "",
    accept: Annotated[
        list[str] | None, typer.Option("--accept", metavar="OUTCOME=REASON", help="Accept a changed outcome")
    ] = None,
    reject: Annotated[
        list[str] | None, typer.Option("--reject", metavar="OUTCOME=REASON", help="Reject a changed outcome")
    ] = None,
    accept_all: Annotated[
        bool, typer.Option("--accept-all", help="Accept what is left; asks for a reason once")
    ] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", help="The reason for --accept-all, so that it is not asked")
    ] = None,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="SSH key to sign with")] = Path(
        "~/.ssh/id_ed25519"
    ),
    scenarios: ScenariosOption = None,
    approvals: ApprovalsOption = Path("approvals"),
    store: StoreOption = None,
) -> None:
    """Sign a release: that its review was read, and what was decided on each changed outcome.

        codeset approve 2026q3 --review review/ --as "Name, compliance lead" --accept-all

    The approval holds the digests of the snapshot, of the accepted outcomes and of the review, and is appended to
    approvals/RELEASE.json. approvals/allowed_signers names who may sign (a line each: NAME@PRACTICE ssh-ed25519 KEY).
    """
    from codeset.review import approving  # noqa: PLC0415

    if accept_all and reason is None:
        reason = typer.prompt("Why is everything that is left accepted")
    said = approving.Said(by, note, accept or [], reject or [], reason if accept_all else None)
    chosen = approving.Chosen(Store.at(store).open(release), review, scenarios, approvals)
    entry = approving.approve(chosen, said, key.expanduser())
    _out.print(approving.told(entry, chosen), markup=False)


@app.command()
def gate(
    release: ReleaseArgument,
    review: Annotated[
        Path | None, typer.Option("--review", metavar="DIR", help="Where the review lies [default: as approved]")
    ] = None,
    scenarios: ScenariosOption = None,
    approvals: ApprovalsOption = Path("approvals"),
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a release may be used: exit code 0 only if the suite holds, all is decided, and all is as signed.

    Otherwise it says what is missing, and ends with 1.
    """
    from codeset.review import approving  # noqa: PLC0415

    missing = approving.missing(approving.Chosen(Store.at(store).open(release), review, scenarios, approvals))
    plain = {"release": release, "passes": not missing, "missing": missing}
    _tell_faults(missing, f"{release} may be used", plain if as_json else None)


@app.command()
def restore(
    branch: Annotated[
        str, typer.Option("--branch", help="The branch that is judged: release/2026q3 means that quarter")
    ] = "",
    lock: Annotated[Path, typer.Option("--lock", envvar="CODESET_LOCK", help="File that pins CMS's files")] = Path(
        "sources.lock.json"
    ),
    approvals: ApprovalsOption = Path("approvals"),
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Append `release=` and `before=`, for a workflow's next steps")
    ] = None,
    accept: AcceptOption = None,
    store: StoreOption = None,
) -> None:
    """Seal again what the lock pins and the store lacks; say which release is to be judged, and against which.

    Exactly the pinned files are taken; the same files give the same snapshots. The release to be judged is the newest
    that is pinned, or that of the --branch; it is compared with its last approved revision, or the quarter before. The
    first release that is pinned has none before it: it is where comparing begins, and is not judged.
    """
    from codeset.review import quarter  # noqa: PLC0415
    from codeset.review.approval import is_signed  # noqa: PLC0415
    from ingest import quarter as sources  # noqa: PLC0415
    from ingest import telling  # noqa: PLC0415
    from ingest.command import Chosen  # noqa: PLC0415

    chosen = Chosen(Store.at(store), lock=lock, accept=accept)
    with telling.coming(_err) as (say, count):
        sealed = sources.restore(chosen, say, count)
    release = sources.to_judge(chosen, branch)
    before = quarter.before(chosen.store, release, lambda each: is_signed(approvals, each)) if release else None
    judged = f"release={release}\nbefore={before}" if before else "release=\nbefore="
    if output:
        with output.open("a", encoding="utf-8") as file:
            file.write(f"{judged}\n")
    _out.print(f"sealed again: {', '.join(map(str, sealed)) or 'nothing'}\n{judged}", markup=False)


@app.command()
def propose(
    release: Annotated[str | None, typer.Argument(metavar="[RELEASE]", help="[default: what is new]")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for review, title and body")] = (
        Path("build/proposal")
    ),
    repository: Annotated[Path, typer.Option("--repository", help="A clone of the repository")] = Path(),
    remote: Annotated[str, typer.Option("--remote", help="Where the branch is pushed")] = "origin",
    lock: Annotated[str, typer.Option("--lock", help="The lock, as a path in the repository")] = "sources.lock.json",
    approvals: Annotated[str, typer.Option("--approvals", help="The approvals, likewise")] = "approvals",
    pull_request: Annotated[
        bool, typer.Option("--pull-request", help="Open a pull request on GitHub, or update it (needs gh)")
    ] = False,
    accept: AcceptOption = None,
    scenarios: ScenariosOption = None,
    store: StoreOption = None,
) -> None:
    """Lay a new quarter before the compliance lead: find, fetch and seal it, try the suite, review it, push a branch.

        codeset propose

        codeset propose 2026q4 -o build/proposal --pull-request

    The branch release/2026q4 of the remote gets the lock, the outcomes to be accepted and the changelog's entry; the
    working tree is not touched. What the lock pins and the store lacks is sealed again first. Where nothing is new
    nothing is changed; files that CMS posted again become 2026q4r1, on the same branch. Merge it when `codeset gate`
    passes.
    """
    from codeset.review import quarter  # noqa: PLC0415
    from ingest import quarter as sources  # noqa: PLC0415
    from ingest import telling  # noqa: PLC0415

    chosen = quarter.Chosen(repository, remote, lock, approvals, scenarios, output)
    held = Store.at(store)
    with telling.coming(_err) as (say, count):
        main, branches = quarter.locks(chosen)
        brought = sources.brought(release, held, main, branches, accept, say, count)
        laid = None
        if brought:
            laid = quarter.lay_before(chosen, held, brought.release, brought.lock, brought.remarks, say)
    _out.print("\n".join(quarter.told(laid)) if laid else "nothing new", markup=False)
    if laid and pull_request:
        from codeset.review.pull_request import keep  # noqa: PLC0415

        _out.print(keep(repository, laid.proposed.branch, laid.title, laid.body), markup=False)


@app.command()
def guidance(
    release: ReleaseArgument,
    files: Annotated[
        list[Path] | None,
        typer.Option("--guidance", help="A yaml file, or a folder of them [default: the two practice guides]"),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try what guides say on a release: confirmed, contradicted (with CMS's row and what is right), not decidable.

        codeset guidance 2026q3

        codeset guidance 2026q3 --guidance payer-letter.yaml

    docs/writing-guidance.md tells how to write down what another guide says. Exit code 1 if anything is contradicted.
    """
    from codeset.suite import folders, guidance_shown  # noqa: PLC0415
    from codeset.suite.guidance import Verdict, audit, statements  # noqa: PLC0415

    snapshot = Store.at(store).open(release)
    audited = audit(statements(*(files or [folders.guidance_folder()])), snapshot)
    if as_json:
        _print_json(guidance_shown.plain(audited, snapshot.release))
    else:
        _out.print(guidance_shown.table(audited, snapshot.release))
    if any(each.verdict is Verdict.CONTRADICTED for each in audited):
        raise typer.Exit(FOUND)


@app.command()
def export(
    release: ReleaseArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into; made if it is not there")],
    form: Annotated[TableFormat, typer.Option("--format")],
    store: StoreOption = None,
) -> None:
    """Write a release's tables as files that other tools read, one for each table: DIR/2026q3/mpfs.csv and so on.

    Workbook sheets end at 1,048,576 rows: a longer table goes on in further sheets. Nothing is overwritten.
    """
    from codeset.exporting import export as write_tables  # noqa: PLC0415

    with _progress() as say:
        target = write_tables(Store.at(store).open(release), folder, form.value, say)
    _out.print(f"wrote {target}", markup=False)


def main() -> None:
    """Run the command; errors that a user can mend are told in words, with their exit code."""
    try:
        app()
    except CodesetError as error:
        _err.print(str(error), markup=False, style="red" if _err.is_terminal else None)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _carry(text: str) -> tuple[str, Release]:
    table, _, release = text.partition("=")
    return table, Release.parse(release)


def _tell_build(built: "Built", *, as_json: bool) -> None:
    from codeset import listing  # noqa: PLC0415

    if as_json:
        _print_json(_built_json(built))
        return
    for text in listing.build_news(built):
        _out.print(text, markup=False)
    _out.print(listing.release_table(built.sealed.snapshot))


def _built_json(built: "Built") -> dict[str, Any]:
    snapshot = built.sealed.snapshot
    return {
        "release": str(snapshot.release),
        "new": built.sealed.new,
        "path": str(snapshot.path),
        "unrecognised": built.unrecognised,
        "missing": built.missing,
        "notes": built.notes,
    }


def _tell_fetched_build(outcome: "Fetched", *, as_json: bool) -> None:
    from ingest import telling  # noqa: PLC0415

    if as_json:
        _print_json(_built_json(outcome.built) | telling.outcome_json(outcome))
    else:
        _out.print("\n".join(telling.obtained_lines(outcome.obtained)), markup=False)
        _tell_build(outcome.built, as_json=False)
        _out.print("\n".join(telling.compared_lines(outcome.compared)), markup=False)
    if not outcome.compared.sound:
        raise typer.Exit(FOUND)


def _report(changes: "Changes", form: ReportFormat) -> bytes:
    if form is ReportFormat.MD:
        from codeset.review.markdown import changes_markdown  # noqa: PLC0415

        return changes_markdown(changes).encode()
    if form is ReportFormat.JSON:
        from codeset.review.plain import changes_json  # noqa: PLC0415

        return changes_json(changes).encode()
    from codeset.review.sheets import changes_workbook  # noqa: PLC0415

    return changes_workbook(changes)


def _tell(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        _write(output, content)


def _write(file: Path, content: bytes) -> None:
    """Write beside the target, then rename: a reader never sees half a report."""
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise WrongUse(f"{file}: cannot be written ({error.strerror})") from error


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show on the terminal what is being done; nothing where nobody watches."""
    with _err.status("starting") as status:
        yield lambda text: status.update(escape(text))


@contextmanager
def _counted() -> Iterator[Callable[["Done"], None]]:
    """Show parts done, lines a second and the time left, where somebody watches."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=_err, transient=True) as progress:
        task = progress.add_task("adjudicating", total=None, rate="")
        start = progress.get_time()

        def tell(done: "Done") -> None:
            rate = done.lines / max(progress.get_time() - start, 1e-9)
            progress.update(task, total=done.of, completed=done.parts, rate=f"{rate:,.0f} lines a second")

        yield tell


def _tell_faults(faults: list[str], otherwise: str, plain: dict[str, Any] | None) -> None:
    """Print *faults*, a line each, or that there is none; or *plain* as JSON. Any fault ends with exit code 1."""
    if plain is not None:
        _print_json(plain)
    else:
        _out.print("\n".join(faults) or otherwise, markup=False)
    if faults:
        raise typer.Exit(FOUND)


def _print_json(plain: Any) -> None:
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


if __name__ == "__main__":
    main()
