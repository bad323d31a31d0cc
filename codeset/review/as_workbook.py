"""The review as a workbook: the first minute's reading, then a sheet for each kind of change, every row."""

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from codeset import wording, workbook
from codeset.money import decimal_dollars
from codeset.participants import participant_label
from codeset.review.guides import ReviewedStatement
from codeset.review.model import Review
from codeset.review.outcomes import ReviewedLine, ReviewedPair, Said
from codeset.review.payments import PARTS, Payment, PaymentTable
from codeset.review.source_rows import Ref
from codeset.review.table_changes import Change
from codeset.review.volumes import Year, YearLine, YearTotal
from codeset.workbook import Cell, Sheet

_MONEY, _SIGNED, _PERCENT, _COUNT, _RVU = "#,##0.00", "+#,##0.00;-#,##0.00;0.00", "+0.0%;-0.0%;0.0%", "#,##0", "0.00"
_PARTS_NOTE = (
    "Each RVU's change at the old GPCIs and the old conversion factor; then the GPCIs' on the new RVUs; last the "
    "conversion factor's on the new RVUs and GPCIs. What roundings leave over lies in the largest part: the parts add "
    "up to the change."
)
_YEAR = {4: _COUNT, 5: _MONEY, 6: _MONEY, 7: _SIGNED, 8: _PERCENT}
_CHANGE = ("change", "in percent")
_BEHIND = ("row before", "row after")
_ROW_NOTE = "The name of CMS's row on the sheet rows."


def review_workbook(review: Review) -> bytes:
    """Return *review* as an xlsx workbook; the same review gives the same bytes."""
    sheets = {
        "review": _first(review),
        "payments": _payments(review),
        "families": _families(review),
        **({"year": _year(review), "year by code": _year_codes(review)} if review.years else {}),
        "codes": _codes(review),
        "table changes": _tables(review),
        "to decide": _to_decide(review),
        "scenarios": _scenarios(review),
        "codes alone": _alone(review),
        "pairs": _pairs(review),
        "guides": _guides(review),
        "editions": _editions(review),
        "rows": _rows(review),
    }
    target = io.BytesIO()
    workbook.write(target, sheets)
    return target.getvalue()


def _first(review: Review) -> Sheet:
    title = [f"What changed for dermatology billing: {review.old.release} → {review.new.release}"]
    rows: list[Sequence[Cell]] = [("verdict", review.headline)]
    rows += [("count", each.label, each.number if each.seen else "not seen", each.of) for each in review.counts]
    told = {"cost": review.money, "why": review.why, "asked": [each.text for each in review.asked]}
    rows += [(kind, text) for kind, texts in told.items() for text in texts]
    rows += [("to know first", f"{text}.") for text in review.cautions]
    notes = {2: "Not seen: both releases rest on the same files.", 3: "What was compared."}
    widths = {0: 16, 1: 100, 2: 12, 3: 12}
    return Sheet(rows, ("kind", "what", "number", "of"), title, {2: _COUNT, 3: _COUNT}, widths, notes, frozenset({1}))


def _payments(review: Review) -> Sheet:
    rvus = [f"{kind} RVU {when}" for kind in ("work", "PE", "MP") for when in ("before", "after")]
    header = (
        "code",
        "modifier",
        "family",
        "setting",
        "for",
        review.old.release,
        review.new.release,
        "change",
        "in percent",
    )
    parts = [f"of it: {each.replace('_', ' ')}" for each in PARTS]
    rows = (_payment(each) for table in review.payments for each in table.rows)
    formats = {5: _MONEY, 6: _MONEY, **dict.fromkeys((7, *range(9, 14)), _SIGNED), 8: _PERCENT}
    formats |= dict.fromkeys(range(14, 20), _RVU)
    notes = {5: f"Dollars; {review.place.name}.", 9: _PARTS_NOTE, 20: _ROW_NOTE}
    columns = (*header, *parts, *rvus, *_BEHIND, "no amount before", "no amount after")
    return Sheet(rows, columns, formats=formats, notes=notes)


def _payment(each: Payment) -> Sequence[Cell]:
    parts = [decimal_dollars(getattr(each.parts, name)) if each.parts else None for name in PARTS]
    rvus = [
        getattr(side.rvus, kind) if side.rvus else None
        for kind in ("work", "pe", "mp")
        for side in (each.before, each.after)
    ]
    return (
        each.hcpcs,
        each.modifier,
        each.family,
        wording.setting(each.setting),
        participant_label(each.participant),
        decimal_dollars(each.before.cents),
        decimal_dollars(each.after.cents),
        decimal_dollars(each.change_cents),
        each.ratio,
        *parts,
        *rvus,
        _named(each.before.row),
        _named(each.after.row),
        each.before.lacks,
        each.after.lacks,
    )


def _families(review: Review) -> Sheet:
    rows = (
        (each.family, *_of(table), each.codes, each.changed, each.least, each.median, each.most)
        for table in review.payments
        for each in table.families
    )
    header = ("family", "setting", "for", "amounts", "changed", "least", "median", "most")
    notes = {6: "The lower one of two in the middle."}
    return Sheet(rows, header, formats=dict.fromkeys((5, 6, 7), _PERCENT), notes=notes)


def _of(shown: PaymentTable | Year) -> tuple[str, str]:
    return wording.setting(shown.setting), participant_label(shown.participant)


def _year(review: Review) -> Sheet:
    rows = (
        (each.family or "all", *_of(year), each.codes, *_billed(each))
        for year in review.years
        for each in (year.total, *year.families)
    )
    header = ("family", "setting", "for", "codes", "units", review.old.release, review.new.release, *_CHANGE)
    return Sheet(rows, header, formats=_YEAR, notes={5: "Dollars a year, if all units are done in this setting."})


def _billed(each: YearTotal | YearLine) -> tuple[Cell, ...]:
    amounts = (each.before_cents, each.after_cents)
    return (each.units, *map(decimal_dollars, (*amounts, each.change_cents)), wording.ratio(*amounts))


def _year_codes(review: Review) -> Sheet:
    rows = (
        (each.hcpcs, each.modifier, *_of(year), *_billed(each), each.family, each.lacks, *_two(each))
        for year in review.years
        for each in (*year.lines, *year.without)
    )
    header = ("code", "modifier", "setting", "for", "units", review.old.release, review.new.release, *_CHANGE)
    columns = (*header, "family", "no amount because", *_BEHIND)
    return Sheet(rows, columns, formats=_YEAR, notes={10: "Such a code is in no total.", 11: _ROW_NOTE})


def _two(each: YearLine | Change) -> tuple[str, str]:
    return _named(each.before_row), _named(each.after_row)


def _codes(review: Review) -> Sheet:
    both = (("new", review.new_codes), ("gone", review.gone_codes))
    rows = ((kind, each.hcpcs, each.modifier, each.family, each.row.anchor) for kind, codes in both for each in codes)
    return Sheet(rows, ("kind", "code", "modifier", "family", "row"), notes={4: _ROW_NOTE})


def _tables(review: Review) -> Sheet:
    rows = (
        (table.table, each.kind, each.key, each.what, each.before, each.after, *_two(each))
        for table in review.tables
        for each in table.changes
    )
    header = ("table", "kind", "key", "what", review.old.release, review.new.release, *_BEHIND)
    return Sheet(rows, header, notes={6: _ROW_NOTE})


def _to_decide(review: Review) -> Sheet:
    rows = ((each.id, each.says) for each in review.to_decide)
    return Sheet(rows, ("outcome", "what changed"), notes={0: "Its name in codeset approve --accept or --reject."})


def _scenarios(review: Review) -> Sheet:
    rows = (
        (each.id, each.says, place, *_line(line), *_said(line.before), *_said(line.after), "; ".join(each.sources))
        for each in review.outcomes.changed
        for place, line in enumerate(each.lines, start=1)
    )
    header = ("scenario", "says", "line", "code", "modifiers", "units", "date of service", "place of service", "news")
    return Sheet(
        rows,
        (*header, *_sides(review, ""), "sources"),
        formats={11: _MONEY, 15: _MONEY},
        wrapped=frozenset({1, 10, 14, 17}),
    )


def _line(line: ReviewedLine) -> tuple[Cell, ...]:
    return line.hcpcs, line.modifiers, line.units, line.day, line.place_of_service, line.news


def _sides(review: Review, of: str) -> Iterator[str]:
    for release in (review.old, review.new):
        yield from (
            f"{release.release}{of}",
            f"why, {release.release}{of}",
            f"dollars, {release.release}{of}",
            f"row, {release.release}{of}",
        )


def _said(side: Said) -> tuple[Cell, ...]:
    return (side.disposition, side.why, decimal_dollars(side.allowed_cents), _named(side.row))


def _alone(review: Review) -> Sheet:
    rows = ((each.hcpcs, each.cases, *_said(each.before), *_said(each.after)) for each in review.pairs.alone)
    return Sheet(
        rows, ("code", "cases", *_sides(review, "")), notes={1: "Cases of two codes in which that is all that differs."}
    )


def _pairs(review: Review) -> Sheet:
    rows = (
        (each.hcpcs_one, each.hcpcs_two, each.modifier_on or "neither", *chain.from_iterable(_of_pair(each)))
        for each in review.pairs.changed
    )
    sides = (*_sides(review, ", one"), *_sides(review, ", two"))
    return Sheet(rows, ("one", "two", "XS on", *sides))


def _of_pair(pair: ReviewedPair) -> Iterator[tuple[Cell, ...]]:
    for sides in zip(pair.before, pair.after, strict=True):
        yield from map(_said, sides)


def _guides(review: Review) -> Sheet:
    listed = {each.id: each for each in (*review.guidance.changed, *review.guidance.contradicted)}
    rows = ((*_statement(each), "; ".join(row.text for row in each.rows)) for each in listed.values())
    verdicts = (review.old.release, review.new.release)
    return Sheet(
        rows,
        ("statement", "guide", "heading", "says", *verdicts, "why", "right", "rests on"),
        wrapped=frozenset({3, 6, 7, 8}),
    )


def _statement(each: ReviewedStatement) -> tuple[Cell, ...]:
    return each.id, each.guide, each.heading, each.says, each.before, each.after, each.why, each.right


def _editions(review: Review) -> Sheet:
    rows: Iterable[Sequence[Cell]] = (
        (release.release, each.table, each.edition, each.carried_from or "", each.rows, file.name, file.sha256)
        for release in (review.old, review.new)
        for each in release.editions
        for file in each.files
    )
    header = ("release", "table", "edition", "carried from", "rows", "CMS file", "sha256")
    return Sheet(rows, header, formats={4: _COUNT})


def _rows(review: Review) -> Sheet:
    rows = (
        (each.ref.anchor, each.ref.release, each.ref.table, each.edition, each.file, each.key, "; ".join(each.says))
        for each in review.rows
    )
    return Sheet(rows, ("row", "release", "table", "edition", "CMS file", "key", "says"), wrapped=frozenset({6}))


def _named(ref: Ref | None) -> str:
    return "" if ref is None else ref.anchor
