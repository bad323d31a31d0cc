"""Files to hand on with a review: rates and edits to load, tasks with owners and dates, a page for physicians."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from codeset import money, wording, workbook
from codeset.participants import participant_label
from codeset.review.action_items import EDIT_NAMES, ActionItem
from codeset.review.first_page import first_page
from codeset.review.forms.change_groups import change_groups
from codeset.review.forms.page_templates import template_environment
from codeset.review.model import Review
from codeset.review.payments import Payment
from codeset.review.table_changes import Change
from codeset.workbook import Cell, Sheet

_MOST_MOVERS = 8
"""Rows of each table of the handout, which is one printed page."""


def fee_schedule_csv(review: Review) -> str:
    """Return the amounts that changed, to load into a billing system: a row for each code, modifier and setting.

    Amounts are dollars without a sign; empty where CMS sets none. With several conversion factors a last column says
    whose the row is.
    """
    has_classes = len({table.participant for table in review.payments}) > 1
    captions = [
        "code",
        "modifier",
        "setting",
        "old",
        "new",
        "effective",
        "locality",
        *(["qp_status"] if has_classes else []),
    ]
    amount_rows: Iterator[list[Cell]] = (
        [
            payment.hcpcs,
            payment.modifier,
            wording.setting(table.setting),
            _amount_text(payment.before.cents),
            _amount_text(payment.after.cents),
            review.new.first_day,
            review.place.locality,
            *([participant_label(table.participant)] if has_classes else []),
        ]
        for table in review.payments
        for payment in table.rows
    )
    return _csv_text(captions, amount_rows)


def _amount_text(cents: int | None) -> str:
    return "" if cents is None else f"{Decimal(cents) / 100:.2f}"


def edits_csv(review: Review) -> str:
    """Return the edits that changed, to update a claim scrubber: what, before and after, since when, and by whom.

    `our older file` means that our old release lacks what CMS changed before: since when, an MUE does not say, and the
    scrubber may have it already.
    """
    captions = ["table", "code", "other_code", "change", "field", "old", "new", "effective", "changed_by"]
    edit_rows = (
        [wording.table_name(table.table), *_change_cells(change), change.since or default_date, changed_by]
        for table in map(review.table, EDIT_NAMES)
        for changes, default_date, changed_by in (
            (table.changes, review.new.first_day, "CMS"),
            (table.own_changes, None, "our older file"),
        )
        for change in changes
    )
    return _csv_text(captions, edit_rows)


def _change_cells(change: Change) -> list[Cell]:
    value_before, value_after = (
        "" if cell_text == wording.NONE else cell_text for cell_text in (change.before, change.after)
    )
    # A scrubber wants the two codes of a pair in columns of their own.
    code, _, other_code = change.key.partition(" / ")
    return [code, other_code, change.kind, change.what, value_before, value_after]


def _csv_text(captions: Sequence[str], table_rows: Iterable[Sequence[Cell]]) -> str:
    csv_text = io.StringIO()
    # Unix line ends on every system: the signature covers the bytes.
    csv_writer = csv.writer(csv_text, lineterminator="\n")
    csv_writer.writerow(captions)
    csv_writer.writerows(["" if cell is None else cell for cell in table_row] for table_row in table_rows)
    return csv_text.getvalue()


def tasks_workbook(review: Review) -> bytes:
    """Return the action items as an xlsx workbook, with owner, due date and done to fill in."""
    opening_page = first_page(review)
    task_rows = (
        (task_number, action_item.title, action_item.details, action_item.file, "", action_item.due, "")
        for task_number, action_item in enumerate(opening_page.actions, start=1)
    )
    captions = ("number", "task", "details", "file", "owner", "due", "done")
    widths = {0: 9, 1: 50, 2: 70, 3: 24, 4: 24, 5: 12, 6: 9}
    xlsx_bytes = io.BytesIO()
    task_sheet = Sheet(task_rows, captions, [opening_page.title], {5: "mm/dd/yyyy"}, widths, wrapped=frozenset({1, 2}))
    workbook.write(xlsx_bytes, {"tasks": task_sheet})
    return xlsx_bytes.getvalue()


def physician_handout(review: Review) -> str:
    """Return one printed page for physicians: what changes in payment and edits, and from when."""
    environment = template_environment()
    environment.filters |= {
        "signed_dollars": money.signed_dollars,
        "quarter": wording.quarter,
        "us_date": wording.us_date,
    }
    return environment.get_template("handout.html.j2").render(
        r=review, page=first_page(review), movers=_handout_movers(review), edits=list(_handout_edits(review))
    )


def _handout_movers(review: Review) -> list[tuple[str, str, str, str, str]]:
    """Code, old and new amount, change and percent in the first setting shown: the practice's largest changes first."""
    # The first setting and participant class alone: all of them would not fit on one page.
    changed_payments = [payment for table in review.payments[:1] for payment in table.rows if payment.change_cents]
    own_change_by_code = {
        (line.hcpcs, line.modifier): abs(line.change_cents or 0) for year in review.years[:1] for line in year.lines
    }

    def descending_change(payment: Payment) -> tuple[int, int, str]:
        return (
            -own_change_by_code.get((payment.hcpcs, payment.modifier), 0),
            -abs(payment.change_cents or 0),
            payment.hcpcs,
        )

    largest_payments = sorted(changed_payments, key=descending_change)[:_MOST_MOVERS]
    return [
        (
            f"{payment.hcpcs} {payment.modifier}".strip(),
            money.dollars(payment.before.cents),
            money.dollars(payment.after.cents),
            money.signed_dollars(payment.change_cents),
            wording.percent(payment.before.cents, payment.after.cents),
        )
        for payment in largest_payments
    ]


def _handout_edits(review: Review) -> Iterator[str]:
    for table_name in ("ptp", "mue", "add_on"):
        for change in change_groups(review.table(table_name).changes)[:_MOST_MOVERS]:
            values_text = " → ".join(
                cell_text for cell_text in (change.before, change.after) if cell_text != wording.NONE
            )
            yield f"{change.key}: {change.what} {change.kind} ({values_text})"


def due_dates_ics(review: Review) -> str:
    """Return the due dates of the action items as a calendar file (RFC 5545); no clock goes into it."""
    calendar_lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//derm-codeset//review//EN"]
    for task_number, action_item in enumerate(first_page(review).actions, start=1):
        # One name for one item of one review: a calendar that imports the file again changes its entry, and adds none.
        calendar_lines += _calendar_event(
            action_item, f"{review.new.release}-{review.old.release}-{task_number}@derm-codeset", review.new.first_day
        )
    calendar_lines.append("END:VCALENDAR")
    return "".join(f"{_folded_line(calendar_line)}\r\n" for calendar_line in calendar_lines)


def _calendar_event(action_item: ActionItem, uid: str, stamp_day: date) -> list[str]:
    summary_text = ". ".join(filter(None, (action_item.title, action_item.details)))
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        # The release's first day and no clock: the same review gives the same bytes, which the signature covers.
        f"DTSTAMP:{stamp_day:%Y%m%d}T000000Z",
        f"DTSTART;VALUE=DATE:{action_item.due:%Y%m%d}",
        # The end is not part of the event (RFC 5545, section 3.6.1).
        f"DTEND;VALUE=DATE:{action_item.due + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped_text(f'Medicare update: {summary_text}')}",
        *([f"DESCRIPTION:{_escaped_text(f'File: {action_item.file}')}"] if action_item.file else []),
        "END:VEVENT",
    ]


def _escaped_text(plain_text: str) -> str:
    """A text as RFC 5545, section 3.3.11, wants it."""
    return plain_text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded_line(content_line: str) -> str:
    """A line of at most 75 bytes, continued on the next ones (RFC 5545, section 3.1); no character is split."""
    physical_lines: list[str] = []
    physical_line = ""
    for character in content_line:
        # A continued line begins with a blank, which counts among its 75 bytes.
        if len((physical_line + character).encode()) > (75 if not physical_lines else 74):
            physical_lines.append(physical_line)
            physical_line = ""
        physical_line += character
    return "\r\n ".join([*physical_lines, physical_line])
