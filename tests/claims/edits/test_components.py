"""Components in a facility: record layout, PC/TC Indicator; IOM ch. 12, section 20.4.2."""

import literal_claims

from codeset.snapshot import Snapshot


def test_components_in_a_facility(releases: list[Snapshot]) -> None:
    expected = {
        "88305 place=22": "deny",
        "88305-TC place=19": "deny",
        "88305 place=21": "deny",
        "88305 place=23": "deny",
        "88305-26 place=22": "pay",
        "88305 place=24": "review",
        "88305 place=11": "pay",
        "96910 place=22": "deny",
        "96910 place=24": "pay",
        "11102-26 place=22": "deny",
    }
    answers = literal_claims.dispositions_by_case(releases, [(line,) for line in expected])
    assert {line: disposition for (line,), [disposition] in answers.items()} == expected
