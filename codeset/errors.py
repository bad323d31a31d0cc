"""What can go wrong, as values: each error carries the exit code that the command ends with."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with one file: where, and what was expected and found."""

    file: str
    line: int
    says: str

    def __str__(self) -> str:
        """Return `file: line N: text`; line 0 means the file as a whole."""
        return f"{self.file}: line {self.line}: {self.says}" if self.line else f"{self.file}: {self.says}"


def _reading_order(fault: Fault) -> tuple[str, int, list[str | int]]:
    """The order of faults for a reader: numbers in the text by value, so that segment 9 comes before segment 10."""
    digit_parts = re.split(r"([0-9]+)", fault.says)
    # Splitting by a group of digits puts the numbers at the odd places.
    parts_by_value = [int(part) if place % 2 else part for place, part in enumerate(digit_parts)]
    return fault.file, fault.line, parts_by_value


class CodesetError(Exception):
    """Base of the errors that a user can correct; `exit_code` is the command's."""

    exit_code = 2


class WrongUse(CodesetError):
    """The request itself is wrong: an unknown name, a release that is not one."""


class BadInput(CodesetError):
    """Files that cannot be read as what they are; carries every fault found."""

    exit_code = 3

    def __init__(self, faults: Iterable[Fault], after: str = "Nothing was written.") -> None:
        """Keep *faults* in file and line order; *after* says the state that things are in."""
        self.faults = tuple(sorted(set(faults), key=_reading_order))
        if not self.faults:
            raise ValueError("bad input without a fault")
        self.after = after
        super().__init__("\n".join([*map(str, self.faults), after]))

    def __reduce__(self) -> tuple[type["BadInput"], tuple[tuple[Fault, ...], str]]:
        """Return how another process makes the same error of it."""
        return type(self), (self.faults, self.after)


class StoreProblem(CodesetError):
    """The store cannot give or take what was requested: missing, changed, or written by another build."""

    exit_code = 4


class MissingExtra(CodesetError, ImportError):
    """A library is not installed that an extra of the distribution brings."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import libraries of the extra *name* in this block.

    Raises MissingExtra: says how to install the extra, if one of them is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        install = f"pip install 'derm-codeset[{name}]'"
        raise MissingExtra(f"{error.name} is not installed. It comes with: {install}") from error
