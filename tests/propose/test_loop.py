"""The whole loop by the commands: a posted quarter, its branch, a re-issue, the approval, the gate."""

import json
import subprocess

import pytest

from codeset.errors import WrongUse
from codeset_ingest.cms_site.ama_license import LicenseNeeded

BRANCH = "release/2026q4"


def pinned_releases(desk) -> set[str]:
    return set(json.loads(desk.on(BRANCH, "sources.lock.json"))["releases"])


def sign(desk, release: str) -> None:
    """What the compliance lead does on the branch, as the body of the pull request says."""
    key = desk.home / "key"
    if not key.exists():
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True, timeout=60
        )
    public = key.with_suffix(".pub").read_text()
    (desk.clone / "approvals").mkdir(exist_ok=True)
    (desk.clone / "approvals" / "allowed_signers").write_text(f"lead@practice {public}")
    review_options = ("--review", f"reviews/{release}", "--scenarios", "suite/scenarios")
    signing_options = ("--as", "A B, compliance lead", "--accept-all", "--reason", "read", "--key", str(key))
    approval = desk.codeset("approve", release, *review_options, *signing_options)
    assert approval.exit_code == 0, approval.output
    desk.git("add", ".")
    desk.git("commit", "--quiet", "-m", f"Approve {release}")
    desk.git("push", "--quiet", "origin", f"HEAD:{BRANCH}")


@pytest.mark.long
def test_from_a_posted_quarter_to_an_approved_release(desk):
    quiet = desk.refs()
    assert desk.propose().output.splitlines()[-1] == "nothing new"
    assert desk.refs() == quiet
    assert desk.codeset("restore").output.splitlines()[-3:] == ["sealed again: nothing", "release=", "before="]

    desk.site.post("2026q4")
    first = desk.propose()
    assert first.exit_code == 0, first.output
    assert desk.files(BRANCH) == ["CHANGELOG.md", "sources.lock.json", "suite/golden/2026q4.json"]
    assert pinned_releases(desk) == {"2026q3", "2026q4"}
    assert "11402 / 12031, PTP edit added" in (desk.home / "out" / "body.md").read_text()
    assert "17003, MUE value changed: 13 → 14" in desk.on(BRANCH, "CHANGELOG.md")
    assert desk.git("status", "--porcelain") == ""

    proposed_refs = desk.refs()
    assert desk.propose().output.splitlines()[-1] == "nothing new"
    assert desk.propose(store="another-machine").output.splitlines()[-1] == "nothing new"
    assert "held already, and was not changed" in desk.propose("2026q4").output
    assert desk.refs() == proposed_refs

    desk.site.reissue("2026q4")
    assert desk.propose(store="a-new-machine").exit_code == 0
    assert desk.git("rev-list", "--count", f"main..{BRANCH}", at="bare") == "2"
    assert pinned_releases(desk) == {"2026q3", "2026q4", "2026q4r1"}
    assert desk.files(BRANCH) == [
        "CHANGELOG.md",
        "sources.lock.json",
        "suite/golden/2026q4.json",
        "suite/golden/2026q4r1.json",
    ]
    changelog = desk.on(BRANCH, "CHANGELOG.md")
    assert "### Release 2026q4r1" in changelog
    assert "### Release 2026q4\n" not in changelog

    desk.git("fetch", "--quiet")
    desk.git("switch", "--quiet", BRANCH)
    scenarios = ("--scenarios", "suite/scenarios")
    restore_run = desk.codeset("restore", "--branch", BRANCH)
    assert restore_run.output.splitlines()[-3:] == ["sealed again: 2026q4r1", "release=2026q4r1", "before=2026q3"]
    closed_gate = desk.codeset("gate", "2026q4r1", *scenarios)
    assert (closed_gate.exit_code, closed_gate.output.split(":")[0]) == (1, "2026q4r1 has not been approved")
    desk.codeset("review", "2026q3", "2026q4r1", "-o", "reviews/2026q4r1", *scenarios)
    sign(desk, "2026q4r1")
    gate_output = desk.codeset("gate", "2026q4r1", *scenarios).output
    assert gate_output.startswith("PASS: 2026q4r1 approved by lead@practice (A B, compliance lead) on ")


CONTRADICTED = """\
- id: biopsy-beside-destruction
  says: 17000 beside 11102 is denied without a modifier
  source: {document: NCCI PTP practitioner, row: 11102/17000, ccmi: 1}
  claim: {lines: [{hcpcs: 11102}, {hcpcs: 17000}]}
  expect: {lines: [{disposition: pay}, {disposition: deny, edit: ptp, ccmi: 1}]}
"""


def test_what_contradicts_a_coder_is_proposed_without_outcomes_and_reported(desk):
    (desk.clone / "suite" / "scenarios" / "biopsy.yaml").write_text(CONTRADICTED)
    desk.site.post("2026q4")
    result = desk.propose()
    assert result.exit_code == 0, result.output
    assert desk.files(BRANCH) == ["CHANGELOG.md", "sources.lock.json"]
    body = (desk.home / "out" / "body.md").read_text()
    assert "Of 3 scenarios 1 contradicts its coder" in body
    assert "biopsy-beside-destruction: line 2 (17000), disposition: expected deny, found pay" in body


def test_what_nobody_accepted_the_license_for_is_not_proposed(desk):
    before = desk.refs()
    with pytest.raises(LicenseNeeded, match="only a person can accept it"):
        desk.codeset("propose", store="of-nobody")
    assert desk.refs() == before


def test_without_a_release_in_force_it_says_where_to_begin(desk):
    desk.git("rm", "--quiet", "sources.lock.json")
    desk.commit({"README.md": "no lock yet\n"}, "Without a lock")
    desk.git("push", "--quiet", "origin", "main")
    before = desk.refs()
    with pytest.raises(WrongUse, match="Seal and pin the release in force first"):
        desk.propose(store="empty")
    assert desk.refs() == before
