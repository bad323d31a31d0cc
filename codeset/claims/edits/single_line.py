"""What can be said of a line by itself: its release, code, status, modifiers, place and units."""

from typing import NamedTuple

import polars as pl

from codeset.claims.edits.findings import NONE, Findings, found, together
from codeset.claims.edits.modifiers import IS_ASSISTANT
from codeset.claims.edits.rules import rules
from codeset.claims.engine.line_kinds import Kinds
from codeset.claims.engine.series import is_member
from codeset.tables import NEEDED, TABLES

_STATUS = {
    **dict.fromkeys("DFGH", "status-deleted"),
    "I": "status-not-valid-for-medicare",
    "N": "status-not-covered",
    **dict.fromkeys("BP", "status-bundled"),
    **dict.fromkeys("MQ", "status-for-reporting"),
    **dict.fromkeys("EX", "status-outside-fee-schedule"),
    "J": "status-anesthesia",
    "C": "status-carrier-priced",
    "R": "status-restricted",
}
"""The status codes that say something; A and T are paid by their RVUs (record layout RVU25D, attachment A)."""

_NEEDED = tuple(table for table in NEEDED if TABLES[table].claim_codes)

_COMPONENTS = {"26": ("0", "2", "3", "4", "5"), "TC": ("0", "2", "3", "4", "5", "6", "8")}
"""The PC/TC indicators with which a component modifier does not go (record layout RVU25D, attachment A)."""

_ASSISTANT = {"0": "modifier-assistant-documentation", "1": "modifier-assistant", "9": "modifier-assistant"}
_CO_SURGEON = {"0": "modifier-co-surgeon", "1": "modifier-co-surgeon-documentation", "9": "modifier-co-surgeon"}
_TEAM = {
    **dict.fromkeys("12", "modifier-team-by-report"),
    **dict.fromkeys("09", "modifier-team"),
}


def validity(lines: pl.DataFrame, kinds: Kinds) -> Findings:
    """Findings of single lines: each kind of line is judged once, and every line of it has its findings.

    Indicators: record layout RVU25D. Modifiers 24, 25 and 57 stand on visits (Policy Manual 2026, pp. I-13, I-15).
    """
    judged = kinds.made(_judged)
    fails = judged.fails[lines["kind"]]
    if not fails.any():
        return NONE
    failing = pl.DataFrame([lines["row"].filter(fails), lines["kind"].filter(fails)])
    told = failing.join(judged.findings.found, left_on="kind", right_on="row").drop("kind")
    return Findings(told, judged.findings.grounds)


class _Judged(NamedTuple):
    """The findings of kinds of lines, each kind as a `row`, and of each kind whether it has some."""

    findings: Findings
    fails: pl.Series


def _judged(kinds: Kinds) -> _Judged:
    findings = _of_kinds(kinds.table.with_columns(pl.col("kind").alias("row")))
    return _Judged(findings, is_member(kinds.table["kind"], findings.found["row"]))


class _Check(NamedTuple):
    """Which kinds of lines have a finding, for what reason and with which detail."""

    fails: pl.Expr
    reason: str | pl.Expr
    detail: pl.Expr = pl.lit(None)


def _of_kinds(kinds: pl.DataFrame) -> Findings:
    """The findings of each check that some kind fails; all are tried in one go."""
    failed = kinds.select(check.fails.fill_null(value=False).alias(str(place)) for place, check in enumerate(_CHECKS))
    some = failed.select(pl.all().any()).row(0)
    return together(
        found(kinds.filter(failed[str(place)]), check.reason, detail=check.detail)
        for place, check in enumerate(_CHECKS)
        if some[place]
    )


_DATED = pl.col("release").is_not_null()
_LISTED = _DATED & pl.col("status_code").is_not_null()
_WHOLE = pl.col("scope") == "all"
_UNLISTED = _DATED & pl.col("has_mpfs") & pl.col("status_code").is_null()
"""A code that the fee schedule does not list: no code of the release, or outside what an excerpt holds."""


def _component(modifier: str) -> _Check:
    wrong = pl.col(f"m{modifier}") & pl.col("pctc_indicator").is_in(_COMPONENTS[modifier])
    return _Check(_LISTED & wrong, "modifier-component", pl.lit(modifier))


def _indicator(has: pl.Expr, indicator: str, told: dict[str, str]) -> _Check:
    """A modifier whose indicator in the fee schedule says something against it."""
    wrong = _LISTED & has & pl.col(indicator).is_in(list(told))
    return _Check(wrong, pl.col(indicator).replace_strict(told, return_dtype=pl.String), pl.col(indicator))


def _misplaced(place: pl.Expr, reason: str, modifiers: list[str]) -> _Check:
    named = [pl.when(pl.col(f"m{each}")).then(pl.lit(each)) for each in modifiers]
    has = pl.any_horizontal(f"m{each}" for each in modifiers)
    return _Check(_LISTED & place & has, reason, pl.concat_str(named, separator=" ", ignore_nulls=True))


_CHECKS = (
    _Check(~_DATED, "no-release"),
    *(_Check(_DATED & ~pl.col(f"has_{table}"), "table-not-held", pl.lit(table)) for table in _NEEDED),
    _Check(_UNLISTED & _WHOLE, "hcpcs-not-in-release"),
    _Check(_UNLISTED & ~_WHOLE, "outside-the-excerpt", pl.col("scope")),
    _Check(pl.col("no_units"), "units-below-one"),
    _Check(
        _LISTED & pl.col("status_code").is_in(list(_STATUS)),
        pl.col("status_code").replace_strict(_STATUS, return_dtype=pl.String),
        pl.col("status_code"),
    ),
    # PC/TC indicator 5 is not paid to the practitioner for patients of a hospital (record layout RVU25D).
    _Check(
        _LISTED
        & pl.col("place_of_service").cast(pl.String).is_in(rules()["hospital"]["place_of_service"])
        & (pl.col("pctc_indicator") == "5"),
        "incident-to-in-hospital",
        pl.col("place_of_service"),
    ),
    _Check(_LISTED & (pl.col("unknown_modifiers") != ""), "modifier-unknown", pl.col("unknown_modifiers")),
    *(_component(modifier) for modifier in _COMPONENTS),
    _indicator(pl.col("m50"), "bilateral_surgery", {"9": "modifier-bilateral"}),
    _Check(_LISTED & pl.col("m50") & (pl.col("mRT") | pl.col("mLT")), "modifier-sides"),
    _indicator(IS_ASSISTANT, "assistant_surgery", _ASSISTANT),
    _indicator(pl.col("m62"), "co_surgery", _CO_SURGEON),
    _indicator(pl.col("m66"), "team_surgery", _TEAM),
    _misplaced(~pl.col("is_visit"), "modifier-of-visits", ["24", "25", "57"]),
    _misplaced(pl.col("is_visit"), "modifier-of-procedures", ["58", "78", "79"]),
)
