"""Whom a conversion factor is for: from 2026, CMS pays qualifying APM participants (QP) by a factor of their own.

A class of participants has one entry here: how options and settings name it, how files do, how people read it.
Source: Social Security Act, section 1848(d)(1)(A) (two conversion factors from 2026 on) and 1833(z)(2) (who is a QP).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Participant(StrEnum):
    """A class of participants. Where one factor serves everyone, as until 2025, there is none: None."""

    NON_QP = "non_qp"
    QP = "qp"


class _Names(NamedTuple):
    """How a class is named: `answer` in options, `label` for people, `qualifying_apm` in files from
    before formats; a class that came later has none.
    """

    answer: str
    label: str
    qualifying_apm: bool | None = None


_NAMES = {
    Participant.NON_QP: _Names("no", "non-QP", qualifying_apm=False),
    Participant.QP: _Names("yes", "QP", qualifying_apm=True),
}

ANSWERS = {names.answer: participant for participant, names in _NAMES.items()}
"""Whom each answer to "qualifying APM participant?" means, in options, settings and layouts."""


def participant_label(participant: Participant | None) -> str:
    """Return for whom a conversion factor is, in words."""
    return "everyone" if participant is None else _NAMES[participant].label


def _of_qualifying_apm(qualifying_apm: bool | None) -> Participant | None:
    """Return the participant that a file names by its `qualifying_apm`.

    Raises ValueError: for a value that names none.
    """
    if qualifying_apm is None:
        return None
    # A class that came after these files has no `qualifying_apm`, and None would match it: hence the return above.
    for participant, class_names in _NAMES.items():
        if class_names.qualifying_apm == qualifying_apm:
            return participant
    raise ValueError(f"qualifying_apm: expected true, false or null, found {qualifying_apm!r}")


def factor_participant(factor: Mapping[str, Any]) -> Participant | None:
    """Return whom the *factor* of a file is for; files from before formats name it by `qualifying_apm`.

    Raises ValueError, KeyError: for one that names no class.
    """
    if "participant" not in factor:
        return _of_qualifying_apm(factor["qualifying_apm"])
    return None if factor["participant"] is None else Participant(factor["participant"])


def with_qualifying_apm(factor: Mapping[str, Any]) -> dict[str, Any]:
    """Return a conversion *factor* as manifests from before formats have it: by `qualifying_apm`."""
    participant = factor["participant"]
    qualifying_apm = None if participant is None else _NAMES[participant].qualifying_apm
    # Approvals from before formats signed a digest of this very form: it must not gain or lose a field.
    other_fields = {name: value for name, value in factor.items() if name != "participant"}
    return other_fields | {"qualifying_apm": qualifying_apm}
