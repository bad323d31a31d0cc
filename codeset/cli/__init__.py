"""The `codeset` command: parses options, calls the library, prints. The one place that puts the rooms together."""

import gc
import os
import sys
import traceback
from functools import cache
from importlib import import_module

from codeset.errors import CodesetError, extra

PROGRAM_FAULT = 70
"""Exit code of an error that nobody foresaw: never 1, which means that differences were found."""


def main() -> None:
    """Run the command; errors that a user can mend are printed in words, and end with their exit code."""
    try:
        _import_commands()
        from codeset.cli.app import app

        # Errors that a user can mend end here alone: no command catches them, so that all are printed alike.
        app()
    except CodesetError as error:
        in_color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        sys.stderr.write(f"\x1b[31m{error}\x1b[0m\n" if in_color else f"{error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Whoever read the output has enough (`codeset list | head`). Python flushes stdout once more as it ends, and
        # would print a traceback on the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # a panic of a library written in Rust is no Exception
        _print_program_fault(error)
        sys.exit(PROGRAM_FAULT)


@cache
def _import_commands() -> None:
    """Import the application and all that it needs, once."""
    # All that is imported stays: looking for garbage in it takes a fifth of a command's start, and part of every search
    # that comes later.
    gc.disable()
    with extra("cli"):
        import_module("codeset.cli.app")
    gc.freeze()
    gc.enable()


def _print_program_fault(error: BaseException) -> None:
    """Print where it happened, but not the error's text, which may hold a value out of a claim."""
    places = "".join(traceback.format_tb(error.__traceback__))
    name = type(error).__name__
    says = f"A fault of codeset itself ({name}); nothing in your files is to blame. Please report it with these lines."
    sys.stderr.write(f"{places}{says}\n")
