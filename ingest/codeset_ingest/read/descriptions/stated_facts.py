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

_TENTH_OF_CM = Decimal("0.1")
_NUMBER_PATTERN = r"(\d+(?:\.\d+)?|\.\d+)"
_FURTHER_WORDS = re.compile(r"\b(addl?|each|ea|add-on|add on)\b")
_FROM_TO = re.compile(rf"{_NUMBER_PATTERN}-{_NUMBER_PATTERN}")
_UP_TO = re.compile(rf"{_NUMBER_PATTERN} ?(?:cm|sq ?cm)? ?/?<$|(?:up to(?:&inc)? |</?w? )(\d+)$")
_AT_LEAST = re.compile(r"(\d+)(?:/>$| or more$| min$)")
_LESS_THAN = re.compile(rf"< ?{_NUMBER_PATTERN} ?sq")
_MORE_THAN = re.compile(rf"(?:>|over ) ?{_NUMBER_PATTERN}")
_STEP_SIZE = re.compile(rf"\badd?l? {_NUMBER_PATTERN}")


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
        return _TENTH_OF_CM if (self.measure or "").endswith("_cm") else Decimal(1)


def facts_frame(schedule_rows: pl.DataFrame) -> pl.DataFrame | None:
    """Return what the descriptions of *schedule_rows* state of the expected codes.

    The rows have hcpcs, modifier, description, line and file.

    A code whose description is not understood has a row without a measure, which a contract refuses. None, if none of
    them is understood: the file has no descriptions of CMS's.
    """
    expected_rows = schedule_rows.select("hcpcs", "modifier", DESCRIPTION, LINE, FILE).with_columns(
        pl.col(pl.Categorical).cast(pl.String)
    )
    # Rows with 26 or TC repeat the description of the whole service.
    expected_rows = expected_rows.filter(pl.col("modifier") == "", pl.col("hcpcs").is_in(list(_family_by_code())))
    stated_by_description = [
        stated_facts(hcpcs, description)
        for hcpcs, description in expected_rows.select("hcpcs", DESCRIPTION).iter_rows()
    ]
    if not any(facts.measure for facts in stated_by_description):
        return None
    column_types = dict(TABLES[CODE_FACTS].columns)
    facts_rows = pl.DataFrame(
        [vars(code_facts) for code_facts in _completed_facts(stated_by_description)], schema=column_types
    )
    # The place of the fee schedule's row: a description that is not understood is reported there.
    source_places = expected_rows.select(pl.col(LINE), pl.col(FILE).cast(pl.Categorical()))
    return pl.concat(
        [facts_rows.with_columns(pl.col(pl.String).cast(pl.Categorical())), source_places], how="horizontal"
    )


def stated_facts(hcpcs: str, description: str) -> StatedFacts:
    """Return what *description* states of *hcpcs*; without a measure, if its words are not understood."""
    family = _family_by_code()[hcpcs]
    matching_entry = next(
        (matching_entry for matching_entry in family["entry"] if _has_words(description, matching_entry["words"])), None
    )
    if matching_entry is None:
        return StatedFacts(hcpcs)
    facts = StatedFacts(
        hcpcs,
        matching_entry.get("technique"),
        matching_entry.get("nature"),
        matching_entry.get("site_class"),
        family["measure"],
    )
    if _FURTHER_WORDS.search(description):
        return replace(facts, part="further", step=_step_of_part(description, counts_one="counts_one" in family))
    stated_size = _stated_size(description, facts.unit) or _size_in_words(matching_entry, family)
    return replace(facts, size_from=stated_size[0], size_to=stated_size[1]) if stated_size else facts


def _has_words(description: str, word_patterns: Sequence[str]) -> bool:
    """Whether *description* has all *word_patterns*, each a pattern, in any order."""
    return all(re.search(rf"(?<!\S)(?:{word_pattern})", description) for word_pattern in word_patterns)


def _stated_size(description: str, size_unit: Decimal) -> tuple[Decimal, Decimal | None] | None:
    """The least and the most that *description* states: more than 4.0 cm is from 4.1 cm, less than 10 sq cm to 9.9."""
    if range_match := _FROM_TO.search(description):
        return Decimal(range_match[1]), Decimal(range_match[2])
    if up_to_match := _UP_TO.search(description):
        return size_unit, Decimal(up_to_match[1] or up_to_match[2])
    if at_least_match := _AT_LEAST.search(description):
        return Decimal(at_least_match[1]), None
    if less_than_match := _LESS_THAN.search(description):
        return size_unit, Decimal(less_than_match[1]) - size_unit
    if more_than_match := _MORE_THAN.search(description):
        return Decimal(more_than_match[1]) + size_unit, None
    return None


def _size_in_words(entry: Mapping[str, Any], family: Mapping[str, Any]) -> tuple[Decimal, Decimal | None] | None:
    """The size that words state without a number: that of the entry, or one."""
    if "size" in entry:
        least_size, *most_size = map(Decimal, entry["size"])
        return least_size, most_size[0] if most_size else None
    return (Decimal(1), Decimal(1)) if "counts_one" in family else None


def _step_of_part(description: str, *, counts_one: bool) -> Decimal | None:
    if step_match := _STEP_SIZE.search(description):
        return Decimal(step_match[1])
    return Decimal(1) if counts_one else None


def _completed_facts(all_facts: Sequence[StatedFacts]) -> list[StatedFacts]:
    """The facts with what follows from the others of a technique: where further parts begin, and where times end."""
    return [_with_end_of_minutes(_with_start_of_further(facts, all_facts), all_facts) for facts in all_facts]


def _with_start_of_further(facts: StatedFacts, all_facts: Iterable[StatedFacts]) -> StatedFacts:
    """A further part begins above the largest first one of its use."""
    if facts.part != "further" or facts.step is None:
        return facts
    first_parts = [other for other in all_facts if other.technique == facts.technique and other.part is None]
    first_parts_of_use = [
        other_facts for other_facts in first_parts if other_facts.site_class == facts.site_class
    ] or first_parts
    # Where no first part is of the same class of sites, those of the technique count.
    largest_sizes = [other_facts.size_to for other_facts in first_parts_of_use if other_facts.size_to is not None]
    return replace(facts, size_from=max(largest_sizes) + facts.unit) if largest_sizes else facts


def _with_end_of_minutes(facts: StatedFacts, all_facts: Iterable[StatedFacts]) -> StatedFacts:
    """The minutes of a visit end before those of the next level."""
    if facts.measure != "minutes" or facts.size_from is None or facts.size_to is not None:
        return facts
    starting_minutes = [
        other.size_from for other in all_facts if other.technique == facts.technique and other.size_from is not None
    ]
    # Minutes are whole numbers: a level ends one before the next begins.
    later_starts = [starting_minute for starting_minute in starting_minutes if starting_minute > facts.size_from]
    return replace(facts, size_to=min(later_starts) - 1) if later_starts else facts


@cache
def _family_by_code() -> Mapping[str, Mapping[str, Any]]:
    """The family of each expected code, as `words.toml` has it."""
    words_document = tomllib.loads(
        files("codeset_ingest.read.descriptions").joinpath("words.toml").read_text(encoding="utf-8")
    )
    return {
        hcpcs: family
        for family in words_document["family"]
        for code_span in family["codes"]
        for hcpcs in codes_of(code_span)
    }
