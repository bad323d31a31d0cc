"""A practice's volumes as practices export them: units of each code in a year, from a csv or xlsx file, read strictly.

Headers are recognized by `volume_columns.toml`, wherever above the first code they stand. Rows of the same code,
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
_HEADER_WITHIN, _SHOWN = 25, 40
_DELIMITERS = (",", ";", "\t", "|")
_CODE = re.compile(r"([0-9A-Z]{5})(?:[- ,:]+([0-9A-Z]{2}(?:[- ,:]+[0-9A-Z]{2}){0,3}))?")
_UNITS = re.compile(r"(?P<sign>-|\()?(?P<number>\d{1,9}|\d{1,3}(?:,\d{3}){1,2})(?:\.0+)?(?(sign)\)?)")
_DESCRIBED = re.compile(r"([0-9A-Z]{5})(?: +[-–|]|:) *\S.*", re.DOTALL)
"""A code with its description after it."""

_QUOTED = re.compile(r'="?([^"]*)"?')
_MODIFIERS = re.compile(r"[0-9A-Z]{2}(?:[- ,;:/]+[0-9A-Z]{2}){0,3}")
_PLACE = re.compile(r"(\d{1,2})(?:\.0)?(?:\s*[-:–(].*)?")
_ZIP_CODE = re.compile(r"(\d{3,5})(?:-\d{4})?(?:\.0)?")


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


def read_volumes(file: Path) -> VolumeFile:
    """Read *file*: a csv or xlsx with a header, a column of HCPCS codes and one of units (a year), and maybe others.

    Raises BadInput: with every fault and its line, when it is no such file.
    """
    table = _table(file)
    line, header = table[0]
    places, unused = _places_of_columns(file.name, line, header)
    faults: list[Fault] = []
    volumes: list[Volume] = []
    totals: list[tuple[int, int]] = []
    for line, cells in table[1:]:
        row = {name: [cells[place] for place in of_name if place < len(cells)] for name, of_name in places.items()}
        try:
            if _is_total(row):
                totals.append((line, _units(row["units"][0])))
            else:
                volumes.append(_volume(row))
        except _Faults as error:
            faults += [Fault(file.name, line, fault) for fault in error.faults]
    total = sum(volume.units for volume in volumes)
    # A total that is not the sum shows rows that were lost or are there twice; with other faults it proves nothing.
    if not faults:
        wrong_totals = [(line, units) for line, units in totals if units != total]
        faults += [
            Fault(file.name, line, f"the total is {units:,}, but the lines add up to {total:,}")
            for line, units in wrong_totals
        ]
    if not volumes and not faults:
        faults.append(Fault(file.name, 0, _NO_VOLUMES))
    summed = tuple(_summed(volumes))
    if not faults:
        faults += [
            Fault(file.name, 0, f"{volume.hcpcs}: more units are taken back than billed ({volume.units:,})")
            for volume in summed
            if volume.units < 0
        ]
    if faults:
        raise BadInput(faults, _NOT_WRITTEN)
    return VolumeFile(file.name, summed, len(volumes), unused)


_NO_VOLUMES = "has no volumes; expected a header with a code and a units column, and a line for each code"


class _Faults(Exception):
    """What is wrong with one row."""

    def __init__(self, *faults: str) -> None:
        super().__init__(*faults)
        self.faults = faults


# --- the table


def _table(file: Path) -> list[tuple[int, list[str]]]:
    """The rows from the header on, with their line numbers, cells as text; empty rows are left out."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadInput([Fault(file.name, 0, f"cannot be read ({error.strerror})")], _NOT_WRITTEN) from error
    if content.startswith(b"PK"):
        candidates = [_from_header(list(_text_rows(rows))) for rows in read_sheets(content, file.name).values()]
    else:
        candidates = _csv_tables(_decoded(content), file.name)
    tables = [table for table in candidates if table]
    if len(tables) > 1:
        message = f"{len(tables)} sheets have a code and a units column; keep the one that is meant"
        raise BadInput([Fault(file.name, 0, message)], _NOT_WRITTEN)
    if not tables:
        raise BadInput([Fault(file.name, 0, _no_header(content, file.name))], _NOT_WRITTEN)
    return tables[0]


def _no_header(content: bytes, name: str) -> str:
    names = _columns()
    return (
        f"{_NO_VOLUMES}. A code column is called, for example, {', '.join(names['hcpcs'][:6])}; a units column "
        f"{', '.join(names['units'][:6])}"
    )


def _decoded(content: bytes) -> str:
    """The text as Excel saves it: UTF-8, UTF-16 ("Unicode Text"), or else the code page of Windows ("CSV")."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _csv_tables(text: str, name: str) -> list[list[tuple[int, list[str]]]]:
    """The table that each delimiter gives; with the wrong one, quoted cells may not be csv at all.

    Raises BadInput: if the text is not csv with any of them.
    """
    tables, faults = [], []
    for delimiter in _DELIMITERS:
        # Exports use commas, semicolons or tabs, and do not say which: the delimiter that gives a code and a units
        # column is the one.
        reader = csv.reader(StringIO(text, newline=""), strict=True, delimiter=delimiter)
        try:
            tables.append(_from_header([(reader.line_num, [_plain_cell(cell) for cell in row]) for row in reader]))
        except csv.Error as error:
            faults.append(Fault(name, reader.line_num, f"cannot be read as csv ({error})"))
    if not tables:
        raise BadInput(faults[:1], _NOT_WRITTEN)
    return tables


def _plain_cell(cell: str) -> str:
    """The text of a cell, without what keeps Excel from taking a code for a number: `="11102"` or `'11102`."""
    text = cell.strip()
    match = _QUOTED.fullmatch(text)
    return match[1].strip() if match else text.removeprefix("'")


def _text_rows(rows: Sequence[Sequence[ReadCell]]) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(rows, start=1):
        yield number, ["" if cell is None else str(cell).strip() for cell in row]


def _from_header(rows: Sequence[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The rows from the one that names a code and a units column; none, if there is no such row at the top."""
    filled = [(line, cells) for line, cells in rows if any(cells)]
    # Reports of practice systems have titles and dates above the header.
    for place, (_, cells) in enumerate(filled[:_HEADER_WITHIN]):
        names = {_column_of(cell) for cell in cells}
        if {"hcpcs", "units"} <= names:
            return filled[place:]
    return []


def _places_of_columns(name: str, line: int, header: Sequence[str]) -> tuple[dict[str, list[int]], tuple[str, ...]]:
    """The places of each known column, and the captions of the others."""
    places: dict[str, list[int]] = defaultdict(list)
    unused = []
    for place, caption in enumerate(header):
        column = _column_of(caption)
        if column is None:
            unused += [_shortened(caption)] if caption else []
        else:
            places[column].append(place)
    repeated_columns = [
        f"more than one {column} column: {', '.join(_shortened(header[place]) for place in of_column)}"
        for column, of_column in places.items()
        if len(of_column) > 1 and column != "modifier"  # exports have up to four modifier columns
    ]
    if repeated_columns:
        raise BadInput([Fault(name, line, fault) for fault in repeated_columns], _NOT_WRITTEN)
    return dict(places), tuple(unused)


def _column_of(caption: str) -> str | None:
    return _columns_by_caption().get(caption_key(caption))


@cache
def _columns_by_caption() -> Mapping[str, str]:
    return by_caption(_columns())


def _normalized(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


@cache
def _headings() -> Mapping[str, Any]:
    return tomllib.loads(files("codeset.impact").joinpath("volume_columns.toml").read_text(encoding="utf-8"))


def _columns() -> Mapping[str, list[str]]:
    columns: Mapping[str, list[str]] = _headings()["columns"]
    return columns


# --- a row


def _is_total(row: Mapping[str, Sequence[str]]) -> bool:
    texts = {_normalized(text) for of_column in row.values() for text in of_column}
    return bool(texts & set(_headings()["rows"]["totals"]))


def _volume(row: Mapping[str, Sequence[str]]) -> Volume:
    faults: list[str] = []
    values: dict[str, Any] = {}
    for column, (reader, expected) in _READERS.items():
        texts = row.get(column, [])
        if column == "modifier" or column in row:
            try:
                values[column] = reader(texts)
            except ValueError:
                excerpt = _shortened(" ".join(texts))
                faults.append(f'{column}: expected {expected}, found "{excerpt}"')
    if faults:
        raise _Faults(*faults)
    hcpcs, code_modifiers = values.pop("hcpcs")
    modifiers = [*code_modifiers, *values.pop("modifier")]
    return Volume(hcpcs=hcpcs, modifiers=" ".join(dict.fromkeys(modifiers)), **values)


def _code(texts: Sequence[str]) -> tuple[str, list[str]]:
    # A spreadsheet that took the code for a number: 11102.0.
    text = _only(texts).upper().removesuffix(".0")
    if match := _CODE.fullmatch(text):
        return match[1], re.findall(r"[0-9A-Z]{2}", match[2] or "")
    if match := _DESCRIBED.fullmatch(text):
        return match[1], []
    raise ValueError


def _modifiers(texts: Sequence[str]) -> list[str]:
    filled = [text.upper().removesuffix(".0") for text in texts if text]
    if not all(_MODIFIERS.fullmatch(text) for text in filled):
        raise ValueError
    modifiers = [modifier for text in filled for modifier in re.findall(r"[0-9A-Z]{2}", text)]
    if len(modifiers) > 4:
        raise ValueError
    return modifiers


def _units(text: str) -> int:
    match = _UNITS.fullmatch(text)
    if match is None:
        raise _Faults(f'units: expected a whole number such as 1,250, found "{_shortened(text)}"')
    units = int(match["number"].replace(",", ""))
    # Corrections of an earlier billing: they are summed with it, and a sum below 0 is a fault.
    return -units if match["sign"] else units


def _units_of(texts: Sequence[str]) -> int:
    try:
        return _units(_only(texts))
    except _Faults as error:
        raise ValueError from error


def _place(texts: Sequence[str]) -> str:
    text = _only(texts)
    if code := _headings()["places_of_service"].get(_normalized(text)):
        return str(code)
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ValueError
    return match[1].zfill(2)


def _zip_code(texts: Sequence[str]) -> str:
    match = _ZIP_CODE.fullmatch(_only(texts))
    if match is None:
        raise ValueError
    # ZIP codes of the Northeast begin with 0, which a spreadsheet drops.
    return match[1].zfill(5)


def _name(texts: Sequence[str]) -> str:
    return _only(texts)


def _only(texts: Sequence[str]) -> str:
    return texts[0] if texts else ""


def _locality(texts: Sequence[str]) -> str:
    if not _only(texts):
        raise ValueError
    return _only(texts)


_READERS: Mapping[str, tuple[Any, str]] = {
    "hcpcs": (_code, "five characters such as 11102, or with modifiers 88305-26"),
    "units": (_units_of, "a whole number such as 1,250"),
    "modifier": (_modifiers, "up to four modifiers of two characters"),
    "place_of_service": (_place, "two digits such as 11"),
    "provider": (_name, "a name"),
    "payer": (_name, "a name"),
    "zip_code": (_zip_code, "five digits"),
    "locality": (_locality, "MAC-LOCALITY such as 01112-05, or the name of a locality"),
}
"""How the texts of each column are read, and what a message says that was expected."""


def _summed(volumes: Sequence[Volume]) -> Iterator[Volume]:
    """The volumes, units of the same code, modifiers, place, provider, payer and locality added up."""
    units: dict[Volume, int] = defaultdict(int)
    for volume in volumes:
        units[replace(volume, units=0)] += volume.units
    yield from sorted(replace(volume, units=total) for volume, total in units.items())


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
