"""What `code` prints of a coded visit, and `test` of coding scenarios."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from codeset.money import dollars, signed_dollars
from codeset.visit.code_visit import CodedLine, CodedVisit
from codeset.visit.compare_claim import Comparison
from codeset.visit.suggest_claim import Suggestion
from codeset.visit.trials.run_coding import CodingRun, line_text
from codeset.visit.visit_rules import rule
from codeset.wording import disposition


def coded_table(coded_visit: CodedVisit, release: str | None) -> Table:
    """Return the claim lines of a visit, each with what it rests on and its rule."""
    title = f"{coded_visit.visit.visit_id}, {coded_visit.visit.date_of_service}, by {release or 'no release'}"
    table = Table(title=escape(title), title_justify="left")
    for heading in ("Line", "Code", "Units", "Dx", "For, and what it rests on", "Rule and source", "Result", "Allowed"):
        table.add_column(heading, justify="right" if heading in ("Line", "Units", "Allowed") else "left")
    for line in coded_visit.lines:
        service = line.service
        table.add_row(
            str(line.number),
            "-".join((service.hcpcs, *service.modifiers)),
            str(service.units),
            " ".join(map(str, line.pointers)),
            escape(f"{service.about}: {'; '.join(service.rests_on)}"),
            escape(f"{rule(service.rule).says} ({rule(service.rule).source})"),
            _result(line),
            dollars(line.outcome.allowed_cents),
        )
    return table


def _result(line: CodedLine) -> str:
    """The disposition; where it rests on the record, whether the record holds what it must."""
    result = disposition(line.outcome.disposition)
    return f"{result} ({line.record.verdict})" if line.outcome.disposition == "pay_if_documented" else result


def coded_notes(coded_visit: CodedVisit) -> Iterator[str]:
    """Yield, a line each: diagnoses, the total, the codes considered, what is not billed, and what is asked."""
    if coded_visit.visit.diagnoses:
        numbered_diagnoses = (
            f"{diagnosis_number} {code_text}"
            for diagnosis_number, code_text in enumerate(coded_visit.visit.diagnoses, start=1)
        )
        yield f"Diagnoses: {', '.join(numbered_diagnoses)}"
    yield f"Allowed in all: {dollars(coded_visit.allowed_cents)}"
    for line in coded_visit.lines:
        for alternative in line.service.alternatives:
            yield f"Line {line.number}, not {alternative.hcpcs}: it {alternative.why_not}"
    for unbilled in coded_visit.unbilled:
        code_text = f" ({unbilled.hcpcs})" if unbilled.hcpcs else ""
        rule_text = f"{rule(unbilled.rule).says} ({rule(unbilled.rule).source})"
        yield f"Not billed, {unbilled.about}{code_text}: {unbilled.why}. {rule_text}"
    for line in coded_visit.lines:
        if line.record.missing:
            yield f"Line {line.number}, {line.service.hcpcs}: record {line.record.verdict}"
    for line in coded_visit.lines:
        if line.outcome.disposition in ("review", "unknown"):
            decisive = line.outcome.findings[0]
            result = disposition(line.outcome.disposition)
            yield f"Line {line.number}, {line.service.hcpcs}: {result}. {decisive.says} {decisive.do}"
    yield from question_notes(coded_visit)


def question_notes(coded_visit: CodedVisit) -> Iterator[str]:
    """Yield what is asked of a visit, a line each."""
    for question in coded_visit.questions:
        yield f"QUESTION {question.name}, {question.about}: {question.asks}"


def comparison_table(comparison: Comparison) -> Table:
    """Return how a claim differs from the facts of its visit, a row for each line that does."""
    visit = comparison.coded.visit
    title = f"{visit.visit_id}, {visit.date_of_service}: billed against the facts"
    table = Table(title=escape(title), title_justify="left")
    for heading in ("Line", "Billed", "Facts support", "Finding", "Why", "Amount"):
        table.add_column(heading, justify="right" if heading in ("Line", "Amount") else "left")
    for discrepancy in comparison.discrepancies:
        billed_line, supported_line = discrepancy.billed, discrepancy.right
        table.add_row(
            str(billed_line.line) if billed_line else "",
            line_text(billed_line.hcpcs, billed_line.modifiers, billed_line.units) if billed_line else "",
            line_text(supported_line.service.hcpcs, supported_line.service.modifiers, supported_line.service.units)
            if supported_line
            else "",
            discrepancy.kind,
            escape(discrepancy.why),
            signed_dollars(discrepancy.cents),
        )
    return table


def comparison_notes(comparison: Comparison) -> Iterator[str]:
    """Yield the totals, and what is asked, a line each."""
    yield f"As billed {dollars(comparison.billed_cents)}, by the facts {dollars(comparison.coded.allowed_cents)}"
    yield f"Billed beyond the facts {dollars(comparison.over_cents)}, short of them {dollars(comparison.under_cents)}"
    yield from question_notes(comparison.coded)


def suggestion_table(suggestion: Suggestion) -> Table:
    """Return the changes to claims: what goes, what may be reported instead, if what, and the rows that say so."""
    table = Table(title="Changes to what is denied", title_justify="left")
    for heading in ("Claim", "Lines", "Billed", "Report instead", "If the record shows it", "Source"):
        table.add_column(heading)
    for change in suggestion.changes:
        table.add_row(
            escape(change.replaced[0].claim_id),
            ", ".join(str(line.line) for line in change.replaced),
            ", ".join(line_text(line.hcpcs, line.modifiers, line.units) for line in change.replaced),
            ", ".join(line.text for line in change.remedy.lines),
            change.remedy.condition or "as billed",
            change.remedy.source,
        )
    return table


def suggestion_notes(suggestion: Suggestion) -> Iterator[str]:
    """Yield what is allowed before and after, and what is still denied and why, a line each."""
    cents_before, cents_after = (
        sum(line.allowed_cents or 0 for line in lines if line.disposition != "deny")
        for lines in (suggestion.before, suggestion.after)
    )
    yield f"Allowed as billed {dollars(cents_before)}, with the changes {dollars(cents_after)}"
    for line in suggestion.still_denied:
        decisive = line.findings[0]
        yield f"STILL DENIED {line.claim_id} line {line.line}, {line.hcpcs}: {decisive.says} {decisive.do}"


def coding_table(coding_runs: Sequence[CodingRun]) -> Table:
    """Return how many coding scenarios of each family are right, on each release."""
    table = Table(title="Coding scenarios: right of tried", title_justify="left")
    table.add_column("Family")
    for coding_run in coding_runs:
        table.add_column(str(coding_run.release), justify="right")
    for family in dict.fromkeys(family for coding_run in coding_runs for family in coding_run.by_family):
        scores = [coding_run.by_family.get(family, (0, 0)) for coding_run in coding_runs]
        table.add_row(family, *(f"{right_count} of {tried_count}" for tried_count, right_count in scores))
    return table
