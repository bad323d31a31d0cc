"""Scenarios as values: parsed once, every fault of every file reported together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from codeset.errors import BadInput, Fault, WrongUse
from codeset.participants import ANSWERS, Participant
from codeset.releases import Release
from codeset.shipped_files import shipped_folder
from codeset.suite.yaml_files import Place, YamlFile, faults_against, faults_of_files, read_yaml

SETTINGS = "settings.yaml"
DOCUMENTS = "documents.yaml"
_COMPANION_NAMES = (SETTINGS, DOCUMENTS)
_PLACE_OF_SETTING = {"nonfacility": "11", "facility": "22"}
"""The places that the words mean: the office, the outpatient hospital."""

LAST_DAY = "last day of the quarter"


@dataclass(frozen=True)
class Line:
    """One line: `day` and `through_day` count from the date of service; `diagnoses` are its own, in order.

    `diagnoses_of_claim` are all that its claim has.
    """

    hcpcs: str
    modifiers: tuple[str, ...]
    units: int
    day: int
    through_day: int | None
    place_of_service: str
    lesion: str | None
    charge_cents: int | None
    diagnoses: tuple[str, ...]
    diagnoses_of_claim: tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """The lines that one practitioner bills together."""

    provider: str
    group: str | None
    specialty: str | None
    locality: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Source:
    """Where a fact is written: a document of `documents.yaml`, and `details` such as row, page, ccmi, as text."""

    document: str
    details: Mapping[str, str]

    def __str__(self) -> str:
        """Return it as people cite it: `NCCI PTP practitioner 17004/17000 (ccmi 0)`."""
        place_names = ("row", "page", "chapter", "section")
        detail_texts = [
            value if detail_name in ("row", "page") else f"{detail_name} {value}"
            for detail_name, value in self.details.items()
        ]
        place_texts = [
            detail for detail_name, detail in zip(self.details, detail_texts, strict=True) if detail_name in place_names
        ]
        other_texts = [
            f"{detail_name} {value}" for detail_name, value in self.details.items() if detail_name not in place_names
        ]
        return " ".join([self.document, *place_texts]) + (f" ({', '.join(other_texts)})" if other_texts else "")


@dataclass(frozen=True)
class Scenario:
    """One statement of fact with its claim and what is expected of each line (`expected`: field to text, in order)."""

    id: str
    family: str
    says: str
    sources: tuple[Source, ...]
    holds_from: date | None
    holds_to: date | None
    date_of_service: date | str
    beyond_quarter: bool
    participant: Participant | None
    tables: tuple[str, ...]
    twin: str | None
    covers: tuple[str, ...]
    claims: tuple[Claim, ...]
    expected: tuple[Mapping[str, str], ...]
    file: str
    at: int

    def holds_in(self, release: Release) -> bool:
        """Whether the fact holds on every day of the release's quarter."""
        return (self.holds_from or date.min) <= release.first_day and release.last_day <= (self.holds_to or date.max)

    def day_zero(self, release: Release) -> date:
        """Return the date of service that days count from."""
        if isinstance(self.date_of_service, date):
            return self.date_of_service
        return release.last_day if self.date_of_service == LAST_DAY else release.first_day

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all claims, in order: those that `expected` goes through."""
        return tuple(chain.from_iterable(claim.lines for claim in self.claims))


@dataclass(frozen=True)
class Suite:
    """The scenarios of a folder, by family and in the order of their files, and the documents that they may cite."""

    folder: Path
    scenarios: tuple[Scenario, ...]
    documents: Mapping[str, Mapping[str, Any]]


def scenarios_folder(folder: Path | None = None) -> Path:
    """Return the folder of scenarios: *folder*, or the golden dermatology suite's."""
    return folder or shipped_folder("compliance_tests") / "scenarios"


def load(folder: Path) -> Suite:
    """Read every scenario of *folder*: its yaml files, beside `settings.yaml` and `documents.yaml`.

    Raises BadInput: with every fault of every file, its line and the nearest valid word. WrongUse: if there is none.
    """
    if not folder.is_dir():
        raise WrongUse(f"{folder}: no such folder of scenarios")
    # Sorted: the order of the suite is the same on every file system.
    scenario_files = [
        scenario_file for scenario_file in sorted(folder.rglob("*.yaml")) if scenario_file.name not in _COMPANION_NAMES
    ]
    if not scenario_files:
        raise WrongUse(f"{folder}: holds no scenario (*.yaml)")
    companion_files = {file_name: read_companion(folder / file_name) for file_name in _COMPANION_NAMES}
    yaml_files = [read_yaml(scenario_file) for scenario_file in scenario_files]
    faults = [fault for yaml_file in companion_files.values() for fault in yaml_file.faults]
    faults += faults_of_files(yaml_files, "scenario")
    faults += faults_against(companion_files[SETTINGS], "scenario-settings") if companion_files[SETTINGS].plain else []
    if faults:
        raise BadInput(faults, "No scenario was tried.")
    # Shapes first: the checks below rely on entries that their schema accepts.
    settings = companion_files[SETTINGS].plain or {}
    faults = list(chain.from_iterable(_faults_of_file(yaml_file, settings) for yaml_file in yaml_files))
    if faults:
        raise BadInput(faults, "No scenario was tried.")
    scenarios = tuple(chain.from_iterable(_scenarios_of_file(yaml_file, settings) for yaml_file in yaml_files))
    return Suite(folder, scenarios, companion_files[DOCUMENTS].plain or {})


def read_companion(companion_file: Path) -> YamlFile:
    """Read *companion_file* if it is there; it may be left out."""
    return read_yaml(companion_file) if companion_file.is_file() else YamlFile(companion_file.name, None, {})


def _faults_of_file(yaml_file: YamlFile, settings: Mapping[str, str]) -> Iterator[Fault]:
    for position, entry in enumerate(yaml_file.plain):
        yield from scenario_faults(entry, settings, yaml_file, (position,))


def scenario_faults(
    entry: Mapping[str, Any], settings: Mapping[str, str], yaml_file: YamlFile, value_place: Place
) -> Iterator[Fault]:
    """Yield what the schema cannot see: settings that nobody gives, dates that do not exist, lines that do not match.

    *entry* is one scenario, at *value_place* of *yaml_file*.
    """
    line_number = yaml_file.line(value_place)
    claims = _claim_entries(entry)
    for setting_name, field_names in (("setting", ("setting", "place_of_service")), ("locality", ("locality",))):
        if setting_name not in settings and not all(
            any(setting in claim for setting in field_names) for claim in claims
        ):
            yield Fault(
                yaml_file.file, line_number, f"{entry['id']}: no {setting_name}; say it in the claim or in {SETTINGS}"
            )
    line_count = sum(len(claim["lines"]) for claim in claims)
    if line_count != len(entry["expect"]["lines"]):
        fault_text = f"{entry['id']}: {line_count} lines are claimed, but expect has {len(entry['expect']['lines'])}"
        yield Fault(yaml_file.file, yaml_file.line((*value_place, "expect")), fault_text)
    for claim in claims:
        pointers = {int(pointer) for line in claim["lines"] for pointer in line.get("diagnosis_pointers", ())}
        if max(pointers, default=0) > len(claim.get("diagnoses", ())):
            yield Fault(
                yaml_file.file, line_number, f"{entry['id']}: a line points to a diagnosis that its claim does not have"
            )
    for field, date_text in _date_fields(entry):
        if as_date(date_text) is None:
            yield Fault(yaml_file.file, line_number, f"{entry['id']}, {field}: {date_text} is no date")


def _date_fields(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((f"holds.{bound}", date_text) for bound, date_text in entry.get("holds", {}).items())
    if entry.get("date_of_service", "")[:1].isdigit():
        yield "date_of_service", entry["date_of_service"]


def as_date(date_text: str | None) -> date | None:
    """Return the date that *date_text* is, or None."""
    try:
        return date.fromisoformat(date_text or "")
    except ValueError:
        return None


def _claim_entries(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return entry["claims"] if "claims" in entry else [entry["claim"]]


def _scenarios_of_file(yaml_file: YamlFile, settings: Mapping[str, str]) -> Iterator[Scenario]:
    for position, entry in enumerate(yaml_file.plain):
        yield parse_scenario(entry, settings, yaml_file, (position,))


def parse_scenario(
    entry: Mapping[str, Any], settings: Mapping[str, str], yaml_file: YamlFile, value_place: Place
) -> Scenario:
    """Return the scenario at *value_place* of *yaml_file*, and in which `scenario_faults` found nothing."""
    date_of_service = entry.get("date_of_service", "first day of the quarter")
    apm_answer = entry.get("qualifying_apm", settings.get("qualifying_apm"))
    return Scenario(
        id=entry["id"],
        family=Path(yaml_file.file).stem,
        says=entry["says"],
        sources=parse_sources(entry["source"]),
        holds_from=as_date(entry.get("holds", {}).get("from")),
        holds_to=as_date(entry.get("holds", {}).get("to")),
        date_of_service=as_date(date_of_service) or date_of_service,
        beyond_quarter="beyond_quarter" in entry,
        participant=None if apm_answer is None else ANSWERS[apm_answer],
        tables=tuple(entry.get("tables", ())),
        twin=entry.get("twin"),
        covers=tuple(entry.get("covers", ())),
        claims=tuple(_parse_claim(claim, settings) for claim in _claim_entries(entry)),
        expected=tuple(entry["expect"]["lines"]),
        file=yaml_file.file,
        at=yaml_file.line(value_place),
    )


def parse_sources(citations: Mapping[str, str] | list[Mapping[str, str]]) -> tuple[Source, ...]:
    """Return the sources that are written alone or in a list."""
    citation_list: Iterable[Mapping[str, str]] = citations if isinstance(citations, list) else [citations]
    return tuple(
        Source(citation["document"], {name: value for name, value in citation.items() if name != "document"})
        for citation in citation_list
    )


def _parse_claim(claim_entry: Mapping[str, Any], settings: Mapping[str, str]) -> Claim:
    setting = claim_entry.get("setting", settings.get("setting", ""))
    place_of_service = claim_entry.get("place_of_service", _PLACE_OF_SETTING.get(setting, ""))
    return Claim(
        provider=claim_entry.get("provider", "practitioner"),
        group=claim_entry.get("group"),
        specialty=claim_entry.get("specialty"),
        locality=claim_entry.get("locality", settings.get("locality", "")),
        lines=tuple(
            _parse_line(line_entry, place_of_service, int(claim_entry.get("day", 0)), claim_entry.get("diagnoses", ()))
            for line_entry in claim_entry["lines"]
        ),
    )


def _parse_line(line_entry: Mapping[str, Any], place_of_service: str, claim_day: int, diagnoses: Sequence[str]) -> Line:
    # Without pointers a line is of all its claim's diagnoses, in their order (ASSUMPTIONS.md).
    pointers = line_entry.get("diagnosis_pointers", range(1, len(diagnoses) + 1))
    return Line(
        hcpcs=line_entry["hcpcs"],
        modifiers=tuple(line_entry.get("modifiers", ())),
        units=int(line_entry.get("units", 1)),
        day=int(line_entry.get("day", claim_day)),
        through_day=int(line_entry["through_day"]) if "through_day" in line_entry else None,
        place_of_service=line_entry.get("place_of_service", place_of_service),
        lesion=line_entry.get("lesion"),
        charge_cents=int(line_entry["charge_cents"]) if "charge_cents" in line_entry else None,
        diagnoses=tuple(diagnoses[int(pointer) - 1] for pointer in pointers),
        diagnoses_of_claim=tuple(diagnoses),
    )
