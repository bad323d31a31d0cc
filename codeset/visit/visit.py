"""The facts of a visit as values: parsed once, in the words of `visit.schema.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

PROCEDURE_BIOPSIES = {f"{name}_biopsy": name for name in ("tangential", "punch", "incisional")}
"""The techniques that are a biopsy and nothing else, with the name that a biopsy before a removal has."""

_HOSPITAL = ("19", "22")
_TELEHEALTH = ("02", "10")
"""Places of service, as far as a visit may name them (IOM 100-04, chapter 26, section 10.5)."""


@dataclass(frozen=True)
class Biopsy:
    """A biopsy of a lesion before it was removed; `result_known`: whether a report was at hand before the surgery."""

    technique: str
    result_known: bool | None


@dataclass(frozen=True)
class FrozenSection:
    """A frozen section that this practitioner reads: its blocks; before Mohs surgery `result_known` as of a biopsy."""

    blocks: int
    result_known: bool | None


@dataclass(frozen=True)
class Closure:
    """How a wound was closed: strips, simple, intermediate or complex; and how long, in cm."""

    repair_class: str
    length_cm: Decimal | None


@dataclass(frozen=True)
class Specimen:
    """One specimen of a lesion: how it was examined, and how often it was stained."""

    examination: str
    antibodies: int
    stains_group_one: int
    stains_group_two: int


@dataclass(frozen=True)
class Lesion:
    """One lesion, or `count` alike, and what was done; sizes in cm, areas in square cm; None is "not given".

    `global_period`: none, or why it was done in that of an earlier procedure: staged, unrelated, complication.
    """

    name: str
    site: str
    technique: str
    side: str | None
    nature: str | None
    diagnosis: str | None
    count: int
    method: str | None
    diameter_cm: Decimal | None
    margin_cm: Decimal | None
    excised_diameter_cm: Decimal | None
    area_sq_cm: Decimal | None
    stages: tuple[int, ...]
    agent: str | None
    is_complicated: bool | None
    biopsy: Biopsy | None
    frozen_section: FrozenSection | None
    closure: Closure | None
    flap_area_sq_cm: Decimal | None
    graft_area_sq_cm: Decimal | None
    specimens: tuple[Specimen, ...]
    documented: frozenset[str] | None
    global_period: str = "none"

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, and the numbered ones of several lesions that have codes one by one: `A`, `A 1`, `A 2`."""
        numbers = range(1, self.count + 1) if self.count > 1 else ()
        return (self.name, *(f"{self.name} {number}" for number in numbers))

    @property
    def excised_cm(self) -> Decimal | None:
        """The excised diameter: as measured, or the lesion's largest diameter and twice the narrowest margin."""
        if self.excised_diameter_cm is not None:
            return self.excised_diameter_cm
        # Twice: the margin is on either side of the lesion (`excised-diameter` in `visit_rules.toml`).
        if self.diameter_cm is None or self.margin_cm is None:
            return None
        return self.diameter_cm + 2 * self.margin_cm


@dataclass(frozen=True)
class Evaluation:
    """The evaluation and management: its level or minutes as documented, and what decides its modifiers.

    `global_period`: none, or whether it is related or unrelated to the surgery in whose global period it is.
    """

    level: str | None
    minutes: int | None
    is_separate: bool | None
    decided_major_surgery: bool | None
    is_longitudinal: bool | None
    global_period: str
    diagnosis: str | None
    documented: frozenset[str] | None


@dataclass(frozen=True)
class Photodynamic:
    """Photodynamic therapy: who applied the photosensitizer, and whether lesions were debrided."""

    applied_by: str | None
    with_debridement: bool
    diagnosis: str | None
    documented: frozenset[str] | None


@dataclass(frozen=True)
class Light:
    """A session of phototherapy: its kind, and for an excimer laser the area in square cm."""

    kind: str
    area_sq_cm: Decimal | None
    diagnosis: str | None
    documented: frozenset[str] | None


@dataclass(frozen=True)
class Visit:
    """What was done at one visit of one patient with one practitioner on one day."""

    visit_id: str
    date_of_service: date
    place_of_service: str
    locality: str
    patient: str
    practitioner: str
    evaluation: Evaluation | None
    lesions: tuple[Lesion, ...]
    photodynamic: Photodynamic | None
    light: Light | None
    reads_pathology: bool
    other_services: tuple[str, ...] = ()

    @property
    def diagnoses(self) -> tuple[str, ...]:
        """The diagnoses in the order of the facts, each once: lesions, then treatments, then the visit."""
        treatments = (self.photodynamic, self.light, self.evaluation)
        diagnoses = [lesion.diagnosis for lesion in self.lesions] + [
            treatment.diagnosis for treatment in treatments if treatment
        ]
        return tuple(dict.fromkeys(diagnosis for diagnosis in diagnoses if diagnosis))

    @property
    def is_in_hospital(self) -> bool:
        """Whether the place is an outpatient hospital."""
        return self.place_of_service in _HOSPITAL

    @property
    def is_by_telehealth(self) -> bool:
        """Whether the patient was elsewhere."""
        return self.place_of_service in _TELEHEALTH


Plain = Mapping[str, Any]


def visit_of(plain: Plain) -> Visit:
    """Return the visit that *plain* is, in which `visit_faults` of `visit_files` has found nothing."""
    return Visit(
        visit_id=plain["visit_id"],
        date_of_service=date.fromisoformat(plain["date_of_service"]),
        place_of_service=plain["place_of_service"],
        locality=plain.get("locality", "national"),
        patient=plain["patient"],
        practitioner=plain.get("practitioner", "practitioner"),
        evaluation=_evaluation(plain["evaluation"]) if "evaluation" in plain else None,
        lesions=tuple(map(_lesion, plain.get("lesions", ()))),
        photodynamic=_photodynamic(plain["photodynamic"]) if "photodynamic" in plain else None,
        light=_light(plain["light"]) if "light" in plain else None,
        reads_pathology=plain.get("pathology_by") == "this_practitioner",
        other_services=tuple(dict.fromkeys(plain.get("other_services", ()))),
    )


def _evaluation(plain: Plain) -> Evaluation:
    return Evaluation(
        level=plain.get("level"),
        minutes=int(plain["minutes"]) if "minutes" in plain else None,
        is_separate=_yes(plain, "separate"),
        decided_major_surgery=_yes(plain, "decided_major_surgery"),
        is_longitudinal=_yes(plain, "longitudinal"),
        global_period=plain.get("global_period", "none"),
        diagnosis=plain.get("diagnosis"),
        documented=_documented(plain),
    )


def _photodynamic(plain: Plain) -> Photodynamic:
    debridement = _yes(plain, "debridement") or False
    return Photodynamic(plain.get("applied_by"), debridement, plain.get("diagnosis"), _documented(plain))


def _light(plain: Plain) -> Light:
    return Light(plain["kind"], _size(plain, "area_sq_cm"), plain.get("diagnosis"), _documented(plain))


def _lesion(plain: Plain) -> Lesion:
    biopsy, frozen, closure = plain.get("biopsy"), plain.get("frozen_section"), plain.get("closure")
    return Lesion(
        name=plain["name"],
        site=plain["site"],
        technique=plain["technique"],
        side=plain.get("side"),
        nature=plain.get("nature"),
        diagnosis=plain.get("diagnosis"),
        count=int(plain.get("count", 1)),
        method=plain.get("method"),
        diameter_cm=_size(plain, "diameter_cm"),
        margin_cm=_size(plain, "margin_cm"),
        excised_diameter_cm=_size(plain, "excised_diameter_cm"),
        area_sq_cm=_size(plain, "area_sq_cm"),
        stages=tuple(map(int, plain.get("stages", ()))),
        agent=plain.get("agent"),
        is_complicated=_yes(plain, "complicated"),
        biopsy=Biopsy(biopsy["technique"], _yes(biopsy, "result_known")) if biopsy else None,
        frozen_section=FrozenSection(int(frozen["blocks"]), _yes(frozen, "result_known")) if frozen else None,
        closure=Closure(closure["class"], _size(closure, "length_cm")) if closure else None,
        flap_area_sq_cm=_size(plain.get("flap", {}), "area_sq_cm"),
        graft_area_sq_cm=_size(plain.get("graft", {}), "area_sq_cm"),
        specimens=tuple(map(_specimen, plain.get("specimens", ()))),
        documented=_documented(plain),
        global_period=plain.get("global_period", "none"),
    )


def _specimen(plain: Plain) -> Specimen:
    counts = (int(plain.get(name, 0)) for name in ("antibodies", "stains_group_one", "stains_group_two"))
    return Specimen(plain["examination"], *counts)


def _size(plain: Plain, name: str) -> Decimal | None:
    return Decimal(plain[name]) if name in plain else None


def _yes(plain: Plain, name: str) -> bool | None:
    return plain[name] == "yes" if name in plain else None


def _documented(plain: Plain) -> frozenset[str] | None:
    return frozenset(plain["documented"]) if "documented" in plain else None
