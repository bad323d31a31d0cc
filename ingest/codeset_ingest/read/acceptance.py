"""Faults that a person may accept by name: what is unusual, but could be right."""

from collections.abc import Iterable
from dataclasses import dataclass

from codeset.errors import Fault, WrongUse
from codeset.tables import TABLES

CHECKS = {
    "end": "a file without the mark or footnote that ends a complete one",
    "factor": "a conversion factor other than the published one",
    "keys": "more codes removed or new than in any release seen",
    "localities": "localities removed, or not those of the GPCI",
    "changes": "more rows changed in a column than in any release seen",
    "caps": "OPPS caps that do not follow from RVUs, GPCIs and conversion factor",
    "edition": "the October edition of ICD-10-CM in a quarter from April on",
    "descriptions": "codes whose short descriptions have words that are not known",
    "tables": "a revision without a table that it replaces",
}
"""What may be accepted, as `CHECK:TABLE`."""


@dataclass(frozen=True, order=True)
class AcceptableFault(Fault):
    """A fault that a person may accept, by the name that the message gives."""

    accept: str = ""

    def __str__(self) -> str:
        """Return the fault and how to accept it."""
        return f"{super().__str__()}. If that is right, build with --accept {self.accept}"


def acceptances(accepted_names: Iterable[str]) -> frozenset[str]:
    """Return *accepted_names*, checked.

    Raises WrongUse: for one that is not `CHECK:TABLE`.
    """
    for accepted_name in accepted_names:
        # A misspelled acceptance would accept nothing, and the build would stop for the fault that it was meant for.
        check_name, _, table_name = accepted_name.partition(":")
        if check_name not in CHECKS or table_name not in TABLES:
            expected = f"one of {', '.join(CHECKS)}, a colon and a table, such as keys:mpfs"
            raise WrongUse(f"--accept {accepted_name}: expected {expected}")
    return frozenset(accepted_names)


def split_accepted(faults: Iterable[Fault], accepted_names: frozenset[str]) -> tuple[list[Fault], tuple[str, ...]]:
    """Return the faults that nobody accepted, and the acceptances that were needed."""
    refused_faults, needed_names = [], set()
    for fault in faults:
        # Kept in the manifest, and so in what is signed: what somebody accepted bears on every answer.
        if isinstance(fault, AcceptableFault) and fault.accept in accepted_names:
            needed_names.add(fault.accept)
        else:
            refused_faults.append(fault)
    return refused_faults, tuple(sorted(needed_names))
