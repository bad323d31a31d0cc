"""Participant classes: one entry each, and the form that files have kept since before there were classes."""

import pytest
import typer

from codeset.cli.options import participant_of
from codeset.participants import ANSWERS, Participant, as_written, from_written, participant_label, with_qualifying_apm


def test_every_class_has_an_answer_a_written_form_and_a_label() -> None:
    assert set(ANSWERS.values()) == set(Participant)
    assert len({as_written(participant) for participant in Participant}) == len(Participant)
    assert len({participant_label(participant) for participant in (None, *Participant)}) == len(Participant) + 1


def test_files_name_a_class_by_qualifying_apm() -> None:
    written = {None: None, Participant.QP: True, Participant.NON_QP: False}
    assert {participant: as_written(participant) for participant in written} == written
    assert {participant: from_written(value) for participant, value in written.items()} == {
        participant: participant for participant in written
    }


def test_a_file_that_names_no_class_is_refused() -> None:
    with pytest.raises(ValueError, match="expected true, false or null, found 'maybe'"):
        from_written("maybe")  # type: ignore[arg-type]


def test_the_written_form_takes_the_place_of_the_class() -> None:
    row = {"setting": "facility", "participant": Participant.QP, "cents": 1}
    assert list(with_qualifying_apm(row).items()) == [("setting", "facility"), ("qualifying_apm", True), ("cents", 1)]
    assert with_qualifying_apm({"setting": "facility"}) == {"setting": "facility"}


@pytest.mark.parametrize(("answer", "participant"), [("yes", Participant.QP), ("no", Participant.NON_QP)])
def test_the_option_names_a_class(answer: str, participant: Participant) -> None:
    assert participant_of(answer) is participant


def test_an_answer_that_names_no_class_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="expected no or yes, found 'maybe'"):
        participant_of("maybe")
