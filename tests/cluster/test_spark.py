"""On a standalone Spark cluster of two workers the engine says what it says on one machine, line for line."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, count, islice
from pathlib import Path
from random import Random
from typing import Literal
from urllib.error import URLError
from urllib.request import urlopen

import polars as pl
import pytest
from polars.testing import assert_frame_equal

pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed: the cluster's tests need the spark extra")

from pyspark.errors import PythonException  # noqa: E402 (after importorskip)
from pyspark.sql import DataFrame, SparkSession  # noqa: E402

from codeset.claims.adjudicate import adjudicate  # noqa: E402
from codeset.claims.bulk import spark as on_spark  # noqa: E402
from codeset.claims.claim_fields import COLUMNS  # noqa: E402
from codeset.claims.outcome import Frames, outcome_frames  # noqa: E402
from codeset.errors import WrongUse  # noqa: E402
from codeset.participants import Participant  # noqa: E402
from codeset.releases import Release  # noqa: E402
from codeset.store import Store  # noqa: E402
from codeset_ingest.embedded import build_embedded  # noqa: E402

Outcome = Literal["findings", "lines"]
"""The two tables of an outcome, by the names that `on_spark.adjudicate` takes."""

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

HOST = "127.0.0.1"
WORKERS = 2
RELEASES = ["2025q4", "2026q3"]
LINES = 20_000

CODES = ["11102", "11103", "11104", "17000", "17003", "17004", "17110", "17311", "17312", "17315", "11642", "14040"]
CODES += ["13132", "88305", "88331", "96910", "99203", "99213", "G2211", "J7308", "11055", "99999"]
MODIFIERS = ["", "", "", "", "25", "59", "XS", "57", "24", "RT", "LT", "76", "78", "79", "50", "80", "25 57", "ZZ"]


# --- claims


def made_up(lines: int, seed: int) -> pl.DataFrame:
    """Claims of some six lines a beneficiary, over two quarters and days that neither covers, in no order."""
    rng = Random(seed)
    patients = (of_patient(rng, number) for number in count())
    rows = list(islice(chain.from_iterable(patients), lines))
    return pl.DataFrame(rows, schema=dict(COLUMNS)).sample(fraction=1, shuffle=True, seed=seed)


def of_patient(rng: Random, patient: int) -> list[dict[str, object]]:
    first = rng.choice([date(2025, 10, 1), date(2026, 7, 1), date(2026, 7, 1), date(2026, 9, 1)])
    return [a_line(rng, patient, number, first) for number in range(rng.randrange(1, 12))]


def a_line(rng: Random, patient: int, number: int, first: date) -> dict[str, object]:
    in_group = rng.random() < 0.3
    return {
        "claim_id": f"c{patient}-{number // 4}",
        "line": number + 1,
        "beneficiary": f"b{patient}",
        "provider": rng.choice("ppq"),
        "group": "g" if in_group else None,
        "specialty": "07" if in_group else None,
        "date_of_service": first + timedelta(days=rng.choice([0, 0, 0, 1, 10, 40])),
        "hcpcs": rng.choice(CODES),
        "modifiers": rng.choice(MODIFIERS),
        "units": rng.choice([1, 1, 1, 1, 2, 14, 0]),
        "place_of_service": rng.choice(["11", "11", "22"]),
        "locality": rng.choice(["national", "01112-05"]),
        "charge_cents": rng.choice([None, None, 5_000, 500_000]),
        "lesion": rng.choice([None, None, "A", "B"]),
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("store"))
    for label in RELEASES:
        build_embedded(Release.parse(label), store)
    return store


@pytest.fixture(scope="module")
def claims() -> pl.DataFrame:
    return made_up(LINES, seed=2026)


@pytest.fixture(scope="module")
def one_machine(claims: pl.DataFrame, store: Store) -> Frames:
    return outcome_of(claims, store, participant=Participant.NON_QP)


def outcome_of(claims: pl.DataFrame, store: Store, *, participant: Participant | None) -> Frames:
    """The outcome on one machine, sorted as the cluster sorts: of two lines alike the earlier is the representative."""
    snapshots = [store.open(release) for release in RELEASES]
    outcome = adjudicate(claims, snapshots, participant=participant)
    return outcome_frames(outcome, sentences=False)


# --- the cluster


@dataclass(frozen=True)
class Cluster:
    """A master and its workers, on loopback."""

    master: str
    status_url: str

    def workers(self) -> list[dict[str, object]]:
        with urlopen(self.status_url, timeout=5) as answer:
            return [worker for worker in json.load(answer)["workers"] if worker["state"] == "ALIVE"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("spark")
    (folder / "conf").mkdir()
    settings = {
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_CONF_DIR": str(folder / "conf"),
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_DAEMON_MEMORY": "512m",
        "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
    port, status_port = free_port(), free_port()
    new_cluster = Cluster(f"spark://{HOST}:{port}", f"http://{HOST}:{status_port}/json/")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        at = ("--host", HOST)
        logs = [folder / "master.log"]
        master = ("master.Master", *at, "--port", str(port), "--webui-port", str(status_port))
        stack.enter_context(daemon(logs[0], *master))
        wait_for(new_cluster, 0, logs)
        for number in range(WORKERS):
            logs.append(folder / f"worker-{number}.log")
            has = ("--cores", "1", "--memory", "3g", "--webui-port", "0", "--work-dir", str(folder / f"work-{number}"))
            stack.enter_context(daemon(logs[-1], "worker.Worker", *at, *has, new_cluster.master))
        wait_for(new_cluster, WORKERS, logs)
        yield new_cluster


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def daemon(log: Path, name: str, *arguments: str) -> Iterator[None]:
    """Run one of Spark's daemons; it and all that it started have ended afterwards."""
    command = [str(Path(os.environ["SPARK_HOME"]) / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}"]
    with log.open("wb") as output:
        process = subprocess.Popen([*command, *arguments], stdout=output, stderr=output, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=60)


def wait_for(cluster: Cluster, workers: int, logs: list[Path]) -> None:
    """Wait until so many workers are registered at the master."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if len(cluster.workers()) == workers:
                return
        except (URLError, ConnectionError, TimeoutError, json.JSONDecodeError):
            pass  # the page is not there yet, or says in HTML that the master is starting
        time.sleep(0.3)
    log_text = "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in logs)
    pytest.fail(f"{workers} workers were not registered within a minute\n{log_text}")


@pytest.fixture(scope="module")
def session(cluster: Cluster) -> Iterator[SparkSession]:
    settings = {
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.driver.memory": "1g",
        "spark.executor.memory": "1g",
        "spark.executorEnv.POLARS_MAX_THREADS": "1",
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    session = SparkSession.builder.master(cluster.master).appName("codeset").config(map=settings).getOrCreate()
    gateway = session.sparkContext._gateway
    try:
        yield session
    finally:
        session.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=20)


@pytest.fixture(scope="module")
def spread_claims(session: SparkSession, claims: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """The claims as Spark reads them: beneficiaries lie across several files."""
    folder = tmp_path_factory.mktemp("claims")
    for number, part in enumerate(claims.iter_slices(LINES // 4)):
        part.write_parquet(folder / f"{number}.parquet")
    return session.read.parquet(str(folder))


# --- what holds


def same(cluster_rows: DataFrame, expected: pl.DataFrame) -> None:
    collected_rows = pl.DataFrame(cluster_rows.toArrow())
    expected_rows = expected.select(pl.col(name).cast(dtype) for name, dtype in collected_rows.schema.items())
    assert_frame_equal(collected_rows.sort(collected_rows.columns), expected_rows.sort(collected_rows.columns))


def test_the_claims_made_up_have_findings_of_every_kind(one_machine: Frames) -> None:
    assert one_machine.lines.height == LINES
    assert set(one_machine.lines["disposition"]) == {"pay", "pay_if_documented", "deny", "review", "unknown"}
    assert {"ptp", "mue", "add_on", "global_surgery", "same_lesion", "validity", "price"} <= set(
        one_machine.findings["edit"]
    )
    assert one_machine.findings.filter(pl.col("partner_claim_id") != pl.col("claim_id")).height > 0
    assert one_machine.lines["allowed_cents"].drop_nulls().n_unique() > 100


@pytest.mark.parametrize("what", ["findings", "lines"])
@pytest.mark.parametrize("partitions", [None, 1, 2, 7, 16])
def test_the_cluster_answers_as_one_machine(
    spread_claims: DataFrame, store: Store, one_machine: Frames, what: Outcome, partitions: int | None
) -> None:
    outcome = on_spark.adjudicate(
        spread_claims, str(store.path), RELEASES, participant=Participant.NON_QP, what=what, partitions=partitions
    )
    assert outcome.schema == {"findings": on_spark.FINDINGS, "lines": on_spark.LINES}[what]
    same(outcome, getattr(one_machine, what))


@pytest.mark.parametrize("releases", [RELEASES, RELEASES[:1]])
def test_what_was_checked_is_said_as_on_one_machine(
    spread_claims: DataFrame, claims: pl.DataFrame, store: Store, releases: list[str]
) -> None:
    expected = adjudicate(claims, [store.open(release) for release in releases]).checked
    assert on_spark.checked(spread_claims, str(store.path), releases) == expected
    assert expected.history is not None
    assert expected.history.new_patient_day is not None


def test_both_workers_work(cluster: Cluster, spread_claims: DataFrame) -> None:
    assert spread_claims.count() == LINES
    assert [worker["coresused"] for worker in cluster.workers()] == [1] * WORKERS


@pytest.mark.parametrize("what", ["findings", "lines"])
@pytest.mark.parametrize("participant", [None, Participant.QP])
def test_empty_partitions_add_nothing(
    session: SparkSession, store: Store, claims: pl.DataFrame, what: Outcome, participant: Participant | None
) -> None:
    few = claims.filter(pl.col("beneficiary").is_in(["b1", "b2", "b3"]))
    expected = outcome_of(few, store, participant=participant)
    frame = session.createDataFrame(few.rows(), on_spark.CLAIMS)
    outcome = on_spark.adjudicate(frame, str(store.path), RELEASES, participant=participant, what=what, partitions=8)
    same(outcome, getattr(expected, what))


def test_columns_are_refused_before_any_work(spread_claims: DataFrame) -> None:
    wrong_columns = spread_claims.drop("lesion").withColumn("units", spread_claims["units"].cast("string"))
    with pytest.raises(WrongUse) as error:
        on_spark.adjudicate(wrong_columns, "nowhere", RELEASES, participant=Participant.NON_QP)
    assert "column units: expected int, found string" in str(error.value)
    assert "column lesion: expected string, found no such column" in str(error.value)


def test_a_line_without_a_beneficiary_is_refused(session: SparkSession, store: Store, claims: pl.DataFrame) -> None:
    rows = claims.head(3).with_columns(pl.lit(None, dtype=pl.String).alias("beneficiary")).rows()
    frame = session.createDataFrame(rows, on_spark.CLAIMS)
    outcome = on_spark.adjudicate(frame, str(store.path), RELEASES, participant=Participant.NON_QP)
    with pytest.raises(PythonException, match="beneficiary: expected printable characters, found nothing"):
        outcome.collect()


def test_a_release_that_the_store_lacks_is_refused(spread_claims: DataFrame, store: Store) -> None:
    outcome = on_spark.adjudicate(
        spread_claims, str(store.path), ["2026q2"], participant=Participant.NON_QP, partitions=1
    )
    with pytest.raises(PythonException, match="holds no 2026q2"):
        outcome.collect()
