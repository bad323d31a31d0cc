"""What several sheets of the workbook have in common: formats, headers, and the cells that lead to a CMS row."""

from codeset import wording
from codeset.participants import participant_label
from codeset.review.model import Review
from codeset.review.payments import Payment, PaymentTable
from codeset.review.source_rows import Ref
from codeset.review.table_changes import Change
from codeset.review.volumes import Year, YearLine
from codeset.workbook import Cell, Link

# Excel's number formats: those for numbers above 0, below 0, and 0, between semicolons.
MONEY, SIGNED, PERCENT, COUNT, RVU = "$#,##0.00", "+$#,##0.00;-$#,##0.00;$0.00", "+0.0%;-0.0%;0.0%", "#,##0", "0.00"
DAY = "mm/dd/yyyy"
CHANGE_HEADER = ("change", "percent")
ROWS_HEADER = ("CMS row before", "CMS row after")
ROWS_SHEET = "CMS rows"
ROW_NOTE = "Leads to CMS's row on the sheet CMS rows."


def release_names(review: Review) -> tuple[str, str]:
    """Return the labels of the old and the new release."""
    return review.old.release, review.new.release


def setting_and_participant(amounts: Payment | PaymentTable | Year) -> tuple[str, str]:
    """Return the setting and the QP status that amounts are for, in words."""
    return wording.setting(amounts.setting), participant_label(amounts.participant)


def both_rows(change: YearLine | Change) -> tuple[Cell, Cell]:
    """Return the links to the CMS rows before and after."""
    return cms_row_link(change.before_row), cms_row_link(change.after_row)


def cms_row_link(ref: Ref | None) -> Cell:
    """Return the link to a CMS row on the sheet of CMS rows, or nothing without one."""
    return "" if ref is None else Link(ref.anchor, ROWS_SHEET, ref.anchor)
