"""What holds for any lines: order, other patients, lines that are not payable and earlier ones do not matter."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from price_lines import BIOPSY, DESTRUCTION, EXCISION, FLAP, MORE_LESIONS, REPAIR, code_set, fee, frame, line

from codeset.claims.engine import cache
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.pricing.price import price
from codeset.participants import Participant

CODES = code_set(
    *(EXCISION, REPAIR, BIOPSY, DESTRUCTION, MORE_LESIONS, FLAP),
    fee("20610", "0.77", "1.16", "0.13", multiple_procedure="2", bilateral_surgery="1"),
    fee("45385", "4.46", "1.72", "0.51", multiple_procedure="3", endoscopic_base="45378"),
    fee("45380", "3.47", "1.43", "0.42", multiple_procedure="3", endoscopic_base="45378"),
    fee("45378", "3.18", "1.34", "0.41", multiple_procedure="2"),
    fee("97110", "0.45", "0.41", "0.01", multiple_procedure="5"),
    fee("70450", "0.83", "2.30", "0.06", multiple_procedure="4", pctc_indicator="1"),
    fee("70450", "0.83", "0.30", "0.05", "26", multiple_procedure="4", pctc_indicator="1"),
    fee("70450", "0.00", "2.00", "0.01", "TC", multiple_procedure="4", pctc_indicator="1"),
)

LINE = st.builds(
    line,
    st.sampled_from(sorted(CODES.fees["hcpcs"].unique())),
    st.sampled_from(["", "50", "RT", "LT", "26", "TC", "54", "78", "80", "59 RT", "22"]),
    st.integers(1, 7),
    st.sampled_from(["11", "22", ""]),
    beneficiary=st.sampled_from(["one", "two"]),
    provider=st.sampled_from(["she", "he"]),
    payable=st.booleans(),
)
LINES = st.lists(LINE, min_size=1, max_size=12).map(
    lambda lines: [fields | {"line": place} for place, fields in enumerate(lines, 1)]
)


def amounts_by_line(lines: list[dict[str, Any]], codes: CodeSet = CODES) -> dict[int, tuple[Any, ...]]:
    """The amounts by the number of the line, whatever the row."""
    frames = frame(*lines)
    amounts = price(frames, codes, participant=Participant.NON_QP).amounts.join(frames.select("row", "line"), on="row")
    return {
        amount["line"]: tuple(amount[name] for name in amounts.columns if name != "row")
        for amount in amounts.to_dicts()
    }


@settings(deadline=None, max_examples=60)
@given(LINES, st.randoms())
def test_the_order_of_lines_does_not_matter(lines, random):
    shuffled_lines = list(lines)
    random.shuffle(shuffled_lines)
    assert amounts_by_line(shuffled_lines) == amounts_by_line(lines)


@settings(deadline=None, max_examples=60)
@given(LINES)
def test_another_patient_changes_nothing(lines):
    others = [fields | {"beneficiary": "three", "line": fields["line"] + 100} for fields in lines]
    together = amounts_by_line([*lines, *others])
    assert {place: amounts for place, amounts in together.items() if place < 100} == amounts_by_line(lines)


@settings(deadline=None, max_examples=60)
@given(LINES)
def test_lines_that_are_not_payable_are_as_if_they_were_not_there(lines):
    payable = [fields for fields in lines if fields["payable"]]
    everything = amounts_by_line(lines)
    assert set(everything) == {fields["line"] for fields in payable}
    if payable:
        assert everything == amounts_by_line(payable)


@settings(deadline=None, max_examples=60)
@given(LINES)
def test_what_was_priced_before_changes_nothing(lines):
    """`CODES` has the cases of all lines before, the other code set none."""
    assert amounts_by_line(lines) == amounts_by_line(lines, replace(CODES))


@settings(deadline=None, max_examples=30)
@given(LINES)
def test_more_cases_than_are_kept_are_priced_alike(lines):
    with patch.object(cache, "MOST_ROWS", 3):
        few = replace(CODES)
        assert amounts_by_line(lines, few) == amounts_by_line(lines, few) == amounts_by_line(lines)


@settings(deadline=None, max_examples=60)
@given(LINES)
def test_steps_lead_from_the_fee_to_the_amount(lines):
    """Each step begins where the one before ended, and the last is the allowed amount, in billionths of a dollar."""
    price_result = price(frame(*lines), CODES, participant=Participant.NON_QP)
    steps = price_result.steps.collect()
    for amount in price_result.amounts.to_dicts():
        own = steps.filter(row=amount["row"]).to_dicts()
        assert [step["step"] for step in own] == list(range(1, len(own) + 1))
        assert [step["before"] for step in own[1:]] == [step["after"] for step in own[:-1]]
        if amount["allowed_cents"] is not None:
            assert own[-1]["after"] == amount["allowed_cents"] * 10_000_000
