"""The sign-off: who approved a release, on which digests, with which decisions; signed, and only ever appended to."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

from codeset.atomic_write import write_file
from codeset.errors import BadInput, Fault, WrongUse
from codeset.releases import Release
from codeset.schemas import faults_of
from codeset.snapshot import MANIFEST, Snapshot, digest

NAMESPACE = "codeset-approval"
"""What the signature is for: a signature made for anything else does not count."""

SIGNERS = "allowed_signers"
REVIEW = "review.json"
DECISIONS = ("accepted", "rejected")

Approval = Mapping[str, Any]
"""One entry of `approval.schema.json`."""


@dataclass(frozen=True)
class Decision:
    """What the approver says of one changed outcome."""

    outcome: str
    decision: str
    reason: str


def approvals_file(folder: Path, release: Release) -> Path:
    """Return where the approvals of *release* lie."""
    return folder / f"{release}.json"


def is_signed(folder: Path, release: Release) -> bool:
    """Return whether there are approvals of *release*; the gate says whether they are good."""
    return approvals_file(folder, release).is_file()


def approvals(folder: Path, release: Release) -> list[Approval]:
    """Return the approvals of *release*, oldest first; none if there is no file.

    Raises BadInput: if the file is none of approvals, or an entry was changed or taken out after it was written.
    """
    file = approvals_file(folder, release)
    if not file.is_file():
        return []
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput([Fault(str(file), 0, f"is no JSON: {error}")], "Nothing was changed.") from error
    if wrong := faults_of(plain, "approval") or _breaks(plain["approvals"]):
        raise BadInput([Fault(str(file), 0, each) for each in wrong], "Nothing was changed.")
    return list(plain["approvals"])


def _breaks(entries: Sequence[Approval]) -> list[str]:
    """Each entry names the digest of the one before: what was taken out or changed is found."""
    before = [None, *map(_digest_of, entries)]
    return [
        f"approval {place} does not follow the one before it: an approval was changed or removed"
        for place, (entry, previous) in enumerate(zip(entries, before, strict=False), start=1)
        if entry["previous"] != previous
    ]


def _digest_of(entry: Approval) -> str:
    return sha256(json.dumps(entry, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def review_of(folder: Path) -> Mapping[str, Any]:
    """Return `review.json` of the review in *folder*.

    Raises WrongUse: if there is none.
    """
    file = folder / REVIEW
    if not file.is_file():
        raise WrongUse(f"{folder}: holds no {REVIEW}; make it with: codeset review OLD NEW -o {folder}")
    plain: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return plain


def digests(snapshot: Snapshot, golden: Path, review: Path) -> Mapping[str, Any]:
    """Return the sha256 of the manifest (which holds those of the tables), the golden and each file of the review.

    Raises WrongUse: if the golden is missing.
    """
    if not golden.is_file():
        raise WrongUse(f"{golden}: nothing is accepted of {snapshot.release}: codeset test --accept {snapshot.release}")
    files = {each.name: digest(each) for each in sorted(review.iterdir()) if each.is_file()}
    return {"snapshot": digest(snapshot.path / MANIFEST), "golden": digest(golden), "review": files}


def undecided(review: Mapping[str, Any], decisions: Iterable[Decision]) -> list[str]:
    """Return the changed outcomes of *review* on which nothing is decided, in its order."""
    decided = {each.outcome for each in decisions}
    return [each["id"] for each in review["to_decide"] if each["id"] not in decided]


def decided(
    review: Mapping[str, Any], accepted: Iterable[str], rejected: Iterable[str], reason: str | None
) -> list[Decision]:
    """Return the decisions that `OUTCOME=REASON` texts state; *reason* accepts every outcome that they leave open.

    Raises WrongUse: for an outcome that the review does not ask about, or without a reason, or told twice.
    """
    known = [each["id"] for each in review["to_decide"]]
    told: dict[str, Decision] = {}
    for decision, texts in zip(DECISIONS, (accepted, rejected), strict=True):
        for text in texts:
            outcome, _, why = (part.strip() for part in text.partition("="))
            if outcome not in known or outcome in told or not why:
                raise WrongUse(
                    f'"{text}": expected OUTCOME=REASON, once, of: {"; ".join(known) or "nothing to decide"}'
                )
            told[outcome] = Decision(outcome, decision, why)
    if reason is not None:
        told |= {each: Decision(each, "accepted", reason) for each in known if each not in told}
    return [told[each] for each in known if each in told]


def approve(entry: Approval, folder: Path, release: Release, key: Path) -> Approval:
    """Sign *entry* with *key* and append it to the approvals of *release*; return it as it was written.

    Raises WrongUse: if it cannot be signed, or the key is none of `allowed_signers`. BadInput: as `approvals` does.
    """
    before = approvals(folder, release)
    told = {**entry, "previous": _digest_of(before[-1]) if before else None}
    signature = _sign(_message(told), key)
    signer = _signer(signature, _signers(folder))
    if signer is None:
        public = key.with_name(f"{key.name}.pub")
        line = public.read_text(encoding="utf-8").strip() if public.is_file() else "the public key"
        raise WrongUse(
            f"{folder / SIGNERS} does not name this key, so that nobody could check the signature. "
            f"Add a line to it:\n  NAME@PRACTICE {line}\nNothing was written."
        )
    signed = {**told, "signer": signer, "signature": signature}
    _write(approvals_file(folder, release), {"release": str(release), "approvals": [*before, signed]})
    return signed


def signature_fault(entry: Approval, folder: Path) -> str | None:
    """Return what is wrong with the signature of *entry*, or None: it is good, and by a signer who is allowed."""
    told = {name: value for name, value in entry.items() if name not in ("signature", "signer")}
    with TemporaryDirectory() as place:
        file = Path(place) / "signature"
        file.write_text(entry["signature"], encoding="utf-8")
        known = ["-f", str(_signers(folder)), "-I", entry["signer"], "-n", NAMESPACE, "-s", str(file)]
        done = _ssh_keygen("-Y", "verify", *known, text=_message(told))
    return None if done.returncode == 0 else f"the signature of {entry['signer']} is not good"


def _message(entry: Approval) -> str:
    return json.dumps(entry, sort_keys=True, ensure_ascii=False)


def _signers(folder: Path) -> Path:
    file = folder / SIGNERS
    if not file.is_file():
        raise WrongUse(f"{file} is not there: it names who may approve, a line for each: NAME@PRACTICE ssh-ed25519 KEY")
    return file.resolve()


def _sign(message: str, key: Path) -> str:
    if not key.is_file():
        raise WrongUse(f"{key}: no such key; make one with: ssh-keygen -t ed25519 -f {key}")
    with TemporaryDirectory() as place:
        file = Path(place) / "approval"
        file.write_text(message, encoding="utf-8")
        done = _ssh_keygen("-Y", "sign", "-f", str(key.resolve()), "-n", NAMESPACE, str(file))
        if done.returncode:
            raise WrongUse(f"{key}: cannot sign ({done.stderr.strip()}). Nothing was written.")
        return file.with_name("approval.sig").read_text(encoding="utf-8")


def _signer(signature: str, signers: Path) -> str | None:
    with TemporaryDirectory() as place:
        file = Path(place) / "signature"
        file.write_text(signature, encoding="utf-8")
        done = _ssh_keygen("-Y", "find-principals", "-s", str(file), "-f", str(signers))
    return done.stdout.split("\n")[0].strip() or None if done.returncode == 0 else None


def _ssh_keygen(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    program = which("ssh-keygen")
    if program is None:
        raise WrongUse("ssh-keygen is not there; it comes with OpenSSH, and approvals are signed with it")
    return subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=False)  # noqa: S603


def _write(file: Path, plain: Mapping[str, Any]) -> None:
    if wrong := faults_of(plain, "approval"):
        raise WrongUse(f"what was given makes no approval: {'; '.join(wrong)}. Nothing was written.")
    write_file(file, json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
