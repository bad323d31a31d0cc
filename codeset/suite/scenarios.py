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
_NOT_SCENARIOS = (SETTINGS, DOCUMENTS)
_PLACES = {"nonfacility": "11", "facility": "22"}
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
        places = ("row", "page", "chapter", "section")
        texts = [value if name in ("row", "page") else f"{name} {value}" for name, value in self.details.items()]
        parts = [detail for name, detail in zip(self.details, texts, strict=True) if name in places]
        rest = [f"{name} {value}" for name, value in self.details.items() if name not in places]
        return " ".join([self.document, *parts]) + (f" ({', '.join(rest)})" if rest else "")


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
    files = [file for file in sorted(folder.rglob("*.yaml")) if file.name not in _NOT_SCENARIOS]
    if not files:
        raise WrongUse(f"{folder}: holds no scenario (*.yaml)")
    beside_them = {name: beside(folder / name) for name in _NOT_SCENARIOS}
    yaml_files = [read_yaml(file) for file in files]
    faults = [fault for yaml_file in beside_them.values() for fault in yaml_file.faults]
    faults += faults_of_files(yaml_files, "scenario")
    faults += faults_against(beside_them[SETTINGS], "scenario-settings") if beside_them[SETTINGS].plain else []
    if faults:
        raise BadInput(faults, "No scenario was tried.")
    settings = beside_them[SETTINGS].plain or {}
    faults = list(chain.from_iterable(_unsettled(yaml_file, settings) for yaml_file in yaml_files))
    if faults:
        raise BadInput(faults, "No scenario was tried.")
    scenarios = tuple(chain.from_iterable(_scenarios(yaml_file, settings) for yaml_file in yaml_files))
    return Suite(folder, scenarios, beside_them[DOCUMENTS].plain or {})


def beside(file: Path) -> YamlFile:
    """Read *file* if it is there; it may be left out."""
    return read_yaml(file) if file.is_file() else YamlFile(file.name, None, {})


def _unsettled(yaml_file: YamlFile, settings: Mapping[str, str]) -> Iterator[Fault]:
    for nth, plain in enumerate(yaml_file.plain):
        yield from unsettled(plain, settings, yaml_file, (nth,))


def unsettled(
    plain: Mapping[str, Any], settings: Mapping[str, str], yaml_file: YamlFile, place: Place
) -> Iterator[Fault]:
    """Yield what the schema cannot see: settings that nobody gives, dates that do not exist, lines that do not match.

    *plain* is one scenario, at *place* of *yaml_file*.
    """
    line_number = yaml_file.line(place)
    claims = _claims(plain)
    for name, others in (("setting", ("setting", "place_of_service")), ("locality", ("locality",))):
        if name not in settings and not all(any(setting in claim for setting in others) for claim in claims):
            yield Fault(yaml_file.file, line_number, f"{plain['id']}: no {name}; say it in the claim or in {SETTINGS}")
    lines = sum(len(claim["lines"]) for claim in claims)
    if lines != len(plain["expect"]["lines"]):
        text = f"{plain['id']}: {lines} lines are claimed, but expect has {len(plain['expect']['lines'])}"
        yield Fault(yaml_file.file, yaml_file.line((*place, "expect")), text)
    for claim in claims:
        pointers = {int(pointer) for line in claim["lines"] for pointer in line.get("diagnosis_pointers", ())}
        if max(pointers, default=0) > len(claim.get("diagnoses", ())):
            yield Fault(
                yaml_file.file, line_number, f"{plain['id']}: a line points to a diagnosis that its claim does not have"
            )
    for field, text in _dates(plain):
        if as_date(text) is None:
            yield Fault(yaml_file.file, line_number, f"{plain['id']}, {field}: {text} is no date")


def _dates(plain: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((f"holds.{name}", text) for name, text in plain.get("holds", {}).items())
    if plain.get("date_of_service", "")[:1].isdigit():
        yield "date_of_service", plain["date_of_service"]


def as_date(text: str | None) -> date | None:
    """Return the date that *text* is, or None."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _claims(plain: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return plain["claims"] if "claims" in plain else [plain["claim"]]


def _scenarios(yaml_file: YamlFile, settings: Mapping[str, str]) -> Iterator[Scenario]:
    for nth, plain in enumerate(yaml_file.plain):
        yield scenario(plain, settings, yaml_file, (nth,))


def scenario(plain: Mapping[str, Any], settings: Mapping[str, str], yaml_file: YamlFile, place: Place) -> Scenario:
    """Return the scenario at *place* of *yaml_file*, and in which `unsettled` found nothing."""
    day = plain.get("date_of_service", "first day of the quarter")
    answer = plain.get("qualifying_apm", settings.get("qualifying_apm"))
    return Scenario(
        id=plain["id"],
        family=Path(yaml_file.file).stem,
        says=plain["says"],
        sources=sources(plain["source"]),
        holds_from=as_date(plain.get("holds", {}).get("from")),
        holds_to=as_date(plain.get("holds", {}).get("to")),
        date_of_service=as_date(day) or day,
        beyond_quarter="beyond_quarter" in plain,
        participant=None if answer is None else ANSWERS[answer],
        tables=tuple(plain.get("tables", ())),
        twin=plain.get("twin"),
        covers=tuple(plain.get("covers", ())),
        claims=tuple(_claim(claim, settings) for claim in _claims(plain)),
        expected=tuple(plain["expect"]["lines"]),
        file=yaml_file.file,
        at=yaml_file.line(place),
    )


def sources(plain: Mapping[str, str] | list[Mapping[str, str]]) -> tuple[Source, ...]:
    """Return the sources that are written one by itself or several in a list."""
    entries: Iterable[Mapping[str, str]] = plain if isinstance(plain, list) else [plain]
    return tuple(
        Source(entry["document"], {name: value for name, value in entry.items() if name != "document"})
        for entry in entries
    )


def _claim(plain: Mapping[str, Any], settings: Mapping[str, str]) -> Claim:
    setting = plain.get("setting", settings.get("setting", ""))
    place = plain.get("place_of_service", _PLACES.get(setting, ""))
    return Claim(
        provider=plain.get("provider", "practitioner"),
        group=plain.get("group"),
        specialty=plain.get("specialty"),
        locality=plain.get("locality", settings.get("locality", "")),
        lines=tuple(
            _line(line, place, int(plain.get("day", 0)), plain.get("diagnoses", ())) for line in plain["lines"]
        ),
    )


def _line(plain: Mapping[str, Any], place: str, day: int, diagnoses: Sequence[str]) -> Line:
    pointers = plain.get("diagnosis_pointers", range(1, len(diagnoses) + 1))
    return Line(
        hcpcs=plain["hcpcs"],
        modifiers=tuple(plain.get("modifiers", ())),
        units=int(plain.get("units", 1)),
        day=int(plain.get("day", day)),
        through_day=int(plain["through_day"]) if "through_day" in plain else None,
        place_of_service=plain.get("place_of_service", place),
        lesion=plain.get("lesion"),
        charge_cents=int(plain["charge_cents"]) if "charge_cents" in plain else None,
        diagnoses=tuple(diagnoses[int(pointer) - 1] for pointer in pointers),
        diagnoses_of_claim=tuple(diagnoses),
    )
