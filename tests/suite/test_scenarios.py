"""Scenarios as people write them: every value is text, every fault is told with its line and the nearest word."""

import pytest
from practice import SCENARIOS, practice

from codeset.errors import BadInput, WrongUse
from codeset.suite.scenarios import load
from codeset.suite.yaml_files import read_yaml


def faults(folder, text):
    with pytest.raises(BadInput) as error:
        load(practice(folder, text))
    return [str(fault) for fault in error.value.faults]


@pytest.mark.parametrize("text", ["010", "25", "1E1", "no", "null", "2026-01-01", "0x1A", "1_000", "~"])
def test_every_scalar_stays_text(tmp_path, text):
    (tmp_path / "a.yaml").write_text(f"- {text}\n")
    assert read_yaml(tmp_path / "a.yaml").plain == [text]


def test_a_misspelt_field_is_reported_with_its_line_and_the_nearest_word(tmp_path):
    messages = faults(tmp_path, SCENARIOS.replace("disposition: deny", "dispositon: deny"))
    assert (
        "destruction.yaml: line 12: destruction-17004-with-17000, expect.lines[2]: "
        'no field is called "dispositon"; is "disposition" meant?'
    ) in messages


def test_a_misspelt_word_is_reported_with_those_that_there_are(tmp_path):
    messages = faults(tmp_path, SCENARIOS.replace("disposition: deny", "disposition: denied"))
    expected = "expected one of pay, pay_if_documented, deny, no_payment_due, review, unknown"
    advice = f'{expected}; found "denied"; is "deny" meant?'
    assert messages == [
        f"destruction.yaml: line 12: destruction-17004-with-17000, expect.lines[2].disposition: {advice}"
    ]


def test_all_faults_of_all_scenarios_are_reported_together(tmp_path):
    messages = faults(tmp_path, SCENARIOS.replace("hcpcs: 17004}", "hcpcs: 1704}").replace("says: 17000", "say: 17000"))
    assert [message.split(":")[1] for message in messages] == [" line 4", " line 7", " line 8", " line 11"]


def test_lines_and_expectations_must_match_in_number(tmp_path):
    text = SCENARIOS.replace("{hcpcs: 17000, modifiers: [59]}", "{hcpcs: 17000}, {hcpcs: 17003}")
    message = "destruction.yaml: line 12: destruction-17004-with-17000: 3 lines are claimed, but expect has 2"
    assert faults(tmp_path, text) == [message]


def test_a_date_that_does_not_exist_is_refused(tmp_path):
    text = SCENARIOS.replace("  twin:", "  holds: {from: 2026-02-30}\n  twin:")
    assert faults(tmp_path, text) == [
        "destruction.yaml: line 7: destruction-17004-with-17000, holds.from: 2026-02-30 is no date"
    ]


def test_nothing_is_assumed_that_settings_do_not_say(tmp_path):
    place = practice(tmp_path)
    (place / "settings.yaml").write_text("setting: facility\n")
    with pytest.raises(
        BadInput, match=r"destruction-fifteen-keratoses: no locality; say it in the claim or in settings"
    ):
        load(place)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("- &a x\n- *a\n", "line 1: anchors, aliases and tags are not used here"),
        ("- !!python/object/apply:os.system [id]\n", "line 1: anchors, aliases and tags are not used here"),
        ("- {id: a, id: b}\n", 'line 1: "id" is there twice'),
        ("- {[a, b]: c}\n", "line 1: \"['a', 'b']\" is there twice, or is not text"),
        ("- [a\n", "is not YAML"),
        ("- a\n---\n- b\n", "line 2: is not YAML: a second document begins"),
        ("[" * 50 + "]" * 50, "is nested more than 20 deep"),
    ],
)
def test_yaml_that_is_more_than_text_is_refused(tmp_path, text, phrase):
    assert any(phrase in message for message in faults(tmp_path, text))


def test_a_folder_without_scenarios_is_wrong_use(tmp_path):
    with pytest.raises(WrongUse, match="holds no scenario"):
        load(tmp_path)
