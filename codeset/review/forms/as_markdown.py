"""The review in short: Markdown for a pull request or a job summary, and the changelog entry for the biller."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from codeset import wording
from codeset.diagnosis_changes import DiagnosisChange
from codeset.review.action_items import EDIT_NAMES, ActionItem, changed_codes
from codeset.review.first_page import FirstPage, first_page, movers_text
from codeset.review.forms.statement_groups import statement_groups
from codeset.review.model import Review
from codeset.review.outcomes import ReviewedCode, ReviewedScenario
from codeset.review.table_changes import ADDED, REMOVED, Change
from codeset.suite.guidance.run_guidance import Verdict

MOST = 15
"""Items that a list of the short review shows; the rest is counted."""

_EDITED_TABLES = ("mpfs", *EDIT_NAMES)


def review_markdown(review: Review) -> str:
    """Return *review* as Markdown, short; the same review gives the same text."""
    return "\n\n".join(part for part in _parts(review) if part) + "\n"


def readiness_markdown(page: FirstPage) -> str:
    """Return the first lines of the review: its status, and how current each table is."""
    ready = page.readiness
    checks = " | ".join(f"{name}: {status}" for name, status in ready.checks)
    return f"**{safe(ready.verdict)}**\n\n{safe(checks)}"


def _parts(review: Review) -> Iterator[str]:
    page, outcomes = first_page(review), review.outcomes
    yield f"# {page.title}"
    yield readiness_markdown(page)
    yield safe(page.subtitle)
    yield f"**{safe(page.headline)}**"
    yield _bullets(page.impact_title, [*page.impact, *_movers(page)])
    yield _bullets("Why", page.why)
    yield _bullets("Action items", [_action(item) for item in page.actions])
    yield _counts(page)
    yield _bullets("Limitations", [f"{limit}." for limit in page.limits])
    yield _bullets(
        "Test claims that disagree with the coder's answer",
        [f"{scenario.says}: {'; '.join(scenario.failures)}" for scenario in outcomes.failed],
    )
    yield _bullets("Test claims with a new result", [_scenario(scenario) for scenario in outcomes.changed])
    yield _bullets("Codes with a new result", [_code_alone(code) for code in review.pairs.alone])
    for table in _EDITED_TABLES:
        title = wording.table_name(table)
        yield _bullets(title[0].upper() + title[1:], [_change(change) for change in review.table(table).changes])
    yield _bullets("Diagnosis codes that stop", [_stopping(change) for change in review.changes.diagnoses.stopping])
    never_valid = [f"{code} ({why})" for code, why in review.changes.diagnoses.never_valid]
    yield _bullets("On your list, and not valid for billing", never_valid)
    yield _bullets(
        "Coding guides, newly wrong",
        [
            f"{group.where}: {group.says}. {group.why}"
            for group in statement_groups(review.guidance.newly(Verdict.CONTRADICTED))
        ],
    )
    own = [f"{difference.says} ({difference.why})" for difference in review.own_differences]
    yield _bullets("Differs because of our files, not CMS", own)
    yield "Everything, with CMS's row behind each figure: `review.html`, `review.xlsx`, `review.json`."


def _stopping(change: DiagnosisChange) -> str:
    instead = f": use {', '.join(change.others)}" if change.others else ""
    since = f" since {wording.us_date(change.since)}" if change.since else ""
    return f"{change.diagnosis} {change.kind}{since}{instead}"


def _movers(page: FirstPage) -> Iterator[str]:
    gains, losses = movers_text(page)
    if gains:
        yield f"Biggest gains ({page.movers_unit}): {gains}"
    if losses:
        yield f"Biggest losses ({page.movers_unit}): {losses}"


def _action(item: ActionItem) -> str:
    text = ". ".join(filter(None, (item.title, item.details)))
    file = f" (file: {item.file})" if item.file else ""
    return f"{text}{file}, due {wording.us_date(item.due)}"


def _counts(page: FirstPage) -> str:
    lines = ["## What was compared", "", "| | changed | of |", "| --- | ---: | ---: |"]
    for count in page.counts:
        if count.of != 0:
            number = "not checked" if count.unchecked else f"{count.number:,}"
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
    before, after = wording.disposition(code.before.disposition), wording.disposition(code.after.disposition)
    return f"{code.hcpcs} billed alone: {before} → {after}. {code.after.why}"


def _change(change: Change) -> str:
    values = {ADDED: change.after, REMOVED: change.before}.get(change.kind, f"{change.before} → {change.after}")
    return f"{change.key}, {change.what} {change.kind}: {values}"


def changelog_entry(review: Review) -> str:
    """Return the entries of *review* for a changelog: release, codes, what, why."""
    start = f"**{wording.release_title(review.new.release)} vs. {wording.release_title(review.old.release)}"
    return "".join(f"- {start}, {about}.** {safe(text)}\n" for about, text in _entries(review))


def _entries(review: Review) -> Iterator[tuple[str, str]]:
    page = first_page(review)
    if not page.changed:
        yield "dermatology", page.headline
        return
    if changed_codes(review):
        yield (
            "allowed amounts",
            " ".join([f"Codes {_spans(review)}.", f"{page.headline}", *(f"{text}." for text in page.why)]),
        )
    for about, codes in (("new codes", review.new_codes), ("removed codes", review.gone_codes)):
        if codes:
            yield about, _codes(code.hcpcs for code in codes)
    for table in _EDITED_TABLES:
        if changes := review.table(table).changes:
            yield wording.table_name(table), f"{_some([_change(change) for change in changes])}."
    if review.outcomes.changed:
        yield "claims", f"{_some([_scenario(scenario) for scenario in review.outcomes.changed])}."
    if newly := review.guidance.newly(Verdict.CONTRADICTED):
        yield "coding guides", _some([f"{group.where}: {group.why}" for group in statement_groups(newly)])


def _spans(review: Review) -> str:
    """The codes with a changed amount, by family; a span counts every code of the family between its ends."""
    paid = set(changed_codes(review))
    scheduled = review.changes.codes.select("family", "hcpcs").unique(maintain_order=True)
    families = []
    for family in dict.fromkeys(review.changes.scope.families.values()):
        codes = sorted(scheduled.filter(family=family)["hcpcs"])
        runs = [list(run) for differs, run in groupby(codes, key=paid.__contains__) if differs]
        spans = [run[0] if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
        families += [f"{wording.family(family)} {', '.join(spans)}"] if spans else []
    return "; ".join(families)


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(codes)) + "."


def _some(items: Sequence[str]) -> str:
    rest = f"; and {len(items) - MOST:,} more" if len(items) > MOST else ""
    return "; ".join(items[:MOST]) + rest


_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*[]<>|"} | {"\n": " "})


def safe(text: str) -> str:
    """Return *text* so that Markdown leaves it as it is: no link, no tag, no table cell begins in it."""
    return text.translate(_MARKS)
