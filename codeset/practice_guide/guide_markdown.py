"""The practice guide as Markdown."""

from collections.abc import Iterable, Iterator, Sequence

from codeset.practice_guide.guide import Guide, GuideCode
from codeset.practice_guide.guide_changes import GuideChange, amount_text
from codeset.practice_guide.guide_wording import (
    SECTION_NAMES,
    TABLE_NAMES,
    VERDICT_NAMES,
    amount_labels,
    guide_notes,
)
from codeset.wording import capitalize_first, guide_heading, release_title, us_date


def guide_markdown(guide: Guide, earlier_guide: Guide | None = None, changes: Sequence[GuideChange] = ()) -> str:
    """Return *guide* as Markdown, with its *changes* since *earlier_guide*; the same guide gives the same text."""
    return (
        "\n".join(
            [
                *_heading_lines(guide),
                *_change_lines(guide, earlier_guide, changes),
                *_code_lines(guide),
                *_remaining_sections(guide),
            ]
        )
        + "\n"
    )


def _heading_lines(guide: Guide) -> Iterator[str]:
    locality_text = guide.locality_name if guide.locality == "national" else f"{guide.locality_name} ({guide.locality})"
    yield f"# Dermatology billing guide, {release_title(guide.release)}"
    yield ""
    yield f"Dates of service {us_date(guide.first_day)} to {us_date(guide.last_day)}."
    yield f"Medicare allowed amounts: {locality_text}."
    for note in guide_notes(guide):
        yield f"\n**{note}**"


def _change_lines(guide: Guide, earlier_guide: Guide | None, changes: Sequence[GuideChange]) -> Iterator[str]:
    if earlier_guide is None:
        return
    yield f"\n## What changed since {earlier_guide.release}\n"
    yield f"{len(changes):,} figures differ."
    for section, title in SECTION_NAMES.items():
        change_rows = [
            (change.key, change.what, change.before, change.after) for change in changes if change.section == section
        ]
        if change_rows:
            yield f"\n### {title}\n"
            yield from _table_lines(("", "figure", earlier_guide.release, guide.release), change_rows)


def _code_lines(guide: Guide) -> Iterator[str]:
    column_names = (
        *("Code", "Status", "Work RVU", "Total RVU, office", "Total RVU, facility", *amount_labels(guide)),
        *("Global days", "MUE (MAI)", "Add-on to", "Add-ons"),
    )
    for family in guide.families:
        yield f"\n## {capitalize_first(family.name)}\n"
        yield from _table_lines(column_names, map(_code_cells, family.codes))


def _code_cells(guide_code: GuideCode) -> Sequence[str]:
    mue_text = "" if guide_code.mue_value is None else f"{guide_code.mue_value} ({guide_code.mai})"
    primaries = [*guide_code.add_on_to, *(["primaries by contractor"] if guide_code.primaries_by_contractor else [])]
    rvu_values = (guide_code.work_rvu, guide_code.nonfacility_total_rvu, guide_code.facility_total_rvu)
    return (
        *(guide_code.name, guide_code.status_code, *map(str, rvu_values), *map(amount_text, guide_code.amounts)),
        *(guide_code.global_days, mue_text, ", ".join(primaries), ", ".join(guide_code.add_ons)),
    )


def _remaining_sections(guide: Guide) -> Iterator[str]:
    yield "\n## Bundled pairs\n"
    column_names = ("column 1 code", "indicator 0: never", "indicator 1: with a modifier")
    yield from _table_lines(
        column_names,
        ((bundle.column_one, " ".join(bundle.never), " ".join(bundle.with_modifier)) for bundle in guide.bundles),
    )
    yield "\n## Modifiers\n"
    modifier_rows = (
        (", ".join(modifier.names), modifier.on, modifier.says, modifier.source) for modifier in guide.modifiers
    )
    yield from _table_lines(("Modifier", "On", "What it says", "Source"), modifier_rows)
    yield "\n## Printed guides checked\n"
    statement_rows = (
        (
            VERDICT_NAMES[statement.verdict],
            f"{statement.guide}: {guide_heading(statement.heading)}",
            statement.says,
            f"{statement.why}{'. Right: ' if statement.right else ''}{statement.right}",
        )
        for verdict in VERDICT_NAMES
        for statement in guide.statements
        if statement.verdict == verdict
    )
    yield from _table_lines(("Verdict", "Where", "Guide says", "CMS says"), statement_rows)
    yield "\n## Source files\n"
    edition_rows = (
        (TABLE_NAMES[edition.table], edition.edition, edition.carried_from or "", ", ".join(edition.files))
        for edition in guide.editions
    )
    yield from _table_lines(("Table", "Edition", "Carried from", "Files"), edition_rows)


def _table_lines(column_names: Sequence[str], table_rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(column_names)} |"
    yield f"|{' --- |' * len(column_names)}"
    for table_row in table_rows:
        # chr(92) is the backslash, which an expression in an f-string may not hold before Python 3.12.
        yield f"| {' | '.join(cell_text.replace('|', chr(92) + '|') for cell_text in table_row)} |"
