"""What CMS prints around and into the cells of its files: captions, notices, footnotes, marks, each form's ways.

Captions, positions and marks come from the layouts; only what a layout must leave open (it holds patterns) stands here.
Notices are sentences of our own: CMS's carry the text of others.
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import polars as pl

from codeset.releases import Release
from codeset_ingest.read.forms.text_files import END_OF_FILE
from codeset_ingest.read.layout import Column, Layout

DESCRIPTION = "service"
NOTICE = "Whose codes and texts these are, and on what terms, stands here in the files of CMS."

_PRINTED = {
    ".*DESCRIPTION": "DESCRIPTION",
    r"\d{4} Anesthesia Conversion Factor|(National )?Anes CF of [\d.]+": "{year} Anesthesia Conversion Factor",
    "NON-FAC (NA )?INDICATOR": "NON-FAC NA INDICATOR",
    "FACILITY (NA )?INDICATOR": "FACILITY NA INDICATOR",
    r"Medicare Administrative Contractor( \(MAC\))?": "Medicare Administrative Contractor (MAC)",
    r"(\d{4} )?PW GPCI( \(with 1\.0 Floor\))?\**": "{year} PW GPCI (with 1.0 Floor){marks}",
    r"(\d{4} )?PE GPCI\**": "{year} PE GPCI",
    r"(\d{4} )?MP GPCI\**": "{year} MP GPCI",
    "HCPCS/ CPT Code": "HCPCS/\nCPT Code",
    "(Practitioner|Outpatient Hospital|DME Supplier) Services MUE Values": "{supplier} Services MUE Values",
    r"NON-FACIL\w*TY PRICE": "NON-FACILTY PRICE",
}
"""A layout's header pattern, and a text that it matches: CMS's own, slips of the pen included."""

SUPPLIERS = {"mue": "Practitioner", "mue_outpatient": "Outpatient Hospital", "mue_dme": "DME Supplier"}

_TOGETHER = (
    *("NOT USED", "PE RVU", "SUPERVISION OF", "PE USED", "MP USED", "FOR OPPS"),
    *("Column 1", "Column 2", "*=in existence", "prior to 1996", "*=no data", "0=not allowed", "9=not applicable"),
    "PTP Edit Rationale",
)
"""Words of a stacked caption that stand in one row; all others have a row each."""

_HEADER_LINES = {
    "gpci": "Medicare Admi State  Locality{:38}Locality Name{:38}{year} PW GPCI{year} PE GPCI{year} MP GPCI",
    "locco": "Medicare AdmiLocality{:9}State{:50}Fee Schedule Area{:66}Counties",
}
"""The captions of the fixed width files that have any; CMS cuts them."""

_HDR = (
    "CPT CODES AND DESCRIPTIONS ARE THE WORK OF OTHERS",
    "WHOSE THEY ARE AND ON WHAT TERMS",
    "STANDS HERE IN THE FILES OF CMS.",
    "A SECOND STATEMENT FOLLOWS FOR CODES",
    "THAT BEGIN WITH THE LETTER D",
    "AND IS CUT AT THE WIDTH OF THIS COLUM",
    "LIKE THIS.",
)

MAI_TEXTS = {"1": "1 Line Edit", "2": "2 Date of Service Edit: Policy", "3": "3 Date of Service Edit: Clinical"}
"""How CMS spells out each MUE adjudication indicator."""
_FOOTNOTE_MARKS = {"AK": "*", "MT": "**", "NV": "**", "ND": "**", "SD": "**", "WY": "**"}
_STATE_INDENT = 4

_NUMBERS_IN_WORKBOOKS = {
    "pprrvu": [
        "modifier",
        "pctc_indicator",
        "multiple_procedure",
        "bilateral_surgery",
        "assistant_surgery",
        "co_surgery",
        "team_surgery",
        "pricing_indicator",
        "endoscopic_base",
        "calculation_flag",
        "imaging_family",
    ],
    "gpci": ["locality"],
    "oppscap": ["locality"],
}
"""Columns of text whose cells are numbers in CMS's workbooks, where they do not begin with a zero."""


def columns_of(layout: Layout, release: Release) -> list[Column]:
    """The columns that CMS prints, in order; one that few editions have is left out."""
    return [column for column in layout.columns_of(release) if not column.rules.get("optional")]


def cells(
    table: str, frame: pl.DataFrame, columns: list[Column], form: str, factor: Decimal | None, release: Release
) -> pl.DataFrame:
    """Return *frame* as the texts that CMS prints, a column for each of *columns*, named by its place."""
    texts = [_cell(table, column, form, factor).alias(str(place)) for place, column in enumerate(columns)]
    if table == "zip_locality":
        texts[-1] = pl.lit(f"{release.year}{release.quarter}").alias(str(len(columns) - 1))
    return frame.select(texts)


def _cell(table: str, column: Column, form: str, factor: Decimal | None) -> pl.Expr:
    rules, value = column.rules, pl.col(column.name)
    text: pl.Expr
    if not column.name or "read_for" in rules:
        return pl.lit(DESCRIPTION)
    if table == "mpfs" and column.name == "conversion_factor":
        return pl.lit(f"{factor:.{rules['scale']}f}")
    match rules["type"]:
        case "flag":
            text = pl.when(value).then(pl.lit(rules["mark"])).otherwise(pl.lit(rules.get("unmarked", "")))
        case "date":
            text = value.dt.strftime(rules["format"]).fill_null(rules.get("null_mark", ""))
        case "decimal" if form in rules.get("implied_point", ()):
            text = value.cast(pl.String).str.replace(".", "", literal=True)
        case "integer" if column.name == "mai":
            text = value.cast(pl.String).replace_strict(MAI_TEXTS)
        case _:
            text = value.cast(pl.String)
    if rules.get("footnote_marks") and table == "gpci":
        text += pl.col("state").replace_strict(_FOOTNOTE_MARKS, default="")
    if rules.get("fill_down"):
        text = pl.when(value.ne_missing(value.shift())).then(text)
    return text.fill_null("")


def without_zeros(texts: pl.DataFrame, columns: list[Column]) -> pl.DataFrame:
    """Return *texts* as a spreadsheet saves them: MAC and locality are taken for numbers."""
    places = [str(place) for place, column in enumerate(columns) if column.name in ("mac", "locality")]
    return texts.with_columns(pl.col(places).cast(pl.Int64).cast(pl.String))


def loses_zeros(layout: Layout, release: Release, form: str) -> bool:
    """Whether CMS saved that form by a spreadsheet."""
    return (layout.publication, form) == ("locco", "csv") or (
        (layout.publication, form) == ("anes", "xlsx") and release.year >= 2025
    )


def numbered(texts: Sequence[str], layout: Layout, columns: list[Column], release: Release) -> list[str | float | None]:
    """Return a row of a workbook: a number where CMS's workbooks have numbers."""
    names = _NUMBERS_IN_WORKBOOKS.get(layout.publication, [])
    if layout.publication == "pprrvu" and release.year >= 2025:
        names = ["hcpcs", *names]
    if loses_zeros(layout, release, "xlsx"):
        names = ["mac", "locality"]
    return [_number(text, column, names) for text, column in zip(texts, columns, strict=True)]


def _number(text: str, column: Column, names: Sequence[str]) -> str | float | None:
    if column.rules.get("type") == "decimal":
        return float(text)
    if column.name in names and re.fullmatch(r"0|[1-9]\d*", text):
        return int(text)
    return text or None


def captions(layout: Layout, form: str, table: str, release: Release, columns: list[Column]) -> list[list[str]]:
    """Return the header's rows: one, or as many as CMS stacks its captions over."""
    header = layout.forms[form]["header"]
    height = header["above"] + 1 + header["below"]
    header_texts = [_header_text(column.header.pattern, table, release) for column in columns]
    if height == 1:
        return [header_texts]
    stacks = [_stack(text, height, at_the_foot=header["above"] > 0) for text in header_texts]
    return [list(row) for row in zip(*stacks, strict=True)]


def _header_text(pattern: str, table: str, release: Release) -> str:
    text = _PRINTED.get(pattern) or re.sub(r"\\(.)", r"\1", pattern)
    marks = "***" if release.year >= 2026 else ""
    return text.format(year=release.year, marks=marks, supplier=SUPPLIERS.get(table))


def _stack(text: str, height: int, *, at_the_foot: bool) -> list[str]:
    words = re.findall("|".join([*map(re.escape, _TOGETHER), r"\S+"]), text)
    blank = [""] * (height - len(words))
    return [*blank, *words] if at_the_foot else [*words, *blank]


def above(layout: Layout, release: Release, released: date) -> list[list[str]]:
    """Return the rows over the header of a csv, tab separated file or workbook."""
    first = release.first_day
    match layout.publication:
        case "pprrvu":
            title = f"{release.year} National Physician Fee Schedule Relative Value File {first:%B} Release"
            return [["", "", text] for text in (title, NOTICE, NOTICE, " ", f"RELEASED {released:%m/%d/%Y}")]
        case "gpci" | "locco":
            return [[_title(layout, release)], [""]]
        case "ptp":
            return [[NOTICE], ["Column1/Column2 Edits"]]
        case "mue":
            return [["\n".join([NOTICE, "", "It goes on, over several lines, in one cell. "])]]
        case "aoc":
            return [[NOTICE]]
    return []


def lines_above(layout: Layout, release: Release) -> list[str]:
    """Return the lines over the records of a fixed width file."""
    match layout.publication:
        case "pprrvu":
            return [f"HDR {text:46}" for text in _HDR]
        case "aoc":
            return [NOTICE]
        case "gpci" | "locco":
            header = _HEADER_LINES[layout.publication].format("", "", "", year=release.year)
            return [_title(layout, release), "", header]
    return []


def _title(layout: Layout, release: Release) -> str:
    if layout.publication == "gpci":
        indices = f"FINAL CY {release.year} GEOGRAPHIC PRACTICE COST INDICES (GPCIs)"
        return f"ADDENDUM E. {indices} BY STATE AND MEDICARE LOCALITY"
    order = "(ALPHABETICALLY BY STATE AND LOCALITY NAME WITHIN STATE)"
    return f"COUNTIES INCLUDED IN {release.year} LOCALITIES. {order}"


def below(layout: Layout, release: Release) -> list[str]:
    """Return the lines after the records: footnotes, or the end-of-file mark of old."""
    match layout.publication:
        case "pprrvu" | "oppscap" | "anes":
            return [END_OF_FILE] if release.year <= 2025 else []
        case "gpci":
            note = ["Note: what the floors are, and until when, is said here.", "   Therefore, it goes on.", ""]
            return ["MAC Assignments as of a day", "", "*The floor of one state.", "**The floor of others.", "", *note]
        case "locco":
            return ["", "", "*  Payment locality is serviced by two carriers."]
    return []


def fixed(texts: pl.DataFrame, layout: Layout, columns: list[Column]) -> list[str]:
    """Return the records at their positions.

    Raises ValueError: for a text that is longer than its field.
    """
    at = {str(place): column for place, column in enumerate(columns) if column.fixed}
    parts, end = [], 0
    for name, column in sorted(at.items(), key=lambda place: place[1].fixed or (0, 0)):
        first, last = column.fixed or (0, 0)
        text, width = _fitted_text(pl.col(name), layout, column), last - first + 1
        if texts.select((text.str.len_chars() > width).any()).item():
            raise ValueError(f"{layout.publication}: a {column.name} does not fit into {width} characters")
        right = column.rules.get("type") == "decimal" or (layout.publication, first < 19) == ("locco", True)
        padded_text = text.str.pad_start(width) if right else text.str.pad_end(width)
        parts += [pl.lit(" " * (first - 1 - end)), padded_text]
        end = last
    return texts.select(pl.concat_str(parts).str.strip_chars_end(" ").alias("line"))["line"].to_list()


def _fitted_text(text: pl.Expr, layout: Layout, column: Column) -> pl.Expr:
    """A cell as it stands in its field: ".10" where there is room for no more; the state stands in by four."""
    first, last = column.fixed or (0, 0)
    if last - first == column.rules.get("scale", 0) and column.rules["type"] == "decimal":
        return text.str.strip_prefix("0")
    if (layout.publication, column.name) == ("locco", "state"):
        return pl.when(text != "").then(pl.lit(" " * _STATE_INDENT) + text).otherwise(pl.lit(""))
    return text
