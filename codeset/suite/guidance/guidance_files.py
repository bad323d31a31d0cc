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
from codeset.suite.scenarios import SETTINGS, Scenario, Source, as_date, beside, scenario, sources, unsettled
from codeset.suite.yaml_files import Place, YamlFile, faults_against, faults_of_files, read_yaml
from codeset.visit.trials.coding_scenarios import visit_faults

FACTS = ("fee_schedule", "amounts", "comparisons", "pairs", "add_ons", "mues", "visits")
"""The kinds of facts that a table alone can show, or the codes that the facts of a visit come to."""

_OF_AMOUNT = ("amounts", "comparisons")
_CLAIMED = ("claim", "claims")
_REFUSED = "No statement was tried."


@dataclass(frozen=True)
class Fact:
    """One fact of a table: its kind, one of `FACTS`, and its fields as they are written (`guidance.schema.json`)."""

    kind: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Right:
    """What is right instead, and where that stands."""

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
    read = tuple(chain.from_iterable(map(_read, places)))
    _refuse(_repeated(read))
    return read


def _read(place: Path) -> Iterator[Statement]:
    folder, files = _files(place)
    settings_file = beside(folder / SETTINGS)
    yaml_files = [read_yaml(file) for file in files]
    faults = [*settings_file.faults, *faults_of_files(yaml_files, "guidance")]
    faults += faults_against(settings_file, "scenario-settings") if settings_file.plain else []
    _refuse(faults)
    settings = settings_file.plain or {}
    _refuse(chain.from_iterable(_wrong(yaml_file, settings, folder) for yaml_file in yaml_files))
    return chain.from_iterable(_statements(yaml_file, settings, folder) for yaml_file in yaml_files)


def _files(place: Path) -> tuple[Path, list[Path]]:
    if place.is_file():
        return place.parent, [place]
    if not place.is_dir():
        raise WrongUse(f"{place}: no such file or folder of guidance")
    files = [file for file in sorted(place.glob("*.yaml")) if file.name != SETTINGS]
    if not files:
        raise WrongUse(f"{place}: holds no guidance (*.yaml)")
    return place, files


def _refuse(faults: Iterable[Fault]) -> None:
    if every_fault := list(faults):
        raise BadInput(every_fault, _REFUSED)


def _repeated(statements: Iterable[Statement]) -> Iterator[Fault]:
    first: dict[str, Statement] = {}
    for statement in statements:
        other = first.setdefault(statement.id, statement)
        if other is not statement:
            yield Fault(statement.file, statement.at, f"{statement.id}: {other.file}, line {other.at} has that id too")


def _wrong(yaml_file: YamlFile, settings: Mapping[str, str], folder: Path) -> Iterator[Fault]:
    """What the schema cannot see of each statement."""
    for nth, plain in enumerate(yaml_file.plain):
        claims, here = plain.get("tried", {}), (nth, "tried")
        if any(kind in claims for kind in _CLAIMED):
            yield from unsettled(_as_scenario(plain), settings, yaml_file, here)
        if "setting" not in settings:
            unset = [claimed for kind in _OF_AMOUNT for claimed in claims.get(kind, ()) if "setting" not in claimed]
            text = f"{plain['id']}: no setting; say it with the amount or in {SETTINGS}"
            yield from (Fault(yaml_file.file, yaml_file.line(here), text) for _ in unset[:1])
        for field, text in _dates(plain):
            if as_date(text) is None:
                yield Fault(yaml_file.file, yaml_file.line((nth,)), f"{plain['id']}, {field}: {text} is no date")
        for visit in claims.get("visits", ()):
            texts = visit_faults(plain["id"], visit["facts"])
            yield from (Fault(yaml_file.file, yaml_file.line(here), text) for text in texts)
        if "figures" in claims:
            yield from _wrong_figures(yaml_file, (nth, "tried", "figures"), plain, folder)


def _dates(plain: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((f"holds.{name}", text) for name, text in plain.get("holds", {}).items())
    for fact in plain.get("tried", {}).get("add_ons", ()):
        yield from ((f"effective.{name}", text) for name, text in fact.get("effective", {}).items())


def _wrong_figures(yaml_file: YamlFile, place: Place, plain: Mapping[str, Any], folder: Path) -> Iterator[Fault]:
    """A table that is not there, has no such column, or a row without a code or a figure."""
    name, columns = plain["tried"]["figures"]["file"], list(plain["tried"]["figures"]["columns"])
    try:
        rows = _rows(folder / name)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        yield Fault(yaml_file.file, yaml_file.line((*place, "file")), f"{plain['id']}: {name} cannot be read ({error})")
        return
    if missing := [column for column in ("hcpcs", *columns) if column not in (rows[0] if rows else {})]:
        yield Fault(name, 1, f"no column {', '.join(missing)}, or no row below the header")
        return
    for line, row in enumerate(rows, start=2):
        if empty := [column for column in ("hcpcs", *columns) if not (row[column] or "").strip()]:
            yield Fault(name, line, f"nothing under {', '.join(empty)}")
            continue
        details = _figures_of(row, plain["tried"]["figures"]["columns"])
        faults = faults_against(_alone(details, plain), "guidance")
        yield from (Fault(name, line, fault.says.partition(": ")[2]) for fault in faults)


def _alone(details: Mapping[str, str], plain: Mapping[str, Any]) -> YamlFile:
    """One row of a table as the statement that it stands for."""
    named = {name: plain[name] for name in ("id", "heading", "says")}
    return YamlFile("", [{**named, "tried": {"fee_schedule": [details]}}], {})


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _figures_of(row: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    key = {name: row[name].strip() for name in ("hcpcs", "modifier") if row.get(name)}
    return key | {column: (row[name] or "").strip() for name, column in columns.items()}


def _statements(yaml_file: YamlFile, settings: Mapping[str, str], folder: Path) -> Iterator[Statement]:
    for nth, plain in enumerate(yaml_file.plain):
        figures = plain.get("tried", {}).get("figures")
        if figures is None:
            yield _statement(plain, settings, yaml_file, nth)
            continue
        for row in _rows(folder / figures["file"]):
            fact = _figures_of(row, figures["columns"])
            yield _statement(_of_row(plain, fact), settings, yaml_file, nth)


def _of_row(plain: Mapping[str, Any], fact: Mapping[str, str]) -> Mapping[str, Any]:
    """The statement that one row of a table of figures is."""
    key = [fact[name] for name in ("hcpcs", "modifier") if name in fact]
    claims = {name: value for name, value in plain["tried"].items() if name != "figures"}
    return {
        **plain,
        "id": "-".join([plain["id"], *key]).lower(),
        "heading": ".".join([plain["heading"], *key]),
        "says": f"{' '.join(key)}: {plain['says']}",
        "tried": {**claims, "fee_schedule": [*claims.get("fee_schedule", ()), fact]},
    }


def _statement(plain: Mapping[str, Any], settings: Mapping[str, str], yaml_file: YamlFile, nth: int) -> Statement:
    claims, right, holds = plain.get("tried", {}), plain.get("right"), plain.get("holds", {})
    claimed = any(kind in claims for kind in _CLAIMED)
    total = claims.get("expect", {}).get("total")
    answer = settings.get("qualifying_apm")
    return Statement(
        id=plain["id"],
        guide=Path(yaml_file.file).stem,
        heading=plain["heading"],
        says=plain["says"],
        holds_from=as_date(holds.get("from")),
        holds_to=as_date(holds.get("to")),
        facts=tuple(_fact(kind, plain_fact, settings) for kind in FACTS for plain_fact in claims.get(kind, ())),
        claim=scenario(_as_scenario(plain), settings, yaml_file, (nth, "tried")) if claimed else None,
        total=None if total is None else (Decimal(total["from"]), Decimal(total["to"])),
        not_decidable=plain.get("not_decidable"),
        right=None if right is None else Right(right["says"], sources(right["source"])),
        participant=None if answer is None else ANSWERS[answer],
        file=yaml_file.file,
        at=yaml_file.line((nth,)),
    )


def _fact(kind: str, plain: Mapping[str, Any], settings: Mapping[str, str]) -> Fact:
    setting = {"setting": settings["setting"]} if kind in _OF_AMOUNT and "setting" in settings else {}
    return Fact(kind, {**setting, **plain})


def _as_scenario(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    """The claim of a statement as the scenario that it would be."""
    return {"id": plain["id"], "says": plain["says"], "source": [], **plain["tried"]}
