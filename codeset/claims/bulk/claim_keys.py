"""Keys of claims, a number for each: millions of them are compared in little memory, and name nobody."""

from pathlib import Path

import polars as pl

from codeset.atomic_write import replacing
from codeset.claims.engine.series import starts_group
from codeset.claims.input.check import claim_key, trimmed_claim_key
from codeset.claims.input.claim_frames import BESIDES
from codeset.claims.input.headers import read_header

_KEY = "key"
# 2^64 divided by the golden ratio, made odd: small numbers, multiplied by it, differ in all 64 bits (Knuth, The Art of
# Computer Programming 3, section 6.4).
_ODD = 0x9E37_79B9_7F4A_7C15


def no_keys() -> pl.Series:
    """Return no keys."""
    return pl.Series(_KEY, dtype=pl.UInt64)


def keys_of(claim_ids: pl.Series) -> pl.Series:
    """Return the key of each claim identifier."""
    return pl.DataFrame([claim_ids.alias(_KEY)]).select(claim_key(pl.col(_KEY)))[_KEY]


def claim_ids_of(frame: pl.DataFrame) -> pl.Series:
    """Return the claim identifier of each line, of lines as a file has them."""
    names = [name for name in frame.columns if name not in BESIDES]
    [claim_id] = read_header(names, locality=True).columns["claim_id"]
    return frame[names[claim_id]]


def distinct_keys(lines: pl.DataFrame) -> pl.Series:
    """Return the keys of the claims of checked *lines*, each once."""
    claims = lines["claim_id"].filter(starts_group(lines["claim_id"]))
    # What was checked has no blanks around it: to trim it again takes fourteen times as long as the hash.
    keys = claims.to_frame().select(trimmed_claim_key(pl.col("claim_id")).alias(_KEY)).to_series()
    return keys if claims.is_sorted() else keys.unique()  # sorted, each is there once


def shared_keys(claim_ids: pl.Series, sources: pl.Series) -> pl.Series:
    """Return the keys of the claims of which several *sources* have lines.

    Mostly there are none: then there are as many claims as pairs of claim and source, which are counted as one number.
    """
    begins = starts_group(claim_ids) | starts_group(sources)  # of lines that are sorted, a third is left
    keys, sources = keys_of(claim_ids.filter(begins)), sources.filter(begins)
    pair = keys ^ (sources.cast(pl.UInt64) + 1) * _ODD
    if pair.n_unique() == keys.n_unique():
        return no_keys()
    pairs = pl.DataFrame([keys, sources]).unique()
    return pairs.filter(pl.col(_KEY).is_duplicated())[_KEY].unique()


def read_keys(file: Path) -> pl.Series:
    """Return the keys in *file*; none if there is no such file."""
    return pl.read_parquet(file)[_KEY] if file.exists() else no_keys()


def save_keys(file: Path, keys: pl.Series) -> None:
    """Write *keys* to *file*."""
    with replacing(file, private=True) as unfinished:
        keys.alias(_KEY).to_frame().write_parquet(unfinished, compression="lz4", statistics=False)
