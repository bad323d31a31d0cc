"""The pytest plugin: `pytest --scenarios DIR --release R` tries a folder of scenarios, an item for each and release.

Nothing happens without `--scenarios`. What the items say is what `codeset test` says.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codeset.errors import CodesetError

if TYPE_CHECKING:
    from codeset.suite.scenarios import Scenario, Suite
    from codeset.suite.try_releases import Tested

_RUNS = pytest.StashKey[dict[str, "Tested"]]()
_SUITE = pytest.StashKey["Suite"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("codeset", "golden scenarios of billing")
    group.addoption("--scenarios", type=Path, metavar="DIR", help="Try the scenarios of this folder")
    group.addoption("--release", action="append", metavar="R", help="On this release; may be given several times")
    group.addoption("--store", type=Path, metavar="DIR", help="The store of releases [default: as codeset's]")


def pytest_configure(config: pytest.Config) -> None:
    """Collect the folder of scenarios where nothing else was asked for."""
    folder = config.getoption("--scenarios")
    if folder is None:
        return
    if not config.getoption("--release"):
        raise pytest.UsageError("--scenarios: name the releases with --release")
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(folder)]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioFile | None":
    """Collect yaml files of the folder that was named."""
    folder = parent.config.getoption("--scenarios")
    if folder is None or file_path.suffix != ".yaml" or Path(folder).resolve() not in file_path.resolve().parents:
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


def _suite(config: pytest.Config) -> "Suite":
    from codeset.suite.scenarios import load  # noqa: PLC0415 (pytest loads the plugin in every project)

    if _SUITE not in config.stash:
        config.stash[_SUITE] = load(config.getoption("--scenarios"))
    return config.stash[_SUITE]


def _tested(config: pytest.Config, release: str) -> "Tested":
    from codeset.store import Store  # noqa: PLC0415
    from codeset.suite import folders, try_releases  # noqa: PLC0415

    runs = config.stash.setdefault(_RUNS, {})
    if release not in runs:
        snapshot = Store.at(config.getoption("--store")).open(release)
        runs[release] = try_releases.tried(
            _suite(config), snapshot, folders.goldens_folder(config.getoption("--scenarios"))
        )
    return runs[release]


class ScenarioFile(pytest.File):
    """A file of scenarios."""

    def collect(self) -> Iterator["ScenarioItem"]:
        """Yield an item for each scenario and release in whose quarter it holds."""
        from codeset.releases import Release  # noqa: PLC0415

        try:
            suite = _suite(self.config)
        except CodesetError as error:
            raise self.CollectError(str(error)) from error
        for each in suite.scenarios:
            for release in self.config.getoption("--release") if each.file == self.path.name else ():
                if each.holds_in(Release.parse(release)):
                    yield ScenarioItem.from_parent(self, name=f"{each.id}[{release}]", scenario=each, release=release)


class ScenarioItem(pytest.Item):
    """One scenario on one release."""

    def __init__(self, *, scenario: "Scenario", release: str, **known: Any) -> None:
        """Keep what is to be tried."""
        super().__init__(**known)
        self.scenario, self.release = scenario, release

    def runtest(self) -> None:
        """Fail where a coder is contradicted, or the outcome is not the one that was accepted."""
        tested = _tested(self.config, self.release)
        wrong = [*self._contradicted(tested), *tested.differing.get(self.scenario.id, ())]
        if self.scenario.id in tested.missing:
            wrong.append(f"not accepted yet; read it, then: codeset test --accept {self.release}")
        if wrong:
            raise AssertionError("\n".join([self.scenario.says, *wrong]))

    def _contradicted(self, tested: "Tested") -> tuple[str, ...]:
        failed: Mapping[str, tuple[str, ...]] = {each.scenario.id: each.failures for each in tested.ran.failed}
        return failed.get(self.scenario.id, ())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what is wrong in words, without a traceback."""
        if isinstance(excinfo.value, (AssertionError, CodesetError)):
            return f"{self.path}:{self.scenario.at}: {self.scenario.id} on {self.release}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the scenario stands."""
        return self.path, self.scenario.at - 1, self.name
