"""What codes are for, as numbers and flags: technique, nature, class of site, and the sizes or counts they cover.

A release's table `code_facts` holds what the short descriptions of its own fee schedule file state. What they do not
state is in `code_facts.csv`, which is also what a release is coded by that was sealed without that table; a test holds
the two against one another on CMS's files. No description stands in either: docs/decisions/0009-code-facts.md.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from codeset.snapshot import Snapshot

CODE_FACTS = "code_facts"
"""The table of a release that holds what its own file states."""


class NoCode(LookupError):
    """No code of a release is for what was done; the text says for what."""


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


class CodeFacts:
    """The facts of every code that a visit can be coded with, by code and by use."""

    def __init__(self, facts: Iterable[CodeFact]) -> None:
        self._by_code = {fact.hcpcs: fact for fact in facts}
        by_use: dict[tuple[str, str, str], list[CodeFact]] = defaultdict(list)
        for fact in sorted(self._by_code.values(), key=lambda fact: fact.size_from):
            by_use[fact.technique, fact.nature, fact.site_class].append(fact)
        self.by_use: Mapping[tuple[str, str, str], tuple[CodeFact, ...]] = {
            use: tuple(facts) for use, facts in by_use.items()
        }

    @classmethod
    def of(cls, snapshot: Snapshot) -> "CodeFacts":
        """Return the facts that the release's own file states, and of what it does not state those of this program."""
        # Sealed before the table, or from a file without descriptions (docs/decisions/0009-code-facts.md).
        if CODE_FACTS not in snapshot:
            return cited_facts()
        stated_rows = {row["hcpcs"]: row for row in snapshot.table(CODE_FACTS).iter_rows(named=True) if row["measure"]}
        codes = sorted({*cited_rows(), *stated_rows})
        rows = (_joined(cited_rows().get(code), stated_rows.get(code)) for code in codes)
        return cls(_fact(row) for row in rows if row["technique"] and row["size_from"] is not None)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes, in order."""
        return tuple(self._by_code)

    def of_code(self, hcpcs: str) -> CodeFact | None:
        """Return what *hcpcs* is for, or None: a visit is not coded with it."""
        return self._by_code.get(hcpcs)

    def smallest(self, technique: str, nature: str) -> CodeFact:
        """Return the code of the smallest size of a technique and nature.

        Raises NoCode: if the release has none.
        """
        if not (facts := self.firsts(technique, nature)):
            raise NoCode(f"{technique} {nature}")
        return facts[0]

    def covering(self, size: Decimal, technique: str, nature: str = "", site_class: str = "") -> CodeFact:
        """Return the code of a technique, nature and class of site that covers *size*.

        Raises NoCode: if the release has none.
        """
        fact = self.find_covering(size, technique, nature, site_class)
        if fact is None:
            raise NoCode(f"{technique} {nature} {site_class} of {size}")
        return fact

    def find_covering(self, size: Decimal, technique: str, nature: str = "", site_class: str = "") -> CodeFact | None:
        """Return the code of a technique, nature and class of site that covers *size*, or None: no code does."""
        return next((fact for fact in self.firsts(technique, nature, site_class) if fact.covers(size)), None)

    def single(self, technique: str, nature: str = "", site_class: str = "") -> CodeFact:
        """Return the code of one lesion, session, or first part."""
        return self.covering(Decimal(1), technique, nature, site_class)

    def firsts(self, technique: str, nature: str = "", site_class: str = "") -> list[CodeFact]:
        """Return the codes that are no further parts, smallest sizes first."""
        return [fact for fact in self.by_use.get((technique, nature, site_class), ()) if fact.part != "further"]

    def further(self, technique: str, nature: str = "", site_class: str = "") -> CodeFact:
        """Return the code of each further part of a technique.

        Raises NoCode: if the release has none.
        """
        of_use = self.by_use.get((technique, nature, site_class), ())
        fact = next((fact for fact in of_use if fact.part == "further"), None)
        if fact is None:
            raise NoCode(f"further {technique} {nature} {site_class}")
        return fact


@cache
def cited_facts() -> CodeFacts:
    """Return the facts of `code_facts.csv` alone."""
    return CodeFacts(_fact(row) for row in cited_rows().values())


@cache
def cited_rows() -> Mapping[str, Mapping[str, Any]]:
    """Return the rows of `code_facts.csv` by code, sizes as decimals."""
    text = files("codeset.visit").joinpath("code_facts.csv").read_text(encoding="utf-8")
    return {row["hcpcs"]: {**row, **_sizes(row)} for row in csv.DictReader(text.splitlines())}


def _sizes(row: Mapping[str, str]) -> dict[str, Decimal | None]:
    return {name: Decimal(row[name]) if row[name] else None for name in ("size_from", "size_to", "step")}


def _joined(cited_row: Mapping[str, Any] | None, stated_row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a release's file states of a code, before what this program cites of it."""
    if stated_row is None or cited_row is None:
        return stated_row or cited_row or {}
    row = {name: value if stated_row.get(name) is None else stated_row[name] for name, value in cited_row.items()}
    # Both ends from one source: an open end in the file is its statement, not a gap to fill from the cited row.
    if stated_row["size_from"] is not None:
        row["size_to"] = stated_row["size_to"]
    return row


def _fact(row: Mapping[str, Any]) -> CodeFact:
    values = {field.name: row[field.name] for field in fields(CodeFact)}
    texts = {name: values[name] or "" for name in ("nature", "site_class")}
    sizes = {name: _as_counted(values[name], values["measure"]) for name in ("size_from", "size_to", "step")}
    return CodeFact(**values | texts | sizes | {"part": values["part"] or "whole"})


def _as_counted(size: Decimal | None, measure: str) -> Decimal | None:
    """A count as a whole number; a table has one decimal for all sizes."""
    return size if size is None or measure.endswith("_cm") else size.to_integral_value()
