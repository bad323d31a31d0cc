"""What the guides say, tried on both releases: what is contradicted now, and what was not before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codeset.releases import Release
from codeset.review.source_rows import Ref
from codeset.suite.guidance.run_guidance import Audited, CmsRow, Verdict


@dataclass(frozen=True)
class Cited:
    """A row of CMS's as the audit cites it, and where it stands."""

    text: str
    row: Ref


@dataclass(frozen=True)
class ReviewedStatement:
    """A statement of a guide and its verdicts before and after; why it has the later one, its rows, what is right."""

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
        """Whether the verdict is another one."""
        return self.before != self.after


@dataclass(frozen=True)
class Guidance:
    """The audit on both releases: `counts` verdict by verdict now; `changed`; and all that is contradicted now."""

    compared: int
    counts: tuple[tuple[str, int], ...]
    changed: tuple[ReviewedStatement, ...]
    contradicted: tuple[ReviewedStatement, ...]

    def newly(self, verdict: Verdict) -> tuple[ReviewedStatement, ...]:
        """Return the statements whose verdict is now *verdict* and was another."""
        return tuple(each for each in self.changed if each.after == verdict.value)


def audited_on_both(before: Sequence[Audited], after: Sequence[Audited], new: Release) -> Guidance:
    """Return the audits of the same statements on both releases as one, in their order."""
    told = [_statement(*both, new) for both in zip(before, after, strict=True)]
    return Guidance(
        compared=len(told),
        counts=tuple(_counted(told)),
        changed=tuple(each for each in told if each.changed),
        contradicted=tuple(each for each in told if each.after == Verdict.CONTRADICTED.value),
    )


def _counted(told: Sequence[ReviewedStatement]) -> Iterator[tuple[str, int]]:
    for verdict in Verdict:
        yield verdict.value, sum(each.after == verdict.value for each in told)


def _statement(before: Audited, after: Audited, new: Release) -> ReviewedStatement:
    of = after.statement
    return ReviewedStatement(
        id=of.id,
        guide=of.guide,
        heading=of.heading,
        says=of.says,
        before=before.verdict.value,
        after=after.verdict.value,
        why=after.why,
        rows=tuple(Cited(str(each), _ref(each, new)) for each in after.rows),
        right="" if after.right is None else str(after.right),
    )


def _ref(row: CmsRow, new: Release) -> Ref:
    """Where the row stands: an add-on code stands with all of its primaries."""
    codes = row.key.replace("/", " ").split()
    lengths = {"mpfs": 2, "ptp": 2, "mue": 1, "add_on": 1}
    key = (*codes, "")[: lengths[row.table]]
    return Ref(str(new), row.table, key)
