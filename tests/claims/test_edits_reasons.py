"""Every reason is a sentence whose values are all there, whatever line it is said of."""

import re
from collections.abc import Sequence
from string import Formatter
from typing import Any

import made_claims as made
import pytest

from codeset.claims.adjudicate import adjudicate
from codeset.claims.edits.findings import reasons
from codeset.claims.outcome import outcome_plain
from codeset.participants import Participant
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store


def fee(hcpcs: str, **columns: Any) -> dict[str, Any]:
    return {"hcpcs": hcpcs, **columns}


STATUS = {f"9990{status}": {"status_code": status} for status in "BCDIJMNRTX"}
FEES = [
    *(fee(hcpcs, **columns) for hcpcs, columns in STATUS.items()),
    *(fee("99911", modifier=modifier, pctc_indicator="1") for modifier in ("", "26", "TC")),
    fee("99912", pctc_indicator="5"),
    fee("99913", bilateral_surgery="9", assistant_surgery="1", co_surgery="0", team_surgery="0"),
    fee("99914", assistant_surgery="0", co_surgery="1", team_surgery="1"),
    fee("99915", global_days="000"),
    fee("99916", global_days="010"),
    fee("99917", global_days="090"),
    fee("99918", global_days="YYY"),
    fee("99919", status_code="A", nonfacility_na=True),
    *("99920", "99921", "99922", "99930", "99931", "99932", "99940", "99941", "99942", "99213"),
    *("11102", "11602", "17000"),
]
ROWS = {
    "ptp": [("99920", "99921", "2020-01-01", None, 0), ("99920", "99922", "2020-01-01", None, 1)],
    "mue": [("99930", 1, 1), ("99931", 1, 2), ("99932", 1, 3)],
    "add_on": [
        ("99940", "99920", "2020-01-01", None, 1),
        ("99940", "99930", "2020-01-01", None, 1),
        ("99941", "99920", "2020-01-01", None, 3),
        ("99942", "CCCCC", "2020-01-01", None, 2),
    ],
}

LINES: dict[str, tuple[str, ...]] = {
    "no-release": ("99920 on=2020-01-01",),
    "units-below-one": ("99920x0", "99920x-3"),
    "hcpcs-not-in-release": ("99999",),
    "status-not-valid-for-medicare": ("9990I",),
    "status-deleted": ("9990D",),
    "status-not-covered": ("9990N",),
    "status-bundled": ("9990B",),
    "status-for-reporting": ("9990M",),
    "injection-bundled": ("9990T", "99920"),
    "status-outside-fee-schedule": ("9990X",),
    "status-anesthesia": ("9990J",),
    "status-carrier-priced": ("9990C",),
    "status-restricted": ("9990R",),
    "incident-to-in-hospital": ("99912 place=22",),
    "modifier-unknown": ("99920-ZZ",),
    "modifier-component": ("99912-26", "99912-TC"),
    "modifier-bilateral": ("99913-50",),
    "modifier-sides": ("99914-50-RT",),
    "modifier-assistant": ("99913-80",),
    "modifier-co-surgeon": ("99913-62",),
    "modifier-team": ("99913-66",),
    "modifier-of-visits": ("99920-25",),
    "modifier-of-procedures": ("99213-79",),
    "modifier-assistant-documentation": ("99914-82",),
    "modifier-co-surgeon-documentation": ("99914-62",),
    "modifier-team-by-report": ("99914-66",),
    "ptp-never": ("99920", "99921"),
    "ptp-no-modifier": ("99920", "99922"),
    "ptp-same-site": ("99920-RT", "99922-RT"),
    "ptp-bypassed": ("99920", "99922-59"),
    "mue-line": ("99930x2",),
    "mue-day-policy": ("99931", "99931-76"),
    "mue-day-clinical": ("99932x2",),
    "add-on-without-primary": ("99940",),
    "add-on-primary-denied": ("99940", "99930x2"),
    "add-on-primary-by-contractor": ("99941", "99942"),
    "global-visit-same-day": ("99915", "99213"),
    "global-visit-major": ("99917 day=1", "99213", "99213 day=1"),
    "global-visit-after": ("99916", "99213 day=5"),
    "global-procedure-after": ("99916", "99915 day=5"),
    "global-visit-documented": ("99915", "99213-25"),
    "global-return-in-office": ("99916", "99915-78 day=5"),
    "global-by-contractor": ("99918", "99213"),
    "global-new-period": ("99916", "99915-58 day=5"),
    "global-return": ("99916", "99915-78 day=5 place=22"),
    "lesion-one-removal": ("11602 lesion=A", "17000 lesion=A"),
    "lesion-included": ("11602 lesion=A", "11102 lesion=A"),
    "amount-to-review": ("99920-22",),
    "no-amount": ("99919",),
}
"""For each reason lines, of a release that has all tables, of which it is said."""

IN_EXCERPT = {"outside-the-excerpt": ("99999",), "beside-the-excerpt": ("99999", "99920")}
WITHOUT_TABLES = {"table-not-held": ("99920",)}
LEFT_OUT = {"release-left-out": ("99920 on=2026-06-30",)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return made.sealed(Store(tmp_path_factory.mktemp("reasons")), "2026q3", FEES, **ROWS)


@pytest.fixture(scope="module")
def excerpt(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return made.sealed(Store(tmp_path_factory.mktemp("excerpt")), "2026q3", FEES, scope="derm")


def test_there_are_lines_for_every_reason() -> None:
    assert {*LINES, *IN_EXCERPT, *WITHOUT_TABLES, *LEFT_OUT} == set(reasons())


@pytest.mark.parametrize("reason", LINES)
def test_every_value_of_a_sentence_is_there(whole: Snapshot, reason: str) -> None:
    assert_filled(reason, whole, *LINES[reason])


@pytest.mark.parametrize("reason", IN_EXCERPT)
def test_every_value_of_a_sentence_about_an_excerpt_is_there(excerpt: Snapshot, reason: str) -> None:
    assert_filled(reason, excerpt, *IN_EXCERPT[reason])


def test_every_value_of_a_sentence_about_a_table_is_there(store: Store) -> None:
    without = made.sealed(store, "2026q3", FEES, lacking=["ptp", "mue"])
    assert_filled("table-not-held", without, *WITHOUT_TABLES["table-not-held"])


def test_every_value_of_a_sentence_about_a_release_that_was_left_out_is_there(whole: Snapshot) -> None:
    assert_filled("release-left-out", whole, *LEFT_OUT["release-left-out"], left_out=[Release.parse("2026q2")])


def assert_filled(reason: str, snapshot: Snapshot, *texts: str, left_out: Sequence[Release] = ()) -> None:
    """Read the two sentences as templates: each `{...}` must have become a value, and no dash."""
    claims = outcome_plain(adjudicate(made.claims(*texts), snapshot, participant=Participant.NON_QP, left_out=left_out))
    findings = [each for claim in claims for line in claim["lines"] for each in line["findings"]]
    of_reason = [each for each in findings if each["reason"] == reason]
    assert of_reason, f"{texts} do not have {reason}: {[each['reason'] for each in findings]}"
    for finding in of_reason:
        for sentence, template in ((finding["says"], reasons()[reason].says), (finding["do"], reasons()[reason].do)):
            values = re.fullmatch(pattern(template), sentence)
            assert values, f"{sentence!r} is not {template!r}"
            assert all(value.strip(" –") for value in values.groups()), sentence


def pattern(template: str) -> str:
    """The template as a pattern with a group for each value."""
    parts = Formatter().parse(template)
    return "".join(re.escape(text) + ("(.*)" if name is not None else "") for text, name, _, _ in parts)
