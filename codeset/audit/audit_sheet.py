"""The audit sheet: the results of checks as JSON, csv and workbook."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from io import BytesIO
from typing import Any

import polars as pl

from codeset import workbook
from codeset.audit.run_audit import Audit, CheckResult, FlaggedLine
from codeset.formats import FORMATS
from codeset.money import dollars
from codeset.workbook import Sheet

_LINE_COLUMNS = ("claim_id", "line", "date_of_service", "provider", "hcpcs", "modifiers", "units", "charge")
_SUMMARY_CAPTIONS = (
    "Check",
    "Pattern",
    "Lines",
    "Flagged",
    "Share",
    "Charges flagged",
    "To pull",
    "Why",
    "Source",
    "Not run",
)
_SAMPLE_CAPTIONS = (
    "Check",
    "Claim",
    "Line",
    "Date",
    "Practitioner",
    "Code",
    "Modifiers",
    "Units",
    "Charge",
    "Pull",
    "Result",
)


def audit_json(audit: Audit) -> dict[str, Any]:
    """Return the audit for programs (`audit.schema.json`)."""
    return {
        "format": FORMATS["audit"],
        "lines": audit.lines,
        "first": audit.first,
        "last": audit.last,
        "uncovered_lines": audit.uncovered_lines,
        "checks": [_result_json(result) for result in audit.results],
    }


def _result_json(result: CheckResult) -> dict[str, Any]:
    check = result.check
    return {
        "id": check.id,
        "title": check.title,
        "why": check.why,
        "source": asdict(check.source),
        "pull": check.pull,
        "seed": check.seed,
        "not_run": result.not_run,
        "lines": result.lines,
        "flagged": [asdict(line) for line in result.flagged],
        "months": [asdict(month) for month in result.months],
        "rates": [asdict(rate) for rate in result.rates],
    }


def audit_csv(audit: Audit) -> bytes:
    """Return a row for each flagged line, `in_sample` for those to pull; charges in dollars."""
    csv_rows = [
        {"check": result.check.id} | _line_texts(line) | {"in_sample": "yes" if line.in_sample else "no"}
        for result in audit.results
        for line in result.flagged
    ]
    csv_columns = ("check", *_LINE_COLUMNS, "in_sample")
    return pl.DataFrame(csv_rows, schema=dict.fromkeys(csv_columns, pl.String)).write_csv().encode()


def _line_texts(line: FlaggedLine) -> dict[str, str]:
    # Dollars without a sign: a spreadsheet reads them as numbers.
    value_by_column = asdict(line) | {"charge": "" if line.charge_cents is None else f"{line.charge_cents / 100:.2f}"}
    return {column: str(value_by_column[column]) for column in _LINE_COLUMNS}


def audit_workbook(audit: Audit) -> bytes:
    """Return the sheets of the audit: summary, sample to pull, flagged lines, trend and practitioners' rates."""
    xlsx_bytes = BytesIO()
    workbook.write(xlsx_bytes, dict(_audit_sheets(audit)))
    return xlsx_bytes.getvalue()


def _audit_sheets(audit: Audit) -> Iterator[tuple[str, Sheet]]:
    service_days = f"{audit.first} to {audit.last}" if audit.first else "no dates of service"
    title_lines = ("Audit triggers", f"{audit.lines:,} claim lines, {service_days}")
    yield (
        "Summary",
        Sheet(list(map(_summary_row, audit.results)), _SUMMARY_CAPTIONS, title_lines, wrapped=frozenset({7, 8})),
    )
    yield "Sample", Sheet(list(_sample_rows(audit)), _SAMPLE_CAPTIONS, wrapped=frozenset({9}))
    flagged_rows = [(result.check.id, *_line_cells(line)) for result in audit.results for line in result.flagged]
    # Without the columns Pull and Result, which are for the sample.
    yield "Flagged lines", Sheet(flagged_rows, _SAMPLE_CAPTIONS[:9])
    trend_rows = [
        (result.check.id, month.month, month.lines, month.flagged, share(month.flagged, month.lines))
        for result in audit.results
        for month in result.months
    ]
    yield "Trend", Sheet(trend_rows, ("Check", "Month", "Lines", "Flagged", "Share"))
    rate_rows = [
        (result.check.id, rate.provider, f"{rate.rate:.2f}", rate.units, rate.over_units, bound_text(rate.bound))
        for result in audit.results
        for rate in result.rates
    ]
    yield "Practitioners", Sheet(rate_rows, ("Check", "Practitioner", "Rate", "Units", "Over units", "Bound"))


def _summary_row(result: CheckResult) -> Sequence[workbook.Cell]:
    check = result.check
    return (
        check.id,
        check.title,
        result.lines,
        len(result.flagged),
        share(len(result.flagged), result.lines),
        charges(result),
        len(result.sample),
        check.why,
        str(check.source),
        result.not_run,
    )


def _sample_rows(audit: Audit) -> Iterator[Sequence[workbook.Cell]]:
    for result in audit.results:
        for line in result.sample:
            yield (result.check.id, *_line_cells(line), "; ".join(result.check.pull), "")


def _line_cells(line: FlaggedLine) -> Sequence[workbook.Cell]:
    charge_text = None if line.charge_cents is None else dollars(line.charge_cents)
    code_cells = (line.hcpcs, line.modifiers, line.units, charge_text)
    return (line.claim_id, line.line, line.date_of_service, line.provider, *code_cells)


def share(flagged: int, lines: int) -> str:
    """Return the flagged lines as a share in percent, or nothing where there are no lines."""
    return f"{100 * flagged / lines:.1f}%" if lines else ""


def bound_text(bound: float | None) -> str:
    """Return the bound of a rate, or why there is none."""
    return "too few other practitioners" if bound is None else f"{bound:.2f}"


def charges(result: CheckResult) -> str:
    """Return what was charged for the flagged lines, as far as the claims say; nothing if none does."""
    # Many claim files have no charges: a sum of $0.00 would say that nothing was charged.
    charge_cents = [line.charge_cents for line in result.flagged if line.charge_cents is not None]
    return dollars(sum(charge_cents)) if charge_cents else ""
