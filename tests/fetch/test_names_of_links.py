"""CMS's names understood: release, replacement and date of a link. Expected values: CMS's own links and dates."""

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest

from codeset.releases import Release
from codeset_ingest.cms_site.link_names import (
    LinkName,
    Publication,
    file_address,
    parse_name,
    publications,
    release_of_page,
)

CMS = "https://www.cms.gov"
FEE_SCHEDULES = f"{CMS}/medicare/payment/fee-schedules/physician/pfs-relative-value-files"
_OLD = f"{CMS}/Medicare/Medicare-Fee-for-Service-Payment/physicianfeesched/downloads"


def publication(name: str) -> Publication:
    return next(candidate for candidate in publications() if candidate.name == name)


def name_of_link(name: str, href: str) -> LinkName | None:
    return parse_name(publication(name), file_address(href, f"{CMS}/some/page")[0])


def brief(link_name: LinkName | None) -> tuple[str, str, int, date | None] | None:
    return None if link_name is None else (str(link_name.release), link_name.edition, link_name.again, link_name.posted)


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("/files/zip/rvu26c-updated-06-30-2026.zip", ("2026q3", "rvu26c", 0, date(2026, 6, 30))),
        ("/files/zip/rvu25a-updated-01/10/2025.zip", ("2025q1", "rvu25a", 0, date(2025, 1, 10))),
        ("/files/zip/rvu24ar-posted-04/01/2024.zip", ("2024q1", "rvu24ar", 1, date(2024, 4, 1))),
        ("/files/zip/rvu22a.zip", ("2022q1", "rvu22a", 0, None)),
        ("/files/zip/rvu21c-updated-6302021.zip", ("2021q3", "rvu21c", 0, date(2021, 6, 30))),
        ("/files/zip/rvu20a-updated-01312020.zip", ("2020q1", "rvu20a", 0, date(2020, 1, 31))),
        (f"{_OLD}/RVU18AR1.zip", ("2018q1", "rvu18ar1", 2, None)),
        (f"{_OLD}/rvu12b-.zip", ("2012q2", "rvu12b", 0, None)),
        (f"{_OLD}/rvu11b_2.zip", ("2011q2", "rvu11b_2", 2, None)),
    ],
)
def test_fee_schedule_packages_tell_release_replacement_and_date(href, expected):
    assert brief(name_of_link("mpfs", href)) == expected


def test_the_packages_of_one_release_are_in_the_order_of_their_replacement():
    names = ("rvu18a", "rvu18ar", "rvu18ar1")
    assert [name_of_link("mpfs", f"{_OLD}/{name}.zip").again for name in names] == [0, 1, 2]


@pytest.mark.cms
def test_all_real_links_of_fee_schedules_are_understood(cms: Path):
    """CMS's list gives each link's file (RVU24AR) and first day, counted in days from 1970."""
    with (cms / "site" / "rvu_zip_links_2009_2026.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 77
    for row in rows:
        link_name = name_of_link("mpfs", row["url"])
        assert link_name is not None, row["url"]
        variant = f"_{link_name.variant}" if link_name.variant and link_name.variant.startswith("pct") else ""
        assert f"{link_name.edition}{variant}" == row["file"].lower()
        if row["date_start"]:
            assert link_name.release == Release.of(date(1970, 1, 1) + timedelta(float(row["date_start"]))), row["url"]
        digits = (
            "".join(filter(str.isdigit, row["url"].lower().partition("-")[2])) if "/files/zip/" in row["url"] else ""
        )
        date_text = f"{link_name.posted:%m%d%Y}".lstrip("0") if link_name.posted else ""
        assert date_text == digits.lstrip("0"), row["url"]


PRACTITIONER = "medicare-ncci-2026q3-practitioner-ptp-edits-ccipra-v322r0-f4.zip"


@pytest.mark.parametrize(
    "href",
    [
        f"/license/ama?file=/files/zip/{PRACTITIONER}",
        f"/license/ama?file=/files/zip//{PRACTITIONER}",
        f"{CMS}/license/ama?file=%2Ffiles%2Fzip%2F{PRACTITIONER}",
    ],
)
def test_a_gated_link_names_the_file_behind_the_license_page(href):
    address, gated = file_address(href, f"{CMS}/medicare/page")
    assert (address, gated) == (f"{CMS}/files/zip/{PRACTITIONER}", True)
    link_name = name_of_link("ptp", href)
    assert (brief(link_name), link_name.part) == (("2026q3", "ptp v322r0", 0, None), 4)


NCCI = "/files/zip/medicare-ncci-2026"


@pytest.mark.parametrize(
    ("name", "href", "expected"),
    [
        ("ptp", f"{NCCI}-q4-practitioner-ptp-edits-ccipra-v323r1-f2.zip", "ptp v323r1"),
        ("ptp_outpatient", f"{NCCI}q4-hospital-ptp-edits-ccioph-v323r0-f1.zip", "ptp_outpatient v323r0"),
        ("mue", f"{NCCI}-q4-practitioner-services-mue-table.zip", "mue 2026-10-01"),
        ("mue", f"{NCCI}q4-practitioner-services-mue-table-r1.zip", "mue 2026-10-01"),
        (
            "mue_outpatient",
            f"{NCCI}-q4-facility-outpatient-hospital-services-mue-table.zip",
            "mue_outpatient 2026-10-01",
        ),
        ("mue_dme", f"{NCCI}-q4-dme-supplier-services-mue-table.zip", "mue_dme 2026-10-01"),
        ("hcpcs", "/files/zip/october-2026-alpha-numeric-hcpcs-file.zip", "hcpcs 2026q4"),
        ("icd10cm", "/files/zip/2027-code-descriptions-tabular-order.zip", "icd10cm fy2027"),
        ("icd10cm_tabular", "/files/zip/2027-code-tables-tabular-and-index.zip", "icd10cm tabular fy2027"),
        ("icd10cm_conversion", "/files/zip/2027-conversion-table.zip", "icd10cm conversion fy2027"),
        ("zip_locality", "/files/zip/zip-code-carrier-locality-file-updated-08-14-2026.zip", "zip5 2026q4"),
        ("zip_locality", "/files/zip/zip-code-carrier-locality-file-revised-09/30/2026.zip", "zip5 2026q4"),
        ("aoc", "/files/zip/add-code-edits-medicare-effective-10012026.zip", "aoc 2026q4"),
        ("ptp_changes", f"{NCCI}q4-practitioner-quarterly-additions-deletions-revisions-ptp.zip", "ptp changes 2026q4"),
    ],
)
def test_ncci_files_tell_release_and_edition(name, href, expected):
    link_name = name_of_link(name, href)
    assert (str(link_name.release), link_name.edition) == ("2026q4", expected)
    assert link_name.again == ("r1" in href)


def test_april_s_diagnosis_codes_are_of_the_second_quarter():
    href = "/files/zip/april-1-2026-code-descriptions-tabular-order.zip"
    assert str(name_of_link("icd10cm", href).release) == "2026q2"


def test_a_tabular_list_that_was_posted_again_is_of_its_fiscal_year():
    """An address of cms.gov's of fiscal year 2024."""
    link_name = name_of_link("icd10cm_tabular", "/files/zip/2024-code-tables-tabular-and-index-updated-02/01/2024.zip")
    assert (str(link_name.release), link_name.posted) == ("2023q4", date(2024, 2, 1))


def test_a_medicaid_file_is_none_of_medicares():
    href = "/files/zip/medicaid-ncci-2026-q3-ptp-edits-practitioner-services.zip"
    assert [candidate.name for candidate in publications() if name_of_link(candidate.name, href)] == []


@pytest.mark.parametrize(
    ("page", "release"),
    [
        (f"{FEE_SCHEDULES}/rvu26c", "2026q3"),
        (f"{FEE_SCHEDULES}/rvu25d-0", "2025q4"),
        (f"{FEE_SCHEDULES}/rvu24ar", "2024q1"),
        (f"{CMS}/medicare/medicare-fee-service-payment/physicianfeesched/pfs-relative-value-files/rvu23a", "2023q1"),
    ],
)
def test_a_release_has_a_page_whatever_is_added_to_its_name(page, release):
    assert str(release_of_page(publication("mpfs"), page)) == release


def test_another_page_is_no_release():
    assert release_of_page(publication("mpfs"), f"{FEE_SCHEDULES}/frequently-asked-questions") is None
