"""The approvals of a release: who approved what, on which digests, with which decisions; signed, never rewritten."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from codeset.atomic_write import write_file
from codeset.errors import BadInput, Fault, WrongUse
from codeset.releases import Release
from codeset.review.folder import DATA
from codeset.review.sign_off.signature import SIGNERS, is_good, sign, signer_of
from codeset.schemas import faults_of
from codeset.snapshot import MANIFEST, Snapshot, digest

Approval = Mapping[str, Any]
"""One entry of `approval.schema.json`."""


def approvals_file(folder: Path, release: Release) -> Path:
    """Return the file of the approvals of *release*."""
    return folder / f"{release}.json"


def is_signed(folder: Path, release: Release) -> bool:
    """Return whether there are approvals of *release*; the gate says whether they are good."""
    return approvals_file(folder, release).is_file()


def read_approvals(folder: Path, release: Release) -> list[Approval]:
    """Return the approvals of *release*, oldest first; none if there is no file.

    Raises BadInput: if the file is not one of approvals, or an entry was changed or removed after it was written.
    """
    file = approvals_file(folder, release)
    if not file.is_file():
        return []
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput([Fault(str(file), 0, f"is no JSON: {error}")], "Nothing was changed.") from error
    if faults := faults_of(plain, "approval") or _chain_faults(plain["approvals"]):
        raise BadInput([Fault(str(file), 0, fault) for fault in faults], "Nothing was changed.")
    return list(plain["approvals"])


def _chain_faults(entries: Sequence[Approval]) -> list[str]:
    """Each entry names the digest of the one before, so that a changed or removed entry shows."""
    previous = [None, *map(_digest_of, entries)]
    return [
        f"approval {number} does not follow the one before it: an approval was changed or removed"
        for number, (entry, expected) in enumerate(zip(entries, previous, strict=False), start=1)
        if entry["previous"] != expected
    ]


def _digest_of(entry: Approval) -> str:
    return sha256(_message(entry).encode()).hexdigest()


def _message(entry: Approval) -> str:
    return json.dumps(entry, sort_keys=True, ensure_ascii=False)


def read_review(folder: Path) -> Mapping[str, Any]:
    """Return `review.json` of the review in *folder*.

    Raises WrongUse: if there is none.
    """
    file = folder / DATA
    if not file.is_file():
        raise WrongUse(f"{folder}: holds no {DATA}; make it with: codeset review OLD NEW -o {folder}")
    plain: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return plain


def digests(snapshot: Snapshot, golden: Path, review: Path) -> Mapping[str, Any]:
    """Return the sha256 of the manifest (which holds those of the tables), the golden and each file of the review.

    Raises WrongUse: if the golden is missing.
    """
    if not golden.is_file():
        raise WrongUse(f"{golden}: nothing is accepted of {snapshot.release}: codeset test --accept {snapshot.release}")
    files = {file.name: digest(file) for file in sorted(review.iterdir()) if file.is_file()}
    return {"snapshot": digest(snapshot.path / MANIFEST), "golden": digest(golden), "review": files}


def append_approval(entry: Approval, folder: Path, release: Release, key: Path) -> Approval:
    """Sign *entry* with *key* and append it to the approvals of *release*; return it as it was written.

    Raises WrongUse: if it cannot be signed, or `allowed_signers` does not name the key. BadInput: as `read_approvals`.
    """
    earlier = read_approvals(folder, release)
    message_of = {**entry, "previous": _digest_of(earlier[-1]) if earlier else None}
    signature = sign(_message(message_of), key)
    signer = signer_of(signature, folder)
    if signer is None:
        public = key.with_name(f"{key.name}.pub")
        line = public.read_text(encoding="utf-8").strip() if public.is_file() else "the public key"
        raise WrongUse(
            f"{folder / SIGNERS} does not name this key, so that nobody could check the signature. "
            f"Add a line to it:\n  NAME@PRACTICE {line}\nNothing was written."
        )
    signed = {**message_of, "signer": signer, "signature": signature}
    plain = {"release": str(release), "approvals": [*earlier, signed]}
    if faults := faults_of(plain, "approval"):
        raise WrongUse(f"what was given makes no approval: {'; '.join(faults)}. Nothing was written.")
    write_file(approvals_file(folder, release), json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
    return signed


def signature_fault(entry: Approval, folder: Path) -> str | None:
    """Return what is wrong with the signature of *entry*, or None if it is good and by a signer who is allowed.

    Raises WrongUse: if *folder* has no `allowed_signers`.
    """
    unsigned = {name: value for name, value in entry.items() if name not in ("signature", "signer")}
    good = is_good(entry["signature"], entry["signer"], _message(unsigned), folder)
    return None if good else f"the signature of {entry['signer']} is not good"
