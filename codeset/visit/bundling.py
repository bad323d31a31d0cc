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


def billable_services(
    visit: Visit, services: Sequence[Service], code_book: CodeBook
) -> tuple[list[Service], list[Refusal]]:
    """Return the *services* that can be billed together, with the modifiers they need, and what is not billed or asked.

    An add-on goes where the code that it adds to goes.
    """
    billable, refusals = list(services), []
    # Units are counted last: what is part of another service is not billed, and counts toward no MUE.
    for apply_rule in (_payable_services, _professional_services, _unbundled_services, _services_within_mue):
        billable, rule_refusals = apply_rule(visit, billable, code_book)
        refusals += rule_refusals
        # After every step: an add-on is not payable without its primary (Policy Manual 2026, I-34).
        billable, orphaned_add_ons = _services_with_primaries(billable)
        refusals += orphaned_add_ons
    return _with_repeats_marked(billable), refusals


def _payable_services(
    visit: Visit, services: list[Service], code_book: CodeBook
) -> tuple[list[Service], list[Refusal]]:
    """Services whose code the release pays, by a rule that holds on the date."""
    payable, refusals = [], list[Refusal]()
    for service in services:
        if not code_book.is_payable(service.hcpcs):
            refusals.append(Question("not-in-release", service.about, service.hcpcs))
        elif visit.date_of_service < (known_since := rule(service.rule).since):
            detail = f"{service.hcpcs} is known only from {known_since} on"
            refusals.append(Question("rule-not-yet", service.about, detail))
        else:
            payable.append(service)
    return payable, refusals


def _professional_services(
    visit: Visit, services: list[Service], code_book: CodeBook
) -> tuple[list[Service], list[Refusal]]:
    """In a hospital: no services incident to a physician's, and of pathology the professional component."""
    if not visit.is_in_hospital:
        return services, []
    professional, refusals = [], list[Refusal]()
    for service in services:
        indicator = code_book.fee_schedule[service.hcpcs].pctc_indicator
        if indicator == _INCIDENT_TO:
            refusals.append(Unbilled(service.about, "hospital-service", "the hospital reports it", service.hcpcs))
        elif indicator == _WITH_COMPONENTS:
            professional.append(replace(service, modifiers=(modifier_for("professional"), *service.modifiers)))
        else:
            professional.append(service)
    return professional, refusals


def _unbundled_services(
    visit: Visit, services: list[Service], code_book: CodeBook
) -> tuple[list[Service], list[Refusal]]:
    """Mark column two codes of other lesions; leave out those that are part of another, or ask."""
    remaining = dict(enumerate(services))
    refusals: list[Refusal] = []
    # In the order of the services: what one pair leaves out bundles nothing in the pairs after it.
    for earlier, later in combinations(range(len(services)), 2):
        if earlier not in remaining or later not in remaining:
            continue
        ptp_edit = code_book.ptp_edit(remaining[earlier].hcpcs, remaining[later].hcpcs, visit.date_of_service)
        if ptp_edit is None:
            continue
        column_one, column_two = (
            (earlier, later) if remaining[earlier].hcpcs == ptp_edit.column_one else (later, earlier)
        )
        refusal = _bundling_refusal(remaining[column_one], remaining[column_two], ptp_edit)
        if refusal is None:
            remaining[column_two] = _with_distinct_modifier(remaining[column_one], remaining[column_two])
        else:
            refusals.append(refusal)
            del remaining[column_two]
    return list(remaining.values()), refusals


def _with_distinct_modifier(column_one_service: Service, column_two_service: Service) -> Service:
    """The column two service with a modifier that tells its lesions apart, unless one of the two has one.

    On column two (III-7, E.1; I-20), although since July 2019 either line may have it (CR 11168).
    """
    distinct_modifiers = {modifier_for("distinct"), modifier_for("before_mohs")}
    is_distinguished = (
        distinct_modifiers.intersection(column_two_service.modifiers)
        or modifier_for("before_mohs") in column_one_service.modifiers
    )
    return column_two_service if is_distinguished else column_two_service.with_modifier(modifier_for("distinct"))


def _bundling_refusal(column_one_service: Service, column_two_service: Service, ptp_edit: PtpEdit) -> Refusal | None:
    """Why the column two service is not billed beside the first, or None if a modifier tells them apart."""
    if ptp_edit.ccmi == 0:
        explanation = f"part of {column_one_service.hcpcs}; no modifier changes that"
        return Unbilled(column_two_service.about, "bundled", explanation, column_two_service.hcpcs)
    # A biopsy that makes the diagnosis is of the tumor itself, and yet not part of Mohs surgery (III-8, F).
    if modifier_for("before_mohs") in (*column_one_service.modifiers, *column_two_service.modifiers):
        return None
    if not column_one_service.lesions or not column_two_service.lesions:
        return Question(
            "separate-session", column_two_service.about, f"{column_one_service.hcpcs} and {column_two_service.hcpcs}"
        )
    if set(column_one_service.lesions).intersection(column_two_service.lesions):
        return Unbilled(
            column_two_service.about,
            "bundled",
            f"part of {column_one_service.hcpcs} on the same lesion",
            column_two_service.hcpcs,
        )
    return None


def _services_within_mue(_: Visit, services: list[Service], code_book: CodeBook) -> tuple[list[Service], list[Refusal]]:
    """Codes whose units that day CMS would pay: one unit too many denies them all (Policy Manual 2026, I-28)."""
    # Of all lines of a code: for MAI 1, a limit per line, that asks too early, never too late.
    units_of_code = Counter[str]()
    for service in services:
        units_of_code[service.hcpcs] += service.units
    units_above_mue = {
        code: unit_count
        for code, unit_count in units_of_code.items()
        if code in code_book.mues and unit_count > code_book.mues[code][0]
    }
    refusals: list[Refusal] = []
    for hcpcs, unit_count in units_above_mue.items():
        mue_value, mai = code_book.mues[hcpcs]
        about = next(service.about for service in services if service.hcpcs == hcpcs)
        detail = f"{unit_count} units of {hcpcs} are more than the {mue_value} that CMS allows a day (MAI {mai})"
        refusals.append(Question("units-above-mue", about, detail))
    return [service for service in services if service.hcpcs not in units_above_mue], refusals


def _services_with_primaries(services: list[Service]) -> tuple[list[Service], list[Refusal]]:
    """Services without add-ons whose primary code is not billed: these go with what they add to."""
    # By code, not by line: an add-on edit names its primary by code (NCCI add-on edits).
    billed_codes = {service.hcpcs for service in services}
    orphaned_add_ons = [service for service in services if service.add_on_to and service.add_on_to not in billed_codes]
    refusals: list[Refusal] = [
        Unbilled(service.about, service.rule, f"adds to {service.add_on_to}, which is not billed", service.hcpcs)
        for service in orphaned_add_ons
    ]
    return [service for service in services if service not in orphaned_add_ons], refusals


def _with_repeats_marked(services: Iterable[Service]) -> list[Service]:
    """Services of the same code after the first, marked as of another lesion; they would be duplicates otherwise."""
    earlier_codes: set[str] = set()
    marked_services = []
    for service in services:
        is_repeated = service.hcpcs in earlier_codes
        earlier_codes.add(service.hcpcs)
        marked_services.append(service.with_modifier(modifier_for("distinct")) if is_repeated else service)
    return marked_services
