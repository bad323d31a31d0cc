"""Facts that guides state, each tried against the tables of one release, with the rows that show it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from codeset.money import SETTINGS, dollars
from codeset.participants import Participant
from codeset.scope import scope
from codeset.snapshot import Row, Snapshot
from codeset.suite.guidance.guidance_files import Fact
from codeset.suite.guidance.release_tables import ReleaseTables
from codeset.tables import CONTRACTOR_DEFINED, REQUIRED_TABLES
from codeset.visit.trials.run_coding import codes_of_facts


class Verdict(StrEnum):
    """What a release's data say of a statement."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    NOT_DECIDABLE = "not decidable"


@dataclass(frozen=True)
class CmsRow:
    """A row of a CMS table as evidence: its key as people cite it (17004/17003), values as text, and the edition."""

    table: str
    key: str
    values: Mapping[str, str]
    edition: str

    def __str__(self) -> str:
        """Return it as people cite it: `ptp 17004/17003 ccmi 0 (ptp v302r0)`."""
        values = ", ".join(f"{name} {value}" for name, value in self.values.items())
        return f"{self.table} {self.key}: {values} ({self.edition})"


@dataclass(frozen=True)
class Checked:
    """What came of one fact or claim."""

    verdict: Verdict
    why: str
    rows: tuple[CmsRow, ...] = ()


_EVIDENCE_COLUMNS = {
    "mpfs": ("status_code", "global_days"),
    "ptp": ("ccmi", "effective_date", "deletion_date"),
    "mue": ("mue_value", "mai"),
    "add_on": ("add_on_type", "effective_date", "deletion_date"),
}
_TABLE_OF_KIND = {
    "fee_schedule": "mpfs",
    "amounts": "mpfs",
    "comparisons": "mpfs",
    "pairs": "ptp",
    "add_ons": "add_on",
    "mues": "mue",
    "visits": "mpfs",
}
_CODE_FIELDS = ("hcpcs", "than", "column_one", "column_two", "add_on_code")
"""The codes that an excerpt must hold; it holds add-on codes with all their primaries, in scope or not."""


def try_fact(fact: Fact, tables: ReleaseTables, *, participant: Participant | None) -> Checked:
    """Try *fact* against a release; what the release does not hold, or only an excerpt of, is not decidable.

    *participant* chooses the conversion factor of national amounts from 2026 on.
    """
    table, snapshot = _TABLE_OF_KIND[fact.kind], tables.snapshot
    if table not in snapshot:
        return Checked(Verdict.NOT_DECIDABLE, f"{snapshot.release} holds no {table}")
    if codes_outside := _codes_outside_excerpt(fact, snapshot):
        explanation = (
            f"{', '.join(codes_outside)} not in the excerpt of {snapshot.release} ({snapshot.manifest.scope} scope)"
        )
        return Checked(Verdict.NOT_DECIDABLE, explanation)
    return _TRIALS[fact.kind](fact.details, tables, participant)


def _codes_outside_excerpt(fact: Fact, snapshot: Snapshot) -> list[str]:
    """The codes of a fact of which an excerpt cannot tell that there is no row."""
    families = scope(snapshot.manifest.scope).families
    return [
        fact.details[code_field]
        for code_field in _CODE_FIELDS
        if families and code_field in fact.details and fact.details[code_field] not in families
    ]


def cms_row(tables: ReleaseTables, table: str, row: Row, columns: Iterable[str] = ()) -> CmsRow:
    """Return *row* of *table* as evidence, with *columns* of it, or those that tell most."""
    key_columns = {
        "mpfs": ("hcpcs", "modifier"),
        "ptp": ("column_one", "column_two"),
        "mue": ("hcpcs",),
        "add_on": ("add_on_code", "primary_code"),
    }[table]
    key_values = [str(row[column]) for column in key_columns if row[column]]
    values = {
        column: _value_text(row[column])
        for column in columns or _EVIDENCE_COLUMNS[table]
        if row.get(column) is not None
    }
    row_name = (" " if table == "mpfs" else "/").join(key_values)
    return CmsRow(table, row_name, values, tables.snapshot.manifest.tables[table].edition)


def _value_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _absent_code(hcpcs: str, tables: ReleaseTables) -> Checked:
    return Checked(Verdict.CONTRADICTED, f"{hcpcs} is not in {tables.snapshot.manifest.tables['mpfs'].edition}")


def _confirmed_unless(differences: list[str], confirmed_text: str, rows: Iterable[CmsRow]) -> Checked:
    if differences:
        return Checked(Verdict.CONTRADICTED, "; ".join(differences), tuple(rows))
    return Checked(Verdict.CONFIRMED, confirmed_text, tuple(rows))


def _try_fee_schedule(fact: Mapping[str, Any], tables: ReleaseTables, participant: Participant | None) -> Checked:
    hcpcs, modifier = fact["hcpcs"], fact.get("modifier", "")
    fee_row = tables.mpfs(hcpcs, modifier)
    if fee_row is None:
        return _absent_code(f"{hcpcs} {modifier}".strip(), tables)
    claimed_values = {name: value for name, value in fact.items() if name not in ("hcpcs", "modifier")}
    for setting in SETTINGS:
        if f"{setting}_amount" in claimed_values:
            cents = _national_amount(tables, hcpcs, modifier, setting, participant)
            if isinstance(cents, Checked):
                return cents
            # CMS has no column of national amounts: it is added to the row, so that it is compared as the others are.
            fee_row[f"{setting}_amount"] = Decimal(cents) / 100
    differences = [
        f"{hcpcs} {name}: the guide says {claimed_value}, CMS says {_value_text(fee_row[name])}"
        for name, claimed_value in _differing_values(claimed_values, fee_row)
    ]
    claimed_text = ", ".join(f"{name} {value}" for name, value in claimed_values.items())
    return _confirmed_unless(
        differences, f"{hcpcs}: {claimed_text}", [cms_row(tables, "mpfs", fee_row, claimed_values)]
    )


def _differing_values(claimed_values: Mapping[str, str], fee_row: Row) -> Iterator[tuple[str, str]]:
    for name, claimed_value in claimed_values.items():
        cms_value = fee_row[name]
        is_same = (
            Decimal(claimed_value) == cms_value
            if isinstance(cms_value, Decimal)
            else claimed_value == _value_text(cms_value)
        )
        if not is_same:
            yield name, claimed_value


def _national_amount(
    tables: ReleaseTables, hcpcs: str, modifier: str, setting: str, participant: Participant | None
) -> int | Checked:
    """The national amount in cents, by the conversion factor in force at the quarter's end; or why there is none."""
    factors = [
        factor.value for factor in tables.snapshot.conversion_factors if factor.participant in (None, participant)
    ]
    if not factors:
        return Checked(Verdict.NOT_DECIDABLE, "no conversion factor: say qualifying_apm in settings.yaml")
    if tables.mpfs(hcpcs, modifier) is None:
        return _absent_code(hcpcs, tables)
    cents = tables.national_cents(hcpcs, modifier, setting, factors[-1])
    if cents is None:
        return Checked(Verdict.NOT_DECIDABLE, f"the fee schedule sets no {setting} amount for {hcpcs}")
    return cents


def _amount_row(tables: ReleaseTables, hcpcs: str, modifier: str, setting: str, cents: int) -> CmsRow:
    """The fee schedule's row of a code, with its total RVU and amount."""
    fee_row = tables.mpfs(hcpcs, modifier) or {}
    amount_column = f"{setting}_amount"
    return cms_row(
        tables, "mpfs", fee_row | {amount_column: f"{dollars(cents)}"}, (f"{setting}_total_rvu", amount_column)
    )


def _try_amounts(fact: Mapping[str, Any], tables: ReleaseTables, participant: Participant | None) -> Checked:
    hcpcs, modifier, setting = fact["hcpcs"], fact.get("modifier", ""), fact["setting"]
    cents = _national_amount(tables, hcpcs, modifier, setting, participant)
    if isinstance(cents, Checked):
        return cents
    amount_text = f"{hcpcs} pays {dollars(cents)} ({setting})"
    cms_rows = [_amount_row(tables, hcpcs, modifier, setting, cents)]
    contradictions = [] if _is_within(cents, fact) else [f"{amount_text}, not ${fact['from']} to ${fact['to']}"]
    return _confirmed_unless(contradictions, amount_text, cms_rows)


def _is_within(cents: int, dollar_span: Mapping[str, str]) -> bool:
    return Decimal(dollar_span["from"]) * 100 <= cents <= Decimal(dollar_span["to"]) * 100


def _try_comparisons(fact: Mapping[str, Any], tables: ReleaseTables, participant: Participant | None) -> Checked:
    setting = fact["setting"]
    amounts = {
        hcpcs: _national_amount(tables, hcpcs, "", setting, participant) for hcpcs in (fact["hcpcs"], fact["than"])
    }
    for amount in amounts.values():
        if isinstance(amount, Checked):
            return amount
    cents = {hcpcs: amount for hcpcs, amount in amounts.items() if isinstance(amount, int)}
    first_cents, second_cents = cents[fact["hcpcs"]], cents[fact["than"]]
    relation = (
        "as much as"
        if first_cents == second_cents
        else f"{dollars(abs(first_cents - second_cents))} {'more' if first_cents > second_cents else 'less'} than"
    )
    comparison_text = (
        f"{fact['hcpcs']} pays {dollars(first_cents)}, {relation} {fact['than']} ({dollars(second_cents)}, {setting})"
    )
    excess_cents = first_cents - second_cents if fact["pays"] == "more" else second_cents - first_cents
    is_confirmed = excess_cents > 0 and ("by" not in fact or _is_within(excess_cents, fact["by"]))
    cms_rows = [_amount_row(tables, hcpcs, "", setting, amount) for hcpcs, amount in cents.items()]
    return _confirmed_unless([] if is_confirmed else [comparison_text], comparison_text, cms_rows)


def _try_pairs(fact: Mapping[str, Any], tables: ReleaseTables, _: Participant | None) -> Checked:
    column_one, column_two = fact["column_one"], fact["column_two"]
    in_force = tables.ptp_in_force(column_one, column_two)
    # Guides often name a pair without its direction: an edit the other way round is shown as evidence.
    reversed_rows = tables.ptp_in_force(column_two, column_one)
    edit_texts = [
        f"there is an edit {ptp_row['column_one']}/{ptp_row['column_two']}, CCMI {ptp_row['ccmi']}"
        for ptp_row in (*in_force, *reversed_rows)
    ]
    cms_rows = [cms_row(tables, "ptp", ptp_row) for ptp_row in (*in_force, *reversed_rows)]
    no_edit_text = f"there is no edit {column_one}/{column_two} in {tables.snapshot.manifest.tables['ptp'].edition}"
    if fact.get("edit") == "no":
        return _confirmed_unless(edit_texts, no_edit_text, cms_rows)
    matching_rows = [ptp_row for ptp_row in in_force if "ccmi" not in fact or int(fact["ccmi"]) == ptp_row["ccmi"]]
    return _confirmed_unless([] if matching_rows else edit_texts or [no_edit_text], "; ".join(edit_texts), cms_rows)


def _try_add_ons(fact: Mapping[str, Any], tables: ReleaseTables, _: Participant | None) -> Checked:
    relations = tables.primaries_in_force(fact["add_on_code"])
    primaries = {relation["primary_code"] for relation in relations}
    claimed_primaries = set(fact.get("primaries") or [fact["primary_code"]])
    claimed_relations = [relation for relation in relations if relation["primary_code"] in claimed_primaries]
    cms_rows = [
        cms_row(tables, "add_on", relation)
        for relation in (claimed_relations if "primary_code" in fact else relations) or relations
    ]
    edition = tables.snapshot.manifest.tables["add_on"].edition
    primaries_text = ", ".join(sorted(primaries)) or "none; it is not an add-on code"
    relations_text = f"primaries of {fact['add_on_code']} in {edition}: {primaries_text}"
    if fact.get("listed") == "no":
        return _confirmed_unless([relations_text] if claimed_relations else [], relations_text, cms_rows)
    missing_primaries = claimed_primaries - primaries
    unclaimed_primaries = primaries - claimed_primaries - {CONTRACTOR_DEFINED} if "primaries" in fact else set()
    # Of types 2 and 3 the contractor may know other primary codes (NCCI Policy Manual 2026, p. I-34).
    if missing_primaries and not unclaimed_primaries and any(relation["add_on_type"] != 1 for relation in relations):
        return Checked(Verdict.NOT_DECIDABLE, f"{relations_text}; the contractor may add others", tuple(cms_rows))
    return _confirmed_unless(
        [relations_text] if missing_primaries or unclaimed_primaries else list(_dates_outside(fact, claimed_relations)),
        relations_text,
        cms_rows,
    )


def _dates_outside(fact: Mapping[str, Any], relations: Iterable[Row]) -> Iterator[str]:
    effective_span = fact.get("effective", {})
    earliest = date.fromisoformat(effective_span.get("from", "0001-01-01"))
    latest = date.fromisoformat(effective_span.get("to", "9999-12-31"))
    for relation in relations:
        if not earliest <= relation["effective_date"] <= latest:
            code_pair = f"{relation['add_on_code']} with {relation['primary_code']}"
            yield f"{code_pair} took effect on {relation['effective_date']}"


def _try_mues(fact: Mapping[str, Any], tables: ReleaseTables, _: Participant | None) -> Checked:
    mue_row = tables.mue(fact["hcpcs"])
    # Not published is not unlimited (NCCI Policy Manual 2026, p. I-35).
    if mue_row is None:
        return Checked(Verdict.NOT_DECIDABLE, f"CMS publishes no MUE of {fact['hcpcs']}")
    mue_text = f"the MUE of {fact['hcpcs']} is {mue_row['mue_value']}, MAI {mue_row['mai']}"
    is_same = all(fact.get(column, str(mue_row[column])) == str(mue_row[column]) for column in ("mue_value", "mai"))
    return _confirmed_unless([] if is_same else [mue_text], mue_text, [cms_row(tables, "mue", mue_row)])


_Trial = Callable[[Mapping[str, Any], ReleaseTables, Participant | None], Checked]


def _try_visits(fact: Mapping[str, Any], tables: ReleaseTables, _: Participant | None) -> Checked:
    """What a visit with these facts is coded as against what the guide would have."""
    if missing_tables := [table for table in REQUIRED_TABLES if table not in tables.snapshot]:
        return Checked(Verdict.NOT_DECIDABLE, f"{tables.snapshot.release} holds no {', '.join(missing_tables)}")
    coded_lines, open_facts = codes_of_facts("visit", fact["facts"], tables.snapshot)
    if open_facts:
        return Checked(Verdict.NOT_DECIDABLE, f"the facts leave open: {', '.join(open_facts)}")
    # A line is written `17003-XS x 4`: its code is the first five characters.
    fee_rows = [fee_row for coded_line in coded_lines if (fee_row := tables.mpfs(coded_line[:5]))]
    cms_rows = tuple(cms_row(tables, "mpfs", fee_row) for fee_row in fee_rows)
    coding_text = f"the visit is coded {', '.join(coded_lines) or 'with nothing'}"
    if sorted(fact["codes"]) == list(coded_lines):
        return Checked(Verdict.CONFIRMED, coding_text, cms_rows)
    expected_lines = ", ".join(fact["codes"]) or "nothing"
    return Checked(Verdict.CONTRADICTED, f"{coding_text}; the guide expects {expected_lines}", cms_rows)


_TRIALS: Mapping[str, _Trial] = {
    "fee_schedule": _try_fee_schedule,
    "amounts": _try_amounts,
    "comparisons": _try_comparisons,
    "pairs": _try_pairs,
    "add_ons": _try_add_ons,
    "mues": _try_mues,
    "visits": _try_visits,
}
