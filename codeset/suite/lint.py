"""The suite itself is checked: names, statements, citations, twins, codes, and that every scenario can fail."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import Any

import polars as pl

from codeset.errors import Fault
from codeset.snapshot import Snapshot
from codeset.suite.expectations import failures
from codeset.suite.scenarios import Scenario, Source, Suite

_KNOWS_NOTHING = {"decided_by": None, "edit": None, "findings": ()}


def lint(suite: Suite, codes: Collection[str], to_cover: Collection[str]) -> list[Fault]:
    """Return what is wrong with *suite*, by file and line.

    *codes* are those that its claims may have, *to_cover* the keys that scenarios may name under `covers`.
    """
    lint_rules = (
        _repeated_names,
        _citation_faults,
        _twin_faults,
        lambda checked_suite: _codes_out_of_scope(checked_suite, codes),
        lambda checked_suite: _unknown_coverage(checked_suite, to_cover),
    )
    return sorted(chain.from_iterable(lint_rule(suite) for lint_rule in (*lint_rules, _scenarios_that_cannot_fail)))


def _fault(scenario: Scenario, fault_text: str) -> Fault:
    return Fault(scenario.file, scenario.at, f"{scenario.id}: {fault_text}")


def _repeated_names(suite: Suite) -> Iterator[Fault]:
    for field_name in ("id", "says"):
        first_scenarios: dict[str, Scenario] = {}
        for scenario in suite.scenarios:
            # Names that differ in capitals alone are one name to a reader.
            earlier_scenario = first_scenarios.setdefault(getattr(scenario, field_name).casefold(), scenario)
            if earlier_scenario is not scenario:
                yield _fault(
                    scenario, f"{field_name} is that of {earlier_scenario.file} line {earlier_scenario.at} too"
                )


def _citation_faults(suite: Suite) -> Iterator[Fault]:
    for scenario in suite.scenarios:
        for source in scenario.sources:
            if problem := _citation_problem(source, suite.documents):
                yield _fault(scenario, problem)


def _citation_problem(source: Source, documents: Mapping[str, Any]) -> str | None:
    """What is wrong with a citation, as far as the documents' own list tells."""
    if source.document not in documents:
        return f'no document is called "{source.document}" (there are: {", ".join(documents)})'
    document = documents[source.document]
    if "table" in document:
        return None if "row" in source.details else f"{source.document} is cited without a row"
    if "pages" in document:
        chapter, _, page_number = source.details.get("page", "").rpartition("-")
        last_page = document["pages"].get(chapter)
        if last_page is None or not page_number.isdecimal() or not 1 <= int(page_number) <= int(last_page):
            return f"{source.document} has no page {source.details.get('page', '(none is given)')}"
    # By its beginning: a citation may name a part of a section, such as 40.2 (A.6), that the list does not.
    if "chapters" in document:
        sections = document["chapters"].get(source.details.get("chapter", ""), [])
        if not any(source.details.get("section", "").startswith(section) for section in sections):
            return f"{source.document} has no such section in documents.yaml: {source}"
    return None


def _twin_faults(suite: Suite) -> Iterator[Fault]:
    scenario_of_id = {scenario.id: scenario for scenario in suite.scenarios}
    for scenario in suite.scenarios:
        # An engine that denies everything passes every denying scenario: only its paying twin can tell.
        if scenario.twin is None and _denies(scenario):
            yield _fault(scenario, "denies, and names no paying twin")
        if scenario.twin is not None and scenario.twin not in scenario_of_id:
            yield _fault(scenario, f'its twin "{scenario.twin}" is not there')
        if scenario.twin in scenario_of_id and _denies(scenario_of_id[scenario.twin]):
            yield _fault(scenario, f'its twin "{scenario.twin}" denies too')


def _denies(scenario: Scenario) -> bool:
    return any(line["disposition"] == "deny" for line in scenario.expected)


def _codes_out_of_scope(suite: Suite, allowed_codes: Collection[str]) -> Iterator[Fault]:
    for scenario in suite.scenarios:
        if codes_outside := sorted({line.hcpcs for line in scenario.lines} - set(allowed_codes)):
            yield _fault(scenario, f"out of scope: {', '.join(codes_outside)}")


def _unknown_coverage(suite: Suite, to_cover: Collection[str]) -> Iterator[Fault]:
    for scenario in suite.scenarios:
        if unknown_keys := [key for key in scenario.covers if key not in to_cover]:
            yield _fault(scenario, f"covers what is not in the list: {', '.join(unknown_keys)}")


def _scenarios_that_cannot_fail(suite: Suite) -> Iterator[Fault]:
    """An engine that says the same of every line, and knows no more, must not satisfy anybody."""
    for scenario in suite.scenarios:
        for disposition in ("pay", "deny"):
            lines = [{"hcpcs": line.hcpcs, "disposition": disposition, **_KNOWS_NOTHING} for line in scenario.lines]
            if not failures(scenario, lines):
                verb = {"pay": "pays", "deny": "denies"}[disposition]
                yield _fault(
                    scenario, f"passes on an engine that {verb} everything; expect a percent, days or an edit too"
                )


def unconfirmed_citations(suite: Suite, snapshot: Snapshot) -> list[Fault]:
    """Return the citations of CMS rows that *snapshot* does not bear out, of scenarios that hold in its quarter."""
    table_of_document = {
        document_name: document["table"] for document_name, document in suite.documents.items() if "table" in document
    }
    citations = [
        (scenario, source)
        for scenario in suite.scenarios
        if scenario.holds_in(snapshot.release)
        for source in scenario.sources
        if source.document in table_of_document
    ]
    rows_of_table = {
        table: _cited_rows(snapshot, table, {source.details["row"] for _, source in citations})
        for table in table_of_document.values()
    }
    return sorted(
        _fault(scenario, f"{snapshot.release} has no such row: {source}")
        for scenario, source in citations
        if not _is_confirmed(source, rows_of_table[table_of_document[source.document]])
    )


RowsByName = Mapping[str, list[Mapping[str, Any]]]

_CITATION_OF_ROW = {
    "ptp": pl.concat_str("column_one", "column_two", separator="/"),
    "mue": pl.col("hcpcs"),
    "add_on": pl.concat_str("add_on_code", "primary_code", separator="/"),
    "mpfs": pl.concat_str("hcpcs", "modifier", separator=" ").str.strip_chars_end(" "),
}
"""How a citation names a row of each table."""


def _cited_rows(snapshot: Snapshot, table: str, row_names: Collection[str]) -> RowsByName:
    """The rows of *table* that citations name by one of *row_names*."""
    rows_by_name: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    named_rows = snapshot.scan(table).with_columns(_CITATION_OF_ROW[table].alias("row"))
    for row in named_rows.filter(pl.col("row").is_in(list(row_names))).collect().iter_rows(named=True):
        rows_by_name[row["row"]].append(row)
    return rows_by_name


def _is_confirmed(source: Source, rows_by_name: RowsByName) -> bool:
    cited_values = {column: cited_value for column, cited_value in source.details.items() if column in _CITED_COLUMNS}
    if "column" in source.details:
        cited_values[source.details["column"]] = source.details["value"]
    return any(
        all(_value_text(row.get(column)) == cited_value for column, cited_value in cited_values.items())
        for row in rows_by_name.get(source.details["row"], [])
    )


def _value_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_CITED_COLUMNS = ("ccmi", "deletion_date", "mue_value", "mai", "add_on_type")
