"""The pytest plugin: `pytest --codeset-scenarios DIR --codeset-release R` runs scenarios, an item for each and release.

Options are also ini keys (`codeset_scenarios`, `codeset_release`, `codeset_store`), whose folders are relative to the
ini file. Scenarios named there are collected where pytest comes by their folder, beside the project's own tests;
without either nothing is collected that pytest does not collect by itself. The items say what `codeset test` says.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codeset.errors import CodesetError

if TYPE_CHECKING:
    from codeset.suite.check_release import ReleaseCheck
    from codeset.suite.scenarios import Scenario, Suite

_RELEASE_CHECKS = pytest.StashKey[dict[str, "ReleaseCheck"]]()
_LOADED_SUITE = pytest.StashKey["Suite"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini keys."""
    option_group = parser.getgroup("codeset", "golden scenarios of billing")
    option_group.addoption("--codeset-scenarios", metavar="DIR", help="Run the scenarios of this folder")
    option_group.addoption(
        "--codeset-release", action="append", metavar="R", help="On this release; may be given repeatedly"
    )
    option_group.addoption("--codeset-store", metavar="DIR", help="The store of releases [default: as codeset's]")
    parser.addini("codeset_scenarios", "Folder of scenarios to run")
    parser.addini("codeset_release", "Releases to run them on", type="args", default=[])
    parser.addini("codeset_store", "The store of releases [default: as codeset's]")


def scenarios_of(config: pytest.Config) -> Path | None:
    """Return the folder of scenarios that the options or the ini file name."""
    return _folder_option(config, "codeset_scenarios")


def store_of(config: pytest.Config) -> Path | None:
    """Return the folder of the store that the options or the ini file name."""
    return _folder_option(config, "codeset_store")


def releases_of(config: pytest.Config) -> list[str]:
    """Return the releases that the options or the ini file name."""
    releases: list[str] = config.getoption("codeset_release") or config.getini("codeset_release")
    return releases


def _folder_option(config: pytest.Config, option_name: str) -> Path | None:
    if option_value := config.getoption(option_name):
        return Path(option_value)
    folder = config.getini(option_name)
    return (config.inipath or config.rootpath / "-").parent / folder if folder else None


def pytest_configure(config: pytest.Config) -> None:
    """Collect the folder of scenarios where the command line asks for nothing else."""
    if scenarios_of(config) is None:
        return
    if not releases_of(config):
        raise pytest.UsageError("--codeset-scenarios: name the releases with --codeset-release")
    folder = config.getoption("codeset_scenarios")
    # `pytest --codeset-scenarios DIR` without paths runs that folder alone, not the project's tests as well.
    if folder and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [folder]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioFile | None":
    """Collect yaml files of the folder that was named."""
    folder = scenarios_of(parent.config)
    if folder is None or file_path.suffix != ".yaml" or folder.resolve() not in file_path.resolve().parents:
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


def _suite(config: pytest.Config) -> "Suite":
    from codeset.suite.scenarios import load  # noqa: PLC0415 (pytest loads the plugin in every project)

    if _LOADED_SUITE not in config.stash:
        config.stash[_LOADED_SUITE] = load(_scenarios_folder(config))
    return config.stash[_LOADED_SUITE]


def _scenarios_folder(config: pytest.Config) -> Path:
    folder = scenarios_of(config)
    assert folder is not None  # files are collected only where a folder is named
    return folder


def _release_check(config: pytest.Config, release: str) -> "ReleaseCheck":
    from codeset.store import Store  # noqa: PLC0415
    from codeset.suite.check_release import check_release  # noqa: PLC0415
    from codeset.suite.goldens import goldens_folder  # noqa: PLC0415

    # All scenarios of a release go through the engine at once, for the first item that asks.
    checks_of_release = config.stash.setdefault(_RELEASE_CHECKS, {})
    if release not in checks_of_release:
        snapshot = Store.at(store_of(config)).open(release)
        checks_of_release[release] = check_release(_suite(config), snapshot, goldens_folder(_scenarios_folder(config)))
    return checks_of_release[release]


class ScenarioFile(pytest.File):
    """A file of scenarios."""

    def collect(self) -> Iterator["ScenarioItem"]:
        """Yield an item for each scenario and release in whose quarter it holds."""
        from codeset.releases import Release  # noqa: PLC0415

        try:
            suite = _suite(self.config)
        except CodesetError as error:
            raise self.CollectError(str(error)) from error
        for scenario in suite.scenarios:
            for release in releases_of(self.config) if scenario.file == self.path.name else ():
                if scenario.holds_in(Release.parse(release)):
                    yield ScenarioItem.from_parent(
                        self, name=f"{scenario.id}[{release}]", scenario=scenario, release=release
                    )


class ScenarioItem(pytest.Item):
    """One scenario on one release."""

    def __init__(self, *, scenario: "Scenario", release: str, **node: Any) -> None:
        """Keep what is to be tried."""
        super().__init__(**node)
        self.scenario, self.release = scenario, release

    def runtest(self) -> None:
        """Fail where a coder is contradicted, or the outcome is not the one that was accepted."""
        release_check = _release_check(self.config, self.release)
        if self.scenario in release_check.run.left_out:
            pytest.skip(f"{self.release} holds no {', '.join(self.scenario.tables)}")
        failure_texts = [*self._contradictions(release_check), *release_check.differing.get(self.scenario.id, ())]
        if self.scenario.id in release_check.missing:
            failure_texts.append(f"not accepted yet; read it, then: codeset test --accept {self.release}")
        if failure_texts:
            raise AssertionError("\n".join([self.scenario.says, *failure_texts]))

    def _contradictions(self, release_check: "ReleaseCheck") -> tuple[str, ...]:
        failures_of_scenario: Mapping[str, tuple[str, ...]] = {
            result.scenario.id: result.failures for result in release_check.run.failed
        }
        return failures_of_scenario.get(self.scenario.id, ())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what is wrong in words, without a traceback."""
        if isinstance(excinfo.value, (AssertionError, CodesetError)):
            return f"{self.path}:{self.scenario.at}: {self.scenario.id} on {self.release}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the file and line of the scenario."""
        return self.path, self.scenario.at - 1, self.name
