"""The answers to lines: disposition, what decides it, and the amount; each once, however many lines have it."""

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import codes_of_reasons, dispositions, reasons
from codeset.claims.engine.edit import Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.resolve import decisive_reasons, side_by_side
from codeset.claims.engine.series import distinct
from codeset.claims.pricing.price import LinePrices


def distinct_answers(
    lines: Lines, priced: LinePrices, findings: Findings, height: int
) -> tuple[pl.DataFrame, pl.Series]:
    """Return the answers to lines, each once, and which of them each line has, by row.

    What decides is the line kind, the case and the allowed amount of the price, and the gravest reason.
    """
    of_price = pl.DataFrame([priced.lines["row"], priced.case.alias("case"), priced.allowed])
    deciding = side_by_side([lines.table[["row", "line_kind"]], of_price, decisive_reasons(findings)], height)
    cases, answer = distinct(deciding, deciding.columns)
    disposition = dispositions()[cases["reason"].fill_null(len(reasons()))]
    service = lines.line_kinds.cached(service_by_line_kind)[cases["line_kind"]]
    return disposition.hstack(service).hstack(priced.amounts_of(cases["case"], cases["allowed_cents"])), answer


def service_by_line_kind(line_kinds: LineKinds) -> pl.DataFrame:
    """What an answer says of the service of a line kind."""
    return line_kinds.table.select("hcpcs", "modifiers", pl.col("global_days").cast(CODE))


def with_reasons(reason_rows: pl.DataFrame) -> pl.DataFrame:
    """Return *reason_rows* with edit, severity and denial codes of their reasons."""
    return reason_rows.hstack(codes_of_reasons()[reason_rows["reason"].to_physical()])
