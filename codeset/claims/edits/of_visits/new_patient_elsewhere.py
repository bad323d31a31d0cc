"""New patients: nobody is one whom the same practitioner has seen within three years while in another group.

The rule is of the physician or the group and specialty (IOM 100-04 ch. 12, section 30.6.7.A): who changes groups knows
the patients seen before, while a colleague in the new group does not (NGS on new and established patients).
"""

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import findings_of
from codeset.claims.edits.of_visits.new_patient import COMPONENT, YEARS, codes_of_patients
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Derived, Edit, Findings
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import is_one_of
from codeset.claims.engine.visits import as_earlier_service, latest_of_each

IS_ELSEWHERE = pl.col("group").ne_missing(pl.col("group_before")) | pl.col("specialty").ne_missing(
    pl.col("specialty_before")
)
# A service of the same day belongs to the first encounter (section 30.6.7.A).
IS_WITHIN = (pl.col("date_before") < pl.col("date_of_service")) & (
    pl.col("date_before") >= pl.col("date_of_service").dt.offset_by(f"-{YEARS}y")
)


def find_new_patient_elsewhere(lines: Lines) -> Findings:
    """One finding for each new patient's visit to a practitioner who has seen the patient in another group."""
    visits = lines.table.filter(lines.table["own_prior"].is_not_null() & ~lines.is_denied)
    return findings_of(visits.select("row", partner="own_prior_row"), "new-patient-established")


def own_services(frame: pl.DataFrame, table: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`own_prior` and `own_prior_row`: the practitioner's latest service elsewhere before a new patient's visit.

    `own_prior` is how many lines of *table* after the visit's it is, below 0 where it is before; null for other lines.
    """
    has_groups = frame["group"].null_count() < frame.height
    has_new_patients = is_one_of(table["hcpcs"], code_set.cached(codes_of_patients).new).any()
    latest = _latest_elsewhere(frame, code_set) if has_groups and has_new_patients else None
    return as_earlier_service("own_prior", latest, table)


def _latest_elsewhere(frame: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`row` of new patients' visits, and `row_before`: the practitioner's latest face-to-face service elsewhere."""
    patient_codes = code_set.cached(codes_of_patients)
    columns_read = ("beneficiary", "provider", "group", "specialty", "date_of_service", "modifiers", "hcpcs")
    all_lines = frame.select(columns_read).with_row_index("row").with_columns(pl.col("hcpcs").cast(CODE))
    visits = all_lines.filter(is_one_of(all_lines["hcpcs"], patient_codes.new))
    # Joined by beneficiary: contacts of those without a new patient's visit are left out before.
    contacts = all_lines.filter(
        is_one_of(all_lines["hcpcs"], patient_codes.contact)
        & is_one_of(all_lines["beneficiary"], visits["beneficiary"].unique())
    )
    services = contacts.filter(~pl.col("modifiers").cast(pl.String).str.contains(COMPONENT)).select(
        "beneficiary",
        "provider",
        row_before="row",
        group_before="group",
        specialty_before="specialty",
        date_before="date_of_service",
    )
    elsewhere = visits.join(services, on=["beneficiary", "provider"]).filter(IS_ELSEWHERE & IS_WITHIN)
    return latest_of_each(elsewhere)


NEW_PATIENT_ELSEWHERE = Edit(
    find_new_patient_elsewhere,
    needs="own_prior",
    derives=(Derived(own_services, ("own_prior",), carried=("own_prior_row",)),),
)
