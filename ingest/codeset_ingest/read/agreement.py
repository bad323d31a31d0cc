"""What must agree between the tables of one release: their localities, and OPPS caps with RVUs, GPCIs and factor."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import polars as pl

from codeset.errors import Fault
from codeset.snapshot import Snapshot
from codeset_ingest.read.acceptance import AcceptableFault
from codeset_ingest.read.table import Reading

_SAME_LOCALITIES = ("anesthesia", "locality_county", "zip_locality")
"""Tables with exactly the localities of the GPCI (109 in each of 2024 to 2026)."""

WITH_LOCALITIES = ("gpci", *_SAME_LOCALITIES, "oppscap")
"""Tables with localities."""

_CENT = 0.0101
"""Dollars by which a cap may differ from what it follows from: a cent, and the last bits of binary fractions."""


def localities_agree(tables: Mapping[str, pl.DataFrame]) -> Iterator[AcceptableFault]:
    """The localities of all tables are those of the GPCI; OPPSCAP has six more (old numbers of California's)."""
    if "gpci" not in tables:
        return
    expected = _localities(tables["gpci"])
    for table in WITH_LOCALITIES[1:]:
        if table not in tables:
            continue
        own = _localities(tables[table])
        missing, unknown = sorted(expected - own), sorted(own - expected)
        if missing:
            message = f"{len(missing)} localities of the GPCI are not in it: {_first(missing)}"
            yield AcceptableFault(table, 0, message, f"localities:{table}")
        if unknown and table != "oppscap":
            message = f"{len(unknown)} of its localities are not in the GPCI: {_first(unknown)}"
            yield AcceptableFault(table, 0, message, f"localities:{table}")


def _localities(rows: pl.DataFrame) -> set[tuple[str, str]]:
    return set(rows.select(pl.col("mac", "locality").cast(pl.String)).unique().iter_rows())


def _first(localities: list[tuple[str, str]]) -> str:
    shown = ", ".join("-".join(locality) for locality in localities[:6])
    return shown + (" ..." if len(localities) > 6 else "")


def addenda_agree(reading: Reading, before: Snapshot | None) -> Iterator[Fault]:
    """What the addenda say of the edition before is what the release before holds, if it holds as many codes.

    With another number of valid codes it is not the edition that the addenda start from.
    """
    if reading.before is None or before is None:
        return
    addenda, ours = (
        rows.select("diagnosis", "billable", "title") for rows in (reading.before, before.table("diagnosis"))
    )
    # Addenda change the edition that was in force; where October and April of a fiscal year differ, the store may hold
    # the other one, which is no witness.
    if addenda["billable"].sum() != ours["billable"].sum():
        return
    for here, there, message in ((ours, addenda, "is in"), (addenda, ours, "is not in")):
        differing = here.join(there, on=here.columns, how="anti", maintain_order="left")
        for row in differing.head(1).iter_rows(named=True):
            what = f"{row['diagnosis']} {message} {before.release} with this flag and title; the addenda say otherwise"
            yield Fault(", ".join(reading.names), 0, f"{what} ({differing.height} such codes)")


def notes_are_of_the_edition(tables: Mapping[str, pl.DataFrame]) -> Iterator[AcceptableFault]:
    """The codes that excludes notes are under are those of the order file (holds on April 2026's list)."""
    if not {"excludes", "diagnosis"} <= set(tables):
        return
    under = tables["excludes"].filter(~pl.col("diagnosis").cast(pl.String).str.contains("-"))
    known = tables["diagnosis"]["diagnosis"].cast(pl.String)
    other = under.filter(~pl.col("diagnosis").cast(pl.String).is_in(known.implode()))
    for row in other.head(1).iter_rows(named=True):
        message = f"{row['diagnosis']} has an excludes note, and is not in the order file ({other.height} such notes): "
        message += "the tabular list is of another edition"
        yield AcceptableFault("excludes", 0, message, "edition:excludes")


def caps_follow(tables: Mapping[str, pl.DataFrame], factors: Iterable[Decimal]) -> Iterator[AcceptableFault]:
    """A cap on the technical component is (OPPS PE x PE GPCI + OPPS MP x MP GPCI) x factor, within a cent.

    Holds on every TC row of 2024 and 2025 whose locality is in the GPCI (9,047 and 8,393), in both settings; with the
    RVUs of another year on 71 of 9,047. So it tells the year of a file that states none.
    """
    if not {"oppscap", "mpfs", "gpci"} <= set(tables):
        return
    rows = _technical_rows(tables)
    # Which factor the caps rest on the file does not say; QP and non-QP have one each, and 2024 had two.
    wrong = min((_off(rows, factor) for factor in factors), key=lambda off: off.height, default=rows.clear())
    if wrong.height:
        row = wrong.row(0, named=True)
        first = f"{row['hcpcs']} in {row['mac']}-{row['locality']}: {row['nonfacility_amount']}"
        message = (
            f"{wrong.height:,} of {rows.height:,} caps on technical components do not follow from OPPS RVUs, GPCI and "
            f"conversion factor (first: {first}). The file may be of another year"
        )
        yield AcceptableFault("oppscap", 0, message, "caps:oppscap")


def _technical_rows(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The TC rows of OPPSCAP, with the sum that the factor is multiplied with in each setting."""
    rvus = ["opps_nonfacility_pe_rvu", "opps_facility_pe_rvu", "opps_mp_rvu"]
    keys = pl.col("hcpcs", "modifier", "mac", "locality")
    caps = tables["oppscap"].filter(pl.col("modifier") == "TC")
    caps = caps.select(keys.cast(pl.String), "nonfacility_amount", "facility_amount")
    mpfs = tables["mpfs"].select(pl.col("hcpcs", "modifier").cast(pl.String), *rvus)
    gpci = tables["gpci"].select(pl.col("mac", "locality").cast(pl.String), "pe_gpci", "mp_gpci")
    rows = caps.join(mpfs, on=["hcpcs", "modifier"], maintain_order="left")
    rows = rows.join(gpci, on=["mac", "locality"], maintain_order="left")
    return rows.with_columns(
        (_number(f"opps_{setting}_pe_rvu") * _number("pe_gpci") + _number("opps_mp_rvu") * _number("mp_gpci")).alias(
            f"{setting}_sum"
        )
        for setting in ("nonfacility", "facility")
    )


def _off(rows: pl.DataFrame, factor: Decimal) -> pl.DataFrame:
    """The rows in which a cap is not the sum times *factor*."""
    return rows.filter(
        pl.any_horizontal(
            (_number(f"{setting}_sum") * float(factor) - _number(f"{setting}_amount")).abs() > _CENT
            for setting in ("nonfacility", "facility")
        )
    )


def _number(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Float64)
