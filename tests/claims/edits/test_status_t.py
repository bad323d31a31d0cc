"""Status T: paid only if nothing else payable is billed that day (CMS's record layout RVU25D)."""

import literal_claims

from codeset.snapshot import Snapshot


def test_status_t_is_paid_only_if_nothing_else_is(statuses: Snapshot) -> None:
    """RVU25D, status T: no other service payable under the fee schedule, same date, same practitioner."""
    cases = {
        ("9990T",): ["pay"],
        ("9990T", "9990T-76 claim=d"): ["pay", "pay_if_documented duplicate-separate"],
        ("9990T", "9990A"): ["deny injection-bundled", "pay"],
        ("9990T", "9990A-26"): ["pay", "deny modifier-component"],
        ("9990T", "9990B"): ["pay", "deny status-bundled"],
        ("9990T", "9990A day=1"): ["pay", "pay"],
        ("9990T", "9990A provider=q"): ["pay", "pay"],
    }
    assert literal_claims.answers_by_case(statuses, cases) == cases
