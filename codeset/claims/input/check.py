"""The one check of claim lines: text in, typed lines out; what is malformed is told, and its whole claim set aside."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import polars as pl

from codeset.claims.claim_fields import CODE, CODED, COLUMNS, FIELDS
from codeset.errors import BadInput, Fault, WrongUse

RAW: Mapping[str, pl.DataType] = {
    **dict.fromkeys(FIELDS, pl.String()),
    "at": pl.Int64(),
    "place": pl.String(),
    "nth": pl.Int64(),
}
"""Lines as they were found: every field as text, `at` the line of the file (0: none), `place` where else it stands,
`nth` the number of the claim in files whose lines stand within claims."""

_FAULTS: Mapping[str, pl.DataType] = {
    "row": pl.Int64(),
    "at": pl.Int64(),
    "place": pl.String(),
    "nth": pl.Int64(),
    "claim_id": pl.String(),
    "line": pl.String(),
    "field": pl.String(),
    "expected": pl.String(),
    "found": pl.String(),
}

_TOLD = ("at", "place", "claim_id", "line", "field", "expected", "found")
_TOLD_AT_MOST = 1000


@dataclass(frozen=True)
class Malformed:
    """One malformed field, as a reader of files finds it.

    `row` is the line's place among the lines read, from 0; without it the fault is the claim's, the `nth` of the file.
    """

    field: str
    expected: str
    found: str
    row: int | None = None
    at: int | None = None
    place: str | None = None
    nth: int | None = None
    claim_id: str | None = None
    line: str | None = None


@dataclass(frozen=True)
class Rejects:
    """The claims of a file that were set aside, whole: how many, their lines, and a row in `faults` for each fault.

    A line without a claim identifier counts as a claim of its own. `faults` has at, place, claim_id, line, field,
    expected and found, in the order of the file; no value in it identifies a patient.
    """

    file: str
    faults: pl.DataFrame
    claims: int
    lines: int


def no_faults() -> pl.DataFrame:
    """Return the faults of a file without any."""
    return pl.DataFrame(schema={name: _FAULTS[name] for name in _TOLD})


def refuse(rejects: Rejects) -> None:
    """Raise BadInput with every fault of *rejects*; do nothing if there is none."""
    if rejects.claims:
        raise BadInput(faults_of(rejects), "Nothing was read.")


def faults_of(rejects: Rejects) -> list[Fault]:
    """Return the faults as values, the first thousand of them and then how many more there are."""
    told = [_fault(rejects.file, row) for row in rejects.faults.head(_TOLD_AT_MOST).iter_rows(named=True)]
    more = rejects.faults.height - _TOLD_AT_MOST
    if more > 0:
        told.append(Fault(rejects.file, 0, f"{more:,} further faults; set bad claims aside to have a file of all"))
    return told


def _fault(file: str, row: Mapping[str, str]) -> Fault:
    parts = [f"claim {row['claim_id']}" if row["claim_id"] else "", f"line {row['line']}" if row["line"] else ""]
    where = " ".join(part for part in [row["place"] or "", ", ".join(filter(None, parts))] if part)
    said = f"{row['field']}: expected {row['expected']}, found {row['found']}"
    return Fault(file, int(row["at"] or 0), f"{where}: {said}" if where else said)


def locality_given(locality: str | None) -> str | None:
    """Return *locality* if it has the form of one, or None if none was given; raise WrongUse otherwise."""
    field = FIELDS["locality"]
    if locality is not None and not pl.Series([locality]).str.contains(field.pattern).item():
        raise WrongUse(f"locality: expected {field.expected}, found {locality!r}")
    return locality


def checked(
    raw: pl.DataFrame, file: str, locality: str | None = None, told: Sequence[Malformed] = ()
) -> tuple[pl.DataFrame, Rejects]:
    """Split *raw* lines (columns of `RAW`) into the lines of good claims and the claims set aside.

    *locality* stands where a line has none; *told* is what the reader of the file found already. Units of 0 and below
    are no fault here: an edit denies them.
    """
    lines = _trimmed(raw, locality_given(locality)).with_row_index("row")
    faults = _all_faults(lines, told)
    good = lines
    for key in ("row", "claim_id", "nth"):
        bad = faults.select(pl.col(key).cast(lines.schema[key]))
        good = good.join(bad, on=key, how="anti", maintain_order="left")
    claims = faults.select(pl.coalesce("claim_id", pl.format("{}/{}", pl.col("nth").fill_null(0), "at"))).unique()
    shown = _masked(faults).select(_TOLD)
    return typed(good), Rejects(file, shown, claims.height, lines.height - good.height)


def _trimmed(raw: pl.DataFrame, locality: str | None) -> pl.DataFrame:
    """The same lines without blanks around values; blank is null."""
    trimmed = {field: pl.col(field).str.strip_chars() for field in FIELDS}
    trimmed["modifiers"] = trimmed["modifiers"].str.replace_all(r"\s+", " ")
    lines = raw.with_columns(text.replace("", None).alias(field) for field, text in trimmed.items())
    return lines if locality is None else lines.with_columns(pl.col("locality").fill_null(locality))


def _all_faults(lines: pl.DataFrame, told: Sequence[Malformed]) -> pl.DataFrame:
    """What the reader told and what the check finds, in the order of the lines; no field of a line twice."""
    earlier = _placed(pl.DataFrame([asdict(each) for each in told], schema=dict(_FAULTS)), lines)
    found = pl.concat([pl.DataFrame(schema=dict(_FAULTS)), *_found(lines)])
    whole = earlier.filter(pl.col("row").is_null())
    new = (
        found.unique(["row", "field"], keep="first", maintain_order=True)
        .join(earlier, on=["row", "field"], how="anti")
        .join(whole, on=["nth", "field"], how="anti")
    )
    order = {name: place for place, name in enumerate(FIELDS)}
    places = pl.col("field").replace_strict(order, default=len(order), return_dtype=pl.UInt8)
    return pl.concat([earlier, new]).sort("nth", "row", places, maintain_order=True)


def _placed(faults: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The reader's faults, with the claim, line and place of the row that they name."""
    own = ("at", "place", "nth", "claim_id", "line")
    rows = lines.select(pl.col("row").cast(pl.Int64), *own)
    return faults.join(rows, on="row", how="left", suffix="_row", maintain_order="left").select(
        pl.coalesce(name, f"{name}_row").alias(name) if name in own else name for name in _FAULTS
    )


def _found(lines: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """A frame of faults for each check that anything fails."""
    checks = list(_checks())
    failed = lines.select(wrong.alias(str(place)) for place, (_, _, _, wrong) in enumerate(checks))
    for place, (field, expected, found, _) in enumerate(checks):
        mask = failed[str(place)]
        if mask.any():
            said = {"field": pl.lit(field), "expected": pl.lit(expected), "found": found}
            yield lines.filter(mask).select(
                said.get(name, pl.col(name)).cast(kind).alias(name) for name, kind in _FAULTS.items()
            )


def _checks() -> Iterator[tuple[str, str, pl.Expr, pl.Expr]]:
    """Each check as field, what is expected, what was found, and whether a line fails it."""
    for name, field in FIELDS.items():
        yield name, field.expected, _shown(name), is_malformed(name)
    first, through = date_of("date_of_service"), date_of("through_date")
    for name in ("date_of_service", "through_date"):
        lost = pl.col(name).is_not_null() & date_of(name).is_null()
        yield name, "a date that exists", _shown(name), lost
    yield "through_date", "date_of_service or later", _shown("through_date"), (through < first).fill_null(value=False)
    both = pl.col("charge").is_not_null() & pl.col("charge_cents").is_not_null()
    yield "charge", "charge or charge_cents", pl.lit("both"), both
    twice = (pl.len().over("claim_id", "line") > 1) & pl.col("claim_id").is_not_null() & pl.col("line").is_not_null()
    yield "line", "each line number once in a claim", pl.format("{} times", pl.len().over("claim_id", "line")), twice
    mixed = pl.col("beneficiary") != pl.col("beneficiary").first().over("claim_id")
    other = pl.lit("another than on the claim's first line")
    yield (
        "beneficiary",
        "one beneficiary in a claim",
        other,
        (mixed & pl.col("claim_id").is_not_null()).fill_null(value=False),
    )


def is_malformed(field: str) -> pl.Expr:
    """Whether the text of *field* has not its form, or is lacking where it may not."""
    return (~pl.col(field).str.contains(FIELDS[field].pattern)).fill_null(value=FIELDS[field].is_required)


def date_of(field: str) -> pl.Expr:
    """Return the date that the text of *field* is; null if it is none."""
    return pl.col(field).str.to_date("%Y-%m-%d", strict=False)


def _shown(field: str) -> pl.Expr:
    """What a message says of a value: the value, if it cannot be a patient's, else how long it is."""
    value = pl.col(field)
    length = pl.format("text of length {}", value.str.len_chars())
    pattern = FIELDS[field].shown
    near = value.str.contains(pattern) if pattern else pl.lit(value=False)
    shown = pl.when(near).then(pl.format('"{}"', value)).otherwise(length)
    return pl.when(value.is_null()).then(pl.lit("nothing")).otherwise(shown)


def _masked(faults: pl.DataFrame) -> pl.DataFrame:
    """The faults without identifiers and numbers that are none: a shifted column may hold anything."""
    kept = [
        pl.when(pl.col(field).str.contains(FIELDS[field].pattern)).then(pl.col(field)).alias(field)
        for field in ("claim_id", "line")
    ]
    return faults.with_columns(kept)


def typed(lines: pl.DataFrame) -> pl.DataFrame:
    """Return lines that passed every check, all text or of their own types, in the types of `COLUMNS`."""
    of_text = {
        "date_of_service": date_of("date_of_service"),
        "through_date": date_of("through_date"),
        "units": pl.col("units").str.replace(r"\.0+$", ""),
    }
    values = {name: value for name, value in of_text.items() if lines.schema[name] == pl.String}
    values |= {name: pl.col(name).cast(pl.String) for name in CODED if lines.schema[name] != CODE}
    values["modifiers"] = values.get("modifiers", pl.col("modifiers")).fill_null("")
    cents = pl.col("charge_cents").cast(pl.Int64)
    values["charge_cents"] = pl.coalesce(cents, _cents()) if lines["charge"].null_count() < lines.height else cents
    return lines.select(values.get(name, pl.col(name)).cast(kind).alias(name) for name, kind in COLUMNS.items())


def _cents() -> pl.Expr:
    """Dollars as exact cents, read digit by digit: no float has a part in it."""
    parts = pl.col("charge").str.splitn(".", 2).struct
    dollars, cents = parts.field("field_0"), parts.field("field_1").fill_null("").str.pad_end(2, "0")
    return (dollars + cents).cast(pl.Int64)


def named(values: Iterable[str]) -> str:
    """Return column or key names as a message lists them; a name that is no name is not shown."""
    return ", ".join(value if value.isidentifier() and len(value) <= 40 else "(not a name)" for value in values)
