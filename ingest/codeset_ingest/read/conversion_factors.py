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
def _published_factors() -> dict[Decimal, dict[str, Any]]:
    factor_entries = json.loads(
        files("codeset_ingest.read").joinpath("conversion_factors.json").read_text(encoding="utf-8")
    )
    return {Decimal(factor_entry["value"]): factor_entry for factor_entry in factor_entries}


def with_dates(factor_value: Decimal, release: Release, reading: Reading) -> ConversionFactor:
    """Return *factor_value* with the dates of *release* on which it applies, and the participants it is for.

    A factor that is not among the published ones applies to the whole quarter.

    Raises BadInput: if it was published for other dates, or neither file name nor value says who it is for.
    """
    # The files print the factor and not its days; the one of early 2024 ended with March 8 (RVU24A, RVU24AR), in the
    # middle of a quarter.
    published_entry = _published_factors().get(factor_value)
    first_day, last_day = release.first_day, release.last_day
    if published_entry is not None:
        first_day = max(first_day, date.fromisoformat(published_entry["first"]))
        last_day = min(last_day, date.fromisoformat(published_entry["last"]))
    if published_entry is not None and first_day > last_day:
        first_day, last_day = published_entry["first"], published_entry["last"]
        message = (
            f"conversion factor {factor_value} was published for dates from {first_day} to {last_day}, expected one "
            f"for {release}"
        )
        raise BadInput([Fault(reading.names[0], 0, message)])
    return ConversionFactor(
        factor_value, first_day, last_day, _participant_of_reading(release, reading, published_entry)
    )


def publication_fault(factor: ConversionFactor, release: Release, reading: Reading) -> Iterator[AcceptableFault]:
    """Yield a fault if CMS published another factor than *factor* for these days and participants."""
    published_values = [
        published_value
        for published_value, factor_entry in _published_factors().items()
        if date.fromisoformat(factor_entry["first"]) <= factor.last
        and factor.first <= date.fromisoformat(factor_entry["last"])
        and (factor.participant is None or _published_participant(factor_entry) in (None, factor.participant))
    ]
    if published_values and factor.value not in published_values:
        expected = " or ".join(map(str, published_values))
        message = f"conversion factor {factor.value}, but CMS published {expected} for {release}"
        yield AcceptableFault(reading.names[0], 0, message, "factor:mpfs")


def _published_participant(factor_entry: Mapping[str, Any]) -> Participant | None:
    return Participant(factor_entry["participant"]) if "participant" in factor_entry else None


def _participant_of_reading(
    release: Release, reading: Reading, published_entry: dict[str, Any] | None
) -> Participant | None:
    rules = reading.layout.rules["qualifying_apm"]
    if release.unrevised < Release.parse(rules["since"]):
        return None
    participants: set[Participant | None] = {
        participant for file_name in reading.names for participant in _participants_of_name(rules["names"], file_name)
    }
    if published_entry is not None and "participant" in published_entry:
        participants.add(Participant(published_entry["participant"]))
    # From 2026 on there are two fee schedule files, alike but for the factor: taking one for the other is 0.5 percent
    # on every line.
    if len(participants) != 1:
        both, neither = "its name and its conversion factor disagree on", "neither its name nor its factor says"
        expected = "whether it is for qualifying APM participants; expected QPP or nonQPP in its name, as CMS has it"
        raise BadInput([Fault(reading.names[0], 0, f"{both if participants else neither} {expected}")])
    return participants.pop()


def _participants_of_name(patterns: Mapping[str, str], file_name: str) -> Iterator[Participant]:
    """The participants that *file_name* says its factor is for."""
    for answer, pattern in patterns.items():
        if re.search(pattern, file_name, re.IGNORECASE):
            yield ANSWERS[answer]
