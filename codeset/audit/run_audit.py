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
    lines: pl.DataFrame, checks: Sequence[Check], snapshots: Sequence[Snapshot], *, on_any_date: bool = False
) -> Audit:
    """Run *checks* over claim lines (columns of `claim_fields`, checked) with the tables of *snapshots* for their days.

    *on_any_date*: the one snapshot serves every day. The order of the lines changes nothing.
    """
    # By claim and line: the result must not depend on the order of the file.
    frame = with_facts(lines.sort("claim_id", "line"), snapshots, on_any_date=on_any_date)
    results = tuple(_run(check, frame, snapshots) for check in checks)
    days = frame["date_of_service"]
    uncovered = frame.height - int(frame["is_covered"].sum())
    return Audit(results, frame.height, days.min(), days.max(), uncovered)  # type: ignore[arg-type]


def _run(check: Check, frame: pl.DataFrame, snapshots: Sequence[Snapshot]) -> CheckResult:
    if not_run := _not_run(check, frame, snapshots):
        return CheckResult(check, 0, (), (), (), not_run)
    in_period = frame["date_of_service"].is_between(check.first, check.last)
    rates: tuple[PractitionerRate, ...] = ()
    if check.rate is not None:
        is_considered = matching(frame, check.rate.over) | matching(frame, check.rate.counted)
        is_considered = is_considered & in_period
        rates = tuple(_rates(check.rate, frame.filter(in_period)))
        above = [rate.provider for rate in rates if rate.is_above]
        is_flagged = is_considered & frame["provider"].is_in(above) & matching(frame, check.rate.counted)
    else:
        is_considered = in_period if check.about is None else in_period & matching(frame, check.about)
        is_flagged = is_considered & matching(frame, check.flags) if check.flags is not None else is_considered
    return CheckResult(
        check,
        int(is_considered.sum()),
        _flagged_lines(check, frame.filter(is_flagged)),
        tuple(_months(frame["date_of_service"], is_considered, is_flagged)),
        rates,
    )


def _not_run(check: Check, frame: pl.DataFrame, snapshots: Sequence[Snapshot]) -> str | None:
    """Why a table that the check needs cannot answer: a release lacks it, or none covers any day."""
    if not check.tables:
        return None
    missing_tables = [
        f"{snapshot.release} holds no {table}"
        for snapshot in snapshots
        for table in sorted(check.tables)
        if table not in snapshot
    ]
    if missing_tables:
        return "; ".join(missing_tables)
    return None if frame["is_covered"].any() else "no release covers the dates of service"


def _rates(rate: Rate, frame: pl.DataFrame) -> Iterator[PractitionerRate]:
    """The rate of each practitioner with enough units, by the practitioner's number."""
    units = frame.select(
        "provider",
        counted=pl.when(matching(frame, rate.counted)).then("units").otherwise(0),
        over=pl.when(matching(frame, rate.over)).then("units").otherwise(0),
    )
    sums = units.group_by("provider").agg(pl.col("counted", "over").sum()).filter(pl.col("over") >= rate.least)
    quotients = {provider: counted / over for provider, counted, over in sums.sort("provider").iter_rows()}
    for provider, counted, over in sums.sort("provider").iter_rows():
        bound = _bound(rate, quotients, provider)
        quotient = quotients[provider]
        yield PractitionerRate(provider, quotient, counted, over, bound, bound is not None and quotient > bound)


def _bound(rate: Rate, quotients: Mapping[str, float], provider: str) -> float | None:
    if rate.above is not None:
        return float(rate.above)
    # Without the practitioner's own rate: an outlier would raise the bound that it is held against.
    peers = [quotient for other, quotient in quotients.items() if other != provider]
    if len(peers) < _FEWEST_PEERS or rate.deviations_above_peers is None:
        return None
    # The peers are all practitioners of the file, not a sample of more: their own deviation, not an estimate.
    return mean(peers) + float(rate.deviations_above_peers) * pstdev(peers)


def _flagged_lines(check: Check, frame: pl.DataFrame) -> tuple[FlaggedLine, ...]:
    columns = ("claim_id", "line", "date_of_service", "provider", "hcpcs", "modifiers", "units", "charge_cents")
    rows = frame.sort("date_of_service", "claim_id", "line").select(columns).rows(named=True)
    # Drawn by a digest of the line, not by a random number: more lines in the file leave the others of the sample in
    # it.
    rows_by_draw = sorted(rows, key=lambda row: _draw(check.seed, check.id, row["claim_id"], row["line"]))
    sample = {(row["claim_id"], row["line"]) for row in rows_by_draw[: check.sample_size]}
    return tuple(FlaggedLine(**row, in_sample=(row["claim_id"], row["line"]) in sample) for row in rows)


def _draw(seed: int, *key: object) -> str:
    """A number drawn for a line, the same for the same seed whatever else the file holds."""
    return sha256(repr((seed, *key)).encode()).hexdigest()


def _months(days: pl.Series, is_considered: pl.Series, is_flagged: pl.Series) -> Iterator[Month]:
    rows = pl.DataFrame({"month": days.dt.strftime("%Y-%m"), "lines": is_considered, "flagged": is_flagged})
    sums = rows.filter("lines").group_by("month").agg(pl.col("lines", "flagged").sum()).sort("month")
    for month, lines, flagged_lines in sums.iter_rows():
        yield Month(month, lines, flagged_lines)
