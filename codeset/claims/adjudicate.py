"""Claims in, outcomes out: every edit, then one place that resolves them, then the price of what is left."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.add_on import add_on
from codeset.claims.edits.findings import (
    GROUND,
    NONE,
    Findings,
    dispositions,
    explained,
    found,
    of_severity,
    reasons,
    together,
)
from codeset.claims.edits.global_surgery import global_surgery
from codeset.claims.edits.mue import mue
from codeset.claims.edits.ptp import ptp
from codeset.claims.edits.same_lesion import same_lesion
from codeset.claims.edits.single_line import validity
from codeset.claims.engine.code_set import CodeSet, code_set_of
from codeset.claims.engine.dedupe import alike
from codeset.claims.engine.line_kinds import Kinds, of_kinds
from codeset.claims.engine.lines import is_sorted_by_claim, numbered
from codeset.claims.engine.series import count_up, distinct, is_member, repeat, starts_group
from codeset.claims.outcome import Judgement, Outcome
from codeset.claims.pricing.price import Priced, price
from codeset.claims.pricing.unpriced import NO_AMOUNT
from codeset.participants import Participant
from codeset.snapshot import Snapshot


def adjudicate(
    frame: pl.DataFrame, snapshots: Snapshot | Sequence[Snapshot], *, participant: Participant | None = None
) -> Outcome:
    """Read claim lines (columns of `claim_fields`) against one snapshot, or each by its date against more.

    Lines of one beneficiary see each other, whatever their claim: the frame holds whole beneficiaries. *participant*
    chooses the conversion factor from 2026; where it is not told, lines that depend on it have no amount.
    """
    several = [snapshots] if isinstance(snapshots, Snapshot) else list(snapshots)
    return judged(frame, code_set_of(several, frame["hcpcs"].unique()), participant=participant)


def judged(frame: pl.DataFrame, code_set: CodeSet, *, participant: Participant | None = None) -> Outcome:
    """As `adjudicate`, with a code set made ready: for many frames that are read against the same snapshots."""
    return judge(frame, code_set, participant=participant).outcome()


def judge(frame: pl.DataFrame, code_set: CodeSet, *, participant: Participant | None = None) -> Judgement:
    """As `judged`, in few rows."""
    frame = _by_claim(frame)
    lines = numbered(frame, code_set)
    like = alike(frame, lines, code_set)
    said = _said(frame, like.judged(lines), code_set, participant)
    findings = like.of_findings(said.findings)
    steps = like.of_steps(said.steps)
    return Judgement(frame, like.of_lines(said.answer), said.answers, findings, said.grounds, steps)


def _by_claim(frame: pl.DataFrame) -> pl.DataFrame:
    another = starts_group(frame["claim_id"])
    return frame if is_sorted_by_claim(frame, another) else frame.sort("claim_id", "line", maintain_order=True)


class _Said(NamedTuple):
    """What is said of lines that are judged: `answer` by row, `findings` by line."""

    answer: pl.Series
    answers: pl.DataFrame
    findings: pl.DataFrame
    grounds: pl.DataFrame
    steps: pl.LazyFrame


def _said(frame: pl.DataFrame, lines: pl.DataFrame, code_set: CodeSet, participant: Participant | None) -> _Said:
    """What is said of *lines* of *frame*, without what the claims say themselves."""
    lines, known = of_kinds(lines, code_set)
    findings, denied = _found(frame, lines, known)
    priced = _priced(frame, lines, code_set, denied, participant)
    told = _by_line(together([*findings, *_of_amounts(priced)]), frame.height)
    answers, answer = _answers(_decided(lines, priced, _decisive(told), frame.height), known, priced)
    return _Said(answer, answers, told.found, _explained(told.grounds), priced.steps)


def _found(frame: pl.DataFrame, lines: pl.DataFrame, kinds: Kinds) -> tuple[list[Findings], pl.Series]:
    """The findings of all edits, and the rows that they deny: later edits are told what the earlier ones deny."""
    by_themselves = validity(lines, kinds)
    outside = _beside_the_excerpt(lines, by_themselves)
    findings = [together([by_themselves, outside, ptp(lines, kinds), mue(lines, kinds)])]
    denied = _denied(findings[0])
    for edit in (partial(same_lesion, lesions=frame["lesion"]), global_surgery, _injections, add_on):
        findings.append(edit(lines, kinds, denied=denied))
        denied = pl.concat([denied, _denied(findings[-1])])
    return findings, denied


def _decided(lines: pl.DataFrame, priced: Priced, decisive: tuple[pl.Series, pl.Series], height: int) -> pl.DataFrame:
    """What decides of the answer to each line, by row: `kind`; `case` and `allowed_cents` of its price; `reason`.

    Rows are numbers, below *height*: to bring each to its place costs a fraction of a join.
    """
    rows = lines["row"].sort()
    place = repeat(0, height).scatter(rows, count_up(rows.len()))

    def placed(row: pl.Series, *told: pl.Series) -> list[pl.Series]:
        found = repeat(None, rows.len()).scatter(place[row], count_up(row.len()))
        return [each[found] for each in told]

    row, reason = decisive
    of_lines = placed(lines["row"], lines["kind"])
    of_prices = placed(priced.lines["row"], priced.case.alias("case"), priced.allowed)
    return pl.DataFrame([*of_lines, *of_prices, *placed(row, reason.alias("reason"))])


def _answers(decided: pl.DataFrame, kinds: Kinds, priced: Priced) -> tuple[pl.DataFrame, pl.Series]:
    """What is said of lines, each once, and which of it is said of each line."""
    said, answer = distinct(decided, decided.columns)
    decides, meant = dispositions()[said["reason"].fill_null(len(reasons()))], kinds.made(_meant)[said["kind"]]
    return decides.hstack(meant).hstack(priced.of(said["case"], said["allowed_cents"])), answer


def _meant(kinds: Kinds) -> pl.DataFrame:
    return kinds.table.select("hcpcs", "modifiers", pl.col("global_days").cast(CODE))


def _priced(
    frame: pl.DataFrame, lines: pl.DataFrame, code_set: CodeSet, denied: pl.Series, participant: Participant | None
) -> Priced:
    """The price of what is not denied; where nobody said whose conversion factor, only one that serves all is used."""
    row = lines["row"]
    payable = pl.Series("payable", [True]).new_from_index(0, frame.height).scatter(denied, values=False)
    told = [frame["charge_cents"], frame["locality"], payable]
    return price(lines.hstack([each[row] for each in told]), code_set, participant=participant)


def _of_amounts(priced: Priced) -> Iterator[Findings]:
    """Amounts for review; and lines that nothing denies and whose amount the fee schedule does not give.

    Nobody is told to count on these.
    """
    to_review, without = (each[priced.case] for each in priced.cases.select(_TO_REVIEW, _WITHOUT))
    if to_review.any():
        yield found(priced.only(to_review).amounts, "amount-to-review", detail=pl.col("reviews").list.join(", "))
    if without.any():
        yield found(priced.only(without).amounts, "no-amount", detail=pl.col("unpriced"))


_TO_REVIEW = (pl.col("reviews").list.len() > 0).alias("to_review")
_WITHOUT = pl.col("unpriced").is_in(NO_AMOUNT).fill_null(value=False).alias("without")


def _denied(findings: Findings) -> pl.Series:
    row, _, ground = findings.found
    return row if row.is_empty() else row.filter(findings.grounds.select(_DENIES).to_series()[ground])


_DENIES = of_severity("deny")


def _beside_the_excerpt(lines: pl.DataFrame, findings: Findings) -> Findings:
    """Lines of a visit of which another line is outside the excerpt: the edits between the two are not known."""
    says_so = findings.of("reason") == "outside-the-excerpt"
    if not says_so.any():
        return NONE
    outside = findings.found.select("row").filter(says_so)
    partners = lines.join(outside, on="row").group_by("visit").agg(pl.col("row").min().alias("partner"))
    beside = lines.join(outside, on="row", how="anti").filter(pl.col("release").is_not_null())
    return found(beside.join(partners, on="visit"), "beside-the-excerpt", partner=pl.col("partner"))


def _injections(lines: pl.DataFrame, kinds: Kinds, denied: pl.Series) -> Findings:
    """Status T is paid only if nothing else payable under the fee schedule is there that day (record layout RVU25D)."""
    status = kinds.table["status_code"][lines["kind"]]
    injections = lines.filter(status == "T")
    if injections.is_empty():
        return NONE
    others = lines.filter(((status == "A") | (status == "R")) & ~is_member(lines["row"], denied))
    bundled = injections.join(others.group_by("visit").agg(pl.col("row").min().alias("partner")), on="visit")
    return found(bundled, "injection-bundled", partner=pl.col("partner"))


_MOST = 2**27
_IN_ORDER = (
    pl.col("row").cast(pl.UInt64) * 2**36
    + pl.col("reason").to_physical().cast(pl.UInt64) * 2**28
    + (pl.col("partner").cast(pl.UInt64) + 1).fill_null(0)
)
"""Row, reason and partner in one number, of `_MOST` lines at most: sorted in a fraction of the time of all three."""


def _by_line(findings: Findings, height: int) -> Findings:
    """The findings of so many lines by line, the decisive one first; and what they rest on, each ground once."""
    lying = findings.found[_order(findings, height)]
    on, which = distinct(lying, ["ground"])
    grounds, ground = distinct(findings.grounds[on["ground"]], GROUND)
    return Findings(lying.with_columns(ground[which].alias("ground")), grounds)


def _order(findings: Findings, height: int) -> pl.Series:
    """Where findings lie by line and gravity: reasons lie by gravity themselves."""
    if height <= _MOST:
        number = findings.found.hstack([findings.of("reason")]).select(_IN_ORDER).to_series()
        order = number.arg_sort()
        if starts_group(number[order]).all():
            return order
    told = findings.found.hstack(findings.grounds[findings.found["ground"]])
    return told.select(pl.arg_sort_by("row", "reason", "partner", "column_one", "detail")).to_series()


def _decisive(findings: Findings) -> tuple[pl.Series, pl.Series]:
    """The rows that have findings, and the number of the gravest reason of each: the first."""
    row, _, ground = findings.found
    first = starts_group(row)
    return row.filter(first), findings.grounds["reason"][ground.filter(first)].to_physical().cast(pl.UInt32)


def _explained(grounds: pl.DataFrame) -> pl.DataFrame:
    """The *grounds* with what their reasons say."""
    told = explained()[grounds["reason"].to_physical()]
    return grounds.hstack([each for each in told if each.name != "reason"])
