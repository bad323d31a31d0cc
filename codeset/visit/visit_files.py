"""Visits from YAML, JSON and Python: one check for all of them, every fault told at once."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from codeset.errors import BadInput, Fault, WrongUse
from codeset.suite.yaml_files import MOST_BYTES, Place, YamlFile, faults_against, read_yaml
from codeset.visit.checklists import item_names
from codeset.visit.visit import Visit, visit_of
from codeset.visit.visit_rules import paired_sites

AFTER = "No visit was coded."

# The facts that a technique takes beside those of every lesion: one that another technique takes is refused, so that it
# is not passed over in silence.
_EVERY = {
    "name", "site", "side", "nature", "diagnosis", "technique", "count", "specimens", "documented", "biopsy",
    "global_period",
}  # fmt: skip
_TAKES: Mapping[str, frozenset[str]] = {
    "tangential_biopsy": frozenset({"frozen_section", "diameter_cm"}),
    "punch_biopsy": frozenset({"frozen_section", "diameter_cm", "closure"}),
    "incisional_biopsy": frozenset({"frozen_section", "diameter_cm", "closure"}),
    "shave": frozenset({"frozen_section", "diameter_cm", "closure"}),
    "destruction": frozenset({"method", "diameter_cm", "area_sq_cm", "closure"}),
    "tag_removal": frozenset({"method", "diameter_cm", "closure"}),
    "excision": frozenset(
        {"frozen_section", "diameter_cm", "margin_cm", "excised_diameter_cm", "closure", "flap", "graft"}
    ),
    "mohs": frozenset({"diameter_cm", "stages", "frozen_section", "closure", "flap", "graft"}),
    "injection": frozenset({"agent"}),
    "drainage": frozenset({"complicated"}),
    "repair": frozenset({"closure", "flap", "graft"}),
}
_SEVERAL = frozenset({"destruction", "tag_removal", "injection", "drainage"})
"""What is done to several lesions under one name; else each lesion has an entry of its own."""


def read_visits(file: Path) -> list[Visit]:
    """Read the visits of a YAML or JSON *file*: one, or a list.

    Raises BadInput: with every fault, its line and the nearest valid word. WrongUse: if the file is not there.
    """
    if not file.is_file():
        raise WrongUse(f"{file}: no such file")
    return _visits(read_yaml(file) if file.suffix.lower() != ".json" else _read_json(file))


def parse_visits(plain: Mapping[str, Any] | Sequence[Any], name: str = "visits") -> list[Visit]:
    """Return the visits that a mapping, or a list of them, holds; numbers, truth values and dates are taken as text.

    Raises BadInput: with every fault.
    """
    return _visits(YamlFile(name, as_text(plain), {}))


def _read_json(file: Path) -> YamlFile:
    if file.stat().st_size > MOST_BYTES:
        return YamlFile(file.name, None, {}, (Fault(file.name, 0, f"has more than {MOST_BYTES:,} bytes"),))
    try:
        text = file.read_text(encoding="utf-8")
        plain = json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=_named_once)
    except UnicodeDecodeError as error:
        return YamlFile(file.name, None, {}, (Fault(file.name, 0, f"is not UTF-8 text (byte {error.start})"),))
    except json.JSONDecodeError as error:
        return YamlFile(file.name, None, {}, (Fault(file.name, error.lineno, f"is not JSON: {error.msg}"),))
    except _NamedTwiceError as error:
        return YamlFile(file.name, None, {}, (Fault(file.name, 0, f'"{error}" is there twice'),))
    except RecursionError:
        return YamlFile(file.name, None, {}, (Fault(file.name, 0, "is nested too deep"),))
    return YamlFile(file.name, as_text(plain), {})


class _NamedTwiceError(Exception):
    """A JSON object has two fields of one name."""


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise _NamedTwiceError(next(name for name in names if names.count(name) > 1))
    return fields


def as_text(plain: Any) -> Any:
    """Return *plain* with every scalar as text, as a YAML file has it; true is yes."""
    if isinstance(plain, Mapping):
        return {str(name): as_text(value) for name, value in plain.items()}
    if isinstance(plain, (list, tuple)):
        return [as_text(value) for value in plain]
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    return str(plain) if isinstance(plain, (int, float, Decimal, date)) else plain


def _visits(yaml_file: YamlFile) -> list[Visit]:
    if isinstance(yaml_file.plain, dict):
        lines = {(0, *place): line for place, line in yaml_file.lines.items()}
        yaml_file = YamlFile(yaml_file.file, [yaml_file.plain], lines, yaml_file.faults)
    if not yaml_file.faults and (not isinstance(yaml_file.plain, list) or not yaml_file.plain):
        raise BadInput(
            [Fault(yaml_file.file, 0, "holds no visit; expected the facts of one, or a list of visits")], AFTER
        )
    faults = [*yaml_file.faults] or [_with_way_out(fault) for fault in faults_against(yaml_file, "visit")]
    faults = faults or [fault for nth in range(len(yaml_file.plain)) for fault in _faults(yaml_file, nth)]
    faults = faults or list(_repeated(yaml_file))
    if faults:
        raise BadInput(faults, AFTER)
    return [visit_of(plain) for plain in yaml_file.plain]


def _with_way_out(fault: Fault) -> Fault:
    """A technique or graft that is not coded here, with where to record that it was done."""
    if not any(f"{name}: expected one of" in fault.says for name in ("technique", "graft.kind")):
        return fault
    return replace(fault, says=f"{fault.says}. What is not coded here is recorded under other_services")


def _repeated(yaml_file: YamlFile) -> Iterator[Fault]:
    visit_ids: set[str] = set()
    for nth, plain in enumerate(yaml_file.plain):
        if plain["visit_id"] in visit_ids:
            yield Fault(yaml_file.file, yaml_file.line((nth,)), f"{plain['visit_id']}: two visits have this visit_id")
        visit_ids.add(plain["visit_id"])


def _faults(yaml_file: YamlFile, nth: int) -> Iterator[Fault]:
    """Yield what the schema cannot see of a visit: dates, sides, facts of another technique, nothing that was done."""
    plain, place = yaml_file.plain[nth], (nth,)
    yield from _at(yaml_file, place, plain["visit_id"], _faults_of_visit(plain))
    names: set[str] = set()
    for number, lesion in enumerate(plain.get("lesions", ())):
        subject = f"{plain['visit_id']}, {lesion['name']}"
        yield from _at(yaml_file, (nth, "lesions", number), subject, _faults_of_lesion(lesion, names))
        names.add(lesion["name"])


def _at(yaml_file: YamlFile, place: Place, name: str, texts: Iterable[str]) -> Iterator[Fault]:
    return (Fault(yaml_file.file, yaml_file.line(place), f"{name}: {text}") for text in texts)


def _faults_of_record(plain: Mapping[str, Any]) -> Iterator[str]:
    for name in plain.get("documented", ()):
        if name not in item_names():
            nearest = get_close_matches(name, item_names(), n=1)
            suggestion = f'; is "{nearest[0]}" meant?' if nearest else "; see: codeset code --checklist"
            yield f'no checklist has an item called "{name}"{suggestion}'


def _faults_of_visit(plain: Mapping[str, Any]) -> Iterator[str]:
    for name in ("evaluation", "photodynamic", "light"):
        yield from _faults_of_record(plain.get(name, {}))
    try:
        date.fromisoformat(plain["date_of_service"])
    except ValueError:
        yield f"{plain['date_of_service']} is no date"
    if not any(name in plain for name in ("evaluation", "lesions", "photodynamic", "light", "other_services")):
        yield "nothing was done; expected evaluation, lesions, photodynamic, light or other_services"
    # A procedure is done in person: telehealth replaces a meeting (Social Security Act, section 1834(m)).
    if plain["place_of_service"] in ("02", "10"):
        for name in ("lesions", "photodynamic", "light"):
            if name in plain:
                yield f"{name} cannot be done by telehealth; place_of_service is {plain['place_of_service']}"
    evaluation = plain.get("evaluation", {})
    if evaluation.get("level") == "nurse" and plain["patient"] == "new":
        yield "a nurse's visit is of an established patient"
    if "level" in evaluation and "minutes" in evaluation:
        yield "a visit is coded by level or by minutes; both are given"
    light = plain.get("light", {})
    if "area_sq_cm" in light and light["kind"] != "excimer":
        yield f"area_sq_cm is of an excimer laser, not of {light['kind']}"


def _faults_of_lesion(lesion: Mapping[str, Any], names: set[str]) -> Iterator[str]:
    technique = lesion["technique"]
    yield from _faults_of_record(lesion)
    if lesion["name"] in names:
        yield "two lesions have this name"
    for name in lesion:
        if name not in _EVERY and name not in _TAKES[technique]:
            yield f"{name} is not a fact of {technique}"
    if lesion.get("side") == "midline" and lesion["site"] in paired_sites():
        yield f"there are two of {lesion['site']}; expected side left or right, found midline"
    if int(lesion.get("count", 1)) > 1 and technique not in _SEVERAL:
        yield f"each lesion of {technique} needs an entry of its own; found count {lesion['count']}"
    if "excised_diameter_cm" in lesion and "margin_cm" in lesion and "diameter_cm" in lesion:
        excised = Decimal(lesion["diameter_cm"]) + 2 * Decimal(lesion["margin_cm"])
        if excised != Decimal(lesion["excised_diameter_cm"]):
            yield f"diameter_cm and twice margin_cm are {excised}, not {lesion['excised_diameter_cm']}"
    if technique.endswith("_biopsy") and "biopsy" in lesion:
        yield "the technique is the biopsy; expected biopsy beside a removal only"
    if (lesion.get("nature") == "wound") != (technique == "repair"):
        yield "a repair by itself is of a wound, and a wound is only repaired here"
    for one, other in (("flap", "closure"), ("graft", "closure"), ("flap", "graft")):
        if one in lesion and other in lesion:
            yield f"{one} and {other} of one wound; give the one that closed it"
