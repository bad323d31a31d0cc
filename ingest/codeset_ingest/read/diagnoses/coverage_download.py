"""The Medicare Coverage Database's download: versions of articles, their contractors, and these by name, put together.

`article.csv` has one row for each version, `article_x_contractor.csv` the contractors of each, by three numbers, whose
names are in `contractor.csv` and kinds in `contractor_type_lookup.csv`. Drafts (status other than A, in force, and R,
retired) are no policy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from codeset.errors import BadInput, Fault
from codeset_ingest.read.table import FILE, LINE, Reading

ARTICLES, CONTRACTORS, NAMES, KINDS = "mcd_article", "mcd_article_contractor", "mcd_contractor", "mcd_contractor_type"

_FILES = {ARTICLES: "article.csv", CONTRACTORS: "article_x_contractor.csv", NAMES: "contractor.csv"}
_TYPES_FILE = "contractor_type_lookup.csv"
_VERSION = ["document", "version"]
_CONTRACTOR = ["contractor_id", "contractor_type_id", "contractor_version"]
_IN_FORCE = ["A", "R"]
_LAST_DAYS = ("last_day", "revision_last_day", "retired")


def is_of_download(readings: Iterable[Reading]) -> bool:
    """Return whether any of *readings* is a file of the download."""
    return any(reading.layout.publication in (*_FILES, KINDS) for reading in readings)


def documents_of_download(readings: Sequence[Reading]) -> Reading:
    """Return the documents: a row for each version of an article and each contractor that it is of.

    Raises BadInput: if a file is missing, another list of documents came too, or a contractor has no name or type.
    """
    files = {reading.layout.publication: reading for reading in readings}
    other_lists = sorted(set(files) - {*_FILES, KINDS})
    missing = [name for publication, name in _FILES.items() if publication not in files]
    if other_lists or missing:
        message = f"belongs together with {', '.join(missing)}, which did not come"
        if other_lists:
            message = f"another list of documents came too ({files[other_lists[0]].names[0]}); give one"
        raise BadInput([Fault(readings[0].names[0], 0, message)])
    articles = _texts(files[ARTICLES].frame)
    in_force = articles.filter(pl.col("status").is_in(_IN_FORCE))
    rows = in_force.join(_contractors(files), on=_VERSION, maintain_order="left")
    drafts = articles.height - in_force.height
    nameless = in_force.join(rows, on=_VERSION, how="anti").height
    notes = (f"{_FILES[ARTICLES]}: {drafts:,} drafts left out, and {nameless:,} versions without a contractor",)
    return replace(
        files[ARTICLES],
        frame=rows.select(
            pl.concat_str(pl.lit("A"), "document").alias("document"),
            "version",
            "contractor",
            "contractor_type",
            "effective_date",
            # A version ends with the article, when it is replaced, or when it is retired: with the first of these.
            pl.min_horizontal(name for name in _LAST_DAYS if name in rows.columns).alias("retirement_date"),
            "title",
            LINE,
            FILE,
        ),
        sources=tuple(source for reading in readings for source in reading.sources),
        names=tuple(name for reading in readings for name in reading.names),
        notes=tuple(note for reading in readings for note in reading.notes) + notes,
        doubts=tuple(doubt for reading in readings for doubt in reading.doubts),
    )


def _contractors(files: dict[str, Reading]) -> pl.DataFrame:
    """The contractors of each version by name, with all their kinds in one text."""
    rows, names = _texts(files[CONTRACTORS].frame), _texts(files[NAMES].frame).select(*_CONTRACTOR, "contractor")
    # The three numbers together name a contractor: its id alone has several types and versions.
    _refuse_unnamed(rows, names, _CONTRACTOR, "contractor", _FILES[NAMES])
    named = rows.join(names, on=_CONTRACTOR, maintain_order="left")
    types = _texts(files[KINDS].frame).select("contractor_type_id", "contractor_type") if KINDS in files else None
    if types is None:
        return named.select(*_VERSION, "contractor", pl.lit(None, pl.String).alias("contractor_type")).unique(
            maintain_order=True
        )
    # A type that is lost would make a practitioner's contractor of one of supplies.
    _refuse_unnamed(rows, types, ["contractor_type_id"], "contractor type", _TYPES_FILE)
    named = named.join(types, on="contractor_type_id", maintain_order="left")
    by_name = named.group_by(*_VERSION, "contractor", maintain_order=True)
    return by_name.agg(pl.col("contractor_type").drop_nulls().unique().sort().str.join(", ").replace("", None))


def _refuse_unnamed(rows: pl.DataFrame, names: pl.DataFrame, key: list[str], what: str, file: str) -> None:
    """Refuse rows whose *key* is not among *names*, which come from *file*: their contractor would have none."""
    nameless = rows.join(names, on=key, how="anti", maintain_order="left")
    for row in nameless.head(1).iter_rows(named=True):
        message = f"{what} {' '.join(row[column] for column in key)} is not in {file}"
        raise BadInput([Fault(row[FILE], row[LINE], f"{message} ({nameless.height} such rows)")])


def _texts(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String))
