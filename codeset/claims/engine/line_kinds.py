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

_FEE_COLUMNS = (
    *("status_code", "global_days", "pctc_indicator", "nonfacility_total_rvu"),
    *("multiple_procedure", "bilateral_surgery", "assistant_surgery", "co_surgery", "team_surgery"),
)
_RELEASE_FACTS = ("scope", *(f"has_{table.name}" for table in TABLES.values() if table.claim_codes))

_MOST_KINDS = 4_000
"""How many kinds are kept for the lines that come later: more than the claims of most practices ever have."""

_MOST_ANSWERS_OF_RULE = 10_000
"""How many answers of one rule are kept."""


class LineKinds:
    """The distinct kinds of lines that are read against one code set.

    `table` has a row for each `line_kind`, from 0 on: release, hcpcs, modifiers, place of service; the fee schedule's
    columns of the whole service; the scope of the release and the tables that it has; and what the edits know of the
    code and of the modifiers (`edits.modifiers`): `is_visit`, `m25`, `site`, ...
    """

    def __init__(self, code_set: CodeSet, answers: Answers, earlier_kinds: "LineKinds | None" = None) -> None:
        """Take over what rules said of *earlier_kinds*, where those are the first ones here."""
        self.code_set = code_set
        self.answers = answers
        self.table = answers.rows.with_row_index("line_kind")
        self._cache = Cache()
        # A kind's number is its place: what was said of a number holds only where the kinds up to it are the same.
        has_earlier = earlier_kinds is not None and answers.extend(earlier_kinds.answers)
        self._answers_of_rules = earlier_kinds._answers_for_more() if earlier_kinds and has_earlier else {}

    def cached(self, function: Callable[..., T], *more: Any) -> T:
        """Return what *function* makes of these line kinds (and of *more*); it is computed once."""
        return self._cache.get(function, self, *more)

    def answers_of(
        self, rule: Rule, cases: pl.DataFrame, case_columns: tuple[str, ...]
    ) -> tuple[Answers, pl.DataFrame]:
        """Return what *rule* says of *cases*, which has a `key` for what *case_columns* hold, see `Memory.recall`.

        *rule* is asked once for each key. It is handed `number` and *case_columns*, and returns rows with that
        `number`: one, more, or none (then `has_answer` is false). What it says of line kinds follows from these alone:
        it is remembered when more kinds are known.
        """
        memory = self._answers_of_rules.setdefault(rule, Memory(_MOST_ANSWERS_OF_RULE))
        return memory.recall(cases, lambda new_cases: _answers(self, rule, new_cases.select("key", *case_columns)))

    def _answers_for_more(self) -> dict[Rule, Memory]:
        """What rules said, for line kinds that have more behind these: what is said of these stays."""
        memories = list(self._answers_of_rules.items())  # another thread may add a rule meanwhile
        return {rule: Memory(_MOST_ANSWERS_OF_RULE, memory.answers) for rule, memory in memories}


def _answers(line_kinds: LineKinds, rule: Rule, cases: pl.DataFrame) -> pl.DataFrame:
    numbered_cases = cases.with_row_index("number")
    rule_rows = rule(line_kinds, numbered_cases.drop("key")).with_columns(has_answer=pl.lit(value=True))
    answers = numbered_cases.select("key", "number").join(rule_rows, on="number", how="left", maintain_order="left")
    return answers.drop("number").with_columns(pl.col("has_answer").fill_null(value=False))


class _LatestKinds:
    """The line kinds of the lines that were read against a code set so far, None before the first: replaced whole."""

    def __init__(self, _: CodeSet, __: Description) -> None:
        self.memory = Memory(_MOST_KINDS)
        self.line_kinds: LineKinds | None = None


def line_kinds_of(lines: pl.DataFrame, code_set: CodeSet, describe: Description) -> tuple[LineKinds, pl.Series]:
    """Return the line kinds, those of lines read against *code_set* before among them, and the kind of each line."""
    latest_kinds = code_set.cached(_LatestKinds, describe)
    line_kind_rows = lines[list(LINE_KIND)].hstack([_packed_kinds(lines)])
    answers, numbered_lines = latest_kinds.memory.recall(
        line_kind_rows, lambda new_kinds: _described_kinds(new_kinds, code_set, describe)
    )
    line_kinds = latest_kinds.line_kinds
    if line_kinds is None or line_kinds.answers is not answers:
        line_kinds = LineKinds(code_set, answers, earlier_kinds=line_kinds)
        if answers is latest_kinds.memory.answers:
            latest_kinds.line_kinds = line_kinds
    return line_kinds, numbered_lines["answer"].alias("line_kind")


def _packed_kinds(lines: pl.DataFrame) -> pl.Series:
    """All of `LINE_KIND` in one number, `key`."""
    hcpcs, modifiers, places = (_without_null(physical, 2**32 - 1) for physical in lines.select(_CATEGORIES))
    # 128 bits hold three categories and the release: one number is joined on sooner than four columns.
    # No release has this number: theirs have 16 bits.
    releases = _without_null(lines["release"].cast(pl.UInt32), 2**16)
    return (pack_u64(hcpcs, modifiers).cast(pl.Int128) * _HIGH_BITS + pack_u64(places, releases)).alias("key")


_CATEGORIES = [pl.col(each).to_physical() for each in LINE_KIND[1:]]
_HIGH_BITS = pl.Series([2**64], dtype=pl.Int128)


def _without_null(numbers: pl.Series, number_of_null: int) -> pl.Series:
    return numbers.fill_null(number_of_null) if numbers.null_count() else numbers


def _described_kinds(new_kinds: pl.DataFrame, code_set: CodeSet, describe: Description) -> pl.DataFrame:
    services, releases = code_set.cached(_whole_services), code_set.cached(_release_facts)
    with_fees = new_kinds.join(services, on=["release", "hcpcs"], how="left", maintain_order="left", validate="m:1")
    return describe(with_fees.join(releases, on="release", how="left", maintain_order="left", validate="m:1"))


def _whole_services(code_set: CodeSet) -> pl.DataFrame:
    fee_rows = code_set.fees.filter(modifier="").select("release", "hcpcs", *_FEE_COLUMNS)
    return fee_rows.with_columns(pl.col("hcpcs").cast(CODE))


def _release_facts(code_set: CodeSet) -> pl.DataFrame:
    return code_set.releases.select("release", *_RELEASE_FACTS)
