"""What guides say, tried on one release: confirmed, contradicted or not decidable, with CMS's rows.

A verdict is never kept: it comes from the release's data each time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from codeset import wording
from codeset.money import dollars
from codeset.snapshot import Snapshot
from codeset.suite.expectations import failures
from codeset.suite.guidance.guidance_checks import Checked, CmsRow, Verdict, cms_row, try_fact
from codeset.suite.guidance.guidance_files import Right, Statement, statements
from codeset.suite.guidance.release_tables import ReleaseTables
from codeset.suite.run_suite import LineOutcome, scenario_outcomes
from codeset.suite.scenarios import Scenario
from codeset.tables import REQUIRED_TABLES

__all__ = ["Audited", "CmsRow", "Right", "Statement", "Verdict", "audit", "statements"]

_GRAVEST_FIRST = (Verdict.CONTRADICTED, Verdict.NOT_DECIDABLE, Verdict.CONFIRMED)
_BESIDE_THE_EXCERPT = "beside-the-excerpt"
"""The reason of a line whose neighbour the excerpt does not hold."""


@dataclass(frozen=True)
class Audited:
    """What a release's data say of a statement: the verdict, why, the CMS rows that show it, the decisive one first.

    `right` is what is right instead; only a contradicted statement has it.
    """

    statement: Statement
    verdict: Verdict
    why: str
    rows: tuple[CmsRow, ...]
    right: Right | None

    @property
    def row(self) -> CmsRow | None:
        """The row that tells most, if one tells anything."""
        return self.rows[0] if self.rows else None


def audit(statements_to_try: Iterable[Statement], snapshot: Snapshot) -> tuple[Audited, ...]:
    """Try the statements on *snapshot*, in their order; all of their claims go through the engine in one batch."""
    statements = tuple(statements_to_try)
    claim_scenarios = [
        statement.claim for statement in statements if statement.claim and statement.holds_in(snapshot.release)
    ]
    outcomes_of_claim = (
        {} if _missing_tables(snapshot) or not claim_scenarios else scenario_outcomes(claim_scenarios, snapshot)
    )
    tables = ReleaseTables(snapshot, frozenset(_named_codes(statements)))
    return tuple(_audit_statement(statement, tables, outcomes_of_claim) for statement in statements)


def _named_codes(statements: Iterable[Statement]) -> Iterator[str]:
    """The codes of the statements' code pairs and claims."""
    for statement in statements:
        for fact in statement.facts:
            if fact.kind == "pairs":
                yield from (fact.details["column_one"], fact.details["column_two"])
        if statement.claim:
            yield from (line.hcpcs for line in statement.claim.lines)


def _missing_tables(snapshot: Snapshot) -> list[str]:
    return [table for table in REQUIRED_TABLES if table not in snapshot]


def _audit_statement(
    statement: Statement, tables: ReleaseTables, outcomes_of_claim: Mapping[str, Sequence[LineOutcome]]
) -> Audited:
    trial_results = list(_trial_results(statement, tables, outcomes_of_claim))
    # A statement of several facts is right only if each of them is.
    verdict = min((trial_result.verdict for trial_result in trial_results), key=_GRAVEST_FIRST.index)
    decisive = [trial_result for trial_result in trial_results if trial_result.verdict is verdict]
    explanation = "; ".join(dict.fromkeys(trial_result.why for trial_result in decisive))
    cms_rows = {str(cms_row): cms_row for trial_result in decisive for cms_row in trial_result.rows}
    right = statement.right if verdict is Verdict.CONTRADICTED else None
    return Audited(statement, verdict, explanation, tuple(cms_rows.values()), right)


def _trial_results(
    statement: Statement, tables: ReleaseTables, outcomes_of_claim: Mapping[str, Sequence[LineOutcome]]
) -> Iterator[Checked]:
    if statement.not_decidable:
        yield Checked(Verdict.NOT_DECIDABLE, statement.not_decidable)
        return
    if not statement.holds_in(tables.snapshot.release):
        yield Checked(Verdict.NOT_DECIDABLE, f"it speaks of dates of service {statement.period}")
        return
    for fact in statement.facts:
        yield try_fact(fact, tables, participant=statement.participant)
    if statement.claim:
        yield _try_claim(statement, tables, outcomes_of_claim.get(statement.id, ()))


def _try_claim(statement: Statement, tables: ReleaseTables, lines: Sequence[LineOutcome]) -> Checked:
    """What the engine says of the claim's lines against what the guide would have."""
    if missing_tables := _missing_tables(tables.snapshot):
        return Checked(Verdict.NOT_DECIDABLE, f"{tables.snapshot.release} holds no {', '.join(missing_tables)}")
    # What a release cannot decide says nothing against a guide.
    if undecided_lines := [
        line for line in lines if line["disposition"] == "unknown" or line["decided_by"] == _BESIDE_THE_EXCERPT
    ]:
        explanation = ", ".join(f"{line['hcpcs']} ({line['decided_by']})" for line in undecided_lines)
        return Checked(Verdict.NOT_DECIDABLE, f"{tables.snapshot.release} does not decide {explanation}")
    if statement.total and (unpriced_codes := [line["hcpcs"] for line in lines if _is_unpriced(line)]):
        return Checked(Verdict.NOT_DECIDABLE, f"there is no amount for {', '.join(unpriced_codes)}")
    assert statement.claim is not None
    cms_rows = tuple(_rows_behind_lines(tables, lines))
    explanation = f"the claim adjudicates as {_dispositions(lines)}"
    if contradictions := [*_line_contradictions(statement.claim, lines), *_total_contradictions(statement, lines)]:
        return Checked(Verdict.CONTRADICTED, "; ".join([explanation, *contradictions]), cms_rows)
    return Checked(Verdict.CONFIRMED, explanation, cms_rows)


def _is_unpriced(line: LineOutcome) -> bool:
    return line["disposition"] != "deny" and line["allowed_cents"] is None


def _dispositions(lines: Sequence[LineOutcome]) -> str:
    return ", ".join(
        f"{'-'.join([line['hcpcs'], *line['modifiers']])} {wording.disposition(line['disposition'])}" for line in lines
    )


def _line_contradictions(claim: Scenario, lines: Sequence[LineOutcome]) -> Iterator[str]:
    """The dispositions that the guide would have, if they differ; then whatever else does."""
    expected_dispositions = [line["disposition"] for line in claim.expected]
    if expected_dispositions != [line["disposition"] for line in lines]:
        expected_words = [wording.disposition(name) for name in expected_dispositions]
        yield f"the guide expects {wording.list_in_words(expected_words)}"
    # Dispositions are compared above, in one sentence for all lines; what is left, field by field.
    other_expectations = tuple(
        {field_name: value for field_name, value in fields.items() if field_name != "disposition"}
        for fields in claim.expected
    )
    yield from failures(replace(claim, expected=other_expectations), lines)


def _total_contradictions(statement: Statement, lines: Sequence[LineOutcome]) -> Iterator[str]:
    if statement.total is None:
        return
    least_dollars, most_dollars = statement.total
    total_cents = sum(line["allowed_cents"] or 0 for line in lines)
    if not least_dollars * 100 <= total_cents <= most_dollars * 100:
        yield f"the allowed amount is {dollars(total_cents)}, not ${least_dollars} to ${most_dollars}"


def _rows_behind_lines(tables: ReleaseTables, lines: Sequence[LineOutcome]) -> list[CmsRow]:
    """The rows behind the lines: those that decide first, then relations of add-on codes, then the fee schedule's."""
    codes = {line["hcpcs"] for line in lines}
    decisive = [row for line in lines if line["decided_by"] for row in _rows_of_finding(tables, line["findings"][0])]
    codes_without_row = [
        line["hcpcs"] for line in lines if not line["decided_by"] or line["findings"][0]["table"] is None
    ]
    relations = [
        cms_row(tables, "add_on", row)
        for hcpcs in codes_without_row
        for row in tables.primaries_in_force(hcpcs)
        if row["primary_code"] in codes
    ]
    fee_rows = [cms_row(tables, "mpfs", row) for row in map(tables.mpfs, codes_without_row) if row]
    return [*decisive, *relations, *fee_rows]


def _rows_of_finding(tables: ReleaseTables, finding: Mapping[str, str]) -> list[CmsRow]:
    """The row that a finding rests on; a finding of policy alone rests on none."""
    table, column_one = finding["table"], finding["column_one"]
    if table == "ptp":
        ptp_rows = tables.ptp(column_one, finding["column_two"])
        rows = [row for row in ptp_rows if str(row["effective_date"]) == finding["effective_date"]]
    elif table == "add_on":
        rows = tables.primaries_in_force(column_one)
    else:
        look_up = {"mue": tables.mue, "mpfs": tables.mpfs}.get(table)
        row = look_up(column_one) if look_up else None
        rows = [row] if row else []
    return [cms_row(tables, table, row) for row in rows]
