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

_GRAVEST = (Verdict.CONTRADICTED, Verdict.NOT_DECIDABLE, Verdict.CONFIRMED)
_OUTSIDE = "beside-the-excerpt"
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
    claims = [statement.claim for statement in statements if statement.claim and statement.holds_in(snapshot.release)]
    answers = {} if _missing_tables(snapshot) or not claims else scenario_outcomes(claims, snapshot)
    tables = ReleaseTables(snapshot, frozenset(_codes(statements)))
    return tuple(_audited(statement, tables, answers) for statement in statements)


def _codes(statements: Iterable[Statement]) -> Iterator[str]:
    """The codes of the statements' code pairs and claims."""
    for statement in statements:
        for fact in statement.facts:
            if fact.kind == "pairs":
                yield from (fact.details["column_one"], fact.details["column_two"])
        if statement.claim:
            yield from (line.hcpcs for line in statement.claim.lines)


def _missing_tables(snapshot: Snapshot) -> list[str]:
    return [table for table in REQUIRED_TABLES if table not in snapshot]


def _audited(statement: Statement, tables: ReleaseTables, answers: Mapping[str, Sequence[LineOutcome]]) -> Audited:
    checks = list(_checks(statement, tables, answers))
    # A statement of several facts is right only if each of them is.
    verdict = min((check.verdict for check in checks), key=_GRAVEST.index)
    decisive = [check for check in checks if check.verdict is verdict]
    why = "; ".join(dict.fromkeys(check.why for check in decisive))
    rows = {str(row): row for check in decisive for row in check.rows}
    right = statement.right if verdict is Verdict.CONTRADICTED else None
    return Audited(statement, verdict, why, tuple(rows.values()), right)


def _checks(
    statement: Statement, tables: ReleaseTables, answers: Mapping[str, Sequence[LineOutcome]]
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
        yield _try_claim(statement, tables, answers.get(statement.id, ()))


def _try_claim(statement: Statement, tables: ReleaseTables, lines: Sequence[LineOutcome]) -> Checked:
    """What the engine says of the claim's lines against what the guide would have."""
    if missing := _missing_tables(tables.snapshot):
        return Checked(Verdict.NOT_DECIDABLE, f"{tables.snapshot.release} holds no {', '.join(missing)}")
    # What a release cannot decide says nothing against a guide.
    if unknown := [line for line in lines if line["disposition"] == "unknown" or line["decided_by"] == _OUTSIDE]:
        text = ", ".join(f"{line['hcpcs']} ({line['decided_by']})" for line in unknown)
        return Checked(Verdict.NOT_DECIDABLE, f"{tables.snapshot.release} does not decide {text}")
    if statement.total and (unpriced := [line["hcpcs"] for line in lines if _unpriced(line)]):
        return Checked(Verdict.NOT_DECIDABLE, f"there is no amount for {', '.join(unpriced)}")
    assert statement.claim is not None
    rows = tuple(_rows(tables, lines))
    text = f"the claim adjudicates as {_dispositions(lines)}"
    if wrong := [*_wrong_lines(statement.claim, lines), *_wrong_total(statement, lines)]:
        return Checked(Verdict.CONTRADICTED, "; ".join([text, *wrong]), rows)
    return Checked(Verdict.CONFIRMED, text, rows)


def _unpriced(line: LineOutcome) -> bool:
    return line["disposition"] != "deny" and line["allowed_cents"] is None


def _dispositions(lines: Sequence[LineOutcome]) -> str:
    return ", ".join(
        f"{'-'.join([line['hcpcs'], *line['modifiers']])} {wording.disposition(line['disposition'])}" for line in lines
    )


def _wrong_lines(claim: Scenario, lines: Sequence[LineOutcome]) -> Iterator[str]:
    """The dispositions that the guide would have, if they differ; then whatever else does."""
    expected = [line["disposition"] for line in claim.expected]
    if expected != [line["disposition"] for line in lines]:
        yield f"the guide expects {wording.list_in_words([wording.disposition(name) for name in expected])}"
    rest = tuple({name: value for name, value in fields.items() if name != "disposition"} for fields in claim.expected)
    yield from failures(replace(claim, expected=rest), lines)


def _wrong_total(statement: Statement, lines: Sequence[LineOutcome]) -> Iterator[str]:
    if statement.total is None:
        return
    least, most = statement.total
    cents = sum(line["allowed_cents"] or 0 for line in lines)
    if not least * 100 <= cents <= most * 100:
        yield f"the allowed amount is {dollars(cents)}, not ${least} to ${most}"


def _rows(tables: ReleaseTables, lines: Sequence[LineOutcome]) -> list[CmsRow]:
    """The rows behind the lines: those that decide first, then relations of add-on codes, then the fee schedule's."""
    codes = {line["hcpcs"] for line in lines}
    decisive = [row for line in lines if line["decided_by"] for row in _of_finding(tables, line["findings"][0])]
    clear = [line["hcpcs"] for line in lines if not line["decided_by"] or line["findings"][0]["table"] is None]
    relations = [
        cms_row(tables, "add_on", row)
        for hcpcs in clear
        for row in tables.primaries_in_force(hcpcs)
        if row["primary_code"] in codes
    ]
    fees = [cms_row(tables, "mpfs", row) for row in map(tables.mpfs, clear) if row]
    return [*decisive, *relations, *fees]


def _of_finding(tables: ReleaseTables, finding: Mapping[str, str]) -> list[CmsRow]:
    """The row that a finding rests on; a finding of policy alone rests on none."""
    table, code = finding["table"], finding["column_one"]
    if table == "ptp":
        pair = tables.ptp(code, finding["column_two"])
        rows = [row for row in pair if str(row["effective_date"]) == finding["effective_date"]]
    elif table == "add_on":
        rows = tables.primaries_in_force(code)
    else:
        one = {"mue": tables.mue, "mpfs": tables.mpfs}.get(table)
        row = one(code) if one else None
        rows = [row] if row else []
    return [cms_row(tables, table, row) for row in rows]
