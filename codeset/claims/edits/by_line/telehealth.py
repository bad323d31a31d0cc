"""Telehealth: a service is payable by telehealth only if it is on CMS's list of the year.

Billed as telehealth is what has place of service 02 or 10, or modifier 93, 95, FQ, G0, GQ, or GT (CR 13582). The list
(Social Security Act, section 1834(m)(4)(F)) is a table of a release to which it was given: a service on it is paid as
its place of service says, one that is not is not payable. Without the list that is unknown. A procedure with a global
period cannot be on it: telehealth replaces a meeting in person. Code 96 with remark N776 (not a covered telehealth
service): the remark is made for it; which code contractors put beside it was not found.
"""

from collections.abc import Iterator

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import NO_FINDINGS
from codeset.claims.edits.rules import rules
from codeset.claims.edits.single_line import IS_LISTED, Check, fails_any, find_by_kind
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import is_member

PLACES = rules()["telehealth"]["place_of_service"]
MODIFIERS = rules()["telehealth"]["modifiers"]

PLACE = pl.col("place_of_service").cast(pl.String)
IS_TELEHEALTH = PLACE.is_in(PLACES) | pl.any_horizontal(f"m{modifier}" for modifier in MODIFIERS)
BILLED_BY = pl.coalesce(
    pl.when(PLACE.is_in(PLACES)).then(pl.format("place of service {}", PLACE)),
    *(pl.when(f"m{modifier}").then(pl.lit(f"modifier {modifier}")) for modifier in MODIFIERS),
)
HAS_LIST = pl.col("has_telehealth").fill_null(value=False)
IS_PROCEDURE = pl.col("global_days").is_in(["000", "010", "090"])
IS_PRICED = pl.col("status_code").is_in(["A", "R", "C", "T"])


def checks() -> Iterator[Check]:
    """What is billed as telehealth, and would have to be on the list."""
    is_priced_telehealth = IS_LISTED & IS_PRICED & IS_TELEHEALTH
    yield is_priced_telehealth & IS_PROCEDURE, "telehealth-procedure", BILLED_BY
    yield is_priced_telehealth & ~IS_PROCEDURE & HAS_LIST, "telehealth-not-on-list", BILLED_BY
    # The list is CMS's yearly file: a release that it was not given to says nothing of it, neither yes nor no.
    yield is_priced_telehealth & ~IS_PROCEDURE & ~HAS_LIST, "telehealth-list-not-held", BILLED_BY


def find_telehealth(lines: Lines) -> Findings:
    """One finding for each line that is billed as telehealth, and of which the list does not say that it may be."""
    telehealth_findings = find_by_kind(lines, checks)
    if telehealth_findings.rows.is_empty():
        return NO_FINDINGS
    # `find_by_kind` finds every service billed as telehealth; those on the list are payable, and are left out.
    rows_on_list = lines.table["row"].filter(lines.look_up(lines.line_kinds.cached(kinds_on_list)))
    is_on_list = is_member(telehealth_findings.rows["row"], rows_on_list)
    return Findings(telehealth_findings.rows.filter(~is_on_list), telehealth_findings.reason_rows)


def kinds_on_list(line_kinds: LineKinds) -> pl.Series:
    """Whether the list of its release has the code of each line kind."""
    listed_services = line_kinds.code_set.rows["telehealth"].select(
        "release", pl.col("hcpcs").cast(CODE), is_on_list=pl.lit(value=True)
    )
    codes_of_kinds = line_kinds.table.select("release", "hcpcs")
    listed_kinds = codes_of_kinds.join(
        listed_services, on=["release", "hcpcs"], how="left", maintain_order="left", validate="m:1"
    )
    return listed_kinds["is_on_list"].fill_null(value=False)


TELEHEALTH = Edit(find_telehealth, concerns=fails_any(checks))
