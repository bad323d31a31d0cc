"""Goldens: what the engine said of every scenario of a release, and a person accepted."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeset.atomic_write import write_file
from codeset.errors import BadInput, Fault, WrongUse
from codeset.formats import FORMATS
from codeset.releases import Release
from codeset.schemas import reading_faults
from codeset.suite.run_suite import LineOutcome, SuiteRun

_OF_LINE = (
    "hcpcs",
    "modifiers",
    "units",
    "date_of_service",
    "disposition",
    "decided_by",
    "edit",
    "setting",
    "global_days",
    "allowed_cents",
    "payment_percent",
    "unpriced",
)
_OF_FINDING = (
    "reason",
    "severity",
    "carc",
    "rarc",
    "table",
    "column_one",
    "column_two",
    "ccmi",
    "mue_value",
    "mai",
    "effective_date",
    "deletion_date",
    "edition",
    "partner_line",
    "detail",
)

Accepted = Mapping[str, list[Mapping[str, Any]]]
"""Scenario id to its lines, as a golden holds them: without what is null or empty."""


@dataclass(frozen=True)
class Goldens:
    """The accepted outcomes of one release, and their file; `accepted` is None where nothing is accepted yet."""

    file: Path
    accepted: Accepted | None

    def missing(self, ran: SuiteRun) -> tuple[str, ...]:
        """Return the scenarios of *ran* of which nothing is accepted, in the suite's order."""
        accepted = self.accepted or {}
        return tuple(result.scenario.id for result in ran.results if result.scenario.id not in accepted)

    def stale(self, ran: SuiteRun) -> tuple[str, ...]:
        """Return the accepted scenarios that *ran* does not try, sorted: they are gone or no longer hold.

        One that needs a table the release lacks, such as its diagnoses, is neither: it is counted as left out.
        """
        ids_run = {result.scenario.id for result in ran.results}
        ids_without_table = {scenario.id for scenario in ran.left_out if scenario.holds_in(ran.release)}
        return tuple(sorted(set(self.accepted or {}) - ids_run - ids_without_table))

    def differing(self, ran: SuiteRun) -> Mapping[str, tuple[str, ...]]:
        """Return, by scenario, how what is said differs from what was accepted, in words."""
        accepted = self.accepted or {}
        differences = {
            result.scenario.id: tuple(_differences(accepted[result.scenario.id], golden_lines(result.lines)))
            for result in ran.results
            if result.scenario.id in accepted
        }
        return {name: texts for name, texts in differences.items() if texts}


def goldens_folder(scenarios: Path) -> Path:
    """Return where the accepted outcomes of a folder of *scenarios* are: in `golden`, beside it."""
    return scenarios.resolve().parent / "golden"


def goldens(folder: Path, release: Release) -> Goldens:
    """Read `<folder>/<release>.json`.

    Raises BadInput: if the file is there and is no golden.
    """
    file = folder / f"{release}.json"
    if not file.is_file():
        return Goldens(file, None)
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput([Fault(str(file), 0, f"is no JSON: {error}")], "Nothing was compared.") from error
    if faults := reading_faults(plain, "golden"):
        raise BadInput([Fault(str(file), 0, says) for says in faults], "Nothing was compared.")
    return Goldens(file, plain["scenarios"])


def accept(before: Goldens, ran: SuiteRun) -> tuple[str, ...]:
    """Write what is said of the scenarios of which nothing was accepted yet, and return their names.

    What was accepted before stays as it is. Raises WrongUse: if a scenario fails what its coder expects.
    """
    # What was accepted never outweighs what a coder worked out (docs/decisions/0005-two-truths.md).
    if ran.failed:
        names = ", ".join(result.scenario.id for result in ran.failed)
        raise WrongUse(f"{ran.release}: what contradicts a coder cannot be accepted: {names}. Nothing was written.")
    missing = before.missing(ran)
    if missing:
        outcomes = {
            result.scenario.id: golden_lines(result.lines) for result in ran.results if result.scenario.id in missing
        }
        _write(before.file, ran.release, {**(before.accepted or {}), **outcomes})
    return missing


def golden_lines(lines: Iterable[LineOutcome]) -> list[Mapping[str, Any]]:
    """Return *lines* as a golden holds them."""
    return [_some(line, _OF_LINE) | _findings(line["findings"]) for line in lines]


def _findings(findings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    kept_fields = [_some(finding, _OF_FINDING) for finding in findings]
    return {"findings": kept_fields} if kept_fields else {}


def _some(plain: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    # What is null or empty is left out: a new field with no value changes no golden.
    return {name: plain[name] for name in names if plain.get(name) not in (None, [], "")}


def _write(file: Path, release: Release, accepted: Accepted) -> None:
    # A scenario on a line, sorted: a changed outcome is one line of a diff, and a person reads those.
    lines = [f"    {json.dumps(name)}: {json.dumps(accepted[name], ensure_ascii=False)}" for name in sorted(accepted)]
    text = (
        f'{{\n  "format": "{FORMATS["golden"]}",\n  "release": "{release}",\n  "scenarios": {{\n'
        + ",\n".join(lines)
        + "\n  }\n}\n"
    )
    try:
        write_file(file, text)
    except OSError as error:
        raise WrongUse(f"{file}: cannot be written ({error.strerror})") from error


def _differences(before: list[Mapping[str, Any]], after: list[Mapping[str, Any]]) -> Iterable[str]:
    if len(before) != len(after):
        yield f"accepted with {len(before)} lines, now {len(after)}"
        return
    pairs = zip(map(_compared, before), map(_compared, after), strict=True)
    for place, (accepted, current) in enumerate(pairs, start=1):
        for name in (*_OF_LINE, "findings"):
            old, new = accepted.get(name), current.get(name)
            if old != new:
                yield f"line {place}, {name}: accepted {_as_text(old)}, now {_as_text(new)}"


def _compared(line: Mapping[str, Any]) -> dict[str, Any]:
    """*line* without the editions of CMS's rows: a later file that has the same row says the same."""
    return {name: value for name, value in line.items() if name != "findings"} | _findings(
        {name: value for name, value in finding.items() if name != "edition"} for finding in line.get("findings", ())
    )


def _as_text(value: object) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)
