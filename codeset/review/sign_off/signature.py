"""Signatures of approvals, made and checked with OpenSSH's `ssh-keygen -Y`; `allowed_signers` names who may sign."""

import subprocess
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from codeset.errors import WrongUse

NAMESPACE = "codeset-approval"
"""The purpose of the signature: one made for anything else does not count."""

SIGNERS = "allowed_signers"


def sign(message: str, key: Path) -> str:
    """Return the signature of *message* by *key*.

    Raises WrongUse: if there is no such key, or it cannot sign.
    """
    if not key.is_file():
        raise WrongUse(f"{key}: no such key; make one with: ssh-keygen -t ed25519 -f {key}")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "approval"
        file.write_text(message, encoding="utf-8")
        process = _ssh_keygen("-Y", "sign", "-f", str(key.resolve()), "-n", NAMESPACE, str(file))
        if process.returncode:
            raise WrongUse(f"{key}: cannot sign ({process.stderr.strip()}). Nothing was written.")
        return file.with_name("approval.sig").read_text(encoding="utf-8")


def signer_of(signature: str, approvals: Path) -> str | None:
    """Return the name that `allowed_signers` in *approvals* gives the key of *signature*; None if it names none."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "signature"
        file.write_text(signature, encoding="utf-8")
        process = _ssh_keygen("-Y", "find-principals", "-s", str(file), "-f", str(_signers(approvals)))
    return process.stdout.split("\n")[0].strip() or None if process.returncode == 0 else None


def is_good(signature: str, signer: str, message: str, approvals: Path) -> bool:
    """Return whether *signature* is that of *signer* on *message*, and `allowed_signers` still names the signer.

    Raises WrongUse: if *approvals* has no `allowed_signers`.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "signature"
        file.write_text(signature, encoding="utf-8")
        options = ["-f", str(_signers(approvals)), "-I", signer, "-n", NAMESPACE, "-s", str(file)]
        return _ssh_keygen("-Y", "verify", *options, text=message).returncode == 0


def _signers(approvals: Path) -> Path:
    file = approvals / SIGNERS
    if not file.is_file():
        raise WrongUse(f"{file} is not there: it names who may approve, a line for each: NAME@PRACTICE ssh-ed25519 KEY")
    return file.resolve()


def _ssh_keygen(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    program = which("ssh-keygen")
    if program is None:
        raise WrongUse("ssh-keygen is not there; it comes with OpenSSH, and approvals are signed with it")
    return subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=False)  # noqa: S603
