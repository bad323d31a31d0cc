"""Coding scenarios as values: parsed once, every fault of every file at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from codeset.errors import BadInput, Fault, WrongUse
from codeset.releases import Release
from codeset.shipped_files import shipped_folder
from codeset.suite.scenarios import Source, as_date, parse_sources
from codeset.suite.yaml_files import YamlFile, faults_against, read_yaml
from codeset.visit.visit_files import parse_visits

_DEFAULTS = {"place_of_service": "11", "patient": "established"}
_ANY_DAY = date(2026, 7, 1)
"""For the check of the facts alone, which do not depend on the day."""


@dataclass(frozen=True)
class CodingScenario:
    """Facts of a visit, the lines expected of them (in order of code), and the names of what must be asked."""

    id: str
    family: str
    says: str
    sources: tuple[Source, ...]
    holds_from: date
    holds_to: date
    facts: Mapping[str, Any]
    codes: tuple[str, ...]
    asks: tuple[str, ...]
    file: str
    at: int

    def holds_in(self, release: Release) -> bool:
        """Whether the fact holds on every day of the release's quarter."""
        return self.holds_from <= release.first_day and release.last_day <= self.holds_to

    def visit_on(self, day: date) -> Mapping[str, Any]:
        """Return the visit on *day* in the form of `visit.schema.json`."""
        return visit_from_facts(self.id, self.facts, day)


def visit_from_facts(visit_id: str, facts: Mapping[str, Any], date_of_service: date) -> dict[str, Any]:
    """Return *facts* as the visit *visit_id*: in the office, of an established patient, lesions by number."""
    visit = {"visit_id": visit_id, "date_of_service": date_of_service.isoformat(), **_DEFAULTS, **facts}
    if isinstance(lesions := facts.get("lesions"), list):
        numbered = enumerate(lesions, start=1)
        visit["lesions"] = [
            {"name": f"lesion {number}", **lesion} if isinstance(lesion, dict) else lesion
            for number, lesion in numbered
        ]
    return visit


def coding_folder(scenarios: Path | None = None) -> Path:
    """Return the folder of coding scenarios: `coding` beside the folder *scenarios*, or the golden suite's."""
    return (scenarios.parent if scenarios else shipped_folder("compliance_tests")) / "coding"


def load_coding(folder: Path) -> tuple[CodingScenario, ...]:
    """Read every coding scenario of *folder*, in the order of its files.

    Raises BadInput: with every fault of every file. WrongUse: if there is none.
    """
    scenario_files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not scenario_files:
        raise WrongUse(f"{folder}: holds no coding scenario (*.yaml)")
    yaml_files = [read_yaml(scenario_file) for scenario_file in scenario_files]
    faults = [
        fault for yaml_file in yaml_files for fault in yaml_file.faults or faults_against(yaml_file, "coding-scenario")
    ]
    faults = faults or [fault for yaml_file in yaml_files for fault in _faults_in_facts(yaml_file)]
    if faults:
        raise BadInput(faults, "No scenario was tried.")
    return tuple(
        _coding_scenario(yaml_file, position) for yaml_file in yaml_files for position in range(len(yaml_file.plain))
    )


def _faults_in_facts(yaml_file: YamlFile) -> Iterator[Fault]:
    """Yield what the schema cannot see: facts that are no visit, and scenarios that expect nothing and ask nothing."""
    for position, scenario_facts in enumerate(yaml_file.plain):
        fault_texts = visit_faults(scenario_facts["id"], scenario_facts["facts"])
        yield from (Fault(yaml_file.file, yaml_file.line((position,)), fault_text) for fault_text in fault_texts)


def visit_faults(entry_id: str, facts: Mapping[str, Any]) -> list[str]:
    """Return why *facts* are no visit, each with the id of its scenario or statement; nothing, if they are one."""
    try:
        parse_visits(visit_from_facts(entry_id, facts, _ANY_DAY), entry_id)
    except BadInput as refusal:
        return [f"{entry_id}: {fault.says}" for fault in refusal.faults]
    return []


def _coding_scenario(yaml_file: YamlFile, position: int) -> CodingScenario:
    scenario_facts = yaml_file.plain[position]
    validity = scenario_facts.get("holds", {})
    return CodingScenario(
        id=scenario_facts["id"],
        family=Path(yaml_file.file).stem,
        says=scenario_facts["says"],
        sources=parse_sources(scenario_facts["source"]),
        holds_from=as_date(validity.get("from")) or date.min,
        holds_to=as_date(validity.get("to")) or date.max,
        facts=scenario_facts["facts"],
        codes=tuple(sorted(scenario_facts["codes"])),
        asks=tuple(sorted(scenario_facts.get("asks", ()))),
        file=yaml_file.file,
        at=yaml_file.line((position,)),
    )
