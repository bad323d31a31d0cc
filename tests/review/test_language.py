"""What a person reads is plain American billing English: words that are never used, internal names that never show."""

import ast
import re
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.main import get_command
from typer.testing import CliRunner

from codeset.change_report.changes_as_markdown import changes_markdown
from codeset.claims.pricing.unpriced import UNPRICED
from codeset.cli.app import app
from codeset.differences import diff

ROOT = Path(__file__).parents[2]

NEVER = {
    "is told": r"\b(?:is|are|was|were|be) told\b",
    "is asked": r"\b(?:is|are) asked\b",
    "lies": r"\blies\b",
    "stands, for is": r"\bstands\b(?! for\b| in for\b)",
    "comes out otherwise": r"\b(?:comes?|came) out otherwise\b|\banother outcome\b",
    "gone": r"\bgone\b",
    "so many": r"\bso many\b",
    "as it is said": r"\bas it is said\b",
    "by itself, for billed alone": r"\bby itself \d",
    "the way to it": r"\bthe way to it\b",
    "parts, for separates": r"\bparts (?:it|them|a|an|the)\b|\bparted (?:from|into)\b|\bparted by\b",
    "mended": r"\bmend(?:ed|s|ing)?\b",
    "well, for OK": r"\b(?:is|are|all|comes out) well\b|= ?well\b|\b0 well\b",
    "laid before": r"\blaid before\b|\blays? (?:a|one|it|them) (?:\w+ ){0,2}before\b",
    "none, as a noun": r"(?<!there )\b(?:is|are) none\b(?! of)|\bwhich none\b",
    "in the median": r"\bin the median\b",
    "is no, for is not a": r"(?<!there )\bis no (?:review|folder|code|workbook|release|snapshot|store|text|key|CMS)\b",
    "British spelling": r"\blicences?\b|\bauthoris\w*|\brecognis\w*|\bcolour\w*|\bbehaviour\w*",
    "a space before %": r"\d %",
}
"""What each word is, and how it is found."""


_IDS = r"\b[a-z0-9]+(?:-[a-z0-9]+){2,}\b|\b[a-z]+\.[a-z0-9-]+\b"
"""Names of scenarios and of statements of guides."""


def faults(text: str) -> list[str]:
    """Each use of what is never said, with the words around it; code spans and fences aside."""
    text = re.sub(r"```.*?```|`[^`\n]*`|" + _IDS, " ", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return [
        f"{name}: …{text[max(match.start() - 50, 0) : match.end() + 40]}…"
        for name, pattern in NEVER.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


_AT_THE_TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
DOCS = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in _AT_THE_TOP)]


@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_docs(file):
    assert faults(file.read_text()) == []


TEMPLATES = sorted((ROOT / "codeset").rglob("*.j2"))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_templates(file):
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", " ", file.read_text(), flags=re.DOTALL)
    assert faults(text) == []


def test_reasons():
    reasons = tomllib.loads((ROOT / "codeset/claims/edits/reasons.toml").read_text())
    assert [fault for reason in strings(reasons) for fault in faults(reason)] == []


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


SOURCES = [*sorted((ROOT / "codeset").rglob("*.py")), *sorted((ROOT / "ingest/codeset_ingest").rglob("*.py"))]


def spoken(file: Path) -> Iterator[str]:
    """The texts in a module that a person may read: string literals, docstrings aside."""
    tree = ast.parse(file.read_text())
    aside = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "X" for part in node.values]
            yield "".join(map(str, parts))
            aside |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in aside
            and " " in node.value
        ):
            yield node.value


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_messages(file):
    assert [fault for text in spoken(file) for fault in faults(text)] == []


@pytest.mark.parametrize("command", ["", *get_command(app).commands])
def test_help(command):
    result = CliRunner().invoke(app, [*filter(None, [command]), "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert faults(result.output) == []


REASONS = tuple(tomllib.loads((ROOT / "codeset/claims/edits/reasons.toml").read_text()))
_HYPHENATED = sorted((name for name in (*REASONS, *UNPRICED) if "-" in name), key=len, reverse=True)
INTERNAL = re.compile(rf"(?<![-\w])(?:[a-z]+_[a-z_]+|{'|'.join(_HYPHENATED)})(?![-\w])")
"""Names of columns, and of reasons: a reader sees words in their place."""

NOT_OURS = re.compile(
    r"\b(?:CMS_|MCR_|AOC_|PPRRVU|GPCI|allowed_signers)\w*|\b\d{4}q\d\S*|\S+\.(?:txt|csv|xlsx|json|zip)\b", re.IGNORECASE
)
"""Names of files, and the targets of links in the workbook."""


class Shown(HTMLParser):
    """The text of a page that a reader sees, and that of its headings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.headings: list[str] = []
        self._within: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "code", "pre"} & set(self._within):
            self.texts.append(data)
            if {"h1", "h2", "h3", "h4", "summary", "caption"} & set(self._within):
                self.headings.append(data)


@pytest.fixture(scope="module")
def text_by_form(review_folder: Path) -> dict[str, str]:
    """Each file that people read, with its text; the header of a csv, which programs read too, is a name of columns."""
    texts = {name: (review_folder / name).read_text() for name in ("review.md", "CHANGELOG-entry.md", "due-dates.ics")}
    for name in ("fee-schedule.csv", "edits-changed.csv"):
        texts[name] = (review_folder / name).read_text().partition("\n")[2]
    for name in ("review.html", "physician-handout.html"):
        texts[name] = " ".join(Shown((review_folder / name).read_text()).texts)
    for name in ("review.xlsx", "tasks.xlsx"):
        book = load_workbook(review_folder / name, read_only=True)
        cells = (cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
        texts[name] = "\n".join([*book.sheetnames, *(cell for cell in cells if isinstance(cell, str))])
    return texts


def test_every_form_of_the_review(text_by_form):
    assert {name: form_faults for name, text in text_by_form.items() if (form_faults := faults(text))} == {}


def test_no_internal_name_is_shown_in_the_review(text_by_form):
    names_by_form = {
        name: sorted(set(INTERNAL.findall(NOT_OURS.sub(" ", text)))) for name, text in text_by_form.items()
    }
    assert {name: names for name, names in names_by_form.items() if names} == {}


def test_no_scenario_s_id_is_a_heading(review_folder):
    ids = ("complexity-add-on", "three-units-of-88346")
    headings = Shown((review_folder / "review.html").read_text()).headings
    assert [heading for heading in headings if any(name in heading for name in ids)] == []
    assert [
        line for line in (review_folder / "review.md").read_text().splitlines() if re.match(r"#.*-add-on", line)
    ] == []


def test_the_change_report(embedded):
    report = changes_markdown(diff(embedded.open("2025q4"), embedded.open("2026q3"), "derm"))
    assert faults(report) == []
    assert sorted(set(INTERNAL.findall(NOT_OURS.sub(" ", report)))) == []


def test_the_changelog_has_a_part_for_billers_and_one_for_engineers():
    headings = re.findall(r"^#+ (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert {"For billers and compliance leads", "For engineers"} <= set(headings)
