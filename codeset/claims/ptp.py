"""NCCI procedure-to-procedure edits: column two is not paid beside column one."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import polars as pl

from codeset.claims.code_set import CodeSet
from codeset.claims.findings import REASON, found, together
from codeset.claims.lines import CODE, in_one
from codeset.claims.rules import rules

_COLUMNS = ("column_one", "column_two")
_TOLD = (*_COLUMNS, "ccmi", "effective_date", "deletion_date", "edition")
_SEEN = ("is_visit", "distinct", "for_visit", "other_bypass", "site")


def ptp(lines: pl.DataFrame, kinds: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """Findings of procedure-to-procedure edits: one for each column two line that an edit in force denies or would.

    Same beneficiary, practitioner and date (Policy Manual 2026, p. Intro-3); the deletion date is the last active day;
    CCMI 0 is never bypassed, 1 by the NCCI PTP-associated modifiers, 9 never applied (p. I-14). A bypass is for review:
    it rests on documentation (p. I-17). Modifiers 22, 76 and 77 bypass nothing (p. I-14).
    """
    edits = code_set.made(_edits)
    in_force = (
        _pairs(lines, edits)
        .join(edits.rows.select("edit", "pair", "effective_date", "deletion_date"), on="pair")
        .filter(
            pl.col("effective_date") <= pl.col("date_of_service"),
            pl.col("deletion_date").is_null() | (pl.col("date_of_service") <= pl.col("deletion_date")),
        )
        .with_columns((pl.col("date_of_service") >= rules()["bypass"]["either_line_since"]).alias("either"))
        .with_columns(
            in_one(pl.col("kind"), pl.col("kind_two")).alias("kinds"),
            in_one(pl.col("edit"), pl.col("either")).alias("which"),
        )
    )
    if in_force.is_empty():
        return together([])
    alike = ("kinds", "which")
    once = in_force.select("edit", "kind", "kind_two", "either", *alike).unique(alike)
    judged = _judged(once, edits.rows, kinds).select(*alike, "reason", "detail", *_TOLD)
    return found(
        in_force.select("row", "row_two", *alike).join(judged, on=alike),
        pl.col("reason"),
        row=pl.col("row_two"),
        partner=pl.col("row"),
        detail=pl.col("detail"),
        table=pl.lit("ptp"),
        **{name: pl.col(name) for name in _TOLD},
    )


class _Edits(NamedTuple):
    """The edits that ever apply, by `pair`: release, column one and column two in one number.

    `numbers` has a `number` for each code that is in an edit; `there` tells of each two numbers, as one times the
    numbers there are plus the other, whether any release has an edit for them.
    """

    rows: pl.DataFrame
    numbers: pl.DataFrame
    there: pl.Series


def _edits(code_set: CodeSet) -> _Edits:
    rows = code_set.ptp.filter(pl.col("ccmi") != 9).with_columns(pl.col("column_one", "column_two").cast(CODE))
    numbers = pl.DataFrame({"hcpcs": pl.concat([rows["column_one"], rows["column_two"]]).unique()}).with_row_index(
        "number"
    )
    number = [rows.join(numbers, left_on=each, right_on="hcpcs", maintain_order="left")["number"] for each in _COLUMNS]
    two = number[0] * numbers.height + number[1]
    there = pl.repeat(value=False, n=numbers.height**2, dtype=pl.Boolean, eager=True).scatter(two, values=True)
    pair = rows["release"].cast(pl.UInt64) * numbers.height**2 + two
    kept = rows.select("release", *_TOLD[:-1], pl.col("edition").cast(CODE), pair.alias("pair")).with_row_index("edit")
    return _Edits(kept, numbers, there)


def _pairs(lines: pl.DataFrame, edits: _Edits) -> pl.DataFrame:
    """Every ordered pair of different lines of one visit whose codes are in one edit.

    Lines lie by visit: the partners of a line are the next one, the one after it, and so on to the visit's end.
    """
    known = (
        lines.select("row", "visit", "kind", "release", "hcpcs", "date_of_service")
        .filter(pl.col("release").is_not_null())
        .join(edits.numbers, on="hcpcs", maintain_order="left")
    )
    number, many = known["number"], edits.numbers.height
    pairs = []
    for one, two in _partners(known["visit"]):
        numbers = number.gather(one), number.gather(two)
        for first, second, pair in (
            (one, two, numbers[0] * many + numbers[1]),
            (two, one, numbers[1] * many + numbers[0]),
        ):
            there = edits.there.gather(pair)
            pairs.append(pl.DataFrame({"one": first, "two": second, "pair": pair}).filter(there))
    lie = pl.concat([pl.DataFrame(schema=dict.fromkeys(("one", "two", "pair"), pl.UInt32)), *pairs])
    release = known["release"].gather(lie["one"]).cast(pl.UInt64)
    partner = known.select(pl.col("row", "kind").gather(lie["two"]).name.suffix("_two"))
    line = known.select(pl.col("row", "kind", "date_of_service").gather(lie["one"]))
    return line.hstack(partner).with_columns((release * many**2 + lie["pair"]).alias("pair"))


def _partners(visit: pl.Series) -> Iterator[tuple[pl.Series, pl.Series]]:
    """Where two lines of one *visit* lie: each two once, those that are next to each other first."""
    here = pl.int_range(visit.len(), dtype=pl.UInt32, eager=True)
    for distance in count(1):
        here = here.filter(here + distance < visit.len())
        here = here.filter(visit.gather(here) == visit.gather(here + distance))
        if here.is_empty():
            return
        yield here, here + distance


def _judged(once: pl.DataFrame, edits: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """What is said of each combination of edit and kinds of lines: equal pairs are judged once."""
    one = kinds.select("kind", *_SEEN)
    two = one.rename({column: f"{column}_two" for column in one.columns})
    met = once.join(edits, on="edit").join(one, on="kind").join(two, on="kind_two")
    met = met.with_columns(_bypass().alias("bypass"))
    reason = (
        pl.when(pl.col("ccmi") == 0)
        .then(pl.lit("ptp-never"))
        .when(pl.col("bypass") != "")
        .then(pl.lit("ptp-bypassed"))
        .when(_same_site())
        .then(pl.lit("ptp-same-site"))
        .otherwise(pl.lit("ptp-no-modifier"))
    )
    detail = pl.when(pl.col("bypass") != "").then("bypass").otherwise("site")
    return met.with_columns(reason.cast(REASON).alias("reason"), detail.alias("detail"))


def _same_site() -> pl.Expr:
    return (pl.col("site") != "") & (pl.col("site") == pl.col("site_two"))


def _bypass() -> pl.Expr:
    """The modifiers that bypass the edit, as text; blank if none does.

    59 and X{E,P,S,U} on either line since 2019-07-01, before that on column two only; 24, 25, 57 on the visit's line;
    the others on either. Anatomic modifiers count on either line unless both lines name the same site: services on one
    organ are not separate (Policy Manual 2026, p. I-15).
    """
    sites = ~_same_site()
    named = [
        pl.when(~pl.col("is_visit_two")).then("distinct_two"),
        pl.when(pl.col("either") & ~pl.col("is_visit")).then("distinct"),
        pl.when("is_visit").then("for_visit"),
        pl.when("is_visit_two").then("for_visit_two"),
        pl.col("other_bypass"),
        pl.col("other_bypass_two"),
        pl.when(sites).then("site"),
        pl.when(sites).then("site_two"),
    ]
    told = pl.concat_str([part.fill_null("") for part in named], separator=" ")
    return told.str.replace_all(" +", " ").str.strip_chars()
