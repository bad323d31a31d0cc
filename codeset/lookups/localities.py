"""Localities by MAC and number, ZIP code, state or name. One that is not the only one of its name is not taken.

The names and states are those of CMS's GPCI file, the ZIP codes those of its ZIP code to carrier locality file.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files

import polars as pl

from codeset.errors import WrongUse
from codeset.snapshot import Row, Snapshot

NATIONAL = "national"
"""The nation, with no locality adjustment: every GPCI 1."""

_MAC_AND_NUMBER = re.compile(r"(\d{5})[- ]?(\d{2})")
_ZIP_PATTERN = re.compile(r"(\d{5})(-\d{4})?")
_CANDIDATES_SHOWN = 12


def locality_id(locality_text: str, snapshots: Iterable[Snapshot]) -> str:
    """Return `mac-locality`, or `national`, for what a person calls a locality; it must be the same in all *snapshots*.

    Raises WrongUse: if a release does not know it, or knows several by that name, which are then listed.
    """
    if locality_text.strip().lower() == NATIONAL:
        return NATIONAL
    locality_by_release = {
        str(snapshot.release): _one_locality(snapshot, locality_text.strip()) for snapshot in snapshots
    }
    # Carriers and locality numbers change: claims over several quarters need the one that is the same in all.
    if len(set(locality_by_release.values())) > 1:
        localities_text = ", ".join(f"{locality} in {release}" for release, locality in locality_by_release.items())
        raise WrongUse(
            f'"{locality_text}" is not the same locality in every release ({localities_text}): give MAC-LOCALITY'
        )
    return next(iter(locality_by_release.values()))


def is_numbered(locality_text: str) -> bool:
    """Whether *locality_text* is written as claims have it: `mac-locality`, or `national`."""
    return locality_text == NATIONAL or bool(re.fullmatch(r"\d{5}-\d{2}", locality_text))


def find_localities(snapshot: Snapshot, query: str = "") -> pl.DataFrame:
    """Return the localities (rows of `gpci`) that *query* may mean, by MAC and locality; every one for no query.

    Raises WrongUse: for a ZIP code, if the release holds no table of them, or lacks it.
    """
    localities = snapshot.table("gpci")
    if not query:
        return localities
    if number_match := _MAC_AND_NUMBER.fullmatch(query):
        return localities.filter(mac=number_match[1], locality=number_match[2])
    if zip_match := _ZIP_PATTERN.fullmatch(query):
        return localities.join(_localities_of_zip(snapshot, zip_match[1]), on=["mac", "locality"], how="semi")
    # All localities of a state, and those of a neighbor that reach into it: DC + MD/VA SUBURBS is part of Maryland and
    # of Virginia.
    if state := _state_of(query):
        return localities.filter(
            pl.Series([_reaches_into(gpci_row, state) for gpci_row in localities.iter_rows(named=True)])
        )
    # A name in full before names that have its words: else no locality whose name is part of another could be named.
    same_name = localities.filter(pl.col("locality_name").str.to_lowercase() == query.lower())
    return localities.filter(_has_words(localities, query)) if same_name.is_empty() else same_name


def locality_label(gpci_row: Row) -> str:
    """Return a locality as people read it: `13202-01  NY  MANHATTAN`."""
    return f"{gpci_row['mac']}-{gpci_row['locality']}  {gpci_row['state']}  {gpci_row['locality_name']}"


def _one_locality(snapshot: Snapshot, locality_text: str) -> str:
    candidates = find_localities(snapshot, locality_text)
    if candidates.height == 1:
        gpci_row = candidates.row(0, named=True)
        return f"{gpci_row['mac']}-{gpci_row['locality']}"
    if candidates.is_empty():
        raise WrongUse(
            f'{snapshot.release} has no locality "{locality_text}"; expected MAC-LOCALITY such as 01112-05, '
            "the name, state or ZIP code of one, or national. To look it up: codeset localities NAME"
        )
    candidate_lines = [
        f"  {locality_label(gpci_row)}" for gpci_row in candidates.head(_CANDIDATES_SHOWN).iter_rows(named=True)
    ]
    rest_line = [f"  and {candidates.height - _CANDIDATES_SHOWN} more"] if candidates.height > _CANDIDATES_SHOWN else []
    raise WrongUse(
        "\n".join(
            [f'"{locality_text}" may be any of {candidates.height} localities; name one:', *candidate_lines, *rest_line]
        )
    )


def _localities_of_zip(snapshot: Snapshot, zip_code: str) -> pl.DataFrame:
    if "zip_locality" not in snapshot:
        raise WrongUse(
            f"{snapshot.release} holds no ZIP code table: name the locality, or build the release with CMS's ZIP code "
            "to carrier locality file"
        )
    zip_rows = snapshot.scan("zip_locality").filter(zip_code=zip_code).collect()
    if zip_rows.is_empty():
        raise WrongUse(f"{snapshot.release} has no ZIP code {zip_code}; name the locality")
    # Never guessed: the several localities of such a ZIP code are paid differently.
    if zip_rows["needs_plus_four"].any():
        raise WrongUse(f"ZIP code {zip_code} is in several localities, by its last four digits: name the locality")
    return zip_rows


def _state_of(query: str) -> str | None:
    """The two letters of the state whose name or letters *query* is."""
    lowercase_query = query.lower()
    return next(
        (
            state_letters
            for state_letters, state_name in _state_names().items()
            if lowercase_query in (state_letters.lower(), state_name.lower())
        ),
        None,
    )


def _reaches_into(gpci_row: Row, state: str) -> bool:
    """Whether a locality has places of *state*: its own, or one that its name mentions (DC + MD/VA SUBURBS)."""
    return (
        gpci_row["state"] == state
        or f"{state}/" in gpci_row["locality_name"]
        or f"/{state} " in gpci_row["locality_name"]
    )


def _has_words(localities: pl.DataFrame, query: str) -> pl.Series:
    """Whether a locality's name, state and the words of both have every word of *query*."""
    query_words = set(_lowercase_words(query))
    words_by_locality = [
        {*_lowercase_words(gpci_row["locality_name"]), *_words_of_state(gpci_row["state"])}
        for gpci_row in localities.iter_rows(named=True)
    ]
    return pl.Series(
        [bool(query_words) and query_words <= locality_words for locality_words in words_by_locality], dtype=pl.Boolean
    )


def _words_of_state(state: str) -> Iterator[str]:
    yield state.lower()
    yield from _lowercase_words(_state_names().get(state, ""))


def _lowercase_words(place_text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", place_text.lower())


@cache
def _state_names() -> Mapping[str, str]:
    return tomllib.loads(files("codeset.lookups").joinpath("states.toml").read_text(encoding="utf-8"))
