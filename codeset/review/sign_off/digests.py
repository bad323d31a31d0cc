"""What an approval is about: the content of both releases, the accepted outcomes and each file of the review."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from codeset.errors import WrongUse
from codeset.manifest import Manifest
from codeset.participants import with_qualifying_apm
from codeset.review.folder import FILES
from codeset.snapshot import MANIFEST, Snapshot, digest

Digests = Mapping[str, Any]


def current_digests(old: Snapshot, new: Snapshot, golden: Path, review: Path) -> Digests:
    """Return the digests that an approval of *new*, compared with *old*, signs: files of others in *review* aside.

    The content of a snapshot does not depend on the version that sealed it, so that an upgrade voids no approval.

    Raises WrongUse: if nothing is accepted of the release yet.
    """
    if not golden.is_file():
        raise WrongUse(f"{golden}: nothing is accepted of {new.release}: codeset test --accept {new.release}")
    return {
        "content": new.manifest.content_digest,
        "compared_content": old.manifest.content_digest,
        "golden": digest(golden),
        "review": {name: digest(review / name) for name in FILES if (review / name).is_file()},
    }


def changes_since(signed: Digests, old: Snapshot, new: Snapshot, golden: Path, review: Path) -> Iterator[str]:
    """Yield what is not as it was when *signed* was; approvals of version 0.1 signed the manifest as it is on disk."""
    if "content" not in signed:
        if signed["snapshot"] not in (digest(new.path / MANIFEST), _first_form_digest(new.manifest)):
            yield f"the snapshot of {new.release} is not the one that was signed"
    else:
        for name, snapshot in (("content", new), ("compared_content", old)):
            if signed[name] != snapshot.manifest.content_digest:
                yield f"the snapshot of {snapshot.release} is not the one that was signed"
    if not golden.is_file():
        yield f"{golden} was removed after signing"
    elif signed["golden"] != digest(golden):
        yield f"the accepted outcomes ({golden.name}) were changed after signing"
    yield from _changed_files(signed["review"], review)


_FIRST_FORM = {
    "entry": ("edition", "sources", "rows", "columns", "sha256", "released", "carried_from", "notes"),
    "source": ("name", "sha256", "size", "url"),
}


def _first_form_digest(manifest: Manifest) -> str:
    """The digest of `manifest.json` as version 0.1.0 wrote it, with polars 2.1.0, for the content of *manifest*."""
    tables = {
        name: {column: plain[column] for column in _FIRST_FORM["entry"]}
        | {"sources": [{column: source[column] for column in _FIRST_FORM["source"]} for source in plain["sources"]]}
        for name, plain in ((name, asdict(entry)) for name, entry in manifest.tables.items())
    }
    plain = {
        "release": str(manifest.release),
        "scope": manifest.scope,
        "conversion_factors": [
            with_qualifying_apm({name: asdict(factor)[name] for name in ("value", "first", "last", "participant")})
            for factor in manifest.conversion_factors
        ],
        "tables": tables,
        "accepted": manifest.accepted,
        "made_by": {"derm-codeset": "0.1.0", "polars": "2.1.0"},
        "dates_of_service": {"first": manifest.release.first_day, "last": manifest.release.last_day},
    }
    text = json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n"
    return sha256(text.encode()).hexdigest()


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
