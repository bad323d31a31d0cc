"""The sections of a review: their order and headings on the page, and the rows of each in the workbook.

A section is shown on the page by the macro of its name in `page/parts.html.j2`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from codeset import wording
from codeset.impact.claims_impact import ImpactTotal
from codeset.impact.claims_impact import LineResult as LineOfClaim
from codeset.money import decimal_dollars
from codeset.participants import participant_label
from codeset.review.guides import ReviewedStatement
from codeset.review.model import Review
from codeset.review.outcomes import LineResult, ReviewedLine, ReviewedPair
from codeset.review.payments import PARTS, Payment, PaymentTable
from codeset.review.source_rows import Ref
from codeset.review.table_changes import Change
from codeset.review.volumes import YEAR_NOTE, Year, YearLine, YearTotal
from codeset.workbook import Cell, Sheet


@dataclass(frozen=True)
class Section:
    """One section of the page: `id` names it in links and its macro, `title` in the list of sections."""

    id: str
    title: str
    heading: str

    @property
    def macro(self) -> str:
        """The macro of `page/parts.html.j2` that shows it."""
        return f"{self.id.replace('-', '_')}_section"


def sections(review: Review) -> list[Section]:
    """Return the sections that *review* has, in their order on the page."""
    lacking = {name for name, values in (("year", review.years), ("claims", review.claims)) if not values}
    return [section for section in _SECTIONS if section.id not in lacking]


_SECTIONS = (
    Section("cautions", "To know first", "To know first"),
    Section("year", "Your year", "Your practice's year"),
    Section("claims", "Your claims", "Your claims under both releases"),
    Section("payments", "Payment", "Payment"),
    Section("codes", "Codes new and gone", "Codes new and gone"),
    Section("indicators", "Global periods and indicators", "Global periods and indicators"),
    Section("edits", "Edits", "Edits"),
    Section("scenarios", "Scenarios", "Scenarios that come out otherwise"),
    Section("pairs", "Pairs", "Pairs of codes that come out otherwise"),
    Section("guidance", "Guides", "Practice guides"),
    Section("practice-guide", "Practice guide", "What changed in the practice guide"),
    Section("gpci", "Geographic indices", "Geographic indices"),
    Section("editions", "Editions", "Editions and what was carried forward"),
    Section("sign-off", "Sign-off", "Sign-off"),
    Section("rows", "CMS's rows", "CMS's rows"),
)

_MONEY, _SIGNED, _PERCENT, _COUNT, _RVU = "#,##0.00", "+#,##0.00;-#,##0.00;0.00", "+0.0%;-0.0%;0.0%", "#,##0", "0.00"
_SPLIT_NOTE = (
    "Each RVU's change at the old GPCIs and the old conversion factor; then the GPCIs' on the new RVUs; last the "
    "conversion factor's on the new RVUs and GPCIs. What roundings leave over lies in the largest part: the parts add "
    "up to the change."
)
_YEAR_FORMATS = {4: _COUNT, 5: _MONEY, 6: _MONEY, 7: _SIGNED, 8: _PERCENT}
_CHANGE_HEADER = ("change", "in percent")
_ROWS_HEADER = ("row before", "row after")
_ROW_NOTE = "The name of CMS's row on the sheet rows."


def _payments(review: Review) -> Sheet:
    rvus = [f"{kind} RVU {when}" for kind in ("work", "PE", "MP") for when in ("before", "after")]
    header = ("code", "modifier", "family", "setting", "for", *_releases(review), *_CHANGE_HEADER)
    parts = [f"of it: {part.replace('_', ' ')}" for part in PARTS]
    rows = (_payment(payment) for table in review.payments for payment in table.rows)
    formats = {5: _MONEY, 6: _MONEY, **dict.fromkeys((7, *range(9, 14)), _SIGNED), 8: _PERCENT}
    formats |= dict.fromkeys(range(14, 20), _RVU)
    notes = {5: f"Dollars; {review.place.name}.", 9: _SPLIT_NOTE, 20: _ROW_NOTE}
    columns = (*header, *parts, *rvus, *_ROWS_HEADER, "no amount before", "no amount after")
    return Sheet(rows, columns, formats=formats, notes=notes)


def _payment(payment: Payment) -> Sequence[Cell]:
    before, after = payment.before, payment.after
    parts = [decimal_dollars(getattr(payment.parts, part)) if payment.parts else None for part in PARTS]
    rvus = [
        getattr(side.rvus, kind) if side.rvus else None for kind in ("work", "pe", "mp") for side in (before, after)
    ]
    return (
        payment.hcpcs,
        payment.modifier,
        payment.family,
        *_setting(payment),
        decimal_dollars(before.cents),
        decimal_dollars(after.cents),
        decimal_dollars(payment.change_cents),
        payment.ratio,
        *parts,
        *rvus,
        _anchor(before.row),
        _anchor(after.row),
        before.lacks,
        after.lacks,
    )


def _families(review: Review) -> Sheet:
    rows = (
        (family.family, *_setting(table), family.codes, family.changed, family.least, family.median, family.most)
        for table in review.payments
        for family in table.families
    )
    header = ("family", "setting", "for", "amounts", "changed", "least", "median", "most")
    notes = {6: "The lower one of two in the middle."}
    return Sheet(rows, header, formats=dict.fromkeys((5, 6, 7), _PERCENT), notes=notes)


def _year(review: Review) -> Sheet:
    rows = (
        (total.family or "all", *_setting(year), total.codes, *_amounts_of_year(total))
        for year in review.years
        for total in (year.total, *year.families)
    )
    header = ("family", "setting", "for", "codes", "units", *_releases(review), *_CHANGE_HEADER)
    notes = {5: YEAR_NOTE}
    return Sheet(rows, header, formats=_YEAR_FORMATS, notes=notes)


def _codes_of_year(review: Review) -> Sheet:
    rows = (
        (
            line.hcpcs,
            line.modifier,
            *_setting(year),
            *_amounts_of_year(line),
            line.family,
            line.lacks,
            *_both_anchors(line),
        )
        for year in review.years
        for line in (*year.lines, *year.without)
    )
    header = ("code", "modifier", "setting", "for", "units", *_releases(review), *_CHANGE_HEADER)
    columns = (*header, "family", "no amount because", *_ROWS_HEADER)
    return Sheet(rows, columns, formats=_YEAR_FORMATS, notes={10: "Such a code is in no total.", 11: _ROW_NOTE})


def _groups_of_year(review: Review) -> Sheet:
    rows = (
        (wording.named(group.by), total.family, *_setting(year), total.codes, *_amounts_of_year(total))
        for year in review.years
        for group in year.groups
        for total in group.totals
    )
    header = ("by", "value", "setting", "for", "codes", "units", *_releases(review), *_CHANGE_HEADER)
    formats = {place + 1: form for place, form in _YEAR_FORMATS.items()}
    return Sheet(rows, header, formats=formats, notes={6: YEAR_NOTE})


def _practice_guide(review: Review) -> Sheet:
    rows = ((change.key, change.what, change.before, change.after) for change in review.practice_guide)
    return Sheet(rows, ("code or pair", "figure", *_releases(review)))


def _claims(review: Review) -> Sheet:
    """The lines with another result."""
    rows = (
        (
            line.claim_id,
            line.line,
            line.date_of_service,
            line.hcpcs,
            line.modifiers,
            line.units,
            participant_label(impact.participant),
            *(cell for result in (line.before, line.after) for cell in _claim_result(result)),
            decimal_dollars(line.change_cents),
        )
        for impact in review.claims
        for line in impact.changed
    )
    results = (f"{name} {release}" for release in _releases(review) for name in ("result", "allowed", "deciding row"))
    header = ("claim", "line", "date", "code", "modifiers", "units", "for", *results, "change")
    return Sheet(rows, header, formats={8: _MONEY, 11: _MONEY, 13: _SIGNED})


def _claim_result(result: LineOfClaim) -> tuple[Cell, ...]:
    return (wording.disposition(result.disposition), decimal_dollars(result.cents), result.row)


def _codes_of_claims(review: Review) -> Sheet:
    rows = (
        (total.name, participant_label(impact.participant), total.lines, *_amounts_of_claims(total))
        for impact in review.claims
        for total in impact.codes
    )
    header = ("code", "for", "lines", *_releases(review), *_CHANGE_HEADER)
    return Sheet(rows, header, formats={2: _COUNT, 3: _MONEY, 4: _MONEY, 5: _SIGNED, 6: _PERCENT})


def _amounts_of_claims(total: ImpactTotal) -> tuple[Cell, ...]:
    amounts = (total.before_cents, total.after_cents)
    return (*map(decimal_dollars, (*amounts, total.change_cents)), wording.ratio(*amounts))


def _amounts_of_year(line: YearTotal | YearLine) -> tuple[Cell, ...]:
    amounts = (line.before_cents, line.after_cents)
    return (line.units, *map(decimal_dollars, (*amounts, line.change_cents)), wording.ratio(*amounts))


def _codes(review: Review) -> Sheet:
    listed = (("new", review.new_codes), ("gone", review.gone_codes))
    rows = ((kind, code.hcpcs, code.modifier, code.family, code.row.anchor) for kind, codes in listed for code in codes)
    return Sheet(rows, ("kind", "code", "modifier", "family", "row"), notes={4: _ROW_NOTE})


def _table_changes(review: Review) -> Sheet:
    rows = (
        (table.table, change.kind, change.key, change.what, change.before, change.after, *_both_anchors(change))
        for table in review.tables
        for change in table.changes
    )
    header = ("table", "kind", "key", "what", *_releases(review), *_ROWS_HEADER)
    return Sheet(rows, header, notes={6: _ROW_NOTE})


def _to_decide(review: Review) -> Sheet:
    rows = ((outcome.id, outcome.says) for outcome in review.to_decide)
    return Sheet(rows, ("outcome", "what changed"), notes={0: "Its name in codeset approve --accept or --reject."})


def _scenarios(review: Review) -> Sheet:
    rows = (
        (scenario.id, scenario.says, number, *_line(line), "; ".join(scenario.sources))
        for scenario in review.outcomes.changed
        for number, line in enumerate(scenario.lines, start=1)
    )
    header = ("scenario", "says", "line", "code", "modifiers", "units", "date of service", "place of service", "news")
    columns = (*header, *_result_header(review), "sources")
    return Sheet(rows, columns, formats={11: _MONEY, 15: _MONEY}, wrapped=frozenset({1, 10, 14, 17}))


def _line(line: ReviewedLine) -> tuple[Cell, ...]:
    billed = (line.hcpcs, line.modifiers, line.units, line.day, line.place_of_service, line.news)
    return (*billed, *_result(line.before), *_result(line.after))


def _result_header(review: Review, suffix: str = "") -> Iterator[str]:
    for release in _releases(review):
        yield from (f"{release}{suffix}", *(f"{what}, {release}{suffix}" for what in ("why", "dollars", "row")))


def _result(result: LineResult) -> tuple[Cell, ...]:
    return (result.disposition, result.why, decimal_dollars(result.allowed_cents), _anchor(result.row))


def _codes_alone(review: Review) -> Sheet:
    rows = ((code.hcpcs, code.cases, *_result(code.before), *_result(code.after)) for code in review.pairs.alone)
    notes = {1: "Cases of two codes in which that is all that differs."}
    return Sheet(rows, ("code", "cases", *_result_header(review)), notes=notes)


def _pairs(review: Review) -> Sheet:
    rows = (
        (pair.hcpcs_one, pair.hcpcs_two, pair.modifier_on or "neither", *chain.from_iterable(_results_of_pair(pair)))
        for pair in review.pairs.changed
    )
    results = (*_result_header(review, ", one"), *_result_header(review, ", two"))
    return Sheet(rows, ("one", "two", "XS on", *results))


def _results_of_pair(pair: ReviewedPair) -> Iterator[tuple[Cell, ...]]:
    for before, after in zip(pair.before, pair.after, strict=True):
        yield from (_result(before), _result(after))


def _guides(review: Review) -> Sheet:
    listed = {statement.id: statement for statement in (*review.guidance.changed, *review.guidance.contradicted)}
    rows = map(_statement, listed.values())
    header = ("statement", "guide", "heading", "says", *_releases(review), "why", "right", "rests on")
    return Sheet(rows, header, wrapped=frozenset({3, 6, 7, 8}))


def _statement(statement: ReviewedStatement) -> tuple[Cell, ...]:
    verdicts = (statement.before, statement.after, statement.why, statement.right)
    cited = "; ".join(row.text for row in statement.rows)
    return (statement.id, statement.guide, statement.heading, statement.says, *verdicts, cited)


def _editions(review: Review) -> Sheet:
    rows: Iterable[Sequence[Cell]] = (
        (release.release, table.table, table.edition, table.carried_from or "", table.rows, file.name, file.sha256)
        for release in (review.old, review.new)
        for table in release.editions
        for file in table.files
    )
    header = ("release", "table", "edition", "carried from", "rows", "CMS file", "sha256")
    return Sheet(rows, header, formats={4: _COUNT})


def _rows(review: Review) -> Sheet:
    rows = (
        (row.ref.anchor, row.ref.release, row.ref.table, row.edition, row.file, row.key, "; ".join(row.says))
        for row in review.rows
    )
    return Sheet(rows, ("row", "release", "table", "edition", "CMS file", "key", "says"), wrapped=frozenset({6}))


def _releases(review: Review) -> tuple[str, str]:
    return review.old.release, review.new.release


def _setting(amounts: Payment | PaymentTable | Year) -> tuple[str, str]:
    return wording.setting(amounts.setting), participant_label(amounts.participant)


def _both_anchors(change: YearLine | Change) -> tuple[str, str]:
    return _anchor(change.before_row), _anchor(change.after_row)


def _anchor(ref: Ref | None) -> str:
    return "" if ref is None else ref.anchor


_SHEETS: Mapping[str, Callable[[Review], Sheet]] = {
    "payments": _payments,
    "families": _families,
    "year": _year,
    "year by code": _codes_of_year,
    "year by group": _groups_of_year,
    "claims": _claims,
    "practice guide": _practice_guide,
    "claims by code": _codes_of_claims,
    "codes": _codes,
    "table changes": _table_changes,
    "to decide": _to_decide,
    "scenarios": _scenarios,
    "codes alone": _codes_alone,
    "pairs": _pairs,
    "guides": _guides,
    "editions": _editions,
    "rows": _rows,
}


def sheets(review: Review) -> dict[str, Sheet]:
    """Return the sheets of *review* by name, in their order in the workbook."""
    lacking = tuple(name for name, values in (("year", review.years), ("claims", review.claims)) if not values)
    return {name: sheet(review) for name, sheet in _SHEETS.items() if not (lacking and name.startswith(lacking))}
