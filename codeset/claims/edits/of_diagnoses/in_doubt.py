"""Which lines have diagnoses of which something is to be said: worked out for all lines, before they are deduplicated.

A line whose diagnoses are valid, specific and fit its service says no more than one without: it shares its answer.
"""

import csv
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, reduce
from importlib.resources import files
from operator import or_
from typing import Any, NamedTuple

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.engine.code_lists import CodeLists, code_lists, distinct_texts
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import all_false, is_member, only_at, repeat
from codeset.manifest import Manifest
from codeset.scope import codes_of

# What is known of one diagnosis, or of a line; the classes of `necessity.toml` take the bits from FIRST_CLASS on.
INVALID, UNSPECIFIED, NOT_FIRST, CONTRACTOR, OTHER_THAN_COSMETIC, FIRST_CLASS = (1 << bit for bit in range(6))

ALL_BUT_NOT_FIRST = 2**32 - 1 - NOT_FIRST
OF_ONE_CODE = INVALID | UNSPECIFIED
"""What is said of one diagnosis, whatever the others are and wherever it is among them."""

ALL_BUT_OF_ONE_CODE = 2**32 - 1 - OF_ONE_CODE
MARKS_OF_ANY_SERVICE = INVALID | UNSPECIFIED | NOT_FIRST | CONTRACTOR

NATIONAL = "national"
"""The locality that has no contractor."""

EXTERNAL_CAUSES = ("V", "W", "X", "Y")


@cache
def necessity() -> Mapping[str, Any]:
    """Return the rules of `necessity.toml`."""
    folder = files("codeset.claims.edits.of_diagnoses")
    return tomllib.loads(folder.joinpath("necessity.toml").read_text(encoding="utf-8"))


@cache
def class_bits() -> Mapping[str, int]:
    """Return the bit of each class of diagnoses."""
    bits_by_class = {name: FIRST_CLASS << position for position, name in enumerate(necessity()["class"])}
    return bits_by_class | {"other_than_cosmetic": OTHER_THAN_COSMETIC}


def bits_of(names: str) -> int:
    """Return the bits of the classes *names*, which have blanks between them."""
    return reduce(or_, (class_bits()[name] for name in names.split()), 0)


@cache
def diagnoses_of_table(table_name: str) -> Mapping[str, str]:
    """Return the diagnoses, without the dot, of one of the reference tables, with its second column if it has one."""
    csv_text = files("codeset.claims.reference").joinpath(f"{table_name}.csv").read_text(encoding="utf-8")
    csv_rows = list(csv.reader(csv_text.splitlines()))[1:]
    return {csv_row[0].replace(".", ""): csv_row[-1] for csv_row in csv_rows}


def without_dot(codes: pl.Expr) -> pl.Expr:
    """Return *codes* as the tables have them."""
    return codes.str.replace(".", "", literal=True)


def without_dots(codes: pl.Series) -> list[str]:
    """Return *codes* as the tables have them."""
    return [code.replace(".", "") for code in codes]


def with_dot(codes: pl.Expr) -> pl.Expr:
    """Return *codes* as people write them."""
    dotted_codes = pl.concat_str(codes.str.slice(0, 3), pl.lit("."), codes.str.slice(3))
    return pl.when(codes.str.len_chars() > 3).then(dotted_codes).otherwise(codes)


def valid_diagnoses(code_set: CodeSet) -> Mapping[int, frozenset[str]]:
    """The codes that may be billed, without the dot, by the number of each release that holds the edition in force."""
    billable_rows = code_set.rows_for_diagnoses("diagnosis").filter("billable")
    codes_of_releases = {
        int(release_number): frozenset(release_rows["diagnosis"].to_list())
        for (release_number,), release_rows in billable_rows.group_by("release")
    }
    # An edition carried from another fiscal year may lack a code that is valid, or have one that is not.
    outdated = code_set.cached(_outdated_releases)
    return {number: codes for number, codes in codes_of_releases.items() if number not in outdated}


def _outdated_releases(code_set: CodeSet) -> frozenset[int]:
    return frozenset(number for number, manifest in enumerate(code_set.manifests) if has_outdated_diagnoses(manifest))


def has_outdated_diagnoses(manifest: Manifest, table: str = "diagnosis") -> bool:
    """Return whether a *table* of diagnoses was carried from another fiscal year: it says nothing of these dates."""
    edition = manifest.editions.get(table)
    if edition is None or edition.carried_from is None:
        return False
    return edition.carried_from.fiscal_year != manifest.release.fiscal_year


def marks_of_codes(codes: pl.Series) -> pl.Series:
    """Return what is known of each of *codes* alone, on any date."""
    plain_code = without_dot(pl.col("code"))
    conditions_by_bit = {
        UNSPECIFIED: plain_code.is_in(list(diagnoses_of_table("unspecified_sites"))),
        NOT_FIRST: plain_code.is_in(list(diagnoses_of_table("manifestations")))
        | plain_code.str.slice(0, 1).is_in(EXTERNAL_CAUSES),
        OTHER_THAN_COSMETIC: ~_begins_with(plain_code, necessity()["class"]["cosmetic"]),
        **{class_bits()[name]: _begins_with(plain_code, prefixes) for name, prefixes in necessity()["class"].items()},
    }
    bits_of_codes = (
        pl.when(condition).then(pl.lit(bit, pl.UInt32)).otherwise(pl.lit(0, pl.UInt32))
        for bit, condition in conditions_by_bit.items()
    )
    return codes.to_frame("code").select(reduce(or_, bits_of_codes)).to_series()


def _begins_with(codes: pl.Expr, prefixes: Iterable[str]) -> pl.Expr:
    return pl.any_horizontal(codes.str.starts_with(prefix) for prefix in prefixes)


def may_be_in_doubt(lines: pl.DataFrame, marks_of_claim: pl.Series, code_set: CodeSet) -> pl.Series:
    """Return whether something may be to be said of the diagnoses of each of *lines* (`hcpcs`, `release`, `diagnoses`).

    *marks_of_claim*: for each line what `marks_of_codes` and `invalid_on_some_date` say of all diagnoses of its claim.
    """
    return _has_contractor(lines, code_set) | ((marks_of_claim & _marks_that_matter(lines["hcpcs"])) != 0)


def lines_in_doubt(doubtful_lines: pl.DataFrame, line_count: int, code_set: CodeSet) -> pl.DataFrame:
    """`diagnosis_marks`, what is known of the diagnoses of each line, and they as text; both null without a doubt.

    *doubtful_lines*: the lines that may be in doubt, of *line_count* lines: `row` (the place of each), `diagnoses`,
    `release`, `hcpcs` and `locality`.
    """
    diagnosis_texts, lists_of_codes = doubtful_lines["diagnoses"], code_lists(doubtful_lines["diagnoses"])
    marks_of_each_code = marks_of_codes(lists_of_codes.codes)
    # Only the first diagnosis can be one that may not be first.
    line_marks = lists_of_codes.any_of(marks_of_each_code) & ALL_BUT_NOT_FIRST
    line_marks |= lists_of_codes.first_of(marks_of_each_code) & NOT_FIRST
    line_marks |= invalid_marks(lists_of_codes, doubtful_lines["release"], code_set)
    line_marks |= _bit_where(_has_contractor(doubtful_lines, code_set), CONTRACTOR)
    is_misfit = _is_misfit(doubtful_lines["hcpcs"], line_marks)
    service_marks = line_marks & MARKS_OF_ANY_SERVICE
    in_doubt = (service_marks != 0) | is_misfit
    # The nation has no contractor: which diagnoses a line has makes no difference to what is said of it.
    text_marks = (service_marks & ALL_BUT_OF_ONE_CODE) & ~_bit_where(doubtful_lines["locality"] == NATIONAL, CONTRACTOR)
    is_brief = in_doubt & ~is_misfit & (text_marks == 0)
    if is_brief.any():  # what the other diagnoses are does not matter: many lines say the same
        are_named = ((marks_of_each_code | invalid_on_some_date(lists_of_codes.codes, code_set)) & OF_ONE_CODE) != 0
        diagnosis_texts = lists_of_codes.text_of(are_named).zip_with(is_brief, diagnosis_texts)
        line_marks = service_marks.zip_with(is_brief, line_marks)
    rows = doubtful_lines["row"].filter(in_doubt)
    doubt_columns = (line_marks.alias("diagnosis_marks"), diagnosis_texts.alias("doubtful_diagnoses"))
    return pl.DataFrame([only_at(rows, column.filter(in_doubt), line_count) for column in doubt_columns])


def _bit_where(is_marked: pl.Series, bit: int) -> pl.Series:
    return is_marked.cast(pl.UInt32) * bit


def invalid_on_some_date(codes: pl.Series, code_set: CodeSet) -> pl.Series:
    """Return `INVALID` for those of *codes* that the edition of some release does not let be billed."""
    editions = code_set.cached(valid_diagnoses).values()
    plain_codes = without_dots(codes)
    code_marks = [0 if all(code in valid_codes for valid_codes in editions) else INVALID for code in plain_codes]
    return pl.Series(code_marks, dtype=pl.UInt32)


def invalid_marks(lists: CodeLists, release: pl.Series, code_set: CodeSet) -> pl.Series:
    """Return `INVALID` on lines with a diagnosis that the edition of their release does not let them bill."""
    line_marks = repeat(0, release.len())
    plain_codes = without_dots(lists.codes)
    for release_number, valid_codes in code_set.cached(valid_diagnoses).items():
        code_marks = pl.Series([0 if code in valid_codes else INVALID for code in plain_codes], dtype=pl.UInt32)
        if (code_marks != 0).any():
            line_marks |= lists.any_of(code_marks) * (release == release_number).fill_null(value=False).cast(pl.UInt32)
    return line_marks


def _has_contractor(lines: pl.DataFrame, code_set: CodeSet) -> pl.Series:
    """Whether a line's release holds the articles of contractors, and the line has a diagnosis."""
    releases_with_articles = code_set.rows_for_diagnoses("coverage_document")["release"].unique()
    if releases_with_articles.is_empty():
        return all_false(lines.height)
    has_articles = lines["release"].is_in(releases_with_articles.implode()).fill_null(value=False)
    return has_articles & lines["diagnoses"].is_not_null()


class Rule(NamedTuple):
    """A rule of `necessity.toml`: its reason, the codes that it is for (None: all), the marks that a line must have one
    of, and whether the marks of a line are of it.
    """

    reason: str
    codes: pl.Series | None
    with_any: int
    condition: pl.Expr

    def is_for(self, hcpcs: pl.Expr) -> pl.Expr:
        """Return whether each of *hcpcs* is one of the rule's codes."""
        return pl.lit(value=True) if self.codes is None else hcpcs.is_in(self.codes.implode())


@cache
def rules_of_classes() -> tuple[Rule, ...]:
    """Return the rules of `necessity.toml`."""
    return tuple(_rules_of_file())


def _rules_of_file() -> Iterator[Rule]:
    diagnosis_marks = pl.col("diagnosis_marks")
    for rule_table in (*necessity()["mismatch"], *necessity()["national"]):
        with_any = bits_of(rule_table["with"])
        condition = (diagnosis_marks & with_any) != 0
        if "and" in rule_table:
            condition &= (diagnosis_marks & bits_of(rule_table["and"])) != 0
        if "without" in rule_table:
            condition &= (diagnosis_marks & bits_of(rule_table["without"])) == 0
        service_codes = [code for span in rule_table.get("codes", ()) for code in codes_of(span)]
        codes = pl.Series(service_codes, dtype=CODE) if service_codes else None
        yield Rule(rule_table["reason"], codes, with_any, condition)


def _marks_that_matter(hcpcs: pl.Series) -> pl.Series:
    """The marks without which nothing is said of a line of each of *hcpcs*."""
    distinct_codes, code_numbers = distinct_texts(hcpcs)
    marks_of_rules = (
        pl.when(rule.is_for(pl.col("hcpcs"))).then(rule.with_any).otherwise(0) for rule in rules_of_classes()
    )
    code_lines = distinct_codes.cast(CODE).to_frame("hcpcs")
    marks = reduce(or_, marks_of_rules, pl.lit(MARKS_OF_ANY_SERVICE)).cast(pl.UInt32)
    return code_lines.select(marks).to_series()[code_numbers]


def _is_misfit(hcpcs: pl.Series, marks: pl.Series) -> pl.Series:
    """Whether a rule of `necessity.toml` says something of a line."""
    marked_lines = pl.DataFrame([hcpcs, marks.alias("diagnosis_marks")])
    has_class = (marks >= FIRST_CLASS).alias("some")
    if not has_class.any():
        return has_class
    rule_conditions = [rule.condition & rule.is_for(pl.col("hcpcs")) for rule in rules_of_classes()]
    return marked_lines.select(pl.any_horizontal(rule_conditions)).to_series()


def lines_with_mark(lines: Lines, bit: int) -> pl.DataFrame:
    """Return the lines with *bit* that no edit before denies: their columns, and `release`, `hcpcs` and `modifiers`."""
    has_bit = (lines.table["diagnosis_marks"] & bit) != 0
    if not has_bit.any():
        return lines.table.clear().hstack(_NO_KINDS)
    marked_lines = lines.table.filter(has_bit & ~is_member(lines.table["row"], lines.denied))
    line_kinds: LineKinds = lines.line_kinds
    return marked_lines.hstack(line_kinds.table.select("release", "hcpcs", "modifiers")[marked_lines["line_kind"]])


_NO_KINDS = pl.DataFrame(schema={"release": pl.UInt16, "hcpcs": CODE, "modifiers": CODE})


def by_diagnosis(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* with a row for each of their diagnoses: `diagnosis`, without the dot, and its `place`, from 0."""
    codes = pl.col("doubtful_diagnoses").str.replace_all(".", "", literal=True).str.split(" ")
    listed_lines = lines.with_columns(diagnosis=codes, place=pl.int_ranges(codes.list.len()))
    return listed_lines.explode("diagnosis", "place")


def with_codes(lines: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return *lines* with a row for each `code`, without the dot, of *column*."""
    codes = pl.col(column).str.replace_all(".", "", literal=True).str.split(" ").alias("code")
    return lines.with_columns(codes).explode("code").drop_nulls("code")
