"""What an approval is about: the content of both releases, the accepted outcomes and each file of the review."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codeset.errors import WrongUse
from codeset.review.folder import FILES
from codeset.snapshot import Snapshot, digest

Digests = Mapping[str, Any]


def current_digests(old_snapshot: Snapshot, new_snapshot: Snapshot, golden_path: Path, review_folder: Path) -> Digests:
    """Return the digests that an approval of *new_snapshot*, compared with *old_snapshot*, signs.

    Of *review_folder*, those of the review's own files; other files in it are ignored.

    The content of a snapshot does not depend on the version that sealed it, so that an upgrade voids no approval.

    Raises WrongUse: if nothing is accepted of the release yet.
    """
    if not golden_path.is_file():
        raise WrongUse(
            f"no approved results on file for {new_snapshot.release} ({golden_path}); "
            f"read them, then: codeset test --accept {new_snapshot.release}"
        )
    return {
        "content": new_snapshot.content_sha256,
        "compared_content": old_snapshot.content_sha256,
        "golden": digest(golden_path),
        "review": {
            file_name: digest(review_folder / file_name) for file_name in FILES if (review_folder / file_name).is_file()
        },
    }


def changes_since(
    signed_digests: Digests, old_snapshot: Snapshot, new_snapshot: Snapshot, golden_path: Path, review_folder: Path
) -> Iterator[str]:
    """Yield what is not as it was when *signed_digests* were signed."""
    # Version 0.1 had no content digests: its approvals signed the manifest as it is on disk.
    if "content" not in signed_digests:
        if signed_digests["snapshot"] not in new_snapshot.signed_as:
            yield f"the snapshot of {new_snapshot.release} is not the one that was signed"
    else:
        for digest_name, snapshot in (("content", new_snapshot), ("compared_content", old_snapshot)):
            if signed_digests[digest_name] not in snapshot.signed_as:
                yield f"the snapshot of {snapshot.release} is not the one that was signed"
    if not golden_path.is_file():
        yield f"{golden_path} was removed after signing"
    elif signed_digests["golden"] != digest(golden_path):
        yield f"the accepted outcomes ({golden_path.name}) were changed after signing"
    yield from _changed_files(signed_digests["review"], review_folder)


def _changed_files(signed_files: Mapping[str, str], review_folder: Path) -> Iterator[str]:
    # A signed file that a later version no longer writes is compared too: it is still what somebody read.
    for file_name in sorted({*signed_files, *FILES}):
        file_path = review_folder / file_name
        if file_name not in signed_files:
            if file_path.exists():
                yield f"{file_name} of the review was added after signing"
        elif not file_path.is_file():
            yield f"{file_name} of the review is missing; it was signed"
        elif digest(file_path) != signed_files[file_name]:
            yield f"{file_name} of the review was changed after signing"
