"""An error that nobody foresaw ends with an exit code of its own, and shows nothing that a claim may hold."""

import sys
from pathlib import Path

import pytest

from codeset import cli
from codeset.cli import app


@pytest.mark.parametrize("error", [ValueError("MBI 1EG4TE5MK73"), BaseException("a panic")])
def test_an_unforeseen_error_has_its_own_exit_code(error, monkeypatch, capsys):
    def fail() -> None:
        raise error

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(SystemExit) as system_exit:
        cli.main()
    assert system_exit.value.code == 70
    error_text = capsys.readouterr().err
    assert "Please report it" in error_text
    assert type(error).__name__ in error_text
    assert str(error) not in error_text


def test_the_exit_code_is_in_the_help_and_in_the_readme():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert "70 = a fault of codeset itself" in app.app.info.help
    assert "70 = a fault of codeset itself" in readme


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_ends_a_program_on_purpose_is_let_through(error, monkeypatch):
    def ends() -> None:
        raise error

    monkeypatch.setattr(app, "app", ends)
    monkeypatch.setattr(sys, "argv", ["codeset"])
    with pytest.raises(type(error)):
        cli.main()
