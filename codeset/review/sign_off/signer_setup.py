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


def set_up_signer(name: str, key_path: Path, approvals: Path, *, ask_passphrase: bool) -> SignerSetup:
    """Make *key_path* where there is none, and name it in `allowed_signers` of *approvals* as the key of *name*.

    A key and a line that are there stay; a second key of the same name is added. With *ask_passphrase*, ssh-keygen asks
    for one on the terminal.

    Raises WrongUse: if *name* is not one person's, the key is too short or incomplete, or is somebody else's already.
    """
    if fault := text_fault(name) or (None if _NAME.fullmatch(name) else f'found "{name}"'):
        raise WrongUse(
            f"expected the name of one person, such as jane.doe@practice.example: {fault}. Nothing was written."
        )
    is_new_key = not key_path.exists()
    if is_new_key:
        make_key(key_path, ask_passphrase=ask_passphrase)
    public_text = public_key(key_path)
    if fault := key_fault(key_of_line(public_text)):
        raise WrongUse(f"{key_path}: {fault}. Name another file with --key. Nothing was written.")
    signers_path = approvals / SIGNERS
    existing_name = signer_named(key_of_line(public_text), approvals) if signers_path.is_file() else None
    if existing_name not in (None, name):
        raise WrongUse(
            f"{signers_path}: this key is {existing_name}'s already. "
            f"Sign as {existing_name}, or name another file with --key"
        )
    if existing_name is None:
        earlier_lines = signers_path.read_text(encoding="utf-8") if signers_path.is_file() else ""
        # An editor may have left the last line without an end: the new line must not continue it.
        line_end = "\n" if earlier_lines and not earlier_lines.endswith("\n") else ""
        write_file(signers_path, f'{earlier_lines}{line_end}{name} namespaces="{NAMESPACE}" {public_text}\n')
    return SignerSetup(name, key_path, signers_path, is_new_key, existing_name is None)
