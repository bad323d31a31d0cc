"""Fee schedule files of one release, which differ in nothing but the conversion factor: QP and non-QP; a change."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from itertools import combinations, groupby, pairwise

import polars as pl

from codeset.errors import BadInput, Fault
from codeset.manifest import ConversionFactor
from codeset.releases import Release
from codeset_ingest.read.compare_forms import compare_forms, differences
from codeset_ingest.read.conversion_factors import publication_fault, with_dates
from codeset_ingest.read.table import FILE, LINE, Reading

FACTOR = "conversion_factor"


def merge_variants(readings: list[Reading], release: Release) -> Reading:
    """Return one table of all files, with the conversion factors that they print.

    Forms of one variant must agree in the factor too, whatever it is; then files under other names are merged that
    have the same factor.

    Raises BadInput: if two files disagree, or two factors hold for the same participant and day.
    """
    with_factors = [_with_factor_taken_out(reading) for reading in readings]
    _refuse_second_editions(with_factors)
    # The forms of one file (csv, txt, xlsx) must agree in their factor; then files of one factor are compared, whatever
    # they are called; then QP with non-QP, which differ in the factor alone.
    by_variant = sorted(with_factors, key=lambda reading: (reading.variant, reading.form))
    variants = [
        _one_variant(list(readings_alike)) for _, readings_alike in groupby(by_variant, lambda reading: reading.variant)
    ]
    by_factor = sorted(variants, key=lambda variant: (variant.factor or 0, variant.form))
    merged_readings = [
        compare_forms(list(readings_alike)) for _, readings_alike in groupby(by_factor, lambda variant: variant.factor)
    ]
    first_reading, *other_readings = merged_readings
    for other_reading in other_readings:
        # QPP and nonQPP of 2026 agree in every cell but the factor; where they do not, one of them is not of this
        # release.
        if variant_differences := differences(first_reading, other_reading):
            raise BadInput(variant_differences)
    dated_factors = [
        (with_dates(reading.factor or Decimal(0), release, reading), reading) for reading in merged_readings
    ]
    _refuse_two_factors(dated_factors)
    factor_doubts = [
        fault for factor, reading in dated_factors for fault in publication_fault(factor, release, reading)
    ]
    return replace(
        first_reading,
        notes=tuple(note for reading in merged_readings for note in reading.notes),
        sources=tuple(source for reading in merged_readings for source in reading.sources),
        doubts=(*(doubt for reading in merged_readings for doubt in reading.doubts), *factor_doubts),
        forms=tuple(sorted({form for reading in merged_readings for form in reading.forms})),
        factors=tuple(
            sorted((factor for factor, _ in dated_factors), key=lambda factor: (factor.first, str(factor.participant)))
        ),
    )


def _with_factor_taken_out(reading: Reading) -> Reading:
    """Take the conversion factor out of the rows: CMS prints the one factor of a file in every row."""
    printed_factors = reading.frame[FACTOR].unique().sort().to_list()
    if len(printed_factors) != 1:
        other_rows = reading.frame.filter(pl.col(FACTOR) != pl.col(FACTOR).first())
        first_other_line = other_rows[LINE][0] if other_rows.height else 0
        factors_text = ", ".join(map(str, printed_factors)) or "none"
        message = f"expected one conversion factor in a file, found: {factors_text}"
        raise BadInput([Fault(reading.names[0], first_other_line, message)])
    return replace(reading, frame=reading.frame.drop(FACTOR), factor=printed_factors[0])


def _refuse_second_editions(readings: list[Reading]) -> None:
    by_factor = sorted(readings, key=lambda reading: (reading.factor or 0, reading.form))
    for earlier_reading, later_reading in pairwise(by_factor):
        if (earlier_reading.factor, earlier_reading.form) == (later_reading.factor, later_reading.form):
            message = (
                f"a second edition of {earlier_reading.table}; {earlier_reading.names[0]} came too. Give one of them"
            )
            raise BadInput([Fault(later_reading.names[0], 0, message)])


def _one_variant(forms: list[Reading]) -> Reading:
    """The forms of one file, csv, txt and xlsx: they print one conversion factor."""
    first_form = forms[0]
    for other_form in forms[1:]:
        if other_form.factor != first_form.factor:
            first_line, other_row = first_form.frame.row(0, named=True)[LINE], other_form.frame.row(0, named=True)
            message = (
                f"conversion_factor is {first_form.factor}, but {other_form.factor} in {other_row[FILE]} line "
                f"{other_row[LINE]}"
            )
            raise BadInput([Fault(first_form.names[0], first_line, message)])
    return compare_forms(forms)


def _refuse_two_factors(factors: Iterable[tuple[ConversionFactor, Reading]]) -> None:
    for (first_factor, first_reading), (second_factor, second_reading) in combinations(factors, 2):
        same_participant = first_factor.participant == second_factor.participant or None in (
            first_factor.participant,
            second_factor.participant,
        )
        if same_participant and first_factor.first <= second_factor.last and second_factor.first <= first_factor.last:
            participant_text = (
                f" for {first_factor.participant or second_factor.participant}"
                if first_factor.participant or second_factor.participant
                else ""
            )
            message = (
                f"two conversion factors{participant_text} on the same days: {first_factor.value} here, "
                f"{second_factor.value} in {second_reading.names[0]}"
            )
            raise BadInput([Fault(first_reading.names[0], 0, message)])
