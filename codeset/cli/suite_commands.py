"""What coders and guides say, tried on releases: `test` and `guidance`."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codeset.cli.options import (
    ApprovalsOption,
    JsonOption,
    ReleaseArgument,
    ScenariosOption,
    StoreOption,
    release_label,
)
from codeset.cli.printing import CHANGES_OR_FAILURES, out, print_json, progress
from codeset.errors import WrongUse
from codeset.releases import Release
from codeset.store import Store

if TYPE_CHECKING:
    from rich.table import Table

    from codeset.suite.check_release import ReleaseCheck
    from codeset.visit.trials.run_coding import CodingRun

_COUNTS = ("Run", "Passed", "Wrong", "New, not approved", "Changed since approval", "Not applicable")


_ReleasesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[RELEASE...]", parser=release_label, help="[default: all that can]")
]
_AcceptOption = Annotated[bool, typer.Option("--accept", help="Write the outcomes that were not accepted before")]
_EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="COMMAND",
        help="Try another coding engine on the coding scenarios: visit in, lines out, as JSON",
    ),
]


def try_suite(
    releases: _ReleasesArgument = None,
    accept: _AcceptOption = False,
    engine: _EngineOption = None,
    scenarios: ScenariosOption = None,
    approvals: ApprovalsOption = Path("approvals"),
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try the golden scenarios on releases: what coders expect, and what was accepted of each outcome.

        codeset test

        codeset test 2026q3 --accept

        codeset test 2026q3 --engine "python my_coder.py"

    Coding scenarios (`coding` beside the scenarios) go from the facts of a visit to its lines; --engine tries those
    alone on any command that reads a visit as JSON and writes lines as JSON, and scores it by family.

    Exit code 1 if a coder is contradicted, or an outcome is not as it was accepted, or not accepted yet. --accept
    writes what is missing in golden/RELEASE.json beside the scenarios, and ends with 1 too: what was written is to be
    read. It changes nothing that was accepted, no `expect`, and no release that is signed.
    """
    from codeset.suite.check_release import accept_missing, check_json, check_release, releases_to_check
    from codeset.suite.goldens import goldens_folder
    from codeset.suite.scenarios import load, scenarios_folder

    folder = scenarios_folder(scenarios)
    labels = releases_to_check(Store.at(store), releases or [])
    if engine is not None:
        _try_engine(engine, labels, scenarios, as_json=as_json)
        return
    if accept and not releases:
        raise WrongUse("name the releases whose outcomes are to be accepted")
    with progress() as say:
        suite, checks = load(folder), []
        for release in labels:
            say(f"trying {len(suite.scenarios)} scenarios on {release}")
            check = check_release(suite, Store.at(store).open(release), goldens_folder(folder))
            checks.append(accept_missing(check, approvals) if accept else check)
        coding = _coding_runs(labels, scenarios, Store.at(store))
    if as_json:
        print_json([{**check_json(check), **_coding_plain(coding, check.run.release)} for check in checks])
    else:
        _show(checks)
        _show_coding(coding)
    if not all(check.holds for check in checks) or any(run.failed for run in coding):
        raise typer.Exit(CHANGES_OR_FAILURES)


def _coding_runs(labels: Sequence[Release], scenarios: Path | None, store: Store) -> "list[CodingRun]":
    """The coding scenarios beside *scenarios* on each release; none, if there are none."""
    from codeset.visit.trials.coding_scenarios import coding_folder, load_coding
    from codeset.visit.trials.run_coding import run_shipped_rules

    folder = coding_folder(scenarios)
    if not folder.is_dir():
        return []
    coding = load_coding(folder)
    return [run_shipped_rules(coding, store.open(label)) for label in labels]


def _try_engine(command: str, labels: Sequence[Release], scenarios: Path | None, *, as_json: bool) -> None:
    """Try the engine that *command* is on the coding scenarios of each release, and show how it scores."""
    from codeset.visit.trials.coding_scenarios import coding_folder, load_coding
    from codeset.visit.trials.run_coding import command_engine, run_engine

    coding, answer = load_coding(coding_folder(scenarios)), command_engine(command)
    with progress() as say:
        say(f"trying {len(coding)} coding scenarios")
        runs = [run_engine(coding, label, answer) for label in labels]
    if as_json:
        print_json([{"release": str(run.release), **_coding_plain(runs, run.release)} for run in runs])
    else:
        _show_coding(runs)
    if any(run.failed for run in runs):
        raise typer.Exit(CHANGES_OR_FAILURES)


def _coding_plain(runs: "Sequence[CodingRun]", release: Release) -> dict[str, Any]:
    for run in runs:
        if run.release == release:
            families = {family: {"tried": tried, "right": right} for family, (tried, right) in run.by_family.items()}
            return {
                "coding": families,
                "coding_contradicted": {trial.scenario.id: trial.failures for trial in run.failed},
            }
    return {}


def _show_coding(runs: "Sequence[CodingRun]") -> None:
    from codeset.cli.visit_output import coding_table

    for run in runs:
        for result in run.failed:
            place = f"{result.scenario.file}:{result.scenario.at}: {result.scenario.id} on {run.release}"
            out.print("\n".join(f"{place}: {failure}" for failure in result.failures), markup=False)
    if runs:
        out.print(coding_table(runs))


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
    if any(audit.verdict is Verdict.CONTRADICTED for audit in audited):
        raise typer.Exit(CHANGES_OR_FAILURES)
