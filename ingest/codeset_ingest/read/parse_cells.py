"""From text cells to typed values, by the rules of a layout's columns; what no rule understands is a fault."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from codeset.errors import Fault
from codeset.tables import TABLES
from codeset_ingest.read.cells import BLOCK
from codeset_ingest.read.layout import Column
from codeset_ingest.read.table import LINE

_NOISE = 1e-6
"""How far a workbook's float may lie from a whole number of the column's last place and still be that number."""

_DATE_DIGITS = {"%Y%m%d": 8, "%Y%j": 7}
_SHORT = (
    "This copy seems to have been re-saved by a spreadsheet, which drops leading zeros; "
    "take the file from CMS's own zip."
)


@dataclass(frozen=True)
class Rule:
    """How a column becomes a value: `value` where `ok`, otherwise not what was `expected`."""

    value: pl.Expr
    ok: pl.Expr
    expected: str


def typed(cells: pl.DataFrame, columns: list[Column], table: str, form: str, name: str) -> pl.DataFrame | list[Fault]:
    """Return *cells* with the table's types (and `source_line`), or every fault found, one for each column.

    Texts are categoricals. Each distinct text of a column is read once: CMS's largest table, of millions of rows, has
    some hundred dates and ten thousand codes. *name* is the file's, for the faults.
    """
    texts = cells.with_columns(pl.exclude(LINE, BLOCK).cast(pl.Categorical()))
    distinct = texts.select(pl.exclude(LINE, BLOCK).unique().implode())
    readings = {column.name: _read(distinct.item(0, column.name), column, table, form) for column in columns}
    wrong = [column for column in columns if not readings[column.name]["ok"].all()]
    if wrong:
        return [_fault(cells, column, _rule(column, table, form), name) for column in wrong]
    values = cells.with_columns(_looked_up(texts[name], reading) for name, reading in readings.items())
    return values.select(LINE, *(_filled_down(column) for column in columns))


def _read(distinct: pl.Series, column: Column, table: str, form: str) -> pl.DataFrame:
    """The distinct texts of a column, each with its value and whether it is `ok`."""
    rule = _rule(column, table, form)
    texts = pl.DataFrame({"text": distinct, column.name: distinct.cast(pl.String)})
    values = texts.select("text", rule.value.alias("value"), rule.ok.fill_null(value=False).alias("ok"))
    return values.with_columns(
        pl.col("value").cast(pl.Categorical()) if values["value"].dtype == pl.String else "value"
    )


def _looked_up(texts: pl.Series, reading: pl.DataFrame) -> pl.Series:
    """The values of a column's *texts*, by the numbers that the categories have."""
    if reading["text"].equals(reading["value"]):
        return texts
    known = reading.select("value", number=pl.col("text").to_physical())
    numbers = pl.select(number=pl.int_range(known.select(pl.max("number") + 1).item() or 0, dtype=pl.UInt32))
    values = numbers.join(known, on="number", how="left", maintain_order="left")["value"]
    return values.gather(texts.to_physical()).alias(texts.name)


def _filled_down(column: Column) -> pl.Expr:
    values = pl.col(column.name)
    return values.forward_fill().over(BLOCK) if column.rules.get("fill_down") else values


def restored(cells: pl.DataFrame, columns: list[Column], form: str, name: str) -> Iterator[str]:
    """Yield what leading zeros were put back by rule, column by column."""
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
    kind = TABLES[table].columns.get(column.name, pl.Decimal(9, column.rules.get("scale", 0)))
    match column.rules["type"]:
        case "decimal":
            return _decimal(text, column, kind, form)
        case "integer":
            return _integer(text, column, kind)
        case "flag":
            return _flag(text, column.rules["mark"])
        case "date":
            return _date(text, column)
        case _:
            return _text(text, column, form)


def _text(text: pl.Expr, column: Column, form: str) -> Rule:
    rules = column.rules
    if rules.get("footnote_marks"):
        text = text.str.strip_chars_end("* ")
    if form in rules.get("pad", ()):
        text = pl.when(text.str.contains(r"^\d+$")).then(text.str.zfill(rules["width"])).otherwise(text)
    ok, expected = _allowed(text, column)
    if rules.get("blank") == "null":
        text = pl.when(text != "").then(text)
    return Rule(text, ok, expected)


def _allowed(text: pl.Expr, column: Column) -> tuple[pl.Expr, str]:
    if values := column.rules.get("values"):
        return text.is_in(values), "one of " + ", ".join(value or "blank" for value in values)
    if column.rules.get("pattern") == ".+":
        return text != "", "some text"
    if pattern := column.rules.get("pattern"):
        return text.str.contains(f"^(?:{pattern})$"), f"text of the form {pattern}"
    return pl.lit(value=True), "text"


def _decimal(text: pl.Expr, column: Column, kind: pl.DataType, form: str) -> Rule:
    scale = column.rules["scale"]
    if form == "xlsx":
        number = text.cast(pl.Float64, strict=False) * 10**scale
        whole = number.round(0)
        ok = number.is_finite() & (number >= 0) & ((number - whole).abs() < _NOISE)
        return Rule(_pointed(whole.cast(pl.Int64, strict=False).cast(pl.String), scale, kind), ok, f"{scale} decimals")
    if form in column.rules.get("implied_point", ()):
        ok = text.str.contains(r"^\d+$")
        return Rule(_pointed(text, scale, kind), ok, f"digits, the last {scale} of them decimals")
    ok = text.str.contains(rf"^(\d+(\.\d{{0,{scale}}})?|\.\d{{1,{scale}}})$")
    return Rule(text.cast(kind, strict=False), ok, f"a number with at most {scale} decimals")


def _pointed(digits: pl.Expr, scale: int, kind: pl.DataType) -> pl.Expr:
    """Whole numbers of the last place as decimals, exactly."""
    padded = digits.str.zfill(scale + 1)
    return pl.concat_str([padded.str.head(-scale), pl.lit("."), padded.str.tail(scale)]).cast(kind, strict=False)


def _integer(text: pl.Expr, column: Column, kind: pl.DataType) -> Rule:
    behind = column.rules.get("leading", "")
    number = text.str.extract(rf"^(\d{{1,9}}){behind}$", 1) if behind or "values" not in column.rules else text
    values = column.rules.get("values")
    expected = f"one of {', '.join(values)}" if values else "a whole number"
    ok = number.is_in(values) if values else number.is_not_null()
    return Rule(
        number.cast(kind, strict=False), ok.fill_null(value=False), expected + (" and its text" if behind else "")
    )


def _flag(text: pl.Expr, mark: str) -> Rule:
    text = text.fill_null("")
    return Rule(text == mark, text.is_in(["", mark]), f'"{mark}" or blank')


def _date(text: pl.Expr, column: Column) -> Rule:
    form = column.rules["format"]
    day: pl.Expr = pl.when(text.str.len_bytes() == _DATE_DIGITS[form]).then(
        text.str.to_date(form, strict=False, exact=True)
    )
    ok, expected = day.is_not_null(), f"a date that exists, as {form}"
    if (none := column.rules.get("null_mark")) is not None:
        ok, expected = ok | (text == none), f'{expected}, or "{none}"'
    return Rule(day, ok, expected)


def _is_short(column: Column) -> pl.Expr:
    text = pl.col(column.name).str.strip_chars()
    width: int = column.rules["width"]
    return (text != "") & (text.str.len_chars() < width)


def _fault(cells: pl.DataFrame, column: Column, rule: Rule, name: str) -> Fault:
    """One fault for all the cells of a column that break its rule: how many, and the first."""
    texts = cells.select(LINE, pl.col(column.name).cast(pl.String))
    wrong = texts.filter(~rule.ok.fill_null(value=False))
    width = column.rules.get("width", 0)
    digits = ~pl.col(column.name).str.contains(r"\D")
    short = wrong.filter(_is_short(column), digits) if width else wrong.clear()
    if short.height:
        line, text = short.select(LINE, column.name).row(0)
        return Fault(
            name,
            line,
            f'{short.height} cells of {column.name} have fewer than {width} characters (first: "{text.strip()}"); '
            f'expected "{text.strip().zfill(width)}". {_SHORT}',
        )
    line, text = wrong.select(LINE, column.name).row(0)
    many = f" (and {wrong.height - 1} more)" if wrong.height > 1 else ""
    return Fault(name, line, f'{column.name} is "{_shown(text)}"{many}, expected {rule.expected}')


def _shown(text: str | None) -> str:
    """A cell as a message may show it: short, so that no notice or descriptor slips into a log."""
    folded = re.sub(r"\s+", " ", (text or "").strip())
    return folded if len(folded) <= 12 else folded[:9] + "..."
