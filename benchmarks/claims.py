"""Claims in bulk against decoding and encoding alone, two edits against the same in SQL, and one claim."""

import shutil
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import polars as pl

import codeset
from benchmarks.build import MPFS_FILE, MUE_FILE, PTP_FILES
from benchmarks.claim_files import (
    LINES_IN_A_FILE,
    SEED,
    office_claims,
    varied_claims,
    with_diagnoses,
    with_invalid_diagnoses,
)
from benchmarks.measure import CMS_FILES, Job, Measurement, Row, function, gib, interleaved, once, seconds
from codeset.claims.bulk.run_bulk import adjudicate_files
from codeset.claims.edits.modifiers import with_meanings
from codeset.claims.edits.mue import MUE
from codeset.claims.edits.ptp import PTP
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.line_kinds import line_kinds_of
from codeset.claims.engine.lines import Lines, sort_by_visit
from codeset.claims.input.claim_files import read_claims
from codeset.participants import Participant
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import build

CLAIM_LINES, TIMES_THE_LINES, RELEASE, RUNS = 10_000_000, 10, "2024q3", 3
DIAGNOSES_FILE = CMS_FILES / "icd10cm" / "fy2024_dx.zip"
ONE_CLAIM = [("1", "99213", "25"), ("2", "11102", ""), ("3", "17000", "59"), ("4", "88305", "")]
"""The claim of the cold process: a visit, a biopsy, a destruction elsewhere, the pathology; nothing is denied."""

_MODULE = "benchmarks.claims"
_CLAIMS, _VARIED, _TURNED, _MORE, _NAMES = "claims", "varied", "turned", "more", ("claim_id", "beneficiary")
_PLAIN, _DIAGNOSES, _INVALID, _FILES_WITH_DIAGNOSES = "plain", "diagnoses", "invalid", 5


def rows(folder: Path) -> Iterator[Row]:
    """Seal the releases and make the claims in *folder*, measure; yield the table's rows."""
    once(function("write_files", _MODULE, folder, times=1))
    yield from _bulk_rows(folder)
    yield from _with_diagnoses(folder)
    yield from _edit_rows(folder)
    yield from _single_claim_rows(folder)


def _bulk_rows(folder: Path) -> Iterator[Row]:
    """All claims at once: against decoding and encoding alone, ten times as many, varied, and in any order."""
    measurements = interleaved([function(name, _MODULE, folder, RUNS) for name in ("bulk", "floor")])
    bulk_run, floor_run = measurements["bulk"], measurements["floor"]
    ratio = f"{bulk_run.seconds / floor_run.seconds:.1f} x"
    yield Row("claims, decode and encode", seconds(bulk_run), seconds(floor_run), ratio)
    is_fast = _millions_per_second(bulk_run) >= 1
    pace = _pace(bulk_run)
    yield Row("claims, million lines/s", pace, _pace(floor_run), "", ">= 1", is_fast)
    # Memory in runs of their own: to watch all processes of a run takes up to a tenth of its time.
    watched_run, larger_run, varied_run = (
        once(function(name, _MODULE, folder, times=1, has_children=True))
        for name in ("bulk", "bulk_more", "bulk_varied")
    )
    yield Row("claims, peak memory", gib(watched_run), gib(floor_run), "", "< 1 GiB", watched_run.peak < 2**30)
    growth = larger_run.peak / watched_run.peak
    memory = (gib(larger_run), gib(watched_run))
    yield Row(f"claims, {TIMES_THE_LINES} x the lines", *memory, f"{growth:.2f} x", "flat", growth < 1.2)
    yield Row("varied claims, million lines/s", _pace(varied_run), pace, "")
    yield Row("varied claims, peak memory", gib(varied_run), gib(watched_run), "", "< 1 GiB", varied_run.peak < 2**30)
    unordered_run = once(function("bulk_turned", _MODULE, folder, times=1))
    yield Row("claims in any order", _pace(unordered_run), pace, "")


def _millions_per_second(run: Measurement) -> float:
    return CLAIM_LINES / run.seconds / 1e6


def _pace(run: Measurement) -> str:
    return f"{_millions_per_second(run):.2f}"


def _edit_rows(folder: Path) -> Iterator[Row]:
    """Two edits over the same prepared lines, in the engine and in SQL."""
    edit_runs = interleaved([_self_timed_job("edits", folder), _self_timed_job("sql", folder)])
    speedup = edit_runs["sql"].seconds / edit_runs["edits"].seconds
    edit_times = (seconds(edit_runs["edits"]), seconds(edit_runs["sql"]))
    yield Row("PTP and MUE / duckdb", *edit_times, f"{speedup:.1f} x faster", ">= 2 x faster", speedup >= 2)


def _single_claim_rows(folder: Path) -> Iterator[Row]:
    """One claim: in a process that has read others before, and in a new one."""
    office_claim, varied_claim = (once(_self_timed_job("one", folder, name)) for name in (_CLAIMS, _VARIED))
    office_time, varied_time = (f"{run.seconds * 1000:.0f} ms" for run in (office_claim, varied_claim))
    yield Row("one claim, warm process", office_time, "", "", "< 15 ms", office_claim.seconds < 0.015)
    yield Row("one varied claim, warm process", varied_time, office_time, "")
    codeset_program = str(Path(sysconfig.get_path("scripts")) / "codeset")
    claim_file, store = str(folder / "one.csv"), str(folder / "store")
    command = [codeset_program, "adjudicate", claim_file, "--release", RELEASE, "--store", store]
    cold_run = interleaved([Job("cold", command, 7)])["cold"]
    yield Row("one claim, cold process", seconds(cold_run), "", "", "< 1.5 s", cold_run.seconds < 1.5)


def _with_diagnoses(folder: Path) -> Iterator[Row]:
    """The same lines with four diagnoses each, all or nearly all of them valid, and without any."""
    job_names = ("bulk_diagnoses", "bulk_invalid_diagnoses", "bulk_plain")
    with_four, with_invalid, with_none = interleaved(
        [function(job_name, _MODULE, folder, RUNS) for job_name in job_names]
    ).values()
    for row_label, measurement, most_allowed in (
        ("four diagnoses per line / none, processor", with_four, 1.25),
        ("the same, invalid in one claim of twenty / none, processor", with_invalid, 1.6),
    ):
        time_ratio = measurement.processor / with_none.processor
        row_cells = (f"{measurement.processor:.1f} s", f"{with_none.processor:.1f} s", f"{time_ratio:.2f} x")
        yield Row(row_label, *row_cells, f"<= {most_allowed} x", time_ratio <= most_allowed)


def write_files(folder: Path) -> None:
    """Seal the release beside *folder*, and write the claims: as they come, varied, in any order, more, and one."""
    shared_folder, earlier_files = folder.parent, CMS_FILES / "2024q2"
    store = Store(shared_folder / "store")
    build(Release(2024, 2), [earlier_files / "rvu24b.zip", earlier_files / "AOC_V2024Q2-MCR.xlsx"], store)
    carry = dict.fromkeys(("gpci", "add_on"), Release(2024, 2))
    build(Release(2024, 3), [MPFS_FILE, MUE_FILE, *PTP_FILES, DIAGNOSES_FILE], store, carry)
    for claims_name in (_CLAIMS, _VARIED, _TURNED, _MORE, _PLAIN, _DIAGNOSES, _INVALID):
        (shared_folder / claims_name).mkdir()
    for file_number in range(CLAIM_LINES // LINES_IN_A_FILE):
        office_lines = office_claims(file_number, Release.parse(RELEASE))
        office_lines.write_parquet(shared_folder / _CLAIMS / f"{file_number:03}.parquet")
        varied_claims(file_number, Release.parse(RELEASE)).write_parquet(
            shared_folder / _VARIED / f"{file_number:03}.parquet"
        )
        if file_number < _FILES_WITH_DIAGNOSES:
            office_lines.drop("diagnoses", "diagnoses_of_claim").write_parquet(
                shared_folder / _PLAIN / f"{file_number:03}.parquet"
            )
            lines_with_diagnoses = with_diagnoses(office_lines)
            lines_with_diagnoses.write_parquet(shared_folder / _DIAGNOSES / f"{file_number:03}.parquet")
            with_invalid_diagnoses(lines_with_diagnoses).write_parquet(
                shared_folder / _INVALID / f"{file_number:03}.parquet"
            )
        # Lines in no order must be partitioned on disk before whole beneficiaries can be read; sorted files need not
        # be.
        shuffled_lines = office_lines.sample(fraction=1, shuffle=True, seed=SEED)
        shuffled_lines.write_parquet(shared_folder / _TURNED / f"{file_number:03}.parquet")
        for copy_number in range(TIMES_THE_LINES):
            # Ten times the lines are ten times the patients: more lines of the same ones would make visits no office
            # has.
            renamed_lines = office_lines.with_columns(
                pl.format("{}-{}", pl.lit(copy_number), column).alias(column) for column in _NAMES
            )
            renamed_lines.write_parquet(shared_folder / _MORE / f"{copy_number}-{file_number:03}.parquet")
    one_claim = {"claim_id": "c", "beneficiary": "b", "provider": "p", "date_of_service": "2024-07-01", "units": "1"}
    claim_codes = pl.DataFrame(ONE_CLAIM, schema=["line", "hcpcs", "modifiers"], orient="row")
    place_and_locality = {"place_of_service": "11", "locality": "national"}
    claim_lines = claim_codes.with_columns(
        pl.lit(cell_value).alias(column) for column, cell_value in (one_claim | place_and_locality).items()
    )
    claim_lines.write_csv(shared_folder / "one.csv")


def bulk(folder: Path, claims_folder: str = _CLAIMS) -> None:
    """Every edit and the price, findings written."""
    snapshot = codeset.open(RELEASE, folder.parent / "store")
    files = sorted((folder.parent / claims_folder).iterdir())
    adjudicate_files(files, folder / "out", [snapshot], participant=Participant.NON_QP)
    shutil.rmtree(folder)


def bulk_varied(folder: Path) -> None:
    """As `bulk`, of lines in which every column varies."""
    bulk(folder, _VARIED)


def bulk_turned(folder: Path) -> None:
    """As `bulk`, of lines in any order: they are partitioned on disk first."""
    bulk(folder, _TURNED)


def bulk_plain(folder: Path) -> None:
    """As `bulk`, of fewer lines, to which `bulk_diagnoses` is compared."""
    bulk(folder, _PLAIN)


def bulk_diagnoses(folder: Path) -> None:
    """The lines of `bulk_plain` with four diagnoses each."""
    bulk(folder, _DIAGNOSES)


def bulk_invalid_diagnoses(folder: Path) -> None:
    """The lines of `bulk_diagnoses`, of which one claim in twenty has a diagnosis that may not be billed."""
    bulk(folder, _INVALID)


def bulk_more(folder: Path) -> None:
    """As `bulk`, of more lines."""
    bulk(folder, _MORE)


def floor(folder: Path) -> None:
    """Decode the claims and encode them again."""
    for claim_file in sorted((folder.parent / _CLAIMS).iterdir()):
        pl.read_parquet(claim_file).write_parquet(folder / claim_file.name, compression="zstd", compression_level=1)
    shutil.rmtree(folder)


def _self_timed_job(job_name: str, folder: Path, *arguments: str) -> Job:
    """A job that times a part of itself: `python -m benchmarks.claims FUNCTION FOLDER`."""
    return Job(job_name, [sys.executable, "-m", _MODULE, job_name, str(folder), *arguments], RUNS, times_itself=True)


def _median_seconds(run_count: int, measured_function: Callable[[], object]) -> float:
    seconds_taken = []
    for _ in range(run_count):
        start = time.perf_counter()
        measured_function()
        seconds_taken.append(time.perf_counter() - start)
    return median(seconds_taken)


def _prepared_lines(folder: Path) -> Lines:
    """The lines of a file as the edits read them."""
    claim_rows, _ = read_claims(min((folder / _CLAIMS).iterdir()))
    code_set = CodeSet.of([codeset.open(RELEASE, folder / "store")], claim_rows["hcpcs"].unique())
    sorted_rows = sort_by_visit(claim_rows, code_set, (*PTP.reads, *MUE.reads))
    line_kinds, kind_of_line = line_kinds_of(sorted_rows, code_set, with_meanings)
    return Lines(sorted_rows.hstack([kind_of_line]), line_kinds, kind_of_line.clear())


def edits(folder: Path) -> None:
    """PTP and MUE over prepared lines."""
    lines = _prepared_lines(folder)
    print(_median_seconds(5, lambda: [edit.findings(lines, lines.denied) for edit in (PTP, MUE)]))


def sql(folder: Path) -> None:
    """The same over the same prepared lines in duckdb, with codes as its enums; both find the same number."""
    import duckdb  # noqa: PLC0415 (the other rows do without it)

    lines = _prepared_lines(folder)
    line_kinds, code_set = lines.line_kinds.table.rename({"line_kind": "kind"}), lines.line_kinds.code_set
    line_rows = lines.table.rename({"line_kind": "kind"})
    sql_tables = {"line": line_rows, "kind": line_kinds, "ptp": code_set.ptp, "mue": code_set.mue}
    with duckdb.connect() as connection:
        for table_name, table_rows in sql_tables.items():
            parquet_file = folder / f"{table_name}-for-sql.parquet"
            table_rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).write_parquet(parquet_file)
            connection.execute(f"create table {table_name} as from '{parquet_file}'")
        # As enums, which are numbers as our categoricals are: compared as text, duckdb would be slower for no merit of
        # ours.
        connection.execute("create type code as enum (select distinct hcpcs from line)")
        for table_name, column_name in (
            ("line", "hcpcs"),
            ("ptp", "column_one"),
            ("ptp", "column_two"),
            ("mue", "hcpcs"),
        ):
            connection.execute(f"alter table {table_name} alter {column_name} type code")
        print(_median_seconds(5, lambda: [connection.execute(statement) for statement in SQL]))
        for table_name, table_edit, column_name in (("ptp", PTP, "column_one"), ("mue", MUE, "hcpcs")):
            findings = table_edit.findings(lines, lines.denied)
            # Where several lines say the same of another one, the engine names the first of them.
            our_count = pl.DataFrame([findings.rows["row"], findings.of("column_one")]).n_unique()
            count_query = f"select count(distinct (row, {column_name})) from {table_name}_findings"
            if connection.execute(count_query).fetchall() != [(our_count,)]:
                raise RuntimeError(f"{table_name}: duckdb does not find what the engine finds")


SQL = (
    """create or replace table ptp_findings as
    select one.row as partner, two.row as row, ptp.*,
        case when ccmi = 0 then 'never'
            when k1.other_bypass <> '' or k2.other_bypass <> ''
                or not k2.is_visit and k2."distinct" <> '' or not k1.is_visit and k1."distinct" <> ''
                or k1.is_visit and k1.for_visit <> '' or k2.is_visit and k2.for_visit <> ''
                or k1.site <> k2.site then 'bypassed' else 'denied' end as verdict
    from line one join line two on one.visit = two.visit and one.row <> two.row
    join ptp on ptp.column_one = one.hcpcs and ptp.column_two = two.hcpcs
    join kind k1 on k1.kind = one.kind join kind k2 on k2.kind = two.kind
    where ccmi <> 9 and effective_date <= one.date_of_service
        and (deletion_date is null or one.date_of_service <= deletion_date)""",
    """create or replace table mue_findings as
    select line.row, mue.*, case when mai = 1 then units else total end as counted
    from line join mue using (hcpcs)
    join (select visit, hcpcs, sum(units) as total from line group by visit, hcpcs) using (visit, hcpcs)
    where case when mai = 1 then units else total end > mue_value""",
)
"""PTP and MUE for lines of one day, as short as they can be said."""


def one(folder: Path, claims_folder: str) -> None:
    """One claim after another, all different, in a process that has read a thousand others before.

    The first hundreds take longer: each brings codes, modifiers and pairs of them that are not at hand yet.
    """
    claim_rows, _ = read_claims(min((folder / claims_folder).iterdir()))
    claims = iter(claim_rows.head(4_000).partition_by("claim_id", maintain_order=True))
    snapshot = codeset.open(RELEASE, folder / "store")

    def another() -> None:
        codeset.adjudicate(next(claims), snapshot, participant=Participant.NON_QP)

    # Warm: what remains is the price of one more claim, and not of the first ones in a process.
    _median_seconds(1_000, another)
    print(_median_seconds(200, another))


if __name__ == "__main__":
    {job.__name__: job for job in (edits, sql, one)}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
