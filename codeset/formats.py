"""Every file that we write says which format it is in: `major.minor`, as the field `format`.

A newer minor only adds fields, which readers ignore; a newer major is refused in words. Files written before they had
a format have none; they stay readable, in the form that they had.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")

FORMATS: Mapping[str, str] = {
    "approval": "1.0",
    "audit": "1.0",
    "changes": "1.0",
    "claim-comparison": "1.0",
    "coded-visit": "1.1",
    "decisions": "1.0",
    "download": "1.0",
    "golden": "1.0",
    "guide": "1.0",
    "licences": "1.0",
    "manifest": "1.0",
    "outcome": "1.0",
    "plan": "1.0",
    "review": "1.0",
    "sources": "1.0",
    "suggestion": "1.0",
}
"""The format in which each kind of file is written, named as its schema."""


def format_fault(json_document: Any, file_kind: str) -> str | None:
    """Return why *json_document*, a file of *file_kind*, cannot be read by this version, or None if it can.

    What is not an object, or has no `format`, was written before there were formats.
    """
    if not isinstance(json_document, Mapping) or "format" not in json_document:
        return None
    # As text: read as numbers, 1.10 would be 1.1.
    major, dot, minor = str(json_document["format"]).partition(".")
    if not (dot and major.isdecimal() and minor.isdecimal()):
        return f'format "{json_document["format"]}": expected two numbers, such as {FORMATS[file_kind]}'
    known_major = FORMATS[file_kind].partition(".")[0]
    if major == known_major:
        return None
    return (
        f"format {major}.{minor} of the {file_kind} file; this version reads format {known_major}. "
        "Upgrade with: pip install --upgrade derm-codeset"
    )


def from_fields(kind: type[T], plain: Mapping[str, Any]) -> T:
    """Return the dataclass *kind* with the fields of *plain*; those that a newer minor format adds are ignored."""
    return kind(**{field.name: plain[field.name] for field in fields(kind) if field.name in plain})  # type: ignore[arg-type]
