"""Every reason is a sentence whose values are all there, whatever line it is said of."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from string import Formatter
from typing import Any

import literal_claims
import pytest

from codeset.claims.adjudicate import adjudicate
from codeset.claims.edits.findings import reasons
from codeset.claims.outcome import outcome_plain
from codeset.participants import Participant
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store


def fee(hcpcs: str, **columns: Any) -> dict[str, Any]:
    return {"hcpcs": hcpcs, **columns}


STATUS = {f"9990{status}": {"status_code": status} for status in "BCDIJMNRTX"}
FEES = [
    *(fee(hcpcs, **columns) for hcpcs, columns in STATUS.items()),
    *(fee("99911", modifier=modifier, pctc_indicator="1") for modifier in ("", "26", "TC")),
    fee("99912", pctc_indicator="5"),
    fee("99913", bilateral_surgery="9", assistant_surgery="1", co_surgery="0", team_surgery="0"),
    fee("99914", assistant_surgery="0", co_surgery="1", team_surgery="1"),
    fee("99915", global_days="000"),
    fee("99916", global_days="010"),
    fee("99917", global_days="090"),
    fee("99918", global_days="YYY"),
    fee("99919", status_code="A", nonfacility_na=True),
    *("99920", "99921", "99922", "99930", "99931", "99932", "99940", "99941", "99942", "99213"),
    *("11602", "17000", "17311", "99203", "99212"),
    fee("11102", multiple_procedure="2"),
    *(fee(hcpcs, global_days="ZZZ") for hcpcs in ("99923", "G0559", "G2211", "Q4101")),
    fee("99924", pctc_indicator="3"),
    fee("99925", bilateral_surgery="2"),
    fee("99926", bilateral_surgery="0"),
    *("17110", "96912"),
    fee("15853", global_days="ZZZ"),
]
ROWS = {
    "ptp": [("99920", "99921", "2020-01-01", None, 0), ("99920", "99923", "2020-01-01", None, 1)],
    "mue": [("99930", 1, 1), ("99931", 1, 2), ("99932", 1, 3), ("99922", 0, 3)],
    "add_on": [
        ("99940", "99920", "2020-01-01", None, 1),
        ("99940", "99930", "2020-01-01", None, 1),
        ("99941", "99920", "2020-01-01", None, 3),
        ("99942", "CCCCC", "2020-01-01", None, 2),
        ("G2211", "99213", "2024-01-01", None, 1),
    ],
    "diagnosis": [
        *(
            ("L66", False, None),
            ("L661", False, "L66"),
            ("L6610", True, "L661"),
            ("L821", True, "L82"),
            ("L820", True, "L82"),
            ("B078", True, "B07"),
            ("D225", True, "D22"),
        ),
        *(
            ("L570", True, "L57"),
            ("L400", True, "L40"),
            ("C4490", True, "C44"),
            ("Z411", True, "Z41"),
            ("L99", True, None),
        ),
        ("W57XXXA", True, "W57"),
    ],
    "diagnosis_replacement": [
        ("L299", "L2981", date(2026, 10, 1)),
        ("L668", "L6610", date(2024, 10, 1)),
    ],
    "excludes": [("L40", "L57", 1)],
    "coverage_document": [
        ("A57044", 16, "CGS Administrators, LLC"),
        ("A57161", 15, "Noridian"),
        ("A1", 1, "Palmetto GBA"),
        ("A2", 1, "First Coast"),
    ],
    "coverage_hcpcs": [("A57044", 16, "17110"), ("A1", 1, "17110"), ("A2", 1, "17110")],
    "coverage_diagnosis": [
        ("A57044", 16, 1, "L820", True),
        ("A57044", 16, 2, "L821", True),
        ("A57161", 15, 1, "L820", True),
        ("A2", 1, 1, "L570", False),
    ],
}

LINES: dict[str, tuple[str, ...]] = {
    "no-release": ("99920 on=2020-01-01",),
    "units-below-one": ("99920x0", "99920x-3"),
    "hcpcs-not-in-release": ("99999",),
    "status-not-valid-for-medicare": ("9990I",),
    "status-deleted": ("9990D",),
    "status-not-covered": ("9990N",),
    "status-bundled": ("9990B",),
    "status-for-reporting": ("9990M",),
    "injection-bundled": ("9990T", "99920"),
    "status-outside-fee-schedule": ("9990X",),
    "status-anesthesia": ("9990J",),
    "status-carrier-priced": ("9990C",),
    "status-restricted": ("9990R",),
    "incident-to-in-hospital": ("99912 place=22",),
    "modifier-unknown": ("99920-ZZ",),
    "modifier-component": ("99912-26", "99912-TC"),
    "modifier-bilateral": ("99913-50",),
    "modifier-one-side": ("99926-50",),
    "modifier-sides-included": ("99925-50",),
    "modifier-sides": ("99914-50-RT",),
    "modifier-assistant": ("99913-80",),
    "modifier-co-surgeon": ("99913-62",),
    "modifier-team": ("99913-66",),
    "modifier-of-visits": ("99920-25",),
    "modifier-of-procedures": ("99213-79",),
    "modifier-assistant-documentation": ("99914-82",),
    "modifier-co-surgeon-documentation": ("99914-62",),
    "modifier-team-by-report": ("99914-66",),
    "ptp-never": ("99920", "99921"),
    "ptp-no-modifier": ("99920", "99923"),
    "ptp-same-site": ("99920-RT", "99923-RT"),
    "ptp-bypassed": ("99920", "99923-59"),
    "mue-none": ("99922",),
    "mue-line": ("99930x2",),
    "mue-day-policy": ("99931", "99931-76"),
    "mue-day-clinical": ("99932x2",),
    "add-on-without-primary": ("99940",),
    "add-on-primary-denied": ("99940", "99930x2"),
    "add-on-primary-by-contractor": ("99941", "99942"),
    "global-visit-same-day": ("99915", "99213"),
    "global-visit-major": ("99917 day=1", "99213", "99213 day=1"),
    "global-visit-after": ("99916", "99213 day=5"),
    "global-visit-of-group": ("99916 group=g specialty=07", "99213 day=5 provider=n group=g specialty=50"),
    "global-sutures": ("99916", "99213-24 day=5", "15853 day=5"),
    "modifier-primary-care-exception": ("99915-GE",),
    "modifier-shared-outside-facility": ("99213-FS",),
    "global-procedure-after": ("99916", "99915 day=5"),
    "global-visit-documented": ("99915", "99213-25"),
    "global-return-in-office": ("99916", "99915-78 day=5"),
    "global-return-place": ("99917-78",),
    "global-by-contractor": ("99918", "99213"),
    "global-new-period": ("99916", "99917-58 day=5"),
    "global-paid-in-period": ("99916", "99915-79 day=5"),
    "global-return": ("99916", "99917-78 day=5 place=22"),
    "global-return-in-full": ("99916", "99915-78 day=5 place=22"),
    "lesion-one-removal": ("11602 lesion=A", "17000 lesion=A"),
    "lesion-included": ("11602 lesion=A", "11102 lesion=A"),
    "mohs-several-tumors": ("17311x2",),
    "amount-to-review": ("99920-22",),
    "amount-of-several-days": ("11102x2 days=2",),
    "amount-of-other-setting": ("99919",),
    "amount-nothing-left": ("99925-RT", "99925-LT"),
    "amount-no-charge": ("99920 charge_cents=0",),
    "no-amount": ("99920x10000",),
    "modifier-order": ("99911-GC-26",),
    "modifier-not-in-force": ("99920-JG",),
    "modifier-distinct-on-visit": ("99213-59",),
    "notice-contradiction": ("99920-GA-GZ",),
    "notice-none-on-file": ("99920-GZ",),
    "notice-excluded": ("99920-GY", "99921-GX"),
    "place-not-valid": ("99920 place=30",),
    "telehealth-procedure": ("99915 place=10",),
    "telehealth-list-not-held": ("99213 place=10", "99213-95 day=1"),
    "component-whole-in-hospital": ("99911 place=22",),
    "component-technical-in-hospital": ("99924 place=22",),
    "component-in-surgical-center": ("99911 place=24",),
    "duplicate-exact": ("99920", "99920"),
    "duplicate-visit": ("99213", "99213"),
    "duplicate-suspect": ("99920", "99920-22"),
    "duplicate-separate": ("99920", "99920-59"),
    "two-sides": ("99920-RT", "99920-LT"),
    "visit-second": ("99213", "99212 provider=p"),
    "global-no-period-read": ("99917-78 place=22", "99916-79", "99917-58", "99213-24 day=9"),
    "global-no-surgery-read": ("99213-57",),
    "global-no-service-read": ("99213-25",),
    "mohs-by-no-physician": ("17311 specialty=50",),
    "mue-waste": ("99932", "99932-JW"),
    "visit-units": ("99213x2",),
    "visit-second-documented": ("99213", "99212-25"),
    "new-patient-established": ("99915", "99203 day=5"),
    "new-patient-maybe-established": ("99912", "99203 day=5"),
    "new-patient-of-other-specialty": (
        "99915 group=g specialty=07",
        "99203 day=5 provider=n group=g specialty=50",
    ),
    "complexity-beside-25": ("99213-25", "G2211"),
    "complexity-maybe-preventive": ("99213-25", "G2211", "99920"),
    "add-on-without-service": ("99923",),
    "add-on-without-application": ("Q4101",),
    "add-on-without-visit": ("G0559",),
    "postoperative-own-surgery": ("99917", "99213-24 day=5", "G0559 day=5"),
    "postoperative-twice": (
        *("99917 provider=x", "99213 day=5", "G0559 day=5"),
        *("99213 day=6", "G0559 day=6"),
    ),
    "postoperative-surgery-not-read": ("99213", "G0559"),
    "diagnosis-no-longer-valid": ("11102 diagnoses=L66.8",),
    "diagnosis-not-yet-valid": ("11102 diagnoses=L29.81",),
    "diagnosis-header": ("11102 diagnoses=L66.1",),
    "diagnosis-not-a-code": ("11102 diagnoses=L99.ZZ",),
    "diagnosis-external-cause-first": ("11102 diagnoses=W57.XXXA",),
    "diagnosis-manifestation-first": ("11102 diagnoses=L99",),
    "diagnosis-cosmetic": ("17000 diagnoses=Z41.1",),
    "diagnosis-cosmetic-beside-other": ("17000 diagnoses=L57.0,Z41.1",),
    "diagnosis-excluded": ("11102 diagnoses=L40.0,L57.0",),
    "diagnosis-unreferenced": ("11102 diagnoses=L57.0 diagnoses_of_claim=L57.0,L66.1",),
    "diagnosis-not-malignant": ("11602 diagnoses=L82.1",),
    "diagnosis-not-benign": ("17110 diagnoses=C44.90",),
    "diagnosis-premalignant-on-benign": ("17110 diagnoses=L57.0",),
    "diagnosis-not-premalignant": ("17000 diagnoses=L82.1",),
    "coverage-ncd-puva": ("96912 diagnoses=L40.0",),
    "coverage-ncd-keratoses": ("17000 diagnoses=L57.0",),
    "diagnosis-unspecified": ("11102 diagnoses=C44.90",),
    "coverage-not-listed": ("17110 diagnoses=B07.8 locality=15202-00",),
    "coverage-not-listed-with-notice": ("17110-GA diagnoses=D22.5 locality=15202-00",),
    "coverage-not-listed-attested": ("17110-KX diagnoses=D22.5 locality=15202-00",),
    "coverage-companion-missing": ("17110 diagnoses=L82.1 locality=15202-00",),
    "coverage-listed": ("17110 diagnoses=L82.0 locality=15202-00",),
    "coverage-not-excluded": ("17110 diagnoses=L82.1 locality=09102-03",),
    "coverage-codes-not-held": ("17110 diagnoses=L82.1 locality=01112-05",),
    "coverage-diagnoses-not-held": ("17110 diagnoses=L82.1 locality=10112-00",),
    "coverage-no-article": ("17110 diagnoses=L82.1 locality=05102-00",),
    "coverage-no-contractor": ("17110 diagnoses=L82.1",),
}
"""For each reason lines, of a release that has all tables, of which it is said."""

IN_EXCERPT = {
    "outside-the-excerpt": ("99999",),
    "beside-the-excerpt": ("99999", "99920"),
    "diagnosis-outside-excerpt": ("99920 diagnoses=E11.9",),
}
WITHOUT_TABLES = {"table-not-held": ("99920",)}
WITH_LIST = {"telehealth-not-on-list": ("99213 place=10", "99213-95 day=1")}
LEFT_OUT = {"release-left-out": ("99920 on=2026-06-30",)}


Plain = Sequence[Mapping[str, Any]]
"""Lines of `outcome.schema.json`."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return literal_claims.sealed_release(Store(tmp_path_factory.mktemp("reasons")), "2026q3", FEES, **ROWS)


@pytest.fixture(scope="module")
def lines_by_reason(whole: Snapshot) -> Mapping[str, Plain]:
    """The outcome of LINES; all of them are adjudicated at once, those of each reason as a patient's of their own."""
    lines_of_reason = defaultdict(list)
    for claim in outcome_plain(
        adjudicate(literal_claims.claims_of_cases(LINES), whole, participant=Participant.NON_QP)
    ):
        lines_of_reason[claim["claim_id"].split()[0]] += claim["lines"]
    return lines_of_reason


@pytest.fixture(scope="module")
def excerpt(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return literal_claims.sealed_release(
        Store(tmp_path_factory.mktemp("excerpt")), "2026q3", FEES, scope="derm", diagnosis=ROWS["diagnosis"]
    )


def test_there_are_lines_for_every_reason() -> None:
    assert {*LINES, *IN_EXCERPT, *WITHOUT_TABLES, *WITH_LIST, *LEFT_OUT} == set(reasons())


@pytest.mark.parametrize("reason", LINES)
def test_every_value_of_a_sentence_is_there(lines_by_reason: Mapping[str, Plain], reason: str) -> None:
    assert_filled(reason, lines_by_reason[reason])


@pytest.mark.parametrize("reason", IN_EXCERPT)
def test_every_value_of_a_sentence_about_an_excerpt_is_there(excerpt: Snapshot, reason: str) -> None:
    assert_filled(reason, plain_lines(excerpt, *IN_EXCERPT[reason]))


def test_every_value_of_a_sentence_about_a_table_is_there(store: Store) -> None:
    without = literal_claims.sealed_release(store, "2026q3", FEES, lacking=["ptp", "mue"])
    assert_filled("table-not-held", plain_lines(without, *WITHOUT_TABLES["table-not-held"]))


def test_every_value_of_a_sentence_about_the_telehealth_list_is_there(store: Store) -> None:
    with_list = literal_claims.sealed_release(store, "2026q3", FEES, telehealth=[("99212", None, None)])
    assert_filled("telehealth-not-on-list", plain_lines(with_list, *WITH_LIST["telehealth-not-on-list"]))


def test_every_value_of_a_sentence_about_a_release_that_was_left_out_is_there(whole: Snapshot) -> None:
    lines = plain_lines(whole, *LEFT_OUT["release-left-out"], left_out=[Release.parse("2026q2")])
    assert_filled("release-left-out", lines)


def plain_lines(snapshot: Snapshot, *texts: str, left_out: Sequence[Release] = ()) -> Plain:
    outcome = adjudicate(literal_claims.claims(*texts), snapshot, participant=Participant.NON_QP, left_out=left_out)
    return [line for claim in outcome_plain(outcome) for line in claim["lines"]]


def assert_filled(reason: str, lines: Plain) -> None:
    """Read the two sentences as templates: each `{...}` must have become a value, and no dash."""
    remedy_advice = [finding["do"] for line in lines if line["remedy"] for finding in line["findings"]]
    findings = [finding for line in lines for finding in line["findings"]]
    of_reason = [finding for finding in findings if finding["reason"] == reason]
    assert of_reason, f"the lines do not have {reason}: {[finding['reason'] for finding in findings]}"
    for finding in of_reason:
        templates = [(finding["says"], reasons()[reason].says)]
        if finding["do"] not in remedy_advice:  # what a remedy says: test_remedies
            templates.append((finding["do"], reasons()[reason].do))
        for sentence, template in templates:
            values = re.fullmatch(pattern(template), sentence)
            assert values, f"{sentence!r} is not {template!r}"
            assert all(value.strip(" –") for value in values.groups()), sentence


def pattern(template: str) -> str:
    """The template as a pattern with a group for each value."""
    parts = Formatter().parse(template)
    return "".join(re.escape(text) + ("(.*)" if name is not None else "") for text, name, _, _ in parts)
