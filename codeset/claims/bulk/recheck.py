"""The faults of bad claims as a single run reports them: these claims are read again from their files, and checked."""

from collections.abc import Sequence

import polars as pl

from codeset.claims.bulk.bulk_sources import BulkSource
from codeset.claims.input.check import Rejects, check_lines
from codeset.claims.input.placeholders import placeholder_claims, placeholder_faults
from codeset.claims.input.shared_claims import shared_claims, shared_faults


def recheck(sources: Sequence[BulkSource], keys: pl.Series) -> list[Rejects]:
    """Return the claims to set aside, of those with *keys*: for each file with its lines, and the other files' names.

    What was set aside when the files were opened comes first.
    """
    raw_lines = [source.raw_lines(keys) for source in sources]
    claim_ids = [
        pl.concat([raw["claim_id"].str.strip_chars(), source.rejects.faults["claim_id"]]).drop_nulls()
        for source, raw in zip(sources, raw_lines, strict=True)
    ]
    shared_claim_ids = shared_claims(claim_ids, [source.name for source in sources])
    good_lines = [
        check_lines(raw, source.name, source.locality)[0] for source, raw in zip(sources, raw_lines, strict=True)
    ]
    placeholders = placeholder_claims(pl.concat(good_lines))
    rejects = [source.rejects for source in sources]
    for source_place, (source, raw) in enumerate(zip(sources, raw_lines, strict=True)):
        faults = [*shared_faults(raw, shared_claim_ids.get(source_place, {})), *placeholder_faults(raw, placeholders)]
        rejects.append(check_lines(raw, source.name, source.locality, faults)[1])
    return rejects
