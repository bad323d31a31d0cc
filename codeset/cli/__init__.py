"""The `codeset` command: parses options, calls the library, prints. The one place that puts the rooms together."""

import os
import sys

from codeset.errors import CodesetError
from codeset.extras import extra


def main() -> None:
    """Run the command; errors that a user can mend are printed in words, and end with their exit code."""
    try:
        with extra("cli"):
            from codeset.cli.app import app
        app()
    except CodesetError as error:
        in_color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        sys.stderr.write(f"\x1b[31m{error}\x1b[0m\n" if in_color else f"{error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
