"""`codeset approve --setup`: a key and the signer's line in a fresh home, and nothing that was there is replaced."""

import subprocess
import sys
from pathlib import Path

import pytest

from codeset.errors import WrongUse
from codeset.review.sign_off.signer_setup import SignerSetup, set_up_signer

NAME = "jane.doe@practice.example"


def set_up(folder: Path, name: str = NAME, key: str = "home/.ssh/id_ed25519") -> SignerSetup:
    return set_up_signer(name, folder / key, folder / "approvals", ask_passphrase=False)


def lines(folder: Path) -> list[str]:
    return (folder / "approvals/allowed_signers").read_text().splitlines()


def test_a_fresh_home_gets_a_key_that_only_its_owner_reads_and_a_line(tmp_path):
    setup = set_up(tmp_path)
    assert (setup.is_new_key, setup.is_new_line) == (True, True)
    assert setup.key.stat().st_mode & 0o777 == 0o600
    assert setup.key.parent.stat().st_mode & 0o777 == 0o700
    kind, key = setup.key.with_name("id_ed25519.pub").read_text().split()[:2]
    assert lines(tmp_path) == [f'{NAME} namespaces="codeset-approval" {kind} {key}']


def test_a_second_time_changes_nothing(tmp_path):
    set_up(tmp_path)
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    again = set_up(tmp_path)
    assert (again.is_new_key, again.is_new_line) == (False, False)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == files


def test_a_key_that_was_there_is_used_and_other_signers_stay(tmp_path):
    (tmp_path / "approvals").mkdir()
    (tmp_path / "approvals/allowed_signers").write_text("# who may sign\nother@practice ssh-ed25519 AAAA")
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", tmp_path / "mine"], check=True, timeout=60
    )
    private = (tmp_path / "mine").read_bytes()
    (tmp_path / "mine.pub").unlink()
    setup = set_up(tmp_path, key="mine")
    assert (setup.is_new_key, (tmp_path / "mine").read_bytes()) == (False, private)
    assert lines(tmp_path)[:2] == ["# who may sign", "other@practice ssh-ed25519 AAAA"]
    assert lines(tmp_path)[2].startswith(f'{NAME} namespaces="codeset-approval" ssh-rsa ')


def test_a_key_of_somebody_else_and_a_short_key_are_refused(tmp_path):
    set_up(tmp_path)
    with pytest.raises(WrongUse, match=f"this key is {NAME}'s already"):
        set_up(tmp_path, name="john@practice.example")
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", tmp_path / "short"], check=True, timeout=60
    )
    with pytest.raises(WrongUse, match="1024 bits is too short"):
        set_up(tmp_path, key="short")
    assert len(lines(tmp_path)) == 1


def test_half_a_key_is_not_overwritten(tmp_path):
    (tmp_path / "half.pub").write_text("ssh-ed25519 AAAA")
    with pytest.raises(WrongUse, match="is there already, and is not overwritten"):
        set_up(tmp_path, key="half")
    (tmp_path / "broken").write_text("no key")
    with pytest.raises(WrongUse, match=r"broken\.pub is missing or is not a public key"):
        set_up(tmp_path, key="broken")
    assert not (tmp_path / "approvals").exists()


@pytest.mark.parametrize("name", ["Jane Doe", "jane", "*@practice", "jane@a,b@c", "#j@p", "j\u202e@p", "a@b\nc@d", ""])
def test_the_name_is_one_person_s(tmp_path, name):
    with pytest.raises(WrongUse, match=r"expected the name of one person, such as jane\.doe@practice\.example"):
        set_up(tmp_path, name=name)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_it_did_and_what_comes_next(tmp_path):
    command = [sys.executable, "-m", "codeset.cli", "approve", "--setup", NAME, "--key", str(tmp_path / "home/key")]
    process = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, timeout=240
    )
    assert f"Signer {NAME}: added, in approvals/allowed_signers" in process.stdout
    assert "Next: read the review" in process.stdout
    again = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL, timeout=240
    )
    assert "was there" in again.stdout


def test_a_key_whose_passphrase_nobody_can_type_is_refused_in_words(tmp_path):
    key = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", key], check=True, timeout=60)
    sign = (
        f"from pathlib import Path; from codeset.review.sign_off.signature import sign; sign('x', Path({str(key)!r}))"
    )
    process = subprocess.run(
        [sys.executable, "-c", sign],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
        check=False,
    )
    assert "its passphrase was not typed, or is not right; run the command in a terminal" in process.stderr
