"""How figures and names are written in every report, so that all of them say the same thing the same way."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

NONE = "–"
"""Stands where CMS gives no value."""

_NAMES = {
    "ccmi": "CCMI",
    "gpci": "GPCI",
    "mai": "MAI",
    "mp": "MP",
    "mue": "MUE",
    "na": "NA",
    "opps": "OPPS",
    "pctc": "PC/TC",
    "pe": "PE",
    "rvu": "RVU",
}


def named(column: str) -> str:
    """Return a column's name as people write it: `facility_pe_rvu` is "facility PE RVU"."""
    return " ".join(_NAMES.get(part, part) for part in column.split("_"))


def percent(before: Decimal | int | None, after: Decimal | int | None, places: int = 1) -> str:
    """Return the change from *before* to *after* in percent, with its sign and *places* decimals."""
    change = ratio(before, after)
    return NONE if change is None else signed_percent(change, places)


def signed_percent(change: Decimal, places: int = 1) -> str:
    """Return *change* (1 is 100 %) in percent, with its sign and *places* decimals."""
    rounded = round(change * 100, places)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else '±'}{abs(rounded)} %"


def ratio(before: Decimal | int | None, after: Decimal | int | None) -> Decimal | None:
    """Return the change as a share of *before*, or None where there is no such share."""
    return None if before is None or after is None or not before else Decimal(after) / Decimal(before) - 1


def share(before: int | None, after: int | None) -> Decimal | None:
    """Return the change as a share of *before* to six places, as programs read it."""
    change = ratio(before, after)
    return None if change is None else round(change, 6)


def in_setting(setting: str) -> str:
    """Return where a service is done: "in the office", "in a facility"."""
    return {"nonfacility": "in the office", "facility": "in a facility", "billed": "where it was done"}[setting]


def setting(name: str) -> str:
    """Return a setting as people write it."""
    return {"nonfacility": "non-facility", "facility": "facility", "billed": "as billed"}[name]


def disposition(name: str) -> str:
    """Return a line's disposition as billers say it."""
    return _DISPOSITIONS[name]


_DISPOSITIONS = {
    "pay": "payable",
    "pay_if_documented": "payable with documentation",
    "review": "needs review",
    "deny": "denied",
    "unknown": "cannot determine",
}


def count(number: int, noun: str) -> str:
    """Return `1 row`, `2,000 rows`."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the plural of a noun that is used here."""
    return f"{noun.removesuffix('y')}ies" if noun.endswith("ty") else f"{noun}s"


def singular(nouns: str) -> str:
    """Return the singular of such a plural."""
    return f"{nouns.removesuffix('ies')}y" if nouns.endswith("ties") else nouns.removesuffix("s")


def keyed(row: Mapping[str, Any], key: list[str]) -> str:
    """Return a row's key as people write it: `17311 26`, `17004 / 17000`, `01112-05`."""
    parts = [str(row[column]) for column in key if row[column] not in (None, "")]
    if key[0] == "mac":
        return "-".join(parts)
    return " / ".join(parts) if key[0] in ("column_one", "add_on_code") else " ".join(parts)
