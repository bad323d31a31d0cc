"""Many claims in parts: the same as at once, and nothing lost or done twice when a run is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import polars as pl
import pytest
from command_line import run_codeset

import codeset
from codeset.claims.adjudicate import adjudicate
from codeset.claims.bulk import run_bulk
from codeset.claims.bulk.bulk_sources import bulk_sources
from codeset.claims.bulk.partition import split_by_beneficiary
from codeset.claims.bulk.run_bulk import Progress, Summary, adjudicate_files
from codeset.claims.bulk.worker_processes import worker_processes
from codeset.claims.input.check import refuse
from codeset.claims.input.claim_files import open_files, read_files
from codeset.claims.input.claim_frames import from_frame
from codeset.claims.outcome import outcome_frames
from codeset.errors import BadInput, StoreProblem
from codeset.participants import Participant
from codeset.snapshot import Snapshot


class StartedBefore:
    """Worker processes that other runs had before; when a run leaves them, nothing of it is still being done."""

    def __init__(self, workers: Executor) -> None:
        self.workers, self.tasks = workers, []

    def submit(self, *task: object) -> Future:
        self.tasks.append(self.workers.submit(*task))
        return self.tasks[-1]

    def map(self, function: Callable, arguments: Iterable) -> Iterator:
        tasks = [self.submit(function, argument) for argument in arguments]
        return (task.result() for task in tasks)

    def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        wait(self.tasks, timeout=240)


@pytest.fixture(scope="module")
def started_workers() -> Iterator[Executor]:
    with worker_processes(2) as workers:
        yield workers


def lend(executor: Executor, patch: pytest.MonkeyPatch) -> None:
    """Runs in worker processes of the product's own, which are not started for each run anew: half a second each."""

    @contextmanager
    def lent(parts: int) -> Iterator[StartedBefore]:
        workers = StartedBefore(executor)
        try:
            yield workers
        finally:
            workers.leave()

    patch.setattr(run_bulk, "worker_processes", lent)


@pytest.fixture
def shared_workers(started_workers: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    lend(started_workers, monkeypatch)


CODES = ("11102", "11103", "17000", "17003", "17004", "99213", "17110", "11402", "12031", "17311", "88305")


@pytest.fixture(scope="module")
def claims() -> pl.DataFrame:
    """400 beneficiaries, each with one day of three lines; codes and modifiers go round."""
    rows = [
        {
            "claim_id": f"C{beneficiary:03}",
            "line": line + 1,
            "beneficiary": f"B{beneficiary:03}",
            "provider": f"P{beneficiary % 7}",
            "date_of_service": "2026-08-03",
            "hcpcs": CODES[(beneficiary * 3 + line * 5) % len(CODES)],
            "modifiers": ("", "59", "25", "XS")[(beneficiary + line) % 4],
            "units": 1 + (beneficiary + line) % 3,
            "place_of_service": "11",
            "locality": "national",
        }
        for beneficiary in range(400)
        for line in range(3)
    ]
    return pl.DataFrame(rows)


def run(files: list[Path], folder: Path, derm: Snapshot, **settings: object) -> Summary:
    return adjudicate_files(files, folder, [derm], participant=Participant.NON_QP, **settings)


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(sorted(folder.glob(f"{name}-*.parquet")))


def as_text(lines: pl.LazyFrame | pl.DataFrame) -> pl.DataFrame:
    """In one order, categories as text."""
    return lines.lazy().with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String)).collect().sort(pl.all())


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.parquet"))}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_bulk, "LINES_IN_A_PART", 250)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_parts_say_of_each_line_what_one_run_says(claims, derm, tmp_path, form, request):
    """In workers of this module's for the one form; in those that a run starts by itself for the other."""
    if form == "csv":
        request.getfixturevalue("shared_workers")
    file = tmp_path / f"claims.{form}"
    claims.write_csv(file) if form == "csv" else claims.write_parquet(file)
    summary = run([file], tmp_path / "out", derm)
    assert (summary.parts, summary.rejected_claims, summary.done_before) == (5, 0, 0)
    lines, rejects = from_frame(claims)
    refuse(rejects)
    at_once = adjudicate(lines, derm, participant=Participant.NON_QP)
    without_remedies = replace(at_once, reader=None)
    frames, scanned_frames = outcome_frames(without_remedies), codeset.scan_outcome(tmp_path / "out")
    assert summary.dispositions == dict(at_once.lines["disposition"].cast(pl.String).value_counts().iter_rows())
    assert sum(summary.dispositions.values()) == 1200
    assert as_text(scanned_frames.lines).equals(as_text(frames.lines.drop("date_of_service", "units")))
    assert as_text(scanned_frames.findings).equals(as_text(frames.findings.drop("says")))


@pytest.mark.usefixtures("small_parts", "shared_workers")
def test_what_is_said_of_many_lines_is_written_once(claims, derm, tmp_path):
    claims.write_parquet(tmp_path / "claims.parquet")
    run([tmp_path / "claims.parquet"], tmp_path / "out", derm)
    lines, findings = table(tmp_path / "out", "lines"), table(tmp_path / "out", "findings")
    for key, of in (("answer", lines), ("ground", findings)):
        shared_rows = table(tmp_path / "out", f"{key}s")
        assert shared_rows[key].is_unique().all(), "no key is in two parts"
        assert set(of[key]) == set(shared_rows[key]), "each key is of a row, and each row is used"
        assert shared_rows.height < of.height / 2
    in_part = table(tmp_path / "out", "grounds").with_columns(pl.col("ground") // 2**32)
    assert in_part.is_unique().all(), "no ground is in a part twice"


@pytest.mark.usefixtures("shared_workers")
def test_the_partner_of_a_finding_is_named_whichever_claim_it_is_in(claims, derm, tmp_path):
    """A visit in the ten days after an excision, without 24, is in its payment (IOM 100-04 ch. 12, section 40.1)."""
    days = claims.head(3).with_columns(
        claim_id=pl.Series(["surgery", "surgery", "visit"]),
        line=pl.Series([1, 2, 1]),
        date_of_service=pl.Series(["2026-08-03", "2026-08-03", "2026-08-10"]),
        hcpcs=pl.Series(["11402", "12001", "99213"]),
        modifiers=pl.lit(""),
        units=pl.lit(1),
    )
    days.write_csv(tmp_path / "claims.csv")
    run([tmp_path / "claims.csv"], tmp_path / "out", derm)
    partner = ("claim_id", "line", "edit", "partner_claim_id", "partner_line")
    findings = as_text(codeset.scan_outcome(tmp_path / "out").findings).select(partner).rows()
    assert findings == [("surgery", 2, "ptp", "surgery", 1), ("visit", 1, "global_surgery", "surgery", 1)]
    assert table(tmp_path / "out", "findings")["partner_claim_id"].to_list() == [None, "surgery"]


RUN = """
import sys
from pathlib import Path
from codeset.claims.bulk import run_bulk
from codeset.participants import Participant
from codeset.snapshot import Snapshot
if __name__ == "__main__":
    run_bulk.LINES_IN_A_PART = 60
    file, folder, snapshot = map(Path, sys.argv[1:])
    run_bulk.adjudicate_files([file], folder, [Snapshot(snapshot)], participant=Participant.NON_QP)
"""


@pytest.fixture
def few_lines_in_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_bulk, "LINES_IN_A_PART", 1)


@pytest.fixture
def tiny_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_bulk, "LINES_IN_A_PART", 60)


def until(holds: Callable[[], bool]) -> None:
    for _ in range(6000):
        if holds():
            return
        time.sleep(0.005)
    pytest.fail("not within half a minute")


@pytest.fixture(scope="module")
def whole_run(
    claims: pl.DataFrame, derm: Snapshot, started_workers: Executor, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The claims as they lie and in any order, each in a folder with the `out` of a run that nothing disturbed."""
    folders = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_bulk, "LINES_IN_A_PART", 60)
        lend(started_workers, patch)
        for order, lines in (("as they lie", claims), ("turned", claims.sample(fraction=1, shuffle=True, seed=4))):
            folders[order] = tmp_path_factory.mktemp("undisturbed")
            lines.write_parquet(folders[order] / "claims.parquet")
            run([folders[order] / "claims.parquet"], folders[order] / "out", derm)
    return folders


@pytest.mark.usefixtures("tiny_parts", "shared_workers")
@pytest.mark.parametrize(
    ("order", "parts_done", "killed"),
    [
        ("as they lie", 0, "the run alone"),
        ("as they lie", 5, "the run and its workers"),
        ("turned", 0, "the run and its workers"),
        ("turned", 3, "the run alone"),
    ],
)
def test_a_run_that_was_killed_goes_on_and_gives_the_same_bytes(whole_run, derm, tmp_path, order, parts_done, killed):
    """Before the first part and between parts, split on disk and not, with its workers and without: each two once.

    The run that is killed has a process of its own, and workers; the one that goes on has those of this module.
    """
    file, out = whole_run[order] / "claims.parquet", tmp_path / "out"
    (tmp_path / "run.py").write_text(RUN)
    command = [sys.executable, str(tmp_path / "run.py"), str(file), str(out), str(derm.path)]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
    try:
        until(lambda: (out / "plan.json").exists() and len(list(out.glob("part-*.json"))) >= parts_done)
    finally:
        os.killpg(process.pid, signal.SIGKILL) if killed == "the run and its workers" else process.kill()
    process.communicate(timeout=60)  # its output ends when the last worker does, who has it too
    assert process.returncode == -signal.SIGKILL
    (out / "findings-0019.unfinished").write_bytes(b"a part that was being written")
    with pytest.raises(StoreProblem, match=r"holds \d+ of 20 parts"):
        codeset.scan_outcome(out)
    summary = run([file], out, derm)
    assert parts_done <= summary.done_before < summary.parts == 20
    assert bytes_of(out) == bytes_of(whole_run[order] / "out")
    assert not (out / ".work").exists()


@pytest.mark.usefixtures("tiny_parts")
def test_a_worker_that_is_killed_ends_the_run_with_what_to_do(claims, derm, tmp_path, request):
    file = tmp_path / "claims.parquet"
    claims.write_parquet(file)

    others = active_children()

    def kill(_: Progress) -> None:
        for worker in active_children():
            if worker not in others:
                worker.kill()

    with pytest.raises(StoreProblem, match="run the same command again to go on"):
        run([file], tmp_path / "out", derm, report=kill)
    request.getfixturevalue("shared_workers")
    summary = run([file], tmp_path / "out", derm)
    assert 1 <= summary.done_before < summary.parts == 20
    assert sum(summary.dispositions.values()) == 1200


def test_a_single_part_starts_no_worker(claims, derm, tmp_path):
    file = tmp_path / "claims.parquet"
    claims.write_parquet(file)
    others, workers = active_children(), []
    run([file], tmp_path / "out", derm, report=lambda _: workers.extend(active_children()))
    assert workers == others
    assert table(tmp_path / "out", "lines").height == claims.height


def test_a_worker_has_its_share_of_the_threads_and_the_environment_stays(monkeypatch):
    monkeypatch.setenv("POLARS_MAX_THREADS", "7")
    with worker_processes(pl.thread_pool_size()) as workers:
        assert workers.submit(pl.thread_pool_size).result(timeout=60) == 1
    assert os.environ["POLARS_MAX_THREADS"] == "7"


@pytest.mark.usefixtures("shared_workers")
def test_a_finished_run_is_not_done_again(claims, derm, tmp_path):
    file = tmp_path / "claims.parquet"
    claims.write_parquet(file)
    first = run([file], tmp_path / "out", derm)
    before = bytes_of(tmp_path / "out")
    assert run([file], tmp_path / "out", derm) == replace(first, done_before=1)
    assert bytes_of(tmp_path / "out") == before


@pytest.mark.parametrize("plan", [None, "{}", "no plan"])
def test_a_folder_that_holds_no_run_is_not_scanned(tmp_path, plan):
    if plan is not None:
        (tmp_path / "plan.json").write_text(plan)
    with pytest.raises(StoreProblem, match=r"no plan\.json that says its parts"):
        codeset.scan_outcome(tmp_path)


@pytest.mark.usefixtures("shared_workers")
def test_a_folder_of_another_run_is_refused(claims, derm, tmp_path):
    file = tmp_path / "claims.parquet"
    claims.write_parquet(file)
    run([file], tmp_path / "out", derm)
    claims.head(30).write_parquet(file)
    with pytest.raises(StoreProblem, match="holds the outcome of other claims, releases or settings"):
        run([file], tmp_path / "out", derm)


def test_a_folder_that_is_not_empty_is_refused(claims, derm, tmp_path):
    file = tmp_path / "claims.parquet"
    claims.write_parquet(file)
    with pytest.raises(StoreProblem, match="is not empty"):
        run([file], tmp_path, derm)


@pytest.mark.usefixtures("shared_workers")
def test_a_run_that_was_killed_while_it_wrote_its_plan_begins_again_in_the_same_folder(claims, derm, tmp_path):
    file, folder = tmp_path / "claims.parquet", tmp_path / "out"
    claims.write_parquet(file)
    folder.mkdir()
    (folder / ".plan.json.unfinished").write_text("{")
    run([file], folder, derm)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.usefixtures("shared_workers")
def test_bad_claims_are_refused_or_set_aside_and_counted(claims, derm, tmp_path):
    bad = claims.with_columns(
        pl.when(pl.col("claim_id") == "C007").then(pl.lit("1100")).otherwise("hcpcs").alias("hcpcs")
    )
    bad.write_csv(tmp_path / "claims.csv")
    with pytest.raises(BadInput, match="hcpcs"):
        run([tmp_path / "claims.csv"], tmp_path / "refused", derm)
    summary = run([tmp_path / "claims.csv"], tmp_path / "skipped", derm, skip_bad_claims=True)
    assert (sum(summary.dispositions.values()), summary.rejected_claims) == (1197, 1)
    rejects = pl.read_csv(tmp_path / "skipped" / "rejects.csv", infer_schema=False)
    assert set(rejects["claim_id"]) == {"C007"}
    again = run([tmp_path / "claims.csv"], tmp_path / "skipped", derm, skip_bad_claims=True)
    assert again == replace(summary, done_before=1), "claims set aside are counted, whichever run did it"


@pytest.mark.usefixtures("shared_workers")
def test_a_part_whose_claims_are_all_bad_has_no_lines(claims, derm, tmp_path):
    claims.head(3).with_columns(pl.lit("1100").alias("hcpcs")).write_csv(tmp_path / "claims.csv")
    summary = run([tmp_path / "claims.csv"], tmp_path / "out", derm, skip_bad_claims=True)
    assert (summary.dispositions, summary.rejected_claims) == ({}, 1)


def refused_by(read_claim_files: Callable[[], object]) -> list[str]:
    with pytest.raises(BadInput) as error:
        read_claim_files()
    return [str(fault) for fault in error.value.faults]


HEADER = "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service,locality"
BAD_FILES = {
    "cells beyond the header": {"a.csv": f"{HEADER}\nC1,1,B1,P1,2026-07-15,11102,,1,11,national,extra\n"},
    "a quote that does not end": {"a.csv": f'{HEADER}\nC1,1,"B1,P1,2026-07-15,11102,,1,11,national\n'},
    "bytes that are no UTF-8": {"a.csv": f"{HEADER}\nC1,1,B".encode() + b"\xe9,P1,2026-07-15,11102,,1,11,national\n"},
    "a damaged parquet file": {"a.parquet": b"PAR1 and no more"},
    "no columns of lines": {"a.csv": "claim_id,line\nA,1\n", "b.csv": "x\n1\n"},
    "a column that is not understood": {"a.csv": f"{HEADER},lession\nC1,1,B1,P1,2026-07-15,11102,,1,11,national,5\n"},
    "JSON that is none": {"a.json": "[1, 2"},
    "an empty file": {"a.csv": ""},
    "a file given twice": {
        "a.csv": f"{HEADER}\nC1,1,B1,P1,2026-07-15,11102,,1,11,national\n",
        "b.csv": f"{HEADER}\nC1,1,B1,P1,2026-07-15,11102,,1,11,national\n",
    },
    "malformed fields in two files": {
        "a.csv": f"{HEADER}\nC1,1,B1,P1,2026-07-15,11102,,1,11,national\nC1,2,B1,P1,2026-07-15,g0011,,1,11,national\n",
        "b.csv": f"{HEADER}\nC2,1,B1,P1,2026-02-30,11102,,1,11,national\n",
    },
    "a line number twice": {"a.csv": f"{HEADER}\n" + "C1,1,B1,P1,2026-07-15,11102,,1,11,national\n" * 2},
    "a claim of two beneficiaries": {
        "a.csv": f"{HEADER}\nC1,1,B1,P1,2026-07-15,11102,,1,11,national\nC1,2,B5,P1,2026-07-15,17000,,1,11,national\n"
    },
    "a claim of two files": {
        "a.csv": f"{HEADER}\nC1,1,B1,P1,2026-07-15,11102,,1,11,national\n",
        "b.csv": f"{HEADER}\nC1,2,B1,P1,2026-07-15,17000,,1,11,national\n",
    },
    "a claim of two files and beneficiaries": {
        "a.csv": f"{HEADER}\nC1,1,B1,P1,2026-07-15,11102,,1,11,national\n",
        "b.csv": f"{HEADER}\nC1,2,B5,P1,2026-07-15,17000,,1,11,national\n",
    },
    "a claim of two files, bad in one": {
        "a.csv": f"{HEADER}\nC1,1,B1,P1,2026-07-15,1110,,1,11,national\n",
        "b.csv": f"{HEADER}\nC1,2,B1,P1,2026-07-15,17000,,1,11,national\nC7,1,B7,P1,2026-07-15,17000,,1,11,national\n",
    },
    "bad claims of NDJSON": {"a.ndjson": '{"claim_id": "A", "beneficiary": "B", "lines": []}\n{"claim_id": \n'},
    "no claim identifier": {"a.csv": f"{HEADER}\n,1,B1,P1,2026-07-15,11102,,1,11,national\n"},
}


@pytest.mark.usefixtures("few_lines_in_a_part", "shared_workers")
@pytest.mark.parametrize("name", BAD_FILES)
def test_bulk_and_single_runs_refuse_the_same_in_the_same_words(derm, tmp_path, name):
    files = [tmp_path / file for file in BAD_FILES[name]]
    for file, content in zip(files, BAD_FILES[name].values(), strict=True):
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    single = refused_by(lambda: read_files(files))
    assert refused_by(lambda: run(files, tmp_path / "out", derm)) == single
    assert not (tmp_path / "out").exists(), "a refused run leaves nothing"


SET_ASIDE = [
    name for name, files in BAD_FILES.items() if name.startswith(("malformed", "a claim of", "a line", "no claim"))
]


@pytest.mark.usefixtures("few_lines_in_a_part", "shared_workers")
@pytest.mark.parametrize("name", SET_ASIDE)
def test_bulk_and_single_runs_set_the_same_claims_aside(derm, tmp_path, name):
    files = [tmp_path / file for file in (*BAD_FILES[name], "good.csv")]
    good = f"{HEADER}\nG1,1,B1,P1,2026-07-15,11104,,1,11,national\nG2,1,B5,P1,2026-07-15,11104,,1,11,national\n"
    for file, content in zip(files, (*BAD_FILES[name].values(), good), strict=True):
        file.write_text(content)
    lines, rejects = read_files(files, skip_bad_claims=True)
    summary = run(files, tmp_path / "out", derm, skip_bad_claims=True)
    key = ["claim_id", "line"]
    assert table(tmp_path / "out", "lines").select(key).sort(key).rows() == lines.select(key).sort(key).rows()
    assert summary.rejected_claims == sum(of_file.claims for of_file in rejects)
    faults = pl.concat(of_file.faults.with_columns(pl.lit(of_file.file).alias("file")) for of_file in rejects)
    in_file = pl.read_csv(tmp_path / "out" / "rejects.csv", infer_schema=False)
    assert sorted(in_file.rows()) == sorted(faults.select(pl.col(in_file.columns).cast(pl.String)).rows())


@pytest.mark.usefixtures("shared_workers")
@pytest.mark.parametrize("skip", [False, True])
def test_a_day_of_a_placeholder_beneficiary_is_set_aside_in_single_and_bulk_runs(
    claims, derm, tmp_path, monkeypatch, skip
):
    """1,001 lines of CASH on one day, over two files; 1,000 lines of a day are a patient's."""
    monkeypatch.setattr(run_bulk, "LINES_IN_A_PART", 1000)
    many = (
        pl.concat([claims] * 2).with_row_index("n").with_columns(pl.format("{}-{}", "claim_id", "n").alias("claim_id"))
    )
    cash = many.head(1001).drop("n").with_columns(beneficiary=pl.lit("CASH"))
    patient = many.tail(1000).drop("n").with_columns(beneficiary=pl.lit("B-1"), claim_id="X" + pl.col("claim_id"))
    files = [tmp_path / "a.csv", tmp_path / "b.parquet"]
    pl.concat([cash.head(600), patient]).write_csv(files[0])
    pl.concat([cash.tail(401), claims]).write_parquet(files[1])
    lines, rejects = read_files(files, skip_bad_claims=skip)
    assert (lines.height, [of_file.claims for of_file in rejects]) == (2200, [600, 401])
    assert set(rejects[0].faults["found"]) == {"1,001, as of a placeholder for many patients"}
    summary = run(files, tmp_path / "out", derm, skip_bad_claims=skip)
    assert (sum(summary.dispositions.values()), summary.rejected_claims) == (2200, 1001)
    faults = pl.read_csv(tmp_path / "out" / "rejects.csv", infer_schema=False).drop("file")
    assert (
        faults.sort("claim_id").rows()
        == pl.concat(of_file.faults.select(pl.col(faults.columns).cast(pl.String)) for of_file in rejects)
        .sort("claim_id")
        .rows()
    )


@pytest.mark.usefixtures("few_lines_in_a_part", "shared_workers")
def test_every_format_is_read_in_bulk_as_at_once(derm, tmp_path):
    folder = Path(__file__).parent / "claims"
    files = [folder / name for name in ("two-claims.csv", "two-claims.json", "two-claims.ndjson", "two-claims.x12")]
    for file in files:
        lines, _ = read_files([file], locality="01112-05")
        run([file], tmp_path / file.name, derm, locality="01112-05")
        key = ["claim_id", "line"]
        assert table(tmp_path / file.name, "lines").select(key).sort(key).rows() == lines.select(key).sort(key).rows()


@pytest.mark.usefixtures("shared_workers")
def test_envelope_faults_are_survived_in_bulk_too(derm, tmp_path):
    text = (Path(__file__).parent / "claims" / "two-claims.x12").read_text().replace("SE*40*0001", "SE*41*0001")
    (tmp_path / "a.x12").write_text(text)
    says = ["a.x12: segment 42 SE: expected 40 segments in SE01, found 41"]
    assert refused_by(lambda: run([tmp_path / "a.x12"], tmp_path / "out", derm, locality="national")) == says
    summary = run([tmp_path / "a.x12"], tmp_path / "out", derm, locality="national", skip_bad_claims=True)
    assert (sum(summary.dispositions.values()), summary.rejected_claims) == (4, 0)
    assert "40 segments in SE01" in (tmp_path / "out" / "rejects.csv").read_text()


def test_nobody_else_may_read_what_a_run_writes(claims, derm, tmp_path):
    claims.with_columns(hcpcs=pl.when(claim_id="C007").then(pl.lit("1")).otherwise("hcpcs")).write_csv(
        tmp_path / "a.csv"
    )
    run([tmp_path / "a.csv"], tmp_path / "out", derm, skip_bad_claims=True)
    assert {oct(file.stat().st_mode & 0o777) for file in (tmp_path / "out").iterdir()} == {"0o600"}


@pytest.fixture(scope="module")
def command(claims: pl.DataFrame, derm: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What adjudicates the claims, as the arguments of the command."""
    file = tmp_path_factory.mktemp("command") / "claims.csv"
    claims.write_csv(file)
    return [
        *("adjudicate", str(file), "--store", str(derm.path.parent), "--release", "2026q3"),
        *("--qualifying-apm", "no"),
    ]


@pytest.fixture(scope="module")
def as_json(command: list[str]) -> subprocess.CompletedProcess[str]:
    return run_codeset(*command, "--format", "json")


def test_the_command_adjudicates_a_file_and_a_folder(
    command: list[str], as_json: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    assert as_json.returncode == 1, "some lines are denied"
    plain = json.loads(as_json.stdout)
    assert len(plain["claims"]) == 400
    assert {"line", "hcpcs", "disposition", "allowed_cents", "payment_percent", "findings"} <= set(
        plain["claims"][0]["lines"][0]
    )
    many = run_codeset(*command, "-o", tmp_path / "out")
    assert many.returncode == 1, "the same lines are denied"
    assert "1,200 lines in 1 part, in" in many.stdout
    denied_lines = sum(line["disposition"] == "deny" for claim in plain["claims"] for line in claim["lines"])
    assert f" {denied_lines} denied, " in many.stdout


@pytest.mark.usefixtures("small_parts", "shared_workers")
@pytest.mark.parametrize("order", ["as they lie", "in two files", "turned", "in two files, turned"])
def test_lines_by_beneficiary_and_lines_in_any_order_say_the_same(claims, derm, tmp_path, order):
    tables = [claims.head(600), claims.tail(600)] if "two" in order else [claims]
    files = [tmp_path / f"{number}.parquet" for number in range(len(tables))]
    for lines, file in zip(tables, files, strict=True):
        (lines.sample(fraction=1, shuffle=True, seed=4) if "turned" in order else lines).write_parquet(file)
    was_split_on_disk = (tmp_path / "out" / ".work" / "parts").exists
    split_on_disk = []
    summary = adjudicate_files(
        files,
        tmp_path / "out",
        [derm],
        participant=Participant.NON_QP,
        report=lambda _: split_on_disk.append(was_split_on_disk()),
    )
    assert (sum(summary.dispositions.values()), set(split_on_disk)) == (1200, {"turned" in order})
    beneficiaries = [set(pl.read_parquet(file)["claim_id"]) for file in (tmp_path / "out").glob("lines-*.parquet")]
    assert sum(map(len, beneficiaries)) == 400, "no beneficiary is in two parts"


def test_a_beneficiary_on_the_border_of_two_parts_is_in_one(claims, tmp_path):
    lines = claims.head(10).with_columns(pl.Series("beneficiary", list("aaabbbbccc")))
    lines.write_parquet(tmp_path / "claims.parquet")
    sources = bulk_sources(open_files([tmp_path / "claims.parquet"]), tmp_path / "files", None)
    parts = split_by_beneficiary(sources, tmp_path / "work", 2, 10)
    assert ["".join(part.lines()[0]["beneficiary"]) for part in parts] == ["aaabbbb", "ccc"]


def test_any_number_of_threads_gives_the_same_outcome(
    command: list[str], as_json: subprocess.CompletedProcess[str]
) -> None:
    """In `make test` each worker has one thread; commands of users have as many as there are cores."""
    program = [sys.executable, "-m", "codeset.cli", *command, "--format", "json"]
    environment = {**os.environ, "POLARS_MAX_THREADS": "3"}
    there = subprocess.run(program, capture_output=True, text=True, check=False, env=environment, timeout=240)
    assert as_json.returncode in (0, 1)
    assert (there.returncode, there.stdout) == (as_json.returncode, as_json.stdout)
