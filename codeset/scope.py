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

    def of(self, table_name: str, table_rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows of *table_rows* that are in scope; all of a table without codes."""
        if diagnoses := TABLES[table_name].diagnoses:
            # Families of diagnoses are chapters and categories, named by how their codes begin.
            code_beginnings = tuple(self.diagnosis_families) or ("",)
            return table_rows.filter(
                pl.any_horizontal(pl.col(diagnosis_column).str.starts_with(beginning) for beginning in code_beginnings)
                for diagnosis_column in diagnoses
            )
        # Of a PTP edit both codes must be dermatology's: edits with any other code are some hundred thousand, and no
        # visit there bills them.
        code_columns = TABLES[table_name].scope_codes or TABLES[table_name].codes
        if not self.families or not code_columns:
            return table_rows
        scope_codes = list(self.families)
        return table_rows.filter(pl.col(column).is_in(scope_codes) for column in code_columns)

    def family(self, hcpcs: pl.Expr) -> pl.Expr:
        """Return each code's family, as text; empty where codes have none."""
        return hcpcs.replace_strict(self.families, default="", return_dtype=pl.String)

    def diagnosis_family(self, diagnosis: str) -> str:
        """Return the family of a diagnosis code (without the point): that of its longest beginning; or blank."""
        beginnings = [beginning for beginning in self.diagnosis_families if diagnosis.startswith(beginning)]
        return self.diagnosis_families[max(beginnings, key=len)] if beginnings else ""


@cache
def scope(name: str) -> Scope:
    """Return the scope called *name*.

    Raises WrongUse: if there is none.
    """
    if name not in SCOPES:
        raise WrongUse(f'no scope is called "{name}"; there are: {", ".join(SCOPES)}')
    if name == "all":
        return Scope("all", tuple(TABLES), {}, {})
    scope_document = tomllib.loads(files("codeset").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    families = {
        hcpcs: family["name"]
        for family in scope_document["family"]
        for code_span in family["codes"]
        for hcpcs in codes_of(code_span)
    }
    families_of_diagnoses = {
        beginning: family["name"] for family in scope_document["diagnosis_family"] for beginning in family["codes"]
    }
    return Scope(scope_document["name"], tuple(scope_document["tables"]), families, families_of_diagnoses)


def codes_of(code_span: str) -> Iterator[str]:
    """Yield every code that *code_span* counts: `11102-11107` or a single one; a letter before the digits stays."""
    first_code, _, last_code = code_span.partition("-")
    # HCPCS Level II codes begin with a letter, which is not counted up.
    letter, digits = (first_code[0], first_code[1:]) if first_code[0].isalpha() else ("", first_code)
    last_digits = (last_code or first_code).removeprefix(letter)
    for code_number in range(int(digits), int(last_digits) + 1):
        yield f"{letter}{code_number:0{len(digits)}d}"


def counts(code_span: str, hcpcs: str) -> bool:
    """Return whether *hcpcs* is one of `codes_of` *code_span*, without writing them out."""
    first_code, _, last_code = code_span.partition("-")
    letter = first_code[0] if first_code[0].isalpha() else ""
    last_code = letter + (last_code or first_code).removeprefix(letter)
    is_alike = len(hcpcs) == len(first_code) and hcpcs.startswith(letter) and hcpcs.removeprefix(letter).isdigit()
    return is_alike and first_code <= hcpcs <= last_code
