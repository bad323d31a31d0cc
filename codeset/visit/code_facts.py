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

    def __init__(self, code_facts: Iterable[CodeFact]) -> None:
        self._by_code = {code_fact.hcpcs: code_fact for code_fact in code_facts}
        facts_by_use: dict[tuple[str, str, str], list[CodeFact]] = defaultdict(list)
        # Smallest sizes first: `smallest` takes the first of a use, and `neighboring_sizes` the one before and the one
        # after.
        for code_fact in sorted(self._by_code.values(), key=lambda code_fact: code_fact.size_from):
            facts_by_use[code_fact.technique, code_fact.nature, code_fact.site_class].append(code_fact)
        self.by_use: Mapping[tuple[str, str, str], tuple[CodeFact, ...]] = {
            use_key: tuple(code_facts) for use_key, code_facts in facts_by_use.items()
        }

    @classmethod
    def of(cls, snapshot: Snapshot) -> "CodeFacts":
        """Return the facts that the release's own file states, and of what it does not state those of this program."""
        # Sealed before the table, or from a file without descriptions (docs/decisions/0009-code-facts.md).
        if CODE_FACTS not in snapshot:
            return cited_facts()
        stated_rows = {
            fact_row["hcpcs"]: fact_row
            for fact_row in snapshot.table(CODE_FACTS).iter_rows(named=True)
            if fact_row["measure"]
        }
        visit_codes = sorted({*cited_rows(), *stated_rows})
        merged_rows = (_merged_row(cited_rows().get(hcpcs), stated_rows.get(hcpcs)) for hcpcs in visit_codes)
        return cls(
            _code_fact(fact_row)
            for fact_row in merged_rows
            if fact_row["technique"] and fact_row["size_from"] is not None
        )

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
        if not (candidates := self.first_parts(technique, nature)):
            raise NoCode(f"{technique} {nature}")
        return candidates[0]

    def covering(self, size: Decimal, technique: str, nature: str = "", site_class: str = "") -> CodeFact:
        """Return the code of a technique, nature and class of site that covers *size*.

        Raises NoCode: if the release has none.
        """
        code_fact = self.find_covering(size, technique, nature, site_class)
        if code_fact is None:
            raise NoCode(f"{technique} {nature} {site_class} of {size}")
        return code_fact

    def find_covering(self, size: Decimal, technique: str, nature: str = "", site_class: str = "") -> CodeFact | None:
        """Return the code of a technique, nature and class of site that covers *size*, or None: no code does."""
        return next(
            (code_fact for code_fact in self.first_parts(technique, nature, site_class) if code_fact.covers(size)), None
        )

    def single(self, technique: str, nature: str = "", site_class: str = "") -> CodeFact:
        """Return the code of one lesion, session, or first part."""
        # One lesion, one session or one block: size 1 in the unit of a count.
        return self.covering(Decimal(1), technique, nature, site_class)

    def first_parts(self, technique: str, nature: str = "", site_class: str = "") -> list[CodeFact]:
        """Return the codes that are no further parts, smallest sizes first."""
        return [
            code_fact
            for code_fact in self.by_use.get((technique, nature, site_class), ())
            if code_fact.part != "further"
        ]

    def further(self, technique: str, nature: str = "", site_class: str = "") -> CodeFact:
        """Return the code of each further part of a technique.

        Raises NoCode: if the release has none.
        """
        codes_of_use = self.by_use.get((technique, nature, site_class), ())
        code_fact = next((code_fact for code_fact in codes_of_use if code_fact.part == "further"), None)
        if code_fact is None:
            raise NoCode(f"further {technique} {nature} {site_class}")
        return code_fact


@cache
def cited_facts() -> CodeFacts:
    """Return the facts of `code_facts.csv` alone."""
    return CodeFacts(_code_fact(fact_row) for fact_row in cited_rows().values())


@cache
def cited_rows() -> Mapping[str, Mapping[str, Any]]:
    """Return the rows of `code_facts.csv` by code, sizes as decimals."""
    csv_text = files("codeset.visit").joinpath("code_facts.csv").read_text(encoding="utf-8")
    return {
        fact_row["hcpcs"]: {**fact_row, **_decimal_sizes(fact_row)}
        for fact_row in csv.DictReader(csv_text.splitlines())
    }


def _decimal_sizes(fact_row: Mapping[str, str]) -> dict[str, Decimal | None]:
    return {
        column: Decimal(fact_row[column]) if fact_row[column] else None for column in ("size_from", "size_to", "step")
    }


def _merged_row(cited_row: Mapping[str, Any] | None, stated_row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a release's file states of a code, before what this program cites of it."""
    if stated_row is None or cited_row is None:
        return stated_row or cited_row or {}
    merged_row = {
        column: cited_value if stated_row.get(column) is None else stated_row[column]
        for column, cited_value in cited_row.items()
    }
    # Both ends from one source: an open end in the file is its statement, not a gap to fill from the cited row.
    if stated_row["size_from"] is not None:
        merged_row["size_to"] = stated_row["size_to"]
    return merged_row


def _code_fact(fact_row: Mapping[str, Any]) -> CodeFact:
    field_values = {field.name: fact_row[field.name] for field in fields(CodeFact)}
    text_fields = {column: field_values[column] or "" for column in ("nature", "site_class")}
    counted_sizes = {
        column: _as_counted(field_values[column], field_values["measure"])
        for column in ("size_from", "size_to", "step")
    }
    return CodeFact(**field_values | text_fields | counted_sizes | {"part": field_values["part"] or "whole"})


def _as_counted(size: Decimal | None, measure: str) -> Decimal | None:
    """A count as a whole number; a table has one decimal for all sizes."""
    return size if size is None or measure.endswith("_cm") else size.to_integral_value()
