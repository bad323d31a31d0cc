"""New patients of a group that has seen them in another specialty, where a practitioner is no physician: for review.

Medicare enrolls nurse practitioners, clinical nurse specialists, and physician assistants under specialties of their
own, so that a claims edit by group and specialty does not see that the dermatologist they work with knows the patient.
CPT's guidelines for E/M services take them to be of the physician's specialty, and so do contractors (NGS); the rule
itself is of group and specialty (IOM 100-04 ch. 12, section 30.6.7.A). Two physicians of different specialties are two.
"""

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.by_line.mohs_practitioner import IS_NO_PHYSICIAN
from codeset.claims.edits.findings import findings_of
from codeset.claims.edits.of_visits.new_patient import COMPONENT, YEARS, codes_of_patients
from codeset.claims.edits.rules import codes_in, codes_named
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Derived, Edit, Findings
from codeset.claims.engine.lines import IS_ONE_OF_A_GROUP, Lines
from codeset.claims.engine.series import is_one_of
from codeset.claims.engine.visits import as_earlier_service, latest_of_each

IS_OTHER_SPECIALTY = pl.col("specialty") != pl.col("specialty_before")
IS_DOUBTFUL = pl.col("is_no_physician") | pl.col("is_no_physician_before")
# A procedure of the same day belongs to the visit, whoever performed it; another visit before it does not.
IS_EARLIER = (pl.col("date_before") < pl.col("date_of_service")) | (
    (pl.col("date_before") == pl.col("date_of_service"))
    & pl.col("is_visit_before")
    & (pl.col("row_before") < pl.col("row"))
)
IS_WITHIN = IS_EARLIER & (pl.col("date_before") >= pl.col("date_of_service").dt.offset_by(f"-{YEARS}y"))


def find_new_patient_of_group(lines: Lines) -> Findings:
    """One finding for each new patient's visit after a service of the group in another specialty."""
    visits = lines.table.filter(lines.table["group_prior"].is_not_null() & ~lines.is_denied)
    return findings_of(visits.select("row", partner="group_prior_row"), "new-patient-of-other-specialty")


def group_services(frame: pl.DataFrame, table: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`group_prior` and `group_prior_row`: the group's latest service before a new patient's visit; null for others.

    `group_prior` is how many lines of *table* after the visit's it is, below 0 where it is before.
    """
    has_new_patients = is_one_of(table["hcpcs"], code_set.cached(codes_of_patients).new).any()
    latest = _latest_of_group(frame, code_set) if has_new_patients and _has_non_physician(frame) else None
    return as_earlier_service("group_prior", latest, table)


def _has_non_physician(frame: pl.DataFrame) -> bool:
    specialties = frame.select(pl.col("specialty").drop_nulls().unique())
    return not specialties.filter(IS_NO_PHYSICIAN).is_empty()


def _latest_of_group(frame: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`row` of new patients' visits, and `row_before`: the latest service that leaves in doubt whether they are."""
    patient_codes = code_set.cached(codes_of_patients)
    visit_codes = codes_in(code_set, codes_named("visits", "one_a_day"))
    columns_read = frame.select("beneficiary", "group", "specialty", "date_of_service", "modifiers", "hcpcs")
    lines = columns_read.with_row_index("row").filter(IS_ONE_OF_A_GROUP)
    lines = lines.with_columns(pl.col("hcpcs").cast(CODE), IS_NO_PHYSICIAN.alias("is_no_physician"))
    service_codes = pl.concat([patient_codes.contact, patient_codes.maybe_contact])
    is_service = pl.col("hcpcs").is_in(service_codes.implode())
    services = lines.filter(is_service & ~pl.col("modifiers").cast(pl.String).str.contains(COMPONENT)).select(
        "beneficiary",
        "group",
        row_before="row",
        specialty_before="specialty",
        date_before="date_of_service",
        is_no_physician_before="is_no_physician",
        is_visit_before=pl.col("hcpcs").is_in(visit_codes.implode()),
    )
    visits = lines.filter(pl.col("hcpcs").is_in(patient_codes.new.implode()))
    visits_and_services = visits.join(services, on=["beneficiary", "group"])
    doubtful_pairs = visits_and_services.filter(IS_OTHER_SPECIALTY & IS_DOUBTFUL & IS_WITHIN)
    return latest_of_each(doubtful_pairs)


NEW_PATIENT_OF_GROUP = Edit(
    find_new_patient_of_group,
    needs="group_prior",
    derives=(Derived(group_services, ("group_prior",), carried=("group_prior_row",)),),
)
