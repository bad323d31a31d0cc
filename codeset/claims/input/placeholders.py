"""Placeholder beneficiaries: a name such as CASH or UNKNOWN under which a system books the lines of many patients.

Every line of a day would be read against every other one, and most denials would be false.
"""

from collections.abc import Iterator, Mapping

import polars as pl

from codeset.claims.engine.series import starts_group, true_positions
from codeset.claims.input.check import PLACEHOLDER, FieldFault

LINES_OF_A_DAY = 1_000
"""No patient has more lines on one day: an 837P claim has at most 50 (005010X222A1, loop 2400)."""


def placeholder_claims(lines: pl.DataFrame) -> dict[str, int]:
    """Return the claims of beneficiaries with more than `LINES_OF_A_DAY` lines on a day, and how many these are."""
    if not _may_have_crowded_day(lines["beneficiary"]):
        return {}
    patient_day = ("beneficiary", "date_of_service")
    crowded_days = lines.group_by(patient_day).agg(pl.len().alias("lines")).filter(pl.col("lines") > LINES_OF_A_DAY)
    claims = (
        lines.select("claim_id", *patient_day)
        .join(crowded_days, on=patient_day)
        .group_by("claim_id")
        .agg(pl.col("lines").max())
    )
    return dict(claims.iter_rows())


def _may_have_crowded_day(beneficiary: pl.Series) -> bool:
    """Whether a beneficiary has more lines than a day may have: in most files none has."""
    if beneficiary.len() <= LINES_OF_A_DAY:
        return False
    # By runs of the same beneficiary, for most files come in such runs: there are fewer of them than lines.
    starts_of_runs = starts_group(beneficiary)
    run_beneficiaries, first_lines = beneficiary.filter(starts_of_runs), true_positions(starts_of_runs)
    run_lengths = first_lines.shift(-1, fill_value=beneficiary.len()) - first_lines
    if run_beneficiaries.is_sorted():
        most_lines: int = run_lengths.max()  # type: ignore[assignment]
    else:
        runs = pl.DataFrame([run_beneficiaries.hash().alias("beneficiary"), run_lengths.alias("lines")])
        most_lines = runs.group_by("beneficiary").agg(pl.col("lines").sum())["lines"].max()  # type: ignore[assignment]
    return most_lines > LINES_OF_A_DAY


def placeholder_faults(lines: pl.DataFrame, claims: Mapping[str, int]) -> Iterator[FieldFault]:
    """Yield a fault for each of *claims* among *lines* (columns of `RAW`), at its first line."""
    numbered_lines = lines.with_row_index("row").with_columns(pl.col("claim_id").str.strip_chars())
    first_lines = numbered_lines.filter(pl.col("claim_id").is_in(list(claims))).unique(
        "claim_id", keep="first", maintain_order=True
    )
    expected = f"at most {LINES_OF_A_DAY:,} lines of one beneficiary on one day"
    for row, claim_id in first_lines.select("row", "claim_id").iter_rows():
        lines_of_day = f"{claims[claim_id]:,}, as of a placeholder for many patients"
        yield FieldFault(PLACEHOLDER, expected, lines_of_day, row=row)
