"""What fetching and watching tell: lines and tables for people, plain data for programs, progress while it goes on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from codeset.progress import Say
from codeset_ingest.cms_site.download import Count
from codeset_ingest.cms_site.fetch_release import Obtained
from codeset_ingest.cms_site.watch import News
from codeset_ingest.fetched import Fetched

Plain = dict[str, object]


def obtained_lines(obtained: Obtained) -> list[str]:
    """Return a fetch's outcome, a line for each file and remark."""
    lines = [f"{each.news:10} {each.pinned.edition:24} {each.path.name}" for each in obtained.files]
    for name, release in obtained.last_before.items():
        lines.append(f"{name}: none posted for {obtained.release.unrevised}; that of {release} is in force")
    lines += obtained.notes
    if obtained.reissued:
        names = ", ".join(each.pinned.name for each in obtained.reissued)
        lines.append(f"CMS has posted other bytes than those pinned: {names}. They are {obtained.release}.")
    return [*lines, f"{obtained.release} is in {obtained.folder}"]


def obtained_json(obtained: Obtained) -> Plain:
    """Return a fetch's outcome as plain data."""
    left = obtained.not_fetched
    return {
        "release": str(obtained.release),
        "folder": str(obtained.folder),
        "reissued": [each.pinned.name for each in obtained.reissued],
        "files": [{"news": each.news, "path": str(each.path)} | vars(each.pinned) for each in obtained.files],
        "not_fetched": [{"edition": each.edition, "url": each.url, "licence_page": each.licence_page} for each in left],
        "last_posted": {name: str(release) for name, release in obtained.last_before.items()},
        "notes": list(obtained.notes),
    }


def outcome_json(outcome: Fetched) -> Plain:
    """Return what `codeset build --fetch --json` says beside what every build says."""
    compared = outcome.compared
    report = {
        "says": compared.says,
        "sound": compared.sound,
        "disagreements": [vars(each) for each in compared.disagreements],
    }
    return {"fetched": obtained_json(outcome.obtained), "change_report": report}


def news_table(found: Sequence[News]) -> Table:
    """Return what is new as a table for the screen."""
    shown = Table("release", "publication", "status", "what", box=None, pad_edge=False)
    for each in found:
        says = "\n".join([each.says, *(f"  {address}" for address in each.addresses)])
        shown.add_row(str(each.release or ""), each.publication, each.status, escape(says))
    return shown


@contextmanager
def coming(console: Console) -> Iterator[tuple[Say, Count]]:
    """Say on *console* which pages and links are used, and show what is coming, by file and in all."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}
        whole = progress.add_task("in all", total=None)

        def count(name: str, came: int, of: int | None) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(escape(name), total=of)
            progress.update(tasks[name], completed=came, total=of)
            files = [each for each in progress.tasks if each.id != whole]
            progress.update(whole, completed=sum(each.completed for each in files))

        yield (lambda text: console.print(text, markup=False)), count
