"""Synthetic claim lines, the same on every machine: everyday visits of an office, and lines in which all varies.

The first have few distinct kinds of line, as real claims do; the second have tens of thousands, and show what a rule
costs that asks once for each kind or pair of kinds.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random

import polars as pl

from codeset.claims.claim_fields import COLUMNS
from codeset.releases import Release
from codeset.scope import scope
from codeset_ingest.embedded import facts

LINES_IN_A_FILE = 400_000
SEED = 20_240_701

OFFICE = tomllib.loads((Path(__file__).parent / "office_claims.toml").read_text(encoding="utf-8"))
VARIED = tomllib.loads((Path(__file__).parent / "varied_claims.toml").read_text(encoding="utf-8"))


def office_claims(number: int, release: Release, lines: int = LINES_IN_A_FILE) -> pl.DataFrame:
    """Return so many lines of the *number*th patients with one to four visits each; none is a copy of another."""
    rng = Random(SEED + number)
    rows: list[tuple[object, ...]] = []
    claims, patients = count(), count()
    while len(rows) < lines:
        patient, provider = f"b{number:03}-{next(patients):06}", f"p{rng.randrange(40):02}"
        day = release.first_day + timedelta(rng.randrange(60))
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
            visit = (f"c{number:03}-{next(claims):06}", patient, provider, day)
            rows += [(*visit, line, *service) for line, service in enumerate(_office_visit(rng), start=1)]
            day = min(day + timedelta(rng.randrange(7, 60)), release.last_day)
    columns = ["claim_id", "beneficiary", "provider", "date_of_service", "line", "hcpcs", "units", "modifiers"]
    frame = pl.DataFrame(rows[:lines], schema={name: COLUMNS[name] for name in columns}, orient="row")
    frame = frame.with_columns(place_of_service=pl.lit("11"), locality=pl.lit("national"))
    return _with_every_column(frame)


def _office_visit(rng: Random) -> Iterator[tuple[str, int, str]]:
    """One visit's lines, as code, units and modifiers."""
    services = _drawn(rng, OFFICE["services"], rng.choices((0, 1, 2, 3), (3, 4, 3, 1))[0])
    services = list(dict.fromkeys(services))
    if not services or rng.random() < 0.8:
        significant = bool(services) and rng.random() < 0.95
        yield _drawn(rng, OFFICE["visits"], 1)[0], 1, "25" if significant else ""
    for place, service in enumerate(services):
        for code in service.split():
            hcpcs, _, units = code.partition("*")
            distinct = place > 0 and rng.random() < 0.6
            yield hcpcs, int(units or 1), rng.choice(("59", "XS")) if distinct else ""


def with_diagnoses(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* as a file has them whose claims have four to six diagnoses, and each line points to four."""
    rng = Random(SEED)
    numbers = {claim: rng.choice((4, 4, 4, 5, 6)) for claim in lines["claim_id"].unique(maintain_order=True)}
    diagnoses = pl.DataFrame(
        [(claim, " ".join(_different(rng, OFFICE["diagnoses"], number))) for claim, number in numbers.items()],
        schema=["claim_id", "diagnoses"],
        orient="row",
    )
    pointers = [" ".join(map(str, rng.sample(range(1, numbers[claim] + 1), 4))) for claim in lines["claim_id"]]
    own = lines.drop("diagnoses", "diagnoses_of_claim").with_columns(diagnosis_pointers=pl.Series(pointers))
    return own.join(diagnoses, on="claim_id", maintain_order="left")


def with_invalid_diagnoses(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* with diagnoses, of which one that may not be billed is first in one claim of twenty."""
    rng = Random(SEED)
    claims = lines["claim_id"].unique(maintain_order=True)
    drawn = [_drawn(rng, OFFICE["invalid_diagnoses"], 1)[0] if rng.random() < 0.05 else None for _ in claims]
    invalid = pl.DataFrame({"claim_id": claims, "invalid": pl.Series(drawn, dtype=pl.String)})
    others = pl.col("diagnoses").str.splitn(" ", 2).struct.field("field_1")
    diagnoses = pl.coalesce(pl.format("{} {}", "invalid", others), "diagnoses").alias("diagnoses")
    return lines.join(invalid, on="claim_id", maintain_order="left").with_columns(diagnoses).drop("invalid")


def _different(rng: Random, weights: Mapping[str, float], number: int) -> list[str]:
    """So many of the keys of *weights*, none twice."""
    drawn: dict[str, None] = {}
    while len(drawn) < number:
        drawn |= dict.fromkeys(_drawn(rng, weights, number - len(drawn)))
    return list(drawn)


def varied_claims(number: int, release: Release, lines: int = LINES_IN_A_FILE) -> pl.DataFrame:
    """Return so many lines of the *number*th patients, in which every column of a line varies.

    Practitioners of two groups and three specialties, or of none; some visits outside the release; one line in twenty a
    span of days; some codes, modifiers and localities that no release knows.
    """
    rng = Random(SEED + 1_000_000 + number)
    visits = _varied_visits(rng, number, release, lines)
    codes = _drawn(rng, _weighted_codes(), lines)
    frame = visits.with_columns(
        hcpcs=pl.Series(codes),
        modifiers=_modifiers(rng, codes),
        units=pl.Series([int(units) for units in _drawn(rng, VARIED["units"], lines)]),
        place_of_service=pl.Series(_drawn(rng, VARIED["place_of_service"], lines)),
        locality=pl.Series(_drawn(rng, VARIED["locality"], lines)),
        lesion=_null_if_empty(_drawn(rng, VARIED["lesion"], lines)),
        days=pl.Series(rng.choices((None, 1, 2, 4), (950, 20, 20, 10), k=lines), dtype=pl.Int32),
        charge_cents=pl.Series(rng.choices((None, 2_500, 9_000, 40_000, 250_000), (50, 10, 20, 15, 5), k=lines)),
    )
    spans = pl.col("date_of_service") + pl.duration(days="days")
    return _with_every_column(frame.with_columns(through_date=spans))


def _varied_visits(rng: Random, number: int, release: Release, lines: int) -> pl.DataFrame:
    """Who met whom and when, a row for each line."""
    practitioners = _practitioners(Random(SEED))
    days = (release.last_day - release.first_day).days
    rows: list[tuple[object, ...]] = []
    claims, patients = count(), count()
    while len(rows) < lines:
        patient, usual = f"v{number:03}-{next(patients):06}", rng.choice(practitioners)
        day = release.first_day + timedelta(rng.randrange(days))
        for _ in range(rng.choice((1, 1, 2, 2, 3, 5))):
            provider = usual if rng.random() < 0.8 else rng.choice(practitioners)
            visit = (f"w{number:03}-{next(claims):06}", patient, *provider, day)
            rows += [(*visit, line) for line in range(1, rng.choice((1, 2, 2, 3, 4, 6)) + 1)]
            day += timedelta(rng.choice((0, 1, 3, 9, 10, 11, 30)))
            if day > release.last_day and rng.random() < 0.95:
                day = release.last_day
    columns = ["claim_id", "beneficiary", "provider", "group", "specialty", "date_of_service", "line"]
    return pl.DataFrame(rows[:lines], schema={name: COLUMNS[name] for name in columns}, orient="row")


def _practitioners(rng: Random) -> list[tuple[str, str | None, str | None]]:
    """Each with their group and specialty, or without."""
    number = VARIED["practitioners"]
    groups, specialties = (_drawn(rng, VARIED[name], number) for name in ("group", "specialty"))
    return [(f"p{place:02}", groups[place] or None, specialties[place] or None) for place in range(number)]


def _weighted_codes() -> dict[str, float]:
    """The office's codes first, then others of dermatology in an order of chance, the last ones far more seldom."""
    fees = facts(Release.parse("2026q3"))[1]["mpfs"].filter(pl.col("modifier") == "")
    office = {code.partition("*")[0] for service in OFFICE["services"] for code in service.split()}
    first = [*OFFICE["visits"], *sorted(office)]
    rng = Random(SEED)
    listed = rng.sample(sorted(set(fees["hcpcs"]) - set(first)), VARIED["codes"] - len(first))
    unlisted = rng.sample(sorted(set(scope("derm").families) - set(fees["hcpcs"])), VARIED["codes_in_no_fee_schedule"])
    # As frequencies of codes fall in practice: a few codes make up most lines, and a long tail the rest.
    return {hcpcs: 1 / (place + 10) for place, hcpcs in enumerate([*first, *listed, *unlisted])}


def _modifiers(rng: Random, codes: Sequence[str]) -> pl.Series:
    """Modifiers as they go with visits and with procedures, by and large."""
    of_visits, of_others = (
        iter(_drawn(rng, VARIED[name], len(codes))) for name in ("modifiers_of_visits", "modifiers")
    )
    return pl.Series([next(of_visits if hcpcs in OFFICE["visits"] else of_others) for hcpcs in codes])


def _drawn(rng: Random, weights: Mapping[str, float], number: int) -> list[str]:
    return rng.choices(list(weights), list(weights.values()), k=number)


def _null_if_empty(texts: Sequence[str]) -> pl.Series:
    return pl.Series([text or None for text in texts], dtype=pl.String)


def _with_every_column(frame: pl.DataFrame) -> pl.DataFrame:
    """*frame* with the columns of claim lines in their order and types, null where it has none."""
    missing = [pl.lit(None).alias(name) for name in COLUMNS if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())
