"""Add-on codes by nature: a code whose global days are ZZZ, and that CMS's add-on edits do not list, is not paid alone.

ZZZ: the code is related to another service, and in its global period (record layout RVU25D, Global Surgery). It needs a
payable service beside it that is no add-on code itself: a skin substitute its application (HCPCS Q41xx and A2xxx are
supplies incident to one), G0559 and G2211 an office visit.
"""

import polars as pl

from codeset.claims.edits.findings import combine_findings, findings_of
from codeset.claims.edits.rules import codes_in, codes_named
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.visits import first_in_visit

# Status codes under which Medicare pays: A, R and T by RVUs, C as the contractor prices it (record layout RVU25D).
PAYABLE = ("A", "R", "T", "C")
IS_PAYABLE = pl.col("status_code").is_in(PAYABLE)
IS_ZZZ = pl.col("global_days") == "ZZZ"

CODE_LISTS = ("of_visits", "supplies", "applications", "visits")
NEEDS = ("service", "application", "visit")
"""What an add-on by nature needs beside it."""


def find_add_on_by_nature(lines: Lines) -> Findings:
    """One finding for each add-on by nature of a day on which nothing that it needs is payable."""
    kind_marks = lines.line_kinds.cached(marks_of_kinds)
    is_payable = ~lines.is_denied
    findings_of_needs = []
    for need in NEEDS:
        is_in_need = lines.look_up(kind_marks[f"needs_{need}"]) & is_payable
        if is_in_need.any():
            partner_rows = first_in_visit(lines, among=lines.look_up(kind_marks[f"is_{need}"]) & is_payable)
            lonely_add_ons = lines.table.filter(is_in_need & partner_rows.is_null())
            findings_of_needs.append(findings_of(lonely_add_ons, f"add-on-without-{need}"))
    return combine_findings(findings_of_needs)


def marks_of_kinds(line_kinds: LineKinds) -> pl.DataFrame:
    """Whether each line kind is an add-on by nature, what it needs, and what of that it is itself."""
    add_on_code = pl.col("add_on_code").cast(pl.Categorical)
    listed_add_ons = line_kinds.code_set.add_on.select("release", hcpcs=add_on_code).unique()
    marked_kinds = line_kinds.table.join(
        listed_add_ons.with_columns(is_listed=pl.lit(value=True)),
        on=["release", "hcpcs"],
        how="left",
        maintain_order="left",
    )
    of_visits, supplies, applications, visits = (
        pl.col("hcpcs").is_in(codes_in(line_kinds.code_set, codes_named("add_on_by_nature", list_name)).implode())
        for list_name in CODE_LISTS
    )
    is_payable, is_zzz = IS_PAYABLE.fill_null(value=False), IS_ZZZ.fill_null(value=False)
    # Where CMS's add-on edits list the code, `add_on` decides by their list of primaries.
    is_add_on = is_payable & is_zzz & pl.col("is_listed").is_null()
    return marked_kinds.select(
        is_add_on.alias("is_add_on"),
        (is_add_on & of_visits).alias("needs_visit"),
        (is_add_on & supplies).alias("needs_application"),
        (is_add_on & ~of_visits & ~supplies).alias("needs_service"),
        (is_payable & ~is_zzz).alias("is_service"),
        (is_payable & applications).alias("is_application"),
        (is_payable & visits).alias("is_visit"),
    )


ADD_ON_BY_NATURE = Edit(find_add_on_by_nature, concerns=IS_PAYABLE & IS_ZZZ)
