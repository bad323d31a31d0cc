"""Facts of a visit in, claim lines out: every family in turn, then the edits, then the office visit, then the price."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from codeset.claims.adjudicate import adjudicate
from codeset.claims.claim_fields import COLUMNS
from codeset.claims.outcome_rows import LineOutcome, outcome_rows
from codeset.manifest import Edition
from codeset.participants import Participant
from codeset.releases import Release
from codeset.snapshot import Snapshot
from codeset.visit.bundling import billable_services
from codeset.visit.checklists import RecordCheck, record_check
from codeset.visit.code_book import CodeBook
from codeset.visit.code_facts import CODE_FACTS, NoCode
from codeset.visit.families import FAMILIES
from codeset.visit.global_period import in_global_period
from codeset.visit.office_visit import office_visit
from codeset.visit.services import Coding, Family, FamilyAnswers, Question, Service, Unbilled
from codeset.visit.visit import Visit
from codeset.visit.visit_rules import modifier_for, nature_of_diagnosis

MOST_POINTERS = 4
MOST_DIAGNOSES = 12
"""A claim has twelve diagnoses, a line points to four of them (837P, HI and SV107)."""


@dataclass(frozen=True)
class CodedLine:
    """A claim line: the service it is for, the places of its diagnoses in the visit's, what the edits say of it, and
    what its record must hold.
    """

    number: int
    service: Service
    pointers: tuple[int, ...]
    outcome: LineOutcome
    record: RecordCheck


@dataclass(frozen=True)
class CodedVisit:
    """A visit as coded: its lines in order, what is not billed and why, and what is asked.

    `facts_from`: the edition of the release's own facts of codes; None: those of this program, `code_facts.csv`.
    """

    visit: Visit
    lines: tuple[CodedLine, ...]
    unbilled: tuple[Unbilled, ...]
    questions: tuple[Question, ...]
    facts_from: Edition | None = None

    @property
    def allowed_cents(self) -> int:
        """The allowed amounts of the lines that have one, added up."""
        return sum(line.outcome.allowed_cents or 0 for line in self.lines)


def code_visits(
    visits: Iterable[Visit], snapshot: Snapshot, *, participant: Participant | None = None
) -> list[CodedVisit]:
    """Code *visits* by the rules of their dates and the edits and prices of *snapshot*, in their order.

    A line that the edits deny is kept, and asked about: nothing is hidden. *participant* is as in `adjudicate`.

    Raises WrongUse: if the snapshot lacks a table that decides.
    """
    code_book = CodeBook.of(snapshot)
    # Chosen visit by visit, then adjudicated in one call: the engine's set-up is paid once, however many visits there
    # are.
    codings = [choose_services(visit, code_book) for visit in visits]
    outcomes = _line_outcomes(codings, snapshot, participant)
    return [_coded_visit(position, coding, outcomes, code_book) for position, coding in enumerate(codings)]


def uncoded_visit(visit: Visit) -> CodedVisit:
    """Return *visit* without lines: no release of its date is at hand, so that its codes are unknown."""
    return CodedVisit(visit, (), (), (Question("no-release", "visit", str(Release.of(visit.date_of_service))),))


def choose_services(visit: Visit, code_book: CodeBook) -> Coding:
    """Choose the services of *visit*: by family, then what the edits of the day leave, then the office visit."""
    family_answers = [
        in_global_period(answer, visit, code_book)
        for family in FAMILIES
        for answer in _answers_of_family(family, visit, code_book)
    ]
    # The visit comes last: its modifiers depend on what is billed beside it (Policy Manual 2026, III-3 and III-4).
    services, refusals = billable_services(
        visit, [answer for answer in family_answers if isinstance(answer, Service)], code_book
    )
    visit_answers = list(office_visit(visit, services, code_book))
    office_services, visit_refusals = billable_services(
        visit, [answer for answer in visit_answers if isinstance(answer, Service)], code_book
    )
    unsettled_answers = [*family_answers, *refusals, *visit_answers, *visit_refusals]
    return Coding(
        visit,
        (*office_services, *_highest_paid_first(services, visit, code_book)),
        tuple(answer for answer in unsettled_answers if isinstance(answer, Unbilled)),
        (
            *(answer for answer in unsettled_answers if isinstance(answer, Question)),
            *(
                Question("not-coded", "other services", service_name.replace("_", " "))
                for service_name in visit.other_services
            ),
            *_diagnosis_questions(visit),
        ),
    )


def _answers_of_family(family: Family, visit: Visit, code_book: CodeBook) -> FamilyAnswers:
    """What a family makes of a visit, as far as the release has codes for it."""
    try:
        yield from family(visit, code_book.facts)
    except NoCode as error:
        yield Question("no-code", family.__name__.replace("_", " "), f"{error} in {code_book.snapshot.release}")


def _highest_paid_first(services: Sequence[Service], visit: Visit, code_book: CodeBook) -> list[Service]:
    """The services by what they pay, highest first, each add-on behind the code that it adds to."""

    def total_rvu(service: Service) -> Any:
        fee_row = code_book.fee_schedule[service.hcpcs]
        return fee_row.facility_total_rvu if visit.is_in_hospital else fee_row.nonfacility_total_rvu

    # By RVUs: Medicare ranks by fee itself, and people read the largest first (ASSUMPTIONS.md).
    primaries = sorted((service for service in services if not service.add_on_to), key=total_rvu, reverse=True)
    ordered: list[Service] = []
    for position, primary in enumerate(primaries):
        ordered.append(primary)
        # An add-on of all lesions (a further biopsy) follows the last line of its primary, one of a lesion its own.
        is_last = all(later.hcpcs != primary.hcpcs for later in primaries[position + 1 :])
        add_ons = [service for service in services if service.add_on_to == primary.hcpcs and service not in ordered]
        ordered += [service for service in add_ons if service.lesions == primary.lesions or is_last]
    return ordered


def _diagnosis_questions(visit: Visit) -> Iterator[Question]:
    """What is asked of diagnoses: those that are missing, and those that say another nature than the lesion's."""
    for lesion in visit.lesions:
        if lesion.diagnosis is None:
            yield Question("diagnosis", lesion.name)
            continue
        nature = nature_of_diagnosis(lesion.diagnosis)
        # No diagnosis of `natures_of_diagnoses` states either of these two.
        lesion_nature = lesion.nature if lesion.nature not in ("wound", "vascular") else None
        if nature and lesion_nature and nature != lesion_nature:
            yield Question(
                "nature-and-diagnosis", lesion.name, f"{lesion_nature}, is not that of {lesion.diagnosis} ({nature})"
            )
    for treatment_name, treatment in (("photodynamic therapy", visit.photodynamic), ("phototherapy", visit.light)):
        if treatment and treatment.diagnosis is None:
            yield Question("diagnosis", treatment_name)
    if visit.evaluation and not visit.diagnoses:
        yield Question("diagnosis", "office visit")


def _line_outcomes(
    codings: Sequence[Coding], snapshot: Snapshot, participant: Participant | None
) -> dict[tuple[str, int], LineOutcome]:
    rows = [_claim_row(nth, coding, line) for nth, coding in enumerate(codings) for line in range(len(coding.services))]
    frame = pl.DataFrame(rows, schema=dict(COLUMNS))
    if frame.is_empty():
        return {}
    outcome = adjudicate(frame, snapshot, participant=participant)
    return {(line.claim_id, line.line): line for line in outcome_rows(outcome)}


def _claim_row(visit_position: int, coding: Coding, service_position: int) -> dict[str, Any]:
    """A claim line for the edits; visits are numbered by position, as their names may repeat across files."""
    visit, service = coding.visit, coding.services[service_position]
    return {
        "claim_id": str(visit_position),
        "line": service_position + 1,
        "beneficiary": str(visit_position),
        "provider": visit.practitioner,
        "date_of_service": visit.date_of_service,
        "hcpcs": service.hcpcs,
        "modifiers": " ".join(service.modifiers),
        "units": service.units,
        "place_of_service": visit.place_of_service,
        "locality": visit.locality,
        "lesion": _lesion_of_line(service),
        "diagnoses": " ".join(service.diagnoses) or None,
    }


def _lesion_of_line(service: Service) -> str | None:
    """The lesion that the edits see: none for several, or for a biopsy before Mohs surgery."""
    # A biopsy before Mohs surgery is of the tumor that is removed: named, it would be part of the surgery (III-8, F).
    has_one_lesion = len(service.lesions) == 1 and modifier_for("before_mohs") not in service.modifiers
    return service.lesions[0] if has_one_lesion else None


def _coded_visit(
    visit_position: int, coding: Coding, outcomes: dict[tuple[str, int], LineOutcome], code_book: CodeBook
) -> CodedVisit:
    lines = tuple(
        CodedLine(
            line_number,
            service,
            pointers(coding.visit, service),
            outcomes[str(visit_position), line_number],
            record_check(service, coding.visit, code_book.facts),
        )
        for line_number, service in enumerate(coding.services, start=1)
    )
    denials = tuple(_denial_question(line) for line in lines if line.outcome.disposition == "deny")
    # Sealed before the table existed, or from a file without descriptions: coded by `code_facts.csv`
    # (docs/decisions/0009-code-facts.md).
    facts_from = code_book.snapshot.manifest.editions.get(CODE_FACTS)
    return CodedVisit(coding.visit, lines, coding.unbilled, (*coding.questions, *denials), facts_from)


def _denial_question(line: CodedLine) -> Question:
    denial_text = line.outcome.findings[0].says if line.outcome.findings else line.outcome.decided_by or ""
    return Question("denied", line.service.about, f"{line.service.hcpcs} would be denied: {denial_text.rstrip('.')}")


def pointers(visit: Visit, service: Service) -> tuple[int, ...]:
    """Return the places, from 1, of the service's diagnoses in those of the visit: the first four."""
    # A pointer counts from 1, and a diagnosis beyond the twelfth is not on the claim to be pointed to.
    places = [visit.diagnoses.index(diagnosis) + 1 for diagnosis in service.diagnoses]
    return tuple(place for place in places if place <= MOST_DIAGNOSES)[:MOST_POINTERS]
