"""The price of claim lines under the physician fee schedule, exact, with its derivation.

The fee of one unit (`fee`), unless there is a reason for no amount (`unpriced`); what the other lines of the session
bear on it (`ranking`); what each rule leaves of it, in order (`reductions`). A charge below that is what is allowed.

Two roundings, both half-up. The fee of one unit is rounded as CMS publishes it: the carriers' files and the claims
systems hold whole cents, and a remittance pays units times those cents. What the rules leave of it is rounded once
more, at the end (IOM 100-04 ch. 12, section 40.4: the fee schedule amount is multiplied and rounded to the nearest
cent).
"""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.modifiers import IS_ASSISTANT, modifier_meanings
from codeset.claims.edits.rules import rules
from codeset.claims.engine.cache import KnownRows
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Contract, Derived
from codeset.claims.engine.ranks import sharing_session
from codeset.claims.engine.series import count_up, distinct, filter_rows, repeat, true_positions
from codeset.claims.pricing.derivation import STEPS, steps_of
from codeset.claims.pricing.fee import CENT, cents, factors_by_date, whole_codes, with_fees
from codeset.claims.pricing.price_rules import price_rules
from codeset.claims.pricing.ranking import ALONE, FACTS, PARTS, facts_of
from codeset.claims.pricing.reductions import GLOBAL_SHARE, PRACTITIONER_SHARE, SHARES_BY_MODIFIER, with_reductions
from codeset.claims.pricing.unpriced import FIRST_REASON, IS_NA, WITHOUT_BASE, reviews_of
from codeset.participants import Participant

PRICE_KEY = (
    *("release", "hcpcs", "modifiers", "place_of_service", "locality", "conversion_factor", "units"),
    "practitioner_share",
)
"""All that decides the price of a line that is alone, but the charge. A price case is a line that differs from
others in these, or in the facts of its session (`FACTS`): hundreds of cases serve millions of lines."""

LINES = (
    *("row", "visit", "release", "payable", "date_of_service", "units", "charge_cents"),
    *("hcpcs", "modifiers", "place_of_service", "locality", "practitioner_share"),
)
"""The columns that lines must have; others are ignored. `row` names a line, in the order of claims and their lines;
lines with one `visit` are those of one practitioner, beneficiary and day; `release` is the place of the code set's
release, null if none covers the date; `practitioner_share` is null for physicians."""

RVUS = ("work_rvu", "pe_rvu", "mp_rvu")


def days_factors_change(code_set: CodeSet) -> list[pl.Series]:
    """The days on which another conversion factor begins to apply, or one ends."""
    return [code_set.factors["factor_first"], code_set.factors["factor_last"].dt.offset_by("1d")]


def practitioner_share(frame: pl.DataFrame, table: pl.DataFrame, _: CodeSet) -> pl.DataFrame:
    """`practitioner_share`: the thousandths that are paid to who is no physician, by specialty; null for all others."""
    specialty = frame["specialty"]
    share_of_lines = repeat(None, frame.height).cast(pl.Int64).alias("practitioner_share")
    if specialty.null_count() == specialty.len():
        return share_of_lines.to_frame()
    not_physicians = rules()["not_physicians"]
    specialties = specialty.drop_nulls().unique()
    # Of a taxonomy the first four characters say the profession, the others its field.
    other_specialties = [
        code
        for code in specialties
        if code in not_physicians["specialties"] or code[:4] in not_physicians["taxonomies"]
    ]
    is_no_physician = specialty.is_in(other_specialties).fill_null(value=False)
    shares = share_of_lines.scatter(true_positions(is_no_physician), price_rules()["practitioner"]["share"])
    return shares[table["row"]].to_frame()


PRICE = Contract(
    reads=("date_of_service", "units", "locality", "charge_cents"),
    derives=(Derived(practitioner_share, ("practitioner_share",)),),
    change_dates=days_factors_change,
)
"""What decides the price of a line, besides its kind and the other lines of its visit."""

AMOUNTS = (
    *("setting", *RVUS, "fee_cents", "allowed_cents", "payment_percent"),
    *("nonparticipating_cents", "limiting_cents", "unpriced"),
)
"""What a line comes to: `setting`, the RVUs used (decimals), `fee_cents` (one unit, unreduced, as CMS publishes it;
where the setting is NA, that of the other one), `allowed_cents`, `payment_percent` (of fee x units, three decimals),
`nonparticipating_cents` and `limiting_cents` (95 and 109.25% of the reduced fee schedule amount), `unpriced` (why
there is no amount)."""


@dataclass(frozen=True)
class LinePrices:
    """What payable lines are worth, and why.

    `lines` has their `row` and `charge_cents`; `case` says of each which row of `cases` has the rest.
    """

    lines: pl.DataFrame
    cases: pl.DataFrame
    case: pl.Series

    @cached_property
    def allowed(self) -> pl.Series:
        """`allowed_cents` of each line."""
        return self.lines.hstack([self.cases["schedule"][self.case]]).select(_ALLOWED_CENTS).to_series()

    @property
    def amounts(self) -> pl.DataFrame:
        """A row for each line: `row`, the columns of `AMOUNTS`, and `reviews` (why a person must look at it)."""
        reviews = self.cases["reviews"][self.case]
        return self.amounts_of(self.case, self.allowed).insert_column(0, self.lines["row"]).hstack([reviews])

    @property
    def steps(self) -> pl.LazyFrame:
        """Lazily, `row`, `step` (from 1), `rule`, `factor` (text), `before` and `after` (billionths of a dollar)."""
        return pl.defer(self._steps, schema=STEPS)

    def _steps(self) -> pl.DataFrame:
        return steps_of(self.lines.hstack([self.allowed]).hstack(self.cases[self.case])).collect()

    def amounts_of(self, case: pl.Series, allowed: pl.Series) -> pl.DataFrame:
        """Return the columns of `AMOUNTS` for lines of each *case*, of which so much is *allowed*."""
        columns_by_case = {name: self.cases[_CASE_COLUMN.get(name, name)] for name in AMOUNTS if name != allowed.name}
        columns = {name: columns_by_case[name][case] if name in columns_by_case else allowed for name in AMOUNTS}
        return pl.DataFrame(columns)

    def filter(self, is_chosen: pl.Series) -> "LinePrices":
        """Return the lines that *is_chosen* is true of."""
        return LinePrices(filter_rows(self.lines, is_chosen), self.cases, self.case.filter(is_chosen))


SCHEDULE_OR_CHARGE = pl.min_horizontal("schedule", "charge_cents")
"""The lower of the fee schedule and the actual charge (Social Security Act, section 1848(a)(1))."""

_ALLOWED_CENTS = pl.when(pl.col("schedule").is_not_null()).then(SCHEDULE_OR_CHARGE).alias("allowed_cents")
_CASE_COLUMN = {"fee_cents": "fee", **{name: f"{name} as printed" for name in RVUS}}


def price(lines: pl.DataFrame, code_set: CodeSet, *, participant: Participant | None) -> LinePrices:
    """Price the `payable` among *lines* (columns: `LINES`), in their order.

    *participant* chooses the conversion factor from 2026; None: only one that serves everyone will do. A line that is
    not payable has no part in any rule.
    """
    factor = code_set.cached(factors_by_date)[participant]
    payable = filter_rows(lines[list(LINES)], lines["payable"]).with_columns(factor)
    cases, case = _price_cases(payable, code_set)
    return LinePrices(payable[["row", "charge_cents"]], cases, case)


def _price_cases(lines: pl.DataFrame, code_set: CodeSet) -> tuple[pl.DataFrame, pl.Series]:
    """Return the price cases, and which of them each line is. A case that occurred before is not worked out again."""
    latest_cases = code_set.cached(_LatestCases)
    distinct_lines, line_key = distinct(lines, PRICE_KEY)
    known_cases, case_position = latest_cases.known.of(distinct_lines, lambda new: price_alone(new, code_set))
    cases_alone, case = known_cases.rows, case_position[line_key]
    session_facts = _facts_of_sessions(lines, cases_alone, case)
    # The same case beside other lines is another one: what the session makes of it is part of its key.
    if not session_facts.is_empty():
        session_key = [name for name in ("case", *FACTS) if name in session_facts.columns]
        distinct_facts, line_key = distinct(session_facts, session_key)
        known_cases, case_position = known_cases.of(distinct_facts, lambda new: price_in_session(new, cases_alone))
        case = case.scatter(session_facts["place"], case_position[line_key])
    # Only now: a reader in another thread has either all of the former cases or all of these.
    latest_cases.known = known_cases.kept
    return known_cases.rows, case


class _LatestCases:
    """The cases known of a code set. They are replaced whole, so that a reader at the same time is not disturbed."""

    def __init__(self, _: CodeSet) -> None:
        self.known = KnownRows()


def price_alone(lines: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Return *lines* (columns: `PRICE_KEY`) with all that their price consists of if no other line bears on it.

    Adds their row of the fee schedule, `PARTS` (the rules of several procedures that they may take part in) and
    `is_ranked` (any of them), `unpriced`, the amounts after each rule and in cents, and `reviews`.
    """
    fees = with_fees(_with_modifiers(lines), code_set)
    listed_fees = fees.join(code_set.cached(whole_codes), on=["release", "hcpcs"], how="left", maintain_order="left")
    shares = (GLOBAL_SHARE.alias("share"), PRACTITIONER_SHARE.alias("practitioner"), IS_NA.alias("is_na"))
    cases = listed_fees.with_columns(*shares, *ALONE).with_columns(FIRST_REASON)
    cases = _amount_after_rules(cases).with_columns(_RULES_OF_SESSION)
    return cases.with_columns(pl.any_horizontal(*PARTS).alias("is_ranked"))


def price_in_session(session_facts: pl.DataFrame, cases_alone: pl.DataFrame) -> pl.DataFrame:
    """Return what the cases of *cases_alone* (by `case`) come to with the *session_facts* of their session."""
    session_columns = [
        session_facts[name].cast(dtype) for name, dtype in FACTS.items() if name in session_facts.columns
    ]
    return _amount_after_rules(cases_alone[session_facts["case"]].with_columns(session_columns))


def _amount_after_rules(cases: pl.DataFrame) -> pl.DataFrame:
    """Adds `amount` after all rules, `schedule` (the same in cents), what follows from it, and `reviews`."""
    unreduced = cases.with_columns(pl.when(pl.col("unpriced").is_null()).then(pl.col("fee") * CENT).alias("amount"))
    # Only after the rules is it known whether an endoscopy is paid less a base whose fee is not known.
    after_rules = with_reductions(unreduced).with_columns(WITHOUT_BASE).with_columns(_AMOUNT_IN_CENTS)
    return after_rules.with_columns(*_NONPARTICIPATING_AMOUNTS, *_PRINTED_RVUS, reviews_of(after_rules))


def _with_modifiers(lines: pl.DataFrame) -> pl.DataFrame:
    """Adds a flag for each modifier, the sites that they name, and what follows from the modifiers alone."""
    categorical_lines = lines.with_columns(_CATEGORICAL_COLUMNS)
    modifier_columns = modifier_meanings(categorical_lines["modifiers"]).with_columns(_MODIFIER_COLUMNS)
    return categorical_lines.join(modifier_columns, on="modifiers", how="left", maintain_order="left")


_CATEGORICAL_COLUMNS = (
    pl.col("hcpcs", "place_of_service", "locality").cast(CODE),
    # No modifiers are the empty text, as in claim lines.
    pl.col("modifiers").fill_null("").cast(CODE),
)

PHYSICIAN = pl.when(IS_ASSISTANT).then(1).when("m55").then(2).when("m56").then(3).otherwise(0)
"""An assistant's procedures, and care before or after surgery, rank among themselves: another physician's part."""

_MODIFIER_COLUMNS = (
    (pl.col("distinct") != "").alias("is_distinct"),
    (pl.col("repeated") != "").alias("is_repeated"),
    PHYSICIAN.cast(pl.Int64).alias("physician"),
    *SHARES_BY_MODIFIER,
)
_RULES_OF_SESSION = tuple(takes_part.fill_null(value=False).alias(name) for name, takes_part in PARTS.items())


def _facts_of_sessions(lines: pl.DataFrame, cases: pl.DataFrame, case: pl.Series) -> pl.DataFrame:
    """The lines that others of their session may bear on, with the facts of it, and `place` among *lines*."""
    line_place = count_up(lines.height)
    columns = [line_place.alias("place"), lines["row"], lines["visit"], case.alias("case")]
    ranked_lines = filter_rows(pl.DataFrame(columns), cases["is_ranked"][case])
    physician, quantity = cases["physician"][ranked_lines["case"]], cases["quantity"][ranked_lines["case"]]
    # A line of several procedures is ranked, too, where it is the only one of its session.
    return facts_of(sharing_session(ranked_lines, physician, quantity > 1), cases)


def _payment_percent() -> pl.Expr:
    """The amount before rounding in percent of fee x units; of a whole cent, `CENT` billionths are 100 %."""
    unreduced_amount = pl.col("fee") * pl.col("units") * (CENT // 100_000)
    thousandths = ((pl.col("amount") + unreduced_amount // 2) // unreduced_amount).cast(pl.Decimal(18, 3))
    return (thousandths / 1000).cast(pl.Decimal(9, 3))


def _per_ten_thousand(share_name: str) -> pl.Expr:
    share: int = price_rules()["nonparticipating"][share_name]
    return (pl.col("schedule") * share + 5_000) // 10_000


_AMOUNT_IN_CENTS = (cents("amount").alias("schedule"), _payment_percent().alias("payment_percent"))
_NONPARTICIPATING_AMOUNTS = (
    _per_ten_thousand("amount_per_ten_thousand").alias("nonparticipating_cents"),
    _per_ten_thousand("limit_per_ten_thousand").alias("limiting_cents"),
)
_PRINTED_RVUS = [
    (pl.col(rvu).cast(pl.Decimal(18, 2)) / 100).cast(pl.Decimal(9, 2)).alias(f"{rvu} as printed") for rvu in RVUS
]
"""RVUs, which are reckoned with as whole hundredths, as CMS prints them."""
