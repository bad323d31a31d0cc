"""The entry of a release in CHANGELOG.md: a section of its own under "Unreleased", once."""

import re
from collections.abc import Iterable

from codeset.releases import Release

_UNRELEASED = "## Unreleased"
_SECTION = r"^### Release {}\n.*?(?=^##|\Z)"


def with_entry(
    changelog_bytes: bytes | None, release: Release, entry: str, superseded: Iterable[Release] = ()
) -> bytes:
    """Return *changelog_bytes* with *entry* as the section of *release*, and without those of *superseded* ones.

    The section replaces an earlier one of the same release; a new one is the first under "Unreleased".
    """
    changelog_text = (changelog_bytes or b"# Changelog\n").decode()
    for revision in superseded:
        changelog_text = _section_pattern(revision).sub("", changelog_text)
    release_section = f"### Release {release}\n\n{entry.strip()}\n\n"
    if _section_pattern(release).search(changelog_text):
        # By a function: a backslash or a group reference in an entry would else be read as part of the pattern.
        return _tidy_bytes(_section_pattern(release).sub(lambda _: release_section, changelog_text))
    if _UNRELEASED not in changelog_text.splitlines():
        preamble, next_heading, later_sections = changelog_text.partition("\n## ")
        changelog_text = f"{preamble.rstrip()}\n\n{_UNRELEASED}\n{next_heading}{later_sections}"
    return _tidy_bytes(changelog_text.replace(f"{_UNRELEASED}\n", f"{_UNRELEASED}\n\n{release_section}", 1))


def _section_pattern(release: Release) -> re.Pattern[str]:
    return re.compile(_SECTION.format(release), re.MULTILINE | re.DOTALL)


def _tidy_bytes(changelog_text: str) -> bytes:
    return (re.sub(r"\n{3,}", "\n\n", changelog_text).rstrip() + "\n").encode()
