"""Payer profiles from YAML files, read strictly: each fault with its file and line, all together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from codeset.audit.audit_checks import Citation
from codeset.audit.conditions import BadCondition, Condition, code_list, parse
from codeset.errors import BadInput, Fault, WrongUse
from codeset.suite.yaml_files import Place, YamlFile, faults_against, read_yaml

SHIPPED = Path(__file__).parent / "profiles"
_REFUSED = "No claim was read."
_STANDING = {
    "verified": "read in the payer's own publication",
    "stated_by_guide": "stated by the guide, not verified",
    "own": "the practice's own",
}


@dataclass(frozen=True)
class PayerRule:
    """One thing that the payer asks for: its kind (`payer.schema.json`), the lines, its dates and where it stands."""

    kind: str
    lines: Condition
    units: int
    says: str
    first: date
    last: date
    source: Citation


@dataclass(frozen=True)
class Modifier59:
    """On which line of a PTP pair one of *modifiers* must be: `either`, `column_one` or `column_two`."""

    on: str
    modifiers: frozenset[str]
    source: Citation


@dataclass(frozen=True)
class Repeats:
    """How a repeated service of a visit is reported: as `units` of one line, or as `lines` with one of *modifiers*."""

    reported_as: str
    modifiers: frozenset[str]
    source: Citation


@dataclass(frozen=True)
class PayerProfile:
    """What a payer asks for; `standing` is who says so, `percent_of_medicare` what it pays, None if nobody says."""

    id: str
    title: str
    standing: str
    source: Citation
    percent_of_medicare: Decimal | None
    edition: str | None
    modifier_59: Modifier59 | None
    repeats: Repeats | None
    modifiers_first: frozenset[str]
    rules: tuple[PayerRule, ...]

    @property
    def may_deny(self) -> bool:
        """Whether a line can be denied for what it says: not for what a guide says and nobody verified."""
        return self.standing != "stated_by_guide"

    def __str__(self) -> str:
        """Return it in words: the payer, who says so, and where."""
        return f"{self.title}: {_STANDING[self.standing]} ({self.source})"


def payer_profile(name: str) -> PayerProfile:
    """Return the shipped profile called *name*, or that of the YAML file of that name.

    Raises WrongUse: if there is neither. BadInput: with every fault of the file.
    """
    file = SHIPPED / f"{name}.yaml" if Path(name).suffix != ".yaml" else Path(name)
    if not file.is_file():
        shipped = ", ".join(sorted(path.stem for path in SHIPPED.glob("*.yaml")))
        raise WrongUse(f'no payer profile is called "{name}"; there are: {shipped}, or name a .yaml file of your own')
    yaml_file = read_yaml(file)
    faults = list(yaml_file.faults) or list(faults_against(yaml_file, "payer"))
    faults = faults or list(_faults(yaml_file))
    if faults:
        raise BadInput(faults, _REFUSED)
    return _profile(yaml_file.plain[0])


def _faults(yaml_file: YamlFile) -> Iterator[Fault]:
    """What the schema cannot see: groups and conditions that are none, days that do not exist."""
    plain = yaml_file.plain[0]
    groups: dict[str, frozenset[str]] = {}
    for name, spans in plain.get("groups", {}).items():
        # A faulty group stays named, without codes: the conditions that use it are not reported as faulty too.
        groups[name] = frozenset()
        try:
            groups[name] = code_list(spans)
        except BadCondition as error:
            yield _fault(yaml_file, ("groups", name), f"{name}: {error}")
    rules = plain.get("rules", ())
    # "Verified" is a claim about a publication: who reads the outcome must be able to look it up.
    if plain["standing"] == "verified" and "url" not in plain["source"]:
        yield _fault(yaml_file, ("source",), "source: a profile that is verified names the payer's page, as url")
    for nth, rule in enumerate(rules):
        try:
            parse(rule["lines"], groups)
        except BadCondition as error:
            yield _fault(yaml_file, ("rules", nth, "lines"), f"lines: {error}")
        yield from _period_faults(yaml_file, nth, rule)


def _period_faults(yaml_file: YamlFile, nth: int, rule: Mapping[str, str]) -> Iterator[Fault]:
    try:
        first, last = _days(rule)
    except ValueError:
        yield _fault(yaml_file, ("rules", nth), "from and to: expected days that exist")
        return
    if first > last:
        yield _fault(yaml_file, ("rules", nth), "from and to: the rule ends before it begins")


def _fault(yaml_file: YamlFile, place: Place, says: str) -> Fault:
    return Fault(yaml_file.file, yaml_file.line((0, *place)), f"{yaml_file.plain[0]['id']}, {says}")


def _days(rule: Mapping[str, str]) -> tuple[date, date]:
    first = date.fromisoformat(rule["from"]) if "from" in rule else date.min
    return first, date.fromisoformat(rule["to"]) if "to" in rule else date.max


def _profile(plain: Mapping[str, Any]) -> PayerProfile:
    groups = {name: code_list(spans) for name, spans in plain.get("groups", {}).items()}
    source = Citation(**plain["source"])
    percent = plain.get("percent_of_medicare")
    return PayerProfile(
        id=plain["id"],
        title=plain["title"],
        standing=plain["standing"],
        source=source,
        percent_of_medicare=None if percent is None else Decimal(percent),
        edition=plain.get("edition"),
        modifier_59=_modifier_59(plain["modifier_59"], source) if "modifier_59" in plain else None,
        repeats=_repeats(plain["repeats"], source) if "repeats" in plain else None,
        modifiers_first=frozenset(plain.get("modifiers_first", ())),
        rules=tuple(_rule(rule, groups, source) for rule in plain.get("rules", ())),
    )


def _modifier_59(plain: Mapping[str, Any], source: Citation) -> Modifier59:
    return Modifier59(plain["on"], frozenset(plain["modifiers"]), _source(plain, source))


def _repeats(plain: Mapping[str, Any], source: Citation) -> Repeats:
    return Repeats(plain["as"], frozenset(plain["modifiers"]), _source(plain, source))


def _rule(plain: Mapping[str, Any], groups: Mapping[str, frozenset[str]], source: Citation) -> PayerRule:
    first, last = _days(plain)
    return PayerRule(
        kind=plain["kind"],
        lines=parse(plain["lines"], groups),
        units=int(plain.get("units", 0)),
        says=plain["says"],
        first=first,
        last=last,
        source=_source(plain, source),
    )


def _source(plain: Mapping[str, Any], source: Citation) -> Citation:
    return Citation(**plain["source"]) if "source" in plain else source
