"""Claims on an existing Spark cluster: the engine as it is, once for each partition of whole beneficiaries.

Needs the `spark` extra, at the driver and in the Python of every worker. Each partition is one frame in one Python
process of one task: give tasks as many threads as they have cores (`spark.executorEnv.POLARS_MAX_THREADS`), and Python
memory beside the executor's heap (`spark.executor.memoryOverhead`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal

import polars as pl

from codeset.claims.adjudicate import adjudicate as adjudicate_lines
from codeset.claims.basis import Basis, History, basis_of
from codeset.claims.claim_fields import CODE, COLUMNS
from codeset.claims.edits.rules import codes_named
from codeset.claims.input.claim_frames import lines_of
from codeset.claims.outcome import outcome_frames
from codeset.errors import WrongUse, extra
from codeset.participants import Participant
from codeset.releases import Release
from codeset.store import Store

with extra("spark"):
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as f
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import DataType, DateType, DecimalType, IntegerType, LongType, StringType, StructType

Table = Literal["findings", "lines"]

_ROWS_IN_A_BATCH = 10_000
"""Rows that go to Spark at once."""


def _spark_schema(types: Mapping[str, DataType]) -> StructType:
    schema = StructType()
    for column, data_type in types.items():
        schema.add(column, data_type)
    return schema


_SPARK_TYPES: Mapping[pl.DataType, DataType] = {
    pl.String(): StringType(),
    CODE: StringType(),
    pl.Int32(): IntegerType(),
    pl.Int64(): LongType(),
    pl.Date(): DateType(),
}

CLAIMS = _spark_schema({column: _SPARK_TYPES[dtype] for column, dtype in COLUMNS.items()})
"""The columns that claims must have, as `codeset.claims.claim_fields` has them; further columns are ignored."""

FINDINGS = _spark_schema(
    {
        "claim_id": StringType(),
        "line": IntegerType(),
        "edit": StringType(),
        "reason": StringType(),
        "severity": StringType(),
        "group_code": StringType(),
        "carc": StringType(),
        "rarc": StringType(),
        "partner_claim_id": StringType(),
        "partner_line": IntegerType(),
        "detail": StringType(),
        "table": StringType(),
        "column_one": StringType(),
        "column_two": StringType(),
        "ccmi": IntegerType(),
        "mue_value": IntegerType(),
        "mai": IntegerType(),
        "effective_date": DateType(),
        "deletion_date": DateType(),
        "edition": StringType(),
    }
)
"""One row for each finding, without sentences."""

LINES = _spark_schema(
    {
        "claim_id": StringType(),
        "line": IntegerType(),
        "date_of_service": DateType(),
        "hcpcs": StringType(),
        "modifiers": StringType(),
        "units": IntegerType(),
        "disposition": StringType(),
        "decided_by": StringType(),
        "edit": StringType(),
        "global_days": StringType(),
        "setting": StringType(),
        "fee_cents": LongType(),
        "allowed_cents": LongType(),
        "payment_percent": DecimalType(9, 3),
        "nonparticipating_cents": LongType(),
        "limiting_cents": LongType(),
        "unpriced": StringType(),
        "work_rvu": DecimalType(9, 2),
        "pe_rvu": DecimalType(9, 2),
        "mp_rvu": DecimalType(9, 2),
    }
)
"""One row for each line; `claim_id` and `line` join it to its claim and its findings."""

_SCHEMAS: Mapping[Table, StructType] = {"findings": FINDINGS, "lines": LINES}


def adjudicate(
    claims: DataFrame,
    store: str,
    releases: Sequence[str],
    *,
    participant: Participant | None,
    what: Table = "findings",
    partitions: int | None = None,
) -> DataFrame:
    """Return the findings of claim lines, or the lines with their dispositions and amounts, in no order.

    They are those of `codeset.claims.adjudicate` for the same lines, whatever the partitions.
    *claims* has the columns of `CLAIMS`, checked as `claim_files.from_frame` does. *store* is a path that
    every worker can read. *partitions*: so many that one fits into a worker's memory, some 250,000 lines each; without
    it Spark chooses (`spark.sql.shuffle.partitions`). Nothing runs before the result is asked for.

    Raises WrongUse: if columns are missing or of another type, or a label is no release. On a worker, as Spark's
    PythonException: if a claim is malformed, with every fault of its partition, or the store does not hold a release.
    """
    if what not in _SCHEMAS:
        raise WrongUse(f'"{what}" is neither "findings" nor "lines"')
    _check_columns(claims.schema)
    claim_lines = claims.select(*CLAIMS.fieldNames())
    by_beneficiary = ("beneficiary",) if partitions is None else (partitions, "beneficiary")
    whole_beneficiaries = claim_lines.repartition(*by_beneficiary)
    release_labels = [str(Release.parse(release)) for release in releases]
    of_partition = partial(
        _adjudicate_partition, store=store, releases=release_labels, participant=participant, what=what
    )
    return whole_beneficiaries.mapInArrow(of_partition, _SCHEMAS[what])


def checked(claims: DataFrame, store: str, releases: Sequence[str]) -> Basis:
    """Return what the outcome of *claims* rests on, and what was not checked, as `Outcome.checked` does.

    The arguments are those of `adjudicate`; the driver reads *store* too. The dates of service are read once, in one
    Spark job.

    Raises WrongUse: if columns are missing or of another type, or a label is no release. StoreProblem: if the store
    does not hold a release, or holds one that was changed.
    """
    _check_columns(claims.schema)
    manifests = [Store.at(store).open(release).manifest for release in releases]
    day_of_service = f.col("date_of_service")
    is_new_patient = f.col("hcpcs").isin(sorted(codes_named("new_patient", "codes")))
    first_new_patient = f.min(f.when(is_new_patient, day_of_service))
    (history_days,) = claims.agg(f.min(day_of_service), f.max(day_of_service), first_new_patient).collect()
    return basis_of(manifests, History(*history_days))


def _check_columns(schema: StructType) -> None:
    column_types = {field.name: field.dataType for field in schema.fields}
    wrong_columns = [
        f"column {field.name}: expected {field.dataType.simpleString()}, found "
        + (column_types[field.name].simpleString() if field.name in column_types else "no such column")
        for field in CLAIMS.fields
        if column_types.get(field.name) != field.dataType
    ]
    if wrong_columns:
        raise WrongUse("\n".join([*wrong_columns, "Nothing was adjudicated."]))


def _adjudicate_partition(
    batches: Iterable[pa.RecordBatch],
    *,
    store: str,
    releases: Sequence[str],
    participant: Participant | None,
    what: Table,
) -> Iterator[pa.RecordBatch]:
    """Run on a worker: the batches of one partition in, those of its outcome out."""
    claim_batches = list(batches)
    if not claim_batches:
        return
    lines = lines_of(pl.DataFrame(pa.Table.from_batches(claim_batches)))
    snapshots = [Store.at(store).open(release) for release in releases]
    outcome = adjudicate_lines(lines, snapshots, participant=participant)
    schema = to_arrow_schema(_SCHEMAS[what])
    outcome_table = getattr(outcome_frames(outcome, sentences=False), what).select(schema.names).to_arrow()
    yield from outcome_table.cast(schema).to_batches(max_chunksize=_ROWS_IN_A_BATCH)
