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

_NUMBERED = re.compile(r"(\d{5})[- ]?(\d{2})")
_ZIP_CODE = re.compile(r"(\d{5})(-\d{4})?")
_SHOWN = 12


def locality_id(text: str, snapshots: Iterable[Snapshot]) -> str:
    """Return `mac-locality`, or `national`, for what a person calls a locality; it must be the same in all *snapshots*.

    Raises WrongUse: if a release does not know it, or knows several by that name, which are then listed.
    """
    if text.strip().lower() == NATIONAL:
        return NATIONAL
    by_release = {str(snapshot.release): _one_locality(snapshot, text.strip()) for snapshot in snapshots}
    # Carriers and locality numbers change: claims over several quarters need the one that is the same in all.
    if len(set(by_release.values())) > 1:
        answers = ", ".join(f"{locality} in {release}" for release, locality in by_release.items())
        raise WrongUse(f'"{text}" is not the same locality in every release ({answers}): give MAC-LOCALITY')
    return next(iter(by_release.values()))


def is_numbered(text: str) -> bool:
    """Whether *text* is written as claims have it: `mac-locality`, or `national`."""
    return text == NATIONAL or bool(re.fullmatch(r"\d{5}-\d{2}", text))


def find_localities(snapshot: Snapshot, query: str = "") -> pl.DataFrame:
    """Return the localities (rows of `gpci`) that *query* may mean, by MAC and locality; every one for no query.

    Raises WrongUse: for a ZIP code, if the release holds no table of them, or lacks it.
    """
    localities = snapshot.table("gpci")
    if not query:
        return localities
    if numbered := _NUMBERED.fullmatch(query):
        return localities.filter(mac=numbered[1], locality=numbered[2])
    if zip_code := _ZIP_CODE.fullmatch(query):
        return localities.join(_of_zip_code(snapshot, zip_code[1]), on=["mac", "locality"], how="semi")
    # All localities of a state, and those of a neighbor that reach into it: DC + MD/VA SUBURBS is part of Maryland and
    # of Virginia.
    if state := _state_of(query):
        return localities.filter(pl.Series([_is_in_state(row, state) for row in localities.iter_rows(named=True)]))
    # A name in full before names that have its words: else no locality whose name is part of another could be named.
    same_name = localities.filter(pl.col("locality_name").str.to_lowercase() == query.lower())
    return localities.filter(_has_words(localities, query)) if same_name.is_empty() else same_name


def locality_label(row: Row) -> str:
    """Return a locality as people read it: `13202-01  NY  MANHATTAN`."""
    return f"{row['mac']}-{row['locality']}  {row['state']}  {row['locality_name']}"


def _one_locality(snapshot: Snapshot, text: str) -> str:
    candidates = find_localities(snapshot, text)
    if candidates.height == 1:
        row = candidates.row(0, named=True)
        return f"{row['mac']}-{row['locality']}"
    if candidates.is_empty():
        raise WrongUse(
            f'{snapshot.release} has no locality "{text}"; expected MAC-LOCALITY such as 01112-05, the name, state or '
            "ZIP code of one, or national. To look it up: codeset localities NAME"
        )
    rows = [f"  {locality_label(row)}" for row in candidates.head(_SHOWN).iter_rows(named=True)]
    more = [f"  and {candidates.height - _SHOWN} more"] if candidates.height > _SHOWN else []
    raise WrongUse("\n".join([f'"{text}" may be any of {candidates.height} localities; name one:', *rows, *more]))


def _of_zip_code(snapshot: Snapshot, zip_code: str) -> pl.DataFrame:
    if "zip_locality" not in snapshot:
        raise WrongUse(
            f"{snapshot.release} holds no ZIP code table: name the locality, or build the release with CMS's ZIP code "
            "to carrier locality file"
        )
    rows = snapshot.scan("zip_locality").filter(zip_code=zip_code).collect()
    if rows.is_empty():
        raise WrongUse(f"{snapshot.release} has no ZIP code {zip_code}; name the locality")
    # Never guessed: the several localities of such a ZIP code are paid differently.
    if rows["needs_plus_four"].any():
        raise WrongUse(f"ZIP code {zip_code} is in several localities, by its last four digits: name the locality")
    return rows


def _state_of(query: str) -> str | None:
    """The two letters of the state whose name or letters *query* is."""
    known = query.lower()
    return next((letters for letters, name in _states().items() if known in (letters.lower(), name.lower())), None)


def _is_in_state(row: Row, state: str) -> bool:
    """Whether a locality has places of *state*: its own, or one that its name mentions (DC + MD/VA SUBURBS)."""
    return row["state"] == state or f"{state}/" in row["locality_name"] or f"/{state} " in row["locality_name"]


def _has_words(localities: pl.DataFrame, query: str) -> pl.Series:
    """Whether a locality's name, state and the words of both have every word of *query*."""
    sought = set(_words(query))
    known = [
        {*_words(row["locality_name"]), *_words_of_state(row["state"])} for row in localities.iter_rows(named=True)
    ]
    return pl.Series([bool(sought) and sought <= words for words in known], dtype=pl.Boolean)


def _words_of_state(state: str) -> Iterator[str]:
    yield state.lower()
    yield from _words(_states().get(state, ""))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


@cache
def _states() -> Mapping[str, str]:
    return tomllib.loads(files("codeset.lookups").joinpath("states.toml").read_text(encoding="utf-8"))
