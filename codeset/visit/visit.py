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
        # A single lesion has no number: its lines are called what its visit calls it.
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
        # On and off campus alike: 19 and 22 are the outpatient hospital (IOM 100-04, chapter 26, section 10.5).
        return self.place_of_service in _HOSPITAL

    @property
    def is_by_telehealth(self) -> bool:
        """Whether the patient was elsewhere."""
        return self.place_of_service in _TELEHEALTH


FactsAsWritten = Mapping[str, Any]


def visit_of(visit_facts: FactsAsWritten) -> Visit:
    """Return the visit that *visit_facts* is, in which `visit_files` found no fault."""
    return Visit(
        visit_id=visit_facts["visit_id"],
        date_of_service=date.fromisoformat(visit_facts["date_of_service"]),
        place_of_service=visit_facts["place_of_service"],
        locality=visit_facts.get("locality", "national"),
        patient=visit_facts["patient"],
        practitioner=visit_facts.get("practitioner", "practitioner"),
        evaluation=_evaluation_of(visit_facts["evaluation"]) if "evaluation" in visit_facts else None,
        lesions=tuple(map(_lesion_of, visit_facts.get("lesions", ()))),
        photodynamic=_photodynamic_of(visit_facts["photodynamic"]) if "photodynamic" in visit_facts else None,
        light=_light_of(visit_facts["light"]) if "light" in visit_facts else None,
        reads_pathology=visit_facts.get("pathology_by") == "this_practitioner",
        other_services=tuple(dict.fromkeys(visit_facts.get("other_services", ()))),
    )


def _evaluation_of(evaluation_facts: FactsAsWritten) -> Evaluation:
    return Evaluation(
        level=evaluation_facts.get("level"),
        minutes=int(evaluation_facts["minutes"]) if "minutes" in evaluation_facts else None,
        is_separate=_yes_or_no_fact(evaluation_facts, "separate"),
        decided_major_surgery=_yes_or_no_fact(evaluation_facts, "decided_major_surgery"),
        is_longitudinal=_yes_or_no_fact(evaluation_facts, "longitudinal"),
        global_period=evaluation_facts.get("global_period", "none"),
        diagnosis=evaluation_facts.get("diagnosis"),
        documented=_documented_items(evaluation_facts),
    )


def _photodynamic_of(therapy_facts: FactsAsWritten) -> Photodynamic:
    debridement = _yes_or_no_fact(therapy_facts, "debridement") or False
    return Photodynamic(
        therapy_facts.get("applied_by"), debridement, therapy_facts.get("diagnosis"), _documented_items(therapy_facts)
    )


def _light_of(light_facts: FactsAsWritten) -> Light:
    return Light(
        light_facts["kind"],
        _decimal_fact(light_facts, "area_sq_cm"),
        light_facts.get("diagnosis"),
        _documented_items(light_facts),
    )


def _lesion_of(lesion_facts: FactsAsWritten) -> Lesion:
    biopsy, frozen_section, closure = (
        lesion_facts.get("biopsy"),
        lesion_facts.get("frozen_section"),
        lesion_facts.get("closure"),
    )
    return Lesion(
        name=lesion_facts["name"],
        site=lesion_facts["site"],
        technique=lesion_facts["technique"],
        side=lesion_facts.get("side"),
        nature=lesion_facts.get("nature"),
        diagnosis=lesion_facts.get("diagnosis"),
        count=int(lesion_facts.get("count", 1)),
        method=lesion_facts.get("method"),
        diameter_cm=_decimal_fact(lesion_facts, "diameter_cm"),
        margin_cm=_decimal_fact(lesion_facts, "margin_cm"),
        excised_diameter_cm=_decimal_fact(lesion_facts, "excised_diameter_cm"),
        area_sq_cm=_decimal_fact(lesion_facts, "area_sq_cm"),
        stages=tuple(map(int, lesion_facts.get("stages", ()))),
        agent=lesion_facts.get("agent"),
        is_complicated=_yes_or_no_fact(lesion_facts, "complicated"),
        biopsy=Biopsy(biopsy["technique"], _yes_or_no_fact(biopsy, "result_known")) if biopsy else None,
        frozen_section=FrozenSection(int(frozen_section["blocks"]), _yes_or_no_fact(frozen_section, "result_known"))
        if frozen_section
        else None,
        closure=Closure(closure["class"], _decimal_fact(closure, "length_cm")) if closure else None,
        flap_area_sq_cm=_decimal_fact(lesion_facts.get("flap", {}), "area_sq_cm"),
        graft_area_sq_cm=_decimal_fact(lesion_facts.get("graft", {}), "area_sq_cm"),
        specimens=tuple(map(_specimen_of, lesion_facts.get("specimens", ()))),
        documented=_documented_items(lesion_facts),
        global_period=lesion_facts.get("global_period", "none"),
    )


def _specimen_of(specimen_facts: FactsAsWritten) -> Specimen:
    counts = (
        int(specimen_facts.get(count_name, 0)) for count_name in ("antibodies", "stains_group_one", "stains_group_two")
    )
    return Specimen(specimen_facts["examination"], *counts)


def _decimal_fact(facts: FactsAsWritten, fact_name: str) -> Decimal | None:
    return Decimal(facts[fact_name]) if fact_name in facts else None


def _yes_or_no_fact(facts: FactsAsWritten, fact_name: str) -> bool | None:
    return facts[fact_name] == "yes" if fact_name in facts else None


def _documented_items(facts: FactsAsWritten) -> frozenset[str] | None:
    return frozenset(facts["documented"]) if "documented" in facts else None
