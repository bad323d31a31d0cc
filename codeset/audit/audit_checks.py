"""Checks from YAML files, read strictly: each fault with its file and line, all together."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

from codeset.audit.conditions import BadCondition, Condition, code_list, parse, tables_of
from codeset.errors import BadInput, Fault, WrongUse
from codeset.suite.yaml_files import Place, YamlFile, faults_of_files, read_yaml

SHIPPED = Path(__file__).parent / "checks"
_REFUSED = "No check was run."
_SAMPLE_SIZE, _SAMPLE_SEED = 10, 1
"""Of a check that names neither: few enough records to read by hand, and the same ones at every run."""


@dataclass(frozen=True)
class Citation:
    """The publication that names a pattern."""

    document: str
    place: str | None = None
    url: str | None = None

    def __str__(self) -> str:
        """Return it as people read it."""
        return ", ".join(filter(None, (self.document, self.place, self.url)))


@dataclass(frozen=True)
class Rate:
    """Units of lines that meet `counted`, divided by those of lines that meet `over`, for each practitioner.

    The bound is `above`, or `deviations_above_peers` standard deviations above the mean of the other practitioners. A
    practitioner with fewer than `least` units to divide by is not compared.
    """

    counted: Condition
    over: Condition
    above: Decimal | None
    deviations_above_peers: Decimal | None
    least: int


@dataclass(frozen=True)
class Check:
    """One pattern: the lines that it is about and those that it flags, by line or by the practitioner's rate.

    `first` and `last` are the dates of service that it is about, both included. `tables` are those of a release that
    its conditions need. `pull` is what to pull for each line of the sample, which has `sample_size` lines at most.
    """

    id: str
    title: str
    why: str
    source: Citation
    first: date
    last: date
    about: Condition | None
    flags: Condition | None
    rate: Rate | None
    pull: tuple[str, ...]
    sample_size: int
    seed: int

    @property
    def tables(self) -> frozenset[str]:
        """The tables of a release that the check needs."""
        rate_conditions = () if self.rate is None else (self.rate.counted, self.rate.over)
        conditions = [condition for condition in (self.about, self.flags, *rate_conditions) if condition is not None]
        return frozenset[str]().union(*map(tables_of, conditions))


def load_checks(checks_path: Path) -> tuple[Check, ...]:
    """Return the checks of a YAML file, or of every YAML file of a folder, by id.

    Raises BadInput: with every fault of every file. WrongUse: if there is no such file.
    """
    check_files = sorted(checks_path.glob("*.yaml")) if checks_path.is_dir() else [checks_path]
    if not check_files or not all(check_file.is_file() for check_file in check_files):
        raise WrongUse(f"{checks_path}: there is no file of checks (*.yaml)")
    yaml_files = [read_yaml(check_file) for check_file in check_files]
    # The schema first: what follows relies on the fields that it requires.
    if faults := faults_of_files(yaml_files, "check"):
        raise BadInput(faults, _REFUSED)
    # Ids over all files: a sample is drawn by the check's id, and a result is named by it.
    faults = [*chain.from_iterable(map(_faults_beyond_schema, yaml_files)), *_repeated_ids(yaml_files)]
    if faults:
        raise BadInput(faults, _REFUSED)
    checks = [_check_of_document(check_document) for yaml_file in yaml_files for check_document in yaml_file.plain]
    return tuple(sorted(checks, key=lambda check: check.id))


def chosen_checks(checks: Sequence[Check], check_ids: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks called *check_ids*, all if there are none.

    Raises WrongUse: for one that no check is called.
    """
    check_by_id = {check.id: check for check in checks}
    if unknown_ids := [check_id for check_id in check_ids if check_id not in check_by_id]:
        raise WrongUse(f'no check is called "{unknown_ids[0]}"; there are: {", ".join(check_by_id)}')
    return tuple(check_by_id[check_id] for check_id in check_ids) if check_ids else tuple(checks)


def _faults_beyond_schema(yaml_file: YamlFile) -> Iterator[Fault]:
    """What the schema cannot see: groups and conditions that are none, days that do not exist."""
    for check_index, check_document in enumerate(yaml_file.plain):
        yield from _group_faults(yaml_file, check_index, check_document)
        # Lenient: a faulty group is reported once, not again for every condition that names it.
        groups = _code_groups(check_document, lenient=True)
        for condition_place, condition_text in _condition_texts(check_document):
            try:
                parse(condition_text, groups)
            except BadCondition as error:
                yield _fault_at(
                    yaml_file,
                    (check_index, *condition_place),
                    f"{check_document['id']}, {condition_place[-1]}: {error}",
                )
        yield from _period_faults(yaml_file, check_index, check_document)


def _group_faults(yaml_file: YamlFile, check_index: int, check_document: Mapping[str, Any]) -> Iterator[Fault]:
    for group_name, spans in check_document.get("groups", {}).items():
        try:
            code_list(spans)
        except BadCondition as error:
            yield _fault_at(
                yaml_file, (check_index, "groups", group_name), f"{check_document['id']}, {group_name}: {error}"
            )


def _period_faults(yaml_file: YamlFile, check_index: int, check_document: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        first_day, last_day = _period_of_check(check_document)
    except ValueError:
        yield _fault_at(yaml_file, (check_index, "period"), f"{check_document['id']}, period: expected days that exist")
        return
    if first_day > last_day:
        yield _fault_at(yaml_file, (check_index, "period"), f"{check_document['id']}, period: ends before it begins")


def _fault_at(yaml_file: YamlFile, place: Place, fault_text: str) -> Fault:
    return Fault(yaml_file.file, yaml_file.line(place), fault_text)


def _repeated_ids(yaml_files: Sequence[YamlFile]) -> Iterator[Fault]:
    count_by_id = Counter(check_document["id"] for yaml_file in yaml_files for check_document in yaml_file.plain)
    for yaml_file in yaml_files:
        for check_index, check_document in enumerate(yaml_file.plain):
            if count_by_id[check_document["id"]] > 1:
                yield _fault_at(
                    yaml_file,
                    (check_index, "id"),
                    f"{check_document['id']}: {count_by_id[check_document['id']]} checks are called so",
                )


def _condition_texts(check_document: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for field_name in ("about", "flags"):
        if field_name in check_document:
            yield (field_name,), check_document[field_name]
    for field_name in ("units_of", "over_units_of"):
        if "rate" in check_document:
            yield ("rate", field_name), check_document["rate"][field_name]


def _code_groups(check_document: Mapping[str, Any], *, lenient: bool = False) -> dict[str, frozenset[str]]:
    """The code groups; *lenient*: one that is faulty, and reported, has no code."""
    codes_by_group = {}
    for group_name, spans in check_document.get("groups", {}).items():
        try:
            codes_by_group[group_name] = code_list(spans)
        except BadCondition:
            if not lenient:
                raise
            codes_by_group[group_name] = frozenset()
    return codes_by_group


def _period_of_check(check_document: Mapping[str, Any]) -> tuple[date, date]:
    period_fields = check_document.get("period", {})
    return tuple(
        date.fromisoformat(period_fields[field_name]) if field_name in period_fields else open_end
        for field_name, open_end in (("from", date.min), ("to", date.max))
    )  # type: ignore[return-value]


def _check_of_document(check_document: Mapping[str, Any]) -> Check:
    codes_by_group = _code_groups(check_document)
    first_day, last_day = _period_of_check(check_document)
    sample_fields = check_document.get("sample", {})
    return Check(
        id=check_document["id"],
        title=check_document["title"],
        why=check_document["why"],
        source=Citation(**check_document["source"]),
        first=first_day,
        last=last_day,
        about=parse(check_document["about"], codes_by_group) if "about" in check_document else None,
        flags=parse(check_document["flags"], codes_by_group) if "flags" in check_document else None,
        rate=_rate_of_fields(check_document["rate"], codes_by_group) if "rate" in check_document else None,
        pull=tuple(check_document["pull"]),
        sample_size=int(sample_fields.get("size", _SAMPLE_SIZE)),
        seed=int(sample_fields.get("seed", _SAMPLE_SEED)),
    )


def _rate_of_fields(rate_fields: Mapping[str, str], codes_by_group: Mapping[str, frozenset[str]]) -> Rate:
    return Rate(
        counted=parse(rate_fields["units_of"], codes_by_group),
        over=parse(rate_fields["over_units_of"], codes_by_group),
        above=Decimal(rate_fields["above"]) if "above" in rate_fields else None,
        deviations_above_peers=Decimal(rate_fields["deviations_above_peers"])
        if "deviations_above_peers" in rate_fields
        else None,
        least=int(rate_fields["least"]),
    )
