"""Visits from YAML, JSON and Python: one check for all of them, every fault reported at once."""

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

NOTHING_CODED = "No visit was coded."

# The facts that a technique takes beside those of every lesion: one that another technique takes is refused, so that it
# is not passed over in silence.
_FACTS_OF_EVERY_LESION = {
    "name", "site", "side", "nature", "diagnosis", "technique", "count", "specimens", "documented", "biopsy",
    "global_period",
}  # fmt: skip
_FACTS_OF_TECHNIQUE: Mapping[str, frozenset[str]] = {
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
_COUNTED_TECHNIQUES = frozenset({"destruction", "tag_removal", "injection", "drainage"})
"""What is done to several lesions under one name; else each lesion has an entry of its own."""


def read_visits(file: Path) -> list[Visit]:
    """Read the visits of a YAML or JSON *file*: one, or a list.

    Raises BadInput: with every fault, its line and the nearest valid word. WrongUse: if the file is not there.
    """
    if not file.is_file():
        raise WrongUse(f"{file}: no such file")
    return _checked_visits(read_yaml(file) if file.suffix.lower() != ".json" else _read_json(file))


def parse_visits(plain: Mapping[str, Any] | Sequence[Any], name: str = "visits") -> list[Visit]:
    """Return the visits that a mapping, or a list of them, holds; numbers, truth values and dates are taken as text.

    Raises BadInput: with every fault.
    """
    return _checked_visits(YamlFile(name, scalars_as_text(plain), {}))


def _read_json(json_file: Path) -> YamlFile:
    # Before it is read: a parsed document takes many times the memory of its text.
    if json_file.stat().st_size > MOST_BYTES:
        return YamlFile(json_file.name, None, {}, (Fault(json_file.name, 0, f"has more than {MOST_BYTES:,} bytes"),))
    try:
        json_text = json_file.read_text(encoding="utf-8")
        # Numbers stay text, as in YAML: 0.6 as a float is no longer 0.6. A name that is there twice would lose the
        # first value without a word.
        document = json.loads(json_text, parse_float=str, parse_int=str, object_pairs_hook=_unique_fields)
    except UnicodeDecodeError as error:
        return YamlFile(
            json_file.name, None, {}, (Fault(json_file.name, 0, f"is not UTF-8 text (byte {error.start})"),)
        )
    except json.JSONDecodeError as error:
        return YamlFile(json_file.name, None, {}, (Fault(json_file.name, error.lineno, f"is not JSON: {error.msg}"),))
    except _RepeatedFieldError as error:
        return YamlFile(json_file.name, None, {}, (Fault(json_file.name, 0, f'"{error}" is there twice'),))
    except RecursionError:
        return YamlFile(json_file.name, None, {}, (Fault(json_file.name, 0, "is nested too deep"),))
    return YamlFile(json_file.name, scalars_as_text(document), {})


class _RepeatedFieldError(Exception):
    """A JSON object has two fields of one name."""


def _unique_fields(name_value_pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(name_value_pairs)
    if len(fields) < len(name_value_pairs):
        field_names = [name for name, _ in name_value_pairs]
        raise _RepeatedFieldError(next(name for name in field_names if field_names.count(name) > 1))
    return fields


def scalars_as_text(document: Any) -> Any:
    """Return *document* with every scalar as text, as a YAML file has it; true is yes."""
    if isinstance(document, Mapping):
        return {str(name): scalars_as_text(value) for name, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [scalars_as_text(value) for value in document]
    if isinstance(document, bool):
        return "yes" if document else "no"
    return str(document) if isinstance(document, (int, float, Decimal, date)) else document


def _checked_visits(yaml_file: YamlFile) -> list[Visit]:
    # One visit is a list of one from here on; its lines get the position 0 before their places.
    if isinstance(yaml_file.plain, dict):
        lines = {(0, *value_place): line for value_place, line in yaml_file.lines.items()}
        yaml_file = YamlFile(yaml_file.file, [yaml_file.plain], lines, yaml_file.faults)
    if not yaml_file.faults and (not isinstance(yaml_file.plain, list) or not yaml_file.plain):
        raise BadInput(
            [Fault(yaml_file.file, 0, "holds no visit; expected the facts of one, or a list of visits")], NOTHING_CODED
        )
    # One kind of fault at a time: what the schema refuses would trip the checks after it.
    faults = [*yaml_file.faults] or [_with_other_services_hint(fault) for fault in faults_against(yaml_file, "visit")]
    faults = faults or [
        fault for position in range(len(yaml_file.plain)) for fault in _faults_in_visit(yaml_file, position)
    ]
    faults = faults or list(_repeated_visit_ids(yaml_file))
    if faults:
        raise BadInput(faults, NOTHING_CODED)
    return [visit_of(visit_facts) for visit_facts in yaml_file.plain]


def _with_other_services_hint(fault: Fault) -> Fault:
    """A technique or graft that is not coded here, with where to record that it was done."""
    if not any(f"{name}: expected one of" in fault.says for name in ("technique", "graft.kind")):
        return fault
    return replace(fault, says=f"{fault.says}. What is not coded here is recorded under other_services")


def _repeated_visit_ids(yaml_file: YamlFile) -> Iterator[Fault]:
    visit_ids: set[str] = set()
    for position, visit_facts in enumerate(yaml_file.plain):
        if visit_facts["visit_id"] in visit_ids:
            yield Fault(
                yaml_file.file, yaml_file.line((position,)), f"{visit_facts['visit_id']}: two visits have this visit_id"
            )
        visit_ids.add(visit_facts["visit_id"])


def _faults_in_visit(yaml_file: YamlFile, position: int) -> Iterator[Fault]:
    """Yield what the schema cannot see of a visit: dates, sides, facts of another technique, nothing that was done."""
    visit_facts, visit_place = yaml_file.plain[position], (position,)
    yield from _faults_at(yaml_file, visit_place, visit_facts["visit_id"], _faults_of_visit(visit_facts))
    earlier_names: set[str] = set()
    for lesion_position, lesion in enumerate(visit_facts.get("lesions", ())):
        subject = f"{visit_facts['visit_id']}, {lesion['name']}"
        yield from _faults_at(
            yaml_file, (position, "lesions", lesion_position), subject, _faults_of_lesion(lesion, earlier_names)
        )
        earlier_names.add(lesion["name"])


def _faults_at(yaml_file: YamlFile, value_place: Place, subject: str, fault_texts: Iterable[str]) -> Iterator[Fault]:
    return (
        Fault(yaml_file.file, yaml_file.line(value_place), f"{subject}: {fault_text}") for fault_text in fault_texts
    )


def _faults_of_record(facts: Mapping[str, Any]) -> Iterator[str]:
    for item_name in facts.get("documented", ()):
        if item_name not in item_names():
            nearest = get_close_matches(item_name, item_names(), n=1)
            suggestion = f'; is "{nearest[0]}" meant?' if nearest else "; see: codeset code --checklist"
            yield f'no checklist has an item called "{item_name}"{suggestion}'


def _faults_of_visit(visit_facts: Mapping[str, Any]) -> Iterator[str]:
    for fact_name in ("evaluation", "photodynamic", "light"):
        yield from _faults_of_record(visit_facts.get(fact_name, {}))
    try:
        date.fromisoformat(visit_facts["date_of_service"])
    except ValueError:
        yield f"{visit_facts['date_of_service']} is no date"
    if not any(
        fact_name in visit_facts for fact_name in ("evaluation", "lesions", "photodynamic", "light", "other_services")
    ):
        yield "nothing was done; expected evaluation, lesions, photodynamic, light or other_services"
    # A procedure is done in person: telehealth replaces a meeting (Social Security Act, section 1834(m)).
    if visit_facts["place_of_service"] in ("02", "10"):
        for fact_name in ("lesions", "photodynamic", "light"):
            if fact_name in visit_facts:
                yield f"{fact_name} cannot be done by telehealth; place_of_service is {visit_facts['place_of_service']}"
    evaluation = visit_facts.get("evaluation", {})
    if evaluation.get("level") == "nurse" and visit_facts["patient"] == "new":
        yield "a nurse's visit is of an established patient"
    if "level" in evaluation and "minutes" in evaluation:
        yield "a visit is coded by level or by minutes; both are given"
    light = visit_facts.get("light", {})
    if "area_sq_cm" in light and light["kind"] != "excimer":
        yield f"area_sq_cm is of an excimer laser, not of {light['kind']}"


def _faults_of_lesion(lesion: Mapping[str, Any], earlier_names: set[str]) -> Iterator[str]:
    technique = lesion["technique"]
    yield from _faults_of_record(lesion)
    if lesion["name"] in earlier_names:
        yield "two lesions have this name"
    for fact_name in lesion:
        if fact_name not in _FACTS_OF_EVERY_LESION and fact_name not in _FACTS_OF_TECHNIQUE[technique]:
            yield f"{fact_name} is not a fact of {technique}"
    if lesion.get("side") == "midline" and lesion["site"] in paired_sites():
        yield f"there are two of {lesion['site']}; expected side left or right, found midline"
    # Sizes and closures are of one lesion: with a count, they would be of nobody knows which.
    if int(lesion.get("count", 1)) > 1 and technique not in _COUNTED_TECHNIQUES:
        yield f"each lesion of {technique} needs an entry of its own; found count {lesion['count']}"
    if "excised_diameter_cm" in lesion and "margin_cm" in lesion and "diameter_cm" in lesion:
        excised_cm = Decimal(lesion["diameter_cm"]) + 2 * Decimal(lesion["margin_cm"])
        if excised_cm != Decimal(lesion["excised_diameter_cm"]):
            yield f"diameter_cm and twice margin_cm are {excised_cm}, not {lesion['excised_diameter_cm']}"
    if technique.endswith("_biopsy") and "biopsy" in lesion:
        yield "the technique is the biopsy; expected biopsy beside a removal only"
    if (lesion.get("nature") == "wound") != (technique == "repair"):
        yield "a repair by itself is of a wound, and a wound is only repaired here"
    for closure_kind, other_closure_kind in (("flap", "closure"), ("graft", "closure"), ("flap", "graft")):
        if closure_kind in lesion and other_closure_kind in lesion:
            yield f"{closure_kind} and {other_closure_kind} of one wound; give the one that closed it"
