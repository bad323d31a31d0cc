"""What codes are for: the release's own file says it, code by code; the cited file holds what no description states."""

from collections import Counter
from dataclasses import fields, replace

import polars as pl
import pytest

from codeset.manifest import Manifest
from codeset.visit.code_facts import CodeFact, CodeFacts, NoCode, cited_facts, cited_rows

RELEASES = ("2024q2", "2024q3", "2025q3", "2025q4", "2026q3")
VASCULAR = ("17106", "17107", "17108")
NOT_DESCRIBED_IN_2024 = {(code, name) for code in VASCULAR for name in ("nature", "size")} | {("17111", "nature")}
"""Until December 2025 the descriptions of the first three are all the same, and that of 17111 names no nature."""


@pytest.mark.cms
@pytest.mark.parametrize("label", RELEASES)
def test_cms_describes_each_code_by_the_same_numbers_and_flags(real_store, label):
    table = real_store.open(label).table("code_facts")
    assert table["measure"].null_count() == 0
    rows_by_code = {row["hcpcs"]: row for row in table.iter_rows(named=True)}
    assert sorted(rows_by_code) == sorted(cited_rows())
    differences = [
        f"{code}: {name} is {rows_by_code[code][name]}, cited as {cited_row[name]}"
        for code, cited_row in cited_rows().items()
        for name in stated_fields(rows_by_code[code])
        if rows_by_code[code][name] != (cited_row[name] or None)
    ]
    assert differences == []


@pytest.mark.cms
@pytest.mark.parametrize("label", RELEASES)
def test_what_no_description_states_is_named_in_the_cited_file(real_store, label):
    excused_facts = {(code, name) for code, row in cited_rows().items() for name in row["not_described"].split()}
    if label != "2026q3":
        excused_facts |= NOT_DESCRIBED_IN_2024
    rows_by_code = {row["hcpcs"]: row for row in real_store.open(label).table("code_facts").iter_rows(named=True)}
    assert {fact for code in cited_rows() for fact in unstated_facts(code, rows_by_code[code])} - excused_facts == set()


def stated_fields(row):
    sizes = ("size_from", "size_to") if row["size_from"] is not None else ()
    return (
        *sizes,
        *(name for name in ("technique", "nature", "site_class", "measure", "step") if row[name] is not None),
    )


def unstated_facts(code, fact_row):
    cited_row = cited_rows()[code]
    for name in ("technique", "nature", "site_class"):
        if cited_row[name] and fact_row[name] is None:
            yield code, name
    if (cited_row["part"] == "further") != (fact_row["part"] == "further"):
        yield code, "part"
    if fact_row["size_from"] is None or (fact_row["part"] and fact_row["step"] is None):
        yield code, "size"


def test_the_families_are_whole(embedded):
    facts = CodeFacts.of(embedded.open("2026q3"))
    counts = Counter(facts.of_code(code).technique for code in facts.codes)
    assert {name: count for name, count in counts.items() if count > 5} == {
        "shave": 12,
        "excision": 36,
        "repair_simple": 13,
        "repair_intermediate": 19,
        "repair_complex": 12,
        "flap": 10,
        "graft_full_thickness": 8,
        "destruction": 26,
    }


def test_embedded_releases_and_those_without_the_table_know_codes_alike(embedded):
    with_table = CodeFacts.of(embedded.open("2026q3"))
    without = cited_facts()
    assert with_table.codes == without.codes
    assert [text(with_table.of_code(code)) for code in with_table.codes] == [
        text(without.of_code(code)) for code in without.codes
    ]


def text(fact):
    """Everything but whether a code is the first of several or the whole service, which decides nothing."""
    return [str(getattr(fact, field.name)) for field in fields(CodeFact) if field.name != "part"] + [
        fact.part == "further",
        fact.sizes,
    ]


class WithFacts:
    """A snapshot of which only this table is read."""

    def __init__(self, table):
        self.rows = table

    def __contains__(self, name):
        return self.rows is not None

    def table(self, name):
        return self.rows


def test_a_release_is_coded_by_what_its_own_file_states(embedded):
    own = embedded.open("2026q3").table("code_facts")
    longer = pl.when(pl.col("hcpcs") == "11301").then(pl.lit("1.2")).otherwise(pl.col("size_to").cast(pl.String))
    facts = CodeFacts.of(WithFacts(own.with_columns(size_to=longer.cast(own["size_to"].dtype))))
    assert facts.of_code("11301").sizes == "0.6 to 1.2 cm"
    assert facts.of_code("11301").site_class == "trunk-limbs"  # stated nowhere: cited


def test_a_size_without_a_code_is_distinguished_from_a_wrong_program(embedded):
    own = embedded.open("2026q3").table("code_facts").filter(pl.col("hcpcs") == "11301")
    unknown = own.with_columns(measure=pl.lit(None, pl.String))
    assert CodeFacts.of(WithFacts(unknown)).of_code("11301").sizes == "0.6 to 1.0 cm"
    with pytest.raises(NoCode, match="shave"):
        CodeFacts.of(embedded.open("2026q3")).further("shave")


def test_a_table_read_from_the_file_of_another_is_no_other_delivery(embedded):
    manifest: Manifest = embedded.open("2026q3").manifest
    without = replace(manifest, tables={name: row for name, row in manifest.tables.items() if name != "code_facts"})
    assert without.identity == manifest.identity
    assert without.content_sha256 != manifest.content_sha256
    assert without.content_sha256 in embedded.open("2026q3").signed_as
