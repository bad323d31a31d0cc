"""The dates and participants of a conversion factor: what the files do not say is in `conversion_factors.json`."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from codeset.errors import BadInput, Fault
from codeset.manifest import ConversionFactor
from codeset.participants import ANSWERS, Participant
from codeset.releases import Release
from codeset_ingest.read.acceptance import AcceptableFault
from codeset_ingest.read.table import Reading


@cache
def _published() -> dict[Decimal, dict[str, Any]]:
    plain = json.loads(files("codeset_ingest.read").joinpath("conversion_factors.json").read_text(encoding="utf-8"))
    return {Decimal(factor["value"]): factor for factor in plain}


def with_dates(value: Decimal, release: Release, reading: Reading) -> ConversionFactor:
    """Return *value* with the dates of *release* on which it applies, and the participants it is for.

    A factor that is not among the published ones applies to the whole quarter.

    Raises BadInput: if it was published for other dates, or neither file name nor value says who it is for.
    """
    # The files print the factor and not its days; the one of early 2024 ended with March 8 (RVU24A, RVU24AR), in the
    # middle of a quarter.
    known = _published().get(value)
    first, last = release.first_day, release.last_day
    if known is not None:
        first, last = max(first, date.fromisoformat(known["first"])), min(last, date.fromisoformat(known["last"]))
    if known is not None and first > last:
        first, last = known["first"], known["last"]
        message = (
            f"conversion factor {value} was published for dates from {first} to {last}, expected one for {release}"
        )
        raise BadInput([Fault(reading.names[0], 0, message)])
    return ConversionFactor(value, first, last, _participant(release, reading, known))


def publication_fault(factor: ConversionFactor, release: Release, reading: Reading) -> Iterator[AcceptableFault]:
    """Yield a fault if CMS published another factor than *factor* for these days and participants."""
    published = [
        value
        for value, entry in _published().items()
        if date.fromisoformat(entry["first"]) <= factor.last
        and factor.first <= date.fromisoformat(entry["last"])
        and (factor.participant is None or _participant_of(entry) in (None, factor.participant))
    ]
    if published and factor.value not in published:
        expected = " or ".join(map(str, published))
        message = f"conversion factor {factor.value}, but CMS published {expected} for {release}"
        yield AcceptableFault(reading.names[0], 0, message, "factor:mpfs")


def _participant_of(entry: Mapping[str, Any]) -> Participant | None:
    return Participant(entry["participant"]) if "participant" in entry else None


def _participant(release: Release, reading: Reading, known: dict[str, Any] | None) -> Participant | None:
    rules = reading.layout.rules["qualifying_apm"]
    if release.unrevised < Release.parse(rules["since"]):
        return None
    participants: set[Participant | None] = {
        participant for name in reading.names for participant in _participants(rules["names"], name)
    }
    if known is not None and "participant" in known:
        participants.add(Participant(known["participant"]))
    # From 2026 on there are two fee schedule files, alike but for the factor: taking one for the other is 0.5 percent
    # on every line.
    if len(participants) != 1:
        both, neither = "its name and its conversion factor disagree on", "neither its name nor its factor says"
        expected = "whether it is for qualifying APM participants; expected QPP or nonQPP in its name, as CMS has it"
        raise BadInput([Fault(reading.names[0], 0, f"{both if participants else neither} {expected}")])
    return participants.pop()


def _participants(patterns: Mapping[str, str], name: str) -> Iterator[Participant]:
    """The participants that a file's *name* says its factor is for."""
    for answer, pattern in patterns.items():
        if re.search(pattern, name, re.IGNORECASE):
            yield ANSWERS[answer]
