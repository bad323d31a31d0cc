"""What codes are for, as numbers and flags: technique, nature, class of site, and the sizes or counts they cover.

`code_facts.csv` holds what the short descriptions of CMS's fee schedule files state (a test reads those files and
confirms each number), and in the columns that `not_described` names what no description states; ASSUMPTIONS.md says
where that is from. No description stands in it: docs/decisions/0009-code-facts.md.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class CodeFact:
    """What one code is for. `size_from` and `size_to` are inclusive, in the unit of `measure`; None is open.

    `part`: the code is the `whole` service, its `first` part, or each `further` one, of `step` each.
    """

    hcpcs: str
    technique: str
    nature: str
    site_class: str
    measure: str
    size_from: Decimal
    size_to: Decimal | None
    part: str
    step: Decimal | None
    not_described: tuple[str, ...]

    def covers(self, size: Decimal) -> bool:
        """Whether *size*, in the unit of `measure`, is one of this code's."""
        return self.size_from <= size and (self.size_to is None or size <= self.size_to)

    @property
    def sizes(self) -> str:
        """The sizes as people write them: `0.6 to 1.0 cm`, `more than 4.0 cm`, `15 or more lesions`."""
        unit = {"diameter_cm": "cm", "length_cm": "cm", "area_sq_cm": "sq cm"}.get(self.measure, self.measure)
        if self.size_to is None:
            return f"{self.size_from} {unit} or more"
        return (
            f"{self.size_to} {unit}" if self.size_from == self.size_to else f"{self.size_from} to {self.size_to} {unit}"
        )


@cache
def code_facts() -> tuple[CodeFact, ...]:
    """Return the facts of every code that a visit can be coded with, by code."""
    text = files("codeset.visit").joinpath("code_facts.csv").read_text(encoding="utf-8")
    return tuple(_code_fact(row) for row in csv.DictReader(text.splitlines()))


def _code_fact(row: Mapping[str, str]) -> CodeFact:
    return CodeFact(
        hcpcs=row["hcpcs"],
        technique=row["technique"],
        nature=row["nature"],
        site_class=row["site_class"],
        measure=row["measure"],
        size_from=Decimal(row["size_from"]),
        size_to=Decimal(row["size_to"]) if row["size_to"] else None,
        part=row["part"],
        step=Decimal(row["step"]) if row["step"] else None,
        not_described=tuple(row["not_described"].split()),
    )


@cache
def facts_by_use() -> Mapping[tuple[str, str, str], tuple[CodeFact, ...]]:
    """Return the facts by technique, nature and class of site, smallest sizes first."""
    by_use: dict[tuple[str, str, str], list[CodeFact]] = defaultdict(list)
    for fact in sorted(code_facts(), key=lambda fact: fact.size_from):
        by_use[fact.technique, fact.nature, fact.site_class].append(fact)
    return {use: tuple(facts) for use, facts in by_use.items()}


@cache
def fact_of(hcpcs: str) -> CodeFact | None:
    """Return what *hcpcs* is for, or None: a visit is not coded with it."""
    return next((fact for fact in code_facts() if fact.hcpcs == hcpcs), None)
