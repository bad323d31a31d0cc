"""The first minute's reading: what changed, what it costs, which rule caused it, and what is asked of the reader."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeset import wording
from codeset.change_report import facts
from codeset.money import dollars, signed_dollars
from codeset.participants import Participant, participant_label
from codeset.review.payments import NATIONAL, Cause, PaymentTable
from codeset.review.table_changes import CHANGED, TableReview
from codeset.suite.guidance.run_guidance import Verdict

if TYPE_CHECKING:
    from codeset.review.model import Found

EDITS = {"ptp": "PTP edit", "mue": "MUE", "add_on": "add-on relation"}
AGAINST = "against what coders expect"
TABLES_NAMED = {
    "mpfs": "fee schedule",
    "gpci": "geographic indices",
    "ptp": "PTP edits",
    "mue": "MUEs",
    "add_on": "add-on relations",
}
PARTS = {
    "work": "work RVUs",
    "pe": "practice expense (PE) RVUs",
    "mp": "malpractice (MP) RVUs",
    "gpci": "GPCIs",
    "conversion_factor": "the conversion factor",
}


@dataclass(frozen=True)
class Count:
    """A figure of the first screen: `number` of `of` (None: of nothing), and the section that shows them.

    `label` says what changed, `compared` what was compared for it. `seen` is False where both releases rest on the same
    files, so that no change could be seen.
    """

    label: str
    number: int
    of: int | None
    section: str
    compared: str
    seen: bool = True


@dataclass(frozen=True)
class Asked:
    """Something that the reader is asked to do, and the section that it is about."""

    text: str
    section: str


def paid_differently(found: "Found") -> int:
    """Return how many codes are paid differently in a setting that is shown."""
    return len({row.hcpcs for table in found.payments for row in table.rows})


def changed(found: "Found") -> bool:
    """Return whether anything is to be told but what was compared."""
    said = (found.outcomes.changed, found.guidance.changed, found.pairs.count)
    return not found.changes.none or any(said)


def counts(found: "Found") -> Iterator[Count]:
    """Yield the figures of the first screen."""
    codes = found.changes.codes["hcpcs"].n_unique()
    yield _count("payments", paid_differently(found), codes, "code", "paid differently", "paid")
    for which, listed in (("new in", found.new_codes), ("gone from", found.gone_codes)):
        number, where = len({each.hcpcs for each in listed}), f"{which} the fee schedule"
        yield Count(f"{'code' if number == 1 else 'codes'} {where}", number, None, "codes", f"codes {where}")
    for table in found.tables:
        yield _count_of(table)
    yield from _tried(found)
    yield _count("pairs", len(found.pairs.alone), codes, "code", "with another outcome when billed alone", "alone")
    cases, pairs = "of two codes", found.pairs
    yield _count("pairs", len(pairs.changed), pairs.compared, "case", f"{cases} with another outcome", cases)


def _count_of(table: TableReview) -> Count:
    of, keys = max(table.compared), len({each.key for each in table.changes if each.kind == CHANGED})
    if table.table == "mpfs":
        return _count(
            "indicators", keys, table.compared[1], "row", "with other global days or indicators", "of indicators"
        )
    if table.table == "gpci":
        return _count("gpci", keys, of, "locality", "with other GPCIs", "", seen=not table.same_files)
    return _count(table.table, table.count, of, EDITS[table.table], "changed", "", seen=not table.same_files)


def _tried(found: "Found") -> Iterator[Count]:
    outcomes, guidance, verdicts = found.outcomes, found.guidance, "of guides with another verdict"
    yield _count("scenarios", len(outcomes.changed), outcomes.compared, "scenario", "with another outcome", "")
    if outcomes.failed:
        yield _count("scenarios", len(outcomes.failed), outcomes.tried, "scenario", AGAINST, "")
    yield _count("guidance", len(guidance.changed), guidance.compared, "statement", verdicts, "of guides")


def _count(section: str, number: int, of: int, noun: str, became: str, compared: str, *, seen: bool = True) -> Count:
    noun = noun if of == 1 else wording.several(noun)
    return Count(f"{noun} {became}", number, of, section, f"{of:,} {noun} {compared}".strip(), seen=seen)


def headline(found: "Found") -> str:
    """Return the verdict: what changed, what it does to payment, what cannot be seen."""
    figures = list(counts(found))
    unseen = [TABLES_NAMED[each.section] for each in figures if not each.seen]
    rest = f" Not seen: {' and '.join(unseen)}, for both releases rest on the same files." if unseen else ""
    if not changed(found):
        compared = ", ".join(each.compared for each in figures if each.of and each.seen and not each.number)
        return f"No change. Compared: {compared}.{_against(found)}{rest}"
    return f"Changed: {'; '.join(_told(found, figures))}.{_against(found)}{rest}"


def _against(found: "Found") -> str:
    failed, tried = len(found.outcomes.failed), found.outcomes.tried
    goes = "goes" if failed == 1 else "go"
    return f" But {failed:,} of {wording.count(tried, 'scenario')} {goes} {AGAINST}." if failed else ""


def _told(found: "Found", figures: Sequence[Count]) -> Iterator[str]:
    if paid := paid_differently(found):
        medians = [_median(each, found) for each in found.payments if each.overall]
        yield f"{wording.count(paid, 'code')} paid differently, in the median {' and '.join(medians)}"
    edits = sum(each.number for each in figures if each.section in EDITS)
    if edits:
        yield f"{wording.count(edits, 'edit')} changed"
    for each in figures:
        if each.number and each.section not in (*EDITS, "payments") and AGAINST not in each.label:
            yield f"{each.number:,} {_singular(each.label) if each.number == 1 else each.label}"
    if not any(each.number for each in figures):
        yield "RVUs of codes that have no amount"


def _median(table: PaymentTable, found: "Found") -> str:
    median = wording.signed_percent(table.overall.median) if table.overall else ""
    return f"{wording.in_setting(table.setting)} {median}{_for(table.participant, found)}"


def _singular(label: str) -> str:
    noun, _, rest = label.partition(" ")
    return f"{wording.one(noun)} {rest}"


def money(found: "Found") -> Iterator[str]:
    """Yield what the change costs: the practice's year where volumes are told, and each setting's amounts."""
    for year in found.years:
        total = year.total
        share = wording.percent(total.before_cents, total.after_cents)
        told = f"{dollars(total.before_cents)} → {dollars(total.after_cents)} dollars"
        left = f"; {wording.count(len(year.without), 'code')} without an amount" if year.without else ""
        yield (
            f"Your year, all units {wording.in_setting(year.setting)}{_for(year.participant, found)}: "
            f"{signed_dollars(total.change_cents)} dollars ({share}), {told}{left}."
        )
    for table in found.payments:
        yield _amounts(table, found)


def _amounts(table: PaymentTable, found: "Found") -> str:
    where = "National amounts" if found.place.locality == NATIONAL else f"Amounts in {found.place.locality}"
    start = f"{where} {wording.in_setting(table.setting)}{_for(table.participant, found)}"
    if not table.rows:
        return f"{start}: no change in {table.codes:,}."
    told = f"{start}: {table.raised:,} rise, {table.lowered:,} fall, of {table.codes:,}"
    if table.overall is None:
        return f"{told}."
    median, least, most = (
        wording.signed_percent(e) for e in (table.overall.median, table.overall.least, table.overall.most)
    )
    return f"{told}; median {median} (from {least} to {most})."


def _for(participant: Participant | None, found: "Found") -> str:
    several = len({each.participant for each in found.factors}) > 1
    return f", {participant_label(participant)}" if several else ""


def why(found: "Found") -> Iterator[str]:
    """Yield which cause moves the amounts, setting by setting, the conversion factor with its figures."""
    for table in found.payments:
        if causes := "; ".join(_cause(each) for each in sorted(table.causes, key=lambda each: -abs(each.median_cents))):
            place = wording.in_setting(table.setting)
            yield f"{place[0].upper()}{place[1:]}{_for(table.participant, found)}: {causes}."
    for factor in found.factors:
        if factor.before and factor.after and factor.before != factor.after:
            share = wording.percent(factor.before, factor.after, places=2)
            for_whom = _for(factor.participant, found)
            yield f"Conversion factor{for_whom}: {factor.before} → {factor.after} dollars ({share})."


def _cause(cause: Cause) -> str:
    told = [f"raise{_s(cause)} {cause.raises:,}"] if cause.raises else []
    told += [f"lower{_s(cause)} {cause.lowers:,}"] if cause.lowers else []
    return f"{PARTS[cause.part]} {', '.join(told)} (median {signed_dollars(cause.median_cents)})"


def _s(cause: Cause) -> str:
    return "s" if cause.part == "conversion_factor" else ""


def asked(found: "Found") -> Iterator[Asked]:
    """Yield what is asked of the reader, the gravest first; the signature always."""
    new = found.changes.new.release
    if failed := len(found.outcomes.failed):
        told = f"Have {wording.count(failed, 'scenario')} mended that contradict the coders"
        yield Asked(f"{told} (codeset test {new}): the gate stays shut.", "scenarios")
    if decide := len(found.to_decide):
        section = "scenarios" if found.outcomes.changed else "pairs"
        said = wording.count(decide, "changed outcome")
        yield Asked(f"Decide on {said}: accept each, or reject it, with a reason.", section)
    if edits := [f"{EDITS[each.table]}s" for each in found.tables if each.table in EDITS and each.count]:
        yield Asked(f"Take the changed {' and '.join(edits)} over into the billing system's claim edits.", "edits")
    if paid := paid_differently(found):
        yield Asked(f"Load the new amounts of {wording.count(paid, 'code')} into the fee tables.", "payments")
    if codes := list(_charge_master(found)):
        yield Asked(f"{' and '.join(codes).capitalize()} the charge master.", "codes")
    if newly := len(found.guidance.newly(Verdict.CONTRADICTED)):
        told = wording.count(newly, "statement")
        yield Asked(f"Correct {told} of the guides that this release contradicts.", "guidance")
    if limits := len(list(cautions(found))):
        yield Asked(f"Take note of {wording.count(limits, 'limit')} of what could be seen.", "cautions")
    yield Asked(f'Sign: codeset approve {new} --review DIR --as "Name, role"', "sign-off")


def _charge_master(found: "Found") -> Iterator[str]:
    if new := len({each.hcpcs for each in found.new_codes}):
        yield f"add {wording.count(new, 'new code')} to"
    if gone := len({each.hcpcs for each in found.gone_codes}):
        yield f"take {wording.count(gone, 'code')} out of"


def cautions(found: "Found") -> Iterator[str]:
    """Yield what the reader must know before trusting "no change"."""
    for manifest in (found.changes.old, found.changes.new):
        if manifest.scope != "all":
            yield f"{manifest.release} is an excerpt ({manifest.scope} scope): codes outside it are not known"
    for told in facts.cautions(found.changes):
        name, _, rest = told.partition(": ")
        yield f"{TABLES_NAMED[name]}: {rest}"
    if found.place.locality == NATIONAL:
        yield "payments are national amounts (every GPCI 1); --locality shows those of one locality"
    if len({each.setting for each in found.payments}) > 1 and found.years:
        yield "volumes do not say where the services were done: each setting is shown as if all were done there"
    if confirmed := found.guidance.newly(Verdict.CONFIRMED):
        told = wording.count(len(confirmed), "statement")
        yield f"{told} of guides, contradicted or undecided before, now confirmed: do not trust them for older dates"


def no_change(table: TableReview) -> str:
    """Return how "no change" is said of a table."""
    if table.same_files:
        return f"Not seen: both releases rest on the same files ({table.compared[1]:,} rows)."
    return f"No change: {wording.count(table.compared[1], 'row')} compared with {table.compared[0]:,}."
