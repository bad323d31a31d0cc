"""Localities by name, state or ZIP code, as CMS's GPCI file (2025, 2026) and ZIP5 file name them; never guessed."""

from pathlib import Path

import polars as pl
import pytest

from codeset.errors import WrongUse
from codeset.lookups.localities import find_localities, locality_id
from codeset.snapshot import Snapshot
from codeset.store import Store


@pytest.fixture(scope="module")
def snapshot(embedded: Store) -> Snapshot:
    return embedded.open("2026q3")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("national", "national"),
        ("National", "national"),
        ("01112-05", "01112-05"),
        ("0111205", "01112-05"),
        ("Manhattan", "13202-01"),
        ("manhattan, NY", "13202-01"),
        ("Manhattan New York", "13202-01"),
        ("AK", "02102-01"),
        ("Alaska", "02102-01"),
        ("detroit", "08202-01"),
        ("rest of ny", "13282-99"),
        ("long island", "13202-02"),
        ("Kansas", "05202-00"),
        ("kansas city", "05302-02"),
        ("East St. Louis", "06102-12"),
        ("Puerto Rico", "09202-20"),
        ("DC", "12202-01"),
        ("District of Columbia", "12202-01"),
        ("West Virginia", "11402-16"),
        ("Chicago", "06102-16"),
    ],
)
def test_a_name_that_is_unique_is_its_locality(snapshot, text, expected):
    assert locality_id(text, [snapshot]) == expected


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("San Francisco", ["01112-05", "01112-52"]),
        ("Santa Clara", ["01112-09", "01112-65"]),
        ("NY", ["13202-01", "13202-02", "13202-03", "13282-99", "13292-04"]),
        ("New York", ["13202-01", "13202-02", "13202-03", "13282-99", "13292-04"]),
        ("Texas", ["04412-09", "04412-99"]),
        ("St. Louis", ["05302-01", "06102-12"]),
        ("Virginia", ["11302-00", "12202-01"]),
        ("Maryland", ["12202-01", "12302-01", "12302-99"]),
    ],
)
def test_a_name_of_several_localities_lists_them_and_takes_none(snapshot, text, candidates):
    with pytest.raises(WrongUse) as error:
        locality_id(text, [snapshot])
    assert all(candidate in str(error.value) for candidate in candidates)


def test_what_no_locality_is_called_is_refused(snapshot):
    with pytest.raises(WrongUse, match="codeset localities"):
        locality_id("Atlantis", [snapshot])
    with pytest.raises(WrongUse, match='has no locality "99999-99"'):
        locality_id("99999-99", [snapshot])


def test_a_release_without_the_table_of_zip_codes_says_so(snapshot):
    with pytest.raises(WrongUse, match="2026q3 holds no ZIP code table"):
        locality_id("10001", [snapshot])


@pytest.fixture(scope="module")
def with_zip_codes(snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The release with rows of ZIP5_OCT2025; 83414's carrier and locality depend on the last four digits."""
    rows = pl.DataFrame(
        {
            "zip_code": ["10001", "83414"],
            "state": ["NY", "WY"],
            "mac": ["13202", "03602"],
            "locality": ["01", "21"],
            "needs_plus_four": [False, True],
        }
    )
    return ZipCodes(snapshot.path, rows)


class ZipCodes(Snapshot):
    """A snapshot that also holds *rows* of ZIP codes."""

    def __init__(self, path: Path, rows: pl.DataFrame) -> None:
        super().__init__(path)
        object.__setattr__(self, "rows", rows)

    def __contains__(self, table: str) -> bool:
        return table == "zip_locality" or super().__contains__(table)

    def scan(self, table: str) -> pl.LazyFrame:
        return self.rows.lazy() if table == "zip_locality" else super().scan(table)


@pytest.mark.parametrize("text", ["10001", "10001-0005", " 10001 "])
def test_a_zip_code_is_the_locality_of_its_row(with_zip_codes, text):
    assert locality_id(text, [with_zip_codes]) == "13202-01"


def test_a_zip_code_that_is_split_among_localities_is_not_guessed(with_zip_codes):
    with pytest.raises(WrongUse, match="last four digits"):
        locality_id("83414", [with_zip_codes])
    with pytest.raises(WrongUse, match="no ZIP code 00000"):
        locality_id("00000", [with_zip_codes])


def test_every_locality_is_listed_without_a_query(snapshot):
    """CMS's GPCI file of 2026 has 109 localities."""
    assert find_localities(snapshot, "").height == 109
    assert find_localities(snapshot, "WA")["locality_name"].to_list() == ["SEATTLE (KING CNTY)", "REST OF WASHINGTON"]
