"""Where a command prints and writes, and the exit code of what it found."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from codeset.atomic_write import write_file
from codeset.errors import WrongUse
from codeset.progress import ReportProgress

CHANGES_OR_FAILURES = 1
"""Exit code when a comparison found differences, or a look-up or check failed."""

# For a pipe rich assumes 80 columns, and would fold what another program is to read line by line.
_PIPED_WIDTH = 200
out = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
# Progress and remarks go to stderr: what is piped is the answer alone.
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def write(file: Path, content: bytes, *, private: bool = False) -> None:
    """Write a report, whole or not at all; what is *private* only the user may read."""
    try:
        write_file(file, content, private=private)
    except OSError as error:
        raise WrongUse(f"{file}: cannot be written ({error.strerror})") from error


@contextmanager
def progress() -> Iterator[ReportProgress]:
    """Show on the terminal what is being done; nothing where nobody watches."""
    with err.status("starting") as status:
        yield lambda text: status.update(escape(text))


def print_faults(faults: list[str], otherwise: str, document: dict[str, Any] | None) -> None:
    """Print *faults*, a line each, or that there is none; or *document* as JSON. Any fault ends with exit code 1."""
    if document is not None:
        print_json(document)
    else:
        out.print("\n".join(faults) or otherwise, markup=False)
    if faults:
        raise typer.Exit(CHANGES_OR_FAILURES)


def print_json(document: Any) -> None:
    """Print *document* as JSON; dates as ISO writes them, other values that JSON has no form for as their text."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=_json_text) + "\n")


def _json_text(json_value: object) -> str:
    return json_value.isoformat() if isinstance(json_value, date) else str(json_value)
