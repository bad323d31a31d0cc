"""Claim lines and small code sets for the tests of the price: the words that they share."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from codeset.claims.engine.code_set import CodeSet
from codeset.claims.pricing.derivation import derivation
from codeset.claims.pricing.price import LinePrices, price
from codeset.participants import Participant

JULY = date(2026, 7, 1)
_FIRST, _LAST = date(2026, 7, 1), date(2026, 9, 30)

_CODE = pl.String()
_LINES: dict[str, Any] = {
    "release": pl.UInt16(),
    "payable": pl.Boolean(),
    "beneficiary": _CODE,
    "provider": _CODE,
    "claim_id": _CODE,
    "line": pl.Int32(),
    "date_of_service": pl.Date(),
    "hcpcs": _CODE,
    "modifiers": _CODE,
    "units": pl.Int32(),
    "place_of_service": _CODE,
    "locality": _CODE,
    "charge_cents": pl.Int64(),
    "practitioner_share": pl.Int64(),
}
_FEES: dict[str, Any] = {
    "release": pl.UInt16(),
    **dict.fromkeys(("hcpcs", "modifier", "status_code", "pctc_indicator", "global_days"), _CODE),
    **dict.fromkeys(("work_rvu", "nonfacility_pe_rvu", "facility_pe_rvu", "mp_rvu"), pl.Int64()),
    **dict.fromkeys(("opps_nonfacility_pe_rvu", "opps_facility_pe_rvu", "opps_mp_rvu"), pl.Int64()),
    **dict.fromkeys(("nonfacility_na", "facility_na"), pl.Boolean()),
    **{f"{part}operative_percentage": pl.Int64() for part in ("pre", "intra", "post")},
    **dict.fromkeys(("multiple_procedure", "bilateral_surgery", "assistant_surgery"), _CODE),
    **dict.fromkeys(("co_surgery", "team_surgery", "endoscopic_base"), _CODE),
}


def hundredths(number: str) -> int:
    """Return *number* as CMS prints it in whole hundredths."""
    return int(Decimal(number) * 100)


def fee(hcpcs: str, work: str, pe: str, mp: str, modifier: str = "", **others: Any) -> dict[str, Any]:
    """Return a row of the fee schedule; *pe* holds in both settings unless `facility_pe` is given."""
    usual = {
        "release": 0,
        "status_code": "A",
        "pctc_indicator": "0",
        "global_days": "000",
        **dict.fromkeys(("preoperative_percentage", "intraoperative_percentage", "postoperative_percentage"), 0),
        **dict.fromkeys(("opps_nonfacility_pe_rvu", "opps_facility_pe_rvu", "opps_mp_rvu"), 0),
        "nonfacility_na": False,
        "facility_na": False,
        "multiple_procedure": "0",
        **dict.fromkeys(("bilateral_surgery", "assistant_surgery", "co_surgery", "team_surgery"), "0"),
        "endoscopic_base": None,
    }
    rvus = {
        "work_rvu": hundredths(work),
        "nonfacility_pe_rvu": hundredths(pe),
        "facility_pe_rvu": hundredths(others.pop("facility_pe", pe)),
        "mp_rvu": hundredths(mp),
    }
    return usual | {"hcpcs": hcpcs, "modifier": modifier} | rvus | others


_Factor = tuple[int, date, date, Participant | None, int]


def factor(
    value: str, first: date = _FIRST, last: date = _LAST, release: int = 0, participant: Participant | None = None
) -> _Factor:
    """Return a conversion factor."""
    return release, first, last, participant, int(Decimal(value) * 10_000)


def code_set(
    *fees: dict[str, Any],
    factors: tuple[_Factor, ...] = (factor("33.4009", participant=Participant.NON_QP),),
    gpci: tuple[tuple[str, str, int, int, int], ...] = (),
    releases: int = 1,
) -> CodeSet:
    """Return a code set of these rows; the third quarter of 2026 with 33.4009, unless given."""
    rows_of_table = {
        "releases": pl.DataFrame(
            {
                "release": list(range(releases)),
                "first": min((first for _, first, *_ in factors), default=_FIRST),
                "last": max((last for _, _, last, *_ in factors), default=_LAST),
            },
            schema={"release": pl.UInt16, "first": pl.Date, "last": pl.Date},
        ),
        "fees": pl.DataFrame(list(fees), schema=_FEES),
        "factors": pl.DataFrame(
            list(factors),
            schema={
                "release": pl.UInt16,
                "factor_first": pl.Date,
                "factor_last": pl.Date,
                "participant": pl.Enum(Participant),
                "conversion_factor": pl.Int64,
            },
            orient="row",
        ),
        "gpci": pl.DataFrame(
            [(0, *indices) for indices in gpci],
            schema={
                "release": pl.UInt16,
                "mac": pl.String,
                "locality": pl.String,
                "work_gpci": pl.Int64,
                "pe_gpci": pl.Int64,
                "mp_gpci": pl.Int64,
            },
            orient="row",
        ),
    }
    return CodeSet(
        rows_of_table["releases"],
        rows_of_table["factors"],
        {"mpfs": rows_of_table["fees"], "gpci": rows_of_table["gpci"]},
    )


def line(hcpcs: str, modifiers: str = "", units: int = 1, pos: str | None = "11", **others: Any) -> dict[str, Any]:
    """Return a claim line: of one patient, practitioner and day in July 2026, nationally priced; *others* differ."""
    usual = {
        "release": 0,
        "payable": True,
        "beneficiary": "patient",
        "provider": "practitioner",
        "claim_id": "claim",
        "date_of_service": JULY,
        "locality": "national",
        "charge_cents": None,
        "practitioner_share": None,
    }
    service = {"hcpcs": hcpcs, "modifiers": modifiers, "units": units, "place_of_service": pos}
    return usual | service | others


def frame(*lines: dict[str, Any]) -> pl.DataFrame:
    """Return *lines* as the price reads them; those without `line` are numbered in order."""
    numbered_lines = [{"line": place} | fields for place, fields in enumerate(lines, 1)]
    visit = pl.struct("beneficiary", "provider", "date_of_service").rank("dense").cast(pl.UInt32)
    row = pl.struct("claim_id", "line").rank("ordinal").cast(pl.UInt32) - 1
    return pl.DataFrame(numbered_lines, schema=_LINES).with_columns(visit.alias("visit"), row.alias("row"))


def run(codes: CodeSet, *lines: dict[str, Any], participant: Participant = Participant.NON_QP) -> LinePrices:
    """Price *lines*."""
    return price(frame(*lines), codes, participant=participant)


def amounts(
    codes: CodeSet, *lines: dict[str, Any], participant: Participant = Participant.NON_QP
) -> list[dict[str, Any]]:
    """Return a row of amounts for each payable line, in order."""
    return run(codes, *lines, participant=participant).amounts.to_dicts()


def allowed_cents(
    codes: CodeSet, *lines: dict[str, Any], participant: Participant = Participant.NON_QP
) -> list[int | None]:
    """Return the allowed cents of each payable line, in order."""
    return [amount["allowed_cents"] for amount in amounts(codes, *lines, participant=participant)]


def sentences(price_result: LinePrices, row: int = 0) -> list[str]:
    """Return the derivation of one line."""
    return derivation(price_result.amounts.filter(row=row).row(0, named=True), price_result.steps)


EXCISION = fee("11642", "2.55", "5.14", "0.30", facility_pe="1.78", multiple_procedure="2", global_days="010")
REPAIR = fee("13132", "4.66", "8.67", "0.51", facility_pe="2.35", multiple_procedure="2", global_days="010")
BIOPSY = fee("11102", "0.64", "2.16", "0.06", facility_pe="0.20", multiple_procedure="2")
DESTRUCTION = fee("17000", "0.59", "1.34", "0.06", facility_pe="0.78", multiple_procedure="2", global_days="010")
MORE_LESIONS = fee("17003", "0.04", "0.15", "0.00", facility_pe="0.01", global_days="ZZZ")
MOHS_STAGE = fee("17312", "3.22", "8.51", "0.33", facility_pe="1.03", global_days="ZZZ")
FLAP = fee(
    "14040",
    "8.39",
    "13.51",
    "1.07",
    facility_pe="6.89",
    multiple_procedure="2",
    global_days="090",
    preoperative_percentage=10,
    intraoperative_percentage=71,
    postoperative_percentage=19,
    assistant_surgery="1",
)
"""Rows of PPRRVU2026_Jul_nonQPP. At 33.4009 nationally, in an office: 11642 7.99 RVUs = 266.87, 13132 13.84 = 462.27,
11102 2.86 = 95.53, 17000 1.99 = 66.47, 17003 0.19 = 6.35, 17312 12.06 = 402.81, 14040 22.97 = 767.22 dollars; in a
facility: 11102 0.90 = 30.06, 13132 7.52 = 251.17, 14040 16.35 = 546.10."""

DERM = code_set(EXCISION, REPAIR, BIOPSY, DESTRUCTION, MORE_LESIONS, MOHS_STAGE, FLAP)
