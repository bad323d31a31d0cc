"""Professional claims in X12: 837P, implementation guide 005010X222A1; only what an edit needs of them is read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice, takewhile
from typing import NamedTuple, TextIO

import polars as pl

from codeset.claims.input.check import RAW, FieldFault, shape_of
from codeset.claims.input.json_claims import Row
from codeset.claims.input.x12_segments import Envelope, Segment, envelope_fault, segments_of

_GUIDES = ("005010X222A1", "005010X222A2", "005010X222")
"""The guide with its errata: what is read of a claim is the same in all of them."""

# HI qualifiers of ICD-10-CM: ABK the principal diagnosis, ABF the others (005010X222A1, HI of loop 2300).
_DIAGNOSIS = ("ABK", "ABF")
# Until then HI held ICD-9-CM (BK, BF), which is not read: its pointers point to nothing here (45 CFR 162.1002).
_ICD_10_SINCE = "2015-10-01"
# SV103: UN units, MJ minutes (of anesthesia).
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


Faults = list[FieldFault]


class X12Claims:
    """The claims of an 837P, read as a stream. An 837 has no locality. Loops that no edit reads are passed over.

    `envelope` has what is wrong with the file itself, when all was read.
    """

    def __init__(self, stream: TextIO) -> None:
        """Read from *stream*, text in which every byte is a character (latin-1)."""
        self.envelope = Envelope()
        self._segments = segments_of(stream, self.envelope)

    def chunks(self, claims_at_once: int | None = None) -> Iterator[tuple[pl.DataFrame, Faults]]:
        """Yield the lines of so many claims at once, or of all, as text (columns of `RAW`), and what is malformed."""
        claims = _claims(_in_order(self._segments, self.envelope.fatal))
        first = True
        while (loops := list(islice(claims, claims_at_once))) or first:
            yield _chunk(loops)
            first = False


def _chunk(claims: Sequence[Loops]) -> tuple[pl.DataFrame, Faults]:
    rows: list[Row] = []
    faults: Faults = []
    for nth, loops in enumerate(claims):
        lines, claim_faults = _claim_rows(loops)
        faults += [replace(fault, nth=nth, claim_id=loops.claim[0].at(1) or None) for fault in claim_faults]
        for row, row_faults in lines:
            faults += [replace(fault, row=len(rows)) for fault in row_faults]
            rows.append({**row, "at": 0, "nth": nth})
    return pl.DataFrame(rows, schema=dict(RAW)), faults


def _in_order(segments: Iterator[Segment], faults: list[FieldFault]) -> Iterator[Segment]:
    """The segments; to *faults* go those of other transaction sets, and those that have lost their loop."""
    loop, claims = "", 0
    for segment in segments:
        if segment.id in ("ST", "HL", "CLM", "SE") or (segment.id == "LX" and loop in ("CLM", "LX")):
            loop = segment.id
            claims += segment.id == "CLM"
        fault = _stray(segment, loop)
        if fault is not None:
            faults.append(envelope_fault(str(segment), *fault))
        yield segment
    if not claims and not faults:
        faults.append(envelope_fault("", "claims (CLM)", "none"))


def _stray(segment: Segment, loop: str) -> tuple[str, str] | None:
    """What is expected instead of *segment* in *loop*, and what was found; None if it may be there."""
    if segment.id == "GS" and segment.at(8) not in _GUIDES:
        return f"{_GUIDES[0]} in GS08", _version(segment.at(8))
    if segment.id == "ST" and (segment.at(1) != "837" or (segment.at(3) or _GUIDES[0]) not in _GUIDES):
        return f"837 and {_GUIDES[0]}", f"{_version(segment.at(1))} {_version(segment.at(3))}"
    if segment.id == "HL" and segment.at(3) not in ("20", "22", "23"):
        return "level 20, 22 or 23 in HL03", _version(segment.at(3))
    if segment.id in ("LX", "SV1") and loop not in ("CLM", "LX"):
        return "a CLM before it", "none"
    if loop == "LX" and (segment.id == "SBR" or (segment.id == "NM1" and segment.at(1) in ("85", "IL", "QC"))):
        return "an HL before it", "none"
    return None


def _version(text: str) -> str:
    is_code = re.fullmatch(r"[0-9]{1,3}|[0-9]{6}X[0-9]{3}([A-Z][0-9])?", text)
    return text if is_code else ("nothing" if not text else "another value")


def _claims(segments: Iterable[Segment]) -> Iterator[Loops]:
    """Group segments by claim; a claim begins with CLM, its lines with LX, a provider or subscriber with HL."""
    billing: list[Segment] = []
    subscriber: list[Segment] = []
    loops: list[list[Segment]] = []
    for segment in segments:
        if loops and segment.id in ("CLM", "HL", "SE", "ST"):
            yield Loops(billing, subscriber, loops[0], loops[1:])
            loops = []
        if segment.id == "ST" or (segment.id == "HL" and segment.at(3) == "20"):
            billing, subscriber = [segment], []
        elif segment.id == "HL":
            subscriber = [segment] if segment.at(3) == "22" else [*subscriber, segment]
        elif segment.id in ("CLM", "LX") and (loops or segment.id == "CLM"):
            loops.append([segment])
        elif loops:
            loops[-1].append(segment)
        else:
            (subscriber or billing).append(segment)
    if loops:
        yield Loops(billing, subscriber, loops[0], loops[1:])


def _claim_rows(loops: Loops) -> tuple[list[tuple[Row, Faults]], Faults]:
    """A row for each line of a claim with its faults, and the faults of the claim."""
    # Behind SBR the claim tells of other payers (loop 2320): their identifiers are not this claim's.
    own = list(takewhile(lambda segment: segment.id != "SBR", loops.claim))
    beneficiary, faults = _beneficiary(loops)
    shared: Row = {
        "claim_id": own[0].at(1),
        "beneficiary": beneficiary,
        "group": _identifier(loops.billing, "85"),
        "place_of_service": own[0].at(5, 1),
        "diagnoses": " ".join(_diagnoses(own)) or None,
        "prior_authorization": _prior_authorization(own),
    }
    faults += _claim_faults(own[0], loops)
    billing = Rendering(str(shared["group"] or ""), _specialty(loops.billing, "BI"))
    of_claim = _rendering(own, loops.billing, billing)
    rows = []
    for line in loops.lines:
        rendering = _rendering(line, loops.billing, of_claim)
        own_number = _prior_authorization(line) or shared["prior_authorization"]
        rows.append(_line_row(line, {**shared, **rendering._asdict(), "prior_authorization": own_number}))
    return rows, faults


def _diagnoses(claim: Sequence[Segment]) -> list[str]:
    """The ICD-10-CM codes of HI, at most twelve, in order; procedures and other code lists are passed over."""
    return [
        segment.at(n, 2)
        for segment in claim
        if segment.id == "HI"
        for n in range(1, 13)
        if segment.at(n, 1) in _DIAGNOSIS
    ]


def _prior_authorization(segments: Sequence[Segment]) -> str | None:
    """The number in REF02 of REF*G1, of a claim or of a line."""
    numbers = (segment.at(2) for segment in segments if segment.id == "REF" and segment.at(1) == "G1")
    return next(filter(None, numbers), None)


def _claim_faults(claim: Segment, loops: Loops) -> Faults:
    faults = [] if claim.at(1) else [_fault("claim_id", claim, "an identifier in CLM01", "")]
    # CLM05-3, claim frequency: 7 replaces a claim and 8 voids one, and both need the claim that they refer to.
    if claim.at(5, 3) != "1":
        faults.append(_fault("frequency", claim, "1, an original claim, in CLM05-3", claim.at(5, 3)))
    if not loops.lines:
        faults.append(_fault("lines", claim, "at least one service line (LX) after it", ""))
    return faults


def _beneficiary(loops: Loops) -> tuple[str | None, Faults]:
    """The subscriber's identifier. Medicare's beneficiary is always the subscriber, never a dependent."""
    dependents = [segment for segment in loops.subscriber if segment.id == "HL" and segment.at(3) == "23"]
    if dependents:
        expected = "no patient apart from the subscriber, as in Medicare"
        return None, [_fault("beneficiary", dependents[0], expected, "23")]
    relations = [segment for segment in loops.subscriber if segment.id == "SBR" and segment.at(2) not in ("", "18")]
    if relations:
        return None, [
            _fault("beneficiary", relations[0], "18, the patient is the subscriber, in SBR02", relations[0].at(2))
        ]
    names = [segment for segment in loops.subscriber if segment.id == "NM1" and segment.at(1) == "IL"]
    identifier = names[0].at(9) if names else ""
    if identifier:
        return identifier, []
    expected = "the subscriber's identifier in NM109 of NM1*IL"
    return None, [_fault("beneficiary", names[0] if names else loops.claim[0], expected, "")]


def _identifier(segments: Sequence[Segment], entity: str) -> str | None:
    names = (segment for segment in segments if segment.id == "NM1" and segment.at(1) == entity)
    return next((segment.at(9) or None for segment in names), None)


def _specialty(segments: Sequence[Segment], role: str) -> str | None:
    providers = (segment for segment in segments if segment.id == "PRV" and segment.at(1) == role)
    return next((segment.at(3) or None for segment in providers), None)


class Rendering(NamedTuple):
    """Who rendered a service."""

    provider: str
    specialty: str | None


def _rendering(segments: Sequence[Segment], billing: Sequence[Segment], default: Rendering) -> Rendering:
    """Who rendered: NM1*82 with the PRV*PE that follows it, the billing provider's specialty if none does."""
    for place, segment in enumerate(segments):
        if segment.id == "NM1" and segment.at(1) == "82":
            specialty = _specialty(segments[place + 1 : place + 2], "PE") or _specialty(billing, "BI")
            return Rendering(segment.at(9), specialty)
    return default


def _line_row(line: Sequence[Segment], shared: Row) -> tuple[Row, Faults]:
    services = [segment for segment in line if segment.id == "SV1"]
    service = services[0] if services else line[0]
    days, faults = _days(line)
    if len(services) != 1:
        number = str(len(services) or "")
        faults += [_fault(name, line[0], "one SV1 after it", number) for name in ("hcpcs", "units")]
    fields, service_faults = _service(service) if services else ({}, [])
    row = {**shared, "line": line[0].at(1), "place": str(service), **days, **fields}
    return _without_pointers_to_icd_9(row), faults + service_faults


def _service(service: Segment) -> tuple[Row, Faults]:
    # SV101-3 to SV101-6 (composite medical procedure identifier).
    modifiers = [service.at(1, n) for n in range(3, 7)]
    row: Row = {
        "hcpcs": service.at(1, 2),
        "modifiers": " ".join(filter(None, modifiers)),
        "charge": service.at(2),
        "units": service.at(4),
    }
    # SV105 is sent where the line's place differs from the claim's (CLM05-1).
    row |= {"place_of_service": service.at(5)} if service.at(5) else {}
    faults = []
    if service.at(1, 1) != "HC":
        expected = "qualifier HC in SV101-1"
        if _OTHER_SEPARATOR.match(service.at(1, 1)):
            expected += ", and after it the component separator that ISA16 names"
        faults.append(_fault("hcpcs", service, expected, service.at(1, 1)))
    if service.at(3) not in _UNITS:
        faults.append(_fault("units", service, "UN or MJ in SV103", service.at(3)))
    pointers = " ".join(filter(None, (service.at(7, n) for n in range(1, 5))))
    if not set(pointers) <= set("0123456789 "):
        faults.append(_fault("diagnosis_pointers", service, "numbers in SV107", pointers))
    return {**row, "diagnosis_pointers": pointers or None}, faults


def _without_pointers_to_icd_9(row: Row) -> Row:
    is_icd_9 = not row["diagnoses"] and str(row.get("date_of_service", _ICD_10_SINCE)) < _ICD_10_SINCE
    return {**row, "diagnosis_pointers": None} if is_icd_9 else row


_OTHER_SEPARATOR = re.compile(r"HC[^0-9A-Z]")
"""A qualifier and a code that are parted by another character than ISA16 says: often `:` and `>` are mixed up."""


def _days(line: Sequence[Segment]) -> tuple[Row, Faults]:
    """The date or dates of service: DTP*472, one day (D8) or from and through (RD8)."""
    dates = [segment for segment in line if segment.id == "DTP" and segment.at(1) == "472"]
    if len(dates) != 1:
        return {}, [_fault("date_of_service", line[0], "one DTP*472 after it", str(len(dates) or ""))]
    segment, form, text = dates[0], dates[0].at(2), dates[0].at(3)
    if form not in _DATES:
        return {}, [_fault("date_of_service", segment, "D8 or RD8 in DTP02", form)]
    pattern, expected = _DATES[form]
    days = [_day(part) for part in text.split("-")] if re.fullmatch(pattern, text) else []
    # RD8 for a span; both ends must be days that exist.
    existing = [str(day) for day in days if day]
    if not existing or len(existing) < len(days):
        return {}, [_fault("date_of_service", segment, f"{expected} in DTP03", text)]
    if existing != sorted(existing):
        backwards = _fault("through_date", segment, "a last day not before the first in DTP03", text)
        return {"date_of_service": existing[0]}, [backwards]
    return dict(zip(("date_of_service", "through_date"), existing, strict=False)), []


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 (a day of a claim has no time)
    except ValueError:
        return None


def _fault(field: str, segment: Segment, expected: str, value: str) -> FieldFault:
    """A fault of a segment; a value is shown where it is a qualifier, or a list of pointers."""
    is_qualifier = re.fullmatch(r"[0-9A-Z]{1,2}|[0-9]{1,2}( [0-9]{1,2}){1,3}", value)
    text = f'"{value}"' if is_qualifier else pl.select(shape_of(pl.lit(value or None, pl.String))).item()
    return FieldFault(field, expected, text, place=str(segment))
