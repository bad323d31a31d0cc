"""The commands of `codeset`, in the order of its help."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Annotated

import typer

from codeset.cli import (
    audit_commands,
    claims_commands,
    compare_commands,
    lookup_commands,
    quarter_commands,
    sign_off_commands,
    snapshot_commands,
    suite_commands,
    visit_commands,
)
from codeset.cli.options import Command
from codeset.cli.printing import out

# Commands import what they need as they run: loading polars and every room would cost each call, `--help` too, a
# second.
app = typer.Typer(
    no_args_is_help=True,
    # Completion would write into the user's shell profile; and its pretty tracebacks print local variables, claims
    # among them.
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help=(
        "CMS's code sets as sealed snapshots, and what changed between two of them.\n\n"
        "A release is a quarter's code set: `2026q3`, or `2026q3r1` when CMS's files came again changed.\n\n"
        "Exit codes: 0 = OK; 1 = changes, failures or news found; 2 = wrong use; 3 = input that cannot be read; "
        "4 = store missing or damaged; 5 = cms.gov unreachable or changed; "
        "70 = a fault of codeset itself."
    ),
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        out.print(f"codeset {version('derm-codeset')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


COMMANDS: Mapping[str, Callable[..., None]] = {
    "build": snapshot_commands.build,
    "fetch": snapshot_commands.fetch,
    "watch": snapshot_commands.watch,
    "list": lookup_commands.list_releases,
    "show": lookup_commands.show,
    "edits": lookup_commands.edits,
    "localities": lookup_commands.localities,
    "verify": lookup_commands.verify,
    "diff": compare_commands.diff,
    "review": compare_commands.review,
    "page": compare_commands.page,
    "adjudicate": claims_commands.adjudicate,
    "code": visit_commands.code,
    "suggest": visit_commands.suggest,
    "audit": audit_commands.audit,
    "test": suite_commands.try_suite,
    "approve": sign_off_commands.approve,
    "gate": sign_off_commands.gate,
    "restore": quarter_commands.restore,
    "propose": quarter_commands.propose,
    "guidance": suite_commands.guidance,
    "export": lookup_commands.export,
}
"""The commands, in the order of `codeset --help`."""

for name, command in COMMANDS.items():
    app.command(name, cls=Command)(command)
