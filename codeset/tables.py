"""The tables of a snapshot: names, keys and column types. Written once; every room reads them here.

RVUs, GPCIs, percentages and amounts are decimals, exact as CMS prints them; null is "CMS gives none".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

# The scales are those in which CMS prints: RVUs with two decimals, GPCIs with three, shares of the global package with
# two (record layout RVU25D). A file with more decimals is refused, not rounded.
RVU = pl.Decimal(9, 2)
GPCI = pl.Decimal(6, 3)
SHARE = pl.Decimal(3, 2)
AMOUNT = pl.Decimal(11, 2)
SIZE = pl.Decimal(5, 1)
TEXT = pl.String()
DAY = pl.Date()
SMALL = pl.UInt8()


def type_name(dtype: pl.DataType) -> str:
    """Return a column's type as readers of any language name it: `decimal(9, 2)`, text, date, uint8, boolean."""
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision}, {dtype.scale})"
    return "text" if dtype == pl.String else str(dtype).lower()


@dataclass(frozen=True)
class Table:
    """One table of a snapshot: its key (sort order, unique) and its columns in order."""

    name: str
    holds: str
    key: tuple[str, ...]
    columns: Mapping[str, pl.DataType]
    codes: tuple[str, ...] = ()
    """The columns that hold HCPCS codes."""

    remarks: tuple[str, ...] = ()
    """Columns that decide nothing on a claim; a row that differs in nothing else is not changed."""

    claim_codes: tuple[str, ...] | None = None
    """Where claims are read against the table: the columns in which a claim's code is looked up; none, for all rows."""

    with_diagnoses: bool = False
    """Whether claims are read against it only where they carry diagnoses."""

    diagnoses: tuple[str, ...] = ()
    """The columns that hold ICD-10-CM codes: a row is in a scope when all of them are."""

    read_from: str | None = None
    """The table whose CMS file it is read from as well: it has no file of its own."""

    scope_codes: tuple[str, ...] | None = None
    """The columns whose codes must all be in a scope for the row to be in it; by default all of `codes`."""

    @property
    def subject(self) -> tuple[str, ...]:
        """The columns that name what a row is about; of a dated table one row at most applies to it at a time."""
        return self.codes or tuple(column for column in self.key if not column.endswith("_date"))

    @property
    def value_columns(self) -> tuple[str, ...]:
        """The columns that say something of what the key names, and may decide a claim; a list has none."""
        return tuple(column for column in self.columns if column not in (*self.key, *self.remarks))

    @property
    def dated(self) -> bool:
        """Whether rows apply from an effective to a deletion date."""
        return "deletion_date" in self.columns


_MPFS: dict[str, pl.DataType] = {
    "hcpcs": TEXT,
    "modifier": TEXT,
    "status_code": TEXT,
    # "+" in CMS's file: RVUs are printed, and Medicare does not pay by them.
    "not_used_for_medicare": pl.Boolean(),
    "work_rvu": RVU,
    "nonfacility_pe_rvu": RVU,
    # NA says "rarely or never performed in this setting" (layout, NA Indicator): the PE that is printed beside it is
    # that of the other setting, and is no price here.
    "nonfacility_na": pl.Boolean(),
    "facility_pe_rvu": RVU,
    "facility_na": pl.Boolean(),
    "mp_rvu": RVU,
    "nonfacility_total_rvu": RVU,
    "facility_total_rvu": RVU,
    "pctc_indicator": TEXT,
    # 000, 010, 090 are days; MMM, XXX, YYY and ZZZ are not (layout, Global Surgery): text, so that the zeros stay.
    "global_days": TEXT,
    "preoperative_percentage": SHARE,
    "intraoperative_percentage": SHARE,
    "postoperative_percentage": SHARE,
    "multiple_procedure": TEXT,
    "bilateral_surgery": TEXT,
    "assistant_surgery": TEXT,
    "co_surgery": TEXT,
    "team_surgery": TEXT,
    "pricing_indicator": TEXT,
    # The file of 2026 has PRIC IND before it, 32 columns instead of 31; in earlier releases pricing_indicator is null.
    "endoscopic_base": TEXT,
    "physician_supervision": TEXT,
    "calculation_flag": TEXT,
    "imaging_family": TEXT,
    # The OPPS RVUs cap the technical component of imaging (Deficit Reduction Act of 2005, section 5102(b)).
    "opps_nonfacility_pe_rvu": RVU,
    "opps_facility_pe_rvu": RVU,
    "opps_mp_rvu": RVU,
}

_PTP: dict[str, pl.DataType] = {
    "column_one": TEXT,
    "column_two": TEXT,
    "effective_date": DAY,
    "deletion_date": DAY,
    "ccmi": SMALL,
    # An asterisk in CMS's file ("*=in existence prior to 1996").
    "prior_to_1996": pl.Boolean(),
    "rationale": TEXT,
}

# A value of 0 is legal: some 2,600 codes may not be reported at all. A code without a row has no published MUE, which
# is not "unlimited" (NCCI Policy Manual 2026, p. I-35).
_MUE: dict[str, pl.DataType] = {"hcpcs": TEXT, "mue_value": pl.UInt32(), "mai": SMALL, "rationale": TEXT}

_ADD_ON: dict[str, pl.DataType] = {
    "add_on_code": TEXT,
    "primary_code": TEXT,
    "effective_date": DAY,
    "deletion_date": DAY,
    # 1: the primary codes are all listed; 2: none is, the contractor defines them (CCCCC); 3: some are, and the
    # contractor may add to them (NCCI Policy Manual 2026, p. I-34).
    "add_on_type": SMALL,
    "add_on_code_deletion_date": DAY,
    "primary_code_deletion_date": DAY,
    "instruction": TEXT,
}

_LEVEL2: dict[str, pl.DataType] = {
    "long_description": TEXT,
    "short_description": TEXT,
    "coverage": TEXT,
    "effective_date": DAY,
    "deletion_date": DAY,
    "action_code": TEXT,
    "action_effective_date": DAY,
}
_LEVEL2_REMARKS = ("long_description", "short_description", "action_code", "action_effective_date")

# CMS keeps rows that never applied: one pair is there twice with the same dates, and differs in the rationale alone.
_PTP_KEY = ("column_one", "column_two", "effective_date", "deletion_date", "rationale")
_PTP_REMARKS = ("prior_to_1996", "rationale")
_PAIR = ("column_one", "column_two")
_MUE_REMARKS = ("rationale",)

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        Table(
            "mpfs",
            "relative values and payment indicators",
            ("hcpcs", "modifier"),
            _MPFS,
            ("hcpcs",),
            claim_codes=("hcpcs",),
        ),
        Table(
            "code_facts",
            "what dermatology's codes are for",
            ("hcpcs",),
            {
                "hcpcs": TEXT,
                "technique": TEXT,
                "nature": TEXT,
                "site_class": TEXT,
                "measure": TEXT,
                "size_from": SIZE,
                "size_to": SIZE,
                "part": TEXT,
                "step": SIZE,
            },
            ("hcpcs",),
            read_from="mpfs",
        ),
        Table(
            "gpci",
            "geographic practice cost indices",
            ("mac", "locality"),
            {
                "mac": TEXT,
                "locality": TEXT,
                "state": TEXT,
                "locality_name": TEXT,
                "work_gpci": GPCI,
                "pe_gpci": GPCI,
                "mp_gpci": GPCI,
            },
            claim_codes=(),
        ),
        Table(
            "oppscap",
            "OPPS payment caps of imaging",
            ("hcpcs", "modifier", "mac", "locality"),
            {
                "hcpcs": TEXT,
                "modifier": TEXT,
                "mac": TEXT,
                "locality": TEXT,
                "status_code": TEXT,
                "facility_amount": AMOUNT,
                "nonfacility_amount": AMOUNT,
            },
            ("hcpcs",),
        ),
        Table(
            "anesthesia",
            "anesthesia conversion factors",
            ("mac", "locality"),
            # Anesthesia is paid by base units and time, by a factor of its own: kept, and not priced here.
            {"mac": TEXT, "locality": TEXT, "conversion_factor": AMOUNT},
        ),
        Table(
            "locality_county",
            "counties of each locality",
            ("mac", "locality", "fee_schedule_area", "counties"),
            {"mac": TEXT, "locality": TEXT, "fee_schedule_area": TEXT, "counties": TEXT, "state": TEXT},
        ),
        Table("ptp", "NCCI edits, practitioner", _PTP_KEY, _PTP, _PAIR, _PTP_REMARKS, claim_codes=_PAIR),
        Table(
            "mue",
            "medically unlikely edits, practitioner",
            ("hcpcs",),
            _MUE,
            ("hcpcs",),
            _MUE_REMARKS,
            claim_codes=("hcpcs",),
        ),
        Table(
            "add_on",
            "add-on code edits",
            ("add_on_code", "primary_code", "effective_date"),
            _ADD_ON,
            ("add_on_code", "primary_code"),
            ("instruction",),
            scope_codes=("add_on_code",),  # an add-on code is judged by all of its primaries, wherever they belong
            claim_codes=("add_on_code",),
        ),
        Table(
            "zip_locality",
            "localities of ZIP codes",
            ("zip_code",),
            {
                "zip_code": TEXT,
                "state": TEXT,
                "mac": TEXT,
                "locality": TEXT,
                "rural_indicator": TEXT,
                "lab_competitive_bid_locality": TEXT,
                "rural_indicator_2006": TEXT,
                # 580 ZIP codes of October 2025 are in several localities: their last four digits decide.
                "needs_plus_four": pl.Boolean(),
                "part_b_payment_indicator": TEXT,
            },
        ),
        Table(
            "hcpcs_level2",
            "HCPCS Level II codes",
            ("hcpcs",),
            {
                "hcpcs": TEXT,
                **_LEVEL2,
                "pricing_indicator": TEXT,
                "multiple_pricing_indicator": TEXT,
                "betos": TEXT,
                "type_of_service": TEXT,
            },
            ("hcpcs",),
            _LEVEL2_REMARKS,
        ),
        Table(
            "modifier",
            "HCPCS Level II modifiers",
            ("modifier",),
            {"modifier": TEXT, **_LEVEL2},
            remarks=_LEVEL2_REMARKS,
            claim_codes=(),
        ),
        Table(
            "telehealth",
            "services payable by telehealth",
            ("hcpcs",),
            {"hcpcs": TEXT, "action": TEXT, "audio_only": TEXT},
            ("hcpcs",),
            ("action", "audio_only"),
            claim_codes=("hcpcs",),
        ),
        Table("ptp_outpatient", "NCCI edits, outpatient hospital", _PTP_KEY, _PTP, _PAIR, _PTP_REMARKS),
        Table(
            "mue_outpatient",
            "medically unlikely edits, outpatient hospital",
            ("hcpcs",),
            _MUE,
            ("hcpcs",),
            ("rationale",),
        ),
        Table("mue_dme", "medically unlikely edits, DME supplier", ("hcpcs",), _MUE, ("hcpcs",), _MUE_REMARKS),
        Table(
            "diagnosis",
            "ICD-10-CM diagnosis codes",
            ("diagnosis",),
            {"diagnosis": TEXT, "billable": pl.Boolean(), "parent": TEXT, "effective_date": DAY, "title": TEXT},
            diagnoses=("diagnosis",),
            remarks=("effective_date",),
            claim_codes=(),
            with_diagnoses=True,
        ),
        Table(
            "diagnosis_replacement",
            "what replaced ICD-10-CM codes",
            ("previous_diagnosis", "diagnosis", "effective_date"),
            {"previous_diagnosis": TEXT, "diagnosis": TEXT, "effective_date": DAY},
            diagnoses=("previous_diagnosis", "diagnosis"),
            claim_codes=(),
            with_diagnoses=True,
        ),
        Table(
            "excludes",
            "ICD-10-CM excludes notes",
            ("diagnosis", "excluded", "kind"),
            {"diagnosis": TEXT, "excluded": TEXT, "kind": SMALL},
            diagnoses=("diagnosis",),
            claim_codes=(),
            with_diagnoses=True,
        ),
        Table(
            "coverage_document",
            "local coverage articles and determinations",
            ("document", "version", "contractor"),
            {
                "document": TEXT,
                "version": pl.UInt16(),
                "contractor": TEXT,
                "contractor_type": TEXT,
                "effective_date": DAY,
                "retirement_date": DAY,
                "title": TEXT,
            },
            remarks=("title",),
            claim_codes=(),
            with_diagnoses=True,
        ),
        Table(
            "coverage_hcpcs",
            "HCPCS codes that a coverage article names",
            ("document", "version", "hcpcs"),
            {"document": TEXT, "version": pl.UInt16(), "hcpcs": TEXT, "effective_date": DAY},
            claim_codes=(),
            with_diagnoses=True,
        ),
        Table(
            "coverage_diagnosis",
            "diagnoses that a coverage article lists",
            ("document", "version", "group", "diagnosis", "covered"),
            {"document": TEXT, "version": pl.UInt16(), "group": SMALL, "diagnosis": TEXT, "covered": pl.Boolean()},
            claim_codes=(),
            with_diagnoses=True,
        ),
    )
}

RVU_COLUMNS = tuple(column for column in _MPFS if column.endswith("_rvu"))
"""The relative values of the fee schedule: by component and total, and those that cap imaging under the OPPS."""

READ_FROM_OTHERS = frozenset(name for name, table in TABLES.items() if table.read_from)
"""The tables that are read from the CMS file of another table."""

REQUIRED_TABLES = ("mpfs", "gpci", "ptp", "mue", "add_on")
"""The tables without which a release cannot answer every question of a practitioner claim."""

CONTRACTOR_DEFINED = "CCCCC"
"""The primary code, in CMS's files, of an add-on code whose primaries CMS leaves to the contractor."""


def active_in(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """Whether an edit applies on any day from *first* to *last* (dates, both included).

    A deletion date is the last active day; a row deleted on the day that it took effect never applied
    (NCCI Policy Manual 2026, p. Intro-7 on effective periods, p. I-14 on CCMI 9).
    """
    never = pl.col("deletion_date").is_not_null() & (pl.col("deletion_date") == pl.col("effective_date"))
    ends_before = pl.col("deletion_date").is_not_null() & (pl.col("deletion_date") < first)
    return ~never & ~ends_before & (pl.col("effective_date") <= last)


def is_active_on(row: Mapping[str, Any], day: date) -> bool:
    """Whether an edit's *row* applies on *day*, as `active_in` has it."""
    effective, deletion = row["effective_date"], row["deletion_date"]
    return deletion != effective and effective <= day and (deletion is None or day <= deletion)
