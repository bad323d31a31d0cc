"""What `codeset review` does: read what is told, make the review, write it, say what is in it."""

from dataclasses import dataclass
from pathlib import Path

from codeset.progress import Say, silent
from codeset.review.folder import PAGE, refuse_other, write_review
from codeset.review.model import Review, review
from codeset.review.volumes import read_volumes
from codeset.snapshot import Snapshot
from codeset.suite.folders import guidance_folder, scenarios_folder
from codeset.suite.guidance.run_guidance import statements
from codeset.suite.scenarios import load


@dataclass(frozen=True)
class Chosen:
    """What the command was told besides the releases; None: not told."""

    volumes: Path | None
    locality: str | None
    setting: str | None
    scenarios: Path | None
    guidance: Path | None


def make(snapshots: tuple[Snapshot, Snapshot], chosen: Chosen, folder: Path, say: Say = silent) -> Review:
    """Write the review of the second of *snapshots* against the first into *folder*; return it.

    Raises BadInput: for volumes or scenarios that cannot be read. WrongUse: for a folder that holds something else.
    """
    old, new = snapshots
    refuse_other(folder, str(old.release), str(new.release))
    made = review(
        old,
        new,
        load(scenarios_folder(chosen.scenarios)),
        statements(chosen.guidance or guidance_folder()),
        volumes=read_volumes(chosen.volumes) if chosen.volumes else (),
        locality=chosen.locality,
        setting=chosen.setting,
        say=say,
    )
    write_review(made, folder, say)
    return made


def news(made: Review, folder: Path) -> str:
    """Return the verdict, its figures, and where the review lies."""
    counts = (
        f"  {each.number:>7,} {f'of {each.of:,} ' if each.of is not None else ''}{each.label}"
        if each.seen
        else f"not seen: {each.label} (both releases rest on the same files)"
        for each in made.counts
        if each.of != 0
    )
    asked = (f"  {place}. {each.text}" for place, each in enumerate(made.asked, start=1))
    lies = f"The review lies in {folder}: open {folder / PAGE}"
    return "\n".join([made.headline, "", *counts, "", *made.money, "", "Asked:", *asked, "", lies])
