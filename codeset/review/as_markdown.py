"""The review in short: Markdown for a pull request or a job's summary, and the changelog's entry for the biller."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from codeset import wording
from codeset.review import summary
from codeset.review.model import Review
from codeset.review.outcomes import ReviewedScenario
from codeset.review.table_changes import ADDED, REMOVED, Change
from codeset.suite.guidance.run_guidance import Verdict

MOST = 15
"""Rows that a list of the short review has at most; the rest is counted."""


def review_markdown(review: Review) -> str:
    """Return *review* as Markdown, short; the same review gives the same text."""
    return "\n\n".join(part for part in _parts(review) if part) + "\n"


def _parts(review: Review) -> Iterator[str]:
    yield f"# Review: {review.old.release} → {review.new.release}, dermatology"
    yield f"**{safe(review.headline)}**"
    yield _counts(review)
    yield _listed("Asked", [each.text for each in review.asked])
    yield _listed("Cost, and why", [*review.money, *review.why])
    yield _listed("To know first", [f"{each}." for each in review.cautions])
    yield _listed(
        "Contradict the coders", [f"{each.id}: {'; '.join(each.failures)}" for each in review.outcomes.failed]
    )
    yield _listed("Scenarios with another outcome", [_scenario(each) for each in review.outcomes.changed])
    alone = (
        f"{e.hcpcs} billed alone: {e.before.disposition} → {e.after.disposition}. {e.after.why}"
        for e in review.pairs.alone
    )
    yield _listed("Codes with another outcome", list(alone))
    for name in ("mpfs", "ptp", "mue", "add_on"):
        shown = review.table(name)
        title = summary.TABLES_NAMED[name]
        yield _listed(title[0].upper() + title[1:], [_change(each) for each in shown.changes])
    newly = review.guidance.newly(Verdict.CONTRADICTED)
    yield _listed(
        "Guides, newly contradicted", [f"{each.guide}, {each.heading}: {each.says}. {each.why}" for each in newly]
    )
    yield "All of it, each figure with CMS's row: `review.html`, `review.xlsx`, `review.json`."


def _counts(review: Review) -> str:
    lines = ["| | changed | of |", "| --- | ---: | ---: |"]
    for each in (each for each in review.counts if each.of != 0):
        number = f"{each.number:,}" if each.seen else "not seen"
        lines.append(f"| {safe(each.label)} | {number} | {'' if each.of is None else f'{each.of:,}'} |")
    return "\n".join(lines)


def _listed(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    rest = [f"- … and {len(items) - MOST:,} more."] if len(items) > MOST else []
    return "\n".join([f"## {title}", "", *(f"- {safe(each)}" for each in items[:MOST]), *rest])


def _scenario(scenario: ReviewedScenario) -> str:
    lines = (
        f"{' '.join(filter(None, (line.hcpcs, line.modifiers)))} {line.news} "
        f"({line.after.rests_on if line.after.why else line.before.rests_on})"
        for line in scenario.lines
        if line.news
    )
    return f"{scenario.says}: {'; '.join(lines)}"


def _change(change: Change) -> str:
    told = {ADDED: change.after, REMOVED: change.before}.get(change.kind, f"{change.before} → {change.after}")
    return f"{change.key}, {change.what} {change.kind}: {told}"


def changelog_entry(review: Review) -> str:
    """Return the entries of *review* for a changelog: release, codes, what, why."""
    start = f"**{review.new.release}, against {review.old.release}"
    return "".join(f"- {start}, {about}.** {safe(text)}\n" for about, text in _entries(review))


def _entries(review: Review) -> Iterator[tuple[str, str]]:
    if not review.changed:
        yield "dermatology", review.headline
        return
    if any(table.rows for table in review.payments):
        told = [each for each in review.money if "amounts" in each.lower()]
        yield "payment", " ".join([f"Codes {_spans(review)}.", *told, *review.why])
    for about, codes in (("new codes", review.new_codes), ("codes gone", review.gone_codes)):
        if codes:
            yield about, _codes(each.hcpcs for each in codes)
    for name in ("mpfs", "ptp", "mue", "add_on"):
        changes = review.table(name).changes
        if changes:
            yield summary.TABLES_NAMED[name], f"{_some([_change(each) for each in changes])}."
    if review.outcomes.changed:
        yield "claims", f"{_some([_scenario(each) for each in review.outcomes.changed])}."
    if newly := review.guidance.newly(Verdict.CONTRADICTED):
        yield "guides", f"{_some([f'{each.guide}, {each.heading}: {each.why}' for each in newly])}"


def _spans(review: Review) -> str:
    """The codes that are paid differently, by family; a span counts every code of the family between its ends."""
    paid = {row.hcpcs for table in review.payments for row in table.rows}
    held = review.changes.codes.select("family", "hcpcs").unique(maintain_order=True)
    told = []
    for family in dict.fromkeys(review.changes.scope.families.values()):
        codes = sorted(held.filter(family=family)["hcpcs"])
        runs = [list(run) for differs, run in groupby(codes, key=paid.__contains__) if differs]
        spans = [run[0] if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
        told += [f"{family} {', '.join(spans)}"] if spans else []
    return "; ".join(told)


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(codes)) + "."


def _some(items: Sequence[str]) -> str:
    rest = f"; and {wording.count(len(items) - MOST, 'more')}".removesuffix("s") if len(items) > MOST else ""
    return "; ".join(items[:MOST]) + rest


_MARKS = str.maketrans({each: f"\\{each}" for each in "\\`*[]<>|"} | {"\n": " "})


def safe(text: str) -> str:
    """Return *text* so that Markdown leaves it as it is: no link, no tag, no table cell begins in it."""
    return text.translate(_MARKS)
