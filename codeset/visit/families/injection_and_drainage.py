"""Intralesional injections by count and agent, and drainage by count and whether it was complicated."""

from decimal import Decimal

from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import FamilyAnswers, Question, Service, distinct_diagnoses, neighboring_sizes
from codeset.visit.visit import Lesion, Visit


def injection_and_drainage(visit: Visit, code_facts: CodeFacts) -> FamilyAnswers:
    """Yield the injections and drainages of *visit*."""
    injected_lesions = [lesion for lesion in visit.lesions if lesion.technique == "injection"]
    yield from (Question("agent", lesion.name) for lesion in injected_lesions if lesion.agent is None)
    other_agents = [lesion for lesion in injected_lesions if lesion.agent in ("corticosteroid", "other")]
    # Chemotherapy has codes of its own (Policy Manual 2026, III-8, G).
    chemotherapy = [lesion for lesion in injected_lesions if lesion.agent == "chemotherapy"]
    for technique, lesions in (("injection", other_agents), ("injection_chemotherapy", chemotherapy)):
        if lesions:
            yield _service_by_count(technique, lesions, "injection-count", code_facts)
    if drained_lesions := [lesion for lesion in visit.lesions if lesion.technique == "drainage"]:
        yield _drainage_service(drained_lesions, code_facts)


def _drainage_service(lesions: list[Lesion], code_facts: CodeFacts) -> Service | Question:
    # Several are one unit of the code for complicated drainage (`drainage` in `visit_rules.toml`; III-6, D).
    if sum(lesion.count for lesion in lesions) > 1 or any(lesion.is_complicated for lesion in lesions):
        return _service_by_count("drainage_complicated", lesions, "drainage", code_facts)
    if lesions[0].is_complicated is None:
        return Question("complicated", lesions[0].name)
    return _service_by_count("drainage", lesions, "drainage", code_facts)


def _service_by_count(technique: str, lesions: list[Lesion], rule: str, code_facts: CodeFacts) -> Service:
    lesion_count = Decimal(sum(lesion.count for lesion in lesions))
    code_fact = code_facts.covering(lesion_count, technique)
    agents = dict.fromkeys(f"agent {lesion.agent}" for lesion in lesions if lesion.agent)
    return Service(
        code_fact.hcpcs,
        rule,
        f"{lesions[0].technique} of " + ", ".join(lesion.name for lesion in lesions),
        lesions=tuple(lesion.name for lesion in lesions),
        diagnoses=distinct_diagnoses(*(lesion.diagnosis for lesion in lesions)),
        rests_on=(f"{lesion_count} lesions", *agents),
        alternatives=neighboring_sizes(code_facts, code_fact, lesion_count),
    )
