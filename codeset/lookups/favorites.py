"""A practice's own list of diagnosis codes: one in each line of a text or csv file, with or without the point."""

import csv
import re
from pathlib import Path

from codeset.errors import BadInput, Fault

_DIAGNOSIS = re.compile(r"[A-Z][0-9A-Z]{2}(?:\.?[0-9A-Z]{1,4})?")


def read_favorites(path: Path) -> tuple[str, ...]:
    """Return the diagnosis codes of *path*, without the point, in their order; each once.

    The code is the first cell of a line; a first line without one is a header.

    Raises BadInput: for a file that is not there or is not text, with every line whose first cell is no code.
    """
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput([Fault(str(path), 0, f"not a text file that can be read ({error})")]) from error
    cells = [(line, row[0].strip().upper()) for line, row in enumerate(rows, start=1) if row and row[0].strip()]
    # A first cell without a digit is a heading: every diagnosis code has one.
    if cells and not any(letter.isdigit() for letter in cells[0][1]):
        cells = cells[1:]
    says = "no diagnosis code in its first cell; expected one such as L57.0"
    faults = [Fault(str(path), line, says) for line, cell in cells if not _DIAGNOSIS.fullmatch(cell)]
    if faults or not cells:
        raise BadInput(faults or [Fault(str(path), 0, "no diagnosis code in it")])
    return tuple(dict.fromkeys(cell.replace(".", "") for _, cell in cells))
