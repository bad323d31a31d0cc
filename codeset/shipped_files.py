"""Where data that ships with the package is: `schemas` and `compliance_tests`.

In a checkout they are the repository's own top-level folders; in a wheel they are beneath `codeset`, so that what pip
installs owns no import name but `codeset` and `codeset_ingest`.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped_folder(folder_name: str) -> Path:
    """Return the folder *folder_name* (`schemas` or `compliance_tests`), wherever this package is installed."""
    installed = _PACKAGE / "shipped" / folder_name
    return installed if installed.is_dir() else _PACKAGE.parent / folder_name
