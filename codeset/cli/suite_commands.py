"""What coders and guides say, tried on releases: `test` and `guidance`."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codeset.cli.options import (
    ApprovalsOption,
    JsonOption,
    ReleaseArgument,
    ScenariosOption,
    StoreOption,
    release_label,
)
from codeset.cli.printing import FOUND, out, print_json, progress
from codeset.errors import WrongUse
from codeset.store import Store

if TYPE_CHECKING:
    from rich.table import Table

    from codeset.suite.check_release import ReleaseCheck

_COUNTS = ("Run", "Passed", "Wrong", "New, not approved", "Changed since approval", "Not applicable")


def try_suite(
    releases: Annotated[
        list[str] | None, typer.Argument(metavar="[RELEASE...]", parser=release_label, help="[default: all that can]")
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
    from codeset.suite.check_release import accept_missing, check_plain, check_release, releases_to_check
    from codeset.suite.goldens import goldens_folder
    from codeset.suite.scenarios import load, scenarios_folder

    folder = scenarios_folder(scenarios)
    labels = releases_to_check(Store.at(store), releases or [])
    if accept and not releases:
        raise WrongUse("name the releases whose outcomes are to be accepted")
    with progress() as say:
        suite, checks = load(folder), []
        for release in labels:
            say(f"trying {len(suite.scenarios)} scenarios on {release}")
            check = check_release(suite, Store.at(store).open(release), goldens_folder(folder))
            checks.append(accept_missing(check, approvals) if accept else check)
    if as_json:
        print_json([check_plain(check) for check in checks])
    else:
        _show(checks)
    if not all(check.holds for check in checks):
        raise typer.Exit(FOUND)


def _show(checks: Sequence["ReleaseCheck"]) -> None:
    from codeset.claims.basis import basis_of
    from codeset.suite.check_release import check_messages

    for message in chain.from_iterable(map(check_messages, checks)):
        out.print(message, markup=False)
    out.print(_checks_table(checks))
    out.print("\n".join(basis_of([check.manifest for check in checks], None).sentences()), markup=False)


def _checks_table(checks: Sequence["ReleaseCheck"]) -> "Table":
    """The counts of each release."""
    from rich.table import Table

    table = Table()
    table.add_column("Release")
    for column in _COUNTS:
        table.add_column(column, justify="right")
    for check in checks:
        count, failed = len(check.run.results), len(check.run.failed)
        numbers = (count, count - failed, failed, len(check.missing), len(check.differing), len(check.run.left_out))
        table.add_row(str(check.run.release), *map(str, numbers))
    return table


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
    from codeset.claims.basis import basis_of
    from codeset.cli import guidance_output
    from codeset.suite.guidance.guidance_files import guidance_folder
    from codeset.suite.guidance.run_guidance import Verdict, audit, statements

    snapshot = Store.at(store).open(release)
    audited = audit(statements(*(files or [guidance_folder()])), snapshot)
    if as_json:
        print_json(guidance_output.plain(audited, snapshot))
    else:
        out.print(guidance_output.table(audited, snapshot.release))
        out.print("\n".join(basis_of([snapshot.manifest], None).sentences()), markup=False)
    if any(each.verdict is Verdict.CONTRADICTED for each in audited):
        raise typer.Exit(FOUND)
