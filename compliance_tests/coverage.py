"""What the suite covers: guides, Policy Manual and codes against scenarios. `python -m compliance_tests.coverage`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from codeset.errors import BadInput
from codeset.scope import scope
from codeset.suite.scenarios import Scenario, load
from codeset.suite.yaml_files import read_yaml

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "coverage.md"

_MOST_NAMED = 8


def to_cover() -> Mapping[str, Mapping[str, str]]:
    """Return each key that scenarios may name under `covers`, with `about` and, if none can, `not_covered`."""
    yaml_file = read_yaml(HERE / "coverage.yaml")
    if yaml_file.faults:
        raise BadInput(yaml_file.faults)
    plain: Mapping[str, Any] = yaml_file.plain
    guides = {f"{guide}.{key}": about for guide, rows in plain["guides"].items() for key, about in rows.items()}
    return {**guides, **plain.get("manual", {})}


def page() -> str:
    """Return docs/coverage.md."""
    scenarios = load(HERE / "scenarios").scenarios
    return "\n".join(_page(scenarios)) + "\n"


def _page(scenarios: tuple[Scenario, ...]) -> Iterator[str]:
    yield "# What the golden suite covers"
    yield ""
    families = len({scenario.family for scenario in scenarios})
    denying = sum(any(line["disposition"] == "deny" for line in scenario.expected) for scenario in scenarios)
    yield f"{len(scenarios)} scenarios in {families} families, {denying} with a denial. Written by `make coverage`."
    covering = _by(scenarios, lambda scenario: scenario.covers)
    keys = to_cover()
    for title, listed_keys in (
        ("The code overview, by heading", [key for key in keys if key.startswith("overview.")]),
        ("The coding guide, by heading and table row", [key for key in keys if key.startswith("coding.")]),
        ("Policy Manual 2026, chapter III, by paragraph", [key for key in keys if key.startswith("III.")]),
    ):
        yield from _keys(title, {key: keys[key] for key in listed_keys}, covering)
    yield from _codes(_by(scenarios, lambda scenario: {line.hcpcs for line in scenario.lines}))


def _by(scenarios: Iterable[Scenario], names: Any) -> Mapping[str, list[str]]:
    scenarios_by_name: dict[str, list[str]] = defaultdict(list)
    for scenario in scenarios:
        for name in names(scenario):
            scenarios_by_name[name].append(scenario.id)
    return scenarios_by_name


def _keys(title: str, keys: Mapping[str, Mapping[str, str]], covering: Mapping[str, list[str]]) -> Iterator[str]:
    covered = sum(key in covering for key in keys)
    yield from ("", f"## {title}", "", f"{covered} of {len(keys)} are tried; what is not says why.", "")
    yield from ("| key | about | scenarios |", "| --- | --- | --- |")
    for key, about in keys.items():
        place = f", {about['page']}" if "page" in about else ""
        yield f"| {key}{place} | {about['about']} | {_named(covering.get(key, [])) or 'not: ' + _reason(about)} |"


def _reason(about: Mapping[str, str]) -> str:
    return about.get("not_covered", "no scenario yet")


def _codes(using: Mapping[str, list[str]]) -> Iterator[str]:
    families = scope("derm").families
    used = sum(code in using for code in families)
    yield from ("", "## Derm codes", "")
    yield (
        f"{used} of the {len(families)} numbers in the derm scope stand in scenarios (its ranges hold numbers that are "
        "no codes); every code of a release is tried with every other in all pairs."
    )
    yield from ("", "| code | family | scenarios |", "| --- | --- | --- |")
    yield from (f"| {code} | {families[code]} | {_named(using[code])} |" for code in families if code in using)


def _named(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
