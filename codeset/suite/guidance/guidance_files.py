"""What guides say, read strictly: each statement with how it is tried against CMS's data, never with a verdict."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

from codeset.errors import BadInput, Fault, WrongUse
from codeset.participants import ANSWERS, Participant
from codeset.releases import Release
from codeset.shipped_files import shipped_folder
from codeset.suite.scenarios import (
    SETTINGS,
    Scenario,
    Source,
    as_date,
    parse_scenario,
    parse_sources,
    read_companion,
    scenario_faults,
)
from codeset.suite.yaml_files import Place, YamlFile, faults_against, faults_of_files, read_yaml
from codeset.visit.trials.coding_scenarios import visit_faults

FACTS = ("fee_schedule", "amounts", "comparisons", "pairs", "add_ons", "mues", "visits")
"""The kinds of facts that a table alone can show, or the codes that the facts of a visit come to."""

_AMOUNT_KINDS = ("amounts", "comparisons")
_CLAIM_FIELDS = ("claim", "claims")
_NOTHING_TRIED = "No statement was tried."


@dataclass(frozen=True)
class Fact:
    """One fact of a table: its kind, one of `FACTS`, and its fields as they are written (`guidance.schema.json`)."""

    kind: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Right:
    """What is right instead, and where it is written."""

    says: str
    sources: tuple[Source, ...]

    def __str__(self) -> str:
        """Return it as people read it, the sources in brackets."""
        return f"{self.says} ({'; '.join(map(str, self.sources))})"


@dataclass(frozen=True)
class Statement:
    """One statement of a guide in our words, and how it is tried: all of `facts`, and `claim` with `total`, must hold.

    `guide` is the name of its file, `total` dollars from and to, `claim` a scenario whose `expected` is what the guide
    would have. A statement that nothing can try has `not_decidable`: why.
    """

    id: str
    guide: str
    heading: str
    says: str
    holds_from: date | None
    holds_to: date | None
    facts: tuple[Fact, ...]
    claim: Scenario | None
    total: tuple[Decimal, Decimal] | None
    not_decidable: str | None
    right: Right | None
    participant: Participant | None
    file: str
    at: int

    def holds_in(self, release: Release) -> bool:
        """Whether it speaks of every day of the release's quarter."""
        return (self.holds_from or date.min) <= release.first_day and release.last_day <= (self.holds_to or date.max)

    @property
    def period(self) -> str:
        """The dates of service that it speaks of, in words."""
        bounds = (("from", self.holds_from), ("to", self.holds_to))
        return " ".join(f"{word} {day}" for word, day in bounds if day)


def guidance_folder() -> Path:
    """Return the folder of what the practice guides say."""
    return shipped_folder("compliance_tests") / "guidance"


def statements(*places: Path) -> tuple[Statement, ...]:
    """Read the statements of *places*: yaml files, or every one of a folder, with `settings.yaml` beside them.

    Raises BadInput: with every fault of a place, its file, line and nearest valid word. WrongUse: if there is none.
    """
    every_statement = tuple(chain.from_iterable(map(_read_place, places)))
    _raise_faults(_repeated_ids(every_statement))
    return every_statement


def _read_place(place: Path) -> Iterator[Statement]:
    folder, guidance_files = _files_of_place(place)
    settings_file = read_companion(folder / SETTINGS)
    yaml_files = [read_yaml(guidance_file) for guidance_file in guidance_files]
    faults = [*settings_file.faults, *faults_of_files(yaml_files, "guidance")]
    faults += faults_against(settings_file, "scenario-settings") if settings_file.plain else []
    _raise_faults(faults)
    settings = settings_file.plain or {}
    _raise_faults(chain.from_iterable(_entry_faults(yaml_file, settings, folder) for yaml_file in yaml_files))
    return chain.from_iterable(_statements_of_file(yaml_file, settings, folder) for yaml_file in yaml_files)


def _files_of_place(place: Path) -> tuple[Path, list[Path]]:
    if place.is_file():
        return place.parent, [place]
    if not place.is_dir():
        raise WrongUse(f"{place}: no such file or folder of guidance")
    guidance_files = [guidance_file for guidance_file in sorted(place.glob("*.yaml")) if guidance_file.name != SETTINGS]
    if not guidance_files:
        raise WrongUse(f"{place}: holds no guidance (*.yaml)")
    return place, guidance_files


def _raise_faults(faults: Iterable[Fault]) -> None:
    if every_fault := list(faults):
        raise BadInput(every_fault, _NOTHING_TRIED)


def _repeated_ids(statements: Iterable[Statement]) -> Iterator[Fault]:
    first_with_id: dict[str, Statement] = {}
    for statement in statements:
        earlier_statement = first_with_id.setdefault(statement.id, statement)
        if earlier_statement is not statement:
            yield Fault(
                statement.file,
                statement.at,
                f"{statement.id}: {earlier_statement.file}, line {earlier_statement.at} has that id too",
            )


def _entry_faults(yaml_file: YamlFile, settings: Mapping[str, str], folder: Path) -> Iterator[Fault]:
    """What the schema cannot see of each statement."""
    for position, entry in enumerate(yaml_file.plain):
        trial, trial_place = entry.get("tried", {}), (position, "tried")
        if any(kind in trial for kind in _CLAIM_FIELDS):
            yield from scenario_faults(_scenario_entry(entry), settings, yaml_file, trial_place)
        if "setting" not in settings:
            unset = [claimed for kind in _AMOUNT_KINDS for claimed in trial.get(kind, ()) if "setting" not in claimed]
            fault_text = f"{entry['id']}: no setting; say it with the amount or in {SETTINGS}"
            yield from (Fault(yaml_file.file, yaml_file.line(trial_place), fault_text) for _ in unset[:1])
        for field, date_text in _date_fields(entry):
            if as_date(date_text) is None:
                yield Fault(
                    yaml_file.file, yaml_file.line((position,)), f"{entry['id']}, {field}: {date_text} is no date"
                )
        for visit in trial.get("visits", ()):
            fault_texts = visit_faults(entry["id"], visit["facts"])
            yield from (Fault(yaml_file.file, yaml_file.line(trial_place), fault_text) for fault_text in fault_texts)
        if "figures" in trial:
            yield from _figure_faults(yaml_file, (position, "tried", "figures"), entry, folder)


def _date_fields(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((f"holds.{bound}", date_text) for bound, date_text in entry.get("holds", {}).items())
    for fact in entry.get("tried", {}).get("add_ons", ()):
        yield from ((f"effective.{bound}", date_text) for bound, date_text in fact.get("effective", {}).items())


def _figure_faults(yaml_file: YamlFile, value_place: Place, entry: Mapping[str, Any], folder: Path) -> Iterator[Fault]:
    """A table that is not there, has no such column, or a row without a code or a figure."""
    csv_name, columns = entry["tried"]["figures"]["file"], list(entry["tried"]["figures"]["columns"])
    try:
        rows = _csv_rows(folder / csv_name)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        yield Fault(
            yaml_file.file,
            yaml_file.line((*value_place, "file")),
            f"{entry['id']}: {csv_name} cannot be read ({error})",
        )
        return
    if missing_columns := [column for column in ("hcpcs", *columns) if column not in (rows[0] if rows else {})]:
        yield Fault(csv_name, 1, f"no column {', '.join(missing_columns)}, or no row below the header")
        return
    for line_number, figure_row in enumerate(rows, start=2):
        if empty_columns := [column for column in ("hcpcs", *columns) if not (figure_row[column] or "").strip()]:
            yield Fault(csv_name, line_number, f"nothing under {', '.join(empty_columns)}")
            continue
        details = _figures_of_row(figure_row, entry["tried"]["figures"]["columns"])
        faults = faults_against(_row_as_file(details, entry), "guidance")
        yield from (Fault(csv_name, line_number, fault.says.partition(": ")[2]) for fault in faults)


def _row_as_file(details: Mapping[str, str], entry: Mapping[str, Any]) -> YamlFile:
    """One row of a table as the statement that it is."""
    statement_fields = {field_name: entry[field_name] for field_name in ("id", "heading", "says")}
    return YamlFile("", [{**statement_fields, "tried": {"fee_schedule": [details]}}], {})


def _csv_rows(csv_path: Path) -> list[dict[str, str]]:
    # A spreadsheet begins a csv with a byte order mark, which would be part of the first header.
    with csv_path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _figures_of_row(figure_row: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    code_key = {header: figure_row[header].strip() for header in ("hcpcs", "modifier") if figure_row.get(header)}
    return code_key | {column: (figure_row[header] or "").strip() for header, column in columns.items()}


def _statements_of_file(yaml_file: YamlFile, settings: Mapping[str, str], folder: Path) -> Iterator[Statement]:
    for position, entry in enumerate(yaml_file.plain):
        figures = entry.get("tried", {}).get("figures")
        if figures is None:
            yield _parse_statement(entry, settings, yaml_file, position)
            continue
        for figure_row in _csv_rows(folder / figures["file"]):
            fact = _figures_of_row(figure_row, figures["columns"])
            yield _parse_statement(_entry_of_row(entry, fact), settings, yaml_file, position)


def _entry_of_row(entry: Mapping[str, Any], fact: Mapping[str, str]) -> Mapping[str, Any]:
    """The statement that one row of a table of figures is."""
    code_key = [fact[field_name] for field_name in ("hcpcs", "modifier") if field_name in fact]
    other_trials = {
        field_name: trial_value for field_name, trial_value in entry["tried"].items() if field_name != "figures"
    }
    return {
        **entry,
        "id": "-".join([entry["id"], *code_key]).lower(),
        "heading": ".".join([entry["heading"], *code_key]),
        "says": f"{' '.join(code_key)}: {entry['says']}",
        "tried": {**other_trials, "fee_schedule": [*other_trials.get("fee_schedule", ()), fact]},
    }


def _parse_statement(
    entry: Mapping[str, Any], settings: Mapping[str, str], yaml_file: YamlFile, position: int
) -> Statement:
    trial, correction, validity = entry.get("tried", {}), entry.get("right"), entry.get("holds", {})
    has_claim = any(kind in trial for kind in _CLAIM_FIELDS)
    total_span = trial.get("expect", {}).get("total")
    apm_answer = settings.get("qualifying_apm")
    return Statement(
        id=entry["id"],
        guide=Path(yaml_file.file).stem,
        heading=entry["heading"],
        says=entry["says"],
        holds_from=as_date(validity.get("from")),
        holds_to=as_date(validity.get("to")),
        facts=tuple(_parse_fact(kind, plain_fact, settings) for kind in FACTS for plain_fact in trial.get(kind, ())),
        claim=parse_scenario(_scenario_entry(entry), settings, yaml_file, (position, "tried")) if has_claim else None,
        total=None if total_span is None else (Decimal(total_span["from"]), Decimal(total_span["to"])),
        not_decidable=entry.get("not_decidable"),
        right=None if correction is None else Right(correction["says"], parse_sources(correction["source"])),
        participant=None if apm_answer is None else ANSWERS[apm_answer],
        file=yaml_file.file,
        at=yaml_file.line((position,)),
    )


def _parse_fact(kind: str, fact_entry: Mapping[str, Any], settings: Mapping[str, str]) -> Fact:
    setting = {"setting": settings["setting"]} if kind in _AMOUNT_KINDS and "setting" in settings else {}
    return Fact(kind, {**setting, **fact_entry})


def _scenario_entry(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claim of a statement as the scenario that it would be."""
    return {"id": entry["id"], "says": entry["says"], "source": [], **entry["tried"]}
