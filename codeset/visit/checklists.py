"""What the record must hold for each family, and what of it a visit says is missing."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from codeset.errors import WrongUse
from codeset.visit.code_facts import CodeFacts
from codeset.visit.services import Service
from codeset.visit.visit import Visit
from codeset.visit.visit_rules import modifier_for

_OF_TECHNIQUE = {
    "biopsy": "biopsy",
    "shave": "shave",
    "excision": "excision",
    "destruction": "destruction",
    "tag": "tags",
    "mohs": "mohs",
    "repair": "repair",
    "flap": "flap",
    "graft": "graft",
    "injection": "injection",
    "drainage": "drainage",
    "photodynamic": "photodynamic",
    "light": "phototherapy",
    "pathology": "pathology",
    "stain": "pathology",
    "frozen": "pathology",
    "visit": "visit",
}
"""The checklist of a technique, by its first word."""


@dataclass(frozen=True)
class ChecklistItem:
    """One thing that the record must hold: its name, what it is, and who says so."""

    name: str
    says: str
    source: str


@dataclass(frozen=True)
class Checklist:
    """What the record of a family must hold; `since`: from when on its sources are known to say so."""

    family: str
    title: str
    since: date
    items: tuple[ChecklistItem, ...]


@dataclass(frozen=True)
class RecordCheck:
    """What the record of a line must hold, and what of it is `missing`; None if the visit does not say."""

    items: tuple[ChecklistItem, ...]
    missing: tuple[str, ...] | None

    @property
    def verdict(self) -> str:
        """`documented`, `missing: margins`, or `record not given`."""
        if self.missing is None:
            return "record not given"
        return f"missing: {', '.join(self.missing)}" if self.missing else "documented"


@cache
def checklists() -> Mapping[str, Checklist]:
    """Return the checklists by family, in their order."""
    plain = tomllib.loads(files("codeset.visit").joinpath("checklists.toml").read_text(encoding="utf-8"))
    return {
        family: Checklist(family, row["title"], row["since"], tuple(ChecklistItem(**item) for item in row["items"]))
        for family, row in plain.items()
    }


def checklist(family: str) -> Checklist:
    """Return the checklist of *family*.

    Raises WrongUse: if there is none.
    """
    if family not in checklists():
        raise WrongUse(f'no checklist is called "{family}"; there are: {", ".join(checklists())}')
    return checklists()[family]


def checklist_markdown(page: Checklist) -> str:
    """Return a checklist as Markdown: a box for each item, with its source."""
    lines = [f"# {page.title}: what the record must hold", "", f"Sources as of {page.since}.", ""]
    lines += [f"- [ ] **{item.name}**: {item.says} ({item.source})" for item in page.items]
    return "\n".join(lines)


@cache
def item_names() -> frozenset[str]:
    """Return every name that a visit's `documented` may have."""
    return frozenset(item.name for page in checklists().values() for item in page.items)


def record_check(service: Service, visit: Visit, facts: CodeFacts) -> RecordCheck:
    """Return what the record of *service* must hold, and what of it the facts of *visit* say is missing."""
    items = tuple(item for family in _families(service, facts) for item in checklists()[family].items)
    documented = _documented(service, visit)
    if documented is None:
        return RecordCheck(items, None)
    return RecordCheck(items, tuple(dict.fromkeys(item.name for item in items if item.name not in documented)))


def _families(service: Service, facts: CodeFacts) -> Iterable[str]:
    """The checklists of a service: that of its technique, and those of its modifiers."""
    fact = facts.of_code(service.hcpcs)
    if fact is None:
        return
    if fact.technique == "visit_complexity":
        yield "visit-complexity"
        return
    yield _OF_TECHNIQUE[fact.technique.partition("_")[0]]
    if modifier_for("unrelated_visit") in service.modifiers:
        yield "visit-with-24"
    if modifier_for("separate_visit") in service.modifiers:
        yield "visit-with-25"
    if modifier_for("decision_for_surgery") in service.modifiers:
        yield "visit-with-57"


def _documented(service: Service, visit: Visit) -> frozenset[str] | None:
    """What the record holds of everything that *service* is of; None if nothing is said of one of them."""
    lesions = [lesion for lesion in visit.lesions if set(lesion.names).intersection(service.lesions)]
    treatments = {"photodynamic": visit.photodynamic, "light": visit.light, "visit-level": visit.evaluation}
    treatment = treatments.get("visit-level" if service.rule == "visit-complexity" else service.rule)
    records = [lesion.documented for lesion in lesions] if lesions else [treatment.documented if treatment else None]
    if any(record is None for record in records):
        return None
    return frozenset.intersection(*(record for record in records if record is not None))
