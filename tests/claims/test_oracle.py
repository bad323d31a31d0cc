"""A second reading of PTP, MUE and add-on edits, in plain SQL from the Policy Manual of 2026, against the engine's.

It shares no code with the engine: modifiers, visits and rules are written here again. The claims are made so that codes
collide: days with several claims, practitioners of a group, split lines, chains of add-on codes. Both must say the same
of every line.
"""

from collections import Counter
from datetime import date
from random import Random

import duckdb
import polars as pl
import pytest

from codeset.claims.adjudicate import adjudicate
from codeset.claims.claim_fields import COLUMNS
from codeset.claims.outcome import Outcome
from codeset.snapshot import Snapshot

pytestmark = pytest.mark.cms

CLAIMS = 200_000
SEED = 20_240_701

DAYS = [date(2024, 7, 1), date(2024, 7, 2), date(2024, 8, 15), date(2024, 9, 30)]
FAMILIES = [
    ["11102", "11103", "11104", "11105", "11106", "11107", "17000", "99213", "88305"],
    ["17000", "17003", "17004", "17110", "17111", "11042", "11102", "99203", "99214"],
    ["17311", "17312", "17313", "17314", "17315", "11102", "88305", "88331", "88314", "13132"],
    ["11402", "11400", "11602", "11642", "12001", "12011", "12031", "12032", "12051", "13132", "13133"],
    ["14040", "14301", "14302", "15260", "15261", "13121", "13122", "11642", "15777", "99214"],
    ["11055", "11719", "11720", "11721", "11730", "11732", "11750", "11200", "11201"],
    ["96910", "96912", "96567", "96573", "96574", "99211", "99213", "G2211", "J3471"],
    ["88305", "88311", "88312", "88314", "88331", "88332", "88341", "88342", "88350", "88346"],
    ["99213", "99214", "99203", "99291", "99292", "G0514", "96160", "G0506", "15777", "97602"],
]
"""Codes of which many pairs have PTP rows of each CCMI, some in directions that turned; add-on codes of each type
beside their primaries; codes of each MAI, of value zero and without MUE."""

MODIFIERS = {
    "": 24,
    "59": 6,
    "XS": 3,
    "XU": 1,
    "25": 8,
    "RT": 4,
    "LT": 4,
    "RT 59": 1,
    "LT RT": 1,
    "RT LT": 1,
    "TA": 2,
    "T5": 2,
    "76": 3,
    "77": 1,
    "22": 2,
    "51": 2,
    "58": 1,
    "79": 1,
    "57": 1,
    "24": 1,
    "25 59": 1,
    "GC": 1,
}
UNITS = {1: 30, 2: 8, 3: 4, 5: 2, 7: 3, 13: 2, 14: 1, 16: 1, 17: 1}
PRACTITIONERS = {
    ("p1", "g1", "07"): 5,
    ("p2", "g1", "07"): 3,
    ("p3", "g1", "83"): 1,
    ("p4", None, None): 2,
    ("p5", None, "07"): 1,
    ("p6", None, "07"): 1,
    ("p7", "g1", None): 1,
    ("p8", "g1", None): 1,
}
"""Practitioner, group and specialty: only the first two count as one."""


DENYING_BEFORE_MUE = ["validity", "notice", "place_of_service", "component", "new_patient", "duplicate"]

RULES = """
create macro distinct_ones() as ['59', 'XE', 'XS', 'XP', 'XU'];     -- I-14; either column: IV-13, IV-17
create macro other_ones() as ['27', '58', '78', '79', '91'];        -- I-14
create macro of_the_visit() as ['24', '25', '57'];                  -- I-13, I-15: on the visit's line
create macro sites() as [                                           -- I-14
    'E1', 'E2', 'E3', 'E4', 'FA', 'F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8', 'F9',
    'TA', 'T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7', 'T8', 'T9', 'LT', 'RT', 'LC', 'LD', 'RC', 'LM', 'RI'];
create macro is_visit(hcpcs) as
    hcpcs between '99202' and '99499' or hcpcs between '92002' and '92014' or hcpcs in ('G2211', 'G2212', 'G0463');
create macro in_force(day, effective, deleted) as
    effective <= day and (deleted is null or day <= deleted and deleted <> effective);  -- Intro-7, I-14

create table line as
select claim_id, line, beneficiary, date_of_service as day, hcpcs, units, string_split(modifiers, ' ') as modifiers,
    case when "group" is null or specialty is null then provider else "group" || ' ' || specialty end as practitioner,
    date_diff('day', date_of_service, coalesce(through_date, date_of_service)) + 1 as days,
    row_number() over () as id
from claims;

create table said (id bigint, edit text, verdict text);

-- Intro-3: same beneficiary, practitioner and day; column two is denied unless CCMI 1 and a modifier (I-14).
insert into said
with pair as (
    select one.modifiers as mods_one, one.hcpcs as column_one, two.modifiers as mods_two, two.hcpcs as column_two,
        two.id, edit.ccmi
    from line one
    join line two using (beneficiary, practitioner, day)
    join ptp edit on edit.column_one = one.hcpcs and edit.column_two = two.hcpcs
    where edit.ccmi in (0, 1) and in_force(day, edit.effective_date, edit.deletion_date)
), named as (
    select *, list_sort(list_intersect(mods_one, sites())) as sites_one,
        list_sort(list_intersect(mods_two, sites())) as sites_two
    from pair
), judged as (
    select *, list_has_any(mods_one || mods_two, other_ones())
        or not is_visit(column_one) and list_has_any(mods_one, distinct_ones())
        or not is_visit(column_two) and list_has_any(mods_two, distinct_ones())  -- I-17
        or is_visit(column_one) and list_has_any(mods_one, of_the_visit())
        or is_visit(column_two) and list_has_any(mods_two, of_the_visit())
        or len(sites_one || sites_two) > 0 and sites_one <> sites_two as bypassed  -- I-15, I-19
    from named
)
select distinct id, 'ptp', case when ccmi = 1 and bypassed then 'documented' else 'deny' end from judged;

-- I-28: MAI 1 looks at the line; MAI 2 and 3 at the day, all of whose units are denied. I-34: spans of dates. A line
-- that is denied by itself, or that repeats another, has no units that count.
insert into said
with daily as (
    select line.*, mue_value, mai, case when days = 1 then units else cast(round(units / days) as bigint) end as a_day
    from line join mue using (hcpcs)
    where not exists (from denied_before before where before.claim_id = line.claim_id and before.line = line.line)
)
select id, 'mue', 'deny' from daily where mai = 1 and a_day > mue_value
union all
select daily.id, 'mue', 'deny'
from daily join (
    select beneficiary, practitioner, day, hcpcs from daily where mai in (2, 3)
    group by all having sum(a_day) > any_value(mue_value)
) using (beneficiary, practitioner, day, hcpcs);

create table lost as
select id from said where verdict = 'deny'
union
select id from line join denied_otherwise using (claim_id, line);

create table relation as
select line.id, line.beneficiary, line.practitioner, line.day, edit.add_on_type, edit.primary_code
from line join add_on edit on edit.add_on_code = line.hcpcs
where in_force(line.day, edit.effective_date, edit.deletion_date);

create table met as
select relation.id, add_on_type, other.id as primary_id
from relation left join line other
    on other.beneficiary = relation.beneficiary and other.practitioner = relation.practitioner
    and other.day = relation.day and other.hcpcs = relation.primary_code;
"""

ADD_ONS_LOST = """
-- I-35, I-36: type 1 has a closed list; I-27: denied with its primary. Types 2 and 3: the contractor may know others.
insert into lost
select id from met left join (select id as primary_id, true as gone from lost) using (primary_id)
where id not in (select id from lost)
group by id
having not bool_or(primary_id is not null and gone is null)
    and (bool_or(primary_id is not null) or bool_and(add_on_type = 1))
"""

ADD_ONS_SAID = """
insert into said
select id, 'add_on',
    case when bool_or(primary_id is not null) or bool_and(add_on_type = 1) then 'deny' else 'review' end
from met left join (select id as primary_id, true as gone from lost) using (primary_id)
group by id
having not bool_or(primary_id is not null and gone is null)
"""


@pytest.fixture(scope="module")
def claims() -> pl.DataFrame:
    """Return the lines of `CLAIMS` claims, one to five each, of a third as many beneficiaries."""
    rng = Random(SEED)
    sizes = rng.choices([1, 2, 3, 4, 5], [2, 4, 4, 2, 1], k=CLAIMS)
    claim = [number for number, size in enumerate(sizes) for _ in range(size)]
    count = len(claim)

    families = rng.choices(FAMILIES, k=CLAIMS)
    practitioners = rng.choices(list(PRACTITIONERS), list(PRACTITIONERS.values()), k=CLAIMS)
    days = rng.choices(DAYS, [5, 2, 2, 2], k=CLAIMS)
    beneficiaries = rng.choices(range(CLAIMS // 3), k=CLAIMS)
    span = rng.choices([0, 1, 9], [60, 1, 1], k=count)
    of_claims = pl.DataFrame(
        {
            "claim_id": [f"{number:07d}" for number in range(CLAIMS)],
            "beneficiary": [f"b{beneficiary:06d}" for beneficiary in beneficiaries],
            "provider": [provider for provider, _, _ in practitioners],
            "group": [group for _, group, _ in practitioners],
            "specialty": [specialty for _, _, specialty in practitioners],
            "date_of_service": days,
        }
    )
    last = pl.col("date_of_service") + pl.duration(days="span")
    lines = of_claims[claim].with_columns(
        pl.Series("line", [number for size in sizes for number in range(1, size + 1)]),
        pl.Series("hcpcs", [rng.choice(families[number]) for number in claim]),
        pl.Series("modifiers", rng.choices(list(MODIFIERS), list(MODIFIERS.values()), k=count)),
        pl.Series("units", rng.choices(list(UNITS), list(UNITS.values()), k=count)),
        pl.Series("span", span),
        place_of_service=pl.lit("11"),
        locality=pl.lit("national"),
    )
    lines = lines.with_columns(through_date=pl.when(pl.col("span") > 0).then(last.cast(pl.Date)))
    return lines.select(
        (pl.col(name) if name in lines.columns else pl.lit(None).alias(name)).cast(kind)
        for name, kind in COLUMNS.items()
    )


@pytest.fixture(scope="module")
def outcome(claims: pl.DataFrame, real_2024q3: Snapshot) -> Outcome:
    return adjudicate(claims, real_2024q3)


@pytest.fixture(scope="module")
def of_engine(outcome: Outcome) -> pl.DataFrame:
    """Return what the engine says: claim, line, edit, verdict; nothing of add-on codes that no row of CMS's lists."""
    of_table = outcome.findings.filter((pl.col("edit") != "add_on") | pl.col("table").is_not_null())
    findings = of_table.join(outcome.lines.select("row", "claim_id", "line"), on="row")
    return findings.select("claim_id", "line", pl.col("edit", "severity").cast(pl.String)).rename(
        {"severity": "verdict"}
    )


@pytest.fixture(scope="module")
def of_oracle(
    claims: pl.DataFrame, of_engine: pl.DataFrame, real_2024q3: Snapshot, tmp_path_factory: pytest.TempPathFactory
) -> pl.DataFrame:
    """Return what the SQL says.

    Which lines other edits deny is taken from the engine: they take add-ons along, and their units do not count if they
    are denied by themselves or as duplicates.
    """
    folder = tmp_path_factory.mktemp("oracle")
    others = of_engine.filter(~pl.col("edit").is_in(["ptp", "mue", "add_on"]), verdict="deny").unique()
    before = others.filter(pl.col("edit").is_in(DENYING_BEFORE_MUE))
    with duckdb.connect() as connection:
        for name, frame in {"claims": claims, "denied_otherwise": others, "denied_before": before}.items():
            frame.write_parquet(folder / f"{name}.parquet")
            connection.execute(f"create view {name} as from '{folder / name}.parquet'")
        for name in ("ptp", "mue", "add_on"):
            connection.execute(f"create view {name} as from '{real_2024q3.path / name}.parquet'")
        connection.execute(RULES)
        while connection.execute(ADD_ONS_LOST).fetchone() != (0,):
            pass
        connection.execute(ADD_ONS_SAID)
        verdict_query = "select distinct claim_id, line, edit, verdict from said join line using (id)"
        connection.execute(f"copy ({verdict_query}) to '{folder / 'verdicts.parquet'}'")
    return pl.read_parquet(folder / "verdicts.parquet")


def test_engine_and_oracle_say_the_same_of_every_line(of_engine: pl.DataFrame, of_oracle: pl.DataFrame) -> None:
    key = ["claim_id", "line", "edit", "verdict"]
    engine = of_engine.filter(pl.col("edit").is_in(["ptp", "mue", "add_on"])).unique()
    oracle = of_oracle.cast(engine.schema)
    only_engine = engine.join(oracle, on=key, how="anti").sort(key)
    only_oracle = oracle.join(engine, on=key, how="anti").filter(pl.col("verdict") != "documented").sort(key)
    assert (only_engine.head(10).rows(), only_oracle.head(10).rows()) == ([], [])


def test_what_rests_on_the_record_is_said_of_every_line_that_is_not_denied(
    of_engine: pl.DataFrame, of_oracle: pl.DataFrame
) -> None:
    """Once for each modifier, by whichever edit it is for; a denied line is not said to be paid."""
    line = ["claim_id", "line"]
    bypassed_lines = of_oracle.cast(of_engine.schema).filter(verdict="documented").select(line).unique()
    denied_lines = of_engine.filter(verdict="deny").select(line)
    documented_lines = of_engine.filter(verdict="documented").select(line)
    assert documented_lines.join(denied_lines, on=line).is_empty()
    unsaid = bypassed_lines.join(denied_lines, on=line, how="anti").join(documented_lines, on=line, how="anti")
    assert unsaid.head(10).rows() == []


def test_the_claims_make_every_edit_speak(of_oracle: pl.DataFrame) -> None:
    """One line in a hundred at least for each edit and verdict, or the agreement says little."""
    verdict_counts = Counter(of_oracle.select("edit", "verdict").iter_rows())
    verdicts = [("ptp", "deny"), ("ptp", "documented"), ("mue", "deny"), ("add_on", "deny"), ("add_on", "review")]
    assert {kind: verdict_counts[kind] for kind in verdicts if verdict_counts[kind] < CLAIMS // 100} == {}


def test_no_line_is_left_out(claims: pl.DataFrame, outcome: Outcome) -> None:
    key = ["claim_id", "line"]
    assert outcome.lines.select(key).sort(key).equals(claims.select(key).sort(key))
    assert outcome.lines["disposition"].null_count() == 0
