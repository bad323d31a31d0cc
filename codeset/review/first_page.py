"""The first page of a review: is it ready, what changed, what it costs, which rule caused it, and what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codeset import wording
from codeset.change_report import facts
from codeset.diagnosis_changes import ENDED, NEW, REVISED, SPLIT, STOPS
from codeset.money import rounded_dollars, signed_dollars, signed_rounded_dollars
from codeset.participants import Participant, participant_label
from codeset.review.action_items import (
    EDIT_NAMES,
    ActionItem,
    action_items,
    changed_codes,
    distinct_codes,
    named_in_short,
)
from codeset.review.model import Review
from codeset.review.payments import NATIONAL, Payment, PaymentTable
from codeset.review.policy_causes import FactorCauseResult, FactorPart
from codeset.review.readiness import Readiness, readiness
from codeset.review.table_changes import CHANGED, TableReview
from codeset.review.volumes import AS_BILLED, Year
from codeset.review.your_claims import claims_sentences
from codeset.suite.guidance.run_guidance import Verdict

_MOVERS_SHOWN = 3


@dataclass(frozen=True)
class Count:
    """A figure: `number` of the `of` that were compared (None: of nothing), and the section that lists them."""

    label: str
    number: int
    of: int | None
    section: str
    compared: str
    unchecked: str = ""


@dataclass(frozen=True)
class Mover:
    """A code whose amount gains or loses most: cents a year with volumes or claims, else for one unit."""

    hcpcs: str
    cents: int


@dataclass(frozen=True)
class FirstPage:
    """The sentences and figures of the first page, the same in every form of the review.

    `impact` is the money (the practice's own if it gave volumes or claims), `why` the rules that caused it, `actions`
    what to do, `limits` what the data cannot show. The `counts` are of dermatology codes, or of what they name.
    """

    title: str
    subtitle: str
    readiness: Readiness
    changed: bool
    headline: str
    impact_title: str
    impact: tuple[str, ...]
    gains: tuple[Mover, ...]
    losses: tuple[Mover, ...]
    movers_unit: str
    why: tuple[str, ...]
    actions: tuple[ActionItem, ...]
    counts: tuple[Count, ...]
    limits: tuple[str, ...]


def first_page(review: Review) -> FirstPage:
    """Return the first page of *review*."""
    gains, losses = _movers(review)
    limits = tuple(_limits(review))
    quarters = " vs. ".join(map(_quarter_and_release, _releases_newest_first(review)))
    return FirstPage(
        title=f"Medicare update review — dermatology. {quarters}",
        subtitle=_subtitle(review),
        readiness=readiness(review),
        changed=_is_changed(review),
        headline=_headline(review),
        impact_title="For your practice" if review.years or review.claims else "Medicare allowed amounts",
        impact=tuple(_impact(review)),
        gains=gains,
        losses=losses,
        movers_unit=_movers_unit(review),
        why=tuple(_why_sentences(review)),
        actions=tuple(action_items(review, len(limits))),
        counts=tuple(_counts(review)),
        limits=limits,
    )


def _releases_newest_first(review: Review) -> tuple[str, str]:
    return review.new.release, review.old.release


def _quarter_and_release(release_label: str) -> str:
    return f"{wording.quarter(release_label)} ({release_label})"


def _subtitle(review: Review) -> str:
    area_name, locality = review.place.name, review.place.locality
    area = "National rates (no locality adjustment)" if locality == NATIONAL else f"Rates of {area_name} ({locality})"
    settings = wording.list_in_words([wording.setting(setting) for setting in review.settings])
    first_day, last_day = (wording.us_date(day) for day in (review.new.first_day, review.new.last_day))
    return f"{area}, {settings}. Dates of service {first_day} to {last_day}."


def _is_changed(review: Review) -> bool:
    return not review.changes.none or any((review.outcomes.changed, review.guidance.changed, review.pairs.count))


def _counts(review: Review) -> Iterator[Count]:
    changed_amounts = len(changed_codes(review))
    yield Count("codes with a changed allowed amount", changed_amounts, review.codes, "payments", "codes priced")
    yield Count("codes added to the fee schedule file", len(distinct_codes(review.new_codes)), None, "codes", "")
    yield Count("codes removed from the fee schedule file", len(distinct_codes(review.gone_codes)), None, "codes", "")
    for table in review.tables:
        yield _table_count(table)
    outcomes, pairs, guidance = review.outcomes, review.pairs, review.guidance
    yield Count("test claims with a new result", len(outcomes.changed), outcomes.compared, "scenarios", "test claims")
    yield Count(
        "codes with a new result when billed alone", len(pairs.alone), review.codes, "pairs", "codes billed alone"
    )
    yield Count("code pairs with a new result", len(pairs.changed), pairs.compared, "pairs", "tests of code pairs")
    changed_verdicts = len(guidance.changed)
    yield Count(
        "guide statements with a new verdict", changed_verdicts, guidance.compared, "guidance", "guide statements"
    )


def _table_count(table: TableReview) -> Count:
    # A locality has a change for each of its GPCIs, a code for each of its indicators: counted once.
    changed_keys = len({change.key for change in table.changes if change.kind == CHANGED})
    if table.table == "mpfs":
        label, row_count = "codes with a changed global period or indicator", table.compared[1]
        return Count(label, changed_keys, row_count, "indicators", "rows of indicators")
    if table.table == "gpci":
        return Count(
            "localities with changed GPCIs", changed_keys, max(table.compared), "gpci", "localities", table.unchecked
        )
    # Of the larger file: rows that ended are in the old one only, new rows in the new one only.
    edits_name = f"{EDIT_NAMES[table.table]}s"
    return Count(f"{edits_name} changed", table.count, max(table.compared), table.table, edits_name, table.unchecked)


def _headline(review: Review) -> str:
    """What changed, in one sentence of figures."""
    if not _is_changed(review):
        # What was not checked is not listed as compared: it would read as "No change" too.
        counts = [count for count in _counts(review) if count.of and not count.unchecked]
        compared = ", ".join(f"{count.of:,} {count.compared}" for count in counts)
        return f"No change. Compared: {compared}.{_unchecked_note(review)}"
    return f"{wording.list_in_words(list(_headline_changes(review)))}.{_unchecked_note(review)}"


def _unchecked_note(review: Review) -> str:
    table_titles = [
        _EDIT_TITLES[table.table] for table in review.tables if table.table in EDIT_NAMES and table.unchecked
    ]
    return f" NOT CHECKED: {wording.list_in_words(table_titles)}." if table_titles else ""


def _headline_changes(review: Review) -> Iterator[str]:
    if codes := changed_codes(review):
        medians = [_median(table, review) for table in review.payments if table.overall]
        codes_changed = wording.count(len(codes), "code")
        yield f"Medicare allowed amount changed for {codes_changed} (median {wording.list_in_words(medians)})"
    for verb, reviewed_codes in (("added to", review.new_codes), ("removed from", review.gone_codes)):
        if schedule_codes := distinct_codes(reviewed_codes):
            codes_in_words = wording.count(len(schedule_codes), "code")
            yield f"{codes_in_words} {verb} the fee schedule file: {named_in_short(schedule_codes)}"
    gpcis = next((count for count in _counts(review) if count.section == "gpci"), None)
    if gpcis and gpcis.number:
        locality_share = f"all {gpcis.number}" if gpcis.number == gpcis.of else f"{gpcis.number} of {gpcis.of}"
        yield f"GPCIs updated in {locality_share} localities"
    for table in review.tables:
        if table.table in EDIT_NAMES and table.count:
            yield f"{wording.count(table.count, EDIT_NAMES[table.table])} changed"
    diagnoses = review.changes.diagnoses
    for change_kind in (NEW, *STOPS, REVISED):
        if diagnosis_count := sum(change.kind == change_kind for change in diagnoses.changes):
            yield f"{wording.count(diagnosis_count, 'diagnosis code')} {_DIAGNOSIS_CHANGES[change_kind]}"
    if diagnoses.articles:
        yield f"{wording.count(len(diagnoses.articles), 'coverage article')} changed"
    if changed_claims := len(review.outcomes.changed):
        verb = "adjudicates" if changed_claims == 1 else "adjudicate"
        yield f"{wording.count(changed_claims, 'test claim')} now {verb} differently"


_EDIT_TITLES = {"ptp": "NCCI PTP edits", "mue": "MUEs", "add_on": "add-on pairs"}
_DIAGNOSIS_CHANGES = {NEW: "added", SPLIT: "split", ENDED: "no longer valid", REVISED: "with another title"}


def _median(table: PaymentTable, review: Review) -> str:
    median_change = wording.signed_percent(table.overall.median) if table.overall else ""
    return f"{median_change} {wording.in_setting(table.setting)}{participant_note(table.participant, review)}"


def participant_note(participant: Participant | None, review: Review) -> str:
    """Return which participants an amount is for, after a comma; "" where everyone has the same conversion factor."""
    has_several = len({factor.participant for factor in review.factors}) > 1
    return f", {participant_label(participant)}" if has_several else ""


def _impact(review: Review) -> Iterator[str]:
    """The practice's own dollars where it gave claims or volumes, else the medians of both settings."""
    yield from claims_sentences(review.claims)
    for year in review.years:
        yield _year_sentence(year, review)
    if not review.claims and not review.years:
        for table in review.payments:
            yield _amounts_sentence(table, review)


def _year_sentence(year: Year, review: Review) -> str:
    total = year.total
    subject = f"Your volume{_setting_assumption(year.setting)}{participant_note(year.participant, review)}"
    before_dollars, after_dollars = (rounded_dollars(cents) for cents in (total.before_cents, total.after_cents))
    percent_change = wording.percent(total.before_cents, total.after_cents)
    change_text = (
        f"{signed_rounded_dollars(total.change_cents)} a year ({percent_change}), {before_dollars} → {after_dollars}"
    )
    is_unchanged = not any(line.change_cents for line in year.lines)
    unpriced_count = len({(line.hcpcs, line.modifier) for line in year.without})
    unpriced_note = f"; {wording.count(unpriced_count, 'code')} not priced under the MPFS" if unpriced_count else ""
    result_text = f"no change, {after_dollars} a year" if is_unchanged else change_text
    return f"{subject}: {result_text}{unpriced_note}. {_largest_family_note(year)}".strip()


def _setting_assumption(setting: str) -> str:
    return {"nonfacility": ", if all office", "facility": ", if all in a facility"}.get(setting, "")


def _largest_family_note(year: Year) -> str:
    """The family that most of the change comes from."""
    total_change = year.total.change_cents
    largest_family = max(year.families, key=lambda family: abs(family.change_cents), default=None)
    if not total_change or largest_family is None or (largest_family.change_cents > 0) != (total_change > 0):
        return ""
    family_share = abs(largest_family.change_cents) / abs(total_change)
    # Over the whole change where others go the other way: a share of it would then mislead, and none is given.
    return (
        f"{min(family_share, 1):.0%} of it from {wording.family(largest_family.family)}." if family_share <= 1 else ""
    )


def _amounts_sentence(table: PaymentTable, review: Review) -> str:
    subject = f"{wording.setting(table.setting).capitalize()}{participant_note(table.participant, review)}"
    if not table.rows or table.overall is None:
        return f"{subject}: no change in {wording.count(table.codes, 'amount')}."
    overall = table.overall
    median_change, least_change, largest_change = map(
        wording.signed_percent, (overall.median, overall.least, overall.most)
    )
    # The row without a modifier comes last and wins: 26 and TC are components of it, and a code is counted once.
    change_by_code = {
        payment.hcpcs: payment.change_cents or 0
        for payment in sorted(table.rows, key=lambda payment: payment.modifier, reverse=True)
    }
    raised_count, lowered_count = (sum(sign * cents > 0 for cents in change_by_code.values()) for sign in (1, -1))
    raised_codes = wording.count(raised_count, "code")
    return (
        f"{subject}: median {median_change} ({least_change} to {largest_change}); "
        f"{raised_codes} up, {lowered_count:,} down."
    )


def _movers(review: Review) -> tuple[tuple[Mover, ...], tuple[Mover, ...]]:
    """The codes that gain and lose most: of the year, else of the claims, else for one unit in the first setting."""
    if review.years:
        changes = [(line.hcpcs, line.change_cents or 0) for line in review.years[0].lines]
    elif review.claims:
        changes = [(total.name, total.change_cents) for total in review.claims[0].codes]
    else:
        priced_rows: tuple[Payment, ...] = review.payments[0].rows if review.payments else ()
        # 26 and TC are left out: they are components of the code's own amount.
        changes = [(payment.hcpcs, payment.change_cents or 0) for payment in priced_rows if not payment.modifier]
    # Equal changes by code: the same review must give the same bytes.
    ordered_changes = sorted(changes, key=lambda change: (-change[1], change[0]))
    gains = [Mover(*change) for change in ordered_changes[:_MOVERS_SHOWN] if change[1] > 0]
    losses = [Mover(*change) for change in ordered_changes[::-1][:_MOVERS_SHOWN] if change[1] < 0]
    return tuple(gains), tuple(losses)


def _movers_unit(review: Review) -> str:
    """What the changes of `_movers` are of: a year, the claims or one unit, and for whom."""
    if review.years:
        year = review.years[0]
        return f"a year{_setting_assumption(year.setting)}{participant_note(year.participant, review)}"
    if review.claims:
        return f"on your claims{participant_note(review.claims[0].participant, review)}"
    participant = review.payments[0].participant if review.payments else None
    return f"per unit {wording.in_setting(review.settings[0])}{participant_note(participant, review)}"


def _why_sentences(review: Review) -> Iterator[str]:
    """The policies behind the changes, with what each explains, what none explains, and the sources."""
    causes = review.causes
    steps = [step for factor in causes.factors for step in factor.steps]
    citations = [step.citation for step in steps] + [cause.citation for cause in causes.rvus]
    sources = {citation: source_number for source_number, citation in enumerate(dict.fromkeys(citations), start=1)}
    for factor in causes.factors:
        yield _factor_in_words(factor, review, sources)
    for cause in causes.rvus:
        rvu_name = wording.column_label(f"{cause.rvu}_rvu")
        explained_note = (
            f"explains {cause.explained:,} of {wording.count(cause.changed, 'code')} with a changed {rvu_name}"
        )
        yield f"{wording.capitalize_first(cause.name)}: {explained_note}. {cause.says} [{sources[cause.citation]}]"
    if causes.codes:
        yield (
            f"Explained by no rule on file: {causes.unexplained:,} of {wording.count(causes.codes, 'changed code')}. "
            f"Explained in part: {causes.partly_explained:,} (another RVU changed too, and no rule on file says why)"
        )
    yield from (f"Source [{source_number}]: {citation}" for citation, source_number in sources.items())


def _factor_in_words(factor: FactorCauseResult, review: Review, sources: Mapping[str, int]) -> str:
    subject = f"Conversion factor{participant_note(factor.participant, review)}"
    # Two places: the factor of 2025 was moved by 0.02% for budget neutrality.
    change_text = f"{wording.percent(factor.before, factor.after, places=2)}, from ${factor.before} to ${factor.after}"
    if not factor.steps:
        return f"{subject}: {change_text}; no cause on file"
    source_numbers = dict.fromkeys(sources[step.citation] for step in factor.steps)
    parts_text = ", ".join(_factor_part_in_words(part) for step in factor.steps for part in step.parts)
    return (
        f"{subject}: {change_text} = {parts_text} {''.join(f'[{source_number}]' for source_number in source_numbers)}"
    )


def _factor_part_in_words(part: FactorPart) -> str:
    end_note = f" (ends {wording.us_date(part.ends)})" if part.ends else ""
    return f"{wording.signed_percent(part.factor - 1, places=2)} {part.says}{end_note}"


def _limits(review: Review) -> Iterator[str]:
    """What the reader must know before trusting "no change"."""
    for release in (review.old, review.new):
        if release.excerpt:
            yield f"{wording.quarter(release.release)} is an excerpt: only dermatology codes are in it"
    yield from (f"{wording.capitalize_first(caution)}" for caution in facts.cautions(review.changes))
    if own_changes := [change for table in review.tables for change in table.own_changes]:
        older_files = "; ".join(review.baseline)
        differences = wording.count(len(own_changes), "difference")
        yield f"{differences} in edits come from our own files, not from CMS: {older_files}"
    if review.place.locality == NATIONAL:
        yield "Amounts are national rates; add --locality for yours"
    if review.years and review.years[0].setting != AS_BILLED:
        yield "Your volume file has no place of service, so each setting is shown as if everything were done there"
    if review.years and not review.claims:
        yield (
            "Units times fee is not a year of payments: multiple-procedure reductions, denials, and coinsurance are "
            "left out. Add --claims to adjudicate your own claims"
        )
    if confirmed_statements := review.guidance.newly(Verdict.CONFIRMED):
        statement_count = wording.count(len(confirmed_statements), "guide statement")
        new_year, old_year = review.new.first_day.year, review.old.first_day.year
        verb = "is" if len(confirmed_statements) == 1 else "are"
        yield f"{statement_count} {verb} right for {new_year} but not for {old_year} dates of service"


def movers_text(page: FirstPage) -> tuple[str, str]:
    """Return the largest gains and the largest losses, in words; "" for none."""
    gains, losses = (
        " | ".join(f"{mover.hcpcs} {mover_text(page, mover)}" for mover in movers)
        for movers in (page.gains, page.losses)
    )
    return gains, losses


def mover_text(page: FirstPage, mover: Mover) -> str:
    """Return the change of a code's amount: to the cent for one unit, in whole dollars for a year or all claims."""
    if page.movers_unit.startswith("per unit"):
        return signed_dollars(mover.cents)
    return signed_rounded_dollars(mover.cents)


def no_change(table: TableReview) -> str:
    """Return the sentence for a table without changes."""
    if table.unchecked:
        return f"NOT CHECKED: {table.unchecked}."
    return f"No change: {wording.count(table.compared[1], 'row')} compared with {table.compared[0]:,}."
