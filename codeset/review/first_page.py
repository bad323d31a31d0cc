"""The first page of a review: what changed, what it costs, which rule caused it, and what the reader is to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codeset import wording
from codeset.change_report import facts
from codeset.money import dollars, signed_dollars
from codeset.participants import Participant, participant_label
from codeset.review.model import Review
from codeset.review.payments import NATIONAL, Cause, PaymentTable
from codeset.review.table_changes import CHANGED, TableReview
from codeset.review.your_claims import claims_sentences
from codeset.suite.guidance.run_guidance import Verdict

EDIT_NAMES = {"ptp": "PTP edit", "mue": "MUE", "add_on": "add-on relation"}
TABLE_NAMES = {
    "mpfs": "fee schedule",
    "gpci": "geographic indices",
    "ptp": "PTP edits",
    "mue": "MUEs",
    "add_on": "add-on relations",
}
_PART_NAMES = {
    "work": "work RVUs",
    "pe": "practice expense (PE) RVUs",
    "mp": "malpractice (MP) RVUs",
    "gpci": "GPCIs",
    "conversion_factor": "the conversion factor",
}
_CONTRADICTED = "against what coders expect"


@dataclass(frozen=True)
class Count:
    """A figure of the first screen: `number` out of `of` (None: of nothing), and the section that lists them.

    `label` is what changed, `compared` what was compared to find out. `seen` is False where both releases rest on the
    same files, so that no change could show.
    """

    label: str
    number: int
    of: int | None
    section: str
    compared: str
    seen: bool = True


@dataclass(frozen=True)
class ActionItem:
    """Something for the reader to do, and the section that it is about."""

    text: str
    section: str


@dataclass(frozen=True)
class FirstPage:
    """The sentences and figures of the first page, the same in every form of the review.

    `changed`: whether anything changed at all. `money` is what it costs and `why` what caused it, `asked` the action
    items with the gravest first, `cautions` what the data cannot show.
    """

    changed: bool
    headline: str
    money: tuple[str, ...]
    why: tuple[str, ...]
    counts: tuple[Count, ...]
    asked: tuple[ActionItem, ...]
    cautions: tuple[str, ...]


def first_page(review: Review) -> FirstPage:
    """Return the first page of *review*."""
    return FirstPage(
        changed=_is_changed(review),
        headline=_headline(review),
        money=tuple(_money(review)),
        why=tuple(_why(review)),
        counts=tuple(_counts(review)),
        asked=tuple(_action_items(review)),
        cautions=tuple(_cautions(review)),
    )


def _is_changed(review: Review) -> bool:
    return not review.changes.none or any((review.outcomes.changed, review.guidance.changed, review.pairs.count))


def _codes_paid_differently(review: Review) -> int:
    return len({payment.hcpcs for table in review.payments for payment in table.rows})


def _counts(review: Review) -> Iterator[Count]:
    codes, pairs = review.codes, review.pairs
    yield _count("payments", _codes_paid_differently(review), codes, "code", "paid differently", "paid")
    for direction, listed in (("new in", review.new_codes), ("gone from", review.gone_codes)):
        number, place = len({code.hcpcs for code in listed}), f"{direction} the fee schedule"
        yield Count(f"{'code' if number == 1 else 'codes'} {place}", number, None, "codes", f"codes {place}")
    for table in review.tables:
        yield _count_of_table(table)
    yield from _count_of_suite(review)
    yield _count("pairs", len(pairs.alone), codes, "code", "with another outcome when billed alone", "alone")
    cases = "of two codes"
    yield _count("pairs", len(pairs.changed), pairs.compared, "case", f"{cases} with another outcome", cases)


def _count_of_table(table: TableReview) -> Count:
    changed_keys = len({change.key for change in table.changes if change.kind == CHANGED})
    if table.table == "mpfs":
        rows = table.compared[1]
        return _count("indicators", changed_keys, rows, "row", "with other global days or indicators", "of indicators")
    of, seen = max(table.compared), not table.same_files
    if table.table == "gpci":
        return _count("gpci", changed_keys, of, "locality", "with other GPCIs", "", seen=seen)
    return _count(table.table, table.count, of, EDIT_NAMES[table.table], "changed", "", seen=seen)


def _count_of_suite(review: Review) -> Iterator[Count]:
    outcomes, guidance = review.outcomes, review.guidance
    yield _count("scenarios", len(outcomes.changed), outcomes.compared, "scenario", "with another outcome", "")
    if outcomes.failed:
        yield _count("scenarios", len(outcomes.failed), outcomes.tried, "scenario", _CONTRADICTED, "")
    changed = len(guidance.changed)
    yield _count("guidance", changed, guidance.compared, "statement", "of guides with another verdict", "of guides")


def _count(section: str, number: int, of: int, noun: str, change: str, compared: str, *, seen: bool = True) -> Count:
    noun = noun if of == 1 else wording.plural(noun)
    return Count(f"{noun} {change}", number, of, section, f"{of:,} {noun} {compared}".strip(), seen=seen)


def _headline(review: Review) -> str:
    """The verdict: what changed, what that does to payment, and what could not be compared."""
    counts = list(_counts(review))
    unseen = [TABLE_NAMES[count.section] for count in counts if not count.seen]
    rest = f" Not seen: {' and '.join(unseen)}, for both releases rest on the same files." if unseen else ""
    if _is_changed(review):
        return f"Changed: {'; '.join(_changes(review, counts))}.{_failed_scenarios(review)}{rest}"
    compared = ", ".join(count.compared for count in counts if count.of and count.seen and not count.number)
    return f"No change. Compared: {compared}.{_failed_scenarios(review)}{rest}"


def _failed_scenarios(review: Review) -> str:
    failed, tried = len(review.outcomes.failed), review.outcomes.tried
    verb = "goes" if failed == 1 else "go"
    return f" But {failed:,} of {wording.count(tried, 'scenario')} {verb} {_CONTRADICTED}." if failed else ""


def _changes(review: Review, counts: Sequence[Count]) -> Iterator[str]:
    if codes := _codes_paid_differently(review):
        medians = [_median(table, review) for table in review.payments if table.overall]
        yield f"{wording.count(codes, 'code')} paid differently, in the median {' and '.join(medians)}"
    if edits := sum(count.number for count in counts if count.section in EDIT_NAMES):
        yield f"{wording.count(edits, 'edit')} changed"
    for count in counts:
        if count.number and count.section not in (*EDIT_NAMES, "payments") and _CONTRADICTED not in count.label:
            yield f"{count.number:,} {_singular(count.label) if count.number == 1 else count.label}"
    if not any(count.number for count in counts):
        yield "RVUs of codes that have no amount"


def _median(table: PaymentTable, review: Review) -> str:
    median = wording.signed_percent(table.overall.median) if table.overall else ""
    return f"{wording.in_setting(table.setting)} {median}{participant_note(table.participant, review)}"


def _singular(label: str) -> str:
    noun, _, rest = label.partition(" ")
    return f"{wording.singular(noun)} {rest}"


def participant_note(participant: Participant | None, review: Review) -> str:
    """Return which participants an amount is for, after a comma; "" where everyone has the same conversion factor."""
    several = len({factor.participant for factor in review.factors}) > 1
    return f", {participant_label(participant)}" if several else ""


def _money(review: Review) -> Iterator[str]:
    """What the change costs: the practice's year where there are volumes, and the amounts of each setting."""
    yield from claims_sentences(review.claims)
    for year in review.years:
        total = year.total
        share = wording.percent(total.before_cents, total.after_cents)
        amounts = f"{dollars(total.before_cents)} → {dollars(total.after_cents)} dollars"
        unpriced = f"; {wording.count(len(year.without), 'code')} without an amount" if year.without else ""
        yield (
            f"Your year, all units {wording.in_setting(year.setting)}{participant_note(year.participant, review)}: "
            f"{signed_dollars(total.change_cents)} dollars ({share}), {amounts}{unpriced}."
        )
    for table in review.payments:
        yield _amounts(table, review)


def _amounts(table: PaymentTable, review: Review) -> str:
    area = "National amounts" if review.place.locality == NATIONAL else f"Amounts in {review.place.locality}"
    start = f"{area} {wording.in_setting(table.setting)}{participant_note(table.participant, review)}"
    if not table.rows:
        return f"{start}: no change in {table.codes:,}."
    counts = f"{start}: {table.raised:,} rise, {table.lowered:,} fall, of {table.codes:,}"
    if table.overall is None:
        return f"{counts}."
    overall = table.overall
    median, least, most = map(wording.signed_percent, (overall.median, overall.least, overall.most))
    return f"{counts}; median {median} (from {least} to {most})."


def _why(review: Review) -> Iterator[str]:
    """Which cause moves the amounts, setting by setting; then the conversion factors."""
    for table in review.payments:
        strongest_first = sorted(table.causes, key=lambda cause: -abs(cause.median_cents))
        if causes := "; ".join(map(_cause, strongest_first)):
            setting = wording.in_setting(table.setting)
            participants = participant_note(table.participant, review)
            yield f"{setting[0].upper()}{setting[1:]}{participants}: {causes}."
    for factor in review.factors:
        if factor.before and factor.after and factor.before != factor.after:
            share = wording.percent(factor.before, factor.after, places=2)
            participants = participant_note(factor.participant, review)
            yield f"Conversion factor{participants}: {factor.before} → {factor.after} dollars ({share})."


def _cause(cause: Cause) -> str:
    ending = "s" if cause.part == "conversion_factor" else ""
    effects = [f"raise{ending} {cause.raises:,}"] if cause.raises else []
    effects += [f"lower{ending} {cause.lowers:,}"] if cause.lowers else []
    return f"{_PART_NAMES[cause.part]} {', '.join(effects)} (median {signed_dollars(cause.median_cents)})"


def _action_items(review: Review) -> Iterator[ActionItem]:
    """The gravest first; the signature always."""
    new = review.new.release
    if failed := len(review.outcomes.failed):
        text = f"Have {wording.count(failed, 'scenario')} mended that contradict the coders"
        yield ActionItem(f"{text} (codeset test {new}): the gate stays shut.", "scenarios")
    if decide := len(review.to_decide):
        section = "scenarios" if review.outcomes.changed else "pairs"
        outcomes = wording.count(decide, "changed outcome")
        yield ActionItem(f"Decide on {outcomes}: accept each, or reject it, with a reason.", section)
    if edits := [f"{EDIT_NAMES[t.table]}s" for t in review.tables if t.table in EDIT_NAMES and t.count]:
        text = f"Take the changed {' and '.join(edits)} over into the billing system's claim edits."
        yield ActionItem(text, "edits")
    if codes := _codes_paid_differently(review):
        yield ActionItem(f"Load the new amounts of {wording.count(codes, 'code')} into the fee tables.", "payments")
    if changes := list(_charge_master(review)):
        yield ActionItem(f"{' and '.join(changes).capitalize()} the charge master.", "codes")
    if newly := len(review.guidance.newly(Verdict.CONTRADICTED)):
        statements = wording.count(newly, "statement")
        yield ActionItem(f"Correct {statements} of the guides that this release contradicts.", "guidance")
    if limits := len(list(_cautions(review))):
        yield ActionItem(f"Take note of {wording.count(limits, 'limit')} of what could be seen.", "cautions")
    yield ActionItem(f'Sign: codeset approve {new} --review DIR --as "Name, role"', "sign-off")


def _charge_master(review: Review) -> Iterator[str]:
    if new := len({code.hcpcs for code in review.new_codes}):
        yield f"add {wording.count(new, 'new code')} to"
    if gone := len({code.hcpcs for code in review.gone_codes}):
        yield f"take {wording.count(gone, 'code')} out of"


def _cautions(review: Review) -> Iterator[str]:
    """What the reader must know before trusting "no change"."""
    for release in (review.old, review.new):
        if release.excerpt:
            yield f"{release.release} is an excerpt ({release.excerpt} scope): codes outside it are not known"
    for caution in facts.cautions(review.changes):
        table, _, rest = caution.partition(": ")
        yield f"{TABLE_NAMES[table]}: {rest}"
    if review.place.locality == NATIONAL:
        yield "payments are national amounts (every GPCI 1); --locality shows those of one locality"
    if len({year.setting for year in review.years}) > 1:
        yield "volumes do not say where the services were done: each setting is shown as if all were done there"
    if confirmed := review.guidance.newly(Verdict.CONFIRMED):
        statements = wording.count(len(confirmed), "statement")
        yield (
            f"{statements} of guides, contradicted or undecided before, now confirmed: "
            "do not trust them for older dates"
        )


def no_change(table: TableReview) -> str:
    """Return the sentence for a table without changes."""
    if table.same_files:
        return f"Not seen: both releases rest on the same files ({table.compared[1]:,} rows)."
    return f"No change: {wording.count(table.compared[1], 'row')} compared with {table.compared[0]:,}."
