"""The manifest of a snapshot: what it holds, from which CMS files, for which dates. Schema: `manifest.schema.json`.

It carries two digests. `content_sha256` covers all that bears on an answer, and is what an approval signs; the tools
and libraries that wrote the files are not in it. `seal` covers every byte of the manifest, the digests of the tables'
files among them, so that a snapshot that was changed is refused when it is opened.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from codeset.formats import FORMATS, format_fault, from_fields
from codeset.participants import Participant, factor_participant, with_qualifying_apm
from codeset.releases import Release
from codeset.tables import READ_FROM_OTHERS

BEFORE_FORMATS = ""
"""The `format` of a manifest that was written before there were formats and seals."""


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
    """What changed in a table since *release*: keys removed and new, and by column the rows with another value."""

    release: str
    keys_before: int
    keys_gone: int
    keys_new: int
    rows_changed: Mapping[str, int]


@dataclass(frozen=True)
class TableEntry:
    """What the manifest says of one table; `notes` are the reader's remarks on CMS's files.

    `sha256` is that of the file, `content_sha256` that of the rows, whatever wrote the file; empty before formats.
    `forms` are the forms of the file that were read and agree (csv, txt, xlsx), `other_forms` those that CMS ships too
    and that were not given. `since` compares it with the release before that the store held when it was built: it says
    nothing of the table itself, and depends on that store.
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
    other_forms: tuple[str, ...] = ()
    since: TableChanges | None = None
    content_sha256: str = ""


@dataclass(frozen=True)
class Edition:
    """The CMS publication that a release's table is of; carried from an earlier release, it is some quarters old."""

    table: str
    edition: str
    carried_from: Release | None
    age_in_quarters: int

    def __str__(self) -> str:
        """Return it in words: `ptp v302r0, carried from 2024q3 (8 quarters old)`."""
        if self.carried_from is None:
            return self.edition
        quarters_old = "1 quarter" if self.age_in_quarters == 1 else f"{self.age_in_quarters} quarters"
        return f"{self.edition}, carried from {self.carried_from} ({quarters_old} old)"

    def plain(self) -> dict[str, Any]:
        """Return it for programs; `carried_from` is null and the age 0 for the release's own file."""
        return asdict(self) | {"carried_from": None if self.carried_from is None else str(self.carried_from)}


@dataclass(frozen=True)
class Resealing:
    """Why a release was sealed anew under its label, and the content digest of what it was before."""

    reason: str
    content_sha256: str


@dataclass(frozen=True)
class Manifest:
    """A release's tables, dates of service and conversion factors, as written to `manifest.json`.

    `reader` is the number of the way in which CMS's files are read; it rises when the same files are read otherwise.
    """

    release: Release
    scope: str
    conversion_factors: tuple[ConversionFactor, ...]
    tables: Mapping[str, TableEntry]
    accepted: tuple[str, ...] = ()
    reader: int = 1
    resealed: tuple[Resealing, ...] = ()
    made_by: Mapping[str, str] = field(
        default_factory=lambda: {name: version(name) for name in ("derm-codeset", "polars")}
    )
    format: str = FORMATS["manifest"]

    def to_json(self) -> str:
        """Return the text of `manifest.json`: sorted, with no clock and no path, the same for the same files."""
        if self.format == BEFORE_FORMATS:
            return self._json_before_formats()
        manifest_document = self._as_document() | {"content_sha256": self.content_sha256}
        return _canonical_json(manifest_document | {"seal": _seal_of(manifest_document)})

    @classmethod
    def from_json(cls, manifest_text: str) -> "Manifest":
        """Read what `to_json` wrote; fields that a newer minor format adds are ignored.

        Raises ValueError, KeyError or TypeError: for a text that is not a manifest, is of a newer major format, or was
        changed after it was sealed.
        """
        manifest_document = json.loads(manifest_text)
        if fault := format_fault(manifest_document, "manifest") or _seal_fault(manifest_document, manifest_text):
            raise ValueError(fault)
        return cls(
            release=Release.parse(manifest_document["release"]),
            scope=manifest_document["scope"],
            conversion_factors=tuple(
                _conversion_factor(factor_fields) for factor_fields in manifest_document["conversion_factors"]
            ),
            tables={table: entry(entry_fields) for table, entry_fields in manifest_document["tables"].items()},
            accepted=tuple(manifest_document["accepted"]),
            reader=manifest_document.get("reader", 1),
            resealed=tuple(
                from_fields(Resealing, resealing_fields) for resealing_fields in manifest_document.get("resealed", ())
            ),
            made_by=manifest_document["made_by"],
            format=manifest_document.get("format", BEFORE_FORMATS),
        )

    @property
    def identity(self) -> str:
        """A digest of what went in: files, carried tables, what was accepted; not of the tool that read them.

        Nor of a table that is read from the file of another: versions that do not read it were given the same files.
        """
        # Notes, columns and parquet digests are left out: they change with the reader and with polars, and the question
        # here is whether the same files of CMS were given before.
        digests_by_table = {
            table_name: [
                table_entry.edition,
                table_entry.carried_from,
                sorted(source.sha256 for source in table_entry.sources),
            ]
            for table_name, table_entry in self.tables.items()
            if table_name not in READ_FROM_OTHERS
        }
        return _canonical_digest([self.release.year, self.release.quarter, self.scope, self.accepted, digests_by_table])

    @property
    def content_sha256(self) -> str:
        """The digest of all that bears on an answer, and of nothing else; approvals sign it.

        That is: release, dates of service, scope, conversion factors with their dates and participants, what was
        accepted, the reader's number, and of each table its rows, edition, origin and CMS files.
        """
        factor_values = [
            [str(factor.value), factor.first, factor.last, factor.participant] for factor in self.conversion_factors
        ]
        table_contents = {
            table_name: {
                "content_sha256": table_entry.content_sha256,
                "edition": table_entry.edition,
                "carried_from": table_entry.carried_from,
                "sources": sorted(source.sha256 for source in table_entry.sources),
            }
            for table_name, table_entry in self.tables.items()
        }
        # Names of files and folders, URLs, notes and tool versions are not in it: none of them bears on an answer, and
        # an upgrade of a library must not void an approval.
        sealed_content = {
            "release": self.release,
            "dates_of_service": [self.release.first_day, self.release.last_day],
            "scope": self.scope,
            "conversion_factors": sorted(factor_values, key=str),
            "accepted": sorted(self.accepted),
            "reader": self.reader,
            "tables": table_contents,
        }
        return _canonical_digest(sealed_content)

    @property
    def editions(self) -> Mapping[str, Edition]:
        """The edition of each table, and how old it is where it is carried."""
        return {table: self._edition(table, entry) for table, entry in sorted(self.tables.items())}

    @property
    def editions_plain(self) -> list[dict[str, Any]]:
        """The editions for programs, each with the release that rests on it."""
        return [{"release": str(self.release)} | edition.plain() for edition in self.editions.values()]

    @property
    def carried_notes(self) -> list[str]:
        """A sentence for each table that is not of this release: whatever is said of the release rests on it too."""
        return [f"{self.release} rests on {edition}" for edition in self.editions.values() if edition.carried_from]

    def _edition(self, table_name: str, table_entry: TableEntry) -> Edition:
        origin_release = None if table_entry.carried_from is None else Release.parse(table_entry.carried_from)
        # A table that is carried over and over keeps the release that it came with, so that its age is that of the
        # file.
        age_in_quarters = 0 if origin_release is None else self.release.quarters_since(origin_release)
        return Edition(table_name, table_entry.edition, origin_release, age_in_quarters)

    def sha256_before_formats(self) -> str:
        """Return what approvals signed before there were content digests: the digest of the manifest in that form."""
        return sha256(self._json_before_formats().encode()).hexdigest()

    def _json_before_formats(self) -> str:
        manifest_document = self._as_document()
        # Approvals of that time signed the bytes of the file, so its form must be reproduced to the letter: the fields
        # that came later are taken out again.
        for later_field in ("format", "reader", "resealed"):
            del manifest_document[later_field]
        manifest_document["conversion_factors"] = list(
            map(with_qualifying_apm, manifest_document["conversion_factors"])
        )
        for entry_fields in manifest_document["tables"].values():
            for later_field in ("content_sha256", "forms", "other_forms", "since"):
                del entry_fields[later_field]
        return _canonical_json(manifest_document)

    def _as_document(self) -> dict[str, Any]:
        return asdict(self) | {
            "release": str(self.release),
            "dates_of_service": {"first": self.release.first_day, "last": self.release.last_day},
        }


_BEFORE_FORMATS = frozenset(
    ("release", "scope", "dates_of_service", "conversion_factors", "tables", "accepted", "made_by")
)
"""The fields of a manifest that was written before there were formats."""


# Sorted keys and a fixed indent: the same values are the same bytes, on any machine and in any version of Python.
def _canonical_json(json_document: Mapping[str, Any]) -> str:
    return json.dumps(json_document, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n"


def _canonical_digest(json_document: Any) -> str:
    return sha256(json.dumps(json_document, sort_keys=True, default=str).encode()).hexdigest()


def _seal_of(manifest_document: Mapping[str, Any]) -> str:
    """The digest of the manifest without its seal."""
    unsealed_document = {name: value for name, value in manifest_document.items() if name != "seal"}
    return sha256(_canonical_json(unsealed_document).encode()).hexdigest()


def _seal_fault(manifest_document: Any, manifest_text: str) -> str | None:
    """Say that *manifest_text* is not as it was sealed: other values, or other bytes for the same values."""
    if not isinstance(manifest_document, Mapping):
        return "not an object"
    # Nothing seals a manifest from before formats but the approvals that signed it. One that has newer fields and no
    # format had its seal removed.
    if "format" not in manifest_document:
        has_old_fields = manifest_document.keys() == _BEFORE_FORMATS
        return None if has_old_fields else "no format, but fields that came with it: it was changed"
    # The text is compared too: JSON that says the same with a key twice, or another number form, was not written here.
    has_its_bytes = _canonical_json(manifest_document) == manifest_text
    has_its_seal = manifest_document.get("seal") == _seal_of(manifest_document)
    return None if has_its_bytes and has_its_seal else "changed after it was sealed"


def _conversion_factor(factor_fields: Mapping[str, Any]) -> ConversionFactor:
    first_day, last_day = date.fromisoformat(factor_fields["first"]), date.fromisoformat(factor_fields["last"])
    return ConversionFactor(Decimal(factor_fields["value"]), first_day, last_day, factor_participant(factor_fields))


def entry(entry_fields: Mapping[str, Any]) -> TableEntry:
    """Read one table's entry from its JSON form."""
    released_on = entry_fields["released"]
    return TableEntry(
        edition=entry_fields["edition"],
        sources=tuple(from_fields(Source, source) for source in entry_fields["sources"]),
        rows=entry_fields["rows"],
        columns=entry_fields["columns"],
        sha256=entry_fields["sha256"],
        released=None if released_on is None else date.fromisoformat(released_on),
        carried_from=entry_fields["carried_from"],
        notes=tuple(entry_fields["notes"]),
        forms=tuple(entry_fields.get("forms", ())),
        other_forms=tuple(entry_fields.get("other_forms", ())),
        since=from_fields(TableChanges, entry_fields["since"]) if entry_fields.get("since") else None,
        content_sha256=entry_fields.get("content_sha256", ""),
    )
