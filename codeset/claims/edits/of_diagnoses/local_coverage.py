"""Local coverage: the article of the contractor that names the service lists the diagnoses that support it.

Articles are those of the Medicare Coverage Database, the contractor is that of the locality's MAC. Which groups of
diagnoses an article means for which of its codes only its prose says: a diagnosis in one of its groups supports
the service, one in none is for review, never a denial (IOM 100-08 ch. 13, section 13.5.1). A group that needs one of
another one beside it is in `coverage_companions.csv`. Without an article, or without its codes, it is said that nothing
was decided.

GA, a notice is on file, makes a later denial the patient's (group PR, code 50); KX attests that the requirements of the
policy are met, and is for the contractor to see; GX, GY and GZ are decided before (`notices`).
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import polars as pl

from codeset.claims.edits.findings import NO_FINDINGS, findings_of
from codeset.claims.edits.of_diagnoses.derived import DIAGNOSES
from codeset.claims.edits.of_diagnoses.in_doubt import CONTRACTOR, lines_with_mark
from codeset.claims.edits.of_diagnoses.why_not_valid import dotted_code
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Edit, Findings
from codeset.claims.engine.lines import Lines

Version = tuple[int, str, int | None]
"""A release, a document, and its version."""

ReasonAndDetail = tuple[str, str]
"""A reason and what its sentence names."""


@dataclass(frozen=True)
class Article:
    """One version of an article: on which days it is in force, the codes it names, and the groups of its diagnoses.

    `groups` support medical necessity; those of `not_covered` do not.
    """

    document: str
    version: int | None
    contractor: str
    first_day: date
    last_day: date
    hcpcs: frozenset[str]
    groups: Mapping[str, Sequence[int]]
    not_covered: Mapping[str, Sequence[int]]

    def __str__(self) -> str:
        """Return it as people cite it."""
        return self.document if self.version is None else f"{self.document} version {self.version}"

    @property
    def lists_diagnoses(self) -> bool:
        """Whether its diagnoses are held."""
        return bool(self.groups or self.not_covered)

    def refuses(self, diagnoses: Sequence[str]) -> list[str]:
        """Return those of *diagnoses* that it lists as not supporting the service, in words."""
        return [
            f"{dotted_code(diagnosis)} in group {group} of those not covered"
            for diagnosis in diagnoses
            for group in self.not_covered.get(diagnosis, ())
        ]

    def places(self, diagnoses: Sequence[str]) -> list[tuple[str, int]]:
        """Return those of *diagnoses* that it lists, each with the group."""
        return [(diagnosis, group) for diagnosis in diagnoses for group in self.groups.get(diagnosis, ())]


def find_coverage(lines: Lines) -> Findings:
    """One finding for each line with a diagnosis: what the contractor's article says of it, or that none decides."""
    doubtful_lines = lines_with_mark(lines, CONTRACTOR)
    if doubtful_lines.is_empty():
        return NO_FINDINGS
    coverage_cases = doubtful_lines.with_columns(pl.col("hcpcs", "modifiers").cast(pl.String))
    case_columns = ["release", "date_of_service", "locality", "hcpcs", "modifiers", "doubtful_diagnoses"]
    distinct_cases = coverage_cases.select(case_columns).unique(maintain_order=True)
    reasons_and_details = [_coverage_answer(lines.line_kinds.code_set, *case) for case in distinct_cases.iter_rows()]
    schema = {"reason": pl.String, "detail": pl.String}
    answers = distinct_cases.hstack(pl.DataFrame(reasons_and_details, schema=schema, orient="row"))
    answered_lines = coverage_cases.join(answers, on=case_columns, nulls_equal=True, maintain_order="left")
    return findings_of(answered_lines, pl.col("reason"), detail=pl.col("detail"))


def _coverage_answer(
    code_set: CodeSet, release: int, day: date, locality: str, hcpcs: str, modifiers: str, diagnoses_text: str
) -> ReasonAndDetail:
    contractor = _contractor_of_locality(locality)
    if contractor is None:
        return "coverage-no-contractor", locality
    diagnoses = list(dict.fromkeys(diagnoses_text.replace(".", "").split(" ")))
    articles = code_set.cached(articles_of).get((release, contractor), [])
    articles_in_force = _newest_versions(
        article for article in articles if article.first_day <= day <= article.last_day
    )
    naming_articles = [article for article in articles_in_force if hcpcs in article.hcpcs]
    if naming_articles:
        return _answer_of_articles(naming_articles, diagnoses, set(modifiers.split()))
    # Whether such an article names the service is not known; what it lists of the diagnoses is worth saying.
    without_codes = [article for article in articles_in_force if article.lists_diagnoses and not article.hcpcs]
    for article in without_codes:
        if supporting := _supporting_group(article, diagnoses):
            return "coverage-listed", f"{supporting}; whether it names {hcpcs} is not held"
    if without_codes:
        return "coverage-codes-not-held", "; ".join(_listed_text(article, diagnoses) for article in without_codes)
    later_articles = [
        f"{article} is in force from {article.first_day}" for article in articles if article.first_day > day
    ]
    return "coverage-no-article", "; ".join([contractor, *later_articles])


def _answer_of_articles(articles: Sequence[Article], diagnoses: Sequence[str], modifiers: set[str]) -> ReasonAndDetail:
    """What the articles that name the service say: one that supports it is enough."""
    for article in articles:
        if supporting := _supporting_group(article, diagnoses):
            return "coverage-listed", supporting
    incomplete_matches = [
        f"{article}, group {group} ({dotted_code(diagnosis)}): group {companions()[article.document, group]}"
        for article in articles
        for diagnosis, group in article.places(diagnoses)
    ]
    if incomplete_matches:
        return "coverage-companion-missing", "; ".join(incomplete_matches)
    articles_with_diagnoses = [article for article in articles if article.lists_diagnoses]
    if not articles_with_diagnoses:
        return "coverage-diagnoses-not-held", ", ".join(map(str, articles))
    if not any(article.groups or article.refuses(diagnoses) for article in articles_with_diagnoses):
        return "coverage-not-excluded", ", ".join(map(str, articles_with_diagnoses))
    suffix = "-with-notice" if "GA" in modifiers else "-attested" if "KX" in modifiers else ""
    return f"coverage-not-listed{suffix}", "; ".join(
        _listed_text(article, diagnoses) for article in articles_with_diagnoses
    )


def _supporting_group(article: Article, diagnoses: Sequence[str]) -> str | None:
    """The first group of an article that supports one of *diagnoses*, with what it needs beside it, in words."""
    listed_places = article.places(diagnoses)
    groups = {group for _, group in listed_places}
    for diagnosis, group in listed_places:
        needed_group = companions().get((article.document, group))
        if needed_group is None or needed_group in groups - {group}:
            return f"{article}, group {group} ({dotted_code(diagnosis)})"
    return None


def _listed_text(article: Article, diagnoses: Sequence[str]) -> str:
    """What an article lists of *diagnoses*, in words: its groups, and which of them has what."""
    listed_places = [f"{dotted_code(diagnosis)} in group {group}" for diagnosis, group in article.places(diagnoses)]
    if listed_places or article.refuses(diagnoses):
        return f"{article} lists " + ", ".join([*listed_places, *article.refuses(diagnoses)])
    if not article.groups:
        return f"{article} does not list {', '.join(map(dotted_code, diagnoses))}"
    groups = sorted({group for groups_of_diagnosis in article.groups.values() for group in groups_of_diagnosis})
    return f"{article}, groups {', '.join(map(str, groups))}: not {', '.join(map(dotted_code, diagnoses))}"


def _newest_versions(articles: Iterable[Article]) -> list[Article]:
    """The newest version of each of *articles*, which are by version."""
    # Of equal keys a dict keeps the last value, here that of the newest version.
    return list({article.document: article for article in articles}.values())


def articles_of(code_set: CodeSet) -> dict[tuple[int, str], list[Article]]:
    """The articles of each release and contractor, by document and version."""
    hcpcs_of_versions, groups_of_versions = _hcpcs_of_versions(code_set), _groups_of_versions(code_set)
    articles = defaultdict(list)
    columns = ("contractor", "contractor_type", "effective_date", "retirement_date")
    rows = _versioned_rows(code_set, "coverage_document", *columns)
    for release, document, version, contractor, contractor_types, effective, retired in rows:
        # Of a file without versions the rows are of every version of the document (`coverage_articles`).
        version_keys = list(dict.fromkeys([(release, document, version), (release, document, None)]))
        named_codes = frozenset(code for key in version_keys for code in hcpcs_of_versions.get(key, ()))
        covered, not_covered = (
            {
                diagnosis: groups
                for key in version_keys
                for diagnosis, groups in groups_of_versions.get((key, is_covered), {}).items()
            }
            for is_covered in (True, False)
        )
        contractor_name = _contractor_called(contractor)
        names_anything = named_codes or covered or not_covered
        if contractor_name is not None and _is_of_practitioners(contractor_types) and names_anything:
            days_in_force = (effective or date.min, retired or date.max)
            article = Article(document, version, contractor, *days_in_force, named_codes, covered, not_covered)
            articles[release, contractor_name].append(article)
    return {key: sorted(of_contractor, key=_document_and_version) for key, of_contractor in articles.items()}


def _document_and_version(article: Article) -> tuple[str, int]:
    return article.document, article.version or 0


def _hcpcs_of_versions(code_set: CodeSet) -> Mapping[Version, set[str]]:
    hcpcs_of_versions: dict[Version, set[str]] = defaultdict(set)
    for release, document, version, hcpcs in _versioned_rows(code_set, "coverage_hcpcs", "hcpcs"):
        hcpcs_of_versions[release, document, version].add(hcpcs)
    return hcpcs_of_versions


def _groups_of_versions(code_set: CodeSet) -> Mapping[tuple[Version, bool], Mapping[str, list[int]]]:
    """By version, and whether they support the service, the groups that each diagnosis is in."""
    groups_of_versions: dict[tuple[Version, bool], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    rows = _versioned_rows(code_set, "coverage_diagnosis", "group", "diagnosis", "covered")
    for release, document, version, group, diagnosis, is_covered in rows:
        groups_of_versions[(release, document, version), is_covered][diagnosis].append(group)
    return groups_of_versions


def _is_of_practitioners(contractor_types: str | None) -> bool:
    """Whether a contractor of *contractor_types* pays practitioners: not one of DME, home health, or Part A alone."""
    if contractor_types is None or "Part B" in contractor_types:
        return True
    return not any(other_type in contractor_types for other_type in ("Part A", "DME", "HHH"))


def _versioned_rows(code_set: CodeSet, table_name: str, *columns: str) -> Sequence[tuple]:  # type: ignore[type-arg]
    table_rows = code_set.rows_for_diagnoses(table_name)
    return table_rows.select("release", "document", "version", *columns).rows()


@cache
def _contractors() -> Mapping[str, str]:
    return {row["mac_begins"]: row["name_begins"] for row in _reference_rows("contractors")}


def _contractor_of_locality(locality: str) -> str | None:
    """The contractor of a locality; None for the nation."""
    # The first two digits of a MAC name its contractor (`contractors.csv`).
    return _contractors().get(locality[:2])


def _contractor_called(contractor_name: str) -> str | None:
    return next((name for name in _contractors().values() if contractor_name.startswith(name)), None)


@cache
def companions() -> Mapping[tuple[str, int], int]:
    """The group that a group of an article needs a diagnosis of beside its own."""
    companion_rows = _reference_rows("coverage_companions")
    return {(row["document"], int(row["group"])): int(row["needs_group"]) for row in companion_rows}


def _reference_rows(table_name: str) -> list[dict[str, str]]:
    csv_text = files("codeset.claims.reference").joinpath(f"{table_name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(csv_text.splitlines()))


def change_dates(code_set: CodeSet) -> list[pl.Series]:
    """The first days of versions, and the days after those of their retirement."""
    # Tables of diagnoses are read only for claims that have any.
    if not code_set.scans:
        return []
    documents = code_set.rows_for_diagnoses("coverage_document")
    return [documents["effective_date"], documents["retirement_date"].dt.offset_by("1d")]


LOCAL_COVERAGE = Edit(
    find_coverage,
    reads=("locality", "date_of_service"),
    derives=(DIAGNOSES,),
    needs="diagnosis_marks",
    change_dates=change_dates,
)
