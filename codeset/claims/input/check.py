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
    "claim_number": pl.Int64(),
}
"""Lines as a file has them: every field as text; `at` the line of the file (0: none); `place` where else it is, such as
`claims[0].lines[1]`; `claim_number` the number of the claim, from 0, in files whose lines are nested in claims."""

_FAULTS: Mapping[str, pl.DataType] = {
    "row": pl.Int64(),
    "at": pl.Int64(),
    "place": pl.String(),
    "claim_number": pl.Int64(),
    "claim_id": pl.String(),
    "line": pl.String(),
    "field": pl.String(),
    "expected": pl.String(),
    "found": pl.String(),
}

_REJECT_COLUMNS = ("at", "place", "claim_id", "line", "field", "expected", "found")
# A column that shifted makes a fault of every line: nobody reads millions of them, and each is a Python value.
_FAULTS_PER_MESSAGE = 1000
_LONGEST_SHAPE = 20
_KEY_SEED = 20_260_101  # any, but always the same: a run that resumes compares keys with those that it wrote before
# A longer number in this column may be somebody's, in a row whose cells have shifted.
_LINE_SHOWN = r"^[1-9][0-9]{0,2}$"

# A name has no digits; the number of a claim has one.
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

    `row` is the line's place among the lines read, from 0; without it the fault is that of a claim, `claim_number`.
    """

    field: str
    expected: str
    found: str
    row: int | None = None
    at: int | None = None
    place: str | None = None
    claim_number: int | None = None
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
    shown_faults = rejects.faults.head(_FAULTS_PER_MESSAGE).with_columns(SHOWN_CLAIM)
    faults = [_fault_of_fields(rejects.file, fault_fields) for fault_fields in shown_faults.iter_rows(named=True)]
    further_count = rejects.faults.height - _FAULTS_PER_MESSAGE
    if further_count > 0:
        faults.append(
            Fault(rejects.file, 0, f"{further_count:,} further faults; set bad claims aside to have a file of all")
        )
    return faults


def fault_of_file(file_name: str, fault: FieldFault) -> Fault:
    """Return a fault of a reader as a value."""
    return _fault_of_fields(file_name, asdict(fault))


def _fault_of_fields(file_name: str, fault_fields: Mapping[str, Any]) -> Fault:
    claim_and_line = [
        f"claim {fault_fields['claim_id']}" if fault_fields["claim_id"] else "",
        f"line {fault_fields['line']}" if fault_fields["line"] else "",
    ]
    location = " ".join(filter(None, [fault_fields["place"], ", ".join(filter(None, claim_and_line))]))
    message = f"expected {fault_fields['expected']}, found {fault_fields['found']}"
    if fault_fields["field"] != ENVELOPE:
        message = f"{fault_fields['field']}: {message}"
    return Fault(file_name, int(fault_fields["at"] or 0), f"{location}: {message}" if location else message)


def check_locality(locality: str | None) -> None:
    """Raise WrongUse if *locality*, the one for lines that name none, does not have the form of a locality."""
    locality_field = FIELDS["locality"]
    if locality is not None and not pl.Series([locality]).str.contains(locality_field.pattern).item():
        raise WrongUse(f"locality: expected {locality_field.expected}, found {locality!r}")


def check_lines(
    raw_lines: pl.DataFrame, file_name: str, locality: str | None = None, reader_faults: Sequence[FieldFault] = ()
) -> tuple[pl.DataFrame, Rejects]:
    """Split *raw_lines* (columns of `RAW`) into the lines of good claims (of `COLUMNS`) and the claims set aside.

    *locality* is for lines that name none; *reader_faults* are what the reader of the file reports. Units of 0 and
    below are no fault here: an edit denies them.

    Raises WrongUse: if *locality* is not one.
    """
    good_lines, rejects = set_bad_claims_aside(raw_lines, file_name, locality, reader_faults)
    return with_own_diagnoses(with_column_types(good_lines)), rejects


def set_bad_claims_aside(
    raw_lines: pl.DataFrame, file_name: str, locality: str | None, reader_faults: Sequence[FieldFault]
) -> tuple[pl.DataFrame, Rejects]:
    """Split as `check_lines` does, and return the lines of good claims as text still."""
    check_locality(locality)
    lines = _trimmed_lines(raw_lines, locality).with_row_index("row")
    faults = _all_faults(lines, reader_faults)
    good_lines = lines
    # A fault names its line, its claim, or the claim's number in the file: the whole claim goes in each case, for its
    # other lines would be adjudicated without the bad one, and paid where an edit denies.
    for key_column in ("row", "claim_id", "claim_number"):
        faulty_keys = faults.select(pl.col(key_column).cast(lines.schema[key_column]))
        good_lines = good_lines.join(faulty_keys, on=key_column, how="anti", maintain_order="left")
    claim_faults = faults.filter(pl.col("field") != ENVELOPE)
    bad_claims = claim_faults.select(
        pl.coalesce("claim_id", pl.format("{}/{}", pl.col("claim_number").fill_null(0), "at"))
    ).unique()
    rejects = Rejects(
        file_name, _masked_faults(faults).select(_REJECT_COLUMNS), bad_claims.height, lines.height - good_lines.height
    )
    return good_lines, rejects


def claim_key(claim_id: pl.Expr) -> pl.Expr:
    """Return a number for each claim: of its identifier as the check reads it, the same in every process."""
    return trimmed_claim_key(claim_id.cast(pl.String).str.strip_chars().replace("", None))


def trimmed_claim_key(claim_id: pl.Expr) -> pl.Expr:
    """Return the `claim_key` of an identifier that is checked: text without blanks around it."""
    return claim_id.hash(_KEY_SEED)


def _trimmed_lines(raw_lines: pl.DataFrame, locality: str | None) -> pl.DataFrame:
    """The same lines without blanks around values; blank is null."""
    trimmed_texts = {name: pl.col(name).str.strip_chars() for name in FIELDS}
    # However many blanks part them: the list is compared as one text.
    trimmed_texts["modifiers"] = trimmed_texts["modifiers"].str.replace_all(r"\s+", " ")
    lines = raw_lines.with_columns(
        trimmed_text.replace("", None).alias(name) for name, trimmed_text in trimmed_texts.items()
    )
    return lines if locality is None else lines.with_columns(pl.col("locality").fill_null(locality))


def _all_faults(lines: pl.DataFrame, reader_faults: Sequence[FieldFault]) -> pl.DataFrame:
    """The faults of the reader and of the checks, in the order of the lines; no field of a line twice."""
    located_faults = _located_faults(
        pl.DataFrame([asdict(fault) for fault in reader_faults], schema=dict(_FAULTS)), lines
    )
    check_faults = pl.concat([pl.DataFrame(schema=dict(_FAULTS)), *_failed_checks(lines)])
    whole_claim_faults = located_faults.filter(pl.col("row").is_null())
    further_faults = (
        # One fault for a field: a date that is malformed is not also a date that does not exist.
        check_faults.unique(["row", "field"], keep="first", maintain_order=True)
        .join(located_faults, on=["row", "field"], how="anti")
        .join(whole_claim_faults, on=["claim_number", "field"], how="anti")
    )
    field_order = {name: position for position, name in enumerate(FIELDS)}
    field_position = pl.col("field").replace_strict(field_order, default=len(field_order), return_dtype=pl.UInt8)
    return pl.concat([located_faults, further_faults]).sort("claim_number", "row", field_position, maintain_order=True)


def _located_faults(faults: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The reader's faults, with the claim, line and place of the row that they name."""
    line_columns = ("at", "place", "claim_number", "claim_id", "line")
    line_rows = lines.select(pl.col("row").cast(pl.Int64), *line_columns)
    return faults.join(line_rows, on="row", how="left", suffix="_row", maintain_order="left").select(
        pl.coalesce(name, f"{name}_row").alias(name) if name in line_columns else name for name in _FAULTS
    )


def _failed_checks(lines: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """A frame of faults for each check that any line fails."""
    checks = list(_all_checks())
    failures = lines.select(check.fails.alias(str(position)) for position, check in enumerate(checks))
    for position, check in enumerate(checks):
        is_failing = failures[str(position)]
        if is_failing.any():
            fault_texts = {"field": pl.lit(check.field), "expected": pl.lit(check.expected), "found": check.found}
            yield lines.filter(is_failing).select(
                fault_texts.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in _FAULTS.items()
            )


class _Check(NamedTuple):
    """What is expected of a field, what a message says was found, and whether a line fails it."""

    field: str
    expected: str
    found: pl.Expr
    fails: pl.Expr


def _all_checks() -> Iterator[_Check]:
    for name, field in FIELDS.items():
        yield _Check(name, field.expected, shape_of(pl.col(name)), is_malformed(name))
    yield from _date_checks()
    has_both_charges = pl.col("charge").is_not_null() & pl.col("charge_cents").is_not_null()
    yield _Check("charge", "charge or charge_cents", pl.lit("both"), has_both_charges)
    pointers = pl.format('"{}", and {} diagnoses', "diagnosis_pointers", NUMBER_OF_DIAGNOSES)
    yield _Check("diagnosis_pointers", "places in the claim's diagnoses", pointers, POINTS_TO_NOTHING)
    yield from _claim_checks()


def _date_checks() -> Iterator[_Check]:
    first_day, last_day = date_of("date_of_service"), date_of("through_date")
    for name in ("date_of_service", "through_date"):
        is_no_day = pl.col(name).is_not_null() & date_of(name).is_null()
        yield _Check(name, "a date that exists", shape_of(pl.col(name)), is_no_day)
    # Of dates that exist; the others have a fault already.
    is_backwards = (last_day < first_day).fill_null(value=False)
    yield _Check("through_date", "date_of_service or later", shape_of(pl.col("through_date")), is_backwards)


def _claim_checks() -> Iterator[_Check]:
    """What lines of one claim must agree on."""
    occurrences, has_claim = pl.len().over("claim_id", "line"), pl.col("claim_id").is_not_null()
    is_repeated = (occurrences > 1) & has_claim & pl.col("line").is_not_null()
    yield _Check("line", "each line number once in a claim", pl.format("{} times", occurrences), is_repeated)
    is_other_beneficiary = pl.col("beneficiary") != pl.col("beneficiary").first().over("claim_id")
    contradiction = pl.lit("another than on the claim's first line")
    yield _Check(
        "beneficiary",
        "one beneficiary in a claim",
        contradiction,
        (is_other_beneficiary & has_claim).fill_null(value=False),
    )


def is_malformed(field_name: str) -> pl.Expr:
    """Whether the text of the field *field_name* does not have its form, or is lacking where it may not."""
    field = FIELDS[field_name]
    return (~pl.col(field_name).str.contains(field.pattern)).fill_null(value=field.is_required)


def date_of(field_name: str) -> pl.Expr:
    """Return the date that the text of the field *field_name* is; null if it is none."""
    field_text = pl.col(field_name)
    return pl.coalesce(field_text.str.to_date(date_format, strict=False) for date_format in ("%Y-%m-%d", "%m/%d/%Y"))


def shape_of(value: pl.Expr) -> pl.Expr:
    """What a message says of a malformed value: its shape, never the value itself.

    In a row whose cells have shifted any field may hold a patient's name or number: letters are a or A, digits 9. Only
    numbers of at most two digits are shown as they are.
    """
    shape = value
    # Classes of characters, not lists: a name in any script is masked.
    for pattern, symbol in ((r"[\p{L}--\p{Lu}]", "a"), (r"\p{Lu}", "A"), (r"\p{N}", "9"), (r"\p{C}", "?")):
        shape = shape.str.replace_all(pattern, symbol)
    length_text = pl.format("text of length {}", value.str.len_chars())
    return (
        pl.when(value.is_null())
        .then(pl.lit("nothing"))
        # Two digits identify nobody, and are what a reader most often needs: units of 0, a place of service.
        .when(value.str.contains(r"^-?[0-9]{1,2}$"))
        .then(pl.format('"{}"', value))
        .otherwise(
            pl.when(value.str.len_chars() > _LONGEST_SHAPE)
            .then(length_text)
            .otherwise(pl.format("text like {}", shape))
        )
    )


def _masked_faults(faults: pl.DataFrame) -> pl.DataFrame:
    """The faults without claim and line numbers that are malformed, or too long to be one: a column may be shifted."""
    return faults.with_columns(
        pl.when(pl.col(name).str.contains(pattern)).then(pl.col(name)).alias(name)
        for name, pattern in (("claim_id", FIELDS["claim_id"].pattern), ("line", _LINE_SHOWN))
    )


def with_column_types(lines: pl.DataFrame) -> pl.DataFrame:
    """Return lines that passed every check, as text or of their own types, in the types of `COLUMNS`.

    Where lines have pointers, `diagnosis_pointers` stay, and `diagnoses` are the claim's still.
    """
    parsed_texts = {
        "date_of_service": date_of("date_of_service"),
        "through_date": date_of("through_date"),
        # Parquet and spreadsheets write 2 as 2.0; a true fraction has failed its check.
        "units": pl.col("units").str.replace(r"\.0+$", ""),
    }
    typed_columns = {name: value for name, value in parsed_texts.items() if lines.schema[name] == pl.String}
    typed_columns |= {name: pl.col(name).cast(pl.String) for name in CODED if lines.schema[name] != CODE}
    typed_columns["modifiers"] = typed_columns.get("modifiers", pl.col("modifiers")).fill_null("")
    typed_columns |= {name: pl.lit(spaced(lines[name])) for name in ("diagnoses", "diagnoses_of_claim")}
    charge_cents = pl.col("charge_cents").cast(pl.Int64)
    typed_columns["charge_cents"] = (
        pl.coalesce(charge_cents, _charge_in_cents()) if lines["charge"].null_count() < lines.height else charge_cents
    )
    column_types = dict(COLUMNS)
    if lines["diagnosis_pointers"].null_count() < lines.height:
        column_types["diagnosis_pointers"] = CODE
        typed_columns["diagnosis_pointers"] = pl.col("diagnosis_pointers").cast(pl.String)
    return lines.select(
        typed_columns.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in column_types.items()
    )


def _charge_in_cents() -> pl.Expr:
    """Dollars as exact cents, read digit by digit: no float has a part in it."""
    # 0.29 * 100 is 28.999999999999996 as a float, and 28 cents.
    dollars_and_cents = pl.col("charge").str.replace_all(r"[$,]", "").str.splitn(".", 2).struct
    dollars = dollars_and_cents.field("field_0")
    cents = dollars_and_cents.field("field_1").fill_null("").str.pad_end(2, "0")
    return (dollars + cents).cast(pl.Int64)


def safe_names(names: Iterable[str]) -> str:
    """Return column or key names as a message lists them. What could be a patient's name is not shown."""
    return ", ".join(name if is_header_text(name) else "(not shown)" for name in names)
