"""Local coverage: the article of the contractor that names the service lists the diagnoses that support it.

Articles are those of the Medicare Coverage Database, the contractor is that of the locality's MAC. Which groups of
diagnoses an article means for which of its codes stands only in its prose: a diagnosis in one of its groups supports
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

from codeset.claims.edits.findings import NONE, findings_of
from codeset.claims.edits.of_diagnoses.derived import DIAGNOSES
from codeset.claims.edits.of_diagnoses.in_doubt import CONTRACTOR, marked
from codeset.claims.edits.of_diagnoses.why_not_valid import dotted
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
            f"{dotted(diagnosis)} in group {group} of those not covered"
            for diagnosis in diagnoses
            for group in self.not_covered.get(diagnosis, ())
        ]

    def places(self, diagnoses: Sequence[str]) -> list[tuple[str, int]]:
        """Return those of *diagnoses* that it lists, each with the group."""
        return [(diagnosis, group) for diagnosis in diagnoses for group in self.groups.get(diagnosis, ())]


def find_coverage(lines: Lines) -> Findings:
    """One finding for each line with a diagnosis: what the contractor's article says of it, or that none decides."""
    doubtful = marked(lines, CONTRACTOR)
    if doubtful.is_empty():
        return NONE
    cases = doubtful.with_columns(pl.col("hcpcs", "modifiers").cast(pl.String))
    key = ["release", "date_of_service", "locality", "hcpcs", "modifiers", "doubtful_diagnoses"]
    distinct = cases.select(key).unique(maintain_order=True)
    results = [_coverage(lines.line_kinds.code_set, *case) for case in distinct.iter_rows()]
    answers = distinct.hstack(pl.DataFrame(results, schema={"reason": pl.String, "detail": pl.String}, orient="row"))
    return findings_of(
        cases.join(answers, on=key, nulls_equal=True, maintain_order="left"), pl.col("reason"), detail=pl.col("detail")
    )


def _coverage(
    code_set: CodeSet, release: int, day: date, locality: str, hcpcs: str, modifiers: str, codes: str
) -> ReasonAndDetail:
    contractor = _contractor(locality)
    if contractor is None:
        return "coverage-no-contractor", locality
    diagnoses = list(dict.fromkeys(codes.replace(".", "").split(" ")))
    articles = code_set.cached(articles_of).get((release, contractor), [])
    in_force = _newest(article for article in articles if article.first_day <= day <= article.last_day)
    naming = [article for article in in_force if hcpcs in article.hcpcs]
    if naming:
        return _by_articles(naming, diagnoses, set(modifiers.split()))
    without_codes = [article for article in in_force if article.lists_diagnoses and not article.hcpcs]
    for article in without_codes:
        if supporting := _supporting(article, diagnoses):
            return "coverage-listed", f"{supporting}; whether it names {hcpcs} is not held"
    if without_codes:
        return "coverage-codes-not-held", "; ".join(_lists(article, diagnoses) for article in without_codes)
    later = [f"{article} is in force from {article.first_day}" for article in articles if article.first_day > day]
    return "coverage-no-article", "; ".join([contractor, *later])


def _by_articles(articles: Sequence[Article], diagnoses: Sequence[str], modifiers: set[str]) -> ReasonAndDetail:
    """What the articles that name the service say: one that supports it is enough."""
    for article in articles:
        if supporting := _supporting(article, diagnoses):
            return "coverage-listed", supporting
    partial = [
        f"{article}, group {group} ({dotted(diagnosis)}): group {companions()[article.document, group]}"
        for article in articles
        for diagnosis, group in article.places(diagnoses)
    ]
    if partial:
        return "coverage-companion-missing", "; ".join(partial)
    with_diagnoses = [article for article in articles if article.lists_diagnoses]
    if not with_diagnoses:
        return "coverage-diagnoses-not-held", ", ".join(map(str, articles))
    if not any(article.groups or article.refuses(diagnoses) for article in with_diagnoses):
        return "coverage-not-excluded", ", ".join(map(str, with_diagnoses))
    suffix = "-with-notice" if "GA" in modifiers else "-attested" if "KX" in modifiers else ""
    return f"coverage-not-listed{suffix}", "; ".join(_lists(article, diagnoses) for article in with_diagnoses)


def _supporting(article: Article, diagnoses: Sequence[str]) -> str | None:
    """The first group of an article that supports one of *diagnoses*, with what it needs beside it, in words."""
    places = article.places(diagnoses)
    groups = {group for _, group in places}
    for diagnosis, group in places:
        needed = companions().get((article.document, group))
        if needed is None or needed in groups - {group}:
            return f"{article}, group {group} ({dotted(diagnosis)})"
    return None


def _lists(article: Article, diagnoses: Sequence[str]) -> str:
    """What an article lists of *diagnoses*, in words: its groups, and which of them has what."""
    places = [f"{dotted(diagnosis)} in group {group}" for diagnosis, group in article.places(diagnoses)]
    if places or article.refuses(diagnoses):
        return f"{article} lists " + ", ".join([*places, *article.refuses(diagnoses)])
    if not article.groups:
        return f"{article} does not list {', '.join(map(dotted, diagnoses))}"
    groups = sorted({group for of_diagnosis in article.groups.values() for group in of_diagnosis})
    return f"{article}, groups {', '.join(map(str, groups))}: not {', '.join(map(dotted, diagnoses))}"


def _newest(articles: Iterable[Article]) -> list[Article]:
    """The newest version of each of *articles*, which are by version."""
    return list({article.document: article for article in articles}.values())


def articles_of(code_set: CodeSet) -> dict[tuple[int, str], list[Article]]:
    """The articles of each release and contractor, by document and version."""
    hcpcs: dict[Version, set[str]] = defaultdict(set)
    groups: dict[tuple[Version, bool], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for release, document, version, code in _rows(code_set, "coverage_hcpcs", "hcpcs"):
        hcpcs[release, document, version].add(code)
    listed = ("group", "diagnosis", "covered")
    for release, document, version, group, diagnosis, covered in _rows(code_set, "coverage_diagnosis", *listed):
        groups[(release, document, version), covered][diagnosis].append(group)
    articles = defaultdict(list)
    names = ("contractor", "contractor_type", "effective_date", "retirement_date")
    for release, document, version, contractor, types, first, last in _rows(code_set, "coverage_document", *names):
        keys = list(dict.fromkeys([(release, document, version), (release, document, None)]))
        codes = frozenset(code for key in keys for code in hcpcs.get(key, ()))
        covered, other = (
            {name: of for key in keys for name, of in groups.get((key, which), {}).items()} for which in (True, False)
        )
        name = _contractor_called(contractor)
        if name is not None and _is_of_practitioners(types) and (codes or covered or other):
            days = (first or date.min, last or date.max)
            articles[release, name].append(Article(document, version, contractor, *days, codes, covered, other))
    return {
        key: sorted(every, key=lambda article: (article.document, article.version or 0))
        for key, every in articles.items()
    }


def _is_of_practitioners(types: str | None) -> bool:
    """Whether a contractor of these *types* pays practitioners: not one of DME, home health, or Part A alone."""
    return types is None or "Part B" in types or not any(other in types for other in ("Part A", "DME", "HHH"))


def _rows(code_set: CodeSet, table: str, *columns: str) -> Sequence[tuple]:  # type: ignore[type-arg]
    rows = code_set.rows_for_diagnoses(table)
    return rows.select("release", "document", "version", *columns).rows()


@cache
def _contractors() -> Mapping[str, str]:
    return {row["mac_begins"]: row["name_begins"] for row in _reference("contractors")}


def _contractor(locality: str) -> str | None:
    """The contractor of a locality; None for the nation."""
    return _contractors().get(locality[:2])


def _contractor_called(name: str) -> str | None:
    return next((begins for begins in _contractors().values() if name.startswith(begins)), None)


@cache
def companions() -> Mapping[tuple[str, int], int]:
    """The group that a group of an article needs a diagnosis of beside its own."""
    rows = _reference("coverage_companions")
    return {(row["document"], int(row["group"])): int(row["needs_group"]) for row in rows}


def _reference(table: str) -> list[dict[str, str]]:
    text = files("codeset.claims.reference").joinpath(f"{table}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def change_dates(code_set: CodeSet) -> list[pl.Series]:
    """The first days of versions, and the days after those of their retirement."""
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
