"""The practice guide of a release as values: every code of dermatology, what bundles with what, modifiers, verdicts.

All of it is read from the snapshot; of dated tables what is in force on the release's last day.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files

import polars as pl

from codeset.errors import WrongUse
from codeset.manifest import ConversionFactor
from codeset.money import NATION, SETTINGS, Gpci, is_capped, local_cents
from codeset.participants import Participant
from codeset.scope import Scope
from codeset.scope import scope as scope_called
from codeset.snapshot import Row, Snapshot
from codeset.suite.guidance.run_guidance import Audited, Statement, audit
from codeset.tables import CONTRACTOR_DEFINED, REQUIRED_TABLES, active_in

GUIDES = ("derm",)
"""The guides that can be made, by the name of their scope."""


@dataclass(frozen=True)
class GuideAmount:
    """The allowed amount in a setting for a participant class; without one, `lacks` says why."""

    setting: str
    participant: Participant | None
    cents: int | None
    lacks: str


@dataclass(frozen=True)
class GuideCode:
    """A code with its row of the fee schedule, amounts, MUE, and add-on relations; None where CMS gives none."""

    hcpcs: str
    modifier: str
    status_code: str
    work_rvu: Decimal | None
    nonfacility_total_rvu: Decimal | None
    facility_total_rvu: Decimal | None
    global_days: str
    multiple_procedure: str
    bilateral_surgery: str
    mue_value: int | None
    mai: int | None
    add_on_to: tuple[str, ...]
    primaries_by_contractor: bool
    add_ons: tuple[str, ...]
    amounts: tuple[GuideAmount, ...]

    @property
    def name(self) -> str:
        """Code and modifier, as people write them: `88305-26`."""
        return "-".join(filter(None, (self.hcpcs, self.modifier)))


@dataclass(frozen=True)
class GuideFamily:
    """The codes of a family, in their order."""

    name: str
    codes: tuple[GuideCode, ...]


@dataclass(frozen=True)
class GuideBundle:
    """What bundles into a column 1 code: `never` with modifier indicator 0, `with_modifier` with 1."""

    column_one: str
    family: str
    never: tuple[str, ...]
    with_modifier: tuple[str, ...]


@dataclass(frozen=True)
class GuideModifier:
    """Modifiers of one purpose: the line they go on, what they say, and the source."""

    names: tuple[str, ...]
    on: str
    says: str
    source: str


@dataclass(frozen=True)
class GuideStatement:
    """A statement of a printed guide with its verdict on the release."""

    id: str
    guide: str
    heading: str
    says: str
    verdict: str
    why: str
    rows: tuple[str, ...]
    right: str


@dataclass(frozen=True)
class GuideEdition:
    """The CMS publication that a table was read from."""

    table: str
    edition: str
    carried_from: str | None
    files: tuple[str, ...]


@dataclass(frozen=True)
class Guide:
    """The practice guide of a release; amounts are those of `locality` (`national`, or MAC-LOCALITY)."""

    name: str
    release: str
    first_day: date
    last_day: date
    locality: str
    locality_name: str
    factors: tuple[ConversionFactor, ...]
    families: tuple[GuideFamily, ...]
    bundles: tuple[GuideBundle, ...]
    modifiers: tuple[GuideModifier, ...]
    statements: tuple[GuideStatement, ...]
    editions: tuple[GuideEdition, ...]

    @property
    def codes(self) -> tuple[GuideCode, ...]:
        """Every code, family by family."""
        return tuple(code for family in self.families for code in family.codes)


def make_guide(name: str, snapshot: Snapshot, statements: Sequence[Statement], locality: str | None = None) -> Guide:
    """Return the guide called *name* of the release, with the verdicts on *statements*.

    Amounts are national, or those of *locality* (`mac-locality`).

    Raises WrongUse: for another name, a locality that the release lacks, or a release without a table that is needed.
    """
    if name not in GUIDES:
        raise WrongUse(f'no guide is called "{name}"; there are: {", ".join(GUIDES)}')
    if missing_tables := [table for table in REQUIRED_TABLES if table not in snapshot]:
        raise WrongUse(f"{snapshot.release} has no {', '.join(missing_tables)}: build it with --from or --carry")
    scope, release = scope_called(name), snapshot.release
    gpci, locality_name = _gpci_and_name(snapshot, locality)
    factors = _factors_in_force(snapshot)
    return Guide(
        name=name,
        release=str(release),
        first_day=release.first_day,
        last_day=release.last_day,
        locality=locality or "national",
        locality_name=locality_name,
        factors=factors,
        families=tuple(_guide_families(snapshot, scope, gpci, factors)),
        bundles=tuple(_guide_bundles(snapshot, scope)),
        modifiers=tuple(_guide_modifiers()),
        statements=tuple(map(_guide_statement, audit(statements, snapshot))),
        editions=tuple(_guide_editions(snapshot)),
    )


def _gpci_and_name(snapshot: Snapshot, locality: str | None) -> tuple[Gpci, str]:
    """The GPCIs and the name of a locality, or of the nation."""
    if locality in (None, "national"):
        return NATION, "national rates (no locality adjustment)"
    mac, _, locality_number = str(locality).partition("-")
    gpci_row = snapshot.gpci(mac, locality_number)
    if gpci_row is None:
        raise WrongUse(f'{snapshot.release} has no locality "{locality}"; to look it up: codeset localities NAME')
    return Gpci(gpci_row["work_gpci"], gpci_row["pe_gpci"], gpci_row["mp_gpci"]), gpci_row["locality_name"]


def _factors_in_force(snapshot: Snapshot) -> tuple[ConversionFactor, ...]:
    last_day = snapshot.release.last_day
    return tuple(factor for factor in snapshot.conversion_factors if factor.first <= last_day <= factor.last)


# --- codes


def _guide_families(
    snapshot: Snapshot, scope: Scope, gpci: Gpci, factors: Sequence[ConversionFactor]
) -> Iterator[GuideFamily]:
    guide_codes = list(_guide_codes(snapshot, scope, gpci, factors))
    for family_name in dict.fromkeys(scope.families.values()):
        family_codes = tuple(
            guide_code for guide_code in guide_codes if scope.families[guide_code.hcpcs] == family_name
        )
        # An older fee schedule, or an excerpt, may have no code of a family.
        if family_codes:
            yield GuideFamily(family_name, family_codes)


def _guide_codes(
    snapshot: Snapshot, scope: Scope, gpci: Gpci, factors: Sequence[ConversionFactor]
) -> Iterator[GuideCode]:
    fee_rows = scope.of("mpfs", snapshot.scan("mpfs")).with_columns(
        local_cents(setting, factor.value, gpci).alias(_amount_column(setting, factor_number))
        for factor_number, factor in enumerate(factors)
        for setting in SETTINGS
    )
    mue_rows = {
        table_row["hcpcs"]: table_row
        for table_row in scope.of("mue", snapshot.scan("mue")).collect().iter_rows(named=True)
    }
    relations = _relations_in_force(snapshot)
    primaries_of, add_ons_of = (_codes_of_other_column(relations, column) for column in relations.columns)
    for table_row in fee_rows.collect().iter_rows(named=True):
        hcpcs, mue_row = table_row["hcpcs"], mue_rows.get(table_row["hcpcs"], {})
        primaries = primaries_of.get(hcpcs, ())
        yield GuideCode(
            **{column: table_row[column] for column in _SCHEDULE_COLUMNS},
            mue_value=mue_row.get("mue_value"),
            mai=mue_row.get("mai"),
            add_on_to=tuple(primary_code for primary_code in primaries if primary_code != CONTRACTOR_DEFINED),
            # CCCCC in place of a code: contractors list further primaries (NCCI Policy Manual 2026, p. I-35).
            primaries_by_contractor=CONTRACTOR_DEFINED in primaries,
            add_ons=add_ons_of.get(hcpcs, ()),
            amounts=tuple(_guide_amounts(table_row, factors)),
        )


_SCHEDULE_COLUMNS = (
    *("hcpcs", "modifier", "status_code", "work_rvu", "nonfacility_total_rvu", "facility_total_rvu", "global_days"),
    *("multiple_procedure", "bilateral_surgery"),
)


def _amount_column(setting: str, factor_number: int) -> str:
    return f"{setting} {factor_number}"


def _guide_amounts(fee_row: Row, factors: Sequence[ConversionFactor]) -> Iterator[GuideAmount]:
    for factor_number, factor in enumerate(factors):
        for setting in SETTINGS:
            # The cap is by locality (Deficit Reduction Act of 2005, section 5102(b)): the formula alone says too much.
            has_cap = is_capped(fee_row, setting)
            cents = None if has_cap else fee_row[_amount_column(setting, factor_number)]
            missing_reason = "" if cents is not None else _reason_without_amount(fee_row, setting, has_cap=has_cap)
            yield GuideAmount(setting, factor.participant, cents, missing_reason)


_REASON_OF_STATUS = {
    "B": "bundled",
    "C": "contractor-priced",
    "E": "excluded from the MPFS",
    "I": "not valid for Medicare",
    "N": "not covered",
    "X": "excluded by statute",
}
"""Why a status code has no amount (record layout RVU25D, Status Code)."""


def _reason_without_amount(fee_row: Row, setting: str, *, has_cap: bool) -> str:
    if has_cap:
        return "OPPS cap"
    # Before the status: NA is why an active code has no amount in this setting (record layout, NA indicators).
    if fee_row[f"{setting}_na"]:
        return "NA"
    return _REASON_OF_STATUS.get(fee_row["status_code"], f"status {fee_row['status_code']}")


def _relations_in_force(snapshot: Snapshot) -> pl.DataFrame:
    """Each add-on code with each of its primary codes."""
    last_day = pl.lit(snapshot.release.last_day)
    in_force = snapshot.scan("add_on").filter(active_in(last_day, last_day))
    return in_force.select("add_on_code", "primary_code").unique().collect()


def _codes_of_other_column(relations: pl.DataFrame, column: str) -> Mapping[str, tuple[str, ...]]:
    """By the code of *column*, the codes of the other column, sorted."""
    codes_by_code = relations.group_by(column).agg(pl.exclude(column).sort())
    return {hcpcs: tuple(other_codes) for hcpcs, other_codes in codes_by_code.iter_rows()}


# --- edits, modifiers, verdicts, editions


def _guide_bundles(snapshot: Snapshot, scope: Scope) -> Iterator[GuideBundle]:
    """The PTP edits in force among the guide's codes, by column 1 code."""
    last_day = pl.lit(snapshot.release.last_day)
    # Indicator 9 marks rows that never applied (NCCI Policy Manual 2026, p. I-14).
    ptp_edits = scope.of("ptp", snapshot.scan("ptp")).filter(active_in(last_day, last_day), pl.col("ccmi") != 9)
    columns_two: dict[str, Mapping[int, list[str]]] = {}
    for column_one, column_two, ccmi in (
        ptp_edits.select("column_one", "column_two", "ccmi").sort("column_one", "column_two").collect().iter_rows()
    ):
        # Indicators 0 and 1 are all there is: rows with 9 were left out above.
        columns_two.setdefault(column_one, {0: [], 1: []})[ccmi].append(column_two)
    for column_one, by_indicator in columns_two.items():
        yield GuideBundle(column_one, scope.families[column_one], tuple(by_indicator[0]), tuple(by_indicator[1]))


def _guide_modifiers() -> Iterator[GuideModifier]:
    document = tomllib.loads(files("codeset.practice_guide").joinpath("modifiers.toml").read_text(encoding="utf-8"))
    for entry in document["modifier"]:
        yield GuideModifier(tuple(entry["names"]), entry["on"], entry["says"], entry["source"])


def _guide_statement(audited: Audited) -> GuideStatement:
    statement = audited.statement
    return GuideStatement(
        id=statement.id,
        guide=statement.guide,
        heading=statement.heading,
        says=statement.says,
        verdict=audited.verdict.value,
        why=audited.why,
        rows=tuple(map(str, audited.rows)),
        right="" if audited.right is None else str(audited.right),
    )


def _guide_editions(snapshot: Snapshot) -> Iterable[GuideEdition]:
    for table_name, table_entry in sorted(snapshot.manifest.tables.items()):
        if table_name in REQUIRED_TABLES:
            yield GuideEdition(
                table_name,
                table_entry.edition,
                table_entry.carried_from,
                tuple(source.name for source in table_entry.sources),
            )
