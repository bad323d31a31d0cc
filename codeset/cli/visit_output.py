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


def coded_table(coded: CodedVisit, release: str | None) -> Table:
    """Return the claim lines of a visit, each with what it rests on and its rule."""
    title = f"{coded.visit.visit_id}, {coded.visit.date_of_service}, by {release or 'no release'}"
    table = Table(title=escape(title), title_justify="left")
    for name in ("Line", "Code", "Units", "Dx", "For, and what it rests on", "Rule and source", "Result", "Allowed"):
        table.add_column(name, justify="right" if name in ("Line", "Units", "Allowed") else "left")
    for line in coded.lines:
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


def coded_notes(coded: CodedVisit) -> Iterator[str]:
    """Yield, a line each: diagnoses, the total, the codes considered, what is not billed, and what is asked."""
    if coded.visit.diagnoses:
        numbered = (f"{number} {code}" for number, code in enumerate(coded.visit.diagnoses, start=1))
        yield f"Diagnoses: {', '.join(numbered)}"
    yield f"Allowed in all: {dollars(coded.allowed_cents)}"
    for line in coded.lines:
        for other in line.service.alternatives:
            yield f"Line {line.number}, not {other.hcpcs}: it {other.why_not}"
    for unbilled in coded.unbilled:
        code = f" ({unbilled.hcpcs})" if unbilled.hcpcs else ""
        says = f"{rule(unbilled.rule).says} ({rule(unbilled.rule).source})"
        yield f"Not billed, {unbilled.about}{code}: {unbilled.why}. {says}"
    for line in coded.lines:
        if line.record.missing:
            yield f"Line {line.number}, {line.service.hcpcs}: record {line.record.verdict}"
    for line in coded.lines:
        if line.outcome.disposition in ("review", "unknown"):
            decisive = line.outcome.findings[0]
            result = disposition(line.outcome.disposition)
            yield f"Line {line.number}, {line.service.hcpcs}: {result}. {decisive.says} {decisive.do}"
    yield from question_notes(coded)


def question_notes(coded: CodedVisit) -> Iterator[str]:
    """Yield what is asked of a visit, a line each."""
    for question in coded.questions:
        yield f"QUESTION {question.name}, {question.about}: {question.asks}"


def comparison_table(comparison: Comparison) -> Table:
    """Return how a claim differs from the facts of its visit, a row for each line that does."""
    visit = comparison.coded.visit
    title = f"{visit.visit_id}, {visit.date_of_service}: billed against the facts"
    table = Table(title=escape(title), title_justify="left")
    for name in ("Line", "Billed", "Facts support", "Finding", "Why", "Amount"):
        table.add_column(name, justify="right" if name in ("Line", "Amount") else "left")
    for discrepancy in comparison.discrepancies:
        billed, right = discrepancy.billed, discrepancy.right
        table.add_row(
            str(billed.line) if billed else "",
            line_text(billed.hcpcs, billed.modifiers, billed.units) if billed else "",
            line_text(right.service.hcpcs, right.service.modifiers, right.service.units) if right else "",
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
    for name in ("Claim", "Lines", "Billed", "Report instead", "If the record shows it", "Source"):
        table.add_column(name)
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
    before, after = (
        sum(line.allowed_cents or 0 for line in lines if line.disposition != "deny")
        for lines in (suggestion.before, suggestion.after)
    )
    yield f"Allowed as billed {dollars(before)}, with the changes {dollars(after)}"
    for line in suggestion.still_denied:
        decisive = line.findings[0]
        yield f"STILL DENIED {line.claim_id} line {line.line}, {line.hcpcs}: {decisive.says} {decisive.do}"


def coding_table(runs: Sequence[CodingRun]) -> Table:
    """Return how many coding scenarios of each family are right, on each release."""
    table = Table(title="Coding scenarios: right of tried", title_justify="left")
    table.add_column("Family")
    for run in runs:
        table.add_column(str(run.release), justify="right")
    for family in dict.fromkeys(family for run in runs for family in run.by_family):
        scores = [run.by_family.get(family, (0, 0)) for run in runs]
        table.add_row(family, *(f"{right} of {tried}" for tried, right in scores))
    return table
