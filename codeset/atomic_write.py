"""Files and folders that appear whole or not at all: written beside the target, then renamed into place.

A reader never opens half a file. What a killed process left behind is removed by the next one that writes there: a
file's leftover has a fixed name, and a folder that is still being written is locked.
"""

import glob
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


def write_file(target_path: Path, content: bytes | str, *, private: bool = False) -> None:
    """Write *content* (text as UTF-8) to *target_path*, making its folder if needed; *private* as in `replacing`.

    Raises OSError: if it cannot be written; what was there before is as it was.
    """
    with replacing(target_path, private=private) as unfinished_file:
        unfinished_file.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(target_path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield the path beside *target_path* to write to; it replaces *target_path* unless the block raises.

    What is *private*, such as anything of claims, nobody but the user may read (mode 0600).
    """
    unfinished_file = unfinished_path(target_path)
    try:
        target_path.parent.mkdir(parents=True, exist_ok=True)
        # Made before anything is written to it: a file that is tightened afterwards could be read in between.
        if private:
            unfinished_file.unlink(missing_ok=True)
            unfinished_file.touch(mode=0o600)
        yield unfinished_file
        # A rename within one folder is atomic; /tmp may be another file system, where it is a copy.
        unfinished_file.replace(target_path)
    except BaseException:
        unfinished_file.unlink(missing_ok=True)
        raise


def unfinished_path(target_path: Path) -> Path:
    """Return the path at which *target_path* is written before it is renamed; a killed writer leaves it there."""
    return target_path.with_name(f".{target_path.name}.unfinished")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside *folder*, renamed to it unless the block raises.

    Raises OSError: if *folder* is there by then and holds anything, or nothing can be written there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder.parent)
    unfinished_folder = folder.with_name(f".unfinished-{folder.name}-{uuid4().hex}")
    with _locked(unfinished_folder):
        try:
            unfinished_folder.mkdir()
            yield unfinished_folder
            # Fails if a folder that is not empty has the name by now: of two builds of one release the second loses.
            unfinished_folder.rename(folder)
        finally:
            shutil.rmtree(unfinished_folder, ignore_errors=True)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside *folder*; it replaces *folder* unless the block raises.

    An earlier folder steps aside first, and comes back if the new one cannot take its place; a process that is killed
    in between leaves it beside, for `restore_replaced`.
    """
    restore_replaced(folder)
    earlier_folder = folder.with_name(f"{_replaced_prefix(folder)}{uuid4().hex}")
    try:
        with new_folder(folder) as unfinished_folder:
            yield unfinished_folder
            if folder.exists():
                folder.rename(earlier_folder)
    except BaseException:
        if earlier_folder.exists():
            earlier_folder.rename(folder)
        raise
    shutil.rmtree(earlier_folder, ignore_errors=True)


def restore_replaced(folder: Path) -> None:
    """Bring *folder* back if a process was killed while it replaced it; remove what it left if it was done.

    Whoever reads a folder that is written by `replacing_folder` calls this first.
    """
    for earlier_folder in sorted(folder.parent.glob(f"{glob.escape(_replaced_prefix(folder))}*")):
        if folder.exists():
            shutil.rmtree(earlier_folder, ignore_errors=True)
        else:
            earlier_folder.rename(folder)


def _replaced_prefix(folder: Path) -> str:
    return f".{folder.name}.replaced-"


def remove_leftovers(parent: Path) -> None:
    """Remove the unfinished folders of killed writers; one that is still being written is locked, and stays."""
    for lock_path in parent.glob(".unfinished-*.lock"):
        unfinished_folder = lock_path.with_suffix("")
        # A lock that can be taken belongs to nobody that still runs.
        with suppress(TimeoutError), _locked(unfinished_folder):
            shutil.rmtree(unfinished_folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock beside *folder*, taken before the folder is made.

    Raises TimeoutError: if another process holds it.
    """
    from filelock import FileLock  # noqa: PLC0415 (only who writes a folder needs it)

    lock_path = folder.with_name(f"{folder.name}.lock")
    with FileLock(lock_path, timeout=0):
        try:
            yield
        finally:
            lock_path.unlink(missing_ok=True)
