"""The price of claim lines under the physician fee schedule, exact, with its derivation.

Two roundings, both half-up. The fee of one unit is rounded as CMS publishes it: the carriers' files and the claims
systems hold whole cents, and a remittance pays units times those cents. What the rules leave of it is rounded once
more, at the end (IOM 100-04 ch. 12, section 40.4: the fee schedule amount is multiplied and rounded to the nearest
cent).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.lines import count_up
from codeset.claims.price_cases import NONE, RVUS, SAID, Cases, beside_others, by_themselves
from codeset.claims.price_fees import factors_by_date
from codeset.claims.price_multiple import FACTS, facts_of
from codeset.claims.price_steps import STEPS, steps_of

_TEXTS = ("hcpcs", "modifiers", "place_of_service", "locality")

LINES = ("row", "visit", "release", "payable", "date_of_service", "units", "charge_cents", *_TEXTS)
"""The columns that lines must have; others are let be. `row` names a line, in the order of claims and their lines;
lines with one `visit` are those of one practitioner, beneficiary and day; `release` is the place of the code set's
release, null if none covers the date."""

NO_AMOUNT = (
    "modifier-conflict",
    "no-component",
    "setting-na",
    "units",
    "assistant-not-payable",
    "co-surgeon-not-payable",
    "team-not-payable",
    "no-global-share",
    "no-endoscopic-base",
)
"""Those that lie in what was billed: not in what the asker left untold, nor in a status that says it by itself."""


@dataclass(frozen=True)
class Priced:
    """What lines are worth, and why.

    `amounts`, a row for each payable line: `row`, `setting`, the RVUs used (decimals), `fee_cents` (one unit,
    unreduced, as CMS publishes it; also where the setting is NA), `allowed_cents`, `payment_percent` (of fee x units,
    three decimals), `nonparticipating_cents` and `limiting_cents` (95 and 109.25 % of the reduced fee schedule amount),
    `unpriced` (why there is no amount) and `reviews` (why a person must look at it). Null where unpriced.

    `steps`, lazily: `row`, `step` (from 1), `rule`, `factor` (text), `before` and `after` (billionths of a dollar).
    """

    amounts: pl.DataFrame
    steps: pl.LazyFrame


def price(lines: pl.DataFrame, code_set: CodeSet, *, qualifying_apm: bool) -> Priced:
    """Price the `payable` among *lines* (columns: `LINES`), in their order.

    *qualifying_apm* chooses the conversion factor from 2026. A line that is not payable has no part in any rule.
    """
    payable = _payable(lines, code_set, qualifying_apm=qualifying_apm)
    cases, case = _cases(payable, code_set)
    told = payable.select("row", "charge_cents")
    return Priced(_amounts(told, cases, case), pl.defer(lambda: _steps(told, cases, case), schema=STEPS))


def _payable(lines: pl.DataFrame, code_set: CodeSet, *, qualifying_apm: bool) -> pl.DataFrame:
    factor = code_set.made(factors_by_date)[qualifying_apm]
    told = lines.select("row", "visit", "release", "date_of_service", "units", "charge_cents", *_TEXTS)
    return _those(told, lines["payable"]).with_columns(factor)


# --- cases: each that occurs is worked out once, and kept


def _cases(lines: pl.DataFrame, code_set: CodeSet) -> tuple[pl.DataFrame, pl.Series]:
    """What the cases among *lines* come to, and which of them each line is.

    Worked out are those that no lines of this process were before: of the code set, not of the claims.
    """
    at_hand = code_set.made(_at_hand)
    said, which = _distinct(lines, SAID)
    known, places = at_hand.cases.of(said, lambda new: by_themselves(new, code_set))
    case = places[which]
    beside = _beside_others(lines, known.rows, case)
    if not beside.is_empty():
        facts, which = _distinct(beside, [name for name in ("case", *FACTS) if name in beside.columns])
        alone = known.rows
        known, places = known.of(facts, lambda new: beside_others(new, alone))
        case = case.scatter(beside["place"], places[which])
    at_hand.cases = known.kept
    return known.rows, case


@dataclass
class _AtHand:
    """The cases that are kept of a code set: replaced whole, so that who reads them meanwhile is not disturbed."""

    cases: Cases = NONE


def _at_hand(_: CodeSet) -> _AtHand:
    return _AtHand()


def _distinct(lines: pl.DataFrame, key: Sequence[str]) -> tuple[pl.DataFrame, pl.Series]:
    """The distinct among *lines* by *key*, and which of them each line is."""
    here = count_up(lines.height).alias("here")
    keys = lines.select(key)
    first = keys.hstack([here]).select(pl.col("here").first().over(key)).to_series()
    is_first = first == here
    distinct = _those(keys, is_first)
    which = here.clone().scatter(here.filter(is_first), here.head(distinct.height))
    return distinct, which[first]


def _those(lines: pl.DataFrame, which: pl.Series) -> pl.DataFrame:
    """The lines that *which* says; for one claim sooner than by a plan."""
    return pl.DataFrame([column.filter(which) for column in lines])


def _beside_others(lines: pl.DataFrame, cases: pl.DataFrame, case: pl.Series) -> pl.DataFrame:
    """The lines that others of their session may tell something of, with what they tell, and `place` among *lines*."""
    place = count_up(lines.height)
    columns = [place.alias("place"), lines["row"], lines["visit"], case.alias("case")]
    ranked = _those(pl.DataFrame(columns), cases["is_ranked"][case])
    case = ranked["case"]
    session = ranked["visit"].cast(pl.Int64) * 4 + cases["physician"][case]
    several = session.is_duplicated() | (cases["quantity"][case] > 1)
    return facts_of(_those(ranked.hstack([session.alias("session")]), several), cases)


# --- amounts and steps

_OF_CASES = (
    pl.col("setting"),
    *(pl.col(f"{each} as printed").alias(each) for each in RVUS),
    pl.col("fee").alias("fee_cents"),
    pl.col("schedule", "payment_percent", "nonparticipating_cents", "limiting_cents", "unpriced", "reviews"),
)


def _amounts(lines: pl.DataFrame, cases: pl.DataFrame, case: pl.Series) -> pl.DataFrame:
    return _told(lines, cases.select(_OF_CASES), case).select(_AMOUNTS)


def _steps(lines: pl.DataFrame, cases: pl.DataFrame, case: pl.Series) -> pl.DataFrame:
    return steps_of(_told(lines, cases, case)).collect()


def _told(lines: pl.DataFrame, cases: pl.DataFrame, case: pl.Series) -> pl.DataFrame:
    """What each line comes to, with `allowed_cents`: the lower of the schedule and the charge.

    Social Security Act, 1848(a)(1).
    """
    return lines.hstack(cases[case]).with_columns(_ALLOWED)


def _allowed() -> pl.Expr:
    schedule = pl.col("schedule")
    return pl.when(schedule.is_not_null()).then(pl.min_horizontal(schedule, "charge_cents"))


_ALLOWED = _allowed().alias("allowed_cents")
_AMOUNTS = (
    *("row", "setting", *RVUS, "fee_cents", "allowed_cents", "payment_percent"),
    *("nonparticipating_cents", "limiting_cents", "unpriced", "reviews"),
)
