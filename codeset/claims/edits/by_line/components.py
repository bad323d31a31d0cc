"""Components in a facility: the technical part of a test on a hospital's patient is the hospital's.

The practitioner is paid for the professional component, 26; billed whole or with TC in a hospital the test is denied
(IOM 100-04 ch. 12, section 20.4.2 and ch. 13, section 150; record layout RVU25D, PC/TC Indicator 1, 3, and 4). In an
ambulatory surgical center a laboratory may bill it: the contractor decides. No denial code was found for the edit.
"""

from collections.abc import Iterator

import polars as pl

from codeset.claims.edits.single_line import IS_HOSPITAL, IS_LISTED, Check, fails_any, find_by_kind
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines

AMBULATORY_SURGICAL_CENTER = "24"

HAS_TECHNICAL_PART = (pl.col("pctc_indicator") == "1") & ~pl.col("m26")
IS_TECHNICAL_ONLY = pl.col("pctc_indicator").is_in(["3", "4"]) & (pl.col("global_days") != "ZZZ")
# Others have a finding by their status: bundled, excluded, not valid.
IS_PRICED = pl.col("status_code").is_in(["A", "R", "C"])
IS_IN_SURGICAL_CENTER = pl.col("place_of_service").cast(pl.String) == AMBULATORY_SURGICAL_CENTER


def checks() -> Iterator[Check]:
    """The components that a practitioner is not paid for in a place."""
    place_of_service, in_hospital = pl.col("place_of_service"), IS_LISTED & IS_PRICED & IS_HOSPITAL
    in_surgical_center = IS_LISTED & IS_PRICED & IS_IN_SURGICAL_CENTER
    yield in_hospital & HAS_TECHNICAL_PART, "component-whole-in-hospital", place_of_service
    yield in_hospital & IS_TECHNICAL_ONLY, "component-technical-in-hospital", place_of_service
    yield in_surgical_center & HAS_TECHNICAL_PART, "component-in-surgical-center", place_of_service


def find_components(lines: Lines) -> Findings:
    """One finding for each line that bills the technical part of a test in a facility."""
    return find_by_kind(lines, checks)


COMPONENTS = Edit(find_components, concerns=fails_any(checks))
