"""Claims from X12 837P: what is mapped to what, and how malformed files are reported. All files are made up."""

from datetime import date
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from codeset.claims.claim_fields import COLUMNS
from codeset.claims.input.check import faults_of, refuse
from codeset.claims.input.claim_files import read_claims, read_files
from codeset.claims.input.x12 import X12Claims
from codeset.errors import BadInput

FILE = Path(__file__).parent / "claims" / "two-claims.x12"
TEXT = FILE.read_text()
LOCALITY = "01112-05"

CLINIC = {"group": "1999999984", "through_date": None, "locality": LOCALITY, "lesion": None}
ROWS = [
    {
        **CLINIC,
        "claim_id": "A1",
        "line": 1,
        "beneficiary": "BENE-ONE",
        "provider": "1888888882",
        "specialty": "207N00000X",
        "date_of_service": date(2026, 7, 15),
        "hcpcs": "11102",
        "modifiers": "59 RT",
        "units": 1,
        "place_of_service": "11",
        "charge_cents": 15025,
        "diagnoses": "L570 D485",
    },
    {
        **CLINIC,
        "claim_id": "A1",
        "line": 2,
        "beneficiary": "BENE-ONE",
        "provider": "1666666663",
        "specialty": "363LM",
        "date_of_service": date(2026, 7, 15),
        "through_date": date(2026, 7, 16),
        "hcpcs": "17000",
        "modifiers": "",
        "units": 2,
        "place_of_service": "22",
        "charge_cents": 20000,
        "diagnoses": "L570",
        "diagnoses_of_claim": "L570 D485",
    },
    {
        **CLINIC,
        "claim_id": "B2",
        "line": 1,
        "beneficiary": "BENE-TWO",
        "provider": "1999999984",
        "specialty": "207N00000X",
        "date_of_service": date(2026, 7, 20),
        "hcpcs": "99213",
        "modifiers": "25",
        "units": 1,
        "place_of_service": "11",
        "charge_cents": 9000,
        "diagnoses": "L570",
    },
    {
        **CLINIC,
        "claim_id": "C3",
        "line": 1,
        "beneficiary": "BENE-THREE",
        "provider": "1555555556",
        "group": "1555555556",
        "specialty": None,
        "date_of_service": date(2026, 7, 21),
        "hcpcs": "11104",
        "modifiers": "",
        "units": 1,
        "place_of_service": "11",
        "charge_cents": 7500,
        "diagnoses": "D485",
    },
]
LINES = pl.DataFrame(ROWS, schema=dict(COLUMNS))


def messages_of(folder: Path, text: str, locality: str | None = LOCALITY) -> list[str]:
    """The faults of a file, by whichever way it is refused."""
    path = folder / "claims.x12"
    path.write_text(text, newline="")
    with pytest.raises(BadInput) as error:
        refuse(read_claims(path, locality=locality)[1])
    return [str(fault).removeprefix("claims.x12: ") for fault in error.value.faults]


def replace_text(old: str, new: str) -> str:
    assert TEXT.count(old) == 1
    return TEXT.replace(old, new)


def with_segment_count(text: str, first: int, second: int = 13) -> str:
    """*text* with the segment counts of its two transaction sets."""
    return text.replace("SE*40*", f"SE*{first}*").replace("SE*13*", f"SE*{second}*")


# What is mapped to what


def test_several_claims_and_transaction_sets_are_read() -> None:
    """The other insurer's identifier (loop 2330A) is passed over; a line may have its own place and provider."""
    lines, rejects = read_claims(FILE, locality=LOCALITY)
    assert_frame_equal(lines, LINES)
    assert (rejects.claims, rejects.lines) == (0, 0)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT.replace("\n", ""), id="one line"),
        pytest.param(TEXT.replace("\n", "\r\n"), id="CR LF"),
        pytest.param(TEXT.replace("~\n", "\n"), id="newline as terminator"),
        pytest.param(TEXT.replace("*", "|").replace(":", ">").replace("^", "%"), id="other separators"),
        pytest.param("\ufeff" + TEXT, id="byte order mark"),
        pytest.param(TEXT.replace("UN*2*22**1~", "UN*2*22**1**~"), id="separators without elements at the end"),
        pytest.param(TEXT.replace("SKIN CLINIC", "SKIN CLÍNIC"), id="letters beyond ASCII"),
    ],
)
def test_separators_and_line_ends_are_those_of_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any-name.csv"
    path.write_text(text, newline="", encoding="utf-8")
    assert_frame_equal(read_claims(path, locality=LOCALITY)[0], LINES)


def test_two_interchanges_in_one_file_are_read(tmp_path: Path) -> None:
    second = TEXT.replace("000000001", "000000002")
    for claim in ("A1", "B2", "C3"):
        second = second.replace(f"CLM*{claim}*", f"CLM*{claim}b*")
    (tmp_path / "claims.x12").write_text(TEXT + second)
    lines, _ = read_claims(tmp_path / "claims.x12", locality="national")
    assert lines["claim_id"].to_list() == ["A1", "A1", "B2", "C3", "A1b", "A1b", "B2b", "C3b"]


def test_the_number_of_a_prior_authorization_is_the_claim_s_or_the_line_s_own(tmp_path: Path) -> None:
    """Loops 2300 and 2400, REF*G1; that of another insurer (loop 2330) is not this claim's."""
    claim = replace_text("HI*ABK:L570*ABF:D485~\n", "REF*G1*PA-CLAIM~\nHI*ABK:L570*ABF:D485~\n")
    other = claim.replace("MI*OTHER-INSURER-ID~\n", "MI*OTHER-INSURER-ID~\nREF*G1*PA-OTHER~\n")
    line = other.replace("DTP*472*RD8*20260715-20260716~\n", "DTP*472*RD8*20260715-20260716~\nREF*G1*PA-LINE~\n")
    (tmp_path / "claims.x12").write_text(with_segment_count(line, 43))
    lines, _ = read_claims(tmp_path / "claims.x12", locality="national")
    assert lines["prior_authorization"].to_list() == ["PA-CLAIM", "PA-LINE", None, None]


def test_a_line_of_another_provider_without_specialty_has_that_of_the_billing_provider(tmp_path: Path) -> None:
    text = with_segment_count(replace_text("PRV*PE*PXC*363LM~\n", ""), 39)
    (tmp_path / "claims.x12").write_text(text)
    lines, _ = read_claims(tmp_path / "claims.x12", locality="national")
    assert lines.select("provider", "specialty").row(1) == ("1666666663", "207N00000X")


# The file as a whole


def test_without_a_locality_the_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    assert messages_of(tmp_path, TEXT, locality=None) == [
        "an 837 does not say the locality: give it (--locality), as mac-locality, such as 01112-05, or national"
    ]


def test_a_missing_locality_is_reported_with_all_other_faults(tmp_path: Path) -> None:
    assert messages_of(tmp_path, replace_text("DTP*472*D8*20260720", "DTP*472*D8*20260732"), locality=None) == [
        "an 837 does not say the locality: give it (--locality), as mac-locality, such as 01112-05, or national",
        (
            "segment 41 DTP claim B2, line 1: date_of_service: expected a day that exists, as CCYYMMDD, in DTP03, "
            "found text like 99999999"
        ),
    ]


ENVELOPES = {
    "wrong segment count": (
        ("SE*40*0001", "SE*41*0001"),
        ["segment 42 SE: expected 40 segments in SE01, found 41"],
    ),
    "wrong count of transaction sets": (
        ("GE*2*1", "GE*1*1"),
        ["segment 56 GE: expected 2 transaction sets in GE01, found 1"],
    ),
    "wrong count of groups": (
        ("IEA*1*", "IEA*3*"),
        ["segment 57 IEA: expected 1 functional groups in IEA01, found 3"],
    ),
    "another control number of the transaction set": (
        ("SE*40*0001", "SE*40*0009"),
        ["segment 42 SE: expected the control number of the ST before it, found another"],
    ),
    "another control number of the group": (
        ("GE*2*1", "GE*2*9"),
        ["segment 56 GE: expected the control number of the GS before it, found another"],
    ),
    "another control number of the interchange": (
        ("IEA*1*000000001", "IEA*1*000000009"),
        ["segment 57 IEA: expected the control number of the ISA before it, found another"],
    ),
    "one control number for two transaction sets": (
        ("ST*837*0002", "ST*837*0001"),
        [
            "segment 43 ST: expected a control number of its own, found that of an earlier transaction set",
            "segment 55 SE: expected the control number of the ST before it, found another",
        ],
    ),
    "a level without its parent": (
        ("HL*3*1*22", "HL*3*7*22"),
        ["segment 33 HL: expected an earlier, open level in HL02, found another"],
    ),
    "a level whose parent another level of the top has ended": (
        ("HL*3*1*22*0~\n", "HL*3**20*1~\nNM1*85*2*OTHER CLINIC*****XX*1999999984~\nHL*4*1*22*0~\n"),
        [
            "segment 35 HL: expected an earlier, open level in HL02, found another",
            "segment 44 SE: expected 42 segments in SE01, found 40",
        ],
    ),
    "a level of another kind": (
        ("HL*3*1*22", "HL*3*1*24"),
        ["segment 33 HL: expected level 20, 22 or 23 in HL03, found 24"],
    ),
    "another guide": (
        ("HC*SENDER*RECEIVER*20260801*1200*1*X*005010X222A1", "HC*SENDER*RECEIVER*20260801*1200*1*X*005010X223A2"),
        ["segment 2 GS: expected 005010X222A1 in GS08, found 005010X223A2"],
    ),
    "another transaction set": (
        ("ST*837*0001*005010X222A1", "ST*835*0001*005010X221A1"),
        ["segment 3 ST: expected 837 and 005010X222A1, found 835 005010X221A1"],
    ),
    "another version of the interchange": (
        ("*00501*000000001", "*00200*000000001"),
        ["segment 1: expected an ISA segment of 106 characters, version 00501, found otherwise"],
    ),
    "an ISA of another length": (
        ("*SENDER         *", "*SENDER*"),
        ["segment 1: expected an ISA segment of 106 characters, version 00501, found otherwise"],
    ),
    "no terminator at the end": (
        ("IEA*1*000000001~", "IEA*1*000000001"),
        [
            "segment 56: expected IEA after its ISA, found the end of what can be read",
            "segment 56: expected a segment and its terminator after it, found an empty or unended one",
        ],
    ),
    "a segment that is none": (
        ("N3*1 MAIN ST~", "JANE DOE~"),
        [
            "segment 11: expected a segment identifier at its beginning, found otherwise",
            "segment 11: expected elements, found none",
        ],
    ),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_a_broken_envelope_is_reported_by_segment(tmp_path: Path, name: str) -> None:
    (old, new), says = ENVELOPES[name]
    messages = messages_of(tmp_path, replace_text(old, new))
    assert sorted(message for message in messages if " claim " not in message) == sorted(says)


def test_what_cannot_be_read_to_the_end_is_refused(tmp_path: Path) -> None:
    """pyx12 ends at an empty segment: what follows is not lost without a word."""
    assert [
        message for message in messages_of(tmp_path, replace_text("LX*2~", "LX*2~~")) if " claim " not in message
    ] == [
        "segment 28: expected GE after its GS, found the end of what can be read",
        "segment 28: expected IEA after its ISA, found the end of what can be read",
        "segment 28: expected SE after its ST, found the end of what can be read",
        "segment 28: expected a segment and its terminator after it, found an empty or unended one",
    ]


def test_a_trailer_without_its_header_is_reported(tmp_path: Path) -> None:
    messages = messages_of(tmp_path, replace_text("GS*HC*SENDER*RECEIVER*20260801*1200*1*X*005010X222A1~\n", ""))
    assert messages == ["segment 55: expected the header (ISA, GS, ST) of the envelope that ends here, found none"]


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    messages = messages_of(tmp_path, TEXT[: TEXT.index("HL*3*1*22")])
    assert "segment 32: expected SE after its ST, found the end of what can be read" in messages


ENVELOPES_THAT_TOUCH_NO_CLAIM = {
    "the count of segments": (("SE*40*0001", "SE*41*0001"), "segment 42 SE", "40 segments in SE01"),
    "the count of transaction sets": (("GE*2*1", "GE*3*1"), "segment 56 GE", "2 transaction sets in GE01"),
    "a trailer's control number": (
        ("IEA*1*000000001", "IEA*1*000000009"),
        "segment 57 IEA",
        "the control number of the ISA before it",
    ),
    "numbers of levels": (("HL*3*1*22*0", "HL*7*1*22*0"), "segment 33 HL", "the next number in HL01"),
}


@pytest.mark.parametrize("name", ENVELOPES_THAT_TOUCH_NO_CLAIM)
def test_an_envelope_fault_that_touches_no_claim_is_refused_or_reported(tmp_path: Path, name: str) -> None:
    (old, new), place, expected = ENVELOPES_THAT_TOUCH_NO_CLAIM[name]
    path = tmp_path / "claims.x12"
    path.write_text(replace_text(old, new))
    lines, [rejects] = read_files([path], locality=LOCALITY, skip_bad_claims=True)
    assert_frame_equal(lines, LINES)
    assert (rejects.claims, rejects.lines) == (0, 0)
    assert rejects.faults.select("place", "claim_id", "field", "expected").rows() == [
        (place, None, "envelope", expected)
    ]
    with pytest.raises(BadInput) as error:
        read_files([path], locality=LOCALITY)
    assert str(error.value.faults[0]).startswith(f"claims.x12: {place}: expected {expected}, found ")


def test_a_subscriber_that_lost_its_level_stops_the_file_whatever_is_asked(tmp_path: Path) -> None:
    """Without HL*3 the second subscriber's claims would be the first one's."""
    path = tmp_path / "claims.x12"
    path.write_text(replace_text("HL*3*1*22*0~\n", ""))
    with pytest.raises(BadInput) as error:
        read_files([path], locality=LOCALITY, skip_bad_claims=True)
    says = [fault.says for fault in error.value.faults]
    assert "segment 33 SBR: expected an HL before it, found none" in says


def test_faults_are_in_the_order_of_segments_as_numbers(tmp_path: Path) -> None:
    messages = messages_of(
        tmp_path, replace_text("GS*HC*SENDER", "GS*HC*SENDER").replace("005010X222A1", "005010X223A2")
    )
    assert [message.split(":")[0] for message in messages[:3]] == ["segment 2 GS", "segment 3 ST", "segment 43 ST"]


@pytest.mark.parametrize("errata", ["005010X222", "005010X222A2"])
def test_the_guide_is_read_with_any_of_its_errata(tmp_path: Path, errata: str) -> None:
    (tmp_path / "claims.x12").write_text(TEXT.replace("005010X222A1", errata))
    assert_frame_equal(read_claims(tmp_path / "claims.x12", locality=LOCALITY)[0], LINES)


def test_claims_are_read_some_at_once_as_all_at_once() -> None:
    whole = pl.concat([raw for raw, _ in X12Claims(StringIO(TEXT)).chunks()]).drop("claim_number")
    pieces = [raw for raw, _ in X12Claims(StringIO(TEXT)).chunks(claims_at_once=1)]
    assert [piece["claim_id"].unique().to_list() for piece in pieces] == [["A1"], ["B2"], ["C3"]]
    assert_frame_equal(pl.concat(pieces).drop("claim_number"), whole)


def test_a_service_line_outside_claims_is_refused(tmp_path: Path) -> None:
    messages = messages_of(tmp_path, with_segment_count(replace_text("CLM*B2*90***11:B:1*Y*A*Y*Y~\n", ""), 39))
    assert messages == [
        "segment 38 LX: expected a CLM before it, found none",
        "segment 39 SV1: expected a CLM before it, found none",
    ]


def test_a_file_without_claims_is_refused(tmp_path: Path) -> None:
    head = "".join(TEXT.splitlines(keepends=True)[:4])
    assert messages_of(tmp_path, f"{head}SE*3*0001~GE*1*1~IEA*1*000000001~") == ["expected claims (CLM), found none"]


# Claims


CLAIM_FAULTS = {
    "missing SV1": (
        ("SV1*HC:17000*200*UN*2*22**1~\n", ""),
        39,
        [
            "segment 28 LX claim A1, line 2: hcpcs: expected one SV1 after it, found nothing",
            "segment 28 LX claim A1, line 2: units: expected one SV1 after it, found nothing",
        ],
    ),
    "two SV1 on a line": (
        ("SV1*HC:17000*200*UN*2*22**1~\n", "SV1*HC:17000*200*UN*2*22**1~\nSV1*HC:17003*200*UN*2*22**1~\n"),
        41,
        [
            'segment 28 LX claim A1, line 2: hcpcs: expected one SV1 after it, found "2"',
            'segment 28 LX claim A1, line 2: units: expected one SV1 after it, found "2"',
        ],
    ),
    "a date that does not exist": (
        ("DTP*472*D8*20260715", "DTP*472*D8*20260230"),
        40,
        [
            (
                "segment 27 DTP claim A1, line 1: date_of_service: expected a day that exists, as CCYYMMDD, in DTP03, "
                "found text like 99999999"
            )
        ],
    ),
    "one day in the form of two": (
        ("RD8*20260715-20260716", "RD8*20260715"),
        40,
        [
            (
                "segment 30 DTP claim A1, line 2: date_of_service: "
                "expected two days that exist, as CCYYMMDD-CCYYMMDD, in DTP03, found text like 99999999"
            )
        ],
    ),
    "days the wrong way round": (
        ("RD8*20260715-20260716", "RD8*20260716-20260715"),
        40,
        [
            (
                "segment 30 DTP claim A1, line 2: through_date: expected a last day not before the first in DTP03, "
                "found text like 99999999-99999999"
            )
        ],
    ),
    "another form of date": (
        ("DTP*472*D8*20260715", "DTP*472*TM*1200"),
        40,
        ['segment 27 DTP claim A1, line 1: date_of_service: expected D8 or RD8 in DTP02, found "TM"'],
    ),
    "no date": (
        ("DTP*472*D8*20260715~\n", ""),
        39,
        ["segment 25 LX claim A1, line 1: date_of_service: expected one DTP*472 after it, found nothing"],
    ),
    "another kind of code": (
        ("SV1*HC:17000", "SV1*ER:17000"),
        40,
        ['segment 29 SV1 claim A1, line 2: hcpcs: expected qualifier HC in SV101-1, found "ER"'],
    ),
    "a subscriber who is another than the patient": (
        ("SBR*P*18*******MB~\nNM1*IL*1*DOE", "SBR*P*01*******MB~\nNM1*IL*1*DOE"),
        40,
        ['segment 15 SBR claim A1: beneficiary: expected 18, the patient is the subscriber, in SBR02, found "01"'],
    ),
    "another component separator than in ISA16": (
        ("SV1*HC:17000", "SV1*HC>17000"),
        40,
        [
            (
                "segment 29 SV1 claim A1, line 2: hcpcs: expected qualifier HC in SV101-1, and after it the component "
                "separator that ISA16 names, found text like AA>99999"
            )
        ],
    ),
    "another unit": (
        ("200*UN*2", "200*F2*2"),
        40,
        ['segment 29 SV1 claim A1, line 2: units: expected UN or MJ in SV103, found "F2"'],
    ),
    "malformed code, modifiers, units, charge and place": (
        ("SV1*HC:17000*200*UN*2*22**1", "SV1*HC:1700:5*2OO*UN*2.5*2**1"),
        40,
        [
            (
                "segment 29 SV1 claim A1, line 2: charge: expected dollars from 0, with at most two decimals, "
                "found text like 9AA"
            ),
            (
                "segment 29 SV1 claim A1, line 2: hcpcs: expected five characters, digits or capital letters, "
                "found text like 9999"
            ),
            (
                "segment 29 SV1 claim A1, line 2: modifiers: expected up to four modifiers of two characters, "
                'digits or capitals, found "5"'
            ),
            'segment 29 SV1 claim A1, line 2: place_of_service: expected two digits, found "2"',
            "segment 29 SV1 claim A1, line 2: units: expected a whole number, found text like 9.9",
        ],
    ),
    "a pointer to no diagnosis": (
        ("UN*2*22**1~", "UN*2*22**1:3~"),
        40,
        [
            (
                "segment 29 SV1 claim A1, line 2: diagnosis_pointers: "
                'expected places in the claim\'s diagnoses, found "1 3", and 2 diagnoses'
            )
        ],
    ),
    "no lines": (
        ("LX*1~\nSV1*HC:99213:25*90*UN*1***1~\nDTP*472*D8*20260720~\n", ""),
        37,
        ["segment 37 CLM claim B2: lines: expected at least one service line (LX) after it, found nothing"],
    ),
    "no identifier of the beneficiary": (
        ("NM1*IL*1*LOE*LOUIS****MI*BENE-TWO~", "NM1*IL*1*LOE*LOUIS~"),
        40,
        [
            (
                "segment 35 NM1 claim B2: beneficiary: expected the subscriber's identifier in NM109 of NM1*IL, "
                "found nothing"
            )
        ],
    ),
    "a patient who is not the subscriber": (
        (
            "NM1*PR*2*MEDICARE*****PI*01112~\nCLM*B2",
            "NM1*PR*2*MEDICARE*****PI*01112~\nHL*4*3*23*0~\nNM1*QC*1*LOE*LEA~\nCLM*B2",
        ),
        42,
        [
            (
                "segment 37 HL claim B2: beneficiary: expected no patient apart from the subscriber, as in Medicare, "
                'found "23"'
            )
        ],
    ),
    "a void claim": (
        ("CLM*B2*90***11:B:1", "CLM*B2*90***11:B:8"),
        40,
        ['segment 37 CLM claim B2: frequency: expected 1, an original claim, in CLM05-3, found "8"'],
    ),
    "no claim identifier": (
        ("CLM*B2*90", "CLM**90"),
        40,
        ["segment 37 CLM: claim_id: expected an identifier in CLM01, found nothing"],
    ),
    "one claim identifier twice": (
        ("CLM*B2*90", "CLM*C3*90"),
        40,
        [
            "segment 40 SV1 claim C3, line 1: line: expected each line number once in a claim, found 2 times",
            (
                "segment 53 SV1 claim C3, line 1: beneficiary: expected one beneficiary in a claim, "
                "found another than on the claim's first line"
            ),
            "segment 53 SV1 claim C3, line 1: line: expected each line number once in a claim, found 2 times",
        ],
    ),
}


@pytest.mark.parametrize("name", CLAIM_FAULTS)
def test_a_malformed_claim_is_reported_by_segment(tmp_path: Path, name: str) -> None:
    (old, new), count, says = CLAIM_FAULTS[name]
    assert messages_of(tmp_path, with_segment_count(replace_text(old, new), count)) == says


def test_a_malformed_claim_is_set_aside_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "claims.x12"
    path.write_text(replace_text("DTP*472*D8*20260715", "DTP*472*D8*20260230"))
    lines, rejects = read_claims(path, locality=LOCALITY)
    assert_frame_equal(lines, LINES[2:])
    assert (rejects.claims, rejects.lines) == (1, 2)


def test_all_faults_of_a_file_are_reported_together_and_no_name_or_identifier(tmp_path: Path) -> None:
    text = replace_text("SE*40*0001", "SE*41*0001").replace("HC:17000", "HC:1700").replace("D8*20260720", "D8*DOE")
    messages = messages_of(tmp_path, text)
    assert messages == [
        (
            "segment 29 SV1 claim A1, line 2: hcpcs: expected five characters, digits or capital letters, "
            "found text like 9999"
        ),
        (
            "segment 41 DTP claim B2, line 1: date_of_service: expected a day that exists, as CCYYMMDD, in DTP03, "
            "found text like AAA"
        ),
        "segment 42 SE: expected 40 segments in SE01, found 41",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "ST*837*0001",
            "ST*SMITHSON*0001",
            "segment 3 ST: expected 837 and 005010X222A1, found another value 005010X222A1",
        ),
        (
            "HL*3*1*22*0",
            "HL*3*1*1EG4TE5MK73*0",
            "segment 33 HL: expected level 20, 22 or 23 in HL03, found another value",
        ),
        ("ST*837*0001", "ST*835*0001", "segment 3 ST: expected 837 and 005010X222A1, found 835 005010X222A1"),
    ],
)
def test_a_value_that_is_no_code_of_the_guide_is_not_shown(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert messages_of(tmp_path, replace_text(old, new))[0] == says


def test_no_patient_is_named_whatever_is_malformed(tmp_path: Path) -> None:
    """Every segment is broken in turn, in two ways: by a name in place of its identifier, and by its loss."""
    segments = TEXT.splitlines(keepends=True)
    path = tmp_path / "claims.x12"
    for place in range(1, len(segments)):
        for instead in (["JANE DOE*BENE-ONE~\n"], []):
            path.write_text("".join([*segments[:place], *instead, *segments[place + 1 :]]))
            says = _message_text(path)
            assert "DOE" not in says
            assert "BENE-" not in says
            assert says


def _message_text(path: Path) -> str:
    try:
        return "".join(map(str, faults_of(read_claims(path, locality=LOCALITY)[1])))
    except BadInput as error:
        return str(error)
