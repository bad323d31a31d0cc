"""Professional claims in X12: 837P, implementation guide 005010X222A1; only what an edit needs of them is read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import takewhile

import polars as pl

from codeset.claims.input.check import RAW, Malformed
from codeset.claims.input.json_claims import Row
from codeset.claims.input.x12_segments import Segment, segments_of
from codeset.errors import Fault

_GUIDE = "005010X222A1"
_DIAGNOSIS = ("ABK", "ABF")
_UNITS = ("UN", "MJ")
_DATES = {
    "D8": ("[0-9]{8}", "a day that exists, as CCYYMMDD,"),
    "RD8": ("[0-9]{8}-[0-9]{8}", "two days that exist, as CCYYMMDD-CCYYMMDD,"),
}


@dataclass(frozen=True)
class Loops:
    """One claim's segments: its billing provider's, its subscriber's, its own, and those of each service line."""

    billing: Sequence[Segment]
    subscriber: Sequence[Segment]
    claim: Sequence[Segment]
    lines: Sequence[Sequence[Segment]]


Faults = list[Malformed]


def x12_lines(content: bytes, file: str) -> tuple[pl.DataFrame, Faults, list[Fault]]:
    """Return the lines of an 837P as text, what is malformed in its claims, and what is wrong with the file itself.

    An 837 has no locality. Loops that no edit reads are passed over.
    """
    segments, broken = segments_of(content.decode("latin-1"), file)
    broken += _strays(segments, file)
    rows: list[Row] = []
    faults: Faults = []
    for nth, loops in enumerate(_claims(segments)):
        lines, wrong = _claim_rows(loops)
        faults += [replace(each, nth=nth, claim_id=loops.claim[0].at(1) or None) for each in wrong]
        for row, unfit in lines:
            faults += [replace(each, row=len(rows)) for each in unfit]
            rows.append({**row, "at": 0, "nth": nth})
    if not rows and not broken:
        broken.append(Fault(file, 0, "expected claims (CLM), found none"))
    return pl.DataFrame(rows, schema=dict(RAW)), faults, broken


def _strays(segments: list[Segment], file: str) -> list[Fault]:
    """Transaction sets of another kind, and service lines outside claims."""
    faults: list[str] = []
    claimed = False
    for each in segments:
        claimed = each.id == "CLM" or (claimed and each.id not in ("HL", "SE", "ST"))
        if each.id == "GS" and each.at(8) != _GUIDE:
            faults.append(f"{each}: expected {_GUIDE} in GS08, found {_version(each.at(8))}")
        elif each.id == "ST" and (each.at(1), each.at(3) or _GUIDE) != ("837", _GUIDE):
            faults.append(f"{each}: expected 837 and {_GUIDE}, found {_version(each.at(1))} {_version(each.at(3))}")
        elif each.id == "HL" and each.at(3) not in ("20", "22", "23"):
            faults.append(f"{each}: expected level 20, 22 or 23 in HL03, found {_version(each.at(3))}")
        elif each.id in ("LX", "SV1") and not claimed:
            faults.append(f"{each}: expected a CLM before it, found none")
    return [Fault(file, 0, says) for says in faults]


def _version(text: str) -> str:
    return text if re.fullmatch(r"[0-9A-Z]{1,12}", text) else ("nothing" if not text else "another value")


def _claims(segments: list[Segment]) -> Iterator[Loops]:
    """Group segments by claim; a claim begins with CLM, its lines with LX, a provider or subscriber with HL."""
    billing: list[Segment] = []
    subscriber: list[Segment] = []
    parts: list[list[Segment]] = []
    for each in segments:
        if parts and each.id in ("CLM", "HL", "SE", "ST"):
            yield Loops(billing, subscriber, parts[0], parts[1:])
            parts = []
        if each.id == "ST" or (each.id == "HL" and each.at(3) == "20"):
            billing, subscriber = [each], []
        elif each.id == "HL":
            subscriber = [each] if each.at(3) == "22" else [*subscriber, each]
        elif each.id in ("CLM", "LX") and (parts or each.id == "CLM"):
            parts.append([each])
        elif parts:
            parts[-1].append(each)
        else:
            (subscriber or billing).append(each)
    if parts:
        yield Loops(billing, subscriber, parts[0], parts[1:])


def _claim_rows(loops: Loops) -> tuple[list[tuple[Row, Faults]], Faults]:
    """A row for each line of a claim with its faults, and the faults of the claim."""
    own = list(takewhile(lambda each: each.id != "SBR", loops.claim))
    beneficiary, faults = _beneficiary(loops)
    diagnoses = [each.at(n, 2) for each in own if each.id == "HI" for n in range(1, 13) if each.at(n, 1) in _DIAGNOSIS]
    shared: Row = {
        "claim_id": own[0].at(1),
        "beneficiary": beneficiary,
        "group": _identifier(loops.billing, "85"),
        "place_of_service": own[0].at(5, 1),
        "diagnoses": " ".join(diagnoses) or None,
    }
    faults += _claim_faults(own[0], loops)
    rendered = _rendering(own, loops.billing, (str(shared["group"] or ""), _specialty(loops.billing, "BI")))
    return [_line_row(line, {**shared, **_rendered(line, loops, rendered)}, diagnoses) for line in loops.lines], faults


def _claim_faults(claim: Segment, loops: Loops) -> Faults:
    faults = [] if claim.at(1) else [_wrong("claim_id", claim, "an identifier in CLM01", "")]
    if claim.at(5, 3) != "1":
        faults.append(_wrong("frequency", claim, "1, an original claim, in CLM05-3", claim.at(5, 3)))
    if not loops.lines:
        faults.append(_wrong("lines", claim, "at least one service line (LX) after it", ""))
    return faults


def _beneficiary(loops: Loops) -> tuple[str | None, Faults]:
    """The subscriber's identifier. Medicare's beneficiary is always the subscriber, never a dependent."""
    dependent = [each for each in loops.subscriber if each.id == "HL" and each.at(3) == "23"]
    if dependent:
        return None, [_wrong("beneficiary", dependent[0], "no patient apart from the subscriber, as in Medicare", "23")]
    found = [each for each in loops.subscriber if each.id == "NM1" and each.at(1) == "IL"]
    identifier = found[0].at(9) if found else ""
    where = found[0] if found else loops.claim[0]
    expected = "the subscriber's identifier in NM109 of NM1*IL"
    return identifier or None, [] if identifier else [_wrong("beneficiary", where, expected, "")]


def _identifier(segments: Sequence[Segment], entity: str) -> str | None:
    return next((each.at(9) or None for each in segments if each.id == "NM1" and each.at(1) == entity), None)


def _specialty(segments: Sequence[Segment], role: str) -> str | None:
    return next((each.at(3) or None for each in segments if each.id == "PRV" and each.at(1) == role), None)


Rendering = tuple[str, str | None]


def _rendering(segments: Sequence[Segment], billing: Sequence[Segment], otherwise: Rendering) -> Rendering:
    """Who rendered: NM1*82 with the PRV*PE that follows it, the billing provider's specialty if none does."""
    for place, each in enumerate(segments):
        if each.id == "NM1" and each.at(1) == "82":
            return each.at(9), _specialty(segments[place + 1 : place + 2], "PE") or _specialty(billing, "BI")
    return otherwise


def _rendered(line: Sequence[Segment], loops: Loops, claim: Rendering) -> Row:
    provider, specialty = _rendering(line, loops.billing, claim)
    return {"provider": provider, "specialty": specialty}


def _line_row(line: Sequence[Segment], shared: Row, diagnoses: list[str]) -> tuple[Row, Faults]:
    services = [each for each in line if each.id == "SV1"]
    service = services[0] if services else line[0]
    days, faults = _days(line)
    if len(services) != 1:
        found = str(len(services) or "")
        faults += [_wrong(field, line[0], "one SV1 after it", found) for field in ("hcpcs", "units")]
    fields, unfit = _service(service, diagnoses) if services else ({}, [])
    return {**shared, "line": line[0].at(1), "place": str(service), **days, **fields}, faults + unfit


def _service(service: Segment, diagnoses: list[str]) -> tuple[Row, Faults]:
    modifiers = [service.at(1, n) for n in range(3, 7)]
    row: Row = {
        "hcpcs": service.at(1, 2),
        "modifiers": " ".join(filter(None, modifiers)),
        "charge": service.at(2),
        "units": service.at(4),
    }
    row |= {"place_of_service": service.at(5)} if service.at(5) else {}
    faults = []
    if service.at(1, 1) != "HC":
        faults.append(_wrong("hcpcs", service, "qualifier HC in SV101-1", service.at(1, 1)))
    if service.at(3) not in _UNITS:
        faults.append(_wrong("units", service, "UN or MJ in SV103", service.at(3)))
    pointers = [service.at(7, n) for n in range(1, 5) if service.at(7, n)]
    known = {str(n): code for n, code in enumerate(diagnoses, start=1)}
    if not set(pointers) <= set(known):
        expected = f"numbers of the claim's diagnoses in SV107, of which there are {len(diagnoses)}"
        faults.append(_wrong("diagnoses", service, expected, " ".join(pointers)))
        return row, faults
    return {**row, "diagnoses": " ".join(known[each] for each in pointers) or None}, faults


def _days(line: Sequence[Segment]) -> tuple[Row, Faults]:
    """The date or dates of service: DTP*472, one day (D8) or from and through (RD8)."""
    found = [each for each in line if each.id == "DTP" and each.at(1) == "472"]
    if len(found) != 1:
        return {}, [_wrong("date_of_service", line[0], "one DTP*472 after it", str(len(found) or ""))]
    form, text = found[0].at(2), found[0].at(3)
    if form not in _DATES:
        return {}, [_wrong("date_of_service", found[0], "D8 or RD8 in DTP02", form)]
    shape, expected = _DATES[form]
    days = [_day(each) for each in text.split("-")] if re.fullmatch(shape, text) else []
    known = [str(each) for each in days if each]
    if not known or len(known) < len(days):
        return {}, [_wrong("date_of_service", found[0], f"{expected} in DTP03", text)]
    if known != sorted(known):
        late = _wrong("through_date", found[0], "a last day not before the first in DTP03", text)
        return {"date_of_service": known[0]}, [late]
    return dict(zip(("date_of_service", "through_date"), known, strict=False)), []


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 (a day of a claim has no time)
    except ValueError:
        return None


def _wrong(field: str, segment: Segment, expected: str, found: str) -> Malformed:
    """A fault of a segment; what was found is shown where it is a qualifier, a number or a date."""
    shown = found if re.fullmatch(r"[0-9A-Z]{1,2}|[0-9]{1,8}(-[0-9]{1,8})?|[0-9 ]{1,8}", found) else ""
    told = f'"{shown}"' if shown else ("another value" if found else "nothing")
    return Malformed(field, expected, told, place=str(segment))
