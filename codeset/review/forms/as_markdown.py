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
    return "\n\n".join(block for block in _markdown_blocks(review) if block) + "\n"


def readiness_markdown(opening_page: FirstPage) -> str:
    """Return the first lines of the review: its status, and how current each table is."""
    readiness = opening_page.readiness
    checks_line = " | ".join(f"{check_name}: {status}" for check_name, status in readiness.checks)
    return f"**{safe(readiness.verdict)}**\n\n{safe(checks_line)}"


def _markdown_blocks(review: Review) -> Iterator[str]:
    opening_page, outcomes = first_page(review), review.outcomes
    yield f"# {opening_page.title}"
    yield readiness_markdown(opening_page)
    yield safe(opening_page.subtitle)
    yield f"**{safe(opening_page.headline)}**"
    yield _bullet_section(opening_page.impact_title, [*opening_page.impact, *_mover_lines(opening_page)])
    yield _bullet_section("Why", opening_page.why)
    yield _bullet_section("Action items", [_action_in_words(action_item) for action_item in opening_page.actions])
    yield _compared_table(opening_page)
    yield _bullet_section("Limitations", [f"{limit}." for limit in opening_page.limits])
    yield _bullet_section(
        "Test claims that disagree with the coder's answer",
        [f"{scenario.says}: {'; '.join(scenario.failures)}" for scenario in outcomes.failed],
    )
    yield _bullet_section(
        "Test claims with a new result", [_scenario_in_words(scenario) for scenario in outcomes.changed]
    )
    yield _bullet_section(
        "Codes with a new result", [_code_in_words(reviewed_code) for reviewed_code in review.pairs.alone]
    )
    for table_name in _EDITED_TABLES:
        yield _bullet_section(
            wording.capitalize_first(wording.table_name(table_name)),
            [_change_in_words(change) for change in review.table(table_name).changes],
        )
    yield _bullet_section(
        "Diagnosis codes that stop", [_stopping_in_words(change) for change in review.changes.diagnoses.stopping]
    )
    invalid_codes = [f"{diagnosis} ({reason_text})" for diagnosis, reason_text in review.changes.diagnoses.never_valid]
    yield _bullet_section("On your list, and not valid for billing", invalid_codes)
    yield _bullet_section(
        "Coding guides, newly wrong",
        [
            f"{group.where}: {group.says}. {group.why}"
            for group in statement_groups(review.guidance.newly(Verdict.CONTRADICTED))
        ],
    )
    own_differences = [f"{difference.says} ({difference.why})" for difference in review.own_differences]
    yield _bullet_section("Differs because of our files, not CMS", own_differences)
    yield "Everything, with CMS's row behind each figure: `review.html`, `review.xlsx`, `review.json`."


def _stopping_in_words(change: DiagnosisChange) -> str:
    replacement_note = f": use {', '.join(change.others)}" if change.others else ""
    date_note = f" since {wording.us_date(change.since)}" if change.since else ""
    return f"{change.diagnosis} {change.kind}{date_note}{replacement_note}"


def _mover_lines(opening_page: FirstPage) -> Iterator[str]:
    gains, losses = movers_text(opening_page)
    if gains:
        yield f"Biggest gains ({opening_page.movers_unit}): {gains}"
    if losses:
        yield f"Biggest losses ({opening_page.movers_unit}): {losses}"


def _action_in_words(action_item: ActionItem) -> str:
    task_text = ". ".join(filter(None, (action_item.title, action_item.details)))
    file_note = f" (file: {action_item.file})" if action_item.file else ""
    return f"{task_text}{file_note}, due {wording.us_date(action_item.due)}"


def _compared_table(opening_page: FirstPage) -> str:
    table_lines = ["## What was compared", "", "| | changed | of |", "| --- | ---: | ---: |"]
    for figure in opening_page.counts:
        # Nothing was there to compare: "0 changed" would read as a finding.
        if figure.of != 0:
            number_text = "not checked" if figure.unchecked else f"{figure.number:,}"
            table_lines.append(
                f"| {safe(figure.label)} | {number_text} | {'' if figure.of is None else f'{figure.of:,}'} |"
            )
    return "\n".join(table_lines)


def _bullet_section(title: str, entries: Sequence[str]) -> str:
    if not entries:
        return ""
    rest_line = [f"- … and {len(entries) - MOST:,} more."] if len(entries) > MOST else []
    return "\n".join([f"## {title}", "", *(f"- {safe(entry)}" for entry in entries[:MOST]), *rest_line])


def _scenario_in_words(scenario: ReviewedScenario) -> str:
    line_texts = (
        f"{' '.join(filter(None, (reviewed_line.hcpcs, reviewed_line.modifiers)))} {reviewed_line.news} "
        f"({reviewed_line.after.rests_on if reviewed_line.after.why else reviewed_line.before.rests_on})"
        for reviewed_line in scenario.lines
        if reviewed_line.news
    )
    return f"{scenario.says}: {'; '.join(line_texts)}"


def _code_in_words(reviewed_code: ReviewedCode) -> str:
    result_before, result_after = (
        wording.disposition(reviewed_code.before.disposition),
        wording.disposition(reviewed_code.after.disposition),
    )
    return f"{reviewed_code.hcpcs} billed alone: {result_before} → {result_after}. {reviewed_code.after.why}"


def _change_in_words(change: Change) -> str:
    values_text = {ADDED: change.after, REMOVED: change.before}.get(change.kind, f"{change.before} → {change.after}")
    return f"{change.key}, {change.what} {change.kind}: {values_text}"


def changelog_entry(review: Review) -> str:
    """Return the entries of *review* for a changelog: release, codes, what, why."""
    entry_start = f"**{wording.release_title(review.new.release)} vs. {wording.release_title(review.old.release)}"
    return "".join(
        f"- {entry_start}, {topic}.** {safe(entry_text)}\n" for topic, entry_text in _changelog_entries(review)
    )


def _changelog_entries(review: Review) -> Iterator[tuple[str, str]]:
    opening_page = first_page(review)
    if not opening_page.changed:
        yield "dermatology", opening_page.headline
        return
    if changed_codes(review):
        yield (
            "allowed amounts",
            " ".join(
                [
                    f"Codes {_code_spans(review)}.",
                    f"{opening_page.headline}",
                    *(f"{sentence}." for sentence in opening_page.why),
                ]
            ),
        )
    for topic, reviewed_codes in (("new codes", review.new_codes), ("removed codes", review.gone_codes)):
        if reviewed_codes:
            yield topic, _code_list(code.hcpcs for code in reviewed_codes)
    for table_name in _EDITED_TABLES:
        if changes := review.table(table_name).changes:
            yield wording.table_name(table_name), f"{_first_entries([_change_in_words(change) for change in changes])}."
    if review.outcomes.changed:
        yield "claims", f"{_first_entries([_scenario_in_words(scenario) for scenario in review.outcomes.changed])}."
    if contradicted_statements := review.guidance.newly(Verdict.CONTRADICTED):
        yield (
            "coding guides",
            _first_entries([f"{group.where}: {group.why}" for group in statement_groups(contradicted_statements)]),
        )


def _code_spans(review: Review) -> str:
    """The codes with a changed amount, by family; a span counts every code of the family between its ends."""
    changed_hcpcs = set(changed_codes(review))
    codes_by_family = review.changes.codes.select("family", "hcpcs").unique(maintain_order=True)
    family_texts = []
    for family in dict.fromkeys(review.changes.scope.families.values()):
        family_codes = sorted(codes_by_family.filter(family=family)["hcpcs"])
        # Runs of the family's codes in order: a span ends where a code between did not change.
        code_runs = [
            list(code_run)
            for is_changed, code_run in groupby(family_codes, key=changed_hcpcs.__contains__)
            if is_changed
        ]
        span_texts = [code_run[0] if len(code_run) == 1 else f"{code_run[0]}–{code_run[-1]}" for code_run in code_runs]
        family_texts += [f"{wording.family(family)} {', '.join(span_texts)}"] if span_texts else []
    return "; ".join(family_texts)


def _code_list(hcpcs_codes: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(hcpcs_codes)) + "."


def _first_entries(entries: Sequence[str]) -> str:
    rest_note = f"; and {len(entries) - MOST:,} more" if len(entries) > MOST else ""
    return "; ".join(entries[:MOST]) + rest_note


_MARKDOWN_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*[]<>|"} | {"\n": " "})


def safe(plain_text: str) -> str:
    """Return *plain_text* so that Markdown leaves it as it is: no link, no tag, no table cell begins in it."""
    return plain_text.translate(_MARKDOWN_MARKS)
