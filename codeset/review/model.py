"""What a review of two releases holds: values only. `make` builds them, and every form of the review shows them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from codeset.differences import Changes
from codeset.impact.claims_impact import ClaimsImpact
from codeset.participants import Participant
from codeset.practice_guide.guide_changes import GuideChange
from codeset.review.code_details import CodeDetail
from codeset.review.guides import Guidance
from codeset.review.outcomes import Outcomes, Pairs
from codeset.review.payments import PaymentTable, Place
from codeset.review.policy_causes import PolicyCauses
from codeset.review.source_rows import Ref, SourceRow
from codeset.review.table_changes import TableReview
from codeset.review.to_decide import OwnDifference, ToDecide
from codeset.review.volumes import Year


@dataclass(frozen=True)
class File:
    """One of CMS's files."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Edition:
    """The CMS publication that a table of a release was read from."""

    table: str
    holds: str
    edition: str
    carried_from: str | None
    rows: int
    files: tuple[File, ...]


@dataclass(frozen=True)
class ReviewedRelease:
    """One of the two releases; `excerpt` names its scope if the release is an excerpt."""

    release: str
    first_day: date
    last_day: date
    excerpt: str | None
    editions: tuple[Edition, ...]


@dataclass(frozen=True)
class Factor:
    """A conversion factor before and after."""

    participant: Participant | None
    before: Decimal | None
    after: Decimal | None
    before_row: Ref
    after_row: Ref


@dataclass(frozen=True)
class Code:
    """A code that was added to the fee schedule or removed from it."""

    hcpcs: str
    modifier: str
    family: str
    row: Ref


@dataclass(frozen=True)
class ChangeReportCheck:
    """CMS's own report of changed NCCI edits against our difference: the `file`, and on how many edits they differ."""

    file: str
    disagreements: int


@dataclass(frozen=True)
class Review:
    """The facts of `new` compared with `old`. `first_page` sums them up; nothing else computes figures from them.

    `codes` counts the codes in scope, `gone_codes` left the fee schedule, `years` are the practice's volumes in each
    setting, `claims` its claims under both releases, `practice_guide` the differences of that guide. `outcomes`,
    `pairs` and `to_decide` are what CMS changed;
    `own_differences` are other outcomes that differ, because of what `baseline` says of our files. `code_details` has
    each code in the releases of `history`, `rows` every row of CMS's files that a figure rests on, and `changes` is the
    comparison of the tables as they are.
    """

    old: ReviewedRelease
    new: ReviewedRelease
    place: Place
    settings: tuple[str, ...]
    factors: tuple[Factor, ...]
    causes: PolicyCauses
    change_report: ChangeReportCheck | None
    codes: int
    payments: tuple[PaymentTable, ...]
    new_codes: tuple[Code, ...]
    gone_codes: tuple[Code, ...]
    tables: tuple[TableReview, ...]
    outcomes: Outcomes
    pairs: Pairs
    to_decide: tuple[ToDecide, ...]
    own_differences: tuple[OwnDifference, ...]
    baseline: tuple[str, ...]
    guidance: Guidance
    years: tuple[Year, ...]
    claims: tuple[ClaimsImpact, ...]
    practice_guide: tuple[GuideChange, ...]
    history: tuple[str, ...]
    code_details: tuple[CodeDetail, ...]
    rows: tuple[SourceRow, ...]
    changes: Changes

    def table(self, name: str) -> TableReview:
        """Return the changes of the table *name*."""
        return next(table for table in self.tables if table.table == name)
