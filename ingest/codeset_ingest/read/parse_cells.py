"""From text cells to typed values, by the rules of a layout's columns; what no rule understands is a fault."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from codeset.errors import Fault
from codeset.tables import TABLES
from codeset_ingest.read.forms.grid import BLOCK
from codeset_ingest.read.layout import Column
from codeset_ingest.read.table import LINE

# Digits are written [0-9] here and in the layouts' patterns of cells: \d is also a digit of any other script, which
# would pass the pattern and then be cast to null, an amount or a limit lost without a word.

_NOISE = 1e-6
"""How far a workbook's float may be from a whole number of the column's last place and still count as it."""

_DAYS = (date(1965, 7, 30), date(2099, 12, 31))
"""Between these lie the dates of CMS's files: Medicare was enacted on the first."""

_DATE_DIGITS = {"%Y%m%d": 8, "%Y%j": 7, "%Y-%m-%d": 10, "%m/%d/%Y": 10, "%Y-%m-%d %H:%M:%S": 19}
_SHORT = (
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
    cells: pl.DataFrame, columns: list[Column], table: str, form: str, name: str
) -> pl.DataFrame | list[Fault]:
    """Return *cells* with the table's types (and `source_line`), or every fault, one for each column.

    Texts are categoricals. Each distinct text of a column is parsed once: CMS's largest table, of millions of rows, has
    a few hundred dates and ten thousand codes. *name* is the file's, for the faults.
    """
    # One number for each distinct text: what follows compares and looks up numbers.
    texts = cells.with_columns(pl.exclude(LINE, BLOCK).cast(pl.Categorical()))
    distinct = texts.select(pl.exclude(LINE, BLOCK).unique().implode())
    parsed = {column.name: _parse(distinct.item(0, column.name), column, table, form) for column in columns}
    invalid = [column for column in columns if not parsed[column.name]["is_valid"].all()]
    if invalid:
        return [_fault(cells, column, _rule(column, table, form), name) for column in invalid]
    values = cells.with_columns(_look_up(texts[name], values_of_texts) for name, values_of_texts in parsed.items())
    return values.select(LINE, *(_fill_down(column) for column in columns))


def _parse(distinct: pl.Series, column: Column, table: str, form: str) -> pl.DataFrame:
    """The distinct texts of a column with their values, and whether they are valid (text, value, is_valid)."""
    rule = _rule(column, table, form)
    texts = pl.DataFrame({"text": distinct, column.name: distinct.cast(pl.String)})
    values = texts.select("text", rule.value.alias("value"), rule.is_valid.fill_null(value=False).alias("is_valid"))
    return values.with_columns(
        pl.col("value").cast(pl.Categorical()) if values["value"].dtype == pl.String else "value"
    )


def _look_up(texts: pl.Series, parsed: pl.DataFrame) -> pl.Series:
    """The values of a column's *texts*, found by the physical numbers of their categories."""
    if parsed["text"].equals(parsed["value"]):
        return texts
    known = parsed.select("value", number=pl.col("text").to_physical())
    numbers = pl.select(number=pl.int_range(known.select(pl.max("number") + 1).item() or 0, dtype=pl.UInt32))
    values = numbers.join(known, on="number", how="left", maintain_order="left")["value"]
    return values.gather(texts.to_physical()).alias(texts.name)


def _fill_down(column: Column) -> pl.Expr:
    # LOCCO names a state in the first row of its block alone.
    values = pl.col(column.name)
    return values.forward_fill().over(BLOCK) if column.rules.get("fill_down") else values


def zero_padding_notes(cells: pl.DataFrame, columns: list[Column], form: str, name: str) -> Iterator[str]:
    """Yield a note for each column in which leading zeros were restored by rule."""
    for column in columns:
        if form in column.rules.get("pad", ()):
            short = cells.filter(_is_short(column), ~pl.col(column.name).str.contains(r"\D"))
            if short.height:
                line, text = short.select(LINE, column.name).row(0)
                yield (
                    f"{name}: {short.height} cells of {column.name} had lost leading zeros, restored by rule "
                    f'(first: line {line}, "{text}")'
                )


def _rule(column: Column, table: str, form: str) -> Rule:
    text = pl.col(column.name).str.strip_chars()
    dtype = TABLES[table].columns.get(column.name, pl.Decimal(9, column.rules.get("scale", 0)))
    match column.rules["type"]:
        case "decimal":
            return _decimal(text, column, dtype, form)
        case "integer":
            return _integer(text, column, dtype)
        case "flag":
            return _flag(text, column.rules["mark"], column.rules.get("unmarked", ""))
        case "date":
            return _date(text, column)
        case _:
            return _text(text, column, form)


def _text(text: pl.Expr, column: Column, form: str) -> Rule:
    rules = column.rules
    if rules.get("folded"):
        text = text.str.replace_all(r"\s+", " ")
    # GPCI marks localities with a floor, and LOCCO those of two carriers, by asterisks behind the name; the footnotes
    # below the records explain them.
    if rules.get("footnote_marks"):
        text = text.str.strip_chars_end("* ")
    # CMS's own csv of LOCCO (2025) and of GPCI (2022) lost the zeros of "01182" and "00". A code is padded only in a
    # workbook, where 00100 may be the number 100; a csv with such codes was saved again by a spreadsheet, and refused.
    if form in rules.get("pad", ()):
        text = pl.when(text.str.contains(r"^[0-9]+$")).then(text.str.zfill(rules["width"])).otherwise(text)
    is_valid, expected = _allowed_texts(text, column)
    if rules.get("blank") == "null":
        text = pl.when(text != "").then(text)
    return Rule(text, is_valid, expected)


def _allowed_texts(text: pl.Expr, column: Column) -> tuple[pl.Expr, str]:
    if values := column.rules.get("values"):
        return text.is_in(values), "one of " + ", ".join(value or "blank" for value in values)
    if column.rules.get("pattern") == ".+":
        return text != "", "some text"
    if pattern := column.rules.get("pattern"):
        return text.str.contains(f"^(?:{pattern})$"), f"text of the form {pattern}"
    return pl.lit(value=True), "text"


def _decimal(text: pl.Expr, column: Column, dtype: pl.DataType, form: str) -> Rule:
    scale = column.rules["scale"]
    # A workbook holds binary floats: 0.66 arrives as 0.66000000000000003, and is the hundredth that it is nearest to.
    if form == "xlsx":
        number = text.cast(pl.Float64, strict=False) * 10**scale
        whole = number.round(0)
        # Digits and a point alone: in a cell of text, 1E2 would be a number too.
        is_printed = text.str.contains(r"^[0-9]*\.?[0-9]+$")
        is_valid = is_printed & number.is_finite() & ((number - whole).abs() < _NOISE)
        return Rule(
            _with_point(whole.cast(pl.Int64, strict=False).cast(pl.String), scale, dtype), is_valid, f"{scale} decimals"
        )
    if form in column.rules.get("implied_point", ()):
        # ANES txt: 1931 is $19.31 for each anesthesia unit.
        is_valid = text.str.contains(r"^[0-9]+$")
        return Rule(_with_point(text, scale, dtype), is_valid, f"digits, the last {scale} of them decimals")
    # The fee schedule's txt prints the shares of the global package without a zero: .69.
    is_valid = text.str.contains(rf"^([0-9]+(\.[0-9]{{0,{scale}}})?|\.[0-9]{{1,{scale}}})$")
    return Rule(text.cast(dtype, strict=False), is_valid, f"a number with at most {scale} decimals")


def _with_point(digits: pl.Expr, scale: int, dtype: pl.DataType) -> pl.Expr:
    """Whole numbers of the last place as decimals, exactly."""
    padded = digits.str.zfill(scale + 1)
    return pl.concat_str([padded.str.head(-scale), pl.lit("."), padded.str.tail(scale)]).cast(dtype, strict=False)


def _integer(text: pl.Expr, column: Column, dtype: pl.DataType) -> Rule:
    # MUE spells the MAI out: "2 Date of Service Edit: Policy". A wording that is not known may be a fourth MAI.
    if texts := column.rules.get("texts"):
        numbers = text.replace_strict({printed: number for number, printed in texts.items()}, default=None)
        expected = "one of " + "; ".join(texts.values())
        return Rule(numbers.cast(dtype, strict=False), text.is_in(list(texts.values())), expected)
    if values := column.rules.get("values"):
        return Rule(text.cast(dtype, strict=False), text.is_in(values), f"one of {', '.join(values)}")
    # Nine digits fit the largest of our integers.
    number = text.str.extract(r"^([0-9]{1,9})$", 1)
    return Rule(number.cast(dtype, strict=False), number.is_not_null(), "a whole number")


def _flag(text: pl.Expr, mark: str, unmarked: str) -> Rule:
    # CMS prints the mark (NA, + or *) and leaves blank what has none; a 0 beside the 1 only where the layout says so.
    text = text.fill_null("")
    expected = f'"{mark}" or "{unmarked}"' if unmarked else f'"{mark}" or blank'
    return Rule(text == mark, text.is_in([unmarked, mark]), expected)


def _date(text: pl.Expr, column: Column) -> Rule:
    form = column.rules["format"]
    # The length first: strptime takes 202611 for January 1. Add-on files write YYYYDDD; day 091 is April 1, and
    # March 31 of a leap year.
    day: pl.Expr = pl.when(text.str.len_bytes() == _DATE_DIGITS[form]).then(
        text.str.to_date(form, strict=False, exact=True)
    )
    is_valid, expected = day.is_between(*_DAYS), f"a date that exists, as {form}"
    # An edit that was not deleted has a * in PTP files and a blank in add-on files; a blank in a PTP file is a lost
    # cell.
    if (none := column.rules.get("null_mark")) is not None:
        is_valid, expected = is_valid | (text == none), f'{expected}, or "{none}"'
    return Rule(day, is_valid, expected)


def _is_short(column: Column) -> pl.Expr:
    text = pl.col(column.name).str.strip_chars()
    width: int = column.rules["width"]
    return (text != "") & (text.str.len_chars() < width)


def _fault(cells: pl.DataFrame, column: Column, rule: Rule, name: str) -> Fault:
    """One fault for all the invalid cells of a column: how many, and the first."""
    texts = cells.select(LINE, pl.col(column.name).cast(pl.String))
    invalid = texts.filter(~rule.is_valid.fill_null(value=False))
    width = column.rules.get("width", 0)
    digits = ~pl.col(column.name).str.contains(r"\D")
    short = invalid.filter(_is_short(column), digits) if width else invalid.clear()
    if short.height:
        line, text = short.select(LINE, column.name).row(0)
        return Fault(
            name,
            line,
            f'{short.height} cells of {column.name} have fewer than {width} characters (first: "{text.strip()}"); '
            f'expected "{text.strip().zfill(width)}". {_SHORT}',
        )
    line, text = invalid.select(LINE, column.name).row(0)
    many = f" (and {invalid.height - 1} more)" if invalid.height > 1 else ""
    return Fault(name, line, f'{column.name} is "{_excerpt(text)}"{many}, expected {rule.expected}')


def _excerpt(text: str | None) -> str:
    """A cell shortened for a message, so that no notice or descriptor slips into a log."""
    folded = re.sub(r"\s+", " ", (text or "").strip())
    return folded if len(folded) <= 12 else folded[:9] + "..."
