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
    file = folder / DATA
    if not file.is_file():
        raise WrongUse(f"{folder}: there is no {DATA} in it; make one with: codeset review OLD NEW -o {folder}")
    try:
        plain: Plain = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WrongUse(f"{file}: is not valid JSON ({error})") from error
    if not _is_review(plain):
        raise WrongUse(f"{file}: is not a review; make it again with: codeset review OLD NEW -o {folder}")
    return plain


def blockers(review: Plain) -> list[str]:
    """Return why *review* says that it is not ready to sign; one of an earlier version may not say."""
    return list(review.get("readiness", {}).get("blockers", ()))


def _is_review(plain: Any) -> bool:
    """Whether *plain* has what is read of a review here; those of earlier versions have it too."""
    try:
        _facts(plain)
        names = (*(plain[name]["release"] for name in ("old", "new")), plain["place"]["locality"], *plain["settings"])
        ids = [outcome["id"] for outcome in plain["to_decide"]]
        return all(isinstance(text, str) for text in (*names, *ids)) and isinstance(plain["years"], list)
    except (KeyError, TypeError, AttributeError, IndexError):
        return False


def remake(plain: Plain, store: Store, suite: Suite, guidance: tuple[Statement, ...], new_run: SuiteRun) -> Review:
    """Return the review that *plain* says it is, made from the snapshots in *store*, without a practice's own figures.

    *new_run* is that of *suite* on the new release.

    Raises StoreProblem: if the store does not hold both releases. WrongUse: as `make_review` does.
    """
    old, new = (store.open(plain[name]["release"]) for name in ("old", "new"))
    locality, settings = plain["place"]["locality"], plain["settings"]
    return make_review(
        old,
        new,
        suite,
        guidance,
        locality=None if locality == NATIONAL else locality,
        setting=settings[0] if len(settings) == 1 else None,
        change_report=_change_report(plain),
        history=[store.open(release) for release in plain.get("history", [])],
        new_run=new_run,
    )


def _change_report(plain: Plain) -> ChangeReportCheck | None:
    """The comparison with CMS's own report, whose file is not at hand."""
    report = plain.get("change_report")
    return ChangeReportCheck(report["file"], report["disagreements"]) if report else None


_OWN_FIGURES = ("years", "claims")
_WITH_OWN_FIGURES = (
    *("headline", "impact_title", "impact", "gains", "losses", "movers_unit"),
    *("why", "actions", "counts", "limits", "rows"),
)
"""What a practice's volumes and claims add to, besides sections of their own; the rest follows from CMS's files."""


def has_own_figures(plain: Plain) -> bool:
    """Return whether a practice's own volumes or claims are in the review *plain*."""
    return any(plain.get(name) for name in _OWN_FIGURES)


def differences(folder: Path, plain: Plain, remade: Review, filled_in: Collection[str] = ()) -> list[str]:
    """Return how the review in *folder* differs from *remade*, the same review made anew.

    Each of its files is compared byte for byte, apart from those that the approver has *filled_in*; other files are
    ignored. With a practice's own volumes or claims, which are not at hand, everything in the data that follows from
    CMS's files is.
    """
    if has_own_figures(plain):
        faults = list(_differing_data(plain, remade))
    else:
        faults = list(_differing_files(folder, plain, remade, filled_in))
    if faults:
        releases = f"{remade.old.release} {remade.new.release}"
        faults.append(f"Make the review again, read it, then approve: codeset review {releases} -o {folder}")
    return faults


def _differing_files(folder: Path, plain: Plain, remade: Review, filled_in: Collection[str]) -> Iterator[str]:
    for name, content in review_files(remade):
        file = folder / name
        if name in filled_in:
            continue
        if not file.is_file():
            yield f"{name} is missing"
        elif file.read_bytes() != content:
            if name == DATA:
                yield from _differing_data(plain, remade)
            else:
                yield f"{name} is not what the snapshots of both releases give"


def _differing_data(plain: Plain, remade: Review) -> Iterator[str]:
    expected = json.loads(review_json(remade))
    left_out = (*_OWN_FIGURES, *_WITH_OWN_FIGURES) if has_own_figures(plain) else ()
    names = [name for name in expected if name not in left_out and plain.get(name) != expected[name]]
    if names or not left_out:
        yield f"{DATA} is not what the snapshots of both releases give: {', '.join(names) or 'its layout'}"


def differing_facts(plain: Plain, remade: Review) -> list[str]:
    """Return which facts of CMS's in *plain* are not those of *remade*.

    Sentences are not compared: a later version may word them otherwise, and an approval stays good.
    """
    facts, expected_facts = _facts(plain), _facts(json.loads(review_json(remade)))
    return [
        f"{name} in the review are not what the snapshots of both releases give"
        for name, value in expected_facts.items()
        if facts[name] != value
    ]


def _facts(plain: Plain) -> dict[str, Any]:
    return {
        "the CMS files": [
            [(release["release"], table["table"], sorted(file["sha256"] for file in table["files"]))]
            for release in (plain["old"], plain["new"])
            for table in release["editions"]
        ],
        "the conversion factors": plain["changes"]["conversion_factors"],
        "the amounts": [
            (row["hcpcs"], row["modifier"], row["setting"], row["before"]["cents"], row["after"]["cents"])
            for table in plain["payments"]
            for row in table["rows"]
        ],
    }
