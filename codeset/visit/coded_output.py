"""A coded visit for programs and spreadsheets: plain values for JSON, and a row for each line."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from codeset.formats import FORMATS
from codeset.money import decimal_dollars
from codeset.visit.code_visit import CodedLine, CodedVisit
from codeset.visit.compare_claim import Comparison, Discrepancy
from codeset.visit.suggest_claim import Suggestion
from codeset.visit.visit_rules import rule

_COLUMNS = ("visit_id", "line", "hcpcs", "modifiers", "units", "diagnoses", "about", "rule", "source", "rests_on",
            "disposition", "record", "allowed")  # fmt: skip


_OF_FINDINGS = ("reason", "severity", "group_code", "carc", "rarc", "says", "do")


def coded_plain(coded: CodedVisit, release: str | None) -> Mapping[str, Any]:
    """Return *coded* as `coded-visit.schema.json` has it; *release* is the one that it was coded by, if any."""
    return {
        "format": FORMATS["coded-visit"],
        "visit_id": coded.visit.visit_id,
        "date_of_service": coded.visit.date_of_service.isoformat(),
        "release": release,
        "facts_from": coded.facts_from.plain() if coded.facts_from else None,
        "diagnoses": list(coded.visit.diagnoses),
        "lines": [_line_plain(line) for line in coded.lines],
        "allowed_cents": coded.allowed_cents,
        "not_billed": [
            {"about": unbilled.about, "hcpcs": unbilled.hcpcs, "why": unbilled.why, **_rule_plain(unbilled.rule)}
            for unbilled in coded.unbilled
        ],
        "questions": [
            {"name": question.name, "about": question.about, "asks": question.asks} for question in coded.questions
        ],
    }


def _line_plain(line: CodedLine) -> Mapping[str, Any]:
    service = line.service
    return {
        "line": line.number,
        "hcpcs": service.hcpcs,
        "modifiers": list(service.modifiers),
        "units": service.units,
        "diagnosis_pointers": list(line.pointers),
        "lesions": list(service.lesions),
        "about": service.about,
        **_rule_plain(service.rule),
        "rests_on": list(service.rests_on),
        "alternatives": [{"hcpcs": other.hcpcs, "why_not": other.why_not} for other in service.alternatives],
        "disposition": line.outcome.disposition,
        "findings": [{name: getattr(finding, name) for name in _OF_FINDINGS} for finding in line.outcome.findings],
        "record": line.record.verdict,
        "record_needs": [{"name": item.name, "says": item.says, "source": item.source} for item in line.record.items],
        "allowed_cents": line.outcome.allowed_cents,
    }


def _rule_plain(name: str) -> Mapping[str, str]:
    return {"rule": name, "says": rule(name).says, "source": rule(name).source}


def comparison_plain(comparison: Comparison) -> Mapping[str, Any]:
    """Return *comparison* as `claim-comparison.schema.json` has it; cents are positive where the facts support more."""
    return {
        "format": FORMATS["claim-comparison"],
        "visit_id": comparison.coded.visit.visit_id,
        "billed_cents": comparison.billed_cents,
        "right_cents": comparison.coded.allowed_cents,
        "over_cents": comparison.over_cents,
        "under_cents": comparison.under_cents,
        "discrepancies": [_discrepancy_plain(discrepancy) for discrepancy in comparison.discrepancies],
        "questions": [
            {"name": question.name, "about": question.about, "asks": question.asks}
            for question in comparison.coded.questions
        ],
    }


def _discrepancy_plain(discrepancy: Discrepancy) -> Mapping[str, Any]:
    billed, right = discrepancy.billed, discrepancy.right
    as_billed = None
    if billed:
        as_billed = {"hcpcs": billed.hcpcs, "modifiers": list(billed.modifiers), "units": billed.units}
    return {
        "kind": discrepancy.kind,
        "line": billed.line if billed else None,
        "billed": as_billed,
        "right": _line_plain(right) if right else None,
        "why": discrepancy.why,
        "cents": discrepancy.cents,
    }


def suggestion_plain(suggestion: Suggestion) -> Mapping[str, Any]:
    """Return *suggestion* as `suggestion.schema.json` has it: the changes with their conditions, what stays denied."""
    return {
        "format": FORMATS["suggestion"],
        "changes": [
            {
                "claim_id": change.replaced[0].claim_id,
                "replaces": [line.line for line in change.replaced],
                "report": [
                    {"line": line.line, "hcpcs": line.hcpcs, "modifiers": list(line.modifiers), "units": line.units}
                    for line in change.remedy.lines
                ],
                "condition": change.remedy.condition,
                "source": change.remedy.source,
            }
            for change in suggestion.changes
        ],
        "still_denied": [
            {"claim_id": line.claim_id, "line": line.line, "hcpcs": line.hcpcs} for line in suggestion.still_denied
        ],
    }


def claims_csv(lines: pl.DataFrame) -> bytes:
    """Return claim lines as a csv that `adjudicate` reads; columns that no line has are left out."""
    plain = lines.with_columns(pl.col(pl.Categorical).cast(pl.String))
    filled_columns = [name for name in plain.columns if plain[name].null_count() < plain.height]
    return plain.select(filled_columns).write_csv().encode()


def coded_csv(visits: Iterable[CodedVisit]) -> bytes:
    """Return a row for each line of *visits*, amounts in dollars; what is asked or not billed has no row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    writer.writerows(_row(coded, line) for coded in visits for line in coded.lines)
    return text.getvalue().encode()


def _row(coded: CodedVisit, line: CodedLine) -> list[Any]:
    service = line.service
    allowed = decimal_dollars(line.outcome.allowed_cents)
    return [
        _as_cell(coded.visit.visit_id),
        line.number,
        service.hcpcs,
        " ".join(service.modifiers),
        service.units,
        " ".join(service.diagnoses),
        _as_cell(service.about),
        service.rule,
        rule(service.rule).source,
        "; ".join(service.rests_on),
        line.outcome.disposition,
        line.record.verdict,
        allowed,
    ]


def _as_cell(text: str) -> str:
    """The text as a spreadsheet shows it, and does not take it for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t" else text
