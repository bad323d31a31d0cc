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
    earlier: Release,
    repository: Repository,
    readiness: str,
    remarks: Sequence[str],
    decision_text: str,
    review_markdown: str,
) -> str:
    """Return the body: *readiness*, *remarks* as a list, *decision_text*, the *review_markdown*; all in Markdown.

    One too long for GitHub is cut, at the end of the review.
    """
    bullets = "".join(f"- {remark}\n" for remark in remarks)
    decisions_option = " --decisions decisions.md" if PULL_REQUEST_END in decision_text else ""
    save_command = (
        f"gh pr view {branch_of(release)} --json body --jq .body > decisions.md\n" if decisions_option else ""
    )
    body_text = f"""\
{readiness}

CMS has posted **{release}**. It is sealed, tested and compared with {earlier}. Read the review, sign it, and merge only
when `codeset gate {release}` passes.

{bullets}
{decision_text}<details><summary>How to sign</summary>

```
git switch {branch_of(release)}
codeset restore
codeset review {earlier} {release} -o reviews/{release}
{save_command}codeset approve {release} --review reviews/{release} --as "Name, role"{decisions_option}
git add {repository.approvals} {repository.lock} reviews
git commit -m "Approve {release}"
git push
```

</details>

{review_markdown}"""
    # The review is last: what is cut is its end, never the boxes or the way to sign.
    if len(body_text) <= _BODY_LENGTH:
        return body_text
    return f"{body_text[:_BODY_LENGTH]}\n\n… the whole review is in the run's artifact.\n"


def decision_boxes(open_outcomes: Sequence[ToDecide], digest: str) -> str:
    """Return two boxes and room for a reason for each of *open_outcomes*; *digest* is that of the review's decisions.

    `codeset approve --decisions` reads them. Where they are more than a pull request takes, it says where to decide.
    """
    if not open_outcomes:
        return ""
    outcome_boxes = (
        f"**{outcome_number}.** {safe(outcome.says)}\n- [ ] Accept\n- [ ] Reject\n- Reason:"
        for outcome_number, outcome in enumerate(open_outcomes, start=1)
    )
    heading = "## Decide on each changed result\n\n"
    boxes_text = "\n\n".join([pull_request_start(digest), *outcome_boxes, PULL_REQUEST_END])
    if len(boxes_text) > _BOXES_LENGTH:
        decision_places = f'decide on the page, or on the sheet "{DECIDE_SHEET}" of review.xlsx'
        return f"{heading}{len(open_outcomes):,} results: {decision_places}.\n\n"
    return f"{heading}Tick a box for each, and edit this text to write the reasons.\n\n{boxes_text}\n\n"


def with_decisions_of(earlier_body: str, new_body: str) -> str:
    """Return *new_body* with the boxes as they were ticked in *earlier_body*, if both are of the same review."""
    ticked_boxes, blank_boxes = boxes_in(earlier_body), boxes_in(new_body)
    # Ticks of another review would decide results that nobody has seen.
    if not (ticked_boxes and blank_boxes) or ticked_boxes["review"] != blank_boxes["review"]:
        return new_body
    return f"{new_body[: blank_boxes.start()]}{ticked_boxes[0]}{new_body[blank_boxes.end() :]}"


def suite_remarks(release_check: ReleaseCheck, golden_path: str | None) -> list[str]:
    """Return the result of the suite, one remark each; *golden_path* has the outcomes to be accepted, if any."""
    failed_count, differing_count = len(release_check.run.failed), len(release_check.differing)
    verb = "contradicts" if failed_count < 2 else "contradict"
    remarks = [f"Of {len(release_check.run.results)} scenarios {failed_count or 'none'} {verb} its coder."]
    # GitHub refuses a body that is too long: the rest is in the review.
    for failed_run in release_check.run.failed[:_FAILURES_SHOWN]:
        remarks += [f"{failed_run.scenario.id}: {failure}" for failure in failed_run.failures]
    if differing_count:
        remarks.append(f"{differing_count} outcomes are not as they were accepted.")
    if golden_path:
        remarks.append(f"The outcomes to be accepted are in `{golden_path}`.")
    else:
        remarks.append("What contradicts a coder is not accepted: there are no outcomes on the branch.")
    return remarks
