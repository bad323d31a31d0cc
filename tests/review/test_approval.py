"""The sign-off: a release passes only as it was signed, by someone who may, with every changed outcome decided."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from practice import practice

from codeset.errors import WrongUse
from codeset.releases import Release
from codeset.review.sign_off.approve import approve
from codeset.review.sign_off.gate import missing
from codeset.store import Store
from codeset.suite.check_release import accept_missing, check_release
from codeset.suite.goldens import goldens_folder
from codeset.suite.scenarios import load
from codeset_ingest.embedded import build_embedded

RELEASE = Release.parse("2026q3")
REVIEW = {
    "old": {"release": "2025q4"},
    "new": {"release": "2026q3"},
    "to_decide": [{"id": "scenario a-b", "says": "One"}, {"id": "code G2211", "says": "Another"}],
}


@dataclass(frozen=True)
class Place:
    """A folder in which a release was tried, accepted and reviewed."""

    folder: Path
    key: Path

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    def approve(self, *accepted: str, rejected: tuple[str, ...] = (), reason: str | None = "read") -> None:
        review, scenarios, approvals = (self.folder / name for name in ("review", "scenarios", "approvals"))
        decisions = {"accepted": accepted, "rejected": rejected, "reason": reason}
        approve(self.store.open(RELEASE), review, scenarios, approvals, key=self.key, by="A B, lead", **decisions)

    def missing(self) -> list[str]:
        """What the gate says of the release, the review lying where the approval names it."""
        return missing(self.store.open(RELEASE), None, self.folder / "scenarios", self.folder / "approvals")


def make_key(file: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)], check=True)
    return file


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    store = Store(folder / "store")
    build_embedded(RELEASE, store)
    scenarios = practice(folder)
    tested = check_release(load(scenarios), store.open(RELEASE), goldens_folder(scenarios))
    accept_missing(tested, folder / "approvals")
    (folder / "review").mkdir()
    (folder / "review" / "review.json").write_text(json.dumps(REVIEW))
    (folder / "review" / "review.html").write_text("<p>as read</p>")
    key = make_key(folder / "key")
    (folder / "approvals").mkdir()
    public = key.with_suffix(".pub").read_text().strip()
    (folder / "approvals" / "allowed_signers").write_text(f"lead@practice {public}\n")
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Place:
    shutil.copytree(made, tmp_path / "place")
    (tmp_path / "place" / "key").chmod(0o600)
    return Place(tmp_path / "place", tmp_path / "place" / "key")


def test_a_release_that_nobody_approved_does_not_pass(place):
    assert place.missing() == ["nobody approved 2026q3: codeset approve 2026q3 --review DIR --as NAME"]


def test_an_approved_release_passes(place):
    place.approve()
    assert place.missing() == []


def flip_last_byte(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("store/2026q3/ptp.parquet", "the snapshot is not as it was sealed: ptp.parquet: sha256"),
        ("review/review.html", "review.html of the review is not the one that was signed"),
    ],
)
def test_a_changed_byte_closes_the_gate(place, file, said):
    place.approve()
    flip_last_byte(place.folder / file)
    assert any(each.startswith(said) for each in place.missing())


def test_a_changed_manifest_closes_the_gate(place):
    place.approve()
    file = place.folder / "store/2026q3/manifest.json"
    file.write_text(file.read_text().replace('"rvu26c"', '"rvu26d"'))
    assert "the snapshot is not the one that was signed" in place.missing()


def test_a_golden_with_another_byte_closes_the_gate_though_it_says_the_same(place):
    place.approve()
    file = place.folder / "golden/2026q3.json"
    file.write_text(file.read_text() + "\n")
    assert place.missing() == ["the golden is not the one that was signed"]


def test_a_golden_that_says_something_else_closes_the_gate_as_the_suite_does(place):
    place.approve()
    file = place.folder / "golden/2026q3.json"
    file.write_text(file.read_text().replace('"disposition": "deny"', '"disposition": "pay"'))
    assert any("disposition: accepted pay, now deny" in each for each in place.missing())


def test_a_review_file_taken_away_or_added_closes_the_gate(place):
    place.approve()
    (place.folder / "review/review.html").rename(place.folder / "review/other.html")
    assert place.missing() == [
        f"{name} of the review is not the one that was signed" for name in ("other.html", "review.html")
    ]


def test_every_changed_outcome_is_decided_before_anything_is_signed(place):
    with pytest.raises(WrongUse, match=r"decide on each.*code G2211"):
        place.approve("scenario a-b=checked", reason=None)
    assert not (place.folder / "approvals/2026q3.json").exists()


def test_a_rejected_outcome_keeps_the_gate_closed(place):
    place.approve("scenario a-b=checked", rejected=("code G2211=not what CMS says",), reason=None)
    assert place.missing() == ["code G2211 is rejected: not what CMS says"]


def test_a_later_approval_is_added_and_counts(place):
    place.approve("scenario a-b=checked", rejected=("code G2211=not yet",), reason=None)
    place.approve()
    entries = json.loads((place.folder / "approvals/2026q3.json").read_text())["approvals"]
    assert [len(each["decisions"]) for each in entries] == [2, 2]
    assert place.missing() == []


def test_an_approval_that_was_changed_or_taken_out_is_found(place):
    place.approve()
    place.approve()
    file = place.folder / "approvals/2026q3.json"
    plain = json.loads(file.read_text())
    file.write_text(json.dumps({**plain, "approvals": plain["approvals"][1:]}))
    assert any("an approval was changed or removed" in each for each in place.missing())


def test_what_was_signed_cannot_be_changed_afterwards(place):
    place.approve()
    file = place.folder / "approvals/2026q3.json"
    file.write_text(file.read_text().replace("A B, lead", "C D, lead"))
    assert place.missing() == ["the signature of lead@practice is not good"]


def test_a_key_that_nobody_named_cannot_sign(place):
    other = make_key(place.folder / "other")
    with pytest.raises(WrongUse, match="does not name this key"):
        Place(place.folder, other).approve()
    assert not (place.folder / "approvals/2026q3.json").exists()


def test_a_signer_who_is_no_longer_named_closes_the_gate(place):
    place.approve()
    public = make_key(place.folder / "other").with_suffix(".pub").read_text().strip()
    (place.folder / "approvals/allowed_signers").write_text(f"other@practice {public}\n")
    assert place.missing() == ["the signature of lead@practice is not good"]


def test_a_review_of_another_release_cannot_be_signed(place):
    file = place.folder / "review/review.json"
    file.write_text(json.dumps({**REVIEW, "new": {"release": "2026q2"}}))
    with pytest.raises(WrongUse, match="is a review of 2026q2, not of 2026q3"):
        place.approve()


def test_a_signed_release_accepts_no_further_outcomes(place):
    place.approve()
    tested = check_release(load(place.folder / "scenarios"), place.store.open(RELEASE), place.folder / "golden")
    with pytest.raises(WrongUse, match="2026q3 is signed"):
        accept_missing(tested, place.folder / "approvals")
