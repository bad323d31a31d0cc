"""From the facts of a visit to claim lines, and from denied lines to what may be reported: `code` and `suggest`."""

import json
import sys
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codeset.cli.options import QualifyingApmOption, StoreOption
from codeset.cli.printing import CHANGES_OR_FAILURES, err, out, print_json, write
from codeset.errors import WrongUse
from codeset.participants import Participant
from codeset.releases import Release
from codeset.store import Store

if TYPE_CHECKING:
    from codeset.visit.code_visit import CodedVisit
    from codeset.visit.visit import Visit

CodedByRelease = tuple[str | None, "CodedVisit"]
"""A coded visit with the release that it was coded by; None: no release of its date is at hand."""


class CodeFormat(StrEnum):
    """The forms of coded visits."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


_VisitArgument = Annotated[
    Path | None, typer.Argument(metavar="VISIT", help="A YAML or JSON file of one visit, or a list of visits")
]
_OnOption = Annotated[
    datetime | None,
    typer.Option(
        "--on", formats=["%Y-%m-%d"], metavar="DATE", help="Code as if done on this date [default: the visit's]"
    ),
]
_AgainstOption = Annotated[
    Path | None,
    typer.Option("--against", metavar="CLAIM", help="Compare a claim as billed: over, under, missed, unbundled"),
]
_ChecklistOption = Annotated[
    str | None,
    typer.Option("--checklist", metavar="FAMILY", help="What the record must hold; -o FILE.html is a page to print"),
]


def code(
    visit: _VisitArgument = None,
    on: _OnOption = None,
    against: _AgainstOption = None,
    family: _ChecklistOption = None,
    form: Annotated[
        CodeFormat, typer.Option("--format", help="csv: a row for each line, in dollars")
    ] = CodeFormat.TABLE,
    participant: QualifyingApmOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write a file (json or csv; a checklist: html or md)")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Code the facts of a visit: claim lines in order, each with its rule, its source, and what it rests on.

        codeset code visit.yaml

        codeset code visit.yaml --on 2026-07-15 --format json

        codeset code visit.yaml --against claim.csv --qualifying-apm no

        codeset code --checklist excision -o excision.html

    A visit says what was done, not how it is billed. The shortest one:

        visit_id: monday-1

        date_of_service: 2026-07-15

        place_of_service: 11

        patient: established

        lesions: [{name: A, site: cheek, nature: premalignant, diagnosis: L57.0, technique: destruction, count: 8}]

    Nothing is guessed: a fact that decides and is missing is requested, and no code is made up for it. Lines are
    checked against the release in force on the date of service, and priced. docs/coding-a-visit.md has an example with
    everything. Exit code 1 if a fact is missing.
    """
    from codeset.visit.visit_files import read_visits

    if family is not None:
        _show_checklist(family, output)
        return
    if visit is None:
        raise WrongUse("name a file with the facts of a visit, or --checklist FAMILY")
    visits = read_visits(visit)
    if on is not None:
        visits = [replace(visit_facts, date_of_service=on.date()) for visit_facts in visits]
    coded_visits = _code_by_quarter(visits, Store.at(store), participant)
    if against is not None:
        _show_comparison(coded_visits, against, Store.at(store), participant, form)
        return
    _show_coded(coded_visits, form, output)
    if any(coded_visit.questions for _, coded_visit in coded_visits):
        raise typer.Exit(CHANGES_OR_FAILURES)


def _show_checklist(family: str, output: Path | None) -> None:
    """Print what the record of *family* must hold, or write it as a page for the exam room."""
    from codeset.visit.checklists import checklist, checklist_markdown

    family_checklist = checklist(family)
    if output is None:
        out.print(checklist_markdown(family_checklist), markup=False)
    elif output.suffix == ".md":
        write(output, checklist_markdown(family_checklist).encode())
    elif output.suffix == ".html":
        from codeset.visit.checklist_page import checklist_html

        write(output, checklist_html(family_checklist).encode())
    else:
        raise WrongUse(f"{output}: a checklist is written as .html or .md")


def _code_by_quarter(visits: "list[Visit]", store: Store, participant: Participant | None) -> list[CodedByRelease]:
    """The visits as coded, in their order: those of a quarter together.

    A visit of a quarter without a release is unknown, and the others go on; if that is so of all, nothing can be said.
    """
    from codeset.visit.code_visit import code_visits, uncoded_visit

    coded_by_id: dict[str, CodedByRelease] = {}
    # groupby takes neighbors: unsorted, a quarter would be adjudicated in several runs.
    by_quarter = sorted(visits, key=lambda visit_facts: visit_facts.date_of_service)
    for quarter, visits_of_quarter in groupby(
        by_quarter, key=lambda visit_facts: Release.of(visit_facts.date_of_service)
    ):
        snapshot = store.in_force(quarter.first_day)
        if snapshot is None:
            coded_by_id |= {
                visit_facts.visit_id: (None, uncoded_visit(visit_facts)) for visit_facts in visits_of_quarter
            }
            continue
        if "code_facts" not in snapshot:
            err.print(
                f"{snapshot.release} has no table code_facts: sizes and counts of codes are this program's own list"
            )
        for coded_visit in code_visits(visits_of_quarter, snapshot, participant=participant):
            coded_by_id[coded_visit.visit.visit_id] = (str(snapshot.release), coded_visit)
    if all(release is None for release, _ in coded_by_id.values()):
        labels = ", ".join(map(str, store.releases())) or "none"
        quarters = ", ".join(sorted({str(Release.of(visit_facts.date_of_service)) for visit_facts in visits}))
        raise WrongUse(f"no release of {quarters} in {store.path}; it holds: {labels}. See: codeset build --help")
    return [coded_by_id[visit_facts.visit_id] for visit_facts in visits]


def _show_comparison(
    coded_visits: list[CodedByRelease], claim: Path, store: Store, participant: Participant | None, form: CodeFormat
) -> None:
    """Compare the lines of a claim file with each visit and show how they differ; exit code 1 if they do."""
    from codeset.claims.input.claim_files import read_files
    from codeset.cli.visit_output import comparison_notes, comparison_table, question_notes
    from codeset.visit.coded_output import comparison_json
    from codeset.visit.compare_claim import compare_claims

    if form is CodeFormat.CSV:
        raise WrongUse("--against has the forms table and json")
    lines, _ = read_files([claim], locality=coded_visits[0][1].visit.locality)
    releases = dict.fromkeys(release for release, _ in coded_visits if release is not None)
    comparisons = [
        comparison
        for release in releases
        for comparison in compare_claims(
            [coded_visit for of_release, coded_visit in coded_visits if of_release == release],
            lines,
            store.open(release),
            participant=participant,
        )
    ]
    uncoded_visits = [coded_visit for release, coded_visit in coded_visits if release is None]
    for coded_visit in uncoded_visits:
        err.print("\n".join(question_notes(coded_visit)), markup=False)
    if form is CodeFormat.JSON:
        print_json([comparison_json(comparison) for comparison in comparisons])
    else:
        for comparison in comparisons:
            out.print(comparison_table(comparison))
            out.print("\n".join(comparison_notes(comparison)), markup=False)
    if uncoded_visits or any(comparison.discrepancies or comparison.coded.questions for comparison in comparisons):
        raise typer.Exit(CHANGES_OR_FAILURES)


def _show_coded(coded_visits: list[CodedByRelease], form: CodeFormat, output: Path | None) -> None:
    from codeset.cli.visit_output import coded_notes, coded_table
    from codeset.visit.coded_output import coded_csv, coded_visit_json

    if output is not None and form is CodeFormat.TABLE:
        form = CodeFormat.CSV if output.suffix == ".csv" else CodeFormat.JSON
    if form is CodeFormat.TABLE:
        for release, coded_visit in coded_visits:
            out.print(coded_table(coded_visit, release))
            out.print("\n".join(coded_notes(coded_visit)), markup=False)
    elif output is None and form is CodeFormat.JSON:
        print_json([coded_visit_json(coded_visit, release) for release, coded_visit in coded_visits])
    else:
        document = [coded_visit_json(coded_visit, release) for release, coded_visit in coded_visits]
        json_bytes = json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
        file_content = (
            json_bytes if form is CodeFormat.JSON else coded_csv(coded_visit for _, coded_visit in coded_visits)
        )
        if output is None:
            sys.stdout.buffer.write(file_content)
        else:
            write(output, file_content, private=True)


def suggest(
    claim: Annotated[Path, typer.Argument(metavar="CLAIM", help="Claims in any form that adjudicate reads")],
    participant: QualifyingApmOption = None,
    locality: Annotated[
        str | None,
        typer.Option("--locality", metavar="MAC-LOCALITY", help="Or national; where the claims do not say"),
    ] = None,
    form: Annotated[
        CodeFormat, typer.Option("--format", help="csv: the claims as they may be reported")
    ] = CodeFormat.TABLE,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the claims as csv to a file")] = None,
    store: StoreOption = None,
) -> None:
    """Correct what is denied: the least change to each claim, the rows behind it, and what the record must show.

        codeset suggest claims.csv --qualifying-apm no

        codeset suggest claims.csv -o mended.csv

    A change is what a coder may report, never what was done: most hold only if the record shows what the condition
    says. Exit code 1 if something is still denied: the record decides there, or it is not payable.
    """
    from codeset.claims.input.claim_files import read_files
    from codeset.cli.visit_output import suggestion_notes, suggestion_table
    from codeset.visit.coded_output import claims_csv, suggestion_json
    from codeset.visit.suggest_claim import suggest_changes

    lines, _ = read_files([claim], locality=locality)
    opened_store = Store.at(store)
    quarters = sorted({Release.of(day) for day in lines["date_of_service"].unique()})
    snapshots = [snapshot for quarter in quarters if (snapshot := opened_store.in_force(quarter.first_day))]
    if not snapshots:
        raise WrongUse(
            f"{opened_store.path} holds no release of {', '.join(map(str, quarters))}; see: codeset build --help"
        )
    suggestion = suggest_changes(lines, snapshots, participant=participant)
    if output is not None:
        write(output, claims_csv(suggestion.lines), private=True)
    if form is CodeFormat.JSON:
        print_json(suggestion_json(suggestion))
    elif form is CodeFormat.CSV and output is None:
        sys.stdout.buffer.write(claims_csv(suggestion.lines))
    else:
        out.print(suggestion_table(suggestion))
        out.print("\n".join(suggestion_notes(suggestion)), markup=False)
    if suggestion.still_denied:
        raise typer.Exit(CHANGES_OR_FAILURES)
