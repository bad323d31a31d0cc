"""Single lines: what release, code, status, modifiers, place of service and units say of one line alone.

Status codes and payment policy indicators: record layout RVU25D, attachment A. Modifiers 24, 25 and 57 belong on
visits, 58, 78 and 79 on procedures (NCCI Policy Manual 2026, pp. I-12, I-13, I-15, I-16).
"""

from collections.abc import Callable, Iterator, Mapping

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, combine_findings, findings_of
from codeset.claims.edits.modifiers import IS_ASSISTANT
from codeset.claims.edits.rules import has_code, rules
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import filter_rows, is_member
from codeset.claims.reference.reference_tables import places_of_service
from codeset.tables import REQUIRED_TABLES, TABLES

Check = tuple[pl.Expr, str | pl.Expr, pl.Expr]
"""Which line kinds fail, for what reason, and with which detail."""

Checks = Callable[[], Iterator[Check]]

HAS_RELEASE = pl.col("release").is_not_null()
IS_LISTED = HAS_RELEASE & pl.col("status_code").is_not_null()
IS_UNLISTED = HAS_RELEASE & pl.col("has_mpfs") & pl.col("status_code").is_null()
"""A code that the fee schedule does not list: not a code of the release, or outside what an excerpt has."""
IS_WHOLE = pl.col("scope") == "all"
IS_OUTSIDE_EXCERPT = IS_UNLISTED & ~IS_WHOLE

HAS_NO_UNITS = pl.col("units") < 1

# Without one of these a release cannot say that a line is payable: it is unknown.
NEEDED_TABLES = tuple(table for table in REQUIRED_TABLES if TABLES[table].claim_codes)

STATUS_REASONS = {
    **dict.fromkeys("DFGH", "status-deleted"),
    "I": "status-not-valid-for-medicare",
    "N": "status-not-covered",
    **dict.fromkeys("BP", "status-bundled"),
    **dict.fromkeys("MQ", "status-for-reporting"),
    **dict.fromkeys("EX", "status-outside-fee-schedule"),
    "J": "status-anesthesia",
    "C": "status-carrier-priced",
    "R": "status-restricted",
}
"""The status codes that decide; A and T are paid by their RVUs."""

# Bundled by its status, but billed to report a visit in a global period (CMS, Global Surgery Data Collection).
IS_REPORTING = pl.col("hcpcs").cast(pl.String).is_in(rules()["reporting"]["codes"])

# PC/TC indicator 5 is not paid to the practitioner for patients of a hospital.
IS_INCIDENT_TO = pl.col("pctc_indicator") == "5"
IS_HOSPITAL = pl.col("place_of_service").cast(pl.String).is_in(rules()["hospital"]["place_of_service"])

# A visit that a physician and an NP or PA share is one in a facility (42 CFR 415.140); in an office it is incident to.
IS_SHARED = pl.col("is_visit") & pl.col("mFS")
WITHOUT_SHARED_VISITS = places_of_service().filter(setting="nonfacility")["place_of_service"]
IS_OUTSIDE_FACILITY = pl.col("place_of_service").cast(pl.String).is_in(WITHOUT_SHARED_VISITS.implode())

# Without the teaching physician a resident furnishes lower and mid-level visits alone (42 CFR 415.174); what adds to a
# visit goes with it.
IS_OF_VISIT = pl.col("is_visit") & (pl.col("global_days") == "ZZZ")
IS_BEYOND_EXCEPTION = pl.col("mGE") & ~has_code("primary_care_exception", "codes") & ~IS_OF_VISIT

IS_BILATERAL_WITH_SIDE = pl.col("m50") & (pl.col("mRT") | pl.col("mLT"))

COMPONENTS = {"26": ("0", "2", "3", "4", "5"), "TC": ("0", "2", "3", "4", "5", "6", "8")}
"""The PC/TC indicators with which a component modifier is invalid."""

BILATERAL_REASONS = {"0": "modifier-one-side", "2": "modifier-sides-included", "9": "modifier-bilateral"}
ASSISTANT_REASONS = {"0": "modifier-assistant-documentation", "1": "modifier-assistant", "9": "modifier-assistant"}
CO_SURGEON_REASONS = {"0": "modifier-co-surgeon", "1": "modifier-co-surgeon-documentation", "9": "modifier-co-surgeon"}
TEAM_REASONS = {**dict.fromkeys("12", "modifier-team-by-report"), **dict.fromkeys("09", "modifier-team")}

IS_VISIT = pl.col("is_visit")
IS_PROCEDURE = ~pl.col("is_visit")
VISIT_MODIFIERS = ("24", "25", "57")
# 59 and X{EPSU} are not for visits: what they would tell apart, 24, 25, and 57 do (p. I-16).
IS_DISTINCT_ONLY = (pl.col("distinct") != "") & (pl.col("for_visit") == "")
PROCEDURE_MODIFIERS = ("58", "78", "79")


def find_single_line(lines: Lines) -> Findings:
    """One finding for each check that a line fails: by its kind, and by its units."""
    by_kind = find_by_kind(lines, checks)
    return combine_findings([_findings_without_release(lines), by_kind, _findings_without_units(lines.table)])


def _findings_without_release(lines: Lines) -> Findings:
    """Lines on a date that no release covers that is used: it is at hand and was left out, or it is not at hand."""
    releases_of_kinds = lines.line_kinds.table["release"]
    if not releases_of_kinds.null_count():
        return NO_FINDINGS
    uncovered_lines = filter_rows(
        lines.table.select("row", "date_of_service"), lines.look_up(releases_of_kinds.is_null())
    )
    left_out_labels = [
        pl.when(pl.col("date_of_service").is_between(release.first_day, release.last_day)).then(pl.lit(str(release)))
        for release in lines.line_kinds.code_set.left_out
    ]
    uncovered_lines = uncovered_lines.with_columns(
        pl.coalesce([*left_out_labels, pl.lit(None, pl.String)]).alias("left_out")
    )
    is_left_out = pl.col("left_out").is_not_null()
    return combine_findings(
        [
            findings_of(uncovered_lines.filter(~is_left_out), "no-release"),
            findings_of(uncovered_lines.filter(is_left_out), "release-left-out", detail=pl.col("left_out")),
        ]
    )


def days_left_out(code_set: CodeSet) -> list[pl.Series]:
    """The days on which a release that was left out begins to cover dates, or no longer does."""
    first_days = pl.Series([release.first_day for release in code_set.left_out], dtype=pl.Date)
    last_days = pl.Series([release.last_day for release in code_set.left_out], dtype=pl.Date)
    return [first_days, last_days.dt.offset_by("1d")]


def _findings_without_units(table: pl.DataFrame) -> Findings:
    """Lines whose units are below one (IOM 100-04 ch. 26, section 10.4, item 24G)."""
    units = table["units"]
    if not (units < 1).any():
        return NO_FINDINGS
    return findings_of(table.filter(HAS_NO_UNITS), "units-below-one", detail=pl.col("units"))


def find_by_kind(lines: Lines, checks: Checks) -> Findings:
    """Return a finding for each of *checks* that a line fails by its kind."""
    # Some hundred kinds stand for all lines: only lines of a kind that fails are joined.
    kind_findings, has_findings = lines.line_kinds.cached(findings_of_kinds, checks)
    is_failing = lines.look_up(has_findings)
    if not is_failing.any():
        return NO_FINDINGS
    failing_lines = filter_rows(lines.table.select("row", "line_kind"), is_failing)
    finding_rows = failing_lines.join(kind_findings.rows, left_on="line_kind", right_on="row").drop("line_kind")
    return Findings(finding_rows, kind_findings.reason_rows)


def fails_any(checks: Checks) -> pl.Expr:
    """Return whether a line kind fails any of *checks*."""
    return pl.any_horizontal(fails_check for fails_check, *_ in checks())


def findings_of_kinds(line_kinds: LineKinds, checks: Checks) -> tuple[Findings, pl.Series]:
    """Return the findings of line kinds, each kind as a `row`; and of each kind whether it has any."""
    kind_rows = line_kinds.table.with_columns(row="line_kind")
    kind_findings = combine_findings(
        findings_of(kind_rows.filter(fails_check.fill_null(value=False)), reason, detail=detail)
        for fails_check, reason, detail in _failing_checks(kind_rows, list(checks()))
    )
    return kind_findings, is_member(kind_rows["row"], kind_findings.rows["row"])


_NO_DETAIL = pl.lit(None)


def _failing_checks(kind_rows: pl.DataFrame, all_checks: list[Check]) -> list[Check]:
    """Those of *all_checks* that some line kind of *kind_rows* fails; all are tried in one go."""
    # One query for all: of most claims every check passes, and nothing more is worked out.
    check_failures = kind_rows.select(
        fails_check.any().alias(str(position)) for position, (fails_check, *_) in enumerate(all_checks)
    )
    return [check for position, check in enumerate(all_checks) if check_failures[str(position)].any()]


def checks() -> Iterator[Check]:
    """Every check of one line alone."""
    for table_name in NEEDED_TABLES:
        yield HAS_RELEASE & ~pl.col(f"has_{table_name}"), "table-not-held", pl.lit(table_name)
    yield IS_UNLISTED & IS_WHOLE, "hcpcs-not-in-release", _NO_DETAIL
    yield IS_OUTSIDE_EXCERPT, "outside-the-excerpt", pl.col("scope")
    yield IS_LISTED & IS_REPORTING, "status-for-reporting", pl.col("status_code")
    yield _indicator_check(~IS_REPORTING, "status_code", STATUS_REASONS)
    yield IS_LISTED & IS_HOSPITAL & IS_INCIDENT_TO, "incident-to-in-hospital", pl.col("place_of_service")
    for modifier, indicators in COMPONENTS.items():
        is_invalid = pl.col(f"m{modifier}") & pl.col("pctc_indicator").is_in(indicators)
        yield IS_LISTED & is_invalid, "modifier-component", pl.lit(modifier)
    yield _indicator_check(pl.col("m50"), "bilateral_surgery", BILATERAL_REASONS)
    yield IS_LISTED & IS_BILATERAL_WITH_SIDE, "modifier-sides", _NO_DETAIL
    yield _indicator_check(IS_ASSISTANT, "assistant_surgery", ASSISTANT_REASONS)
    yield _indicator_check(pl.col("m62"), "co_surgery", CO_SURGEON_REASONS)
    yield _indicator_check(pl.col("m66"), "team_surgery", TEAM_REASONS)
    yield _misplaced_modifiers(IS_PROCEDURE & ~IS_REPORTING, VISIT_MODIFIERS, "modifier-of-visits")
    yield _misplaced_modifiers(IS_VISIT, PROCEDURE_MODIFIERS, "modifier-of-procedures")
    yield IS_LISTED & IS_SHARED & IS_OUTSIDE_FACILITY, "modifier-shared-outside-facility", pl.col("place_of_service")
    yield IS_LISTED & IS_BEYOND_EXCEPTION, "modifier-primary-care-exception", _NO_DETAIL
    yield IS_LISTED & IS_VISIT & IS_DISTINCT_ONLY, "modifier-distinct-on-visit", pl.col("distinct")


def _indicator_check(applies: pl.Expr, indicator_column: str, reasons: Mapping[str, str]) -> Check:
    """A value of the fee schedule that says something against a line to which it *applies*."""
    fails_check = IS_LISTED & applies & pl.col(indicator_column).is_in(list(reasons))
    reason = pl.col(indicator_column).replace_strict(dict(reasons), default=None, return_dtype=pl.String)
    return fails_check, reason, pl.col(indicator_column)


def _misplaced_modifiers(line_condition: pl.Expr, modifiers: tuple[str, ...], reason: str) -> Check:
    """Modifiers that do not belong on such a line."""
    modifier_names = [pl.when(f"m{modifier}").then(pl.lit(modifier)) for modifier in modifiers]
    has_any = pl.any_horizontal(f"m{modifier}" for modifier in modifiers)
    return IS_LISTED & line_condition & has_any, reason, pl.concat_str(modifier_names, separator=" ", ignore_nulls=True)


SINGLE_LINE = Edit(find_single_line, reads=("units", "date_of_service"), change_dates=days_left_out)
