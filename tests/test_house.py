"""The house rules of the folders, read from the source: who may import whom, and what stands only where it belongs."""

import ast
import re
from collections import Counter
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("codeset", "ingest/codeset_ingest", "compliance_tests")
COMMAND = ROOT / "codeset" / "cli"
"""The one place that may import everything."""
SOURCES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


@cache
def imports_of(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def reaches(file: Path, *modules: str) -> list[str]:
    return sorted(
        name for name in imports_of(file) if any(name == module or name.startswith(f"{module}.") for module in modules)
    )


@cache
def texts(file: Path) -> list[str]:
    """The string constants of a module that are no docstrings."""
    nodes = list(ast.walk(tree_of(file)))
    documented_nodes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    spoken = {
        id(node.body[0].value) for node in nodes if isinstance(node, documented_nodes) and ast.get_docstring(node)
    }
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken
    ]


def within(*folders: str) -> list[Path]:
    return [
        file
        for file in SOURCES
        if any((ROOT / folder) in file.parents or (ROOT / folder) == file for folder in folders)
    ]


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part not in ("ingest", "__init__"))


@cache
def imports() -> dict[str, set[str]]:
    """What each module imports; when a test asks, for reading them all takes seconds."""
    return {module_name(file): imports_of(file) for file in SOURCES}


PACKAGE_NAMES = {module_name(file) for file in SOURCES if file.name == "__init__.py"}


CORE = "codeset"
FIELDS = "codeset/claims/claim_fields"
"""The two files of `claims` that stand below its rooms: the fields of a line, and how a claim's file is written."""

INGEST = ("ingest/codeset_ingest/read", "ingest/codeset_ingest/cms_site")
RULES = (FIELDS, "codeset/claims/reference", "codeset/claims/engine", "codeset/claims/edits")
CLAIMS = (*RULES, "codeset/claims/input", "codeset/claims/pricing", "codeset/claims/remedies", "codeset/claims")
SUITE = (*CLAIMS, "codeset/suite")
VISIT = (*SUITE, "codeset/visit")

MAY_IMPORT = {
    CORE: (),
    "codeset/spreadsheets": (),
    "codeset/lookups": (),
    "codeset/change_report": (),
    FIELDS: (),
    "codeset/claims/reference": (),
    "codeset/claims/engine": (FIELDS,),
    "codeset/claims/edits": (FIELDS, "codeset/claims/reference", "codeset/claims/engine"),
    "codeset/claims/input": (FIELDS, "codeset/claims/engine", "codeset/spreadsheets"),
    "codeset/claims/pricing": RULES,
    "codeset/claims/remedies": RULES,
    "codeset/claims": CLAIMS,
    "codeset/claims/bulk": CLAIMS,
    "codeset/impact": (*CLAIMS, "codeset/spreadsheets"),
    "codeset/suite": CLAIMS,
    "codeset/visit": SUITE,
    "codeset/suite/guidance": VISIT,
    "codeset/audit": SUITE,
    "codeset/payers": (*SUITE, "codeset/audit"),
    "codeset/practice_guide": (*VISIT, "codeset/suite/guidance"),
    "codeset/review": (
        *("codeset/spreadsheets", "codeset/lookups", "codeset/change_report", "codeset/impact"),
        *("codeset/claims/reference", "codeset/claims/edits", "codeset/suite", "codeset/suite/guidance"),
        "codeset/practice_guide",
    ),
    "codeset/proposal": ("codeset/suite", "codeset/suite/guidance", "codeset/review"),
    "ingest/codeset_ingest/read": (),
    "ingest/codeset_ingest/cms_site": ("ingest/codeset_ingest/read",),
    "ingest/codeset_ingest": INGEST,
    "compliance_tests": ("codeset/suite", "codeset/visit"),
}
"""Each room, the folders below it included, and the rooms that it may import besides the files of `codeset` itself."""


def room_of(module: str) -> str:
    """The innermost room of MAY_IMPORT that a module is in; `codeset.cli` is in none: it may import everything."""
    path = module.replace(".", "/").replace("codeset_ingest", "ingest/codeset_ingest", 1)
    if path in ("codeset/claims/claim_fields", "codeset/claims/claims_csv"):
        return FIELDS
    parts = path.split("/")
    folders = ("/".join(parts[:end]) for end in range(len(parts), 1, -1))
    return next((room for room in folders if room in MAY_IMPORT), parts[0] if len(parts) <= 2 else f"no room: {path}")


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_that_it_may(room):
    allowed_imports = {room, CORE, *MAY_IMPORT[room]}
    reached_modules = {
        (module, name)
        for module, names in imports().items()
        if module != "codeset" and not module.startswith("codeset.cli") and room_of(module) == room
        for name in names & imports().keys() - {package for package in PACKAGE_NAMES if "." in package}
        if name.startswith("codeset.cli") or room_of(name) not in allowed_imports
    }
    assert reached_modules == set()


def test_the_arrows_between_rooms_go_one_way():
    arrows = {room: set(below) - {room} for room, below in MAY_IMPORT.items()}
    assert set(TopologicalSorter(arrows).static_order()) >= set(MAY_IMPORT)  # raises where rooms import in a circle


def test_every_folder_below_the_library_is_a_room():
    modules = [module for module in imports() if not module.startswith("codeset.cli")]
    assert [module for module in modules if room_of(module) not in MAY_IMPORT] == []


def test_no_module_imports_itself_by_way_of_others():
    graph = {name: (names & imports().keys()) - PACKAGE_NAMES for name, names in imports().items()}
    assert set(TopologicalSorter(graph).static_order()) >= set(imports())  # raises where modules import in a circle


def test_no_two_modules_share_a_name():
    names = Counter(file.name for file in SOURCES if not file.name.startswith("__"))
    assert [name for name, times in names.items() if times > 1] == []


def test_no_folder_holds_more_modules_than_one_keeps_in_mind():
    modules = Counter(file.parent.relative_to(ROOT) for file in SOURCES if file.name != "__init__.py")
    assert {str(folder): count for folder, count in modules.items() if count > 18} == {}


def test_every_edit_has_a_test_module_of_its_name():
    edits = {module.rsplit(".", 1)[1] for module in imports()["codeset.claims.edits"] & imports().keys()}
    tested_edits = {file.stem.removeprefix("test_") for file in (ROOT / "tests" / "claims" / "edits").glob("test_*.py")}
    assert "mue" in edits
    assert edits - tested_edits == set()


def test_no_module_is_named_for_what_it_is_not_about():
    names = ("util", "utils", "helper", "helpers", "common", "misc", "base", "registry", "tools")
    assert [file.name for file in SOURCES if file.stem in names] == []


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
def test_no_code_rate_or_conversion_factor_is_in_source(file):
    literals = [text for text in texts(file) if CODE.fullmatch(text) or re.fullmatch(r"3\d\.\d{4}", text)]
    assert literals == []


@pytest.mark.parametrize("file", within("codeset"), ids=str)
def test_cms_header_names_are_only_in_layouts(file):
    headers = ("CONV FACTOR", "AOC_Edit", "PROCSTAT", "MUE Adjudication Indicator", "Column 1", "PW GPCI", "GLOB DAYS")
    assert [text for text in texts(file) for header in headers if header in text] == []
