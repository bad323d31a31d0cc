"""The sections of a review: their order and headings on the page, and the rows of each in the workbook.

A section is shown on the page by the macro of its name in `page/parts.html.j2`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

from codeset import wording
from codeset.impact.claims_impact import ImpactTotal
from codeset.impact.claims_impact import LineResult as LineOfClaim
from codeset.money import decimal_dollars, dollars, signed_dollars
from codeset.participants import participant_label
from codeset.review.decision_basis import DECIDE_SHEET
from codeset.review.forms.as_json import decision_digest
from codeset.review.guides import ReviewedStatement
from codeset.review.model import Review
from codeset.review.outcomes import LineResult, ReviewedLine, ReviewedPair
from codeset.review.payments import PARTS, Payment, PaymentTable
from codeset.review.source_rows import Ref
from codeset.review.table_changes import Change, TableReview
from codeset.review.volumes import YEAR_NOTE, Year, YearLine, YearTotal
from codeset.workbook import Cell, Link, Sheet


@dataclass(frozen=True)
class Section:
    """One section of the page: `id` names it in links and its macro, `title` in the list of sections.

    An appendix is printed only on request.
    """

    id: str
    title: str
    heading: str
    is_appendix: bool = False

    @property
    def macro(self) -> str:
        """The macro of `page/parts.html.j2` that shows it."""
        return f"{self.id.replace('-', '_')}_section"


def sections(review: Review) -> list[Section]:
    """Return the sections that *review* has, in their order on the page."""
    own = review.own_differences or any(table.own_changes for table in review.tables)
    values: dict[str, object] = {"diagnoses": review.changes.diagnoses.is_reportable}
    values |= {"year": review.years, "claims": review.claims, "own-differences": own}
    return [section for section in _SECTIONS if values.get(section.id, True)]


_SECTIONS = (
    Section("limits", "Limitations", "Limitations — read before you sign"),
    Section("own-differences", "Differences from our files", "Differs because of our files, not CMS"),
    Section("year", "Your year", "Your practice's year"),
    Section("claims", "Your claims", "Your claims under both releases"),
    Section("payments", "Allowed amounts", "Allowed amounts"),
    Section("codes", "New and deleted codes", "New and deleted codes"),
    Section("diagnoses", "Diagnosis codes", "Diagnosis codes (ICD-10-CM)"),
    Section("indicators", "Global periods and indicators", "Global periods and indicators"),
    Section("edits", "Edits", "Edits"),
    Section("scenarios", "Test claims", "Test claims with a new result"),
    Section("pairs", "Code pairs", "Code pairs with a new result"),
    Section("guidance", "Coding guides", "Coding guides"),
    Section("practice-guide", "Practice guide", "Changes in the practice guide", is_appendix=True),
    Section("sign-off", "Sign-off", "Sign-off"),
    Section("gpci", "GPCIs", "Geographic practice cost indices (GPCIs)", is_appendix=True),
    Section("editions", "Source files", "Source files", is_appendix=True),
    Section("rows", "CMS rows", "CMS rows", is_appendix=True),
)

MONEY, SIGNED, PERCENT, COUNT, _RVU = "$#,##0.00", "+$#,##0.00;-$#,##0.00;$0.00", "+0.0%;-0.0%;0.0%", "#,##0", "0.00"
_SPLIT_NOTE = (
    "Each RVU's change at the old GPCIs and the old conversion factor; then the GPCIs' on the new RVUs; last the "
    "conversion factor's on the new RVUs and GPCIs. Rounding differences are in the largest part: the parts add "
    "up to the change."
)
_YEAR_FORMATS = {4: COUNT, 5: MONEY, 6: MONEY, 7: SIGNED, 8: PERCENT}
_CHANGE_HEADER = ("change", "percent")
_ROWS_HEADER = ("CMS row before", "CMS row after")
_ROWS_SHEET = "CMS rows"
DECIDE_HEADER = ("number", "outcome", "what changed", "decision", "reason")
"""The sheet that the approver fills in, and its columns."""

_ROW_NOTE = "Leads to CMS's row on the sheet CMS rows."


def _payments(review: Review) -> Sheet:
    rvus = [f"{kind} RVU {when}" for kind in ("work", "PE", "MP") for when in ("before", "after")]
    header = ("code", "modifier", "family", "setting", "QP status", *_releases(review), *_CHANGE_HEADER)
    parts = [f"change due to {name}" for name in ("work RVU", "PE RVU", "MP RVU", "GPCI", "conversion factor")]
    payments = [payment for table in review.payments for payment in table.rows]
    largest_first = sorted(payments, key=lambda payment: -abs(payment.change_cents or 0))
    rows = map(_payment, largest_first)
    formats = {5: MONEY, 6: MONEY, **dict.fromkeys((7, *range(9, 14)), SIGNED), 8: PERCENT}
    formats |= dict.fromkeys(range(14, 20), _RVU)
    notes = {5: f"Medicare allowed amount, {review.place.name}.", 9: _SPLIT_NOTE, 20: _ROW_NOTE}
    columns = (*header, *parts, *rvus, *_ROWS_HEADER, "not priced before because", "not priced after because")
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
        wording.family(payment.family),
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
        (
            wording.family(family.family),
            *_setting(table),
            family.codes,
            family.changed,
            family.least,
            family.median,
            family.most,
        )
        for table in review.payments
        for family in table.families
    )
    header = ("family", "setting", "QP status", "amounts", "changed", "smallest", "median", "largest")
    notes = {6: "The lower of the two in the middle."}
    return Sheet(rows, header, formats=dict.fromkeys((5, 6, 7), PERCENT), notes=notes)


def _year(review: Review) -> Sheet:
    rows = (
        (wording.family(total.family), *_setting(year), total.codes, *_amounts_of_year(total))
        for year in review.years
        for total in year.families
    )
    header = ("family", "setting", "QP status", "codes", "units", *_releases(review), *_CHANGE_HEADER)
    return Sheet(rows, header, _totals(review), formats=_YEAR_FORMATS, notes={5: YEAR_NOTE})


def _totals(review: Review) -> list[str]:
    """The totals of a year, above the rows that a filter hides."""
    title = ["Your year"]
    for year in review.years:
        total = year.total
        share = wording.percent(total.before_cents, total.after_cents)
        title.append(
            f"All, {', '.join(_setting(year))}: {dollars(total.before_cents)} → {dollars(total.after_cents)}, "
            f"{signed_dollars(total.change_cents)} ({share})"
        )
    return title


def _codes_of_year(review: Review) -> Sheet:
    rows = (
        (
            line.hcpcs,
            line.modifier,
            *_setting(year),
            *_amounts_of_year(line),
            wording.family(line.family),
            line.lacks,
            *_both_anchors(line),
        )
        for year in review.years
        for line in (*year.lines, *year.without)
    )
    header = ("code", "modifier", "setting", "QP status", "units", *_releases(review), *_CHANGE_HEADER)
    columns = (*header, "family", "not priced because", *_ROWS_HEADER)
    notes = {10: "Such a code is in no total.", 11: _ROW_NOTE}
    return Sheet(rows, columns, _totals(review), formats=_YEAR_FORMATS, notes=notes)


def _groups_of_year(review: Review) -> Sheet:
    rows = (
        (wording.named(group.by), total.family, *_setting(year), total.codes, *_amounts_of_year(total))
        for year in review.years
        for group in year.groups
        for total in group.totals
    )
    header = ("by", "value", "setting", "QP status", "codes", "units", *_releases(review), *_CHANGE_HEADER)
    formats = {place + 1: form for place, form in _YEAR_FORMATS.items()}
    return Sheet(rows, header, formats=formats, notes={6: YEAR_NOTE})


def _practice_guide(review: Review) -> Sheet:
    rows = ((change.key, change.what, change.before, change.after) for change in review.practice_guide)
    return Sheet(rows, ("code or pair", "figure", *_releases(review)))


def _claims(review: Review) -> Sheet:
    """The lines with a new result."""
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
    header = ("claim", "line", "date", "code", "modifiers", "units", "QP status", *results, "change")
    return Sheet(rows, header, formats={8: MONEY, 11: MONEY, 13: SIGNED})


def _claim_result(result: LineOfClaim) -> tuple[Cell, ...]:
    return (wording.disposition(result.disposition), decimal_dollars(result.cents), result.row)


def _codes_of_claims(review: Review) -> Sheet:
    rows = (
        (total.name, participant_label(impact.participant), total.lines, *_amounts_of_claims(total))
        for impact in review.claims
        for total in impact.codes
    )
    header = ("code", "QP status", "lines", *_releases(review), *_CHANGE_HEADER)
    return Sheet(rows, header, formats={2: COUNT, 3: MONEY, 4: MONEY, 5: SIGNED, 6: PERCENT})


def _amounts_of_claims(total: ImpactTotal) -> tuple[Cell, ...]:
    amounts = (total.before_cents, total.after_cents)
    return (*map(decimal_dollars, (*amounts, total.change_cents)), wording.ratio(*amounts))


def _amounts_of_year(line: YearTotal | YearLine) -> tuple[Cell, ...]:
    amounts = (line.before_cents, line.after_cents)
    return (line.units, *map(decimal_dollars, (*amounts, line.change_cents)), wording.ratio(*amounts))


def _codes(review: Review) -> Sheet:
    listed = (("new", review.new_codes), ("removed", review.gone_codes))
    rows = (
        (change, code.hcpcs, code.modifier, wording.family(code.family), _anchor(code.row))
        for change, codes in listed
        for code in codes
    )
    return Sheet(rows, ("change", "code", "modifier", "family", "CMS row"), notes={4: _ROW_NOTE})


def _diagnoses(review: Review) -> Sheet:
    diagnoses = review.changes.diagnoses
    rows = [
        *(
            (change.kind, change.diagnosis, wording.family(change.family), change.since, ", ".join(change.others))
            for change in diagnoses.changes
        ),
        *(("not valid for billing", code, "", None, why) for code, why in diagnoses.never_valid),
    ]
    columns = ("change", "code", "family", "since", "replaces or is replaced by")
    return Sheet(rows, columns, formats={3: "mm/dd/yyyy"}, wrapped=frozenset({4}))


def _articles(review: Review) -> Sheet:
    rows = (article.cells for article in review.changes.diagnoses.articles)
    columns = ("article", "contractor", *_releases(review), "diagnoses added", "diagnoses dropped")
    return Sheet(rows, columns, wrapped=frozenset({4, 5}))


def _table_changes(review: Review) -> Sheet:
    rows = (
        (
            wording.table_name(table.table),
            change.key,
            change.kind,
            change.what,
            change.before,
            change.after,
            since,
            source,
        )
        for table, change, since, source in _changes_with_source(review)
    )
    columns = ("table", "code", "change", "field", *_releases(review), "in effect since", "changed by")
    notes = {7: "Our files: the old release on file was built with an older file, so CMS's change may be older."}
    return Sheet(rows, columns, formats={6: "mm/dd/yyyy"}, notes=notes)


def _changes_with_source(review: Review) -> Iterator[tuple[TableReview, Change, date | None, str]]:
    for table in review.tables:
        yield from ((table, change, change.since, "CMS") for change in table.changes)
        yield from ((table, change, change.since, "our files") for change in table.own_changes)


def _to_decide(review: Review) -> Sheet:
    rows = ((number, outcome.id, outcome.says, "", "") for number, outcome in enumerate(review.to_decide, start=1))
    title = [
        "Decide on each changed result",
        f'Fill in, save, then: codeset approve {review.new.release} --as "Name, role" --decisions review.xlsx',
        f"Review {decision_digest(review)}",
    ]
    notes = {3: "accept or reject", 4: "Required."}
    widths = {0: 10, 1: 34, 2: 70, 3: 14, 4: 50}
    return Sheet(rows, DECIDE_HEADER, title, widths=widths, notes=notes, wrapped=frozenset({2, 4}))


def _own_differences(review: Review) -> Sheet:
    rows = ((difference.id, difference.says, difference.why) for difference in review.own_differences)
    return Sheet(rows, ("test", "difference", "why it is not a CMS change"), wrapped=frozenset({1, 2}))


def _scenarios(review: Review) -> Sheet:
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
    for release in _releases(review):
        yield from (f"{release}{suffix}", *(f"{what}, {release}{suffix}" for what in ("why", "allowed", "CMS row")))


def _result(result: LineResult) -> tuple[Cell, ...]:
    return (
        wording.disposition(result.disposition),
        result.why,
        decimal_dollars(result.allowed_cents),
        _anchor(result.row),
    )


def _codes_alone(review: Review) -> Sheet:
    rows = ((code.hcpcs, code.cases, *_result(code.before), *_result(code.after)) for code in review.pairs.alone)
    notes = {1: "Pairs in which nothing else differs."}
    return Sheet(rows, ("code", "pairs", *_result_header(review)), notes=notes)


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
    header = ("statement", "guide", "heading", "guide says", *_releases(review), "CMS says", "right", "CMS row")
    return Sheet(rows, header, wrapped=frozenset({3, 6, 7, 8}))


def _statement(statement: ReviewedStatement) -> tuple[Cell, ...]:
    verdicts = (wording.verdict(statement.before), wording.verdict(statement.after))
    texts = (wording.plain(statement.why), wording.plain(statement.right))
    cited = "; ".join(row.text for row in statement.rows)
    return (statement.id, statement.guide, statement.heading, wording.plain(statement.says), *verdicts, *texts, cited)


def _editions(review: Review) -> Sheet:
    rows: Iterable[Sequence[Cell]] = (
        (
            release.release,
            wording.table_name(table.table),
            table.edition,
            table.carried_from or "",
            table.rows,
            file.name,
            file.sha256,
        )
        for release in (review.old, review.new)
        for table in release.editions
        for file in table.files
    )
    header = ("release", "table", "edition", "carried from", "rows", "CMS file", "SHA-256 checksum")
    return Sheet(rows, header, formats={4: COUNT})


def _rows(review: Review) -> Sheet:
    rows = (
        (
            row.ref.anchor,
            row.ref.release,
            wording.table_name(row.ref.table),
            row.edition,
            row.file,
            row.key,
            "; ".join(row.says),
        )
        for row in review.rows
    )
    columns = ("CMS row", "release", "table", "edition", "CMS file", "code", "values")
    return Sheet(rows, columns, wrapped=frozenset({6}), targets=[row.ref.anchor for row in review.rows])


def _releases(review: Review) -> tuple[str, str]:
    return review.old.release, review.new.release


def _setting(amounts: Payment | PaymentTable | Year) -> tuple[str, str]:
    return wording.setting(amounts.setting), participant_label(amounts.participant)


def _both_anchors(change: YearLine | Change) -> tuple[Cell, Cell]:
    return _anchor(change.before_row), _anchor(change.after_row)


def _anchor(ref: Ref | None) -> Cell:
    return "" if ref is None else Link(ref.anchor, _ROWS_SHEET, ref.anchor)


_SHEETS: Mapping[str, Callable[[Review], Sheet]] = {
    "allowed amounts": _payments,
    "families": _families,
    "year": _year,
    "year by code": _codes_of_year,
    "year by group": _groups_of_year,
    "claims": _claims,
    "claims by code": _codes_of_claims,
    "new and deleted codes": _codes,
    "diagnosis codes": _diagnoses,
    "coverage articles": _articles,
    "edits changed": _table_changes,
    DECIDE_SHEET: _to_decide,
    "not from CMS": _own_differences,
    "test claims": _scenarios,
    "codes alone": _codes_alone,
    "code pairs": _pairs,
    "guides": _guides,
    "practice guide": _practice_guide,
    "source files": _editions,
    _ROWS_SHEET: _rows,
}


def sheets(review: Review) -> dict[str, Sheet]:
    """Return the sheets of *review* by name, in their order in the workbook."""
    diagnoses = review.changes.diagnoses
    told = {
        "year": review.years,
        "claims": review.claims,
        "diagnosis codes": diagnoses.is_reportable,
        "coverage articles": diagnoses.articles,
    }
    lacking = tuple(name for name, values in told.items() if not values)
    return {name: sheet(review) for name, sheet in _SHEETS.items() if not (lacking and name.startswith(lacking))}
