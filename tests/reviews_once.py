"""For tests of many steps: the same review is made and rendered once, and the suite run once on the same snapshot.

That the same snapshots give the same review again, to the byte, the commands of test_first_signature show.
"""

from collections.abc import Collection, Sequence
from inspect import signature
from typing import Any

import polars as pl
import pytest

from codeset.review.folder import WORKBOOK, review_files
from codeset.review.forms.as_json import review_json
from codeset.review.make import make_review
from codeset.review.model import Review
from codeset.snapshot import Snapshot
from codeset.suite.guidance.guidance_files import Statement
from codeset.suite.run_suite import SuiteRun, run_suite
from codeset.suite.scenarios import Suite

_MAKING = ("codeset.review.make", "codeset.review.sign_off.read_review", "codeset.proposal.propose")
_WITHOUT_OPTIONS = {
    name: parameter.default
    for name, parameter in signature(make_review).parameters.items()
    if parameter.default is not parameter.empty
}
"""What `make_review` takes for an option that is not given: commands give them all, other callers some."""

_RENDERING = ("codeset.review.folder", "codeset.review.sign_off.read_review")


class ReviewsOnce:
    """Reviews, their files and the suite's runs, by the snapshots and all else that they were made of."""

    def __init__(self) -> None:
        self._results: dict[object, Any] = {}

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let `make_review` and what renders it return what they returned before of the same."""
        for module in _MAKING:
            monkeypatch.setattr(f"{module}.make_review", self._review)
        for module in _RENDERING:
            monkeypatch.setattr(f"{module}.review_files", self._files)
        monkeypatch.setattr("codeset.review.sign_off.read_review.review_json", self._json)
        monkeypatch.setattr("codeset.review.sign_off.approve.review_workbook", self._workbook)
        monkeypatch.setattr("codeset.suite.check_release.run_suite", self._run)

    def _review(
        self,
        old: Snapshot,
        new: Snapshot,
        suite: Suite,
        guidance: Sequence[Statement],
        *,
        claims: pl.DataFrame | None = None,
        history: Sequence[Snapshot] = (),
        new_run: SuiteRun | None = None,
        report_progress: object = None,
        **options: object,
    ) -> Review:
        manifests = [*map(_manifest, (old, new, *(history or (old, new))))]
        lines = None if claims is None else claims.rows()
        key = repr((manifests, suite.scenarios, guidance, lines, {**_WITHOUT_OPTIONS, **options}))
        if key not in self._results:
            self._results[key] = make_review(
                old, new, suite, guidance, claims=claims, history=history, new_run=new_run, **options
            )
        return self._results[key]

    def _run(self, suite: Suite, snapshot: Snapshot) -> SuiteRun:
        key = repr((_manifest(snapshot), suite.scenarios))
        if key not in self._results:
            self._results[key] = run_suite(suite, snapshot)
        return self._results[key]

    def _files(
        self, review: Review, report_progress: object = None, *, left_out: Collection[str] = ()
    ) -> list[tuple[str, bytes]]:
        key = review_files, id(review)
        if key not in self._results:
            self._results[key] = (review, list(review_files(review)))
        return [(name, content) for name, content in self._results[key][1] if name not in left_out]

    def _json(self, review: Review) -> str:
        key = review_json, id(review)
        if key not in self._results:
            self._results[key] = (review, review_json(review))
        return self._results[key][1]

    def _workbook(self, review: Review) -> bytes:
        return dict(self._files(review))[WORKBOOK]


def _manifest(snapshot: Snapshot) -> bytes:
    return (snapshot.path / "manifest.json").read_bytes()
