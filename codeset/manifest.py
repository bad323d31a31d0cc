"""The manifest of a snapshot: what it holds, from which CMS files, for which dates. Schema: `manifest.schema.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from codeset.participants import Participant, from_written, with_qualifying_apm
from codeset.releases import Release


@dataclass(frozen=True, order=True)
class Source:
    """One CMS file as obtained: `name` without any folder, `size` in bytes, `url` where it was fetched from."""

    name: str
    sha256: str
    size: int
    url: str | None = None


@dataclass(frozen=True)
class ConversionFactor:
    """Dollars per RVU on dates of service from `first` to `last`, both included.

    `participant` is None before 2026, when one factor served everyone.
    """

    value: Decimal
    first: date
    last: date
    participant: Participant | None = None


@dataclass(frozen=True)
class TableChanges:
    """What changed in a table since *release*: keys gone and new, and by column the rows with another value."""

    release: str
    keys_before: int
    keys_gone: int
    keys_new: int
    rows_changed: Mapping[str, int]


@dataclass(frozen=True)
class TableEntry:
    """What the manifest says of one table; `notes` are the reader's remarks on CMS's files.

    `forms` are the forms of CMS's file that were read and agree (csv, txt, xlsx). `since` compares it with the release
    before that the store held when it was built: it says nothing of the table, and depends on that store.
    """

    edition: str
    sources: tuple[Source, ...]
    rows: int
    columns: Mapping[str, str]
    sha256: str
    released: date | None = None
    carried_from: str | None = None
    notes: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    since: TableChanges | None = None


@dataclass(frozen=True)
class Manifest:
    """A release's tables, dates of service and conversion factors, as written to `manifest.json`."""

    release: Release
    scope: str
    conversion_factors: tuple[ConversionFactor, ...]
    tables: Mapping[str, TableEntry]
    accepted: tuple[str, ...] = ()
    made_by: Mapping[str, str] = field(
        default_factory=lambda: {name: version(name) for name in ("derm-codeset", "polars")}
    )

    def to_json(self) -> str:
        """Return the text of `manifest.json`: sorted, with no clock and no path, the same for the same files."""
        plain = asdict(self) | {
            "conversion_factors": [with_qualifying_apm(asdict(each)) for each in self.conversion_factors],
            "release": str(self.release),
            "dates_of_service": {"first": self.release.first_day, "last": self.release.last_day},
        }
        return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read what `to_json` wrote.

        Raises ValueError, KeyError or TypeError: for a text that is not a manifest.
        """
        plain = json.loads(text)
        return cls(
            release=Release.parse(plain["release"]),
            scope=plain["scope"],
            conversion_factors=tuple(_factor(each) for each in plain["conversion_factors"]),
            tables={name: entry(each) for name, each in plain["tables"].items()},
            accepted=tuple(plain["accepted"]),
            made_by=plain["made_by"],
        )

    @property
    def content_digest(self) -> str:
        """A digest of everything that bears on an answer, whatever version of the tool sealed it."""
        plain: dict[str, Any] = json.loads(self.to_json())
        del plain["made_by"]
        return sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    @property
    def identity(self) -> str:
        """A digest of what went in: files, carried tables, what was accepted; not of the tool that read them."""
        files = {
            name: [each.edition, each.carried_from, sorted(source.sha256 for source in each.sources)]
            for name, each in self.tables.items()
        }
        inputs = [self.release.year, self.release.quarter, self.scope, self.accepted, files]
        return sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _factor(plain: Mapping[str, Any]) -> ConversionFactor:
    first, last = date.fromisoformat(plain["first"]), date.fromisoformat(plain["last"])
    return ConversionFactor(Decimal(plain["value"]), first, last, from_written(plain["qualifying_apm"]))


def entry(plain: Mapping[str, Any]) -> TableEntry:
    """Read one table's entry from its JSON form."""
    released = plain["released"]
    return TableEntry(
        edition=plain["edition"],
        sources=tuple(Source(**each) for each in plain["sources"]),
        rows=plain["rows"],
        columns=plain["columns"],
        sha256=plain["sha256"],
        released=None if released is None else date.fromisoformat(released),
        carried_from=plain["carried_from"],
        notes=tuple(plain["notes"]),
        forms=tuple(plain.get("forms", ())),
        since=TableChanges(**plain["since"]) if plain.get("since") else None,
    )
