"""What CMS's edits make of the services of a day: distinct lesions are marked; part of another is not billed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from codeset.visit.code_book import CodeBook, PtpEdit
from codeset.visit.services import Question, Service, Unbilled
from codeset.visit.visit import Visit
from codeset.visit.visit_rules import modifier_for, rule

Refusal = Question | Unbilled
"""Why a service is not billed, or what is asked before it can be."""

_INCIDENT_TO = "5"
_WITH_COMPONENTS = "1"
"""PC/TC indicators: incident to a physician's service; a test with 26 and TC (record layout RVU25D)."""


def settled(visit: Visit, services: Sequence[Service], book: CodeBook) -> tuple[list[Service], list[Refusal]]:
    """Return the *services* that can be billed together, with the modifiers they need, and what is not billed or asked.

    An add-on goes where the code that it adds to goes.
    """
    kept, refusals = list(services), []
    # Units are counted last: what is part of another service is not billed, and counts toward no MUE.
    for step in (_payable, _of_hospital, _bundled, _within_mue):
        kept, refusals_of_step = step(visit, kept, book)
        refusals += refusals_of_step
        # After every step: an add-on is not payable without its primary (Policy Manual 2026, I-34).
        kept, orphans = _with_primaries(kept)
        refusals += orphans
    return _distinct(kept), refusals


def _payable(visit: Visit, services: list[Service], book: CodeBook) -> tuple[list[Service], list[Refusal]]:
    """Services whose code the release pays, by a rule that holds on the date."""
    kept, refusals = [], list[Refusal]()
    for service in services:
        if not book.is_payable(service.hcpcs):
            refusals.append(Question("not-in-release", service.about, service.hcpcs))
        elif visit.date_of_service < (since := rule(service.rule).since):
            detail = f"{service.hcpcs} is known only from {since} on"
            refusals.append(Question("rule-not-yet", service.about, detail))
        else:
            kept.append(service)
    return kept, refusals


def _of_hospital(visit: Visit, services: list[Service], book: CodeBook) -> tuple[list[Service], list[Refusal]]:
    """In a hospital: no services incident to a physician's, and of pathology the professional component."""
    if not visit.is_in_hospital:
        return services, []
    kept, refusals = [], list[Refusal]()
    for service in services:
        indicator = book.rows[service.hcpcs].pctc_indicator
        if indicator == _INCIDENT_TO:
            refusals.append(Unbilled(service.about, "hospital-service", "the hospital reports it", service.hcpcs))
        elif indicator == _WITH_COMPONENTS:
            kept.append(replace(service, modifiers=(modifier_for("professional"), *service.modifiers)))
        else:
            kept.append(service)
    return kept, refusals


def _bundled(visit: Visit, services: list[Service], book: CodeBook) -> tuple[list[Service], list[Refusal]]:
    """Mark column two codes of other lesions; leave out those that are part of another, or ask."""
    by_place = dict(enumerate(services))
    refusals: list[Refusal] = []
    for one, other in combinations(range(len(services)), 2):
        if one not in by_place or other not in by_place:
            continue
        edit = book.edit(by_place[one].hcpcs, by_place[other].hcpcs, visit.date_of_service)
        if edit is None:
            continue
        first, second = (one, other) if by_place[one].hcpcs == edit.column_one else (other, one)
        reason = _refusal(by_place[first], by_place[second], edit)
        if reason is None:
            by_place[second] = _marked(by_place[first], by_place[second])
        else:
            refusals.append(reason)
            del by_place[second]
    return list(by_place.values()), refusals


def _marked(first: Service, second: Service) -> Service:
    """The column two service with a modifier that tells its lesions apart, unless one of the two has one.

    On column two (III-7, E.1; I-20), although since July 2019 either line may have it (CR 11168).
    """
    separate = {modifier_for("distinct"), modifier_for("before_mohs")}
    is_apart = separate.intersection(second.modifiers) or modifier_for("before_mohs") in first.modifiers
    return second if is_apart else second.with_modifier(modifier_for("distinct"))


def _refusal(first: Service, second: Service, edit: PtpEdit) -> Refusal | None:
    """Why the column two service is not billed beside the first, or None if a modifier tells them apart."""
    if edit.ccmi == 0:
        why = f"part of {first.hcpcs}; no modifier changes that"
        return Unbilled(second.about, "bundled", why, second.hcpcs)
    # A biopsy that makes the diagnosis is of the tumor itself, and yet not part of Mohs surgery (III-8, F).
    if modifier_for("before_mohs") in (*first.modifiers, *second.modifiers):
        return None
    if not first.lesions or not second.lesions:
        return Question("separate-session", second.about, f"{first.hcpcs} and {second.hcpcs}")
    if set(first.lesions).intersection(second.lesions):
        return Unbilled(second.about, "bundled", f"part of {first.hcpcs} on the same lesion", second.hcpcs)
    return None


def _within_mue(_: Visit, services: list[Service], book: CodeBook) -> tuple[list[Service], list[Refusal]]:
    """Codes whose units that day CMS would pay: one unit too many denies them all (Policy Manual 2026, I-28)."""
    # Of all lines of a code: for MAI 1, a limit per line, that asks too early, never too late.
    units = Counter[str]()
    for service in services:
        units[service.hcpcs] += service.units
    over = {code: count for code, count in units.items() if code in book.mues and count > book.mues[code][0]}
    refusals: list[Refusal] = []
    for hcpcs, count in over.items():
        value, mai = book.mues[hcpcs]
        about = next(service.about for service in services if service.hcpcs == hcpcs)
        detail = f"{count} units of {hcpcs} are more than the {value} that CMS allows a day (MAI {mai})"
        refusals.append(Question("units-above-mue", about, detail))
    return [service for service in services if service.hcpcs not in over], refusals


def _with_primaries(services: list[Service]) -> tuple[list[Service], list[Refusal]]:
    """Services without add-ons whose primary code is not billed: these go with what they add to."""
    primaries = {service.hcpcs for service in services}
    orphans = [service for service in services if service.add_on_to and service.add_on_to not in primaries]
    refusals: list[Refusal] = [
        Unbilled(service.about, service.rule, f"adds to {service.add_on_to}, which is not billed", service.hcpcs)
        for service in orphans
    ]
    return [service for service in services if service not in orphans], refusals


def _distinct(services: Iterable[Service]) -> list[Service]:
    """Services of the same code after the first, marked as of another lesion; they would be duplicates otherwise."""
    codes: set[str] = set()
    distinct = []
    for service in services:
        is_repeated = service.hcpcs in codes
        codes.add(service.hcpcs)
        distinct.append(service.with_modifier(modifier_for("distinct")) if is_repeated else service)
    return distinct
