"""Claims in, outcomes out: every edit in turn, then the price of what is left, then what decides each line."""

from collections.abc import Sequence

import polars as pl

from codeset.claims.answers import distinct_answers, with_reasons
from codeset.claims.basis import basis_of, history_of
from codeset.claims.edits import EDITS
from codeset.claims.edits.findings import apply_edits, combine_findings, tidy_findings
from codeset.claims.edits.modifiers import with_meanings
from codeset.claims.engine.code_set import CodeSet, code_set_of
from codeset.claims.engine.dedupe import representatives
from codeset.claims.engine.edit import Edit, lines_as_read
from codeset.claims.engine.lines import lines_of_kinds, sort_by_claim
from codeset.claims.engine.resolve import by_line
from codeset.claims.outcome import CompactOutcome, Outcome
from codeset.claims.pricing.amount_findings import amount_findings
from codeset.claims.pricing.price import PRICE, price
from codeset.claims.remedies.find_remedies import Reader
from codeset.participants import Participant
from codeset.releases import Release
from codeset.snapshot import Snapshot


def adjudicate(
    frame: pl.DataFrame,
    snapshots: Snapshot | Sequence[Snapshot],
    *,
    participant: Participant | None = None,
    on_any_date: bool = False,
    left_out: Sequence[Release] = (),
) -> Outcome:
    """Read claim lines (columns of `claim_fields`) against one snapshot, or each by its date against more.

    Lines of one beneficiary see each other, whatever their claim: *frame* holds whole beneficiaries. *participant*
    chooses the conversion factor from 2026; without it, lines that depend on it have no amount. *on_any_date*: what
    is in force on the last day of the one snapshot's release is taken to be in force on every date of service; policies
    that `rules.toml` dates keep their dates. *left_out*: releases that are at hand and not to be used; a line on one of
    their dates is said to be so.
    """
    all_snapshots = (snapshots,) if isinstance(snapshots, Snapshot) else tuple(snapshots)

    def outcome_of(lines: pl.DataFrame) -> CompactOutcome:
        code_set = code_set_of(all_snapshots, lines["hcpcs"].unique(), on_any_date=on_any_date, left_out=left_out)
        return compact_outcome(lines, code_set, participant=participant)

    def lines_and_findings_of(changed_lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        outcome = outcome_of(changed_lines).outcome()
        return outcome.lines, outcome.findings

    # What would change a line is only known when the changed line is adjudicated too: remedies ask for that.
    return outcome_of(frame).outcome(Reader(all_snapshots, on_any_date, lines_and_findings_of))


def compact_outcome(
    frame: pl.DataFrame,
    code_set: CodeSet,
    *,
    participant: Participant | None = None,
    edits: Sequence[Edit] = EDITS,
    deduplicate: bool | None = None,
) -> CompactOutcome:
    """As `adjudicate`, in few rows, with a code set at hand: for many frames that are read against the same snapshots.

    *deduplicate*: whether what is the same for many patients is adjudicated once; None: where that is sooner. The
    outcome is the same.
    """
    frame, contracts = sort_by_claim(frame), (*edits, PRICE)
    every_line = lines_as_read(frame, code_set, contracts)
    # The price is a contract too: two lines that differ only in what it reads have different amounts.
    representative_lines = representatives(every_line, code_set, contracts, deduplicate=deduplicate)
    lines = lines_of_kinds(representative_lines.among(every_line), code_set, with_meanings)

    findings, denied = apply_edits(edits, lines)
    # After the edits: what they deny has no amount, and ranks among no procedures.
    priced = price(lines.with_payable(denied), code_set, participant=participant)
    all_findings = combine_findings([*findings, *amount_findings(priced)])
    findings_by_line = tidy_findings(by_line(all_findings, frame.height))
    answers, answer_of_line = distinct_answers(lines, priced, findings_by_line, frame.height)

    return CompactOutcome(
        frame,
        representative_lines.answers_of_lines(answer_of_line),
        answers,
        representative_lines.findings_of_lines(findings_by_line.rows),
        with_reasons(findings_by_line.reason_rows),
        representative_lines.steps_of_lines(priced.steps),
        basis_of(code_set.manifests, history_of(frame)),
    )
