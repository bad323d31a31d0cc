"""A new quarter laid before the compliance lead: tried, reviewed, and put on a branch with all that is to be signed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from codeset.errors import WrongUse
from codeset.progress import Say, silent
from codeset.proposal import branch, changelog
from codeset.releases import Release
from codeset.review import write_review as reviewing
from codeset.review.folder import ENTRY, SHORT
from codeset.store import Store
from codeset.suite import folders, try_releases
from codeset.suite.goldens import accept
from codeset.suite.scenarios import load
from codeset.suite.try_releases import Tested

CHANGELOG = "CHANGELOG.md"
TITLE, MOST = 250, 60_000
"""Characters of a pull request's title and body; GitHub takes 256 and 65,536."""


@dataclass(frozen=True)
class Chosen:
    """Where it goes: the repository, its remote, lock and approvals as paths in it, and a folder for the rest."""

    repository: Path
    remote: str
    lock: str
    approvals: str
    scenarios: Path | None
    output: Path

    def on_branch(self, release: Release, path: str) -> bytes | None:
        """Return *path* as the branch of *release*, or else the main branch, has it."""
        return branch.on_branch(self.repository, self.remote, release, path)

    def approved(self, release: Release) -> bool:
        """Whether somebody has signed *release*."""
        return self.on_branch(release, f"{self.approvals}/{release}.json") is not None

    @property
    def goldens(self) -> str:
        """The folder of accepted outcomes, as a path in the repository.

        Raises WrongUse: if the scenarios lie outside of it.
        """
        folder, root = folders.goldens_folder(folders.scenarios_folder(self.scenarios)), self.repository.resolve()
        if not folder.is_relative_to(root):
            raise WrongUse(f"{folder} is not in {root}: name scenarios that are with --scenarios")
        return folder.relative_to(root).as_posix()


@dataclass(frozen=True)
class Laid:
    """What was laid before the lead: the branch, the files on it, and where title, body and review lie."""

    release: Release
    before: Release
    proposed: branch.Proposed
    title: str
    body: Path
    files: tuple[str, ...]


def locks(chosen: Chosen) -> tuple[bytes | None, dict[Release, bytes]]:
    """Return the lock of the remote's main branch, and that of each quarter's branch."""
    main = branch.on_main(chosen.repository, chosen.remote, chosen.lock)
    quarters = branch.quarters(chosen.repository, chosen.remote)
    texts = {each: chosen.on_branch(each, chosen.lock) for each in quarters}
    return main, {each: text for each, text in texts.items() if text is not None}


def before(store: Store, release: Release, approved: Callable[[Release], bool]) -> Release | None:
    """Return the release in force before *release*: its last approved revision, else the newest of an earlier quarter.

    None: the store holds nothing before it.
    """
    revisions = [each for each in store.revisions(release) if each < release and approved(each)]
    earlier = [each for each in store.releases() if each.unrevised < release.unrevised]
    return next(reversed(revisions or earlier), None)


def lay_before(
    chosen: Chosen, store: Store, release: Release, lock: bytes, remarks: Sequence[str], say: Say = silent
) -> Laid:
    """Try, review and propose *release*; *remarks* are told in the body. The working tree is not touched.

    The branch gets the lock, the outcomes to be accepted and the changelog's entry; what it holds already stays.
    Raises what `propose` and the review raise. WrongUse: if the store holds nothing before it.
    """
    old = before(store, release, chosen.approved)
    if old is None:
        raise WrongUse(
            f"{store.path} holds nothing before {release} to compare it with. Seal and pin the release in force first: "
            f"codeset build RELEASE --fetch --lock {chosen.lock}, and put that lock on the main branch"
        )
    review = chosen.output / f"{old}-{release}"
    say(f"trying the suite on {release}")
    tested, golden = _tried(chosen, store, release)
    made = reviewing.make(
        (store.open(old), store.open(release)), reviewing.Chosen(None, None, None, chosen.scenarios, None), review, say
    )
    entry = (review / ENTRY).read_text(encoding="utf-8")
    superseded = _superseded(chosen, release)
    entries = changelog.with_entry(chosen.on_branch(release, CHANGELOG), release, entry, superseded)
    files = {chosen.lock: lock, CHANGELOG: entries} | golden
    gone: dict[str, bytes | None] = {f"{chosen.goldens}/{each}.json": None for each in superseded}
    title = f"Release {release}: {made.headline.split('. ')[0].removeprefix('Changed: ')}"[:TITLE]
    body = _body(chosen, release, old, [*_of_suite(tested, golden), *remarks], (review / SHORT).read_text("utf-8"))
    (chosen.output / "title.txt").write_text(f"{title}\n", encoding="utf-8")
    (chosen.output / "body.md").write_text(body, encoding="utf-8")
    proposed = branch.propose(
        chosen.repository, chosen.remote, release, gone | files, f"Release {release}\n\n{made.headline}"
    )
    return Laid(release, old, proposed, title, chosen.output / "body.md", tuple(sorted(files)))


def told(laid: Laid) -> list[str]:
    """Return what was done, a line each."""
    done = "holds now" if laid.proposed.changed else "held already, and was not changed:"
    return [
        f"{laid.release}, compared with {laid.before}",
        f"{laid.proposed.branch} {done} {', '.join(laid.files)} ({laid.proposed.commit[:12]})",
        f"title and body of a pull request: {laid.body.with_name('title.txt')}, {laid.body}",
    ]


def _tried(chosen: Chosen, store: Store, release: Release) -> tuple[Tested, dict[str, bytes]]:
    """The suite's result, and the golden by its path, completed if no coder is contradicted and nobody signed it."""
    path = f"{chosen.goldens}/{release}.json"
    held = chosen.on_branch(release, path)
    with TemporaryDirectory() as place:
        file = Path(place) / f"{release}.json"
        if held is not None:
            file.write_bytes(held)
        suite = load(folders.scenarios_folder(chosen.scenarios))
        tested = try_releases.tried(suite, store.open(release), Path(place))
        if not tested.ran.failed and not chosen.approved(release):
            tested = Tested(tested.ran, tested.held, accept(tested.held, tested.ran))
        return tested, {path: file.read_bytes()} if file.is_file() else {}


def _superseded(chosen: Chosen, release: Release) -> list[Release]:
    """The earlier revisions that nobody approved: what the branch holds of them steps aside."""
    earlier = (replace(release, revision=number) for number in range(release.revision))
    return [each for each in earlier if not chosen.approved(each)]


def _of_suite(tested: Tested, golden: Mapping[str, bytes]) -> list[str]:
    failed, differing = len(tested.ran.failed), len(tested.differing)
    told = [f"Of {len(tested.ran.tried)} scenarios {failed or 'none'} contradict{'s' if failed < 2 else ''} its coder."]
    told += [f"{each.scenario.id}: {said}" for each in tested.ran.failed[:20] for said in each.failures]
    if differing:
        told.append(f"{differing} outcomes are not as they were accepted.")
    if golden:
        told.append(f"The outcomes to be accepted are in `{next(iter(golden))}`.")
    else:
        told.append("What contradicts a coder is not accepted: there are no outcomes on the branch.")
    return told


def _body(chosen: Chosen, release: Release, old: Release, told: Sequence[str], review: str) -> str:
    lines = "".join(f"- {each}\n" for each in told)
    body = f"""\
CMS has posted **{release}**. It is sealed, tried and compared with {old}. Read the review, sign it, and merge only when
`codeset gate {release}` passes.

{lines}
<details><summary>How to approve (decide on each outcome, or --accept-all)</summary>

```
git switch {branch.branch_of(release)}
codeset restore
codeset review {old} {release} -o reviews/{release}
codeset approve {release} --review reviews/{release} --as "Name, role" --accept "OUTCOME=REASON"
git add {chosen.approvals} reviews
git commit -m "Approve {release}"
git push
```

</details>

{review}"""
    return body if len(body) <= MOST else f"{body[:MOST]}\n\n… the whole review is in the run's artifact.\n"
