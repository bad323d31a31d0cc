"""What the short descriptions of CMS's fee schedule say, read as numbers and flags by `description_words.toml`."""

import csv
import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

WORDS = tomllib.loads((Path(__file__).parent / "description_words.toml").read_text(encoding="utf-8"))
TENTH = Decimal("0.1")

NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
RANGE = re.compile(rf"({NUMBER})-({NUMBER})")
UP_TO = re.compile(rf"({NUMBER}) ?(?:cm|sq ?cm)? ?/?<$")
ABOVE = re.compile(rf"> ?({NUMBER})")
BELOW = re.compile(rf"< ?({NUMBER}) ?sq")
COUNT_UP_TO = re.compile(r"(?:up to(?:&inc)? |</?w? )(\d+)")
COUNT_FROM = re.compile(r"(\d+)/>$")
COUNT_ABOVE = re.compile(r"(?:over | >)(\d+)$")
MINUTES = re.compile(r"(\d+) min")
FURTHER = re.compile(r"\b(addl?|each|ea|add-on|add on|ea add antb)\b")


def described(cms_file: Path) -> Mapping[str, str]:
    """The short description of each code in a fee schedule file as CMS published it."""
    with cms_file.open(encoding="cp1252", newline="") as file:
        rows = list(csv.reader(file))
    begins = next(place for place, row in enumerate(rows) if row[:2] == ["HCPCS", "MOD"])
    return {row[0]: row[2].strip() for row in rows[begins + 1 :] if len(row) > 2 and row[1].strip() == ""}


def facts_of(description: str) -> dict[str, object]:
    """The facts that *description* states, by the names of code_facts.csv; empty if no words of it are known."""
    entry = next((entry for entry in WORDS["entry"] if has_words(description, entry["words"])), None)
    if entry is None:
        return {}
    facts: dict[str, object] = {name: text for name, text in entry.items() if name != "words"}
    if facts["technique"].startswith("visit_"):
        facts |= level_and_minutes(description)
    else:
        facts["size"] = size(description)
    facts["is_further"] = FURTHER.search(description) is not None
    return facts


def has_words(description: str, words: Sequence[str]) -> bool:
    """Whether *description* has all *words*, each a pattern, in any order."""
    return all(re.search(rf"(?<!\S){word}", description) for word in words)


def level_and_minutes(description: str) -> dict[str, object]:
    """The level and the least minutes of an office visit."""
    level = next((name for word, name in WORDS["levels"].items() if re.search(rf"\b{word}\b", description)), None)
    minutes = MINUTES.search(description)
    return {"nature": level, "size": {"from": Decimal(minutes[1])}} if minutes else {}


def size(description: str) -> dict[str, Decimal]:
    """The least (`from`) and most (`to`) that *description* states of size, count or area; what is open is not there.

    More than 4.0 cm begins at 4.1 cm, more than 7 lesions at 8; less than 10 sq cm ends at 9.9.
    """
    if matched := RANGE.search(description):
        return {"from": Decimal(matched[1]), "to": Decimal(matched[2])}
    if matched := UP_TO.search(description) or COUNT_UP_TO.search(description):
        return {"to": Decimal(matched[1])}
    if matched := COUNT_FROM.search(description):
        return {"from": Decimal(matched[1])}
    if matched := BELOW.search(description):
        return {"to": Decimal(matched[1]) - TENTH}
    if matched := COUNT_ABOVE.search(description):
        return {"from": Decimal(matched[1]) + 1}
    if matched := ABOVE.search(description):
        return {"from": Decimal(matched[1]) + TENTH}
    return {}
