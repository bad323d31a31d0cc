"""The price of claim lines under the physician fee schedule, exact, with its derivation.

Two roundings, both half-up. The fee of one unit is rounded as CMS publishes it: the carriers' files and the claims
systems hold whole cents, and a remittance pays units times those cents. What the rules leave of it is rounded once
more, at the end (IOM 100-04 ch. 12, section 40.4: the fee schedule amount is multiplied and rounded to the nearest
cent).
"""

from dataclasses import dataclass

import polars as pl

from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.series import count_up, distinct, filter_rows, starts_group
from codeset.claims.pricing.amount import NONE, RVUS, SAID, Cases, beside_others, by_themselves
from codeset.claims.pricing.derivation import STEPS, steps_of
from codeset.claims.pricing.fee import factors_by_date
from codeset.claims.pricing.ranking import FACTS, facts_of
from codeset.participants import Participant

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
    """What payable lines are worth, and why.

    `lines` has their `row` and `charge_cents`; `case` says of each which row of `cases` tells the rest.
    """

    lines: pl.DataFrame
    cases: pl.DataFrame
    case: pl.Series

    @property
    def allowed(self) -> pl.Series:
        """The lower of the schedule and the charge, `allowed_cents` (Social Security Act, 1848(a)(1))."""
        return self.lines.hstack([self.cases["schedule"][self.case]]).select(_ALLOWED).to_series()

    @property
    def amounts(self) -> pl.DataFrame:
        """A row for each line: `row`, the columns of `AMOUNTS`, and `reviews` (why a person must look at it)."""
        reviews = self.cases["reviews"][self.case]
        return self.of(self.case, self.allowed).insert_column(0, self.lines["row"]).hstack([reviews])

    @property
    def steps(self) -> pl.LazyFrame:
        """Lazily, `row`, `step` (from 1), `rule`, `factor` (text), `before` and `after` (billionths of a dollar)."""
        return pl.defer(self._steps, schema=STEPS)

    def _steps(self) -> pl.DataFrame:
        return steps_of(self.lines.hstack([self.allowed]).hstack(self.cases[self.case])).collect()

    def of(self, case: pl.Series, allowed: pl.Series) -> pl.DataFrame:
        """Return the columns of `AMOUNTS` for lines of which each is of a *case*, and so much is *allowed*."""
        in_cases = {name: self.cases[_IN_CASES.get(name, name)] for name in AMOUNTS if name != allowed.name}
        return pl.DataFrame({name: in_cases[name][case] if name in in_cases else allowed for name in AMOUNTS})

    def only(self, which: pl.Series) -> "Priced":
        """Return the lines that *which* says."""
        return Priced(filter_rows(self.lines, which), self.cases, self.case.filter(which))


def price(lines: pl.DataFrame, code_set: CodeSet, *, participant: Participant | None) -> Priced:
    """Price the `payable` among *lines* (columns: `LINES`), in their order.

    *participant* chooses the conversion factor from 2026; None: only one that serves everyone will do. A line that is
    not payable has no part in any rule.
    """
    payable = _payable(lines, code_set, participant=participant)
    cases, case = _cases(payable, code_set)
    return Priced(payable.select("row", "charge_cents"), cases, case)


def _payable(lines: pl.DataFrame, code_set: CodeSet, *, participant: Participant | None) -> pl.DataFrame:
    factor = code_set.made(factors_by_date)[participant]
    told = lines.select("row", "visit", "release", "date_of_service", "units", "charge_cents", *_TEXTS)
    return filter_rows(told, lines["payable"]).with_columns(factor)


# --- cases: each that occurs is worked out once, and kept


def _cases(lines: pl.DataFrame, code_set: CodeSet) -> tuple[pl.DataFrame, pl.Series]:
    """What the cases among *lines* come to, and which of them each line is.

    Worked out are those that no lines of this process were before: of the code set, not of the claims.
    """
    at_hand = code_set.made(_at_hand)
    said, which = distinct(lines, SAID)
    known, places = at_hand.cases.of(said, lambda new: by_themselves(new, code_set))
    case = places[which]
    beside = _beside_others(lines, known.rows, case)
    if not beside.is_empty():
        facts, which = distinct(beside, [name for name in ("case", *FACTS) if name in beside.columns])
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


def _beside_others(lines: pl.DataFrame, cases: pl.DataFrame, case: pl.Series) -> pl.DataFrame:
    """The lines that others of their session may tell something of, with what they tell, and `place` among *lines*."""
    place = count_up(lines.height)
    columns = [place.alias("place"), lines["row"], lines["visit"], case.alias("case")]
    ranked = filter_rows(pl.DataFrame(columns), cases["is_ranked"][case])
    case = ranked["case"]
    session = ranked["visit"].cast(pl.Int64) * 4 + cases["physician"][case]
    several = _is_shared(session) | (cases["quantity"][case] > 1)
    return facts_of(filter_rows(ranked.hstack([session.alias("session")]), several), cases)


def _is_shared(session: pl.Series) -> pl.Series:
    """Whether each one occurs again; where they lie together, their neighbours tell."""
    if not session.is_sorted():
        return session.is_duplicated()
    another = starts_group(session)
    return ~(another & another.shift(-1, fill_value=True))


# --- amounts

AMOUNTS = (
    *("setting", *RVUS, "fee_cents", "allowed_cents", "payment_percent"),
    *("nonparticipating_cents", "limiting_cents", "unpriced"),
)
"""What a line comes to: `setting`, the RVUs used (decimals), `fee_cents` (one unit, unreduced, as CMS publishes it;
there too where the setting is NA), `allowed_cents`, `payment_percent` (of fee x units, three decimals),
`nonparticipating_cents` and `limiting_cents` (95 and 109.25 % of the reduced fee schedule amount), `unpriced` (why
there is no amount)."""


_IN_CASES = {"fee_cents": "fee", **{name: f"{name} as printed" for name in RVUS}}
"""What cases name otherwise."""


def _allowed() -> pl.Expr:
    schedule = pl.col("schedule")
    return pl.when(schedule.is_not_null()).then(pl.min_horizontal(schedule, "charge_cents"))


_ALLOWED = _allowed().alias("allowed_cents")
