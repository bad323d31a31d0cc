"""Claims looked at as an auditor would: `audit`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codeset.cli.claims_commands import report_files, snapshots_for
from codeset.cli.options import ClaimFiles, JsonOption, ReadAgainstOption, StoreOption
from codeset.cli.printing import CHANGES_OR_FAILURES, err, out, print_json, write
from codeset.errors import WrongUse
from codeset.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codeset.audit.run_audit import Audit
    from codeset.snapshot import Snapshot

_NO_LOCALITY = "national"
"""Checks look at no amount: lines that name no locality need none."""


def audit(
    files: ClaimFiles,
    checks: Annotated[
        Path | None, typer.Option("--checks", help="A file or folder of your own checks [default: those shipped]")
    ] = None,
    names: Annotated[
        list[str] | None, typer.Option("--check", metavar="ID", help="Run this check alone; may be given several times")
    ] = None,
    release: ReadAgainstOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the sheet: a file that ends in .xlsx, .csv or .json")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for the patterns in claims that draw an auditor's attention, and draw a sample of records to pull.

    Each check cites its source. A flagged line is not wrong: its record should show why it is right.

        codeset audit claims.csv

        codeset audit claims/*.csv -o audit.xlsx --check visit-with-25-and-minor-procedure

    The sample is drawn by the seed in the check: the same claims give the same sample. Lines, shares and trends by
    month are counted among the lines that a check is about. Exit code 1 if a check flags a line.
    docs/writing-a-check.md tells how to write your own.
    """
    if output is not None and output.suffix not in (".xlsx", ".csv", ".json"):
        raise WrongUse(f"{output}: expected a name that ends in .xlsx, .csv or .json")
    result = _run_checks(files, checks, names or [], Store.at(store), release)
    if output is not None:
        write(output, _sheet_content(result, output.suffix), private=True)
    if as_json:
        from codeset.audit.audit_sheet import audit_json

        print_json(audit_json(result))
    else:
        _print_audit(result)
    if result.fires:
        raise typer.Exit(CHANGES_OR_FAILURES)


def _run_checks(
    files: list[Path], checks_path: Path | None, check_ids: list[str], store: Store, release: str | None
) -> "Audit":
    from codeset.audit.audit_checks import SHIPPED, chosen_checks, load_checks
    from codeset.audit.run_audit import run_audit
    from codeset.claims.input.claim_files import read_files

    checks = chosen_checks(load_checks(checks_path or SHIPPED), check_ids)
    lines, rejects = read_files(files, locality=_NO_LOCALITY, skip_bad_claims=False)
    report_files(rejects, None)
    snapshots = snapshots_for(store, release, lines["date_of_service"].unique())
    if checks_path is not None:
        _print_doubts(checks_path, snapshots)
    # With a release named, every line is read against it, whatever its date.
    return run_audit(lines, checks, snapshots, on_any_date=release is not None)


def _print_doubts(checks_path: Path, snapshots: "Sequence[Snapshot]") -> None:
    """Say what is doubtful in the user's own checks; they are run all the same."""
    from codeset.audit.lint_groups import lint_groups

    codes = {code for snapshot in snapshots if "mpfs" in snapshot for code in snapshot.table("mpfs")["hcpcs"].unique()}
    # Without a fee schedule no code of a check could be known.
    for doubt in lint_groups(checks_path, codes) if codes else ():
        err.print(str(doubt), markup=False)


def _sheet_content(result: "Audit", file_ending: str) -> bytes:
    from codeset.audit.audit_sheet import audit_csv, audit_json, audit_workbook

    if file_ending == ".json":
        return (json.dumps(audit_json(result), indent=2, ensure_ascii=False, default=str) + "\n").encode()
    return audit_csv(result) if file_ending == ".csv" else audit_workbook(result)


def _print_audit(result: "Audit") -> None:
    from rich.table import Table

    from codeset.audit.audit_sheet import bound_text, charges, share

    table = Table("Check", "Lines", "Flagged", "Share", "Charges flagged", "To pull")
    for checked in result.results:
        flagged = len(checked.flagged)
        counts = (f"{checked.lines:,}", f"{flagged:,}", share(flagged, checked.lines))
        table.add_row(checked.check.id, *counts, charges(checked), str(len(checked.sample) or ""))
    out.print(table)
    for checked in result.results:
        if checked.not_run:
            out.print(f"{checked.check.id}: not run: {checked.not_run}", markup=False)
        for rate in checked.rates:
            if rate.is_above:
                says = f"{rate.provider}: {rate.rate:.2f}, above {bound_text(rate.bound)}"
                out.print(f"{checked.check.id}: practitioner {says}", markup=False)
        if checked.sample:
            lines = ", ".join(f"{line.claim_id} line {line.line}" for line in checked.sample)
            out.print(f"{checked.check.id}: pull for {lines}: {'; '.join(checked.check.pull)}", markup=False)
    if result.uncovered_lines:
        out.print(f"{result.uncovered_lines:,} lines are of days that no release covers.", markup=False)
