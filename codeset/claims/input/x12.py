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
_DIAGNOSIS_QUALIFIERS = ("ABK", "ABF")
# Until then HI held ICD-9-CM (BK, BF), which is not read: its pointers point to nothing here (45 CFR 162.1002).
_ICD_10_SINCE = "2015-10-01"
# SV103: UN units, MJ minutes (of anesthesia).
_UNIT_QUALIFIERS = ("UN", "MJ")
_DATE_FORMS = {
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
        """Yield the lines of *claims_at_once* claims, or of all, as text (columns of `RAW`), and what is malformed."""
        claims_of_file = _claims_of_segments(_ordered_segments(self._segments, self.envelope.fatal))
        is_first_chunk = True
        # Once even without a claim: what is wrong with the envelope shows only when all segments were read.
        while (claim_loops := list(islice(claims_of_file, claims_at_once))) or is_first_chunk:
            yield _lines_of_claims(claim_loops)
            is_first_chunk = False


def _lines_of_claims(claim_loops: Sequence[Loops]) -> tuple[pl.DataFrame, Faults]:
    line_rows: list[Row] = []
    faults: Faults = []
    for claim_number, loops in enumerate(claim_loops):
        rows_and_faults, claim_faults = _claim_rows(loops)
        faults += [
            replace(fault, claim_number=claim_number, claim_id=loops.claim[0].at(1) or None) for fault in claim_faults
        ]
        for line_row, row_faults in rows_and_faults:
            faults += [replace(fault, row=len(line_rows)) for fault in row_faults]
            line_rows.append({**line_row, "at": 0, "claim_number": claim_number})
    return pl.DataFrame(line_rows, schema=dict(RAW)), faults


def _ordered_segments(segments: Iterator[Segment], order_faults: list[FieldFault]) -> Iterator[Segment]:
    """The segments; to *order_faults* go those of other transaction sets, and those that have lost their loop."""
    loop_segment, claim_count = "", 0
    for segment in segments:
        if segment.id in ("ST", "HL", "CLM", "SE") or (segment.id == "LX" and loop_segment in ("CLM", "LX")):
            loop_segment = segment.id
            claim_count += segment.id == "CLM"
        stray_fault = _stray_segment(segment, loop_segment)
        if stray_fault is not None:
            order_faults.append(envelope_fault(str(segment), *stray_fault))
        yield segment
    if not claim_count and not order_faults:
        order_faults.append(envelope_fault("", "claims (CLM)", "none"))


def _stray_segment(segment: Segment, loop_segment: str) -> tuple[str, str] | None:
    """What is expected instead of *segment* in *loop_segment*, and what was found; None if it may be there."""
    if segment.id == "GS" and segment.at(8) not in _GUIDES:
        return f"{_GUIDES[0]} in GS08", _shown_version(segment.at(8))
    if segment.id == "ST" and (segment.at(1) != "837" or (segment.at(3) or _GUIDES[0]) not in _GUIDES):
        return f"837 and {_GUIDES[0]}", f"{_shown_version(segment.at(1))} {_shown_version(segment.at(3))}"
    if segment.id == "HL" and segment.at(3) not in ("20", "22", "23"):
        return "level 20, 22 or 23 in HL03", _shown_version(segment.at(3))
    if segment.id in ("LX", "SV1") and loop_segment not in ("CLM", "LX"):
        return "a CLM before it", "none"
    if loop_segment == "LX" and (segment.id == "SBR" or (segment.id == "NM1" and segment.at(1) in ("85", "IL", "QC"))):
        return "an HL before it", "none"
    return None


def _shown_version(version_text: str) -> str:
    is_version = re.fullmatch(r"[0-9]{1,3}|[0-9]{6}X[0-9]{3}([A-Z][0-9])?", version_text)
    return version_text if is_version else ("nothing" if not version_text else "another value")


def _claims_of_segments(segments: Iterable[Segment]) -> Iterator[Loops]:
    """Group segments by claim; a claim begins with CLM, its lines with LX, a provider or subscriber with HL."""
    billing_segments: list[Segment] = []
    subscriber_segments: list[Segment] = []
    claim_loops: list[list[Segment]] = []
    for segment in segments:
        if claim_loops and segment.id in ("CLM", "HL", "SE", "ST"):
            yield Loops(billing_segments, subscriber_segments, claim_loops[0], claim_loops[1:])
            claim_loops = []
        if segment.id == "ST" or (segment.id == "HL" and segment.at(3) == "20"):
            billing_segments, subscriber_segments = [segment], []
        elif segment.id == "HL":
            subscriber_segments = [segment] if segment.at(3) == "22" else [*subscriber_segments, segment]
        elif segment.id in ("CLM", "LX") and (claim_loops or segment.id == "CLM"):
            claim_loops.append([segment])
        elif claim_loops:
            claim_loops[-1].append(segment)
        else:
            (subscriber_segments or billing_segments).append(segment)
    if claim_loops:
        yield Loops(billing_segments, subscriber_segments, claim_loops[0], claim_loops[1:])


def _claim_rows(loops: Loops) -> tuple[list[tuple[Row, Faults]], Faults]:
    """A row for each line of a claim with its faults, and the faults of the claim."""
    # Behind SBR the claim tells of other payers (loop 2320): their identifiers are not this claim's.
    claim_segments = list(takewhile(lambda segment: segment.id != "SBR", loops.claim))
    beneficiary, faults = _beneficiary(loops)
    claim_fields: Row = {
        "claim_id": claim_segments[0].at(1),
        "beneficiary": beneficiary,
        "group": _identifier(loops.billing, "85"),
        "place_of_service": claim_segments[0].at(5, 1),
        "diagnoses": " ".join(_diagnosis_codes(claim_segments)) or None,
        "prior_authorization": _prior_authorization(claim_segments),
    }
    faults += _claim_faults(claim_segments[0], loops)
    billing_rendering = Rendering(str(claim_fields["group"] or ""), _specialty(loops.billing, "BI"))
    claim_rendering = _rendering(claim_segments, loops.billing, billing_rendering)
    line_rows = []
    for line_segments in loops.lines:
        rendering = _rendering(line_segments, loops.billing, claim_rendering)
        authorization = _prior_authorization(line_segments) or claim_fields["prior_authorization"]
        line_rows.append(
            _line_row(line_segments, {**claim_fields, **rendering._asdict(), "prior_authorization": authorization})
        )
    return line_rows, faults


def _diagnosis_codes(claim_segments: Sequence[Segment]) -> list[str]:
    """The ICD-10-CM codes of HI, at most twelve, in order; procedures and other code lists are passed over."""
    return [
        segment.at(element, 2)
        for segment in claim_segments
        if segment.id == "HI"
        for element in range(1, 13)
        if segment.at(element, 1) in _DIAGNOSIS_QUALIFIERS
    ]


def _prior_authorization(segments: Sequence[Segment]) -> str | None:
    """The number in REF02 of REF*G1, of a claim or of a line."""
    authorizations = (segment.at(2) for segment in segments if segment.id == "REF" and segment.at(1) == "G1")
    return next(filter(None, authorizations), None)


def _claim_faults(claim_segment: Segment, loops: Loops) -> Faults:
    faults = [] if claim_segment.at(1) else [_segment_fault("claim_id", claim_segment, "an identifier in CLM01", "")]
    # CLM05-3, claim frequency: 7 replaces a claim and 8 voids one, and both need the claim that they refer to.
    if claim_segment.at(5, 3) != "1":
        faults.append(
            _segment_fault("frequency", claim_segment, "1, an original claim, in CLM05-3", claim_segment.at(5, 3))
        )
    if not loops.lines:
        faults.append(_segment_fault("lines", claim_segment, "at least one service line (LX) after it", ""))
    return faults


def _beneficiary(loops: Loops) -> tuple[str | None, Faults]:
    """The subscriber's identifier. Medicare's beneficiary is always the subscriber, never a dependent."""
    dependents = [segment for segment in loops.subscriber if segment.id == "HL" and segment.at(3) == "23"]
    if dependents:
        expected = "no patient apart from the subscriber, as in Medicare"
        return None, [_segment_fault("beneficiary", dependents[0], expected, "23")]
    other_relations = [
        segment for segment in loops.subscriber if segment.id == "SBR" and segment.at(2) not in ("", "18")
    ]
    if other_relations:
        return None, [
            _segment_fault(
                "beneficiary",
                other_relations[0],
                "18, the patient is the subscriber, in SBR02",
                other_relations[0].at(2),
            )
        ]
    subscriber_names = [segment for segment in loops.subscriber if segment.id == "NM1" and segment.at(1) == "IL"]
    identifier = subscriber_names[0].at(9) if subscriber_names else ""
    if identifier:
        return identifier, []
    expected = "the subscriber's identifier in NM109 of NM1*IL"
    return None, [
        _segment_fault("beneficiary", subscriber_names[0] if subscriber_names else loops.claim[0], expected, "")
    ]


def _identifier(segments: Sequence[Segment], entity: str) -> str | None:
    entity_names = (segment for segment in segments if segment.id == "NM1" and segment.at(1) == entity)
    return next((segment.at(9) or None for segment in entity_names), None)


def _specialty(segments: Sequence[Segment], role: str) -> str | None:
    providers = (segment for segment in segments if segment.id == "PRV" and segment.at(1) == role)
    return next((segment.at(3) or None for segment in providers), None)


class Rendering(NamedTuple):
    """Who rendered a service."""

    provider: str
    specialty: str | None


def _rendering(segments: Sequence[Segment], billing_segments: Sequence[Segment], default: Rendering) -> Rendering:
    """Who rendered: NM1*82 with the PRV*PE that follows it, the billing provider's specialty if none does."""
    for position, segment in enumerate(segments):
        if segment.id == "NM1" and segment.at(1) == "82":
            specialty = _specialty(segments[position + 1 : position + 2], "PE") or _specialty(billing_segments, "BI")
            return Rendering(segment.at(9), specialty)
    return default


def _line_row(line_segments: Sequence[Segment], claim_fields: Row) -> tuple[Row, Faults]:
    service_segments = [segment for segment in line_segments if segment.id == "SV1"]
    service_segment = service_segments[0] if service_segments else line_segments[0]
    date_fields, faults = _date_fields(line_segments)
    if len(service_segments) != 1:
        service_count = str(len(service_segments) or "")
        faults += [
            _segment_fault(name, line_segments[0], "one SV1 after it", service_count) for name in ("hcpcs", "units")
        ]
    service_fields, service_faults = _service_fields(service_segment) if service_segments else ({}, [])
    line_row = {
        **claim_fields,
        "line": line_segments[0].at(1),
        "place": str(service_segment),
        **date_fields,
        **service_fields,
    }
    return _without_pointers_to_icd_9(line_row), faults + service_faults


def _service_fields(service_segment: Segment) -> tuple[Row, Faults]:
    # SV101-3 to SV101-6 (composite medical procedure identifier).
    modifiers = [service_segment.at(1, component) for component in range(3, 7)]
    service_fields: Row = {
        "hcpcs": service_segment.at(1, 2),
        "modifiers": " ".join(filter(None, modifiers)),
        "charge": service_segment.at(2),
        "units": service_segment.at(4),
    }
    # SV105 is sent where the line's place differs from the claim's (CLM05-1).
    service_fields |= {"place_of_service": service_segment.at(5)} if service_segment.at(5) else {}
    faults = []
    if service_segment.at(1, 1) != "HC":
        expected = "qualifier HC in SV101-1"
        if _OTHER_SEPARATOR.match(service_segment.at(1, 1)):
            expected += ", and after it the component separator that ISA16 names"
        faults.append(_segment_fault("hcpcs", service_segment, expected, service_segment.at(1, 1)))
    if service_segment.at(3) not in _UNIT_QUALIFIERS:
        faults.append(_segment_fault("units", service_segment, "UN or MJ in SV103", service_segment.at(3)))
    pointers = " ".join(filter(None, (service_segment.at(7, component) for component in range(1, 5))))
    if not set(pointers) <= set("0123456789 "):
        faults.append(_segment_fault("diagnosis_pointers", service_segment, "numbers in SV107", pointers))
    return {**service_fields, "diagnosis_pointers": pointers or None}, faults


def _without_pointers_to_icd_9(line_row: Row) -> Row:
    is_icd_9 = not line_row["diagnoses"] and str(line_row.get("date_of_service", _ICD_10_SINCE)) < _ICD_10_SINCE
    return {**line_row, "diagnosis_pointers": None} if is_icd_9 else line_row


_OTHER_SEPARATOR = re.compile(r"HC[^0-9A-Z]")
"""A qualifier and a code that are parted by another character than ISA16 says: often `:` and `>` are mixed up."""


def _date_fields(line_segments: Sequence[Segment]) -> tuple[Row, Faults]:
    """The date or dates of service: DTP*472, one day (D8) or from and through (RD8)."""
    date_segments = [segment for segment in line_segments if segment.id == "DTP" and segment.at(1) == "472"]
    if len(date_segments) != 1:
        return {}, [
            _segment_fault("date_of_service", line_segments[0], "one DTP*472 after it", str(len(date_segments) or ""))
        ]
    date_segment, date_form, date_text = date_segments[0], date_segments[0].at(2), date_segments[0].at(3)
    if date_form not in _DATE_FORMS:
        return {}, [_segment_fault("date_of_service", date_segment, "D8 or RD8 in DTP02", date_form)]
    pattern, expected = _DATE_FORMS[date_form]
    calendar_days = (
        [_calendar_day(day_text) for day_text in date_text.split("-")] if re.fullmatch(pattern, date_text) else []
    )
    # RD8 for a span; both ends must be days that exist.
    existing_days = [str(calendar_day) for calendar_day in calendar_days if calendar_day]
    if not existing_days or len(existing_days) < len(calendar_days):
        return {}, [_segment_fault("date_of_service", date_segment, f"{expected} in DTP03", date_text)]
    if existing_days != sorted(existing_days):
        reversed_days = _segment_fault(
            "through_date", date_segment, "a last day not before the first in DTP03", date_text
        )
        return {"date_of_service": existing_days[0]}, [reversed_days]
    return dict(zip(("date_of_service", "through_date"), existing_days, strict=False)), []


def _calendar_day(day_text: str) -> date | None:
    try:
        return datetime.strptime(day_text, "%Y%m%d").date()  # noqa: DTZ007 (a day of a claim has no time)
    except ValueError:
        return None


def _segment_fault(field: str, segment: Segment, expected: str, element_value: str) -> FieldFault:
    """A fault of a segment; a value is shown where it is a qualifier, or a list of pointers."""
    is_qualifier = re.fullmatch(r"[0-9A-Z]{1,2}|[0-9]{1,2}( [0-9]{1,2}){1,3}", element_value)
    shown_value = (
        f'"{element_value}"' if is_qualifier else pl.select(shape_of(pl.lit(element_value or None, pl.String))).item()
    )
    return FieldFault(field, expected, shown_value, place=str(segment))
