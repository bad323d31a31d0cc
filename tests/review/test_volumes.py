"""A practice's year, worked by hand from CMS's amounts; how files are read is tested in tests/impact."""

from dataclasses import replace

import pytest

from codeset.errors import WrongUse
from codeset.impact.volume_files import Volume
from codeset.review.first_page import first_page
from codeset.review.make import make_review
from codeset.review.model import Review
from codeset.review.volumes import years
from codeset.store import Store
from codeset.suite.scenarios import load


def test_the_year_is_units_times_the_change_of_each_amount(annual_review):
    """Office: 820 x -0.22 = -180.40; 2,400 x 0.16 = 384.00; 6,100 x 6.24 = 38,064.00 (amounts: RVU25D, RVU26C)."""
    office, facility = annual_review.years
    changes = {line.hcpcs: line.change_cents for line in office.lines}
    assert {code: changes[code] for code in ("11102", "17000", "99213")} == {
        "11102": -18040,
        "17000": 38400,
        "99213": 3806400,
    }
    assert office.total.change_cents == sum(changes.values()) == sum(family.change_cents for family in office.families)
    # In a facility: 820 x -6.17, 2,400 x -5.94, 6,100 x -6.27.
    assert {line.hcpcs: line.change_cents for line in facility.lines if line.hcpcs != "88305"} == {
        "11102": -505940,
        "17000": -1425600,
        "99213": -3824700,
    }


def test_codes_without_an_amount_are_reported_and_in_no_total(annual_review):
    """36415 is not in the excerpt; J7309 (status E) left the fee schedule."""
    office, _ = annual_review.years
    assert {line.hcpcs: line.lacks for line in office.without} == {
        "36415": "not in the fee schedule",
        "J7309": "before: status E; after: not in the fee schedule",
    }
    assert office.total.codes == 4


def test_both_settings_are_side_by_side_when_no_setting_is_given(annual_review):
    assert [year.setting for year in annual_review.years] == ["nonfacility", "facility"]
    assert any(
        "each setting is shown as if everything were done there" in limit for limit in first_page(annual_review).limits
    )


def year_of(short_place, *volumes: Volume) -> Review:
    store = Store(short_place / "store")
    suite = load(short_place / "scenarios")
    return make_review(store.open("2025q4"), store.open("2026q3"), suite, (), volumes=volumes)


def test_places_of_service_decide_the_setting_of_each_unit(short_place):
    """99213: +6.24 in the office (88.95, 95.19), -6.27 in a facility (63.72, 57.45)."""
    office_volume = Volume("99213", "25", 10, "11", "Dr. A", "Medicare")
    review = year_of(
        short_place, office_volume, replace(office_volume, units=100, place_of_service="22", provider="Dr. B")
    )
    (year,) = review.years
    assert (year.setting, year.total.change_cents, year.total.units) == ("billed", 6240 - 62700, 110)
    sums = {group.by: {total.family: total.change_cents for total in group.totals} for group in year.groups}
    assert sums == {
        "place_of_service": {"11": 6240, "22": -62700},
        "provider": {"Dr. A": 6240, "Dr. B": -62700},
    }
    assert not any("if everything were done there" in limit for limit in first_page(review).limits)


def test_localities_are_those_of_each_line(short_place):
    """Manhattan's GPCIs of 2026: 1.064, 1.162, 1.586; 99213: 1.30, 1.46 and 0.09 RVUs."""
    review = year_of(short_place, Volume("99213", "", 1, "11", locality="Manhattan"), Volume("99213", "", 1, "11"))
    (year,) = review.years
    (group,) = [group for group in year.groups if group.by == "locality"]
    amounts = {total.family: total.after_cents for total in group.totals}
    # (1.30 x 1.064 + 1.46 x 1.162 + 0.09 x 1.586) x 33.4009 = (1.3832 + 1.69652 + 0.14274) x 33.4009 = 107.6334
    assert amounts == {"13202-01": 10763, "national": 9519}


def test_a_zip_code_needs_the_table_of_zip_codes(short_place):
    with pytest.raises(WrongUse, match="holds no ZIP code table"):
        year_of(short_place, Volume("99213", "", 1, "11", zip_code="10001"))


def test_a_place_without_a_setting_has_no_amount(short_place):
    """POS 05 (Indian Health Service free-standing facility): Medicare does not accept it, so it has no setting."""
    review = year_of(short_place, Volume("99213", "", 10, "11"), Volume("17000", "", 5, "05"))
    (year,) = review.years
    assert [line.hcpcs for line in year.lines] == ["99213"]
    assert [(line.hcpcs, line.lacks) for line in year.without] == [("17000", "no setting is known for POS 05")]


def test_amounts_of_a_locality_are_computed_once():
    localities = []
    volumes = [Volume(code, "", 1, "11", locality="national") for code in ("99213", "17000", "11102")]
    years(volumes, lambda locality: localities.append(locality) or (), ("nonfacility",), ())
    assert localities == ["national"]
