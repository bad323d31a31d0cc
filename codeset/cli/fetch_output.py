"""The output of `fetch`, `watch` and `build --fetch`: lines and tables, JSON, and progress bars."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from codeset.progress import ReportProgress
from codeset_ingest.cms_site.download import CountBytes
from codeset_ingest.cms_site.fetch_release import FetchedRelease
from codeset_ingest.cms_site.watch import News
from codeset_ingest.fetch_and_build import FetchAndBuildResult

JsonDocument = dict[str, object]


def fetched_lines(fetched_release: FetchedRelease) -> list[str]:
    """Return a fetch's outcome, a line for each file and remark."""
    outcome_lines = [f"{file.news:10} {file.pinned.edition:24} {file.path.name}" for file in fetched_release.files]
    for publication, release in fetched_release.last_before.items():
        outcome_lines.append(
            f"{publication}: none posted for {fetched_release.release.unrevised}; that of {release} is in force"
        )
    outcome_lines += fetched_release.notes
    if fetched_release.reissued:
        reissued_names = ", ".join(file.pinned.name for file in fetched_release.reissued)
        outcome_lines.append(
            f"CMS has posted other bytes than those pinned: {reissued_names}. They are {fetched_release.release}."
        )
    return [*outcome_lines, f"{fetched_release.release} is in {fetched_release.folder}"]


def fetched_json(fetched_release: FetchedRelease) -> JsonDocument:
    """Return a fetch's outcome as plain data."""
    return {
        "release": str(fetched_release.release),
        "folder": str(fetched_release.folder),
        "reissued": [file.pinned.name for file in fetched_release.reissued],
        "files": [{"news": file.news, "path": str(file.path)} | vars(file.pinned) for file in fetched_release.files],
        "not_fetched": [
            # Spelled as the first versions wrote it: programs read it by this name.
            {"edition": unfetched_file.edition, "url": unfetched_file.url, "licence_page": unfetched_file.license_page}
            for unfetched_file in fetched_release.not_fetched
        ],
        "last_posted": {publication: str(release) for publication, release in fetched_release.last_before.items()},
        "notes": list(fetched_release.notes),
    }


def result_json(result: FetchAndBuildResult) -> JsonDocument:
    """Return what `codeset build --fetch --json` adds to the output of every build."""
    comparison = result.comparison
    change_report = {
        "says": comparison.says,
        "sound": comparison.agrees,
        "disagreements": [vars(disagreement) for disagreement in comparison.disagreements],
    }
    return {"fetched": fetched_json(result.fetched), "change_report": change_report}


def news_table(news: Sequence[News]) -> Table:
    """Return what is new as a table for the screen."""
    table = Table("release", "publication", "status", "what", box=None, pad_edge=False)
    for news_item in news:
        description = "\n".join([news_item.says, *(f"  {address}" for address in news_item.addresses)])
        table.add_row(str(news_item.release or ""), news_item.publication, news_item.status, escape(description))
    return table


@contextmanager
def download_progress(console: Console) -> Iterator[tuple[ReportProgress, CountBytes]]:
    """Print on *console* which pages and links are used, and show progress bars, one per file and one in all."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task_of_file: dict[str, TaskID] = {}
        total_task = progress.add_task("in all", total=None)

        def report_bytes(file_name: str, received: int, file_size: int | None) -> None:
            if file_name not in task_of_file:
                task_of_file[file_name] = progress.add_task(escape(file_name), total=file_size)
            progress.update(task_of_file[file_name], completed=received, total=file_size)
            # Every bar but that of the total.
            file_tasks = [progress_task for progress_task in progress.tasks if progress_task.id != total_task]
            progress.update(total_task, completed=sum(progress_task.completed for progress_task in file_tasks))

        yield (lambda text: console.print(text, markup=False)), report_bytes
