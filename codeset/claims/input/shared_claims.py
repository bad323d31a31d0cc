"""Claims that more than one file holds: which of them is right is not known, and units would count twice."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from codeset.claims.input.check import FieldFault

FilesOfClaim = Mapping[str, str]
"""By claim identifier, the names of the other files that hold the claim."""


def shared_claims(claim_ids: Sequence[pl.Series], names: Sequence[str]) -> dict[int, FilesOfClaim]:
    """Return the claims that several files hold, by the place of each file; *claim_ids* are those of each file."""
    frames = (pl.DataFrame({"claim_id": ids.unique()}).with_columns(file=place) for place, ids in enumerate(claim_ids))
    files_of_claims = pl.concat(frames).group_by("claim_id").agg("file")
    others: dict[int, dict[str, str]] = defaultdict(dict)
    for claim_id, places in files_of_claims.filter(pl.col("file").list.len() > 1).iter_rows():
        for place in places:
            others[place][claim_id] = ", ".join(names[other] for other in sorted(places) if other != place)
    return dict(others)


def shared_faults(lines: pl.DataFrame, others: FilesOfClaim) -> Iterator[FieldFault]:
    """Yield a fault for each claim of *lines* (columns of `RAW`) that *others* hold too, at its first line."""
    claims = lines.with_row_index("row").with_columns(pl.col("claim_id").str.strip_chars())
    firsts = claims.filter(pl.col("claim_id").is_in(list(others))).unique("claim_id", keep="first", maintain_order=True)
    for row, claim_id in firsts.select("row", "claim_id").iter_rows():
        yield FieldFault("claim_id", "a claim in one file", f"it in {others[claim_id]} too", row=row)
