"""The house rules of the folders, read from the source: who may import whom, and what stands only where it belongs."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("codeset", "ingest/codeset_ingest", "compliance_tests")
COMMAND = ROOT / "codeset" / "cli"
"""The one place that may import everything."""
SOURCES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return names


def reaches(file: Path, *modules: str) -> list[str]:
    return sorted(
        name for name in imported(file) if any(name == each or name.startswith(f"{each}.") for each in modules)
    )


def texts(file: Path) -> Iterator[str]:
    """The string constants of a module that are no docstrings."""
    tree = ast.parse(file.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    spoken = {
        id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken:
            yield node.value


def within(*folders: str) -> list[Path]:
    return [
        file
        for file in SOURCES
        if any((ROOT / folder) in file.parents or (ROOT / folder) == file for folder in folders)
    ]


@pytest.mark.parametrize("file", within("codeset"), ids=str)
def test_the_library_imports_nothing_of_ours_but_itself(file):
    if COMMAND not in file.parents:
        assert reaches(file, "codeset_ingest", "compliance_tests", "codeset.cli") == []


@pytest.mark.parametrize("file", within("ingest"), ids=str)
def test_ingest_imports_only_the_library(file):
    assert reaches(file, "compliance_tests", "codeset.cli", "codeset.claims", "codeset.suite", "codeset.review") == []


@pytest.mark.parametrize("file", within("compliance_tests"), ids=str)
def test_the_golden_suite_is_data_and_the_library(file):
    assert reaches(file, "codeset_ingest") == []


ROOMS = (
    ("codeset/claims/input", ("codeset.claims.edits", "codeset.claims.pricing", "codeset.claims.bulk")),
    ("codeset/claims/edits", ("codeset.claims.input", "codeset.claims.pricing", "codeset.claims.bulk")),
    (
        "codeset/claims/engine",
        ("codeset.claims.input", "codeset.claims.edits", "codeset.claims.pricing", "codeset.claims.bulk"),
    ),
    ("codeset/claims/pricing", ("codeset.claims.input", "codeset.claims.bulk")),
    ("codeset/claims", ("codeset.suite", "codeset.review", "codeset.change_report", "codeset.proposal")),
    ("codeset/change_report", ("codeset.claims", "codeset.suite", "codeset.review", "codeset.proposal")),
    ("codeset/lookups", ("codeset.claims", "codeset.suite", "codeset.review", "codeset.proposal")),
    ("codeset/impact", ("codeset.suite", "codeset.review", "codeset.proposal")),
    ("codeset/practice_guide", ("codeset.review", "codeset.proposal")),
    ("codeset/visit", ("codeset.suite.guidance", "codeset.review", "codeset.change_report", "codeset.proposal")),
    (
        "codeset/suite",
        ("codeset.audit", "codeset.review", "codeset.change_report", "codeset.proposal"),
    ),
    ("codeset/payers", ("codeset.review", "codeset.change_report", "codeset.proposal")),
    ("codeset/audit", ("codeset.payers", "codeset.review", "codeset.change_report", "codeset.proposal")),
    ("codeset/review", ("codeset.proposal",)),
)
"""Each room, and the rooms that lie above it: those that it must not import."""


@pytest.mark.parametrize(("room", "above"), ROOMS, ids=[room for room, _ in ROOMS])
def test_a_room_imports_no_room_above_it(room, above):
    assert {str(file): reached for file in within(room) if (reached := reaches(file, *above))} == {}


def test_the_core_imports_no_room():
    rooms = tuple(f"codeset.{folder.name}" for folder in (ROOT / "codeset").iterdir() if folder.is_dir())
    core = [file for file in (ROOT / "codeset").glob("*.py") if file.name != "__init__.py"]
    assert [file.name for file in core if reaches(file, *rooms)] == []


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part not in ("ingest", "__init__"))


def test_no_module_imports_itself_by_way_of_others():
    known = {module_name(file): imported(file) for file in SOURCES}
    packages = {name.rpartition(".")[0] for name in known}
    TopologicalSorter({name: (names & known.keys()) - packages for name, names in known.items()}).prepare()


def test_no_two_modules_share_a_name():
    names = Counter(file.name for file in SOURCES if not file.name.startswith("__"))
    assert [name for name, times in names.items() if times > 1] == []


def test_no_folder_holds_more_modules_than_one_keeps_in_mind():
    modules = Counter(file.parent.relative_to(ROOT) for file in SOURCES if file.name != "__init__.py")
    assert {str(folder): count for folder, count in modules.items() if count > 18} == {}


def test_only_fetch_speaks_to_the_network():
    network = ("requests", "urllib3", "urllib.request", "http.client", "socket", "httpx")
    assert [
        str(file)
        for file in SOURCES
        if reaches(file, *network) and file != ROOT / "ingest/codeset_ingest/cms_site/http.py"
    ] == []


def test_only_the_page_to_sign_on_listens():
    assert [file.name for file in SOURCES if reaches(file, "http.server", "socketserver")] == ["serve.py"]


def test_workbooks_are_read_in_ingest_and_as_claims_and_written_in_one_module():
    assert [file.name for file in SOURCES if reaches(file, "openpyxl")] == ["read_workbook.py", "workbook.py"]
    assert [file.parent.name for file in SOURCES if reaches(file, "fastexcel")] == ["read"]


CODE = re.compile(r"\d{5}|[A-Z]\d{4}|\d{4}[A-Z]")


@pytest.mark.parametrize("file", within("codeset", "ingest"), ids=str)
def test_no_code_rate_or_conversion_factor_stands_in_source(file):
    found = [text for text in texts(file) if CODE.fullmatch(text) or re.fullmatch(r"3\d\.\d{4}", text)]
    assert found == []


@pytest.mark.parametrize("file", within("codeset"), ids=str)
def test_cms_header_names_stand_only_in_layouts(file):
    headers = ("CONV FACTOR", "AOC_Edit", "PROCSTAT", "MUE Adjudication Indicator", "Column 1", "PW GPCI", "GLOB DAYS")
    assert [text for text in texts(file) for header in headers if header in text] == []
