"""The approvals of a release: who approved what, on which digests, with which decisions; signed, never rewritten.

Each approval names the digest of the one before it, so that a changed or removed one shows. That the last ones were
removed shows only against a record elsewhere: `Head` is what such a record holds (`heads.py`).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from codeset.atomic_write import write_file
from codeset.errors import BadInput, Fault, WrongUse
from codeset.formats import FORMATS
from codeset.releases import Release
from codeset.review.sign_off.safe_text import text_fault
from codeset.review.sign_off.signature import SIGNERS, sign, signature_fault, signer_of
from codeset.schemas import faults_of, reading_faults

Approval = Mapping[str, Any]
"""One entry of `approval.schema.json`."""

WAIT_SECONDS = 60
"""How long one who signs waits for another: a passphrase may be asked for meanwhile."""

_UNTOUCHED = "Nothing was changed."


@dataclass(frozen=True)
class Head:
    """The last approval that was seen of a release: its number, from 1, and its digest."""

    count: int
    digest: str


def approvals_file(folder: Path, release: Release) -> Path:
    """Return the file of the approvals of *release*."""
    return folder / f"{release}.json"


def is_signed(folder: Path, release: Release) -> bool:
    """Return whether there are approvals of *release*; the gate says whether they are good."""
    return approvals_file(folder, release).is_file()


def read_approvals(folder: Path, release: Release) -> list[Approval]:
    """Return the approvals of *release*, oldest first; none if there is no file.

    Raises BadInput: if the file is not one of approvals of *release*, or an entry was changed or removed.
    """
    approvals_path = approvals_file(folder, release)
    return (
        parse_approvals(approvals_path.read_bytes(), release, str(approvals_path)) if approvals_path.is_file() else []
    )


def parse_approvals(content: bytes, release: Release, origin: str) -> list[Approval]:
    """Return the approvals in *content*, oldest first; *origin* names its source. Raises as `read_approvals`."""
    try:
        approvals_document = json.loads(content, object_pairs_hook=_without_repeats)
    except ValueError as error:
        raise BadInput([Fault(origin, 0, f"is not valid JSON: {error}")], _UNTOUCHED) from error
    if faults := reading_faults(approvals_document, "approval") or list(_chain_faults(approvals_document, release)):
        raise BadInput([Fault(origin, 0, fault) for fault in faults], _UNTOUCHED)
    return list(approvals_document["approvals"])


def _without_repeats(name_value_pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a repeated name, one reader would see the first value and another the last."""
    # Python's reader keeps the last value of a repeated name, so a signed value could hide behind another one.
    all_names = [member_name for member_name, _ in name_value_pairs]
    if repeated_names := sorted({member_name for member_name in all_names if all_names.count(member_name) > 1}):
        raise ValueError(f"{', '.join(map(repr, repeated_names))} is repeated")
    return dict(name_value_pairs)


def _chain_faults(approvals_document: Mapping[str, Any], release: Release) -> Iterable[str]:
    if approvals_document["release"] != str(release):
        yield f"holds the approvals of {approvals_document['release']}, not of {release}"
    approval_entries = approvals_document["approvals"]
    previous_digests = [None, *map(digest_of, approval_entries)]
    # The digest of the last entry has no entry after it to name it: the lock and
    # the git history keep that one (`heads`).
    for entry_number, (entry, previous_digest) in enumerate(
        zip(approval_entries, previous_digests, strict=False), start=1
    ):
        if entry["previous"] != previous_digest:
            yield f"approval {entry_number} does not follow the one before it: an approval was changed or removed"


def digest_of(entry: Approval) -> str:
    """Return the digest by which the next approval names *entry*."""
    return sha256(_canonical_json(entry).encode()).hexdigest()


def head_of(entries: Sequence[Approval]) -> Head | None:
    """Return the head of the chain of *entries*; None if it is empty."""
    return Head(len(entries), digest_of(entries[-1])) if entries else None


def _canonical_json(entry: Approval) -> str:
    # Sorted: the same values are the same text, and so the same signature, in whatever order a tool writes their names.
    return json.dumps(entry, sort_keys=True, ensure_ascii=False)


def append_approval(entry: Approval, folder: Path, release: Release, key: Path) -> Approval:
    """Sign *entry* with *key* and append it to the approvals of *release*; return it as it was written.

    One process at a time appends, and waits for the other WAIT_SECONDS: what others append meanwhile stays.

    Raises WrongUse: if the gate would not accept the signature, a text has control characters, or the other process
    goes on signing. BadInput: as `read_approvals`.
    """
    _refuse_hidden_characters(entry)
    folder.mkdir(parents=True, exist_ok=True)
    lock_path = folder / f".{release}.lock"
    try:
        with FileLock(lock_path, timeout=WAIT_SECONDS):
            try:
                return _append_signed(entry, folder, release, key)
            finally:
                # The folder is committed: a lock file left behind would be one of its files.
                lock_path.unlink(missing_ok=True)
    except Timeout as error:
        raise WrongUse(
            f"another approval of {release} is being signed in {folder}; sign again when it is done. "
            "Nothing was written."
        ) from error


def _append_signed(entry: Approval, folder: Path, release: Release, key: Path) -> Approval:
    earlier_approvals = read_approvals(folder, release)
    unsigned_entry = {**entry, "previous": digest_of(earlier_approvals[-1]) if earlier_approvals else None}
    signature = sign(_canonical_json(unsigned_entry), key)
    signed_entry = {**unsigned_entry, "signer": _signer_name(signature, folder, key), "signature": signature}
    # As the gate will check it, and before it is written: an approval that the gate refuses would be worse than none.
    if fault := approval_fault(signed_entry, folder):
        raise WrongUse(f"{fault}. Nothing was written.")
    approvals_document = {
        "format": FORMATS["approval"],
        "release": str(release),
        "approvals": [*earlier_approvals, signed_entry],
    }
    if faults := faults_of(approvals_document, "approval"):
        raise WrongUse(f"this makes no approval: {'; '.join(faults)}. Nothing was written.")
    write_file(approvals_file(folder, release), json.dumps(approvals_document, indent=2, ensure_ascii=False) + "\n")
    return signed_entry


def _signer_name(signature: str, folder: Path, key: Path) -> str:
    if signer_name := signer_of(signature, folder):
        return signer_name
    raise WrongUse(
        f"{folder / SIGNERS} does not name this key ({key}), so that nobody could check the signature. "
        f"Add it with: codeset approve --setup --key {key}. Nothing was written."
    )


def _refuse_hidden_characters(entry: Approval) -> None:
    text_by_label = {"--as": entry["by"], "--note": entry["note"]}
    text_by_label |= {f"the reason for {decision['outcome']}": decision["reason"] for decision in entry["decisions"]}
    if faults := [
        f"{label}: {fault}" for label, entry_text in text_by_label.items() if (fault := text_fault(entry_text))
    ]:
        raise WrongUse("\n".join([*faults, "Nothing was written."]))


def approval_fault(entry: Approval, folder: Path) -> str | None:
    """Return what is wrong with the signature of *entry*, or None if it is good and by a signer who was allowed then.

    Raises WrongUse: if *folder* has no `allowed_signers`.
    """
    # Who signed follows from the key of the signature, and is known only once there is one.
    unsigned_entry = {
        field_name: field_value
        for field_name, field_value in entry.items()
        if field_name not in ("signature", "signer")
    }
    signer, signature = entry["signer"], entry["signature"]
    if not (
        signing_fault := signature_fault(signature, signer, _canonical_json(unsigned_entry), signed_at(entry), folder)
    ):
        return None
    return f"the signature of {signer} is not good: {signing_fault}"


def signed_at(entry: Approval) -> datetime:
    """Return when *entry* says it was signed, in UTC."""
    return datetime.strptime(entry["at"], TIME_FORMAT).replace(tzinfo=UTC)


TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
