"""`codeset` run in this process, as in one of its own: the same entry, output and exit codes."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess
from unittest.mock import patch

from codeset import cli


def run_codeset(*arguments: object) -> CompletedProcess[str]:
    """Run the command with *arguments*; return its exit code and what it printed."""
    words = [str(argument) for argument in arguments]
    out, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with patch.object(sys, "argv", ["codeset", *words]), redirect_stdout(out), redirect_stderr(errors):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
    assert isinstance(code, int), f"a message instead of an exit code: {code}"
    return CompletedProcess(words, code, *(stream.buffer.getvalue().decode() for stream in (out, errors)))
