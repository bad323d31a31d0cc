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

_CSV_COLUMNS = ("visit_id", "line", "hcpcs", "modifiers", "units", "diagnoses", "about", "rule", "source", "rests_on",
            "disposition", "record", "allowed")  # fmt: skip


_FINDING_FIELDS = ("reason", "severity", "group_code", "carc", "rarc", "says", "do")


def coded_visit_json(coded_visit: CodedVisit, release: str | None) -> Mapping[str, Any]:
    """Return *coded_visit* as `coded-visit.schema.json` has it; *release* is the one that it was coded by, if any."""
    return {
        "format": FORMATS["coded-visit"],
        "visit_id": coded_visit.visit.visit_id,
        "date_of_service": coded_visit.visit.date_of_service.isoformat(),
        "release": release,
        "facts_from": coded_visit.facts_from.plain() if coded_visit.facts_from else None,
        "diagnoses": list(coded_visit.visit.diagnoses),
        "lines": [_line_json(line) for line in coded_visit.lines],
        "allowed_cents": coded_visit.allowed_cents,
        "not_billed": [
            {"about": unbilled.about, "hcpcs": unbilled.hcpcs, "why": unbilled.why, **_rule_json(unbilled.rule)}
            for unbilled in coded_visit.unbilled
        ],
        "questions": [
            {"name": question.name, "about": question.about, "asks": question.asks}
            for question in coded_visit.questions
        ],
    }


def _line_json(line: CodedLine) -> Mapping[str, Any]:
    service = line.service
    return {
        "line": line.number,
        "hcpcs": service.hcpcs,
        "modifiers": list(service.modifiers),
        "units": service.units,
        "diagnosis_pointers": list(line.pointers),
        "lesions": list(service.lesions),
        "about": service.about,
        **_rule_json(service.rule),
        "rests_on": list(service.rests_on),
        "alternatives": [
            {"hcpcs": alternative.hcpcs, "why_not": alternative.why_not} for alternative in service.alternatives
        ],
        "disposition": line.outcome.disposition,
        "findings": [
            {field_name: getattr(finding, field_name) for field_name in _FINDING_FIELDS}
            for finding in line.outcome.findings
        ],
        "record": line.record.verdict,
        "record_needs": [{"name": item.name, "says": item.says, "source": item.source} for item in line.record.items],
        "allowed_cents": line.outcome.allowed_cents,
    }


def _rule_json(rule_name: str) -> Mapping[str, str]:
    return {"rule": rule_name, "says": rule(rule_name).says, "source": rule(rule_name).source}


def comparison_json(comparison: Comparison) -> Mapping[str, Any]:
    """Return *comparison* as `claim-comparison.schema.json` has it; cents are positive where the facts support more."""
    return {
        "format": FORMATS["claim-comparison"],
        "visit_id": comparison.coded.visit.visit_id,
        "billed_cents": comparison.billed_cents,
        "right_cents": comparison.coded.allowed_cents,
        "over_cents": comparison.over_cents,
        "under_cents": comparison.under_cents,
        "discrepancies": [_discrepancy_json(discrepancy) for discrepancy in comparison.discrepancies],
        "questions": [
            {"name": question.name, "about": question.about, "asks": question.asks}
            for question in comparison.coded.questions
        ],
    }


def _discrepancy_json(discrepancy: Discrepancy) -> Mapping[str, Any]:
    billed_line, supported_line = discrepancy.billed, discrepancy.right
    billed_json = None
    if billed_line:
        billed_json = {"hcpcs": billed_line.hcpcs, "modifiers": list(billed_line.modifiers), "units": billed_line.units}
    return {
        "kind": discrepancy.kind,
        "line": billed_line.line if billed_line else None,
        "billed": billed_json,
        "right": _line_json(supported_line) if supported_line else None,
        "why": discrepancy.why,
        "cents": discrepancy.cents,
    }


def suggestion_json(suggestion: Suggestion) -> Mapping[str, Any]:
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
    # The engine's columns of codes are categorical; as text they are what the file had.
    text_lines = lines.with_columns(pl.col(pl.Categorical).cast(pl.String))
    # A column that no line fills would come back as a field that the claims never had.
    filled_columns = [column for column in text_lines.columns if text_lines[column].null_count() < text_lines.height]
    return text_lines.select(filled_columns).write_csv().encode()


def coded_csv(visits: Iterable[CodedVisit]) -> bytes:
    """Return a row for each line of *visits*, amounts in dollars; what is asked or not billed has no row."""
    csv_text = io.StringIO()
    # CRLF and RFC 4180 quoting: what spreadsheets on Windows write and read.
    writer = csv.writer(csv_text, lineterminator="\r\n")
    writer.writerow(_CSV_COLUMNS)
    writer.writerows(_csv_row(coded_visit, line) for coded_visit in visits for line in coded_visit.lines)
    return csv_text.getvalue().encode()


def _csv_row(coded_visit: CodedVisit, line: CodedLine) -> list[Any]:
    service = line.service
    allowed_dollars = decimal_dollars(line.outcome.allowed_cents)
    return [
        _spreadsheet_safe(coded_visit.visit.visit_id),
        line.number,
        service.hcpcs,
        " ".join(service.modifiers),
        service.units,
        " ".join(service.diagnoses),
        _spreadsheet_safe(service.about),
        service.rule,
        rule(service.rule).source,
        "; ".join(service.rests_on),
        line.outcome.disposition,
        line.record.verdict,
        allowed_dollars,
    ]


def _spreadsheet_safe(text: str) -> str:
    """The text as a spreadsheet shows it, and does not take it for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t" else text
