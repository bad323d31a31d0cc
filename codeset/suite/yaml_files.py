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

_DEEPEST = 20
"""No schema nests so deep; a file that does would exhaust the stack."""
_TYPE_NAMES = {"array": "a list", "object": "fields with their values", "string": "text"}


@dataclass(frozen=True)
class YamlFile:
    """A YAML file: `plain` of dicts, lists and texts, and the line, from 1, of each value in it."""

    file: str
    plain: Any
    lines: Mapping[Place, int]
    faults: tuple[Fault, ...] = ()

    def line(self, place: Place) -> int:
        """Return the line of the value at *place*, or of the nearest one around it."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 0)


class _Text(yaml.CSafeLoader):
    """A safe loader (of libyaml: ten times faster) that takes no scalar for a number, a date or a truth value."""

    yaml_implicit_resolvers: Mapping[str, Any] = {}  # type: ignore[assignment]


def read_yaml(file: Path) -> YamlFile:
    """Read *file*; what is no YAML, repeats a key, or uses anchors or tags, is told in `faults`, with its line."""
    if file.stat().st_size > MOST_BYTES:
        return YamlFile(file.name, None, {}, (Fault(file.name, 0, f"has more than {MOST_BYTES:,} bytes"),))
    try:
        return _document(yaml.parse(file.read_text(encoding="utf-8"), Loader=_Text), file.name)
    except _Refused as refused:
        return YamlFile(file.name, None, {}, (Fault(file.name, *refused.args),))
    except UnicodeDecodeError as error:
        return YamlFile(file.name, None, {}, (Fault(file.name, 0, f"is not UTF-8 text (byte {error.start})"),))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return YamlFile(file.name, None, {}, (Fault(file.name, line, f"is not YAML: {error.problem}"),))
    except yaml.YAMLError as error:
        why = error.reason if isinstance(error, yaml.reader.ReaderError) else error
        return YamlFile(file.name, None, {}, (Fault(file.name, 0, f"is not YAML: {why}"),))


class _Refused(Exception):
    """What makes a file that is not what it seems: line and words."""


def _document(events: Iterator[Any], name: str) -> YamlFile:
    """The one document of a file, from the parser's *events*: no tree of them is made in between."""
    lines: dict[Place, int] = {}
    faults: list[Fault] = []
    plain = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent) and lines:
            raise _Refused(_line_of(event), "is not YAML: a second document begins")
        if isinstance(event, yaml.NodeEvent):
            plain = _plain(event, events, (), lines, faults, name)
    return YamlFile(name, plain, lines, tuple(faults))


def _line_of(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _plain(
    event: Any,
    events: Iterator[Any],
    place: Place,
    lines: dict[Place, int],
    faults: list[Fault],
    name: str,
) -> Any:
    """The value that begins with *event* and goes on in *events*; its lines and faults are added."""
    # An alias repeats a part by reference, and a few of them nested unfold to gigabytes.
    if event.anchor or getattr(event, "tag", None):
        raise _Refused(_line_of(event), "anchors, aliases and tags are not used here")
    if isinstance(event, yaml.CollectionStartEvent) and len(place) >= _DEEPEST:
        raise _Refused(_line_of(event), f"is nested more than {_DEEPEST} deep")
    lines[place] = _line_of(event)
    if isinstance(event, yaml.SequenceStartEvent):
        items = takewhile(lambda item: not isinstance(item, yaml.SequenceEndEvent), events)
        return [_plain(item, events, (*place, nth), lines, faults, name) for nth, item in enumerate(items)]
    if isinstance(event, yaml.MappingStartEvent):
        return _fields(events, place, lines, faults, name)
    return event.value


def _fields(
    events: Iterator[Any], place: Place, lines: dict[Place, int], faults: list[Fault], name: str
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for event in takewhile(lambda key: not isinstance(key, yaml.MappingEndEvent), events):
        key = _plain(event, events, (*place, ""), {}, [], name)
        if not isinstance(key, str) or key in fields:
            faults.append(Fault(name, _line_of(event), f'"{key}" is there twice, or is not text'))
            _plain(next(events), events, (*place, ""), {}, [], name)
            continue
        fields[key] = _plain(next(events), events, (*place, key), lines, faults, name)
        lines[(*place, key)] = _line_of(event)
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
    place = tuple(error.absolute_path)
    where = _where(yaml_file, place)
    schema: Any = error.schema
    if error.validator == "additionalProperties":
        names = list(schema.get("properties", {}))
        instance: Any = error.instance
        for name in [field for field in instance if field not in names]:
            text = f'{where}no field is called "{name}"{_nearest(name, names)}'
            yield Fault(yaml_file.file, yaml_file.line((*place, name)), text)
    elif error.validator == "oneOf" and all(
        choice_error.validator == "required" for choice_error in error.context or ()
    ):
        choices: Any = error.validator_value
        names = [name for choice in choices for name in choice.get("required", ())]
        yield Fault(yaml_file.file, yaml_file.line(place), f"{where}expected exactly one of {', '.join(names)}")
    elif error.validator == "oneOf" and error.context and isinstance(error.instance, (dict, list)):
        # Of several forms the one that was meant is the one that fits the furthest down.
        deepest = max(error.context, key=lambda choice_error: len(choice_error.absolute_path))
        yield from _schema_faults(yaml_file, deepest)
    else:
        yield Fault(yaml_file.file, yaml_file.line(place), f"{where}{_expected(error)}")


def _expected(error: ValidationError) -> str:
    value = f'found "{error.instance}"' if isinstance(error.instance, str) else "found another kind of value"
    rule: Any = error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    if error.validator == "enum":
        return f"expected one of {', '.join(rule)}; {value}{_suggestion(str(error.instance), rule)}"
    if error.validator == "required":
        missing = next(field for field in rule if field not in instance)
        return f'"{missing}" is missing'
    if error.validator == "type":
        return f"expected {_TYPE_NAMES.get(rule, rule)}; {value}"
    if error.validator == "dependentRequired":
        missing = next(
            field for name, needed in rule.items() if name in instance for field in needed if field not in instance
        )
        return f'"{missing}" is missing'
    if error.validator == "pattern":
        description = schema.get("description")
        form = description[0].lower() + description[1:].rstrip(".") if description else f"text like {rule}"
        return f"expected {form}; {value}"
    return error.message


def _nearest(name: str, names: list[str]) -> str:
    return _suggestion(name, names) or f" (there are: {', '.join(names)})"


def _suggestion(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f'; is "{near[0]}" meant?' if near else ""


def _where(yaml_file: YamlFile, place: Place) -> str:
    """The id of the scenario or statement around *place*, and the field."""
    entry_id = ""
    if place and isinstance(place[0], int) and isinstance(yaml_file.plain, list):
        top = yaml_file.plain[place[0]]
        entry_id = str(top.get("id", "")) if isinstance(top, dict) else ""
    path = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in place[1:]).lstrip(".")
    return ", ".join(filter(None, (entry_id, path))) + ": " if entry_id or path else ""
