"""Checks and payer profiles looked at as scenarios are: groups that nothing names, and codes that no release has."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from codeset.audit.conditions import unused_groups
from codeset.errors import Fault
from codeset.scope import codes_of
from codeset.suite.yaml_files import YamlFile, read_yaml

_CONDITIONS = ("about", "flags", "lines", "units_of", "over_units_of")


def lint_groups(place: Path, codes: Collection[str]) -> list[Fault]:
    """Return what is doubtful in the checks or profiles of a YAML file, or of a folder of them, by file and line.

    *codes* are those of the release: a span of a group should have one of them. The files are such as `load_checks` or
    `payer_profile` reads.
    """
    files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    return list(chain.from_iterable(_doubts(read_yaml(file), codes) for file in files))


def _doubts(yaml_file: YamlFile, codes: Collection[str]) -> Iterator[Fault]:
    for nth, plain in enumerate(yaml_file.plain):
        groups: Mapping[str, Sequence[str]] = plain.get("groups", {})
        unused = unused_groups(groups, _condition_texts(plain))
        for name, spans in groups.items():
            line, about = yaml_file.line((nth, "groups", name)), f"{plain['id']}, {name}"
            if name in unused:
                yield Fault(yaml_file.file, line, f"{about}: no condition names this group")
            for span in spans:
                if not any(code in codes for code in codes_of(span)):
                    yield Fault(yaml_file.file, line, f"{about}: the release has no code of {span}")


def _condition_texts(plain: Any) -> Iterator[str]:
    """Every condition of a check or profile, however deep."""
    if isinstance(plain, Mapping):
        for name, value in plain.items():
            if name in _CONDITIONS and isinstance(value, str):
                yield value
            else:
                yield from _condition_texts(value)
    elif isinstance(plain, list):
        yield from chain.from_iterable(map(_condition_texts, plain))
