"""What an edit is: a rule that finds, and what decides its findings. Deduplication derives from the latter."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple

import polars as pl

from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.line_kinds import LineKinds
from codeset.claims.engine.lines import Lines, sort_by_visit


class Findings(NamedTuple):
    """What edits find: `rows` has `row` and `partner` of each finding and `reason_row`, which of `reason_rows` it has.

    A reason row says the reason, and on which row of CMS's table it rests (`edits.findings.REASON_COLUMNS`). Some may
    be equal, and some belong to no finding.
    """

    rows: pl.DataFrame
    reason_rows: pl.DataFrame

    def of(self, name: str) -> pl.Series:
        """Return column *name* of the reason row of each finding."""
        return self.reason_rows[name][self.rows["reason_row"]]


class Derived(NamedTuple):
    """Columns of lines that follow from more than a visit, worked out for all lines before any are told apart.

    `derive` is handed the claim lines, the same sorted by visit (`sort_by_visit`), and the code set; it returns
    `columns` and `carried` in the order of the latter. `columns` count by their value; `carried` do not, such as a row
    that is as far from the line as one of `columns` says.
    """

    derive: Callable[[pl.DataFrame, pl.DataFrame, CodeSet], pl.DataFrame]
    columns: tuple[str, ...]
    carried: tuple[str, ...] = ()


ReachDays = Callable[[CodeSet], Mapping[int, pl.Series]]
"""Days, and the codes (categories) whose lines bear on the same patient's lines of so many days after them."""

ChangeDates = Callable[[CodeSet], list[pl.Series]]
"""The first days on which another row of a table holds than on the day before, in any order; nulls do not count."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Contract:
    """What decides an answer besides release, code, modifiers, place of service and the other lines of the visit.

    `reads`: further columns of the line. Dates count by their distance to the visit before and by the rows that hold
    on them, `claim_id` by which lines have the same, every other column by its value. `names`: columns that count only
    by which lines of a visit have the same. `derives`: see `Derived`. `reach_days`: the codes that bear on later days;
    none where an edit does not look beyond the visit. `change_dates`: see `ChangeDates`.

    Columns and the existence of a reach are enforced, as others are not handed over. A reach that is too short, or a
    date that is left out, is not: the test that adjudicates with and without deduplication must vary it.
    """

    reads: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    derives: tuple[Derived, ...] = ()
    reach_days: ReachDays | None = None
    change_dates: ChangeDates | None = None


@dataclass(frozen=True, eq=False)
class Edit(Contract):
    """A rule: `find` is handed the columns of its contract, and the rows that the edits before it deny.

    It is not asked where it finds nothing: `concerns` says of a line kind whether it may find something that takes such
    a line, and `needs` names a column that it finds nothing without. None: it may find something of any lines.
    """

    find: Callable[[Lines], Findings]
    concerns: pl.Expr | None = None
    needs: str | None = None

    def findings(self, lines: Lines, denied: pl.Series) -> Findings:
        """Return what the edit finds in *lines*, of which others deny the rows *denied*."""
        patient_column = ("patient",) if self.reach_days else ()
        derived_columns = (name for derivation in self.derives for name in (*derivation.columns, *derivation.carried))
        return self.find(lines.with_columns_only((*patient_column, *self.reads, *self.names, *derived_columns), denied))

    def has_needs(self, table: pl.DataFrame) -> bool:
        """Return whether a line of *table* has the column without which the edit finds nothing."""
        return self.needs is None or table[self.needs].null_count() < table.height


def concerned_edits(edits: Sequence[Edit], lines: Lines) -> list[Edit]:
    """Return those of *edits* that may find something of *lines*, in their order."""
    edits_of_kinds = lines.line_kinds.cached(_edits_of_kinds, tuple(edits))
    edit_bits = reduce(or_, edits_of_kinds[lines.table["line_kind"].unique()].to_list(), 0)
    concerned = (edit for place, edit in enumerate(edits) if edit_bits >> place & 1)
    return [edit for edit in concerned if edit.has_needs(lines.table)]


def _edits_of_kinds(line_kinds: LineKinds, edits: tuple[Edit, ...]) -> pl.Series:
    """Of each line kind a bit for each of *edits* that it concerns."""
    # A bit of a number of 64 bits for each edit: there are some thirty.
    edit_bits = [
        pl.when(_IS_ANY_KIND if edit.concerns is None else edit.concerns).then(pl.lit(1 << edit_place, pl.UInt64))
        for edit_place, edit in enumerate(edits)
    ]
    no_bits = pl.repeat(0, pl.len(), dtype=pl.UInt64)
    return line_kinds.table.select(pl.sum_horizontal(*edit_bits, no_bits).alias("edits")).to_series()


_IS_ANY_KIND = pl.col("line_kind").is_not_null()


def lines_as_read(frame: pl.DataFrame, code_set: CodeSet, contracts: Iterable[Contract]) -> pl.DataFrame:
    """Return claim lines as `sort_by_visit` does, with all that *contracts* read, name, and derive."""
    all_contracts = list(contracts)
    columns = [name for contract in all_contracts for name in (*contract.reads, *contract.names)]
    table = sort_by_visit(frame, code_set, columns)
    # Several contracts may name one derivation: its columns are worked out once, and are in the table once.
    derivations = dict.fromkeys(derived for contract in all_contracts for derived in contract.derives)
    derived_columns = (derivation.derive(frame, table, code_set) for derivation in derivations)
    return pl.concat([table, *derived_columns], how="horizontal")
