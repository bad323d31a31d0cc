"""New patients: nobody is one who was seen within three years by the same practitioner, or group and specialty.

Seen is a visit or another face-to-face service, such as a procedure; a slide, a test read, or a drug is none (IOM
100-04 ch. 12, section 30.6.7.A). A visit or procedure of the same day belongs to the first encounter. What staff may
have furnished leaves it to the contractor. Code B16; the contractor does not code down. Boundary: a service three
calendar years before, to the day, still counts.
"""

from typing import NamedTuple

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.findings import findings_of
from codeset.claims.edits.rules import codes_in, codes_named, rules
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.edit import Derived, Edit, Findings
from codeset.claims.engine.lines import Lines
from codeset.claims.engine.series import (
    count_up,
    group_numbers,
    is_member,
    is_one_of,
    repeat,
    starts_group,
    true_positions,
)

YEARS: int = rules()["new_patient"]["years"]

PROCEDURE_DAYS = ("000", "010", "090")
# Diagnostic tests and their components are read or run, not performed on a patient by the practitioner (record layout
# RVU25D, PC/TC Indicator 1 to 4, 6, 8, 9); drugs and laboratory tests have status E or X.
TEST_INDICATORS = ("1", "2", "3", "4", "6", "8", "9")
OTHER_STATUS = ("E", "X", "I", "N", "M", "Q", "D")

IS_PROCEDURE = pl.col("global_days").is_in(PROCEDURE_DAYS)
IS_ADD_ON = pl.col("global_days") == "ZZZ"
IS_TEST = pl.col("pctc_indicator").is_in(TEST_INDICATORS) | pl.col("status_code").is_in(OTHER_STATUS)

# A component of a test is read or run without the patient; as text, for columns are derived before lines have kinds.
COMPONENT = r"\b(26|TC)\b"

# `prior_services` adds one where the earlier service may have been furnished without a meeting in person.
IS_CERTAIN = pl.col("prior") % 2 == 0
REASON = pl.when(IS_CERTAIN).then(pl.lit("new-patient-established")).otherwise(pl.lit("new-patient-maybe-established"))


def find_new_patient(lines: Lines) -> Findings:
    """One finding for each new patient's visit with an earlier service within three years."""
    visits = lines.table.filter(lines.table["prior"].is_not_null() & ~lines.is_denied)
    return findings_of(
        visits.select("row", "prior", partner="prior_row"),
        REASON,
    )


class PatientCodes(NamedTuple):
    """The codes of new patients' visits; those that show that a patient was seen; and those that may show it."""

    new: pl.Series
    contact: pl.Series
    maybe_contact: pl.Series


def codes_of_patients(code_set: CodeSet) -> PatientCodes:
    """The codes of *code_set*, as categories."""
    fee_rows = code_set.fees.filter(modifier="")
    is_visit = pl.col("hcpcs").is_in(sorted(codes_named("visits", "codes") | codes_named("new_patient", "visits")))
    is_contact = (IS_PROCEDURE | (is_visit & ~IS_ADD_ON)).fill_null(value=False)
    is_maybe = ~is_contact & ~IS_TEST.fill_null(value=True) & ~IS_ADD_ON.fill_null(value=True)
    contact_codes, maybe_codes = (
        fee_rows.filter(condition)["hcpcs"].unique().cast(CODE) for condition in (is_contact, is_maybe)
    )
    return PatientCodes(codes_in(code_set, codes_named("new_patient", "codes")), contact_codes, maybe_codes)


def prior_services(_: pl.DataFrame, table: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`prior` and `prior_row`: the service within three years before a new patient's visit; null for all other lines.

    `prior` is how many lines before the visit's it is, times two, and one more where it may show no contact.
    """
    no_prior_services = pl.DataFrame([repeat(None, table.height).alias(name) for name in ("prior", "prior_row")])
    patient_codes = code_set.cached(codes_of_patients)
    new_visits = true_positions(is_one_of(table["hcpcs"], patient_codes.new))
    patients, visits_of_lines = table["patient"], table["visit"]
    first_visits = visits_of_lines.filter(starts_group(patients))
    # A first visit has none before it.
    new_visits = new_visits.filter(visits_of_lines[new_visits] != first_visits[patients[new_visits]])
    if new_visits.is_empty():
        return no_prior_services
    history_positions = true_positions(is_member(patients, patients[new_visits]))
    history = table.select("row", "patient", "visit", "date_of_service", "hcpcs", "modifiers")[history_positions]
    new_in_history = true_positions(is_member(history_positions, new_visits))
    visits_with_earlier = _visits_with_earlier(history, patient_codes, new_in_history)
    lines_between = history_positions[visits_with_earlier["line"]] - history_positions[visits_with_earlier["earlier"]]
    prior_numbers = lines_between * 2 + visits_with_earlier["is_maybe"].cast(pl.UInt32)
    visit_positions = history_positions[visits_with_earlier["line"]]
    columns = {"prior": prior_numbers, "prior_row": history["row"][visits_with_earlier["earlier"]]}
    return no_prior_services.with_columns(
        no_prior_services[name].scatter(visit_positions, column_values) for name, column_values in columns.items()
    )


def _visits_with_earlier(history: pl.DataFrame, patient_codes: PatientCodes, new_visits: pl.Series) -> pl.DataFrame:
    """Positions in *history* of new patients' visits (`line`) and of what is `earlier`; `is_maybe`: maybe none."""
    combinations = history["modifiers"].unique()
    # By combinations, few for all lines: text is not looked at line by line.
    components = combinations.filter(combinations.cast(pl.String).str.contains(COMPONENT))
    has_component = history["modifiers"].is_in(components.implode())
    first_lines = _first_lines_of_visits(history, new_visits)
    latest_contacts, latest_maybe_contacts = (
        _latest_before(first_lines, history, history["hcpcs"].is_in(contact_codes.implode()) & ~has_component)
        for contact_codes in (patient_codes.contact, patient_codes.maybe_contact)
    )
    earlier_services = latest_contacts.zip_with(latest_contacts.is_not_null(), latest_maybe_contacts)
    columns = [new_visits.alias("line"), earlier_services.alias("earlier"), latest_contacts.is_null().alias("is_maybe")]
    return pl.DataFrame(columns).drop_nulls("earlier")


def _first_lines_of_visits(history: pl.DataFrame, new_visits: pl.Series) -> pl.DataFrame:
    """The position of the `first` line of each of *new_visits*; its `patient`; its date three years `before`."""
    starts_visit = starts_group(history["visit"])
    patients = history["patient"][new_visits]
    days_before = history["date_of_service"][new_visits].dt.offset_by(f"-{YEARS}y")
    first_positions = true_positions(starts_visit)[group_numbers(starts_visit)[new_visits]]
    return pl.DataFrame([first_positions.alias("first"), patients, days_before.alias("before")])


def _latest_before(visit_rows: pl.DataFrame, history: pl.DataFrame, is_contact: pl.Series) -> pl.Series:
    """The position of the latest line before each of *visit_rows* that *is_contact*, within three years; or null."""
    no_positions = repeat(None, history.height)
    # Of each line the position of the last contact up to it; one row on, so that a line is not before itself.
    latest_contacts = count_up(history.height).zip_with(is_contact, no_positions).forward_fill().shift(1)
    earlier_positions = latest_contacts[visit_rows["first"]]
    is_same_patient = history["patient"][earlier_positions] == visit_rows["patient"]
    is_within = is_same_patient & (history["date_of_service"][earlier_positions] >= visit_rows["before"])
    return earlier_positions.zip_with(is_within.fill_null(value=False), no_positions.head(visit_rows.height))


NEW_PATIENT = Edit(
    find_new_patient, needs="prior", derives=(Derived(prior_services, ("prior",), carried=("prior_row",)),)
)
