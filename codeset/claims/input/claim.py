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
    def parse(cls, plain: Mapping[str, Any]) -> "Claim":
        """Read one claim object of `claim.schema.json`.

        Raises BadInput: with every fault of the claim.
        """
        frame = _check_objects([plain])
        lines = tuple(
            _line(row, plain, own) for row, own in zip(frame.iter_rows(named=True), plain["lines"], strict=True)
        )
        return cls(
            claim_id=frame["claim_id"][0],
            beneficiary=frame["beneficiary"][0],
            provider=_text_or_none(plain.get("provider")) or frame["provider"][0],
            lines=lines,
            group=frame["group"][0],
            specialty=_text_or_none(plain.get("specialty")),
            diagnoses=_codes(plain.get("diagnoses")),
        )


def to_frame(claims: Iterable[Claim]) -> pl.DataFrame:
    """Return the lines of *claims* as a frame with the columns of `codeset.claims.claim_fields`.

    Raises BadInput: with every fault of every claim. `diagnoses` are those that the line points to.
    """
    return _check_objects([_plain(claim) for claim in claims])


def _check_objects(objects: list[Any]) -> pl.DataFrame:
    places = (f"[{number}]" if len(objects) > 1 else "" for number in range(len(objects)))
    raw, faults = flatten_claims((0, place, plain) for place, plain in zip(places, objects, strict=True))
    lines, rejects = check_lines(raw, "claims", reader_faults=faults)
    refuse(rejects)
    return lines


def _line(row: Mapping[str, Any], claim: Mapping[str, Any], line: Mapping[str, Any]) -> ClaimLine:
    """The line of the checked *row*; the plain *claim* and *line* say which of the two gave the practitioner."""
    from_row = {field.name: row[field.name] for field in fields(ClaimLine) if field.name in row}
    from_line = {
        "modifiers": tuple(row["modifiers"].split()),
        "diagnosis_pointers": tuple(line.get("diagnosis_pointers") or ()),
        "provider": _text_or_none(line.get("provider")) if "provider" in claim else None,
        "specialty": _text_or_none(line.get("specialty")),
    }
    return ClaimLine(**{**from_row, **from_line})


def _codes(diagnoses: str | list[str] | None) -> tuple[str, ...]:
    return tuple(diagnoses.split() if isinstance(diagnoses, str) else diagnoses or ())


def _text_or_none(text: str | None) -> str | None:
    return (text or "").strip() or None


def _plain(value: Any) -> Any:
    """A value as the JSON of the schema: what is None is left out, dates are text, tuples are lists."""
    if isinstance(value, (Claim, ClaimLine)):
        members = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {name: member for name, member in members.items() if member is not None}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
