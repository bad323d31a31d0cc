"""The table of figures in the second practice guide (headed "Common Dermatology CPT Codes"), tried on two years.

`compliance_tests/guidance/figures.csv` holds what the guide says of twenty codes: work RVU, total RVU, global days.
"""

import csv
from pathlib import Path

import polars as pl
import pytest

from codeset.releases import Release
from codeset_ingest.embedded import facts

FIGURES = list(
    csv.DictReader(
        (Path(__file__).parents[1] / "compliance_tests" / "guidance" / "figures.csv").read_text().splitlines()
    )
)


@pytest.fixture(scope="module")
def schedules() -> dict[str, dict[str, dict[str, str]]]:
    columns = ("hcpcs", "work_rvu", "nonfacility_total_rvu", "global_days")
    return {
        label: {
            row["hcpcs"]: row
            for row in facts(Release.parse(label))[1]["mpfs"]
            .filter(modifier="")
            .select(pl.col(columns).cast(pl.String))
            .to_dicts()
        }
        for label in ("2025q4", "2026q3")
    }


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure["hcpcs"])
def test_the_guides_figures_hold_in_2026(schedules, figure):
    row = schedules["2026q3"][figure["hcpcs"]]
    assert (row["work_rvu"], row["nonfacility_total_rvu"], row["global_days"]) == (
        figure["work_rvu"],
        figure["total_rvu"],
        figure["global_days"],
    )


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure["hcpcs"])
def test_the_guides_figures_are_not_those_of_2025(schedules, figure):
    row = schedules["2025q4"][figure["hcpcs"]]
    assert (row["work_rvu"], row["nonfacility_total_rvu"]) != (figure["work_rvu"], figure["total_rvu"])
    assert row["global_days"] == figure["global_days"]


def test_the_guide_has_twenty_lines():
    assert len(FIGURES) == 20
