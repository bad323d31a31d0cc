"""What the coding guides say, checked against both releases: contradicted now, and newly contradicted or confirmed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codeset import wording
from codeset.releases import Release
from codeset.review.source_rows import Ref
from codeset.suite.guidance.run_guidance import Audited, CmsRow, Verdict


@dataclass(frozen=True)
class Cited:
    """A row of CMS's as the audit cites it, and its place in the review."""

    text: str
    row: Ref


@dataclass(frozen=True)
class ReviewedStatement:
    """A statement of a guide with its verdict on both releases; why it has the later one, the rows, what is right."""

    id: str
    guide: str
    heading: str
    says: str
    before: str
    after: str
    why: str
    rows: tuple[Cited, ...]
    right: str

    @property
    def changed(self) -> bool:
        """Whether the verdict changed."""
        return self.before != self.after


@dataclass(frozen=True)
class Guidance:
    """The audit on both releases: `counts` by verdict on the new one, what changed, what it contradicts."""

    compared: int
    counts: tuple[tuple[str, int], ...]
    changed: tuple[ReviewedStatement, ...]
    contradicted: tuple[ReviewedStatement, ...]

    def newly(self, verdict: Verdict) -> tuple[ReviewedStatement, ...]:
        """Return the statements whose verdict is now *verdict* and was another."""
        return tuple(statement for statement in self.changed if statement.after == verdict.value)


def compare_audits(audits_before: Sequence[Audited], audits_after: Sequence[Audited], new_release: Release) -> Guidance:
    """Return the audits of the same statements on both releases as one, in their order."""
    statements = [_reviewed_statement(*audits, new_release) for audits in zip(audits_before, audits_after, strict=True)]
    return Guidance(
        compared=len(statements),
        counts=tuple(_verdict_counts(statements)),
        changed=tuple(statement for statement in statements if statement.changed),
        contradicted=tuple(statement for statement in statements if statement.after == Verdict.CONTRADICTED.value),
    )


def _verdict_counts(statements: Sequence[ReviewedStatement]) -> Iterator[tuple[str, int]]:
    for verdict in Verdict:
        yield verdict.value, sum(statement.after == verdict.value for statement in statements)


def _reviewed_statement(audit_before: Audited, audit_after: Audited, new_release: Release) -> ReviewedStatement:
    statement = audit_after.statement
    return ReviewedStatement(
        id=statement.id,
        guide=statement.guide,
        heading=statement.heading,
        says=statement.says,
        before=audit_before.verdict.value,
        after=audit_after.verdict.value,
        # The later audit's: a guide is corrected to what holds in the new release.
        why=audit_after.why,
        rows=tuple(Cited(_row_in_words(cms_row), _row_ref(cms_row, new_release)) for cms_row in audit_after.rows),
        right="" if audit_after.right is None else str(audit_after.right),
    )


def _row_in_words(cms_row: CmsRow) -> str:
    """The row in words: its table, key and values, with the names that people use."""
    return wording.table_name(cms_row.table) + wording.with_column_labels(str(cms_row).removeprefix(cms_row.table))


def _row_ref(cms_row: CmsRow, new_release: Release) -> Ref:
    """The row's place in this review: an add-on code is one row with all of its primaries."""
    key_codes = cms_row.key.replace("/", " ").split()
    key_lengths = {"mpfs": 2, "ptp": 2, "mue": 1, "add_on": 1}
    # An MPFS row is found by code and modifier; a guide cites the row without one, whose modifier is "".
    row_key = (*key_codes, "")[: key_lengths[cms_row.table]]
    return Ref(str(new_release), cms_row.table, row_key)
