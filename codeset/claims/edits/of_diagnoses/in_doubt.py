"""Which lines have diagnoses of which something is to be said: worked out for all lines, before any are told apart.

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
"""What is said of one diagnosis, whatever the others are and wherever it stands."""

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
    bits = {name: FIRST_CLASS << place for place, name in enumerate(necessity()["class"])}
    return bits | {"other_than_cosmetic": OTHER_THAN_COSMETIC}


def bits_of(names: str) -> int:
    """Return the bits of the classes *names*, which have blanks between them."""
    return reduce(or_, (class_bits()[name] for name in names.split()), 0)


@cache
def listed(table: str) -> Mapping[str, str]:
    """Return the diagnoses, without the dot, of one of the reference tables, with its second column if it has one."""
    text = files("codeset.claims.reference").joinpath(f"{table}.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))[1:]
    return {row[0].replace(".", ""): row[-1] for row in rows}


def without_dot(codes: pl.Expr) -> pl.Expr:
    """Return *codes* as the tables have them."""
    return codes.str.replace(".", "", literal=True)


def without_dots(codes: pl.Series) -> list[str]:
    """Return *codes* as the tables have them."""
    return [code.replace(".", "") for code in codes]


def with_dot(codes: pl.Expr) -> pl.Expr:
    """Return *codes* as people write them."""
    dotted = pl.concat_str(codes.str.slice(0, 3), pl.lit("."), codes.str.slice(3))
    return pl.when(codes.str.len_chars() > 3).then(dotted).otherwise(codes)


def valid_diagnoses(code_set: CodeSet) -> Mapping[int, frozenset[str]]:
    """The codes that may be billed, without the dot, by the number of each release that holds the edition in force."""
    rows = code_set.rows_for_diagnoses("diagnosis").filter("billable")
    held = {
        int(number): frozenset(of_release["diagnosis"].to_list()) for (number,), of_release in rows.group_by("release")
    }
    return {number: codes for number, codes in held.items() if number not in code_set.cached(_outdated)}


def _outdated(code_set: CodeSet) -> frozenset[int]:
    return frozenset(number for number, manifest in enumerate(code_set.manifests) if has_outdated_diagnoses(manifest))


def has_outdated_diagnoses(manifest: Manifest, table: str = "diagnosis") -> bool:
    """Return whether a *table* of diagnoses was carried from another fiscal year: it says nothing of these dates."""
    edition = manifest.editions.get(table)
    if edition is None or edition.carried_from is None:
        return False
    return edition.carried_from.fiscal_year != manifest.release.fiscal_year


def marks_of_codes(codes: pl.Series) -> pl.Series:
    """Return what is known of each of *codes* by itself, on any date."""
    plain = without_dot(pl.col("code"))
    marks = {
        UNSPECIFIED: plain.is_in(list(listed("unspecified_sites"))),
        NOT_FIRST: plain.is_in(list(listed("manifestations"))) | plain.str.slice(0, 1).is_in(EXTERNAL_CAUSES),
        OTHER_THAN_COSMETIC: ~_begins(plain, necessity()["class"]["cosmetic"]),
        **{class_bits()[name]: _begins(plain, prefixes) for name, prefixes in necessity()["class"].items()},
    }
    bits = (pl.when(holds).then(pl.lit(bit, pl.UInt32)).otherwise(pl.lit(0, pl.UInt32)) for bit, holds in marks.items())
    return codes.to_frame("code").select(reduce(or_, bits)).to_series()


def _begins(codes: pl.Expr, prefixes: Iterable[str]) -> pl.Expr:
    return pl.any_horizontal(codes.str.starts_with(prefix) for prefix in prefixes)


def may_be_in_doubt(lines: pl.DataFrame, marks_of_claim: pl.Series, code_set: CodeSet) -> pl.Series:
    """Return whether something may be to be said of the diagnoses of each of *lines* (`hcpcs`, `release`, `diagnoses`).

    *marks_of_claim*: for each line what `marks_of_codes` and `invalid_on_some_date` say of all diagnoses of its claim.
    """
    return _has_contractor(lines, code_set) | ((marks_of_claim & _marks_that_matter(lines["hcpcs"])) != 0)


def lines_in_doubt(some: pl.DataFrame, height: int, code_set: CodeSet) -> pl.DataFrame:
    """`diagnosis_marks`, what is known of the diagnoses of each line, and they as text; both null without a doubt.

    *some*: the lines that may be in doubt, of *height* lines: `row` (the place of each), `diagnoses`, `release`,
    `hcpcs` and `locality`.
    """
    texts, lists = some["diagnoses"], code_lists(some["diagnoses"])
    known = marks_of_codes(lists.codes)
    marks = (lists.any_of(known) & ALL_BUT_NOT_FIRST) | (lists.first_of(known) & NOT_FIRST)
    marks |= invalid_marks(lists, some["release"], code_set)
    marks |= _where(_has_contractor(some, code_set), CONTRACTOR)
    does_not_fit = _does_not_fit(some["hcpcs"], marks)
    of_any_service = marks & MARKS_OF_ANY_SERVICE
    in_doubt = (of_any_service != 0) | does_not_fit
    of_the_text = (of_any_service & ALL_BUT_OF_ONE_CODE) & ~_where(some["locality"] == NATIONAL, CONTRACTOR)
    is_brief = in_doubt & ~does_not_fit & (of_the_text == 0)
    if is_brief.any():  # what the other diagnoses are does not matter: many lines say the same
        are_named = ((known | invalid_on_some_date(lists.codes, code_set)) & OF_ONE_CODE) != 0
        texts, marks = lists.text_of(are_named).zip_with(is_brief, texts), of_any_service.zip_with(is_brief, marks)
    row, columns = some["row"].filter(in_doubt), (marks.alias("diagnosis_marks"), texts.alias("doubtful_diagnoses"))
    return pl.DataFrame([only_at(row, column.filter(in_doubt), height) for column in columns])


def _where(holds: pl.Series, bit: int) -> pl.Series:
    return holds.cast(pl.UInt32) * bit


def invalid_on_some_date(codes: pl.Series, code_set: CodeSet) -> pl.Series:
    """Return `INVALID` for those of *codes* that the edition of some release does not let be billed."""
    valid = code_set.cached(valid_diagnoses).values()
    plain = without_dots(codes)
    return pl.Series([0 if all(code in each for each in valid) else INVALID for code in plain], dtype=pl.UInt32)


def invalid_marks(lists: CodeLists, release: pl.Series, code_set: CodeSet) -> pl.Series:
    """Return `INVALID` on lines with a diagnosis that the edition of their release does not let them bill."""
    marks = repeat(0, release.len())
    codes = without_dots(lists.codes)
    for number, valid in code_set.cached(valid_diagnoses).items():
        invalid = pl.Series([0 if code in valid else INVALID for code in codes], dtype=pl.UInt32)
        if (invalid != 0).any():
            marks |= lists.any_of(invalid) * (release == number).fill_null(value=False).cast(pl.UInt32)
    return marks


def _has_contractor(lines: pl.DataFrame, code_set: CodeSet) -> pl.Series:
    """Whether a line's release holds the articles of contractors, and the line has a diagnosis."""
    releases = code_set.rows_for_diagnoses("coverage_document")["release"].unique()
    if releases.is_empty():
        return all_false(lines.height)
    return lines["release"].is_in(releases.implode()).fill_null(value=False) & lines["diagnoses"].is_not_null()


class Rule(NamedTuple):
    """A rule of `necessity.toml`: its reason, the codes that it is for (None: all), the marks that a line must have one
    of, and whether the marks of a line are of it.
    """

    reason: str
    codes: pl.Series | None
    with_any: int
    holds: pl.Expr

    def is_for(self, hcpcs: pl.Expr) -> pl.Expr:
        """Return whether each of *hcpcs* is one of the rule's codes."""
        return pl.lit(value=True) if self.codes is None else hcpcs.is_in(self.codes.implode())


@cache
def rules_of_classes() -> tuple[Rule, ...]:
    """Return the rules of `necessity.toml`."""
    return tuple(_rules())


def _rules() -> Iterator[Rule]:
    marks = pl.col("diagnosis_marks")
    for rule in (*necessity()["mismatch"], *necessity()["national"]):
        with_any = bits_of(rule["with"])
        holds = (marks & with_any) != 0
        if "and" in rule:
            holds &= (marks & bits_of(rule["and"])) != 0
        if "without" in rule:
            holds &= (marks & bits_of(rule["without"])) == 0
        codes = [code for span in rule.get("codes", ()) for code in codes_of(span)]
        yield Rule(rule["reason"], pl.Series(codes, dtype=CODE) if codes else None, with_any, holds)


def _marks_that_matter(hcpcs: pl.Series) -> pl.Series:
    """The marks without which nothing is said of a line of each of *hcpcs*."""
    codes, number = distinct_texts(hcpcs)
    marks = (pl.when(rule.is_for(pl.col("hcpcs"))).then(rule.with_any).otherwise(0) for rule in rules_of_classes())
    lines = codes.cast(CODE).to_frame("hcpcs")
    return lines.select(reduce(or_, marks, pl.lit(MARKS_OF_ANY_SERVICE)).cast(pl.UInt32)).to_series()[number]


def _does_not_fit(hcpcs: pl.Series, marks: pl.Series) -> pl.Series:
    """Whether a rule of `necessity.toml` says something of a line."""
    lines = pl.DataFrame([hcpcs, marks.alias("diagnosis_marks")])
    some = (marks >= FIRST_CLASS).alias("some")
    if not some.any():
        return some
    tells = [rule.holds & rule.is_for(pl.col("hcpcs")) for rule in rules_of_classes()]
    return lines.select(pl.any_horizontal(tells)).to_series()


def marked(lines: Lines, bit: int) -> pl.DataFrame:
    """Return the lines with *bit* that no edit before denies: their columns, and `release`, `hcpcs` and `modifiers`."""
    has_bit = (lines.table["diagnosis_marks"] & bit) != 0
    if not has_bit.any():
        return lines.table.clear().hstack(_NO_KINDS)
    table = lines.table.filter(has_bit & ~is_member(lines.table["row"], lines.denied))
    kinds: LineKinds = lines.line_kinds
    return table.hstack(kinds.table.select("release", "hcpcs", "modifiers")[table["line_kind"]])


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
