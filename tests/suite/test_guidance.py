"""What guides say, tried on the embedded releases. Expected verdicts rest on the CMS rows and manual pages cited here.

PTP rows are `column one > column two`; III-7 is a page of the NCCI Policy Manual 2026; amounts are total RVU of the
release times 32.3465 (2025) or 33.4009 (2026, no qualifying APM participant), as CMS prints both.
"""

import json
import re
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml
from command_line import run_codeset
from practice import SETTINGS

from codeset.cli.guidance_output import guidance_json, guidance_table
from codeset.errors import BadInput, WrongUse
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.suite.guidance.run_guidance import Audited, Verdict, audit, statements
from codeset.tables import TABLES

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "compliance_tests" / "guidance"
DOCUMENTS = yaml.safe_load((ROOT / "compliance_tests" / "scenarios" / "documents.yaml").read_text())
HEADINGS = yaml.safe_load((ROOT / "compliance_tests" / "coverage.yaml").read_text())["guides"]

CONTRADICTED = {
    "coding-biopsy-codes-of-2021": ("add_on", "11103/11102"),  # effective 2019-01-01
    "coding-punch-pays-more-facility": ("mpfs", "11104"),  # (1.14 - 0.90) x 33.4009 = 8.02
    "coding-keratoses-25": ("ptp", "17004/17000"),  # 17004 > 17000 and > 17003, CCMI 0
    "coding-keratoses-20": ("ptp", "17004/17000"),
    "coding-intermediate-closure-of-any-excision": ("ptp", "11400/12031"),  # III-7
    "coding-mohs-stage-amount": ("mpfs", "17312"),  # 12.06 x 33.4009 = 402.81
    "coding-skin-check-is-separate": ("ptp", "11102/99213"),  # CCMI 1; III-4
    "coding-96912-pays-more": ("mpfs", "96912"),  # 2.91 RVU against 3.44
    "coding-11103-never-without-11102": ("add_on", "11103/11102"),  # its primaries are 11102, 11104, 11106
    "coding-tangential-and-incisional": ("ptp", "11106/11102"),  # CCMI 0
    "coding-primary-biopsies-by-modifier": ("ptp", "11104/11102"),  # CCMI 0
    "coding-warts-each-additional": None,  # 17111 is in no row of the add-on table
    "coding-warts-30": ("ptp", "17111/17110"),  # CCMI 0
    "coding-59-on-further-biopsies": ("add_on", "11103/11102"),  # no PTP row 11102 > 11103
    "coding-58-after-mohs": ("mpfs", "17311"),  # global days 000
    "overview-modifier-58-after-mohs": ("mpfs", "17311"),
    "coding-76-re-excision": ("mpfs", "11602"),  # one removal code for a lesion: III-6
    "coding-57-wide-excision": ("mpfs", "11606"),  # global days 010
    "coding-complex-closure-worth": ("mpfs", "13121"),  # 12.51 x 33.4009 = 417.85, half 208.93
    "coding-mohs-medicare-amount": ("mpfs", "17311"),  # 19.97 x 33.4009 = 667.02
    "coding-mohs-medicare-amount-facility": ("mpfs", "17312"),  # 4.58 x 33.4009 = 152.98
    "overview-modifier-rt-lt": ("mpfs", "11402"),  # bilateral indicator 0; I-30
    "overview-diagnosis-unspecified": ("mpfs", "11622"),  # C44.90 may be billed: I.B.18 of the official guidelines
    "coding-destruction-series": ("mpfs", "17000"),  # no CMS edit denies 17000 with L82.1
    "coding-workflow-diagnoses": ("mpfs", "17110"),  # L57.0, actinic keratosis, is premalignant
    "coding-96912-narrow-band": ("mpfs", "96910"),  # UVB with a topical, as its description says; 96912 is PUVA
    "overview-destruction-range": ("mpfs", "17260"),  # malignant lesions, as its description says
    "overview-endoscopic-photodynamic-therapy": ("add_on", "96570/31641"),  # primaries 31641, 43229, 43270
}


@pytest.fixture(scope="module")
def audits(embedded: Store) -> dict[str, dict[str, Audited]]:
    guide_statements = statements(GUIDES)
    return {
        label: {result.statement.id: result for result in audit(guide_statements, embedded.open(label))}
        for label in ("2025q4", "2026q3")
    }


@pytest.fixture(scope="module")
def snapshot(embedded: Store) -> Snapshot:
    return embedded.open("2026q3")


def write(folder: Path, text: str, settings: str = SETTINGS) -> Path:
    (folder / "settings.yaml").write_text(settings)
    (folder / "letter.yaml").write_text(text)
    return folder / "letter.yaml"


def statement_text(checks: str) -> str:
    return f"- id: letter-one\n  heading: page 1\n  says: A statement of the letter\n  tried: {checks}\n"


def verdict(folder: Path, snapshot: Snapshot, checks: str, settings: str = SETTINGS) -> tuple[str, str]:
    (one,) = audit(statements(write(folder, statement_text(checks), settings)), snapshot)
    return one.verdict.value, one.why


# The two guides


@pytest.mark.parametrize("name", CONTRADICTED)
def test_what_the_guides_say_wrongly_is_contradicted_with_the_row(audits, name):
    result = audits["2026q3"][name]
    assert result.verdict is Verdict.CONTRADICTED
    assert (result.row and (result.row.table, result.row.key)) == CONTRADICTED[name]
    assert result.right is not None


@pytest.mark.parametrize("name", CONTRADICTED)
def test_it_was_wrong_in_2025_too(audits, name):
    assert audits["2025q4"][name].verdict is Verdict.CONTRADICTED


def test_nothing_else_is_contradicted_on_2026q3(audits):
    contradicted_ids = {name for name, result in audits["2026q3"].items() if result.verdict is Verdict.CONTRADICTED}
    assert contradicted_ids == set(CONTRADICTED)


def test_the_table_of_figures_is_confirmed_on_2026_and_contradicted_on_2025_row_by_row(audits):
    rows = [name for name in audits["2026q3"] if re.fullmatch(r"coding-table-\d{5}", name)]
    assert len(rows) == 20
    assert {audits["2026q3"][name].verdict for name in rows} == {Verdict.CONFIRMED}
    assert {audits["2025q4"][name].verdict for name in rows} == {Verdict.CONTRADICTED}


def test_a_contradicted_figure_is_reported_beside_that_of_the_row(audits):
    result = audits["2025q4"]["coding-table-17003"]
    assert result.why == "17003 nonfacility_total_rvu: the guide says 0.19, CMS says 0.20"
    assert result.row.values == {"work_rvu": "0.04", "nonfacility_total_rvu": "0.20", "global_days": "ZZZ"}


def test_a_verdict_turns_with_the_release(audits):
    """17312 in a facility: 5.65 x 32.3465 = 182.76 in 2025, 4.58 x 33.4009 = 152.98 in 2026."""
    results = {label: audits[label]["coding-mohs-stage-amount-facility"] for label in audits}
    assert results["2025q4"].verdict is Verdict.CONTRADICTED
    assert results["2025q4"].why == "17312 pays $182.76 (facility), not $120 to $180"
    assert results["2026q3"].verdict is Verdict.CONFIRMED


def test_the_sum_that_a_guide_promises_is_tried_on_what_is_allowed(audits):
    """Of 25 keratoses Medicare pays 17004 alone: 4.86 x 33.4009 = 162.33."""
    assert "the allowed amount is $162.33, not $250 to $350" in audits["2026q3"]["coding-keratoses-25"].why


def test_a_punch_biopsy_pays_as_much_more_in_the_office_as_the_guide_says(audits):
    result = audits["2026q3"]["coding-punch-pays-more"]
    assert (result.verdict, result.why) == (
        Verdict.CONFIRMED,
        "11104 pays $121.25, $25.72 more than 11102 ($95.53, nonfacility)",
    )


def test_what_a_code_is_for_cannot_be_decided_where_no_facts_of_a_visit_say_it(audits):
    for name in ("overview-phototherapy-kinds", "overview-repair-range"):
        assert audits["2026q3"][name].verdict is Verdict.NOT_DECIDABLE
        assert "CPT's text" in audits["2026q3"][name].why


def test_a_confirmed_statement_has_rows_and_nothing_right_instead(audits):
    for result in audits["2026q3"].values():
        if result.verdict is Verdict.CONFIRMED:
            assert result.rows
            assert result.right is None


def test_every_statement_is_under_a_heading_of_its_guide():
    for statement in statements(GUIDES):
        assert statement.heading in HEADINGS[statement.guide], f"{statement.id}: {statement.heading}"


def test_every_heading_that_scenarios_can_try_has_a_statement():
    headings = {(statement.guide, statement.heading) for statement in statements(GUIDES)}
    open_ones = {
        (guide, key) for guide, keys in HEADINGS.items() for key, about in keys.items() if "not_covered" not in about
    }
    assert open_ones - headings == set()


def test_every_row_cited_as_right_exists(snapshot):
    for statement in statements(GUIDES):
        for source in statement.right.sources if statement.right else ():
            table_name = DOCUMENTS[source.document].get("table")
            assert (table_name is None) == ("row" not in source.details), f"{statement.id}: {source}"
            if table_name:
                one, _, two = source.details["row"].partition("/")
                rows = {
                    "mpfs": lambda one=one: [snapshot.mpfs(one)],
                    "mue": lambda one=one: [snapshot.mue(one)],
                    "ptp": lambda one=one, two=two: snapshot.ptp(one, two),
                    "add_on": lambda one=one, two=two: [r for r in snapshot.primaries(one) if r["primary_code"] == two],
                }[table_name]()
                assert any(rows), f"{statement.id}: {source}"
                cited_values = {
                    k: v for k, v in source.details.items() if k in ("ccmi", "mai", "mue_value", "add_on_type")
                }
                if "column" in source.details:
                    cited_values[source.details["column"]] = source.details["value"]
                assert any(all(str(row[name]) == value for name, value in cited_values.items()) for row in rows if row)


def test_pages_cited_as_right_are_pages_of_the_manual():
    for statement in statements(GUIDES):
        for source in statement.right.sources if statement.right else ():
            if page := source.details.get("page"):
                chapter, number = page.split("-")
                assert 1 <= int(number) <= int(DOCUMENTS[source.document]["pages"][chapter])


# Each kind of trial, on rows of 2026q3


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ("{fee_schedule: [{hcpcs: 11102, work_rvu: 0.64}]}", "confirmed"),
        ("{fee_schedule: [{hcpcs: 11102, work_rvu: 0.66}]}", "contradicted"),
        ("{fee_schedule: [{hcpcs: 88305, modifier: 26, pctc_indicator: 1}]}", "confirmed"),
        ("{fee_schedule: [{hcpcs: 11102, nonfacility_na: no}]}", "confirmed"),
        ("{fee_schedule: [{hcpcs: 11102, nonfacility_amount: 95.53, facility_amount: 30.06}]}", "confirmed"),
        ("{fee_schedule: [{hcpcs: 11102, nonfacility_amount: 95.75}]}", "contradicted"),
        ("{amounts: [{hcpcs: 11102, from: 95.53, to: 95.53}]}", "confirmed"),
        ("{amounts: [{hcpcs: 11102, from: 95.54, to: 100}]}", "contradicted"),
        ("{amounts: [{hcpcs: 11102, setting: facility, from: 30, to: 31}]}", "confirmed"),
        ("{amounts: [{hcpcs: 13160, from: 0, to: 1000}]}", "not decidable"),  # NA in the office
        ("{comparisons: [{hcpcs: 96910, pays: more, than: 96912}]}", "confirmed"),
        ("{comparisons: [{hcpcs: 96912, pays: less, than: 96910, by: {from: 17.70, to: 17.70}}]}", "confirmed"),
        ("{comparisons: [{hcpcs: 96912, pays: less, than: 96910, by: {from: 18, to: 20}}]}", "contradicted"),
        ("{comparisons: [{hcpcs: 11102, pays: more, than: 11102}]}", "contradicted"),
        ("{pairs: [{column_one: 17004, column_two: 17000, ccmi: 0}]}", "confirmed"),
        ("{pairs: [{column_one: 17004, column_two: 17000, ccmi: 1}]}", "contradicted"),
        ("{pairs: [{column_one: 17000, column_two: 17004}]}", "contradicted"),  # the direction is the other
        ("{pairs: [{column_one: 17000, column_two: 17004, edit: no}]}", "contradicted"),
        ("{pairs: [{column_one: 11402, column_two: 12031, edit: no}]}", "confirmed"),
        ("{pairs: [{column_one: 11402, column_two: 12031}]}", "contradicted"),
        ("{pairs: [{column_one: 11042, column_two: 17000, ccmi: 1}]}", "confirmed"),
        ("{pairs: [{column_one: 17000, column_two: 11042}]}", "contradicted"),  # its last day was 2019-03-31
        ("{add_ons: [{add_on_code: 11105, primaries: [11106, 11104]}]}", "confirmed"),
        ("{add_ons: [{add_on_code: 11105, primaries: [11102, 11104, 11106]}]}", "contradicted"),
        ("{add_ons: [{add_on_code: 11105, primary_code: 11104, listed: no}]}", "contradicted"),
        ("{add_ons: [{add_on_code: 15777, primary_code: 11402}]}", "not decidable"),  # type 2: the contractor's list
        ("{add_ons: [{add_on_code: 88311, primary_code: 17311}]}", "confirmed"),  # type 3
        ("{add_ons: [{add_on_code: 88311, primary_code: 17312}]}", "not decidable"),
        ("{add_ons: [{add_on_code: 88311, primaries: [17311, 17313]}]}", "contradicted"),  # 88302 to 88309 too
        ("{add_ons: [{add_on_code: 88311, primary_code: 17311, listed: no}]}", "contradicted"),
        ("{add_ons: [{add_on_code: 11105, primaries: [11104]}]}", "contradicted"),
        ("{add_ons: [{add_on_code: 11105, primary_code: 11102}]}", "contradicted"),
        ("{add_ons: [{add_on_code: 11105, primary_code: 11102, listed: no}]}", "confirmed"),
        ("{add_ons: [{add_on_code: 11105, primary_code: 11104, effective: {from: 2019-01-01}}]}", "confirmed"),
        ("{add_ons: [{add_on_code: 11105, primary_code: 11104, effective: {from: 2019-01-02}}]}", "contradicted"),
        ("{mues: [{hcpcs: 17003, mue_value: 13, mai: 2}]}", "confirmed"),
        ("{mues: [{hcpcs: 17003, mue_value: 14}]}", "contradicted"),
        ("{mues: [{hcpcs: 17003, mue_value: 13, mai: 3}]}", "contradicted"),
        ("{mues: [{hcpcs: G2211, mue_value: 1}]}", "not decidable"),  # none is published
        ("{visits: [{facts: {evaluation: {level: low}}, codes: [99213]}]}", "confirmed"),
        ("{visits: [{facts: {evaluation: {level: low}}, codes: [99214]}]}", "contradicted"),
        ("{visits: [{facts: {lesions: [{site: back, technique: shave}]}, codes: [11300]}]}", "not decidable"),
        ("{mues: [{hcpcs: 99291, mue_value: 1}]}", "not decidable"),  # outside the excerpt
    ],
)
def test_a_fact_is_tried_against_its_table(tmp_path, snapshot, checks, expected):
    assert verdict(tmp_path, snapshot, checks)[0] == expected


def test_all_that_is_given_must_hold(tmp_path, snapshot):
    both = "{mues: [{hcpcs: 17003, mue_value: 13}], pairs: [{column_one: 17000, column_two: 17004}]}"
    assert verdict(tmp_path, snapshot, both) == ("contradicted", "there is an edit 17004/17000, CCMI 0")


def test_without_a_participant_there_is_no_amount_in_2026(tmp_path, snapshot):
    nobody = "setting: nonfacility\nlocality: national\n"
    checks = "{amounts: [{hcpcs: 11102, from: 1, to: 1000}]}"
    reason = "no conversion factor: say qualifying_apm in settings.yaml"
    assert verdict(tmp_path, snapshot, checks, nobody) == ("not decidable", reason)
    claim = "{claim: {lines: [{hcpcs: 11102}]}, expect: {lines: [{disposition: pay}], total: {from: 1, to: 99}}}"
    assert verdict(tmp_path, snapshot, claim, nobody) == ("not decidable", "there is no amount for 11102")


def test_a_claim_outside_the_excerpt_is_not_decidable(tmp_path, snapshot):
    claim = "{claim: {lines: [{hcpcs: 99291}]}, expect: {lines: [{disposition: pay}]}}"
    assert verdict(tmp_path, snapshot, claim)[0] == "not decidable"


def test_a_statement_of_other_dates_is_not_decidable(tmp_path, snapshot, embedded):
    text = statement_text("{fee_schedule: [{hcpcs: 11102, work_rvu: 0.64}]}") + "  holds: {from: 2026-01-01}\n"
    letter_statements = statements(write(tmp_path, text))
    assert audit(letter_statements, snapshot)[0].verdict is Verdict.CONFIRMED
    (before,) = audit(letter_statements, embedded.open("2025q4"))
    assert (before.verdict, before.why) == (
        Verdict.NOT_DECIDABLE,
        "it speaks of dates of service from 2026-01-01",
    )


def test_a_charge_master_is_tried_row_by_row(tmp_path, snapshot):
    (tmp_path / "charges.csv").write_text("hcpcs,modifier,price,remark\n11102,,95.53,x\n88305,26,1.00,y\n")
    checks = "{figures: {file: charges.csv, columns: {price: nonfacility_amount}}}"
    results = audit(statements(write(tmp_path, statement_text(checks))), snapshot)
    assert [(result.statement.id, result.statement.heading, result.verdict.value) for result in results] == [
        ("letter-one-11102", "page 1.11102", "confirmed"),
        ("letter-one-88305-26", "page 1.88305.26", "contradicted"),
    ]


# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            statement_text("{pairs: [{column_one: 17004, column_too: 17000}]}"),
            'tried.pairs[1]: "column_two" is missing',
        ),
        (statement_text("{pairs: [{column_one: 17004, column_too: 17000}]}"), 'is "column_two" meant?'),
        (
            statement_text("{comparison: []}"),
            'letter-one, tried: no field is called "comparison"; is "comparisons" meant?',
        ),
        (statement_text("{fee_schedule: [{hcpcs: 11102, workrvu: 0.64}]}"), 'is "work_rvu" meant?'),
        (statement_text("{fee_schedule: [{hcpcs: 111, work_rvu: 0.64}]}"), "expected a code of five characters"),
        (statement_text("{claim: {lines: [{hcpcs: 11102}]}}"), 'letter-one, tried: "expect" is missing'),
        (
            statement_text("{claim: {lines: [{hcpcs: 11102}]}, expect: {lines: [{disposition: paid}]}}"),
            'expected one of pay, pay_if_documented, deny, review; found "paid"',
        ),
        (
            statement_text("{claim: {lines: [{hcpcs: 11102}, {hcpcs: 11103}]}, expect: {lines: [{disposition: pay}]}}"),
            "2 lines are claimed, but expect has 1",
        ),
        (
            statement_text("{add_ons: [{add_on_code: 11105}]}"),
            "tried.add_ons[1]: expected exactly one of primary_code, primaries",
        ),
        (
            statement_text("{mues: [{hcpcs: 17003, mue_value: 13}]}") + "  verdict: confirmed\n",
            'no field is called "verdict"',
        ),
        (
            statement_text("{mues: [{hcpcs: 17003, mue_value: 13}]}") + "  not_decidable: Nobody can tell that\n",
            "letter-one: expected exactly one of tried, not_decidable",
        ),
        (
            statement_text("{mues: [{hcpcs: 17003, mue_value: 13}]}") + "  holds: {from: 2026-02-30}\n",
            "holds.from: 2026-02-30 is no date",
        ),
        (statement_text("{mues: [{hcpcs: 17003, mue_value: 13}], date_of_service: 2026-07-01}"), '"expect" is missing'),
        ("says: one\n", "expected a list; found another kind of value"),
        (statement_text("{figures: {file: none.csv, columns: {a: work_rvu}}}"), "none.csv cannot be read"),
        (statement_text("{figures: {file: ../x.csv, columns: {a: work_rvu}}}"), "expected the name of a csv file"),
        (statement_text("{mues: [{hcpcs: 17003, mue_value: 13}]}") * 2, "letter.yaml, line 1 has that id too"),
    ],
)
def test_what_is_wrong_is_reported_with_its_field(tmp_path, text, message):
    with pytest.raises(BadInput, match=re.escape(message)) as error:
        statements(write(tmp_path, text))
    assert all(fault.file == "letter.yaml" and fault.line for fault in error.value.faults)
    assert str(error.value).endswith("No statement was tried.")


def test_a_mistake_has_its_line(tmp_path):
    text = statement_text(
        "\n    pairs:\n      - {column_one: 17004, column_two: 17000}\n      - {column_one: 17004, x: 1}"
    )
    with pytest.raises(BadInput) as error:
        statements(write(tmp_path, text))
    assert {fault.line for fault in error.value.faults} == {7}


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ("code,rvu\n11102,0.64\n", "charges.csv: line 1: no column hcpcs"),
        ("hcpcs,rvu\n", "charges.csv: line 1: no column hcpcs, rvu, or no row below the header"),
        ("hcpcs,rvu\n11102,0.64\n11103,\n", "charges.csv: line 3: nothing under rvu"),
        ("hcpcs,rvu\n11102,n/a\n", "charges.csv: line 2: expected a figure, such as 0.64; found"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path, csv, message):
    (tmp_path / "charges.csv").write_text(csv)
    with pytest.raises(BadInput, match=re.escape(message)):
        statements(write(tmp_path, statement_text("{figures: {file: charges.csv, columns: {rvu: work_rvu}}}")))


@pytest.mark.parametrize(
    "checks",
    [
        "{amounts: [{hcpcs: 11102, from: 1, to: 2}]}",
        "{claim: {lines: [{hcpcs: 11102}]}, expect: {lines: [{disposition: pay}]}}",
    ],
)
def test_no_setting_is_assumed(tmp_path, checks):
    with pytest.raises(BadInput, match="no setting; say it"):
        statements(write(tmp_path, statement_text(checks), "locality: national\n"))


def test_guidance_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(WrongUse, match="no such file or folder of guidance"):
        statements(tmp_path / "none.yaml")
    with pytest.raises(WrongUse, match="holds no guidance"):
        statements(tmp_path)


def test_the_schema_names_every_column_of_the_fee_schedule():
    schema = json.loads((ROOT / "schemas" / "guidance.schema.json").read_text())["$defs"]
    amounts = {"nonfacility_amount", "facility_amount"}
    columns = set(TABLES["mpfs"].columns) | amounts
    assert set(schema["fee_schedule"]["properties"]) == columns
    targets = schema["figures"]["properties"]["columns"]["additionalProperties"]["enum"]
    assert set(targets) == columns - set(TABLES["mpfs"].key)


# The command and its page


def test_the_example_of_the_page_is_read_and_tried(tmp_path, snapshot):
    settings, letter = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "writing-guidance.md").read_text(), re.S)
    results = audit(statements(write(tmp_path, letter, settings)), snapshot)
    assert [result.verdict.value for result in results] == ["contradicted", "confirmed", "not decidable"]


def test_the_command_prints_verdicts_and_ends_with_one_if_a_statement_is_contradicted(tmp_path, embedded):
    file = write(tmp_path, statement_text("{mues: [{hcpcs: 17003, mue_value: 13}]}"))
    of_letter = command(embedded, "--guidance", str(file), "--json")
    assert of_letter.returncode == 0
    assert json.loads(of_letter.stdout)["statements"][0]["rows"] == [
        {"table": "mue", "key": "17003", "values": {"mue_value": "13", "mai": "2"}, "edition": "mue 2026-04-01"}
    ]
    of_our_guides = command(embedded)
    assert of_our_guides.returncode == 1
    assert "28 contradicted" in of_our_guides.stdout
    assert "Fifteen or more are one unit of 17004" in of_our_guides.stdout


def command(store: Store, *options: str) -> CompletedProcess[str]:
    return run_codeset("guidance", "2026q3", "--store", store.path, *options)


def test_what_is_contradicted_is_shown_first(audits, snapshot):
    results = list(audits["2026q3"].values())
    verdicts = list(guidance_table(results, snapshot.release).columns[0].cells)
    assert verdicts == sorted(verdicts, key=["contradicted", "not decidable", "confirmed"].index)
    assert guidance_json(results, snapshot)["counts"]["contradicted"] == len(CONTRADICTED)
