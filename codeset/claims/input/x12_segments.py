"""The segments of an X12 file. pyx12 splits them and checks the envelopes; its faults are put in our words."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO

from codeset.errors import Fault
from codeset.extras import extra

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
        parts = self.elements[element - 1] if element <= len(self.elements) else ()
        return parts[component - 1] if component <= len(parts) else ""

    def __str__(self) -> str:
        """Return how a message names the segment."""
        known = re.fullmatch(r"[A-Z][A-Z0-9]{1,2}", self.id)
        return f"segment {self.number} {self.id}" if known else f"segment {self.number}"


def segments_of(text: str, file: str) -> tuple[list[Segment], list[Fault]]:
    """Every segment, and the faults of the envelopes: their order, control numbers and counts."""
    segments: list[Segment] = []
    faults: list[Fault] = []
    try:
        reader = X12Reader(StringIO(text, newline=""))
        for segment in reader:
            elements = tuple(tuple(part.value for part in element.elements) for element in segment.elements)
            segments.append(Segment(reader.get_cur_line(), segment.get_seg_id() or "", elements))
            messages = [_envelope_fault(reader, segments[-1], *error[:2]) for error in reader.pop_errors()]
            faults += [Fault(file, 0, message) for message in messages if message]
        faults += [Fault(file, 0, message) for message in _unended(reader, segments)]
    except X12Error:
        says = "an ISA segment of 106 characters, version 00501"
        faults.append(Fault(file, 0, f"segment {len(segments) + 1}: expected {says}, found otherwise"))
    except IndexError:
        says = "the header (ISA, GS, ST) of the envelope that ends here, found none"
        faults.append(Fault(file, 0, f"segment {len(segments) + 1}: expected {says}"))
    return segments, faults


_COUNTED: Mapping[tuple[str, str], tuple[str, Callable[[X12Reader], int]]] = {
    ("st", "4"): ("segments", lambda reader: reader.get_seg_count() + 1),
    ("gs", "5"): ("transaction sets", lambda reader: reader.st_count),
    ("isa", "021"): ("functional groups", lambda reader: reader.gs_count),
}
_MESSAGES = {
    ("st", "3"): "expected the control number of the ST before it, found another",
    ("gs", "3"): "expected an SE before it, found none",
    ("gs", "4"): "expected the control number of the GS before it, found another",
    ("isa", "024"): "expected a GE before it, found none",
    ("isa", "001"): "expected the control number of the ISA before it, found another",
    ("isa", "025"): "expected a control number of its own, found that of an earlier interchange",
    ("gs", "6"): "expected a control number of its own, found that of an earlier group",
    ("st", "23"): "expected a control number of its own, found that of an earlier transaction set",
    ("seg", "HL1"): "expected the next number in HL01, found another",
    ("seg", "HL2"): "expected an earlier, open level in HL02, found another",
    ("seg", "1"): "expected a segment identifier at its beginning, found otherwise",
    ("seg", "8"): "expected elements, found none",
}
_TOLERATED = {("seg", "SEG1")}
"""Separators without elements at the end of a segment: against the standard, but they take nothing away."""


def _envelope_fault(reader: X12Reader, segment: Segment, level: str, code: str) -> str | None:
    """An error of pyx12 in our words: its own may show a segment's content."""
    if (level, code) in _TOLERATED:
        return None
    if (level, code) in _COUNTED:
        noun, count = _COUNTED[level, code]
        return f"{segment}: expected {count(reader)} {noun} in {segment.id}01, found {segment.at(1)}"
    return f"{segment}: {_MESSAGES.get((level, code), 'expected another segment or value here')}"


def _unended(reader: X12Reader, segments: list[Segment]) -> Iterator[str]:
    last = f"the file, or what can be read of it, ends after {segments[-1]}" if segments else "there is none"
    for header, _ in reader.loops:
        trailer = {"ST": "SE", "GS": "GE", "ISA": "IEA"}[header]
        yield f"expected {trailer} after its {header}, but {last}"
    if reader.raw.buffer.strip():
        yield f"expected a segment and its terminator after segment {len(segments)}, found an empty or unended one"
