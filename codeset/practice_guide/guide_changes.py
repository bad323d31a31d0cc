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


def guide_changes(earlier_guide: Guide, later_guide: Guide) -> tuple[GuideChange, ...]:
    """Return what differs between the guides: codes and their figures, pairs and their indicator, verdicts."""
    return (
        *_changed_figures(
            "codes",
            _code_figures(earlier_guide, participants_of(later_guide)),
            _code_figures(later_guide, participants_of(later_guide)),
        ),
        *_changed_figures("bundles", _modifier_indicators(earlier_guide), _modifier_indicators(later_guide)),
        *_changed_figures("statements", _statement_verdicts(earlier_guide), _statement_verdicts(later_guide)),
    )


_Figures = Mapping[tuple[str, str], str]
"""A figure's text by its key and what it is."""


def _changed_figures(section: str, earlier_figures: _Figures, later_figures: _Figures) -> Iterator[GuideChange]:
    for figure_key, figure_name in sorted({*earlier_figures, *later_figures}):
        earlier_text, later_text = (
            earlier_figures.get((figure_key, figure_name), NONE),
            later_figures.get((figure_key, figure_name), NONE),
        )
        if earlier_text != later_text:
            yield GuideChange(section, figure_key, figure_name, earlier_text, later_text)


def participants_of(guide: Guide) -> tuple[Participant | None, ...]:
    """Return the participant classes that the guide has amounts for."""
    return tuple(factor.participant for factor in guide.factors)


def _code_figures(guide: Guide, participants: Sequence[Participant | None]) -> _Figures:
    return {
        (guide_code.name, figure_name): figure_text
        for guide_code in guide.codes
        for figure_name, figure_text in _figures_of_code(guide_code, participants)
    }


def _figures_of_code(guide_code: GuideCode, participants: Sequence[Participant | None]) -> Iterator[tuple[str, str]]:
    """The figures of a code; an amount that serves everyone is that of each of *participants*."""
    for column, label in _FIGURE_NAMES.items():
        yield label, str(getattr(guide_code, column))
    if guide_code.mue_value is not None:
        yield "MUE", f"{guide_code.mue_value} (MAI {guide_code.mai})"
    yield "add-on to", ", ".join(guide_code.add_on_to) or NONE
    yield "add-ons", ", ".join(guide_code.add_ons) or NONE
    # From 2026 there are two conversion factors (Social Security Act, section 1848(d)(1)(A)): an amount of 2025 is
    # compared with both.
    for amount in guide_code.amounts:
        for participant in participants if amount.participant is None else (amount.participant,):
            yield amount_label(amount.setting, participant, participants), amount_text(amount)


_FIGURE_NAMES = {
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
    participant_text = f", {participant_label(participant)}" if len(participants) > 1 else ""
    return f"{_SETTING_NAMES[setting]}{participant_text}"


_SETTING_NAMES = {"nonfacility": "office amount", "facility": "facility amount"}


def _modifier_indicators(guide: Guide) -> _Figures:
    indicator_of_pair = (
        (f"{bundle.column_one}/{column_two}", indicator)
        for bundle in guide.bundles
        for indicator, columns_two in (("0", bundle.never), ("1", bundle.with_modifier))
        for column_two in columns_two
    )
    return {(code_pair, "modifier indicator"): indicator for code_pair, indicator in indicator_of_pair}


def _statement_verdicts(guide: Guide) -> _Figures:
    return {(statement.id, "verdict"): statement.verdict for statement in guide.statements}
