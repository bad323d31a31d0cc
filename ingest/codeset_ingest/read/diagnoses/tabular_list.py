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
_KINDS = {"excludes1": "1", "excludes2": "2"}
_PARENTHESES = re.compile(r"\(([^()]*)\)")
_CODE = r"[A-Z](?:[0-9][0-9A-Z]|[A-Z][0-9])(?:\.[0-9A-Z]{1,4})?"
_ONE = re.compile(rf"({_CODE})(?:\.?-)?")
_RANGE = re.compile(rf"({_CODE})\.?\s*-{{1,2}}\s*({_CODE})(?:\.?-)?")
_WITH = re.compile(r"([A-Z])(\d\d)-\1(\d\d),? with ((?:\.\d+-?(?:, )?)+)")
_BETWEEN = re.compile(r"\s*[,;]\s*|\s+(?:and|or)\s+")
_LIKE_A_CODE = re.compile(r"[A-Z](?:[0-9][0-9A-Z]|[A-Z][0-9])")


def tabular_cells(file: File) -> pl.DataFrame:
    """Return `diagnosis`, `excluded` and `kind` of each code that an excludes note names, as text.

    A note that names no code, or some only in words, has a row with a blank `excluded`.

    Raises BadInput: for a file that is no XML, declares a document type, or is not built as CDC's lists are.
    """
    faults: list[Fault] = []
    rows = list(_rows(file, _root(file), faults))
    if faults:
        raise BadInput(faults)
    schema = {LINE: pl.Int32, "diagnosis": pl.String, "excluded": pl.String, "kind": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _root(file: File) -> "etree._Element":
    # Entities could read other files or fill the memory; in UTF-16 the search would not find them.
    if _DECLARED_TYPE.search(file.data) or b"\0" in file.data[:64]:
        raise BadInput(
            [Fault(file.names, 0, "declares a document type, or is not in UTF-8; CDC's tabular list is not so")]
        )
    try:
        return etree.fromstring(file.data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise BadInput([Fault(file.names, error.lineno or 0, "not XML that can be read; fetch it again")]) from error


def _rows(file: File, root: "etree._Element", faults: list[Fault]) -> Iterator[tuple[int, str, str, str]]:
    if next(root.iter("diag"), None) is None:
        faults.append(Fault(file.names, 0, "no code (diag) in it"))
    # A note counts for every code below it, so it is kept under the code that it stands at: spread out it would be some
    # hundred times as many rows.
    for element in root.iter(*_KINDS):
        under = _codes_over(element)
        if under is None:
            message = f"expected the code of the {_parent_tag(element)} that {element.tag} is under, as CDC writes it"
            faults.append(Fault(file.names, _line(element), message))
            continue
        for note in element.iter("note"):
            text = "".join(map(str, note.itertext()))
            for excluded in codes_of_note(text):
                yield _line(note), under, excluded or "", _KINDS[element.tag]


def _codes_over(element: "etree._Element") -> str | None:
    """The code, or first and last code, that holds *element*; None if it is not written as CDC writes it."""
    parent = element.getparent()
    tag, named = (_parent_tag(element), parent) if parent is not None else ("", None)
    if named is None:
        return None
    if tag == "chapter":
        places = _PARENTHESES.findall(named.findtext("desc") or "")
        return next(iter(_codes(places[-1]) or ()), None) if places else None
    text = {"diag": named.findtext("name"), "section": named.get("id")}.get(tag)
    return next(iter(_codes(text or "") or ()), None)


def _parent_tag(element: "etree._Element") -> str:
    parent = element.getparent()
    return "nothing" if parent is None else str(parent.tag)


def _line(element: "etree._Element") -> int:
    line = element.sourceline
    return line if isinstance(line, int) else 0


def codes_of_note(text: str) -> list[str | None]:
    """Return the codes that a note names, without the point: `L50`, or first and last, `C00-C96`.

    None stands for what it names only in words.
    """
    groups = [group for group in _PARENTHESES.findall(text) if _LIKE_A_CODE.search(group)]
    named = [_codes(group) for group in groups]
    codes: list[str | None] = [code for of_group in named for code in of_group or ()]
    return codes if codes and None not in named else [*codes, None]


def _codes(text: str) -> list[str] | None:
    """The codes of *text*, and nothing but codes; None if it has other words."""
    if match := _WITH.fullmatch(text.strip()):
        letter, first, last, endings = match.groups()
        endings = re.findall(r"\.(\d+)", endings)
        return [f"{letter}{number:02}{ending}" for number in range(int(first), int(last) + 1) for ending in endings]
    codes = []
    for part in filter(None, _BETWEEN.split(text.strip())):
        if match := _ONE.fullmatch(part):
            codes.append(_plain(match[1]))
        elif match := _RANGE.fullmatch(part):
            codes.append(f"{_plain(match[1])}-{_plain(match[2])}")
        else:
            return None
    return codes or None


def _plain(code: str) -> str:
    return code.replace(".", "")


def excludes_rows(reading: Reading) -> Reading:
    """Return one row for each code that a note names; notes in words are left out, and counted in a note."""
    frame = reading.frame
    named = frame.drop_nulls("excluded").unique(["diagnosis", "excluded", "kind"], keep="first", maintain_order=True)
    in_words = frame.filter(pl.col("excluded").is_null()).select(FILE, LINE).n_unique() if frame.height else 0
    message = f"{reading.names[0]}: {in_words:,} excludes notes name codes only in words, in whole or in part"
    return replace(reading, frame=named, notes=(*reading.notes, message))
