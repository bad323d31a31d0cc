"""A release of which we know what is different: each difference is told where the reader looks for it."""

from pathlib import Path

import polars as pl
import pytest
import reviewed
from bs4 import BeautifulSoup, Tag

from codeset.review.first_page import first_page
from codeset.review.forms.as_markdown import review_markdown
from codeset.review.forms.as_page import review_html
from codeset.review.make import make_review
from codeset.review.model import Review
from codeset.store import Store
from codeset.suite.scenarios import load

BIOPSIES = (pl.col("column_one") == "11104") & (pl.col("column_two") == "11102")


@pytest.fixture(scope="module")
def quarter_review(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Review:
    """2026q3 against itself a quarter later: without the edit of 11104 and 11102 (CCMI 0) and 11900, with 11901 new.

    17000 has 090 global days, 11102 a work RVU of 0.74 instead of 0.64.
    """
    new = Store(place / "store").open("2026q3")
    folder = tmp_path_factory.mktemp("quarter")
    old = reviewed.retold(new, folder / "old")
    later = reviewed.retold(new, folder / "later", release="2026q4", sha256="0" * 64)
    write(old.path, "mpfs", new.table("mpfs").filter(pl.col("hcpcs") != "11901"))
    write(later.path, "ptp", new.table("ptp").filter(~BIOPSIES))
    write(later.path, "mpfs", other_schedule(new.table("mpfs")))
    return make_review(old, later, load(place / "scenarios"), ())


def write(folder: Path, table: str, rows: pl.DataFrame) -> None:
    file = folder / f"{table}.parquet"
    file.chmod(0o600)
    rows.write_parquet(file)


def other_schedule(rows: pl.DataFrame) -> pl.DataFrame:
    biopsy, keratosis = pl.col("hcpcs") == "11102", pl.col("hcpcs") == "17000"
    raised_totals = [
        pl.when(biopsy)
        .then(pl.col(name) + pl.lit("0.10").cast(pl.Decimal(9, 2)))
        .otherwise(name)
        .cast(rows[name].dtype)
        for name in ("work_rvu", "nonfacility_total_rvu", "facility_total_rvu")
    ]
    days = pl.when(keratosis).then(pl.lit("090")).otherwise("global_days").alias("global_days")
    return rows.filter(pl.col("hcpcs") != "11900").with_columns(
        days,
        *(
            total.alias(name)
            for total, name in zip(
                raised_totals, ("work_rvu", "nonfacility_total_rvu", "facility_total_rvu"), strict=True
            )
        ),
    )


@pytest.fixture(scope="module")
def page(quarter_review: Review) -> BeautifulSoup:
    return BeautifulSoup(review_html(quarter_review), "html.parser")


def section(page: BeautifulSoup, name: str) -> str:
    """What stands between a heading and the next."""
    texts = []
    for sibling in page.find(id=name).find_next_siblings():
        if isinstance(sibling, Tag) and sibling.name in ("h2", "h3"):
            break
        texts.append(sibling.text)
    return " ".join(texts)


def test_codes_added_and_removed_are_reported(quarter_review, page):
    assert [code.hcpcs for code in quarter_review.new_codes] == ["11901"]
    assert [code.hcpcs for code in quarter_review.gone_codes] == ["11900"]
    assert "New: 11901" in section(page, "codes")
    assert "Removed from the fee schedule file: 11900" in section(page, "codes")
    titles = [item.title for item in first_page(quarter_review).actions]
    assert {"Add 11901 to the charge master", "Inactivate 11900 in the charge master"} <= set(titles)


def test_global_days_are_reported_before_and_after(quarter_review, page):
    (change,) = [change for change in quarter_review.table("mpfs").changes if change.kind == "changed"]
    assert (change.key, change.what, change.before, change.after) == ("17000", "global days", "010", "090")
    assert "17000" in section(page, "indicators")


def test_a_tenth_of_work_is_worth_a_tenth_of_the_factor(quarter_review):
    """0.10 x 33.4009 = 3.34; nothing else moved."""
    (row,) = [
        row
        for table in quarter_review.payments
        if table.setting == "nonfacility"
        for row in table.rows
        if row.change_cents
    ]
    assert (row.hcpcs, row.before.cents, row.after.cents) == ("11102", 9553, 9887)
    assert row.parts is not None
    assert (row.parts.work, row.change_cents) == (334, 334)


def test_a_code_with_an_amount_in_one_release_only_is_reported_with_why(quarter_review):
    rows = {row.hcpcs: row for table in quarter_review.payments if table.setting == "facility" for row in table.rows}
    assert (rows["11900"].after.cents, rows["11900"].after.lacks) == (None, "not in the fee schedule")
    assert (rows["11901"].before.cents, rows["11901"].change_cents) == (None, None)


def test_an_edit_that_was_removed_is_reported_with_the_pair_that_is_paid_now(quarter_review, page):
    (edit,) = [change for change in quarter_review.table("ptp").changes if change.kind == "removed"]
    assert (edit.key, "modifier indicator 0" in edit.before) == ("11104 / 11102", True)
    pair = [case for case in quarter_review.pairs.changed if (case.hcpcs_one, case.hcpcs_two) == ("11102", "11104")]
    assert [case.modifier_on for case in pair] == ["", "one", "two"]
    assert {(case.before[0].disposition, case.after[0].disposition) for case in pair} == {("deny", "pay")}
    assert {case.before[0].rests_on for case in pair} == {"PTP 11104/11102, modifier indicator 0"}
    assert "pair 11102/11104" in [outcome.id for outcome in quarter_review.to_decide]
    assert "11102 + 11104" in section(page, "pairs")


def test_the_short_form_tells_the_same(quarter_review):
    text = review_markdown(quarter_review)
    assert "17000, global days changed: 010 → 090" in text
    assert "11104 / 11102, PTP edit removed: modifier indicator 0" in text
