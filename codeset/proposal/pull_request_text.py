"""Title and body of a release's pull request: what was done, how to approve, and the review in short."""

from collections.abc import Sequence

from codeset.proposal.branch import branch_of
from codeset.proposal.repository import Repository
from codeset.releases import Release
from codeset.suite.check_release import ReleaseCheck

_TITLE_LENGTH, _BODY_LENGTH = 250, 60_000
"""Characters; GitHub takes 256 and 65,536."""

_FAILURES_SHOWN = 20


def title(release: Release, headline: str) -> str:
    """Return the title: the release and the first sentence of the review's *headline*."""
    return f"Release {release}: {headline.split('. ', maxsplit=1)[0].removeprefix('Changed: ')}"[:_TITLE_LENGTH]


def body(release: Release, old: Release, repository: Repository, remarks: Sequence[str], review: str) -> str:
    """Return the body, with *remarks* as a list and the *review* in Markdown; one too long for GitHub is cut."""
    bullets = "".join(f"- {remark}\n" for remark in remarks)
    text = f"""\
CMS has posted **{release}**. It is sealed, tried and compared with {old}. Read the review, sign it, and merge only when
`codeset gate {release}` passes.

{bullets}
<details><summary>How to approve (decide on each outcome, or --accept-all)</summary>

```
git switch {branch_of(release)}
codeset restore
codeset review {old} {release} -o reviews/{release}
codeset approve {release} --review reviews/{release} --as "Name, role" --accept "OUTCOME=REASON"
git add {repository.approvals} {repository.lock} reviews
git commit -m "Approve {release}"
git push
```

</details>

{review}"""
    if len(text) <= _BODY_LENGTH:
        return text
    return f"{text[:_BODY_LENGTH]}\n\n… the whole review is in the run's artifact.\n"


def suite_remarks(suite: ReleaseCheck, golden: str | None) -> list[str]:
    """Return the result of the suite, a remark each; *golden* is the file of the outcomes to be accepted, if any."""
    failed, differing = len(suite.run.failed), len(suite.differing)
    verb = "contradicts" if failed < 2 else "contradict"
    remarks = [f"Of {len(suite.run.results)} scenarios {failed or 'none'} {verb} its coder."]
    for run in suite.run.failed[:_FAILURES_SHOWN]:
        remarks += [f"{run.scenario.id}: {failure}" for failure in run.failures]
    if differing:
        remarks.append(f"{differing} outcomes are not as they were accepted.")
    if golden:
        remarks.append(f"The outcomes to be accepted are in `{golden}`.")
    else:
        remarks.append("What contradicts a coder is not accepted: there are no outcomes on the branch.")
    return remarks
