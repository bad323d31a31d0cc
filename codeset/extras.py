"""Libraries that only a part of the work needs come with an extra of the distribution; a missing one is named."""

from collections.abc import Iterator
from contextlib import contextmanager

from codeset.errors import CodesetError


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
