"""Mohs surgery by a nurse practitioner, clinical nurse specialist, or physician assistant: the contractor decides.

One physician acts as surgeon and pathologist (NCCI Policy Manual 2026, p. III-8; MLN SE1318). Contractors' local
determinations say that only physicians trained in it are paid (such as L35494 and L34961); where there is none, the
manual is all there is, so that the line is for review.
"""

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, findings_of
from codeset.claims.edits.rules import codes_in, codes_named, has_code, rules
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines

NOT_PHYSICIANS = rules()["not_physicians"]
# Of a taxonomy the first four characters say the profession, the others its field.
IS_NO_PHYSICIAN = pl.col("specialty").is_in(NOT_PHYSICIANS["specialties"]) | pl.col("specialty").str.head(4).is_in(
    NOT_PHYSICIANS["taxonomies"]
)


def find_mohs_practitioner(lines: Lines) -> Findings:
    """One finding for each line of Mohs surgery by a practitioner who is no physician."""
    is_mohs = lines.look_up(lines.line_kinds.cached(mohs_kinds)) & ~lines.is_denied
    if not is_mohs.any():
        return NO_FINDINGS
    by_others = lines.table.filter(is_mohs).filter(IS_NO_PHYSICIAN)
    return findings_of(by_others, "mohs-by-no-physician", detail=pl.col("specialty"))


def mohs_kinds(line_kinds: LineKinds) -> pl.Series:
    """Whether each line kind is Mohs surgery."""
    codes = codes_in(line_kinds.code_set, codes_named("not_physicians", "mohs"))
    return line_kinds.table["hcpcs"].is_in(codes.implode())


MOHS_PRACTITIONER = Edit(
    find_mohs_practitioner, concerns=has_code("not_physicians", "mohs"), needs="specialty", reads=("specialty",)
)
