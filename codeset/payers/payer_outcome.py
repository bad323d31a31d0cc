"""A payer's profile applied to adjudicated claims: what it asks of each line, and what it pays."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from codeset.audit.matching_lines import matching, with_facts
from codeset.claims.edits.findings import DISPOSITIONS
from codeset.claims.outcome import Outcome
from codeset.claims.outcome_rows import LineOutcome, outcome_rows
from codeset.payers.payer_profiles import Modifier59, PayerProfile, PayerRule, Repeats
from codeset.snapshot import Snapshot

DENY, REVIEW, DOCUMENT = "deny", "review", "pay_if_documented"
_GRAVEST_FIRST = tuple(DISPOSITIONS.values())
# What a rule of each kind leads to: the table in docs/writing-a-payer-profile.md.
_EFFECT_OF_KIND = {
    "prior_authorization": DENY,
    "unit_limit": DENY,
    "documents": DOCUMENT,
    "not_covered": DENY,
    "ask": REVIEW,
}
_BYPASS_REASON = "ptp-bypassed"
_VISIT_COLUMNS = ("beneficiary", "provider", "date_of_service")

LineKey = tuple[str, int]


@dataclass(frozen=True)
class PayerFinding:
    """What a payer asks of a line: the kind, the disposition that it leads to, in words, and its source."""

    kind: str
    effect: str
    says: str
    source: str


@dataclass(frozen=True)
class PayerLine:
    """A line as the payer sees it: Medicare's disposition, the payer's, its amount in cents, what it asks for."""

    claim_id: str
    line: int
    hcpcs: str
    modifiers: str
    medicare_disposition: str
    disposition: str
    allowed_cents: int | None
    findings: tuple[PayerFinding, ...]


@dataclass(frozen=True)
class PayerOutcome:
    """What a payer asks of claims that were adjudicated, line by line."""

    profile: PayerProfile
    lines: tuple[PayerLine, ...]

    @classmethod
    def of(
        cls,
        outcome: Outcome,
        lines: pl.DataFrame,
        profile: PayerProfile,
        snapshots: Sequence[Snapshot],
        *,
        on_any_date: bool = False,
    ) -> "PayerOutcome":
        """Apply *profile* to the *lines* (columns of `claim_fields`) of which *outcome* is what Medicare's rules say.

        A payer denies no less than Medicare's edits do: the graver of both dispositions is its own.
        """
        lines_with_facts = with_facts(lines, snapshots, on_any_date=on_any_date)
        medicare_lines = outcome_rows(outcome)
        findings_by_line: dict[LineKey, list[PayerFinding]] = defaultdict(list)
        for line_key, finding in _payer_findings(profile, lines_with_facts, medicare_lines):
            findings_by_line[line_key].append(finding)
        return cls(
            profile,
            tuple(
                _payer_line(medicare_line, profile, findings_by_line[medicare_line.claim_id, medicare_line.line])
                for medicare_line in medicare_lines
            ),
        )

    @property
    def dispositions(self) -> list[str]:
        """The payer's disposition of each line."""
        return [line.disposition for line in self.lines]

    def sentences(self) -> list[str]:
        """Return who says what the payer asks for, and what it pays and applies as far as anybody says."""
        percent_of_medicare, edition = self.profile.percent_of_medicare, self.profile.edition
        payment_clause = (
            f"pays {percent_of_medicare}% of Medicare's amount"
            if percent_of_medicare is not None
            else "nobody says what it pays"
        )
        edition_clause = (
            f"edition of the NCCI edits: {edition}"
            if edition
            else "which edition of the NCCI edits it applies is not known"
        )
        return [str(self.profile), f"{self.profile.title}: {payment_clause}; {edition_clause}"]

    def plain(self) -> dict[str, Any]:
        """Return it for programs: the member `payer` of `outcome.schema.json`."""
        profile = self.profile
        return {
            "id": profile.id,
            "title": profile.title,
            "standing": profile.standing,
            "source": str(profile.source),
            "edition": profile.edition,
            "percent_of_medicare": None if profile.percent_of_medicare is None else str(profile.percent_of_medicare),
            "lines": [asdict(line) for line in self.lines],
        }

    def rows(self) -> pl.DataFrame:
        """Return a row for each line, its findings in one text."""
        # A csv or parquet row has one cell for all findings of its line.
        line_rows = [
            asdict(line) | {"findings": "; ".join(f"{finding.kind}: {finding.says}" for finding in line.findings)}
            for line in self.lines
        ]
        field_names = [field.name for field in fields(PayerLine)]
        schema = dict.fromkeys(field_names, pl.String()) | {"line": pl.Int32(), "allowed_cents": pl.Int64()}
        return pl.DataFrame(line_rows, schema=schema)


def _payer_line(medicare_line: LineOutcome, profile: PayerProfile, findings: Sequence[PayerFinding]) -> PayerLine:
    dispositions = [medicare_line.disposition, *(finding.effect for finding in findings)]
    # The graver one: what a payer asks besides never pays what Medicare's edits deny.
    disposition = min(dispositions, key=_GRAVEST_FIRST.index)
    return PayerLine(
        claim_id=medicare_line.claim_id,
        line=medicare_line.line,
        hcpcs=medicare_line.hcpcs,
        modifiers=" ".join(medicare_line.modifiers),
        medicare_disposition=medicare_line.disposition,
        disposition=disposition,
        # A line that is not denied keeps Medicare's unknown amount: the payer's share of it is unknown as well.
        allowed_cents=0
        if disposition == DENY
        else _payer_cents(medicare_line.allowed_cents, profile.percent_of_medicare),
        findings=tuple(findings),
    )


def _payer_cents(medicare_cents: int | None, percent_of_medicare: Decimal | None) -> int | None:
    """The share of Medicare's amount that the payer pays, rounded half-up; None if nobody says what it pays."""
    if medicare_cents is None or percent_of_medicare is None:
        return None
    return int((medicare_cents * percent_of_medicare / 100).quantize(Decimal(1), ROUND_HALF_UP))


def _payer_findings(
    profile: PayerProfile, lines_with_facts: pl.DataFrame, medicare_lines: Sequence[LineOutcome]
) -> Iterator[tuple[LineKey, PayerFinding]]:
    for rule in profile.rules:
        # A guide is not the payer: what it states and nobody verified denies nothing.
        effect = _EFFECT_OF_KIND[rule.kind] if profile.may_deny or _EFFECT_OF_KIND[rule.kind] != DENY else REVIEW
        finding = PayerFinding(rule.kind, effect, rule.says, str(rule.source))
        yield from (
            (line_key, finding)
            for line_key in _line_keys(lines_with_facts.filter(_is_concerned(rule, lines_with_facts)))
        )
    # Either line has been Medicare's own rule since July 2019 (CR 11168): nothing to find.
    if profile.modifier_59 is not None and profile.modifier_59.on != "either":
        yield from _misplacement_findings(profile.modifier_59, medicare_lines)
    if profile.repeats is not None:
        yield from _repeat_findings(profile.repeats, lines_with_facts)
    if profile.modifiers_first:
        yield from _order_findings(profile, lines_with_facts)


def _is_concerned(rule: PayerRule, lines_with_facts: pl.DataFrame) -> pl.Series:
    """The lines that the rule has something against: those with the payer's number are authorized."""
    is_subject = matching(lines_with_facts, rule.lines) & lines_with_facts["date_of_service"].is_between(
        rule.first, rule.last
    )
    if rule.kind == "prior_authorization":
        return is_subject & lines_with_facts["prior_authorization"].is_null()
    if rule.kind == "unit_limit":
        # Over all lines and codes of the rule: unlike an MUE, the limit is for a visit and not for a code.
        units_by_line = lines_with_facts.select(*_VISIT_COLUMNS, units=pl.when(is_subject).then("units").otherwise(0))
        is_over = units_by_line.select(pl.col("units").sum().over(_VISIT_COLUMNS) > rule.units).to_series()
        return is_subject & is_over & lines_with_facts["prior_authorization"].is_null()
    return is_subject


def _line_keys(lines_with_facts: pl.DataFrame) -> list[LineKey]:
    return lines_with_facts.select("claim_id", "line").rows()


def _misplacement_findings(
    modifier_rule: Modifier59, medicare_lines: Sequence[LineOutcome]
) -> Iterator[tuple[LineKey, PayerFinding]]:
    """Bypassed pairs whose modifier is on the other line than the payer wants it on."""
    line_by_key = {(medicare_line.claim_id, medicare_line.line): medicare_line for medicare_line in medicare_lines}
    for medicare_line in medicare_lines:
        for finding in medicare_line.findings:
            partner_line = line_by_key.get((finding.partner_claim_id or "", finding.partner_line or 0))
            if finding.reason != _BYPASS_REASON or partner_line is None:
                continue
            required_code = finding.column_one if modifier_rule.on == "column_one" else finding.column_two
            required_line = medicare_line if medicare_line.hcpcs == required_code else partner_line
            if not modifier_rule.modifiers & set(required_line.modifiers):
                column_name = modifier_rule.on.replace("_", " ")
                request_text = (
                    f"The modifier belongs on {required_code}, the {column_name} code, line {required_line.line}"
                )
                yield (
                    (required_line.claim_id, required_line.line),
                    PayerFinding("modifier_59", REVIEW, request_text, str(modifier_rule.source)),
                )


def _repeat_findings(repeats: Repeats, lines_with_facts: pl.DataFrame) -> Iterator[tuple[LineKey, PayerFinding]]:
    """Lines of one code in a visit that are not reported as the payer wants them, the first of them aside."""
    occurrence = pl.int_range(1, pl.len() + 1).over(*_VISIT_COLUMNS, "hcpcs")
    further_lines = lines_with_facts.sort("claim_id", "line").filter(occurrence > 1)
    for claim_id, line, modifiers in further_lines.select("claim_id", "line", "modifiers").iter_rows():
        repeat_modifiers = repeats.modifiers & set((modifiers or "").split())
        if repeats.reported_as == "units" and repeat_modifiers:
            request_text = (
                f"Report the repeated service as units of one line, without {', '.join(sorted(repeat_modifiers))}"
            )
        elif repeats.reported_as == "lines" and not repeat_modifiers:
            request_text = f"Report the repeated service with modifier {', '.join(sorted(repeats.modifiers))}"
        else:
            continue
        yield (claim_id, line), PayerFinding("repeats", REVIEW, request_text, str(repeats.source))


def _order_findings(profile: PayerProfile, lines_with_facts: pl.DataFrame) -> Iterator[tuple[LineKey, PayerFinding]]:
    for claim_id, line, modifiers_text in lines_with_facts.select("claim_id", "line", "modifiers").iter_rows():
        modifiers = (modifiers_text or "").split()
        # Sorting is stable: among themselves the modifiers of either kind keep the order of the claim.
        in_order = sorted(modifiers, key=lambda modifier: modifier not in profile.modifiers_first)
        if modifiers != in_order:
            request_text = f"Modifiers in this order: {' '.join(in_order)}"
            yield (claim_id, line), PayerFinding("modifier_order", REVIEW, request_text, str(profile.source))
