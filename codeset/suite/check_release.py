"""The suite on one release: against what coders expect, and against what was accepted of it before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from codeset.claims.basis import basis_of
from codeset.errors import WrongUse
from codeset.manifest import Manifest
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.store import Store
from codeset.suite.goldens import Goldens, accept, goldens
from codeset.suite.run_suite import SuiteRun, run_suite
from codeset.suite.scenarios import Suite
from codeset.tables import REQUIRED_TABLES

_MOST_MESSAGES = 5
"""Messages that a summary shows."""


@dataclass(frozen=True)
class ReleaseCheck:
    """One release: the run, what is accepted of it, and the scenarios that were accepted just now."""

    run: SuiteRun
    goldens: Goldens
    manifest: Manifest
    accepted_now: tuple[str, ...] = ()

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The scenarios of which nothing is accepted."""
        return self.goldens.missing(self.run)

    @cached_property
    def differing(self) -> Mapping[str, tuple[str, ...]]:
        """How outcomes differ from those accepted, by scenario."""
        return self.goldens.differing(self.run)

    @cached_property
    def stale(self) -> tuple[str, ...]:
        """The scenarios that are accepted and were not run."""
        return self.goldens.stale(self.run)

    @property
    def holds(self) -> bool:
        """Whether every coder agrees and everything is as it was accepted, before this run."""
        return not any((self.run.failed, self.missing, self.differing, self.stale, self.accepted_now))


def releases_to_check(store: Store, labels: Sequence[str]) -> list[Release]:
    """Return the releases of those *labels*; without any, every one of the store that holds what the suite needs.

    Raises WrongUse: if there is none.
    """
    if labels:
        return [Release.parse(label) for label in labels]
    # A release that is named is tried whatever it lacks, and says so; of the others an incomplete one is passed over.
    complete_releases = [
        release for release in store.releases() if all(table in store.open(release) for table in REQUIRED_TABLES)
    ]
    if not complete_releases:
        raise WrongUse(f"{store.path} holds no release with {', '.join(REQUIRED_TABLES)}; see: codeset build --help")
    return complete_releases


def check_release(suite: Suite, snapshot: Snapshot, folder: Path) -> ReleaseCheck:
    """Run *suite* on *snapshot*, against the goldens in *folder*."""
    return ReleaseCheck(run_suite(suite, snapshot), goldens(folder, snapshot.release), snapshot.manifest)


def accept_missing(check: ReleaseCheck, approvals: Path) -> ReleaseCheck:
    """Write the goldens that are missing.

    Raises WrongUse: if the release is signed (its approval is in *approvals*), or a coder is contradicted.
    """
    approval_file = approvals / check.goldens.file.name
    # The signature is of these goldens too: a later acceptance would be one that nobody signed.
    if approval_file.exists():
        raise WrongUse(f"{check.run.release} is signed ({approval_file}); its goldens stay as they are")
    return replace(check, accepted_now=accept(check.goldens, check.run))


def check_messages(check: ReleaseCheck) -> list[str]:
    """Return what is wrong, a line each: what contradicts a coder, then what is not as it was accepted."""
    release, golden_file = check.run.release, check.goldens.file
    messages = [
        f"{result.scenario.file}:{result.scenario.at}: {result.scenario.id} on {release}: {failure}"
        for result in check.run.failed
        for failure in result.failures
    ]
    messages += [
        f"{golden_file.name}: {scenario_id}: {difference}"
        for scenario_id, differences in check.differing.items()
        for difference in differences
    ]
    messages += [f"{golden_file.name}: {scenario_id} is accepted, but not tried" for scenario_id in check.stale]
    if check.accepted_now:
        messages.append(f"{golden_file}: {len(check.accepted_now)} outcomes accepted now; run again to see it hold")
    elif check.missing:
        messages.append(
            f"{golden_file}: {len(check.missing)} outcomes are not accepted yet; "
            f"read them in a review, then: codeset test --accept {release}"
        )
    return messages


def short_check_messages(check: ReleaseCheck) -> list[str]:
    """Return the first of `check_messages`, how many more there are, and what to do about them."""
    messages = check_messages(check)
    release, golden_file = check.run.release, check.goldens.file
    further_messages = (
        [f"and {len(messages) - _MOST_MESSAGES:,} more; list them with: codeset test {release}"]
        if messages[_MOST_MESSAGES:]
        else []
    )
    if check.differing or check.stale:
        further_messages.append(
            f"if the new results are right, remove {golden_file}, then: codeset test {release} --accept"
        )
    return [*messages[:_MOST_MESSAGES], *further_messages]


def check_json(check: ReleaseCheck) -> Mapping[str, Any]:
    """Return the result for programs."""
    return {
        "release": str(check.run.release),
        "holds": check.holds,
        **basis_of([check.manifest], None).plain(),
        "tried": len(check.run.results),
        "left_out": [scenario.id for scenario in check.run.left_out],
        "contradicted": {result.scenario.id: result.failures for result in check.run.failed},
        "not_accepted": check.missing,
        "not_as_accepted": check.differing,
        "accepted_but_not_tried": check.stale,
        "accepted_now": check.accepted_now,
    }
