"""Build a review: compare tables, price every code, run the suite, the code pairs and the guides on both releases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from codeset.differences import Changes, diff, factor_pairs
from codeset.errors import WrongUse
from codeset.impact.claims_impact import ClaimsImpact, claims_impact
from codeset.impact.volume_files import Volume
from codeset.lookups.localities import locality_id
from codeset.manifest import Manifest
from codeset.money import SETTINGS
from codeset.practice_guide.guide import make_guide
from codeset.practice_guide.guide_changes import guide_changes
from codeset.progress import Say, silent
from codeset.review import outcomes
from codeset.review.baseline import FACTOR, SCOPE, Baseline, OwnReach, baseline, own_reach
from codeset.review.code_details import code_details
from codeset.review.guides import compare_audits
from codeset.review.model import ChangeReportCheck, Code, Edition, Factor, File, Review, ReviewedRelease
from codeset.review.payments import Place, factor_refs, payment_tables, payments, place_of
from codeset.review.policy_causes import policy_causes
from codeset.review.source_rows import Ref, refs_in, source_rows, with_releases
from codeset.review.table_changes import table_reviews
from codeset.review.to_decide import OwnDifference, ToDecide, deciding_tables, own_differences, to_decide
from codeset.review.volumes import Year, years
from codeset.scope import Scope
from codeset.scope import scope as scope_called
from codeset.snapshot import Snapshot
from codeset.suite.compare_outcomes import OutcomeChanges, changed_outcomes
from codeset.suite.guidance.run_guidance import Statement, audit
from codeset.suite.pairs import PairChanges, changed_pairs
from codeset.suite.pairs import pairs as all_pairs
from codeset.suite.run_suite import SuiteRun, run_suite
from codeset.suite.scenarios import Scenario, Suite
from codeset.tables import REQUIRED_TABLES, TABLES


def make_review(
    old: Snapshot,
    new: Snapshot,
    suite: Suite,
    guidance: Sequence[Statement],
    *,
    volumes: Sequence[Volume] = (),
    claims: pl.DataFrame | None = None,
    locality: str | None = None,
    setting: str | None = None,
    change_report: ChangeReportCheck | None = None,
    favorites: tuple[str, ...] | None = None,
    history: Sequence[Snapshot] = (),
    new_run: SuiteRun | None = None,
    say: Say = silent,
) -> Review:
    """Return the review of *new* compared with *old*.

    Amounts are national without *locality* (`mac-locality`), and of both settings without *setting*. *claims* are lines
    with the columns of `claim_fields`, *favorites* its diagnosis codes, without the point. *history* are the releases,
    oldest first and *new* last, in which each code is shown; without it, *old* and *new*. *new_run* is that of *suite*
    on *new*, where it has been run already.

    Raises WrongUse: if a release lacks a table that claims are read against, lacks the locality, or is not the later.
    """
    _check_releases(old, new)
    own = _Own(volumes, claims, locality, setting, change_report, favorites, history or (old, new))
    with baseline(old, new) as base:
        review = _compare(old, new, base, suite, guidance, own, new_run, say)
    return replace(review, rows=source_rows((old, new), [*refs_in(review), *_refs_of_claims(review)]))


@dataclass(frozen=True)
class _Own:
    """What a practice gives beside the two releases, as `make_review` has it."""

    volumes: Sequence[Volume]
    claims: pl.DataFrame | None
    locality: str | None
    setting: str | None
    change_report: ChangeReportCheck | None
    favorites: tuple[str, ...] | None
    history: Sequence[Snapshot]

    @property
    def settings(self) -> tuple[str, ...]:
        return SETTINGS if self.setting is None else (self.setting,)


def _compare(
    old: Snapshot,
    new: Snapshot,
    base: Baseline,
    suite: Suite,
    guidance: Sequence[Statement],
    own: _Own,
    new_run: SuiteRun | None,
    say: Say,
) -> Review:
    """The review without its rows: amounts of *old* and *new*, edits and outcomes from the baseline."""
    place = place_of(own.locality, old, new)
    scope = scope_called(SCOPE)
    families = list(dict.fromkeys(scope.families.values()))
    say("comparing the tables")
    changes = diff(old, new, SCOPE, own.favorites)
    changes_by_cms = diff(base.snapshot, new, SCOPE) if base.replaced else changes
    say(f"running {len(suite.scenarios)} test claims on both releases")
    tested = _test_outcomes(old, new, base, suite, new_run or run_suite(suite, new), say)
    rows_of_base = {(str(old.release), table): str(new.release) for table in base.replaced}
    tables = payment_tables(payments(old, new, place, scope, own.settings), families)
    factors = _factors(old, new)
    factors_of_both = factor_pairs(old.manifest, new.manifest)
    return Review(
        old=_release(old.manifest),
        new=_release(new.manifest),
        place=place,
        settings=own.settings,
        factors=factors,
        causes=policy_causes(tables, factors_of_both, old.release.last_day, new.release.last_day),
        change_report=own.change_report,
        codes=changes.codes["hcpcs"].n_unique(),
        payments=tables,
        new_codes=tuple(_codes(changes, new, in_new=True)),
        gone_codes=tuple(_codes(changes, old, in_new=False)),
        tables=table_reviews(changes, changes_by_cms, base.replaced),
        outcomes=with_releases(outcomes.outcomes(tested.scenarios, old.release, tested.new_run), rows_of_base),
        pairs=with_releases(outcomes.pairs(tested.pairs, old.release, new.release), rows_of_base),
        to_decide=tested.to_decide,
        own_differences=tested.own_differences,
        baseline=tuple(_reasons_shown(base.replaced, tested.own_differences)),
        # From the baseline: a verdict that differs because our old file was older says nothing of the guide.
        guidance=compare_audits(audit(guidance, base.snapshot), audit(guidance, new), new.release),
        years=_years(own.volumes, old, new, place, own.settings, families),
        claims=_claims(own.claims, old, new),
        practice_guide=guide_changes(*(make_guide(SCOPE, snapshot, (), place.locality) for snapshot in (old, new))),
        history=tuple(str(snapshot.release) for snapshot in own.history),
        code_details=code_details(own.history, scope, factors[0].participant if factors else None, place.locality),
        rows=(),
        changes=changes,
    )


def _reasons_shown(replaced: Mapping[str, str], own: Sequence[OwnDifference]) -> Iterator[str]:
    """Why our files differ, for the tables that the review shows and for each other one that changed a result."""
    shown = (*scope_called(SCOPE).tables, FACTOR)
    for table, reason in replaced.items():
        if table in shown or any(difference.why == reason for difference in own):
            yield reason


@dataclass(frozen=True)
class _Tested:
    """The outcomes that CMS changed, from the baseline; and those that differ because of our own files."""

    new_run: SuiteRun
    scenarios: OutcomeChanges
    pairs: PairChanges
    to_decide: tuple[ToDecide, ...]
    own_differences: tuple[OwnDifference, ...]


def _test_outcomes(old: Snapshot, new: Snapshot, base: Baseline, suite: Suite, new_run: SuiteRun, say: Say) -> _Tested:
    scenarios = changed_outcomes(run_suite(suite, base.snapshot), new_run)
    say("testing every pair of codes on both releases")
    new_pairs = all_pairs(new)
    pairs = changed_pairs(all_pairs(base.snapshot), new_pairs)
    by_cms = to_decide(scenarios, pairs)
    if not base.replaced:
        return _Tested(new_run, scenarios, pairs, by_cms, ())
    say("telling CMS's changes from those of our own files")
    reach = own_reach(old, base)
    # Only what our older files can bear on is run a second time: it takes as long as the first.
    all_scenarios = changed_outcomes(run_suite(replace(suite, scenarios=_concerned(suite, reach)), old), new_run)
    pairs_of_old = changed_pairs(all_pairs(old, reach.codes), new_pairs)
    edits = deciding_tables(all_scenarios, pairs_of_old)
    own = own_differences(to_decide(all_scenarios, pairs_of_old), by_cms, edits, base.replaced)
    return _Tested(new_run, scenarios, pairs, by_cms, own)


def _concerned(suite: Suite, reach: OwnReach) -> tuple[Scenario, ...]:
    """The scenarios whose outcome our older files may have changed."""
    return tuple(
        scenario
        for scenario in suite.scenarios
        if reach.includes({line.hcpcs for line in scenario.lines}, scenario.participant)
    )


def _check_releases(old: Snapshot, new: Snapshot) -> None:
    for snapshot in (old, new):
        if lacking := [table for table in REQUIRED_TABLES if table not in snapshot]:
            raise WrongUse(f"{snapshot.release} holds no {', '.join(lacking)}: build it with --from or --carry")
    if old.release >= new.release:
        raise WrongUse(f"{new.release} is not later than {old.release}; name the earlier release first")


def _release(manifest: Manifest) -> ReviewedRelease:
    release = manifest.release
    editions = (
        Edition(
            table=name,
            holds=TABLES[name].holds,
            edition=entry.edition,
            carried_from=entry.carried_from,
            rows=entry.rows,
            files=tuple(File(source.name, source.sha256) for source in entry.sources),
        )
        for name, entry in sorted(manifest.tables.items())
        if name in scope_called(SCOPE).tables
    )
    excerpt = None if manifest.scope == "all" else manifest.scope
    return ReviewedRelease(str(release), release.first_day, release.last_day, excerpt, tuple(editions))


def _factors(old: Snapshot, new: Snapshot) -> tuple[Factor, ...]:
    refs = factor_refs(old, new)
    return tuple(
        Factor(participant, before, after, *refs)
        for participant, before, after in factor_pairs(old.manifest, new.manifest)
    )


def _codes(changes: Changes, snapshot: Snapshot, *, in_new: bool) -> Iterator[Code]:
    """The codes that only the new release (*in_new*) or only the old one has; their rows are in *snapshot*."""
    only_there = changes.codes.filter(pl.col("in_old") != in_new, pl.col("in_new") == in_new)
    for hcpcs, modifier, family in only_there.select("hcpcs", "modifier", "family").iter_rows():
        yield Code(hcpcs, modifier, family, Ref(str(snapshot.release), "mpfs", (hcpcs, modifier)))


def _years(
    volumes: Sequence[Volume],
    old: Snapshot,
    new: Snapshot,
    place: Place,
    settings: tuple[str, ...],
    families: Sequence[str],
) -> tuple[Year, ...]:
    """The practice's year with all of its codes, those outside dermatology's families included."""
    if not volumes:
        return ()
    known = scope_called(SCOPE).families
    # A scope of its own: a practice bills codes outside dermatology, and its year is all of them.
    billed = Scope("volumes", ("mpfs",), {volume.hcpcs: known.get(volume.hcpcs, "") for volume in volumes}, {})
    localities = {text: locality_id(text, (old, new)) for text in {_place_named(volume) for volume in volumes} if text}
    placed = [replace(volume, locality=localities.get(_place_named(volume), place.locality)) for volume in volumes]
    return years(placed, lambda locality: payments(old, new, place_of(locality, old, new), billed), settings, families)


def _claims(lines: pl.DataFrame | None, old: Snapshot, new: Snapshot) -> tuple[ClaimsImpact, ...]:
    """The practice's claims under both releases, for each participant class that the new one knows apart."""
    if lines is None:
        return ()
    families = scope_called(SCOPE).families
    return tuple(
        claims_impact(lines, old, new, participant, families)
        for participant, _, _ in factor_pairs(old.manifest, new.manifest)
    )


def _refs_of_claims(review: Review) -> Iterator[Ref]:
    """The rows that decide the claims' changed lines."""
    for line in (line for impact in review.claims for line in impact.changed):
        for release, result in ((review.old.release, line.before), (review.new.release, line.after)):
            if result.table:
                yield Ref(release, result.table, result.key)


def _place_named(volume: Volume) -> str:
    """What the volumes name as the place of a unit, or ""."""
    return volume.locality or volume.zip_code
