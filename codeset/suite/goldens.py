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

_LINE_FIELDS = (
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
_FINDING_FIELDS = (
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

    def missing(self, suite_run: SuiteRun) -> tuple[str, ...]:
        """Return the scenarios of *suite_run* of which nothing is accepted, in the suite's order."""
        accepted = self.accepted or {}
        return tuple(result.scenario.id for result in suite_run.results if result.scenario.id not in accepted)

    def stale(self, suite_run: SuiteRun) -> tuple[str, ...]:
        """Return the accepted scenarios that *suite_run* does not try, sorted: they were removed or no longer hold.

        One that needs a table the release lacks, such as its diagnoses, is neither: it is counted as left out.
        """
        ids_run = {result.scenario.id for result in suite_run.results}
        ids_without_table = {scenario.id for scenario in suite_run.left_out if scenario.holds_in(suite_run.release)}
        return tuple(sorted(set(self.accepted or {}) - ids_run - ids_without_table))

    def differing(self, suite_run: SuiteRun) -> Mapping[str, tuple[str, ...]]:
        """Return, by scenario, how what is said differs from what was accepted, in words."""
        accepted = self.accepted or {}
        differences = {
            result.scenario.id: tuple(_differences(accepted[result.scenario.id], golden_lines(result.lines)))
            for result in suite_run.results
            if result.scenario.id in accepted
        }
        return {
            scenario_id: difference_texts for scenario_id, difference_texts in differences.items() if difference_texts
        }


def goldens_folder(scenarios: Path) -> Path:
    """Return where the accepted outcomes of a folder of *scenarios* are: in `golden`, beside it."""
    return scenarios.resolve().parent / "golden"


def goldens(folder: Path, release: Release) -> Goldens:
    """Read `<folder>/<release>.json`.

    Raises BadInput: if the file is there and is no golden.
    """
    golden_file = folder / f"{release}.json"
    # A new quarter has none yet: that is no fault, its outcomes are not accepted.
    if not golden_file.is_file():
        return Goldens(golden_file, None)
    try:
        document = json.loads(golden_file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput([Fault(str(golden_file), 0, f"is no JSON: {error}")], "Nothing was compared.") from error
    if faults := reading_faults(document, "golden"):
        raise BadInput([Fault(str(golden_file), 0, fault_text) for fault_text in faults], "Nothing was compared.")
    return Goldens(golden_file, document["scenarios"])


def accept(accepted_goldens: Goldens, suite_run: SuiteRun) -> tuple[str, ...]:
    """Write what is said of the scenarios of which nothing was accepted yet, and return their names.

    What was accepted before stays as it is. Raises WrongUse: if a scenario fails what its coder expects.
    """
    # What was accepted never outweighs what a coder worked out (docs/decisions/0005-two-truths.md).
    if suite_run.failed:
        scenario_ids = ", ".join(result.scenario.id for result in suite_run.failed)
        raise WrongUse(
            f"{suite_run.release}: what contradicts a coder cannot be accepted: {scenario_ids}. Nothing was written."
        )
    missing = accepted_goldens.missing(suite_run)
    if missing:
        outcomes = {
            result.scenario.id: golden_lines(result.lines)
            for result in suite_run.results
            if result.scenario.id in missing
        }
        _write_goldens(accepted_goldens.file, suite_run.release, {**(accepted_goldens.accepted or {}), **outcomes})
    return missing


def golden_lines(lines: Iterable[LineOutcome]) -> list[Mapping[str, Any]]:
    """Return *lines* as a golden holds them."""
    return [_fields_with_values(line, _LINE_FIELDS) | _findings(line["findings"]) for line in lines]


def _findings(findings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    kept_fields = [_fields_with_values(finding, _FINDING_FIELDS) for finding in findings]
    return {"findings": kept_fields} if kept_fields else {}


def _fields_with_values(mapping: Mapping[str, Any], field_names: Iterable[str]) -> dict[str, Any]:
    # What is null or empty is left out: a new field with no value changes no golden.
    return {
        field_name: mapping[field_name] for field_name in field_names if mapping.get(field_name) not in (None, [], "")
    }


def _write_goldens(golden_file: Path, release: Release, accepted: Accepted) -> None:
    # A scenario on a line, sorted: a changed outcome is one line of a diff, and a person reads those.
    scenario_lines = [
        f"    {json.dumps(scenario_id)}: {json.dumps(accepted[scenario_id], ensure_ascii=False)}"
        for scenario_id in sorted(accepted)
    ]
    json_text = (
        f'{{\n  "format": "{FORMATS["golden"]}",\n  "release": "{release}",\n  "scenarios": {{\n'
        + ",\n".join(scenario_lines)
        + "\n  }\n}\n"
    )
    try:
        write_file(golden_file, json_text)
    except OSError as error:
        raise WrongUse(f"{golden_file}: cannot be written ({error.strerror})") from error


def _differences(accepted_lines: list[Mapping[str, Any]], current_lines: list[Mapping[str, Any]]) -> Iterable[str]:
    if len(accepted_lines) != len(current_lines):
        yield f"accepted with {len(accepted_lines)} lines, now {len(current_lines)}"
        return
    line_pairs = zip(map(_without_editions, accepted_lines), map(_without_editions, current_lines), strict=True)
    for line_number, (accepted_line, current_line) in enumerate(line_pairs, start=1):
        for field_name in (*_LINE_FIELDS, "findings"):
            accepted_value, current_value = accepted_line.get(field_name), current_line.get(field_name)
            if accepted_value != current_value:
                accepted_text, current_text = _value_text(accepted_value), _value_text(current_value)
                yield f"line {line_number}, {field_name}: accepted {accepted_text}, now {current_text}"


def _without_editions(line: Mapping[str, Any]) -> dict[str, Any]:
    """*line* without the editions of CMS's rows: a later file that has the same row says the same."""
    return {
        field_name: field_value for field_name, field_value in line.items() if field_name != "findings"
    } | _findings(
        {field_name: field_value for field_name, field_value in finding.items() if field_name != "edition"}
        for finding in line.get("findings", ())
    )


def _value_text(value: object) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)
