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

_COUNT_HEADINGS = ("Run", "Passed", "Wrong", "New, not approved", "Changed since approval", "Not applicable")


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
    checked_releases = releases_to_check(Store.at(store), releases or [])
    if engine is not None:
        _try_engine(engine, checked_releases, scenarios, as_json=as_json)
        return
    # Never of every release at once: what is accepted was read before.
    if accept and not releases:
        raise WrongUse("name the releases whose outcomes are to be accepted")
    with progress() as report_progress:
        suite, release_checks = load(folder), []
        for release in checked_releases:
            report_progress(f"trying {len(suite.scenarios)} scenarios on {release}")
            release_check = check_release(suite, Store.at(store).open(release), goldens_folder(folder))
            release_checks.append(accept_missing(release_check, approvals) if accept else release_check)
        coding_runs = _coding_runs(checked_releases, scenarios, Store.at(store))
    if as_json:
        print_json(
            [
                {**check_json(release_check), **_coding_json(coding_runs, release_check.run.release)}
                for release_check in release_checks
            ]
        )
    else:
        _show_checks(release_checks)
        _show_coding(coding_runs)
    if not all(release_check.holds for release_check in release_checks) or any(
        coding_run.failed for coding_run in coding_runs
    ):
        raise typer.Exit(CHANGES_OR_FAILURES)


def _coding_runs(labels: Sequence[Release], scenarios: Path | None, store: Store) -> "list[CodingRun]":
    """The coding scenarios beside *scenarios* on each release; none, if there are none."""
    from codeset.visit.trials.coding_scenarios import coding_folder, load_coding
    from codeset.visit.trials.run_coding import run_shipped_rules

    folder = coding_folder(scenarios)
    if not folder.is_dir():
        return []
    coding_scenarios = load_coding(folder)
    return [run_shipped_rules(coding_scenarios, store.open(release)) for release in labels]


def _try_engine(command: str, releases: Sequence[Release], scenarios: Path | None, *, as_json: bool) -> None:
    """Try the engine that *command* is on the coding scenarios of each release, and show how it scores."""
    from codeset.visit.trials.coding_scenarios import coding_folder, load_coding
    from codeset.visit.trials.run_coding import command_engine, run_engine

    coding_scenarios, coding_engine = load_coding(coding_folder(scenarios)), command_engine(command)
    with progress() as report_progress:
        report_progress(f"trying {len(coding_scenarios)} coding scenarios")
        coding_runs = [run_engine(coding_scenarios, release, coding_engine) for release in releases]
    if as_json:
        print_json(
            [
                {"release": str(coding_run.release), **_coding_json(coding_runs, coding_run.release)}
                for coding_run in coding_runs
            ]
        )
    else:
        _show_coding(coding_runs)
    if any(coding_run.failed for coding_run in coding_runs):
        raise typer.Exit(CHANGES_OR_FAILURES)


def _coding_json(coding_runs: "Sequence[CodingRun]", release: Release) -> dict[str, Any]:
    for coding_run in coding_runs:
        if coding_run.release == release:
            counts_of_family = {
                family: {"tried": tried_count, "right": right_count}
                for family, (tried_count, right_count) in coding_run.by_family.items()
            }
            return {
                "coding": counts_of_family,
                "coding_contradicted": {
                    coding_result.scenario.id: coding_result.failures for coding_result in coding_run.failed
                },
            }
    return {}


def _show_coding(coding_runs: "Sequence[CodingRun]") -> None:
    from codeset.cli.visit_output import coding_table

    for coding_run in coding_runs:
        for result in coding_run.failed:
            scenario_place = (
                f"{result.scenario.file}:{result.scenario.at}: {result.scenario.id} on {coding_run.release}"
            )
            out.print("\n".join(f"{scenario_place}: {failure}" for failure in result.failures), markup=False)
    if coding_runs:
        out.print(coding_table(coding_runs))


def _show_checks(release_checks: Sequence["ReleaseCheck"]) -> None:
    from codeset.claims.basis import basis_of
    from codeset.suite.check_release import check_messages

    for message in chain.from_iterable(map(check_messages, release_checks)):
        out.print(message, markup=False)
    out.print(_checks_table(release_checks))
    out.print(
        "\n".join(basis_of([release_check.manifest for release_check in release_checks], None).sentences()),
        markup=False,
    )


def _checks_table(release_checks: Sequence["ReleaseCheck"]) -> "Table":
    """The counts of each release."""
    from rich.table import Table

    table = Table()
    table.add_column("Release")
    for heading in _COUNT_HEADINGS:
        table.add_column(heading, justify="right")
    for release_check in release_checks:
        result_count, failed_count = len(release_check.run.results), len(release_check.run.failed)
        release_counts = (
            result_count,
            result_count - failed_count,
            failed_count,
            len(release_check.missing),
            len(release_check.differing),
            len(release_check.run.left_out),
        )
        table.add_row(str(release_check.run.release), *map(str, release_counts))
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
    audited_statements = audit(statements(*(files or [guidance_folder()])), snapshot)
    if as_json:
        print_json(guidance_output.guidance_json(audited_statements, snapshot))
    else:
        out.print(guidance_output.guidance_table(audited_statements, snapshot.release))
        out.print("\n".join(basis_of([snapshot.manifest], None).sentences()), markup=False)
    if any(audit.verdict is Verdict.CONTRADICTED for audit in audited_statements):
        raise typer.Exit(CHANGES_OR_FAILURES)
