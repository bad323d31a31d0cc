"""The excludes notes of CDC's tabular list (XML): the codes that they are under, and the codes that they name.

`<ICD10CM.tabular>` holds chapters, these hold sections, and these hold nested `<diag>`, each with its `<name>`. Notes
are in `<excludes1>` and `<excludes2>` of any of them and count for everything below. A note names codes in parentheses:
`(L50.-)`, `(C00-C96)`, `(E08-E13 with .620)`. Only codes are read, never the text.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from codeset.errors import BadInput, Fault, extra
from codeset_ingest.read.open_files import File
from codeset_ingest.read.table import FILE, LINE, Reading

with extra("ingest"):
    from lxml import etree

_DECLARED_TYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_KIND_OF_TAG = {"excludes1": "1", "excludes2": "2"}
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_CODE_PATTERN = r"[A-Z](?:[0-9][0-9A-Z]|[A-Z][0-9])(?:\.[0-9A-Z]{1,4})?"
_SINGLE_CODE = re.compile(rf"({_CODE_PATTERN})(?:\.?-)?")
_CODE_RANGE = re.compile(rf"({_CODE_PATTERN})\.?\s*-{{1,2}}\s*({_CODE_PATTERN})(?:\.?-)?")
_RANGE_WITH_ENDINGS = re.compile(r"([A-Z])(\d\d)-\1(\d\d),? with ((?:\.\d+-?(?:, )?)+)")
_SEPARATORS = re.compile(r"\s*[,;]\s*|\s+(?:and|or)\s+")
_LIKE_A_CODE = re.compile(r"[A-Z](?:[0-9][0-9A-Z]|[A-Z][0-9])")


def tabular_cells(source_file: File) -> pl.DataFrame:
    """Return `diagnosis`, `excluded` and `kind` of each code that an excludes note names, as text.

    A note that names no code, or some only in words, has a row with a blank `excluded`.

    Raises BadInput: for a file that is no XML, declares a document type, or is not built as CDC's lists are.
    """
    faults: list[Fault] = []
    note_rows = list(_note_rows(source_file, _root_element(source_file), faults))
    if faults:
        raise BadInput(faults)
    column_types = {LINE: pl.Int32, "diagnosis": pl.String, "excluded": pl.String, "kind": pl.String}
    return pl.DataFrame(note_rows, schema=column_types, orient="row")


def _root_element(source_file: File) -> "etree._Element":
    # Entities could read other files or fill the memory; in UTF-16 the search would not find them.
    if _DECLARED_TYPE.search(source_file.data) or b"\0" in source_file.data[:64]:
        raise BadInput(
            [Fault(source_file.names, 0, "declares a document type, or is not in UTF-8; CDC's tabular list is not so")]
        )
    try:
        return etree.fromstring(
            source_file.data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        )
    except etree.XMLSyntaxError as error:
        raise BadInput(
            [Fault(source_file.names, error.lineno or 0, "not XML that can be read; fetch it again")]
        ) from error


def _note_rows(
    source_file: File, root_element: "etree._Element", faults: list[Fault]
) -> Iterator[tuple[int, str, str, str]]:
    if next(root_element.iter("diag"), None) is None:
        faults.append(Fault(source_file.names, 0, "no code (diag) in it"))
    # A note counts for every code below it, so it is kept under the code that has it: spread out it would be some
    # hundred times as many rows.
    for element in root_element.iter(*_KIND_OF_TAG):
        codes_above = _codes_over(element)
        if codes_above is None:
            message = f"expected the code of the {_parent_tag(element)} that {element.tag} is under, as CDC writes it"
            faults.append(Fault(source_file.names, _line_of(element), message))
            continue
        for note_element in element.iter("note"):
            note_text = "".join(map(str, note_element.itertext()))
            for excluded in codes_of_note(note_text):
                yield _line_of(note_element), codes_above, excluded or "", _KIND_OF_TAG[element.tag]


def _codes_over(element: "etree._Element") -> str | None:
    """The code, or first and last code, that holds *element*; None if it is not written as CDC writes it."""
    parent_element = element.getparent()
    parent_tag, named_element = (_parent_tag(element), parent_element) if parent_element is not None else ("", None)
    if named_element is None:
        return None
    if parent_tag == "chapter":
        # A chapter's description ends with its range in parentheses; words of it may be in others before.
        texts_in_parentheses = _PARENTHESES.findall(named_element.findtext("desc") or "")
        return next(iter(_codes_of_text(texts_in_parentheses[-1]) or ()), None) if texts_in_parentheses else None
    code_text = {"diag": named_element.findtext("name"), "section": named_element.get("id")}.get(parent_tag)
    return next(iter(_codes_of_text(code_text or "") or ()), None)


def _parent_tag(element: "etree._Element") -> str:
    parent = element.getparent()
    return "nothing" if parent is None else str(parent.tag)


def _line_of(element: "etree._Element") -> int:
    source_line = element.sourceline
    return source_line if isinstance(source_line, int) else 0


def codes_of_note(note_text: str) -> list[str | None]:
    """Return the codes that a note names, without the point: `L50`, or first and last, `C00-C96`.

    None is what it names only in words.
    """
    groups_with_codes = [group for group in _PARENTHESES.findall(note_text) if _LIKE_A_CODE.search(group)]
    codes_of_groups = [_codes_of_text(group_text) for group_text in groups_with_codes]
    codes: list[str | None] = [group_code for codes_of_group in codes_of_groups for group_code in codes_of_group or ()]
    return codes if codes and None not in codes_of_groups else [*codes, None]


def _codes_of_text(code_text: str) -> list[str] | None:
    """The codes of *code_text*, and nothing but codes; None if it has other words."""
    if range_match := _RANGE_WITH_ENDINGS.fullmatch(code_text.strip()):
        letter, first_number, last_number, endings = range_match.groups()
        endings = re.findall(r"\.(\d+)", endings)
        return [
            f"{letter}{category_number:02}{ending}"
            for category_number in range(int(first_number), int(last_number) + 1)
            for ending in endings
        ]
    found_codes = []
    for text_part in filter(None, _SEPARATORS.split(code_text.strip())):
        if range_match := _SINGLE_CODE.fullmatch(text_part):
            found_codes.append(_without_point(range_match[1]))
        elif range_match := _CODE_RANGE.fullmatch(text_part):
            found_codes.append(f"{_without_point(range_match[1])}-{_without_point(range_match[2])}")
        else:
            return None
    return found_codes or None


def _without_point(dotted_code: str) -> str:
    return dotted_code.replace(".", "")


def excludes_rows(reading: Reading) -> Reading:
    """Return one row for each code that a note names; notes in words are left out, and counted in a note."""
    note_rows = reading.frame
    coded_rows = note_rows.drop_nulls("excluded").unique(
        ["diagnosis", "excluded", "kind"], keep="first", maintain_order=True
    )
    notes_in_words = (
        note_rows.filter(pl.col("excluded").is_null()).select(FILE, LINE).n_unique() if note_rows.height else 0
    )
    message = f"{reading.names[0]}: {notes_in_words:,} excludes notes name codes only in words, in whole or in part"
    return replace(reading, frame=coded_rows, notes=(*reading.notes, message))
