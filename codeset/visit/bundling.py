"""What CMS's edits make of the services of a day: distinct lesions are marked; part of another is not billed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from codeset.visit.code_book import CodeBook, PtpEdit
from codeset.visit.services import Question, Service, Unbilled
from codeset.visit.visit import Visit
from codeset.visit.visit_rules import modifier_for, rule

Refused = Question | Unbilled

_INCIDENT_TO = "5"
_WITH_COMPONENTS = "1"


def settled(visit: Visit, services: Sequence[Service], book: CodeBook) -> tuple[list[Service], list[Refused]]:
    """Return the *services* that can be billed together, with the modifiers they need, and what is not billed or asked.

    An add-on goes where the code that it adds to goes.
    """
    kept, refused = list(services), []
    for step in (_payable, _of_hospital, _bundled, _within_mue):
        kept, now = step(visit, kept, book)
        refused += now
        kept, orphans = _with_primaries(kept)
        refused += orphans
    return _distinct(kept), refused


def _payable(visit: Visit, services: list[Service], book: CodeBook) -> tuple[list[Service], list[Refused]]:
    """Services whose code the release pays, by a rule that holds on the date."""
    refused: list[Refused] = []
    for service in services:
        if not book.is_payable(service.hcpcs):
            refused.append(Question("not-in-release", service.about, service.hcpcs))
        elif visit.date_of_service < (since := rule(service.rule).since):
            detail = f"{service.hcpcs} is known only from {since} on"
            refused.append(Question("rule-not-yet", service.about, detail))
    about = {(question.about) for question in refused}
    return [service for service in services if service.about not in about], refused


def _of_hospital(visit: Visit, services: list[Service], book: CodeBook) -> tuple[list[Service], list[Refused]]:
    """In a hospital: no services incident to a physician's, and of pathology the professional component."""
    if not visit.is_in_hospital:
        return services, []
    kept, refused = [], list[Refused]()
    for service in services:
        indicator = book.rows[service.hcpcs].pctc_indicator
        if indicator == _INCIDENT_TO:
            refused.append(Unbilled(service.about, "hospital-service", "the hospital reports it", service.hcpcs))
        elif indicator == _WITH_COMPONENTS:
            kept.append(replace(service, modifiers=(modifier_for("professional"), *service.modifiers)))
        else:
            kept.append(service)
    return kept, refused


def _bundled(visit: Visit, services: list[Service], book: CodeBook) -> tuple[list[Service], list[Refused]]:
    """Mark column two codes of other lesions; leave out those that are part of another, or ask."""
    marked = dict(enumerate(services))
    refused: list[Refused] = []
    for one, other in combinations(range(len(services)), 2):
        if one not in marked or other not in marked:
            continue
        edit = book.edit(marked[one].hcpcs, marked[other].hcpcs, visit.date_of_service)
        if edit is None:
            continue
        first, second = (one, other) if marked[one].hcpcs == edit.column_one else (other, one)
        reason = _refusal(marked[first], marked[second], edit)
        if reason is None:
            marked[second] = _marked(marked[first], marked[second])
        else:
            refused.append(reason)
            del marked[second]
    return list(marked.values()), refused


def _marked(first: Service, second: Service) -> Service:
    """The column two service with a modifier that tells its lesions apart, unless one of the two has one."""
    separate = {modifier_for("distinct"), modifier_for("before_mohs")}
    is_apart = separate.intersection(second.modifiers) or modifier_for("before_mohs") in first.modifiers
    return second if is_apart else second.with_modifier(modifier_for("distinct"))


def _refusal(first: Service, second: Service, edit: PtpEdit) -> Refused | None:
    """Why the column two service is not billed beside the first, or None if a modifier tells them apart."""
    if edit.ccmi == 0:
        why = f"part of {first.hcpcs}; no modifier changes that"
        return Unbilled(second.about, "bundled", why, second.hcpcs)
    if modifier_for("before_mohs") in (*first.modifiers, *second.modifiers):
        return None
    if not first.lesions or not second.lesions:
        return Question("separate-session", second.about, f"{first.hcpcs} and {second.hcpcs}")
    if set(first.lesions).intersection(second.lesions):
        return Unbilled(second.about, "bundled", f"part of {first.hcpcs} on the same lesion", second.hcpcs)
    return None


def _within_mue(_: Visit, services: list[Service], book: CodeBook) -> tuple[list[Service], list[Refused]]:
    """Codes whose units that day CMS would pay: one unit too many denies them all (Policy Manual 2026, I-28)."""
    units = Counter[str]()
    for service in services:
        units[service.hcpcs] += service.units
    over = {code: count for code, count in units.items() if code in book.mues and count > book.mues[code][0]}
    refused: list[Refused] = []
    for hcpcs, count in over.items():
        value, mai = book.mues[hcpcs]
        about = next(service.about for service in services if service.hcpcs == hcpcs)
        detail = f"{count} units of {hcpcs} are more than the {value} that CMS allows a day (MAI {mai})"
        refused.append(Question("units-above-mue", about, detail))
    return [service for service in services if service.hcpcs not in over], refused


def _with_primaries(services: list[Service]) -> tuple[list[Service], list[Refused]]:
    """Add-ons whose primary code is there for the same lesions; the others go with what they add to."""
    primaries = {service.hcpcs for service in services}
    orphans = [service for service in services if service.add_on_to and service.add_on_to not in primaries]
    refused: list[Refused] = [
        Unbilled(service.about, service.rule, f"adds to {service.add_on_to}, which is not billed", service.hcpcs)
        for service in orphans
    ]
    return [service for service in services if service not in orphans], refused


def _distinct(services: Iterable[Service]) -> list[Service]:
    """Services of the same code after the first, marked as of another lesion; they would be duplicates otherwise."""
    seen: set[str] = set()
    marked = []
    for service in services:
        repeated = service.hcpcs in seen
        seen.add(service.hcpcs)
        marked.append(service.with_modifier(modifier_for("distinct")) if repeated else service)
    return marked
