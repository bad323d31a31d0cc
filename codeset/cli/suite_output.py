"""What `codeset test` prints: the counts of each release."""

from collections.abc import Sequence

from rich.table import Table

from codeset.suite.check_release import ReleaseCheck

_COUNTS = ("Run", "Passed", "Wrong", "New, not approved", "Changed since approval", "Not applicable")


def checks_table(checks: Sequence[ReleaseCheck]) -> Table:
    """Return the counts of each release for people."""
    table = Table()
    table.add_column("Release")
    for column in _COUNTS:
        table.add_column(column, justify="right")
    for check in checks:
        count, failed = len(check.run.results), len(check.run.failed)
        numbers = (count, count - failed, failed, len(check.missing), len(check.differing), len(check.run.left_out))
        table.add_row(str(check.run.release), *map(str, numbers))
    return table
