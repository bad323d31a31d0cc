"""Participant classes: one entry each, their names in files, and the form that manifests had before formats."""

import json
from importlib.resources import files
from itertools import combinations

import pytest
import typer

from codeset.cli.options import participant_of
from codeset.participants import ANSWERS, Participant, factor_participant, participant_label, with_qualifying_apm
from codeset.schemas import faults_of

CLASSES = ((None, None), (Participant.QP, True), (Participant.NON_QP, False))


def test_every_class_has_an_answer_and_a_label() -> None:
    assert set(ANSWERS.values()) == set(Participant)
    assert len({participant_label(participant) for participant in (None, *Participant)}) == len(Participant) + 1


@pytest.mark.parametrize(("participant", "qualifying_apm"), CLASSES)
def test_a_factor_names_its_class_or_did_so_by_qualifying_apm(participant, qualifying_apm) -> None:
    assert factor_participant({"participant": participant}) is participant
    assert factor_participant({"qualifying_apm": qualifying_apm}) is participant
    before = {"first": "2026-01-01", "qualifying_apm": qualifying_apm}
    assert with_qualifying_apm({"first": "2026-01-01", "participant": participant}) == before


@pytest.mark.parametrize("factor", [{"participant": "maybe"}, {"qualifying_apm": "maybe"}])
def test_a_factor_that_names_no_class_is_refused(factor) -> None:
    with pytest.raises(ValueError, match="maybe"):
        factor_participant(factor)


@pytest.mark.parametrize(("answer", "participant"), [("yes", Participant.QP), ("no", Participant.NON_QP)])
def test_the_option_names_a_class(answer: str, participant: Participant) -> None:
    assert participant_of(answer) is participant


def test_an_answer_that_names_no_class_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match=f"expected {' or '.join(ANSWERS)}, found 'maybe'"):
        participant_of("maybe")


PUBLISHED = json.loads(files("codeset_ingest.read").joinpath("conversion_factors.json").read_text(encoding="utf-8"))


def test_the_published_factors_are_as_their_schema_says() -> None:
    assert faults_of(PUBLISHED, "conversion-factors") == []
    assert faults_of([{**PUBLISHED[0], "participant": "maybe"}], "conversion-factors")


def test_one_published_factor_is_for_a_class_on_a_day() -> None:
    for one, other in combinations(PUBLISHED, 2):
        if one.get("participant") == other.get("participant"):
            assert one["last"] < other["first"] or other["last"] < one["first"]
    assert all(factor["first"] <= factor["last"] for factor in PUBLISHED)
