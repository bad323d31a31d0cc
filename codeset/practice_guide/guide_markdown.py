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


def guide_markdown(guide: Guide, old: Guide | None = None, changes: Sequence[GuideChange] = ()) -> str:
    """Return *guide* as Markdown, with its *changes* since *old*; the same guide gives the same text."""
    return "\n".join([*_header(guide), *_changes(guide, old, changes), *_codes(guide), *_rest(guide)]) + "\n"


def _header(guide: Guide) -> Iterator[str]:
    place = guide.locality_name if guide.locality == "national" else f"{guide.locality_name} ({guide.locality})"
    yield f"# Dermatology billing guide, {release_title(guide.release)}"
    yield ""
    yield f"Dates of service {us_date(guide.first_day)} to {us_date(guide.last_day)}."
    yield f"Medicare allowed amounts: {place}."
    for note in guide_notes(guide):
        yield f"\n**{note}**"


def _changes(guide: Guide, old: Guide | None, changes: Sequence[GuideChange]) -> Iterator[str]:
    if old is None:
        return
    yield f"\n## What changed since {old.release}\n"
    yield f"{len(changes):,} figures differ."
    for section, title in SECTION_NAMES.items():
        rows = [(c.key, c.what, c.before, c.after) for c in changes if c.section == section]
        if rows:
            yield f"\n### {title}\n"
            yield from _table(("", "figure", old.release, guide.release), rows)


def _codes(guide: Guide) -> Iterator[str]:
    header = (
        *("Code", "Status", "Work RVU", "Total RVU, office", "Total RVU, facility", *amount_labels(guide)),
        *("Global days", "MUE (MAI)", "Add-on to", "Add-ons"),
    )
    for family in guide.families:
        yield f"\n## {capitalize_first(family.name)}\n"
        yield from _table(header, map(_code, family.codes))


def _code(code: GuideCode) -> Sequence[str]:
    mue = "" if code.mue_value is None else f"{code.mue_value} ({code.mai})"
    primaries = [*code.add_on_to, *(["primaries by contractor"] if code.primaries_by_contractor else [])]
    rvus = (code.work_rvu, code.nonfacility_total_rvu, code.facility_total_rvu)
    return (
        *(code.name, code.status_code, *map(str, rvus), *map(amount_text, code.amounts)),
        *(code.global_days, mue, ", ".join(primaries), ", ".join(code.add_ons)),
    )


def _rest(guide: Guide) -> Iterator[str]:
    yield "\n## Bundled pairs\n"
    header = ("column 1 code", "indicator 0: never", "indicator 1: with a modifier")
    yield from _table(header, ((b.column_one, " ".join(b.never), " ".join(b.with_modifier)) for b in guide.bundles))
    yield "\n## Modifiers\n"
    modifiers = ((", ".join(m.names), m.on, m.says, m.source) for m in guide.modifiers)
    yield from _table(("Modifier", "On", "What it says", "Source"), modifiers)
    yield "\n## Printed guides checked\n"
    statements = (
        (
            VERDICT_NAMES[s.verdict],
            f"{s.guide}: {guide_heading(s.heading)}",
            s.says,
            f"{s.why}{'. Right: ' if s.right else ''}{s.right}",
        )
        for verdict in VERDICT_NAMES
        for s in guide.statements
        if s.verdict == verdict
    )
    yield from _table(("Verdict", "Where", "Guide says", "CMS says"), statements)
    yield "\n## Source files\n"
    editions = ((TABLE_NAMES[e.table], e.edition, e.carried_from or "", ", ".join(e.files)) for e in guide.editions)
    yield from _table(("Table", "Edition", "Carried from", "Files"), editions)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        # chr(92) is the backslash, which an expression in an f-string may not hold before Python 3.12.
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
