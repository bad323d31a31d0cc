"""The first page of a review: is it ready, what changed, what it costs, which rule caused it, and what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from codeset import wording
from codeset.change_report import facts
from codeset.diagnosis_changes import ENDED, NEW, REVISED, SPLIT, STOPS
from codeset.money import rounded_dollars, signed_dollars
from codeset.participants import Participant, participant_label
from codeset.review.model import Review
from codeset.review.payments import NATIONAL, Payment, PaymentTable
from codeset.review.policy_causes import FactorCauseResult, FactorPart
from codeset.review.readiness import Readiness, readiness
from codeset.review.table_changes import ADDED, CHANGED, REMOVED, Change, TableReview
from codeset.review.volumes import Year
from codeset.review.your_claims import claims_sentences
from codeset.suite.guidance.run_guidance import Verdict

EDIT_TABLES = ("ptp", "mue", "add_on")
MOST_STOPPING = 40
"""Diagnosis codes that an action item names; the section has them all."""

FEES_FILE, EDITS_FILE, HANDOUT_FILE = "fee-schedule.csv", "edits-changed.csv", "physician-handout.html"

_NAMED = 4
"""Codes that a sentence names at most; the rest is counted."""

_MOVERS = 3


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
class ActionItem:
    """Something to do: what, with which codes and file; `due` is the first day on which it must be done."""

    title: str
    details: str
    file: str
    due: date
    section: str


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
    return FirstPage(
        title=f"Medicare update review — dermatology. {' vs. '.join(map(_quarter, _releases(review)))}",
        subtitle=_subtitle(review),
        readiness=readiness(review),
        changed=_is_changed(review),
        headline=_headline(review),
        impact_title="For your practice" if review.years or review.claims else "Medicare allowed amounts",
        impact=tuple(_impact(review)),
        gains=gains,
        losses=losses,
        movers_unit="a year" if review.years else "on your claims" if review.claims else "per unit in the office",
        why=tuple(_why(review)),
        actions=tuple(_actions(review)),
        counts=tuple(_counts(review)),
        limits=tuple(_limits(review)),
    )


def _releases(review: Review) -> tuple[str, str]:
    return review.new.release, review.old.release


def _quarter(release: str) -> str:
    return f"{wording.quarter(release)} ({release})"


def _subtitle(review: Review) -> str:
    place, locality = review.place.name, review.place.locality
    area = "National rates (no locality adjustment)" if locality == NATIONAL else f"Rates of {place} ({locality})"
    settings = wording.listed([wording.setting(setting) for setting in review.settings])
    first, last = (wording.us_date(day) for day in (review.new.first_day, review.new.last_day))
    return f"{area}, {settings}. Dates of service {first} to {last}."


def _is_changed(review: Review) -> bool:
    return not review.changes.none or any((review.outcomes.changed, review.guidance.changed, review.pairs.count))


def changed_codes(review: Review) -> list[str]:
    """Return the codes whose allowed amount changed in a setting that is shown."""
    return sorted({payment.hcpcs for table in review.payments for payment in table.rows})


def _counts(review: Review) -> Iterator[Count]:
    amounts = len(changed_codes(review))
    yield Count("codes with a changed allowed amount", amounts, review.codes, "payments", "codes priced")
    yield Count("codes added to the fee schedule file", len(_distinct(review.new_codes)), None, "codes", "")
    yield Count("codes removed from the fee schedule file", len(_distinct(review.gone_codes)), None, "codes", "")
    for table in review.tables:
        yield _count_of_table(table)
    outcomes, pairs, guidance = review.outcomes, review.pairs, review.guidance
    yield Count("test claims with a new result", len(outcomes.changed), outcomes.compared, "scenarios", "test claims")
    yield Count(
        "codes with a new result when billed alone", len(pairs.alone), review.codes, "pairs", "codes billed alone"
    )
    yield Count("code pairs with a new result", len(pairs.changed), pairs.compared, "pairs", "cases of two codes")
    verdicts = len(guidance.changed)
    yield Count("guide statements with a new verdict", verdicts, guidance.compared, "guidance", "guide statements")


def _distinct(codes: tuple[object, ...]) -> set[str]:
    return {str(getattr(code, "hcpcs")) for code in codes}  # noqa: B009


def _count_of_table(table: TableReview) -> Count:
    keys = len({change.key for change in table.changes if change.kind == CHANGED})
    if table.table == "mpfs":
        label, rows = "codes with a changed global period or indicator", table.compared[1]
        return Count(label, keys, rows, "indicators", "rows of indicators")
    if table.table == "gpci":
        return Count("localities with changed GPCIs", keys, max(table.compared), "gpci", "localities", table.unchecked)
    name = f"{_EDIT_NAMES[table.table]}s"
    return Count(f"{name} changed", table.count, max(table.compared), table.table, name, table.unchecked)


def _headline(review: Review) -> str:
    """What changed, in one sentence of figures."""
    if not _is_changed(review):
        counts = [count for count in _counts(review) if count.of and not count.unchecked]
        compared = ", ".join(f"{count.of:,} {count.compared}" for count in counts)
        return f"No change. Compared: {compared}.{_not_checked(review)}"
    return f"{wording.listed(list(_changes(review)))}.{_not_checked(review)}"


def _not_checked(review: Review) -> str:
    names = [_EDIT_TITLES[table.table] for table in review.tables if table.table in EDIT_TABLES and table.unchecked]
    return f" NOT CHECKED: {wording.listed(names)}." if names else ""


def _changes(review: Review) -> Iterator[str]:
    if codes := changed_codes(review):
        medians = [_median(table, review) for table in review.payments if table.overall]
        codes_changed = wording.count(len(codes), "code")
        yield f"Medicare allowed amount changed for {codes_changed} (median {wording.listed(medians)})"
    for verb, codes_listed in (("added to", review.new_codes), ("removed from", review.gone_codes)):
        if listed := sorted(_distinct(codes_listed)):
            yield f"{wording.count(len(listed), 'code')} {verb} the fee schedule file: {_some(listed)}"
    gpcis = next((count for count in _counts(review) if count.section == "gpci"), None)
    if gpcis and gpcis.number:
        of_all = f"all {gpcis.number}" if gpcis.number == gpcis.of else f"{gpcis.number} of {gpcis.of}"
        yield f"GPCIs updated in {of_all} localities"
    for table in review.tables:
        if table.table in EDIT_TABLES and table.count:
            yield f"{wording.count(table.count, _EDIT_NAMES[table.table])} changed"
    diagnoses = review.changes.diagnoses
    for kind in (NEW, *STOPS, REVISED):
        if number := sum(change.kind == kind for change in diagnoses.changes):
            yield f"{wording.count(number, 'diagnosis code')} {_DIAGNOSIS_CHANGES[kind]}"
    if diagnoses.articles:
        yield f"{wording.count(len(diagnoses.articles), 'coverage article')} changed"
    if changed := len(review.outcomes.changed):
        verb = "adjudicates" if changed == 1 else "adjudicate"
        yield f"{wording.count(changed, 'test claim')} now {verb} differently"


_EDIT_TITLES = {"ptp": "NCCI PTP edits", "mue": "MUEs", "add_on": "add-on pairs"}
_DIAGNOSIS_CHANGES = {NEW: "added", SPLIT: "split", ENDED: "no longer valid", REVISED: "with another title"}
_EDIT_NAMES = {"ptp": "NCCI PTP edit", "mue": "MUE", "add_on": "add-on pair"}


def _median(table: PaymentTable, review: Review) -> str:
    median = wording.signed_percent(table.overall.median) if table.overall else ""
    return f"{median} {wording.in_setting(table.setting)}{participant_note(table.participant, review)}"


def participant_note(participant: Participant | None, review: Review) -> str:
    """Return which participants an amount is for, after a comma; "" where everyone has the same conversion factor."""
    several = len({factor.participant for factor in review.factors}) > 1
    return f", {participant_label(participant)}" if several else ""


def _some(words: list[str]) -> str:
    shown = words[:_NAMED]
    return f"{', '.join(shown)} and {len(words) - _NAMED} more" if len(words) > _NAMED else wording.listed(shown)


def _impact(review: Review) -> Iterator[str]:
    """The practice's own dollars where it gave claims or volumes, else the medians of both settings."""
    yield from claims_sentences(review.claims)
    for year in review.years:
        yield _year(year, review)
    if not review.claims and not review.years:
        for table in review.payments:
            yield _amounts(table, review)


def _year(year: Year, review: Review) -> str:
    total = year.total
    whose = f"Your volume{_if_all(year.setting)}{participant_note(year.participant, review)}"
    change = f"{'+' if total.change_cents > 0 else ''}{rounded_dollars(total.change_cents)} a year"
    share = wording.percent(total.before_cents, total.after_cents)
    amounts = f"{rounded_dollars(total.before_cents)} → {rounded_dollars(total.after_cents)}"
    unpriced = len({(line.hcpcs, line.modifier) for line in year.without})
    rest = f"; {wording.count(unpriced, 'code')} not priced under the MPFS" if unpriced else ""
    return f"{whose}: {change} ({share}), {amounts}{rest}. {_families_share(year)}".strip()


def _if_all(setting: str) -> str:
    return {"nonfacility": ", if all office", "facility": ", if all in a facility"}.get(setting, "")


def _families_share(year: Year) -> str:
    """The family that most of the change comes from."""
    total = year.total.change_cents
    largest = max(year.families, key=lambda family: abs(family.change_cents), default=None)
    if not total or largest is None or (largest.change_cents > 0) != (total > 0):
        return ""
    share = abs(largest.change_cents) / abs(total)
    return f"{min(share, 1):.0%} of it from {wording.family(largest.family)}." if share <= 1 else ""


def _amounts(table: PaymentTable, review: Review) -> str:
    start = f"{wording.setting(table.setting).capitalize()}{participant_note(table.participant, review)}"
    if not table.rows or table.overall is None:
        return f"{start}: no change in {wording.count(table.codes, 'amount')}."
    overall = table.overall
    median, least, most = map(wording.signed_percent, (overall.median, overall.least, overall.most))
    changes = {
        row.hcpcs: row.change_cents or 0 for row in sorted(table.rows, key=lambda row: row.modifier, reverse=True)
    }
    up, down = (sum(sign * cents > 0 for cents in changes.values()) for sign in (1, -1))
    return f"{start}: median {median} ({least} to {most}); {wording.count(up, 'code')} up, {down:,} down."


def _movers(review: Review) -> tuple[tuple[Mover, ...], tuple[Mover, ...]]:
    """The codes that gain and lose most: of the year, else of the claims, else for one unit in the first setting."""
    if review.years:
        changes = [(line.hcpcs, line.change_cents or 0) for line in review.years[0].lines]
    elif review.claims:
        changes = [(total.name, total.change_cents) for total in review.claims[0].codes]
    else:
        rows: tuple[Payment, ...] = review.payments[0].rows if review.payments else ()
        changes = [(row.hcpcs, row.change_cents or 0) for row in rows if not row.modifier]
    ordered = sorted(changes, key=lambda change: (-change[1], change[0]))
    gains = [Mover(*change) for change in ordered[:_MOVERS] if change[1] > 0]
    losses = [Mover(*change) for change in ordered[::-1][:_MOVERS] if change[1] < 0]
    return tuple(gains), tuple(losses)


def _why(review: Review) -> Iterator[str]:
    """The policies behind the changes, with what each explains, what none explains, and the sources."""
    causes = review.causes
    steps = [step for factor in causes.factors for step in factor.steps]
    citations = [step.citation for step in steps] + [cause.citation for cause in causes.rvus]
    sources = {citation: number for number, citation in enumerate(dict.fromkeys(citations), start=1)}
    for factor in causes.factors:
        yield _factor_in_words(factor, review, sources)
    for cause in causes.rvus:
        kind = wording.named(f"{cause.rvu}_rvu")
        explained = f"explains {cause.explained:,} of {wording.count(cause.changed, 'code')} with a changed {kind}"
        yield f"{_capital(cause.name)}: {explained}. {cause.says} [{sources[cause.citation]}]"
    if causes.codes:
        yield (
            f"Without a cause on file: {causes.unexplained:,} of {wording.count(causes.codes, 'changed code')}. "
            f"Explained in part: {causes.partly_explained:,} (an RVU also changed without a cause on file)"
        )
    yield from (f"Source [{number}]: {citation}" for citation, number in sources.items())


def _factor_in_words(factor: FactorCauseResult, review: Review, sources: Mapping[str, int]) -> str:
    whose = f"Conversion factor{participant_note(factor.participant, review)}"
    change = f"{wording.percent(factor.before, factor.after, places=2)}, from ${factor.before} to ${factor.after}"
    if not factor.steps:
        return f"{whose}: {change}; no cause on file"
    numbers = dict.fromkeys(sources[step.citation] for step in factor.steps)
    parts = ", ".join(_factor_part(part) for step in factor.steps for part in step.parts)
    return f"{whose}: {change} = {parts} {''.join(f'[{number}]' for number in numbers)}"


def _factor_part(part: FactorPart) -> str:
    ends = f" (ends {wording.us_date(part.ends)})" if part.ends else ""
    return f"{wording.signed_percent(part.factor - 1, places=2)} {part.says}{ends}"


def _actions(review: Review) -> Iterator[ActionItem]:
    """What must be fixed first, then decided, then loaded and handed on; the signature always."""
    due = review.new.first_day
    if failed := [scenario.id for scenario in review.outcomes.failed]:
        verb = "disagrees with the coder's answer; approval is blocked until it is fixed"
        verbs = "disagree with the coder's answer; approval is blocked until they are fixed"
        title = f"{wording.count(len(failed), 'test claim')} {verb if len(failed) == 1 else verbs}"
        yield ActionItem(title, _some([scenario.says for scenario in review.outcomes.failed]), "", due, "scenarios")
    if outcomes := review.to_decide:
        title = f"Approve or reject {wording.count(len(outcomes), 'changed test result')} (reason required)"
        yield ActionItem(title, _some([outcome.says for outcome in outcomes]), "", due, "sign-off")
    if codes := changed_codes(review):
        yield ActionItem(
            f"Load new Medicare rates for {wording.count(len(codes), 'code')}", "", FEES_FILE, due, "payments"
        )
    if edits := list(_edits_to_update(review)):
        yield ActionItem("Update claim-scrubber edits", "; ".join(edits), EDITS_FILE, due, "edits")
    if new := sorted(_distinct(review.new_codes)):
        yield ActionItem(f"Add {_some(new)} to the charge master", "", FEES_FILE, due, "codes")
    if gone := sorted(_distinct(review.gone_codes)):
        yield ActionItem(f"Inactivate {_some(gone)} in the charge master", "", "", due, "codes")
    yield from _diagnosis_actions(review)
    if newly := review.guidance.newly(Verdict.CONTRADICTED):
        title = f"Correct {wording.count(len(newly), 'statement')} in your coding guides"
        yield ActionItem(title, _some([statement.heading for statement in newly]), "", due, "guidance")
    if changed_codes(review) or edits:
        yield ActionItem("Hand out the one-page summary to physicians", "", HANDOUT_FILE, due, "payments")
    if limits := list(_limits(review)):
        yield ActionItem(f"Acknowledge {wording.count(len(limits), 'limitation')}", "", "", due, "limits")
    yield ActionItem("Sign", f"codeset approve {review.new.release} --review FOLDER", "", due, "sign-off")


def _diagnosis_actions(review: Review) -> Iterator[ActionItem]:
    """Diagnosis codes that stop, due on the day on which they do; articles that list other diagnoses."""
    diagnoses = review.changes.diagnoses
    days = sorted({change.since or review.new.first_day for change in diagnoses.stopping})
    whose = "diagnosis code" if diagnoses.favorites is None else "favorite diagnosis code"
    for day in days:
        codes = [change for change in diagnoses.stopping if (change.since or review.new.first_day) == day]
        verb = "stops" if len(codes) == 1 else "stop"
        details = [
            f"{code.diagnosis}: use {wording.listed(list(code.others))}" if code.others else code.diagnosis
            for code in codes
        ]
        title = f"{wording.count(len(codes), whose)} {verb} on {wording.us_date(day)}"
        yield ActionItem(title, "; ".join(details[:MOST_STOPPING]), "", day, "diagnoses")
    if never_valid := [f"{code} ({why})" for code, why in diagnoses.never_valid]:
        verb = "is" if len(never_valid) == 1 else "are"
        title = f"{wording.count(len(never_valid), whose)} {verb} not valid for billing"
        yield ActionItem(title, "; ".join(never_valid[:MOST_STOPPING]), "", review.new.first_day, "diagnoses")
    if added := [change.diagnosis for change in diagnoses.changes if change.kind == NEW]:
        title = f"Add {wording.count(len(added), 'new diagnosis code')} to pick lists"
        yield ActionItem(title, _some(added), "", review.new.first_day, "diagnoses")
    if changed := [article.document for article in diagnoses.articles]:
        title = f"Read {wording.count(len(changed), 'coverage article')} with a new version or other diagnoses"
        yield ActionItem(title, _some(changed), "", review.new.first_day, "diagnoses")


def _edits_to_update(review: Review) -> Iterator[str]:
    """The changed edits, with those that our own older file lacked: a claim scrubber may lack them as well."""
    for name in EDIT_TABLES:
        table = review.table(name)
        if changes := [*table.changes, *table.own_changes]:
            changed = [_in_short(change) for change in changes if change.kind == CHANGED]
            kinds = ((ADDED, "new"), (REMOVED, "ended"))
            counts = [f"{number} {word}" for kind, word in kinds if (number := sum(c.kind == kind for c in changes))]
            yield f"{_EDIT_NAMES[name]}s: {_some([*changed, *counts])}"


def _in_short(change: Change) -> str:
    return f"{change.key} {change.before} → {change.after}"


def _limits(review: Review) -> Iterator[str]:
    """What the reader must know before trusting "no change"."""
    for release in (review.old, review.new):
        if release.excerpt:
            yield f"{wording.quarter(release.release)} is an excerpt: only dermatology codes are in it"
    yield from (f"{_capital(caution)}" for caution in facts.cautions(review.changes))
    if own := [change for table in review.tables for change in table.own_changes]:
        files = "; ".join(review.baseline)
        yield f"{wording.count(len(own), 'difference')} in edits come from our own files, not from CMS: {files}"
    if review.place.locality == NATIONAL:
        yield "Amounts are national rates; add --locality for yours"
    if review.years and review.years[0].setting != "billed":
        yield "Your volume file has no place of service, so each setting is shown as if everything were done there"
    if review.years and not review.claims:
        yield (
            "Units times fee is not a year of payments: multiple-procedure reductions, denials, and coinsurance are "
            "left out. Add --claims to adjudicate your own claims"
        )
    if confirmed := review.guidance.newly(Verdict.CONFIRMED):
        count = wording.count(len(confirmed), "guide statement")
        new, old = review.new.first_day.year, review.old.first_day.year
        yield f"{count} {'is' if len(confirmed) == 1 else 'are'} right for {new} but not for {old} dates of service"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


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
    return f"{'+' if mover.cents > 0 else ''}{rounded_dollars(mover.cents)}"


def no_change(table: TableReview) -> str:
    """Return the sentence for a table without changes."""
    if table.unchecked:
        return f"NOT CHECKED: {table.unchecked}."
    return f"No change: {wording.count(table.compared[1], 'row')} compared with {table.compared[0]:,}."
