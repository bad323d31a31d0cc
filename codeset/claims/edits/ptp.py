"""NCCI procedure-to-procedure edits: column two is not paid beside column one."""

from datetime import date
from typing import NamedTuple

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import GROUND, NONE, Findings, completed, telling
from codeset.claims.edits.rules import rules
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.line_kinds import Kinds
from codeset.claims.engine.lines import partners
from codeset.claims.engine.series import all_false, pack_u64

_COLUMNS = ("column_one", "column_two")
_TOLD = (*_COLUMNS, "ccmi", "effective_date", "deletion_date", "edition")
_KEPT = 4_000
"""So many pairs of kinds are kept with what is said of them."""

_SEEN = ("is_visit", "distinct", "for_visit", "other_bypass", "site")


def ptp(lines: pl.DataFrame, kinds: Kinds) -> Findings:
    """Findings of procedure-to-procedure edits: one for each column two line that an edit in force denies or would.

    Same beneficiary, practitioner and date (Policy Manual 2026, p. Intro-3); the deletion date is the last active day;
    CCMI 0 is never bypassed, 1 by the NCCI PTP-associated modifiers, 9 never applied (p. I-14). A bypass is for review:
    it rests on documentation (p. I-17). Modifiers 22, 76 and 77 bypass nothing (p. I-14).
    """
    one, two = _pairs(lines, kinds)
    if one.is_empty():
        return NONE
    return _told(_met(lines, one, two), kinds)


class _Edits(NamedTuple):
    """The edits that ever apply.

    `rows` have release, column one and column two in one number, `pair`. `numbers` has a `number` from 1 on, less than
    `many`, for each code that is in an edit. `there` tells of each two numbers, as one times `many` plus the other,
    whether any release has an edit for them.
    """

    rows: pl.DataFrame
    numbers: pl.DataFrame
    many: int
    there: pl.Series


def _edits(code_set: CodeSet) -> _Edits:
    rows = code_set.ptp.filter(pl.col("ccmi") != 9).with_columns(pl.col("column_one", "column_two").cast(CODE))
    codes = pl.concat([rows["column_one"], rows["column_two"]]).unique()
    numbers = pl.DataFrame({"hcpcs": codes}).with_row_index("number", offset=1)
    many = numbers.height + 1
    number = [rows.join(numbers, left_on=each, right_on="hcpcs", maintain_order="left")["number"] for each in _COLUMNS]
    two = number[0] * many + number[1]
    told = rows.select(
        (pl.col("release").cast(pl.UInt64) * many**2 + two).alias("pair"),
        *_TOLD[:-1],
        pl.col("edition").cast(CODE),
        pl.col("deletion_date").fill_null(date.max).alias("last_date"),
    )
    return _Edits(told, numbers, many, all_false(many**2).scatter(two, values=True))


class _Codes(NamedTuple):
    """Of each kind of line the number of its code among `edits`, 0 if none has it, and the first pair that it leads.

    The edits go with their numbers: two that are made side by side may be numbered differently.
    """

    edits: _Edits
    number: pl.Series
    pair: pl.Series


def _codes(kinds: Kinds) -> _Codes:
    edits = kinds.code_set.made(_edits)
    known = kinds.table.join(edits.numbers, on="hcpcs", how="left", maintain_order="left")
    number = pl.when(pl.col("release").is_not_null()).then("number").fill_null(0)
    pair = (pl.col("release").cast(pl.UInt64).fill_null(0) * edits.many + number) * edits.many
    return _Codes(edits, *known.select(number.alias("number"), pair.alias("pair")))


def _pairs(lines: pl.DataFrame, kinds: Kinds) -> tuple[pl.Series, pl.Series]:
    """Where each ordered pair of different lines of one visit lies whose codes are in an edit of any release."""
    codes = kinds.made(_codes)
    edits, number = codes.edits, codes.number[lines["kind"]]
    ones, twos = [number.clear()], [number.clear()]
    for one, two in partners(lines["visit"]):
        first, second = number[one], number[two]
        there, turned = edits.there[first * edits.many + second], edits.there[second * edits.many + first]
        ones += [one.filter(there), two.filter(turned)]
        twos += [two.filter(there), one.filter(turned)]
    return pl.concat(ones), pl.concat(twos)


def _met(lines: pl.DataFrame, one: pl.Series, two: pl.Series) -> pl.DataFrame:
    """Two lines in a row: `partner` is column one, `row` column two.

    `alike` is a number for the kinds of both and for whether modifiers of either line count: of pairs that are alike
    the same is said on the same day.
    """
    row, kind, day = lines["row"], lines["kind"], lines["date_of_service"][one]
    either = day >= rules()["bypass"]["either_line_since"]
    alike = pack_u64(kind[one], kind[two] * 2 + either.cast(pl.UInt32))
    return pl.DataFrame({"row": row[two], "partner": row[one], "day": day, "alike": alike})


def _told(met: pl.DataFrame, kinds: Kinds) -> Findings:
    """What is said of each two lines by each edit between them that is in force on their day."""
    kept = kinds.made(_Kept)
    said = kept.said
    told = met.join(said.when, on="alike", how="left")
    if told["ground"].null_count():
        is_new = told["ground"].is_null()
        new = told.filter(is_new).select(met.columns)
        said = _Said(pl.concat([said.rows, _judged(new["alike"].unique(), kinds)], rechunk=True))
        told = pl.concat([told.filter(~is_new), new.join(said.when, on="alike", how="left")])
        kept.said = said if said.rows.height <= _KEPT else _nothing(kinds)
    return Findings(told.filter(_IN_FORCE).select("row", "partner", "ground"), said.grounds)


class _Said:
    """What is said of two kinds of lines that are `alike`: `rows`; of these the `grounds`, and `when` each applies."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows
        self.grounds = completed(rows.select(each for each in rows.columns if each in GROUND))
        self.when = rows.select("alike", "effective_date", "last_date").with_row_index("ground")


class _Kept:
    """What was said so far, for the lines that come after: replaced whole, for who reads other lines meanwhile."""

    def __init__(self, kinds: Kinds) -> None:
        self.said = _nothing(kinds)


def _nothing(kinds: Kinds) -> _Said:
    return _Said(_judged(pl.Series("alike", dtype=pl.UInt64), kinds))


def _judged(alike: pl.Series, kinds: Kinds) -> pl.DataFrame:
    """What is said of each two kinds of lines by each edit between them; a row of nulls where there is none."""
    codes, (one, two) = kinds.made(_codes), kinds.made(_seen)
    of_two = alike.to_frame().select("alike", *_OF_TWO)
    pair = codes.pair[of_two["kind"]] + codes.number[of_two["kind_two"]]
    met = of_two.with_columns(pair.alias("pair")).join(codes.edits.rows, on="pair", how="left")
    seen = met.hstack(one[met["kind"]]).hstack(two[met["kind_two"]]).with_columns(_BYPASS.alias("bypass"))
    return seen.select("alike", "last_date", *_TELLING)


_OF_TWO = (
    (pl.col("alike") // 2**32).cast(pl.UInt32).alias("kind"),
    (pl.col("alike") % 2**32 // 2).cast(pl.UInt32).alias("kind_two"),
    (pl.col("alike") % 2 == 1).alias("either"),
)


def _seen(kinds: Kinds) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a bypass looks at in a line, by kind: of column one, and of column two."""
    one = kinds.table.select(_SEEN)
    return one, one.rename({column: f"{column}_two" for column in _SEEN})


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


_BYPASS = _bypass()

_IN_FORCE = (pl.col("effective_date") <= pl.col("day")) & (pl.col("day") <= pl.col("last_date"))


def _telling() -> list[pl.Expr]:
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
    return telling(reason, detail=detail, table=pl.lit("ptp"), **{name: pl.col(name) for name in _TOLD})


_TELLING = _telling()
