"""Workbooks: text stays text whatever it begins with, numbers stay numbers, the same content gives the same bytes."""

import io
import time
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from codeset.workbook import Cell, Sheet, write


def _bytes(**sheets: Sheet) -> bytes:
    stream = io.BytesIO()
    write(stream, sheets)
    return stream.getvalue()


def _page(data: bytes) -> Worksheet:
    """The first sheet, as openpyxl reads it."""
    return openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]


@pytest.mark.parametrize("text", ['=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", "#N/A", "00100", "1E5", " x ", "a\nb", ""])
def test_text_stays_text(text: str) -> None:
    data = _bytes(one=Sheet([[text, "end"]]))
    cell = _page(data)["A1"]
    assert (cell.value or "", cell.data_type if text else "s") == (text, "s")
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_text_that_would_be_a_formula_stays_text_when_it_is_edited() -> None:
    sheet = _page(_bytes(one=Sheet([["=1+1", "1+1"]])))
    assert [cell.quotePrefix for cell in sheet[1]] == [True, False]


def test_control_characters_are_written_as_excel_spells_them() -> None:
    cell = _page(_bytes(one=Sheet([["\x1a", "_x001A_"]])))[1]
    assert [sheet_cell.value for sheet_cell in cell] == ["_x001A_", "_x005F_x001A_"]


def test_numbers_and_dates_stay_what_they_are() -> None:
    row: list[Cell] = [Decimal("0.90"), 3, 1.5, date(2026, 7, 1), True, None, "end"]
    cells = _page(_bytes(one=Sheet([row], formats={0: "0.00"})))[1]
    assert [(cell.value, cell.data_type) for cell in cells[:3]] == [(0.9, "n"), (3, "n"), (1.5, "n")]
    assert [cell.value for cell in cells[3:6]] == [datetime(2026, 7, 1), True, None]  # noqa: DTZ001
    assert cells[0].number_format == "0.00"


def test_a_header_is_frozen_and_has_a_filter_below_the_title() -> None:
    rows: list[list[Cell]] = [["11102", Decimal("95.53")], ["17000", Decimal("66.47")]]
    sheet = Sheet(rows, header=["hcpcs", "amount"], title=["Changes", "2026q3"], widths={1: 20})
    page = _page(_bytes(one=sheet))
    assert [[cell.value for cell in row] for row in page.iter_rows()] == [
        ["Changes", None],
        ["2026q3", None],
        [None, None],
        ["hcpcs", "amount"],
        ["11102", 95.53],
        ["17000", 66.47],
    ]
    assert (page.freeze_panes, page.auto_filter.ref) == ("A5", "A4:B6")
    assert (page.column_dimensions["A"].width, page.column_dimensions["B"].width) == (9, 20)


def test_the_same_content_gives_the_same_bytes_at_another_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = Sheet([["a", 1]], header=["x", "y"])
    first = _bytes(one=sheet)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    with zipfile.ZipFile(io.BytesIO(first)) as book:
        assert {member.date_time for member in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2000-01-01T00:00:00Z</dcterms:modified>" in book.read("docProps/core.xml")
    assert _bytes(one=sheet) == first


def test_sheets_keep_their_order_and_a_path_is_written(tmp_path: Path) -> None:
    write(tmp_path / "two.xlsx", {"second first": Sheet([]), "Another": Sheet([[1]])})
    assert openpyxl.load_workbook(tmp_path / "two.xlsx").sheetnames == ["second first", "Another"]


def test_what_excel_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 32767"):
        _bytes(one=Sheet([["x" * 32_768]]))
    with pytest.raises(ValueError, match="at least one sheet"):
        _bytes()


def test_a_note_explains_a_column_and_long_texts_go_on_in_further_lines() -> None:
    sheet = Sheet([["a " * 60, "b"]], header=["x", "y"], widths={0: 20}, notes={1: "what y is"}, wrapped=frozenset({0}))
    page = _page(_bytes(one=sheet))
    assert (page["B1"].comment.text, page["A1"].comment) == ("what y is", None)
    assert (page["A2"].alignment.wrap_text, page["B2"].alignment.wrap_text) == (True, None)
    assert page.row_dimensions[2].height == 15 * 6  # 120 letters, some 22 to a line
    assert _bytes(one=sheet) == _bytes(one=sheet)


def test_on_paper_a_sheet_is_as_wide_as_the_page_and_its_header_is_on_each() -> None:
    page = _page(_bytes(one=Sheet([["a"]], header=["x"], title=["t"])))
    assert (page.page_setup.orientation, page.page_setup.fitToHeight) == ("landscape", 0)
    assert (page.sheet_properties.pageSetUpPr.fitToPage, page.print_title_rows) == (True, "$3:$3")
