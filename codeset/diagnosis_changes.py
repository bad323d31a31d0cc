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
    """One code: newly valid, a header by now (split), removed, or with another title.

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
        diagnosis_lists = (", ".join(diagnoses) for diagnoses in (self.added, self.dropped))
        return (self.document, self.contractor, self.before, self.after, *diagnosis_lists)


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
        reason_by_code = {
            **dict.fromkeys(self.headers, "header: use a more specific code"),
            **dict.fromkeys(self.unknown, "no ICD-10-CM code"),
        }
        return tuple(sorted(reason_by_code.items()))

    @property
    def stopping(self) -> tuple[DiagnosisChange, ...]:
        """The codes that are valid in the old release and not in the new one."""
        return tuple(change for change in self.changes if change.kind in STOPS)


def diagnosis_changes(
    old: Snapshot, new: Snapshot, scope: Scope, favorites: tuple[str, ...] | None = None
) -> DiagnosisChanges:
    """Return what changed from *old* to *new* among *favorites* (codes without the point), else within *scope*."""
    article_changes = tuple(_article_changes(old, new))
    favorite_count = None if favorites is None else len(favorites)
    lacking_releases = [str(snapshot.release) for snapshot in (old, new) if "diagnosis" not in snapshot]
    if lacking_releases:
        holder = "neither release holds" if len(lacking_releases) == 2 else f"{lacking_releases[0]} does not hold"
        not_compared = f"{holder} ICD-10-CM"
        return DiagnosisChanges(not_compared, (0, 0), (), favorite_count, article_changes)
    old_rows, new_rows = (_diagnosis_rows(snapshot, scope, favorites) for snapshot in (old, new))
    replacements = _Replacements.of(old, new)
    code_changes = [
        *_new_code_changes(old_rows, new_rows, replacements, scope),
        *_stopping_code_changes(old_rows, new_rows, replacements, scope),
        *_revised_title_changes(old_rows, new_rows, scope),
    ]
    compared_counts = (int(old_rows["billable"].sum()), int(new_rows["billable"].sum()))
    rows_of_either = pl.concat([old_rows.select("diagnosis", "billable"), new_rows.select("diagnosis", "billable")])
    header_codes = {*rows_of_either["diagnosis"]} - {*rows_of_either.filter("billable")["diagnosis"]}
    # Neither valid nor header in either release, so not a code of ICD-10-CM, or outside of an excerpt.
    unknown_codes = [diagnosis for diagnosis in favorites or () if diagnosis not in set(rows_of_either["diagnosis"])]
    beyond_excerpt = _outside_excerpt(old, new, unknown_codes)
    return DiagnosisChanges(
        "",
        compared_counts,
        tuple(sorted(code_changes, key=lambda change: change.diagnosis)),
        favorite_count,
        article_changes,
        headers=tuple(dotted(diagnosis) for diagnosis in favorites or () if diagnosis in header_codes),
        unknown=tuple(dotted(diagnosis) for diagnosis in unknown_codes if diagnosis not in beyond_excerpt),
        outside_excerpt=tuple(dotted(diagnosis) for diagnosis in unknown_codes if diagnosis in beyond_excerpt),
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
    def of(cls, old_snapshot: Snapshot, new_snapshot: Snapshot) -> "_Replacements":
        valid_codes = [
            tuple(snapshot.scan("diagnosis").filter("billable").collect()["diagnosis"])
            for snapshot in (old_snapshot, new_snapshot)
        ]
        replacement_pairs: list[tuple[str, str]] = []
        if "diagnosis_replacement" in new_snapshot:
            # The table goes back to 2016: only what replaced a code since the old release says anything of the two.
            later_replacements = (
                new_snapshot.scan("diagnosis_replacement")
                .filter(pl.col("effective_date") > old_snapshot.release.first_day)
                .collect()
            )
            replacement_pairs = [
                (previous_code, current_code) for previous_code, current_code, _ in later_replacements.iter_rows()
            ]
        return cls(frozenset(valid_codes[0]), valid_codes[1], tuple(replacement_pairs))

    def instead_of(self, diagnosis: str) -> tuple[str, ...]:
        """The valid codes below it, else those that the conversion table puts in its place."""
        # A code that was split is a header now (L29.8, L66.1 from October 2024): the codes below it take its place, and
        # no conversion table is needed to tell.
        codes_below = [code for code in self.valid_after if code.startswith(diagnosis) and code != diagnosis]
        return tuple(
            codes_below
            or sorted(current_code for previous_code, current_code in self.pairs if previous_code == diagnosis)
        )

    def replaced_by(self, diagnosis: str) -> tuple[str, ...]:
        """The codes that it takes the place of: by the conversion table, else the header that was valid before."""
        converted = sorted(previous_code for previous_code, current_code in self.pairs if current_code == diagnosis)
        shorter_codes = (diagnosis[:length] for length in range(len(diagnosis) - 1, 2, -1))
        return tuple(converted or [shorter_code for shorter_code in shorter_codes if shorter_code in self.valid_before])


def _diagnosis_rows(snapshot: Snapshot, scope: Scope, favorites: tuple[str, ...] | None) -> pl.DataFrame:
    all_rows = snapshot.scan("diagnosis")
    # With a practice's own list the scope does not matter: it may bill codes outside of it.
    selected_rows = (
        scope.of("diagnosis", all_rows) if favorites is None else all_rows.filter(pl.col("diagnosis").is_in(favorites))
    )
    return selected_rows.collect()


def _outside_excerpt(old_snapshot: Snapshot, new_snapshot: Snapshot, diagnoses: Sequence[str]) -> set[str]:
    """Those of *diagnoses*, held by neither, that an excerpt may lack: it does not have their category."""
    excerpt_snapshots = [snapshot for snapshot in (old_snapshot, new_snapshot) if snapshot.manifest.scope != "all"]
    category = pl.col("diagnosis").str.slice(0, 3)
    categories_of_excerpts = [
        set(snapshot.scan("diagnosis").select(category).collect()["diagnosis"]) for snapshot in excerpt_snapshots
    ]
    return {code for code in diagnoses if any(code[:3] not in categories for categories in categories_of_excerpts)}


def _new_code_changes(
    old_rows: pl.DataFrame, new_rows: pl.DataFrame, replacements: _Replacements, scope: Scope
) -> Iterator[DiagnosisChange]:
    newly_valid = new_rows.filter("billable").join(old_rows.filter("billable"), on="diagnosis", how="anti")
    for diagnosis_row in newly_valid.iter_rows(named=True):
        replaced_codes = replacements.replaced_by(diagnosis_row["diagnosis"])
        yield _diagnosis_change(NEW, diagnosis_row["diagnosis"], diagnosis_row["effective_date"], replaced_codes, scope)


def _stopping_code_changes(
    old_rows: pl.DataFrame, new_rows: pl.DataFrame, replacements: _Replacements, scope: Scope
) -> Iterator[DiagnosisChange]:
    header_dates: Mapping[str, date | None] = dict(
        new_rows.filter(~pl.col("billable")).select("diagnosis", "effective_date").iter_rows()
    )
    stopping_rows = old_rows.filter("billable").join(new_rows.filter("billable"), on="diagnosis", how="anti")
    for diagnosis in stopping_rows["diagnosis"]:
        # No longer valid, and still there: a header now.
        change_kind = SPLIT if diagnosis in header_dates else ENDED
        yield _diagnosis_change(
            change_kind, diagnosis, header_dates.get(diagnosis), replacements.instead_of(diagnosis), scope
        )


def _revised_title_changes(old_rows: pl.DataFrame, new_rows: pl.DataFrame, scope: Scope) -> Iterator[DiagnosisChange]:
    """Codes with another title, where both releases hold titles."""
    rows_in_both = old_rows.join(new_rows, on=["diagnosis", "billable"], suffix=" after")
    rows_in_both = rows_in_both.filter(pl.col("title") != pl.col("title after"))
    for diagnosis in rows_in_both["diagnosis"]:
        yield _diagnosis_change(REVISED, diagnosis, None, (), scope)


def _diagnosis_change(
    change_kind: str, diagnosis: str, since: date | None, others: tuple[str, ...], scope: Scope
) -> DiagnosisChange:
    family = scope.diagnosis_family(diagnosis)
    return DiagnosisChange(change_kind, dotted(diagnosis), family, since, tuple(map(dotted, others)))


def _article_changes(old_snapshot: Snapshot, new_snapshot: Snapshot) -> Iterator[ArticleChange]:
    """Articles with another version, or other diagnoses, where both releases hold them."""
    versions = [_versions_in_force(snapshot) for snapshot in (old_snapshot, new_snapshot)]
    covered_lists = [_covered_diagnoses(snapshot) for snapshot in (old_snapshot, new_snapshot)]
    documents = sorted(
        {*versions[0], *versions[1]} | {(document, "") for document in {*covered_lists[0], *covered_lists[1]}}
    )
    documents_with_contractor = {document for document, contractor in documents if contractor}
    # The lists of diagnoses name no contractor: an article is taken by its number alone only where no document names
    # one.
    for document, contractor in documents:
        if not contractor and document in documents_with_contractor:
            continue
        old_version, new_version = (version_by_document.get((document, contractor)) for version_by_document in versions)
        old_codes, new_codes = (covered_list.get(document) for covered_list in covered_lists)
        added_codes, dropped_codes = (
            (sorted(new_codes - old_codes), sorted(old_codes - new_codes))
            if old_codes is not None and new_codes is not None
            else ([], [])
        )
        if (
            (old_version is not None and new_version is not None and old_version != new_version)
            or added_codes
            or dropped_codes
        ):
            yield ArticleChange(
                document,
                contractor,
                old_version,
                new_version,
                tuple(map(dotted, added_codes)),
                tuple(map(dotted, dropped_codes)),
            )


def _versions_in_force(snapshot: Snapshot) -> dict[tuple[str, str], int | None]:
    """The version of each document and contractor that is in force on the release's last day."""
    if "coverage_document" not in snapshot:
        return {}
    last_day = snapshot.release.last_day
    in_force = pl.col("effective_date").is_null() | (pl.col("effective_date") <= last_day)
    # Sorted by version, so that of several versions in force the newest is the last to be written into the dictionary.
    documents_in_force = snapshot.scan("coverage_document").filter(in_force).sort("version", nulls_last=False).collect()
    return {(document, contractor): version for document, version, contractor, *_ in documents_in_force.iter_rows()}


def _covered_diagnoses(snapshot: Snapshot) -> dict[str, set[str]]:
    """The diagnoses that each article lists as covered."""
    if "coverage_diagnosis" not in snapshot:
        return {}
    covered_rows = snapshot.scan("coverage_diagnosis").filter("covered").collect()
    return {document: set(article_rows["diagnosis"]) for (document,), article_rows in covered_rows.group_by("document")}
