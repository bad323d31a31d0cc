"""From text cells to typed values, by the rules of a layout's columns; what no rule understands is a fault."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl
import polars.selectors as cs

from codeset.errors import Fault
from codeset.tables import TABLES
from codeset_ingest.read.forms.grid import BLOCK
from codeset_ingest.read.layout import Column
from codeset_ingest.read.table import LINE

# Digits are written [0-9] here and in the layouts' patterns of cells: \d is also a digit of any other script, which
# would pass the pattern and then be cast to null, an amount or a limit lost without a word.

_FLOAT_NOISE = 1e-6
"""How far a workbook's float may be from a whole number of the column's last place and still count as it."""

_PLAUSIBLE_DAYS = (date(1965, 7, 30), date(2099, 12, 31))
"""The dates of CMS's files are between these: Medicare was enacted on the first."""

_DATE_DIGITS = {"%Y%m%d": 8, "%Y%j": 7, "%Y-%m-%d": 10, "%m/%d/%Y": 10, "%Y-%m-%d %H:%M:%S": 19}
_LOST_ZEROS = (
    "This copy seems to have been re-saved by a spreadsheet, which drops leading zeros; "
    "take the file from CMS's own zip."
)


@dataclass(frozen=True)
class Rule:
    """How a column becomes a value: `value` where `is_valid`, otherwise not the `expected` form."""

    value: pl.Expr
    is_valid: pl.Expr
    expected: str


def parse_cells(
    cells: pl.DataFrame, columns: list[Column], table_name: str, form_name: str, file_name: str
) -> pl.DataFrame | list[Fault]:
    """Return *cells* with the table's types (and `source_line`), or every fault, one for each column.

    Texts are categoricals. Each distinct text of a column is parsed once: CMS's largest table, of millions of rows, has
    a few hundred dates and ten thousand codes. *file_name* is the file's, for the faults.
    """
    # One number for each distinct text: what follows compares and looks up numbers.
    categorical_cells = cells.with_columns(pl.exclude(LINE, BLOCK).cast(pl.Categorical()))
    distinct_texts = categorical_cells.select(pl.exclude(LINE, BLOCK).unique().implode())
    rules = {column.name: _rule_of_column(column, table_name, form_name) for column in columns}
    # All columns in one query: one for each would take most of the time of a small file.
    parsed_columns = pl.collect_all(
        [_parsed_texts(distinct_texts.item(0, column_name), column_name, rule) for column_name, rule in rules.items()]
    )
    invalid_columns = [
        column for column, parsed in zip(columns, parsed_columns, strict=True) if not parsed["is_valid"].all()
    ]
    if invalid_columns:
        return [_column_fault(cells, column, rules[column.name], file_name) for column in invalid_columns]
    typed_columns = [
        # With a default: without one polars gives the column of a file without records no new type.
        pl.col(column.name).replace_strict(
            parsed["text"], parsed["value"], default=None, return_dtype=parsed["value"].dtype
        )
        for column, parsed in zip(columns, parsed_columns, strict=True)
        if not parsed["text"].equals(parsed["value"])
    ]
    return categorical_cells.with_columns(typed_columns).select(LINE, *(_fill_down(column) for column in columns))


def _parsed_texts(distinct: pl.Series, column_name: str, rule: Rule) -> pl.LazyFrame:
    """The distinct texts of a column with their values, and whether they are valid (text, value, is_valid)."""
    distinct_texts = pl.LazyFrame({"text": distinct, column_name: distinct.cast(pl.String)})
    return distinct_texts.select(
        "text", rule.value.alias("value"), rule.is_valid.fill_null(value=False).alias("is_valid")
    ).with_columns(cs.string().cast(pl.Categorical()))


def _fill_down(column: Column) -> pl.Expr:
    # LOCCO names a state in the first row of its block alone.
    column_values = pl.col(column.name)
    return column_values.forward_fill().over(BLOCK) if column.rules.get("fill_down") else column_values


def zero_padding_notes(cells: pl.DataFrame, columns: list[Column], form_name: str, file_name: str) -> Iterator[str]:
    """Yield a note for each column in which leading zeros were restored by rule."""
    for column in columns:
        if form_name in column.rules.get("pad", ()):
            short_cells = cells.filter(_is_short(column), ~pl.col(column.name).str.contains(r"\D"))
            if short_cells.height:
                line_number, cell_text = short_cells.select(LINE, column.name).row(0)
                yield (
                    f"{file_name}: {short_cells.height} cells of {column.name} had lost leading zeros, "
                    f'restored by rule (first: line {line_number}, "{cell_text}")'
                )


def _rule_of_column(column: Column, table_name: str, form_name: str) -> Rule:
    cell_text = pl.col(column.name).str.strip_chars()
    dtype = TABLES[table_name].columns.get(column.name, pl.Decimal(9, column.rules.get("scale", 0)))
    match column.rules["type"]:
        case "decimal":
            return _decimal_rule(cell_text, column, dtype, form_name)
        case "integer":
            return _integer_rule(cell_text, column, dtype)
        case "flag":
            return _flag_rule(cell_text, column.rules["mark"], column.rules.get("unmarked", ""))
        case "date":
            return _date_rule(cell_text, column)
        case _:
            return _text_rule(cell_text, column, form_name)


def _text_rule(cell_text: pl.Expr, column: Column, form_name: str) -> Rule:
    rules = column.rules
    if rules.get("folded"):
        cell_text = cell_text.str.replace_all(r"\s+", " ")
    # GPCI marks localities with a floor, and LOCCO those of two carriers, by asterisks behind the name; the footnotes
    # below the records explain them.
    if rules.get("footnote_marks"):
        cell_text = cell_text.str.strip_chars_end("* ")
    # CMS's own csv of LOCCO (2025) and of GPCI (2022) lost the zeros of "01182" and "00". A code is padded only in a
    # workbook, where 00100 may be the number 100; a csv with such codes was saved again by a spreadsheet, and refused.
    if form_name in rules.get("pad", ()):
        cell_text = (
            pl.when(cell_text.str.contains(r"^[0-9]+$")).then(cell_text.str.zfill(rules["width"])).otherwise(cell_text)
        )
    is_valid, expected = _allowed_texts(cell_text, column)
    if rules.get("blank") == "null":
        cell_text = pl.when(cell_text != "").then(cell_text)
    return Rule(cell_text, is_valid, expected)


def _allowed_texts(cell_text: pl.Expr, column: Column) -> tuple[pl.Expr, str]:
    if allowed_values := column.rules.get("values"):
        return cell_text.is_in(allowed_values), "one of " + ", ".join(value or "blank" for value in allowed_values)
    if column.rules.get("pattern") == ".+":
        return cell_text != "", "some text"
    if pattern := column.rules.get("pattern"):
        return cell_text.str.contains(f"^(?:{pattern})$"), f"text of the form {pattern}"
    return pl.lit(value=True), "text"


def _decimal_rule(cell_text: pl.Expr, column: Column, dtype: pl.DataType, form_name: str) -> Rule:
    scale = column.rules["scale"]
    # A workbook holds binary floats: 0.66 arrives as 0.66000000000000003, and is the hundredth that it is nearest to.
    if form_name == "xlsx":
        scaled_number = cell_text.cast(pl.Float64, strict=False) * 10**scale
        whole_number = scaled_number.round(0)
        # Digits and a point alone: in a cell of text, 1E2 would be a number too.
        is_printed = cell_text.str.contains(r"^[0-9]*\.?[0-9]+$")
        is_valid = is_printed & scaled_number.is_finite() & ((scaled_number - whole_number).abs() < _FLOAT_NOISE)
        return Rule(
            _with_point(whole_number.cast(pl.Int64, strict=False).cast(pl.String), scale, dtype),
            is_valid,
            f"{scale} decimals",
        )
    if form_name in column.rules.get("implied_point", ()):
        # ANES txt: 1931 is $19.31 for each anesthesia unit.
        is_valid = cell_text.str.contains(r"^[0-9]+$")
        return Rule(_with_point(cell_text, scale, dtype), is_valid, f"digits, the last {scale} of them decimals")
    # The fee schedule's txt prints the shares of the global package without a zero: .69.
    is_valid = cell_text.str.contains(rf"^([0-9]+(\.[0-9]{{0,{scale}}})?|\.[0-9]{{1,{scale}}})$")
    return Rule(cell_text.cast(dtype, strict=False), is_valid, f"a number with at most {scale} decimals")


def _with_point(digits: pl.Expr, scale: int, dtype: pl.DataType) -> pl.Expr:
    """Whole numbers of the last place as decimals, exactly."""
    padded = digits.str.zfill(scale + 1)
    return pl.concat_str([padded.str.head(-scale), pl.lit("."), padded.str.tail(scale)]).cast(dtype, strict=False)


def _integer_rule(cell_text: pl.Expr, column: Column, dtype: pl.DataType) -> Rule:
    # MUE spells the MAI out: "2 Date of Service Edit: Policy". A wording that is not known may be a fourth MAI.
    if printed_texts := column.rules.get("texts"):
        numbers_of_texts = cell_text.replace_strict(
            {printed_text: whole_number for whole_number, printed_text in printed_texts.items()}, default=None
        )
        expected = "one of " + "; ".join(printed_texts.values())
        return Rule(numbers_of_texts.cast(dtype, strict=False), cell_text.is_in(list(printed_texts.values())), expected)
    if allowed_values := column.rules.get("values"):
        return Rule(
            cell_text.cast(dtype, strict=False), cell_text.is_in(allowed_values), f"one of {', '.join(allowed_values)}"
        )
    # Nine digits fit the largest of our integers.
    whole_number = cell_text.str.extract(r"^([0-9]{1,9})$", 1)
    return Rule(whole_number.cast(dtype, strict=False), whole_number.is_not_null(), "a whole number")


def _flag_rule(cell_text: pl.Expr, mark_text: str, unmarked_text: str) -> Rule:
    # CMS prints the mark (NA, + or *) and leaves blank what has none; a 0 beside the 1 only where the layout says so.
    cell_text = cell_text.fill_null("")
    expected = f'"{mark_text}" or "{unmarked_text}"' if unmarked_text else f'"{mark_text}" or blank'
    return Rule(cell_text == mark_text, cell_text.is_in([unmarked_text, mark_text]), expected)


def _date_rule(cell_text: pl.Expr, column: Column) -> Rule:
    date_format = column.rules["format"]
    # The length first: strptime takes 202611 for January 1. Add-on files write YYYYDDD; day 091 is April 1, and
    # March 31 of a leap year.
    parsed_day: pl.Expr = pl.when(cell_text.str.len_bytes() == _DATE_DIGITS[date_format]).then(
        cell_text.str.to_date(date_format, strict=False, exact=True)
    )
    is_valid, expected = parsed_day.is_between(*_PLAUSIBLE_DAYS), f"a date that exists, as {date_format}"
    # An edit that was not deleted has a * in PTP files and a blank in add-on files; a blank in a PTP file is a lost
    # cell.
    if (null_mark := column.rules.get("null_mark")) is not None:
        is_valid, expected = is_valid | (cell_text == null_mark), f'{expected}, or "{null_mark}"'
    return Rule(parsed_day, is_valid, expected)


def _is_short(column: Column) -> pl.Expr:
    cell_text = pl.col(column.name).str.strip_chars()
    width: int = column.rules["width"]
    return (cell_text != "") & (cell_text.str.len_chars() < width)


def _column_fault(cells: pl.DataFrame, column: Column, rule: Rule, file_name: str) -> Fault:
    """One fault for all the invalid cells of a column: how many, and the first."""
    cell_texts = cells.select(LINE, pl.col(column.name).cast(pl.String))
    invalid_cells = cell_texts.filter(~rule.is_valid.fill_null(value=False))
    width = column.rules.get("width", 0)
    only_digits = ~pl.col(column.name).str.contains(r"\D")
    short_cells = invalid_cells.filter(_is_short(column), only_digits) if width else invalid_cells.clear()
    if short_cells.height:
        line_number, cell_text = short_cells.select(LINE, column.name).row(0)
        return Fault(
            file_name,
            line_number,
            f"{short_cells.height} cells of {column.name} have fewer than {width} characters "
            f'(first: "{cell_text.strip()}"); expected "{cell_text.strip().zfill(width)}". {_LOST_ZEROS}',
        )
    line_number, cell_text = invalid_cells.select(LINE, column.name).row(0)
    count_text = f" (and {invalid_cells.height - 1} more)" if invalid_cells.height > 1 else ""
    return Fault(
        file_name, line_number, f'{column.name} is "{_excerpt(cell_text)}"{count_text}, expected {rule.expected}'
    )


def _excerpt(cell_text: str | None) -> str:
    """A cell shortened for a message, so that no notice or descriptor slips into a log."""
    folded_text = re.sub(r"\s+", " ", (cell_text or "").strip())
    return folded_text if len(folded_text) <= 12 else folded_text[:9] + "..."
