"""Line kinds: what a line means by itself is looked up and decided once, for all lines that say the same."""

from collections.abc import Callable
from typing import Any, TypeVar

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.engine.cache import Answers, Cache, Memory
from codeset.claims.engine.code_set import CodeSet
from codeset.claims.engine.series import pack_u64
from codeset.tables import TABLES

T = TypeVar("T")

Description = Callable[[pl.DataFrame], pl.DataFrame]
"""Adds to line kinds (`hcpcs`, `modifiers`) what the edits know of their codes and modifiers."""

Rule = Callable[["LineKinds", pl.DataFrame], pl.DataFrame]
"""What is said of line kinds that bear on each other, each case in a row with a `number`: rows with that `number`."""

LINE_KIND = ("release", "hcpcs", "modifiers", "place_of_service")
"""Lines that are equal in these are of one kind."""

_FEE_SCHEDULE = (
    *("status_code", "global_days", "pctc_indicator", "nonfacility_total_rvu"),
    *("multiple_procedure", "bilateral_surgery", "assistant_surgery", "co_surgery", "team_surgery"),
)
_RELEASE = ("scope", *(f"has_{table.name}" for table in TABLES.values() if table.claim_codes))

_LIMIT = 4_000
"""How many kinds are kept for the lines that come later: more than the claims of most practices ever have."""

_RULE_LIMIT = 10_000
"""How many answers of one rule are kept."""


class LineKinds:
    """The distinct kinds of lines that are read against one code set.

    `table` has a row for each `line_kind`, from 0 on: release, hcpcs, modifiers, place of service; the fee schedule's
    columns of the whole service; the scope of the release and the tables that it has; and what the edits know of the
    code and of the modifiers (`edits.modifiers`): `is_visit`, `m25`, `site`, ...
    """

    def __init__(self, code_set: CodeSet, answers: Answers, before: "LineKinds | None" = None) -> None:
        """Take what the rules said of the kinds *before*, where those are the first ones here."""
        self.code_set = code_set
        self.answers = answers
        self.table = answers.rows.with_row_index("line_kind")
        self._cache = Cache()
        self._answers_of_rules = before._answers_for_more() if before and answers.extend(before.answers) else {}

    def cached(self, function: Callable[..., T], *more: Any) -> T:
        """Return what *function* makes of these line kinds (and of *more*); it is computed once."""
        return self._cache.get(function, self, *more)

    def answers_of(self, rule: Rule, asked: pl.DataFrame, columns: tuple[str, ...]) -> tuple[Answers, pl.DataFrame]:
        """Return what *rule* says of *asked*, which has a `key` for what *columns* hold, see `Memory.recall`.

        *rule* is asked once for each key. It is handed `number` and *columns*, and returns rows with that `number`:
        one, more, or none (then `has_answer` is false). What it says of line kinds follows from these alone: it is
        remembered when more kinds are known.
        """
        memory = self._answers_of_rules.setdefault(rule, Memory(_RULE_LIMIT))
        return memory.recall(asked, lambda new: _answers(self, rule, new.select("key", *columns)))

    def _answers_for_more(self) -> dict[Rule, Memory]:
        """What rules said, for line kinds that have more behind these: what is said of these stays."""
        return {rule: Memory(_RULE_LIMIT, memory.answers) for rule, memory in list(self._answers_of_rules.items())}


def _answers(line_kinds: LineKinds, rule: Rule, asked: pl.DataFrame) -> pl.DataFrame:
    numbered = asked.with_row_index("number")
    rows = rule(line_kinds, numbered.drop("key")).with_columns(has_answer=pl.lit(value=True))
    answers = numbered.select("key", "number").join(rows, on="number", how="left", maintain_order="left")
    return answers.drop("number").with_columns(pl.col("has_answer").fill_null(value=False))


class _Latest:
    """The line kinds of the lines that were read against a code set so far, None before the first: replaced whole."""

    def __init__(self, _: CodeSet, __: Description) -> None:
        self.memory = Memory(_LIMIT)
        self.line_kinds: LineKinds | None = None


def line_kinds_of(lines: pl.DataFrame, code_set: CodeSet, describe: Description) -> tuple[LineKinds, pl.Series]:
    """Return the line kinds, those of lines read against *code_set* before among them, and the kind of each line."""
    latest = code_set.cached(_Latest, describe)
    asked = lines[list(LINE_KIND)].hstack([_packed(lines)])
    answers, rows = latest.memory.recall(asked, lambda new: _described(new, code_set, describe))
    line_kinds = latest.line_kinds
    if line_kinds is None or line_kinds.answers is not answers:
        line_kinds = LineKinds(code_set, answers, before=line_kinds)
        if answers is latest.memory.answers:
            latest.line_kinds = line_kinds
    return line_kinds, rows["answer"].alias("line_kind")


def _packed(lines: pl.DataFrame) -> pl.Series:
    """All of `LINE_KIND` in one number, `key`."""
    hcpcs, modifiers, place = (_without_null(each, 2**32 - 1) for each in lines.select(_CATEGORIES))
    # 128 bits hold three categories and the release: one number is joined on sooner than four columns.
    release = _without_null(lines["release"].cast(pl.UInt32), 2**16)
    return (pack_u64(hcpcs, modifiers).cast(pl.Int128) * _HIGH + pack_u64(place, release)).alias("key")


_CATEGORIES = [pl.col(each).to_physical() for each in LINE_KIND[1:]]
_HIGH = pl.Series([2**64], dtype=pl.Int128)


def _without_null(numbers: pl.Series, none: int) -> pl.Series:
    return numbers.fill_null(none) if numbers.null_count() else numbers


def _described(new: pl.DataFrame, code_set: CodeSet, describe: Description) -> pl.DataFrame:
    services, releases = code_set.cached(_whole_services), code_set.cached(_releases)
    listed = new.join(services, on=["release", "hcpcs"], how="left", maintain_order="left", validate="m:1")
    return describe(listed.join(releases, on="release", how="left", maintain_order="left", validate="m:1"))


def _whole_services(code_set: CodeSet) -> pl.DataFrame:
    fees = code_set.fees.filter(modifier="").select("release", "hcpcs", *_FEE_SCHEDULE)
    return fees.with_columns(pl.col("hcpcs").cast(CODE))


def _releases(code_set: CodeSet) -> pl.DataFrame:
    return code_set.releases.select("release", *_RELEASE)
