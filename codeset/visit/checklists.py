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

_FAMILY_OF_TECHNIQUE = {
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
    checklist_tables = tomllib.loads(files("codeset.visit").joinpath("checklists.toml").read_text(encoding="utf-8"))
    return {
        family: Checklist(
            family,
            checklist_table["title"],
            checklist_table["since"],
            tuple(ChecklistItem(**item) for item in checklist_table["items"]),
        )
        for family, checklist_table in checklist_tables.items()
    }


def checklist(family: str) -> Checklist:
    """Return the checklist of *family*.

    Raises WrongUse: if there is none.
    """
    if family not in checklists():
        raise WrongUse(f'no checklist is called "{family}"; there are: {", ".join(checklists())}')
    return checklists()[family]


def checklist_markdown(family_checklist: Checklist) -> str:
    """Return a checklist as Markdown: a box for each item, with its source."""
    lines = [
        f"# {family_checklist.title}: what the record must hold",
        "",
        f"Sources as of {family_checklist.since}.",
        "",
    ]
    lines += [f"- [ ] **{item.name}**: {item.says} ({item.source})" for item in family_checklist.items]
    return "\n".join(lines)


@cache
def item_names() -> frozenset[str]:
    """Return every name that a visit's `documented` may have."""
    return frozenset(item.name for family_checklist in checklists().values() for item in family_checklist.items)


def record_check(service: Service, visit: Visit, code_facts: CodeFacts) -> RecordCheck:
    """Return what the record of *service* must hold, and what of it the facts of *visit* say is missing."""
    items = tuple(item for family in _checklist_families(service, code_facts) for item in checklists()[family].items)
    documented = _documented_items(service, visit)
    if documented is None:
        return RecordCheck(items, None)
    return RecordCheck(items, tuple(dict.fromkeys(item.name for item in items if item.name not in documented)))


def _checklist_families(service: Service, code_facts: CodeFacts) -> Iterable[str]:
    """The checklists of a service: that of its technique, and those of its modifiers."""
    code_fact = code_facts.of_code(service.hcpcs)
    if code_fact is None:
        return
    if code_fact.technique == "visit_complexity":
        yield "visit-complexity"
        return
    yield _FAMILY_OF_TECHNIQUE[code_fact.technique.partition("_")[0]]
    if modifier_for("unrelated_visit") in service.modifiers:
        yield "visit-with-24"
    if modifier_for("separate_visit") in service.modifiers:
        yield "visit-with-25"
    if modifier_for("decision_for_surgery") in service.modifiers:
        yield "visit-with-57"


def _documented_items(service: Service, visit: Visit) -> frozenset[str] | None:
    """What the record holds of everything that *service* is of; None if nothing is said of one of them."""
    lesions = [lesion for lesion in visit.lesions if set(lesion.names).intersection(service.lesions)]
    treatments = {"photodynamic": visit.photodynamic, "light": visit.light, "visit-level": visit.evaluation}
    treatment = treatments.get("visit-level" if service.rule == "visit-complexity" else service.rule)
    documented_sets = (
        [lesion.documented for lesion in lesions] if lesions else [treatment.documented if treatment else None]
    )
    # A service of two lesions needs the records of both: one that is not given leaves the line open.
    if any(documented_items is None for documented_items in documented_sets):
        return None
    return frozenset.intersection(
        *(documented_items for documented_items in documented_sets if documented_items is not None)
    )
