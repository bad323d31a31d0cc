"""What changed in diagnosis codes and in local coverage articles between two releases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from codeset.scope import Scope
from codeset.snapshot import Snapshot

NEW, SPLIT, ENDED, REVISED = "new", "split", "no longer valid", "revised"
STOPS = (SPLIT, ENDED)
"""The kinds of change after which a code is denied."""


@dataclass(frozen=True)
class DiagnosisChange:
    """One code: newly valid, a header by now (split), gone, or with another title.

    `others`: of a new code those that it takes the place of, of one that stops the valid codes to use in its place, as
    the code set's own hierarchy and CMS's conversion table name them. `since` is null where the files do not say.
    """

    kind: str
    diagnosis: str
    family: str
    since: date | None
    others: tuple[str, ...]


@dataclass(frozen=True)
class ArticleChange:
    """One coverage article of a contractor: its versions, and the diagnoses that it lists anew or no longer."""

    document: str
    contractor: str
    before: int | None
    after: int | None
    added: tuple[str, ...]
    dropped: tuple[str, ...]

    @property
    def cells(self) -> tuple[str | int | None, ...]:
        """The row of a workbook: its fields in order, lists of diagnoses as text."""
        lists = (", ".join(diagnoses) for diagnoses in (self.added, self.dropped))
        return (self.document, self.contractor, self.before, self.after, *lists)


@dataclass(frozen=True)
class DiagnosisChanges:
    """Changes of diagnosis codes in scope, or of a practice's `favorites`; and of coverage articles.

    `compared` counts the valid codes before and after. `not_compared` says why nothing was compared, or is empty.
    Favorites that are valid in neither release: `headers`, of which there are more specific codes; `unknown`, which are
    no codes. `outside_excerpt` are those of categories that an excerpt leaves out: whether they are valid is not known.
    """

    not_compared: str
    compared: tuple[int, int]
    changes: tuple[DiagnosisChange, ...]
    favorites: int | None
    articles: tuple[ArticleChange, ...]
    headers: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    outside_excerpt: tuple[str, ...] = ()

    @property
    def is_reportable(self) -> bool:
        """Whether there is anything to say: not where neither release holds diagnosis codes or articles."""
        return not self.not_compared.startswith("neither") or bool(self.articles) or self.favorites is not None

    @property
    def never_valid(self) -> tuple[tuple[str, str], ...]:
        """The favorites that are not valid for billing in either release, each with why, by code."""
        why = {
            **dict.fromkeys(self.headers, "header: use a more specific code"),
            **dict.fromkeys(self.unknown, "no ICD-10-CM code"),
        }
        return tuple(sorted(why.items()))

    @property
    def stopping(self) -> tuple[DiagnosisChange, ...]:
        """The codes that are valid in the old release and not in the new one."""
        return tuple(change for change in self.changes if change.kind in STOPS)


def diagnosis_changes(
    old: Snapshot, new: Snapshot, scope: Scope, favorites: tuple[str, ...] | None = None
) -> DiagnosisChanges:
    """Return what changed from *old* to *new* among *favorites* (codes without the point), else within *scope*."""
    articles = tuple(_articles(old, new))
    count = None if favorites is None else len(favorites)
    lacking = [str(snapshot.release) for snapshot in (old, new) if "diagnosis" not in snapshot]
    if lacking:
        says = "neither release holds ICD-10-CM" if len(lacking) == 2 else f"{lacking[0]} does not hold ICD-10-CM"
        return DiagnosisChanges(says, (0, 0), (), count, articles)
    before, after = (_codes(snapshot, scope, favorites) for snapshot in (old, new))
    replacements = _Replacements.of(old, new)
    changes = [
        *_new(before, after, replacements, scope),
        *_stopping(before, after, replacements, scope),
        *_revised(before, after, scope),
    ]
    compared = (int(before["billable"].sum()), int(after["billable"].sum()))
    either = pl.concat([before.select("diagnosis", "billable"), after.select("diagnosis", "billable")])
    headers = {*either["diagnosis"]} - {*either.filter("billable")["diagnosis"]}
    unknown = [code for code in favorites or () if code not in set(either["diagnosis"])]
    beyond_excerpt = _outside_excerpt(old, new, unknown)
    return DiagnosisChanges(
        "",
        compared,
        tuple(sorted(changes, key=lambda change: change.diagnosis)),
        count,
        articles,
        headers=tuple(dotted(code) for code in favorites or () if code in headers),
        unknown=tuple(dotted(code) for code in unknown if code not in beyond_excerpt),
        outside_excerpt=tuple(dotted(code) for code in unknown if code in beyond_excerpt),
    )


def dotted(diagnosis: str) -> str:
    """Return the code as people write it: `L57.0`."""
    return diagnosis if len(diagnosis) <= 3 else f"{diagnosis[:3]}.{diagnosis[3:]}"


@dataclass(frozen=True)
class _Replacements:
    """The valid codes of both releases, the new one's hierarchy, and the conversion table's pairs, if it is held."""

    valid_before: frozenset[str]
    valid_after: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, old: Snapshot, new: Snapshot) -> "_Replacements":
        valid = [tuple(of.scan("diagnosis").filter("billable").collect()["diagnosis"]) for of in (old, new)]
        pairs: list[tuple[str, str]] = []
        if "diagnosis_replacement" in new:
            # The table goes back to 2016: only what replaced a code since the old release says anything of the two.
            table = new.scan("diagnosis_replacement").filter(pl.col("effective_date") > old.release.first_day).collect()
            pairs = [(before, after) for before, after, _ in table.iter_rows()]
        return cls(frozenset(valid[0]), valid[1], tuple(pairs))

    def instead_of(self, diagnosis: str) -> tuple[str, ...]:
        """The valid codes below it, else those that the conversion table puts in its place."""
        # A code that was split is a header now (L29.8, L66.1 from October 2024): the codes below it take its place, and
        # no conversion table is needed to tell.
        below = [code for code in self.valid_after if code.startswith(diagnosis) and code != diagnosis]
        return tuple(below or sorted(after for before, after in self.pairs if before == diagnosis))

    def replaced_by(self, diagnosis: str) -> tuple[str, ...]:
        """The codes that it takes the place of: by the conversion table, else the header that was valid before."""
        converted = sorted(before for before, after in self.pairs if after == diagnosis)
        headers = (diagnosis[:length] for length in range(len(diagnosis) - 1, 2, -1))
        return tuple(converted or [header for header in headers if header in self.valid_before])


def _codes(snapshot: Snapshot, scope: Scope, favorites: tuple[str, ...] | None) -> pl.DataFrame:
    rows = snapshot.scan("diagnosis")
    # With a practice's own list the scope does not matter: it may bill codes outside of it.
    selected = scope.of("diagnosis", rows) if favorites is None else rows.filter(pl.col("diagnosis").is_in(favorites))
    return selected.collect()


def _outside_excerpt(old: Snapshot, new: Snapshot, diagnoses: Sequence[str]) -> set[str]:
    """Those of *diagnoses*, held by neither, that an excerpt may lack: it does not have their category."""
    excerpts = [snapshot for snapshot in (old, new) if snapshot.manifest.scope != "all"]
    category = pl.col("diagnosis").str.slice(0, 3)
    categories_of_excerpts = [
        set(snapshot.scan("diagnosis").select(category).collect()["diagnosis"]) for snapshot in excerpts
    ]
    return {code for code in diagnoses if any(code[:3] not in categories for categories in categories_of_excerpts)}


def _new(
    before: pl.DataFrame, after: pl.DataFrame, replacements: _Replacements, scope: Scope
) -> Iterator[DiagnosisChange]:
    fresh = after.filter("billable").join(before.filter("billable"), on="diagnosis", how="anti")
    for row in fresh.iter_rows(named=True):
        others = replacements.replaced_by(row["diagnosis"])
        yield _change(NEW, row["diagnosis"], row["effective_date"], others, scope)


def _stopping(
    before: pl.DataFrame, after: pl.DataFrame, replacements: _Replacements, scope: Scope
) -> Iterator[DiagnosisChange]:
    headers: Mapping[str, date | None] = dict(
        after.filter(~pl.col("billable")).select("diagnosis", "effective_date").iter_rows()
    )
    for code in before.filter("billable").join(after.filter("billable"), on="diagnosis", how="anti")["diagnosis"]:
        # No longer valid, and still there: a header now.
        kind = SPLIT if code in headers else ENDED
        yield _change(kind, code, headers.get(code), replacements.instead_of(code), scope)


def _revised(before: pl.DataFrame, after: pl.DataFrame, scope: Scope) -> Iterator[DiagnosisChange]:
    """Codes with another title, where both releases hold titles."""
    both = before.join(after, on=["diagnosis", "billable"], suffix=" after")
    both = both.filter(pl.col("title") != pl.col("title after"))
    for code in both["diagnosis"]:
        yield _change(REVISED, code, None, (), scope)


def _change(kind: str, diagnosis: str, since: date | None, others: tuple[str, ...], scope: Scope) -> DiagnosisChange:
    family = scope.diagnosis_family(diagnosis)
    return DiagnosisChange(kind, dotted(diagnosis), family, since, tuple(map(dotted, others)))


def _articles(old: Snapshot, new: Snapshot) -> Iterator[ArticleChange]:
    """Articles with another version, or other diagnoses, where both releases hold them."""
    versions = [_versions(snapshot) for snapshot in (old, new)]
    lists = [_listed(snapshot) for snapshot in (old, new)]
    documents = sorted({*versions[0], *versions[1]} | {(document, "") for document in {*lists[0], *lists[1]}})
    named = {document for document, contractor in documents if contractor}
    # The lists of diagnoses name no contractor: an article is taken by its number alone only where no document names
    # one.
    for document, contractor in documents:
        if not contractor and document in named:
            continue
        before, after = (version.get((document, contractor)) for version in versions)
        codes_before, codes_after = (codes.get(document) for codes in lists)
        added, dropped = (
            (sorted(codes_after - codes_before), sorted(codes_before - codes_after))
            if codes_before is not None and codes_after is not None
            else ([], [])
        )
        if (before is not None and after is not None and before != after) or added or dropped:
            yield ArticleChange(
                document, contractor, before, after, tuple(map(dotted, added)), tuple(map(dotted, dropped))
            )


def _versions(snapshot: Snapshot) -> dict[tuple[str, str], int | None]:
    """The version of each document and contractor that is in force on the release's last day."""
    if "coverage_document" not in snapshot:
        return {}
    day = snapshot.release.last_day
    in_force = pl.col("effective_date").is_null() | (pl.col("effective_date") <= day)
    newest = snapshot.scan("coverage_document").filter(in_force).sort("version", nulls_last=False).collect()
    return {(document, contractor): version for document, version, contractor, *_ in newest.iter_rows()}


def _listed(snapshot: Snapshot) -> dict[str, set[str]]:
    """The diagnoses that each article lists as covered."""
    if "coverage_diagnosis" not in snapshot:
        return {}
    rows = snapshot.scan("coverage_diagnosis").filter("covered").collect()
    return {document: set(group["diagnosis"]) for (document,), group in rows.group_by("document")}
