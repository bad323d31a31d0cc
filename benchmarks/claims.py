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
from benchmarks.measure import CMS, Job, Row, function, gib, interleaved, once, seconds
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

LINES, MORE, RELEASE, TIMES = 10_000_000, 10, "2024q3", 3
DIAGNOSES_FILE = CMS / "icd10cm" / "fy2024_dx.zip"
ONE = [("1", "99213", "25"), ("2", "11102", ""), ("3", "17000", "59"), ("4", "88305", "")]
"""The claim of the cold process: a visit, a biopsy, a destruction elsewhere, the pathology; nothing is denied."""

_MODULE = "benchmarks.claims"
_CLAIMS, _VARIED, _TURNED, _MORE, _NAMES = "claims", "varied", "turned", "more", ("claim_id", "beneficiary")
_PLAIN, _DIAGNOSES, _INVALID, _FILES_WITH_DIAGNOSES = "plain", "diagnoses", "invalid", 5


def rows(folder: Path) -> Iterator[Row]:
    """Seal the releases and make the claims in *folder*, measure; yield the table's rows."""
    once(function("write_files", _MODULE, folder, times=1))
    measured = interleaved([function(name, _MODULE, folder, TIMES) for name in ("bulk", "floor")])
    bulk, floor = measured["bulk"], measured["floor"]
    ratio = f"{bulk.seconds / floor.seconds:.1f} x"
    pace = LINES / bulk.seconds / 1e6
    yield Row("claims, decode and encode", seconds(bulk), seconds(floor), ratio)
    yield Row("claims, million lines/s", f"{pace:.2f}", f"{LINES / floor.seconds / 1e6:.2f}", "", ">= 1", pace >= 1)
    watched, more = (
        once(function(name, _MODULE, folder, times=1, has_children=True)) for name in ("bulk", "bulk_more")
    )
    yield Row("claims, peak memory", gib(watched), gib(floor), "", "< 1 GiB", watched.peak < 2**30)
    growth = more.peak / watched.peak
    yield Row(f"claims, {MORE} x the lines", gib(more), gib(watched), f"{growth:.2f} x", "flat", growth < 1.2)
    turned = once(function("bulk_turned", _MODULE, folder, times=1))
    varied = once(function("bulk_varied", _MODULE, folder, times=1, has_children=True))
    yield Row("varied claims, million lines/s", f"{LINES / varied.seconds / 1e6:.2f}", f"{pace:.2f}", "")
    yield Row("varied claims, peak memory", gib(varied), gib(watched), "", "< 1 GiB", varied.peak < 2**30)
    yield from _with_diagnoses(folder)
    yield Row("claims in any order", f"{LINES / turned.seconds / 1e6:.2f}", f"{pace:.2f}", "")
    edits = interleaved([_own("edits", folder), _own("sql", folder)])
    faster = edits["sql"].seconds / edits["edits"].seconds
    times = (seconds(edits["edits"]), seconds(edits["sql"]))
    yield Row("PTP and MUE / duckdb", *times, f"{faster:.1f} x faster", ">= 2 x faster", faster >= 2)
    one, other = (once(_own("one", folder, name)) for name in (_CLAIMS, _VARIED))
    yield Row("one claim, warm process", f"{one.seconds * 1000:.0f} ms", "", "", "< 15 ms", one.seconds < 0.015)
    yield Row("one varied claim, warm process", f"{other.seconds * 1000:.0f} ms", f"{one.seconds * 1000:.0f} ms", "")
    program = str(Path(sysconfig.get_path("scripts")) / "codeset")
    command = [program, "adjudicate", str(folder / "one.csv"), "--release", RELEASE, "--store", str(folder / "store")]
    cold = interleaved([Job("cold", command, 7)])["cold"]
    yield Row("one claim, cold process", seconds(cold), "", "", "< 1.5 s", cold.seconds < 1.5)


def _with_diagnoses(folder: Path) -> Iterator[Row]:
    """The same lines with four diagnoses each, all or nearly all of them valid, and without any."""
    names = ("bulk_diagnoses", "bulk_invalid_diagnoses", "bulk_plain")
    four, invalid, none = interleaved([function(name, _MODULE, folder, TIMES) for name in names]).values()
    for what, measured, most in (
        ("four diagnoses per line / none, processor", four, 1.25),
        ("the same, invalid in one claim of twenty / none, processor", invalid, 1.6),
    ):
        ratio = measured.processor / none.processor
        cells = (f"{measured.processor:.1f} s", f"{none.processor:.1f} s", f"{ratio:.2f} x")
        yield Row(what, *cells, f"<= {most} x", ratio <= most)


def write_files(folder: Path) -> None:
    """Seal the release beside *folder*, and write the claims: as they come, varied, in any order, more, and one."""
    beside, before = folder.parent, CMS / "2024q2"
    store = Store(beside / "store")
    build(Release(2024, 2), [before / "rvu24b.zip", before / "AOC_V2024Q2-MCR.xlsx"], store)
    carry = dict.fromkeys(("gpci", "add_on"), Release(2024, 2))
    build(Release(2024, 3), [MPFS_FILE, MUE_FILE, *PTP_FILES, DIAGNOSES_FILE], store, carry)
    for name in (_CLAIMS, _VARIED, _TURNED, _MORE, _PLAIN, _DIAGNOSES, _INVALID):
        (beside / name).mkdir()
    for number in range(LINES // LINES_IN_A_FILE):
        lines = office_claims(number, Release.parse(RELEASE))
        lines.write_parquet(beside / _CLAIMS / f"{number:03}.parquet")
        varied_claims(number, Release.parse(RELEASE)).write_parquet(beside / _VARIED / f"{number:03}.parquet")
        if number < _FILES_WITH_DIAGNOSES:
            lines.drop("diagnoses", "diagnoses_of_claim").write_parquet(beside / _PLAIN / f"{number:03}.parquet")
            four = with_diagnoses(lines)
            four.write_parquet(beside / _DIAGNOSES / f"{number:03}.parquet")
            with_invalid_diagnoses(four).write_parquet(beside / _INVALID / f"{number:03}.parquet")
        # Lines in no order must be parted on disk before whole beneficiaries can be read, which sorted files spare.
        turned = lines.sample(fraction=1, shuffle=True, seed=SEED)
        turned.write_parquet(beside / _TURNED / f"{number:03}.parquet")
        for copy in range(MORE):
            # Ten times the lines are ten times the patients: more lines of the same ones would make visits no office
            # has.
            renamed = lines.with_columns(pl.format("{}-{}", pl.lit(copy), name).alias(name) for name in _NAMES)
            renamed.write_parquet(beside / _MORE / f"{copy}-{number:03}.parquet")
    one_claim = {"claim_id": "c", "beneficiary": "b", "provider": "p", "date_of_service": "2024-07-01", "units": "1"}
    codes = pl.DataFrame(ONE, schema=["line", "hcpcs", "modifiers"], orient="row")
    place = {"place_of_service": "11", "locality": "national"}
    lines = codes.with_columns(pl.lit(cell).alias(name) for name, cell in (one_claim | place).items())
    lines.write_csv(beside / "one.csv")


def bulk(folder: Path, claims: str = _CLAIMS) -> None:
    """Every edit and the price, findings written."""
    snapshot = codeset.open(RELEASE, folder.parent / "store")
    files = sorted((folder.parent / claims).iterdir())
    adjudicate_files(files, folder / "out", [snapshot], participant=Participant.NON_QP)
    shutil.rmtree(folder)


def bulk_varied(folder: Path) -> None:
    """As `bulk`, of lines in which every column varies."""
    bulk(folder, _VARIED)


def bulk_turned(folder: Path) -> None:
    """As `bulk`, of lines in any order: they are parted on disk first."""
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
    for file in sorted((folder.parent / _CLAIMS).iterdir()):
        pl.read_parquet(file).write_parquet(folder / file.name, compression="zstd", compression_level=1)
    shutil.rmtree(folder)


# --- jobs that time a part of themselves: `python -m benchmarks.claims FUNCTION FOLDER`


def _own(name: str, folder: Path, *arguments: str) -> Job:
    return Job(name, [sys.executable, "-m", _MODULE, name, str(folder), *arguments], TIMES, times_itself=True)


def _median(times: int, function: Callable[[], object]) -> float:
    took = []
    for _ in range(times):
        begin = time.perf_counter()
        function()
        took.append(time.perf_counter() - begin)
    return median(took)


def _prepared(folder: Path) -> Lines:
    """The lines of a file as the edits read them."""
    frame, _ = read_claims(min((folder / _CLAIMS).iterdir()))
    code_set = CodeSet.of([codeset.open(RELEASE, folder / "store")], frame["hcpcs"].unique())
    table = sort_by_visit(frame, code_set, (*PTP.reads, *MUE.reads))
    line_kinds, kind = line_kinds_of(table, code_set, with_meanings)
    return Lines(table.hstack([kind]), line_kinds, kind.clear())


def edits(folder: Path) -> None:
    """PTP and MUE over prepared lines."""
    lines = _prepared(folder)
    print(_median(5, lambda: [edit.findings(lines, lines.denied) for edit in (PTP, MUE)]))


def sql(folder: Path) -> None:
    """The same over the same prepared lines in duckdb, with codes as its enums; both find the same number."""
    import duckdb  # noqa: PLC0415 (the other rows do without it)

    lines = _prepared(folder)
    line_kinds, code_set = lines.line_kinds.table.rename({"line_kind": "kind"}), lines.line_kinds.code_set
    line = lines.table.rename({"line_kind": "kind"})
    tables = {"line": line, "kind": line_kinds, "ptp": code_set.ptp, "mue": code_set.mue}
    with duckdb.connect() as connection:
        for name, table in tables.items():
            file = folder / f"{name}-for-sql.parquet"
            table.with_columns(pl.col(pl.Categorical).cast(pl.String)).write_parquet(file)
            connection.execute(f"create table {name} as from '{file}'")
        # As enums, which are numbers as our categoricals are: compared as text, duckdb would be slower for no merit of
        # ours.
        connection.execute("create type code as enum (select distinct hcpcs from line)")
        for name, column in (("line", "hcpcs"), ("ptp", "column_one"), ("ptp", "column_two"), ("mue", "hcpcs")):
            connection.execute(f"alter table {name} alter {column} type code")
        print(_median(5, lambda: [connection.execute(statement) for statement in SQL]))
        for name, edit, column in (("ptp", PTP, "column_one"), ("mue", MUE, "hcpcs")):
            findings = edit.findings(lines, lines.denied)
            # Where several lines say the same of another one, the engine names the first of them.
            ours = pl.DataFrame([findings.rows["row"], findings.of("column_one")]).n_unique()
            count = f"select count(distinct (row, {column})) from {name}_findings"
            if connection.execute(count).fetchall() != [(ours,)]:
                raise RuntimeError(f"{name}: duckdb does not find what the engine finds")


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
    frame, _ = read_claims(min((folder / claims_folder).iterdir()))
    claims = iter(frame.head(4_000).partition_by("claim_id", maintain_order=True))
    snapshot = codeset.open(RELEASE, folder / "store")

    def another() -> None:
        codeset.adjudicate(next(claims), snapshot, participant=Participant.NON_QP)

    # Warm: what remains is the price of one more claim, and not of the first ones in a process.
    _median(1_000, another)
    print(_median(200, another))


if __name__ == "__main__":
    {job.__name__: job for job in (edits, sql, one)}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
