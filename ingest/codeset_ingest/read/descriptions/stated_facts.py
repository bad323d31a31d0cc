"""What the short descriptions of the fee schedule state: technique, nature, class of site, sizes and counts.

The descriptions are the AMA's: they are read here, and kept nowhere. What the words mean is in `words.toml`.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from codeset.scope import codes_of
from codeset.tables import TABLES
from codeset_ingest.read.table import FILE, LINE

CODE_FACTS = "code_facts"
DESCRIPTION = "description"

_TENTH = Decimal("0.1")
_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_FURTHER = re.compile(r"\b(addl?|each|ea|add-on|add on)\b")
_BETWEEN = re.compile(rf"{_NUMBER}-{_NUMBER}")
_UP_TO = re.compile(rf"{_NUMBER} ?(?:cm|sq ?cm)? ?/?<$|(?:up to(?:&inc)? |</?w? )(\d+)$")
_AT_LEAST = re.compile(r"(\d+)(?:/>$| or more$| min$)")
_LESS_THAN = re.compile(rf"< ?{_NUMBER} ?sq")
_MORE_THAN = re.compile(rf"(?:>|over ) ?{_NUMBER}")
_STEP = re.compile(rf"\badd?l? {_NUMBER}")


@dataclass(frozen=True)
class StatedFacts:
    """What one description states; None is "not stated", but `size_to` None beside a `size_from` is "no limit".

    Sizes are inclusive, in the unit of `measure`. `part` is `further` for each further part, of `step` each.
    """

    hcpcs: str
    technique: str | None = None
    nature: str | None = None
    site_class: str | None = None
    measure: str | None = None
    size_from: Decimal | None = None
    size_to: Decimal | None = None
    part: str | None = None
    step: Decimal | None = None

    @property
    def unit(self) -> Decimal:
        """The smallest difference of two sizes: a tenth of a centimeter, or one."""
        return _TENTH if (self.measure or "").endswith("_cm") else Decimal(1)


def facts_frame(rows: pl.DataFrame) -> pl.DataFrame | None:
    """Return what the descriptions of *rows* (hcpcs, modifier, description, line and file) state of the expected codes.

    A code whose description is not understood has a row without a measure, which a contract refuses. None, if none of
    them is understood: the file has no descriptions of CMS's.
    """
    expected_rows = rows.select("hcpcs", "modifier", DESCRIPTION, LINE, FILE).with_columns(
        pl.col(pl.Categorical).cast(pl.String)
    )
    # Rows with 26 or TC repeat the description of the whole service.
    expected_rows = expected_rows.filter(pl.col("modifier") == "", pl.col("hcpcs").is_in(list(_families())))
    stated = [stated_facts(hcpcs, text) for hcpcs, text in expected_rows.select("hcpcs", DESCRIPTION).iter_rows()]
    if not any(facts.measure for facts in stated):
        return None
    schema = dict(TABLES[CODE_FACTS].columns)
    facts = pl.DataFrame([vars(code_facts) for code_facts in _completed(stated)], schema=schema)
    places = expected_rows.select(pl.col(LINE), pl.col(FILE).cast(pl.Categorical()))
    return pl.concat([facts.with_columns(pl.col(pl.String).cast(pl.Categorical())), places], how="horizontal")


def stated_facts(hcpcs: str, description: str) -> StatedFacts:
    """Return what *description* states of *hcpcs*; without a measure, if its words are not understood."""
    family = _families()[hcpcs]
    entry = next((entry for entry in family["entry"] if _has_words(description, entry["words"])), None)
    if entry is None:
        return StatedFacts(hcpcs)
    facts = StatedFacts(hcpcs, entry.get("technique"), entry.get("nature"), entry.get("site_class"), family["measure"])
    if _FURTHER.search(description):
        return replace(facts, part="further", step=_step(description, counts_one="counts_one" in family))
    size = _size(description, facts.unit) or _counted(entry, family)
    return replace(facts, size_from=size[0], size_to=size[1]) if size else facts


def _has_words(description: str, words: Sequence[str]) -> bool:
    """Whether *description* has all *words*, each a pattern, in any order."""
    return all(re.search(rf"(?<!\S)(?:{word})", description) for word in words)


def _size(description: str, unit: Decimal) -> tuple[Decimal, Decimal | None] | None:
    """The least and the most that *description* states: more than 4.0 cm is from 4.1 cm, less than 10 sq cm to 9.9."""
    if between := _BETWEEN.search(description):
        return Decimal(between[1]), Decimal(between[2])
    if up_to := _UP_TO.search(description):
        return unit, Decimal(up_to[1] or up_to[2])
    if at_least := _AT_LEAST.search(description):
        return Decimal(at_least[1]), None
    if less_than := _LESS_THAN.search(description):
        return unit, Decimal(less_than[1]) - unit
    if more_than := _MORE_THAN.search(description):
        return Decimal(more_than[1]) + unit, None
    return None


def _counted(entry: Mapping[str, Any], family: Mapping[str, Any]) -> tuple[Decimal, Decimal | None] | None:
    """The size that words state without a number: that of the entry, or one."""
    if "size" in entry:
        least, *most = map(Decimal, entry["size"])
        return least, most[0] if most else None
    return (Decimal(1), Decimal(1)) if "counts_one" in family else None


def _step(description: str, *, counts_one: bool) -> Decimal | None:
    if step := _STEP.search(description):
        return Decimal(step[1])
    return Decimal(1) if counts_one else None


def _completed(stated: Sequence[StatedFacts]) -> list[StatedFacts]:
    """The facts with what follows from the others of a technique: where further parts begin, and where times end."""
    return [_with_end(_with_start(facts, stated), stated) for facts in stated]


def _with_start(facts: StatedFacts, stated: Iterable[StatedFacts]) -> StatedFacts:
    """A further part begins above the largest first one of its use."""
    if facts.part != "further" or facts.step is None:
        return facts
    firsts = [other for other in stated if other.technique == facts.technique and other.part is None]
    of_use = [other for other in firsts if other.site_class == facts.site_class] or firsts
    ends = [other.size_to for other in of_use if other.size_to is not None]
    return replace(facts, size_from=max(ends) + facts.unit) if ends else facts


def _with_end(facts: StatedFacts, stated: Iterable[StatedFacts]) -> StatedFacts:
    """The minutes of a visit end before those of the next level."""
    if facts.measure != "minutes" or facts.size_from is None or facts.size_to is not None:
        return facts
    starts = [other.size_from for other in stated if other.technique == facts.technique and other.size_from is not None]
    longer = [start for start in starts if start > facts.size_from]
    return replace(facts, size_to=min(longer) - 1) if longer else facts


@cache
def _families() -> Mapping[str, Mapping[str, Any]]:
    """The family of each expected code, as `words.toml` has it."""
    plain = tomllib.loads(files("codeset_ingest.read.descriptions").joinpath("words.toml").read_text(encoding="utf-8"))
    return {code: family for family in plain["family"] for span in family["codes"] for code in codes_of(span)}
