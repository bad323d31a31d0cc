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
    rows = ((number, outcome.id, outcome.says, "", "") for number, outcome in enumerate(review.to_decide, start=1))
    title = [
        "Decide on each changed result",
        f'Fill in, save, then: codeset approve {review.new.release} --as "Name, role" --decisions review.xlsx',
        f"Review {decision_digest(review)}",
    ]
    notes = {3: "accept or reject", 4: "Required."}
    widths = {0: 10, 1: 34, 2: 70, 3: 14, 4: 50}
    return Sheet(rows, DECIDE_HEADER, title, widths=widths, notes=notes, wrapped=frozenset({2, 4}))


def own_differences_sheet(review: Review) -> Sheet:
    """Return the sheet of results that differ because of our own files."""
    rows = ((difference.id, difference.says, difference.why) for difference in review.own_differences)
    return Sheet(rows, ("test", "difference", "why it is not a CMS change"), wrapped=frozenset({1, 2}))


def scenarios_sheet(review: Review) -> Sheet:
    """Return the sheet of test claims with a new result."""
    rows = (
        (scenario.id, scenario.says, number, *_line(line), "; ".join(scenario.sources))
        for scenario in review.outcomes.changed
        for number, line in enumerate(scenario.lines, start=1)
    )
    header = ("test", "claim", "line", "code", "modifiers", "units", "date of service", "POS", "new result")
    columns = (*header, *_result_header(review), "sources")
    return Sheet(rows, columns, formats={11: MONEY, 15: MONEY}, wrapped=frozenset({1, 10, 14, 17}))


def _line(line: ReviewedLine) -> tuple[Cell, ...]:
    billed = (line.hcpcs, line.modifiers, line.units, line.day, line.place_of_service, line.news)
    return (*billed, *_result(line.before), *_result(line.after))


def _result_header(review: Review, suffix: str = "") -> Iterator[str]:
    for release in release_names(review):
        yield from (f"{release}{suffix}", *(f"{what}, {release}{suffix}" for what in ("why", "allowed", "CMS row")))


def _result(result: LineResult) -> tuple[Cell, ...]:
    return (
        wording.disposition(result.disposition),
        result.why,
        decimal_dollars(result.allowed_cents),
        cms_row_link(result.row),
    )


def codes_alone_sheet(review: Review) -> Sheet:
    """Return the sheet of codes with a new result when billed alone."""
    rows = ((code.hcpcs, code.cases, *_result(code.before), *_result(code.after)) for code in review.pairs.alone)
    notes = {1: "Pairs in which nothing else differs."}
    return Sheet(rows, ("code", "pairs", *_result_header(review)), notes=notes)


def pairs_sheet(review: Review) -> Sheet:
    """Return the sheet of code pairs with a new result."""
    rows = (
        (pair.hcpcs_one, pair.hcpcs_two, pair.modifier_on or "neither", *chain.from_iterable(_results_of_pair(pair)))
        for pair in review.pairs.changed
    )
    results = (*_result_header(review, ", one"), *_result_header(review, ", two"))
    return Sheet(rows, ("one", "two", "XS on", *results))


def _results_of_pair(pair: ReviewedPair) -> Iterator[tuple[Cell, ...]]:
    for before, after in zip(pair.before, pair.after, strict=True):
        yield from (_result(before), _result(after))
