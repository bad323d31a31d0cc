"""The ZIP code to carrier locality file: each ZIP code's locality, as CMS prints it."""

from pathlib import Path

import pytest
from facts import Facts
from handed_in import build_faults, rendered_file, replace_text

from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import build


@pytest.mark.cms
def test_the_file_of_october_2025_equals_its_lines(cms: Path, tmp_path: Path) -> None:
    """README: 42,956 records, 580 need the plus-four file, 109 localities: those of the GPCI. Read here by position."""
    files = [cms / "zip5", cms / "2025q4" / "rvu25d.zip"]
    snapshot = build(Release.parse("2025q4"), files, Store(tmp_path)).sealed.snapshot
    table = snapshot.table("zip_locality")
    lines = (cms / "zip5" / "ZIP5_OCT2025.txt").read_text(encoding="cp1252").splitlines()
    ours = {row["zip_code"]: row for row in table.iter_rows(named=True)}
    assert table.height == len(lines) == 42_956
    for line in lines:
        row = ours[line[2:7]]
        assert (row["state"], row["mac"], row["locality"]) == (line[:2], line[7:12], line[12:14])
        assert (row["rural_indicator"] or " ", row["needs_plus_four"]) == (line[14], line[20] == "1")
    assert table["needs_plus_four"].sum() == 580
    pairs = table.select("mac", "locality").unique().sort("mac", "locality")
    assert pairs.equals(snapshot.table("gpci").select("mac", "locality"))


def test_a_file_of_another_quarter_is_refused(facts: dict[str, Facts], store: Store) -> None:
    name, data = rendered_file(facts["2024q2"], "zip_locality", "txt")
    (fault,) = build_faults(store, facts["2026q3"].release, {name: data})
    assert fault.startswith("ZIP5_APR2024.txt: This file is for 2024q2, not for 2026q3.")


@pytest.mark.parametrize(
    ("theirs", "other", "says"),
    [
        ("AK995010210201 Z9   0 A", "AK995010210201 Z9   0xA", "text at positions that the layout leaves blank"),
        ("AK995010210201 Z9   0 A", "AK995010210201 Z9   2 A", 'needs_plus_four is "2", expected "1" or "0"'),
        ("AK995010210201 Z9   0 A", "AK995010210201XZ9   0 A", 'rural_indicator is "X", expected one of blank, R, B'),
        ("AK99501", "AK9950 ", "neither a record nor a notice that the layout knows"),
    ],
)
def test_what_the_layout_does_not_know_is_refused(
    theirs: str, other: str, says: str, facts: dict[str, Facts], store: Store
) -> None:
    name, data = rendered_file(facts["2026q3"], "zip_locality", "txt")
    assert any(
        says in fault
        for fault in build_faults(store, facts["2026q3"].release, {name: replace_text(data, theirs, other)})
    )
