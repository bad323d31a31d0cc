"""What an outcome rests on: CMS's editions, the history that was read, and the rule families that were not applied."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from codeset.claims.claim_fields import CODE
from codeset.claims.edits.of_diagnoses.in_doubt import has_outdated_diagnoses
from codeset.claims.edits.rules import codes_named, rules
from codeset.manifest import Edition, Manifest
from codeset.releases import Release
from codeset.tables import REQUIRED_TABLES, TABLES

CLAIM_TABLES = tuple(name for name, table in TABLES.items() if table.claim_codes is not None)
"""The tables that claims are read against."""


@dataclass(frozen=True)
class History:
    """The first and the last date of service that was read, and the first visit of a new patient; None if none was."""

    first_day: date | None = None
    last_day: date | None = None
    new_patient_day: date | None = None

    @property
    def new_patients_need_from(self) -> date | None:
        """Where the three years before the first visit of a new patient begin; None without one."""
        return None if self.new_patient_day is None else _years_before(self.new_patient_day)

    @property
    def lacks_years(self) -> bool:
        """Whether a new patient's visit was read without the three years before it."""
        needed_day, first_day = self.new_patients_need_from, self.first_day
        return needed_day is not None and first_day is not None and first_day > needed_day

    def meets(self, release: Release) -> bool:
        """Whether a date of service may be one of *release*."""
        if self.first_day is None or self.last_day is None:
            return False
        return self.first_day <= release.last_day and release.first_day <= self.last_day

    def sentences(self) -> list[str]:
        """Return it in sentences."""
        if self.first_day is None:
            return ["No claim lines were read."]
        dates_read = f"History read: dates of service {self.first_day} to {self.last_day}."
        if not self.lacks_years:
            return [dates_read]
        missing_years = (
            f"visits before {self.first_day} are not seen; three years would begin on {self.new_patients_need_from}"
        )
        return [dates_read, f"New patients: no history of three years is at hand; {missing_years}."]

    def plain(self) -> dict[str, Any]:
        """Return it for programs: dates as text."""
        named_days = asdict(self) | {"new_patients_need_from": self.new_patients_need_from}
        day_texts = {name: None if day is None else day.isoformat() for name, day in named_days.items()}
        return day_texts | {"lacks_years": self.lacks_years}


@dataclass(frozen=True)
class ReleaseEdition:
    """The edition of one table, of the release that rests on it."""

    release: Release
    edition: Edition

    def plain(self) -> dict[str, Any]:
        """Return it as `edition.schema.json` has it."""
        return {"release": str(self.release)} | self.edition.plain()


@dataclass(frozen=True)
class Basis:
    """What an outcome rests on.

    `editions`: the CMS edition of each table that claims are read against, carried from where and how old in quarters.
    `not_held`: release and table, for those that every claim needs and a release lacks. `history`: the dates of
    service read; None where lines are no
    history, as in scenarios. `not_applied`: by name the rule families that were not applied, in words.
    """

    editions: tuple[ReleaseEdition, ...] = ()
    not_held: tuple[tuple[Release, str], ...] = ()
    history: History | None = None
    not_applied: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return it as `outcome.schema.json` has it."""
        return {
            "checked_against": [edition.plain() for edition in self.editions],
            "not_held": [{"release": str(release), "table": table} for release, table in self.not_held],
            "history": None if self.history is None else self.history.plain(),
            "rules_not_applied": [{"family": family, "says": says} for family, says in self.not_applied.items()],
        }

    def sentences(self) -> list[str]:
        """Return it in sentences: the editions, the history, and what was not applied."""
        lacking_tables = "; ".join(f"{table} of {release}" for release, table in self.not_held)
        skipped_families = "; ".join(
            f"{family.replace('_', ' ')} ({says})" for family, says in self.not_applied.items()
        )
        return [
            *self._editions_in_words(),
            *([f"Not held: {lacking_tables}. What needs them is unknown."] if lacking_tables else []),
            *(self.history.sentences() if self.history else []),
            *([f"Not applied: {skipped_families}."] if skipped_families else []),
        ]

    def editions_of_releases(self) -> Mapping[Release, Sequence[Edition]]:
        """Return the editions of each release."""
        releases = dict.fromkeys(edition.release for edition in self.editions)
        return {
            release: [edition.edition for edition in self.editions if edition.release == release]
            for release in releases
        }

    def _editions_in_words(self) -> Iterable[str]:
        """A sentence for the editions of a release itself, then one for each that was carried into it.

        Tables that share an edition name it once.
        """
        for release, editions in self.editions_of_releases().items():
            own_editions = dict.fromkeys(str(edition) for edition in editions if edition.carried_from is None)
            if own_editions:
                yield f"Checked against {release}: {', '.join(own_editions)}."
            carried_editions = dict.fromkeys(str(edition) for edition in editions if edition.carried_from is not None)
            yield from (f"{release} rests on {edition}." for edition in carried_editions)


def basis_of(manifests: Sequence[Manifest], history: History | None) -> Basis:
    """Return what an outcome rests on that was read against the releases of *manifests*.

    Of several, those count whose quarter meets *history*; all do, if none does.
    """
    met_manifests = [manifest for manifest in manifests if history is None or history.meets(manifest.release)]
    # Claims of dates that no release covers were still read against all of them.
    manifests_read = met_manifests or manifests
    editions_of_releases = [(manifest.release, manifest.editions) for manifest in manifests_read]
    editions = [
        ReleaseEdition(release, edition)
        for release, release_editions in editions_of_releases
        for table_name, edition in release_editions.items()
        if table_name in CLAIM_TABLES
    ]
    not_held = [
        (release, table_name)
        for release, release_editions in editions_of_releases
        for table_name in REQUIRED_TABLES
        if table_name not in release_editions
    ]
    return Basis(tuple(editions), tuple(not_held), history, families_not_applied(manifests_read))


def families_not_applied(manifests: Sequence[Manifest]) -> Mapping[str, str]:
    """Return by name the rule families that claims are not read against in each of the releases of *manifests*."""
    # Diagnoses of another fiscal year are not checked, so that a family that needs them is not applied.
    tables_of_releases = [
        set(CLAIM_TABLES).intersection(manifest.tables) - ({"diagnosis"} if has_outdated_diagnoses(manifest) else set())
        for manifest in manifests
    ]
    return {
        name: family["says"]
        for name, family in rule_families().items()
        if not family["tables"] or not all(tables.issuperset(family["tables"]) for tables in tables_of_releases)
    }


@cache
def rule_families() -> Mapping[str, Mapping[str, Any]]:
    """Return by name the rule families of `rule_families.toml`: `says`, and the `tables` with which each is applied."""
    return tomllib.loads(files("codeset.claims").joinpath("rule_families.toml").read_text(encoding="utf-8"))


def history_of(lines: pl.DataFrame) -> History:
    """Return the dates of service that are read in *lines*."""
    service_days = lines["date_of_service"]
    is_new = lines["hcpcs"].is_in(_new_patient_codes())
    return History(service_days.min(), service_days.max(), service_days.filter(is_new).min())  # type: ignore[arg-type]


@cache
def _new_patient_codes() -> pl.Series:
    return pl.Series(sorted(codes_named("new_patient", "codes")), dtype=CODE).implode()


def history_from(json_object: Mapping[str, Any]) -> History:
    """Read what `History.plain` wrote."""
    history_days = (json_object[day_name] for day_name in ("first_day", "last_day", "new_patient_day"))
    return History(*(None if day is None else date.fromisoformat(day) for day in history_days))


def basis_from(json_object: Mapping[str, Any]) -> Basis:
    """Read what `Basis.plain` wrote."""
    return Basis(
        tuple(_edition_from(edition) for edition in json_object["checked_against"]),
        tuple((Release.parse(entry["release"]), entry["table"]) for entry in json_object["not_held"]),
        None if json_object["history"] is None else history_from(json_object["history"]),
        {entry["family"]: entry["says"] for entry in json_object["rules_not_applied"]},
    )


def _edition_from(json_object: Mapping[str, Any]) -> ReleaseEdition:
    carried_from = None if json_object["carried_from"] is None else Release.parse(json_object["carried_from"])
    edition = Edition(json_object["table"], json_object["edition"], carried_from, json_object["age_in_quarters"])
    return ReleaseEdition(Release.parse(json_object["release"]), edition)


def joint_history(histories: Iterable[History]) -> History:
    """Return the history that several parts of the lines make up."""
    part_histories = list(histories)
    return History(
        min((part.first_day for part in part_histories if part.first_day), default=None),
        max((part.last_day for part in part_histories if part.last_day), default=None),
        min((part.new_patient_day for part in part_histories if part.new_patient_day), default=None),
    )


def _years_before(day: date) -> date:
    """The same day of the years that a new patient was not seen in; the last of February for a leap day."""
    earlier_year = day.year - int(rules()["new_patient"]["years"])
    try:
        return day.replace(year=earlier_year)
    except ValueError:
        return day.replace(year=earlier_year, day=28)
