"""What changed between two snapshots: per table by key, edits by what applies, payments to the cent."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from codeset.diagnosis_changes import DiagnosisChanges, diagnosis_changes
from codeset.errors import WrongUse
from codeset.manifest import ConversionFactor, Manifest
from codeset.money import SETTINGS, national_cents
from codeset.participants import Participant
from codeset.releases import Release
from codeset.scope import Scope
from codeset.scope import scope as scope_called
from codeset.snapshot import Snapshot
from codeset.tables import TABLES, active_in

_DATES = ("effective_date", "deletion_date")


@dataclass(frozen=True)
class TableChanges:
    """The changes of one table.

    `added` holds rows of the new release, `removed` rows of the old (dated ones with the deletion date that the new
    release gives); `changed` has one row for each cell: the key's columns, `column`, `before` and `after` as text.
    `compared` counts the rows in scope, old and new; `remarks` the cells that differ in columns that decide nothing;
    `new_columns` are those that the old release's files did not have. `same_files`: both rest on the same CMS files.

    Of dated tables, the row that applies in each release's quarter is compared, by what it is about. `flipped` are the
    added PTP edits whose reverse was removed; `retroactive` the rows of the new release that change dates
    which the old one's edition was for: new ones that reach back, and others that now end there.
    """

    table: str
    compared: tuple[int, int]
    same_files: bool
    added: pl.DataFrame
    removed: pl.DataFrame
    changed: pl.DataFrame
    remarks: Mapping[str, int]
    new_columns: tuple[str, ...]
    flipped: pl.DataFrame
    retroactive: pl.DataFrame

    @property
    def key(self) -> list[str]:
        """The columns by which rows were matched."""
        return [column for column in self.changed.columns if column not in ("column", "before", "after")]

    @property
    def count(self) -> int:
        """How many rows are added, removed, changed, or reach back without being one of these."""
        changed = self.changed.select(self.key).unique()
        return self.added.height + self.removed.height + changed.height + self.past.height

    @property
    def past(self) -> pl.DataFrame:
        """The retroactive rows that are neither added nor changed now: they bear on older dates of service only."""
        current = pl.concat([self.added.select(self.key), self.changed.select(self.key)])
        return self.retroactive.join(current, on=self.key, how="anti", maintain_order="left")


@dataclass(frozen=True)
class Changes:
    """Everything that changed from `old` to `new` in `scope`.

    `codes` holds the fee schedule's rows in scope (hcpcs, modifier, family, in_old, in_new).
    `payments` has a row for each code, modifier, setting and kind of participant whose national amount changed:
    hcpcs, modifier, family, setting, participant, before_cents, after_cents (null: no amount).
    """

    old: Manifest
    new: Manifest
    scope: Scope
    tables: Mapping[str, TableChanges]
    codes: pl.DataFrame
    payments: pl.DataFrame
    missing: Mapping[str, str]
    diagnoses: DiagnosisChanges

    @property
    def conversion_factors_differ(self) -> bool:
        """Whether a dollar per RVU changed for anyone."""
        return any(before != after for _, before, after in factor_pairs(self.old, self.new))

    @property
    def none(self) -> bool:
        """Whether nothing changed."""
        diagnoses = self.diagnoses.changes or self.diagnoses.articles
        return not (
            self.conversion_factors_differ or diagnoses or any(changes.count for changes in self.tables.values())
        )


def diff(old: Snapshot, new: Snapshot, scope: str = "derm", favorites: tuple[str, ...] | None = None) -> Changes:
    """Return what changed from *old* to *new* within *scope* (`derm` or `all`).

    *favorites* are the diagnosis codes to look at, without the point, in place of those of the scope.

    A table that one of them lacks is not compared, and counts as no change.

    Raises WrongUse: for another scope, or releases in the wrong order.
    """
    if old.release > new.release:
        raise WrongUse(f"{new.release} is earlier than {old.release}; name the earlier release first")
    compared_scope = scope_called(scope)
    comparable = [table for table in compared_scope.tables if table in old and table in new]
    tables = {table: _table(table, old, new, compared_scope) for table in comparable}
    missing = {
        table: " and ".join(str(snapshot.release) for snapshot in (old, new) if table not in snapshot)
        for table in compared_scope.tables
        if table not in comparable and (table in old or table in new or scope != "all")
    }
    diagnoses = diagnosis_changes(old, new, compared_scope, favorites)
    codes, payments = _codes(old, new, compared_scope), _payments(old, new, compared_scope)
    return Changes(old.manifest, new.manifest, compared_scope, tables, codes, payments, missing, diagnoses)


def factor_pairs(old: Manifest, new: Manifest) -> list[tuple[Participant | None, Decimal | None, Decimal | None]]:
    """Return (participant, before, after) for everyone whom the new release knows apart.

    Where a release changes its factor within the quarter, its last one counts. Nobody, if one of them has no fee
    schedule.
    """
    if ("mpfs" in old.tables) != ("mpfs" in new.tables):
        return []
    participants = sorted({factor.participant for factor in new.conversion_factors}, key=str)
    return [
        (participant, _last(old.conversion_factors, participant), _last(new.conversion_factors, participant))
        for participant in participants
    ]


def _last(factors: tuple[ConversionFactor, ...], participant: Participant | None) -> Decimal | None:
    matching = [factor for factor in factors if factor.participant in (participant, None)]
    return max(matching, key=lambda factor: factor.last).value if matching else None


def _table(table: str, old: Snapshot, new: Snapshot, scope: Scope) -> TableChanges:
    before, after = (scope.of(table, snapshot.scan(table)).collect() for snapshot in (old, new))
    compared = (before.height, after.height)
    key = list(TABLES[table].key)
    flipped = retroactive = after.clear()
    if TABLES[table].dated:
        # PTP and add-on files hold the history of each pair, in several rows: what matters is which row applies in each
        # quarter, not which rows are in the file.
        key = list(TABLES[table].subject)
        before, after = _touched(before, after, key, old, new)
        retroactive = _retroactive(table, before, after, old)
        history, before, after = after, before.filter(_applies(old)), after.filter(_applies(new))
    # A version of an article may be unknown on both sides: null is equal to null.
    added = after.join(before, on=key, how="anti", nulls_equal=True, maintain_order="left")
    removed = before.join(after, on=key, how="anti", nulls_equal=True, maintain_order="left")
    if TABLES[table].dated:
        removed = _with_deletion(removed, history, key)
        flipped = _flipped(added, removed, key)
    new_columns = tuple(column for column in before.columns if _is_new(column, before, after))
    # The columns that decide nothing on a claim (rationale, the mark of 1996) are counted as remarks and change no row.
    both = before.join(after, on=key, how="inner", nulls_equal=True, suffix=" after", maintain_order="left")
    cells = {column: _cells(both, key, column) for column in before.columns if column not in (*key, *new_columns)}
    remarks = {*TABLES[table].remarks, *(_DATES if TABLES[table].dated else ())}
    own = [rows for column, rows in cells.items() if column not in remarks]
    changed = pl.concat(own or [_no_cells(both, key)])  # of the notes and replacements of diagnoses all columns are key
    changed = _with_dates(changed.sort(*key, maintain_order=True), cells, key)
    unchanged = both.join(changed, on=key, how="anti")
    return TableChanges(
        table=table,
        compared=compared,
        same_files=_files(old, table) == _files(new, table),
        added=added,
        removed=removed,
        changed=changed,
        remarks={column: rows.height for column, rows in cells.items() if column in remarks and rows.height},
        new_columns=new_columns,
        flipped=flipped,
        retroactive=retroactive.join(unchanged, on=key, how="anti", maintain_order="left"),
    )


def _files(snapshot: Snapshot, table: str) -> list[str]:
    return [source.sha256 for source in snapshot.manifest.tables[table].sources]


def _is_new(column: str, before: pl.DataFrame, after: pl.DataFrame) -> bool:
    """Whether the old release gives *column* to no row at all, and the new one to all: its files did not have it."""
    return before.height > 0 and before[column].is_null().all() and not after[column].is_null().any()


def _touched(
    before: pl.DataFrame, after: pl.DataFrame, pair: list[str], old: Snapshot, new: Snapshot
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of every pair of which some row differs, or applies in one of the quarters only.

    Nearly all of some million rows are the same in both releases; only what is left is compared in full.
    """
    columns = after.columns
    fresh = after.join(before, on=columns, how="anti", nulls_equal=True)
    ended = after.filter(_applies(old) != _applies(new))
    pairs = pl.concat([fresh.select(pair), ended.select(pair)])
    rows_before, rows_after = _of(pairs, before), _of(pairs, after)
    # Nearly always rows only come and end; a row that disappeared, or changed, shows in this count, and only then is
    # the old table searched as well.
    missing_rows = before.height - (after.height - fresh.height)
    if missing_rows == rows_before.join(rows_after, on=columns, how="anti", nulls_equal=True).height:
        return rows_before, rows_after
    pairs = pl.concat([pairs, before.join(after, on=columns, how="anti", nulls_equal=True).select(pair)])
    return _of(pairs, before), _of(pairs, after)


def _of(pairs: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of those pairs, in their order."""
    return rows.join(pairs, on=pairs.columns, how="semi", maintain_order="left")


def _retroactive(table: str, before: pl.DataFrame, after: pl.DataFrame, old: Snapshot) -> pl.DataFrame:
    """Rows of the new release that change days which the old release's edition was for.

    They take effect on or before its last day and are new, or end on another day than it said, and before its last.
    """
    carried = old.manifest.tables[table].carried_from
    last_known_day = (Release.parse(carried) if carried else old.release).last_day
    key = [*TABLES[table].subject, "effective_date"]
    early = after.filter(pl.col("effective_date") <= last_known_day)
    with_old_end = early.join(before.select(*key, was="deletion_date"), on=key, how="left", maintain_order="left")
    new = early.join(before, on=key, how="anti").select(key).with_columns(pl.lit(value=True).alias("new"))
    first_end = pl.min_horizontal("deletion_date", "was")
    other_end = pl.col("deletion_date").ne_missing(pl.col("was")) & (first_end < last_known_day)
    return (
        with_old_end.join(new.unique(), on=key, how="left", maintain_order="left")
        .filter(pl.col("new").fill_null(value=False) | other_end.fill_null(value=False))
        .select(after.columns)
        .unique(maintain_order=True)
    )


def _applies(snapshot: Snapshot) -> pl.Expr:
    return active_in(pl.lit(snapshot.release.first_day), pl.lit(snapshot.release.last_day))


def _with_deletion(removed: pl.DataFrame, history: pl.DataFrame, pair: list[str]) -> pl.DataFrame:
    """Give edits that no longer apply the deletion date that the new release states."""
    key = [*pair, "effective_date"]
    dates = history.select(*key, "deletion_date").unique(key, keep="last", maintain_order=True)
    dated = removed.drop("deletion_date").join(dates, on=key, how="left", maintain_order="left")
    return dated.select(removed.columns)


def _flipped(added: pl.DataFrame, removed: pl.DataFrame, pair: list[str]) -> pl.DataFrame:
    """The added edits whose two codes stood the other way round before."""
    return added.join(removed, left_on=pair, right_on=pair[::-1], how="semi", maintain_order="left")


def _cells(both: pl.DataFrame, key: list[str], column: str) -> pl.DataFrame:
    """The rows in which *column* differs, as text."""
    return both.filter(pl.col(column).ne_missing(pl.col(f"{column} after"))).select(
        *key,
        pl.lit(column).alias("column"),
        pl.col(column).cast(pl.String).alias("before"),
        pl.col(f"{column} after").cast(pl.String).alias("after"),
    )


def _no_cells(both: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    texts = (pl.lit(None, pl.String).alias(name) for name in ("column", "before", "after"))
    return both.clear().select(*key, *texts)


def _with_dates(changed: pl.DataFrame, cells: Mapping[str, pl.DataFrame], key: list[str]) -> pl.DataFrame:
    """Of a dated row that changed, tell its new dates too: they are the evidence for since when."""
    dates = [cells[column].join(changed, on=key, how="semi") for column in _DATES if column in cells]
    return pl.concat([changed, *dates]).sort(*key, maintain_order=True)


def _codes(old: Snapshot, new: Snapshot, scope: Scope) -> pl.DataFrame:
    key = ["hcpcs", "modifier"]
    before, after = (rows.select(*key) for rows in _schedules(old, new, scope))
    return (
        before.with_columns(pl.lit(value=True).alias("in_old"))
        .join(after.with_columns(pl.lit(value=True).alias("in_new")), on=key, how="full", coalesce=True)
        .select(
            *key,
            scope.family(pl.col("hcpcs")).alias("family"),
            pl.col("in_old", "in_new").fill_null(value=False),
        )
        .sort(*key)
        .collect()
    )


def _schedules(old: Snapshot, new: Snapshot, scope: Scope) -> list[pl.LazyFrame]:
    """The rows in scope of both fee schedules; none of either, if a release lacks it: nothing can be compared."""
    if any("mpfs" not in snapshot for snapshot in (old, new)):
        return [pl.LazyFrame(schema=dict(TABLES["mpfs"].columns)) for _ in (old, new)]
    return [scope.of("mpfs", snapshot.scan("mpfs")) for snapshot in (old, new)]


def _payments(old: Snapshot, new: Snapshot, scope: Scope) -> pl.DataFrame:
    key = ["hcpcs", "modifier"]
    before, after = _schedules(old, new, scope)
    compared = [
        before.select(*key, _amount(setting, before_factor).alias("before_cents"))
        .join(
            after.select(*key, _amount(setting, after_factor).alias("after_cents")),
            on=key,
            how="full",
            coalesce=True,
        )
        .filter(pl.col("before_cents").ne_missing(pl.col("after_cents")))
        .select(
            *key,
            scope.family(pl.col("hcpcs")).alias("family"),
            pl.lit(setting).alias("setting"),
            pl.lit(participant, dtype=pl.Enum(Participant)).alias("participant"),
            "before_cents",
            "after_cents",
        )
        for participant, before_factor, after_factor in factor_pairs(old.manifest, new.manifest)
        for setting in SETTINGS
    ]
    columns: Mapping[str, pl.DataType | type[pl.DataType]] = {
        "hcpcs": pl.String,
        "modifier": pl.String,
        "family": pl.String,
        "setting": pl.String,
        "participant": pl.Enum(Participant),
        "before_cents": pl.Int64,
        "after_cents": pl.Int64,
    }
    frames = [pl.DataFrame(schema=columns), *pl.collect_all(compared)]
    return pl.concat(frames).sort(*key, "setting", "participant", nulls_last=True)


def _amount(setting: str, factor: Decimal | None) -> pl.Expr:
    return pl.lit(None, dtype=pl.Int64) if factor is None else national_cents(setting, factor)
