"""Intralesional injections by count and agent, and drainage by count and whether it was complicated."""

from decimal import Decimal

from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import Chosen, Question, Service, joined, neighbors
from codeset.visit.visit import Lesion, Visit


def injection_and_drainage(visit: Visit, facts: CodeFacts) -> Chosen:
    """Yield the injections and drainages of *visit*."""
    injected_lesions = [lesion for lesion in visit.lesions if lesion.technique == "injection"]
    yield from (Question("agent", lesion.name) for lesion in injected_lesions if lesion.agent is None)
    other_agents = [lesion for lesion in injected_lesions if lesion.agent in ("corticosteroid", "other")]
    # Chemotherapy has codes of its own (Policy Manual 2026, III-8, G).
    chemotherapy = [lesion for lesion in injected_lesions if lesion.agent == "chemotherapy"]
    for technique, lesions in (("injection", other_agents), ("injection_chemotherapy", chemotherapy)):
        if lesions:
            yield _counted(technique, lesions, "injection-count", facts)
    if drained_lesions := [lesion for lesion in visit.lesions if lesion.technique == "drainage"]:
        yield _drainage(drained_lesions, facts)


def _drainage(lesions: list[Lesion], facts: CodeFacts) -> Service | Question:
    # Several are one unit of the code for complicated drainage (`drainage` in `visit_rules.toml`; III-6, D).
    if sum(lesion.count for lesion in lesions) > 1 or any(lesion.is_complicated for lesion in lesions):
        return _counted("drainage_complicated", lesions, "drainage", facts)
    if lesions[0].is_complicated is None:
        return Question("complicated", lesions[0].name)
    return _counted("drainage", lesions, "drainage", facts)


def _counted(technique: str, lesions: list[Lesion], rule: str, facts: CodeFacts) -> Service:
    count = Decimal(sum(lesion.count for lesion in lesions))
    fact = facts.covering(count, technique)
    agents = dict.fromkeys(f"agent {lesion.agent}" for lesion in lesions if lesion.agent)
    return Service(
        fact.hcpcs,
        rule,
        f"{lesions[0].technique} of " + ", ".join(lesion.name for lesion in lesions),
        lesions=tuple(lesion.name for lesion in lesions),
        diagnoses=joined(*(lesion.diagnosis for lesion in lesions)),
        rests_on=(f"{count} lesions", *agents),
        alternatives=neighbors(facts, fact, count),
    )
