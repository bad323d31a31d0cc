"""The one model of facts behind a review: every form of it shows what stands here, so that they cannot differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from codeset.differences import Changes, diff, factor_pairs
from codeset.errors import WrongUse
from codeset.manifest import Manifest
from codeset.money import SETTINGS
from codeset.participants import Participant
from codeset.progress import Say, silent
from codeset.review import outcomes, summary
from codeset.review.guides import Guidance, audited_on_both
from codeset.review.outcomes import Outcomes, Pairs
from codeset.review.payments import (
    Payment,
    PaymentTable,
    Place,
    factor_refs,
    payment_tables,
    payments,
    place_of,
)
from codeset.review.sign_off.decisions import ToDecide, to_decide
from codeset.review.source_rows import Ref, SourceRow, refs_in, source_rows
from codeset.review.summary import Asked, Count
from codeset.review.table_changes import TableReview, table_reviews
from codeset.review.volumes import Volume, Year, years
from codeset.scope import Scope
from codeset.scope import scope as scope_called
from codeset.snapshot import Snapshot
from codeset.suite.compared import changed_outcomes
from codeset.suite.guidance.run_guidance import Statement, audit
from codeset.suite.pairs import changed_pairs
from codeset.suite.pairs import pairs as all_pairs
from codeset.suite.run_suite import run
from codeset.suite.scenarios import Suite
from codeset.tables import NEEDED, TABLES

SCOPE = "derm"


@dataclass(frozen=True)
class File:
    """One of CMS's files."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Edition:
    """Where a table of a release comes from."""

    table: str
    holds: str
    edition: str
    carried_from: str | None
    rows: int
    files: tuple[File, ...]


@dataclass(frozen=True)
class ReviewedRelease:
    """One of the two releases; `excerpt` names the scope that it holds, if not everything."""

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
    """A code that is new in the fee schedule, or gone from it."""

    hcpcs: str
    modifier: str
    family: str
    row: Ref


@dataclass(frozen=True)
class Review:
    """Everything that a review shows of `new` against `old`.

    `headline`, `money`, `why` and `asked` are the first minute's reading, `counts` its figures; `cautions` what the
    data cannot show. `to_decide` names each changed outcome for the sign-off. `rows` holds every row of CMS's files
    that a figure rests on. `changes` is the comparison itself.
    """

    old: ReviewedRelease
    new: ReviewedRelease
    place: Place
    settings: tuple[str, ...]
    changed: bool
    headline: str
    money: tuple[str, ...]
    why: tuple[str, ...]
    counts: tuple[Count, ...]
    asked: tuple[Asked, ...]
    cautions: tuple[str, ...]
    factors: tuple[Factor, ...]
    codes: int
    payments: tuple[PaymentTable, ...]
    new_codes: tuple[Code, ...]
    gone_codes: tuple[Code, ...]
    tables: tuple[TableReview, ...]
    outcomes: Outcomes
    pairs: Pairs
    to_decide: tuple[ToDecide, ...]
    guidance: Guidance
    years: tuple[Year, ...]
    rows: tuple[SourceRow, ...]
    changes: Changes

    def table(self, name: str) -> TableReview:
        """Return the changes of the table *name*."""
        return next(each for each in self.tables if each.table == name)


@dataclass(frozen=True)
class Found:
    """The facts from which the first minute's reading is made."""

    changes: Changes
    place: Place
    factors: tuple[Factor, ...]
    payments: tuple[PaymentTable, ...]
    new_codes: tuple[Code, ...]
    gone_codes: tuple[Code, ...]
    tables: tuple[TableReview, ...]
    outcomes: Outcomes
    pairs: Pairs
    to_decide: tuple[ToDecide, ...]
    guidance: Guidance
    years: tuple[Year, ...]


def review(
    old: Snapshot,
    new: Snapshot,
    suite: Suite,
    guidance: Sequence[Statement],
    *,
    volumes: Sequence[Volume] = (),
    locality: str | None = None,
    setting: str | None = None,
    say: Say = silent,
) -> Review:
    """Return the review of *new* against *old*: tables, payments, *suite*, all pairs, *guidance*.

    Amounts are national unless *locality* (`mac-locality`) is told, and of both settings unless *setting* is.

    Raises WrongUse: if a release lacks a table that claims are read against, or the locality.
    """
    _both_can(old, new)
    place = place_of(locality, old, new)
    settings = SETTINGS if setting is None else (setting,)
    scope = scope_called(SCOPE)
    say("comparing the tables")
    changes = diff(old, new, SCOPE)
    paid = payments(old, new, place, scope, settings)
    say(f"trying {len(suite.scenarios)} scenarios on both releases")
    tried = run(suite, new)
    compared = changed_outcomes(run(suite, old), tried)
    say("trying every pair of codes on both releases")
    paired = changed_pairs(all_pairs(old), all_pairs(new))
    families = list(dict.fromkeys(scope.families.values()))
    found = Found(
        changes=changes,
        place=place,
        factors=_factors(old, new),
        payments=payment_tables(paid, families),
        new_codes=tuple(_codes(changes, new, in_new=True)),
        gone_codes=tuple(_codes(changes, old, in_new=False)),
        tables=table_reviews(changes),
        outcomes=outcomes.outcomes(compared, old.release, tried),
        pairs=outcomes.pairs(paired, old.release, new.release),
        to_decide=to_decide(compared, paired),
        guidance=audited_on_both(audit(guidance, old), audit(guidance, new), new.release),
        years=_years(volumes, old, new, place, settings, families),
    )
    return _review(found, (old, new), settings)


def _review(found: Found, snapshots: tuple[Snapshot, Snapshot], settings: tuple[str, ...]) -> Review:
    old, new = snapshots
    refs = [ref for value in vars(found).values() for ref in refs_in(value)]
    return Review(
        old=_release(old.manifest),
        new=_release(new.manifest),
        settings=settings,
        changed=summary.changed(found),
        headline=summary.headline(found),
        money=tuple(summary.money(found)),
        why=tuple(summary.why(found)),
        counts=tuple(summary.counts(found)),
        asked=tuple(summary.asked(found)),
        cautions=tuple(summary.cautions(found)),
        codes=found.changes.codes["hcpcs"].n_unique(),
        rows=source_rows(snapshots, refs),
        **vars(found),
    )


def _both_can(old: Snapshot, new: Snapshot) -> None:
    for each in (old, new):
        if lacking := [table for table in NEEDED if table not in each]:
            raise WrongUse(f"{each.release} holds no {', '.join(lacking)}: build it with --from or --carry")
    if old.release >= new.release:
        raise WrongUse(f"{new.release} is not later than {old.release}; name the earlier release first")


def _release(manifest: Manifest) -> ReviewedRelease:
    release = manifest.release
    editions = (
        Edition(
            table=name,
            holds=TABLES[name].holds,
            edition=entry.edition,
            carried_from=None if entry.carried_from is None else str(entry.carried_from),
            rows=entry.rows,
            files=tuple(File(each.name, each.sha256) for each in entry.sources),
        )
        for name, entry in sorted(manifest.tables.items())
        if name in scope_called(SCOPE).tables
    )
    excerpt = None if manifest.scope == "all" else manifest.scope
    return ReviewedRelease(str(release), release.first_day, release.last_day, excerpt, tuple(editions))


def _factors(old: Snapshot, new: Snapshot) -> tuple[Factor, ...]:
    refs = factor_refs(old, new)
    return tuple(Factor(kind, was, now, *refs) for kind, was, now in factor_pairs(old.manifest, new.manifest))


def _codes(changes: Changes, of: Snapshot, *, in_new: bool) -> list[Code]:
    rows = changes.codes.filter(pl.col("in_old") != in_new, pl.col("in_new") == in_new)
    release, listed = str(of.release), rows.select("hcpcs", "modifier", "family").iter_rows()
    return [
        Code(hcpcs, modifier, family, Ref(release, "mpfs", (hcpcs, modifier))) for hcpcs, modifier, family in listed
    ]


def _years(
    volumes: Sequence[Volume],
    old: Snapshot,
    new: Snapshot,
    place: Place,
    settings: tuple[str, ...],
    families: Sequence[str],
) -> tuple[Year, ...]:
    """The practice's year: of all its codes, in dermatology's families or not."""
    if not volumes:
        return ()
    known = scope_called(SCOPE).families
    billed = Scope("volumes", ("mpfs",), {each.hcpcs: known.get(each.hcpcs, "") for each in volumes})
    paid: Sequence[Payment] = payments(old, new, place, billed, settings)
    return years(volumes, paid, families)
