"""GA, GX, GY, GZ: what the practitioner says of coverage, and of the notice to the patient.

GZ, a denial is expected and no notice is on file: denied automatically, the patient owes nothing (CR 7228, from
2011-07-01). GY, excluded by statute, and GX, a voluntary notice of that: denied, the patient owes it (IOM 100-04 ch.
23, section 20.9.1.1; CR 6563). GA, a notice is on file: denies nothing alone (First Coast on MM6563), and shifts
no MUE or NCCI denial to the patient (NCCI Policy Manual 2026, p. I-32). Together they contradict each other, and the
line is unprocessable: GA with GZ (same section), GX with GA or GZ (XIFIN on CR 6563), GY with GZ (Columbia
University, 2002).
"""

from collections.abc import Iterator

import polars as pl

from codeset.claims.edits.single_line import HAS_RELEASE, Check, fails_any, find_by_kind
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines

# GX with GY is none: a voluntary notice of what is excluded by statute (CR 6563).
CONTRADICTIONS = (("GA", "GZ"), ("GX", "GA"), ("GX", "GZ"), ("GY", "GZ"))

IS_CONTRADICTORY = pl.any_horizontal(pl.col(f"m{one}") & pl.col(f"m{two}") for one, two in CONTRADICTIONS)
CONTRADICTORY_PAIR = pl.coalesce(
    pl.when(pl.col(f"m{one}") & pl.col(f"m{two}")).then(pl.lit(f"{one} {two}")) for one, two in CONTRADICTIONS
)
EXCLUDED = pl.when("mGY").then(pl.lit("GY")).otherwise(pl.lit("GX"))


def checks() -> Iterator[Check]:
    """Every check of what a line says of coverage."""
    # One contradiction is named, not each notice of it: the line is unprocessable, whatever one alone would do.
    yield HAS_RELEASE & IS_CONTRADICTORY, "notice-contradiction", CONTRADICTORY_PAIR
    yield HAS_RELEASE & ~IS_CONTRADICTORY & pl.col("mGZ"), "notice-none-on-file", pl.lit("GZ")
    yield HAS_RELEASE & ~IS_CONTRADICTORY & (pl.col("mGY") | pl.col("mGX")), "notice-excluded", EXCLUDED


def find_notices(lines: Lines) -> Findings:
    """One finding for each line that its own modifiers deny."""
    return find_by_kind(lines, checks)


NOTICES = Edit(find_notices, concerns=fails_any(checks))
