"""What an approver filled in, on the page, in the workbook or in a pull request: read strictly, refused in words."""

import json
import re
from pathlib import Path

import pytest

from codeset import workbook
from codeset.errors import BadInput, CodesetError, WrongUse
from codeset.review.decision_basis import PULL_REQUEST_END, basis_digest, pull_request_start
from codeset.review.sign_off.decision_files import check_review, read_decision_file
from codeset.review.sign_off.decisions import Decision, parse_decisions
from codeset.workbook import Sheet

REVIEW = {
    "old": {"release": "2025q4", "editions": []},
    "new": {"release": "2026q3", "editions": []},
    "to_decide": [
        {"id": "scenario complexity-alone", "says": "G2211 without a visit"},
        {"id": "code 15012", "says": "15012 billed alone"},
        {"id": "pair 17000/17003", "says": "17000 with 17003"},
    ],
}
DIGEST = basis_digest(REVIEW)
DECIDED = [
    Decision("scenario complexity-alone", "accepted", "as CMS published"),
    Decision("code 15012", "rejected", "ask the MAC"),
    Decision("pair 17000/17003", "accepted", "read"),
]
ROWS = [
    ("1", "scenario complexity-alone", "accept", "as CMS published"),
    ("2", "code 15012", "reject", "ask the MAC"),
    ("3", "pair 17000/17003", "accept", "read"),
]


def json_file(folder: Path, rows: list[tuple[str, ...]] = ROWS, **fields: object) -> Path:
    decisions = [{"outcome": outcome, "decision": decision, "reason": reason} for _, outcome, decision, reason in rows]
    file = folder / "decisions.json"
    file.write_text(json.dumps({"format": "1.0", "review": DIGEST, "decisions": decisions, **fields}, indent="\t"))
    return file


def yaml_file(folder: Path) -> Path:
    file = folder / "decisions.yaml"
    lines = "".join(f"- {{outcome: {one}, decision: {two}, reason: {three}}}\n" for _, one, two, three in ROWS)
    file.write_text(f"format: 1.0\nreview: {DIGEST}\ndecisions:\n{lines}")
    return file


def workbook_file(folder: Path, rows: list[tuple[object, ...]] = ROWS, digest: str = DIGEST) -> Path:
    file = folder / "review.xlsx"
    header = ("number", "outcome", "what changed", "decision", "reason")
    cells = [(number, outcome, "text", *rest) for number, outcome, *rest in rows]
    sheet = Sheet(cells, header, ["Decide on each changed result", f"Review {digest}"])
    workbook.write(file, {"review": Sheet([("Status",)]), "decide": sheet})
    return file


BODY = f"""\
CMS has posted 2026q3.

{pull_request_start(DIGEST)}
**1.** G2211 without a visit
- [x] Accept
- [ ] Reject
- Reason: as CMS published

**2.** 15012 billed alone
- [ ] Accept
- [X] Reject
- Reason: ask
  the MAC

**3.** 17000 with 17003
- [x] Accept
- [ ] Reject
- Reason: read
{PULL_REQUEST_END}

**1.** of something else
- [x] Reject
"""


def body_file(folder: Path, text: str = BODY) -> Path:
    file = folder / "body.md"
    file.write_bytes(text.replace("\n", "\r\n").encode())  # as GitHub gives it
    return file


def decisions_in(file: Path, reason: str | None = None) -> list[Decision]:
    decisions = read_decision_file(file)
    check_review(decisions, REVIEW)
    return parse_decisions(REVIEW, decisions.entries, reason)


@pytest.mark.parametrize("write", [json_file, yaml_file, workbook_file, body_file])
def test_every_kind_of_file_says_the_same(tmp_path, write):
    assert decisions_in(write(tmp_path)) == DECIDED


@pytest.mark.parametrize("name", ["2", "code 15012", "15012", "CODE  15012", "2 code 15012", "2. code 15012"])
def test_an_outcome_is_named_as_the_page_shows_it(tmp_path, name):
    assert decisions_in(json_file(tmp_path, [("", name, "accept", "read")])) == [
        Decision("code 15012", "accepted", "read")
    ]


@pytest.mark.parametrize("answer", ["accept", "Accepted", "ACCEPT"])
def test_accept_and_accepted_are_the_same(tmp_path, answer):
    assert decisions_in(json_file(tmp_path, [("", "2", answer, "read")]))[0].decision == "accepted"


def test_numbers_in_cells_are_the_numbers_that_the_sheet_shows(tmp_path):
    """A sheet without the column of ids, with numbers as numbers; a blank row is one that nobody decided."""
    rows = [(2, None, "accept", 2026), (3.0, None, "reject", "read"), (1, None, None, None), (None, None, None, None)]
    assert decisions_in(workbook_file(tmp_path, rows)) == [
        Decision("code 15012", "accepted", "2026"),
        Decision("pair 17000/17003", "rejected", "read"),
    ]


def test_a_reason_on_several_lines_is_one_text(tmp_path):
    assert decisions_in(workbook_file(tmp_path, [(2, "", "accept", "read,\ndiscussed")]))[0].reason == "read, discussed"


def test_what_a_file_leaves_open_can_be_accepted_with_one_reason(tmp_path):
    decisions = decisions_in(json_file(tmp_path, ROWS[1:2]), reason="read")
    assert [decision.decision for decision in decisions] == ["accepted", "rejected", "accepted"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("", "code 99999", "accept", "read")],
            '"code 99999" is not in this review; it has: 1 = scenario complexity-al',
        ),
        ([("", "4", "accept", "read")], '"4" is not in this review'),
        ([("", "", "accept", "read")], "no outcome is not in this review"),
        ([("", "2", "accept", "")], "code 15012: the reason is missing"),
        ([("", "2", "accept", " \n ")], "code 15012: the reason is missing"),
        ([("", "2", "", "read")], "code 15012: expected accept or reject, the decision is missing"),
        ([("", "2", "maybe", "read")], 'code 15012: expected accept or reject, found "maybe"'),
        (
            [("", "2", "accept", "a"), ("", "15012", "reject", "b")],
            "code 15012 is both accepted and rejected: decisions",
        ),
        ([("", "2", "accept", "a"), ("", "2", "accept", "a")], "code 15012 is decided twice: decisions.json, line "),
    ],
)
def test_what_cannot_be_understood_is_refused_in_words(tmp_path, rows, message):
    with pytest.raises(WrongUse, match=re.escape(message)):
        decisions_in(json_file(tmp_path, rows))


def test_all_faults_are_named_together(tmp_path):
    with pytest.raises(WrongUse) as error:
        decisions_in(json_file(tmp_path, [("", "9", "accept", "read"), ("", "2", "accept", ""), ("", "1", "no", "x")]))
    assert len(str(error.value).splitlines()) == 4


def test_both_boxes_ticked_are_both(tmp_path):
    with pytest.raises(WrongUse, match="scenario complexity-alone is both accepted and rejected"):
        decisions_in(body_file(tmp_path, BODY.replace("- [ ] Reject", "- [x] Reject", 1)))


def test_a_box_without_a_reason_and_a_reason_without_a_box_are_refused(tmp_path):
    with pytest.raises(WrongUse, match="scenario complexity-alone: the reason is missing"):
        decisions_in(body_file(tmp_path, BODY.replace(" as CMS published", "")))
    with pytest.raises(WrongUse, match=r"scenario complexity-alone: .* the decision is missing"):
        decisions_in(body_file(tmp_path, BODY.replace("- [x] Accept", "- [ ] Accept", 1)))


OTHER = {**REVIEW, "to_decide": REVIEW["to_decide"][:1]}


@pytest.mark.parametrize("write", [json_file, yaml_file, workbook_file, body_file])
def test_decisions_of_another_review_are_refused(tmp_path, write):
    decisions = read_decision_file(write(tmp_path))
    with pytest.raises(WrongUse, match="is about another review, not about this one of 2025q4 and 2026q3"):
        check_review(decisions, OTHER)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("decisions.json", '{"decisions": []}', "'review' is a required property"),
        ("decisions.json", '{"format": "2.0", "review": "", "decisions": []}', "this version reads format 1"),
        ("decisions.json", '{"review": "1", "review": "2", "decisions": []}', "is there twice"),
        ("decisions.json", "[]", "is not of type 'object'"),
        ("decisions.json", "{", "is not YAML"),
        ("decisions.yaml", "", "is not of type 'object'"),
        ("decisions.xlsx", "PK no workbook", "cannot be read as an xlsx workbook"),
        ("decisions.txt", b"\xff\xfe\x00", "is not UTF-8 text"),
        ("body.md", BODY.partition(PULL_REQUEST_END)[0], "the end of the decisions is missing; copy the whole text"),
        ("body.md", BODY.replace("decisions 1.0", "decisions 2.0"), "this version reads format 1"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match=re.escape(message)):
        read_decision_file(tmp_path / name)


def test_a_workbook_without_the_sheet_its_header_or_its_review_is_refused(tmp_path):
    workbook.write(tmp_path / "a.xlsx", {"review": Sheet([("Status",)])})
    workbook.write(tmp_path / "b.xlsx", {"decide": Sheet([("1", "accept")])})
    workbook_file(tmp_path, digest="of July")
    for name, message in (
        ("a", 'has no sheet "decide"'),
        ("b", "the header"),
        ("review", "names the review is missing"),
    ):
        with pytest.raises(BadInput, match=message):
            read_decision_file(tmp_path / f"{name}.xlsx")


def test_a_newer_minor_format_may_have_further_fields(tmp_path):
    assert decisions_in(json_file(tmp_path, format="1.7", author="A B")) == DECIDED


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(CodesetError, match="there is no such file of decisions"):
        read_decision_file(tmp_path / "decisions.json")
