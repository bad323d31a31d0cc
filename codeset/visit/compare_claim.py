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

_USAGE_OF_TECHNIQUE = {
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
        return sum(_allowed_cents(line) for line in self.billed)

    @property
    def over_cents(self) -> int:
        """What the claim pays beyond what the facts support, where it does."""
        return -sum(discrepancy.cents for discrepancy in self.discrepancies if discrepancy.cents < 0)

    @property
    def under_cents(self) -> int:
        """What the facts support beyond what the claim pays, where they do."""
        return sum(discrepancy.cents for discrepancy in self.discrepancies if discrepancy.cents > 0)


def compare_claims(
    coded_visits: Sequence[CodedVisit],
    lines: pl.DataFrame,
    snapshot: Snapshot,
    *,
    participant: Participant | None = None,
) -> list[Comparison]:
    """Compare claim *lines* with *coded_visits*: those of the claim named as the visit, or all with one visit.

    Raises WrongUse: if a visit has no line.
    """
    outcomes = outcome_rows(adjudicate(lines, snapshot, participant=participant))
    code_facts = CodeFacts.of(snapshot)
    comparisons = []
    for coded_visit in coded_visits:
        claim_lines = [
            line for line in outcomes if len(coded_visits) == 1 or line.claim_id == coded_visit.visit.visit_id
        ]
        lines_of_day = [line for line in claim_lines if line.date_of_service == coded_visit.visit.date_of_service]
        if not lines_of_day:
            date_of_service = coded_visit.visit.date_of_service
            raise WrongUse(
                f"{coded_visit.visit.visit_id}: no claim line of {date_of_service}; "
                "a claim has the visit's visit_id as claim_id"
            )
        comparisons.append(_comparison(coded_visit, lines_of_day, snapshot, code_facts))
    return comparisons


def _comparison(
    coded_visit: CodedVisit, billed_lines: Sequence[LineOutcome], snapshot: Snapshot, code_facts: CodeFacts
) -> Comparison:
    matched_lines, unmatched_billed, unmatched_coded = _match_lines(billed_lines, coded_visit.lines, code_facts)
    discrepancies = [
        *(
            discrepancy
            for billed_line, coded_line in matched_lines
            if (discrepancy := _discrepancy_of_pair(billed_line, coded_line, snapshot))
        ),
        *(
            Discrepancy("missed", None, coded_line, coded_line.service.about, _allowed_cents(coded_line.outcome))
            for coded_line in unmatched_coded
        ),
        *(_unsupported_line(billed_line, coded_visit, code_facts) for billed_line in unmatched_billed),
    ]
    return Comparison(coded_visit, tuple(billed_lines), tuple(discrepancies))


LinePair = tuple[LineOutcome, CodedLine]


def _match_lines(
    billed_lines: Iterable[LineOutcome], coded_lines: Iterable[CodedLine], code_facts: CodeFacts
) -> tuple[list[LinePair], list[LineOutcome], list[CodedLine]]:
    """Pair lines of the same code, then of the same use; and return those that are left on either side."""
    matched_lines: list[LinePair] = []
    unmatched_billed, unmatched_coded = list(billed_lines), list(coded_lines)
    # Same codes first: a line that is right is never paired with another of its family.
    for usage in (str, lambda hcpcs: _usage(hcpcs, code_facts)):
        for billed_line in list(unmatched_billed):
            partner = next(
                (
                    coded_line
                    for coded_line in unmatched_coded
                    if usage(coded_line.service.hcpcs) == usage(billed_line.hcpcs)
                ),
                None,
            )
            if partner is not None:
                matched_lines.append((billed_line, partner))
                unmatched_billed.remove(billed_line)
                unmatched_coded.remove(partner)
    return matched_lines, unmatched_billed, unmatched_coded


def _usage(hcpcs: str, code_facts: CodeFacts) -> tuple[str, bool] | str:
    """What a code is used for, first and further parts apart; a code that is not known here only for itself."""
    code_fact = code_facts.of_code(hcpcs)
    return (
        hcpcs
        if code_fact is None
        else (_USAGE_OF_TECHNIQUE.get(code_fact.technique, code_fact.technique), code_fact.part == "further")
    )


def _discrepancy_of_pair(billed_line: LineOutcome, coded_line: CodedLine, snapshot: Snapshot) -> Discrepancy | None:
    service = coded_line.service
    cents = _allowed_cents(coded_line.outcome) - _allowed_cents(billed_line)
    supporting_facts = "; ".join(service.rests_on)
    # By RVUs, not by dollars: a line that is denied pays nothing and may yet be the larger code.
    if billed_line.hcpcs != service.hcpcs:
        kind = (
            "over-coded"
            if _office_rvu(billed_line, snapshot) > _office_rvu(coded_line.outcome, snapshot)
            else "under-coded"
        )
        return Discrepancy(
            kind, billed_line, coded_line, f"{service.hcpcs}, not {billed_line.hcpcs}: {supporting_facts}", cents
        )
    if billed_line.units != service.units:
        kind = "over-coded" if billed_line.units > service.units else "under-coded"
        return Discrepancy(
            kind,
            billed_line,
            coded_line,
            f"{count(service.units, 'unit')}, not {billed_line.units}: {supporting_facts}",
            cents,
        )
    if set(billed_line.modifiers) != set(service.modifiers):
        expected_modifiers, billed_modifiers = (
            " ".join(modifiers) or "none" for modifiers in (service.modifiers, billed_line.modifiers)
        )
        return Discrepancy(
            "modifiers", billed_line, coded_line, f"expected {expected_modifiers}, found {billed_modifiers}", cents
        )
    return (
        Discrepancy("same code", billed_line, coded_line, "paid otherwise because of the other lines", cents)
        if cents
        else None
    )


def _unsupported_line(billed_line: LineOutcome, coded_visit: CodedVisit, code_facts: CodeFacts) -> Discrepancy:
    """A billed line of which the facts know nothing, or that is part of what they know."""
    # The rules of the visit first: they name the lesion, where an edit names two codes alone.
    for unbilled in coded_visit.unbilled:
        if unbilled.hcpcs == billed_line.hcpcs or _is_included_kind(unbilled, billed_line.hcpcs, code_facts):
            return Discrepancy(
                "unbundled", billed_line, None, f"{unbilled.about}: {unbilled.why}", -_allowed_cents(billed_line)
            )
    for finding in billed_line.findings:
        if finding.edit in ("ptp", "same_lesion") and finding.severity in ("deny", "review"):
            return Discrepancy("unbundled", billed_line, None, finding.says, -_allowed_cents(billed_line))
    return Discrepancy(
        "not supported", billed_line, None, "no fact of the visit supports it", -_allowed_cents(billed_line)
    )


def _is_included_kind(unbilled: Unbilled, hcpcs: str, code_facts: CodeFacts) -> bool:
    """Whether a code is of the kind that a rule says is included: a repair, a biopsy, an excision, or pathology."""
    code_fact = code_facts.of_code(hcpcs)
    if code_fact is None:
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
    return technique is not None and code_fact.technique.startswith(
        (technique, "frozen") if technique == "pathology" else technique
    )


def _allowed_cents(line: LineOutcome) -> int:
    # Whatever amount it has beside the denial: nothing is paid of it.
    return 0 if line.disposition == "deny" else line.allowed_cents or 0


def _office_rvu(line: LineOutcome, snapshot: Snapshot) -> Decimal:
    """What a line is worth alone, also where it is denied: the RVUs of its units in the office."""
    fee_row = snapshot.mpfs(line.hcpcs)
    return Decimal(0) if fee_row is None else fee_row["nonfacility_total_rvu"] * line.units
