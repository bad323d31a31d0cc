"""Checks run over claim lines: what each flags, its trend by month, and a seeded sample to pull."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from statistics import mean, pstdev

import polars as pl

from codeset.audit.audit_checks import Check, Rate
from codeset.audit.matching_lines import matching, with_facts
from codeset.snapshot import Snapshot

_FEWEST_PEERS = 3
"""Other practitioners without whom no mean and standard deviation is taken."""


@dataclass(frozen=True)
class Month:
    """The lines that a check looked at in one month (`2026-07`), and how many of them it flagged."""

    month: str
    lines: int
    flagged: int


@dataclass(frozen=True)
class PractitionerRate:
    """The rate of one practitioner, the bound it was compared with (None: too few peers), and whether it is above.

    Rates are floats: they are compared and shown with two decimals, and no amount of money rests on them.
    """

    provider: str
    rate: float
    units: int
    over_units: int
    bound: float | None
    is_above: bool


@dataclass(frozen=True)
class FlaggedLine:
    """A line that a check flags; `in_sample`: its record is to be pulled."""

    claim_id: str
    line: int
    date_of_service: date
    provider: str
    hcpcs: str
    modifiers: str
    units: int
    charge_cents: int | None
    in_sample: bool


@dataclass(frozen=True)
class CheckResult:
    """What a check says of the claims: the lines that it looked at and flagged, by month, and rates of practitioners.

    `not_run` is why the check could not be run, in words; then it says nothing of the claims.
    """

    check: Check
    lines: int
    flagged: tuple[FlaggedLine, ...]
    months: tuple[Month, ...]
    rates: tuple[PractitionerRate, ...]
    not_run: str | None = None

    @property
    def sample(self) -> tuple[FlaggedLine, ...]:
        """The flagged lines to pull."""
        return tuple(line for line in self.flagged if line.in_sample)


@dataclass(frozen=True)
class Audit:
    """The results of checks on claims: how many lines, of which days; lines of days that no release covers."""

    results: tuple[CheckResult, ...]
    lines: int
    first: date | None
    last: date | None
    uncovered_lines: int

    @property
    def fires(self) -> bool:
        """Whether a check flags a line."""
        return any(result.flagged for result in self.results)


def run_audit(
    claim_lines: pl.DataFrame, checks: Sequence[Check], snapshots: Sequence[Snapshot], *, on_any_date: bool = False
) -> Audit:
    """Run *checks* over claim lines (columns of `claim_fields`, checked) with the tables of *snapshots* for their days.

    *on_any_date*: the one snapshot serves every day. The order of the lines changes nothing.
    """
    # By claim and line: the result must not depend on the order of the file.
    lines_with_facts = with_facts(claim_lines.sort("claim_id", "line"), snapshots, on_any_date=on_any_date)
    results = tuple(_check_result(check, lines_with_facts, snapshots) for check in checks)
    service_days = lines_with_facts["date_of_service"]
    uncovered_lines = lines_with_facts.height - int(lines_with_facts["is_covered"].sum())
    return Audit(results, lines_with_facts.height, service_days.min(), service_days.max(), uncovered_lines)  # type: ignore[arg-type]


def _check_result(check: Check, lines_with_facts: pl.DataFrame, snapshots: Sequence[Snapshot]) -> CheckResult:
    if not_run := _reason_not_run(check, lines_with_facts, snapshots):
        return CheckResult(check, 0, (), (), (), not_run)
    in_period = lines_with_facts["date_of_service"].is_between(check.first, check.last)
    practitioner_rates: tuple[PractitionerRate, ...] = ()
    if check.rate is not None:
        is_considered = matching(lines_with_facts, check.rate.over) | matching(lines_with_facts, check.rate.counted)
        is_considered = is_considered & in_period
        practitioner_rates = tuple(_practitioner_rates(check.rate, lines_with_facts.filter(in_period)))
        # A practitioner's rate flags the lines that raise it: those counted, not all lines of the practitioner.
        providers_above = [rate.provider for rate in practitioner_rates if rate.is_above]
        is_flagged = (
            is_considered
            & lines_with_facts["provider"].is_in(providers_above)
            & matching(lines_with_facts, check.rate.counted)
        )
    else:
        is_considered = in_period if check.about is None else in_period & matching(lines_with_facts, check.about)
        is_flagged = (
            is_considered & matching(lines_with_facts, check.flags) if check.flags is not None else is_considered
        )
    return CheckResult(
        check,
        int(is_considered.sum()),
        _flagged_lines(check, lines_with_facts.filter(is_flagged)),
        tuple(_flagged_by_month(lines_with_facts["date_of_service"], is_considered, is_flagged)),
        practitioner_rates,
    )


def _reason_not_run(check: Check, lines_with_facts: pl.DataFrame, snapshots: Sequence[Snapshot]) -> str | None:
    """Why a table that the check needs cannot answer: a release lacks it, or none covers any day."""
    # Conditions on the claim alone need no release.
    if not check.tables:
        return None
    missing_tables = [
        f"{snapshot.release} holds no {table_name}"
        for snapshot in snapshots
        for table_name in sorted(check.tables)
        if table_name not in snapshot
    ]
    # One release without the table is enough: its lines would silently never meet the condition.
    if missing_tables:
        return "; ".join(missing_tables)
    return None if lines_with_facts["is_covered"].any() else "no release covers the dates of service"


def _practitioner_rates(rate: Rate, lines_in_period: pl.DataFrame) -> Iterator[PractitionerRate]:
    """The rate of each practitioner with enough units, by the practitioner's number."""
    units_by_line = lines_in_period.select(
        "provider",
        counted=pl.when(matching(lines_in_period, rate.counted)).then("units").otherwise(0),
        over=pl.when(matching(lines_in_period, rate.over)).then("units").otherwise(0),
    )
    sums_by_provider = (
        units_by_line.group_by("provider").agg(pl.col("counted", "over").sum()).filter(pl.col("over") >= rate.least)
    )
    quotients = {
        provider: counted_units / over_units
        for provider, counted_units, over_units in sums_by_provider.sort("provider").iter_rows()
    }
    for provider, counted_units, over_units in sums_by_provider.sort("provider").iter_rows():
        bound = _rate_bound(rate, quotients, provider)
        quotient = quotients[provider]
        yield PractitionerRate(
            provider, quotient, counted_units, over_units, bound, bound is not None and quotient > bound
        )


def _rate_bound(rate: Rate, quotients: Mapping[str, float], provider: str) -> float | None:
    if rate.above is not None:
        return float(rate.above)
    # Without the practitioner's own rate: an outlier would raise the bound that it is held against.
    peers = [quotient for other_provider, quotient in quotients.items() if other_provider != provider]
    if len(peers) < _FEWEST_PEERS or rate.deviations_above_peers is None:
        return None
    # The peers are all practitioners of the file, not a sample of more: their own deviation, not an estimate.
    return mean(peers) + float(rate.deviations_above_peers) * pstdev(peers)


def _flagged_lines(check: Check, flagged_frame: pl.DataFrame) -> tuple[FlaggedLine, ...]:
    columns = ("claim_id", "line", "date_of_service", "provider", "hcpcs", "modifiers", "units", "charge_cents")
    line_rows = flagged_frame.sort("date_of_service", "claim_id", "line").select(columns).rows(named=True)
    # Drawn by a digest of the line, not by a random number: more lines in the file leave the others of the sample in
    # it.
    rows_by_draw = sorted(
        line_rows, key=lambda line_row: _drawn_number(check.seed, check.id, line_row["claim_id"], line_row["line"])
    )
    sample_keys = {(line_row["claim_id"], line_row["line"]) for line_row in rows_by_draw[: check.sample_size]}
    return tuple(
        FlaggedLine(**line_row, in_sample=(line_row["claim_id"], line_row["line"]) in sample_keys)
        for line_row in line_rows
    )


def _drawn_number(seed: int, *line_key: object) -> str:
    """A number drawn for a line, the same for the same seed whatever else the file holds."""
    return sha256(repr((seed, *line_key)).encode()).hexdigest()


def _flagged_by_month(service_days: pl.Series, is_considered: pl.Series, is_flagged: pl.Series) -> Iterator[Month]:
    line_rows = pl.DataFrame(
        {"month": service_days.dt.strftime("%Y-%m"), "lines": is_considered, "flagged": is_flagged}
    )
    sums_by_month = line_rows.filter("lines").group_by("month").agg(pl.col("lines", "flagged").sum()).sort("month")
    for month, line_count, flagged_count in sums_by_month.iter_rows():
        yield Month(month, line_count, flagged_count)
