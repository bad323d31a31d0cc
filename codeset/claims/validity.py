"""What can be said of a line by itself: its release, code, status, modifiers, place and units."""

import polars as pl

from codeset.claims.findings import found, together
from codeset.claims.rules import rules

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

_NEEDED = ("mpfs", "ptp", "mue", "add_on")

_COMPONENTS = {"26": ("0", "2", "3", "4", "5"), "TC": ("0", "2", "3", "4", "5", "6", "8")}
"""The PC/TC indicators with which a component modifier does not go (record layout RVU25D, attachment A)."""

_ASSISTANT = {"0": "modifier-assistant-documentation", "1": "modifier-assistant", "9": "modifier-assistant"}
_CO_SURGEON = {"0": "modifier-co-surgeon", "1": "modifier-co-surgeon-documentation", "9": "modifier-co-surgeon"}
_TEAM = {
    **dict.fromkeys("12", "modifier-team-by-report"),
    **dict.fromkeys("09", "modifier-team"),
}


def validity(lines: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """Findings of single lines: each kind of line is judged once, and every line of it has its findings.

    Indicators: record layout RVU25D. Modifiers 24, 25 and 57 stand on visits (Policy Manual 2026, pp. I-13, I-15).
    """
    judged = _of_kinds(kinds.with_columns(pl.col("kind").alias("row"))).rename({"row": "kind"})
    if judged.is_empty():
        return together([])
    return together([lines.select("row", "kind").join(judged, on="kind").drop("kind")])


def _of_kinds(kinds: pl.DataFrame) -> pl.DataFrame:
    dated = kinds.filter(pl.col("release").is_not_null())
    listed = dated.filter(pl.col("status_code").is_not_null())
    return together(
        [
            found(kinds.filter(pl.col("release").is_null()), "no-release"),
            *(
                found(dated.filter(~pl.col(f"has_{table}")), "table-not-held", detail=pl.lit(table))
                for table in _NEEDED
            ),
            *_unlisted(dated.filter(pl.col("has_mpfs"), pl.col("status_code").is_null())),
            found(kinds.filter(pl.col("no_units")), "units-below-one"),
            _status(listed),
            _incident_to(listed),
            *_modifiers(listed),
        ]
    )


def _unlisted(kinds: pl.DataFrame) -> list[pl.DataFrame]:
    """A code that the fee schedule does not list: no code of the release, or outside what an excerpt holds."""
    whole = pl.col("scope") == "all"
    return [
        found(kinds.filter(whole), "hcpcs-not-in-release"),
        found(kinds.filter(~whole), "outside-the-excerpt", detail=pl.col("scope")),
    ]


def _status(kinds: pl.DataFrame) -> pl.DataFrame:
    telling = kinds.filter(pl.col("status_code").is_in(list(_STATUS)))
    return found(telling, pl.col("status_code").replace_strict(_STATUS), detail=pl.col("status_code"))


def _incident_to(kinds: pl.DataFrame) -> pl.DataFrame:
    """PC/TC indicator 5 is not paid to the practitioner for patients of a hospital (record layout RVU25D)."""
    hospital = pl.col("place_of_service").cast(pl.String).is_in(rules()["hospital"]["place_of_service"])
    return found(
        kinds.filter(hospital, pctc_indicator="5"), "incident-to-in-hospital", detail=pl.col("place_of_service")
    )


def _modifiers(kinds: pl.DataFrame) -> list[pl.DataFrame]:
    assistant = pl.any_horizontal("m80", "m81", "m82", "mAS")
    of_visits = pl.any_horizontal("m24", "m25", "m57")
    of_procedures = pl.any_horizontal("m58", "m78", "m79")
    return [
        found(kinds.filter(pl.col("unknown_modifiers") != ""), "modifier-unknown", detail=pl.col("unknown_modifiers")),
        *(_component(kinds, modifier, indicators) for modifier, indicators in _COMPONENTS.items()),
        _indicator(kinds, pl.col("m50"), "bilateral_surgery", {"9": "modifier-bilateral"}),
        found(kinds.filter(pl.col("m50") & (pl.col("mRT") | pl.col("mLT"))), "modifier-sides"),
        _indicator(kinds, assistant, "assistant_surgery", _ASSISTANT),
        _indicator(kinds, pl.col("m62"), "co_surgery", _CO_SURGEON),
        _indicator(kinds, pl.col("m66"), "team_surgery", _TEAM),
        _misplaced(kinds.filter(of_visits & ~pl.col("is_visit")), "modifier-of-visits", ["24", "25", "57"]),
        _misplaced(kinds.filter(of_procedures & pl.col("is_visit")), "modifier-of-procedures", ["58", "78", "79"]),
    ]


def _component(kinds: pl.DataFrame, modifier: str, indicators: tuple[str, ...]) -> pl.DataFrame:
    wrong = pl.col(f"m{modifier}") & pl.col("pctc_indicator").is_in(indicators)
    return found(kinds.filter(wrong), "modifier-component", detail=pl.lit(modifier))


def _indicator(kinds: pl.DataFrame, has: pl.Expr, indicator: str, told: dict[str, str]) -> pl.DataFrame:
    """Findings of a modifier whose indicator in the fee schedule says something against it."""
    wrong = kinds.filter(has, pl.col(indicator).is_in(list(told)))
    return found(wrong, pl.col(indicator).replace_strict(told, return_dtype=pl.String), detail=pl.col(indicator))


def _misplaced(kinds: pl.DataFrame, reason: str, modifiers: list[str]) -> pl.DataFrame:
    named = [pl.when(pl.col(f"m{each}")).then(pl.lit(each)) for each in modifiers]
    return found(kinds, reason, detail=pl.concat_str(named, separator=" ", ignore_nulls=True))
