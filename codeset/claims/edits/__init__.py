"""The edits: one rule in each file, in the order in which they are applied."""

from codeset.claims.edits.add_on import ADD_ON
from codeset.claims.edits.excerpt import EXCERPT
from codeset.claims.edits.global_surgery import GLOBAL_SURGERY
from codeset.claims.edits.mue import MUE
from codeset.claims.edits.ptp import PTP
from codeset.claims.edits.same_lesion import SAME_LESION
from codeset.claims.edits.single_line import SINGLE_LINE
from codeset.claims.edits.status_t import STATUS_T

EDITS = (SINGLE_LINE, EXCERPT, PTP, MUE, SAME_LESION, GLOBAL_SURGERY, STATUS_T, ADD_ON)
"""Each sees what those before it deny."""
