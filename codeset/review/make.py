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
from codeset.progress import ReportProgress, silent
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
from codeset.suite.pairs import adjudicate_pairs as all_pairs
from codeset.suite.run_suite import SuiteRun, run_suite
from codeset.suite.scenarios import Scenario, Suite
from codeset.tables import REQUIRED_TABLES, TABLES


def make_review(
    old_snapshot: Snapshot,
    new_snapshot: Snapshot,
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
    report_progress: ReportProgress = silent,
) -> Review:
    """Return the review of *new_snapshot* compared with *old_snapshot*.

    Amounts are national without *locality* (`mac-locality`), and of both settings without *setting*. *claims* are lines
    with the columns of `claim_fields`, *favorites* its diagnosis codes, without the point. *history* are the releases,
    oldest first and *new_snapshot* last, in which each code is shown; without it, the two that are compared. *new_run*
    is that of *suite* on *new_snapshot*, where it has been run already.

    Raises WrongUse: if a release lacks a table that claims are read against, lacks the locality, or is not the later.
    """
    _check_releases(old_snapshot, new_snapshot)
    practice_inputs = _PracticeInputs(
        volumes, claims, locality, setting, change_report, favorites, history or (old_snapshot, new_snapshot)
    )
    with baseline(old_snapshot, new_snapshot) as cms_baseline:
        review = _compare(
            old_snapshot, new_snapshot, cms_baseline, suite, guidance, practice_inputs, new_run, report_progress
        )
    # Last: the rows are those that everything else in the review refers to.
    return replace(review, rows=source_rows((old_snapshot, new_snapshot), [*refs_in(review), *_refs_of_claims(review)]))


@dataclass(frozen=True)
class _PracticeInputs:
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
    old_snapshot: Snapshot,
    new_snapshot: Snapshot,
    cms_baseline: Baseline,
    suite: Suite,
    guidance: Sequence[Statement],
    practice_inputs: _PracticeInputs,
    new_run: SuiteRun | None,
    report_progress: ReportProgress,
) -> Review:
    """The review without its rows: amounts of both snapshots, edits and outcomes from the baseline."""
    old_release, new_release = old_snapshot.release, new_snapshot.release
    settings, amounts_place = practice_inputs.settings, place_of(practice_inputs.locality, old_snapshot, new_snapshot)
    scope = scope_called(SCOPE)
    families = list(dict.fromkeys(scope.families.values()))
    report_progress("comparing the tables")
    changes = diff(old_snapshot, new_snapshot, SCOPE, practice_inputs.favorites)
    # Amounts are compared as they are: each release has its own fee schedule.
    # Edits may rest on an older file than that.
    changes_by_cms = diff(cms_baseline.snapshot, new_snapshot, SCOPE) if cms_baseline.replaced else changes
    report_progress(f"running {len(suite.scenarios)} test claims on both releases")
    tested_outcomes = _test_outcomes(
        old_snapshot, new_snapshot, cms_baseline, suite, new_run or run_suite(suite, new_snapshot), report_progress
    )
    release_of_table = {(str(old_release), table): str(new_release) for table in cms_baseline.replaced}
    priced_tables = payment_tables(payments(old_snapshot, new_snapshot, amounts_place, scope, settings), families)
    factors = _reviewed_factors(old_snapshot, new_snapshot)
    factors_of_both = factor_pairs(old_snapshot.manifest, new_snapshot.manifest)
    scenario_outcomes = outcomes.outcomes(tested_outcomes.scenarios, old_release, tested_outcomes.new_run)
    pair_outcomes = outcomes.pairs(tested_outcomes.pairs, old_release, new_release)
    return Review(
        old=_reviewed_release(old_snapshot.manifest),
        new=_reviewed_release(new_snapshot.manifest),
        place=amounts_place,
        settings=settings,
        factors=factors,
        causes=policy_causes(priced_tables, factors_of_both, old_release.last_day, new_release.last_day),
        change_report=practice_inputs.change_report,
        codes=changes.codes["hcpcs"].n_unique(),
        payments=priced_tables,
        new_codes=tuple(_codes_of_one(changes, new_snapshot, in_new=True)),
        gone_codes=tuple(_codes_of_one(changes, old_snapshot, in_new=False)),
        tables=table_reviews(changes, changes_by_cms, cms_baseline.replaced),
        outcomes=with_releases(scenario_outcomes, release_of_table),
        pairs=with_releases(pair_outcomes, release_of_table),
        to_decide=tested_outcomes.to_decide,
        own_differences=tested_outcomes.own_differences,
        baseline=tuple(_reasons_shown(cms_baseline.replaced, tested_outcomes.own_differences)),
        # From the baseline: a verdict that differs because our old file was older says nothing of the guide.
        guidance=compare_audits(audit(guidance, cms_baseline.snapshot), audit(guidance, new_snapshot), new_release),
        years=_practice_years(practice_inputs.volumes, old_snapshot, new_snapshot, amounts_place, settings, families),
        claims=_practice_claims(practice_inputs.claims, old_snapshot, new_snapshot),
        practice_guide=guide_changes(
            *(make_guide(SCOPE, snapshot, (), amounts_place.locality) for snapshot in (old_snapshot, new_snapshot))
        ),
        history=tuple(str(snapshot.release) for snapshot in practice_inputs.history),
        code_details=code_details(
            practice_inputs.history, scope, factors[0].participant if factors else None, amounts_place.locality
        ),
        rows=(),
        changes=changes,
    )


def _reasons_shown(replaced: Mapping[str, str], own_results: Sequence[OwnDifference]) -> Iterator[str]:
    """Why our files differ, for the tables that the review shows and for each other one that changed a result."""
    shown_tables = (*scope_called(SCOPE).tables, FACTOR)
    for table, reason in replaced.items():
        if table in shown_tables or any(difference.why == reason for difference in own_results):
            yield reason


@dataclass(frozen=True)
class _OutcomeChanges:
    """The outcomes that CMS changed, from the baseline; and those that differ because of our own files."""

    new_run: SuiteRun
    scenarios: OutcomeChanges
    pairs: PairChanges
    to_decide: tuple[ToDecide, ...]
    own_differences: tuple[OwnDifference, ...]


def _test_outcomes(
    old_snapshot: Snapshot,
    new_snapshot: Snapshot,
    cms_baseline: Baseline,
    suite: Suite,
    new_run: SuiteRun,
    report_progress: ReportProgress,
) -> _OutcomeChanges:
    cms_scenarios = changed_outcomes(run_suite(suite, cms_baseline.snapshot), new_run)
    report_progress("testing every pair of codes on both releases")
    new_pairs = all_pairs(new_snapshot)
    cms_pairs = changed_pairs(all_pairs(cms_baseline.snapshot), new_pairs)
    cms_decisions = to_decide(cms_scenarios, cms_pairs)
    if not cms_baseline.replaced:
        return _OutcomeChanges(new_run, cms_scenarios, cms_pairs, cms_decisions, ())
    report_progress("telling CMS's changes from those of our own files")
    reach_of_own_files = own_reach(old_snapshot, cms_baseline)
    # Only what our older files can bear on is run a second time: it takes as long as the first.
    all_scenarios = changed_outcomes(
        run_suite(replace(suite, scenarios=_scenarios_within(suite, reach_of_own_files)), old_snapshot), new_run
    )
    pairs_of_old = changed_pairs(all_pairs(old_snapshot, reach_of_own_files.codes), new_pairs)
    table_by_id = deciding_tables(all_scenarios, pairs_of_old)
    # What differs from our old files and not from the baseline is no change of CMS's: nobody has to decide it.
    own_results = own_differences(
        to_decide(all_scenarios, pairs_of_old), cms_decisions, table_by_id, cms_baseline.replaced
    )
    return _OutcomeChanges(new_run, cms_scenarios, cms_pairs, cms_decisions, own_results)


def _scenarios_within(suite: Suite, reach: OwnReach) -> tuple[Scenario, ...]:
    """The scenarios whose outcome our older files may have changed."""
    return tuple(
        scenario
        for scenario in suite.scenarios
        if reach.includes({line.hcpcs for line in scenario.lines}, scenario.participant)
    )


def _check_releases(old_snapshot: Snapshot, new_snapshot: Snapshot) -> None:
    for snapshot in (old_snapshot, new_snapshot):
        if missing_tables := [table for table in REQUIRED_TABLES if table not in snapshot]:
            raise WrongUse(f"{snapshot.release} holds no {', '.join(missing_tables)}: build it with --from or --carry")
    if old_snapshot.release >= new_snapshot.release:
        raise WrongUse(
            f"{new_snapshot.release} is not later than {old_snapshot.release}; name the earlier release first"
        )


def _reviewed_release(manifest: Manifest) -> ReviewedRelease:
    release = manifest.release
    editions = (
        Edition(
            table=table_name,
            holds=TABLES[table_name].holds,
            edition=sealed_table.edition,
            carried_from=sealed_table.carried_from,
            rows=sealed_table.rows,
            files=tuple(File(source_file.name, source_file.sha256) for source_file in sealed_table.sources),
        )
        for table_name, sealed_table in sorted(manifest.tables.items())
        if table_name in scope_called(SCOPE).tables
    )
    excerpt = None if manifest.scope == "all" else manifest.scope
    return ReviewedRelease(str(release), release.first_day, release.last_day, excerpt, tuple(editions))


def _reviewed_factors(old_snapshot: Snapshot, new_snapshot: Snapshot) -> tuple[Factor, ...]:
    factor_rows = factor_refs(old_snapshot, new_snapshot)
    return tuple(
        Factor(participant, old_factor, new_factor, *factor_rows)
        for participant, old_factor, new_factor in factor_pairs(old_snapshot.manifest, new_snapshot.manifest)
    )


def _codes_of_one(changes: Changes, snapshot: Snapshot, *, in_new: bool) -> Iterator[Code]:
    """The codes that only the new release (*in_new*) or only the old one has; their rows are in *snapshot*."""
    codes_of_one_release = changes.codes.filter(pl.col("in_old") != in_new, pl.col("in_new") == in_new)
    for hcpcs, modifier, family in codes_of_one_release.select("hcpcs", "modifier", "family").iter_rows():
        yield Code(hcpcs, modifier, family, Ref(str(snapshot.release), "mpfs", (hcpcs, modifier)))


def _practice_years(
    volumes: Sequence[Volume],
    old_snapshot: Snapshot,
    new_snapshot: Snapshot,
    place: Place,
    settings: tuple[str, ...],
    families: Sequence[str],
) -> tuple[Year, ...]:
    """The practice's year with all of its codes, those outside dermatology's families included."""
    if not volumes:
        return ()
    family_by_code = scope_called(SCOPE).families
    # A scope of its own: a practice bills codes outside dermatology, and its year is all of them.
    practice_scope = Scope(
        "volumes", ("mpfs",), {volume.hcpcs: family_by_code.get(volume.hcpcs, "") for volume in volumes}, {}
    )
    # Once for each place that the volumes name: they name few, in many rows.
    localities = {
        place_text: locality_id(place_text, (old_snapshot, new_snapshot))
        for place_text in {_place_text(volume) for volume in volumes}
        if place_text
    }
    placed_volumes = [
        replace(volume, locality=localities.get(_place_text(volume), place.locality)) for volume in volumes
    ]
    return years(
        placed_volumes,
        lambda locality: payments(
            old_snapshot, new_snapshot, place_of(locality, old_snapshot, new_snapshot), practice_scope
        ),
        settings,
        families,
    )


def _practice_claims(
    claim_lines: pl.DataFrame | None, old_snapshot: Snapshot, new_snapshot: Snapshot
) -> tuple[ClaimsImpact, ...]:
    """The practice's claims under both releases, for each participant class that the new one knows apart."""
    if claim_lines is None:
        return ()
    families = scope_called(SCOPE).families
    return tuple(
        claims_impact(claim_lines, old_snapshot, new_snapshot, participant, families)
        for participant, _, _ in factor_pairs(old_snapshot.manifest, new_snapshot.manifest)
    )


def _refs_of_claims(review: Review) -> Iterator[Ref]:
    """The rows that decide the claims' changed lines."""
    for claim_line in (claim_line for impact in review.claims for claim_line in impact.changed):
        for release, line_result in ((review.old.release, claim_line.before), (review.new.release, claim_line.after)):
            if line_result.table:
                yield Ref(release, line_result.table, line_result.key)


def _place_text(volume: Volume) -> str:
    """What the volumes name as the place of a unit, or ""."""
    return volume.locality or volume.zip_code
