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
_SAMPLE, _SEED = 10, 1
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

    The bound is `above`, or so many standard deviations above the mean of the other practitioners; a practitioner with
    fewer than `least` units to divide by is not compared.
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
        of_rate = () if self.rate is None else (self.rate.counted, self.rate.over)
        conditions = [condition for condition in (self.about, self.flags, *of_rate) if condition is not None]
        return frozenset[str]().union(*map(tables_of, conditions))


def load_checks(place: Path) -> tuple[Check, ...]:
    """Return the checks of a YAML file, or of every YAML file of a folder, by id.

    Raises BadInput: with every fault of every file. WrongUse: if there is no such file.
    """
    files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    if not files or not all(file.is_file() for file in files):
        raise WrongUse(f"{place}: there is no file of checks (*.yaml)")
    yaml_files = [read_yaml(file) for file in files]
    if faults := faults_of_files(yaml_files, "check"):
        raise BadInput(faults, _REFUSED)
    faults = [*chain.from_iterable(map(_faults, yaml_files)), *_repeated(yaml_files)]
    if faults:
        raise BadInput(faults, _REFUSED)
    checks = [_check(plain) for yaml_file in yaml_files for plain in yaml_file.plain]
    return tuple(sorted(checks, key=lambda check: check.id))


def chosen_checks(checks: Sequence[Check], ids: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks called *ids*, all if there are none.

    Raises WrongUse: for one that no check is called.
    """
    by_id = {check.id: check for check in checks}
    if unknown := [name for name in ids if name not in by_id]:
        raise WrongUse(f'no check is called "{unknown[0]}"; there are: {", ".join(by_id)}')
    return tuple(by_id[name] for name in ids) if ids else tuple(checks)


def _faults(yaml_file: YamlFile) -> Iterator[Fault]:
    """What the schema cannot see: groups and conditions that are none, days that do not exist."""
    for nth, plain in enumerate(yaml_file.plain):
        yield from _group_faults(yaml_file, nth, plain)
        # Lenient: a faulty group is reported once, not again for every condition that names it.
        groups = _groups(plain, lenient=True)
        for place, text in _condition_texts(plain):
            try:
                parse(text, groups)
            except BadCondition as error:
                yield _fault(yaml_file, (nth, *place), f"{plain['id']}, {place[-1]}: {error}")
        yield from _period_faults(yaml_file, nth, plain)


def _group_faults(yaml_file: YamlFile, nth: int, plain: Mapping[str, Any]) -> Iterator[Fault]:
    for name, spans in plain.get("groups", {}).items():
        try:
            code_list(spans)
        except BadCondition as error:
            yield _fault(yaml_file, (nth, "groups", name), f"{plain['id']}, {name}: {error}")


def _period_faults(yaml_file: YamlFile, nth: int, plain: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        first, last = _period(plain)
    except ValueError:
        yield _fault(yaml_file, (nth, "period"), f"{plain['id']}, period: expected days that exist")
        return
    if first > last:
        yield _fault(yaml_file, (nth, "period"), f"{plain['id']}, period: ends before it begins")


def _fault(yaml_file: YamlFile, place: Place, says: str) -> Fault:
    return Fault(yaml_file.file, yaml_file.line(place), says)


def _repeated(yaml_files: Sequence[YamlFile]) -> Iterator[Fault]:
    counts = Counter(plain["id"] for yaml_file in yaml_files for plain in yaml_file.plain)
    for yaml_file in yaml_files:
        for nth, plain in enumerate(yaml_file.plain):
            if counts[plain["id"]] > 1:
                yield _fault(yaml_file, (nth, "id"), f"{plain['id']}: {counts[plain['id']]} checks are called so")


def _condition_texts(plain: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    for name in ("about", "flags"):
        if name in plain:
            yield (name,), plain[name]
    for name in ("units_of", "over_units_of"):
        if "rate" in plain:
            yield ("rate", name), plain["rate"][name]


def _groups(plain: Mapping[str, Any], *, lenient: bool = False) -> dict[str, frozenset[str]]:
    """The code groups; *lenient*: one that is faulty, and reported, has no code."""
    groups = {}
    for name, spans in plain.get("groups", {}).items():
        try:
            groups[name] = code_list(spans)
        except BadCondition:
            if not lenient:
                raise
            groups[name] = frozenset()
    return groups


def _period(plain: Mapping[str, Any]) -> tuple[date, date]:
    period = plain.get("period", {})
    return tuple(
        date.fromisoformat(period[name]) if name in period else bound
        for name, bound in (("from", date.min), ("to", date.max))
    )  # type: ignore[return-value]


def _check(plain: Mapping[str, Any]) -> Check:
    groups = _groups(plain)
    first, last = _period(plain)
    sample = plain.get("sample", {})
    return Check(
        id=plain["id"],
        title=plain["title"],
        why=plain["why"],
        source=Citation(**plain["source"]),
        first=first,
        last=last,
        about=parse(plain["about"], groups) if "about" in plain else None,
        flags=parse(plain["flags"], groups) if "flags" in plain else None,
        rate=_rate(plain["rate"], groups) if "rate" in plain else None,
        pull=tuple(plain["pull"]),
        sample_size=int(sample.get("size", _SAMPLE)),
        seed=int(sample.get("seed", _SEED)),
    )


def _rate(plain: Mapping[str, str], groups: Mapping[str, frozenset[str]]) -> Rate:
    return Rate(
        counted=parse(plain["units_of"], groups),
        over=parse(plain["over_units_of"], groups),
        above=Decimal(plain["above"]) if "above" in plain else None,
        deviations_above_peers=Decimal(plain["deviations_above_peers"]) if "deviations_above_peers" in plain else None,
        least=int(plain["least"]),
    )
