"""The sheets of changed results: what is to be decided, test claims, codes billed alone, code pairs."""

from collections.abc import Iterator
from itertools import chain

from codeset import wording
from codeset.money import decimal_dollars
from codeset.review.forms.as_json import decision_digest
from codeset.review.forms.sheet_columns import MONEY, cms_row_link, release_names
from codeset.review.model import Review
from codeset.review.outcomes import LineResult, ReviewedLine, ReviewedPair
from codeset.workbook import Cell, Sheet

DECIDE_HEADER = ("number", "outcome", "what changed", "decision", "reason")
"""The columns of the sheet that the approver fills in."""


def to_decide_sheet(review: Review) -> Sheet:
    """Return the sheet of what the approver decides."""
    outcome_rows = (
        (outcome_number, outcome.id, outcome.says, "", "")
        for outcome_number, outcome in enumerate(review.to_decide, start=1)
    )
    title_lines = [
        "Decide on each changed result",
        f'Fill in, save, then: codeset approve {review.new.release} --as "Name, role" --decisions review.xlsx',
        # By this line a sheet that was filled in for another review is refused (`decision_files`).
        f"Review {decision_digest(review)}",
    ]
    caption_notes = {3: "accept or reject", 4: "Required."}
    column_widths = {0: 10, 1: 34, 2: 70, 3: 14, 4: 50}
    return Sheet(
        outcome_rows, DECIDE_HEADER, title_lines, widths=column_widths, notes=caption_notes, wrapped=frozenset({2, 4})
    )


def own_differences_sheet(review: Review) -> Sheet:
    """Return the sheet of results that differ because of our own files."""
    difference_rows = ((difference.id, difference.says, difference.why) for difference in review.own_differences)
    return Sheet(difference_rows, ("test", "difference", "why it is not a CMS change"), wrapped=frozenset({1, 2}))


def scenarios_sheet(review: Review) -> Sheet:
    """Return the sheet of test claims with a new result."""
    line_rows = (
        (scenario.id, scenario.says, line_number, *_line_cells(reviewed_line), "; ".join(scenario.sources))
        for scenario in review.outcomes.changed
        for line_number, reviewed_line in enumerate(scenario.lines, start=1)
    )
    captions = ("test", "claim", "line", "code", "modifiers", "units", "date of service", "POS", "new result")
    all_captions = (*captions, *_result_captions(review), "sources")
    return Sheet(line_rows, all_captions, formats={11: MONEY, 15: MONEY}, wrapped=frozenset({1, 10, 14, 17}))


def _line_cells(reviewed_line: ReviewedLine) -> tuple[Cell, ...]:
    billed_cells = (
        reviewed_line.hcpcs,
        reviewed_line.modifiers,
        reviewed_line.units,
        reviewed_line.day,
        reviewed_line.place_of_service,
        reviewed_line.news,
    )
    return (*billed_cells, *_result_cells(reviewed_line.before), *_result_cells(reviewed_line.after))


def _result_captions(review: Review, suffix: str = "") -> Iterator[str]:
    for release in release_names(review):
        yield from (
            f"{release}{suffix}",
            *(f"{caption}, {release}{suffix}" for caption in ("why", "allowed", "CMS row")),
        )


def _result_cells(line_result: LineResult) -> tuple[Cell, ...]:
    return (
        wording.disposition(line_result.disposition),
        line_result.why,
        decimal_dollars(line_result.allowed_cents),
        cms_row_link(line_result.row),
    )


def codes_alone_sheet(review: Review) -> Sheet:
    """Return the sheet of codes with a new result when billed alone."""
    code_rows = (
        (
            reviewed_code.hcpcs,
            reviewed_code.cases,
            *_result_cells(reviewed_code.before),
            *_result_cells(reviewed_code.after),
        )
        for reviewed_code in review.pairs.alone
    )
    caption_notes = {1: "Pairs in which nothing else differs."}
    return Sheet(code_rows, ("code", "pairs", *_result_captions(review)), notes=caption_notes)


def pairs_sheet(review: Review) -> Sheet:
    """Return the sheet of code pairs with a new result."""
    pair_rows = (
        (
            reviewed_pair.hcpcs_one,
            reviewed_pair.hcpcs_two,
            reviewed_pair.modifier_on or "neither",
            *chain.from_iterable(_pair_result_cells(reviewed_pair)),
        )
        for reviewed_pair in review.pairs.changed
    )
    result_captions = (*_result_captions(review, ", one"), *_result_captions(review, ", two"))
    return Sheet(pair_rows, ("one", "two", "XS on", *result_captions))


def _pair_result_cells(reviewed_pair: ReviewedPair) -> Iterator[tuple[Cell, ...]]:
    for result_before, result_after in zip(reviewed_pair.before, reviewed_pair.after, strict=True):
        yield from (_result_cells(result_before), _result_cells(result_after))
