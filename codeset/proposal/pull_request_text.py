"""Title and body of a release's pull request: what was done, how to approve, and the review in short."""

from collections.abc import Sequence

from codeset.proposal.branch import branch_of
from codeset.proposal.repository import Repository
from codeset.releases import Release
from codeset.review.decision_basis import DECIDE_SHEET, PULL_REQUEST_END, boxes_in, pull_request_start
from codeset.review.forms.as_markdown import safe
from codeset.review.to_decide import ToDecide
from codeset.suite.check_release import ReleaseCheck

_TITLE_LENGTH, _BODY_LENGTH = 250, 60_000
"""Characters; GitHub takes 256 and 65,536."""

_BOXES_LENGTH = 30_000
"""Of the boxes alone, so that something of the review is left."""

_FAILURES_SHOWN = 20


def title(release: Release, headline: str) -> str:
    """Return the title: the release and the first sentence of the review's *headline*."""
    return f"Release {release}: {headline.split('. ', maxsplit=1)[0].removeprefix('Changed: ')}"[:_TITLE_LENGTH]


def body(
    release: Release,
    old: Release,
    repository: Repository,
    readiness: str,
    remarks: Sequence[str],
    boxes: str,
    review: str,
) -> str:
    """Return the body: *readiness*, *remarks* as a list, *boxes* to decide, the *review*; all in Markdown.

    One too long for GitHub is cut, at the end of the review.
    """
    bullets = "".join(f"- {remark}\n" for remark in remarks)
    decisions = " --decisions decisions.md" if PULL_REQUEST_END in boxes else ""
    save = f"gh pr view {branch_of(release)} --json body --jq .body > decisions.md\n" if decisions else ""
    text = f"""\
{readiness}

CMS has posted **{release}**. It is sealed, tested and compared with {old}. Read the review, sign it, and merge only
when `codeset gate {release}` passes.

{bullets}
{boxes}<details><summary>How to sign</summary>

```
git switch {branch_of(release)}
codeset restore
codeset review {old} {release} -o reviews/{release}
{save}codeset approve {release} --review reviews/{release} --as "Name, role"{decisions}
git add {repository.approvals} {repository.lock} reviews
git commit -m "Approve {release}"
git push
```

</details>

{review}"""
    if len(text) <= _BODY_LENGTH:
        return text
    return f"{text[:_BODY_LENGTH]}\n\n… the whole review is in the run's artifact.\n"


def decision_boxes(outcomes: Sequence[ToDecide], digest: str) -> str:
    """Return two boxes and room for a reason for each of *outcomes*, of the review whose decisions have that *digest*.

    `codeset approve --decisions` reads them. Where they are more than a pull request takes, it says where to decide.
    """
    if not outcomes:
        return ""
    boxes = (
        f"**{number}.** {safe(outcome.says)}\n- [ ] Accept\n- [ ] Reject\n- Reason:"
        for number, outcome in enumerate(outcomes, start=1)
    )
    head = "## Decide on each changed result\n\n"
    text = "\n\n".join([pull_request_start(digest), *boxes, PULL_REQUEST_END])
    if len(text) > _BOXES_LENGTH:
        return (
            f'{head}{len(outcomes):,} results: decide on the page, or on the sheet "{DECIDE_SHEET}" of review.xlsx.\n\n'
        )
    return f"{head}Tick a box for each, and edit this text to write the reasons.\n\n{text}\n\n"


def with_decisions_of(earlier: str, body: str) -> str:
    """Return *body* with the boxes as they were ticked in the *earlier* one, if both are of the same review."""
    ticked, blank = boxes_in(earlier), boxes_in(body)
    if not (ticked and blank) or ticked["review"] != blank["review"]:
        return body
    return f"{body[: blank.start()]}{ticked[0]}{body[blank.end() :]}"


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
