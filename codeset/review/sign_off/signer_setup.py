"""The first step of whoever signs: an SSH key of their own and their line in `allowed_signers`; nothing is replaced."""

import re
from dataclasses import dataclass
from pathlib import Path

from codeset.atomic_write import write_file
from codeset.errors import WrongUse
from codeset.review.sign_off.safe_text import text_fault
from codeset.review.sign_off.signature import (
    NAMESPACE,
    SIGNERS,
    key_fault,
    key_of_line,
    make_key,
    public_key,
    signer_named,
)

_NAME = re.compile(r"[^\s\"'#,*?!@]+@[^\s\"'#,*?!@]+")


@dataclass(frozen=True)
class SignerSetup:
    """What was done: the signer's `name` and `key`, and which of the key and the line were new."""

    name: str
    key: Path
    signers: Path
    is_new_key: bool
    is_new_line: bool


def set_up_signer(name: str, key: Path, approvals: Path, *, ask_passphrase: bool) -> SignerSetup:
    """Make *key* where there is none, and name it in `allowed_signers` of *approvals* as the key of *name*.

    A key and a line that are there stay; a second key of the same name is added. With *ask_passphrase*, ssh-keygen asks
    for one on the terminal.

    Raises WrongUse: if *name* is not one person's, the key is too short or incomplete, or is somebody else's already.
    """
    if fault := text_fault(name) or (None if _NAME.fullmatch(name) else f'found "{name}"'):
        raise WrongUse(
            f"expected the name of one person, such as jane.doe@practice.example: {fault}. Nothing was written."
        )
    is_new_key = not key.exists()
    if is_new_key:
        make_key(key, ask_passphrase=ask_passphrase)
    public = public_key(key)
    if fault := key_fault(key_of_line(public)):
        raise WrongUse(f"{key}: {fault}. Name another file with --key. Nothing was written.")
    signers = approvals / SIGNERS
    named = signer_named(key_of_line(public), approvals) if signers.is_file() else None
    if named not in (None, name):
        raise WrongUse(f"{signers}: this key is {named}'s already. Sign as {named}, or name another file with --key")
    if named is None:
        earlier = signers.read_text(encoding="utf-8") if signers.is_file() else ""
        # An editor may have left the last line without an end: the new line must not run on behind it.
        line_end = "\n" if earlier and not earlier.endswith("\n") else ""
        write_file(signers, f'{earlier}{line_end}{name} namespaces="{NAMESPACE}" {public}\n')
    return SignerSetup(name, key, signers, is_new_key, named is None)
