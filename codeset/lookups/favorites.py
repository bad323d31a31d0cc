"""A practice's own list of diagnosis codes: one in each line of a text or csv file, with or without the point."""

import csv
import re
from pathlib import Path

from codeset.errors import BadInput, Fault

_DIAGNOSIS = re.compile(r"[A-Z][0-9A-Z]{2}(?:\.?[0-9A-Z]{1,4})?")


def read_favorites(favorites_path: Path) -> tuple[str, ...]:
    """Return the diagnosis codes of *favorites_path*, without the point, in their order; each once.

    The code is the first cell of a line; a first line without one is a header.

    Raises BadInput: for a file that is not there or is not text, with every line whose first cell is no code.
    """
    try:
        csv_rows = list(csv.reader(favorites_path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput([Fault(str(favorites_path), 0, f"not a text file that can be read ({error})")]) from error
    first_cells = [
        (line_number, csv_row[0].strip().upper())
        for line_number, csv_row in enumerate(csv_rows, start=1)
        if csv_row and csv_row[0].strip()
    ]
    # A first cell without a digit is a heading: every diagnosis code has one.
    if first_cells and not any(character.isdigit() for character in first_cells[0][1]):
        first_cells = first_cells[1:]
    fault_text = "no diagnosis code in its first cell; expected one such as L57.0"
    faults = [
        Fault(str(favorites_path), line_number, fault_text)
        for line_number, first_cell in first_cells
        if not _DIAGNOSIS.fullmatch(first_cell)
    ]
    if faults or not first_cells:
        raise BadInput(faults or [Fault(str(favorites_path), 0, "no diagnosis code in it")])
    return tuple(dict.fromkeys(first_cell.replace(".", "") for _, first_cell in first_cells))
