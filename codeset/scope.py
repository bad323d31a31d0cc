"""What a comparison looks at: `derm`, by the families of `derm.toml`, or `all`."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from codeset.errors import WrongUse
from codeset.tables import TABLES

SCOPES = ("derm", "all")


@dataclass(frozen=True)
class Scope:
    """A choice of tables and codes; `families` gives each code its family, and is empty when all codes count."""

    name: str
    tables: tuple[str, ...]
    families: Mapping[str, str]
    diagnosis_families: Mapping[str, str]
    """The family of diagnosis codes by how they begin, without the point; empty when all count."""

    def of(self, table: str, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows of *frame* that are in scope; all of a table without codes."""
        if diagnoses := TABLES[table].diagnoses:
            # Families of diagnoses are chapters and categories, named by how their codes begin.
            begins = tuple(self.diagnosis_families) or ("",)
            return frame.filter(pl.any_horizontal(pl.col(c).str.starts_with(b) for b in begins) for c in diagnoses)
        # Of a PTP edit both codes must be dermatology's: edits with any other code are some hundred thousand, and no
        # visit there bills them.
        columns = TABLES[table].scope_codes or TABLES[table].codes
        if not self.families or not columns:
            return frame
        codes = list(self.families)
        return frame.filter(pl.col(column).is_in(codes) for column in columns)

    def family(self, hcpcs: pl.Expr) -> pl.Expr:
        """Return each code's family, as text; empty where codes have none."""
        return hcpcs.replace_strict(self.families, default="", return_dtype=pl.String)

    def diagnosis_family(self, diagnosis: str) -> str:
        """Return the family of a diagnosis code (without the point): that of its longest beginning; or blank."""
        begins = [begin for begin in self.diagnosis_families if diagnosis.startswith(begin)]
        return self.diagnosis_families[max(begins, key=len)] if begins else ""


@cache
def scope(name: str) -> Scope:
    """Return the scope called *name*.

    Raises WrongUse: if there is none.
    """
    if name not in SCOPES:
        raise WrongUse(f'no scope is called "{name}"; there are: {", ".join(SCOPES)}')
    if name == "all":
        return Scope("all", tuple(TABLES), {}, {})
    plain = tomllib.loads(files("codeset").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    families = {
        code: family["name"] for family in plain["family"] for span in family["codes"] for code in codes_of(span)
    }
    diagnoses = {begin: family["name"] for family in plain["diagnosis_family"] for begin in family["codes"]}
    return Scope(plain["name"], tuple(plain["tables"]), families, diagnoses)


def codes_of(span: str) -> Iterator[str]:
    """Yield every code that *span* counts: `11102-11107` or a single one; a letter before the digits stays."""
    first, _, last = span.partition("-")
    letter, digits = (first[0], first[1:]) if first[0].isalpha() else ("", first)
    end = (last or first).removeprefix(letter)
    for number in range(int(digits), int(end) + 1):
        yield f"{letter}{number:0{len(digits)}d}"


def counts(span: str, code: str) -> bool:
    """Return whether *code* is one of `codes_of` *span*, without writing them out."""
    first, _, last = span.partition("-")
    letter = first[0] if first[0].isalpha() else ""
    last = letter + (last or first).removeprefix(letter)
    is_alike = len(code) == len(first) and code.startswith(letter) and code.removeprefix(letter).isdigit()
    return is_alike and first <= code <= last
