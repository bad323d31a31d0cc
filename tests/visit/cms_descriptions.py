"""What the short descriptions of CMS's fee schedule say, read as numbers and flags by `description_words.toml`."""

import csv
import re
import tomllib
from collections.abc import Mapping
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
COUNT_ABOVE = re.compile(r"(?:over |^ >)(\d+)$")
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
    words = next((each for each in WORDS["words"] if re.search(each["pattern"], description)), None)
    if words is None:
        return {}
    rest = re.sub(words["pattern"], "", description)
    facts: dict[str, object] = {name: text for name, text in words.items() if name != "pattern"}
    if facts["technique"].startswith("visit_"):
        facts |= level_and_minutes(rest)
    else:
        facts["size"] = size(rest)
    facts["is_further"] = FURTHER.search(description) is not None
    return facts


def level_and_minutes(rest: str) -> dict[str, object]:
    """The level and the least minutes of an office visit."""
    level = next((name for word, name in WORDS["levels"].items() if re.search(rf"\b{word}\b", rest)), None)
    minutes = MINUTES.search(rest)
    return {"nature": level, "size": {"from": Decimal(minutes[1])}} if minutes else {}


def size(rest: str) -> dict[str, Decimal]:
    """The least (`from`) and most (`to`) that *rest* states of size, count or area; what it leaves open is not there.

    More than 4.0 cm begins at 4.1 cm, more than 7 lesions at 8; less than 10 sq cm ends at 9.9.
    """
    if matched := RANGE.search(rest):
        return {"from": Decimal(matched[1]), "to": Decimal(matched[2])}
    if matched := UP_TO.search(rest) or COUNT_UP_TO.search(rest):
        return {"to": Decimal(matched[1])}
    if matched := COUNT_FROM.search(rest):
        return {"from": Decimal(matched[1])}
    if matched := BELOW.search(rest):
        return {"to": Decimal(matched[1]) - TENTH}
    if matched := COUNT_ABOVE.search(rest):
        return {"from": Decimal(matched[1]) + 1}
    if matched := ABOVE.search(rest):
        return {"from": Decimal(matched[1]) + TENTH}
    return {}
