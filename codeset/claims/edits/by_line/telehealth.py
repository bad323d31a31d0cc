"""Telehealth: a service is payable by telehealth only if it is on CMS's list of the year.

Billed as telehealth is what has place of service 02 or 10, or modifier 93, 95, FQ, G0, GQ, or GT (CR 13582). The list
is not held: whether the service is on it is unknown. A procedure with a global period cannot be on it: telehealth
replaces a meeting in person (Social Security Act, section 1834(m)).
"""

from collections.abc import Iterator

import polars as pl

from codeset.claims.edits.rules import rules
from codeset.claims.edits.single_line import IS_LISTED, Check, find_by_kind
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines

PLACES = rules()["telehealth"]["place_of_service"]
MODIFIERS = rules()["telehealth"]["modifiers"]

PLACE = pl.col("place_of_service").cast(pl.String)
IS_TELEHEALTH = PLACE.is_in(PLACES) | pl.any_horizontal(f"m{modifier}" for modifier in MODIFIERS)
BILLED_BY = pl.coalesce(
    pl.when(PLACE.is_in(PLACES)).then(pl.format("place of service {}", PLACE)),
    *(pl.when(f"m{modifier}").then(pl.lit(f"modifier {modifier}")) for modifier in MODIFIERS),
)
IS_PROCEDURE = pl.col("global_days").is_in(["000", "010", "090"])
IS_PRICED = pl.col("status_code").is_in(["A", "R", "C", "T"])


def checks() -> Iterator[Check]:
    """What is billed as telehealth."""
    yield IS_LISTED & IS_PRICED & IS_TELEHEALTH & IS_PROCEDURE, "telehealth-procedure", BILLED_BY
    yield IS_LISTED & IS_PRICED & IS_TELEHEALTH & ~IS_PROCEDURE, "telehealth-list-not-held", BILLED_BY


def find_telehealth(lines: Lines) -> Findings:
    """One finding for each line that is billed as telehealth."""
    return find_by_kind(lines, checks)


TELEHEALTH = Edit(find_telehealth)
