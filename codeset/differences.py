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

_DATE_COLUMNS = ("effective_date", "deletion_date")


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
        changed_keys = self.changed.select(self.key).unique()
        return self.added.height + self.removed.height + changed_keys.height + self.past.height

    @property
    def past(self) -> pl.DataFrame:
        """The retroactive rows that are neither added nor changed now: they bear on older dates of service only."""
        current_keys = pl.concat([self.added.select(self.key), self.changed.select(self.key)])
        return self.retroactive.join(current_keys, on=self.key, how="anti", maintain_order="left")


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
        return any(old_factor != new_factor for _, old_factor, new_factor in factor_pairs(self.old, self.new))

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
    # A table that is missing on one side would seem added or removed as a whole.
    comparable = [table_name for table_name in compared_scope.tables if table_name in old and table_name in new]
    tables = {table_name: _table_changes(table_name, old, new, compared_scope) for table_name in comparable}
    missing_tables = {
        table_name: " and ".join(str(snapshot.release) for snapshot in (old, new) if table_name not in snapshot)
        for table_name in compared_scope.tables
        if table_name not in comparable and (table_name in old or table_name in new or scope != "all")
    }
    diagnoses = diagnosis_changes(old, new, compared_scope, favorites)
    scope_codes, payment_changes = _scope_codes(old, new, compared_scope), _payment_changes(old, new, compared_scope)
    return Changes(
        old.manifest, new.manifest, compared_scope, tables, scope_codes, payment_changes, missing_tables, diagnoses
    )


def factor_pairs(
    old_manifest: Manifest, new_manifest: Manifest
) -> list[tuple[Participant | None, Decimal | None, Decimal | None]]:
    """Return (participant, before, after) for everyone whom the new release knows apart.

    Where a release changes its factor within the quarter, its last one counts. Nobody, if one of them has no fee
    schedule.
    """
    if ("mpfs" in old_manifest.tables) != ("mpfs" in new_manifest.tables):
        return []
    participants = sorted({factor.participant for factor in new_manifest.conversion_factors}, key=str)
    return [
        (
            participant,
            _last_factor(old_manifest.conversion_factors, participant),
            _last_factor(new_manifest.conversion_factors, participant),
        )
        for participant in participants
    ]


def _last_factor(conversion_factors: tuple[ConversionFactor, ...], participant: Participant | None) -> Decimal | None:
    matching_factors = [factor for factor in conversion_factors if factor.participant in (participant, None)]
    return max(matching_factors, key=lambda factor: factor.last).value if matching_factors else None


def _table_changes(table_name: str, old_snapshot: Snapshot, new_snapshot: Snapshot, scope: Scope) -> TableChanges:
    old_rows, new_rows = (
        scope.of(table_name, snapshot.scan(table_name)).collect() for snapshot in (old_snapshot, new_snapshot)
    )
    compared_counts = (old_rows.height, new_rows.height)
    key_columns = list(TABLES[table_name].key)
    # Only dated tables have a direction and a past; the empty frame keeps the columns for the others.
    flipped_rows = retroactive_rows = new_rows.clear()
    if TABLES[table_name].dated:
        # PTP and add-on files hold the history of each pair, in several rows: what matters is which row applies in each
        # quarter, not which rows are in the file.
        key_columns = list(TABLES[table_name].subject)
        old_rows, new_rows = _rows_of_touched_pairs(old_rows, new_rows, key_columns, old_snapshot, new_snapshot)
        retroactive_rows = _retroactive_rows(table_name, old_rows, new_rows, old_snapshot)
        edit_history = new_rows
        old_rows = old_rows.filter(_applies_in_quarter(old_snapshot))
        new_rows = new_rows.filter(_applies_in_quarter(new_snapshot))
    # A version of an article may be unknown on both sides: null is equal to null.
    added_rows = new_rows.join(old_rows, on=key_columns, how="anti", nulls_equal=True, maintain_order="left")
    removed_rows = old_rows.join(new_rows, on=key_columns, how="anti", nulls_equal=True, maintain_order="left")
    if TABLES[table_name].dated:
        removed_rows = _with_deletion_date(removed_rows, edit_history, key_columns)
        flipped_rows = _flipped_edits(added_rows, removed_rows, key_columns)
    new_columns = tuple(column for column in old_rows.columns if _is_new_column(column, old_rows, new_rows))
    # The columns that decide nothing on a claim (rationale, the mark of 1996) are counted as remarks and change no row.
    rows_in_both = old_rows.join(
        new_rows, on=key_columns, how="inner", nulls_equal=True, suffix=" after", maintain_order="left"
    )
    changed_cells = {
        column: _changed_cells(rows_in_both, key_columns, column)
        for column in old_rows.columns
        if column not in (*key_columns, *new_columns)
    }
    remark_columns = {*TABLES[table_name].remarks, *(_DATE_COLUMNS if TABLES[table_name].dated else ())}
    deciding_cells = [column_cells for column, column_cells in changed_cells.items() if column not in remark_columns]
    # Of the notes and replacements of diagnoses all columns are key: they have no cell that could change.
    changed_rows = pl.concat(deciding_cells or [_no_changed_cells(rows_in_both, key_columns)])
    changed_rows = _with_dates(changed_rows.sort(*key_columns, maintain_order=True), changed_cells, key_columns)
    unchanged_rows = rows_in_both.join(changed_rows, on=key_columns, how="anti")
    return TableChanges(
        table=table_name,
        compared=compared_counts,
        same_files=_source_digests(old_snapshot, table_name) == _source_digests(new_snapshot, table_name),
        added=added_rows,
        removed=removed_rows,
        changed=changed_rows,
        remarks={
            column: column_cells.height
            for column, column_cells in changed_cells.items()
            if column in remark_columns and column_cells.height
        },
        new_columns=new_columns,
        flipped=flipped_rows,
        retroactive=retroactive_rows.join(unchanged_rows, on=key_columns, how="anti", maintain_order="left"),
    )


def _source_digests(snapshot: Snapshot, table_name: str) -> list[str]:
    return [source.sha256 for source in snapshot.manifest.tables[table_name].sources]


def _is_new_column(column: str, old_rows: pl.DataFrame, new_rows: pl.DataFrame) -> bool:
    """Whether the old release gives *column* to no row at all, and the new one to all: its files did not have it."""
    return old_rows.height > 0 and old_rows[column].is_null().all() and not new_rows[column].is_null().any()


def _rows_of_touched_pairs(
    old_rows: pl.DataFrame,
    new_rows: pl.DataFrame,
    pair_columns: list[str],
    old_snapshot: Snapshot,
    new_snapshot: Snapshot,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of every pair of which some row differs, or applies in one of the quarters only.

    Nearly all of some million rows are the same in both releases; only what is left is compared in full.
    """
    all_columns = new_rows.columns
    fresh_rows = new_rows.join(old_rows, on=all_columns, how="anti", nulls_equal=True)
    rows_of_one_quarter = new_rows.filter(_applies_in_quarter(old_snapshot) != _applies_in_quarter(new_snapshot))
    touched_pairs = pl.concat([fresh_rows.select(pair_columns), rows_of_one_quarter.select(pair_columns)])
    touched_old_rows = _rows_of_pairs(touched_pairs, old_rows)
    touched_new_rows = _rows_of_pairs(touched_pairs, new_rows)
    # Nearly always rows only come and end; a row that disappeared, or changed, shows in this count, and only then is
    # the old table searched as well.
    missing_count = old_rows.height - (new_rows.height - fresh_rows.height)
    if missing_count == touched_old_rows.join(touched_new_rows, on=all_columns, how="anti", nulls_equal=True).height:
        return touched_old_rows, touched_new_rows
    touched_pairs = pl.concat(
        [touched_pairs, old_rows.join(new_rows, on=all_columns, how="anti", nulls_equal=True).select(pair_columns)]
    )
    return _rows_of_pairs(touched_pairs, old_rows), _rows_of_pairs(touched_pairs, new_rows)


def _rows_of_pairs(touched_pairs: pl.DataFrame, table_rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of those pairs, in their order."""
    return table_rows.join(touched_pairs, on=touched_pairs.columns, how="semi", maintain_order="left")


def _retroactive_rows(
    table_name: str, old_rows: pl.DataFrame, new_rows: pl.DataFrame, old_snapshot: Snapshot
) -> pl.DataFrame:
    """Rows of the new release that change days which the old release's edition was for.

    They take effect on or before its last day and are new, or end on another day than it said, and before its last.
    """
    carried_label = old_snapshot.manifest.tables[table_name].carried_from
    last_known_day = (Release.parse(carried_label) if carried_label else old_snapshot.release).last_day
    key_columns = [*TABLES[table_name].subject, "effective_date"]
    early_rows = new_rows.filter(pl.col("effective_date") <= last_known_day)
    with_old_end = early_rows.join(
        old_rows.select(*key_columns, was="deletion_date"), on=key_columns, how="left", maintain_order="left"
    )
    new_keys = (
        early_rows.join(old_rows, on=key_columns, how="anti")
        .select(key_columns)
        .with_columns(pl.lit(value=True).alias("new"))
    )
    # Nulls are skipped: the earlier end, where only one of the two editions has an end.
    first_end = pl.min_horizontal("deletion_date", "was")
    other_end = pl.col("deletion_date").ne_missing(pl.col("was")) & (first_end < last_known_day)
    return (
        with_old_end.join(new_keys.unique(), on=key_columns, how="left", maintain_order="left")
        .filter(pl.col("new").fill_null(value=False) | other_end.fill_null(value=False))
        .select(new_rows.columns)
        .unique(maintain_order=True)
    )


def _applies_in_quarter(snapshot: Snapshot) -> pl.Expr:
    return active_in(pl.lit(snapshot.release.first_day), pl.lit(snapshot.release.last_day))


def _with_deletion_date(
    removed_rows: pl.DataFrame, edit_history: pl.DataFrame, pair_columns: list[str]
) -> pl.DataFrame:
    """Give edits that no longer apply the deletion date that the new release states."""
    key_columns = [*pair_columns, "effective_date"]
    # Sorted by key, so that the last row of a pair has its latest deletion date.
    deletion_dates = edit_history.select(*key_columns, "deletion_date").unique(
        key_columns, keep="last", maintain_order=True
    )
    dated_rows = removed_rows.drop("deletion_date").join(
        deletion_dates, on=key_columns, how="left", maintain_order="left"
    )
    return dated_rows.select(removed_rows.columns)


def _flipped_edits(added_rows: pl.DataFrame, removed_rows: pl.DataFrame, pair_columns: list[str]) -> pl.DataFrame:
    """The added edits whose two codes were the other way round before."""
    return added_rows.join(
        removed_rows, left_on=pair_columns, right_on=pair_columns[::-1], how="semi", maintain_order="left"
    )


def _changed_cells(rows_in_both: pl.DataFrame, key_columns: list[str], column: str) -> pl.DataFrame:
    """The rows in which *column* differs, as text."""
    return rows_in_both.filter(pl.col(column).ne_missing(pl.col(f"{column} after"))).select(
        *key_columns,
        pl.lit(column).alias("column"),
        pl.col(column).cast(pl.String).alias("before"),
        pl.col(f"{column} after").cast(pl.String).alias("after"),
    )


def _no_changed_cells(rows_in_both: pl.DataFrame, key_columns: list[str]) -> pl.DataFrame:
    null_texts = (pl.lit(None, pl.String).alias(name) for name in ("column", "before", "after"))
    return rows_in_both.clear().select(*key_columns, *null_texts)


def _with_dates(
    changed_rows: pl.DataFrame, changed_cells: Mapping[str, pl.DataFrame], key_columns: list[str]
) -> pl.DataFrame:
    """Of a dated row that changed, tell its new dates too: they are the evidence for since when."""
    date_cells = [
        changed_cells[column].join(changed_rows, on=key_columns, how="semi")
        for column in _DATE_COLUMNS
        if column in changed_cells
    ]
    return pl.concat([changed_rows, *date_cells]).sort(*key_columns, maintain_order=True)


def _scope_codes(old_snapshot: Snapshot, new_snapshot: Snapshot, scope: Scope) -> pl.DataFrame:
    key_columns = ["hcpcs", "modifier"]
    old_codes, new_codes = (
        schedule_rows.select(*key_columns) for schedule_rows in _fee_schedules(old_snapshot, new_snapshot, scope)
    )
    return (
        old_codes.with_columns(pl.lit(value=True).alias("in_old"))
        .join(new_codes.with_columns(pl.lit(value=True).alias("in_new")), on=key_columns, how="full", coalesce=True)
        .select(
            *key_columns,
            scope.family(pl.col("hcpcs")).alias("family"),
            pl.col("in_old", "in_new").fill_null(value=False),
        )
        .sort(*key_columns)
        .collect()
    )


def _fee_schedules(old_snapshot: Snapshot, new_snapshot: Snapshot, scope: Scope) -> list[pl.LazyFrame]:
    """The rows in scope of both fee schedules; none of either, if a release lacks it: nothing can be compared."""
    if any("mpfs" not in snapshot for snapshot in (old_snapshot, new_snapshot)):
        return [pl.LazyFrame(schema=dict(TABLES["mpfs"].columns)) for _ in (old_snapshot, new_snapshot)]
    return [scope.of("mpfs", snapshot.scan("mpfs")) for snapshot in (old_snapshot, new_snapshot)]


def _payment_changes(old_snapshot: Snapshot, new_snapshot: Snapshot, scope: Scope) -> pl.DataFrame:
    key_columns = ["hcpcs", "modifier"]
    old_schedule, new_schedule = _fee_schedules(old_snapshot, new_snapshot, scope)
    compared_amounts = [
        old_schedule.select(*key_columns, _amount_cents(setting, before_factor).alias("before_cents"))
        .join(
            new_schedule.select(*key_columns, _amount_cents(setting, after_factor).alias("after_cents")),
            on=key_columns,
            how="full",
            coalesce=True,
        )
        .filter(pl.col("before_cents").ne_missing(pl.col("after_cents")))
        .select(
            *key_columns,
            scope.family(pl.col("hcpcs")).alias("family"),
            pl.lit(setting).alias("setting"),
            pl.lit(participant, dtype=pl.Enum(Participant)).alias("participant"),
            "before_cents",
            "after_cents",
        )
        for participant, before_factor, after_factor in factor_pairs(old_snapshot.manifest, new_snapshot.manifest)
        for setting in SETTINGS
    ]
    column_types: Mapping[str, pl.DataType | type[pl.DataType]] = {
        "hcpcs": pl.String,
        "modifier": pl.String,
        "family": pl.String,
        "setting": pl.String,
        "participant": pl.Enum(Participant),
        "before_cents": pl.Int64,
        "after_cents": pl.Int64,
    }
    # The empty frame gives the columns, where no release has a factor and nothing else is there to concatenate.
    payment_frames = [pl.DataFrame(schema=column_types), *pl.collect_all(compared_amounts)]
    return pl.concat(payment_frames).sort(*key_columns, "setting", "participant", nulls_last=True)


def _amount_cents(setting: str, conversion_factor: Decimal | None) -> pl.Expr:
    return pl.lit(None, dtype=pl.Int64) if conversion_factor is None else national_cents(setting, conversion_factor)
