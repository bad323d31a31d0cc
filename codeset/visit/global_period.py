"""Procedures in the global period of an earlier one: 58 or 79, or part of it (IOM 100-04, chapter 12, section 40)."""

from dataclasses import replace

from codeset.visit.code_book import CodeBook
from codeset.visit.services import Question, Service, Unbilled
from codeset.visit.visit import Visit
from codeset.visit.visit_rules import modifier_for

_NO_PROCEDURE = "XXX"
"""Global days of what is in no global period, such as pathology: it is reported as ever."""


def in_global_period(
    coded_item: Service | Unbilled | Question, visit: Visit, code_book: CodeBook
) -> Service | Unbilled | Question:
    """Return *coded_item* as it is reported if its lesions were treated in an earlier procedure's global period."""
    fee_row = code_book.fee_schedule.get(coded_item.hcpcs) if isinstance(coded_item, Service) else None
    if not isinstance(coded_item, Service) or fee_row is None or fee_row.global_days == _NO_PROCEDURE:
        return coded_item
    periods = _reasons_in_period(coded_item, visit)
    # A modifier is of the whole line: the reason of one lesion would be claimed for the others.
    if len(periods) > 1:
        return Question("global-periods", coded_item.about, ", ".join(sorted(periods)))
    period = periods.pop() if periods else "none"
    if period == "complication":
        return Unbilled(coded_item.about, "procedure-complication", "it was for a complication", coded_item.hcpcs)
    if period == "none":
        return coded_item
    modifier = modifier_for(period)
    return replace(
        coded_item.with_modifier(modifier), rests_on=(*coded_item.rests_on, f"{period} procedure ({modifier})")
    )


def _reasons_in_period(service: Service, visit: Visit) -> set[str]:
    """Why the lesions of *service* were treated in a global period; a numbered lesion is one of several alike."""
    return {lesion.global_period for lesion in visit.lesions if set(lesion.names).intersection(service.lesions)}
