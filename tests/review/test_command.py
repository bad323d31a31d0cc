"""`codeset review` as a user runs it."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import reviewed
from command_line import run_codeset


def run(place: Path, *arguments: object) -> CompletedProcess[str]:
    rest = ("--store", place / "store", "--scenarios", place / "scenarios")
    return run_codeset("review", "2025q4", "2026q3", *arguments, *rest)


def test_it_prints_verdict_figures_action_items_and_where_the_review_is(short_place, tmp_path):
    result = run(short_place, "-o", tmp_path / "review", "--locality", "01112-05", "--setting", "nonfacility")
    assert result.returncode == 1, result.stderr
    assert result.stdout.startswith("NOT READY TO SIGN: NCCI PTP edits are 8 quarters old")
    assert "Medicare allowed amount changed for" in result.stdout
    assert "Office: median" in result.stdout
    assert "facility" not in result.stdout.lower().replace("in a facility", "")
    assert f"Open {tmp_path / 'review' / 'review.html'}" in result.stdout.replace("\n", " ")


def test_a_folder_of_something_else_is_refused_before_anything_is_read(short_place, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    result = run(short_place, "-o", tmp_path)
    assert (result.returncode, "Nothing was written" in result.stderr) == (2, True)


def test_faulty_volumes_end_with_their_lines_and_nothing_written(short_place, tmp_path):
    file = reviewed.volumes(tmp_path, "hcpcs,units\n11102,some\n")
    result = run(short_place, "-o", tmp_path / "review", "--volumes", file)
    assert (result.returncode, result.stderr.count("volumes.csv: line 2")) == (3, 1)
    assert not (tmp_path / "review").exists()


def test_an_unknown_locality_is_refused(short_place, tmp_path):
    result = run(short_place, "-o", tmp_path / "review", "--locality", "99999-99")
    assert (result.returncode, 'has no locality "99999-99"' in result.stderr) == (2, True)


CLAIMS = "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service\n"


@pytest.mark.parametrize("between", [(), ("--claims",)])
def test_several_files_of_claims_are_adjudicated_together(short_place, tmp_path, between, reviews_once, monkeypatch):
    """99213: 88.95 and 95.19; 88346 x 3: denied by an MUE of 2, then 410.82 (RVU25D, RVU26C, MUE of both)."""
    reviews_once.patch(monkeypatch)  # the same lines, however they are named, are reviewed once
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text(f"{CLAIMS}A,1,B,P,2025-11-03,99213,,1,11\n")
    two.write_text(f"{CLAIMS}C,1,B2,P,2025-11-04,88346,,3,11\n")
    result = run(short_place, "--claims", one, *between, two, "-o", tmp_path / "review")
    assert result.returncode == 1, result.stderr
    (impact,) = json.loads((tmp_path / "review" / "review.json").read_text())["claims"]
    assert (impact["total"]["before_cents"], impact["total"]["after_cents"]) == (8895, 9519 + 41082)
    page = (tmp_path / "review" / "review.html").read_text()
    assert "MUE 88346: 2 (MAI 3)" in page
    assert "Units × fee would give" in page
