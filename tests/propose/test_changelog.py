"""The changelog's section of a release: first under "Unreleased", once, and the rest stays byte for byte."""

from codeset.proposal.changelog import with_entry
from codeset.releases import Release

Q4, Q4R1 = Release.parse("2026q4"), Release.parse("2026q4r1")
TEXT = "# Changelog\n\nFor billers.\n\n## Unreleased\n\n### Added\n\n- Something.\n\n## 1.0.0\n\n- First.\n"


def test_the_section_is_the_first_under_unreleased():
    assert with_entry(TEXT.encode(), Q4, "- **2026q4.** New.\n").decode() == TEXT.replace(
        "### Added", "### Release 2026q4\n\n- **2026q4.** New.\n\n### Added"
    )


def test_a_second_time_changes_nothing_and_other_words_replace_it():
    once = with_entry(TEXT.encode(), Q4, "- New.")
    assert with_entry(once, Q4, "- New.") == once
    assert with_entry(once, Q4, "- Newer.") == with_entry(TEXT.encode(), Q4, "- Newer.")


def test_a_superseded_revision_steps_aside_and_an_approved_one_stays():
    once = with_entry(TEXT.encode(), Q4, "- New.")
    assert with_entry(once, Q4R1, "- Newer.", [Q4]) == with_entry(TEXT.encode(), Q4R1, "- Newer.")
    assert b"### Release 2026q4r1\n\n- Newer.\n\n### Release 2026q4\n\n- New." in with_entry(once, Q4R1, "- Newer.")


def test_without_unreleased_or_without_a_changelog_one_is_begun():
    changelog_start = "# Changelog\n\n## Unreleased\n\n### Release 2026q4\n\n- New.\n"
    assert with_entry(None, Q4, "- New.").decode() == changelog_start
    assert (
        with_entry(b"# Changelog\n\n## 1.0.0\n\n- First.\n", Q4, "- New.").decode()
        == changelog_start + "\n## 1.0.0\n\n- First.\n"
    )


def test_text_that_looks_like_a_pattern_is_taken_as_it_is():
    assert rb"- \1 of \g<0>" in with_entry(with_entry(TEXT.encode(), Q4, "- x"), Q4, r"- \1 of \g<0>")
