"""Photodynamic therapy, by who applied the photosensitizer; phototherapy, by its kind; excimer laser, by area."""

from decimal import Decimal

from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import Alternative, Chosen, Question, Service, joined, neighbors
from codeset.visit.visit import Light, Photodynamic, Visit

_PHOTODYNAMIC = ("debridement", "physician", "staff")


def light(visit: Visit, facts: CodeFacts) -> Chosen:
    """Yield the photodynamic therapy and the phototherapy of *visit*."""
    if visit.photodynamic:
        yield _photodynamic(visit.photodynamic, facts)
    if visit.light:
        yield _phototherapy(visit.light, facts)


def _photodynamic(therapy: Photodynamic, facts: CodeFacts) -> Service | Question:
    if therapy.applied_by is None:
        return Question("who-applied", "photodynamic therapy")
    if therapy.with_debridement and therapy.applied_by == "staff":
        return Question("who-debrided", "photodynamic therapy")
    kind = "debridement" if therapy.with_debridement else therapy.applied_by
    others = [other for other in _PHOTODYNAMIC if other != kind]
    return Service(
        facts.single(f"photodynamic_{kind}", "premalignant").hcpcs,
        "photodynamic",
        "photodynamic therapy",
        diagnoses=joined(therapy.diagnosis),
        rests_on=(f"applied by {therapy.applied_by}", f"debridement: {'yes' if therapy.with_debridement else 'no'}"),
        alternatives=tuple(
            Alternative(facts.single(f"photodynamic_{other}", "premalignant").hcpcs, f"is for {other}")
            for other in others
        ),
    )


def _phototherapy(session: Light, facts: CodeFacts) -> Service | Question:
    if session.kind == "excimer" and session.area_sq_cm is None:
        return Question("area", "excimer laser")
    # All but the excimer laser are coded by the session, which is one.
    size = session.area_sq_cm or Decimal(1)
    fact = facts.covering(size, f"light_{session.kind}")
    return Service(
        fact.hcpcs,
        "light",
        f"phototherapy ({session.kind})",
        diagnoses=joined(session.diagnosis),
        rests_on=(f"kind {session.kind}", *((f"{size} sq cm",) if session.area_sq_cm else ())),
        alternatives=neighbors(facts, fact, size),
    )
