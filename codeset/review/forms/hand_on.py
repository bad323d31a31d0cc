"""Files to hand on with a review: rates and edits to load, tasks with owners and dates, a page for physicians."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files

from codeset import money, wording, workbook
from codeset.errors import extra
from codeset.participants import participant_label
from codeset.review.action_items import EDIT_NAMES, ActionItem
from codeset.review.first_page import first_page
from codeset.review.forms.change_groups import change_groups
from codeset.review.model import Review
from codeset.review.payments import Payment
from codeset.review.table_changes import Change
from codeset.workbook import Cell, Sheet

with extra("review"):
    from jinja2 import Environment, FunctionLoader, StrictUndefined

_MOST_MOVERS = 8


def fee_schedule_csv(review: Review) -> str:
    """Return the amounts that changed, to load into a billing system: a row for each code, modifier and setting.

    Amounts are dollars without a sign; empty where CMS sets none. With several conversion factors a last column says
    whose the row is.
    """
    several = len({table.participant for table in review.payments}) > 1
    header = ["code", "modifier", "setting", "old", "new", "effective", "locality", *(["qp_status"] if several else [])]
    rows: Iterator[list[Cell]] = (
        [
            payment.hcpcs,
            payment.modifier,
            wording.setting(table.setting),
            _amount(payment.before.cents),
            _amount(payment.after.cents),
            review.new.first_day,
            review.place.locality,
            *([participant_label(table.participant)] if several else []),
        ]
        for table in review.payments
        for payment in table.rows
    )
    return _csv(header, rows)


def _amount(cents: int | None) -> str:
    return "" if cents is None else f"{Decimal(cents) / 100:.2f}"


def edits_csv(review: Review) -> str:
    """Return the edits that changed, to update a claim scrubber: what, before and after, since when, and by whom.

    `our older file` means that our old release lacks what CMS changed before: since when, an MUE does not say, and the
    scrubber may have it already.
    """
    header = ["table", "code", "other_code", "change", "field", "old", "new", "effective", "changed_by"]
    rows = (
        [wording.table_name(table.table), *_change_cells(change), change.since or unless_dated, changed_by]
        for table in map(review.table, EDIT_NAMES)
        for changes, unless_dated, changed_by in (
            (table.changes, review.new.first_day, "CMS"),
            (table.own_changes, None, "our older file"),
        )
        for change in changes
    )
    return _csv(header, rows)


def _change_cells(change: Change) -> list[Cell]:
    old, new = ("" if value == wording.NONE else value for value in (change.before, change.after))
    # A scrubber wants the two codes of a pair in columns of their own.
    code, _, other_code = change.key.partition(" / ")
    return [code, other_code, change.kind, change.what, old, new]


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return text.getvalue()


def tasks_workbook(review: Review) -> bytes:
    """Return the action items as an xlsx workbook, with owner, due date and done to fill in."""
    page = first_page(review)
    rows = (
        (number, item.title, item.details, item.file, "", item.due, "")
        for number, item in enumerate(page.actions, start=1)
    )
    header = ("number", "task", "details", "file", "owner", "due", "done")
    widths = {0: 9, 1: 50, 2: 70, 3: 24, 4: 24, 5: 12, 6: 9}
    target = io.BytesIO()
    sheet = Sheet(rows, header, [page.title], {5: "mm/dd/yyyy"}, widths, wrapped=frozenset({1, 2}))
    workbook.write(target, {"tasks": sheet})
    return target.getvalue()


def physician_handout(review: Review) -> str:
    """Return one printed page for physicians: what changes in payment and edits, and from when."""
    environment = Environment(loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = True
    environment.filters |= {
        "signed_dollars": money.signed_dollars,
        "quarter": wording.quarter,
        "us_date": wording.us_date,
    }
    return environment.get_template("handout.html.j2").render(
        r=review, page=first_page(review), movers=_handout_movers(review), edits=list(_handout_edits(review))
    )


def _asset(name: str) -> str:
    return files("codeset.review.forms").joinpath("page", name).read_text(encoding="utf-8")


def _handout_movers(review: Review) -> list[tuple[str, str, str, str, str]]:
    """Code, old and new amount, change and percent in the first setting shown: the practice's largest changes first."""
    rows = [payment for table in review.payments[:1] for payment in table.rows if payment.change_cents]
    own = {(line.hcpcs, line.modifier): abs(line.change_cents or 0) for year in review.years[:1] for line in year.lines}

    def size(payment: Payment) -> tuple[int, int, str]:
        return (-own.get((payment.hcpcs, payment.modifier), 0), -abs(payment.change_cents or 0), payment.hcpcs)

    largest = sorted(rows, key=size)[:_MOST_MOVERS]
    return [
        (
            f"{payment.hcpcs} {payment.modifier}".strip(),
            money.dollars(payment.before.cents),
            money.dollars(payment.after.cents),
            money.signed_dollars(payment.change_cents),
            wording.percent(payment.before.cents, payment.after.cents),
        )
        for payment in largest
    ]


def _handout_edits(review: Review) -> Iterator[str]:
    for name in ("ptp", "mue", "add_on"):
        for change in change_groups(review.table(name).changes)[:_MOST_MOVERS]:
            values = " → ".join(value for value in (change.before, change.after) if value != wording.NONE)
            yield f"{change.key}: {change.what} {change.kind} ({values})"


def due_dates_ics(review: Review) -> str:
    """Return the due dates of the action items as a calendar file (RFC 5545); no clock goes into it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//derm-codeset//review//EN"]
    for number, item in enumerate(first_page(review).actions, start=1):
        # One name for one item of one review: a calendar that imports the file again changes its entry, and adds none.
        lines += _event(item, f"{review.new.release}-{review.old.release}-{number}@derm-codeset", review.new.first_day)
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _event(item: ActionItem, uid: str, stamp: date) -> list[str]:
    text = ". ".join(filter(None, (item.title, item.details)))
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        # The release's first day and no clock: the same review gives the same bytes, which the signature covers.
        f"DTSTAMP:{stamp:%Y%m%d}T000000Z",
        f"DTSTART;VALUE=DATE:{item.due:%Y%m%d}",
        # The end is not part of the event (RFC 5545, section 3.6.1).
        f"DTEND;VALUE=DATE:{item.due + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(f'Medicare update: {text}')}",
        *([f"DESCRIPTION:{_escaped(f'File: {item.file}')}"] if item.file else []),
        "END:VEVENT",
    ]


def _escaped(text: str) -> str:
    """A text as RFC 5545, section 3.3.11, wants it."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> str:
    """A line of at most 75 bytes, continued on the next ones (RFC 5545, section 3.1); no character is split."""
    parts: list[str] = []
    part = ""
    for character in line:
        if len((part + character).encode()) > (75 if not parts else 74):
            parts.append(part)
            part = ""
        part += character
    return "\r\n ".join([*parts, part])
