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
    gpci_localities = _localities(tables["gpci"])
    for table_name in WITH_LOCALITIES[1:]:
        if table_name not in tables:
            continue
        own_localities = _localities(tables[table_name])
        missing_localities = sorted(gpci_localities - own_localities)
        unknown_localities = sorted(own_localities - gpci_localities)
        if missing_localities:
            message = (
                f"{len(missing_localities)} localities of the GPCI are not in it: "
                f"{_first_localities(missing_localities)}"
            )
            yield AcceptableFault(table_name, 0, message, f"localities:{table_name}")
        if unknown_localities and table_name != "oppscap":
            message = (
                f"{len(unknown_localities)} of its localities are not in the GPCI: "
                f"{_first_localities(unknown_localities)}"
            )
            yield AcceptableFault(table_name, 0, message, f"localities:{table_name}")


def _localities(table_rows: pl.DataFrame) -> set[tuple[str, str]]:
    return set(table_rows.select(pl.col("mac", "locality").cast(pl.String)).unique().iter_rows())


def _first_localities(localities: list[tuple[str, str]]) -> str:
    shown = ", ".join("-".join(locality) for locality in localities[:6])
    return shown + (" ..." if len(localities) > 6 else "")


def addenda_agree(reading: Reading, previous_snapshot: Snapshot | None) -> Iterator[Fault]:
    """What the addenda say of the edition before is what the release before holds, if it holds as many codes.

    With another number of valid codes it is not the edition that the addenda start from.
    """
    if reading.before is None or previous_snapshot is None:
        return
    rows_of_addenda, rows_of_ours = (
        rows.select("diagnosis", "billable", "title") for rows in (reading.before, previous_snapshot.table("diagnosis"))
    )
    # Addenda change the edition that was in force; where October and April of a fiscal year differ, the store may hold
    # the other one, which is no witness.
    if rows_of_addenda["billable"].sum() != rows_of_ours["billable"].sum():
        return
    for first_rows, second_rows, relation_text in (
        (rows_of_ours, rows_of_addenda, "is in"),
        (rows_of_addenda, rows_of_ours, "is not in"),
    ):
        differing = first_rows.join(second_rows, on=first_rows.columns, how="anti", maintain_order="left")
        for differing_row in differing.head(1).iter_rows(named=True):
            fault_text = (
                f"{differing_row['diagnosis']} {relation_text} {previous_snapshot.release} with this flag and title; "
                "the addenda say otherwise"
            )
            yield Fault(", ".join(reading.names), 0, f"{fault_text} ({differing.height} such codes)")


def notes_are_of_the_edition(tables: Mapping[str, pl.DataFrame]) -> Iterator[AcceptableFault]:
    """The codes that excludes notes are under are those of the order file (holds on April 2026's list)."""
    if not {"excludes", "diagnosis"} <= set(tables):
        return
    # A note of a chapter or section is kept under a range, which is no code of the order file.
    coded_notes = tables["excludes"].filter(~pl.col("diagnosis").cast(pl.String).str.contains("-"))
    known_diagnoses = tables["diagnosis"]["diagnosis"].cast(pl.String)
    stray_notes = coded_notes.filter(~pl.col("diagnosis").cast(pl.String).is_in(known_diagnoses.implode()))
    for stray_note in stray_notes.head(1).iter_rows(named=True):
        message = (
            f"{stray_note['diagnosis']} has an excludes note, and is not in the order file ({stray_notes.height} "
            "such notes): "
        )
        message += "the tabular list is of another edition"
        yield AcceptableFault("excludes", 0, message, "edition:excludes")


def caps_follow(tables: Mapping[str, pl.DataFrame], factor_values: Iterable[Decimal]) -> Iterator[AcceptableFault]:
    """A cap on the technical component is (OPPS PE x PE GPCI + OPPS MP x MP GPCI) x factor, within a cent.

    Holds on every TC row of 2024 and 2025 whose locality is in the GPCI (9,047 and 8,393), in both settings; with the
    RVUs of another year on 71 of 9,047. So it tells the year of a file that states none.
    """
    if not {"oppscap", "mpfs", "gpci"} <= set(tables):
        return
    technical_rows = _technical_rows(tables)
    # Which factor the caps rest on the file does not say; QP and non-QP have one each, and 2024 had two.
    wrong_caps = min(
        (_rows_off_factor(technical_rows, factor_value) for factor_value in factor_values),
        key=lambda off_rows: off_rows.height,
        default=technical_rows.clear(),
    )
    if wrong_caps.height:
        wrong_cap = wrong_caps.row(0, named=True)
        first_example = (
            f"{wrong_cap['hcpcs']} in {wrong_cap['mac']}-{wrong_cap['locality']}: {wrong_cap['nonfacility_amount']}"
        )
        message = (
            f"{wrong_caps.height:,} of {technical_rows.height:,} caps on technical components do not follow from "
            "OPPS RVUs, GPCI and "
            f"conversion factor (first: {first_example}). The file may be of another year"
        )
        yield AcceptableFault("oppscap", 0, message, "caps:oppscap")


def _technical_rows(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The TC rows of OPPSCAP, with the sum that the factor is multiplied with in each setting."""
    rvu_columns = ["opps_nonfacility_pe_rvu", "opps_facility_pe_rvu", "opps_mp_rvu"]
    key_columns = pl.col("hcpcs", "modifier", "mac", "locality")
    # The cap is on the technical component: a row of the whole service has the physician's part in it.
    cap_rows = tables["oppscap"].filter(pl.col("modifier") == "TC")
    cap_rows = cap_rows.select(key_columns.cast(pl.String), "nonfacility_amount", "facility_amount")
    mpfs_rows = tables["mpfs"].select(pl.col("hcpcs", "modifier").cast(pl.String), *rvu_columns)
    gpci_rows = tables["gpci"].select(pl.col("mac", "locality").cast(pl.String), "pe_gpci", "mp_gpci")
    joined_rows = cap_rows.join(mpfs_rows, on=["hcpcs", "modifier"], maintain_order="left")
    joined_rows = joined_rows.join(gpci_rows, on=["mac", "locality"], maintain_order="left")
    return joined_rows.with_columns(
        (
            _as_float(f"opps_{setting}_pe_rvu") * _as_float("pe_gpci") + _as_float("opps_mp_rvu") * _as_float("mp_gpci")
        ).alias(f"{setting}_sum")
        for setting in ("nonfacility", "facility")
    )


def _rows_off_factor(technical_rows: pl.DataFrame, factor_value: Decimal) -> pl.DataFrame:
    """The rows in which a cap is not the sum times *factor_value*."""
    return technical_rows.filter(
        pl.any_horizontal(
            (_as_float(f"{setting}_sum") * float(factor_value) - _as_float(f"{setting}_amount")).abs() > _CENT
            for setting in ("nonfacility", "facility")
        )
    )


def _as_float(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Float64)
