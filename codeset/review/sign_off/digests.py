"""What an approval is about: the content of both releases, the accepted outcomes and each file of the review."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codeset.errors import WrongUse
from codeset.review.folder import FILES
from codeset.snapshot import Snapshot, digest

Digests = Mapping[str, Any]


def current_digests(old: Snapshot, new: Snapshot, golden: Path, review: Path) -> Digests:
    """Return the digests that an approval of *new*, compared with *old*, signs: files of others in *review* aside.

    The content of a snapshot does not depend on the version that sealed it, so that an upgrade voids no approval.

    Raises WrongUse: if nothing is accepted of the release yet.
    """
    if not golden.is_file():
        raise WrongUse(
            f"no approved results on file for {new.release} ({golden}); "
            f"read them, then: codeset test --accept {new.release}"
        )
    return {
        "content": new.content_sha256,
        "compared_content": old.content_sha256,
        "golden": digest(golden),
        "review": {name: digest(review / name) for name in FILES if (review / name).is_file()},
    }


def changes_since(signed: Digests, old: Snapshot, new: Snapshot, golden: Path, review: Path) -> Iterator[str]:
    """Yield what is not as it was when *signed* was; approvals of version 0.1 signed the manifest as it is on disk."""
    # Approvals of version 0.1, from before content digests.
    if "content" not in signed:
        if signed["snapshot"] not in new.signed_as:
            yield f"the snapshot of {new.release} is not the one that was signed"
    else:
        for name, snapshot in (("content", new), ("compared_content", old)):
            if signed[name] not in snapshot.signed_as:
                yield f"the snapshot of {snapshot.release} is not the one that was signed"
    if not golden.is_file():
        yield f"{golden} was removed after signing"
    elif signed["golden"] != digest(golden):
        yield f"the accepted outcomes ({golden.name}) were changed after signing"
    yield from _changed_files(signed["review"], review)


def _changed_files(signed: Mapping[str, str], review: Path) -> Iterator[str]:
    for name in sorted({*signed, *FILES}):
        file = review / name
        if name not in signed:
            if file.exists():
                yield f"{name} of the review was added after signing"
        elif not file.is_file():
            yield f"{name} of the review is missing; it was signed"
        elif digest(file) != signed[name]:
            yield f"{name} of the review was changed after signing"
