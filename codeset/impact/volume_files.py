"""A practice's volumes as practices export them: units of each code in a year, from a csv or xlsx file, read strictly.

Headers are recognized by `volume_columns.toml`, in any row above the first code. Rows of the same code,
modifiers, place, provider, payer and locality are summed; negative units take back what was voided.
"""

import csv
import re
import tomllib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

from codeset.errors import BadInput, Fault
from codeset.spreadsheets.captions import by_caption, caption_key
from codeset.spreadsheets.read_workbook import ReadCell, read_sheets

PRICED_MODIFIERS = ("26", "TC", "53")
"""The modifiers with their own row in the fee schedule (record layout RVU25D, Modifier)."""

_NOT_WRITTEN = "No review was written."
_HEADER_ROWS_SEARCHED, _CHARACTERS_SHOWN = 25, 40
_DELIMITERS = (",", ";", "\t", "|")
_CODE_PATTERN = re.compile(r"([0-9A-Z]{5})(?:[- ,:]+([0-9A-Z]{2}(?:[- ,:]+[0-9A-Z]{2}){0,3}))?")
_UNITS_PATTERN = re.compile(r"(?P<sign>-|\()?(?P<number>\d{1,9}|\d{1,3}(?:,\d{3}){1,2})(?:\.0+)?(?(sign)\)?)")
_CODE_WITH_DESCRIPTION = re.compile(r"([0-9A-Z]{5})(?: +[-–|]|:) *\S.*", re.DOTALL)
"""A code with its description after it."""

_QUOTED_CELL = re.compile(r'="?([^"]*)"?')
_MODIFIERS_PATTERN = re.compile(r"[0-9A-Z]{2}(?:[- ,;:/]+[0-9A-Z]{2}){0,3}")
_PLACE_PATTERN = re.compile(r"(\d{1,2})(?:\.0)?(?:\s*[-:–(].*)?")
_ZIP_PATTERN = re.compile(r"(\d{3,5})(?:-\d{4})?(?:\.0)?")


@dataclass(frozen=True, order=True)
class Volume:
    """Units of a code billed in a year; `modifiers` in their order, separated by spaces.

    `place_of_service`, `provider`, `payer`, `zip_code` and `locality` are empty where the file has no such column.
    """

    hcpcs: str
    modifiers: str
    units: int
    place_of_service: str = ""
    provider: str = ""
    payer: str = ""
    zip_code: str = ""
    locality: str = ""

    @property
    def modifier(self) -> str:
        """The modifier that has its own row in the fee schedule, or "": others change what is paid, not the fee."""
        return next((modifier for modifier in self.modifiers.split() if modifier in PRICED_MODIFIERS), "")


@dataclass(frozen=True)
class VolumeFile:
    """The volumes of a file, by code; `rows` counts its lines, `unused` names the columns that were not read."""

    name: str
    volumes: tuple[Volume, ...]
    rows: int
    unused: tuple[str, ...]


def read_volumes(volume_path: Path) -> VolumeFile:
    """Read *volume_path*: a csv or xlsx with a header, columns of HCPCS codes and of units (a year), and maybe others.

    Raises BadInput: with every fault and its line, when it is no such file.
    """
    table_rows = _table_rows(volume_path)
    line_number, header_cells = table_rows[0]
    column_indexes, unread_captions = _column_indexes(volume_path.name, line_number, header_cells)
    faults: list[tuple[int, str]] = []
    volumes: list[Volume] = []
    total_rows: list[tuple[int, int]] = []
    for line_number, row_cells in table_rows[1:]:
        text_by_column = {
            column: [row_cells[cell_index] for cell_index in indexes if cell_index < len(row_cells)]
            for column, indexes in column_indexes.items()
        }
        try:
            if _is_total_row(text_by_column):
                total_rows.append((line_number, _unit_count(text_by_column["units"][0])))
            else:
                volumes.append(_volume_of_row(text_by_column))
        except _RowFaults as error:
            faults += [(line_number, fault) for fault in error.faults]
    summed_volumes = tuple(_summed_volumes(volumes))
    # With a faulty row the sums are not those of the file, and prove nothing.
    if faults := faults or list(_sum_faults(volumes, summed_volumes, total_rows)):
        raise BadInput([Fault(volume_path.name, line_number, fault) for line_number, fault in faults], _NOT_WRITTEN)
    return VolumeFile(volume_path.name, summed_volumes, len(volumes), unread_captions)


def _sum_faults(
    volumes: Sequence[Volume], summed_volumes: Sequence[Volume], total_rows: Sequence[tuple[int, int]]
) -> list[tuple[int, str]]:
    """What is wrong with the sums, with its line (0: the whole file): of several kinds of faults, the gravest."""
    sum_of_units = sum(volume.units for volume in volumes)
    # A total that is not the sum shows rows that were lost or are there twice.
    wrong_totals = [
        (line_number, f"the total is {total_units:,}, but the lines add up to {sum_of_units:,}")
        for line_number, total_units in total_rows
        if total_units != sum_of_units
    ]
    below_zero = [
        (0, f"{volume.hcpcs}: more units are taken back than billed ({volume.units:,})")
        for volume in summed_volumes
        if volume.units < 0
    ]
    return wrong_totals or below_zero or ([] if volumes else [(0, _NO_VOLUMES)])


_NO_VOLUMES = "has no volumes; expected a header with a code and a units column, and a line for each code"


class _RowFaults(Exception):
    """What is wrong with one row."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults = faults


def _table_rows(volume_path: Path) -> list[tuple[int, list[str]]]:
    """The rows from the header on, with their line numbers, cells as text; empty rows are left out."""
    try:
        content = volume_path.read_bytes()
    except OSError as error:
        raise BadInput([Fault(volume_path.name, 0, f"cannot be read ({error.strerror})")], _NOT_WRITTEN) from error
    # A workbook is a zip, whatever its file is called.
    if content.startswith(b"PK"):
        candidate_tables = [
            _rows_from_header(list(_text_rows(sheet_rows)))
            for sheet_rows in read_sheets(content, volume_path.name).values()
        ]
    else:
        candidate_tables = _tables_by_delimiter(_decoded_text(content), volume_path.name)
    found_tables = [candidate for candidate in candidate_tables if candidate]
    if len(found_tables) > 1:
        message = f"{len(found_tables)} sheets have a code and a units column; keep the one that is meant"
        raise BadInput([Fault(volume_path.name, 0, message)], _NOT_WRITTEN)
    if not found_tables:
        raise BadInput([Fault(volume_path.name, 0, _no_header_message())], _NOT_WRITTEN)
    return found_tables[0]


def _no_header_message() -> str:
    captions_by_column = _captions_by_column()
    code_captions = ", ".join(captions_by_column["hcpcs"][:6])
    units_captions = ", ".join(captions_by_column["units"][:6])
    return f"{_NO_VOLUMES}. A code column is called, for example, {code_captions}; a units column {units_captions}"


def _decoded_text(content: bytes) -> str:
    """The text as Excel saves it: UTF-8, UTF-16 ("Unicode Text"), or else the code page of Windows ("CSV")."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _tables_by_delimiter(csv_text: str, file_name: str) -> list[list[tuple[int, list[str]]]]:
    """The table that each delimiter gives; with the wrong one, quoted cells may not be csv at all.

    Raises BadInput: if the text is not csv with any of them.
    """
    csv_tables, faults = [], []
    for delimiter in _DELIMITERS:
        # Exports use commas, semicolons or tabs, and do not say which: the delimiter that gives a code and a units
        # column is the one.
        csv_reader = csv.reader(StringIO(csv_text, newline=""), strict=True, delimiter=delimiter)
        try:
            csv_tables.append(
                _rows_from_header(
                    [(csv_reader.line_num, [_plain_cell(cell) for cell in csv_row]) for csv_row in csv_reader]
                )
            )
        except csv.Error as error:
            faults.append(Fault(file_name, csv_reader.line_num, f"cannot be read as csv ({error})"))
    if not csv_tables:
        raise BadInput(faults[:1], _NOT_WRITTEN)
    return csv_tables


def _plain_cell(cell: str) -> str:
    """The text of a cell, without what keeps Excel from taking a code for a number: `="11102"` or `'11102`."""
    cell_text = cell.strip()
    quoted_match = _QUOTED_CELL.fullmatch(cell_text)
    return quoted_match[1].strip() if quoted_match else cell_text.removeprefix("'")


def _text_rows(sheet_rows: Sequence[Sequence[ReadCell]]) -> Iterator[tuple[int, list[str]]]:
    for row_number, sheet_row in enumerate(sheet_rows, start=1):
        yield row_number, ["" if cell is None else str(cell).strip() for cell in sheet_row]


def _rows_from_header(numbered_rows: Sequence[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The rows from the one that names a code and a units column; none, if there is no such row at the top."""
    filled_rows = [(line_number, row_cells) for line_number, row_cells in numbered_rows if any(row_cells)]
    # Reports of practice systems have titles and dates above the header.
    for row_index, (_, row_cells) in enumerate(filled_rows[:_HEADER_ROWS_SEARCHED]):
        row_columns = {_column_of(cell) for cell in row_cells}
        if {"hcpcs", "units"} <= row_columns:
            return filled_rows[row_index:]
    return []


def _column_indexes(
    file_name: str, line_number: int, header_cells: Sequence[str]
) -> tuple[dict[str, list[int]], tuple[str, ...]]:
    """The places of each known column, and the captions of the others."""
    indexes_by_column: dict[str, list[int]] = defaultdict(list)
    unread_captions = []
    for cell_index, caption in enumerate(header_cells):
        column = _column_of(caption)
        if column is None:
            unread_captions += [_shortened_text(caption)] if caption else []
        else:
            indexes_by_column[column].append(cell_index)
    shown_captions = [_shortened_text(caption) for caption in header_cells]
    repeated_columns = [
        f"more than one {column} column: {', '.join(shown_captions[cell_index] for cell_index in column_indexes)}"
        for column, column_indexes in indexes_by_column.items()
        if len(column_indexes) > 1 and column != "modifier"  # exports have up to four modifier columns
    ]
    if repeated_columns:
        raise BadInput([Fault(file_name, line_number, fault) for fault in repeated_columns], _NOT_WRITTEN)
    return dict(indexes_by_column), tuple(unread_captions)


def _column_of(caption: str) -> str | None:
    return _columns_by_caption().get(caption_key(caption))


@cache
def _columns_by_caption() -> Mapping[str, str]:
    return by_caption(_captions_by_column())


def _normalized_words(cell_text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", cell_text.lower()))


@cache
def _volume_columns() -> Mapping[str, Any]:
    return tomllib.loads(files("codeset.impact").joinpath("volume_columns.toml").read_text(encoding="utf-8"))


def _captions_by_column() -> Mapping[str, list[str]]:
    captions_by_column: Mapping[str, list[str]] = _volume_columns()["columns"]
    return captions_by_column


def _is_total_row(text_by_column: Mapping[str, Sequence[str]]) -> bool:
    normalized_texts = {
        _normalized_words(cell_text) for column_texts in text_by_column.values() for cell_text in column_texts
    }
    return bool(normalized_texts & set(_volume_columns()["rows"]["totals"]))


def _volume_of_row(text_by_column: Mapping[str, Sequence[str]]) -> Volume:
    faults: list[str] = []
    value_by_column: dict[str, Any] = {}
    for column, (read_texts, expected_text) in _READERS.items():
        column_texts = text_by_column.get(column, [])
        if column == "modifier" or column in text_by_column:
            try:
                value_by_column[column] = read_texts(column_texts)
            except ValueError:
                excerpt = _shortened_text(" ".join(column_texts))
                faults.append(f'{column}: expected {expected_text}, found "{excerpt}"')
    if faults:
        raise _RowFaults(*faults)
    # Modifiers may follow the code, be in columns of their own, or in both: each counts once.
    hcpcs, code_modifiers = value_by_column.pop("hcpcs")
    modifiers = [*code_modifiers, *value_by_column.pop("modifier")]
    return Volume(hcpcs=hcpcs, modifiers=" ".join(dict.fromkeys(modifiers)), **value_by_column)


def _code_and_modifiers(column_texts: Sequence[str]) -> tuple[str, list[str]]:
    # A spreadsheet that took the code for a number: 11102.0.
    code_text = _single_text(column_texts).upper().removesuffix(".0")
    if code_match := _CODE_PATTERN.fullmatch(code_text):
        return code_match[1], re.findall(r"[0-9A-Z]{2}", code_match[2] or "")
    if code_match := _CODE_WITH_DESCRIPTION.fullmatch(code_text):
        return code_match[1], []
    raise ValueError


def _modifiers_of_texts(column_texts: Sequence[str]) -> list[str]:
    modifier_texts = [modifier_text.upper().removesuffix(".0") for modifier_text in column_texts if modifier_text]
    if not all(_MODIFIERS_PATTERN.fullmatch(modifier_text) for modifier_text in modifier_texts):
        raise ValueError
    modifiers = [modifier for modifier_text in modifier_texts for modifier in re.findall(r"[0-9A-Z]{2}", modifier_text)]
    # A claim line has four modifiers (CMS-1500, item 24D).
    if len(modifiers) > 4:
        raise ValueError
    return modifiers


def _unit_count(units_text: str) -> int:
    units_match = _UNITS_PATTERN.fullmatch(units_text)
    if units_match is None:
        raise _RowFaults(f'units: expected a whole number such as 1,250, found "{_shortened_text(units_text)}"')
    unit_count = int(units_match["number"].replace(",", ""))
    # Corrections of an earlier billing: they are summed with it, and a sum below 0 is a fault.
    return -unit_count if units_match["sign"] else unit_count


def _units_column(column_texts: Sequence[str]) -> int:
    try:
        return _unit_count(_single_text(column_texts))
    except _RowFaults as error:
        raise ValueError from error


def _place_of_service(column_texts: Sequence[str]) -> str:
    place_text = _single_text(column_texts)
    if place_code := _volume_columns()["places_of_service"].get(_normalized_words(place_text)):
        return str(place_code)
    place_match = _PLACE_PATTERN.fullmatch(place_text)
    if place_match is None:
        raise ValueError
    return place_match[1].zfill(2)


def _five_digit_zip(column_texts: Sequence[str]) -> str:
    zip_match = _ZIP_PATTERN.fullmatch(_single_text(column_texts))
    if zip_match is None:
        raise ValueError
    # ZIP codes of the Northeast begin with 0, which a spreadsheet drops.
    return zip_match[1].zfill(5)


def _name_text(column_texts: Sequence[str]) -> str:
    return _single_text(column_texts)


def _single_text(column_texts: Sequence[str]) -> str:
    return column_texts[0] if column_texts else ""


def _locality_text(column_texts: Sequence[str]) -> str:
    if not _single_text(column_texts):
        raise ValueError
    return _single_text(column_texts)


_READERS: Mapping[str, tuple[Any, str]] = {
    "hcpcs": (_code_and_modifiers, "five characters such as 11102, or with modifiers 88305-26"),
    "units": (_units_column, "a whole number such as 1,250"),
    "modifier": (_modifiers_of_texts, "up to four modifiers of two characters"),
    "place_of_service": (_place_of_service, "two digits such as 11"),
    "provider": (_name_text, "a name"),
    "payer": (_name_text, "a name"),
    "zip_code": (_five_digit_zip, "five digits"),
    "locality": (_locality_text, "MAC-LOCALITY such as 01112-05, or the name of a locality"),
}
"""How the texts of each column are read, and what a message says that was expected."""


def _summed_volumes(volumes: Sequence[Volume]) -> Iterator[Volume]:
    """The volumes, units of the same code, modifiers, place, provider, payer and locality added up."""
    units_by_key: dict[Volume, int] = defaultdict(int)
    for volume in volumes:
        units_by_key[replace(volume, units=0)] += volume.units
    yield from sorted(replace(volume, units=unit_sum) for volume, unit_sum in units_by_key.items())


def _shortened_text(cell_text: str) -> str:
    return cell_text if len(cell_text) <= _CHARACTERS_SHOWN else cell_text[:_CHARACTERS_SHOWN] + "…"
