"""What the practice's own claims come to under both releases, in sentences."""

from collections.abc import Iterator, Sequence

from codeset import wording
from codeset.impact.claims_impact import ClaimsImpact
from codeset.money import dollars, signed_dollars
from codeset.participants import participant_label


def claims_sentences(claims: Sequence[ClaimsImpact]) -> Iterator[str]:
    """Yield for each participant class the difference that the new release makes on the claims."""
    for impact in claims:
        claims_total, (fees_before, fees_after) = impact.total, impact.units_times_fee
        class_note = f" ({participant_label(impact.participant)})" if len(claims) > 1 else ""
        percent_change = wording.percent(claims_total.before_cents, claims_total.after_cents)
        allowed_amounts = f"{dollars(claims_total.before_cents)} → {dollars(claims_total.after_cents)}"
        # With units times fee beside it: whoever calculated the year in a spreadsheet sees how far the two differ.
        yield (
            f"Your claims, adjudicated under both releases{class_note}: {signed_dollars(claims_total.change_cents)} "
            f"({percent_change}), {allowed_amounts} allowed on {wording.count(claims_total.lines, 'line')} "
            f"(units times fee would give {dollars(fees_before)} → {dollars(fees_after)})."
            f"{_uncounted_note(impact.without_amount)}"
        )
        if impact.result_changes:
            changed_count = sum(line_count for _, _, line_count in impact.result_changes)
            verb = "has" if changed_count == 1 else "have"
            yield f"{wording.count(changed_count, 'line')} of your claims {verb} a new result."


def _uncounted_note(uncounted_lines: int) -> str:
    """How many lines have no amount in one of the releases."""
    return f" Not counted: {wording.count(uncounted_lines, 'line')} without an amount." if uncounted_lines else ""
