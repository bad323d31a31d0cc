"""Tables of one release that must agree: the localities of all, and OPPS caps with what they follow from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from facts import Facts
from handed_in import build_faults, build_release, hand_in, rendered_file

from codeset.errors import BadInput
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset_ingest.build import BuildResult, build


def package(cms_facts: Facts, *tables: str) -> dict[str, bytes]:
    forms = {"zip_locality": "txt"}
    return dict(rendered_file(cms_facts, table, forms.get(table, "csv")) for table in tables)


@pytest.mark.parametrize("table", ["anesthesia", "locality_county", "zip_locality", "oppscap"])
def test_a_table_that_lacks_a_locality_of_the_gpci_is_refused(
    table: str, facts: dict[str, Facts], store: Store
) -> None:
    cms_facts = facts["2026q3"]
    incomplete = cms_facts.tables[table].filter(pl.col("locality") != "18")
    files = package(replace(cms_facts, tables=dict(cms_facts.tables) | {table: incomplete}), "gpci", table)
    assert build_faults(store, cms_facts.release, files) == [
        (
            f"{table}: 1 localities of the GPCI are not in it: 01182-18. "
            f"If that is right, build with --accept localities:{table}"
        )
    ]


@pytest.mark.parametrize("table", ["anesthesia", "locality_county", "zip_locality"])
def test_a_locality_that_the_gpci_does_not_have_is_refused(table: str, facts: dict[str, Facts], store: Store) -> None:
    cms_facts = facts["2026q3"]
    gpci = cms_facts.tables["gpci"].filter(pl.col("locality") != "18")
    files = package(replace(cms_facts, tables=dict(cms_facts.tables) | {"gpci": gpci}), "gpci", table)
    assert build_faults(store, cms_facts.release, files) == [
        (
            f"{table}: 1 of its localities are not in the GPCI: 01182-18. "
            f"If that is right, build with --accept localities:{table}"
        )
    ]


def test_carried_tables_are_compared_too(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    before, now = facts["2024q2"], facts["2026q3"]
    build_release(store, before.release, hand_in(tmp_path / "before", package(before, "gpci")))
    incomplete = now.tables["anesthesia"].head(7)
    files = package(replace(now, tables={"anesthesia": incomplete}), "anesthesia")
    with pytest.raises(BadInput, match="1 localities of the GPCI are not in it: 13202-02"):
        build(now.release, [hand_in(tmp_path / "now", files)], store, carry={"gpci": before.release})


def test_the_caps_of_another_year_are_refused(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    """The facts of 2024q2: 0633T-TC, OPPS PE 3.19, MP 0.01; San Francisco (3.19 x 1.419 + 0.01 x 0.445) x 33.2875."""
    cms_facts, other = facts["2024q2"], facts["2026q3"]
    files = package(cms_facts, "mpfs", "gpci")
    caps = rendered_file(cms_facts, "oppscap")
    assert build_release(store, cms_facts.release, hand_in(tmp_path / "cms", files | dict([caps]))).sealed.new
    wrong = rendered_file(replace(cms_facts, tables={"oppscap": other.tables["oppscap"]}), "oppscap")
    with pytest.raises(BadInput) as error:
        build_release(Store(tmp_path / "x"), cms_facts.release, hand_in(tmp_path / "wrong", files | dict([wrong])))
    assert str(error.value.faults[0]) == (
        "oppscap: 8 of 8 caps on technical components do not follow from OPPS RVUs, GPCI and conversion factor "
        "(first: 0633T in 01112-05: 150.38). The file may be of another year. "
        "If that is right, build with --accept caps:oppscap"
    )


@pytest.mark.cms
def test_the_caps_of_cms_follow_and_those_of_the_year_before_do_not(
    real_release: Callable[[str], BuildResult], package_2025: Callable[[str], Snapshot]
) -> None:
    """9,047 rows of April 2024, 8,393 of 2025; the caps of 2024 with what is of 2025: under a hundred of 9,047."""
    old, new = real_release("2024q2").sealed.snapshot, package_2025("2025q1")
    assert [_count_following(old, old), _count_following(new, new)] == [(9_047, 9_047), (8_393, 8_393)]
    following_count, rows = _count_following(old, new)
    assert (following_count < 100, rows) == (True, 9_047)


def _count_following(caps, rest) -> tuple[int, int]:
    """Of how many TC rows the cap is the sum times the factor within a cent, and how many there are."""
    rvus = {row["hcpcs"]: row for row in rest.table("mpfs").filter(modifier="TC").iter_rows(named=True)}
    gpcis = {(row["mac"], row["locality"]): row for row in rest.table("gpci").iter_rows(named=True)}
    factor = rest.conversion_factors[-1].value
    following_count = count = 0
    for row in caps.table("oppscap").filter(modifier="TC").iter_rows(named=True):
        rvu, gpci = rvus.get(row["hcpcs"]), gpcis.get((row["mac"], row["locality"]))
        if rvu is None or gpci is None:
            continue
        count += 1
        malpractice = rvu["opps_mp_rvu"] * gpci["mp_gpci"]
        off = [
            abs((rvu[f"opps_{setting}_pe_rvu"] * gpci["pe_gpci"] + malpractice) * factor - row[f"{setting}_amount"])
            for setting in ("facility", "nonfacility")
        ]
        following_count += max(off) <= 0.01
    return following_count, count
