"""The `codeset` command: the one place that puts the rooms together."""

import os
import sys
from collections.abc import Callable, Mapping

import typer

from codeset.cli import approving, claims, comparing, looking, quarter, releases, suite
from codeset.cli.printing import err
from codeset.faults import CodesetError

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

COMMANDS: Mapping[str, Callable[..., None]] = {
    "build": releases.build,
    "fetch": releases.fetch,
    "watch": releases.watch,
    "list": looking.list_releases,
    "show": looking.show,
    "edits": looking.edits,
    "verify": looking.verify,
    "diff": comparing.diff,
    "review": comparing.review,
    "adjudicate": claims.adjudicate,
    "test": suite.try_suite,
    "approve": approving.approve,
    "gate": approving.gate,
    "restore": quarter.restore,
    "propose": quarter.propose,
    "guidance": suite.guidance,
    "export": looking.export,
}
"""The commands, in the order of `codeset --help`."""

for name, command in COMMANDS.items():
    app.command(name)(command)


def main() -> None:
    """Run the command; errors that a user can mend are told in words, with their exit code."""
    try:
        app()
    except CodesetError as error:
        err.print(str(error), markup=False, style="red" if err.is_terminal else None)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
