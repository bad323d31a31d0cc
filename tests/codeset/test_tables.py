"""On which days an edit applies, of a table's rows and of one row alike; which columns say something of a key."""

from datetime import date

import polars as pl
import pytest

from codeset.tables import TABLES, active_in, is_active_on

# CMS's rows (NCCI PTP, practitioner): 17000/11042 applied from April 1, 1998 to March 31, 2019, then 11042/17000. Rows
# of indicator 9 are deleted on the day that they took effect (Policy Manual 2026, p. I-14); a blank deletion date is an
# edit in force.
ROWS = {
    "ended": (date(1998, 4, 1), date(2019, 3, 31)),
    "never applied": (date(2022, 1, 1), date(2022, 1, 1)),
    "in force": (date(2019, 4, 1), None),
}


@pytest.mark.parametrize(
    ("row", "day", "applies"),
    [
        ("ended", date(1998, 3, 31), False),
        ("ended", date(1998, 4, 1), True),
        ("ended", date(2019, 3, 31), True),
        ("ended", date(2019, 4, 1), False),
        ("never applied", date(2022, 1, 1), False),
        ("in force", date(2019, 3, 31), False),
        ("in force", date(2019, 4, 1), True),
        ("in force", date(2026, 7, 1), True),
    ],
)
def test_a_row_applies_from_its_effective_to_its_deletion_date(row: str, day: date, applies: bool) -> None:
    effective, deletion = ROWS[row]
    plain = {"effective_date": effective, "deletion_date": deletion}
    frame = pl.DataFrame([plain], schema={"effective_date": pl.Date, "deletion_date": pl.Date})
    assert is_active_on(plain, day) is applies
    assert frame.filter(active_in(pl.lit(day), pl.lit(day))).height == applies


def test_a_list_says_nothing_but_what_is_on_it():
    """An MUE is a value and an indicator, its rationale decides nothing; a telehealth service is on the list or not."""
    assert TABLES["mue"].value_columns == ("mue_value", "mai")
    assert TABLES["telehealth"].value_columns == ()
