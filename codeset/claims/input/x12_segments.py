"""The segments of an X12 file. pyx12 splits them and checks the envelopes; its faults are put in our words."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from codeset.claims.input.check import ENVELOPE, FieldFault
from codeset.errors import extra

with extra("x12"):
    from pyx12.errors import X12Error  # type: ignore[import-untyped]
    from pyx12.x12file import X12Reader  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Segment:
    """One segment: its number in the file, from 1, its identifier, and its elements, each a tuple of components."""

    number: int
    id: str
    elements: tuple[tuple[str, ...], ...]

    def at(self, element: int, component: int = 1) -> str:
        """Return a component by the numbers of the guide, such as SV101-2; blank if the segment ends before it."""
        components = self.elements[element - 1] if element <= len(self.elements) else ()
        return components[component - 1] if component <= len(components) else ""

    def __str__(self) -> str:
        """Return how a message names the segment."""
        is_identifier = re.fullmatch(r"[A-Z][A-Z0-9]{1,2}", self.id)
        return f"segment {self.number} {self.id}" if is_identifier else f"segment {self.number}"


@dataclass
class Envelope:
    """The faults of a file's envelopes, filled while its segments are read.

    After a `fatal` one it is not known what the file holds; a `minor` one, such as a trailer's count, touches no claim.
    """

    fatal: list[FieldFault] = field(default_factory=list)
    minor: list[FieldFault] = field(default_factory=list)


def envelope_fault(place: str, expected: str, found: str) -> FieldFault:
    """Return a fault of a file apart from the fields of its claims."""
    return FieldFault(ENVELOPE, expected, found, at=0, place=place)


def segments_of(stream: TextIO, envelope: Envelope) -> Iterator[Segment]:
    """Yield every segment; what is wrong with order, control numbers and counts goes to *envelope*."""
    segment_number = 0
    try:
        reader = X12Reader(stream)
        for parsed in reader:
            elements = tuple(
                tuple(x12_component.value for x12_component in x12_element.elements) for x12_element in parsed.elements
            )
            segment_number = reader.get_cur_line()
            segment = Segment(segment_number, parsed.get_seg_id() or "", elements)
            if segment.id == "HL" and not segment.at(2):
                # A level without a parent ends all before it. pyx12 keeps them open, and looks through a file's hundred
                # thousand billing providers for the parent of each subscriber.
                del reader.hl_stack[:-1]
            for level, code, *_ in reader.pop_errors():
                faults = envelope.minor if (level, code) in _MINOR_ERRORS else envelope.fatal
                if (level, code) not in _TOLERATED_ERRORS:
                    faults.append(_translated_error(reader, segment, level, code))
            yield segment
        (envelope.minor if _lacks_trailers_only(reader) else envelope.fatal).extend(
            _unended_envelopes(reader, segment_number)
        )
    except X12Error:
        expected = "an ISA segment of 106 characters, version 00501"
        envelope.fatal.append(envelope_fault(f"segment {segment_number + 1}", expected, "otherwise"))
    except IndexError:  # pyx12 takes a trailer's header from a list, and finds none
        expected = "the header (ISA, GS, ST) of the envelope that ends here"
        envelope.fatal.append(envelope_fault(f"segment {segment_number + 1}", expected, "none"))


_TRAILER_COUNTS: Mapping[tuple[str, str], tuple[str, Callable[[X12Reader], int]]] = {
    ("st", "4"): ("segments", lambda reader: reader.get_seg_count() + 1),
    ("gs", "5"): ("transaction sets", lambda reader: reader.st_count),
    ("isa", "021"): ("functional groups", lambda reader: reader.gs_count),
}
_EXPECTED_AND_FOUND = {
    ("st", "3"): ("the control number of the ST before it", "another"),
    ("gs", "3"): ("an SE before it", "none"),
    ("gs", "4"): ("the control number of the GS before it", "another"),
    ("isa", "024"): ("a GE before it", "none"),
    ("isa", "001"): ("the control number of the ISA before it", "another"),
    ("isa", "025"): ("a control number of its own", "that of an earlier interchange"),
    ("gs", "6"): ("a control number of its own", "that of an earlier group"),
    ("st", "23"): ("a control number of its own", "that of an earlier transaction set"),
    ("seg", "HL1"): ("the next number in HL01", "another"),
    ("seg", "HL2"): ("an earlier, open level in HL02", "another"),
    ("seg", "1"): ("a segment identifier at its beginning", "otherwise"),
    ("seg", "8"): ("elements", "none"),
}
_MINOR_ERRORS = {*_TRAILER_COUNTS, *_EXPECTED_AND_FOUND} - {("seg", "1"), ("seg", "8")}
"""Faults by which no claim is another: which lines, providers and subscribers belong together is in their order."""

_TOLERATED_ERRORS = {("seg", "SEG1")}
"""Separators without elements at the end of a segment: against the standard, but they take nothing away."""


def _translated_error(reader: X12Reader, segment: Segment, level: str, code: str) -> FieldFault:
    """An error of pyx12 in our words: its own may show a segment's content."""
    if (level, code) in _TRAILER_COUNTS:
        noun, count_of_reader = _TRAILER_COUNTS[level, code]
        reported_count = segment.at(1) if re.fullmatch(r"[0-9]{1,6}", segment.at(1)) else "another value"
        return envelope_fault(str(segment), f"{count_of_reader(reader)} {noun} in {segment.id}01", reported_count)
    return envelope_fault(
        str(segment), *_EXPECTED_AND_FOUND.get((level, code), ("another segment or value here", "otherwise"))
    )


def _lacks_trailers_only(reader: X12Reader) -> bool:
    """Whether every transaction set has ended, and what is left to read is at most a GE or IEA."""
    is_open = any(open_header == "ST" for open_header, _ in reader.loops)
    return not is_open and re.fullmatch(r"\s*((GE|IEA)\b[^\n]{0,30})?\s*", reader.raw.buffer) is not None


def _unended_envelopes(reader: X12Reader, segment_number: int) -> Iterator[FieldFault]:
    for open_header, _ in reader.loops:
        trailer = {"ST": "SE", "GS": "GE", "ISA": "IEA"}[open_header]
        yield envelope_fault(
            f"segment {segment_number}", f"{trailer} after its {open_header}", "the end of what can be read"
        )
    if reader.raw.buffer.strip():
        expected = "a segment and its terminator after it"
        yield envelope_fault(f"segment {segment_number}", expected, "an empty or unended one")
