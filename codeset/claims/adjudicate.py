"""Claims in, outcomes out: every edit, then one place that resolves them, then the price of what is left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import polars as pl

from codeset.claims.add_on import add_on
from codeset.claims.alike import alike
from codeset.claims.code_set import CodeSet, code_set_of
from codeset.claims.findings import DISPOSITION, DISPOSITIONS, explained, found, of_severity, together
from codeset.claims.global_surgery import global_surgery
from codeset.claims.kinds import of_kinds
from codeset.claims.lines import CODE, numbered
from codeset.claims.mue import mue
from codeset.claims.price import NO_AMOUNT, Priced, price
from codeset.claims.ptp import ptp
from codeset.claims.same_lesion import same_lesion
from codeset.claims.validity import validity
from codeset.snapshot import Snapshot


@dataclass(frozen=True)
class Outcome:
    """What is said of claim lines.

    `lines` has the columns of the claims, by claim and line number whatever their order was, with `row` (the place),
    `disposition`, `decided_by` and `edit`, `global_days`, and the amounts of `codeset.claims.price` for lines that are
    not denied; `findings` one row for each finding, by line, the decisive one first; `steps` how amounts came about.
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
    rows = frame.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row")).hstack(frame)
    return Outcome(rows.hstack(like.of_lines(said.lines)), like.of_findings(said.findings), like.of_steps(said.steps))


def _by_claim(frame: pl.DataFrame) -> pl.DataFrame:
    claim, line = pl.col("claim_id"), pl.col("line")
    lies_so = (claim > claim.shift()) | ((claim == claim.shift()) & (line >= line.shift()))
    return frame if frame.select(lies_so.all()).item() else frame.sort("claim_id", "line")


def _said(frame: pl.DataFrame, lines: pl.DataFrame, code_set: CodeSet, qualifying_apm: bool | None) -> Outcome:
    """What is said of *lines* of *frame*, without what the claims say themselves."""
    lines, known = of_kinds(lines, code_set)
    kinds = known.table
    by_themselves = validity(lines, known)
    alone = [
        by_themselves,
        _beside_the_excerpt(lines, by_themselves),
        ptp(lines, known),
        mue(lines, known),
    ]
    alone.append(same_lesion(lines, kinds, frame["lesion"], _denied(together(alone))))
    first = together([*alone, global_surgery(lines, known, _denied(together(alone)))])
    before = together([first, _injections(lines, kinds, _denied(first))])
    findings = together([before, add_on(lines, known, _denied(before))])
    priced = _priced(frame, lines, code_set, _denied(findings), qualifying_apm)
    findings = together([findings, _amounts_to_review(priced.amounts), _without_amount(priced.amounts)])
    days = lines.join(kinds.select("kind", "global_days"), on="kind").select("row", pl.col("global_days").cast(CODE))
    about = [days, priced.amounts.drop("reviews")]
    return Outcome(_resolved(lines, findings, about), _explained(findings), priced.steps)


def _priced(
    frame: pl.DataFrame, lines: pl.DataFrame, code_set: CodeSet, denied: pl.Series, qualifying_apm: bool | None
) -> Priced:
    """The price of what is not denied; where nobody said whose conversion factor, only one that serves all is used."""
    if qualifying_apm is None:
        code_set = code_set.for_everyone
    said = frame.select("claim_id", "line", "charge_cents", "locality")[lines["row"]]
    payable = lines.select(~pl.col("row").is_in(denied.implode())).to_series().alias("payable")
    return price(lines.hstack([*said, payable]), code_set, qualifying_apm=bool(qualifying_apm))


def _amounts_to_review(amounts: pl.DataFrame) -> pl.DataFrame:
    telling = amounts.filter(pl.col("reviews").list.len() > 0)
    return found(telling, "amount-to-review", detail=pl.col("reviews").list.join(", "))


def _without_amount(amounts: pl.DataFrame) -> pl.DataFrame:
    """Lines that nothing denies and whose amount the fee schedule does not give: nobody is told to count on it."""
    return found(amounts.filter(pl.col("unpriced").is_in(NO_AMOUNT)), "no-amount", detail=pl.col("unpriced"))


def _denied(findings: pl.DataFrame) -> pl.Series:
    return findings["row"].filter(findings.select(of_severity("deny")).to_series())


def _beside_the_excerpt(lines: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """Lines of a visit of which another line is outside the excerpt: the edits between the two are not known."""
    outside = findings.filter(pl.col("reason") == "outside-the-excerpt").select("row")
    if outside.is_empty():
        return together([])
    partners = lines.join(outside, on="row").group_by("visit").agg(pl.col("row").min().alias("partner"))
    beside = lines.join(outside, on="row", how="anti").filter(pl.col("release").is_not_null())
    return found(beside.join(partners, on="visit"), "beside-the-excerpt", partner=pl.col("partner"))


def _injections(lines: pl.DataFrame, kinds: pl.DataFrame, denied: pl.Series) -> pl.DataFrame:
    """Status T is paid only if nothing else payable under the fee schedule is there that day (record layout RVU25D)."""
    injections = lines.join(kinds.filter(status_code="T").select("kind"), on="kind", how="semi")
    if injections.is_empty():
        return together([])
    payable = kinds.filter(pl.col("status_code").is_in(["A", "R"])).select("kind")
    others = lines.filter(~pl.col("row").is_in(denied.implode())).join(payable, on="kind", how="semi")
    bundled = injections.join(others.group_by("visit").agg(pl.col("row").min().alias("partner")), on="visit")
    return found(bundled, "injection-bundled", partner=pl.col("partner"))


def _resolved(lines: pl.DataFrame, findings: pl.DataFrame, about: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """The gravest finding decides; between equals the order of `reasons.toml`: reasons lie in that order.

    *about* are further columns by row.
    """
    gravest = findings.group_by("row").agg(pl.col("reason").min())
    told_of = gravest.join(_dispositions(), on="reason").select("row", "disposition", "decided_by", "edit")
    rows = lines.select("row").sort("row")
    for each in (told_of, *about):
        rows = rows.join(each, on="row", how="left", maintain_order="left")
    return rows.with_columns(pl.col("disposition").fill_null("pay"))


@cache
def _dispositions() -> pl.DataFrame:
    disposition = pl.col("severity").cast(pl.String).replace_strict(DISPOSITIONS, return_dtype=DISPOSITION)
    return explained().select("reason", disposition.alias("disposition"), pl.col("reason").alias("decided_by"), "edit")


def _explained(findings: pl.DataFrame) -> pl.DataFrame:
    """The findings by line, the decisive one first, with what their reasons say."""
    key = ["row", "reason", "partner"]
    lying = findings.sort(key)
    alike = pl.all_horizontal(pl.col(each).eq_missing(pl.col(each).shift()) for each in key)
    if lying.select(alike.slice(1).any()).item():
        lying = findings.sort(*key, "column_one", "detail")
    return lying.join(explained(), on="reason", how="left", maintain_order="left")
