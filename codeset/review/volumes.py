"""A practice's year: the units that it bills of each code, read strictly, and what a release does to their payment."""

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
"""Those with amounts of their own in the fee schedule (record layout RVU25D, Modifier)."""

OTHER = "other codes"
"""The family of codes outside the families of dermatology."""

_SHOWN = 40


@dataclass(frozen=True)
class Volume:
    """Units billed in a year of a code, with a modifier that has an amount of its own or none."""

    hcpcs: str
    modifier: str
    units: int


@dataclass(frozen=True)
class YearLine:
    """A code's units in one setting: cents of the year before and after; `lacks` says why there are none."""

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
    """The sum of the lines of a family that have an amount in both releases."""

    family: str
    codes: int
    units: int
    before_cents: int
    after_cents: int
    change_cents: int


@dataclass(frozen=True)
class Year:
    """The year if all units are done in one setting, for one class of participants; `without` are not in any total."""

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
    return tuple(sorted(volumes, key=lambda each: (each.hcpcs, each.modifier)))


def _columns(name: str, rows: Sequence[tuple[int, list[str]]], faults: list[Fault]) -> dict[str, int]:
    """Where each column stands."""
    if len(rows) < 2:
        faults.append(Fault(name, 0, "holds no volumes; expected a header hcpcs,units and a line for each code"))
        return {}
    line, header = rows[0]
    columns: dict[str, int] = {}
    for place, given in enumerate(header):
        column = _NAMES.get(given.lower())
        if column is None or column in columns:
            said = "stands there twice" if column else "is not known; expected hcpcs (or code), units, modifier"
            faults.append(Fault(name, line, f'column "{_told(given)}" {said}'))
        else:
            columns[column] = place
    faults += [Fault(name, line, f'no column "{each}"') for each in ("hcpcs", "units") if each not in columns]
    return columns


def _volumes(
    name: str, rows: Iterable[tuple[int, list[str]]], columns: Mapping[str, int], faults: list[Fault]
) -> list[Volume]:
    found: dict[tuple[str, str], int] = {}
    volumes = []
    for line, cells in rows:
        wrong = list(_wrong(cells, columns))
        if not wrong:
            hcpcs, units = cells[columns["hcpcs"]], int(cells[columns["units"]])
            modifier = cells[columns["modifier"]] if "modifier" in columns else ""
            if (first := found.setdefault((hcpcs, modifier), line)) != line:
                wrong.append(f"{' '.join(filter(None, (hcpcs, modifier)))} stands on line {first} already")
            volumes.append(Volume(hcpcs, modifier, units))
        faults += [Fault(name, line, each) for each in wrong]
    return volumes


def _wrong(cells: Sequence[str], columns: Mapping[str, int]) -> Iterator[str]:
    if len(cells) != len(columns):
        yield f"{len(cells)} cells, but the header has {len(columns)}"
        return
    hcpcs, units = cells[columns["hcpcs"]], cells[columns["units"]]
    modifier = cells[columns["modifier"]] if "modifier" in columns else ""
    if not _CODE.fullmatch(hcpcs):
        yield f'hcpcs: expected five digits or capital letters, found "{_told(hcpcs)}"'
    if not _UNITS.fullmatch(units):
        yield f'units: expected a whole number without separators, found "{_told(units)}"'
    if modifier not in _MODIFIERS:
        yield (
            f'modifier: expected nothing, 26, TC or 53, found "{_told(modifier)}"; others have no amount of their own: '
            "add their units to the line of the code"
        )


def _told(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def years(volumes: Iterable[Volume], all_payments: Sequence[Payment], families: Sequence[str]) -> tuple[Year, ...]:
    """Return the year of *volumes* for each setting and kind of participant that *all_payments* has."""
    kinds = list(dict.fromkeys((each.setting, each.participant) for each in all_payments))
    by_key = {(each.setting, each.participant, each.hcpcs, each.modifier): each for each in all_payments}
    listed = list(volumes)
    return tuple(
        _year(kind, [_line(each, by_key.get((*kind, each.hcpcs, each.modifier))) for each in listed], families)
        for kind in kinds
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


def _year(kind: tuple[str, Participant | None], lines: Sequence[YearLine], families: Sequence[str]) -> Year:
    known = [each for each in lines if each.change_cents is not None]
    named = ((name, [each for each in known if each.family == name]) for name in (*families, OTHER))
    return Year(
        *kind,
        total=_total("", known),
        families=tuple(_total(name, each) for name, each in named if each),
        lines=tuple(known),
        without=tuple(each for each in lines if each.change_cents is None),
    )


def _total(family: str, lines: Sequence[YearLine]) -> YearTotal:
    before, after, change = (
        sum(getattr(each, f"{name}_cents") for each in lines) for name in ("before", "after", "change")
    )
    return YearTotal(family, len(lines), sum(each.units for each in lines), before, after, change)
