"""Check a download: a complete zip or pdf, not a web page, a zip bomb or a path that escapes the archive."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from codeset.errors import BadInput, Fault
from codeset_ingest.read.open_files import ZIP_ERRORS, bomb_messages

_FIRST_BYTES = {".zip": b"PK\x03\x04", ".pdf": b"%PDF-"}
_HTML_START = re.compile(rb"\s*(<!doctype html|<html|<\?xml|<!--)", re.IGNORECASE)
_TITLE_ELEMENT = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def is_html(first_bytes: bytes) -> bool:
    """Whether these first bytes are those of a web page."""
    return _HTML_START.match(first_bytes) is not None


def title(page_html: bytes) -> str:
    """Return the title of a web page, or "no title"."""
    match = _TITLE_ELEMENT.search(page_html.decode("utf-8", "replace"))
    return " ".join(match[1].split()) if match else "no title"


def check(download_path: Path, kept_name: str) -> None:
    """Check *download_path*, to be kept as *kept_name*.

    Raises BadInput: with everything wrong with it.
    """
    faults = [
        Fault(kept_name, 0, message) for message in _download_faults(download_path, Path(kept_name).suffix.lower())
    ]
    if faults:
        raise BadInput(faults, "It was not kept.")


def _download_faults(download_path: Path, suffix: str) -> Iterator[str]:
    with download_path.open("rb") as download_stream:
        first_bytes = download_stream.read(1 << 16)
    # cms.gov answers 200, with a page, for a file that does not exist, and for one behind the license.
    if is_html(first_bytes):
        yield f'a web page came ("{title(first_bytes)}") where a {suffix.lstrip(".")} is expected'
    elif not first_bytes.startswith(_FIRST_BYTES[suffix]):
        yield f"begins with {first_bytes[:8]!r}, expected a {suffix.lstrip('.')} ({_FIRST_BYTES[suffix]!r})"
    elif suffix == ".zip":
        yield from _zip_faults(download_path)


def _zip_faults(zip_path: Path) -> Iterator[str]:
    try:
        with zipfile.ZipFile(zip_path) as archive:
            members = archive.infolist()
            # Sizes and names first: testzip unpacks every member.
            faults = [*bomb_messages(members), *_escaping_names(members)]
            yield from faults
            if not faults and (broken_member := archive.testzip()):
                yield f"{broken_member} in it is broken; the zip did not come whole"
    except ZIP_ERRORS as error:
        yield f"not a whole zip ({error})"


def _escaping_names(members: list[zipfile.ZipInfo]) -> Iterator[str]:
    for member in members:
        # As it is in the zip: zipfile cuts names at a zero byte and turns backslashes.
        original_name = member.orig_filename
        if ".." in PurePosixPath(original_name.replace("\\", "/")).parts or re.match(r"[/\\]|[A-Za-z]:", original_name):
            yield f'names a file outside of itself: "{original_name}"'
