"""Visits as coded on the embedded July 2026: what the manual and CMS's edits make of the facts."""

import re
from dataclasses import replace
from datetime import date
from random import Random
from time import perf_counter

import polars as pl
import pytest
from random_visits import random_visit

from codeset.errors import BadInput
from codeset.participants import ANSWERS
from codeset.visit.code_book import CodeBook
from codeset.visit.code_visit import choose_services, code_visits
from codeset.visit.visit_files import parse_visits, read_visits
from codeset.visit.visit_rules import rule, rule_names

NON_QP = ANSWERS["no"]
BASE = {"visit_id": "v", "date_of_service": date(2026, 7, 15), "place_of_service": 11, "patient": "established"}


@pytest.fixture(scope="module")
def release(embedded):
    return embedded.open("2026q3")


def code_one_visit(release, lesions=(), **facts):
    lesions_with_names = [{"name": f"lesion {nth}", **lesion} for nth, lesion in enumerate(lesions)]
    visit = BASE | facts | ({"lesions": lesions_with_names} if lesions_with_names else {})
    return code_visits(parse_visits(visit), release, participant=NON_QP)[0]


def codes(visit):
    """The lines as coders write them, such as 17003 x 7, in order of code."""
    texts = []
    for line in visit.lines:
        service = line.service
        units = f" x {service.units}" if service.units > 1 else ""
        texts.append("-".join((service.hcpcs, *service.modifiers)) + units)
    return sorted(texts)


def open_questions(visit):
    return {question.name for question in visit.questions} - {"diagnosis"}


KERATOSES = {"site": "scalp", "nature": "premalignant", "technique": "destruction", "diagnosis": "L57.0"}
WART = {"site": "hand", "nature": "benign", "technique": "destruction", "diagnosis": "B07.8"}
CARCINOMA = {"site": "forearm", "nature": "malignant", "diagnosis": "C44.612"}
NOSE = {"site": "nose", "nature": "malignant", "technique": "mohs", "diagnosis": "C44.311"}
VISIT = {"level": "low", "separate": "yes", "diagnosis": "L30.9"}


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, ["17000"]),
        (2, ["17000", "17003"]),
        (8, ["17000", "17003 x 7"]),
        (14, ["17000", "17003 x 13"]),
        (15, ["17004"]),
        (25, ["17004"]),
    ],
)
def test_keratoses_are_a_first_and_further_ones_or_fifteen_and_more(release, count, expected):
    assert codes(code_one_visit(release, [KERATOSES | {"count": count}])) == expected


def test_a_stain_that_the_release_does_not_pay_leaves_the_specimen_billed(release):
    """Each specimen is examined once, whatever its stains (Policy Manual 2026, III-7, E.4): 88305 is not lost."""
    book = CodeBook.of(release)
    unpaid = replace(book, fee_schedule={code: row for code, row in book.fee_schedule.items() if code != "88312"})
    specimen = {"examination": "skin", "stains_group_one": 1}
    lesion = CARCINOMA | {"name": "a", "technique": "tangential_biopsy", "specimens": [specimen]}
    coding = choose_services(parse_visits(BASE | {"lesions": [lesion], "pathology_by": "this_practitioner"})[0], unpaid)
    assert {service.hcpcs for service in coding.services} == {"11102", "88305"}
    assert [(question.name, question.detail) for question in coding.questions] == [("not-in-release", "88312")]


def test_a_name_that_begins_as_another_is_of_another_lesion(release):
    """58 is for the procedure that was staged alone (IOM 100-04, chapter 12, section 40.2, A.6)."""
    excision = CARCINOMA | {"technique": "excision", "documented": ["size"]}
    staged_excision = excision | {"name": "arm", "excised_diameter_cm": "1.1", "global_period": "staged"}
    other = excision | {"name": "arm left", "excised_diameter_cm": "2.1", "documented": ["site"]}
    visit = code_one_visit(release, [staged_excision, other])
    assert codes(visit) == ["11602-58", "11603"]
    assert all("site" not in line.record.missing for line in visit.lines if line.service.hcpcs == "11603")


@pytest.mark.parametrize(("count", "expected"), [(14, "17110"), (15, "17111"), (30, "17111")])
def test_warts_have_one_code_whatever_their_number(release, count, expected):
    assert codes(code_one_visit(release, [WART | {"count": count}])) == [expected]


@pytest.mark.parametrize(
    ("margin", "excised_diameter", "expected"),
    [("0.3", "1.1", "11602"), ("0.4", "1.3", "11602"), ("0", "0.5", "11600")],
)
def test_an_excision_is_coded_with_twice_its_margin(release, margin, excised_diameter, expected):
    visit = code_one_visit(release, [CARCINOMA | {"technique": "excision", "diameter_cm": "0.5", "margin_cm": margin}])
    assert codes(visit) == [expected]
    assert f"= {excised_diameter} cm" in visit.lines[0].service.rests_on[0]


def test_the_deepest_biopsy_is_the_first(release):
    shallow = {"site": "cheek", "technique": "tangential_biopsy", "diagnosis": "D48.5"}
    lesions = [shallow, shallow | {"site": "back"}, shallow | {"technique": "punch_biopsy"}]
    assert codes(code_one_visit(release, lesions)) == ["11103 x 2", "11104"]


def test_repairs_of_one_group_are_added_up(release):
    closure = {"class": "intermediate", "length_cm": "1.3"}
    lesion = CARCINOMA | {"technique": "excision", "excised_diameter_cm": "1.1", "closure": closure}
    visit = code_one_visit(release, [lesion, lesion | {"site": "back"}, lesion | {"site": "cheek"}])
    assert codes(visit) == ["11602", "11602-XS", "11642", "12032", "12051"]


def test_the_closure_of_a_small_benign_excision_is_part_of_it(release):
    closure = {"class": "complex", "length_cm": "2.0"}
    small = {"site": "back", "nature": "benign", "technique": "excision", "diagnosis": "D22.5", "closure": closure}
    assert codes(code_one_visit(release, [small | {"excised_diameter_cm": "0.5"}])) == ["11400"]
    assert codes(code_one_visit(release, [small | {"excised_diameter_cm": "0.6"}])) == ["11401", "13100"]


def test_mohs_stages_and_blocks(release):
    assert codes(code_one_visit(release, [NOSE | {"stages": [5, 7, 6]}])) == ["17311", "17312 x 2", "17315 x 3"]
    assert codes(code_one_visit(release, [NOSE | {"stages": [5], "site": "back"}])) == ["17313"]


def test_a_biopsy_before_mohs_is_billed_only_without_a_diagnosis_at_hand(release):
    lesion = NOSE | {"site": "cheek", "stages": [4]}
    with_result = lesion | {"biopsy": {"technique": "punch", "result_known": "yes"}}
    unknown = lesion | {"biopsy": {"technique": "punch", "result_known": "no"}}
    assert codes(code_one_visit(release, [with_result])) == ["17311"]
    assert codes(code_one_visit(release, [unknown])) == ["11104-XU", "17311"]
    assert open_questions(code_one_visit(release, [lesion | {"biopsy": {"technique": "punch"}}])) == {
        "diagnosis-before-mohs"
    }


@pytest.mark.parametrize(
    ("area", "expected"),
    [("10", ["14060"]), ("10.1", ["14061"]), ("30.1", ["14301"]), ("60", ["14301"]), ("60.1", ["14301", "14302"])],
)
def test_a_flap_is_coded_by_area_and_includes_the_excision(release, area, expected):
    lesion = NOSE | {"technique": "excision", "excised_diameter_cm": "1.2", "flap": {"area_sq_cm": area}}
    assert codes(code_one_visit(release, [lesion])) == expected


def test_modifier_25_needs_a_separate_visit(release):
    assert codes(code_one_visit(release, [WART], evaluation=VISIT)) == ["17110", "99213-25"]
    assert codes(code_one_visit(release, [WART], evaluation=VISIT | {"separate": "no"})) == ["17110"]
    without = {name: value for name, value in VISIT.items() if name != "separate"}
    assert open_questions(code_one_visit(release, [WART], evaluation=without)) == {"separate-visit"}
    assert codes(code_one_visit(release, evaluation=without)) == ["99213"]


def test_modifier_57_needs_a_decision_for_major_surgery(release):
    lesion = NOSE | {"technique": "excision", "excised_diameter_cm": "1.2", "flap": {"area_sq_cm": "8"}}
    with_decision = VISIT | {"decided_major_surgery": "yes"}
    assert codes(code_one_visit(release, [lesion], evaluation=with_decision)) == ["14060", "99213-57"]
    assert codes(code_one_visit(release, [lesion], evaluation=with_decision | {"decided_major_surgery": "no"})) == [
        "14060"
    ]


def test_g2211_goes_with_a_visit_without_25(release):
    longitudinal = VISIT | {"longitudinal": "yes"}
    assert codes(code_one_visit(release, evaluation=longitudinal)) == ["99213", "G2211"]
    assert codes(code_one_visit(release, [WART], evaluation=longitudinal)) == ["17110", "99213-25"]


def test_a_nurse_visit_is_part_of_phototherapy(release):
    visit = code_one_visit(
        release, evaluation={"level": "nurse", "separate": "yes"}, light={"kind": "uvb_with_topical"}
    )
    assert codes(visit) == ["96910"]


def test_pathology_in_a_hospital_is_the_professional_component(release):
    lesion = {"site": "back", "technique": "punch_biopsy", "diagnosis": "D48.5", "specimens": [{"examination": "skin"}]}
    facts = {"pathology_by": "this_practitioner", "place_of_service": 22}
    assert codes(code_one_visit(release, [lesion], **facts)) == ["11104", "88305-26"]


def test_what_decides_and_is_missing_is_asked_for(release):
    uncertain = {"site": "back", "nature": "uncertain", "technique": "excision", "excised_diameter_cm": "1.0"}
    assert open_questions(code_one_visit(release, [uncertain])) == {"benign-or-malignant"}
    assert open_questions(code_one_visit(release, [CARCINOMA | {"technique": "excision", "diameter_cm": "1.0"}])) == {
        "excised-diameter"
    }
    assert open_questions(code_one_visit(release, [WART | {"nature": "malignant", "diameter_cm": "1.0"}])) == {
        "nature-and-diagnosis"
    }
    assert code_one_visit(release, [uncertain]).lines == ()


@pytest.mark.parametrize(
    "lesion",
    [
        {"technique": "excision", "excised_diameter_cm": "1.0"},
        {"technique": "destruction"},
        {"technique": "mohs", "stages": ["3"]},
    ],
)
def test_a_nature_that_is_missing_is_asked_for_in_plain_words(release, lesion):
    (question,) = (
        question
        for question in code_one_visit(release, [{"site": "back"} | lesion]).questions
        if question.name != "diagnosis"
    )
    assert "is not given" in question.asks
    assert "given is not given" not in question.asks
    assert "given as not given" not in question.asks


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"diameter_cm": "0.55"}, "measured to the millimeter"),
        ({"site": "shoulder"}, 'found "shoulder"'),
        ({"site": "ear", "side": "midline"}, "expected side left or right"),
        ({"stages": [4]}, "stages is not a fact of excision"),
        ({"count": 2}, "needs an entry of its own"),
        ({"excised_diameter_cm": "1.2", "diameter_cm": "0.5", "margin_cm": "0.3"}, "are 1.1, not 1.2"),
    ],
)
def test_a_visit_is_refused_in_words(facts, says):
    lesion = {"name": "a", "site": "back", "technique": "excision", "nature": "benign"} | facts
    with pytest.raises(BadInput, match="No visit was coded") as refusal:
        parse_visits(BASE | {"lesions": [lesion]})
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("[]", "holds no visit"),
        ("[1]", "expected fields with their values"),
        ('{"visit_id": "a", "visit_id": "b"}', '"visit_id" is there twice'),
        ('{"visit_id": ', "is not JSON"),
        ('{"visit_id": "a", "date_of_service": "2026-02-30", "place_of_service": 11, "patient": "new"}', "is no date"),
    ],
)
def test_a_json_file_that_is_no_visit_is_refused_in_words(tmp_path, text, says):
    file = tmp_path / "visit.json"
    file.write_text(text)
    with pytest.raises(BadInput) as refusal:
        read_visits(file)
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (
            {"lesions": [{"name": "a", "site": "finger", "technique": "nail_avulsion"}]},
            "What is not coded here is recorded under other_services",
        ),
        ({"place_of_service": 10, "light": {"kind": "puva"}}, "light cannot be done by telehealth"),
        ({"other_services": ["haircut"]}, "other_services"),
    ],
)
def test_what_cannot_be_coded_is_refused_in_words(facts, says):
    visit = {"visit_id": "v", "date_of_service": "2026-07-15", "place_of_service": 11, "patient": "established"}
    with pytest.raises(BadInput) as refusal:
        parse_visits(visit | facts)
    assert says in str(refusal.value)


def test_random_visits_are_coded_alike_each_time_and_never_denied(release):
    random = Random(2026)
    visits = parse_visits([random_visit(random, nth) for nth in range(400)])
    start = perf_counter()
    once = code_visits(visits, release, participant=NON_QP)
    assert (perf_counter() - start) / len(visits) < 0.02
    assert [
        (visit.visit.visit_id, question.asks)
        for visit in once
        for question in visit.questions
        if question.name == "denied"
    ] == []
    assert {line.outcome.disposition for visit in once for line in visit.lines} <= {
        "pay",
        "pay_if_documented",
        "review",
    }
    again = code_visits(reversed(visits), release, participant=NON_QP)
    assert [codes(visit) for visit in once] == [codes(visit) for visit in reversed(again)]


@pytest.mark.parametrize("name", [name for name in rule_names() if "NCCI PTP practitioner 1" in rule(name).source])
def test_the_code_pairs_that_a_rule_cites_are_rows_of_the_release(release, name):
    """Column one and column two, as the source has them."""
    cited_pairs = re.findall(r"\b(\d{5})/(\d{5})\b", rule(name).source.split("NCCI PTP practitioner")[1].split(";")[0])
    active = release.table("ptp").filter(pl.col("deletion_date").is_null()).select("column_one", "column_two").rows()
    assert cited_pairs
    assert set(cited_pairs) <= set(active)
