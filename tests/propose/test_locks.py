"""The locks of the main branch and of the quarters' branches: joined to look for news, parted again for one branch."""

import json

import pytest

from codeset.errors import StoreProblem
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.cms_site import lock as locks
from codeset_ingest.fetch_and_build import FetchOptions
from codeset_ingest.update_quarter import join_locks, lock_for_branch, release_to_review

Q3, Q4, Q1 = (Release.parse(label) for label in ("2026q3", "2026q4", "2027q1"))


def lock(*labels: str) -> bytes:
    file = {"publication": "mue", "edition": "mue", "name": "mue.zip", "url": "https://x/mue.zip", "page": "https://x/"}
    file |= {"size": 1, "sha256": "0" * 64, "etag": None, "last_modified": None}
    return json.dumps({"version": 1, "releases": {label: [file] for label in labels}}).encode()


def labels(text: bytes) -> list[str]:
    return list(json.loads(text)["releases"])


def test_a_branch_counts_for_its_own_quarter_only():
    joint_lock = join_locks(
        lock("2026q3"), {Q4: lock("2026q3", "2026q4", "2026q4r1"), Q3: lock("2026q3", "2026q3r1", "2026q4")}
    )
    assert sorted(map(str, joint_lock.releases)) == ["2026q3", "2026q3r1", "2026q4", "2026q4r1"]


def test_without_a_lock_on_main_there_is_nothing_but_the_branches():
    assert join_locks(None, {}).releases == {}
    assert list(join_locks(None, {Q4: lock("2026q4")}).releases) == [Q4]


def test_a_branch_does_not_take_later_quarters_along_that_main_has_not():
    both = join_locks(lock("2026q3"), {Q4: lock("2026q4"), Q3: lock("2026q3r1")})
    assert labels(lock_for_branch(both, lock("2026q3"), Q3)) == ["2026q3", "2026q3r1"]
    assert labels(lock_for_branch(both, lock("2026q3"), Q1)) == ["2026q3", "2026q3r1", "2026q4"]
    assert labels(lock_for_branch(both, lock("2026q3", "2026q4"), Q3)) == ["2026q3", "2026q3r1", "2026q4"]


def test_what_is_no_lock_is_reported_with_the_branch_that_it_is_on():
    with pytest.raises(StoreProblem, match="the lock of 2026q4's branch: cannot be read"):
        join_locks(None, {Q4: b"<<<<<<< HEAD"})


@pytest.mark.parametrize(
    ("branch", "release"),
    [
        ("", "2027q1"),
        ("main", "2027q1"),
        ("release/2026q4", "2026q4r1"),
        ("release/2027q1", "2027q1"),
        ("release/notes", "2027q1"),
    ],
)
def test_a_release_s_branch_is_about_its_quarter_and_any_other_about_the_newest(tmp_path, branch, release):
    file = tmp_path / locks.NAME
    file.write_bytes(lock("2026q3", "2026q4", "2026q4r1", "2027q1"))
    assert str(release_to_review(FetchOptions(Store(tmp_path), lock=file), branch)) == release


def test_a_quarter_that_nothing_pins_is_not_judged(tmp_path):
    assert release_to_review(FetchOptions(Store(tmp_path)), "release/2026q4") is None


def with_counts(text: bytes, **counts: int) -> bytes:
    plain = json.loads(text)
    plain["approvals"] = {label: {"count": count, "sha256": f"{count}" * 64} for label, count in counts.items()}
    return json.dumps(plain).encode()


def test_the_last_approval_of_a_release_goes_with_its_lock():
    """A branch counts for its own quarter; of two records, the later approval."""
    main = with_counts(lock("2026q3"), **{"2026q3": 2})
    branch = with_counts(lock("2026q3", "2026q4"), **{"2026q3": 1, "2026q4": 1})
    both = join_locks(main, {Q4: branch, Q3: with_counts(lock("2026q3"), **{"2026q3": 3})})
    assert {str(release): head.count for release, head in both.approvals.items()} == {"2026q3": 3, "2026q4": 1}
    assert set(json.loads(lock_for_branch(both, main, Q3))["approvals"]) == {"2026q3"}
    assert "approvals" not in json.loads(lock_for_branch(join_locks(lock("2026q3"), {}), None, Q3))
