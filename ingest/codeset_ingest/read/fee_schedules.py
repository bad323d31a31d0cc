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
    with_factors = [_take_factor(reading) for reading in readings]
    _refuse_second_editions(with_factors)
    # The forms of one file (csv, txt, xlsx) must agree in their factor; then files of one factor are compared, whatever
    # they are called; then QP with non-QP, which differ in the factor alone.
    by_variant = sorted(with_factors, key=lambda reading: (reading.variant, reading.form))
    variants = [_one_variant(list(group)) for _, group in groupby(by_variant, lambda reading: reading.variant)]
    by_factor = sorted(variants, key=lambda variant: (variant.factor or 0, variant.form))
    merged = [compare_forms(list(group)) for _, group in groupby(by_factor, lambda variant: variant.factor)]
    first, *others = merged
    for other in others:
        # QPP and nonQPP of 2026 agree in every cell but the factor; where they do not, one of them is not of this
        # release.
        if differing := differences(first, other):
            raise BadInput(differing)
    factors = [(with_dates(reading.factor or Decimal(0), release, reading), reading) for reading in merged]
    _refuse_two_factors(factors)
    doubts = [fault for factor, reading in factors for fault in publication_fault(factor, release, reading)]
    return replace(
        first,
        notes=tuple(note for reading in merged for note in reading.notes),
        sources=tuple(source for reading in merged for source in reading.sources),
        doubts=(*(doubt for reading in merged for doubt in reading.doubts), *doubts),
        forms=tuple(sorted({form for reading in merged for form in reading.forms})),
        factors=tuple(
            sorted((factor for factor, _ in factors), key=lambda factor: (factor.first, str(factor.participant)))
        ),
    )


def _take_factor(reading: Reading) -> Reading:
    """Take the conversion factor out of the rows: CMS prints the one factor of a file in every row."""
    factors = reading.frame[FACTOR].unique().sort().to_list()
    if len(factors) != 1:
        others = reading.frame.filter(pl.col(FACTOR) != pl.col(FACTOR).first())
        line = others[LINE][0] if others.height else 0
        values = ", ".join(map(str, factors)) or "none"
        raise BadInput([Fault(reading.names[0], line, f"expected one conversion factor in a file, found: {values}")])
    return replace(reading, frame=reading.frame.drop(FACTOR), factor=factors[0])


def _refuse_second_editions(readings: list[Reading]) -> None:
    by_factor = sorted(readings, key=lambda reading: (reading.factor or 0, reading.form))
    for one, other in pairwise(by_factor):
        if (one.factor, one.form) == (other.factor, other.form):
            message = f"a second edition of {one.table}; {one.names[0]} came too. Give one of them"
            raise BadInput([Fault(other.names[0], 0, message)])


def _one_variant(forms: list[Reading]) -> Reading:
    """The forms of one file, csv, txt and xlsx: they print one conversion factor."""
    first = forms[0]
    for other in forms[1:]:
        if other.factor != first.factor:
            line, place = first.frame.row(0, named=True)[LINE], other.frame.row(0, named=True)
            message = f"conversion_factor is {first.factor}, but {other.factor} in {place[FILE]} line {place[LINE]}"
            raise BadInput([Fault(first.names[0], line, message)])
    return compare_forms(forms)


def _refuse_two_factors(factors: Iterable[tuple[ConversionFactor, Reading]]) -> None:
    for (one, reading), (other, second) in combinations(factors, 2):
        same_participant = one.participant == other.participant or None in (one.participant, other.participant)
        if same_participant and one.first <= other.last and other.first <= one.last:
            whom = f" for {one.participant or other.participant}" if one.participant or other.participant else ""
            message = (
                f"two conversion factors{whom} on the same days: {one.value} here, {other.value} in {second.names[0]}"
            )
            raise BadInput([Fault(reading.names[0], 0, message)])
