"""What an outcome rests on: CMS's editions, the history that was read, and the rule families that were not applied."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import literal_claims
import pytest
from typer.testing import CliRunner

import codeset
from codeset.claims import basis
from codeset.claims.adjudicate import adjudicate
from codeset.claims.basis import Basis, History, ReleaseEdition, basis_of, families_not_applied, joint_history
from codeset.claims.bulk.run_bulk import adjudicate_files
from codeset.cli.app import app
from codeset.manifest import Edition
from codeset.participants import Participant
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store

CLAIMS = """\
claim_id,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service,locality
A,B1,P,2026-07-15,99203,,1,11,national
B,B1,P,2026-08-20,11102,,1,11,national
"""
FAMILIES = {"coverage", "telehealth_list", "other_fee_schedules", "enrollment", "payer_rules"}
NO_HISTORY = (
    "no history of three years is at hand; visits before 2026-07-15 are not seen; three years would begin on 2023"
)


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    file = tmp_path / "claims.csv"
    file.write_text(CLAIMS)
    return file


def test_an_outcome_names_each_table_that_claims_are_read_against(derm: Snapshot) -> None:
    editions = literal_claims.outcome(derm, "99213").checked.editions
    assert [(str(table_edition.release), table_edition.edition.table) for table_edition in editions] == [
        ("2026q3", table) for table in ("add_on", "diagnosis", "diagnosis_replacement", "gpci", "mpfs", "mue", "ptp")
    ]
    labels = {table_edition.edition.table: table_edition.edition.edition for table_edition in editions}
    assert labels["mpfs"] == "rvu26c"


def test_a_table_that_a_release_lacks_is_named(tmp_path: Path) -> None:
    without_ptp = literal_claims.sealed_release(Store(tmp_path), "2026q3", ["99213"], lacking=["ptp"])
    basis = literal_claims.outcome(without_ptp, "99213").checked
    assert [table for _, table in basis.not_held] == ["ptp"]
    assert "Not held: ptp of 2026q3. What needs them is unknown." in basis.sentences()


def test_the_history_is_that_of_the_dates_of_service(derm: Snapshot) -> None:
    history = literal_claims.outcome(
        derm, "99213", "11102 on=2026-07-20", "99203 on=2026-07-15 beneficiary=c"
    ).checked.history
    assert history == History(date(2026, 7, 1), date(2026, 7, 20), date(2026, 7, 15))


@pytest.mark.parametrize(
    ("first", "new_patient", "first_day_needed", "lacks"),
    [
        (date(2023, 7, 15), date(2026, 7, 15), date(2023, 7, 15), False),
        (date(2023, 7, 16), date(2026, 7, 15), date(2023, 7, 15), True),
        (date(2026, 7, 15), None, None, False),
        (date(2024, 2, 1), date(2024, 2, 29), date(2021, 2, 28), True),
    ],
    ids=["three years to the day", "a day less", "no new patient", "a leap day"],
)
def test_new_patients_need_the_three_years_before(
    first: date, new_patient: date | None, first_day_needed: date | None, *, lacks: bool
) -> None:
    """IOM 100-04 ch. 12, section 30.6.7.A: within the previous three years."""
    history = History(first, new_patient or first, new_patient)
    assert (history.new_patients_need_from, history.lacks_years) == (first_day_needed, lacks)


def test_without_claims_no_history_is_claimed(derm: Snapshot) -> None:
    basis = adjudicate(literal_claims.claims("99213").clear(), derm).checked
    assert "No claim lines were read." in basis.sentences()


def test_parts_make_one_history() -> None:
    parts = [
        History(),
        History(date(2026, 2, 1), date(2026, 3, 1), date(2026, 3, 1)),
        History(date(2026, 1, 1), date(2026, 1, 1)),
    ]
    assert joint_history(parts) == History(date(2026, 1, 1), date(2026, 3, 1), date(2026, 3, 1))


def test_of_several_releases_those_count_whose_quarter_was_read(embedded: Store) -> None:
    several = [embedded.open(label) for label in ("2025q4", "2026q3")]
    assert {str(edition.release) for edition in literal_claims.outcome(several, "99213").checked.editions} == {"2026q3"}


def test_every_family_without_its_table_is_named(derm: Snapshot) -> None:
    assert set(literal_claims.outcome(derm, "99213").checked.not_applied) == FAMILIES


def test_a_family_is_applied_where_claims_are_read_against_its_table(
    derm: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coverage comes with three tables; one release that lacks them is enough to say that it was not applied."""
    tables = ("coverage_document", "coverage_hcpcs", "coverage_diagnosis")
    monkeypatch.setattr(basis, "CLAIM_TABLES", (*basis.CLAIM_TABLES, *tables))
    without = derm.manifest
    coverage = dict.fromkeys(tables, without.tables["mue"])
    with_coverage = replace(without, tables={**without.tables, **coverage})
    assert set(families_not_applied([with_coverage])) == FAMILIES - {"coverage"}
    assert set(families_not_applied([with_coverage, without])) == FAMILIES


@pytest.mark.parametrize(("origin", "is_applied"), [(None, True), ("2025q4", True), ("2025q3", False)])
def test_diagnoses_of_another_fiscal_year_are_not_applied(derm: Snapshot, origin: str | None, is_applied: bool) -> None:
    """July 2026 is of the fiscal year that began on October 1, 2025."""
    entry = replace(derm.manifest.tables["mue"], carried_from=origin)
    with_diagnoses = replace(derm.manifest, tables={**derm.manifest.tables, "diagnosis": entry})
    assert ("diagnoses" not in families_not_applied([with_diagnoses])) == is_applied


def test_what_is_written_is_read_back(derm: Snapshot) -> None:
    claim_basis = basis_of([derm.manifest], History(date(2026, 7, 1), date(2026, 7, 31), date(2026, 7, 15)))
    assert basis.basis_from(json.loads(json.dumps(claim_basis.plain()))) == claim_basis


def run(store: Store, *arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, [*arguments, "--store", str(store.path)])
    assert result.exit_code in (0, 1), result.output
    return " ".join(result.stdout.split()), " ".join(result.stderr.split())


def test_every_form_says_it_once(embedded: Store, claims: Path, tmp_path: Path) -> None:
    arguments = ("adjudicate", str(claims), "--qualifying-apm", "no")
    table, _ = run(embedded, *arguments)
    csv, beside = run(embedded, *arguments, "--format", "csv")
    summary, _ = run(embedded, *arguments, "-o", str(tmp_path / "folder"))
    for text in (table, beside, summary):
        assert text.count("Checked against 2026q3: ") == 1
        assert text.count("Not applied: coverage (") == 1
        assert text.count(NO_HISTORY) == 1
    assert "Not applied" not in csv
    plain = json.loads(run(embedded, *arguments, "--format", "json")[0])
    for name in ("lines.csv", "lines.parquet"):
        run(embedded, *arguments, "-o", str(tmp_path / name))
        basis_document = json.loads((tmp_path / name).with_name("lines.checked.json").read_text())
        assert basis_document == {name: value for name, value in plain.items() if name != "claims"}
    done_document = json.loads((tmp_path / "folder" / "done.json").read_text())
    assert {name: done_document[name] for name in basis_document} == basis_document
    assert {entry["family"] for entry in done_document["rules_not_applied"]} == FAMILIES
    assert done_document["history"]["new_patients_need_from"] == "2023-07-15"


def test_the_suite_and_the_guides_say_it(embedded: Store) -> None:
    for command in ("test", "guidance"):
        text, _ = run(embedded, command, "2026q3")
        assert text.count("Checked against 2026q3: ") == 1
        assert text.count("Not applied: coverage (") == 1
    plain = json.loads(run(embedded, "guidance", "2026q3", "--json")[0])
    assert {entry["family"] for entry in plain["rules_not_applied"]} == FAMILIES


def test_python_has_it_of_a_run_at_once_and_in_bulk(derm: Snapshot, claims: Path, tmp_path: Path) -> None:
    at_once = codeset.adjudicate(literal_claims.claims("99203", "11102"), derm).checked
    assert isinstance(at_once, codeset.Basis)
    summary = adjudicate_files([claims], tmp_path / "out", [derm], participant=Participant.NON_QP)
    assert codeset.scan_outcome(tmp_path / "out").checked == summary.checked
    assert summary.checked.history == History(date(2026, 7, 15), date(2026, 8, 20), date(2026, 7, 15))
    assert (summary.checked.editions, summary.checked.not_applied) == (at_once.editions, at_once.not_applied)


def test_an_edition_of_several_tables_is_named_once() -> None:
    """The Medicare Coverage Database is three tables of one edition."""
    release = Release.parse("2026q3")
    tables = ("coverage_document", "coverage_hcpcs", "coverage_diagnosis")
    editions = [ReleaseEdition(release, Edition(table, "coverage 2026-07-01", None, 0)) for table in tables]
    assert Basis(tuple(editions)).sentences() == ["Checked against 2026q3: coverage 2026-07-01."]
