"""The edits: one rule in each file, in the order in which they are applied."""

from codeset.claims.edits.add_on import ADD_ON
from codeset.claims.edits.add_on_by_nature import ADD_ON_BY_NATURE
from codeset.claims.edits.by_line.components import COMPONENTS
from codeset.claims.edits.by_line.modifier_dates import MODIFIER_DATES
from codeset.claims.edits.by_line.modifier_order import MODIFIER_ORDER
from codeset.claims.edits.by_line.mohs_practitioner import MOHS_PRACTITIONER
from codeset.claims.edits.by_line.mohs_tumors import MOHS_TUMORS
from codeset.claims.edits.by_line.notices import NOTICES
from codeset.claims.edits.by_line.place_of_service import PLACE_OF_SERVICE
from codeset.claims.edits.by_line.several_days import SEVERAL_DAYS
from codeset.claims.edits.by_line.telehealth import TELEHEALTH
from codeset.claims.edits.duplicates import DUPLICATES
from codeset.claims.edits.excerpt import EXCERPT
from codeset.claims.edits.global_surgery import GLOBAL_SURGERY
from codeset.claims.edits.mue import MUE
from codeset.claims.edits.of_diagnoses.fits_service import FITS_SERVICE
from codeset.claims.edits.of_diagnoses.local_coverage import LOCAL_COVERAGE
from codeset.claims.edits.of_diagnoses.of_claim import CLAIM_DIAGNOSES
from codeset.claims.edits.of_diagnoses.sequence import SEQUENCE
from codeset.claims.edits.of_diagnoses.valid_codes import VALIDITY
from codeset.claims.edits.of_visits.new_patient import NEW_PATIENT
from codeset.claims.edits.of_visits.new_patient_elsewhere import NEW_PATIENT_ELSEWHERE
from codeset.claims.edits.of_visits.new_patient_of_group import NEW_PATIENT_OF_GROUP
from codeset.claims.edits.of_visits.postoperative_care import POSTOPERATIVE_CARE
from codeset.claims.edits.of_visits.same_day_visits import SAME_DAY_VISITS
from codeset.claims.edits.of_visits.surgery_of_group import SURGERY_OF_GROUP
from codeset.claims.edits.of_visits.visit_complexity import VISIT_COMPLEXITY
from codeset.claims.edits.ptp import PTP
from codeset.claims.edits.same_lesion import SAME_LESION
from codeset.claims.edits.single_line import SINGLE_LINE
from codeset.claims.edits.status_t import STATUS_T
from codeset.claims.edits.two_sides import TWO_SIDES

EDITS = (
    # A line that is denied on its own has no units that count, begins no global period and is nobody's paid primary:
    # such edits come first.
    SINGLE_LINE,
    MODIFIER_DATES,
    MODIFIER_ORDER,
    NOTICES,
    VALIDITY,
    SEQUENCE,
    CLAIM_DIAGNOSES,
    FITS_SERVICE,
    LOCAL_COVERAGE,
    PLACE_OF_SERVICE,
    TELEHEALTH,
    COMPONENTS,
    MOHS_PRACTITIONER,
    SEVERAL_DAYS,
    EXCERPT,
    NEW_PATIENT,
    NEW_PATIENT_ELSEWHERE,
    NEW_PATIENT_OF_GROUP,
    # What a line repeats may be within the MUE: units of a duplicate are not counted against it.
    DUPLICATES,
    TWO_SIDES,
    MUE,
    MOHS_TUMORS,
    PTP,
    SAME_LESION,
    GLOBAL_SURGERY,
    SURGERY_OF_GROUP,
    SAME_DAY_VISITS,
    VISIT_COMPLEXITY,
    STATUS_T,
    # After all that may deny a primary: an add-on code is paid only beside one that is paid itself.
    ADD_ON,
    ADD_ON_BY_NATURE,
    POSTOPERATIVE_CARE,
)
"""Each sees what those before it deny."""
