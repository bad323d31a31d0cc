"""Claims in, outcomes out: every edit, then one place that resolves them, then the price of what is left."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import polars as pl

from codeset.claims.add_on import add_on
from codeset.claims.alike import alike
from codeset.claims.code_set import CodeSet, code_set_of
from codeset.claims.findings import dispositions, explained, found, of_severity, reasons, together
from codeset.claims.global_surgery import global_surgery
from codeset.claims.kinds import Kinds, of_kinds
from codeset.claims.lines import CODE, all_of, among, begins, count_up, lie_by_claim, numbered
from codeset.claims.mue import mue
from codeset.claims.price import NO_AMOUNT, Priced, price
from codeset.claims.ptp import ptp
from codeset.claims.same_lesion import same_lesion
from codeset.claims.validity import validity
from codeset.snapshot import Snapshot


@dataclass(frozen=True)
class Outcome:
    """What is said of claim lines.

    `lines` has the columns of the claims, by claim and line number whatever their order was, codes and modifiers as
    categories, with `row` (the place), `disposition`, `decided_by` and `edit`, `global_days`, and the amounts of
    `codeset.claims.price` for lines that are not denied, RVUs as decimals; `findings` one row for each finding, by
    line, the decisive one first; `steps` how amounts came about.
    """

    lines: pl.DataFrame
    findings: pl.DataFrame
    steps: pl.LazyFrame


def adjudicate(
    frame: pl.DataFrame, snapshots: Snapshot | Sequence[Snapshot], *, qualifying_apm: bool | None = None
) -> Outcome:
    """Read claim lines (columns as in `codeset.claims.lines`) against one snapshot, or each by its date against more.

    Lines of one beneficiary see each other, whatever their claim: the frame holds whole beneficiaries. *qualifying_apm*
    chooses the conversion factor from 2026; where it is not told, lines that depend on it have no amount.
    """
    several = [snapshots] if isinstance(snapshots, Snapshot) else list(snapshots)
    return judged(frame, code_set_of(several, frame["hcpcs"].unique()), qualifying_apm=qualifying_apm)


def judged(frame: pl.DataFrame, code_set: CodeSet, *, qualifying_apm: bool | None = None) -> Outcome:
    """As `adjudicate`, with a code set made ready: for many frames that are read against the same snapshots."""
    frame = _by_claim(frame)
    lines = numbered(frame, code_set)
    like = alike(frame, lines, code_set)
    said = _said(frame, like.judged(lines), code_set, qualifying_apm)
    findings = _explained(like.of_findings(said.findings, said.order))
    return Outcome(_with(frame, like.of_lines(said.lines)), findings, like.of_steps(said.steps))


def _with(frame: pl.DataFrame, told: list[pl.Series]) -> pl.DataFrame:
    """The lines of *frame* with what is *told* of them, some of it in place of what they say."""
    lines = frame.with_row_index("row")
    for each in told:
        if each.name in frame.columns:
            lines.replace_column(lines.get_column_index(each.name), each)
    return lines.hstack([each for each in told if each.name not in frame.columns])


def _by_claim(frame: pl.DataFrame) -> pl.DataFrame:
    return frame if lie_by_claim(frame) else frame.sort("claim_id", "line", maintain_order=True)


class _Said(NamedTuple):
    """What is said of lines that are judged: `lines` by row; `findings`, and in `order` where they lie by line."""

    lines: pl.DataFrame
    findings: pl.DataFrame
    order: pl.Series
    steps: pl.LazyFrame


def _said(frame: pl.DataFrame, lines: pl.DataFrame, code_set: CodeSet, qualifying_apm: bool | None) -> _Said:
    """What is said of *lines* of *frame*, without what the claims say themselves."""
    lines, known = of_kinds(lines, code_set)
    by_themselves = validity(lines, known)
    outside = _beside_the_excerpt(lines, by_themselves)
    findings = [together([by_themselves, outside, ptp(lines, known), mue(lines, known)])]
    denied = _denied(findings[0])
    for edit in (partial(same_lesion, lesions=frame["lesion"]), global_surgery, _injections, add_on):
        findings.append(edit(lines, known, denied=denied))
        denied = pl.concat([denied, _denied(findings[-1])])
    priced = _priced(frame, lines, code_set, denied, qualifying_apm)
    told = together([*findings, *_of_amounts(priced.amounts)]).rechunk()
    order = _order(told)
    days = known.made(_global_days)[lines["kind"]]
    about = [lines[["row", "hcpcs", "modifiers"]].hstack([days]), priced.amounts]
    resolved = _resolved(lines["row"].sort(), frame.height, _decisive(told, order), about)
    return _Said(resolved, told, order, priced.steps)


def _global_days(kinds: Kinds) -> pl.Series:
    return kinds.table["global_days"].cast(CODE)


def _priced(
    frame: pl.DataFrame, lines: pl.DataFrame, code_set: CodeSet, denied: pl.Series, qualifying_apm: bool | None
) -> Priced:
    """The price of what is not denied; where nobody said whose conversion factor, only one that serves all is used."""
    if qualifying_apm is None:
        code_set = code_set.for_everyone
    row = lines["row"]
    payable = pl.Series("payable", [True]).new_from_index(0, frame.height).scatter(denied, values=False)
    told = [frame["charge_cents"], frame["locality"], payable]
    return price(lines.hstack([each[row] for each in told]), code_set, qualifying_apm=bool(qualifying_apm))


def _of_amounts(amounts: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Amounts for review; and lines that nothing denies and whose amount the fee schedule does not give.

    Nobody is told to count on these.
    """
    to_review, without = amounts.select(_TO_REVIEW, _WITHOUT)
    if to_review.any():
        yield found(amounts.filter(to_review), "amount-to-review", detail=pl.col("reviews").list.join(", "))
    if without.any():
        yield found(amounts.filter(without), "no-amount", detail=pl.col("unpriced"))


_TO_REVIEW = (pl.col("reviews").list.len() > 0).alias("to_review")
_WITHOUT = pl.col("unpriced").is_in(NO_AMOUNT).fill_null(value=False).alias("without")


def _denied(findings: pl.DataFrame) -> pl.Series:
    return findings["row"] if findings.is_empty() else findings["row"].filter(findings.select(_DENIES).to_series())


_DENIES = of_severity("deny")


def _beside_the_excerpt(lines: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """Lines of a visit of which another line is outside the excerpt: the edits between the two are not known."""
    says_so = findings["reason"] == "outside-the-excerpt"
    if not says_so.any():
        return together([])
    outside = findings.filter(says_so).select("row")
    partners = lines.join(outside, on="row").group_by("visit").agg(pl.col("row").min().alias("partner"))
    beside = lines.join(outside, on="row", how="anti").filter(pl.col("release").is_not_null())
    return found(beside.join(partners, on="visit"), "beside-the-excerpt", partner=pl.col("partner"))


def _injections(lines: pl.DataFrame, kinds: Kinds, denied: pl.Series) -> pl.DataFrame:
    """Status T is paid only if nothing else payable under the fee schedule is there that day (record layout RVU25D)."""
    status = kinds.table["status_code"][lines["kind"]]
    injections = lines.filter(status == "T")
    if injections.is_empty():
        return together([])
    others = lines.filter(((status == "A") | (status == "R")) & ~among(lines["row"], denied))
    bundled = injections.join(others.group_by("visit").agg(pl.col("row").min().alias("partner")), on="visit")
    return found(bundled, "injection-bundled", partner=pl.col("partner"))


_IN_ORDER = (
    pl.col("row").cast(pl.Int128) * 2**64
    + pl.col("reason").to_physical().cast(pl.Int128) * 2**40
    + (pl.col("partner").cast(pl.Int128) + 1).fill_null(0)
)
"""Row, reason and partner in one number: it is sorted in a quarter of the time that the three take."""


def _order(findings: pl.DataFrame) -> pl.Series:
    """Where the findings lie by line, the decisive one first: reasons lie by gravity, then as in `reasons.toml`."""
    number = findings.select(_IN_ORDER).to_series()
    order = number.arg_sort()
    if begins(number[order]).all():
        return order
    return findings.select(pl.arg_sort_by("row", "reason", "partner", "column_one", "detail")).to_series()


def _decisive(findings: pl.DataFrame, order: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The rows that have findings, and the number of the gravest reason of each: the first in *order*."""
    row = findings["row"][order]
    first = begins(row)
    return row.filter(first), findings["reason"][order.filter(first)].to_physical().cast(pl.UInt32)


def _resolved(
    rows: pl.Series, height: int, decisive: tuple[pl.Series, pl.Series], about: Iterable[pl.DataFrame]
) -> pl.DataFrame:
    """The sorted *rows* of a frame of *height*, with what the *decisive* reason says and all there is *about* them.

    Rows are numbers: to bring each to its place costs a fraction of a join.
    """
    place = all_of(0, height).scatter(rows, count_up(rows.len()))
    row, reason = decisive
    told: list[pl.Series] = [*dispositions()[all_of(len(reasons()), rows.len()).scatter(place[row], reason)]]
    for each in about:
        found = all_of(None, rows.len()).scatter(place[each["row"]], count_up(each.height))
        told += [column[found] for column in each if column.name not in ("row", "reviews")]
    return rows.to_frame().hstack(told)


def _explained(findings: pl.DataFrame) -> pl.DataFrame:
    """The findings with what their reasons say."""
    told = explained()[findings["reason"].to_physical()]
    return findings.hstack([each for each in told if each.name != "reason"])
