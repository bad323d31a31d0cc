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


def office_claims(file_number: int, release: Release, line_count: int = LINES_IN_A_FILE) -> pl.DataFrame:
    """Return *line_count* lines of patients with one to four visits each, other patients for each *file_number*."""
    generator = Random(SEED + file_number)
    claim_rows: list[tuple[object, ...]] = []
    claim_numbers, patient_numbers = count(), count()
    while len(claim_rows) < line_count:
        patient, provider = f"b{file_number:03}-{next(patient_numbers):06}", f"p{generator.randrange(40):02}"
        visit_day = release.first_day + timedelta(generator.randrange(60))
        for _ in range(generator.choice((1, 1, 1, 2, 2, 3, 4))):
            visit_fields = (f"c{file_number:03}-{next(claim_numbers):06}", patient, provider, visit_day)
            claim_rows += [
                (*visit_fields, line_number, *service)
                for line_number, service in enumerate(_office_visit(generator), start=1)
            ]
            visit_day = min(visit_day + timedelta(generator.randrange(7, 60)), release.last_day)
    column_names = ["claim_id", "beneficiary", "provider", "date_of_service", "line", "hcpcs", "units", "modifiers"]
    claim_lines = pl.DataFrame(
        claim_rows[:line_count],
        schema={column_name: COLUMNS[column_name] for column_name in column_names},
        orient="row",
    )
    claim_lines = claim_lines.with_columns(place_of_service=pl.lit("11"), locality=pl.lit("national"))
    return _with_every_column(claim_lines)


def _office_visit(generator: Random) -> Iterator[tuple[str, int, str]]:
    """One visit's lines, as code, units and modifiers."""
    services = _drawn_keys(generator, OFFICE["services"], generator.choices((0, 1, 2, 3), (3, 4, 3, 1))[0])
    # Each service once, in the order drawn: a code twice would be a duplicate line.
    services = list(dict.fromkeys(services))
    if not services or generator.random() < 0.8:
        is_significant = bool(services) and generator.random() < 0.95
        yield _drawn_keys(generator, OFFICE["visits"], 1)[0], 1, "25" if is_significant else ""
    for position, service in enumerate(services):
        for service_code in service.split():
            hcpcs, _, units = service_code.partition("*")
            is_distinct = position > 0 and generator.random() < 0.6
            yield hcpcs, int(units or 1), generator.choice(("59", "XS")) if is_distinct else ""


def with_diagnoses(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* as a file has them whose claims have four to six diagnoses, and each line points to four."""
    generator = Random(SEED)
    diagnosis_counts = {
        claim_id: generator.choice((4, 4, 4, 5, 6)) for claim_id in lines["claim_id"].unique(maintain_order=True)
    }
    diagnoses = pl.DataFrame(
        [
            (claim_id, " ".join(_different_keys(generator, OFFICE["diagnoses"], diagnosis_count)))
            for claim_id, diagnosis_count in diagnosis_counts.items()
        ],
        schema=["claim_id", "diagnoses"],
        orient="row",
    )
    pointers = [
        " ".join(map(str, generator.sample(range(1, diagnosis_counts[claim_id] + 1), 4)))
        for claim_id in lines["claim_id"]
    ]
    lines_with_pointers = lines.drop("diagnoses", "diagnoses_of_claim").with_columns(
        diagnosis_pointers=pl.Series(pointers)
    )
    return lines_with_pointers.join(diagnoses, on="claim_id", maintain_order="left")


def with_invalid_diagnoses(lines: pl.DataFrame) -> pl.DataFrame:
    """Return *lines* with diagnoses, of which one that may not be billed is first in one claim of twenty."""
    generator = Random(SEED)
    claim_ids = lines["claim_id"].unique(maintain_order=True)
    drawn_diagnoses = [
        _drawn_keys(generator, OFFICE["invalid_diagnoses"], 1)[0] if generator.random() < 0.05 else None
        for _ in claim_ids
    ]
    invalid_rows = pl.DataFrame({"claim_id": claim_ids, "invalid": pl.Series(drawn_diagnoses, dtype=pl.String)})
    other_diagnoses = pl.col("diagnoses").str.splitn(" ", 2).struct.field("field_1")
    diagnoses = pl.coalesce(pl.format("{} {}", "invalid", other_diagnoses), "diagnoses").alias("diagnoses")
    return lines.join(invalid_rows, on="claim_id", maintain_order="left").with_columns(diagnoses).drop("invalid")


def _different_keys(generator: Random, weights: Mapping[str, float], key_count: int) -> list[str]:
    """*key_count* of the keys of *weights*, none twice."""
    drawn_keys: dict[str, None] = {}
    while len(drawn_keys) < key_count:
        drawn_keys |= dict.fromkeys(_drawn_keys(generator, weights, key_count - len(drawn_keys)))
    return list(drawn_keys)


def varied_claims(file_number: int, release: Release, line_count: int = LINES_IN_A_FILE) -> pl.DataFrame:
    """Return *line_count* lines in which every column varies, of other patients for each *file_number*.

    Practitioners of two groups and three specialties, or of none; some visits outside the release; one line in twenty a
    span of days; some codes, modifiers and localities that no release knows.
    """
    # Far from the seeds of the office's files, which count up from SEED.
    generator = Random(SEED + 1_000_000 + file_number)
    visits = _varied_visits(generator, file_number, release, line_count)
    drawn_codes = _drawn_keys(generator, _weighted_codes(), line_count)
    claim_lines = visits.with_columns(
        hcpcs=pl.Series(drawn_codes),
        modifiers=_modifiers(generator, drawn_codes),
        units=pl.Series([int(units_text) for units_text in _drawn_keys(generator, VARIED["units"], line_count)]),
        place_of_service=pl.Series(_drawn_keys(generator, VARIED["place_of_service"], line_count)),
        locality=pl.Series(_drawn_keys(generator, VARIED["locality"], line_count)),
        lesion=_null_if_empty(_drawn_keys(generator, VARIED["lesion"], line_count)),
        days=pl.Series(generator.choices((None, 1, 2, 4), (950, 20, 20, 10), k=line_count), dtype=pl.Int32),
        charge_cents=pl.Series(
            generator.choices((None, 2_500, 9_000, 40_000, 250_000), (50, 10, 20, 15, 5), k=line_count)
        ),
    )
    through_dates = pl.col("date_of_service") + pl.duration(days="days")
    return _with_every_column(claim_lines.with_columns(through_date=through_dates))


def _varied_visits(generator: Random, file_number: int, release: Release, line_count: int) -> pl.DataFrame:
    """Patient, practitioner and day of each visit, a row for each of its lines."""
    # Their own seed: every file has the same practitioners, and different patients.
    practitioners = _practitioners(Random(SEED))
    days_of_release = (release.last_day - release.first_day).days
    visit_rows: list[tuple[object, ...]] = []
    claim_numbers, patient_numbers = count(), count()
    while len(visit_rows) < line_count:
        patient, usual_practitioner = f"v{file_number:03}-{next(patient_numbers):06}", generator.choice(practitioners)
        visit_day = release.first_day + timedelta(generator.randrange(days_of_release))
        for _ in range(generator.choice((1, 1, 2, 2, 3, 5))):
            provider = usual_practitioner if generator.random() < 0.8 else generator.choice(practitioners)
            visit_fields = (f"w{file_number:03}-{next(claim_numbers):06}", patient, *provider, visit_day)
            visit_rows += [
                (*visit_fields, line_number) for line_number in range(1, generator.choice((1, 2, 2, 3, 4, 6)) + 1)
            ]
            visit_day += timedelta(generator.choice((0, 1, 3, 9, 10, 11, 30)))
            # One visit in twenty stays beyond the release, for which no table is there.
            if visit_day > release.last_day and generator.random() < 0.95:
                visit_day = release.last_day
    column_names = ["claim_id", "beneficiary", "provider", "group", "specialty", "date_of_service", "line"]
    return pl.DataFrame(
        visit_rows[:line_count],
        schema={column_name: COLUMNS[column_name] for column_name in column_names},
        orient="row",
    )


def _practitioners(generator: Random) -> list[tuple[str, str | None, str | None]]:
    """Each with their group and specialty, or without."""
    practitioner_count = VARIED["practitioners"]
    groups, specialties = (_drawn_keys(generator, VARIED[name], practitioner_count) for name in ("group", "specialty"))
    return [
        (f"p{position:02}", groups[position] or None, specialties[position] or None)
        for position in range(practitioner_count)
    ]


def _weighted_codes() -> dict[str, float]:
    """The office's codes first, then others of dermatology in an order of chance, the last ones far more seldom."""
    fee_rows = facts(Release.parse("2026q3"))[1]["mpfs"].filter(pl.col("modifier") == "")
    office_codes = {
        service_code.partition("*")[0] for service in OFFICE["services"] for service_code in service.split()
    }
    frequent_codes = [*OFFICE["visits"], *sorted(office_codes)]
    generator = Random(SEED)
    rarer_codes = generator.sample(
        sorted(set(fee_rows["hcpcs"]) - set(frequent_codes)), VARIED["codes"] - len(frequent_codes)
    )
    codes_without_fee = generator.sample(
        sorted(set(scope("derm").families) - set(fee_rows["hcpcs"])), VARIED["codes_in_no_fee_schedule"]
    )
    # As frequencies of codes fall in practice: a few codes make up most lines, and a long tail the rest.
    return {
        hcpcs: 1 / (position + 10) for position, hcpcs in enumerate([*frequent_codes, *rarer_codes, *codes_without_fee])
    }


def _modifiers(generator: Random, drawn_codes: Sequence[str]) -> pl.Series:
    """Modifiers as they go with visits and with procedures, by and large."""
    of_visits, of_others = (
        iter(_drawn_keys(generator, VARIED[weights_name], len(drawn_codes)))
        for weights_name in ("modifiers_of_visits", "modifiers")
    )
    return pl.Series([next(of_visits if hcpcs in OFFICE["visits"] else of_others) for hcpcs in drawn_codes])


def _drawn_keys(generator: Random, weights: Mapping[str, float], key_count: int) -> list[str]:
    return generator.choices(list(weights), list(weights.values()), k=key_count)


def _null_if_empty(texts: Sequence[str]) -> pl.Series:
    return pl.Series([text or None for text in texts], dtype=pl.String)


def _with_every_column(claim_lines: pl.DataFrame) -> pl.DataFrame:
    """*claim_lines* with the columns of claim lines in their order and types, null where it has none."""
    null_columns = [pl.lit(None).alias(name) for name in COLUMNS if name not in claim_lines.columns]
    return claim_lines.with_columns(null_columns).select(
        pl.col(column_name).cast(dtype) for column_name, dtype in COLUMNS.items()
    )
