"""Random visits, as plain facts: every technique, site and nature, sizes and counts over their whole range."""

from random import Random
from typing import Any

from codeset.visit.visit_rules import paired_sites, sites

_SITES = sites()
_DIAGNOSES = {
    "benign": ["D22.5", "L82.1", "B07.8"],
    "premalignant": ["L57.0"],
    "malignant": ["C44.319", "C44.519", "D03.59"],
    "uncertain": ["D48.5", "D49.2"],
    "vascular": ["Q82.5"],
    "wound": ["S01.81XA"],
}
_TECHNIQUES = (
    "tangential_biopsy", "punch_biopsy", "incisional_biopsy", "shave", "destruction", "tag_removal", "excision", "mohs",
    "injection", "drainage", "repair",
)  # fmt: skip


def random_visit(random: Random, nth: int) -> dict[str, Any]:
    """One visit of up to six lesions."""
    visit: dict[str, Any] = {
        "visit_id": f"visit-{nth}",
        "date_of_service": f"2026-{random.randint(7, 9):02}-{random.randint(1, 28):02}",
        "place_of_service": random.choice(["11", "11", "11", "19", "22"]),
        "patient": random.choice(["new", "established"]),
        "pathology_by": random.choice(["this_practitioner", "another"]),
        "lesions": [_lesion(random, f"lesion {number}") for number in range(random.randint(1, 6))],
    }
    if random.random() < 0.6:
        levels = ["straightforward", "low", "moderate", "high"] + (["nurse"] if visit["patient"] != "new" else [])
        basis = {"level": random.choice(levels)} if random.random() < 0.7 else {"minutes": random.randint(1, 90)}
        answers = ("separate", "decided_major_surgery", "longitudinal")
        basis["global_period"] = random.choice(["none", "none", "none", "related", "unrelated"])
        visit["evaluation"] = basis | {name: random.choice([True, False]) for name in answers if random.random() < 0.8}
    if random.random() < 0.1:
        visit["photodynamic"] = {
            "applied_by": random.choice(["staff", "physician"]),
            "debridement": random.random() < 0.3,
        }
    if random.random() < 0.1:
        visit["other_services"] = random.sample(["drug", "laser", "nail_procedure", "patch_test"], 2)
    if random.random() < 0.1:
        light_kinds = ["ultraviolet", "uvb_with_topical", "puva", "severe"]
        excimer = {"kind": "excimer", "area_sq_cm": _tenths(random, 1, 9000)}
        visit["light"] = random.choice([{"kind": random.choice(light_kinds)}, excimer])
    return visit


def _lesion(random: Random, name: str) -> dict[str, Any]:
    technique = random.choice(_TECHNIQUES)
    natures = {"repair": ["wound"], "mohs": ["malignant"]}
    nature = random.choice(natures.get(technique, ["benign", "premalignant", "malignant", "uncertain", "vascular"]))
    site = random.choice(_SITES)
    lesion: dict[str, Any] = {"name": name, "site": site, "technique": technique, "nature": nature}
    if random.random() < 0.9:
        lesion["diagnosis"] = random.choice(_DIAGNOSES[nature])
    if random.random() < 0.1:
        lesion["global_period"] = random.choice(["staged", "unrelated", "complication"])
    if site in paired_sites():
        lesion["side"] = random.choice(["left", "right"])
    if random.random() < 0.95:
        lesion |= _of_technique(random, technique)
    if technique in ("excision", "mohs", "repair"):
        lesion |= random.choice([_closure, _closure, _flap, _graft])(random)
    if technique in ("excision", "mohs", "shave", "destruction") and random.random() < 0.2:
        biopsy = {"technique": random.choice(["tangential", "punch", "incisional"])}
        lesion["biopsy"] = biopsy | random.choice([{}, {"result_known": True}, {"result_known": False}])
    if random.random() < 0.4:
        lesion["specimens"] = [_specimen(random) for _ in range(random.randint(1, 2))]
    return lesion


def _of_technique(random: Random, technique: str) -> dict[str, Any]:
    match technique:
        case "shave":
            return {"diameter_cm": _tenths(random, 1, 60)}
        case "destruction":
            sizes = {"diameter_cm": _tenths(random, 1, 60), "area_sq_cm": _tenths(random, 1, 900)}
            return sizes | {"count": random.choice([1, 1, 2, 3, 14, 15, 30])}
        case "excision":
            return {"diameter_cm": _tenths(random, 1, 60), "margin_cm": _tenths(random, 0, 10)}
        case "mohs":
            return {"stages": [random.randint(1, 8) for _ in range(random.randint(1, 4))]}
        case "injection":
            agents = ["corticosteroid", "chemotherapy", "other"]
            return {"agent": random.choice(agents), "count": random.randint(1, 12)}
        case "tag_removal":
            return {"count": random.randint(1, 60)}
        case "drainage":
            return {"complicated": random.random() < 0.5}
    return {}


def _closure(random: Random) -> dict[str, Any]:
    of_class = random.choice(["strips", "simple", "intermediate", "complex"])
    return {"closure": {"class": of_class, "length_cm": _tenths(random, 1, 400)}}


def _flap(random: Random) -> dict[str, Any]:
    return {"flap": {"area_sq_cm": _tenths(random, 1, 1500)}}


def _graft(random: Random) -> dict[str, Any]:
    return {"graft": {"kind": "full_thickness", "area_sq_cm": _tenths(random, 1, 900)}}


def _specimen(random: Random) -> dict[str, Any]:
    examination = random.choice(["skin", "skin", "cyst_or_tag", "plastic_repair", "gross"])
    return {"examination": examination, "antibodies": random.randint(0, 3), "stains_group_one": random.randint(0, 1)}


def _tenths(random: Random, least: int, most: int) -> str:
    tenths = random.randint(least, most)
    return str(tenths // 10) if tenths % 10 == 0 and tenths else f"{tenths // 10}.{tenths % 10}"
