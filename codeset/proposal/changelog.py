"""The entry of a release in CHANGELOG.md: a section of its own under "Unreleased", once."""

import re
from collections.abc import Iterable

from codeset.releases import Release

_UNRELEASED = "## Unreleased"
_SECTION = r"^### Release {}\n.*?(?=^##|\Z)"


def with_entry(text: bytes | None, release: Release, entry: str, superseded: Iterable[Release] = ()) -> bytes:
    """Return the changelog *text* with *entry* as the section of *release*, and without those of *superseded* ones.

    The section replaces an earlier one of the same release; a new one is the first under "Unreleased".
    """
    whole = (text or b"# Changelog\n").decode()
    for revision in superseded:
        whole = _section(revision).sub("", whole)
    section = f"### Release {release}\n\n{entry.strip()}\n\n"
    if _section(release).search(whole):
        # By a function: a backslash or a group reference in an entry would else be read as part of the pattern.
        return _tidy(_section(release).sub(lambda _: section, whole))
    if _UNRELEASED not in whole.splitlines():
        head, mark, rest = whole.partition("\n## ")
        whole = f"{head.rstrip()}\n\n{_UNRELEASED}\n{mark}{rest}"
    return _tidy(whole.replace(f"{_UNRELEASED}\n", f"{_UNRELEASED}\n\n{section}", 1))


def _section(release: Release) -> re.Pattern[str]:
    return re.compile(_SECTION.format(release), re.MULTILINE | re.DOTALL)


def _tidy(text: str) -> bytes:
    return (re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n").encode()
