"""What differs between the guides of two releases, as values that a review or a program can show."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from codeset.money import dollars
from codeset.participants import Participant, participant_label
from codeset.practice_guide.guide import Guide, GuideAmount, GuideCode
from codeset.wording import NONE


@dataclass(frozen=True)
class GuideChange:
    """One figure of the guide that differs: in which section, of which code, pair or statement, which figure."""

    section: str
    key: str
    what: str
    before: str
    after: str


def guide_changes(old: Guide, new: Guide) -> tuple[GuideChange, ...]:
    """Return what *new* says otherwise than *old*: codes and their figures, pairs and their indicator, verdicts."""
    return (
        *_differing("codes", _figures(old, participants_of(new)), _figures(new, participants_of(new))),
        *_differing("bundles", _indicators(old), _indicators(new)),
        *_differing("statements", _verdicts(old), _verdicts(new)),
    )


_Figures = Mapping[tuple[str, str], str]
"""A figure's text by its key and what it is."""


def _differing(section: str, before: _Figures, after: _Figures) -> Iterator[GuideChange]:
    for key, what in sorted({*before, *after}):
        old_text, new_text = before.get((key, what), NONE), after.get((key, what), NONE)
        if old_text != new_text:
            yield GuideChange(section, key, what, old_text, new_text)


def participants_of(guide: Guide) -> tuple[Participant | None, ...]:
    """Return the participant classes that the guide has amounts for."""
    return tuple(factor.participant for factor in guide.factors)


def _figures(guide: Guide, participants: Sequence[Participant | None]) -> _Figures:
    return {(code.name, what): text for code in guide.codes for what, text in _figures_of(code, participants)}


def _figures_of(code: GuideCode, participants: Sequence[Participant | None]) -> Iterator[tuple[str, str]]:
    """The figures of a code; an amount that serves everyone is that of each of *participants*."""
    for column, label in _COLUMNS.items():
        yield label, str(getattr(code, column))
    if code.mue_value is not None:
        yield "MUE", f"{code.mue_value} (MAI {code.mai})"
    yield "add-on to", ", ".join(code.add_on_to) or NONE
    yield "add-ons", ", ".join(code.add_ons) or NONE
    # From 2026 there are two conversion factors (Social Security Act, section 1848(d)(1)(A)): an amount of 2025 is
    # compared with both.
    for amount in code.amounts:
        for participant in participants if amount.participant is None else (amount.participant,):
            yield amount_label(amount.setting, participant, participants), amount_text(amount)


_COLUMNS = {
    "status_code": "status",
    "work_rvu": "work RVU",
    "nonfacility_total_rvu": "total RVU, office",
    "facility_total_rvu": "total RVU, facility",
    "global_days": "global days",
}


def amount_text(amount: GuideAmount) -> str:
    """Return an amount in dollars, or why there is none."""
    return amount.lacks if amount.cents is None else dollars(amount.cents)


def amount_label(setting: str, participant: Participant | None, participants: Sequence[Participant | None]) -> str:
    """Return what an amount is called: its setting and, if the guide has several *participants*, whom it is for."""
    whom = f", {participant_label(participant)}" if len(participants) > 1 else ""
    return f"{_SETTING_NAMES[setting]}{whom}"


_SETTING_NAMES = {"nonfacility": "office amount", "facility": "facility amount"}


def _indicators(guide: Guide) -> _Figures:
    pairs = (
        (f"{bundle.column_one}/{two}", indicator)
        for bundle in guide.bundles
        for indicator, twos in (("0", bundle.never), ("1", bundle.with_modifier))
        for two in twos
    )
    return {(pair, "modifier indicator"): indicator for pair, indicator in pairs}


def _verdicts(guide: Guide) -> _Figures:
    return {(statement.id, "verdict"): statement.verdict for statement in guide.statements}
