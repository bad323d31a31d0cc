"""Where data that ships with the package is: `schemas` and `compliance_tests`.

In a checkout they are the repository's own top-level folders; in a wheel they are beneath `codeset`, so that what pip
installs owns no import name but `codeset` and `codeset_ingest`.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped_folder(name: str) -> Path:
    """Return the folder *name* (`schemas` or `compliance_tests`), wherever this package is installed."""
    installed = _PACKAGE / "shipped" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
