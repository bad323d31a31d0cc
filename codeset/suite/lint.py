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
    rules = (_repeats, _citations, _twins, lambda whole: _codes(whole, codes), lambda whole: _covers(whole, to_cover))
    return sorted(chain.from_iterable(rule(suite) for rule in (*rules, _can_fail)))


def _fault(scenario: Scenario, says: str) -> Fault:
    return Fault(scenario.file, scenario.at, f"{scenario.id}: {says}")


def _repeats(suite: Suite) -> Iterator[Fault]:
    for name in ("id", "says"):
        first: dict[str, Scenario] = {}
        for scenario in suite.scenarios:
            other = first.setdefault(getattr(scenario, name).casefold(), scenario)
            if other is not scenario:
                yield _fault(scenario, f"{name} is that of {other.file} line {other.at} too")


def _citations(suite: Suite) -> Iterator[Fault]:
    for scenario in suite.scenarios:
        for source in scenario.sources:
            if problem := _uncited(source, suite.documents):
                yield _fault(scenario, problem)


def _uncited(source: Source, documents: Mapping[str, Any]) -> str | None:
    """What is wrong with a citation, as far as the documents' own list tells."""
    if source.document not in documents:
        return f'no document is called "{source.document}" (there are: {", ".join(documents)})'
    document = documents[source.document]
    if "table" in document:
        return None if "row" in source.details else f"{source.document} is cited without a row"
    if "pages" in document:
        chapter, _, number = source.details.get("page", "").rpartition("-")
        last = document["pages"].get(chapter)
        if last is None or not number.isdecimal() or not 1 <= int(number) <= int(last):
            return f"{source.document} has no page {source.details.get('page', '(none is given)')}"
    # By its beginning: a citation may name a part of a section, such as 40.2 (A.6), that the list does not.
    if "chapters" in document:
        sections = document["chapters"].get(source.details.get("chapter", ""), [])
        if not any(source.details.get("section", "").startswith(section) for section in sections):
            return f"{source.document} has no such section in documents.yaml: {source}"
    return None


def _twins(suite: Suite) -> Iterator[Fault]:
    by_id = {scenario.id: scenario for scenario in suite.scenarios}
    for scenario in suite.scenarios:
        # An engine that denies everything passes every denying scenario: only its paying twin can tell.
        if scenario.twin is None and _denies(scenario):
            yield _fault(scenario, "denies, and names no paying twin")
        if scenario.twin is not None and scenario.twin not in by_id:
            yield _fault(scenario, f'its twin "{scenario.twin}" is not there')
        if scenario.twin in by_id and _denies(by_id[scenario.twin]):
            yield _fault(scenario, f'its twin "{scenario.twin}" denies too')


def _denies(scenario: Scenario) -> bool:
    return any(line["disposition"] == "deny" for line in scenario.expected)


def _codes(suite: Suite, codes: Collection[str]) -> Iterator[Fault]:
    for scenario in suite.scenarios:
        if outside := sorted({line.hcpcs for line in scenario.lines} - set(codes)):
            yield _fault(scenario, f"out of scope: {', '.join(outside)}")


def _covers(suite: Suite, to_cover: Collection[str]) -> Iterator[Fault]:
    for scenario in suite.scenarios:
        if unknown := [key for key in scenario.covers if key not in to_cover]:
            yield _fault(scenario, f"covers what is not in the list: {', '.join(unknown)}")


def _can_fail(suite: Suite) -> Iterator[Fault]:
    """An engine that says the same of every line, and knows no more, must not satisfy anybody."""
    for scenario in suite.scenarios:
        for disposition in ("pay", "deny"):
            lines = [{"hcpcs": line.hcpcs, "disposition": disposition, **_KNOWS_NOTHING} for line in scenario.lines]
            if not failures(scenario, lines):
                verb = {"pay": "pays", "deny": "denies"}[disposition]
                yield _fault(
                    scenario, f"passes on an engine that {verb} everything; expect a percent, days or an edit too"
                )


def rows_cited(suite: Suite, snapshot: Snapshot) -> list[Fault]:
    """Return the citations of CMS rows that *snapshot* does not bear out, of scenarios that hold in its quarter."""
    tables = {name: document["table"] for name, document in suite.documents.items() if "table" in document}
    citations = [
        (scenario, source)
        for scenario in suite.scenarios
        if scenario.holds_in(snapshot.release)
        for source in scenario.sources
        if source.document in tables
    ]
    rows = {
        table: _rows(snapshot, table, {source.details["row"] for _, source in citations}) for table in tables.values()
    }
    return sorted(
        _fault(scenario, f"{snapshot.release} has no such row: {source}")
        for scenario, source in citations
        if not _is_confirmed(source, rows[tables[source.document]])
    )


Rows = Mapping[str, list[Mapping[str, Any]]]

_NAMED_BY = {
    "ptp": pl.concat_str("column_one", "column_two", separator="/"),
    "mue": pl.col("hcpcs"),
    "add_on": pl.concat_str("add_on_code", "primary_code", separator="/"),
    "mpfs": pl.concat_str("hcpcs", "modifier", separator=" ").str.strip_chars_end(" "),
}
"""How a citation names a row of each table."""


def _rows(snapshot: Snapshot, table: str, names: Collection[str]) -> Rows:
    """The rows of *table* that citations name by one of *names*."""
    rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    with_names = snapshot.scan(table).with_columns(_NAMED_BY[table].alias("row"))
    for row in with_names.filter(pl.col("row").is_in(list(names))).collect().iter_rows(named=True):
        rows[row["row"]].append(row)
    return rows


def _is_confirmed(source: Source, rows: Rows) -> bool:
    details = {name: value for name, value in source.details.items() if name in _CHECKED}
    if "column" in source.details:
        details[source.details["column"]] = source.details["value"]
    return any(
        all(_text(row.get(name)) == value for name, value in details.items())
        for row in rows.get(source.details["row"], [])
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_CHECKED = ("ccmi", "deletion_date", "mue_value", "mai", "add_on_type")
