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

_FILE_NAMES = {ARTICLES: "article.csv", CONTRACTORS: "article_x_contractor.csv", NAMES: "contractor.csv"}
_TYPES_FILE = "contractor_type_lookup.csv"
_VERSION_KEY = ["document", "version"]
_CONTRACTOR_KEY = ["contractor_id", "contractor_type_id", "contractor_version"]
_IN_FORCE = ["A", "R"]
_LAST_DAYS = ("last_day", "revision_last_day", "retired")


def is_of_download(readings: Iterable[Reading]) -> bool:
    """Return whether any of *readings* is a file of the download."""
    return any(reading.layout.publication in (*_FILE_NAMES, KINDS) for reading in readings)


def documents_of_download(readings: Sequence[Reading]) -> Reading:
    """Return the documents: a row for each version of an article and each contractor that it is of.

    Raises BadInput: if a file is missing, another list of documents came too, or a contractor has no name or type.
    """
    readings_by_publication = {reading.layout.publication: reading for reading in readings}
    other_lists = sorted(set(readings_by_publication) - {*_FILE_NAMES, KINDS})
    missing_names = [name for publication, name in _FILE_NAMES.items() if publication not in readings_by_publication]
    if other_lists or missing_names:
        message = f"belongs together with {', '.join(missing_names)}, which did not come"
        if other_lists:
            message = (
                f"another list of documents came too ({readings_by_publication[other_lists[0]].names[0]}); give one"
            )
        raise BadInput([Fault(readings[0].names[0], 0, message)])
    articles = _with_texts(readings_by_publication[ARTICLES].frame)
    in_force = articles.filter(pl.col("status").is_in(_IN_FORCE))
    contractor_rows = in_force.join(_contractors(readings_by_publication), on=_VERSION_KEY, maintain_order="left")
    draft_count = articles.height - in_force.height
    nameless_count = in_force.join(contractor_rows, on=_VERSION_KEY, how="anti").height
    left_out = f"{draft_count:,} drafts left out, and {nameless_count:,} versions without a contractor"
    download_notes = (f"{_FILE_NAMES[ARTICLES]}: {left_out}",)
    return replace(
        readings_by_publication[ARTICLES],
        frame=contractor_rows.select(
            pl.concat_str(pl.lit("A"), "document").alias("document"),
            "version",
            "contractor",
            "contractor_type",
            "effective_date",
            # A version ends with the article, when it is replaced, or when it is retired: with the first of these.
            pl.min_horizontal(column for column in _LAST_DAYS if column in contractor_rows.columns).alias(
                "retirement_date"
            ),
            "title",
            LINE,
            FILE,
        ),
        sources=tuple(source for reading in readings for source in reading.sources),
        names=tuple(file_name for reading in readings for file_name in reading.names),
        notes=tuple(note for reading in readings for note in reading.notes) + download_notes,
        doubts=tuple(doubt for reading in readings for doubt in reading.doubts),
    )


def _contractors(readings_by_publication: dict[str, Reading]) -> pl.DataFrame:
    """The contractors of each version by name, with all their kinds in one text."""
    contractor_ids = _with_texts(readings_by_publication[CONTRACTORS].frame)
    contractor_names = _with_texts(readings_by_publication[NAMES].frame).select(*_CONTRACTOR_KEY, "contractor")
    # The three numbers together name a contractor: its id alone has several types and versions.
    _refuse_unnamed(contractor_ids, contractor_names, _CONTRACTOR_KEY, "contractor", _FILE_NAMES[NAMES])
    named_contractors = contractor_ids.join(contractor_names, on=_CONTRACTOR_KEY, maintain_order="left")
    contractor_types = (
        _with_texts(readings_by_publication[KINDS].frame).select("contractor_type_id", "contractor_type")
        if KINDS in readings_by_publication
        else None
    )
    if contractor_types is None:
        return named_contractors.select(
            *_VERSION_KEY, "contractor", pl.lit(None, pl.String).alias("contractor_type")
        ).unique(maintain_order=True)
    # A type that is lost would make a practitioner's contractor of one of supplies.
    _refuse_unnamed(contractor_ids, contractor_types, ["contractor_type_id"], "contractor type", _TYPES_FILE)
    named_contractors = named_contractors.join(contractor_types, on="contractor_type_id", maintain_order="left")
    groups_by_name = named_contractors.group_by(*_VERSION_KEY, "contractor", maintain_order=True)
    return groups_by_name.agg(pl.col("contractor_type").drop_nulls().unique().sort().str.join(", ").replace("", None))


def _refuse_unnamed(
    contractor_rows: pl.DataFrame, known_names: pl.DataFrame, key_columns: list[str], thing_named: str, file_name: str
) -> None:
    """Refuse rows whose *key_columns* is not among *known_names*, which come from *file_name*: their
    contractor would have none.
    """
    nameless_rows = contractor_rows.join(known_names, on=key_columns, how="anti", maintain_order="left")
    for nameless_row in nameless_rows.head(1).iter_rows(named=True):
        message = f"{thing_named} {' '.join(nameless_row[column] for column in key_columns)} is not in {file_name}"
        raise BadInput([Fault(nameless_row[FILE], nameless_row[LINE], f"{message} ({nameless_rows.height} such rows)")])


def _with_texts(typed_rows: pl.DataFrame) -> pl.DataFrame:
    return typed_rows.with_columns(pl.col(pl.Categorical).cast(pl.String))
