"""Signatures of approvals, made and checked with OpenSSH's `ssh-keygen -Y`.

`allowed_signers` names who may sign, a line for each key, and the dates on which it is valid if there are any
(ssh-keygen(1), ALLOWED SIGNERS). A signature is checked as of the time of signing: a key that was replaced since does
not void what it signed. `revoked_keys` lists the keys that were stolen: whatever they signed is void.
"""

import base64
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from codeset.errors import WrongUse

NAMESPACE = "codeset-approval"
"""The purpose of the signature: one made for anything else does not count."""

SIGNERS = "allowed_signers"
REVOKED = "revoked_keys"

_RSA_BITS = 2048
"""The fewest bits of an RSA key (NIST SP 800-131A Rev. 2, table 2)."""

_SIGNER_LINE = re.compile(
    r'(?P<principals>"[^"]*"|\S+)\s+(?:(?P<options>(?:[^\s"]|"[^"]*")+)\s+)??(?P<type>(?:ssh|ecdsa|sk)-\S+)\s+(?P<key>\S+)'
)


@dataclass(frozen=True)
class Signer:
    """A line of `allowed_signers`: the name of whom the key is, and the key as OpenSSH encodes it."""

    name: str
    key: bytes


def sign(message: str, key: Path) -> str:
    """Return the signature of *message* by *key*.

    Raises WrongUse: if there is no such key, or it cannot sign.
    """
    if not key.is_file():
        raise WrongUse(f"{key}: there is no such key; make one with: codeset approve --setup. Nothing was written.")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "approval"
        file.write_text(message, encoding="utf-8")
        process = _ssh_keygen("-Y", "sign", "-f", str(key.resolve()), "-n", NAMESPACE, str(file))
        if process.returncode:
            raise WrongUse(f"{key}: {_why_unsigned(process.stderr)}. Nothing was written.")
        return file.with_name("approval.sig").read_text(encoding="utf-8")


def _why_unsigned(stderr: str) -> str:
    if "passphrase" in stderr:
        return (
            "its passphrase was not typed, or is not right; run the command in a terminal, where ssh-keygen asks for "
            "it, or add the key to ssh-agent first"
        )
    return f"cannot sign ({stderr.strip()})"


def make_key(key: Path, *, ask_passphrase: bool) -> None:
    """Make an Ed25519 key in *key*, and its public half beside it; ssh-keygen asks for a passphrase, or there is none.

    Raises WrongUse: if one of the two files is there, or cannot be written.
    """
    public = _public_file(key)
    if existing := [str(file) for file in (key, public) if file.exists()]:
        raise WrongUse(
            f"{' and '.join(existing)} is there already, and is not overwritten. Name another file with --key"
        )
    key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    passphrase = [] if ask_passphrase else ["-N", ""]
    # Without a comment: ssh-keygen would put the user's and the machine's name into the public key.
    process = _ssh_keygen("-q", "-t", "ed25519", "-f", str(key), "-C", "", *passphrase, on_terminal=ask_passphrase)
    if process.returncode:
        raise WrongUse(f"{key}: cannot be made ({(process.stderr or 'ssh-keygen stopped').strip()})")


def public_key(key: Path) -> str:
    """Return the public half of *key*, its type and its key, as `allowed_signers` takes them.

    Raises WrongUse: if it is not beside the key, and the key does not give it.
    """
    file = _public_file(key)
    text = file.read_text(encoding="utf-8") if file.is_file() else _ssh_keygen("-y", "-P", "", "-f", str(key)).stdout
    fields = text.split()
    if len(fields) < 2 or not _decoded(fields[1]):
        raise WrongUse(
            f"{file} is missing or is not a public key; put it beside {key.name}, or name another with --key"
        )
    return " ".join(fields[:2])


def _public_file(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def key_of_line(public: str) -> bytes:
    """Return the key in *public*, the text that `public_key` returns, as OpenSSH encodes it."""
    return _decoded(public.split()[1])


def key_fault(key: bytes) -> str | None:
    """Return why *key* may not sign; None if it may."""
    bits = _rsa_bits(key)
    if bits and bits < _RSA_BITS:
        return f"an RSA key of {bits} bits is too short; expected {_RSA_BITS} or more, or an Ed25519 key"
    return None


def signer_named(key: bytes, approvals: Path) -> str | None:
    """Return the name that `allowed_signers` in *approvals* gives *key*; None if it names none.

    Raises WrongUse: if *approvals* has no `allowed_signers`.
    """
    return next((signer.name for signer in _read_signers(approvals) if signer.key == key), None)


def signer_of(signature: str, approvals: Path) -> str | None:
    """Return the name that `allowed_signers` in *approvals* gives the key of *signature*; None if it names none.

    Raises WrongUse: if *approvals* has no `allowed_signers`, or the line names a pattern instead of a person.
    """
    name = signer_named(key_of(signature), approvals)
    if name and re.search(r"[*?!]", name):
        raise WrongUse(f"{approvals / SIGNERS}: {name} is a pattern; expected the name of one person, NAME@PRACTICE")
    return name


def signature_fault(signature: str, signer: str, message: str, at: datetime, approvals: Path) -> str | None:
    """Return why *signature* is not a good one of *signer* on *message*, signed *at* that time; None if it is.

    Raises WrongUse: if *approvals* has no `allowed_signers`.
    """
    if fault := key_fault(key_of(signature)):
        return fault
    with TemporaryDirectory() as folder:
        file = Path(folder) / "signature"
        file.write_text(signature, encoding="utf-8")
        options = ["-f", str(_signers_file(approvals)), "-I", signer, "-n", NAMESPACE, "-s", str(file)]
        # As of the day of signing: who left the practice since did sign while allowed to.
        options += ["-O", f"verify-time={at:%Y%m%d%H%M%S}"]
        process = _ssh_keygen("-Y", "verify", *options, text=message)
        if process.returncode:
            return _reason(process.stderr)
        revoked = approvals / REVOKED
        # Asked apart: with both in one call ssh-keygen does not say whether the signature or the key is at fault.
        if revoked.exists() and _ssh_keygen("-Y", "verify", *options, "-r", str(revoked), text=message).returncode:
            return f"the key is in {REVOKED}, or that file cannot be read"
    return None


def _reason(output: str) -> str:
    """What ssh-keygen says is wrong, in its own words, without the file's name."""
    known = ("not permitted", "has expired", "not yet valid", "incorrect signature", "No principal matched")
    lines = [re.sub(r"^\S+:\d+: ", "", line.strip()) for line in output.splitlines()]
    return next((line for line in lines if any(text in line for text in known)), "it does not match what was signed")


def fingerprint(signature: str) -> str:
    """Return the fingerprint of the key that made *signature*, as `ssh-keygen -l` prints it."""
    return f"SHA256:{base64.b64encode(sha256(key_of(signature)).digest()).decode().rstrip('=')}"


def key_of(signature: str) -> bytes:
    """Return the public key in *signature*, as OpenSSH encodes it (PROTOCOL.sshsig); empty if it is no signature."""
    body = "".join(line for line in signature.splitlines() if not line.startswith("-----"))
    try:
        blob = base64.b64decode(body, validate=True)
        # Behind the magic of six bytes and the version of four the first string is the public key.
        return next(_strings(blob[10:])) if blob.startswith(b"SSHSIG") else b""
    except (ValueError, StopIteration):
        return b""


def _strings(blob: bytes) -> Iterator[bytes]:
    """The length-prefixed strings of which OpenSSH's encodings are made (RFC 4251, section 5)."""
    while len(blob) >= 4:
        length = int.from_bytes(blob[:4])
        yield blob[4 : 4 + length]
        blob = blob[4 + length :]


def _rsa_bits(key: bytes) -> int | None:
    """The length of an RSA key; None for another kind. Its encoding is the name, the exponent, the modulus."""
    parts = list(_strings(key))
    return int.from_bytes(parts[2]).bit_length() if len(parts) == 3 and parts[0] == b"ssh-rsa" else None


def _read_signers(approvals: Path) -> Iterator[Signer]:
    for line in _signers_file(approvals).read_text(encoding="utf-8").splitlines():
        match = None if line.startswith("#") else _SIGNER_LINE.match(line.strip())
        if match:
            # A line may name several; the first is whom an approval names.
            name = match["principals"].strip('"').split(",")[0]
            yield Signer(name, _decoded(match["key"]))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _signers_file(approvals: Path) -> Path:
    file = approvals / SIGNERS
    if not file.is_file():
        raise WrongUse(f"{file} is missing: it names who may approve. Add yourself with: codeset approve --setup")
    return file.resolve()


def _ssh_keygen(
    *arguments: str, text: str | None = None, on_terminal: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run ssh-keygen; dates in `allowed_signers` without a zone are UTC on every machine."""
    program = which("ssh-keygen")
    if program is None:
        raise WrongUse(
            "ssh-keygen was not found; approvals are signed with it. It comes with OpenSSH; on Windows: Settings, "
            "System, Optional features, OpenSSH Client"
        )
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    return subprocess.run(  # noqa: S603
        [program, *arguments],
        input=None if on_terminal else text or "",
        capture_output=not on_terminal,
        text=True,
        encoding="utf-8",
        check=False,
        env=environment,
    )
