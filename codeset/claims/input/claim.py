"""A claim and its lines as Python values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import polars as pl

from codeset.claims.input.check import check_lines, refuse
from codeset.claims.input.json_claims import flatten_claims


@dataclass(frozen=True)
class ClaimLine:
    """One service. `modifiers` are in order; `diagnosis_pointers` count the claim's diagnoses from 1.

    `provider` and `specialty` are given only where another practitioner than the claim's rendered the line.
    """

    line: int
    date_of_service: date
    hcpcs: str
    units: int
    place_of_service: str
    locality: str
    """`mac-locality`, such as 01112-05, or `national`; there is no default."""

    modifiers: tuple[str, ...] = ()
    through_date: date | None = None
    diagnosis_pointers: tuple[int, ...] = ()
    charge_cents: int | None = None
    lesion: str | None = None
    provider: str | None = None
    specialty: str | None = None
    prior_authorization: str | None = None
    """The payer's number, if the service was authorized beforehand."""


@dataclass(frozen=True)
class Claim:
    """One claim: whose, by whom, and its lines; `group` and `specialty` are the billing group's and the provider's."""

    claim_id: str
    beneficiary: str
    provider: str
    lines: tuple[ClaimLine, ...]
    group: str | None = None
    specialty: str | None = None
    diagnoses: tuple[str, ...] = ()

    @classmethod
    def parse(cls, claim_object: Mapping[str, Any]) -> "Claim":
        """Read one claim object of `claim.schema.json`.

        Raises BadInput: with every fault of the claim.
        """
        checked_lines = _checked_lines([claim_object])
        lines = tuple(
            _claim_line(row, claim_object, line_object)
            for row, line_object in zip(checked_lines.iter_rows(named=True), claim_object["lines"], strict=True)
        )
        return cls(
            claim_id=checked_lines["claim_id"][0],
            beneficiary=checked_lines["beneficiary"][0],
            provider=_trimmed_or_none(claim_object.get("provider")) or checked_lines["provider"][0],
            lines=lines,
            group=checked_lines["group"][0],
            specialty=_trimmed_or_none(claim_object.get("specialty")),
            diagnoses=_diagnosis_codes(claim_object.get("diagnoses")),
        )


def to_frame(claims: Iterable[Claim]) -> pl.DataFrame:
    """Return the lines of *claims* as a frame with the columns of `codeset.claims.claim_fields`.

    Raises BadInput: with every fault of every claim. `diagnoses` are those that the line points to.
    """
    return _checked_lines([_json_value(claim) for claim in claims])


def _checked_lines(claim_objects: list[Any]) -> pl.DataFrame:
    object_places = (f"[{position}]" if len(claim_objects) > 1 else "" for position in range(len(claim_objects)))
    raw_lines, faults = flatten_claims(
        (0, object_place, claim_object) for object_place, claim_object in zip(object_places, claim_objects, strict=True)
    )
    lines, rejects = check_lines(raw_lines, "claims", reader_faults=faults)
    refuse(rejects)
    return lines


def _claim_line(
    checked_line: Mapping[str, Any], claim_object: Mapping[str, Any], line_object: Mapping[str, Any]
) -> ClaimLine:
    """The line of *checked_line*; *claim_object* and *line_object* say which of the two gave the practitioner."""
    checked_fields = {field.name: checked_line[field.name] for field in fields(ClaimLine) if field.name in checked_line}
    # A checked line has its practitioner whoever named it; a Claim keeps what the claim says and what the line says
    # apart.
    fields_of_object = {
        "modifiers": tuple(checked_line["modifiers"].split()),
        "diagnosis_pointers": tuple(line_object.get("diagnosis_pointers") or ()),
        "provider": _trimmed_or_none(line_object.get("provider")) if "provider" in claim_object else None,
        "specialty": _trimmed_or_none(line_object.get("specialty")),
    }
    return ClaimLine(**{**checked_fields, **fields_of_object})


def _diagnosis_codes(codes_or_text: str | list[str] | None) -> tuple[str, ...]:
    return tuple(codes_or_text.split() if isinstance(codes_or_text, str) else codes_or_text or ())


def _trimmed_or_none(optional_text: str | None) -> str | None:
    return (optional_text or "").strip() or None


def _json_value(python_value: Any) -> Any:
    """A value as the JSON of the schema: what is None is left out, dates are text, tuples are lists."""
    if isinstance(python_value, (Claim, ClaimLine)):
        json_members = {field.name: _json_value(getattr(python_value, field.name)) for field in fields(python_value)}
        return {name: member for name, member in json_members.items() if member is not None}
    if isinstance(python_value, tuple):
        return [_json_value(tuple_item) for tuple_item in python_value]
    return python_value.isoformat() if isinstance(python_value, date) else python_value
