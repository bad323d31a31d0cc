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


def sign(message: str, key_path: Path) -> str:
    """Return the signature of *message* by *key_path*.

    Raises WrongUse: if there is no such key, or it cannot sign.
    """
    if not key_path.is_file():
        raise WrongUse(
            f"{key_path}: there is no such key; make one with: codeset approve --setup. Nothing was written."
        )
    with TemporaryDirectory() as temporary_folder:
        message_file = Path(temporary_folder) / "approval"
        message_file.write_text(message, encoding="utf-8")
        process = _ssh_keygen("-Y", "sign", "-f", str(key_path.resolve()), "-n", NAMESPACE, str(message_file))
        if process.returncode:
            raise WrongUse(f"{key_path}: {_signing_failure(process.stderr)}. Nothing was written.")
        return message_file.with_name("approval.sig").read_text(encoding="utf-8")


def _signing_failure(stderr: str) -> str:
    if "passphrase" in stderr:
        return (
            "its passphrase was not typed, or is not right; run the command in a terminal, where ssh-keygen asks for "
            "it, or add the key to ssh-agent first"
        )
    return f"cannot sign ({stderr.strip()})"


def make_key(key_path: Path, *, ask_passphrase: bool) -> None:
    """Make an Ed25519 key in *key_path*, and its public half beside it.

    With *ask_passphrase* ssh-keygen asks for a passphrase; else the key has none.

    Raises WrongUse: if one of the two files is there, or cannot be written.
    """
    public_path = _public_file(key_path)
    if existing := [str(key_file) for key_file in (key_path, public_path) if key_file.exists()]:
        raise WrongUse(
            f"{' and '.join(existing)} is there already, and is not overwritten. Name another file with --key"
        )
    key_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    passphrase_options = [] if ask_passphrase else ["-N", ""]
    # Without a comment: ssh-keygen would put the user's and the machine's name into the public key.
    process = _ssh_keygen(
        "-q", "-t", "ed25519", "-f", str(key_path), "-C", "", *passphrase_options, on_terminal=ask_passphrase
    )
    if process.returncode:
        raise WrongUse(f"{key_path}: cannot be made ({(process.stderr or 'ssh-keygen stopped').strip()})")


def public_key(key_path: Path) -> str:
    """Return the public half of *key_path*, its type and its key, as `allowed_signers` takes them.

    Raises WrongUse: if it is not beside the key, and the key does not give it.
    """
    public_path = _public_file(key_path)
    public_text = (
        public_path.read_text(encoding="utf-8")
        if public_path.is_file()
        else _ssh_keygen("-y", "-P", "", "-f", str(key_path)).stdout
    )
    key_fields = public_text.split()
    # The third field is a comment, usually the user's and the machine's name: it is left out of `allowed_signers`.
    if len(key_fields) < 2 or not _decoded_base64(key_fields[1]):
        raise WrongUse(
            f"{public_path} is missing or is not a public key; "
            f"put it beside {key_path.name}, or name another with --key"
        )
    return " ".join(key_fields[:2])


def _public_file(key_path: Path) -> Path:
    return key_path.with_name(f"{key_path.name}.pub")


def key_of_line(public_text: str) -> bytes:
    """Return the key in *public_text*, the text that `public_key` returns, as OpenSSH encodes it."""
    return _decoded_base64(public_text.split()[1])


def key_fault(key: bytes) -> str | None:
    """Return why *key* may not sign; None if it may."""
    key_bits = _rsa_bits(key)
    if key_bits and key_bits < _RSA_BITS:
        return f"an RSA key of {key_bits} bits is too short; expected {_RSA_BITS} or more, or an Ed25519 key"
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
    signer_name = signer_named(key_of(signature), approvals)
    if signer_name and re.search(r"[*?!]", signer_name):
        raise WrongUse(
            f"{approvals / SIGNERS}: {signer_name} is a pattern; expected the name of one person, NAME@PRACTICE"
        )
    return signer_name


def signature_fault(signature: str, signer: str, message: str, signing_time: datetime, approvals: Path) -> str | None:
    """Return why *signature* is not a good one of *signer* on *message*, signed at *signing_time*; None if it is.

    Raises WrongUse: if *approvals* has no `allowed_signers`.
    """
    if fault_text := key_fault(key_of(signature)):
        return fault_text
    with TemporaryDirectory() as temporary_folder:
        signature_file = Path(temporary_folder) / "signature"
        signature_file.write_text(signature, encoding="utf-8")
        options = ["-f", str(_signers_file(approvals)), "-I", signer, "-n", NAMESPACE, "-s", str(signature_file)]
        # As of the day of signing: who left the practice since did sign while allowed to.
        options += ["-O", f"verify-time={signing_time:%Y%m%d%H%M%S}"]
        process = _ssh_keygen("-Y", "verify", *options, input_text=message)
        if process.returncode:
            return _failure_reason(process.stderr)
        revoked_path = approvals / REVOKED
        # A second call: with both in one, ssh-keygen does not say whether the signature or the key is at fault.
        if (
            revoked_path.exists()
            and _ssh_keygen("-Y", "verify", *options, "-r", str(revoked_path), input_text=message).returncode
        ):
            return f"the key is in {REVOKED}, or that file cannot be read"
    return None


def _failure_reason(error_output: str) -> str:
    """What ssh-keygen says is wrong, in its own words, without the file's name."""
    known_messages = ("not permitted", "has expired", "not yet valid", "incorrect signature", "No principal matched")
    message_lines = [re.sub(r"^\S+:\d+: ", "", message_line.strip()) for message_line in error_output.splitlines()]
    return next(
        (
            message_line
            for message_line in message_lines
            if any(known_message in message_line for known_message in known_messages)
        ),
        "it does not match what was signed",
    )


def fingerprint(signature: str) -> str:
    """Return the fingerprint of the key that made *signature*, as `ssh-keygen -l` prints it."""
    return f"SHA256:{base64.b64encode(sha256(key_of(signature)).digest()).decode().rstrip('=')}"


def key_of(signature: str) -> bytes:
    """Return the public key in *signature*, as OpenSSH encodes it (PROTOCOL.sshsig); empty if it is no signature."""
    base64_body = "".join(armor_line for armor_line in signature.splitlines() if not armor_line.startswith("-----"))
    try:
        signature_bytes = base64.b64decode(base64_body, validate=True)
        # After the magic of six bytes and the version of four, the first string is the public key.
        return next(_encoded_strings(signature_bytes[10:])) if signature_bytes.startswith(b"SSHSIG") else b""
    except (ValueError, StopIteration):
        return b""


def _encoded_strings(encoded_bytes: bytes) -> Iterator[bytes]:
    """The length-prefixed strings of which OpenSSH's encodings are made (RFC 4251, section 5)."""
    while len(encoded_bytes) >= 4:
        string_length = int.from_bytes(encoded_bytes[:4])
        yield encoded_bytes[4 : 4 + string_length]
        encoded_bytes = encoded_bytes[4 + string_length :]


def _rsa_bits(key: bytes) -> int | None:
    """The length of an RSA key; None for another kind. Its encoding is the name, the exponent, the modulus."""
    key_parts = list(_encoded_strings(key))
    return int.from_bytes(key_parts[2]).bit_length() if len(key_parts) == 3 and key_parts[0] == b"ssh-rsa" else None


def _read_signers(approvals: Path) -> Iterator[Signer]:
    for signer_line in _signers_file(approvals).read_text(encoding="utf-8").splitlines():
        line_match = None if signer_line.startswith("#") else _SIGNER_LINE.match(signer_line.strip())
        if line_match:
            # A line may name several; the first is whom an approval names.
            signer_name = line_match["principals"].strip('"').split(",")[0]
            yield Signer(signer_name, _decoded_base64(line_match["key"]))


def _decoded_base64(base64_text: str) -> bytes:
    try:
        return base64.b64decode(base64_text, validate=True)
    except ValueError:
        return b""


def _signers_file(approvals: Path) -> Path:
    signers_path = approvals / SIGNERS
    if not signers_path.is_file():
        raise WrongUse(
            f"{signers_path} is missing: it names who may approve. Add yourself with: codeset approve --setup"
        )
    return signers_path.resolve()


def _ssh_keygen(
    *arguments: str, input_text: str | None = None, on_terminal: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run ssh-keygen; dates in `allowed_signers` without a zone are UTC on every machine."""
    program_path = which("ssh-keygen")
    if program_path is None:
        raise WrongUse(
            "ssh-keygen was not found; approvals are signed with it. It comes with OpenSSH; on Windows: Settings, "
            "System, Optional features, OpenSSH Client"
        )
    # Its messages are searched for English words (`_failure_reason`).
    environment_variables = {**os.environ, "TZ": "UTC", "LC_ALL": "C"}
    return subprocess.run(  # noqa: S603
        [program_path, *arguments],
        # Without a terminal it must not wait for one: an empty input answers whatever it asks.
        input=None if on_terminal else input_text or "",
        capture_output=not on_terminal,
        text=True,
        encoding="utf-8",
        check=False,
        env=environment_variables,
    )
