"""The first golden scenarios of dermatology: what a coder expects, each denial beside a twin that is paid.

Expected dispositions are worked by hand from CMS's rows and the rule cited (I-14: page of the Policy Manual of 2026; a
row of the PTP table is `column one > column two`). `pay_if_documented` rests on the record. Amounts: not here.
"""

import literal_claims

from codeset.snapshot import Snapshot

SCENARIOS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "S01 a biopsy and two more": (("11102", "11103x2"), ("pay", "pay"), "AOC 11103: 11102"),
    "S02 two primary biopsies": (("11104", "11102"), ("pay", "deny ptp"), "11104 > 11102, CCMI 0"),
    "S02 two primary biopsies, 59": (("11104", "11102-59"), ("pay", "deny ptp"), "11104 > 11102, CCMI 0; I-14"),
    "S03 a further biopsy of a lesser kind": (("11104", "11103"), ("pay", "pay"), "AOC 11103: 11104"),
    "S04 a further biopsy of a greater kind": (("11105", "11102"), ("deny add_on", "pay"), "AOC 11105: 11104, 11106"),
    "S04 twin": (("11105", "11104"), ("pay", "pay"), "AOC 11105: 11104"),
    "S05 biopsy and destruction": (("11102", "17000"), ("pay", "deny ptp"), "11102 > 17000, CCMI 1; III-15"),
    "S06 biopsy and destruction, 59 on column two": (
        ("11102", "17000-59"),
        ("pay", "pay_if_documented ptp"),
        "III-15; I-17",
    ),
    "S06 biopsy and destruction, 59 on column one": (
        ("11102-59", "17000"),
        ("pay", "pay_if_documented ptp"),
        "IV-13, IV-17",
    ),
    "S08 fourteen keratoses": (("17000", "17003x13"), ("pay", "pay"), "MUE 17003: 13, MAI 2"),
    "S08 fifteen keratoses": (("17000", "17003x14"), ("pay", "deny mue"), "MUE 17003: 13, MAI 2; I-28"),
    "S10 twin": (("17004",), ("pay",), "MUE 17004: 1"),
    "S10 all destruction codes at once": (
        ("17004", "17000", "17003x13"),
        ("pay", "deny ptp", "deny ptp"),
        "17004 > 17000 and > 17003, CCMI 0",
    ),
    "S10 all destruction codes at once, 59": (
        ("17004", "17000-59", "17003-XSx13"),
        ("pay", "deny ptp", "deny ptp"),
        "17004 > 17000 and > 17003, CCMI 0; I-14",
    ),
    "S11 further keratoses alone": (("17003x3",), ("deny add_on",), "AOC 17003: 17000; I-35"),
    "S11 twin": (("17000", "17003x3"), ("pay", "pay"), "AOC 17003: 17000"),
    "S13 warts and a keratosis": (("17110", "17000"), ("pay", "deny ptp"), "17110 > 17000, CCMI 1"),
    "S13 warts and a keratosis, 59": (("17110", "17000-59"), ("pay", "pay_if_documented ptp"), "17110 > 17000, CCMI 1"),
    "S13 further keratoses need their own 59": (
        ("17110", "17000-59", "17003x3"),
        ("pay", "pay_if_documented ptp", "deny ptp"),
        "17110 > 17003 is a row of its own",
    ),
    "S13 further keratoses with their own 59": (
        ("17110", "17000-59", "17003-59x3"),
        ("pay", "pay_if_documented ptp", "pay_if_documented ptp"),
        "17110 > 17003, CCMI 1",
    ),
    "S14 few and many warts": (("17111", "17110"), ("pay", "deny ptp"), "17111 > 17110, CCMI 0"),
    "S14 twin": (("17111",), ("pay",), "MUE 17111: 1"),
    "S15 visit and biopsy": (("99213", "11102"), ("deny ptp", "pay"), "11102 > 99213, CCMI 1; I-13"),
    "S15 visit and biopsy, 25": (("99213-25", "11102"), ("pay_if_documented ptp", "pay"), "I-13, I-15"),
    "S16 new patient and biopsy": (("99203", "11102"), ("deny global_surgery", "pay"), "no PTP row; I-13, III-4"),
    "S16 new patient and biopsy, 25": (
        ("99203-25", "11102"),
        ("pay_if_documented global_surgery", "pay"),
        "I-13, III-4",
    ),
    "S18 nurse visit and phototherapy": (("99211", "96910"), ("deny ptp", "pay"), "96910 > 99211, CCMI 0; XI-25"),
    "S18 nurse visit and phototherapy, 25": (("99211-25", "96910"), ("deny ptp", "pay"), "XI-25"),
    "S18 physician's visit and phototherapy, 25": (("99213-25", "96910"), ("pay_if_documented ptp", "pay"), "XI-25"),
    "S19 repair after a benign lesion of 0.5 cm": (("11400", "12031"), ("pay", "deny ptp"), "11400 > 12031; III-7"),
    "S19 repair after a benign lesion above 0.5 cm": (("11402", "12031"), ("pay", "pay"), "no row; III-15"),
    "S20 simple repair after an excision": (("11402", "12001"), ("pay", "deny ptp"), "11402 > 12001; III-7"),
    "S20 simple repair after Mohs": (("17311", "12001"), ("pay", "pay"), "no row; III-15"),
    "S21 excision and complex repair": (("11642", "13132"), ("pay", "pay"), "no row; III-15"),
    "S23 Mohs and pathology": (("17311", "88305"), ("pay", "deny ptp"), "17311 > 88305, CCMI 1; III-8"),
    "S23 Mohs and pathology of another lesion": (("17311", "88305-59"), ("pay", "pay_if_documented ptp"), "III-8"),
    "S25 flap and excision": (("14040", "11642"), ("pay", "deny ptp"), "14040 > 11642, CCMI 1; III-9"),
    "S25 flap and excision of another lesion": (("14040", "11642-59"), ("pay", "pay_if_documented ptp"), "III-9"),
    "S25 flap and excision of one lesion": (
        ("14040 lesion=A", "11642 lesion=A"),
        ("pay", "deny ptp"),
        "14040 > 11642, CCMI 1; III-9",
    ),
    "S26 further Mohs blocks alone": (("17315",), ("deny add_on",), "AOC 17315: 17311-17314"),
    "S26 twin": (("17313", "17315"), ("pay", "pay"), "AOC 17315: 17313"),
    "S27 photodynamic therapy twice": (("96573", "96567"), ("pay", "deny ptp"), "96573 > 96567, CCMI 1"),
    "S27 twin": (("96573",), ("pay",), "MUE 96573: 1"),
    "S29 visit on the day of Mohs": (("17311", "99213"), ("pay", "deny ptp"), "17311 > 99213, CCMI 1; I-13"),
    "S29 visit on the day after Mohs": (("17311", "99213 day=1"), ("pay", "pay"), "000 is the day only; RVU25D"),
    "S30 visit ten days after destruction": (("17000", "99213 day=10"), ("pay", "deny global_surgery"), "010; RVU25D"),
    "S30 visit ten days after destruction, 24": (
        ("17000", "99213-24 day=10"),
        ("pay", "pay_if_documented global_surgery"),
        "010; RVU25D, I-13",
    ),
    "S30 visit eleven days after destruction": (("17000", "99213 day=11"), ("pay", "pay"), "010; RVU25D"),
    "S32 back to the operating room": (
        ("14040 place=22", "14040-78 day=5 place=22"),
        ("pay", "pay_if_documented global_surgery"),
        "I-12, III-15",
    ),
    "S32 back within the period, unsaid": (
        ("14040 place=22", "14040 day=5 place=22"),
        ("pay", "deny global_surgery"),
        "I-12, III-15",
    ),
    "S38 the day after the release's last": (("11102 on=2026-10-01",), ("unknown validity",), "never clean"),
    "S38 twin": (("11102 on=2026-09-30",), ("pay",), "2026q3"),
}
"""Name: lines, for each line the disposition and the edit that decides it, and the rows and pages that say so."""


def test_golden_scenarios(derm: Snapshot) -> None:
    answers = literal_claims.answers_by_case(derm, [lines for lines, _, _ in SCENARIOS.values()], by="edit")
    assert {name: answers[lines] for name, (lines, _, _) in SCENARIOS.items()} == {
        name: list(expected) for name, (_, expected, _) in SCENARIOS.items()
    }
