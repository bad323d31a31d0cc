"""Keys of claims, a number for each: millions of them are compared in little memory, and name nobody."""

from pathlib import Path

import polars as pl

from codeset.atomic_write import replacing
from codeset.claims.engine.series import starts_group
from codeset.claims.input.check import claim_key, trimmed_claim_key
from codeset.claims.input.claim_frames import BESIDES
from codeset.claims.input.headers import read_header

_KEY_COLUMN = "key"
# 2^64 divided by the golden ratio, made odd: small numbers, multiplied by it, differ in all 64 bits (Knuth, The Art of
# Computer Programming 3, section 6.4).
_ODD_MULTIPLIER = 0x9E37_79B9_7F4A_7C15


def no_keys() -> pl.Series:
    """Return no keys."""
    return pl.Series(_KEY_COLUMN, dtype=pl.UInt64)


def keys_of(claim_ids: pl.Series) -> pl.Series:
    """Return the key of each claim identifier."""
    return pl.DataFrame([claim_ids.alias(_KEY_COLUMN)]).select(claim_key(pl.col(_KEY_COLUMN)))[_KEY_COLUMN]


def claim_ids_of(frame: pl.DataFrame) -> pl.Series:
    """Return the claim identifier of each line, of lines as a file has them."""
    field_names = [name for name in frame.columns if name not in BESIDES]
    [claim_id_place] = read_header(field_names, locality=True).columns["claim_id"]
    return frame[field_names[claim_id_place]]


def distinct_keys(lines: pl.DataFrame) -> pl.Series:
    """Return the keys of the claims of checked *lines*, each once."""
    claim_ids = lines["claim_id"].filter(starts_group(lines["claim_id"]))
    # What was checked has no blanks around it: to trim it again takes fourteen times as long as the hash.
    keys = claim_ids.to_frame().select(trimmed_claim_key(pl.col("claim_id")).alias(_KEY_COLUMN)).to_series()
    return keys if claim_ids.is_sorted() else keys.unique()  # sorted, each is there once


def shared_keys(claim_ids: pl.Series, sources: pl.Series) -> pl.Series:
    """Return the keys of the claims of which several *sources* have lines.

    Mostly there are none: then there are as many claims as pairs of claim and source, which are counted as one number.
    """
    starts_claim = starts_group(claim_ids) | starts_group(sources)  # of lines that are sorted, a third is left
    keys, sources = keys_of(claim_ids.filter(starts_claim)), sources.filter(starts_claim)
    pair_keys = keys ^ (sources.cast(pl.UInt64) + 1) * _ODD_MULTIPLIER
    if pair_keys.n_unique() == keys.n_unique():
        return no_keys()
    distinct_pairs = pl.DataFrame([keys, sources]).unique()
    return distinct_pairs.filter(pl.col(_KEY_COLUMN).is_duplicated())[_KEY_COLUMN].unique()


def read_keys(keys_file: Path) -> pl.Series:
    """Return the keys in *keys_file*; none if there is no such file."""
    return pl.read_parquet(keys_file)[_KEY_COLUMN] if keys_file.exists() else no_keys()


def save_keys(keys_file: Path, keys: pl.Series) -> None:
    """Write *keys* to *keys_file*."""
    with replacing(keys_file, private=True) as unfinished:
        keys.alias(_KEY_COLUMN).to_frame().write_parquet(unfinished, compression="lz4", statistics=False)
