"""The coding scenarios contradict engines that are wrong in one rule, and code every size, site and nature."""

import json
import shlex
import sys
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from codeset.errors import WrongUse
from codeset.visit.code_facts import cited_facts
from codeset.visit.code_visit import code_visits
from codeset.visit.trials.coding_scenarios import coding_folder, load_coding
from codeset.visit.trials.run_coding import command_engine, line_text, run_engine, run_shipped_rules
from codeset.visit.visit_files import parse_visits
from codeset.visit.visit_rules import site_class, sites

SCENARIOS = load_coding(coding_folder())


@pytest.fixture(scope="module")
def release(embedded):
    return embedded.open("2026q3")


@pytest.fixture(scope="module")
def own_codes(release):
    """What this program codes of each scenario's visit."""
    run = run_shipped_rules(SCENARIOS, release)
    return {result.scenario.id: list(result.codes) for result in run.results}


def with_facts(visit, **changed):
    lesions = [
        lesion | {name: value for name, value in changed.items() if name in lesion} for lesion in visit["lesions"]
    ]
    return visit | {"lesions": lesions}


# Each takes the lines of the right answer, or the facts, and goes wrong in one rule.
WRONG_LINES = {
    "destruction": lambda codes: ["17000", "17003 x 13", *codes] if codes == ["17004"] else codes,
    "biopsies": lambda codes: ["11102" if code == "11103" else code for code in codes],
    "mohs": lambda codes: [code for code in codes if not code.startswith("17315")],
    "flaps-and-grafts": lambda codes: [code for code in codes if not code.startswith("14302")],
    "repairs": lambda codes: ["12001", *codes] if codes == ["11602"] else codes,
    "injections-and-drainage": lambda codes: ["11900" if code == "11901" else code for code in codes],
    "light": lambda codes: ["96567" if code == "96573" else code for code in codes],
    "pathology": lambda codes: [code.replace(" x 2", "") for code in codes],
    "global-periods": lambda codes: [code.replace("-58", "").replace("-79", "") for code in codes],
    "office-visits": lambda codes: [code.replace("-25", "") for code in codes],
    "workflow": lambda codes: [code.replace("-XS", "") for code in codes],
}
WRONG_FACTS = {
    "excisions": {"margin_cm": "0", "excised_diameter_cm": "1.0"},
    "shaves": {"site": "back"},
}


@pytest.mark.parametrize("family", WRONG_LINES)
def test_a_wrong_engine_is_contradicted_in_its_family(family, own_codes, release):
    def engine(visit):
        return WRONG_LINES[family](own_codes[visit["visit_id"]])

    run = run_engine(SCENARIOS, release.release, engine)
    tried_count, right = run.by_family[family]
    assert right < tried_count


@pytest.mark.parametrize("family", WRONG_FACTS)
def test_an_engine_that_passes_over_a_fact_is_contradicted(family, release):
    scenarios = [scenario for scenario in SCENARIOS if scenario.family == family]
    changed_facts = [
        replace(scenario, facts=with_facts(scenario.facts, **WRONG_FACTS[family]))
        for scenario in scenarios
        if not {"excised_diameter_cm", "margin_cm"} <= set(scenario.facts["lesions"][0])
    ]
    assert run_shipped_rules(changed_facts, release).failed != ()


def test_every_family_has_a_wrong_engine():
    assert {scenario.family for scenario in SCENARIOS} == {*WRONG_LINES, *WRONG_FACTS}


def test_another_engine_reads_json_and_writes_json(tmp_path, release):
    script = tmp_path / "engine.py"
    script.write_text(
        "import json, sys\n"
        "visit = json.load(sys.stdin)\n"
        "keratoses = sum(int(lesion.get('count', 1)) for lesion in visit['lesions'])\n"
        "json.dump({'lines': [{'hcpcs': '17004'}] if keratoses > 14 else []}, sys.stdout)\n"
    )
    chosen_codes = [
        scenario for scenario in SCENARIOS if scenario.id in ("destruction-premalignant-25", "destruction-benign-1")
    ]
    run = run_engine(chosen_codes, release.release, command_engine(f"{shlex.quote(sys.executable)} {script}"))
    assert {result.scenario.id: result.failures for result in run.results} == {
        "destruction-premalignant-25": (),
        "destruction-benign-1": ("expected 17110; found no line",),
    }


@pytest.mark.parametrize(
    ("writes", "says"),
    [
        ("print('no json')", "the engine wrote no JSON"),
        ("print('[1]')", "no list of lines"),
        ("raise SystemExit(3)", "the engine ended with 3"),
        ('print(\'[{"hcpcs": "17000", "units": "x"}]\')', "a line that cannot be read"),
    ],
)
def test_an_engine_that_fails_is_wrong_and_says_how(tmp_path, release, writes, says):
    script = tmp_path / "engine.py"
    script.write_text(writes)
    run = run_engine(SCENARIOS[:1], release.release, command_engine(f"{shlex.quote(sys.executable)} {script}"))
    assert says in run.results[0].failures[0]


def test_an_engine_that_is_not_there_is_wrong_use(release):
    with pytest.raises(WrongUse, match="no such command"):
        run_engine(SCENARIOS[:1], release.release, command_engine("no-such-engine"))


TENTH = Decimal("0.1")
TIERS = [
    (use, facts) for use, facts in cited_facts().by_use.items() if facts[0].measure.endswith("_cm") and use[2] != "any"
]


@pytest.mark.parametrize(("use", "facts"), TIERS, ids=["-".join(filter(None, use)) for use, _ in TIERS])
def test_tiers_are_disjoint_leave_no_gap_and_pay_more_with_size(use, facts, release):
    tiers = [fact for fact in facts if fact.part != "further"]
    for smaller, larger in pairwise(tiers):
        assert smaller.size_to + TENTH == larger.size_from
        rows = release.mpfs(smaller.hcpcs), release.mpfs(larger.hcpcs)
        for setting in ("nonfacility", "facility"):
            if not any(row[f"{setting}_na"] for row in rows):  # what is rarely done there has the other setting's RVUs
                assert rows[0][f"{setting}_total_rvu"] < rows[1][f"{setting}_total_rvu"]
    assert tiers[0].size_from == (Decimal("1.1") if use[0] == "repair_complex" else TENTH)
    assert tiers[-1].size_to is None or any(fact.part == "further" for fact in facts) or use[0] == "flap"


def swept():
    """A visit for every tenth of a centimeter up to 6 cm, every site, and every nature of excision."""
    for site in sites():
        for nature in ("benign", "malignant"):
            for tenths in range(1, 61):
                size = str(Decimal(tenths) / 10)
                lesion = {
                    "name": "a",
                    "site": site,
                    "technique": "excision",
                    "nature": nature,
                    "excised_diameter_cm": size,
                }
                yield lesion


def test_a_sweep_over_sizes_sites_and_natures_is_coded_in_the_tier_of_each(release):
    boundaries = [Decimal(text) for text in ("0.5", "1.0", "2.0", "3.0", "4.0")]
    bases = {"trunk-limbs": 0, "scalp-neck-hands-feet": 20, "face": 40}
    lesions = list(swept())
    base = {"date_of_service": "2026-07-15", "place_of_service": "11", "patient": "new"}
    visits = parse_visits([base | {"visit_id": str(nth), "lesions": [lesion]} for nth, lesion in enumerate(lesions)])
    for lesion, visit in zip(lesions, code_visits(visits, release), strict=True):
        tier = sum(Decimal(lesion["excised_diameter_cm"]) > boundary for boundary in boundaries)
        number = {"benign": 11400, "malignant": 11600}[lesion["nature"]] + bases[site_class(lesion["site"], "lesion")]
        assert [line.service.hcpcs for line in visit.lines] == [str(number + (0, 1, 2, 3, 4, 6)[tier])]


def test_every_code_that_can_be_chosen_is_chosen_in_a_scenario():
    covered_codes = {code[:5] for scenario in SCENARIOS for code in scenario.codes}
    assert sorted(set(cited_facts().codes) - covered_codes) == []


def test_lines_are_written_as_coders_write_them():
    assert line_text("17003", ["XS"], 4) == "17003-XS x 4"
    assert json.loads(json.dumps(line_text("11102", [], 1))) == "11102"
