"""Which dates, and whom, a conversion factor holds for: what the files do not say is in `conversion_factors.json`."""

import json
import re
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from codeset.errors import BadInput, Fault
from codeset.manifest import ConversionFactor
from codeset.releases import Release
from codeset_ingest.read.table import Reading


@cache
def _published() -> dict[Decimal, dict[str, Any]]:
    plain = json.loads(files("codeset_ingest.read").joinpath("conversion_factors.json").read_text(encoding="utf-8"))
    return {Decimal(each["value"]): each for each in plain}


def dated(value: Decimal, release: Release, reading: Reading) -> ConversionFactor:
    """Return *value* with the dates of *release* that it holds for, and whether it is that of qualifying APMs.

    A factor that is not among the published ones holds for the whole quarter.

    Raises BadInput: if it was published for other dates, or neither names nor value tell whose factor it is.
    """
    known = _published().get(value)
    first, last = release.first_day, release.last_day
    if known is not None:
        first, last = max(first, date.fromisoformat(known["first"])), min(last, date.fromisoformat(known["last"]))
    if known is not None and first > last:
        first, last = known["first"], known["last"]
        says = f"conversion factor {value} was published for dates from {first} to {last}, expected one for {release}"
        raise BadInput([Fault(reading.names[0], 0, says)])
    return ConversionFactor(value, first, last, _qualifying_apm(release, reading, known))


def _qualifying_apm(release: Release, reading: Reading, known: dict[str, Any] | None) -> bool | None:
    rules = reading.layout.rules["qualifying_apm"]
    if release.unrevised < Release.parse(rules["since"]):
        return None
    said = {_said(rules, name) for name in reading.names} - {None}
    if known is not None and "qualifying_apm" in known:
        said.add(known["qualifying_apm"])
    if len(said) != 1:
        expected = "expected QPP or nonQPP in its name, as CMS has it"
        says = "its name and its conversion factor disagree on" if said else "neither its name nor its factor says"
        raise BadInput(
            [Fault(reading.names[0], 0, f"{says} whether it is for qualifying APM participants; {expected}")]
        )
    return said.pop()


def _said(rules: Any, name: str) -> bool | None:
    if re.search(rules["no"], name, re.IGNORECASE):
        return False
    return True if re.search(rules["yes"], name, re.IGNORECASE) else None
