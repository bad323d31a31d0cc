"""The fields of a claim line, each listed once: frames, checks, JSON, Spark and Python values follow from this table.

One more field is one entry here, one property of `claim.schema.json`, and one attribute of `ClaimLine` or `Claim`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

CODE = pl.Categorical()
"""The type of every column that joins on codes or modifiers: compared as numbers, read as text."""


@dataclass(frozen=True)
class ClaimField:
    """One field of a claim line: how its text is checked, and what it becomes."""

    pattern: str
    """The form that its text must have."""

    expected: str
    """That form in the words of a message."""

    dtype: pl.DataType | None
    """Its type as a column of claim lines; None if it is checked and not kept under this name."""

    is_required: bool = False
    """Whether no line may lack it."""

    in_claim: bool = False
    """Whether a claim object of JSON may give it for all of its lines."""

    in_line: bool = True
    """Whether a line object of JSON may give it."""

    is_list: bool = False
    """Whether JSON may write it as a list of texts."""


_NAME_FORM = (r"^[^\p{C}]+$", "printable characters")
_DAY_FORM = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4})$",
    "a date such as 2026-07-15 or 07/15/2026",
)
# A letter in second place: QA0, since FY2026.
_DIAGNOSIS_PATTERN = r"[A-Z]([0-9][0-9A-Z]|[A-Z][0-9])(\.?[0-9A-Z]{1,4})?"
_SEPARATOR_PATTERN = r"( ?[,;|] ?| )"
_POINTER_PATTERN = r"([1-9]|1[0-2])"

FIELDS: Mapping[str, ClaimField] = {
    "claim_id": ClaimField(*_NAME_FORM, pl.String(), is_required=True, in_claim=True, in_line=False),
    "line": ClaimField(r"^[1-9][0-9]{0,5}$", "a whole number from 1", pl.Int32(), is_required=True),
    "beneficiary": ClaimField(*_NAME_FORM, pl.String(), is_required=True, in_claim=True, in_line=False),
    "provider": ClaimField(*_NAME_FORM, pl.String(), is_required=True, in_claim=True),
    "group": ClaimField(*_NAME_FORM, pl.String(), in_claim=True, in_line=False),
    "specialty": ClaimField(*_NAME_FORM, pl.String(), in_claim=True),
    "date_of_service": ClaimField(*_DAY_FORM, pl.Date(), is_required=True),
    "through_date": ClaimField(*_DAY_FORM, pl.Date()),
    "hcpcs": ClaimField(
        r"^[0-9A-Z]{5}$",
        "five characters, digits or capital letters",
        CODE,
        is_required=True,
    ),
    "modifiers": ClaimField(
        r"^[0-9A-Z]{2}( [0-9A-Z]{2}){0,3}$",
        "up to four modifiers of two characters, digits or capitals",
        CODE,
        is_list=True,
    ),
    "units": ClaimField(r"^-?[0-9]{1,7}(\.0+)?$", "a whole number", pl.Int32(), is_required=True),
    "place_of_service": ClaimField(r"^[0-9]{2}$", "two digits", CODE, is_required=True, in_claim=True),
    "locality": ClaimField(
        r"^([0-9]{5}-[0-9]{2}|national)$",
        "mac-locality, such as 01112-05, or national",
        pl.String(),
        is_required=True,
        in_claim=True,
    ),
    "charge": ClaimField(
        r"^(\$?([0-9]{1,12}|[0-9]{1,3}(,[0-9]{3}){1,3})(\.[0-9]{1,2})?|\.[0-9]{1,2})$",
        "dollars from 0, with at most two decimals",
        None,  # kept as charge_cents,
    ),
    "charge_cents": ClaimField(r"^[0-9]{1,14}$", "whole cents from 0", pl.Int64()),
    "lesion": ClaimField(*_NAME_FORM, pl.String()),
    "prior_authorization": ClaimField(*_NAME_FORM, pl.String()),
    "diagnoses": ClaimField(
        f"^{_DIAGNOSIS_PATTERN}({_SEPARATOR_PATTERN}{_DIAGNOSIS_PATTERN}){{0,11}}$",
        "up to twelve ICD-10-CM codes",
        pl.String(),
        in_claim=True,
        in_line=False,
        is_list=True,
    ),
    "diagnoses_of_claim": ClaimField(
        f"^{_DIAGNOSIS_PATTERN}({_SEPARATOR_PATTERN}{_DIAGNOSIS_PATTERN}){{0,11}}$",
        "up to twelve ICD-10-CM codes",
        pl.String(),
        in_line=False,
        is_list=True,
    ),
    "diagnosis_pointers": ClaimField(
        f"^({_POINTER_PATTERN}([ ,:;]{_POINTER_PATTERN}){{0,3}}|[A-L]([ ,:;]?[A-L]){{0,3}})$",
        "up to four places in the claim's diagnoses: 1 to 12, or A to L",
        None,  # `diagnoses` keeps those that the line points to
        is_list=True,
    ),
}
"""The fields by name, in the order of files and frames. `modifiers` and `diagnoses` are separated by spaces, in order;
`locality` is `mac-locality` or `national`. In a file `diagnoses` are the claim's, or the line's own where no line has
`diagnosis_pointers`; as a column of claim lines they are those of the line, the first it points to in front, and
`diagnoses_of_claim` are all that its claim has, null where the line has them all; a file with pointers has none."""

COLUMNS: Mapping[str, pl.DataType] = {name: field.dtype for name, field in FIELDS.items() if field.dtype is not None}
"""The columns of claim lines and their types. Text may stand for categories."""

REQUIRED = tuple(name for name, field in FIELDS.items() if field.is_required)
"""The fields that no line may lack."""

OPTIONAL = tuple(name for name in COLUMNS if name not in (*REQUIRED, "modifiers"))
"""The columns that may be null. No modifiers are the empty text."""

CODED = tuple(name for name, dtype in COLUMNS.items() if dtype == CODE)
"""The columns that are categories."""
