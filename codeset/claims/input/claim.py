"""A claim and its lines as Python values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import polars as pl

from codeset.claims.input.check import checked, refuse
from codeset.claims.input.json_claims import flattened


@dataclass(frozen=True)
class ClaimLine:
    """One service. `modifiers` are in order, `diagnosis_pointers` count the claim's diagnoses from 1.

    `provider` and `specialty` stand only where another than the claim's rendered the line.
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
        frame = _read([plain])
        lines = tuple(
            _line(row, plain, given) for row, given in zip(frame.iter_rows(named=True), plain["lines"], strict=True)
        )
        return cls(
            claim_id=frame["claim_id"][0],
            beneficiary=frame["beneficiary"][0],
            provider=_trimmed(plain.get("provider")) or frame["provider"][0],
            lines=lines,
            group=frame["group"][0],
            specialty=_trimmed(plain.get("specialty")),
            diagnoses=_codes(plain.get("diagnoses")),
        )


def to_frame(claims: Iterable[Claim]) -> pl.DataFrame:
    """Return the lines of *claims* as a frame with the columns of `codeset.claims.claim_fields`.

    Raises BadInput: with every fault of every claim. Diagnoses are checked and left out: no edit reads them.
    """
    return _read([_plain(each) for each in claims])


def _read(objects: list[Any]) -> pl.DataFrame:
    raw, faults = flattened((0, f"[{place}]" if len(objects) > 1 else "", each) for place, each in enumerate(objects))
    lines, rejects = checked(raw, "claims", told=faults)
    refuse(rejects)
    return lines


def _line(row: Mapping[str, Any], claim: Mapping[str, Any], given: Mapping[str, Any]) -> ClaimLine:
    kept = {each.name: row[each.name] for each in fields(ClaimLine) if each.name in row}
    told = {
        "modifiers": tuple(row["modifiers"].split()),
        "diagnosis_pointers": tuple(given.get("diagnosis_pointers") or ()),
        "provider": _trimmed(given.get("provider")) if "provider" in claim else None,
        "specialty": _trimmed(given.get("specialty")),
    }
    return ClaimLine(**{**kept, **told})


def _codes(given: str | list[str] | None) -> tuple[str, ...]:
    return tuple(given.split() if isinstance(given, str) else given or ())


def _trimmed(text: str | None) -> str | None:
    return (text or "").strip() or None


def _plain(value: Any) -> Any:
    """A value as the JSON of the schema: what is not given is left out, dates are text, tuples are lists."""
    if isinstance(value, (Claim, ClaimLine)):
        told = {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
        return {name: each for name, each in told.items() if each is not None}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
