"""Photodynamic therapy, by who applied the photosensitizer; phototherapy, by its kind; excimer laser, by area."""

from decimal import Decimal

from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import Alternative, FamilyAnswers, Question, Service, distinct_diagnoses, neighboring_sizes
from codeset.visit.visit import Light, Photodynamic, Visit

_PHOTODYNAMIC_KINDS = ("debridement", "physician", "staff")


def light(visit: Visit, code_facts: CodeFacts) -> FamilyAnswers:
    """Yield the photodynamic therapy and the phototherapy of *visit*."""
    if visit.photodynamic:
        yield _photodynamic_service(visit.photodynamic, code_facts)
    if visit.light:
        yield _phototherapy_service(visit.light, code_facts)


def _photodynamic_service(therapy: Photodynamic, code_facts: CodeFacts) -> Service | Question:
    if therapy.applied_by is None:
        return Question("who-applied", "photodynamic therapy")
    if therapy.with_debridement and therapy.applied_by == "staff":
        return Question("who-debrided", "photodynamic therapy")
    kind = "debridement" if therapy.with_debridement else therapy.applied_by
    other_kinds = [other_kind for other_kind in _PHOTODYNAMIC_KINDS if other_kind != kind]
    return Service(
        code_facts.single(f"photodynamic_{kind}", "premalignant").hcpcs,
        "photodynamic",
        "photodynamic therapy",
        diagnoses=distinct_diagnoses(therapy.diagnosis),
        rests_on=(f"applied by {therapy.applied_by}", f"debridement: {'yes' if therapy.with_debridement else 'no'}"),
        alternatives=tuple(
            Alternative(code_facts.single(f"photodynamic_{other_kind}", "premalignant").hcpcs, f"is for {other_kind}")
            for other_kind in other_kinds
        ),
    )


def _phototherapy_service(session: Light, code_facts: CodeFacts) -> Service | Question:
    if session.kind == "excimer" and session.area_sq_cm is None:
        return Question("area", "excimer laser")
    # All but the excimer laser are coded by the session, which is one.
    area_or_session = session.area_sq_cm or Decimal(1)
    code_fact = code_facts.covering(area_or_session, f"light_{session.kind}")
    return Service(
        code_fact.hcpcs,
        "light",
        f"phototherapy ({session.kind})",
        diagnoses=distinct_diagnoses(session.diagnosis),
        rests_on=(f"kind {session.kind}", *((f"{area_or_session} sq cm",) if session.area_sq_cm else ())),
        alternatives=neighboring_sizes(code_facts, code_fact, area_or_session),
    )
