"""What the visit room takes codes to mean is what CMS's own descriptions say: numbers and flags, code by code."""

import re
import zipfile
from collections import Counter
from pathlib import Path

import cms_descriptions
import pytest

from codeset.visit.code_facts import code_facts

FACTS = code_facts()
NOT_DESCRIBED_IN_2025 = {"17106", "17107", "17108"}
"""Their descriptions of October 2025 are all the same."""

FILES = ("2026q3/PPRRVU2026_Jul_nonQPP.csv", "2025q4/rvu25d.zip")


def descriptions(cms: Path, name: str, folder: Path) -> dict[str, str]:
    file = cms / name
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as package:
            member = next(each for each in package.namelist() if re.search(r"PPRRVU.*\.csv$", each, re.IGNORECASE))
            file = folder / "pprrvu.csv"
            file.write_bytes(package.read(member))
    return dict(cms_descriptions.described(file))


@pytest.mark.cms
@pytest.mark.parametrize("name", FILES)
def test_cms_describes_each_code_by_the_same_numbers_and_flags(cms, tmp_path, name):
    texts = descriptions(cms, name, tmp_path)
    differing = []
    lacking = NOT_DESCRIBED_IN_2025 if "2025" in name else set()
    for fact in (fact for fact in FACTS if fact.hcpcs not in lacking):
        stated = cms_descriptions.facts_of(texts[fact.hcpcs])
        assert stated, f"{fact.hcpcs} has words that the test does not know"
        differing += [f"{fact.hcpcs}: {name}" for name in differences(fact, stated)]
    assert differing == []


def differences(fact, stated):
    """The facts of a code that its description states otherwise, or does not state though nothing says so."""
    own = {"technique": fact.technique, "nature": fact.nature, "site_class": fact.site_class}
    for name, value in own.items():
        if name not in fact.not_described and (stated.get(name) or "") != value:
            yield f"{name} is {value or 'none'}, described as {stated.get(name)}"
    if "part" not in fact.not_described and (fact.part == "further") != stated["is_further"]:
        yield f"part is {fact.part}"
    if "size" in fact.not_described:
        return
    size = stated.get("size", {})
    if fact.step is not None and "to" in size and "from" not in size:
        size = {}  # of a further part the description states the step
    for end, value in (("from", fact.size_from), ("to", fact.size_to)):
        if end in size and size[end] != value:
            yield f"{end} {value}, described as {size[end]}"
    if fact.measure.endswith("_cm") and fact.part != "further" and not size:
        yield "no size is described"


def test_the_families_are_whole():
    assert {name: count for name, count in Counter(fact.technique for fact in FACTS).items() if count > 5} == {
        "shave": 12,
        "excision": 36,
        "repair_simple": 13,
        "repair_intermediate": 19,
        "repair_complex": 12,
        "flap": 10,
        "graft_full_thickness": 8,
        "destruction": 26,
    }


@pytest.mark.cms
def test_no_description_stands_in_the_facts(cms):
    texts = cms_descriptions.described(cms / FILES[0])
    words = Path(cms_descriptions.__file__).with_name("description_words.toml").read_text(encoding="utf-8").casefold()
    whole = {texts[fact.hcpcs].casefold() for fact in FACTS}
    assert [text for text in whole if text in words] == []
