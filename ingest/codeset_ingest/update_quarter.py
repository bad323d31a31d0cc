"""A new quarter: which one it is, and the store filled again with what the lock pins."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from codeset.errors import BadInput, StoreProblem
from codeset.progress import Say
from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.cms_site import lock as locks
from codeset_ingest.cms_site.download import Count
from codeset_ingest.cms_site.find_release import Reader, latest
from codeset_ingest.cms_site.hosts import site
from codeset_ingest.cms_site.http import visit
from codeset_ingest.cms_site.link_names import publications
from codeset_ingest.cms_site.lock import Lock
from codeset_ingest.cms_site.watch import NEW, REPOSTED, Held, watch
from codeset_ingest.fetch_and_build import Chosen, fetch_and_build, keeping_pages
from codeset_ingest.fetched import Fetched, compared_lines


def joined(main: bytes | None, branches: Mapping[Release, bytes]) -> Lock:
    """Return the lock of the main branch, and what the branch of each quarter pins of that quarter.

    Raises StoreProblem: if one of them is no lock.
    """
    releases = dict(locks.parsed(main, "the main branch's lock").releases) if main else {}
    for quarter, text in branches.items():
        own = locks.parsed(text, f"the lock of {quarter}'s branch").releases
        releases |= {each: files for each, files in own.items() if each.unrevised == quarter}
    return Lock(releases)


def of_branch(lock: Lock, main: bytes | None, release: Release) -> bytes:
    """Return the text of the lock for the branch of *release*: without later quarters that no main branch has yet."""
    on_main = joined(main, {}).releases
    kept = (each for each in lock.releases if each.unrevised <= release.unrevised or each in on_main)
    return Lock({each: lock.releases[each] for each in kept}).to_json().encode()


@dataclass(frozen=True)
class Brought:
    """A sealed release, the text of the lock for its branch, and what is to be said of its files."""

    release: Release
    lock: bytes
    remarks: tuple[str, ...]


def brought(
    release: str | None,
    store: Store,
    main: bytes | None,
    branches: Mapping[Release, bytes],
    accept: str | None,
    say: Say,
    count: Count = lambda *_: None,
) -> Brought | None:
    """Seal again what the locks pin and the store lacks, then bring *release*, or what is new; None: nothing is.

    The locks are those of the *main* branch and of each quarter's branch. Raises what `restore` and `bring` raise.
    """
    with TemporaryDirectory() as place:
        chosen = Chosen(store, lock=Path(place) / locks.NAME, accept=accept)
        chosen.folder.lock.write_text(joined(main, branches).to_json(), encoding="utf-8")
        restore(chosen, say, count, all_of_it=False)  # what was posted again is what is to be proposed
        came = bring(release, chosen, say, count)
        if came is None:
            return None
        text = of_branch(locks.read(chosen.folder.lock), main, came.obtained.release)
    remarks = (*came.obtained.notes, *compared_lines(came.compared))
    return Brought(came.obtained.release, text, remarks)


def bring(release: str | None, chosen: Chosen, say: Say, count: Count = lambda *_: None) -> Fetched | None:
    """Fetch and seal *release*, or, if it is None, what is new; return None if nothing is.

    Raises what `cms_site.watch.watch` and `fetch_and_build` raise. StoreProblem: if the store gives it another revision
    than the lock does.
    """
    known = locks.read(chosen.folder.lock).releases
    wanted = release or newest(chosen, say)
    if wanted is None:
        return None
    brought = fetch_and_build(str(wanted), chosen, (), {}, (), say, count)
    pinned, sealed = brought.obtained.release, brought.built.sealed.snapshot.release
    if pinned != sealed:
        raise StoreProblem(f"{chosen.store.path} holds {pinned} from other files than those pinned; use another store")
    return brought if release or pinned not in known else None


def newest(chosen: Chosen, say: Say) -> Release | None:
    """Return the newest release that CMS posts whole and the lock does not pin, or posted again; None: there is none.

    The quarter before the newest is looked at too: CMS corrects the files in force while the next ones are out.
    """
    lock = locks.read(chosen.folder.lock)
    with keeping_pages(chosen.store), visit(site()) as visited:
        last = latest(Reader(visited, say))
        first = min(last, max((each.unrevised for each in lock.releases if each < last), default=last))
        news = watch(visited, Held(chosen.store, lock), first, last.first_day, chosen.audiences, say)
    for each in (each for each in news if each.calls_for_action):
        say(f"{each.release or ''} {each.publication} {each.status}: {each.says}".strip())
    of_tables = {each.name for each in publications() if each.tables}
    other = {each.release for each in news if each.status in (NEW, REPOSTED) and each.publication in of_tables}
    found = [each for each in other if each and lock.pinned(each)] + ([] if lock.pinned(last) else [last])
    return max(found, default=None)


def restore(chosen: Chosen, say: Say, count: Count = lambda *_: None, *, all_of_it: bool = True) -> list[Release]:
    """Seal what the lock pins and the store lacks: of each quarter the last revision, oldest first; return those.

    Exactly the pinned bytes are taken. Raises what `fetch_and_build` raises; BadInput, where CMS has posted other bytes
    since: that release cannot be sealed again, and unless *all_of_it* is wanted that is only said.
    """
    last = {each.unrevised: each for each in sorted(locks.read(chosen.folder.lock).releases)}
    lacking = [each for each in last.values() if each not in chosen.store.releases()]
    sealed = []
    for each in lacking:
        say(f"sealing {each} again, as the lock pins it")
        try:
            fetch_and_build(str(each), replace(chosen, locked=True), (), {}, (), say, count)
            sealed.append(each)
        except BadInput as error:
            if all_of_it:
                raise
            say(f"{each} cannot be sealed again: {error}")
    return sealed


def to_judge(chosen: Chosen, branch: str) -> Release | None:
    """Return the release that a change on *branch* is about: that of `release/2026q3`, else the newest pinned one.

    None: the lock pins none.
    """
    lock = locks.read(chosen.folder.lock)
    named = re.fullmatch(r"release/(20\d\dq[1-4])", branch)
    return lock.newest(Release.parse(named[1])) if named else max(lock.releases, default=None)
