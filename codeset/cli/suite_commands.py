"""What coders and guides say, tried on releases: `test` and `guidance`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codeset.cli.options import ApprovalsOption, JsonOption, ReleaseArgument, ScenariosOption, StoreOption
from codeset.cli.printing import FOUND, out, print_json, progress
from codeset.errors import WrongUse
from codeset.store import Store

if TYPE_CHECKING:
    from codeset.suite.try_releases import Tested


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
    from codeset.suite import folders, try_releases
    from codeset.suite.scenarios import load

    folder = folders.scenarios_folder(scenarios)
    chosen = try_releases.releases_to_test(Store.at(store), releases or [])
    if accept and not releases:
        raise WrongUse("name the releases whose outcomes are to be accepted")
    with progress() as say:
        suite, tested = load(folder), []
        for release in chosen:
            say(f"trying {len(suite.scenarios)} scenarios on {release}")
            done = try_releases.tried(suite, Store.at(store).open(release), folders.goldens_folder(folder))
            tested.append(try_releases.accept_missing(done, approvals) if accept else done)
    if as_json:
        print_json([try_releases.plain(each) for each in tested])
    else:
        _show_tested(tested)
    if not all(each.holds for each in tested):
        raise typer.Exit(FOUND)


def _show_tested(tested: Sequence["Tested"]) -> None:
    from codeset.suite import try_releases

    for each in tested:
        out.print("\n".join(try_releases.news(each)), markup=False, end="\n" if try_releases.news(each) else "")
    out.print(try_releases.summary(tested))


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
    from codeset.suite import folders
    from codeset.suite.guidance import guidance_output
    from codeset.suite.guidance.run_guidance import Verdict, audit, statements

    snapshot = Store.at(store).open(release)
    audited = audit(statements(*(files or [folders.guidance_folder()])), snapshot)
    if as_json:
        print_json(guidance_output.plain(audited, snapshot.release))
    else:
        out.print(guidance_output.table(audited, snapshot.release))
    if any(each.verdict is Verdict.CONTRADICTED for each in audited):
        raise typer.Exit(FOUND)
