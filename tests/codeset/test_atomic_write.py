"""What a process leaves that is killed while it replaces a folder: the next reader has one whole folder."""

import os
from multiprocessing import get_context
from pathlib import Path

import pytest

from codeset.atomic_write import replacing_folder, restore_replaced


def write(folder: Path, text: str) -> None:
    with replacing_folder(folder) as new_folder:
        (new_folder / "file").write_text(text)


def write_until(folder: Path, renames: int) -> None:
    """Write "new", and end as if killed right after that many renames."""
    rename, count = Path.rename, [0]

    def count_renames(path: Path, target: Path) -> Path:
        new_path = rename(path, target)
        count[0] += 1
        if count[0] == renames:
            os._exit(9)
        return new_path

    Path.rename = count_renames
    write(folder, "new")


@pytest.mark.parametrize(("renames", "text"), [(1, "old"), (2, "new")])
def test_a_process_killed_between_two_renames_hides_nothing_and_leaves_nothing(tmp_path, renames, text):
    folder = tmp_path / "review"
    write(folder, "old")
    process = get_context("spawn").Process(target=write_until, args=(folder, renames))
    process.start()
    process.join(timeout=60)
    process.kill()
    assert process.exitcode == 9
    restore_replaced(folder)
    assert (folder / "file").read_text() == text
    write(folder, "later")
    assert (folder / "file").read_text() == "later"
    assert [path.name for path in tmp_path.iterdir()] == ["review"]


def test_a_folder_of_the_same_beginning_is_not_taken_for_a_rest(tmp_path):
    write(tmp_path / "review", "one")
    write(tmp_path / "review2", "two")
    (tmp_path / "review2").rename(tmp_path / ".review2.replaced-x")
    restore_replaced(tmp_path / "review")
    restore_replaced(tmp_path / "review2")
    assert (tmp_path / "review2" / "file").read_text() == "two"
