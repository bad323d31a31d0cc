"""Procedures in the global period of an earlier one: 58 or 79, or part of it (IOM 100-04, chapter 12, section 40)."""

from dataclasses import replace

from codeset.visit.code_book import CodeBook
from codeset.visit.services import Question, Service, Unbilled
from codeset.visit.visit import Visit
from codeset.visit.visit_rules import modifier_for

_NO_PROCEDURE = "XXX"
"""Global days of what is in no global period, such as pathology: it is reported as ever."""


def in_global_period(
    answer: Service | Unbilled | Question, visit: Visit, book: CodeBook
) -> Service | Unbilled | Question:
    """Return *answer* as it is reported if its lesions were treated in the global period of an earlier procedure."""
    row = book.rows.get(answer.hcpcs) if isinstance(answer, Service) else None
    if not isinstance(answer, Service) or row is None or row.global_days == _NO_PROCEDURE:
        return answer
    periods = _periods(answer, visit)
    # A modifier is of the whole line: the reason of one lesion would be claimed for the others.
    if len(periods) > 1:
        return Question("global-periods", answer.about, ", ".join(sorted(periods)))
    period = periods.pop() if periods else "none"
    if period == "complication":
        return Unbilled(answer.about, "procedure-complication", "it was for a complication", answer.hcpcs)
    if period == "none":
        return answer
    modifier = modifier_for(period)
    return replace(answer.with_modifier(modifier), rests_on=(*answer.rests_on, f"{period} procedure ({modifier})"))


def _periods(service: Service, visit: Visit) -> set[str]:
    """Why the lesions of *service* were treated in a global period; a numbered lesion is one of several alike."""
    return {lesion.global_period for lesion in visit.lesions if set(lesion.names).intersection(service.lesions)}
