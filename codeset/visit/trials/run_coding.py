"""Coding scenarios on a release: by the rules of this program, or by any other engine."""

import json
import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from codeset.errors import WrongUse
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.visit.code_book import CodeBook
from codeset.visit.code_visit import CodedVisit, choose_services, code_visits
from codeset.visit.services import Question, Service
from codeset.visit.trials.coding_scenarios import CodingScenario, visit_from_facts
from codeset.visit.visit_files import parse_visits

SECONDS = 60
"""How long an engine may take for one visit."""

_ASKED_OF_ALL = {"diagnosis"}
"""Scenarios are about codes, and mostly name no diagnosis."""

CodingEngine = Callable[[Mapping[str, Any]], Sequence[str]]
"""An engine: a visit as JSON has it in, lines as coders write them out; it may raise ValueError, with the reason."""


@dataclass(frozen=True)
class CodingResult:
    """One scenario as an engine coded it: its lines, in order of code, and how they differ from the coder's."""

    scenario: CodingScenario
    codes: tuple[str, ...]
    failures: tuple[str, ...]


@dataclass(frozen=True)
class CodingRun:
    """The coding scenarios on one release."""

    release: Release
    results: tuple[CodingResult, ...]

    @property
    def failed(self) -> tuple[CodingResult, ...]:
        """Those that the engine codes otherwise than the coder."""
        return tuple(result for result in self.results if result.failures)

    @property
    def by_family(self) -> Mapping[str, tuple[int, int]]:
        """How many of each family were tried, and how many of them are right."""
        families = dict.fromkeys(result.scenario.family for result in self.results)
        return {
            family: (len(results), sum(not result.failures for result in results))
            for family in families
            if (results := [result for result in self.results if result.scenario.family == family])
        }


def line_text(hcpcs: str, modifiers: Iterable[str], units: int) -> str:
    """Return a line as coders write it: `17003-XS x 4`."""
    return "-".join((hcpcs, *modifiers)) + (f" x {units}" if units != 1 else "")


def run_shipped_rules(scenarios: Iterable[CodingScenario], snapshot: Snapshot) -> CodingRun:
    """Code the scenarios that hold in the snapshot's release by the rules of this program."""
    release = snapshot.release
    applicable = [scenario for scenario in scenarios if scenario.holds_in(release)]
    visits = parse_visits([scenario.visit_on(release.first_day) for scenario in applicable])
    coded_visits = code_visits(visits, snapshot)
    return CodingRun(release, tuple(map(_shipped_rules_result, applicable, coded_visits)))


def codes_of_facts(
    visit_id: str, facts: Mapping[str, Any], snapshot: Snapshot
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the lines that *facts* come to on the first day of the release, in order of code, and what is asked.

    Raises WrongUse: if the snapshot lacks a table that decides. BadInput: for facts that are no visit.
    """
    visit = parse_visits(visit_from_facts(visit_id, facts, snapshot.release.first_day), visit_id)[0]
    coding = choose_services(visit, _code_book(snapshot))
    return _line_texts(coding.services), _question_names(coding.questions)


@lru_cache(maxsize=4)
def _code_book(snapshot: Snapshot) -> CodeBook:
    """The code book of a snapshot, which never changes."""
    return CodeBook.of(snapshot)


def _line_texts(services: Iterable[Service]) -> tuple[str, ...]:
    # Sorted: an engine may list its lines in any order.
    return tuple(sorted(line_text(service.hcpcs, service.modifiers, service.units) for service in services))


def _question_names(questions: Iterable[Question]) -> tuple[str, ...]:
    return tuple(sorted({question.name for question in questions} - _ASKED_OF_ALL))


def _shipped_rules_result(scenario: CodingScenario, coded_visit: CodedVisit) -> CodingResult:
    codes, question_names = (
        _line_texts(line.service for line in coded_visit.lines),
        _question_names(coded_visit.questions),
    )
    failures = [*_code_differences(scenario, codes)]
    if question_names != scenario.asks:
        failures.append(
            f"asked: expected {', '.join(scenario.asks) or 'nothing'}; found {', '.join(question_names) or 'nothing'}"
        )
    return CodingResult(scenario, codes, tuple(failures))


def run_engine(scenarios: Iterable[CodingScenario], release: Release, engine: CodingEngine) -> CodingRun:
    """Try another engine on the scenarios that hold in *release*: on their lines alone, whatever it asks."""
    applicable = [scenario for scenario in scenarios if scenario.holds_in(release)]
    return CodingRun(release, tuple(_engine_result(scenario, release, engine) for scenario in applicable))


def _engine_result(scenario: CodingScenario, release: Release, engine: CodingEngine) -> CodingResult:
    try:
        codes = tuple(sorted(engine(scenario.visit_on(release.first_day))))
    except ValueError as error:
        return CodingResult(scenario, (), (str(error),))
    return CodingResult(scenario, codes, tuple(_code_differences(scenario, codes)))


def _code_differences(scenario: CodingScenario, codes: Sequence[str]) -> list[str]:
    if tuple(codes) == scenario.codes:
        return []
    return [f"expected {', '.join(scenario.codes) or 'no line'}; found {', '.join(codes) or 'no line'}"]


def command_engine(command: str) -> CodingEngine:
    """Return the engine that *command* is: it reads a visit as JSON on its stdin and writes lines as JSON.

    The lines are a list of objects with `hcpcs` and, where they have them, `modifiers` (a list) and `units`; or an
    object with that list as `lines`.

    Raises WrongUse: if the command is empty.
    """
    command_words = shlex.split(command)
    if not command_words:
        raise WrongUse("--engine is empty; expected a command that reads a visit as JSON and writes lines as JSON")

    def run_command(visit: Mapping[str, Any]) -> Sequence[str]:
        return _engine_lines(_command_output(command_words, json.dumps(visit)))

    return run_command


def _command_output(command_words: Sequence[str], visit_json: str) -> str:
    try:
        # The command is the user's own, given for this purpose; no shell reads it.
        process = subprocess.run(  # noqa: S603
            command_words, input=visit_json, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise WrongUse(f"{command_words[0]}: no such command") from error
    except OSError as error:
        raise WrongUse(f"{command_words[0]}: cannot be run ({error.strerror})") from error
    except (subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        raise ValueError(f"the engine gave no answer: {error}") from error
    if process.returncode:
        # A traceback ends with what went wrong.
        last_line = process.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ValueError(f"the engine ended with {process.returncode}: {last_line[0]}")
    return process.stdout


def _engine_lines(engine_json: str) -> list[str]:
    try:
        document = json.loads(engine_json)
    except json.JSONDecodeError as error:
        raise ValueError(f"the engine wrote no JSON: {error}") from error
    code_lines = document.get("lines") if isinstance(document, dict) else document
    if not isinstance(code_lines, list) or not all(isinstance(line, dict) and "hcpcs" in line for line in code_lines):
        raise ValueError("the engine wrote no list of lines, each with hcpcs")
    try:
        return [
            line_text(str(line["hcpcs"]), line.get("modifiers") or (), int(line.get("units", 1))) for line in code_lines
        ]
    except (TypeError, ValueError) as error:
        raise ValueError(f"the engine wrote a line that cannot be read: {error}") from error
