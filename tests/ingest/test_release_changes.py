"""What changed since the release before: counted, told and sealed; more than CMS ever changed stops until accepted."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import pytest
from command_line import run_codeset
from facts import Facts
from handed_in import build_faults, build_release, hand_in, rendered_file

import codeset
from codeset.change_report.facts import cautions
from codeset.errors import BadInput, WrongUse
from codeset.manifest import TableChanges
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import BuildResult

NEXT = Release.parse("2024q3")


def after(cms_facts: Facts, table: str, frame: pl.DataFrame, release: Release = NEXT) -> Facts:
    """Return a later release with *frame* as its *table*."""
    return replace(cms_facts, release=release, tables=dict(cms_facts.tables) | {table: frame})


def seal_table(cms_facts: Facts, table: str, store: Store, tmp_path: Path, *accept: str) -> BuildResult:
    """Build *table* of *cms_facts* from one file."""
    form = "txt" if table == "ptp" else "csv"
    files = dict([rendered_file(cms_facts, table, form if table != "add_on" else "xlsx")])
    return build_release(store, cms_facts.release, hand_in(tmp_path / str(cms_facts.release), files), accept=accept)


def refusal(cms_facts: Facts, table: str, store: Store) -> list[str]:
    """Return what the build of one table is refused for."""
    form = "txt" if table == "ptp" else "csv"
    return build_faults(
        store, cms_facts.release, dict([rendered_file(cms_facts, table, form if table != "add_on" else "xlsx")])
    )


def test_what_changed_is_reported_and_kept_in_the_manifest(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2024q2"]
    seal_table(cms_facts, "mue", store, tmp_path)
    units = cms_facts.tables["mue"]
    one_less = units.filter(pl.col("hcpcs") != "0001U")
    raised_mue = pl.when(pl.col("hcpcs") == "17003").then(14).otherwise(pl.col("mue_value")).cast(pl.UInt32)
    outcome = seal_table(after(cms_facts, "mue", one_less.with_columns(mue_value=raised_mue)), "mue", store, tmp_path)
    assert (
        f"mue since 2024q2: 1 of {units.height} keys removed ({100 / units.height:.1f}%), 0 new; "
        "rows changed: mue_value 1" in outcome.notes
    )
    entry = outcome.sealed.snapshot.manifest.tables["mue"]
    assert entry.since == TableChanges("2024q2", units.height, 1, 0, {"mue_value": 1})


def test_a_first_release_has_nothing_to_be_compared_with(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    outcome = seal_table(facts["2024q2"], "mue", store, tmp_path)
    assert "no earlier release in the store holds mue: what changed is not known" in outcome.notes
    assert outcome.sealed.snapshot.manifest.tables["mue"].since is None


def test_over_five_percent_of_the_keys_removed_stop_until_accepted(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2024q2"]
    seal_table(cms_facts, "mue", store, tmp_path)
    count = cms_facts.tables["mue"].height
    shorter = after(cms_facts, "mue", cms_facts.tables["mue"].tail(count - 2))
    (fault,) = refusal(shorter, "mue", store)
    assert fault == (
        f"mue: 2 of the {count} keys of 2024q2 are removed, more than 5%: 0001U, 0633T. A part of the file may be "
        "missing. If that is right, build with --accept keys:mue"
    )
    outcome = seal_table(shorter, "mue", store, tmp_path, "keys:mue")
    assert outcome.sealed.snapshot.manifest.accepted == ("keys:mue",)


def test_keys_count_and_not_rows(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    """As many codes as before, but other ones."""
    cms_facts = facts["2024q2"]
    seal_table(cms_facts, "mue", store, tmp_path)
    renamed_codes = cms_facts.tables["mue"].with_columns(hcpcs="9" + pl.col("hcpcs").str.slice(1))
    faults = refusal(after(cms_facts, "mue", renamed_codes.unique("hcpcs")), "mue", store)
    assert [fault.rpartition("--accept ")[2] for fault in faults] == ["keys:mue", "keys:mue"]


def test_a_table_that_doubles_stops(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    cms_facts = facts["2024q2"]
    seal_table(cms_facts, "mue", store, tmp_path)
    twice = pl.concat(
        [cms_facts.tables["mue"], cms_facts.tables["mue"].with_columns(hcpcs="Z" + pl.col("hcpcs").str.slice(1))]
    )
    (fault,) = refusal(after(cms_facts, "mue", twice.unique("hcpcs")), "mue", store)
    assert "keys are new beside the" in fault


@pytest.mark.parametrize("table", ["gpci", "anesthesia"])
def test_a_locality_that_was_removed_stops_until_accepted(
    table: str, facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2024q2"]
    seal_table(cms_facts, table, store, tmp_path)
    shorter = after(cms_facts, table, cms_facts.tables[table].head(7))
    fault = next(message for message in refusal(shorter, table, store) if "localities" in message)
    assert fault == (
        f"{table}: 1 localities of 2024q2 are removed: 13202-02. "
        f"If that is right, build with --accept localities:{table}"
    )
    assert seal_table(shorter, table, store, tmp_path, f"localities:{table}", f"keys:{table}").sealed.new


def mpfs_of(cms_facts: Facts, rows: int = 60) -> Facts:
    """The fee schedule with codes enough that one in twenty counts."""
    frame = cms_facts.tables["mpfs"].filter(modifier="").filter(pl.col("status_code") == "A", pl.col("work_rvu") > 0.1)
    copies = [frame.with_columns(hcpcs=f"{number:02d}" + pl.col("hcpcs").str.slice(2)) for number in range(10, 14)]
    return replace(cms_facts, tables={"mpfs": pl.concat(copies).unique("hcpcs").sort("hcpcs").head(rows)})


INDICATORS = [
    ("bilateral_surgery", "assistant_surgery"),
    ("assistant_surgery", "team_surgery"),
]


@pytest.mark.parametrize(("one", "other"), INDICATORS)
def test_two_indicators_that_changed_places_stop(
    one: str, other: str, facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = mpfs_of(facts["2024q2"])
    seal_table(cms_facts, "mpfs", store, tmp_path)
    swapped_columns = cms_facts.tables["mpfs"].with_columns(pl.col(one).alias(other), pl.col(other).alias(one))
    faults = refusal(after(cms_facts, "mpfs", swapped_columns), "mpfs", store)
    assert any("Columns may be swapped or slipped" in fault for fault in faults)


def test_numbers_of_one_year_hardly_move(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    cms_facts = mpfs_of(facts["2024q2"])
    seal_table(cms_facts, "mpfs", store, tmp_path)
    cent = pl.lit("0.01").cast(pl.Decimal(9, 2))
    moved_rvus = cms_facts.tables["mpfs"].with_columns(
        pl.col("work_rvu", "nonfacility_total_rvu", "facility_total_rvu") + cent
    )
    faults = refusal(after(cms_facts, "mpfs", moved_rvus), "mpfs", store)
    assert [fault.partition(":")[0] for fault in faults] == ["mpfs"] * 3
    assert faults[0].startswith("mpfs: facility_total_rvu: ")


def test_a_new_year_may_move_every_number_but_not_by_half(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = mpfs_of(facts["2024q2"])
    seal_table(cms_facts, "mpfs", store, tmp_path)
    year = Release.parse("2025q1")
    factor = (replace(cms_facts.factors[0], value=Decimal("32.3465")),)
    cent = pl.lit("0.01").cast(pl.Decimal(9, 2))
    moved_rvus = cms_facts.tables["mpfs"].with_columns(
        pl.col("work_rvu", "nonfacility_total_rvu", "facility_total_rvu") + cent
    )
    assert seal_table(
        replace(after(cms_facts, "mpfs", moved_rvus, year), factors=factor), "mpfs", store, tmp_path
    ).sealed.new
    swapped_columns = cms_facts.tables["mpfs"].with_columns(work_rvu=pl.col("mp_rvu"), mp_rvu=pl.col("work_rvu"))
    later = replace(after(cms_facts, "mpfs", swapped_columns, Release.parse("2025q2")), factors=factor)
    assert any("changes:mpfs" in fault for fault in refusal(later, "mpfs", store))


def test_a_revision_without_a_table_that_it_replaces_stops_until_accepted(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2024q2"]
    files = dict([rendered_file(cms_facts, "mue"), rendered_file(cms_facts, "gpci")])
    build_release(store, cms_facts.release, hand_in(tmp_path / "first", files))
    alone = hand_in(tmp_path / "second", dict([rendered_file(cms_facts, "gpci", "txt")]))
    with pytest.raises(BadInput) as error:
        build_release(store, cms_facts.release, alone)
    assert [str(fault) for fault in error.value.faults] == [
        (
            "mue: 2024q2 holds it, and would be replaced by a revision without it. "
            "If that is right, build with --accept tables:mue"
        )
    ]
    assert (
        str(build_release(store, cms_facts.release, alone, accept=["tables:mue"]).sealed.snapshot.release) == "2024q2r1"
    )


def test_only_acceptances_that_were_needed_are_kept(facts: dict[str, Facts], store: Store, tmp_path: Path) -> None:
    outcome = seal_table(facts["2024q2"], "mue", store, tmp_path, "keys:mue")
    assert outcome.sealed.snapshot.manifest.accepted == ()


@pytest.mark.parametrize("name", ["mue", "rows:mue", "keys:mues", ""])
def test_an_acceptance_of_nothing_that_is_checked_is_wrong_use(
    name: str, facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    with pytest.raises(WrongUse, match="--accept"):
        seal_table(facts["2024q2"], "mue", store, tmp_path, name)


@pytest.mark.parametrize("arguments", [("--accept", "keys:mue"), ("--accept-row-count", "mue")])
def test_codes_removed_are_accepted_at_the_command(
    arguments: tuple[str, str], facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    """`--accept-row-count` is the name of before, and is not in the help."""
    cms_facts = facts["2024q2"]
    seal_table(cms_facts, "mue", store, tmp_path)
    name, data = rendered_file(after(cms_facts, "mue", cms_facts.tables["mue"].tail(-2)), "mue")
    folder = hand_in(tmp_path / "later", {name: data})
    first_run = build_command(store, folder)
    assert first_run.returncode == 3
    assert "If that is right, build with --accept keys:mue\n" in first_run.stderr
    result = build_command(store, folder, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert store.open(NEXT).manifest.accepted == ("keys:mue",)


def test_an_acceptance_that_names_no_check_is_wrong_use_at_the_command(store: Store, tmp_path: Path) -> None:
    result = build_command(store, tmp_path, "--accept", "mue")
    assert result.returncode == 2
    assert "--accept mue: expected one of end, factor, keys," in result.stderr


def build_command(store: Store, folder: Path, *arguments: str) -> CompletedProcess[str]:
    return run_codeset("build", NEXT, "--from", folder, *arguments, "--store", store.path)


def test_a_table_read_from_one_form_alone_says_so_in_manifest_and_review(
    facts: dict[str, Facts], store: Store, tmp_path: Path
) -> None:
    cms_facts = facts["2024q2"]
    before = seal_table(cms_facts, "mue", store, tmp_path).sealed.snapshot
    later = replace(cms_facts, release=NEXT)
    both = dict([rendered_file(later, "mue"), rendered_file(later, "mue", "xlsx")])
    alone = seal_table(later, "mue", Store(tmp_path / "alone"), tmp_path).sealed.snapshot
    together = build_release(store, NEXT, hand_in(tmp_path / "both", both)).sealed.snapshot
    entries = [snapshot.manifest.tables["mue"] for snapshot in (alone, together)]
    assert [(entry.forms, entry.other_forms) for entry in entries] == [(("csv",), ("xlsx",)), (("csv", "xlsx"), ())]
    says = "Read from one file format only, not compared with CMS's other formats: MUEs (csv)"
    assert says in cautions(codeset.diff(before, alone, "all"))
    assert says not in cautions(codeset.diff(before, together, "all"))
