"""Claims with what is denied mended: the least change to the lines that CMS's tables name, and what each rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from codeset.claims.adjudicate import adjudicate
from codeset.claims.outcome_rows import LineOutcome, outcome_rows
from codeset.claims.remedies.find_remedies import Remedy
from codeset.participants import Participant
from codeset.snapshot import Snapshot


@dataclass(frozen=True)
class Change:
    """One change to a claim: the lines that go, and the remedy that has those in their place and what it rests on."""

    replaced: tuple[LineOutcome, ...]
    remedy: Remedy


@dataclass(frozen=True)
class Suggestion:
    """Claims before and after: `lines` as they would be reported, how they are then adjudicated, and the changes."""

    lines: pl.DataFrame
    before: tuple[LineOutcome, ...]
    after: tuple[LineOutcome, ...]
    changes: tuple[Change, ...]

    @property
    def still_denied(self) -> tuple[LineOutcome, ...]:
        """Lines that no table has a remedy for: the record decides, or they are not payable."""
        return tuple(line for line in self.after if line.disposition == "deny")


def suggest_changes(
    lines: pl.DataFrame, snapshots: Snapshot | Sequence[Snapshot], *, participant: Participant | None = None
) -> Suggestion:
    """Mend the denied lines of claims, one remedy of each beneficiary at a time, the smallest first.

    *lines*, *snapshots* and *participant* are as in `adjudicate`. A remedy denies no line that was paid: every round
    leaves fewer lines denied. Nothing is changed that is not denied.
    """
    outcomes_as_billed = outcomes = outcome_rows(adjudicate(lines, snapshots, participant=participant))
    changes: list[Change] = []
    # One remedy of a beneficiary at a time: it may be all that another denied line of the day lacked.
    while changes_of_round := _smallest_changes(outcomes, lines):
        changes += changes_of_round
        for change in changes_of_round:
            lines = _with_remedy(lines, change.remedy)
        outcomes = outcome_rows(adjudicate(lines, snapshots, participant=participant))
    return Suggestion(lines, tuple(outcomes_as_billed), tuple(outcomes), tuple(changes))


def _smallest_changes(outcomes: Sequence[LineOutcome], lines: pl.DataFrame) -> list[Change]:
    """The smallest remedy of each beneficiary; of several as small the first line's."""
    line_keys = zip(lines["claim_id"], lines["line"], lines["beneficiary"], strict=True)
    beneficiary_of = {(claim_id, line): beneficiary for claim_id, line, beneficiary in line_keys}
    outcome_of_line = {(outcome.claim_id, outcome.line): outcome for outcome in outcomes}
    smallest_remedies: dict[str, Remedy] = {}
    for line_key, outcome in outcome_of_line.items():
        remedy = outcome.remedy
        # Only a denial is changed: a line in review is for a person to decide.
        if remedy is None or outcome.disposition != "deny":
            continue
        smallest = smallest_remedies.get(beneficiary_of[line_key])
        if smallest is None or _lines_touched(remedy) < _lines_touched(smallest):
            smallest_remedies[beneficiary_of[line_key]] = remedy
    return [
        Change(tuple(outcome_of_line[line_key] for line_key in remedy.replaces), remedy)
        for remedy in smallest_remedies.values()
    ]


def _lines_touched(remedy: Remedy) -> int:
    return len(remedy.replaces) + len(remedy.lines)


def _with_remedy(lines: pl.DataFrame, remedy: Remedy) -> pl.DataFrame:
    """The lines with those of *remedy* in place of those that it replaces, in the order of claims and lines."""
    is_replaced = pl.any_horizontal(
        (pl.col("claim_id") == claim_id) & (pl.col("line") == line) for claim_id, line in remedy.replaces
    )
    replaced_lines = lines.filter(is_replaced).rows(named=True)
    changed_rows = []
    for line in remedy.lines:
        replaced_line = next(
            (claim_row for claim_row in replaced_lines if claim_row["line"] == line.line), replaced_lines[0]
        )
        # The charge is of the service as it was billed: what another code or count costs only the practice knows.
        is_same_service = replaced_line["hcpcs"] == line.hcpcs and replaced_line["units"] == line.units
        changed_rows.append(
            {
                **replaced_line,
                "claim_id": line.claim_id,
                "line": line.line,
                "hcpcs": line.hcpcs,
                "modifiers": " ".join(line.modifiers),
                "units": line.units,
                "charge_cents": replaced_line["charge_cents"] if is_same_service else None,
            }
        )
    remedy_lines = pl.DataFrame(changed_rows, schema=lines.schema)
    return pl.concat([lines.filter(~is_replaced), remedy_lines]).sort("claim_id", "line", maintain_order=True)
