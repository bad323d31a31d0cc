"""What holds of any claims: their order says nothing, strangers change nothing, and every line gets an answer."""

import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import literal_claims
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codeset.claims.adjudicate import adjudicate, compact_outcome
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.outcome import Outcome
from codeset.participants import Participant
from codeset.snapshot import Snapshot
from codeset.store import Store

CODES = ["11102", "11103", "11104", "17000", "17003", "17004", "17110", "17311", "17312", "17315", "11642", "14040"]
CODES += ["13132", "88305", "88331", "96910", "99203", "99211", "99213", "G2211", "J7308", "11055", "99999"]
MODIFIERS = ["", "", "", "-59", "-XS", "-25", "-57", "-24", "-RT", "-LT", "-76", "-78", "-79", "-ZZ"]

a_line = st.builds(
    "{}{}x{} day={} beneficiary={} provider={} claim={} {}".format,
    st.sampled_from(CODES),
    st.sampled_from(MODIFIERS),
    st.sampled_from([0, 1, 1, 1, 2, 14]),
    st.sampled_from([0, 0, 0, 1, 10, 91, 92]),
    st.sampled_from("bz"),
    st.sampled_from("pq"),
    st.sampled_from("cd"),
    st.sampled_from(["", "", "lesion=A", "group=g specialty=07"]),
)
some_lines = st.lists(a_line, min_size=1, max_size=12)
quickly = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quickly
@given(lines=some_lines, seed=st.integers(0, 1000))
def test_the_order_of_lines_and_claims_does_not_matter(derm: Snapshot, lines: list[str], seed: int) -> None:
    frame = literal_claims.claims(*lines)
    shuffled_lines = frame.sample(fraction=1, shuffle=True, seed=seed)
    assert written_files(adjudicate(frame, derm)) == written_files(adjudicate(shuffled_lines, derm))


@quickly
@given(lines=some_lines, others=some_lines)
def test_another_beneficiary_changes_nothing(derm: Snapshot, lines: list[str], others: list[str]) -> None:
    strangers = literal_claims.claims(*others).with_columns(
        pl.lit("stranger").alias("beneficiary"), pl.lit("x").alias("claim_id")
    )
    alone = adjudicate(literal_claims.claims(*lines), derm)
    together = adjudicate(pl.concat([strangers, literal_claims.claims(*lines)]), derm)
    assert answers_by_line(alone) == answers_by_line(together, without="x")


@quickly
@given(lines=some_lines)
def test_every_line_has_a_disposition_and_a_reason_unless_paid(derm: Snapshot, lines: list[str]) -> None:
    outcome = adjudicate(literal_claims.claims(*lines), derm)
    assert outcome.lines.height == len(lines)
    assert set(outcome.lines["disposition"]) <= {"pay", "pay_if_documented", "deny", "review", "unknown"}
    unpaid = outcome.lines.filter(pl.col("disposition") != "pay")
    assert unpaid.filter(pl.col("decided_by").is_null() | pl.col("edit").is_null()).is_empty()
    assert set(unpaid["row"]) <= set(outcome.findings["row"])


@quickly
@given(lines=some_lines)
def test_the_same_claims_give_the_same_bytes(derm: Snapshot, lines: list[str]) -> None:
    frame = literal_claims.claims(*lines)
    assert written_files(adjudicate(frame, derm)) == written_files(adjudicate(frame, derm))


def test_many_beneficiaries_give_the_same_bytes_again(derm: Snapshot) -> None:
    """Enough lines that work is shared among threads."""
    rng = Random(7)
    services = [f"{rng.choice(CODES)}{rng.choice(MODIFIERS)} day={rng.randrange(3)}" for _ in range(3000)]
    frame = literal_claims.claims(
        *(f"{service} beneficiary=b{n // 6} claim=c{n // 3}" for n, service in enumerate(services))
    )
    assert len({written_files(adjudicate(frame, derm)) for _ in range(3)}) == 1


def test_no_lines_give_no_findings(derm: Snapshot) -> None:
    """With a code set against which other claims were read before, and with a new one."""
    adjudicate(literal_claims.claims("11102"), derm)
    for outcome in (
        adjudicate(literal_claims.claims(), derm),
        compact_outcome(literal_claims.claims(), CodeSet.of([derm], [])).outcome(),
    ):
        assert (outcome.lines.height, outcome.findings.height, outcome.steps.collect().height) == (0, 0, 0)


def answers_by_line(outcome: Outcome, without: str = "") -> list[tuple[str, ...]]:
    """Return what is said of each line, whatever its row: the finding, and the claim and line that it rests on."""
    key = outcome.lines.select("row", pl.format("{}/{}", pl.col("claim_id"), pl.col("line")).alias("whose"))
    partners = key.rename({"row": "partner", "whose": "rests_on"})
    findings = outcome.findings.join(key, on="row").join(partners, on="partner", how="left")
    dispositions = outcome.lines.join(key, on="row").select("whose", "disposition", "decided_by")
    finding_rows = findings.select("whose", "reason", "rests_on", "detail", "column_one", "column_two")
    return sorted(
        tuple(map(str, row))
        for row in [*dispositions.iter_rows(), *finding_rows.iter_rows()]
        if not str(row[0]).startswith(f"{without}/")
    )


def test_the_base_of_an_endoscopy_is_known_though_no_line_has_its_code(tmp_path: Path) -> None:
    """4 + 1 + 1 RVUs at 33 are 198.00, the base's 1 + 1 + 1 are 99.00: two units are paid 198.00 + 99.00.

    Layout RVU25D, Multiple Procedure 3: the second is paid less the base.
    """
    base = {"hcpcs": "45378", "multiple_procedure": "3", "work_rvu": Decimal("1.00")}
    scope = {"hcpcs": "45385", "multiple_procedure": "3", "endoscopic_base": "45378", "work_rvu": Decimal("4.00")}
    snapshot = literal_claims.sealed_release(Store(tmp_path), "2026q3", [base, scope])
    alone = compact_outcome(
        literal_claims.claims("45385x2"), CodeSet.of([snapshot], ["45385"]), participant=Participant.NON_QP
    ).outcome()
    beside = literal_claims.claims("45385x2", "45378 beneficiary=z claim=d")
    with_stranger = compact_outcome(
        beside, CodeSet.of([snapshot], ["45378", "45385"]), participant=Participant.NON_QP
    ).outcome()
    assert alone.lines["allowed_cents"][0] == with_stranger.lines["allowed_cents"][0] == 29_700
    assert answers_by_line(alone) == answers_by_line(with_stranger, without="d")


def written_files(outcome: Outcome) -> tuple[bytes, ...]:
    """Return the bytes of the outcome's frames as parquet files."""
    files = (io.BytesIO(), io.BytesIO())
    for file, frame in zip(files, (outcome.lines, outcome.findings), strict=True):
        frame.write_parquet(file)
    return tuple(file.getvalue() for file in files)


@pytest.fixture(scope="module")
def code_set(derm: Snapshot) -> CodeSet:
    return CodeSet.of([derm], CODES)


@quickly
@given(claims=st.lists(some_lines, min_size=2, max_size=4))
def test_what_is_remembered_of_earlier_claims_changes_nothing(code_set: CodeSet, claims: list[list[str]]) -> None:
    """A code set that is replaced by its like has the same rows, and remembers nothing."""
    frames = [literal_claims.claims(*lines) for lines in claims]
    alone = [compact_outcome(frame, replace(code_set)).outcome() for frame in frames]
    remembered = replace(code_set)
    after_others = [compact_outcome(frame, remembered).outcome() for frame in frames]
    for one, other in zip(alone, after_others, strict=True):
        assert one.lines.equals(other.lines)
        assert one.findings.equals(other.findings)
