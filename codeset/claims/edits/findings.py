"""Findings: what one edit says of one line, with the row of CMS's table that it rests on."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import NamedTuple

import polars as pl

from codeset.claims.engine.series import count_up, repeat

_NUMBERS = ("group_code", "carc", "rarc")

SEVERITIES = ("unknown", "deny", "review", "note")
"""Gravest first; `note` leaves the line as it is."""

DISPOSITIONS = {"unknown": "unknown", "deny": "deny", "review": "review", "note": "pay"}


@dataclass(frozen=True)
class Reason:
    """One kind of finding, as `reasons.toml` has it."""

    name: str
    edit: str
    severity: str
    says: str
    do: str
    carc: str | None = None
    rarc: str | None = None

    @property
    def group_code(self) -> str | None:
        """CO where the finding denies: the contract's edits deny, so that the patient does not owe the amount."""
        return "CO" if self.severity == "deny" and self.carc else None


@cache
def reasons() -> Mapping[str, Reason]:
    """Return every reason by name, the one that decides first in front: by severity, then in the order of the file."""
    plain = tomllib.loads(files("codeset.claims.edits").joinpath("reasons.toml").read_text(encoding="utf-8"))
    found = [Reason(name, **each) for name, each in plain.items()]
    return {each.name: each for each in sorted(found, key=lambda each: SEVERITIES.index(each.severity))}


REASON = pl.Enum(list(reasons()))
EDIT = pl.Enum(list(dict.fromkeys(each.edit for each in reasons().values())))
SEVERITY = pl.Enum(SEVERITIES)
DISPOSITION = pl.Enum(["deny", "pay", "review", "unknown"])
TABLE = pl.Enum(["mpfs", "ptp", "mue", "add_on"])

COLUMNS: Mapping[str, pl.DataType] = {
    "row": pl.UInt32(),
    "partner": pl.UInt32(),
    "reason": REASON,
    "detail": pl.String(),
    "table": TABLE,
    "column_one": pl.Categorical(),
    "column_two": pl.Categorical(),
    "ccmi": pl.UInt8(),
    "mue_value": pl.UInt32(),
    "mai": pl.UInt8(),
    "effective_date": pl.Date(),
    "deletion_date": pl.Date(),
    "edition": pl.Categorical(),
}
"""`row` is the line, `partner` the other line that it rests on, `detail` what the sentence needs besides."""


GROUND = tuple(COLUMNS)[2:]
"""The columns of `COLUMNS` that say what is found, and on which row of CMS's table."""


class Findings(NamedTuple):
    """What edits find: `found` has `row` and `partner` of each finding, and `ground`: which of `grounds` says the rest.

    A ground has the columns of `GROUND`; there may be grounds alike, and such that nothing is found on.
    """

    found: pl.DataFrame
    grounds: pl.DataFrame

    def of(self, name: str) -> pl.Series:
        """Return column *name* of the grounds for each finding."""
        return self.grounds[name][self.found["ground"]]


_NO_GROUNDS = pl.DataFrame(schema={name: COLUMNS[name] for name in GROUND})
NONE = Findings(pl.DataFrame(schema=dict.fromkeys(("row", "partner", "ground"), pl.UInt32())), _NO_GROUNDS)


def telling(reason: str | pl.Expr, **columns: pl.Expr) -> list[pl.Expr]:
    """Return *reason* and *columns* as findings have them."""
    told = {"reason": pl.lit(reason) if isinstance(reason, str) else reason, **columns}
    return [each.cast(COLUMNS[name]).alias(name) for name, each in told.items()]


def found(lines: pl.DataFrame, reason: str | pl.Expr, **columns: pl.Expr) -> Findings:
    """Return a finding for each of *lines*; *columns* are those of `COLUMNS` that it has, the others are null."""
    return findings_of(lines.select(telling(reason, row=pl.col("row"), **columns)))


def findings_of(told: pl.DataFrame) -> Findings:
    """Return as findings what is *told* line by line, in some of `COLUMNS`; the others are null."""
    partner = told["partner"] if "partner" in told.columns else repeat(None, told.height).alias("partner")
    columns = [told["row"], partner, count_up(told.height).alias("ground")]
    return Findings(pl.DataFrame(columns), completed(told.drop("row", "partner", strict=False)))


def completed(grounds: pl.DataFrame) -> pl.DataFrame:
    """Return *grounds* with all columns: null where they have none."""
    return pl.concat([_NO_GROUNDS, grounds], how="diagonal")


def together(findings: Iterable[Findings]) -> Findings:
    """Return all findings as one."""
    some = [each for each in findings if not each.found.is_empty()]
    if len(some) <= 1:
        return some[0] if some else NONE
    before = accumulate((each.grounds.height for each in some), initial=0)
    counted = [each.found.with_columns(pl.col("ground") + number) for each, number in zip(some, before, strict=False)]
    return Findings(pl.concat(counted, rechunk=True), pl.concat([each.grounds for each in some], rechunk=True))


def of_severity(*severities: str) -> pl.Expr:
    """Whether a finding's reason has one of *severities*: reasons lie by severity, so that numbers tell."""
    chosen = [place for place, each in enumerate(reasons().values()) if each.severity in severities]
    return pl.col("reason").to_physical().is_between(min(chosen), max(chosen))


@cache
def explained() -> pl.DataFrame:
    """Return the reasons as a frame: reason, edit, severity, group_code, carc, rarc."""
    rows = [(each.name, each.edit, each.severity, each.group_code, each.carc, each.rarc) for each in reasons().values()]
    texts = pl.DataFrame(rows, schema=["reason", "edit", "severity", *_NUMBERS], orient="row")
    kinds = {"reason": REASON, "edit": EDIT, "severity": SEVERITY}
    kinds |= {name: pl.Enum(texts[name].drop_nulls().unique().sort()) for name in _NUMBERS}
    return texts.with_columns(pl.col(name).cast(kind) for name, kind in kinds.items())


@cache
def dispositions() -> pl.DataFrame:
    """Return what each reason says of the line that it decides, by number: disposition, decided_by, edit.

    The last row, after those of all reasons, is that of a line of which nothing is found.
    """
    disposition = pl.col("severity").cast(pl.String).replace_strict(DISPOSITIONS, return_dtype=DISPOSITION)
    told = explained().select(disposition.alias("disposition"), pl.col("reason").alias("decided_by"), "edit")
    nothing = pl.DataFrame({"disposition": ["pay"]}, schema={"disposition": DISPOSITION})
    return pl.concat([told, nothing], how="diagonal", rechunk=True)
