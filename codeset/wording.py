"""How figures and names are written in every report, so that all of them say the same thing the same way."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from codeset.releases import Release
from codeset.tables import TABLES

NONE = "–"
"""Shown where CMS gives no value."""

_COLUMN_NAMES = {"ccmi": "modifier indicator", "add_on_type": "add-on type"}
_WORDS_OF_PARTS = {
    "gpci": "GPCI",
    "mai": "MAI",
    "mp": "MP",
    "mue": "MUE",
    "na": "NA",
    "nonfacility": "non-facility",
    "opps": "OPPS",
    "pctc": "PC/TC",
    "pe": "PE",
    "rvu": "RVU",
}


def column_label(column: str) -> str:
    """Return a column's name as people write it: `facility_pe_rvu` is "facility PE RVU"."""
    if column in _COLUMN_NAMES:
        return _COLUMN_NAMES[column]
    return " ".join(_WORDS_OF_PARTS.get(name_part, name_part) for name_part in column.split("_"))


def with_column_labels(text: str) -> str:
    """Return *text* with the names of columns as people write them: `work_rvu 0.64` is "work RVU 0.64"."""
    return _COLUMN.sub(lambda column_match: column_label(column_match[0]), text)


# Names with an underscore, which prose does not have; and `ccmi`, which is no word of prose either.
_COLUMN = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b|\bccmi\b")


def guide_heading(key: str) -> str:
    """Return where a guide says something, in words: `on-the-table.mohs-stages` is "on the table: mohs stages"."""
    return _HYPHEN_OF_WORDS.sub(" ", key).replace(".", ": ")


_HYPHEN_OF_WORDS = re.compile(r"(?<=[a-z])-|-(?=[a-z])")
"""Not that of codes, as in 17000-17003."""


def verdict(name: str) -> str:
    """Return the verdict on a statement of a guide as a reader says it."""
    return {"confirmed": "right", "contradicted": "wrong", "not decidable": "not decidable from CMS's files"}[name]


def percent(old_figure: Decimal | int | None, new_figure: Decimal | int | None, places: int = 1) -> str:
    """Return the change from *old_figure* to *new_figure* in percent, with its sign and *places* decimals."""
    relative_change = ratio(old_figure, new_figure)
    return NONE if relative_change is None else signed_percent(relative_change, places)


def signed_percent(relative_change: Decimal, places: int = 1) -> str:
    """Return *relative_change* (1 is 100%) in percent, with sign and *places* decimals: `+3.1%`, `−9.0%`, `0.0%`."""
    # Rounded before the sign is chosen: a change of -0.04% is 0.0%, without a sign.
    rounded_percent = round(relative_change * 100, places)
    return f"{'+' if rounded_percent > 0 else '−' if rounded_percent < 0 else ''}{abs(rounded_percent)}%"


def us_date(day: date) -> str:
    """Return a date as American reports have it: `07/01/2026`."""
    return f"{day:%m/%d/%Y}"


def quarter(release: Release | str) -> str:
    """Return a release by the month that it takes effect in: `July 2026`; a re-issue says so."""
    labeled_release = release if isinstance(release, Release) else Release.parse(release)
    revision = f", revision {labeled_release.revision}" if labeled_release.revision else ""
    return f"{labeled_release.first_day:%B %Y}{revision}"


def release_title(release: Release | str) -> str:
    """Return a release as people name it, with its label: `July 2026 (2026q3)`."""
    return f"{quarter(release)} ({release})"


def table_name(table_id: str) -> str:
    """Return a table as billers call it: `mue` is "MUEs"."""
    return _TABLE_NAMES.get(table_id) or (TABLES[table_id].holds if table_id in TABLES else column_label(table_id))


_TABLE_NAMES = {
    "mpfs": "fee schedule",
    "gpci": "GPCIs",
    "ptp": "NCCI PTP edits",
    "mue": "MUEs",
    "add_on": "add-on code edits",
    "conversion_factor": "conversion factor",
}


def capitalize_first(phrase: str) -> str:
    """Return *phrase* with its first letter in upper case: `codes` as `Codes`, `MUEs` as it is."""
    # Not `str.capitalize`, which writes the rest in lower case: PTP, MUE, RVU.
    return phrase[:1].upper() + phrase[1:]


def list_in_words(words: Sequence[str]) -> str:
    """Return *words* as a list in a sentence: `a`, `a and b`, `a, b, and c`."""
    # American usage: a comma before the last `and` of three or more, none between two.
    if len(words) < 3:
        return " and ".join(words)
    return f"{', '.join(words[:-1])}, and {words[-1]}"


def ratio(old_figure: Decimal | int | None, new_figure: Decimal | int | None) -> Decimal | None:
    """Return the change as a share of *old_figure*, or None where there is no such share."""
    if old_figure is None or new_figure is None or not old_figure:
        return None
    return Decimal(new_figure) / Decimal(old_figure) - 1


def share(old_figure: int | None, new_figure: int | None) -> Decimal | None:
    """Return the change as a share of *old_figure* to six places, as programs read it."""
    relative_change = ratio(old_figure, new_figure)
    return None if relative_change is None else round(relative_change, 6)


def in_setting(setting: str) -> str:
    """Return where services are done: "in the office", "in a facility"."""
    return {"nonfacility": "in the office", "facility": "in a facility", "billed": "as billed"}[setting]


def setting(name: str) -> str:
    """Return a setting as people write it."""
    return {"nonfacility": "office", "facility": "facility", "billed": "as billed"}[name]


def disposition(name: str) -> str:
    """Return a line's disposition as billers say it."""
    return _DISPOSITIONS[name]


_DISPOSITIONS = {
    "pay": "payable",
    "pay_if_documented": "payable with documentation",
    "review": "needs review",
    "deny": "denied",
    "unknown": "cannot determine",
    "no_payment_due": "no payment due",
}


UNPRICED = {
    "no-release": "No price: no release on file covers the date of service",
    "modifier-conflict": "No price: the modifiers contradict each other",
    "no-component": "No price: the code has no professional or technical component",
    "not-in-fee-schedule": "Not in the fee schedule",
    "carrier-priced": "Contractor-priced",
    "not-priced-by-rvu": "Not priced under the MPFS",
    "no-place-of-service": "No price: add the place of service",
    "setting-na": "Not performed in this setting (NA in the fee schedule)",
    "no-locality": "No price: the locality has no GPCIs on file",
    "no-conversion-factor": "No price: no conversion factor on file for the date "
    "(2026 on: add --qualifying-apm yes or no)",
    "units": "No price: check the units",
    "assistant-not-payable": "No assistant at surgery is payable for this code",
    "co-surgeon-not-payable": "No co-surgeon is payable for this code",
    "team-not-payable": "No team surgery is payable for this code",
    "by-report": "Priced by report",
    "no-global-share": "The global package has no such part",
    "no-endoscopic-base": "No price: the endoscopy's base code has no fee on file",
}
"""Why a line has no price, in words, by the reason that outcomes give."""


AMOUNT_REVIEWS = {
    "modifier-22": "more work than usual (modifier 22)",
    "modifier-52": "less work than usual (modifier 52)",
    "modifier-53": "a procedure that was stopped (modifier 53)",
    "assistant-documentation": "an assistant where need must be proven",
    "co-surgeon-documentation": "co-surgeons where need must be proven",
    "team-documentation": "a surgical team where need must be proven",
    "by-report": "payment by report",
    "bilateral-units": "sides or units that are not clear",
    "bilateral-return": "a return to the operating room for both sides",
    "bilateral-endoscopies": "endoscopies of both sides",
    "technical-component-unknown": "a technical component without a fee on file",
}
"""Why a person must look at an amount, in words, by the name that outcomes give."""


def family(name: str) -> str:
    """Return a family of codes as billers call it."""
    return _FAMILY_NAMES.get(name, name)


_FAMILY_NAMES = {
    "mohs": "Mohs surgery",
    "care after surgery by another practitioner": "Post-op care by another practitioner",
}


def count(number: int, noun: str) -> str:
    """Return `1 row`, `2,000 rows`."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """Return the plural of a noun that is used here."""
    # Enough for the nouns of the reports: locality and its like, row, code, edit.
    return f"{noun.removesuffix('y')}ies" if noun.endswith("ty") else f"{noun}s"


def singular(nouns: str) -> str:
    """Return the singular of such a plural."""
    return f"{nouns.removesuffix('ies')}y" if nouns.endswith("ties") else nouns.removesuffix("s")


def row_label(table_row: Mapping[str, Any], key_columns: list[str]) -> str:
    """Return a row's key as people write it: `17311 26`, `17004 / 17000`, `01112-05`."""
    key_texts = [str(table_row[column]) for column in key_columns if table_row[column] not in (None, "")]
    if key_columns[0] == "mac":
        return "-".join(key_texts)
    return " / ".join(key_texts) if key_columns[0] in ("column_one", "add_on_code") else " ".join(key_texts)
