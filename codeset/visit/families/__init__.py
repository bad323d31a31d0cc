"""The families of codes: each says what the facts of a visit come to in it."""

from codeset.visit.families.biopsies import biopsies
from codeset.visit.families.closures import closures
from codeset.visit.families.destruction import destruction
from codeset.visit.families.injection_and_drainage import injection_and_drainage
from codeset.visit.families.light import light
from codeset.visit.families.mohs import mohs
from codeset.visit.families.pathology import pathology
from codeset.visit.families.removals import removals
from codeset.visit.services import Family

FAMILIES: tuple[Family, ...] = (
    mohs,
    removals,
    closures,
    destruction,
    biopsies,
    injection_and_drainage,
    light,
    pathology,
)
"""In the order in which claims list them where fees are equal; the office visit is chosen after them."""
