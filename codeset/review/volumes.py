"""A practice's year: the units it bills of each code, read strictly, and what a release does to their payment."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codeset.errors import BadInput, Fault
from codeset.participants import Participant
from codeset.review.payments import Payment
from codeset.review.source_rows import Ref

_NAMES = {"hcpcs": "hcpcs", "code": "hcpcs", "units": "units", "modifier": "modifier"}
_CODE = re.compile(r"[0-9A-Z]{5}")
_UNITS = re.compile(r"[0-9]{1,9}")
_MODIFIERS = ("", "26", "TC", "53")
"""The modifiers with their own row in the fee schedule (record layout RVU25D, Modifier)."""

OTHER = "other codes"
"""The family of codes outside dermatology's families."""

_SHOWN = 40


@dataclass(frozen=True)
class Volume:
    """Units of a code billed in a year, with a modifier that has its own amount, or none."""

    hcpcs: str
    modifier: str
    units: int


@dataclass(frozen=True)
class YearLine:
    """A code's units in one setting: cents a year before and after; `lacks` says why there are none."""

    hcpcs: str
    modifier: str
    family: str
    units: int
    before_cents: int | None
    after_cents: int | None
    change_cents: int | None
    lacks: str
    before_row: Ref | None
    after_row: Ref | None


@dataclass(frozen=True)
class YearTotal:
    """The sum of a family's lines that have an amount in both releases."""

    family: str
    codes: int
    units: int
    before_cents: int
    after_cents: int
    change_cents: int


@dataclass(frozen=True)
class Year:
    """The year if all units are done in one setting, for one participant class; `without` lines are in no total."""

    setting: str
    participant: Participant | None
    total: YearTotal
    families: tuple[YearTotal, ...]
    lines: tuple[YearLine, ...]
    without: tuple[YearLine, ...]


def read_volumes(file: Path) -> tuple[Volume, ...]:
    """Read *file*: a csv with the columns `hcpcs` (or `code`), `units` (a year), and `modifier` if need be.

    Raises BadInput: with every fault and its line, when it is no such file.
    """
    faults: list[Fault] = []
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except UnicodeDecodeError as error:
        raise BadInput([Fault(file.name, 0, f"is not UTF-8 text (byte {error.start})")]) from error
    except (OSError, csv.Error) as error:
        raise BadInput([Fault(file.name, 0, f"cannot be read as csv ({error})")]) from error
    rows = [(line, cells) for line, cells in rows if any(cells)]
    columns = _columns(file.name, rows, faults)
    volumes = _volumes(file.name, rows[1:], columns, faults) if not faults else []
    if faults:
        raise BadInput(faults, "No review was written.")
    return tuple(sorted(volumes, key=lambda volume: (volume.hcpcs, volume.modifier)))


def _columns(name: str, rows: Sequence[tuple[int, list[str]]], faults: list[Fault]) -> dict[str, int]:
    """The place of each column."""
    if len(rows) < 2:
        faults.append(Fault(name, 0, "holds no volumes; expected a header hcpcs,units and a line for each code"))
        return {}
    line, header = rows[0]
    columns: dict[str, int] = {}
    for place, caption in enumerate(header):
        column = _NAMES.get(caption.lower())
        if column is None or column in columns:
            fault = "stands there twice" if column else "is not known; expected hcpcs (or code), units, modifier"
            faults.append(Fault(name, line, f'column "{_shortened(caption)}" {fault}'))
        else:
            columns[column] = place
    faults += [Fault(name, line, f'no column "{column}"') for column in ("hcpcs", "units") if column not in columns]
    return columns


def _volumes(
    name: str, rows: Iterable[tuple[int, list[str]]], columns: Mapping[str, int], faults: list[Fault]
) -> list[Volume]:
    first_lines: dict[tuple[str, str], int] = {}
    volumes = []
    for line, cells in rows:
        wrong = list(_faults_of(cells, columns))
        if not wrong:
            hcpcs, units = cells[columns["hcpcs"]], int(cells[columns["units"]])
            modifier = cells[columns["modifier"]] if "modifier" in columns else ""
            if (first := first_lines.setdefault((hcpcs, modifier), line)) != line:
                wrong.append(f"{' '.join(filter(None, (hcpcs, modifier)))} stands on line {first} already")
            volumes.append(Volume(hcpcs, modifier, units))
        faults += [Fault(name, line, fault) for fault in wrong]
    return volumes


def _faults_of(cells: Sequence[str], columns: Mapping[str, int]) -> Iterator[str]:
    if len(cells) != len(columns):
        yield f"{len(cells)} cells, but the header has {len(columns)}"
        return
    hcpcs, units = cells[columns["hcpcs"]], cells[columns["units"]]
    modifier = cells[columns["modifier"]] if "modifier" in columns else ""
    if not _CODE.fullmatch(hcpcs):
        yield f'hcpcs: expected five digits or capital letters, found "{_shortened(hcpcs)}"'
    if not _UNITS.fullmatch(units):
        yield f'units: expected a whole number without separators, found "{_shortened(units)}"'
    if modifier not in _MODIFIERS:
        yield (
            f'modifier: expected nothing, 26, TC or 53, found "{_shortened(modifier)}"; others have no amount of their '
            "own: add their units to the line of the code"
        )


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def years(volumes: Iterable[Volume], all_payments: Sequence[Payment], families: Sequence[str]) -> tuple[Year, ...]:
    """Return the year of *volumes* for each setting and participant class that *all_payments* has."""
    columns = list(dict.fromkeys((payment.setting, payment.participant) for payment in all_payments))
    by_key = {(p.setting, p.participant, p.hcpcs, p.modifier): p for p in all_payments}
    listed = list(volumes)
    return tuple(
        _year(
            column, [_line(volume, by_key.get((*column, volume.hcpcs, volume.modifier))) for volume in listed], families
        )
        for column in columns
    )


def _line(volume: Volume, payment: Payment | None) -> YearLine:
    before, after = (payment.before, payment.after) if payment else (None, None)
    cents = [None if side is None or side.cents is None else side.cents * volume.units for side in (before, after)]
    lacks = [side.lacks if side else "not in the fee schedule" for side in (before, after)]
    both = cents[0] is not None and cents[1] is not None
    return YearLine(
        hcpcs=volume.hcpcs,
        modifier=volume.modifier,
        family=(payment.family if payment else "") or OTHER,
        units=volume.units,
        before_cents=cents[0],
        after_cents=cents[1],
        change_cents=(cents[1] or 0) - (cents[0] or 0) if both else None,
        lacks=lacks[0] if lacks[0] == lacks[1] else f"before: {lacks[0] or 'paid'}; after: {lacks[1] or 'paid'}",
        before_row=before.row if before else None,
        after_row=after.row if after else None,
    )


def _year(column: tuple[str, Participant | None], lines: Sequence[YearLine], families: Sequence[str]) -> Year:
    priced = [line for line in lines if line.change_cents is not None]
    by_family = ((name, [line for line in priced if line.family == name]) for name in (*families, OTHER))
    return Year(
        *column,
        total=_total("", priced),
        families=tuple(_total(name, family_lines) for name, family_lines in by_family if family_lines),
        lines=tuple(priced),
        without=tuple(line for line in lines if line.change_cents is None),
    )


def _total(family: str, lines: Sequence[YearLine]) -> YearTotal:
    before, after, change = (
        sum(getattr(line, f"{name}_cents") for line in lines) for name in ("before", "after", "change")
    )
    return YearTotal(family, len(lines), sum(line.units for line in lines), before, after, change)
