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

COMPONENT = r"\b(26|TC)\b"


def find_new_patient(lines: Lines) -> Findings:
    """One finding for each new patient's visit with an earlier service within three years."""
    visits = lines.table.filter(lines.table["prior"].is_not_null() & ~lines.is_denied)
    is_certain = pl.col("prior") % 2 == 0
    return findings_of(
        visits.select("row", "prior", partner="prior_row"),
        pl.when(is_certain).then(pl.lit("new-patient-established")).otherwise(pl.lit("new-patient-maybe-established")),
    )


class Codes(NamedTuple):
    """The codes of new patients' visits; those that show that a patient was seen; and those that may show it."""

    new: pl.Series
    contact: pl.Series
    maybe_contact: pl.Series


def codes_of_patients(code_set: CodeSet) -> Codes:
    """The codes of *code_set*, as categories."""
    listed = code_set.fees.filter(modifier="")
    is_visit = pl.col("hcpcs").is_in(sorted(codes_named("visits", "codes") | codes_named("new_patient", "visits")))
    is_contact = (IS_PROCEDURE | (is_visit & ~IS_ADD_ON)).fill_null(value=False)
    is_maybe = ~is_contact & ~IS_TEST.fill_null(value=True) & ~IS_ADD_ON.fill_null(value=True)
    contact, maybe = (listed.filter(holds)["hcpcs"].unique().cast(CODE) for holds in (is_contact, is_maybe))
    return Codes(codes_in(code_set, codes_named("new_patient", "codes")), contact, maybe)


def prior_services(_: pl.DataFrame, table: pl.DataFrame, code_set: CodeSet) -> pl.DataFrame:
    """`prior` and `prior_row`: the service within three years before a new patient's visit; null for all other lines.

    `prior` is how many lines before the visit's it is, times two, and one more where it may show no contact.
    """
    nothing = pl.DataFrame([repeat(None, table.height).alias(name) for name in ("prior", "prior_row")])
    codes = code_set.cached(codes_of_patients)
    new = true_positions(is_one_of(table["hcpcs"], codes.new))
    patient, visit = table["patient"], table["visit"]
    first_visit = visit.filter(starts_group(patient))
    new = new.filter(visit[new] != first_visit[patient[new]])  # a first visit has none before it
    if new.is_empty():
        return nothing
    here = true_positions(is_member(patient, patient[new]))
    history = table.select("row", "patient", "visit", "date_of_service", "hcpcs", "modifiers")[here]
    visits = _with_earlier(history, codes, true_positions(is_member(here, new)))
    distance = here[visits["line"]] - here[visits["earlier"]]
    prior = distance * 2 + visits["is_maybe"].cast(pl.UInt32)
    at = here[visits["line"]]
    columns = {"prior": prior, "prior_row": history["row"][visits["earlier"]]}
    return nothing.with_columns(nothing[name].scatter(at, values) for name, values in columns.items())


def _with_earlier(history: pl.DataFrame, codes: Codes, new: pl.Series) -> pl.DataFrame:
    """Positions in *history* of new patients' visits (`line`) and of what is `earlier`; `is_maybe`: maybe none."""
    combinations = history["modifiers"].unique()
    components = combinations.filter(combinations.cast(pl.String).str.contains(COMPONENT))
    has_component = history["modifiers"].is_in(components.implode())
    visits = _first_lines_of_visits(history, new)
    contact, maybe_contact = (
        _latest_before(visits, history, shows=history["hcpcs"].is_in(chosen.implode()) & ~has_component)
        for chosen in (codes.contact, codes.maybe_contact)
    )
    earlier = contact.zip_with(contact.is_not_null(), maybe_contact)
    columns = [new.alias("line"), earlier.alias("earlier"), contact.is_null().alias("is_maybe")]
    return pl.DataFrame(columns).drop_nulls("earlier")


def _first_lines_of_visits(history: pl.DataFrame, new: pl.Series) -> pl.DataFrame:
    """The position of the `first` line of the visit of each of *new*; its `patient`; its date three years `before`."""
    starts = starts_group(history["visit"])
    patient, before = history["patient"][new], history["date_of_service"][new].dt.offset_by(f"-{YEARS}y")
    first = true_positions(starts)[group_numbers(starts)[new]]
    return pl.DataFrame([first.alias("first"), patient, before.alias("before")])


def _latest_before(visits: pl.DataFrame, history: pl.DataFrame, shows: pl.Series) -> pl.Series:
    """The position of the latest line that *shows* before each of *visits*, within three years; or null."""
    nowhere = repeat(None, history.height)
    earlier = count_up(history.height).zip_with(shows, nowhere).forward_fill().shift(1)[visits["first"]]
    is_same_patient = history["patient"][earlier] == visits["patient"]
    is_within = is_same_patient & (history["date_of_service"][earlier] >= visits["before"])
    return earlier.zip_with(is_within.fill_null(value=False), nowhere.head(visits.height))


NEW_PATIENT = Edit(
    find_new_patient, needs="prior", derives=(Derived(prior_services, ("prior",), carried=("prior_row",)),)
)
