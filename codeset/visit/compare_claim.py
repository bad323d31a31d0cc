"""A claim as billed against the facts of its visit: over- and under-coded, missed, unbundled; dollars each way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from codeset.claims.adjudicate import adjudicate
from codeset.claims.outcome_rows import LineOutcome, outcome_rows
from codeset.errors import WrongUse
from codeset.participants import Participant
from codeset.snapshot import Snapshot
from codeset.visit.code_facts import CodeFacts
from codeset.visit.code_visit import CodedLine, CodedVisit
from codeset.visit.services import Unbilled
from codeset.wording import count

_GROUPS = {
    "biopsy_tangential": "biopsy",
    "biopsy_punch": "biopsy",
    "biopsy_incisional": "biopsy",
    "repair_simple": "repair",
    "repair_intermediate": "repair",
    "repair_complex": "repair",
    "visit_new": "visit",
    "visit_established": "visit",
    "drainage_complicated": "drainage",
    "photodynamic_staff": "photodynamic",
    "photodynamic_physician": "photodynamic",
    "photodynamic_debridement": "photodynamic",
    "light_ultraviolet": "light",
    "light_uvb_with_topical": "light",
    "light_puva": "light",
    "light_severe": "light",
    "light_excimer": "light",
}
"""Techniques that are taken for one another; every other one only for itself."""


@dataclass(frozen=True)
class Discrepancy:
    """One way in which a claim differs from the facts: the line billed and the line that the facts support.

    `kind`: over-coded, under-coded, missed, unbundled, not supported, modifiers, or same code (paid otherwise because
    of the other lines). `cents`: what the right line pays more than the billed one; negative if the billed one does.
    """

    kind: str
    billed: LineOutcome | None
    right: CodedLine | None
    why: str
    cents: int


@dataclass(frozen=True)
class Comparison:
    """A claim against a visit: every line of both is in one discrepancy, or the same in both."""

    coded: CodedVisit
    billed: tuple[LineOutcome, ...]
    discrepancies: tuple[Discrepancy, ...]

    @property
    def billed_cents(self) -> int:
        """What the claim pays as billed."""
        return sum(_allowed(line) for line in self.billed)

    @property
    def over_cents(self) -> int:
        """What the claim pays beyond what the facts support, where it does."""
        return -sum(discrepancy.cents for discrepancy in self.discrepancies if discrepancy.cents < 0)

    @property
    def under_cents(self) -> int:
        """What the facts support beyond what the claim pays, where they do."""
        return sum(discrepancy.cents for discrepancy in self.discrepancies if discrepancy.cents > 0)


def compare_claims(
    coded: Sequence[CodedVisit], lines: pl.DataFrame, snapshot: Snapshot, *, participant: Participant | None = None
) -> list[Comparison]:
    """Compare claim *lines* with the *coded* visits: those of the claim named as the visit, or all with one visit.

    Raises WrongUse: if a visit has no line.
    """
    outcomes = outcome_rows(adjudicate(lines, snapshot, participant=participant))
    facts = CodeFacts.of(snapshot)
    comparisons = []
    for visit in coded:
        claim_lines = [line for line in outcomes if len(coded) == 1 or line.claim_id == visit.visit.visit_id]
        of_day = [line for line in claim_lines if line.date_of_service == visit.visit.date_of_service]
        if not of_day:
            day = visit.visit.date_of_service
            raise WrongUse(
                f"{visit.visit.visit_id}: no claim line of {day}; a claim has the visit's visit_id as claim_id"
            )
        comparisons.append(_compared(visit, of_day, snapshot, facts))
    return comparisons


def _compared(coded: CodedVisit, billed: Sequence[LineOutcome], snapshot: Snapshot, facts: CodeFacts) -> Comparison:
    pairs, only_billed, only_right = _paired(billed, coded.lines, facts)
    discrepancies = [
        *(discrepancy for one, other in pairs if (discrepancy := _of_pair(one, other, snapshot))),
        *(Discrepancy("missed", None, right, right.service.about, _allowed(right.outcome)) for right in only_right),
        *(_without_support(line, coded, facts) for line in only_billed),
    ]
    return Comparison(coded, tuple(billed), tuple(discrepancies))


Pair = tuple[LineOutcome, CodedLine]


def _paired(
    billed: Iterable[LineOutcome], right: Iterable[CodedLine], facts: CodeFacts
) -> tuple[list[Pair], list[LineOutcome], list[CodedLine]]:
    """Pair lines of the same code, then of the same use; and return those that are left on either side."""
    pairs: list[Pair] = []
    left_billed, left_right = list(billed), list(right)
    # Same codes first: a line that is right is never paired with another of its family.
    for use in (str, lambda hcpcs: _use(hcpcs, facts)):
        for line in list(left_billed):
            partner = next(
                (right_line for right_line in left_right if use(right_line.service.hcpcs) == use(line.hcpcs)), None
            )
            if partner is not None:
                pairs.append((line, partner))
                left_billed.remove(line)
                left_right.remove(partner)
    return pairs, left_billed, left_right


def _use(hcpcs: str, facts: CodeFacts) -> tuple[str, bool] | str:
    """What a code is used for, first and further parts apart; a code that is not known here only for itself."""
    fact = facts.of_code(hcpcs)
    return hcpcs if fact is None else (_GROUPS.get(fact.technique, fact.technique), fact.part == "further")


def _of_pair(billed: LineOutcome, right: CodedLine, snapshot: Snapshot) -> Discrepancy | None:
    service = right.service
    cents = _allowed(right.outcome) - _allowed(billed)
    facts = "; ".join(service.rests_on)
    # By RVUs, not by dollars: a line that is denied pays nothing and may yet be the larger code.
    if billed.hcpcs != service.hcpcs:
        kind = "over-coded" if _rvu(billed, snapshot) > _rvu(right.outcome, snapshot) else "under-coded"
        return Discrepancy(kind, billed, right, f"{service.hcpcs}, not {billed.hcpcs}: {facts}", cents)
    if billed.units != service.units:
        kind = "over-coded" if billed.units > service.units else "under-coded"
        return Discrepancy(kind, billed, right, f"{count(service.units, 'unit')}, not {billed.units}: {facts}", cents)
    if set(billed.modifiers) != set(service.modifiers):
        expected, billed_modifiers = (
            " ".join(modifiers) or "none" for modifiers in (service.modifiers, billed.modifiers)
        )
        return Discrepancy("modifiers", billed, right, f"expected {expected}, found {billed_modifiers}", cents)
    return (
        Discrepancy("same code", billed, right, "paid otherwise because of the other lines", cents) if cents else None
    )


def _without_support(line: LineOutcome, coded: CodedVisit, facts: CodeFacts) -> Discrepancy:
    """A billed line of which the facts know nothing, or that is part of what they know."""
    # The rules of the visit first: they name the lesion, where an edit names two codes alone.
    for unbilled in coded.unbilled:
        if unbilled.hcpcs == line.hcpcs or _is_about(unbilled, line.hcpcs, facts):
            return Discrepancy("unbundled", line, None, f"{unbilled.about}: {unbilled.why}", -_allowed(line))
    for finding in line.findings:
        if finding.edit in ("ptp", "same_lesion") and finding.severity in ("deny", "review"):
            return Discrepancy("unbundled", line, None, finding.says, -_allowed(line))
    return Discrepancy("not supported", line, None, "no fact of the visit supports it", -_allowed(line))


def _is_about(unbilled: Unbilled, hcpcs: str, facts: CodeFacts) -> bool:
    """Whether a code is of the kind that a rule says is included: a repair, a biopsy, an excision, or pathology."""
    fact = facts.of_code(hcpcs)
    if fact is None:
        return False
    technique_of_rule = {
        "repair-included": "repair",
        "repair-small-benign": "repair",
        "adhesive-strips": "repair",
        "biopsy-included": "biopsy",
        "flap-area": "excision",
        "mohs-pathology": "pathology",
    }
    technique = technique_of_rule.get(unbilled.rule)
    return technique is not None and fact.technique.startswith(
        (technique, "frozen") if technique == "pathology" else technique
    )


def _allowed(line: LineOutcome) -> int:
    return 0 if line.disposition == "deny" else line.allowed_cents or 0


def _rvu(line: LineOutcome, snapshot: Snapshot) -> Decimal:
    """What a line is worth by itself, also where it is denied: the RVUs of its units in the office."""
    row = snapshot.mpfs(line.hcpcs)
    return Decimal(0) if row is None else row["nonfacility_total_rvu"] * line.units
