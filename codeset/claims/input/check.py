"""The one check of claim lines: text in, typed lines out. A claim with a malformed line is set aside whole."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import polars as pl

from codeset.claims.claim_fields import CODE, CODED, COLUMNS, FIELDS
from codeset.claims.engine.pointed_diagnoses import NUMBER_OF_DIAGNOSES, POINTS_TO_NOTHING, spaced, with_own_diagnoses
from codeset.claims.input.headers import is_header_text
from codeset.errors import BadInput, Fault, WrongUse

RAW: Mapping[str, pl.DataType] = {
    **dict.fromkeys(FIELDS, pl.String()),
    "at": pl.Int64(),
    "place": pl.String(),
    "nth": pl.Int64(),
}
"""Lines as a file has them: every field as text; `at` the line of the file (0: none); `place` where else it is, such as
`claims[0].lines[1]`; `nth` the number of the claim, from 0, in files whose lines are nested in claims."""

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

_REJECT_COLUMNS = ("at", "place", "claim_id", "line", "field", "expected", "found")
_FAULTS_PER_MESSAGE = 1000
_LONGEST_SHAPE = 20
_KEY_SEED = 20_260_101  # any, but always the same: a run that resumes compares keys with those that it wrote before
_LINE_SHOWN = r"^[1-9][0-9]{0,2}$"

_CLAIM_NUMBER = r"^\S*[0-9]\S*$"
# A Medicare beneficiary identifier (CMS, MBI format: letters in the second, fifth, eighth, and ninth place), and a
# Social Security number.
_PATIENT_NUMBER = r"^([1-9][A-Z][0-9A-Z][0-9]-?[A-Z][0-9A-Z][0-9]-?[A-Z]{2}[0-9]{2}|[0-9]{3}-[0-9]{2}-[0-9]{4})$"

SHOWN_CLAIM = (
    pl.when(pl.col("claim_id").str.contains(_CLAIM_NUMBER) & ~pl.col("claim_id").str.contains(_PATIENT_NUMBER))
    .then("claim_id")
    .alias("claim_id")
)
"""The identifier of a bad claim, null where it may name or number a patient: its cells may have shifted."""


ENVELOPE = "envelope"
"""The field of faults of a file itself that touch no claim, such as the count in a trailer of X12."""


PLACEHOLDER = "beneficiary-day"
"""The field of faults of a day with more lines than a patient has: its claims are set aside in any case."""


@dataclass(frozen=True)
class FieldFault:
    """One malformed field, as a reader of files reports it.

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
    expected and found, in the order of the file; no value in it identifies a patient. The field `ENVELOPE` is a fault
    of the file itself, which touches no claim.
    """

    file: str
    faults: pl.DataFrame
    claims: int
    lines: int
    notes: tuple[str, ...] = ()
    """Which columns of the file were not read, in words."""


def no_faults() -> pl.DataFrame:
    """Return the faults of a file without any."""
    return pl.DataFrame(schema={name: _FAULTS[name] for name in _REJECT_COLUMNS})


def refuse(*rejects: Rejects) -> None:
    """Raise BadInput with every fault of *rejects*, those of each file, if one is of a claim that is malformed.

    Days of placeholder beneficiaries refuse nothing: their claims are well formed.
    """
    if any((of_file.faults["field"] != PLACEHOLDER).any() for of_file in rejects):
        raise BadInput([fault for of_file in rejects for fault in faults_of(of_file)], "Nothing was read.")


def faults_of(rejects: Rejects) -> list[Fault]:
    """Return the faults as values: the first thousand, and how many more there are."""
    shown = rejects.faults.head(_FAULTS_PER_MESSAGE).with_columns(SHOWN_CLAIM)
    faults = [_fault(rejects.file, row) for row in shown.iter_rows(named=True)]
    more = rejects.faults.height - _FAULTS_PER_MESSAGE
    if more > 0:
        faults.append(Fault(rejects.file, 0, f"{more:,} further faults; set bad claims aside to have a file of all"))
    return faults


def fault_of_file(file: str, fault: FieldFault) -> Fault:
    """Return a fault of a reader as a value."""
    return _fault(file, asdict(fault))


def _fault(file: str, row: Mapping[str, Any]) -> Fault:
    names = [f"claim {row['claim_id']}" if row["claim_id"] else "", f"line {row['line']}" if row["line"] else ""]
    where = " ".join(part for part in [row["place"] or "", ", ".join(filter(None, names))] if part)
    text = f"expected {row['expected']}, found {row['found']}"
    if row["field"] != ENVELOPE:
        text = f"{row['field']}: {text}"
    return Fault(file, int(row["at"] or 0), f"{where}: {text}" if where else text)


def check_locality(locality: str | None) -> None:
    """Raise WrongUse if *locality*, the one for lines that name none, does not have the form of a locality."""
    field = FIELDS["locality"]
    if locality is not None and not pl.Series([locality]).str.contains(field.pattern).item():
        raise WrongUse(f"locality: expected {field.expected}, found {locality!r}")


def check_lines(
    raw: pl.DataFrame, file: str, locality: str | None = None, reader_faults: Sequence[FieldFault] = ()
) -> tuple[pl.DataFrame, Rejects]:
    """Split *raw* lines (columns of `RAW`) into the lines of good claims (of `COLUMNS`) and the claims set aside.

    *locality* is for lines that name none; *reader_faults* are what the reader of the file reports. Units of 0 and
    below are no fault here: an edit denies them.

    Raises WrongUse: if *locality* is not one.
    """
    good, rejects = set_bad_claims_aside(raw, file, locality, reader_faults)
    return with_own_diagnoses(with_column_types(good)), rejects


def set_bad_claims_aside(
    raw: pl.DataFrame, file: str, locality: str | None, reader_faults: Sequence[FieldFault]
) -> tuple[pl.DataFrame, Rejects]:
    """Split as `check_lines` does, and return the lines of good claims as text still."""
    check_locality(locality)
    lines = _trim(raw, locality).with_row_index("row")
    faults = _all_faults(lines, reader_faults)
    good = lines
    # A fault names its line, its claim, or the claim's number in the file: the whole claim goes in each case, for its
    # other lines would be adjudicated without the bad one, and paid where an edit denies.
    for key in ("row", "claim_id", "nth"):
        bad = faults.select(pl.col(key).cast(lines.schema[key]))
        good = good.join(bad, on=key, how="anti", maintain_order="left")
    of_claims = faults.filter(pl.col("field") != ENVELOPE)
    claims = of_claims.select(pl.coalesce("claim_id", pl.format("{}/{}", pl.col("nth").fill_null(0), "at"))).unique()
    rejects = Rejects(file, _mask(faults).select(_REJECT_COLUMNS), claims.height, lines.height - good.height)
    return good, rejects


def claim_key(claim_id: pl.Expr) -> pl.Expr:
    """Return a number that stands for a claim: of its identifier as the check reads it, the same in every process."""
    return claim_id.cast(pl.String).str.strip_chars().replace("", None).hash(_KEY_SEED)


def _trim(raw: pl.DataFrame, locality: str | None) -> pl.DataFrame:
    """The same lines without blanks around values; blank is null."""
    texts = {name: pl.col(name).str.strip_chars() for name in FIELDS}
    # However many blanks part them: the list is compared as one text.
    texts["modifiers"] = texts["modifiers"].str.replace_all(r"\s+", " ")
    lines = raw.with_columns(text.replace("", None).alias(name) for name, text in texts.items())
    return lines if locality is None else lines.with_columns(pl.col("locality").fill_null(locality))


def _all_faults(lines: pl.DataFrame, reader_faults: Sequence[FieldFault]) -> pl.DataFrame:
    """The faults of the reader and of the checks, in the order of the lines; no field of a line twice."""
    earlier = _locate(pl.DataFrame([asdict(fault) for fault in reader_faults], schema=dict(_FAULTS)), lines)
    checks = pl.concat([pl.DataFrame(schema=dict(_FAULTS)), *_failed_checks(lines)])
    of_whole_claims = earlier.filter(pl.col("row").is_null())
    new = (
        # One fault for a field: a date that is malformed is not also a date that does not exist.
        checks.unique(["row", "field"], keep="first", maintain_order=True)
        .join(earlier, on=["row", "field"], how="anti")
        .join(of_whole_claims, on=["nth", "field"], how="anti")
    )
    order = {name: place for place, name in enumerate(FIELDS)}
    places = pl.col("field").replace_strict(order, default=len(order), return_dtype=pl.UInt8)
    return pl.concat([earlier, new]).sort("nth", "row", places, maintain_order=True)


def _locate(faults: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The reader's faults, with the claim, line and place of the row that they name."""
    own = ("at", "place", "nth", "claim_id", "line")
    rows = lines.select(pl.col("row").cast(pl.Int64), *own)
    return faults.join(rows, on="row", how="left", suffix="_row", maintain_order="left").select(
        pl.coalesce(name, f"{name}_row").alias(name) if name in own else name for name in _FAULTS
    )


def _failed_checks(lines: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """A frame of faults for each check that any line fails."""
    checks = list(_checks())
    fails = lines.select(check.fails.alias(str(place)) for place, check in enumerate(checks))
    for place, check in enumerate(checks):
        mask = fails[str(place)]
        if mask.any():
            texts = {"field": pl.lit(check.field), "expected": pl.lit(check.expected), "found": check.found}
            yield lines.filter(mask).select(
                texts.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in _FAULTS.items()
            )


class _Check(NamedTuple):
    """What is expected of a field, what a message says was found, and whether a line fails it."""

    field: str
    expected: str
    found: pl.Expr
    fails: pl.Expr


def _checks() -> Iterator[_Check]:
    for name, field in FIELDS.items():
        yield _Check(name, field.expected, shape_of(pl.col(name)), is_malformed(name))
    yield from _date_checks()
    both = pl.col("charge").is_not_null() & pl.col("charge_cents").is_not_null()
    yield _Check("charge", "charge or charge_cents", pl.lit("both"), both)
    pointers = pl.format('"{}", and {} diagnoses', "diagnosis_pointers", NUMBER_OF_DIAGNOSES)
    yield _Check("diagnosis_pointers", "places in the claim's diagnoses", pointers, POINTS_TO_NOTHING)
    yield from _claim_checks()


def _date_checks() -> Iterator[_Check]:
    first, through = date_of("date_of_service"), date_of("through_date")
    for name in ("date_of_service", "through_date"):
        no_such_day = pl.col(name).is_not_null() & date_of(name).is_null()
        yield _Check(name, "a date that exists", shape_of(pl.col(name)), no_such_day)
    # Of dates that exist; the others have a fault already.
    backwards = (through < first).fill_null(value=False)
    yield _Check("through_date", "date_of_service or later", shape_of(pl.col("through_date")), backwards)


def _claim_checks() -> Iterator[_Check]:
    """What lines of one claim must agree on."""
    times, has_claim = pl.len().over("claim_id", "line"), pl.col("claim_id").is_not_null()
    twice = (times > 1) & has_claim & pl.col("line").is_not_null()
    yield _Check("line", "each line number once in a claim", pl.format("{} times", times), twice)
    other = pl.col("beneficiary") != pl.col("beneficiary").first().over("claim_id")
    says = pl.lit("another than on the claim's first line")
    yield _Check("beneficiary", "one beneficiary in a claim", says, (other & has_claim).fill_null(value=False))


def is_malformed(name: str) -> pl.Expr:
    """Whether the text of the field *name* does not have its form, or is lacking where it may not."""
    field = FIELDS[name]
    return (~pl.col(name).str.contains(field.pattern)).fill_null(value=field.is_required)


def date_of(name: str) -> pl.Expr:
    """Return the date that the text of the field *name* is; null if it is none."""
    text = pl.col(name)
    return pl.coalesce(text.str.to_date(form, strict=False) for form in ("%Y-%m-%d", "%m/%d/%Y"))


def shape_of(value: pl.Expr) -> pl.Expr:
    """What a message says of a malformed value: its shape, never the value itself.

    In a row whose cells have shifted any field may hold a patient's name or number: letters are a or A, digits 9. Only
    numbers of at most two digits are shown as they are.
    """
    shape = value
    # Classes of characters, not lists: a name in any script is masked.
    for pattern, sign in ((r"[\p{L}--\p{Lu}]", "a"), (r"\p{Lu}", "A"), (r"\p{N}", "9"), (r"\p{C}", "?")):
        shape = shape.str.replace_all(pattern, sign)
    length = pl.format("text of length {}", value.str.len_chars())
    return (
        pl.when(value.is_null())
        .then(pl.lit("nothing"))
        # Two digits identify nobody, and are what a reader most often needs: units of 0, a place of service.
        .when(value.str.contains(r"^-?[0-9]{1,2}$"))
        .then(pl.format('"{}"', value))
        .otherwise(
            pl.when(value.str.len_chars() > _LONGEST_SHAPE).then(length).otherwise(pl.format("text like {}", shape))
        )
    )


def _mask(faults: pl.DataFrame) -> pl.DataFrame:
    """The faults without claim and line numbers that are malformed, or too long to be one: a column may be shifted."""
    return faults.with_columns(
        pl.when(pl.col(name).str.contains(pattern)).then(pl.col(name)).alias(name)
        for name, pattern in (("claim_id", FIELDS["claim_id"].pattern), ("line", _LINE_SHOWN))
    )


def with_column_types(lines: pl.DataFrame) -> pl.DataFrame:
    """Return lines that passed every check, as text or of their own types, in the types of `COLUMNS`.

    Where lines have pointers, `diagnosis_pointers` stay, and `diagnoses` are the claim's still.
    """
    from_text = {
        "date_of_service": date_of("date_of_service"),
        "through_date": date_of("through_date"),
        # Parquet and spreadsheets write 2 as 2.0; a true fraction has failed its check.
        "units": pl.col("units").str.replace(r"\.0+$", ""),
    }
    values = {name: value for name, value in from_text.items() if lines.schema[name] == pl.String}
    values |= {name: pl.col(name).cast(pl.String) for name in CODED if lines.schema[name] != CODE}
    values["modifiers"] = values.get("modifiers", pl.col("modifiers")).fill_null("")
    values |= {name: pl.lit(spaced(lines[name])) for name in ("diagnoses", "diagnoses_of_claim")}
    cents = pl.col("charge_cents").cast(pl.Int64)
    values["charge_cents"] = pl.coalesce(cents, _cents()) if lines["charge"].null_count() < lines.height else cents
    columns = dict(COLUMNS)
    if lines["diagnosis_pointers"].null_count() < lines.height:
        columns["diagnosis_pointers"] = CODE
        values["diagnosis_pointers"] = pl.col("diagnosis_pointers").cast(pl.String)
    return lines.select(values.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in columns.items())


def _cents() -> pl.Expr:
    """Dollars as exact cents, read digit by digit: no float has a part in it."""
    # 0.29 * 100 is 28.999999999999996 as a float, and 28 cents.
    parts = pl.col("charge").str.replace_all(r"[$,]", "").str.splitn(".", 2).struct
    dollars, cents = parts.field("field_0"), parts.field("field_1").fill_null("").str.pad_end(2, "0")
    return (dollars + cents).cast(pl.Int64)


def safe_names(names: Iterable[str]) -> str:
    """Return column or key names as a message lists them. What could be a patient's name is not shown."""
    return ", ".join(name if is_header_text(name) else "(not shown)" for name in names)
