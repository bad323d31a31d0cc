"""The review in short: Markdown for a pull request or a job summary, and the changelog entry for the biller."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from codeset import wording
from codeset.review.first_page import TABLE_NAMES, FirstPage, first_page
from codeset.review.model import Review
from codeset.review.outcomes import ReviewedCode, ReviewedScenario
from codeset.review.table_changes import ADDED, REMOVED, Change
from codeset.suite.guidance.run_guidance import Verdict

MOST = 15
"""Items that a list of the short review shows; the rest is counted."""

_EDITED_TABLES = ("mpfs", "ptp", "mue", "add_on")


def review_markdown(review: Review) -> str:
    """Return *review* as Markdown, short; the same review gives the same text."""
    return "\n\n".join(part for part in _parts(review) if part) + "\n"


def _parts(review: Review) -> Iterator[str]:
    page, outcomes = first_page(review), review.outcomes
    yield f"# Review: {review.old.release} → {review.new.release}, dermatology"
    yield f"**{safe(page.headline)}**"
    yield _counts(page)
    yield _bullets("Asked", [item.text for item in page.asked])
    yield _bullets("Cost, and why", [*page.money, *page.why])
    yield _bullets("To know first", [f"{caution}." for caution in page.cautions])
    failures = [f"{scenario.id}: {'; '.join(scenario.failures)}" for scenario in outcomes.failed]
    yield _bullets("Contradict the coders", failures)
    yield _bullets("Scenarios with another outcome", [_scenario(scenario) for scenario in outcomes.changed])
    yield _bullets("Codes with another outcome", [_code_alone(code) for code in review.pairs.alone])
    for table in _EDITED_TABLES:
        title = TABLE_NAMES[table]
        yield _bullets(title[0].upper() + title[1:], [_change(change) for change in review.table(table).changes])
    newly = review.guidance.newly(Verdict.CONTRADICTED)
    statements = [f"{statement.guide}, {statement.heading}: {statement.says}. {statement.why}" for statement in newly]
    yield _bullets("Guides, newly contradicted", statements)
    yield "All of it, each figure with CMS's row: `review.html`, `review.xlsx`, `review.json`."


def _counts(page: FirstPage) -> str:
    lines = ["| | changed | of |", "| --- | ---: | ---: |"]
    for count in page.counts:
        if count.of != 0:
            number = f"{count.number:,}" if count.seen else "not seen"
            lines.append(f"| {safe(count.label)} | {number} | {'' if count.of is None else f'{count.of:,}'} |")
    return "\n".join(lines)


def _bullets(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    rest = [f"- … and {len(items) - MOST:,} more."] if len(items) > MOST else []
    return "\n".join([f"## {title}", "", *(f"- {safe(item)}" for item in items[:MOST]), *rest])


def _scenario(scenario: ReviewedScenario) -> str:
    lines = (
        f"{' '.join(filter(None, (line.hcpcs, line.modifiers)))} {line.news} "
        f"({line.after.rests_on if line.after.why else line.before.rests_on})"
        for line in scenario.lines
        if line.news
    )
    return f"{scenario.says}: {'; '.join(lines)}"


def _code_alone(code: ReviewedCode) -> str:
    return f"{code.hcpcs} billed alone: {code.before.disposition} → {code.after.disposition}. {code.after.why}"


def _change(change: Change) -> str:
    values = {ADDED: change.after, REMOVED: change.before}.get(change.kind, f"{change.before} → {change.after}")
    return f"{change.key}, {change.what} {change.kind}: {values}"


def changelog_entry(review: Review) -> str:
    """Return the entries of *review* for a changelog: release, codes, what, why."""
    start = f"**{review.new.release}, against {review.old.release}"
    return "".join(f"- {start}, {about}.** {safe(text)}\n" for about, text in _entries(review))


def _entries(review: Review) -> Iterator[tuple[str, str]]:
    page = first_page(review)
    if not page.changed:
        yield "dermatology", page.headline
        return
    if any(table.rows for table in review.payments):
        amounts = [sentence for sentence in page.money if "amounts" in sentence.lower()]
        yield "payment", " ".join([f"Codes {_spans(review)}.", *amounts, *page.why])
    for about, codes in (("new codes", review.new_codes), ("codes gone", review.gone_codes)):
        if codes:
            yield about, _codes(code.hcpcs for code in codes)
    for table in _EDITED_TABLES:
        if changes := review.table(table).changes:
            yield TABLE_NAMES[table], f"{_some([_change(change) for change in changes])}."
    if review.outcomes.changed:
        yield "claims", f"{_some([_scenario(scenario) for scenario in review.outcomes.changed])}."
    if newly := review.guidance.newly(Verdict.CONTRADICTED):
        yield "guides", f"{_some([f'{s.guide}, {s.heading}: {s.why}' for s in newly])}"


def _spans(review: Review) -> str:
    """The codes that are paid differently, by family; a span counts every code of the family between its ends."""
    paid = {row.hcpcs for table in review.payments for row in table.rows}
    scheduled = review.changes.codes.select("family", "hcpcs").unique(maintain_order=True)
    families = []
    for family in dict.fromkeys(review.changes.scope.families.values()):
        codes = sorted(scheduled.filter(family=family)["hcpcs"])
        runs = [list(run) for differs, run in groupby(codes, key=paid.__contains__) if differs]
        spans = [run[0] if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
        families += [f"{family} {', '.join(spans)}"] if spans else []
    return "; ".join(families)


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(codes)) + "."


def _some(items: Sequence[str]) -> str:
    rest = f"; and {wording.count(len(items) - MOST, 'more')}".removesuffix("s") if len(items) > MOST else ""
    return "; ".join(items[:MOST]) + rest


_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*[]<>|"} | {"\n": " "})


def safe(text: str) -> str:
    """Return *text* so that Markdown leaves it as it is: no link, no tag, no table cell begins in it."""
    return text.translate(_MARKS)
