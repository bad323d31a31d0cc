"""What a visit is coded as, before and after the edits: services, what is not billed, and what is asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal

from codeset.visit.code_facts import CodeFact, CodeFacts
from codeset.visit.visit import Visit
from codeset.visit.visit_rules import question_text


@dataclass(frozen=True)
class Alternative:
    """A code that was considered and not chosen, and why."""

    hcpcs: str
    why_not: str


@dataclass(frozen=True)
class Question:
    """A fact that decides and is not given: its name, what it is about, and what is asked. No code is made up."""

    name: str
    about: str
    detail: str = ""

    @property
    def asks(self) -> str:
        """The question in words."""
        return question_text(self.name, self.detail)


@dataclass(frozen=True)
class Unbilled:
    """What was done and is not billed separately: what it is about, the rule, and why; the code that it would have."""

    about: str
    rule: str
    why: str
    hcpcs: str | None = None


@dataclass(frozen=True)
class Service:
    """A code with its units, chosen by `rule`; the lesions it is of, and the facts that it rests on.

    `add_on_to`: the code that an add-on goes with.
    """

    hcpcs: str
    rule: str
    about: str
    units: int = 1
    lesions: tuple[str, ...] = ()
    diagnoses: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    modifiers: tuple[str, ...] = ()
    add_on_to: str | None = None

    def with_modifier(self, modifier: str) -> "Service":
        """Return the service with *modifier* behind those it has; once."""
        if modifier in self.modifiers:
            return self
        return replace(self, modifiers=(*self.modifiers, modifier))


@dataclass(frozen=True)
class Coding:
    """What a visit comes to: services in the order of a claim, what is not billed, and what is asked."""

    visit: Visit
    services: tuple[Service, ...] = ()
    unbilled: tuple[Unbilled, ...] = ()
    questions: tuple[Question, ...] = field(default=())


FamilyAnswers = Iterator[Service | Unbilled | Question]
"""What a family of codes makes of a visit."""

Family = Callable[[Visit, CodeFacts], FamilyAnswers]


def count_steps(size: Decimal, code_fact: CodeFact) -> int:
    """Return how many steps of *code_fact*, or parts of one, *size* has."""
    if code_fact.step is None:
        raise LookupError(f"{code_fact.hcpcs} has no step")
    return int((size / code_fact.step).to_integral_value(ROUND_CEILING))


def neighboring_sizes(code_facts: CodeFacts, chosen: CodeFact, size: Decimal) -> tuple[Alternative, ...]:
    """Return the codes of the next smaller and next larger size, and why they are not the one."""
    codes_of_use = code_facts.first_parts(chosen.technique, chosen.nature, chosen.site_class)
    position = codes_of_use.index(chosen)
    adjacent_facts = [*codes_of_use[max(position - 1, 0) : position], *codes_of_use[position + 1 : position + 2]]
    return tuple(Alternative(code_fact.hcpcs, f"is for {code_fact.sizes}; here {size}") for code_fact in adjacent_facts)


def distinct_diagnoses(*diagnoses: str | None) -> tuple[str, ...]:
    """Return the diagnoses that are given, each once, in order."""
    return tuple(dict.fromkeys(diagnosis for diagnosis in diagnoses if diagnosis))
