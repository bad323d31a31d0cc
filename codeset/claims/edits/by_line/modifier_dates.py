"""Modifiers are in force on some days only: one that is unknown, not yet, or no longer in force is invalid.

Level I is CPT's, with its first and last days (`reference`). Level II is the table `modifier` of the release, CMS's
HCPCS file; a release that was built without that file is read against the file of October 2025, kept in `reference`.
"""

from datetime import date

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, combine_findings, findings_of
from codeset.claims.edits.single_line import IS_LISTED
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.reference.reference_tables import level_one_modifiers, level_two_modifiers

IS_IN_FORCE = pl.col("date_of_service").is_between("first_day", "last_day")
HAS_MODIFIERS = pl.col("modifiers").cast(pl.String) != ""
IS_KNOWN = pl.col("first_day").is_not_null()


def find_modifier_dates(lines: Lines) -> Findings:
    """One finding for each line with modifiers that are unknown or not in force on its date; the detail names them."""
    doubts_of_kinds = lines.line_kinds.cached(doubtful_kinds)
    is_unknown = lines.look_up(doubts_of_kinds["unknown"].is_not_null())
    is_dated = lines.look_up(doubts_of_kinds["is_dated"])
    return combine_findings([_unknown(lines, is_unknown), _not_in_force(lines, is_dated)])


def _unknown(lines: Lines, is_unknown: pl.Series) -> Findings:
    if not is_unknown.any():
        return NO_FINDINGS
    lines_with_unknown = lines.table.filter(is_unknown)
    unknown_names = lines.line_kinds.cached(doubtful_kinds)["unknown"][lines_with_unknown["line_kind"]]
    return findings_of(lines_with_unknown.hstack([unknown_names]), "modifier-unknown", detail=pl.col("unknown"))


def _not_in_force(lines: Lines, is_dated: pl.Series) -> Findings:
    if not is_dated.any():
        return NO_FINDINGS
    dated_lines = lines.table.filter(is_dated).join(lines.line_kinds.cached(modifiers_of_kinds), on="line_kind")
    lines_outside = dated_lines.filter(IS_KNOWN & ~IS_IN_FORCE)
    # Lines are joined and grouped here: those few with a modifier that begins or ends within their release.
    modifiers_by_line = lines_outside.group_by("row", maintain_order=True).agg(pl.col("modifier").str.join(" "))
    return findings_of(modifiers_by_line, "modifier-not-in-force", detail=pl.col("modifier"))


def doubtful_kinds(line_kinds: LineKinds) -> pl.DataFrame:
    """Of each line kind its `unknown` modifiers, sorted, null if it has none; and whether one of its modifiers is not
    in force on every day of its release (`is_dated`).
    """
    release_days = line_kinds.code_set.releases.select("release", "first", "last")
    modifiers_with_days = line_kinds.cached(modifiers_of_kinds).join(release_days, on="release")
    is_in_force_throughout = (pl.col("first_day") <= pl.col("first")) & (pl.col("last") <= pl.col("last_day"))
    doubts_by_kind = modifiers_with_days.group_by("line_kind").agg(
        # Of a code that the fee schedule lacks that is finding enough.
        pl.col("modifier").filter(~IS_KNOWN & pl.col("is_listed")).sort().str.join(" ").alias("unknown"),
        (IS_KNOWN & ~is_in_force_throughout).any().alias("is_dated"),
    )
    doubts_of_kinds = line_kinds.table.select("line_kind").join(
        doubts_by_kind, on="line_kind", how="left", maintain_order="left"
    )
    return doubts_of_kinds.select(
        pl.when(pl.col("unknown") != "").then("unknown").alias("unknown"), pl.col("is_dated").fill_null(value=False)
    )


def modifiers_of_kinds(line_kinds: LineKinds) -> pl.DataFrame:
    """The modifiers of each line kind of a release, singly, with the days on which they are in force; null if unknown.

    `line_kind`, `release`, `is_listed` (whether the fee schedule has the code), `modifier`, `first_day`, `last_day`.
    """
    modifiers_per_kind = line_kinds.table.select(
        "line_kind",
        "release",
        IS_LISTED.fill_null(value=False).alias("is_listed"),
        pl.col("modifiers").cast(pl.String).str.split(" ").alias("modifier"),
    )
    single_modifiers = (
        modifiers_per_kind.filter(pl.col("release").is_not_null()).explode("modifier").filter(pl.col("modifier") != "")
    )
    modifier_days = line_kinds.code_set.cached(modifiers_of_releases)
    return single_modifiers.join(
        modifier_days, on=["release", "modifier"], how="left", maintain_order="left", validate="m:1"
    )


def modifiers_of_releases(code_set: CodeSet) -> pl.DataFrame:
    """`release`, `modifier`, and the first and last day of each modifier, of both levels."""
    level_two = code_set.rows["modifier"].select("release", "modifier", "first_day", "last_day")
    releases = code_set.releases.select("release")
    releases_without_file = releases.join(level_two, on="release", how="anti")
    # CMS's file has no CPT modifiers, so that level I is our own data for every release.
    from_reference = [
        releases.join(level_one_modifiers(), how="cross"),
        releases_without_file.join(level_two_modifiers(), how="cross"),
    ]
    return pl.concat([level_two, *from_reference], how="vertical_relaxed")


def change_dates(code_set: CodeSet) -> list[pl.Series]:
    """The first days of modifiers, and the days after their last ones."""
    all_modifiers = code_set.cached(modifiers_of_releases)
    # The last day of one that has no end has no day after it.
    ended_modifiers = all_modifiers.filter(pl.col("last_day") < date.max)
    return [all_modifiers["first_day"], ended_modifiers["last_day"].dt.offset_by("1d")]


MODIFIER_DATES = Edit(
    find_modifier_dates, concerns=HAS_MODIFIERS, reads=("date_of_service",), change_dates=change_dates
)
