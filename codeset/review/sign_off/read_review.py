"""A review as it was written, and the same review made anew from the snapshots, to see whether they agree.

What a person signs is then what CMS's data say, and not what somebody put into a file.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from codeset.atomic_write import restore_replaced
from codeset.errors import WrongUse
from codeset.review.folder import DATA, review_files
from codeset.review.forms.as_json import review_json
from codeset.review.make import make_review
from codeset.review.model import ChangeReportCheck, Review
from codeset.review.payments import NATIONAL
from codeset.store import Store
from codeset.suite.guidance.guidance_files import Statement
from codeset.suite.run_suite import SuiteRun
from codeset.suite.scenarios import Suite

Plain = Mapping[str, Any]
"""A review as `review.json` has it."""


def read_review(folder: Path) -> Plain:
    """Return `review.json` of the review in *folder*.

    Raises WrongUse: if there is none, or it is not one.
    """
    restore_replaced(folder)
    data_path = folder / DATA
    if not data_path.is_file():
        raise WrongUse(f"{folder}: there is no {DATA} in it; make one with: codeset review OLD NEW -o {folder}")
    try:
        review_document: Plain = json.loads(data_path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WrongUse(f"{data_path}: is not valid JSON ({error})") from error
    if not _is_review(review_document):
        raise WrongUse(f"{data_path}: is not a review; make it again with: codeset review OLD NEW -o {folder}")
    return review_document


def blockers(review: Plain) -> list[str]:
    """Return why *review* says that it is not ready to sign; one of an earlier version may not say."""
    return list(review.get("readiness", {}).get("blockers", ()))


def _is_review(review_document: Any) -> bool:
    """Whether *review_document* has what is read of a review here; those of earlier versions have it too."""
    try:
        _facts(review_document)
        checked_texts = (
            *(review_document[key]["release"] for key in ("old", "new")),
            review_document["place"]["locality"],
            *review_document["settings"],
        )
        outcome_ids = [outcome["id"] for outcome in review_document["to_decide"]]
        return all(isinstance(checked_text, str) for checked_text in (*checked_texts, *outcome_ids)) and isinstance(
            review_document["years"], list
        )
    except (KeyError, TypeError, AttributeError, IndexError):
        return False


def remake(
    review_document: Plain, store: Store, suite: Suite, guidance: tuple[Statement, ...], new_run: SuiteRun
) -> Review:
    """Return the review of *review_document* made anew from the snapshots in *store*, without a practice's own figures.

    *new_run* is that of *suite* on the new release.

    Raises StoreProblem: if the store does not hold both releases. WrongUse: as `make_review` does.
    """
    old_label, new_label = (review_document[key]["release"] for key in ("old", "new"))
    # Reviews from before code histories have none.
    history = review_document.get("history", [])
    # Each is opened once, for a snapshot's files are read whole to see that they are as they were sealed.
    snapshots = {label: store.open(label) for label in dict.fromkeys([old_label, new_label, *history])}
    locality, settings = review_document["place"]["locality"], review_document["settings"]
    return make_review(
        snapshots[old_label],
        snapshots[new_label],
        suite,
        guidance,
        locality=None if locality == NATIONAL else locality,
        # One setting was given with --setting; both are the default, which `make_review` has without one.
        setting=settings[0] if len(settings) == 1 else None,
        change_report=_change_report(review_document),
        history=[snapshots[label] for label in history],
        new_run=new_run,
    )


def _change_report(review_document: Plain) -> ChangeReportCheck | None:
    """The comparison with CMS's own report, whose file is not at hand."""
    report_entry = review_document.get("change_report")
    return ChangeReportCheck(report_entry["file"], report_entry["disagreements"]) if report_entry else None


_OWN_FIGURES = ("years", "claims")
_WITH_OWN_FIGURES = (
    *("headline", "impact_title", "impact", "gains", "losses", "movers_unit"),
    *("why", "actions", "counts", "limits", "rows"),
)
"""What a practice's volumes and claims add to, besides sections of their own; the rest follows from CMS's files."""


def has_own_figures(review_document: Plain) -> bool:
    """Return whether a practice's own volumes or claims are in the review *review_document*."""
    return any(review_document.get(name) for name in _OWN_FIGURES)


def differences(
    folder: Path, review_document: Plain, remade_review: Review, filled_in: Collection[str] = ()
) -> list[str]:
    """Return how the review in *folder* differs from *remade_review*, the same review made anew.

    Each of its files is compared byte for byte, apart from those that the approver has *filled_in*; other files are
    ignored. With a practice's own volumes or claims, which are not at hand, everything in the data that follows from
    CMS's files is.
    """
    if has_own_figures(review_document):
        faults = list(_differing_data(review_document, remade_review))
    else:
        faults = list(_differing_files(folder, review_document, remade_review, filled_in))
    if faults:
        releases = f"{remade_review.old.release} {remade_review.new.release}"
        faults.append(f"Make the review again, read it, then approve: codeset review {releases} -o {folder}")
    return faults


def _differing_files(
    folder: Path, review_document: Plain, remade_review: Review, filled_in: Collection[str]
) -> Iterator[str]:
    for file_name, content in review_files(remade_review, left_out=filled_in):
        file_path = folder / file_name
        if not file_path.is_file():
            yield f"{file_name} is missing"
        elif file_path.read_bytes() != content:
            if file_name == DATA:
                yield from _differing_data(review_document, remade_review)
            else:
                yield f"{file_name} is not what the snapshots of both releases give"


def _differing_data(review_document: Plain, remade_review: Review) -> Iterator[str]:
    expected_document = json.loads(review_json(remade_review))
    left_out = (*_OWN_FIGURES, *_WITH_OWN_FIGURES) if has_own_figures(review_document) else ()
    differing_keys = [
        key for key in expected_document if key not in left_out and review_document.get(key) != expected_document[key]
    ]
    if differing_keys or not left_out:
        yield f"{DATA} is not what the snapshots of both releases give: {', '.join(differing_keys) or 'its layout'}"


def differing_facts(review_document: Plain, remade_review: Review) -> list[str]:
    """Return which facts of CMS's in *review_document* are not those of *remade_review*.

    Sentences are not compared: a later version may word them differently, and an approval stays good.
    """
    signed_facts, expected_facts = _facts(review_document), _facts(json.loads(review_json(remade_review)))
    return [
        f"{fact_name} in the review are not what the snapshots of both releases give"
        for fact_name, expected_fact in expected_facts.items()
        if signed_facts[fact_name] != expected_fact
    ]


def _facts(review_document: Plain) -> dict[str, Any]:
    return {
        "the CMS files": [
            # Sorted: the order in which files were named does not count.
            [(release["release"], table["table"], sorted(file["sha256"] for file in table["files"]))]
            for release in (review_document["old"], review_document["new"])
            for table in release["editions"]
        ],
        "the conversion factors": review_document["changes"]["conversion_factors"],
        "the amounts": [
            (
                payment_row["hcpcs"],
                payment_row["modifier"],
                payment_row["setting"],
                payment_row["before"]["cents"],
                payment_row["after"]["cents"],
            )
            for table in review_document["payments"]
            for payment_row in table["rows"]
        ],
    }
