"""Claims from Python: checked as the command checks a file, then adjudicated."""

from collections.abc import Iterable, Sequence

import polars as pl

from codeset.claims.adjudicate import adjudicate as adjudicate_lines
from codeset.claims.input.claim import Claim
from codeset.claims.input.claim_frames import lines_of
from codeset.claims.outcome import Outcome
from codeset.participants import Participant
from codeset.snapshot import Snapshot


def adjudicate(
    claims: pl.DataFrame | Claim | Iterable[Claim],
    snapshots: Snapshot | Sequence[Snapshot],
    *,
    participant: Participant | None = None,
    on_any_date: bool = False,
) -> Outcome:
    """Read claims against one snapshot, or each line by its date of service against more.

    *claims* are values, or a frame of lines with the columns of `claim_fields`, or headed as practice systems head
    them. Lines of one beneficiary see each other, whatever their claim: give whole beneficiaries. *participant* chooses
    the conversion factor from 2026; without it, lines that depend on it have no amount. *on_any_date*: what is in force
    on the last day of the one snapshot's release is taken to be in force on every date of service.

    Raises BadInput: with every fault of the claims, in the words of the command. WrongUse: for what holds no claims.
    """
    return adjudicate_lines(lines_of(claims), snapshots, participant=participant, on_any_date=on_any_date)
