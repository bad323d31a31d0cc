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
_EFFECTS = {"prior_authorization": DENY, "unit_limit": DENY, "documents": DOCUMENT, "not_covered": DENY, "ask": REVIEW}
_BYPASSED = "ptp-bypassed"
_VISIT = ("beneficiary", "provider", "date_of_service")

LineKey = tuple[str, int]


@dataclass(frozen=True)
class PayerFinding:
    """What a payer asks of a line: the kind, the disposition that it leads to, in words, and where that stands."""

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
        frame = with_facts(lines, snapshots, on_any_date=on_any_date)
        rows = outcome_rows(outcome)
        findings: dict[LineKey, list[PayerFinding]] = defaultdict(list)
        for key, finding in _findings(profile, frame, rows):
            findings[key].append(finding)
        return cls(profile, tuple(_payer_line(row, profile, findings[row.claim_id, row.line]) for row in rows))

    @property
    def dispositions(self) -> list[str]:
        """The payer's disposition of each line."""
        return [line.disposition for line in self.lines]

    def sentences(self) -> list[str]:
        """Return who says what the payer asks for, and what it pays and applies as far as anybody says."""
        percent, edition = self.profile.percent_of_medicare, self.profile.edition
        pays = f"pays {percent}% of Medicare's amount" if percent is not None else "nobody says what it pays"
        applies = (
            f"edition of the NCCI edits: {edition}"
            if edition
            else "which edition of the NCCI edits it applies is not known"
        )
        return [str(self.profile), f"{self.profile.title}: {pays}; {applies}"]

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
        rows = [
            asdict(line) | {"findings": "; ".join(f"{finding.kind}: {finding.says}" for finding in line.findings)}
            for line in self.lines
        ]
        names = [field.name for field in fields(PayerLine)]
        schema = dict.fromkeys(names, pl.String()) | {"line": pl.Int32(), "allowed_cents": pl.Int64()}
        return pl.DataFrame(rows, schema=schema)


def _payer_line(row: LineOutcome, profile: PayerProfile, findings: Sequence[PayerFinding]) -> PayerLine:
    dispositions = [row.disposition, *(finding.effect for finding in findings)]
    # The graver one: what a payer asks besides never pays what Medicare's edits deny.
    disposition = min(dispositions, key=_GRAVEST_FIRST.index)
    return PayerLine(
        claim_id=row.claim_id,
        line=row.line,
        hcpcs=row.hcpcs,
        modifiers=" ".join(row.modifiers),
        medicare_disposition=row.disposition,
        disposition=disposition,
        allowed_cents=0 if disposition == DENY else _allowed(row.allowed_cents, profile.percent_of_medicare),
        findings=tuple(findings),
    )


def _allowed(cents: int | None, percent: Decimal | None) -> int | None:
    """The share of Medicare's amount that the payer pays, rounded half-up; None if nobody says what it pays."""
    if cents is None or percent is None:
        return None
    return int((cents * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))


def _findings(
    profile: PayerProfile, frame: pl.DataFrame, rows: Sequence[LineOutcome]
) -> Iterator[tuple[LineKey, PayerFinding]]:
    for rule in profile.rules:
        # A guide is not the payer: what it states and nobody verified denies nothing.
        effect = _EFFECTS[rule.kind] if profile.may_deny or _EFFECTS[rule.kind] != DENY else REVIEW
        finding = PayerFinding(rule.kind, effect, rule.says, str(rule.source))
        yield from ((key, finding) for key in _keys(frame.filter(_lines_of(rule, frame))))
    # Either line has been Medicare's own rule since July 2019 (CR 11168): nothing to find.
    if profile.modifier_59 is not None and profile.modifier_59.on != "either":
        yield from _misplaced_modifiers(profile.modifier_59, rows)
    if profile.repeats is not None:
        yield from _repeated(profile.repeats, frame)
    if profile.modifiers_first:
        yield from _out_of_order(profile, frame)


def _lines_of(rule: PayerRule, frame: pl.DataFrame) -> pl.Series:
    """The lines that the rule has something against: those with the payer's number are authorized."""
    of_rule = matching(frame, rule.lines) & frame["date_of_service"].is_between(rule.first, rule.last)
    if rule.kind == "prior_authorization":
        return of_rule & frame["prior_authorization"].is_null()
    if rule.kind == "unit_limit":
        # Over all lines and codes of the rule: unlike an MUE, the limit is for a visit and not for a code.
        units = frame.select(*_VISIT, units=pl.when(of_rule).then("units").otherwise(0))
        is_over = units.select(pl.col("units").sum().over(_VISIT) > rule.units).to_series()
        return of_rule & is_over & frame["prior_authorization"].is_null()
    return of_rule


def _keys(frame: pl.DataFrame) -> list[LineKey]:
    return frame.select("claim_id", "line").rows()


def _misplaced_modifiers(required: Modifier59, rows: Sequence[LineOutcome]) -> Iterator[tuple[LineKey, PayerFinding]]:
    """Bypassed pairs whose modifier is on the other line than the payer wants it on."""
    by_key = {(row.claim_id, row.line): row for row in rows}
    for row in rows:
        for finding in row.findings:
            partner = by_key.get((finding.partner_claim_id or "", finding.partner_line or 0))
            if finding.reason != _BYPASSED or partner is None:
                continue
            code = finding.column_one if required.on == "column_one" else finding.column_two
            code_row = row if row.hcpcs == code else partner
            if not required.modifiers & set(code_row.modifiers):
                says = f"The modifier belongs on {code}, the {required.on.replace('_', ' ')} code, line {code_row.line}"
                yield (
                    (code_row.claim_id, code_row.line),
                    PayerFinding("modifier_59", REVIEW, says, str(required.source)),
                )


def _repeated(repeats: Repeats, frame: pl.DataFrame) -> Iterator[tuple[LineKey, PayerFinding]]:
    """Lines of one code in a visit that are not reported as the payer wants them, the first of them aside."""
    nth = pl.int_range(1, pl.len() + 1).over(*_VISIT, "hcpcs")
    further = frame.sort("claim_id", "line").filter(nth > 1)
    for claim_id, line, modifiers in further.select("claim_id", "line", "modifiers").iter_rows():
        repeat_modifiers = repeats.modifiers & set((modifiers or "").split())
        if repeats.reported_as == "units" and repeat_modifiers:
            says = f"Report the repeated service as units of one line, without {', '.join(sorted(repeat_modifiers))}"
        elif repeats.reported_as == "lines" and not repeat_modifiers:
            says = f"Report the repeated service with modifier {', '.join(sorted(repeats.modifiers))}"
        else:
            continue
        yield (claim_id, line), PayerFinding("repeats", REVIEW, says, str(repeats.source))


def _out_of_order(profile: PayerProfile, frame: pl.DataFrame) -> Iterator[tuple[LineKey, PayerFinding]]:
    for claim_id, line, text in frame.select("claim_id", "line", "modifiers").iter_rows():
        modifiers = (text or "").split()
        # Sorting is stable: among themselves the modifiers of either kind keep the order of the claim.
        in_order = sorted(modifiers, key=lambda modifier: modifier not in profile.modifiers_first)
        if modifiers != in_order:
            says = f"Modifiers in this order: {' '.join(in_order)}"
            yield (claim_id, line), PayerFinding("modifier_order", REVIEW, says, str(profile.source))
