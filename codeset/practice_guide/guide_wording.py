"""The words of the practice guide, the same on the page and in Markdown."""

from codeset.practice_guide.guide import Guide
from codeset.practice_guide.guide_changes import amount_label, participants_of
from codeset.suite.guidance.run_guidance import Verdict
from codeset.wording import capitalize_first

SECTION_NAMES = {"codes": "Codes", "bundles": "Bundled pairs", "statements": "Printed guides"}
TABLE_NAMES = {
    "mpfs": "Physician fee schedule",
    "gpci": "GPCIs",
    "ptp": "NCCI PTP edits",
    "mue": "MUEs",
    "add_on": "Add-on code edits",
}
VERDICT_NAMES = {
    Verdict.CONTRADICTED.value: "wrong",
    Verdict.NOT_DECIDABLE.value: "not decidable from CMS's files",
    Verdict.CONFIRMED.value: "right",
}
"""The verdicts, what a reader must see first, and what they are called."""


def amount_labels(guide: Guide) -> list[str]:
    """Return the names of the amounts that each code has, in their order."""
    amounts, participants = guide.codes[0].amounts if guide.codes else (), participants_of(guide)
    labels = (amount_label(amount.setting, amount.participant, participants) for amount in amounts)
    return [capitalize_first(label) for label in labels]


def guide_notes(guide: Guide) -> list[str]:
    """Return what a reader must know before trusting the guide: tables that are carried from an earlier release."""
    return [
        f"{TABLE_NAMES[edition.table]}: carried from {edition.carried_from}; CMS's changes since then are not included."
        for edition in guide.editions
        if edition.carried_from
    ]
