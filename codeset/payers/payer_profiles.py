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
    """One thing that the payer asks for: its kind (`payer.schema.json`), the lines, its dates and its source."""

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


def payer_profile(profile_name: str) -> PayerProfile:
    """Return the shipped profile called *profile_name*, or that of the YAML file of that name.

    Raises WrongUse: if there is neither. BadInput: with every fault of the file.
    """
    profile_path = SHIPPED / f"{profile_name}.yaml" if Path(profile_name).suffix != ".yaml" else Path(profile_name)
    if not profile_path.is_file():
        shipped_names = ", ".join(sorted(shipped_path.stem for shipped_path in SHIPPED.glob("*.yaml")))
        raise WrongUse(
            f'no payer profile is called "{profile_name}"; there are: {shipped_names}, or name a .yaml file of your own'
        )
    yaml_file = read_yaml(profile_path)
    faults = list(yaml_file.faults) or list(faults_against(yaml_file, "payer"))
    faults = faults or list(_faults_beyond_schema(yaml_file))
    if faults:
        raise BadInput(faults, _REFUSED)
    return _profile_of_document(yaml_file.plain[0])


def _faults_beyond_schema(yaml_file: YamlFile) -> Iterator[Fault]:
    """What the schema cannot see: groups and conditions that are none, days that do not exist."""
    profile_document = yaml_file.plain[0]
    codes_by_group: dict[str, frozenset[str]] = {}
    for group_name, spans in profile_document.get("groups", {}).items():
        # A faulty group stays named, without codes: the conditions that use it are not reported as faulty too.
        codes_by_group[group_name] = frozenset()
        try:
            codes_by_group[group_name] = code_list(spans)
        except BadCondition as error:
            yield _fault_at(yaml_file, ("groups", group_name), f"{group_name}: {error}")
    rule_documents = profile_document.get("rules", ())
    # "Verified" is a claim about a publication: who reads the outcome must be able to look it up.
    if profile_document["standing"] == "verified" and "url" not in profile_document["source"]:
        yield _fault_at(yaml_file, ("source",), "source: a profile that is verified names the payer's page, as url")
    for rule_index, rule_document in enumerate(rule_documents):
        try:
            parse(rule_document["lines"], codes_by_group)
        except BadCondition as error:
            yield _fault_at(yaml_file, ("rules", rule_index, "lines"), f"lines: {error}")
        yield from _period_faults(yaml_file, rule_index, rule_document)


def _period_faults(yaml_file: YamlFile, rule_index: int, rule_document: Mapping[str, str]) -> Iterator[Fault]:
    try:
        first_day, last_day = _days_of_rule(rule_document)
    except ValueError:
        yield _fault_at(yaml_file, ("rules", rule_index), "from and to: expected days that exist")
        return
    if first_day > last_day:
        yield _fault_at(yaml_file, ("rules", rule_index), "from and to: the rule ends before it begins")


def _fault_at(yaml_file: YamlFile, place: Place, fault_text: str) -> Fault:
    return Fault(yaml_file.file, yaml_file.line((0, *place)), f"{yaml_file.plain[0]['id']}, {fault_text}")


def _days_of_rule(rule_document: Mapping[str, str]) -> tuple[date, date]:
    # A rule without dates holds on every day.
    first_day = date.fromisoformat(rule_document["from"]) if "from" in rule_document else date.min
    return first_day, date.fromisoformat(rule_document["to"]) if "to" in rule_document else date.max


def _profile_of_document(profile_document: Mapping[str, Any]) -> PayerProfile:
    codes_by_group = {group_name: code_list(spans) for group_name, spans in profile_document.get("groups", {}).items()}
    profile_source = Citation(**profile_document["source"])
    percent_text = profile_document.get("percent_of_medicare")
    return PayerProfile(
        id=profile_document["id"],
        title=profile_document["title"],
        standing=profile_document["standing"],
        source=profile_source,
        percent_of_medicare=None if percent_text is None else Decimal(percent_text),
        edition=profile_document.get("edition"),
        modifier_59=_modifier_59_of_fields(profile_document["modifier_59"], profile_source)
        if "modifier_59" in profile_document
        else None,
        repeats=_repeats_of_fields(profile_document["repeats"], profile_source)
        if "repeats" in profile_document
        else None,
        modifiers_first=frozenset(profile_document.get("modifiers_first", ())),
        rules=tuple(
            _rule_of_document(rule_document, codes_by_group, profile_source)
            for rule_document in profile_document.get("rules", ())
        ),
    )


def _modifier_59_of_fields(modifier_fields: Mapping[str, Any], profile_source: Citation) -> Modifier59:
    return Modifier59(
        modifier_fields["on"], frozenset(modifier_fields["modifiers"]), _own_source_or(modifier_fields, profile_source)
    )


def _repeats_of_fields(repeat_fields: Mapping[str, Any], profile_source: Citation) -> Repeats:
    return Repeats(
        repeat_fields["as"], frozenset(repeat_fields["modifiers"]), _own_source_or(repeat_fields, profile_source)
    )


def _rule_of_document(
    rule_document: Mapping[str, Any], codes_by_group: Mapping[str, frozenset[str]], profile_source: Citation
) -> PayerRule:
    first_day, last_day = _days_of_rule(rule_document)
    return PayerRule(
        kind=rule_document["kind"],
        lines=parse(rule_document["lines"], codes_by_group),
        units=int(rule_document.get("units", 0)),
        says=rule_document["says"],
        first=first_day,
        last=last_day,
        source=_own_source_or(rule_document, profile_source),
    )


def _own_source_or(document: Mapping[str, Any], profile_source: Citation) -> Citation:
    return Citation(**document["source"]) if "source" in document else profile_source
