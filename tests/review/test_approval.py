"""The sign-off: a release passes only as it was signed, by someone who may, with every changed outcome decided."""

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest
import reviewed
from filelock import FileLock
from openpyxl import load_workbook
from practice import SCENARIOS, practice
from reviews_once import ReviewsOnce

from codeset.errors import WrongUse
from codeset.releases import Release
from codeset.review.decision_basis import basis_digest
from codeset.review.folder import DATA, write_review
from codeset.review.forms.as_json import review_json
from codeset.review.make import make_review
from codeset.review.sign_off import approval
from codeset.review.sign_off.approval import append_approval, head_of, read_approvals
from codeset.review.sign_off.approve import approve
from codeset.review.sign_off.decisions import option_entries
from codeset.review.sign_off.gate import GateResult, gate, pass_lines
from codeset.snapshot import digest
from codeset.store import Store
from codeset.suite.check_release import accept_missing, check_release
from codeset.suite.goldens import goldens_folder
from codeset.suite.scenarios import load

OLD, NEW = Release.parse("2025q4"), Release.parse("2026q3")

COMPLEXITY = """
- id: complexity-add-on-alone
  says: G2211 without a visit is denied
  source: {document: NCCI add-on, row: G2211/99213}
  twin: complexity-add-on-beside-a-visit
  claim: {lines: [{hcpcs: G2211}]}
  expect: {lines: [{disposition: deny, edit: add_on}]}

- id: complexity-add-on-beside-a-destruction
  says: G2211 is denied beside a destruction without a visit
  source: {document: NCCI add-on, row: G2211/99213}
  twin: complexity-add-on-beside-a-visit
  claim: {lines: [{hcpcs: 17000}, {hcpcs: G2211}]}
  expect: {lines: [{disposition: pay}, {disposition: deny, edit: add_on}]}

- id: complexity-add-on-beside-a-visit
  says: G2211 is paid beside an office visit
  source: {document: NCCI add-on, row: G2211/99213}
  claim: {lines: [{hcpcs: 99213}, {hcpcs: G2211}]}
  expect: {lines: [{disposition: pay}, {disposition: pay}]}
"""
"""The primary codes of G2211 change on 2026-01-01, and with them the reason of each denial: two decisions."""
ALONE, BESIDE = "scenario complexity-add-on-alone", "scenario complexity-add-on-beside-a-destruction"


@dataclass(frozen=True)
class Place:
    """A folder in which a release was tried, accepted and reviewed."""

    folder: Path

    @property
    def approvals(self) -> Path:
        return self.folder / "approvals"

    @property
    def file(self) -> Path:
        return self.approvals / "2026q3.json"

    @property
    def store(self) -> Store:
        return Store(self.folder / "store")

    def approve(
        self,
        *accepted: str,
        rejected: tuple[str, ...] = (),
        reason: str | None = "read",
        key: str = "key",
        **texts: object,
    ) -> None:
        entries = [*option_entries("accept", accepted), *option_entries("reject", rejected)]
        decisions = {"entries": entries, "reason": reason}
        signing = {"key": self.folder / key, "by": "A B, lead", **texts}
        review, scenarios = self.folder / "review", self.folder / "scenarios"
        approve(self.store, NEW, review, scenarios, (), self.approvals, **signing, **decisions)

    def gate(self, **options: object) -> GateResult:
        """What the gate says of the release; the review is where the approval names it."""
        return gate(self.store, NEW, self.folder / "scenarios", (), self.approvals, **options)

    def missing(self) -> tuple[str, ...]:
        return self.gate().missing

    def allow(self, *lines: str) -> None:
        (self.approvals / "allowed_signers").write_text("".join(f"{line}\n" for line in lines))

    def public(self, key: str = "key") -> str:
        return (self.folder / f"{key}.pub").read_text().strip()

    def new_key(self, name: str, *options: str) -> str:
        kind = options or ("-t", "ed25519")
        command = ["ssh-keygen", "-q", *kind, "-N", "", "-C", "", "-f", str(self.folder / name)]
        subprocess.run(command, check=True, timeout=240)
        return self.public(name)

    def rewrite(self, change: Callable[[dict], object]) -> None:
        """Change the file of approvals as somebody might who cannot sign."""
        plain = json.loads(self.file.read_text())
        change(plain)
        self.file.write_text(json.dumps(plain))


@pytest.fixture(scope="session")
def signed_place(once: Callable[[str, Callable[[Path], Path]], Path]) -> Path:
    return once("signed", to_be_signed)


def to_be_signed(folder: Path) -> Path:
    """Try, accept and review a release in *folder*, with a key that may sign it."""
    store = reviewed.short_store(folder)
    scenarios = practice(folder, SCENARIOS + COMPLEXITY)
    documents = "NCCI PTP practitioner: {table: ptp}\nNCCI add-on: {table: add_on}\n"
    (scenarios / "documents.yaml").write_text(documents)
    check = check_release(load(scenarios), store.open(NEW), goldens_folder(scenarios))
    accept_missing(check, folder / "approvals")
    review = make_review(store.open(OLD), store.open(NEW), load(scenarios), ())
    write_review(review, folder / "review")
    place = Place(folder)
    place.approvals.mkdir()
    place.allow(f"lead@practice {place.new_key('key')}")
    return folder


@pytest.fixture
def place(signed_place: Path, tmp_path: Path, reviews_once: ReviewsOnce, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A copy of that folder. Of the same snapshots the suite is run, and the review made anew and rendered, once."""
    reviews_once.patch(monkeypatch)
    shutil.copytree(signed_place, tmp_path / "place")
    (tmp_path / "place" / "key").chmod(0o600)
    return Place(tmp_path / "place")


def test_a_release_that_nobody_approved_does_not_pass(place):
    assert place.missing() == ("2026q3 has not been approved: codeset approve 2026q3 --review DIR --as NAME",)
    assert place.gate().approval is None


def test_an_approved_release_passes(place):
    place.approve()
    assert place.missing() == ()


def test_the_gate_says_who_approved_when_with_which_key_and_compared_with_what(place):
    place.approve(note="Read with the coders")
    result = place.gate()
    command = ["ssh-keygen", "-l", "-f", str(place.folder / "key.pub")]
    key = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout.split()[1]
    entry = json.loads(place.file.read_text())["approvals"][0]
    plain = result.plain()
    assert plain["approval"] == {
        "signer": "lead@practice",
        "by": "A B, lead",
        "at": entry["at"],
        "note": "Read with the coders",
        "compared_with": "2025q4",
        "decisions": entry["decisions"],
        "key": key,
    }
    assert (plain["passes"], plain["missing"]) == (True, [])
    lines = pass_lines(result).splitlines()
    assert lines[0].startswith("PASS: 2026q3 approved by lead@practice (A B, lead) on ")
    assert lines[0].endswith(" UTC, compared with 2025q4")
    assert key in lines[1]


def flip_last_byte(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("release", ["2025q4", "2026q3"])
def test_a_changed_byte_of_either_snapshot_closes_the_gate(place, release):
    place.approve()
    flip_last_byte(place.folder / f"store/{release}/ptp.parquet")
    assert any("ptp.parquet" in fault for fault in place.missing())


def test_another_content_of_the_snapshot_closes_the_gate(place):
    place.approve()
    file = place.folder / "store/2026q3/manifest.json"
    file.write_text(file.read_text().replace('"rvu26c"', '"rvu26d"'))
    assert place.missing()


def test_another_version_of_the_tool_does_not(place):
    """Only the versions in `made_by` differ, as after an upgrade that seals the same files again."""
    place.approve()
    upgrade(place)
    assert place.missing() == ()


UPGRADED = {"derm-codeset": "9.9.9", "polars": "9.9"}


def upgrade(place: Place) -> None:
    for release in (OLD, NEW):
        file = place.folder / f"store/{release}/manifest.json"
        manifest = place.store.open(release).manifest
        file.chmod(0o600)
        file.write_text(replace(manifest, made_by=UPGRADED).to_json())


def first_form(place: Place) -> dict:
    """An entry as version 0.1.0 made it: it signed the manifest as it was on disk, and every file of the folder."""
    (place.folder / "review/notes.txt").write_text("read with the coders")
    files = {file.name: digest(file) for file in (place.folder / "review").iterdir()}
    golden = place.folder / "golden/2026q3.json"
    outcome_ids = [
        outcome["id"] for outcome in json.loads((place.folder / "review/review.json").read_text())["to_decide"]
    ]
    by_first_version = {"derm-codeset": "0.1.0", "polars": "2.1.0"}
    manifest = replace(place.store.open(NEW).manifest, made_by=by_first_version).sha256_before_formats()
    return {
        "by": "A B, lead",
        "at": "2026-07-15T12:00:00Z",
        "note": "",
        "compared_with": "2025q4",
        "review_folder": "review",
        "digests": {"snapshot": manifest, "golden": digest(golden), "review": files},
        "decisions": [{"outcome": outcome, "decision": "accepted", "reason": "read"} for outcome in outcome_ids],
    }


def test_an_approval_of_the_first_version_stays_good(place):
    append_approval(first_form(place), place.approvals, NEW, place.folder / "key")
    assert place.missing() == ()
    (place.folder / "review/notes.txt").write_text("")
    assert place.missing() == ("notes.txt of the review was changed after signing",)


def test_an_approval_of_the_first_version_stays_good_when_a_later_one_seals_the_same_files(place):
    append_approval(first_form(place), place.approvals, NEW, place.folder / "key")
    upgrade(place)
    assert place.missing() == ()


def test_a_snapshot_sealed_anew_with_another_content_closes_the_gate(place):
    place.approve()
    snapshot = place.store.open(NEW)
    tables = {name: snapshot.table(name) for name in snapshot.manifest.tables}
    tables["gpci"] = tables["gpci"].head(-1)
    place.store.seal(snapshot.manifest, tables, "read otherwise")
    assert "the snapshot of 2026q3 is not the one that was signed" in place.missing()


def test_an_approval_passes_when_a_later_version_seals_the_same_files(place, monkeypatch):
    place.approve()
    shutil.rmtree(place.folder / "store")
    monkeypatch.setattr("codeset.manifest.version", UPGRADED.__getitem__)
    for release in (OLD, NEW):
        reviewed.seal_codes(release, place.store)
    assert place.store.open(NEW).manifest.made_by == UPGRADED
    assert place.missing() == ()


def test_a_golden_with_another_byte_closes_the_gate_though_it_says_the_same(place):
    place.approve()
    file = place.folder / "golden/2026q3.json"
    file.write_text(file.read_text() + "\n")
    assert place.missing() == ("the accepted outcomes (2026q3.json) were changed after signing",)


def test_a_golden_that_says_something_else_closes_the_gate_as_the_suite_does(place):
    place.approve()
    file = place.folder / "golden/2026q3.json"
    file.write_text(file.read_text().replace('"disposition": "deny"', '"disposition": "pay"'))
    assert any("disposition: accepted pay, now deny" in fault for fault in place.missing())


def test_a_changed_file_of_the_review_is_distinguished_from_a_missing_and_an_added_one(place):
    (place.folder / "review/review.md").unlink()
    with pytest.raises(WrongUse, match=r"review\.md is missing"):
        place.approve()
    shutil.copyfile(place.folder / "review/review.xlsx", place.folder / "review/review.md")
    with pytest.raises(WrongUse, match=r"review\.md is not what the snapshots of both releases give"):
        place.approve()


def test_the_gate_tells_changed_missing_and_added_files_apart(place):
    place.approve()
    flip_last_byte(place.folder / "review/review.html")
    (place.folder / "review/review.md").unlink()
    assert place.missing() == (
        "review.html of the review was changed after signing",
        "review.md of the review is missing; it was signed",
    )


def test_files_of_others_in_the_review_s_folder_are_ignored(place):
    (place.folder / "review/notes.txt").write_text("mine")
    place.approve()
    (place.folder / "review/notes.txt").write_text("mine, later")
    (place.folder / "review/.DS_Store").write_text("")
    assert place.missing() == ()
    assert "notes.txt" not in place.file.read_text()


def test_every_changed_outcome_is_decided_before_anything_is_signed(place):
    with pytest.raises(WrongUse, match=rf"decide on each.*{ALONE}"):
        place.approve(f"{BESIDE}=checked", reason=None)
    assert not place.file.exists()


def test_a_file_of_decisions_is_signed_as_it_says(place):
    review = json.loads((place.folder / "review/review.json").read_text())
    decisions = [{"outcome": str(n), "decision": "accept", "reason": "as CMS published"} for n in range(2, 20)]
    decisions = decisions[: len(review["to_decide"]) - 1]
    file = place.folder / "decisions.json"
    file.write_text(json.dumps({"review": basis_digest(review), "decisions": decisions}))
    with pytest.raises(WrongUse, match="decide on each"):
        place.approve(reason=None, decisions_file=file)
    first = review["to_decide"][0]["id"]
    place.approve(f"{first}=read", reason=None, decisions_file=file)
    assert place.missing() == ()
    (entry,) = json.loads(place.file.read_text())["approvals"]
    assert [decision["reason"] for decision in entry["decisions"]] == ["read", *["as CMS published"] * len(decisions)]
    with pytest.raises(WrongUse, match=r"is decided twice: decisions\.json, line .*, and --accept"):
        place.approve("2=read", reason="read", decisions_file=file)


@pytest.fixture(scope="session")
def filled_in(signed_place: Path) -> dict[str | None, tuple[bytes, int]]:
    """The workbook with everything accepted on the sheet "decide", as a spreadsheet program saves it; its rows' count.

    Twice: with a reason for each, and without any.
    """
    book = load_workbook(signed_place / "review/review.xlsx")
    rows = list(book["decide"].iter_rows())
    header = next(place for place, row in enumerate(rows) if row[0].value == "number")
    columns = {cell.value: place for place, cell in enumerate(rows[header])}
    saved_files = {}
    for reason in ("as CMS published", None):
        for row in rows[header + 1 :]:
            row[columns["decision"]].value, row[columns["reason"]].value = "accept", reason
        stream = io.BytesIO()
        book.save(stream)
        saved_files[reason] = stream.getvalue(), len(rows) - header - 1
    return saved_files


def test_the_workbook_can_be_filled_in_where_it_is(place, filled_in):
    """The filled-in one is kept beside the review; the review's own is as it was made, so the gate can check it."""
    workbook = place.folder / "review/review.xlsx"
    workbook_bytes = workbook.read_bytes()
    content, count = filled_in["as CMS published"]
    workbook.write_bytes(content)
    place.approve(reason=None, decisions_file=workbook)
    assert workbook.read_bytes() == workbook_bytes
    assert (place.folder / "review-decisions.xlsx").read_bytes() == content
    assert len(json.loads(place.file.read_text())["approvals"][0]["decisions"]) == count > 0
    assert place.missing() == ()


def test_a_filled_in_workbook_without_reasons_changes_nothing(place, filled_in):
    workbook = place.folder / "review/review.xlsx"
    content, _ = filled_in[None]
    workbook.write_bytes(content)
    with pytest.raises(WrongUse, match=r"review\.xlsx, row \d+: .*: the reason is missing"):
        place.approve(reason=None, decisions_file=workbook)
    assert (workbook.read_bytes(), place.file.exists()) == (content, False)


def test_a_rejected_outcome_keeps_the_gate_closed(place):
    place.approve(rejected=(f"{ALONE}=not what CMS says",))
    assert place.missing() == (f"{ALONE} is rejected: not what CMS says",)


def test_a_later_approval_is_added_and_counts(place):
    place.approve(rejected=(f"{ALONE}=not yet",))
    place.approve()
    entries = json.loads(place.file.read_text())["approvals"]
    assert len(entries) == 2
    assert place.missing() == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain.update(to_decide=[]),
        lambda plain: plain["to_decide"].pop(),
        lambda plain: plain["payments"][0]["rows"][0]["after"].update(cents=1),
        lambda plain: plain["changes"]["tables"]["mue"].update(added=[]),
        lambda plain: plain.update(headline="No change."),
    ],
    ids=["no decisions", "one decision less", "another amount", "a changed row less", "another headline"],
)
def test_a_review_that_the_snapshots_do_not_give_is_not_signed(place, change):
    file = place.folder / "review/review.json"
    plain = json.loads(file.read_text())
    change(plain)
    file.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    with pytest.raises(WrongUse, match=r"review\.json is not what the snapshots of both releases give"):
        place.approve()
    assert not place.file.exists()


def test_a_stub_of_a_review_is_not_signed(place):
    stub = {"old": {"release": "2025q4"}, "new": {"release": "2026q3"}, "to_decide": []}
    (place.folder / "review/review.json").write_text(json.dumps(stub))
    with pytest.raises(WrongUse, match="is not a review"):
        place.approve()


def test_a_review_made_on_another_store_is_not_signed(place):
    """In that store 88346 has an MUE of 99: as somebody's own build might."""
    reviewed.restate_mue(place.store.open(NEW), place.folder / "elsewhere/2026q3", hcpcs="88346", mue_value=99)
    elsewhere = Store(place.folder / "elsewhere").open(NEW)
    review = make_review(place.store.open(OLD), elsewhere, load(place.folder / "scenarios"), ())
    (place.folder / "review" / DATA).write_text(review_json(review))
    with pytest.raises(WrongUse, match=r"review\.json is not what the snapshots of both releases give: .*changes"):
        place.approve()


def test_the_gate_makes_the_review_anew_too(place):
    """Somebody signs, by another tool, a review whose decisions were emptied."""
    place.approve()
    plain = json.loads(place.file.read_text())["approvals"][0]
    own = ("signer", "signature", "previous")
    entry = {name: value for name, value in plain.items() if name not in own} | {"decisions": []}
    place.file.unlink()
    append_approval(entry, place.approvals, NEW, place.folder / "key")
    assert any(fault == f"nobody decided on {ALONE}" for fault in place.missing())


def test_a_review_with_volumes_and_a_locality_is_made_anew_without_the_volumes(place):
    """The practice's own figures rest on files that are not at hand; what follows from CMS's files is compared."""
    volumes = reviewed.practice_volumes(place.folder)
    review = make_review(
        place.store.open(OLD),
        place.store.open(NEW),
        load(place.folder / "scenarios"),
        (),
        volumes=volumes,
        locality="01112-05",
        setting="facility",
    )
    file = place.folder / "review/review.json"
    file.write_text(review_json(review))
    place.approve()
    assert place.missing() == ()
    plain = json.loads(file.read_text())
    file.write_text(json.dumps(plain | {"to_decide": []}))
    with pytest.raises(WrongUse, match="give: to_decide"):
        place.approve()


def test_a_release_whose_earlier_one_is_not_there_cannot_pass(place):
    place.approve()
    shutil.rmtree(place.folder / "store/2025q4")
    assert any("2025q4" in fault for fault in place.missing())


def test_a_review_of_another_release_cannot_be_signed(place):
    file = place.folder / "review/review.json"
    plain = json.loads(file.read_text())
    file.write_text(json.dumps({**plain, "new": {**plain["new"], "release": "2026q2"}}))
    with pytest.raises(WrongUse, match="is a review of 2026q2, not of 2026q3"):
        place.approve()


def test_a_signed_release_accepts_no_further_outcomes(place):
    place.approve()
    check = check_release(load(place.folder / "scenarios"), place.store.open(NEW), place.folder / "golden")
    with pytest.raises(WrongUse, match="2026q3 is signed"):
        accept_missing(check, place.approvals)


# The file of approvals


def test_an_approval_that_was_changed_or_taken_out_is_found(place):
    place.approve()
    place.approve()
    place.rewrite(lambda plain: plain["approvals"].pop(0))
    assert any("an approval was changed or removed" in fault for fault in place.missing())


def test_approvals_of_another_release_are_not_this_one_s(place):
    place.approve()
    place.rewrite(lambda plain: plain.update(release="2026q2"))
    assert any("holds the approvals of 2026q2, not of 2026q3" in fault for fault in place.missing())


def test_a_repeated_name_in_the_file_is_refused(place):
    """One JSON reader takes the first value, another the last."""
    place.approve()
    text = place.file.read_text()
    place.file.write_text(text.replace('"by":', '"by": "C D, owner",\n      "by":', 1))
    assert any("'by' is repeated" in fault for fault in place.missing())


def test_what_was_signed_cannot_be_changed_afterwards(place):
    place.approve()
    place.file.write_text(place.file.read_text().replace("A B, lead", "C D, lead"))
    (fault,) = place.missing()
    assert fault.startswith("the signature of lead@practice is not good")


def git(folder: Path, *arguments: str) -> None:
    git_settings = ["-c", "user.name=A", "-c", "user.email=a@practice.example", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *git_settings, "-C", str(folder), *arguments], check=True, capture_output=True, timeout=60)


def test_the_last_approval_taken_out_is_found_by_what_the_branch_recorded(place):
    git(place.folder, "init", "--quiet")
    place.approve(reason="first")
    place.approve(rejected=(f"{ALONE}=no",), reason="second")
    git(place.folder, "add", "approvals")
    git(place.folder, "commit", "--quiet", "-m", "Two approvals")
    place.rewrite(lambda plain: plain["approvals"].pop())
    (fault,) = place.missing()
    assert fault.startswith("approval 2 of lead@practice")
    assert "was removed; commit" in fault
    place.file.unlink()
    assert sum("was removed; commit" in fault for fault in place.missing()) == 2


def test_what_nobody_signed_can_be_taken_back_from_the_branch(place):
    """Anybody can commit a line that nobody signed: taking it back must not close the gate for good."""
    git(place.folder, "init", "--quiet")
    place.approve()
    good = place.file.read_text()
    place.rewrite(lambda plain: plain["approvals"][0].update(by="C D, owner"))
    git(place.folder, "add", "approvals")
    git(place.folder, "commit", "--quiet", "-m", "A forged approval")
    place.file.write_text(good)
    assert place.missing() == ()


def test_the_last_approval_taken_out_is_found_by_the_head_that_the_lock_records(place):
    place.approve()
    place.approve(rejected=(f"{ALONE}=no",))
    head = head_of(read_approvals(place.approvals, NEW))
    assert place.gate(heads=[head]).missing == (f"{ALONE} is rejected: no",)
    place.rewrite(lambda plain: plain["approvals"].pop())
    assert place.gate(heads=[head]).missing == (
        "an approval was removed or replaced: 2 are recorded in the lock, 1 are left",
    )


def test_nothing_is_signed_on_top_of_an_approval_that_was_taken_out(place):
    """Else the record would name the new one, and the removed one would never be missed."""
    place.approve(rejected=(f"{ALONE}=no",))
    head = head_of(read_approvals(place.approvals, NEW))
    place.file.unlink()
    with pytest.raises(WrongUse, match="an approval was removed or replaced: 1 are recorded in the lock, 0 are left"):
        place.approve(heads=[head])
    assert not place.file.exists()


ENTRY = {
    "by": "A B, lead",
    "at": "2026-07-15T12:00:00Z",
    "note": "",
    "compared_with": "2025q4",
    "review_folder": "review",
    "digests": {
        "content": "0" * 64,
        "compared_content": "0" * 64,
        "golden": "0" * 64,
        "review": {"review.json": "0" * 64},
    },
    "decisions": [],
}


def test_of_twenty_approvals_at_once_none_is_lost(place):
    """What signs is loaded once, by the process that the eight begin as copies of: that takes longer than to sign."""
    entries = [{**ENTRY, "note": str(number)} for number in range(20)]
    forks = get_context("forkserver")
    forks.set_forkserver_preload([append_approval.__module__])
    with ProcessPoolExecutor(8, forks) as processes:
        append = partial(append_approval, folder=place.approvals, release=NEW, key=place.folder / "key")
        list(processes.map(append, entries, timeout=240))
    entries = read_approvals(place.approvals, NEW)
    assert sorted(int(entry["note"]) for entry in entries) == list(range(20))
    assert sorted(file.name for file in place.approvals.iterdir()) == ["2026q3.json", "allowed_signers"]


def test_one_who_waits_for_another_signature_is_not_left_waiting(place, monkeypatch):
    monkeypatch.setattr(approval, "WAIT_SECONDS", 0)
    with (
        FileLock(place.approvals / ".2026q3.lock"),
        pytest.raises(WrongUse, match=r"another approval of 2026q3 is being signed in .* Nothing was written\."),
    ):
        append_approval(ENTRY, place.approvals, NEW, place.folder / "key")
    assert not place.file.exists()


# Keys and names


def test_a_key_that_nobody_named_cannot_sign(place):
    place.new_key("other")
    with pytest.raises(WrongUse, match="does not name this key"):
        place.approve(key="other")
    assert not place.file.exists()


def test_a_signer_who_is_no_longer_named_closes_the_gate(place):
    place.approve()
    place.allow(f"other@practice {place.new_key('other')}")
    (fault,) = place.missing()
    assert fault.startswith("the signature of lead@practice is not good")


def test_a_key_that_expired_later_does_not_void_what_it_signed(place):
    append_approval(ENTRY, place.approvals, NEW, place.folder / "key")
    place.allow(f'lead@practice valid-before="20260801Z" {place.public()}', f"lead@practice {place.new_key('next')}")
    assert not any("signature" in fault for fault in place.missing())


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ('valid-before="20260701Z"', "key has expired"),
        ('valid-after="20260801Z"', "key is not yet valid"),
        ('namespaces="git"', 'key is not permitted for use in signature namespace "codeset-approval"'),
    ],
)
def test_a_key_outside_its_limits_cannot_sign(place, options, fault):
    """ENTRY is of July 15, 2026. What the gate would refuse is not appended."""
    place.allow(f"lead@practice {options} {place.public()}")
    with pytest.raises(WrongUse, match=fault):
        append_approval(ENTRY, place.approvals, NEW, place.folder / "key")
    assert not place.file.exists()


def test_a_key_for_this_namespace_on_these_dates_can(place):
    place.allow(f'lead@practice namespaces="codeset-approval,git",valid-after="20260101Z" {place.public()}')
    place.approve()
    assert place.missing() == ()


def test_a_revoked_key_voids_whatever_it_signed(place):
    place.approve()
    (place.approvals / "revoked_keys").write_text(f"{place.public()}\n")
    (fault,) = place.missing()
    assert (
        fault == "the signature of lead@practice is not good: the key is in revoked_keys, or that file cannot be read"
    )
    with pytest.raises(WrongUse, match="revoked_keys"):
        place.approve()


def test_a_short_rsa_key_cannot_sign(place):
    place.allow(f"lead@practice {place.new_key('short', '-t', 'rsa', '-b', '1024')}")
    with pytest.raises(WrongUse, match="1024 bits is too short"):
        place.approve(key="short")


def test_the_name_of_a_signer_is_one_person_s(place):
    place.allow(f"*@practice {place.public()}")
    with pytest.raises(WrongUse, match=r"\*@practice is a pattern"):
        place.approve()


@pytest.mark.parametrize(
    "text",
    ["A B, lead\u202e\u2066", "A\x1b[2K B", "A B\nPASS: all", "A\u200bB, lead"],
    ids=["bidi", "escape", "line", "zero"],
)
def test_a_text_that_reads_otherwise_than_it_is_cannot_be_signed(place, text):
    with pytest.raises(WrongUse, match=r"--as: character \d+ is U\+"):
        place.approve(by=text)
    with pytest.raises(WrongUse, match=r"the reason for .*: character \d+ is U\+"):
        place.approve(reason=f"read {text}")
    assert not place.file.exists()


def test_names_in_any_script_can_be_signed(place):
    place.approve(by="Müller 明美, compliance lead")
    assert place.missing() == ()
