"""`python killed.py STORE RELEASE N`: fetch and build, and be killed at the Nth change of a file (0: never).

A change is told by Python's audit events: files opened for writing, renamed, removed, copied; folders made and removed.
"""

import os
import signal
import sys
from pathlib import Path

from codeset.store import Store
from codeset_ingest.fetch_and_build import FetchOptions, fetch_and_build

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile")


class Counter:
    """Counts the changes below a folder, and acts at the one that is named."""

    def __init__(self, home: str) -> None:
        self.home, self.count, self.at = home, 0, 0
        self.act = lambda: os.kill(os.getpid(), signal.SIGKILL)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not (event in CHANGES or (event == "open" and _writes(arguments))):
            return
        if str(arguments[0]).startswith(self.home):
            self.count += 1
            if self.count == self.at:
                self.act()


def _writes(arguments: tuple[object, ...]) -> bool:
    return isinstance(arguments[2], int) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))


def main(store: str, release: str, at: int) -> None:
    """Fetch and build, and say how many changes there were."""
    counter = Counter(store)
    counter.at = at
    sys.addaudithook(counter)
    fetch_and_build(release, FetchOptions(Store.at(Path(store))), [], {}, [], lambda _: None)
    sys.stdout.write(f"{counter.count}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
