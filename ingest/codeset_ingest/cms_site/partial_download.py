"""Files that have come in part: the bytes, and beside them a note of what the site told them by."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Validators:
    """By what a site tells one state of a file from another."""

    etag: str | None = None
    last_modified: str | None = None
    size: int | None = None

    @property
    def conditions(self) -> dict[str, str]:
        """The headers that ask for the file only if it changed."""
        pairs = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return {name: value for name, value in pairs if value}

    @property
    def for_range(self) -> str | None:
        """What If-Range may carry: a strong ETag, else the date."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong or self.last_modified


def begun(part: Path) -> tuple[int, Validators]:
    """Return how many bytes came before, and by what they are told; none, where nothing tells that they still hold."""
    try:
        told = Validators(**json.loads(_note(part).read_text(encoding="utf-8")))
        size = part.stat().st_size
    except (OSError, ValueError, TypeError):
        return 0, Validators()
    return (size, told) if told.for_range else (0, Validators())


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def begin(part: Path, told: Validators) -> None:
    """Remove what another try left, and only then note by what the new bytes are told: a kill leaves no wrong pair."""
    forget(part)
    _note(part).write_text(json.dumps(asdict(told)), encoding="utf-8")


def forget(part: Path) -> None:
    """Remove what came of a file, and the note beside it."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)
