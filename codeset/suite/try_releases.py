"""What `codeset test` does: the suite on releases of a store, against what coders expect and what was accepted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from codeset.errors import WrongUse
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.suite.goldens import Goldens, accept, goldens
from codeset.suite.run_suite import Ran, run
from codeset.suite.scenarios import Suite
from codeset.tables import NEEDED


@dataclass(frozen=True)
class Tested:
    """One release: the run, what is accepted of it, and the scenarios that were accepted just now."""

    ran: Ran
    held: Goldens
    accepted_now: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The scenarios of which nothing is accepted."""
        return self.held.missing(self.ran)

    @property
    def differing(self) -> Mapping[str, tuple[str, ...]]:
        """How outcomes differ from those accepted, by scenario."""
        return self.held.differing(self.ran)

    @property
    def holds(self) -> bool:
        """Whether every coder agrees and everything is as it was accepted, before this run."""
        wrong = (self.ran.failed, self.missing, self.differing, self.held.stale(self.ran), self.accepted_now)
        return not any(wrong)


def releases_to_test(store: Store, named: Sequence[str]) -> list[Release]:
    """Return the *named* releases, or every one of the store that holds what the suite needs.

    Raises WrongUse: if there is none.
    """
    if named:
        return [Release.parse(each) for each in named]
    found = [each for each in store.releases() if all(table in store.open(each) for table in NEEDED)]
    if not found:
        raise WrongUse(f"{store.path} holds no release with {', '.join(NEEDED)}; see: codeset build --help")
    return found


def tried(suite: Suite, snapshot: Snapshot, folder: Path) -> Tested:
    """Try *suite* on *snapshot*, against the goldens in *folder*."""
    return Tested(run(suite, snapshot), goldens(folder, snapshot.release))


def accept_missing(tested: Tested, approvals: Path) -> Tested:
    """Write the goldens that are missing.

    Raises WrongUse: if the release is signed (its approval is in *approvals*), or a coder is contradicted.
    """
    signed = approvals / tested.held.file.name
    if signed.exists():
        raise WrongUse(f"{tested.ran.release} is signed ({signed}); its goldens stay as they are")
    return Tested(tested.ran, tested.held, accept(tested.held, tested.ran))


def news(tested: Tested) -> list[str]:
    """Return what is wrong, a line each: what contradicts a coder, then what is not as it was accepted."""
    told = [
        f"{each.scenario.file}:{each.scenario.at}: {each.scenario.id} on {tested.ran.release}: {said}"
        for each in tested.ran.failed
        for said in each.failures
    ]
    told += [f"{tested.held.file.name}: {name}: {said}" for name, all_of in tested.differing.items() for said in all_of]
    told += [f"{tested.held.file.name}: {name} is accepted, but not tried" for name in tested.held.stale(tested.ran)]
    if tested.accepted_now:
        told.append(f"{tested.held.file}: {len(tested.accepted_now)} outcomes accepted now; run again to see it hold")
    elif tested.missing:
        told.append(
            f"{tested.held.file}: {len(tested.missing)} outcomes are not accepted yet; "
            f"read them in a review, then: codeset test --accept {tested.ran.release}"
        )
    return told


def summary(tested: Sequence[Tested]) -> Table:
    """Return the counts of each release for people."""
    shown = Table()
    for column in (
        "release",
        "tried",
        "as expected",
        "contradicted",
        "not accepted",
        "not as accepted",
        "do not hold then",
    ):
        shown.add_column(column, justify="left" if column == "release" else "right")
    for each in tested:
        ran = each.ran
        counts = (len(ran.tried), len(ran.tried) - len(ran.failed), len(ran.failed), len(each.missing))
        shown.add_row(str(ran.release), *map(str, (*counts, len(each.differing), len(ran.left_out))))
    return shown


def plain(tested: Tested) -> Mapping[str, Any]:
    """Return the result for programs."""
    return {
        "release": str(tested.ran.release),
        "holds": tested.holds,
        "tried": len(tested.ran.tried),
        "left_out": [each.id for each in tested.ran.left_out],
        "contradicted": {each.scenario.id: each.failures for each in tested.ran.failed},
        "not_accepted": tested.missing,
        "not_as_accepted": tested.differing,
        "accepted_but_not_tried": tested.held.stale(tested.ran),
        "accepted_now": tested.accepted_now,
    }
