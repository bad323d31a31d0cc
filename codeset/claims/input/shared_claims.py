"""Claims that more than one file holds: which of them is right is not known, and units would count twice."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from codeset.claims.input.check import FieldFault

FilesOfClaim = Mapping[str, str]
"""By claim identifier, the names of the other files that hold the claim."""


def shared_claims(claim_ids: Sequence[pl.Series], file_names: Sequence[str]) -> dict[int, FilesOfClaim]:
    """Return the claims that several files hold, by the place of each file; *claim_ids* are those of each file."""
    # Only identifiers, each once: the files together may have millions of lines.
    frames = (
        pl.DataFrame({"claim_id": identifiers.unique()}).with_columns(file=file_number)
        for file_number, identifiers in enumerate(claim_ids)
    )
    files_of_claims = pl.concat(frames).group_by("claim_id").agg("file")
    other_files: dict[int, dict[str, str]] = defaultdict(dict)
    for claim_id, file_numbers in files_of_claims.filter(pl.col("file").list.len() > 1).iter_rows():
        for file_number in file_numbers:
            other_files[file_number][claim_id] = ", ".join(
                file_names[other] for other in sorted(file_numbers) if other != file_number
            )
    return dict(other_files)


def shared_faults(lines: pl.DataFrame, other_files: FilesOfClaim) -> Iterator[FieldFault]:
    """Yield a fault for each claim of *lines* (columns of `RAW`) that *other_files* hold too, at its first line."""
    numbered_lines = lines.with_row_index("row").with_columns(pl.col("claim_id").str.strip_chars())
    first_lines = numbered_lines.filter(pl.col("claim_id").is_in(list(other_files))).unique(
        "claim_id", keep="first", maintain_order=True
    )
    for row, claim_id in first_lines.select("row", "claim_id").iter_rows():
        yield FieldFault("claim_id", "a claim in one file", f"it in {other_files[claim_id]} too", row=row)
