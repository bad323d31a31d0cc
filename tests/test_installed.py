"""What pip installs: import names that begin with codeset, all that ships, and a core that needs three libraries."""

import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PathOnce = Callable[[str, Callable[[Path], Path]], Path]


@pytest.fixture(scope="session")
def wheel(once: PathOnce) -> Path:
    return once("wheel", build_wheel)


def build_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=240)
    return next(folder.glob("*.whl"))


def requirements(wheel: Path, *extras: str) -> list[Requirement]:
    """What the wheel requires, with those extras."""
    with zipfile.ZipFile(wheel) as wheel_zip:
        name = next(member for member in wheel_zip.namelist() if member.endswith("METADATA"))
        lines = wheel_zip.read(name).decode().splitlines()
    distribution_requirements = [
        Requirement(line.removeprefix("Requires-Dist: ")) for line in lines if line.startswith("Requires-Dist: ")
    ]
    return list(needed_requirements(distribution_requirements, extras))


def needed_requirements(candidates: Iterable[Requirement], extras: Iterable[str]) -> Iterator[Requirement]:
    for requirement in candidates:
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            yield requirement


def installed_with(names: Iterable[Requirement]) -> set[str]:
    """The distributions that are installed with those, their own requirements included."""
    distributions: set[str] = set()
    queue = list(names)
    while queue:
        requirement = queue.pop()
        if requirement.name in distributions:
            continue
        try:
            own_requirements = map(Requirement, distribution(requirement.name).requires or ())
        except PackageNotFoundError:
            continue
        distributions.add(requirement.name)
        queue += needed_requirements(own_requirements, requirement.extras)
    return distributions


def new_venv(folder: Path, wheel: Path, *extras: str) -> Path:
    """A virtual environment with the wheel and what it requires, taken from the environment of this test.

    Returns its Python.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    packages = next(folder.glob("lib*/python*/site-packages"))
    for name in installed_with(requirements(wheel, *extras)):
        installed_distribution = distribution(name)
        for top in {file.parts[0] for file in installed_distribution.files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(installed_distribution.locate_file(top))))
    with zipfile.ZipFile(wheel) as wheel_zip:
        wheel_zip.extractall(packages)
    return folder / "bin" / "python"


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "COLUMNS": "200"}
    command = [str(python), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240
    )


@pytest.fixture(scope="session")
def core(wheel: Path, once: PathOnce) -> Path:
    return once("core", lambda folder: new_venv(folder, wheel))


@pytest.fixture(scope="session")
def whole(wheel: Path, once: PathOnce) -> Path:
    return once("whole", lambda folder: new_venv(folder, wheel, "cli", "ingest", "review", "x12"))


def test_only_import_names_that_begin_with_codeset_are_installed(wheel: Path):
    with zipfile.ZipFile(wheel) as wheel_zip:
        names = {member.split("/")[0] for member in wheel_zip.namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"codeset", "codeset_ingest"}


def test_what_ships_is_in_the_wheel(wheel: Path):
    with zipfile.ZipFile(wheel) as wheel_zip:
        shipped_files = set(wheel_zip.namelist())
    for folder in ("schemas", "compliance_tests/scenarios", "compliance_tests/guidance", "compliance_tests/golden"):
        for file in (ROOT / folder).iterdir():
            assert f"codeset/shipped/{folder}/{file.name}" in shipped_files
    for folder in ("codeset/audit/checks", "codeset/payers/profiles"):
        for file in (ROOT / folder).glob("*.yaml"):
            assert f"{folder}/{file.name}" in shipped_files


def test_the_core_needs_three_libraries(wheel: Path):
    assert {requirement.name for requirement in requirements(wheel)} == {"polars", "filelock", "platformdirs"}


def test_upper_bounds_are_rare(wheel: Path):
    bounded_names = {
        requirement.name
        for requirement in requirements(wheel, "cli", "ingest", "review", "x12", "spark")
        if "<" in str(requirement)
    }
    assert bounded_names == set()


def test_the_core_opens_compares_adjudicates_and_exports(core: Path, tmp_path: Path):
    """17004 has an MUE of 1; 11102 is paid by RVUs (MUE and RVU files of 2026q3)."""
    code = """
import datetime, sys
import codeset
from codeset.claims.input.claim import to_frame
from codeset.lookups.export import export
from codeset.participants import Participant
from codeset_ingest.embedded import build_embedded
store = codeset.Store.at("store")
for label in ("2025q4", "2026q3"):
    build_embedded(codeset.Release.parse(label), store)
old, new = codeset.open("2025q4", "store"), codeset.open("2026q3", "store")
print(new.mue("17004")["mue_value"])
print(codeset.diff(old, new).none)
line = codeset.ClaimLine(1, datetime.date(2026, 7, 1), "11102", 1, "11", "national")
claim = codeset.Claim("c", "b", "p", (line,))
print(codeset.adjudicate(to_frame([claim]), new, participant=Participant.NON_QP).lines["disposition"].to_list())
print(sorted(each.name for each in export(new, codeset.Store.at("out").path, "csv").iterdir())[0])
absent = {"yaml", "jsonschema", "rich", "typer", "openpyxl", "requests", "fastexcel", "pyx12", "jinja2"}
print(sorted(absent & set(sys.modules)))
"""
    process = run(core, tmp_path, "-c", code)
    assert process.stdout.split("\n") == ["1", "False", "['pay']", "add_on.csv", "[]", ""], process.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-m", "codeset.cli", "list"), "pip install 'derm-codeset[cli]'"),
        (("-c", "from codeset.claims.input.x12 import x12_lines"), "pip install 'derm-codeset[x12]'"),
        (("-c", "import codeset_ingest.build"), "pip install 'derm-codeset["),
        (("-c", "import codeset.workbook"), "pip install 'derm-codeset[review]'"),
        (("-c", "import codeset.claims.bulk.spark"), "pip install 'derm-codeset[spark]'"),
    ],
)
def test_a_missing_extra_is_named(core: Path, tmp_path: Path, arguments: tuple[str, ...], message: str):
    process = run(core, tmp_path, *arguments)
    assert message in process.stderr
    assert process.returncode != 0


def test_a_missing_extra_ends_the_command_in_words(core: Path, tmp_path: Path):
    process = run(core, tmp_path, "-m", "codeset.cli", "list")
    assert process.returncode == 2
    assert process.stderr == "typer is not installed. It comes with: pip install 'derm-codeset[cli]'\n"


def test_the_command_works_beside_a_projects_own_folders(whole: Path, tmp_path: Path):
    """A project may have packages of its own that are called as our folders are."""
    for name in ("ingest", "schemas", "compliance_tests", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('this is the project\\'s own')\n")
    command = ("-m", "codeset.cli")
    build_process = run(whole, tmp_path, *command, "build", "2026q3", "--embedded", "--store", "store")
    assert (build_process.returncode, build_process.stderr) == (0, "")
    test_process = run(whole, tmp_path, *command, "test", "2026q3", "--store", "store")
    assert (test_process.returncode, test_process.stderr) == (0, ""), test_process.stdout
    guidance_process = run(whole, tmp_path, *command, "guidance", "2026q3", "--store", "store")
    assert (guidance_process.returncode, guidance_process.stderr) == (1, ""), "the guides contradict CMS somewhere"
    assert "CONTRADICTED" in guidance_process.stdout.upper()


def test_the_version_is_that_of_the_distribution(whole: Path, wheel: Path, tmp_path: Path):
    assert run(whole, tmp_path, "-m", "codeset.cli", "--version").stdout == f"codeset {wheel.name.split('-')[1]}\n"
