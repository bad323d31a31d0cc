from datetime import date

import pytest

from codeset.errors import WrongUse
from codeset.releases import Release


def test_a_label_names_year_quarter_and_revision():
    assert Release.parse("2026q3") == Release(2026, 3)
    assert Release.parse("2026q3r1") == Release(2026, 3, 1)
    assert str(Release(2026, 3, 1)) == "2026q3r1"


def test_a_label_may_be_in_capitals():
    assert [str(Release.parse(label)) for label in ("2026Q3", "2026Q3R1")] == ["2026q3", "2026q3r1"]


@pytest.mark.parametrize(
    "label", ["2026", "2026q5", "26q3", "2026q3r0", "2026q3 ", "2026q3r", "latest", "20\u0662\u0666q3"]
)
def test_anything_else_is_refused_in_words(label):
    with pytest.raises(WrongUse, match="expected a year and a quarter such as 2026q3"):
        Release.parse(label)


@pytest.mark.parametrize(
    ("label", "first", "last"),
    [
        ("2024q1", date(2024, 1, 1), date(2024, 3, 31)),
        ("2024q2", date(2024, 4, 1), date(2024, 6, 30)),
        ("2025q3", date(2025, 7, 1), date(2025, 9, 30)),
        ("2025q4", date(2025, 10, 1), date(2025, 12, 31)),
    ],
)
def test_a_quarter_covers_its_calendar_days(label, first, last):
    release = Release.parse(label)
    assert (release.first_day, release.last_day) == (first, last)
    assert Release.of(first) == Release.of(last) == release


def test_releases_order_by_time_then_revision():
    labels = ["2026q3r1", "2025q4", "2026q3", "2026q1"]
    assert [str(release) for release in sorted(map(Release.parse, labels))] == [
        "2025q4",
        "2026q1",
        "2026q3",
        "2026q3r1",
    ]
