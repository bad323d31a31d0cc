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
from codeset.visit.code_visit import CodedVisit, choose, code_visits
from codeset.visit.services import Question, Service
from codeset.visit.trials.coding_scenarios import CodingScenario, visit_with
from codeset.visit.visit_files import parse_visits

SECONDS = 60
"""How long an engine may take for one visit."""

_ASKED_OF_ALL = {"diagnosis"}
"""Scenarios are about codes, and mostly name no diagnosis."""

Answer = Callable[[Mapping[str, Any]], Sequence[str]]
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


def run_own(scenarios: Iterable[CodingScenario], snapshot: Snapshot) -> CodingRun:
    """Code the scenarios that hold in the snapshot's release by the rules of this program."""
    release = snapshot.release
    applicable = [scenario for scenario in scenarios if scenario.holds_in(release)]
    visits = parse_visits([scenario.visit_on(release.first_day) for scenario in applicable])
    coded = code_visits(visits, snapshot)
    return CodingRun(release, tuple(map(_own_result, applicable, coded)))


def codes_of_facts(name: str, facts: Mapping[str, Any], snapshot: Snapshot) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the lines that *facts* come to on the first day of the release, in order of code, and what is asked.

    Raises WrongUse: if the snapshot lacks a table that decides. BadInput: for facts that are no visit.
    """
    visit = parse_visits(visit_with(name, facts, snapshot.release.first_day), name)[0]
    coding = choose(visit, _code_book(snapshot))
    return _texts(coding.services), _asked(coding.questions)


@lru_cache(maxsize=4)
def _code_book(snapshot: Snapshot) -> CodeBook:
    """The code book of a snapshot, which never changes."""
    return CodeBook.of(snapshot)


def _texts(services: Iterable[Service]) -> tuple[str, ...]:
    return tuple(sorted(line_text(service.hcpcs, service.modifiers, service.units) for service in services))


def _asked(questions: Iterable[Question]) -> tuple[str, ...]:
    return tuple(sorted({question.name for question in questions} - _ASKED_OF_ALL))


def _own_result(scenario: CodingScenario, coded: CodedVisit) -> CodingResult:
    codes, asks = _texts(line.service for line in coded.lines), _asked(coded.questions)
    failures = [*_differences(scenario, codes)]
    if asks != scenario.asks:
        failures.append(
            f"asked: expected {', '.join(scenario.asks) or 'nothing'}; found {', '.join(asks) or 'nothing'}"
        )
    return CodingResult(scenario, codes, tuple(failures))


def run_engine(scenarios: Iterable[CodingScenario], release: Release, answer: Answer) -> CodingRun:
    """Try another engine on the scenarios that hold in *release*: on their lines alone, whatever it asks."""
    applicable = [scenario for scenario in scenarios if scenario.holds_in(release)]
    return CodingRun(release, tuple(_tried(scenario, release, answer) for scenario in applicable))


def _tried(scenario: CodingScenario, release: Release, answer: Answer) -> CodingResult:
    try:
        codes = tuple(sorted(answer(scenario.visit_on(release.first_day))))
    except ValueError as error:
        return CodingResult(scenario, (), (str(error),))
    return CodingResult(scenario, codes, tuple(_differences(scenario, codes)))


def _differences(scenario: CodingScenario, codes: Sequence[str]) -> list[str]:
    if tuple(codes) == scenario.codes:
        return []
    return [f"expected {', '.join(scenario.codes) or 'no line'}; found {', '.join(codes) or 'no line'}"]


def command_engine(command: str) -> Answer:
    """Return the engine that *command* is: it reads a visit as JSON on its stdin and writes lines as JSON.

    The lines are a list of objects with `hcpcs` and, where they have them, `modifiers` (a list) and `units`; or an
    object with that list as `lines`.

    Raises WrongUse: if the command is empty.
    """
    words = shlex.split(command)
    if not words:
        raise WrongUse("--engine is empty; expected a command that reads a visit as JSON and writes lines as JSON")

    def answer(visit: Mapping[str, Any]) -> Sequence[str]:
        return _lines(_output(words, json.dumps(visit)))

    return answer


def _output(words: Sequence[str], text: str) -> str:
    try:
        # The command is the user's own, given for this purpose; no shell reads it.
        process = subprocess.run(words, input=text, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise WrongUse(f"{words[0]}: no such command") from error
    except OSError as error:
        raise WrongUse(f"{words[0]}: cannot be run ({error.strerror})") from error
    except (subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        raise ValueError(f"the engine gave no answer: {error}") from error
    if process.returncode:
        last = process.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ValueError(f"the engine ended with {process.returncode}: {last[0]}")
    return process.stdout


def _lines(output: str) -> list[str]:
    try:
        plain = json.loads(output)
    except json.JSONDecodeError as error:
        raise ValueError(f"the engine wrote no JSON: {error}") from error
    lines = plain.get("lines") if isinstance(plain, dict) else plain
    if not isinstance(lines, list) or not all(isinstance(line, dict) and "hcpcs" in line for line in lines):
        raise ValueError("the engine wrote no list of lines, each with hcpcs")
    try:
        return [line_text(str(line["hcpcs"]), line.get("modifiers") or (), int(line.get("units", 1))) for line in lines]
    except (TypeError, ValueError) as error:
        raise ValueError(f"the engine wrote a line that cannot be read: {error}") from error
