"""CMS code sets as sealed snapshots: open one, look things up, compare two, read claims against them.

    import codeset
    snapshot = codeset.open("2024q3")

The names below are loaded when they are first used, so that a single look-up pays for nothing else.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from codeset.claims.adjudicate_claims import adjudicate as adjudicate
    from codeset.claims.basis import Basis as Basis
    from codeset.claims.bulk.bulk_tables import scan_outcome as scan_outcome
    from codeset.claims.input.claim import Claim as Claim
    from codeset.claims.input.claim import ClaimLine as ClaimLine
    from codeset.claims.outcome import Outcome as Outcome
    from codeset.claims.outcome_rows import Finding as Finding
    from codeset.claims.outcome_rows import LineOutcome as LineOutcome
    from codeset.claims.outcome_rows import outcome_rows as outcome_rows
    from codeset.differences import Changes as Changes
    from codeset.differences import diff as diff
    from codeset.errors import BadInput as BadInput
    from codeset.errors import CodesetError as CodesetError
    from codeset.errors import Fault as Fault
    from codeset.errors import StoreProblem as StoreProblem
    from codeset.errors import WrongUse as WrongUse
    from codeset.participants import Participant as Participant
    from codeset.releases import Release as Release
    from codeset.snapshot import Snapshot as Snapshot
    from codeset.store import Store as Store
    from codeset.visit.code_visit import CodedVisit as CodedVisit
    from codeset.visit.code_visit import code_visits as code_visits
    from codeset.visit.visit import Visit as Visit
    from codeset.visit.visit_files import parse_visits as parse_visits
    from codeset.visit.visit_files import read_visits as read_visits

__all__ = [
    "BadInput",
    "Basis",
    "Changes",
    "Claim",
    "ClaimLine",
    "CodedVisit",
    "CodesetError",
    "Fault",
    "Finding",
    "LineOutcome",
    "Outcome",
    "Participant",
    "Release",
    "Snapshot",
    "Store",
    "StoreProblem",
    "Visit",
    "WrongUse",
    "adjudicate",
    "code_visits",
    "diff",
    "open",
    "outcome_rows",
    "parse_visits",
    "read_visits",
    "scan_outcome",
]

_HOMES = {
    "BadInput": "codeset.errors",
    "Basis": "codeset.claims.basis",
    "Changes": "codeset.differences",
    "Claim": "codeset.claims.input.claim",
    "ClaimLine": "codeset.claims.input.claim",
    "CodedVisit": "codeset.visit.code_visit",
    "CodesetError": "codeset.errors",
    "Fault": "codeset.errors",
    "Finding": "codeset.claims.outcome_rows",
    "LineOutcome": "codeset.claims.outcome_rows",
    "Outcome": "codeset.claims.outcome",
    "Participant": "codeset.participants",
    "Release": "codeset.releases",
    "Snapshot": "codeset.snapshot",
    "Store": "codeset.store",
    "StoreProblem": "codeset.errors",
    "WrongUse": "codeset.errors",
    "Visit": "codeset.visit.visit",
    "adjudicate": "codeset.claims.adjudicate_claims",
    "code_visits": "codeset.visit.code_visit",
    "diff": "codeset.differences",
    "outcome_rows": "codeset.claims.outcome_rows",
    "parse_visits": "codeset.visit.visit_files",
    "read_visits": "codeset.visit.visit_files",
    "scan_outcome": "codeset.claims.bulk.bulk_tables",
}


def open(release: str, store: "Path | str | None" = None) -> "Snapshot":  # noqa: A001 (it opens; that is its name)
    """Return the snapshot of *release* from the store at *store*, `$CODESET_STORE` or the user's data directory.

    Raises WrongUse: if *release* is no label. StoreProblem: if the store does not hold it.
    """
    from codeset.store import Store  # noqa: PLC0415

    return Store.at(store).open(release)


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'codeset' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_HOMES[name]), name)
