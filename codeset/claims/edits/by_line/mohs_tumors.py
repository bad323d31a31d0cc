"""Mohs surgery of several tumors: each tumor has a first stage of its own, further ones on lines with 59 or XS.

A line of several first stages within the MUE says neither which tumors they were nor that they were several. Medicare's
manuals do not say whether units will do (the MUE of 17311 is 4, MAI 3; NCCI Policy Manual 2026, p. III-8, has the
service of one tumor), so that the line is for review with its amount.
"""

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, findings_of
from codeset.claims.edits.rules import codes_in, codes_named, has_code
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines

HAS_SEVERAL_UNITS = pl.col("units") > 1


def find_mohs_tumors(lines: Lines) -> Findings:
    """One finding for each line of several first stages of Mohs surgery."""
    is_first_stage = lines.look_up(lines.line_kinds.cached(first_stage_kinds)) & ~lines.is_denied
    if not is_first_stage.any():
        return NO_FINDINGS
    # By kind first: units are looked at on the few lines of first stages only.
    of_several_units = lines.table.filter(is_first_stage).filter(HAS_SEVERAL_UNITS)
    return findings_of(of_several_units, "mohs-several-tumors", detail=pl.col("units").cast(pl.String))


def first_stage_kinds(line_kinds: LineKinds) -> pl.Series:
    """Whether each line kind is the first stage of Mohs surgery."""
    codes = codes_in(line_kinds.code_set, codes_named("mohs", "first_stages"))
    return line_kinds.table["hcpcs"].is_in(codes.implode())


MOHS_TUMORS = Edit(find_mohs_tumors, concerns=has_code("mohs", "first_stages"), reads=("units",))
