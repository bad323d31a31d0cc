"""The rules and sites of the visit room, read from their data: what is chosen why, since when, and who says so."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Rule:
    """One rule: its name, what it says, its source, and the first date of service for which it is known to hold."""

    name: str
    says: str
    source: str
    since: date


@cache
def rule(rule_name: str) -> Rule:
    """Return the rule called *rule_name*."""
    return Rule(rule_name, **_toml_data("visit_rules")["rules"][rule_name])


@cache
def rule_names() -> tuple[str, ...]:
    """Return the names of all rules."""
    return tuple(_toml_data("visit_rules")["rules"])


def question_text(question_name: str, detail: str) -> str:
    """Return what the question called *question_name* asks, of *detail*."""
    template: str = _toml_data("visit_rules")["questions"][question_name]
    return template.format(detail=detail)


@cache
def modifier_for(purpose: str) -> str:
    """Return the modifier of *purpose*, by its name in `visit_rules.toml`, such as `distinct` or `separate_visit`."""
    modifier: str = _toml_data("visit_rules")["modifiers"][purpose]
    return modifier


@cache
def nature_of_diagnosis(diagnosis: str) -> str | None:
    """Return the nature that an ICD-10-CM code states, or None: it states none that is known here."""
    natures: Mapping[str, str] = _toml_data("visit_rules")["natures_of_diagnoses"]
    undotted = diagnosis.replace(".", "")
    prefixes = [prefix for prefix in natures if undotted.startswith(prefix.replace(".", ""))]
    # The longest beginning: D48.5 says more than D48.
    return natures[max(prefixes, key=len)] if prefixes else None


@cache
def site_class(site: str, family: str) -> str:
    """Return the class of *site* in *family*: `lesion`, `simple`, `intermediate`, `complex` or `mohs`."""
    site_data = _toml_data("sites")
    class_of_site: str = site_data["site"][site][site_data["classes"].index(family)]
    return class_of_site


@cache
def sites() -> tuple[str, ...]:
    """Return the names of all sites."""
    return tuple(_toml_data("sites")["site"])


@cache
def paired_sites() -> frozenset[str]:
    """Return the sites of which there are two."""
    return frozenset(_toml_data("sites")["sides"]["paired"])


def has_own_codes(site: str, family: str) -> bool:
    """Whether *family* (`biopsy`, `destruction`) has codes of its own at *site*, outside the families coded here."""
    return site in _toml_data("sites")["own_codes"][family]


@cache
def _toml_data(file_stem: str) -> Mapping[str, Any]:
    return tomllib.loads(files("codeset.visit").joinpath(f"{file_stem}.toml").read_text(encoding="utf-8"))
