"""How long work reports what it is doing: a function that the caller hands in."""

from collections.abc import Callable

ReportProgress = Callable[[str], None]
"""Is given a line of text: what is being done now."""


def silent(_text: str) -> None:
    """Report nothing, which is the default."""
