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


_EVIDENCE = {
    "mpfs": ("status_code", "global_days"),
    "ptp": ("ccmi", "effective_date", "deletion_date"),
    "mue": ("mue_value", "mai"),
    "add_on": ("add_on_type", "effective_date", "deletion_date"),
}
_TABLES = {
    "fee_schedule": "mpfs",
    "amounts": "mpfs",
    "comparisons": "mpfs",
    "pairs": "ptp",
    "add_ons": "add_on",
    "mues": "mue",
    "visits": "mpfs",
}
_CODES = ("hcpcs", "than", "column_one", "column_two", "add_on_code")
"""The codes that an excerpt must hold; it holds add-on codes with all their primaries, in scope or not."""


def try_fact(fact: Fact, tables: ReleaseTables, *, participant: Participant | None) -> Checked:
    """Try *fact* against a release; what the release does not hold, or only an excerpt of, is not decidable.

    *participant* chooses the conversion factor of national amounts from 2026 on.
    """
    table, snapshot = _TABLES[fact.kind], tables.snapshot
    if table not in snapshot:
        return Checked(Verdict.NOT_DECIDABLE, f"{snapshot.release} holds no {table}")
    if outside := _outside(fact, snapshot):
        text = f"{', '.join(outside)} not in the excerpt of {snapshot.release} ({snapshot.manifest.scope} scope)"
        return Checked(Verdict.NOT_DECIDABLE, text)
    return _TRIALS[fact.kind](fact.details, tables, participant)


def _outside(fact: Fact, snapshot: Snapshot) -> list[str]:
    """The codes of a fact of which an excerpt cannot tell that there is no row."""
    families = scope(snapshot.manifest.scope).families
    return [
        fact.details[name]
        for name in _CODES
        if families and name in fact.details and fact.details[name] not in families
    ]


def cms_row(tables: ReleaseTables, table: str, row: Row, columns: Iterable[str] = ()) -> CmsRow:
    """Return *row* of *table* as evidence, with *columns* of it, or those that tell most."""
    key = {
        "mpfs": ("hcpcs", "modifier"),
        "ptp": ("column_one", "column_two"),
        "mue": ("hcpcs",),
        "add_on": ("add_on_code", "primary_code"),
    }[table]
    named = [str(row[name]) for name in key if row[name]]
    values = {name: _text(row[name]) for name in columns or _EVIDENCE[table] if row.get(name) is not None}
    cited = (" " if table == "mpfs" else "/").join(named)
    return CmsRow(table, cited, values, tables.snapshot.manifest.tables[table].edition)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _no_code(hcpcs: str, tables: ReleaseTables) -> Checked:
    return Checked(Verdict.CONTRADICTED, f"{hcpcs} is not in {tables.snapshot.manifest.tables['mpfs'].edition}")


def _checked(differences: list[str], text: str, rows: Iterable[CmsRow]) -> Checked:
    if differences:
        return Checked(Verdict.CONTRADICTED, "; ".join(differences), tuple(rows))
    return Checked(Verdict.CONFIRMED, text, tuple(rows))


def _fee_schedule(fact: Mapping[str, Any], tables: ReleaseTables, participant: Participant | None) -> Checked:
    hcpcs, modifier = fact["hcpcs"], fact.get("modifier", "")
    row = tables.mpfs(hcpcs, modifier)
    if row is None:
        return _no_code(f"{hcpcs} {modifier}".strip(), tables)
    claimed = {name: value for name, value in fact.items() if name not in ("hcpcs", "modifier")}
    for setting in SETTINGS:
        if f"{setting}_amount" in claimed:
            cents = _amount(tables, hcpcs, modifier, setting, participant)
            if isinstance(cents, Checked):
                return cents
            row[f"{setting}_amount"] = Decimal(cents) / 100
    differing = [
        f"{hcpcs} {name}: the guide says {claimed_value}, CMS says {_text(row[name])}"
        for name, claimed_value in _differing(claimed, row)
    ]
    text = ", ".join(f"{name} {value}" for name, value in claimed.items())
    return _checked(differing, f"{hcpcs}: {text}", [cms_row(tables, "mpfs", row, claimed)])


def _differing(claimed: Mapping[str, str], row: Row) -> Iterator[tuple[str, str]]:
    for name, claimed_value in claimed.items():
        value = row[name]
        same = Decimal(claimed_value) == value if isinstance(value, Decimal) else claimed_value == _text(value)
        if not same:
            yield name, claimed_value


def _amount(
    tables: ReleaseTables, hcpcs: str, modifier: str, setting: str, participant: Participant | None
) -> int | Checked:
    """The national amount in cents, by the conversion factor in force at the quarter's end; or why there is none."""
    factors = [
        factor.value for factor in tables.snapshot.conversion_factors if factor.participant in (None, participant)
    ]
    if not factors:
        return Checked(Verdict.NOT_DECIDABLE, "no conversion factor: say qualifying_apm in settings.yaml")
    if tables.mpfs(hcpcs, modifier) is None:
        return _no_code(hcpcs, tables)
    cents = tables.national_cents(hcpcs, modifier, setting, factors[-1])
    if cents is None:
        return Checked(Verdict.NOT_DECIDABLE, f"the fee schedule sets no {setting} amount for {hcpcs}")
    return cents


def _paid(tables: ReleaseTables, hcpcs: str, modifier: str, setting: str, cents: int) -> CmsRow:
    """The fee schedule's row of a code, with its total RVU and amount."""
    row = tables.mpfs(hcpcs, modifier) or {}
    amount = f"{setting}_amount"
    return cms_row(tables, "mpfs", row | {amount: f"{dollars(cents)}"}, (f"{setting}_total_rvu", amount))


def _amounts(fact: Mapping[str, Any], tables: ReleaseTables, participant: Participant | None) -> Checked:
    hcpcs, modifier, setting = fact["hcpcs"], fact.get("modifier", ""), fact["setting"]
    cents = _amount(tables, hcpcs, modifier, setting, participant)
    if isinstance(cents, Checked):
        return cents
    text = f"{hcpcs} pays {dollars(cents)} ({setting})"
    rows = [_paid(tables, hcpcs, modifier, setting, cents)]
    wrong = [] if _within(cents, fact) else [f"{text}, not ${fact['from']} to ${fact['to']}"]
    return _checked(wrong, text, rows)


def _within(cents: int, span: Mapping[str, str]) -> bool:
    return Decimal(span["from"]) * 100 <= cents <= Decimal(span["to"]) * 100


def _comparisons(fact: Mapping[str, Any], tables: ReleaseTables, participant: Participant | None) -> Checked:
    setting = fact["setting"]
    amounts = {hcpcs: _amount(tables, hcpcs, "", setting, participant) for hcpcs in (fact["hcpcs"], fact["than"])}
    for amount in amounts.values():
        if isinstance(amount, Checked):
            return amount
    cents = {hcpcs: amount for hcpcs, amount in amounts.items() if isinstance(amount, int)}
    one, other = cents[fact["hcpcs"]], cents[fact["than"]]
    word = "as much as" if one == other else f"{dollars(abs(one - other))} {'more' if one > other else 'less'} than"
    text = f"{fact['hcpcs']} pays {dollars(one)}, {word} {fact['than']} ({dollars(other)}, {setting})"
    more = one - other if fact["pays"] == "more" else other - one
    holds = more > 0 and ("by" not in fact or _within(more, fact["by"]))
    rows = [_paid(tables, hcpcs, "", setting, amount) for hcpcs, amount in cents.items()]
    return _checked([] if holds else [text], text, rows)


def _pairs(fact: Mapping[str, Any], tables: ReleaseTables, _: Participant | None) -> Checked:
    one, two = fact["column_one"], fact["column_two"]
    in_force = tables.ptp_in_force(one, two)
    # Guides often name a pair without its direction: an edit the other way round is shown as evidence.
    reverse = tables.ptp_in_force(two, one)
    edits = [
        f"there is an edit {row['column_one']}/{row['column_two']}, CCMI {row['ccmi']}" for row in (*in_force, *reverse)
    ]
    rows = [cms_row(tables, "ptp", row) for row in (*in_force, *reverse)]
    nothing = f"there is no edit {one}/{two} in {tables.snapshot.manifest.tables['ptp'].edition}"
    if fact.get("edit") == "no":
        return _checked(edits, nothing, rows)
    same = [row for row in in_force if "ccmi" not in fact or int(fact["ccmi"]) == row["ccmi"]]
    return _checked([] if same else edits or [nothing], "; ".join(edits), rows)


def _add_ons(fact: Mapping[str, Any], tables: ReleaseTables, _: Participant | None) -> Checked:
    relations = tables.primaries_in_force(fact["add_on_code"])
    primaries = {row["primary_code"] for row in relations}
    claimed = set(fact.get("primaries") or [fact["primary_code"]])
    related = [row for row in relations if row["primary_code"] in claimed]
    rows = [cms_row(tables, "add_on", row) for row in (related if "primary_code" in fact else relations) or relations]
    edition = tables.snapshot.manifest.tables["add_on"].edition
    named = ", ".join(sorted(primaries)) or "none; it is not an add-on code"
    text = f"primaries of {fact['add_on_code']} in {edition}: {named}"
    if fact.get("listed") == "no":
        return _checked([text] if related else [], text, rows)
    missing = claimed - primaries
    others = primaries - claimed - {CONTRACTOR_DEFINED} if "primaries" in fact else set()
    # Of types 2 and 3 the contractor may know other primary codes (NCCI Policy Manual 2026, p. I-34).
    if missing and not others and any(row["add_on_type"] != 1 for row in relations):
        return Checked(Verdict.NOT_DECIDABLE, f"{text}; the contractor may add others", tuple(rows))
    return _checked([text] if missing or others else list(_outside_dates(fact, related)), text, rows)


def _outside_dates(fact: Mapping[str, Any], rows: Iterable[Row]) -> Iterator[str]:
    span = fact.get("effective", {})
    first = date.fromisoformat(span.get("from", "0001-01-01"))
    last = date.fromisoformat(span.get("to", "9999-12-31"))
    for row in rows:
        if not first <= row["effective_date"] <= last:
            yield f"{row['add_on_code']} with {row['primary_code']} took effect on {row['effective_date']}"


def _mues(fact: Mapping[str, Any], tables: ReleaseTables, _: Participant | None) -> Checked:
    row = tables.mue(fact["hcpcs"])
    # Not published is not unlimited (NCCI Policy Manual 2026, p. I-35).
    if row is None:
        return Checked(Verdict.NOT_DECIDABLE, f"CMS publishes no MUE of {fact['hcpcs']}")
    text = f"the MUE of {fact['hcpcs']} is {row['mue_value']}, MAI {row['mai']}"
    same = all(fact.get(name, str(row[name])) == str(row[name]) for name in ("mue_value", "mai"))
    return _checked([] if same else [text], text, [cms_row(tables, "mue", row)])


_Trial = Callable[[Mapping[str, Any], ReleaseTables, Participant | None], Checked]


def _visits(fact: Mapping[str, Any], tables: ReleaseTables, _: Participant | None) -> Checked:
    """What a visit with these facts is coded as against what the guide would have."""
    if missing := [table for table in REQUIRED_TABLES if table not in tables.snapshot]:
        return Checked(Verdict.NOT_DECIDABLE, f"{tables.snapshot.release} holds no {', '.join(missing)}")
    codes, open_facts = codes_of_facts("visit", fact["facts"], tables.snapshot)
    if open_facts:
        return Checked(Verdict.NOT_DECIDABLE, f"the facts leave open: {', '.join(open_facts)}")
    fee_rows = [row for code in codes if (row := tables.mpfs(code[:5]))]
    rows = tuple(cms_row(tables, "mpfs", row) for row in fee_rows)
    text = f"the visit is coded {', '.join(codes) or 'with nothing'}"
    if sorted(fact["codes"]) == list(codes):
        return Checked(Verdict.CONFIRMED, text, rows)
    guided = ", ".join(fact["codes"]) or "nothing"
    return Checked(Verdict.CONTRADICTED, f"{text}; the guide expects {guided}", rows)


_TRIALS: Mapping[str, _Trial] = {
    "fee_schedule": _fee_schedule,
    "amounts": _amounts,
    "comparisons": _comparisons,
    "pairs": _pairs,
    "add_ons": _add_ons,
    "mues": _mues,
    "visits": _visits,
}
