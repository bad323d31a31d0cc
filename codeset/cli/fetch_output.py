"""The output of `fetch`, `watch` and `build --fetch`: lines and tables, JSON, and progress bars."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from codeset.progress import Say
from codeset_ingest.cms_site.download import CountBytes
from codeset_ingest.cms_site.fetch_release import FetchedRelease
from codeset_ingest.cms_site.watch import News
from codeset_ingest.fetch_and_build import FetchAndBuildResult

Plain = dict[str, object]


def fetched_lines(fetched: FetchedRelease) -> list[str]:
    """Return a fetch's outcome, a line for each file and remark."""
    lines = [f"{file.news:10} {file.pinned.edition:24} {file.path.name}" for file in fetched.files]
    for name, release in fetched.last_before.items():
        lines.append(f"{name}: none posted for {fetched.release.unrevised}; that of {release} is in force")
    lines += fetched.notes
    if fetched.reissued:
        names = ", ".join(file.pinned.name for file in fetched.reissued)
        lines.append(f"CMS has posted other bytes than those pinned: {names}. They are {fetched.release}.")
    return [*lines, f"{fetched.release} is in {fetched.folder}"]


def fetched_json(fetched: FetchedRelease) -> Plain:
    """Return a fetch's outcome as plain data."""
    return {
        "release": str(fetched.release),
        "folder": str(fetched.folder),
        "reissued": [file.pinned.name for file in fetched.reissued],
        "files": [{"news": file.news, "path": str(file.path)} | vars(file.pinned) for file in fetched.files],
        "not_fetched": [
            # Spelled as the first versions wrote it: programs read it by this name.
            {"edition": posted.edition, "url": posted.url, "licence_page": posted.license_page}
            for posted in fetched.not_fetched
        ],
        "last_posted": {name: str(release) for name, release in fetched.last_before.items()},
        "notes": list(fetched.notes),
    }


def result_json(result: FetchAndBuildResult) -> Plain:
    """Return what `codeset build --fetch --json` adds to the output of every build."""
    comparison = result.comparison
    report = {
        "says": comparison.says,
        "sound": comparison.agrees,
        "disagreements": [vars(disagreement) for disagreement in comparison.disagreements],
    }
    return {"fetched": fetched_json(result.fetched), "change_report": report}


def news_table(news: Sequence[News]) -> Table:
    """Return what is new as a table for the screen."""
    table = Table("release", "publication", "status", "what", box=None, pad_edge=False)
    for item in news:
        says = "\n".join([item.says, *(f"  {address}" for address in item.addresses)])
        table.add_row(str(item.release or ""), item.publication, item.status, escape(says))
    return table


@contextmanager
def download_progress(console: Console) -> Iterator[tuple[Say, CountBytes]]:
    """Print on *console* which pages and links are used, and show progress bars, one per file and one in all."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}
        total = progress.add_task("in all", total=None)

        def count(name: str, received: int, size: int | None) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(escape(name), total=size)
            progress.update(tasks[name], completed=received, total=size)
            files = [task for task in progress.tasks if task.id != total]
            progress.update(total, completed=sum(task.completed for task in files))

        yield (lambda text: console.print(text, markup=False)), count
