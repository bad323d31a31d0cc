"""Payer profiles: what each kind of rule asks for, on a line that breaks it and on its twin that does not."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import pytest
from command_line import run_codeset

from codeset.audit.lint_groups import lint_groups
from codeset.claims.adjudicate import adjudicate
from codeset.claims.input.claim_files import read_claims
from codeset.errors import BadInput, WrongUse
from codeset.participants import Participant
from codeset.payers.payer_outcome import PayerLine, PayerOutcome
from codeset.payers.payer_profiles import SHIPPED, payer_profile
from codeset.schemas import faults_of
from codeset.snapshot import Snapshot

HEADER = "claim_id,line,beneficiary,provider,date_of_service,hcpcs,modifiers,units,place_of_service,locality"
HEADER += ",prior_authorization"
OWN = """
- id: our-plan
  title: Our plan
  standing: own
  source: {document: Our contract, place: 2026}
"""


@pytest.fixture(scope="module")
def release(embedded) -> Snapshot:
    return embedded.open("2026q3")


def claims_file(lines: list[str], folder: Path) -> Path:
    """Lines such as `11102-59 x2 auth=A1`, all of one visit."""
    rows = []
    for number, text in enumerate(lines, start=1):
        service, *rest = text.split()
        hcpcs, *modifiers = service.split("-")
        units = next((part[1:] for part in rest if part.startswith("x")), "1")
        number_of_payer = next((part[5:] for part in rest if part.startswith("auth=")), "")
        rows.append(f"c,{number},b,p,2026-07-06,{hcpcs},{' '.join(modifiers)},{units},11,national,{number_of_payer}")
    file = folder / "claims.csv"
    file.write_text("\n".join([HEADER, *rows]) + "\n")
    return file


def seen_by(profile: str, release: Snapshot, folder: Path, *lines: str) -> tuple[PayerLine, ...]:
    frame, _ = read_claims(claims_file(list(lines), folder))
    outcome = adjudicate(frame, [release], participant=Participant.NON_QP)
    return PayerOutcome.of(outcome, frame, payer_profile(profile), [release]).lines


def own(folder: Path, text: str) -> str:
    (folder / "our-plan.yaml").write_text(OWN + text)
    return str(folder / "our-plan.yaml")


def finding_kinds(lines: tuple[PayerLine, ...]) -> list[tuple[str, ...]]:
    return [tuple(finding.kind for finding in line.findings) for line in lines]


RULE = '  rules: [{kind: %s, lines: "%s", says: The contract asks for it%s}]\n'
CASES = {
    "prior_authorization": (RULE % ("prior_authorization", "hcpcs = 17313", ""), ["17313"], ["17313 auth=A1"], "deny"),
    "unit_limit": (
        RULE % ("unit_limit", "hcpcs in (17000, 17003)", ", units: 5"),
        ["17000", "17003 x5"],
        ["17000", "17003 x4"],
        "deny",
    ),
    "documents": (RULE % ("documents", "hcpcs = 11102", ""), ["11102"], ["11104"], "pay_if_documented"),
    "not_covered": (RULE % ("not_covered", "hcpcs = 11102", ""), ["11102"], ["11104"], "deny"),
    "ask": (RULE % ("ask", "hcpcs = 11102", ""), ["11102"], ["11104"], "review"),
    # 11900 is the column two code of 17110, whatever line it is on (PTP, CCMI 1).
    "modifier_59": (
        "  modifier_59: {on: column_two, modifiers: [59, XS]}\n",
        ["17110-59", "11900"],
        ["17110", "11900-59"],
        "review",
    ),
    "repeats": ("  repeats: {as: units, modifiers: [76]}\n", ["11900", "11900-76"], ["11900", "96910"], "review"),
    "modifier_order": ("  modifiers_first: [50, 26]\n", ["88305-59-26"], ["88305-26-59"], "review"),
}


@pytest.mark.parametrize("kind", CASES)
def test_each_kind_asks_for_what_it_says_and_not_of_its_twin(kind, release, tmp_path):
    text, breaking_lines, twin, effect = CASES[kind]
    profile = own(tmp_path, text)
    payer_lines = seen_by(profile, release, tmp_path, *breaking_lines)
    assert (kind, effect) in {(finding.kind, finding.effect) for line in payer_lines for finding in line.findings}
    assert all(kind not in line for line in finding_kinds(seen_by(profile, release, tmp_path, *twin)))


def test_repeats_as_lines_need_the_modifier(release, tmp_path):
    profile = own(tmp_path, "  repeats: {as: lines, modifiers: [76]}\n")
    assert finding_kinds(seen_by(profile, release, tmp_path, "11900", "11900")) == [(), ("repeats",)]
    assert finding_kinds(seen_by(profile, release, tmp_path, "11900", "11900-76")) == [(), ()]


def test_a_number_lets_more_units_pass(release, tmp_path):
    profile = own(tmp_path, CASES["unit_limit"][0])
    lines = seen_by(profile, release, tmp_path, "17000 auth=A", "17003 x9 auth=A")
    assert [line.findings for line in lines] == [(), ()]


def test_a_line_that_nothing_is_due_for_stays_so(release, tmp_path):
    """A charge of $0.00: no payment is due, which is graver than `pay` and no denial (decision 3)."""
    file = claims_file(["11102"], tmp_path)
    header, row = file.read_text().split()
    file.write_text(f"{header},charge\n{row},0.00\n")
    frame, _ = read_claims(file)
    outcome = adjudicate(frame, [release], participant=Participant.NON_QP)
    profile = payer_profile(own(tmp_path, CASES["documents"][0]))
    line = PayerOutcome.of(outcome, frame, profile, [release]).lines[0]
    assert (line.medicare_disposition, line.disposition) == ("no_payment_due", "no_payment_due")


def test_a_payer_pays_its_percent_of_medicare_rounded_half_up(release, tmp_path):
    """99213 in the office, 2026, not QP: national $95.19 (total RVU 2.85 x 33.4009); 110.5 % are 105.18495 dollars."""
    (medicare,) = seen_by("medicare", release, tmp_path, "99213")
    (ours,) = seen_by(own(tmp_path, "  percent_of_medicare: 110.5\n"), release, tmp_path, "99213")
    (silent,) = seen_by(own(tmp_path, ""), release, tmp_path, "99213")
    assert (medicare.allowed_cents, ours.allowed_cents, silent.allowed_cents) == (9519, 10518, None)


def test_a_payer_denies_no_less_than_medicare(release, tmp_path):
    lines = seen_by("medicare", release, tmp_path, "17004", "17000")
    assert [(line.medicare_disposition, line.disposition) for line in lines] == [("pay", "pay"), ("deny", "deny")]


def test_medicare_takes_59_on_either_line(release, tmp_path):
    for lines in (["17110-59", "11900"], ["17110", "11900-59"]):
        assert finding_kinds(seen_by("medicare", release, tmp_path, *lines)) == [(), ()]


def test_what_a_guide_states_denies_nothing(release, tmp_path):
    (mohs,) = seen_by("unitedhealthcare", release, tmp_path, "17313")
    assert (mohs.disposition, mohs.findings[0].kind) == ("review", "prior_authorization")
    (face,) = seen_by("unitedhealthcare", release, tmp_path, "17311")
    assert face.findings == ()
    limit = seen_by("unitedhealthcare", release, tmp_path, "11602")
    assert limit[0].findings[0].says == "A pathology report is required for every excision"


GUIDES = ("aetna", "bcbs", "unitedhealthcare")


@pytest.mark.parametrize("name", sorted(file.stem for file in SHIPPED.glob("*.yaml")))
def test_shipped_profiles_say_who_says_so(name):
    profile = payer_profile(name)
    assert profile.id == name
    assert profile.may_deny is (name not in GUIDES)
    assert ("stated by the guide, not verified" in str(profile)) is (name in GUIDES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("  rules: [{kind: denied, lines: units > 1, says: it is so here}]\n", "expected one of prior_authorization"),
        ("  rules: [{kind: ask, lines: units > , says: it is so here}]\n", "our-plan, lines: expected a number"),
        ("  rules: [{kind: unit_limit, lines: units > 1, says: it is so here}]\n", '"units" is missing'),
        ("  rules: [{kind: ask, lines: units > 1, says: it is so here, from: 2026-02-30}]\n", "days that exist"),
        (
            "  rules: [{kind: ask, lines: units > 1, says: it is so here, from: 2026-03-01, to: 2026-02-01}]\n",
            "the rule ends before it begins",
        ),
        ("  groups: {mohs: [1731]}\n", 'our-plan, mohs: "1731" is neither a code'),
        ("  percent: 80\n", 'no field is called "percent" (there are: id,'),
        ("  modifiers_first: [5]\n", "a modifier of two characters"),
    ],
)
def test_a_faulty_profile_is_refused_with_its_line(text, says, tmp_path):
    with pytest.raises(BadInput) as error:
        payer_profile(own(tmp_path, text))
    assert says in str(error.value)
    assert str(error.value).startswith("our-plan.yaml: line ")
    assert str(error.value).endswith("No claim was read.")


def test_a_verified_profile_names_the_payers_page(tmp_path):
    (tmp_path / "our-plan.yaml").write_text(OWN.replace("standing: own", "standing: verified"))
    with pytest.raises(BadInput, match="names the payer's page, as url"):
        payer_profile(str(tmp_path / "our-plan.yaml"))


def test_shipped_profiles_name_codes_of_the_release_and_use_their_groups(release):
    assert lint_groups(SHIPPED, set(release.table("mpfs")["hcpcs"])) == []


@pytest.mark.parametrize("text", ["", "- 5", "id: x-y", "- {id: x-y}", "- &a {id: *a}"])
def test_a_file_that_is_no_profile_is_refused(text, tmp_path):
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(BadInput, match="No claim was read"):
        payer_profile(str(tmp_path / "own.yaml"))


def test_an_unknown_payer_is_wrong_use():
    with pytest.raises(WrongUse, match=r'no payer profile is called "acme"; there are: aetna, bcbs, medicare, united'):
        payer_profile("acme")


def command(release: Snapshot, *arguments: str) -> CompletedProcess[str]:
    return run_codeset("adjudicate", *arguments, "--store", release.path.parent, "--qualifying-apm", "no")


def test_the_command_says_what_the_payer_asks_for_in_each_form(release, tmp_path):
    file = str(claims_file(["17313", "99213-25"], tmp_path))
    result = command(release, file, "--payer", own(tmp_path, CASES["prior_authorization"][0]))
    assert result.returncode == 1, "the payer denies what Medicare pays"
    assert "Our plan: the practice's own (Our contract, 2026)" in " ".join(result.stdout.split())
    plain = json.loads(command(release, file, "--payer", "unitedhealthcare", "--format", "json").stdout)
    assert faults_of(plain, "outcome") == []
    assert plain["payer"]["standing"] == "stated_by_guide"
    assert command(release, file, "--payer", "unitedhealthcare", "-o", str(tmp_path / "out.csv")).returncode == 0
    rows = pl.read_csv(tmp_path / "out.payer.csv", infer_schema=False).to_dicts()
    assert [(row["hcpcs"], row["disposition"]) for row in rows] == [("17313", "review"), ("99213", "pay_if_documented")]
    assert "payer" not in json.loads(command(release, file, "--format", "json").stdout)


def test_the_command_refuses_a_payer_where_there_is_no_place_for_it(release, tmp_path):
    file = str(claims_file(["99213"], tmp_path))
    assert command(release, file, "--payer", "aetna", "-o", str(tmp_path / "folder")).returncode == 2
    assert command(release, file, "--payer", "aetna", "--format", "csv").returncode == 2
    assert command(release, file, "--payer", "acme").returncode == 2
