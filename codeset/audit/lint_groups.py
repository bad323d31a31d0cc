"""Checks and payer profiles looked at as scenarios are: groups that nothing names, and codes that no release has."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from codeset.audit.conditions import unused_groups
from codeset.errors import Fault
from codeset.scope import codes_of
from codeset.suite.yaml_files import YamlFile, read_yaml

_CONDITION_FIELDS = ("about", "flags", "lines", "units_of", "over_units_of")


def lint_groups(yaml_place: Path, codes: Collection[str]) -> list[Fault]:
    """Return what is doubtful in the checks or profiles of a YAML file, or of a folder of them, by file and line.

    *codes* are those of the release: a span of a group should have one of them. The files are such as `load_checks` or
    `payer_profile` reads.
    """
    yaml_paths = sorted(yaml_place.glob("*.yaml")) if yaml_place.is_dir() else [yaml_place]
    return list(chain.from_iterable(_group_doubts(read_yaml(yaml_path), codes) for yaml_path in yaml_paths))


def _group_doubts(yaml_file: YamlFile, codes: Collection[str]) -> Iterator[Fault]:
    for document_index, group_document in enumerate(yaml_file.plain):
        groups: Mapping[str, Sequence[str]] = group_document.get("groups", {})
        unused_names = unused_groups(groups, _condition_texts(group_document))
        for group_name, spans in groups.items():
            line_number = yaml_file.line((document_index, "groups", group_name))
            group_label = f"{group_document['id']}, {group_name}"
            if group_name in unused_names:
                yield Fault(yaml_file.file, line_number, f"{group_label}: no condition names this group")
            for span in spans:
                # One that exists is enough: a span also has numbers that were
                # never issued, and codes that were deleted.
                if not any(code in codes for code in codes_of(span)):
                    yield Fault(yaml_file.file, line_number, f"{group_label}: the release has no code of {span}")


def _condition_texts(document: Any) -> Iterator[str]:
    """Every condition of a check or profile, however deep."""
    if isinstance(document, Mapping):
        for field_name, field_value in document.items():
            if field_name in _CONDITION_FIELDS and isinstance(field_value, str):
                yield field_value
            else:
                yield from _condition_texts(field_value)
    elif isinstance(document, list):
        yield from chain.from_iterable(map(_condition_texts, document))
