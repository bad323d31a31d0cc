"""What the practice's own claims come to under both releases, in sentences."""

from collections.abc import Iterator, Sequence

from codeset import wording
from codeset.impact.claims_impact import ClaimsImpact
from codeset.money import dollars, signed_dollars
from codeset.participants import participant_label


def claims_sentences(claims: Sequence[ClaimsImpact]) -> Iterator[str]:
    """Yield for each participant class the difference that the new release makes on the claims."""
    for impact in claims:
        total, (before, after) = impact.total, impact.units_times_fee
        whose = f" ({participant_label(impact.participant)})" if len(claims) > 1 else ""
        share = wording.percent(total.before_cents, total.after_cents)
        yield (
            f"Your claims, adjudicated under both releases{whose}: {signed_dollars(total.change_cents)} "
            f"({share}), {dollars(total.before_cents)} → {dollars(total.after_cents)} allowed on "
            f"{wording.count(total.lines, 'line')} (units times fee would give {dollars(before)} → {dollars(after)})."
            f"{_not_counted(impact.without_amount)}"
        )
        if impact.result_changes:
            count = sum(number for _, _, number in impact.result_changes)
            yield f"{wording.count(count, 'line')} of your claims {'has' if count == 1 else 'have'} a new result."


def _not_counted(lines: int) -> str:
    """How many lines have no amount in one of the releases."""
    return f" Not counted: {wording.count(lines, 'line')} without an amount." if lines else ""
