"""What is sealed is refused when it was changed; the content digest is of what bears on an answer, and nothing else."""

import json
import random
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import pytest
from command_line import run_codeset
from practice import practice

import codeset
from codeset import store as storing
from codeset.errors import StoreProblem
from codeset.manifest import ConversionFactor, Manifest
from codeset.participants import Participant
from codeset.releases import Release
from codeset.schemas import faults_of
from codeset.snapshot import rows_digest
from codeset.store import Store
from codeset_ingest.embedded import build_embedded

LABEL = "2026q3"


@pytest.fixture(scope="module")
def sealed_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sealed")
    build_embedded(Release.parse(LABEL), Store(folder))
    return folder


@pytest.fixture
def store(sealed_store: Path, tmp_path: Path) -> Store:
    shutil.copytree(sealed_store, tmp_path / "store")
    return Store(tmp_path / "store")


def command(store: Store, *arguments: str) -> CompletedProcess[str]:
    return run_codeset(*arguments, "--store", store.path)


def edit(store: Store, before: str, after: str) -> None:
    file = store.path / LABEL / "manifest.json"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


def rewrite(store: Store, **fields: object) -> None:
    """Give the manifest other *fields*, and the seal that goes with them, as a newer version might write them."""
    file = store.path / LABEL / "manifest.json"
    plain = json.loads(file.read_text()) | fields
    del plain["seal"]
    text = json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    plain["seal"] = sha256(text.encode()).hexdigest()
    file.write_text(json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def test_a_changed_conversion_factor_pays_nobody(store):
    edit(store, "33.4009", "99.9999")
    with pytest.raises(StoreProblem, match="changed after it was sealed"):
        store.open(LABEL)
    assert (command(store, "show", "11102").returncode, command(store, "verify", LABEL).returncode) == (4, 1)
    assert "changed after it was sealed" in command(store, "verify", LABEL).stdout


def test_a_changed_table_pays_nobody(store, tmp_path):
    file = store.path / LABEL / "mpfs.parquet"
    pl.read_parquet(file).with_columns(work_rvu=pl.lit("9.99", dtype=pl.String).cast(pl.Decimal(9, 2))).write_parquet(
        file
    )
    claim = "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service,locality\n"
    (tmp_path / "claims.csv").write_text(f"{claim}c,1,b,p,2026-07-01,11102,,1,11,national\n")
    result = command(store, "adjudicate", str(tmp_path / "claims.csv"))
    assert (result.returncode, result.stdout) == (4, "")
    assert "mpfs.parquet: sha256" in result.stderr


def test_a_folder_under_another_label_is_refused(store):
    (store.path / LABEL).rename(store.path / "2026q4")
    with pytest.raises(StoreProblem, match=r"it is of 2026q3, but its folder is called 2026q4"):
        store.open("2026q4")


def test_a_build_does_not_call_a_changed_snapshot_sealed_already(store):
    edit(store, "33.4009", "99.9999")
    result = command(store, "build", LABEL, "--embedded")
    assert result.returncode == 4
    assert "already" not in result.stdout


def test_every_flipped_bit_is_refused(store):
    """1,000 bits over all files of the snapshot, the manifest included; seeded, as many in each file."""
    chance = random.Random(2026)
    files = sorted((store.path / LABEL).iterdir())
    assert {file.name for file in files} >= {"manifest.json", "mpfs.parquet", "ptp.parquet"}
    for number in range(1_000):
        file = files[number % len(files)]
        content = file.read_bytes()
        place, bit = chance.randrange(len(content)), chance.randrange(8)
        file.write_bytes(content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :])
        with pytest.raises(StoreProblem):
            store.open(LABEL)
        file.write_bytes(content)
    assert store.open(LABEL).verify() == []


def test_rows_that_are_not_those_of_the_content_digest_are_found(store):
    """Whoever gives the file and the manifest other digests has not changed the content digest, which is signed."""
    file = store.path / LABEL / "mpfs.parquet"
    pl.read_parquet(file).head(10).write_parquet(file)
    plain = json.loads((store.path / LABEL / "manifest.json").read_text())
    plain["tables"]["mpfs"]["sha256"] = sha256(file.read_bytes()).hexdigest()
    rewrite(store, tables=plain["tables"])
    assert store.open(LABEL).verify() == ["mpfs.parquet: its rows are not those of the content digest"]


def test_list_names_what_is_damaged_and_shows_the_rest(store):
    build_embedded(Release.parse("2025q4"), store)
    edit(store, "33.4009", "99.9999")
    result = command(store, "list")
    assert "2025q4" in result.stdout
    assert "changed after it was sealed" in result.stderr
    assert result.returncode == 4


MANIFEST = Manifest(
    Release.parse(LABEL),
    "all",
    (ConversionFactor(Decimal("33.4009"), date(2026, 7, 1), date(2026, 9, 30), Participant.NON_QP),),
    {},
)
FACTOR = MANIFEST.conversion_factors[0]


@pytest.mark.parametrize(
    "other",
    [
        replace(MANIFEST, release=Release.parse("2026q4")),
        replace(MANIFEST, scope="derm"),
        replace(MANIFEST, reader=2),
        replace(MANIFEST, conversion_factors=(replace(FACTOR, value=Decimal("33.4010")),)),
        replace(MANIFEST, conversion_factors=(replace(FACTOR, last=date(2026, 8, 31)),)),
        replace(MANIFEST, conversion_factors=(replace(FACTOR, participant=Participant.QP),)),
    ],
)
def test_what_bears_on_an_answer_is_in_the_content_digest(other):
    assert other.content_sha256 != MANIFEST.content_sha256


@pytest.mark.parametrize("field", ["content_sha256", "edition", "carried_from", "sources"])
def test_what_a_table_rests_on_is_in_the_content_digest(store, field):
    manifest = store.open(LABEL).manifest
    entry = manifest.tables["ptp"]
    value = entry.sources[:1] if field == "sources" else "2024q2"
    other = replace(manifest, tables={**manifest.tables, "ptp": replace(entry, **{field: value})})
    assert other.content_sha256 != manifest.content_sha256


def test_tools_and_libraries_are_not_in_the_content_digest(store):
    manifest = store.open(LABEL).manifest
    entry = replace(manifest.tables["ptp"], sha256="0" * 64, notes=("said otherwise",))
    other = replace(manifest, made_by={"derm-codeset": "9.9.9"}, tables={**manifest.tables, "ptp": entry})
    assert other.content_sha256 == manifest.content_sha256


def test_the_digest_of_rows_is_theirs_however_they_are_stored(tmp_path):
    rows = pl.DataFrame({"hcpcs": ["11102", None, ""], "on": [date(2026, 7, 1), None, None]})
    rows.write_parquet(tmp_path / "a.parquet", compression="uncompressed", row_group_size=1)
    assert rows_digest(pl.read_parquet(tmp_path / "a.parquet")) == rows_digest(rows)
    assert rows_digest(rows[::-1]) != rows_digest(rows)
    assert rows_digest(rows.with_columns(pl.col("hcpcs").fill_null(""))) != rows_digest(rows)


def reread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the same files otherwise from now on."""
    seal = Store.seal

    def with_other_factor(self: Store, manifest: Manifest, *rest: object) -> storing.SealResult:
        factors = tuple(replace(factor, value=factor.value + 1) for factor in manifest.conversion_factors)
        return seal(self, replace(manifest, conversion_factors=factors), *rest)

    monkeypatch.setattr(Store, "seal", with_other_factor)


def test_the_same_files_read_otherwise_are_a_new_revision(store, monkeypatch):
    reread(monkeypatch)
    again = build_embedded(Release.parse(LABEL), store)
    assert (again.new, str(again.snapshot.release), str(again.read_before)) == (True, "2026q3r1", LABEL)
    assert store.open(LABEL).conversion_factors[0].value == Decimal("33.4009")
    assert build_embedded(Release.parse(LABEL), store).new is False, "the new reading is sealed now"


def test_the_same_files_read_otherwise_take_the_old_place_for_a_reason(store, monkeypatch):
    before = store.open(LABEL).content_sha256
    reread(monkeypatch)
    again = build_embedded(Release.parse(LABEL), store, "the factor was read from the wrong column")
    assert str(again.snapshot.release) == LABEL
    assert [str(release) for release in store.releases()] == [LABEL]
    [resealing] = again.snapshot.manifest.resealed
    assert (resealing.reason, resealing.content_sha256) == ("the factor was read from the wrong column", before)
    assert again.snapshot.content_sha256 != before
    assert again.snapshot.verify() == []


def with_reader(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Seal as a version does that reads under that number."""
    seal = Store.seal
    monkeypatch.setattr(
        Store, "seal", lambda self, manifest, *rest: seal(self, replace(manifest, reader=number), *rest)
    )


def test_a_higher_reader_number_is_a_new_revision_and_leaves_the_old_one_as_it_was_signed(store, monkeypatch):
    signed_digest = store.open(LABEL).content_sha256
    with_reader(monkeypatch, 7)
    again = build_embedded(Release.parse(LABEL), store)
    assert (str(again.snapshot.release), again.snapshot.manifest.reader) == ("2026q3r1", 7)
    assert store.open(LABEL).content_sha256 == signed_digest
    reseal_result = build_embedded(Release.parse("2025q4"), store)
    assert reseal_result.snapshot.manifest.reader == 7


def test_the_same_rows_built_elsewhere_under_a_higher_reader_number_keep_their_approval(store, tmp_path, monkeypatch):
    """A build server seals the release anew with the version of today; the approval was signed on that of before."""
    signed_digest = store.open(LABEL).content_sha256
    with_reader(monkeypatch, 7)
    anew = build_embedded(Release.parse(LABEL), Store(tmp_path / "elsewhere")).snapshot
    assert anew.content_sha256 != signed_digest
    assert signed_digest in anew.signed_as
    monkeypatch.undo()
    reread(monkeypatch)
    with_reader(monkeypatch, 7)
    otherwise = build_embedded(Release.parse(LABEL), Store(tmp_path / "otherwise")).snapshot
    assert signed_digest not in otherwise.signed_as


def test_reseal_needs_a_reason(store):
    result = command(store, "build", LABEL, "--embedded", "--reseal")
    assert (result.returncode, result.stderr) == (2, "--reseal needs a --reason, and --reason goes with --reseal\n")
    result = command(store, "build", LABEL, "--embedded", "--reseal", "--reason", "to see")
    assert "already; nothing was written" in result.stdout, "nothing is read otherwise"


def test_the_manifest_is_that_of_its_schema(store):
    assert faults_of(json.loads((store.path / LABEL / "manifest.json").read_text()), "manifest") == []


def test_fields_that_a_newer_minor_format_adds_are_ignored(store):
    plain = json.loads((store.path / LABEL / "manifest.json").read_text())
    plain["tables"]["ptp"]["further"] = True
    rewrite(store, format="1.7", further={"a": 1}, tables=plain["tables"])
    assert store.open(LABEL).mue("17004")["mue_value"] == 1


def test_a_newer_major_format_is_refused_in_words(store):
    rewrite(store, format="2.0")
    with pytest.raises(StoreProblem, match=r"format 2\.0 of the manifest file; this version reads format 1\. Upgrade"):
        store.open(LABEL)


def before_formats(store: Store) -> str:
    """Write the manifest as it was before there were formats; return its digest, which approvals signed."""
    file = store.path / LABEL / "manifest.json"
    plain = json.loads(file.read_text())
    for name in ("format", "seal", "content_sha256", "reader", "resealed"):
        del plain[name]
    for table in plain["tables"].values():
        for name in ("content_sha256", "forms", "other_forms", "since"):
            del table[name]
    for factor in plain["conversion_factors"]:
        factor["qualifying_apm"] = {"non_qp": False, "qp": True, None: None}[factor.pop("participant")]
    plain["made_by"] = {"derm-codeset": "0.1.0", "polars": "2.1.0"}
    file.write_text(json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return sha256(file.read_bytes()).hexdigest()


def test_a_snapshot_from_before_formats_is_read_and_not_sealed_again(store):
    content = replace(store.open(LABEL).manifest, reader=1).content_sha256
    signed_digest = before_formats(store)
    old = codeset.open(LABEL, store.path)
    assert old.content_sha256 == content
    assert signed_digest in old.signed_as
    assert old.verify() == []
    assert build_embedded(Release.parse(LABEL), store).new is False


def test_a_digest_signed_before_formats_is_that_of_the_release_sealed_again(store, sealed_store):
    assert before_formats(store) in Store(sealed_store).open(LABEL).signed_as


def test_a_manifest_that_lost_its_format_is_no_old_one(store):
    edit(store, '"format"', '"formau"')
    with pytest.raises(StoreProblem, match="it was changed"):
        store.open(LABEL)


def test_editions_say_from_when_they_are(store):
    """The embedded 2026q3 has the PTP edits of July 2024, and the MUEs and add-on edits of April 2026."""
    editions = store.open(LABEL).editions
    assert (str(editions["ptp"].carried_from), editions["ptp"].age_in_quarters) == ("2024q3", 8)
    assert (str(editions["mue"].carried_from), editions["mue"].age_in_quarters) == ("2026q2", 1)
    assert (editions["mpfs"].carried_from, editions["mpfs"].age_in_quarters) == (None, 0)
    assert str(editions["ptp"]) == "ptp v302r0, carried from 2024q3 (8 quarters old)"


CLAIMS = (
    "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service,locality\n"
    "c,1,b,p,2026-07-01,11102,,1,11,national\n"
)
PTP = "2026q3 rests on ptp v302r0, carried from 2024q3 (8 quarters old)"
OLD = {"release": LABEL, "table": "ptp", "edition": "ptp v302r0", "carried_from": "2024q3", "age_in_quarters": 8}


@pytest.mark.parametrize(
    "arguments",
    [
        ("edits", "17000", "17004"),
        ("edits", "11402", "12032", "--on", "2026-07-01"),
        ("test", LABEL, "--scenarios"),
        ("guidance", LABEL),
        ("verify", LABEL),
    ],
)
def test_whatever_rests_on_a_carried_table_says_so(store, tmp_path, arguments):
    if arguments[-1] == "--scenarios":
        arguments = (*arguments, practice(tmp_path))
    assert PTP in " ".join(command(store, *arguments).stdout.split())
    assert OLD in carried_of(json.loads(command(store, *arguments, "--json").stdout))


def carried_of(plain: object) -> list[dict[str, object]]:
    """The editions anywhere in *plain*."""
    if isinstance(plain, dict):
        own = [plain] if "age_in_quarters" in plain else []
        return [*own, *(entry for value in plain.values() for entry in carried_of(value))]
    return [entry for value in plain for entry in carried_of(value)] if isinstance(plain, list) else []


def test_a_code_is_shown_with_what_was_carried(store):
    assert "2024q3, 8 quarters old" in command(store, "show", "11102").stdout
    assert OLD in carried_of(json.loads(command(store, "show", "11102", "--json").stdout))


def test_claims_say_what_was_carried_in_every_form(store, tmp_path):
    (tmp_path / "claims.csv").write_text(CLAIMS)
    arguments = ("adjudicate", str(tmp_path / "claims.csv"), "--qualifying-apm", "no")
    assert PTP in command(store, *arguments).stdout
    plain = json.loads(command(store, *arguments, "--format", "json").stdout)
    assert OLD in plain["checked_against"]
    assert faults_of(plain, "outcome") == []
    [row] = pl.read_csv(command(store, *arguments, "--format", "csv").stdout.encode()).to_dicts()
    assert "ptp v302r0, carried from 2024q3 (8 quarters old)" in row["carried"]
    folder = tmp_path / "out"
    assert PTP in " ".join(command(store, *arguments, "-o", str(folder)).stdout.split())
    assert OLD in json.loads((folder / "plan.json").read_text())["checked_against"]
