"""YAML as people write it: every scalar stays text (010, 25, 1E1, no), and every value knows its line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from typing import Any

from codeset.errors import Fault, extra
from codeset.schemas import errors_of

with extra("cli"):
    import yaml
    from jsonschema import ValidationError

MOST_BYTES = 2_000_000
"""A file written by hand is smaller by far; a larger one is refused before it is read into memory."""

Place = tuple[str | int, ...]
"""The place of a value: keys and positions from the top."""

_MAXIMUM_DEPTH = 20
"""No schema nests so deep; a file that does would exhaust the stack."""
_TYPE_NAMES = {"array": "a list", "object": "fields with their values", "string": "text"}


@dataclass(frozen=True)
class YamlFile:
    """A YAML file: `plain` of dicts, lists and texts, and the line, from 1, of each value in it."""

    file: str
    plain: Any
    lines: Mapping[Place, int]
    faults: tuple[Fault, ...] = ()

    def line(self, value_place: Place) -> int:
        """Return the line of the value at *value_place*, or of the nearest one around it."""
        # A field that is missing has no line: that of what should hold it is the nearest.
        while value_place not in self.lines and value_place:
            value_place = value_place[:-1]
        return self.lines.get(value_place, 0)


class _TextLoader(yaml.CSafeLoader):
    """A safe loader (of libyaml: ten times faster) that takes no scalar for a number, a date or a truth value."""

    # With YAML's own resolvers 010 would be the number 8, and no a truth value.
    yaml_implicit_resolvers: Mapping[str, Any] = {}  # type: ignore[assignment]


def read_yaml(yaml_path: Path) -> YamlFile:
    """Read *yaml_path*; what is no YAML, repeats a key, or uses anchors or tags, is in `faults`, with its line."""
    if yaml_path.stat().st_size > MOST_BYTES:
        return YamlFile(yaml_path.name, None, {}, (Fault(yaml_path.name, 0, f"has more than {MOST_BYTES:,} bytes"),))
    try:
        return _single_document(yaml.parse(yaml_path.read_text(encoding="utf-8"), Loader=_TextLoader), yaml_path.name)
    except _ForbiddenYaml as refused:
        return YamlFile(yaml_path.name, None, {}, (Fault(yaml_path.name, *refused.args),))
    except UnicodeDecodeError as error:
        return YamlFile(
            yaml_path.name, None, {}, (Fault(yaml_path.name, 0, f"is not UTF-8 text (byte {error.start})"),)
        )
    except yaml.MarkedYAMLError as error:
        line_number = error.problem_mark.line + 1 if error.problem_mark else 0
        return YamlFile(
            yaml_path.name, None, {}, (Fault(yaml_path.name, line_number, f"is not YAML: {error.problem}"),)
        )
    except yaml.YAMLError as error:
        reason = error.reason if isinstance(error, yaml.reader.ReaderError) else error
        return YamlFile(yaml_path.name, None, {}, (Fault(yaml_path.name, 0, f"is not YAML: {reason}"),))


class _ForbiddenYaml(Exception):
    """What makes a file that is not what it seems: line and words."""


def _single_document(events: Iterator[Any], file_name: str) -> YamlFile:
    """The one document of a file, from the parser's *events*: no tree of them is made in between."""
    lines: dict[Place, int] = {}
    faults: list[Fault] = []
    content = None
    for event in events:
        # The first document starts before any value has a line.
        if isinstance(event, yaml.DocumentStartEvent) and lines:
            raise _ForbiddenYaml(_line_of(event), "is not YAML: a second document begins")
        if isinstance(event, yaml.NodeEvent):
            content = _event_value(event, events, (), lines, faults, file_name)
    return YamlFile(file_name, content, lines, tuple(faults))


def _line_of(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _event_value(
    event: Any,
    events: Iterator[Any],
    value_place: Place,
    lines: dict[Place, int],
    faults: list[Fault],
    file_name: str,
) -> Any:
    """The value that begins with *event* and goes on in *events*; its lines and faults are added."""
    # An alias repeats a part by reference, and a few of them nested unfold to gigabytes.
    if event.anchor or getattr(event, "tag", None):
        raise _ForbiddenYaml(_line_of(event), "anchors, aliases and tags are not used here")
    if isinstance(event, yaml.CollectionStartEvent) and len(value_place) >= _MAXIMUM_DEPTH:
        raise _ForbiddenYaml(_line_of(event), f"is nested more than {_MAXIMUM_DEPTH} deep")
    lines[value_place] = _line_of(event)
    if isinstance(event, yaml.SequenceStartEvent):
        items = takewhile(lambda item: not isinstance(item, yaml.SequenceEndEvent), events)
        return [
            _event_value(item, events, (*value_place, position), lines, faults, file_name)
            for position, item in enumerate(items)
        ]
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping_fields(events, value_place, lines, faults, file_name)
    return event.value


def _mapping_fields(
    events: Iterator[Any], value_place: Place, lines: dict[Place, int], faults: list[Fault], file_name: str
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for event in takewhile(lambda key: not isinstance(key, yaml.MappingEndEvent), events):
        key = _event_value(event, events, (*value_place, ""), {}, [], file_name)
        if not isinstance(key, str) or key in fields:
            # The value is read past, so that the next event is a key again.
            faults.append(Fault(file_name, _line_of(event), f'"{key}" is there twice, or is not text'))
            _event_value(next(events), events, (*value_place, ""), {}, [], file_name)
            continue
        fields[key] = _event_value(next(events), events, (*value_place, key), lines, faults, file_name)
        lines[(*value_place, key)] = _line_of(event)
    return fields


def faults_of_files(yaml_files: Sequence[YamlFile], schema: str) -> list[Fault]:
    """Return the faults of all *yaml_files*: what could not be read, then what breaks the schema in the others."""
    unreadable = [fault for yaml_file in yaml_files for fault in yaml_file.faults]
    readable = (yaml_file for yaml_file in yaml_files if not yaml_file.faults)
    return unreadable + [fault for yaml_file in readable for fault in faults_against(yaml_file, schema)]


def faults_against(yaml_file: YamlFile, schema: str) -> Iterator[Fault]:
    """Yield what in *yaml_file* breaks the schema called *schema*: line, field, and the nearest valid word."""
    for error in errors_of(yaml_file.plain, schema):
        yield from _schema_faults(yaml_file, error)


def _schema_faults(yaml_file: YamlFile, error: ValidationError) -> Iterator[Fault]:
    value_place = tuple(error.absolute_path)
    location = _location_text(yaml_file, value_place)
    schema: Any = error.schema
    if error.validator == "additionalProperties":
        field_names = list(schema.get("properties", {}))
        instance: Any = error.instance
        for field_name in [instance_field for instance_field in instance if instance_field not in field_names]:
            fault_text = f'{location}no field is called "{field_name}"{_suggestion_or_names(field_name, field_names)}'
            yield Fault(yaml_file.file, yaml_file.line((*value_place, field_name)), fault_text)
    elif error.validator == "oneOf" and all(
        choice_error.validator == "required" for choice_error in error.context or ()
    ):
        choices: Any = error.validator_value
        field_names = [field_name for choice in choices for field_name in choice.get("required", ())]
        yield Fault(
            yaml_file.file, yaml_file.line(value_place), f"{location}expected exactly one of {', '.join(field_names)}"
        )
    elif error.validator == "oneOf" and error.context and isinstance(error.instance, (dict, list)):
        # Of several forms the one that was meant is the one that fits the furthest down.
        deepest = max(error.context, key=lambda choice_error: len(choice_error.absolute_path))
        yield from _schema_faults(yaml_file, deepest)
    else:
        yield Fault(yaml_file.file, yaml_file.line(value_place), f"{location}{_expectation(error)}")


def _expectation(error: ValidationError) -> str:
    found_text = f'found "{error.instance}"' if isinstance(error.instance, str) else "found another kind of value"
    constraint: Any = error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    if error.validator == "enum":
        return f"expected one of {', '.join(constraint)}; {found_text}{_suggestion(str(error.instance), constraint)}"
    if error.validator == "required":
        missing_field = next(field for field in constraint if field not in instance)
        return f'"{missing_field}" is missing'
    if error.validator == "type":
        return f"expected {_TYPE_NAMES.get(constraint, constraint)}; {found_text}"
    if error.validator == "dependentRequired":
        missing_field = next(
            field
            for field_name, needed_fields in constraint.items()
            if field_name in instance
            for field in needed_fields
            if field not in instance
        )
        return f'"{missing_field}" is missing'
    if error.validator == "pattern":
        description = schema.get("description")
        expected_form = (
            description[0].lower() + description[1:].rstrip(".") if description else f"text like {constraint}"
        )
        return f"expected {expected_form}; {found_text}"
    return error.message


def _suggestion_or_names(field_name: str, field_names: list[str]) -> str:
    return _suggestion(field_name, field_names) or f" (there are: {', '.join(field_names)})"


def _suggestion(misspelling: str, valid_names: list[str]) -> str:
    nearest = get_close_matches(misspelling, valid_names, n=1)
    return f'; is "{nearest[0]}" meant?' if nearest else ""


def _location_text(yaml_file: YamlFile, value_place: Place) -> str:
    """The id of the scenario or statement around *value_place*, and the field."""
    entry_id = ""
    if value_place and isinstance(value_place[0], int) and isinstance(yaml_file.plain, list):
        entry = yaml_file.plain[value_place[0]]
        entry_id = str(entry.get("id", "")) if isinstance(entry, dict) else ""
    field_path = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in value_place[1:]).lstrip(
        "."
    )
    return ", ".join(filter(None, (entry_id, field_path))) + ": " if entry_id or field_path else ""
