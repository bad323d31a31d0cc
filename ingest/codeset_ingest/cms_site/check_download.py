"""Check a download: a complete zip or pdf, not a web page, a zip bomb or a path that escapes the archive."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from codeset.errors import BadInput, Fault
from codeset_ingest.read.open_files import ZIP_ERRORS, bomb_messages

_MAGIC = {".zip": b"PK\x03\x04", ".pdf": b"%PDF-"}
_HTML = re.compile(rb"\s*(<!doctype html|<html|<\?xml|<!--)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def is_html(head: bytes) -> bool:
    """Whether these first bytes are those of a web page."""
    return _HTML.match(head) is not None


def title(html: bytes) -> str:
    """Return the title of a web page, or "no title"."""
    match = _TITLE.search(html.decode("utf-8", "replace"))
    return " ".join(match[1].split()) if match else "no title"


def check(file: Path, name: str) -> None:
    """Check *file*, to be kept as *name*.

    Raises BadInput: with everything wrong with it.
    """
    faults = [Fault(name, 0, message) for message in _faults(file, Path(name).suffix.lower())]
    if faults:
        raise BadInput(faults, "It was not kept.")


def _faults(file: Path, suffix: str) -> Iterator[str]:
    with file.open("rb") as stream:
        head = stream.read(1 << 16)
    # cms.gov answers 200, with a page, for a file that does not exist, and for one behind the license.
    if is_html(head):
        yield f'a web page came ("{title(head)}") where a {suffix.lstrip(".")} is expected'
    elif not head.startswith(_MAGIC[suffix]):
        yield f"begins with {head[:8]!r}, expected a {suffix.lstrip('.')} ({_MAGIC[suffix]!r})"
    elif suffix == ".zip":
        yield from _zip_faults(file)


def _zip_faults(file: Path) -> Iterator[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            faults = [*bomb_messages(members), *_escaping_names(members)]
            yield from faults
            if not faults and (broken := archive.testzip()):
                yield f"{broken} in it is broken; the zip did not come whole"
    except ZIP_ERRORS as error:
        yield f"not a whole zip ({error})"


def _escaping_names(members: list[zipfile.ZipInfo]) -> Iterator[str]:
    for member in members:
        # As it is in the zip: zipfile cuts names at a zero byte and turns backslashes.
        name = member.orig_filename
        if ".." in PurePosixPath(name.replace("\\", "/")).parts or re.match(r"[/\\]|[A-Za-z]:", name):
            yield f'names a file outside of itself: "{name}"'
