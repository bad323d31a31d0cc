"""Claims from files, frames and values: what is read, what is refused and in which words, what is set aside."""

import gzip
import json
import zlib
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from codeset.claims.claim_fields import COLUMNS, FIELDS
from codeset.claims.input.check import refuse
from codeset.claims.input.claim import Claim, ClaimLine, to_frame
from codeset.claims.input.claim_files import read_claims, read_files, rejects_as
from codeset.claims.input.claim_frames import from_frame
from codeset.errors import BadInput, WrongUse
from codeset.schemas import faults_of

CLAIMS = Path(__file__).parent / "claims"
DAY = date(2026, 7, 15)

ROWS = [
    {
        "claim_id": "A1",
        "line": 1,
        "beneficiary": "BENE-ONE",
        "provider": "1888888882",
        "group": "1999999984",
        "specialty": "207N00000X",
        "date_of_service": DAY,
        "through_date": None,
        "hcpcs": "11102",
        "modifiers": "59 RT",
        "units": 1,
        "place_of_service": "11",
        "locality": "01112-05",
        "charge_cents": 15025,
        "lesion": "left arm",
        "prior_authorization": "PA-7",
        "diagnoses": "L57.0 D485",
    },
    {
        "claim_id": "A1",
        "line": 2,
        "beneficiary": "BENE-ONE",
        "provider": "1888888882",
        "group": "1999999984",
        "specialty": "207N00000X",
        "date_of_service": DAY,
        "through_date": date(2026, 7, 16),
        "hcpcs": "17000",
        "modifiers": "",
        "units": 2,
        "place_of_service": "22",
        "locality": "01112-05",
        "charge_cents": 20000,
        "lesion": None,
        "diagnoses": "L57.0",
        "diagnoses_of_claim": "L57.0 D485",
    },
    {
        "claim_id": "B2",
        "line": 1,
        "beneficiary": "BENE-TWO",
        "provider": "1777777779",
        "group": None,
        "specialty": None,
        "date_of_service": date(2026, 7, 20),
        "through_date": None,
        "hcpcs": "99213",
        "modifiers": "25",
        "units": 1,
        "place_of_service": "11",
        "locality": "national",
        "charge_cents": None,
        "lesion": None,
    },
]
TWO_CLAIMS = pl.DataFrame(ROWS, schema=dict(COLUMNS))

VALUES = [
    Claim(
        "A1",
        "BENE-ONE",
        "1888888882",
        (
            ClaimLine(
                1,
                DAY,
                "11102",
                1,
                "11",
                "01112-05",
                modifiers=("59", "RT"),
                diagnosis_pointers=(1, 2),
                charge_cents=15025,
                lesion="left arm",
                prior_authorization="PA-7",
            ),
            ClaimLine(
                2,
                DAY,
                "17000",
                2,
                "22",
                "01112-05",
                through_date=date(2026, 7, 16),
                diagnosis_pointers=(1,),
                charge_cents=20000,
            ),
        ),
        group="1999999984",
        specialty="207N00000X",
        diagnoses=("L57.0", "D485"),
    ),
    Claim(
        "B2",
        "BENE-TWO",
        "1777777779",
        (ClaimLine(1, date(2026, 7, 20), "99213", 1, "11", "national", modifiers=("25",)),),
    ),
]

HEADER = "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service,locality"
GOOD = "A1,1,BENE-ONE,1888888882,2026-07-15,11102,,1,11,national"


def write_claims(folder: Path, text: str | bytes, name: str = "claims.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusals(read_claim_file: Callable[[], object]) -> list[str]:
    with pytest.raises(BadInput) as error:
        read_claim_file()
    return [str(fault) for fault in error.value.faults]


def faults_in(path: Path, locality: str | None = None) -> list[str]:
    _, rejects = read_claims(path, locality=locality)
    return refusals(lambda: refuse(rejects))


# What is read


@pytest.mark.parametrize("name", ["two-claims.csv", "two-claims.json", "two-claims.ndjson"])
def test_every_form_gives_the_same_lines(name: str) -> None:
    lines, rejects = read_claims(CLAIMS / name)
    assert_frame_equal(lines, TWO_CLAIMS)
    assert (rejects.claims, rejects.lines, rejects.faults.height) == (0, 0, 0)
    refuse(rejects)


def test_parquet_gives_the_same_lines(tmp_path: Path) -> None:
    path = tmp_path / "claims"
    TWO_CLAIMS.write_parquet(path)
    assert_frame_equal(read_claims(path)[0], TWO_CLAIMS)


def test_values_give_the_same_lines() -> None:
    assert_frame_equal(to_frame(VALUES), TWO_CLAIMS)


def test_objects_parse_to_values() -> None:
    plain = json.loads((CLAIMS / "two-claims.json").read_text(), parse_float=Decimal)["claims"]
    assert [Claim.parse(claim) for claim in plain] == VALUES


def test_a_frame_may_have_times_at_midnight_lists_and_dollars() -> None:
    frame = TWO_CLAIMS.with_columns(
        pl.col("date_of_service").cast(pl.Datetime("us")),
        pl.col("modifiers").cast(pl.String).str.split(" ").list.filter(pl.element() != ""),
        pl.Series("charge", [150.25, 200.0, None]),
    ).drop("charge_cents")
    assert_frame_equal(from_frame(frame)[0], TWO_CLAIMS)


def test_a_frame_may_have_categories_in_any_column() -> None:
    # Enough lines that distinct values are checked, and as categories whose numbers are none of the values.
    lines = pl.concat([TWO_CLAIMS.with_columns(pl.format("{}-{}", "claim_id", pl.lit(n))) for n in range(50)])
    text = lines.with_columns(pl.col(pl.Int32, pl.Int64, pl.Date).cast(pl.String))
    frame = text.with_columns(pl.col(pl.String).cast(pl.Categorical))
    assert_frame_equal(from_frame(frame)[0], from_frame(lines)[0])


def test_flat_objects_are_lines(tmp_path: Path) -> None:
    path = tmp_path / "claims.ndjson"
    TWO_CLAIMS.write_ndjson(path)
    assert_frame_equal(read_claims(path)[0], TWO_CLAIMS)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(lambda claims: claims[1], id="one object"),
        pytest.param(lambda claims: [claims[1]], id="a list"),
        pytest.param(lambda claims: {"claims": [claims[1]]}, id="an object with claims"),
    ],
)
def test_json_is_one_claim_a_list_or_an_object_with_claims(tmp_path: Path, shape: Callable[[object], object]) -> None:
    claims = json.loads((CLAIMS / "two-claims.json").read_text())["claims"]
    path = write_claims(tmp_path, json.dumps(shape(claims), indent=1), "any-name")
    assert_frame_equal(read_claims(path)[0], TWO_CLAIMS[2:])


def test_ndjson_is_reported_without_its_extension(tmp_path: Path) -> None:
    path = write_claims(tmp_path, (CLAIMS / "two-claims.ndjson").read_bytes(), "claims.txt")
    assert_frame_equal(read_claims(path)[0], TWO_CLAIMS)


def test_blanks_around_values_byte_order_mark_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    text = (
        f"\ufeff{HEADER}\r\n\r\nA1 ,1, BENE-ONE,1888888882,2026-07-15,11102, 59   RT ,1.0,11,national\r\n,,,,,,,,,\r\n"
    )
    lines, _ = read_claims(write_claims(tmp_path, text))
    assert lines.select("claim_id", "beneficiary", "modifiers", "units").rows() == [("A1", "BENE-ONE", "59 RT", 1)]


@pytest.mark.parametrize(
    ("dollars", "cents"), [("0", 0), ("150", 15000), ("150.5", 15050), (".07", 7), ("999999999.99", 99999999999)]
)
def test_dollars_are_exact_cents(tmp_path: Path, dollars: str, cents: int) -> None:
    path = write_claims(tmp_path, f"{HEADER},charge\n{GOOD},{dollars}\n")
    assert read_claims(path)[0]["charge_cents"].to_list() == [cents]


def test_a_locality_given_applies_where_the_file_has_none(tmp_path: Path) -> None:
    path = write_claims(tmp_path, f"{HEADER}\n{GOOD}\nA1,2,BENE-ONE,1888888882,2026-07-15,11102,,1,11,\n")
    assert read_claims(path, locality="01112-05")[0]["locality"].to_list() == ["national", "01112-05"]
    missing = write_claims(tmp_path, f"{HEADER.removesuffix(',locality')}\n{GOOD.removesuffix(',national')}\n")
    assert read_claims(missing, locality="national")[0]["locality"].to_list() == ["national"]


def test_zero_and_negative_units_are_read(tmp_path: Path) -> None:
    path = write_claims(
        tmp_path, f"{HEADER}\nA1,1,B,P,2026-07-15,11102,,0,11,national\nA1,2,B,P,2026-07-15,11102,,-1,11,national\n"
    )
    lines, rejects = read_claims(path)
    assert (lines["units"].to_list(), rejects.claims) == ([0, -1], 0)


def test_another_provider_of_a_line_is_kept() -> None:
    line = ClaimLine(1, DAY, "11102", 1, "11", "national", provider="other", specialty="363LM")
    claim = Claim("A1", "B", "P", (line,), specialty="207N00000X")
    assert to_frame([claim]).select("provider", "specialty").rows() == [("other", "363LM")]


# What is refused, in which words


def test_every_fault_of_a_csv_is_reported_with_claim_line_field_expected_and_found() -> None:
    assert faults_in(CLAIMS / "bad.csv") == [
        'bad.csv: line 3: claim X1, line 1: charge: expected dollars from 0, with at most two decimals, found "-3"',
        "bad.csv: line 3: claim X1, line 1: date_of_service: expected a date that exists, found text like 9999-99-99",
        (
            "bad.csv: line 3: claim X1, line 1: hcpcs: expected five characters, digits or capital letters, "
            "found text like 9999"
        ),
        (
            "bad.csv: line 3: claim X1, line 1: locality: expected mac-locality, such as 01112-05, or national, "
            "found text like AA"
        ),
        (
            "bad.csv: line 3: claim X1, line 1: modifiers: expected up to four modifiers of two characters, "
            'digits or capitals, found "5"'
        ),
        'bad.csv: line 3: claim X1, line 1: place_of_service: expected two digits, found "1"',
        "bad.csv: line 3: claim X1, line 1: units: expected a whole number, found text like aaa",
        (
            "bad.csv: line 4: claim X1, line 2: charge: expected dollars from 0, with at most two decimals, "
            "found text like 9.999"
        ),
        (
            "bad.csv: line 4: claim X1, line 2: through_date: expected date_of_service or later, "
            "found text like 9999-99-99"
        ),
        (
            "bad.csv: line 6: claim X2, line 1: modifiers: expected up to four modifiers of two characters, "
            "digits or capitals, found text like 99 AA AA AA AA"
        ),
        "bad.csv: line 7: claim X3, line 1: line: expected each line number once in a claim, found 2 times",
        "bad.csv: line 8: claim X3, line 1: line: expected each line number once in a claim, found 2 times",
        (
            "bad.csv: line 10: claim X4, line 2: beneficiary: expected one beneficiary in a claim, "
            "found another than on the claim's first line"
        ),
        "bad.csv: line 11: line 1: claim_id: expected printable characters, found nothing",
        "bad.csv: line 11: line 1: provider: expected printable characters, found nothing",
    ]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        (
            "date_of_service",
            "15.07.2026",
            "expected a date such as 2026-07-15 or 07/15/2026, found text like 99.99.9999",
        ),
        ("date_of_service", "13/07/2026", "expected a date that exists, found text like 99/99/9999"),
        ("date_of_service", "07/15/26", "expected a date such as 2026-07-15 or 07/15/2026, found text like 99/99/99"),
        ("date_of_service", "2026-7-5", "expected a date such as 2026-07-15 or 07/15/2026, found text like 9999-9-9"),
        ("date_of_service", "", "expected a date such as 2026-07-15 or 07/15/2026, found nothing"),
        ("hcpcs", "j1100", "expected five characters, digits or capital letters, found text like a9999"),
        ("hcpcs", "111022", "expected five characters, digits or capital letters, found text like 999999"),
        ("units", "1.5", "expected a whole number, found text like 9.9"),
        ("units", "", "expected a whole number, found nothing"),
        ("line", "0", 'expected a whole number from 1, found "0"'),
        ("line", "01", 'expected a whole number from 1, found "01"'),
        ("place_of_service", "1A", "expected two digits, found text like 9A"),
        ("locality", "", "expected mac-locality, such as 01112-05, or national, found nothing"),
        ("locality", "1112-05", "expected mac-locality, such as 01112-05, or national, found text like 9999-99"),
        (
            "modifiers",
            "59,RT",
            "expected up to four modifiers of two characters, digits or capitals, found text like 99,AA",
        ),
    ],
)
def test_a_malformed_field_is_reported(tmp_path: Path, field: str, value: str, says: str) -> None:
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | {field: value}
    path = tmp_path / "claims.csv"
    pl.DataFrame([row]).write_csv(path)
    [messages] = faults_in(path)
    where = "claims.csv: line 2: claim A1" if field == "line" else "claims.csv: line 2: claim A1, line 1"
    assert messages == f"{where}: {field}: {says}"


def test_a_message_shows_no_identifier_of_a_patient_even_if_the_cells_have_shifted(tmp_path: Path) -> None:
    secrets = ("1EG4TE5MK73", "123456789A", "123-45-6789", "BENE-ONE", "Smith", "Ann Lee", "483912", "04/31/1950")
    rows = [
        f"A{n},{secret},1,{secret},{secret},{secret},{secret},{secret},{secret},{secret},{secret}"
        for n, secret in enumerate(secrets)
    ]
    messages = faults_in(write_claims(tmp_path, "\n".join([f"{HEADER},charge", *rows])))
    assert len(messages) == 8 * 8 - 3  # six digits have the form of a line number, of units and of a charge
    assert [message for message in messages for secret in secrets if secret in message] == []


def test_a_first_row_that_is_a_patients_and_no_header_is_not_shown(tmp_path: Path) -> None:
    text = "C1,1,JOHNSON,1888888882,1950-01-02,11102\nC2,1,MILLER,1888888882,1961-03-04,17000\n"
    path = write_claims(tmp_path, text)
    messages = refusals(lambda: read_claims(path))
    assert [message for message in messages if "JOHNSON" in message or "1950" in message] == []
    assert "claims.csv: the first row heads 0 of 6 columns as claim lines are headed: is it a header?" in messages


@pytest.mark.parametrize(
    ("claim_id", "names"),
    [
        ("SMITH", "line 1"),
        ("1EG4TE5MK73", "line 1"),
        ("1EG4-TE5-MK73", "line 1"),
        ("123-45-6789", "line 1"),
        ("SMITH JANE 1950", "line 1"),
        ("2026-000123", "claim 2026-000123, line 1"),
    ],
)
def test_what_may_be_a_name_or_number_of_a_patient_in_place_of_a_claim_number_is_not_shown(
    tmp_path: Path, claim_id: str, names: str
) -> None:
    """The cells of a row may have shifted: a Medicare number (MBI), a Social Security number, a name."""
    path = write_claims(tmp_path, f"{HEADER}\n{GOOD.replace('A1', claim_id, 1).replace('11102', '1110')}\n")
    says = f"{names}: hcpcs: expected five characters, digits or capital letters, found text like 9999"
    _, rejects = read_claims(path)
    assert refusals(lambda: refuse(rejects)) == [f"claims.csv: line 2: {says}"]
    assert (claim_id.encode() in rejects_as([rejects], "csv")) == (claim_id in names)


@pytest.mark.parametrize(
    ("content", "file_type"),
    [
        (gzip.compress(b"claim_id,line\n", mtime=0), "a compressed file: unpack it first"),
        (bytes.fromhex("28b52ffd") + b"claims", "a compressed file: unpack it first"),
        (zlib.compress(b"claim_id,line\n"), "a compressed file: unpack it first"),
        ("claim_id,line\n".encode("utf-16"), 'text in UTF-16: save it as "CSV UTF-8"'),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + b"Book",
            "an old or protected Office file: save it as .xlsx without a password",
        ),
    ],
)
def test_a_file_of_another_kind_is_called_so(tmp_path: Path, content: bytes, file_type: str) -> None:
    """What is compressed is not unpacked: a few megabytes may be as many gigabytes."""
    path = tmp_path / "claims.csv"
    path.write_bytes(content)
    assert refusals(lambda: read_claims(path)) == [f"claims.csv: expected claims, found {file_type}"]


def test_a_parquet_file_of_equal_lines_beyond_measure_is_not_unpacked(tmp_path: Path) -> None:
    """Equal lines pack to nothing: 400 KB were 20 million lines, and 9 GB in memory."""
    path = tmp_path / "claims.parquet"
    pl.select(pl.repeat("A1", 100_000).alias("claim_id")).write_parquet(path)
    assert refusals(lambda: read_claims(path)) == [
        f"claims.parquet: has 100,000 lines in {path.stat().st_size:,} bytes: no claims do"
    ]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_csv_of_another_separator_is_called_so(tmp_path: Path, separator: str) -> None:
    path = write_claims(tmp_path, f"{HEADER}\n{GOOD}\n".replace(",", separator))
    assert refusals(lambda: read_claims(path))[-1] == (
        "claims.csv: the first row heads 0 of 1 columns as claim lines are headed: are its cells separated by commas?"
    )


@pytest.mark.parametrize(
    ("key", "key_in_message"),
    [("modifer", "modifer"), ("unit_price", "unit_price"), ("jane", "(not shown)"), ("Doe, J", "(not shown)")],
)
def test_a_key_that_could_be_a_patients_name_is_not_shown(tmp_path: Path, key: str, key_in_message: str) -> None:
    path = write_claims(tmp_path, json.dumps({"claim_id": "A1", "hcpcs": "17000", key: "x"}), "claims.ndjson")
    [fault] = [fault for fault in faults_in(path) if "a field of that name" in fault]
    assert f"{key_in_message}: expected one of" in fault
    assert key_in_message == key or key not in fault


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["claims.csv: expected claims, found an empty file"]),
        (
            "claim_id,line\nA1,1\n",
            [
                "claims.csv: no column beneficiary (or Patient ID, MRN, MBI)",
                "claims.csv: no column date_of_service (or DOS, Service Date, From Date)",
                "claims.csv: no column hcpcs (or CPT, CPT Code, Procedure Code)",
                "claims.csv: no column locality (or MAC Locality)",
                "claims.csv: no column modifiers (or Modifier, Mod)",
                "claims.csv: no column place_of_service (or POS)",
                "claims.csv: no column provider (or Rendering NPI, NPI, Provider ID)",
                "claims.csv: no column units (or Qty, Quantity)",
            ],
        ),
        (
            f"{HEADER},lession,Copay\n{GOOD},5,6\n",
            ['claims.csv: column 11, "lession", is not understood: if it is lesion, rename it, else leave it out'],
        ),
        (
            f"{HEADER},CPT,DOS\n{GOOD},17000,2026-07-15\n",
            [
                "claims.csv: columns 5 and 12 both hold date_of_service: leave one of them out",
                "claims.csv: columns 6 and 11 both hold hcpcs: leave one of them out",
            ],
        ),
        (
            f"{HEADER}\n{GOOD}\n{GOOD},1EG4\n{GOOD},a,b\n",
            [
                "claims.csv: line 3: expected 10 cells, as in the header, found 11",
                "claims.csv: line 4: expected 10 cells, as in the header, found 12",
            ],
        ),
        (f'{HEADER}\n"A1,1\n', ["claims.csv: line 2: expected a quoted cell to end with its quote"]),
        (f"{HEADER}\n{GOOD}\n".encode() + b"\xe9\n", ["claims.csv: line 3: expected text in UTF-8, found other bytes"]),
        (b"PAR1 and no more", ["claims.csv: begins like a parquet file, but cannot be read as one"]),
        ("[1, 2", ["claims.csv: line 1: expected JSON, found Expecting ',' delimiter at column 6"]),
        ("[" * 200_000, ["claims.csv: expected claims, found lists or objects nested without end"]),
        ('{"a": NaN}', ["claims.csv: expected a number, found NaN"]),
        (f"[{'9' * 100_000}]", ["claims.csv: expected a number of at most 30 digits, found 100000 digits"]),
        ('{"a": 1, "a": 2}', ["claims.csv: expected each name once in an object, found one twice"]),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused(tmp_path: Path, text: str | bytes, says: list[str]) -> None:
    path = write_claims(tmp_path, text)
    assert refusals(lambda: read_claims(path)) == says


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    messages = refusals(lambda: read_claims(tmp_path / "none.csv"))
    assert messages == ["none.csv: cannot be read (No such file or directory)"]


def test_a_locality_given_must_be_one() -> None:
    with pytest.raises(WrongUse, match="locality: expected mac-locality, such as 01112-05, or national, found 'CA'"):
        read_claims(CLAIMS / "two-claims.csv", locality="CA")


def test_charge_and_charge_cents_exclude_each_other(tmp_path: Path) -> None:
    path = write_claims(tmp_path, f"{HEADER},charge,charge_cents\n{GOOD},1,100\n")
    messages = "claims.csv: line 2: claim A1, line 1: charge: expected charge or charge_cents, found both"
    assert faults_in(path) == [messages]


def test_a_frame_of_other_kinds_is_refused() -> None:
    messages = refusals(
        lambda: from_frame(pl.DataFrame({"line": [{"a": 1}]}, schema={"line": pl.Struct({"a": pl.Int8})}))
    )
    assert [message.split(":")[0] for message in messages] == ["frame"] * len(messages)


def test_a_time_of_day_is_no_date() -> None:
    frame = TWO_CLAIMS[2:].with_columns(pl.lit(datetime(2026, 7, 15, 9, 30)).alias("date_of_service"))  # noqa: DTZ001
    _, rejects = from_frame(frame)
    assert rejects.faults["expected"].to_list() == ["a date such as 2026-07-15 or 07/15/2026"]


def test_a_day_beyond_the_calendar_is_reported() -> None:
    days = [3_000_000, *TWO_CLAIMS["date_of_service"].cast(pl.Int32).to_list()[1:]]
    frame = TWO_CLAIMS.with_columns(pl.Series("date_of_service", days, dtype=pl.Int32).cast(pl.Date))
    lines, rejects = from_frame(frame)
    assert rejects.faults["field"].to_list() == ["date_of_service"]
    assert_frame_equal(lines, TWO_CLAIMS[2:])


@pytest.mark.parametrize(
    ("field", "value"),
    [("line", 0), ("line", 1_000_000), ("units", -10_000_000), ("units", 10_000_000), ("charge_cents", -1)],
)
def test_a_number_of_its_own_type_is_checked_as_its_text_is(field: str, value: int) -> None:
    numbers = TWO_CLAIMS[field].to_list()
    lines, rejects = from_frame(TWO_CLAIMS.with_columns(pl.Series(field, [numbers[0], value, *numbers[2:]])))
    assert rejects.faults["field"].to_list() == [field]
    assert_frame_equal(lines, TWO_CLAIMS[2:])


@pytest.mark.parametrize("field", FIELDS)
def test_whole_numbers_between_two_that_have_a_form_have_it_too(field: str) -> None:
    ends = [0, *(10**digits + more for digits in range(15) for more in (-1, 0, 1))]
    numbers = sorted({sign * end for end in ends for sign in (1, -1)})
    fits = pl.Series(numbers).cast(pl.String).str.contains(FIELDS[field].pattern)
    places = fits.arg_true()
    assert fits.slice(places.min() or 0, places.len()).all()


@pytest.mark.parametrize(
    ("name", "beneficiary"),
    [("b-1", "b-1"), ("b 1", "b 1"), ("Bé", "Bé"), (" b1 ", "b1"), ("b\x7f", None), ("b\t1", None), ("", None)],
)
def test_names_are_read_without_blanks_around_and_refused_if_they_cannot_be_printed(
    name: str, beneficiary: str | None
) -> None:
    lines, rejects = from_frame(TWO_CLAIMS.with_columns(beneficiary=pl.Series([name, name, "BENE-TWO"])))
    assert lines["beneficiary"].to_list() == ([beneficiary, beneficiary] if beneficiary else []) + ["BENE-TWO"]
    assert rejects.claims == (0 if beneficiary else 1)


def test_malformed_objects_are_reported_by_their_place(tmp_path: Path) -> None:
    claim = {"claim_id": "A1", "beneficiary": 7, "provider": "P", "locality": "national", "diagnoses": ["L57.0"]}
    lines = [
        {"line": 1, "date_of_service": "2026-07-15", "hcpcs": 11102, "units": 1, "place_of_service": "11"},
        {"line": "2", "date_of_service": "2026-07-15", "hcpcs": "11102", "units": 1.5, "place_of_service": "11"},
        "a line",
        {
            "line": 3,
            "date_of_service": "2026-07-15",
            "hcpcs": "11102",
            "units": True,
            "place_of_service": "11",
            "modifiers": [59],
            "diagnosis_pointers": [2],
            "charge": {},
            "price": 3,
        },
    ]
    path = write_claims(
        tmp_path, json.dumps([{**claim, "lines": lines}, {"claim_id": "E1", "lines": []}, 5]), "claims.json"
    )
    names = ", ".join(name for name, field in FIELDS.items() if field.in_line)
    assert faults_in(path) == [
        "claims.json: [0] claim A1: beneficiary: expected text, found a number",
        "claims.json: [0].lines[0] claim A1, line 1: hcpcs: expected text, found a number",
        "claims.json: [0].lines[1] claim A1: line: expected a whole number, found text",
        "claims.json: [0].lines[1] claim A1: units: expected a whole number, found a number",
        "claims.json: [0].lines[2] claim A1: line: expected an object, found text",
        "claims.json: [0].lines[3] claim A1, line 3: charge: expected dollars, as a number or text, found an object",
        (
            "claims.json: [0].lines[3] claim A1, line 3: diagnosis_pointers: "
            'expected places in the claim\'s diagnoses, found "2", and 1 diagnoses'
        ),
        "claims.json: [0].lines[3] claim A1, line 3: modifiers: expected a list of texts, found a list of 1",
        f"claims.json: [0].lines[3] claim A1, line 3: price: expected one of {names}, found a field of that name",
        "claims.json: [0].lines[3] claim A1, line 3: units: expected a whole number, found true or false",
        "claims.json: [1] claim E1: lines: expected a list with at least one line, found a list of 0",
        "claims.json: [2]: claim: expected an object, found a number",
    ]


def test_a_bad_line_of_ndjson_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    good = (CLAIMS / "two-claims.ndjson").read_text()
    path = write_claims(tmp_path, f'{good}{{"claim_id": \n', "claims.ndjson")
    lines, rejects = read_claims(path)
    assert_frame_equal(lines, TWO_CLAIMS)
    assert (rejects.claims, rejects.lines) == (1, 0)
    assert refusals(lambda: refuse(rejects)) == [
        "claims.ndjson: line 3: claim: expected an object in JSON, found Expecting value at column 14"
    ]


def test_bad_values_are_refused_with_all_faults() -> None:
    lines = (ClaimLine(1, DAY, "1110", 1, "11", "01112"), ClaimLine(1, DAY, "11102", 1, "11", "national", ("5",)))
    assert refusals(lambda: to_frame([Claim("A1", "B", "P", lines)])) == [
        (
            "claims: lines[0] claim A1, line 1: hcpcs: expected five characters, digits or capital letters, "
            "found text like 9999"
        ),
        "claims: lines[0] claim A1, line 1: line: expected each line number once in a claim, found 2 times",
        (
            "claims: lines[0] claim A1, line 1: locality: expected mac-locality, such as 01112-05, or national, "
            "found text like 99999"
        ),
        "claims: lines[1] claim A1, line 1: line: expected each line number once in a claim, found 2 times",
        (
            "claims: lines[1] claim A1, line 1: modifiers: expected up to four modifiers of two characters, "
            'digits or capitals, found "5"'
        ),
    ]


def test_a_claim_without_lines_is_refused() -> None:
    messages = refusals(lambda: Claim.parse({"claim_id": "A1", "beneficiary": "B", "provider": "P"}))
    assert messages == ["claims: claim A1: lines: expected a list with at least one line, found nothing"]


# What is set aside


def test_bad_claims_are_set_aside_whole_and_counted() -> None:
    lines, rejects = read_claims(CLAIMS / "bad.csv")
    assert lines.select("claim_id", "line", "units").rows() == [("G1", 1, 1), ("G2", 1, 0)]
    assert (rejects.claims, rejects.lines, rejects.faults.height) == (5, 8, 15)


def test_a_rejected_claim_takes_its_good_lines_along(tmp_path: Path) -> None:
    path = write_claims(
        tmp_path,
        f"{HEADER}\n{GOOD}\nA1,2,BENE-ONE,P,2026-07-15,1,,1,11,national\nB1,1,B,P,2026-07-15,11102,,1,11,national\n",
    )
    lines, rejects = read_claims(path)
    assert (lines["claim_id"].to_list(), rejects.claims, rejects.lines) == (["B1"], 1, 2)


def test_claims_without_an_identifier_count_one_by_one(tmp_path: Path) -> None:
    plain = [{"beneficiary": "B", "lines": []}, {"claim_id": 5, "lines": []}]
    _, rejects = read_claims(write_claims(tmp_path, json.dumps(plain), "claims.json"))
    assert (rejects.claims, rejects.lines) == (2, 0)


def test_the_file_of_rejects_names_claim_line_field_expected_and_found(tmp_path: Path) -> None:
    path = write_claims(tmp_path, f"{HEADER}\nA1,1,B,P,2026-07-15,1110,,x,11,national\n")
    _, rejects = read_claims(path)
    assert rejects_as([rejects], "csv").decode() == (
        "file,at,place,claim_id,line,field,expected,found\n"
        'claims.csv,2,,A1,1,hcpcs,"five characters, digits or capital letters",text like 9999\n'
        "claims.csv,2,,A1,1,units,a whole number,text like a\n"
    )
    assert [json.loads(line) for line in rejects_as([rejects], "ndjson").decode().splitlines()][1] == {
        "file": "claims.csv",
        "at": 2,
        "place": None,
        "claim_id": "A1",
        "line": "1",
        "field": "units",
        "expected": "a whole number",
        "found": "text like a",
    }


def test_a_message_ends_after_a_thousand_faults_and_says_how_many_more_there_are(tmp_path: Path) -> None:
    rows = "\n".join(f"A{n},1,B,P,2026-07-15,1,,1,11,national" for n in range(1200))
    messages = faults_in(write_claims(tmp_path, f"{HEADER}\n{rows}\n"))
    assert len(messages) == 1001
    assert "claims.csv: 200 further faults; set bad claims aside to have a file of all" in messages


# The schema


def test_the_examples_keep_to_the_schema() -> None:
    assert faults_of(json.loads((CLAIMS / "two-claims.json").read_text()), "claim") == []
    for line in (CLAIMS / "two-claims.ndjson").read_text().splitlines():
        assert faults_of(json.loads(line), "claim") == []
    for line in TWO_CLAIMS.write_ndjson().splitlines():
        assert faults_of(json.loads(line), "claim") == []


@pytest.mark.parametrize(
    "change",
    [
        {"lines": []},
        {"claim_id": 5},
        {"price": 5},
        {"locality": "CA"},
        {"diagnoses": ["1"]},
        {"lines": [{"line": 1, "date_of_service": "2026-07-15", "hcpcs": "1110", "units": 1}]},
        {"lines": [{"line": 0, "date_of_service": "2026-07-15", "hcpcs": "11102", "units": 1}]},
        {"lines": [{"line": 1, "date_of_service": "2026-07-15", "hcpcs": "11102", "units": 1, "charge": "1.005"}]},
        {"lines": [{"line": 1, "date_of_service": "2026-07-15", "hcpcs": "11102", "units": 1, "modifiers": ["5"]}]},
    ],
)
def test_the_schema_and_the_reader_refuse_the_same(tmp_path: Path, change: dict[str, object]) -> None:
    claim = json.loads((CLAIMS / "two-claims.ndjson").read_text().splitlines()[0])
    shared_fields = {"place_of_service": "11", "locality": "national", **change}
    assert faults_of({**claim, **shared_fields}, "claim") != []
    _, rejects = read_claims(write_claims(tmp_path, json.dumps({**claim, **shared_fields}), "claims.json"))
    assert rejects.claims == 1


# Several files


def test_a_file_given_twice_is_refused(tmp_path: Path) -> None:
    files = [write_claims(tmp_path, f"{HEADER}\n{GOOD}\n", name) for name in ("a.csv", "b.csv")]
    for skip in (False, True):
        messages = refusals(lambda: read_files(files, skip_bad_claims=skip))  # noqa: B023 (called at once)
        assert messages == ["b.csv: has the same content as a.csv: give each file once"]
    messages = refusals(lambda: read_files([files[0], files[0]]))
    assert messages == [f"{files[0]}: has the same content as {files[0]}: give each file once"]


OTHER = "B1,1,BENE-TWO,1888888882,2026-07-15,11104,,1,11,national"
SHARED = "A1,2,BENE-ONE,1888888882,2026-07-15,17000,,1,11,national"


def test_a_claim_that_two_files_hold_is_refused_in_both(tmp_path: Path) -> None:
    files = [
        write_claims(tmp_path, f"{HEADER}\n{OTHER}\n{GOOD}\n", "a.csv"),
        write_claims(tmp_path, f"{HEADER}\n{SHARED}\n", "b.csv"),
    ]
    assert refusals(lambda: read_files(files)) == [
        "a.csv: line 3: claim A1, line 1: claim_id: expected a claim in one file, found it in b.csv too",
        "b.csv: line 2: claim A1, line 2: claim_id: expected a claim in one file, found it in a.csv too",
    ]
    lines, rejects = read_files(files, skip_bad_claims=True)
    assert lines["claim_id"].to_list() == ["B1"]
    assert [(of_file.claims, of_file.lines) for of_file in rejects] == [(1, 1), (1, 1)]


def test_a_claim_that_a_csv_and_an_837_hold_is_found(tmp_path: Path) -> None:
    file = write_claims(tmp_path, f"{HEADER}\n{GOOD}\n", "a.csv")
    messages = refusals(lambda: read_files([file, CLAIMS / "two-claims.x12"], locality="national"))
    assert messages == [
        "a.csv: line 2: claim A1, line 1: claim_id: expected a claim in one file, found it in two-claims.x12 too",
        (
            "two-claims.x12: segment 26 SV1 claim A1, line 1: claim_id: expected a claim in one file, "
            "found it in a.csv too"
        ),
    ]


def test_a_claim_that_is_bad_in_one_of_two_files_is_set_aside_in_both(tmp_path: Path) -> None:
    bad = GOOD.replace("11102", "1110")
    files = [
        write_claims(tmp_path, f"{HEADER}\n{OTHER}\n{bad}\n", "a.csv"),
        write_claims(tmp_path, f"{HEADER}\n{SHARED}\n", "b.csv"),
    ]
    lines, rejects = read_files(files, skip_bad_claims=True)
    assert lines["claim_id"].to_list() == ["B1"]
    assert [of_file.faults["field"].to_list() for of_file in rejects] == [["claim_id", "hcpcs"], ["claim_id"]]


def test_files_of_one_name_are_reported_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    files = [
        write_claims(tmp_path / "one", f"{HEADER}\n{GOOD}\n"),
        write_claims(tmp_path / "two", f"{HEADER}\n{OTHER.replace('11104', '1110')}\n"),
    ]
    assert refusals(lambda: read_files(files))[0].startswith(f"{files[1]}: line 2: ")


# Hostile files


@pytest.mark.parametrize("damage", ["no footer", "a changed footer", "a lost end"])
def test_a_damaged_parquet_file_is_refused_without_a_word_of_the_library(
    tmp_path: Path, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    TWO_CLAIMS.write_parquet(tmp_path / "whole.parquet")
    content = bytearray((tmp_path / "whole.parquet").read_bytes())
    if damage == "a changed footer":
        start = len(content) - int.from_bytes(content[-8:-4], "little") - 8
        content[start : start + 40] = bytes(40)
    path = write_claims(tmp_path, {"no footer": content[:200], "a lost end": content[:-3]}.get(damage, bytes(content)))
    assert refusals(lambda: read_claims(path)) == ["claims.csv: begins like a parquet file, but cannot be read as one"]
    assert capfd.readouterr() == ("", "")
