"""What CMS posts for a quarter, out of the embedded facts: file names, labels, bytes."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

import polars as pl
from cms_files.render import deliver, ncci_version, zip_of

from codeset.manifest import ConversionFactor
from codeset.participants import Participant
from codeset.releases import Release
from codeset.tables import TABLES
from codeset_ingest.embedded import facts
from codeset_ingest.write_embedded import DIAGNOSES

PARTS = 2
_UTC = timezone(timedelta())
_QUALIFYING = Decimal("33.5675")
"""The factor of qualifying APM participants in 2026 (DOMAIN section 8); the embedded facts hold the other one."""


@dataclass(frozen=True)
class File:
    """One posted file: its path on the site, its bytes, its link's label, what it is and of which release."""

    kind: str
    release: Release
    path: str
    data: bytes
    label: str
    posting_date: date
    gated: bool = False

    @property
    def etag(self) -> str:
        """A strong validator: another one for other bytes."""
        return f'"{sha256(self.data).hexdigest()[:16]}"'

    @property
    def last_modified(self) -> str:
        """The day of posting as HTTP writes it."""
        return format_datetime(datetime.combine(self.posting_date, time(12), _UTC), usegmt=True)


def tables(release: Release, reissue: int = 0) -> dict[str, pl.DataFrame]:
    """Return the tables of *release*: embedded, repeated or made; each *reissue* corrects the MUE of 17003 by one."""
    embedded = Release(2025, 4) if release < Release(2026, 1) else Release(2026, 3)
    of_release = {name: table for name, table in facts(embedded)[1].items() if name not in DIAGNOSES}
    of_release |= {"ptp_outpatient": of_release["ptp"].head(200).vstack(of_release["ptp"].tail(200))}
    of_release |= {"mue_outpatient": of_release["mue"], "mue_dme": of_release["mue"].head(40)}
    of_release |= _level2() | {"zip_locality": _zip_codes(of_release["gpci"])}
    if release > Release(2026, 3):
        of_release = of_release | {"ptp": _changed_edits(of_release["ptp"], release)}
        reissue += 1
    return of_release | {"mue": _corrected_mues(of_release["mue"], reissue)}


def _zip_codes(gpci: pl.DataFrame) -> pl.DataFrame:
    """One made ZIP code for each locality."""
    columns = TABLES["zip_locality"].columns
    zip_codes = gpci.sort("mac", "locality").with_row_index("number", offset=10_000)
    zip_codes = zip_codes.with_columns(zip_code=pl.col("number").cast(pl.String), needs_plus_four=False)
    missing_columns = [
        pl.lit(None, dtype).alias(name) for name, dtype in columns.items() if name not in zip_codes.columns
    ]
    return zip_codes.with_columns(missing_columns).select(pl.col(name).cast(dtype) for name, dtype in columns.items())


def _level2() -> dict[str, pl.DataFrame]:
    """A code and a modifier of Level II."""
    row = {"long_description": "A code", "coverage": "C", "effective_date": date(2021, 1, 1)}
    return {
        table: pl.DataFrame([row | {key: code}], schema=dict(TABLES[table].columns))
        for table, key, code in (("hcpcs_level2", "hcpcs", "G2211"), ("modifier", "modifier", "GY"))
    }


def _corrected_mues(mue: pl.DataFrame, by: int) -> pl.DataFrame:
    value = pl.when(pl.col("hcpcs") == "17003").then(pl.col("mue_value") + by).otherwise(pl.col("mue_value"))
    return mue.with_columns(value.cast(mue.schema["mue_value"]))


def _changed_edits(ptp: pl.DataFrame, release: Release) -> pl.DataFrame:
    """A made quarter: 11102/17000 ends, 11402/12031 begins, and 11102/11200 loses its modifier."""
    pair = pl.struct("column_one", "column_two")
    active = pl.col("deletion_date").is_null()
    end = release.first_day - timedelta(days=1)

    def of(one: str, two: str) -> pl.Expr:
        return (pl.col("column_one") == one) & (pl.col("column_two") == two) & active

    deletion_date = (
        pl.when(of("11102", "17000") | of("11102", "11200")).then(pl.lit(end)).otherwise(pl.col("deletion_date"))
    )
    model = ptp.filter(of("11102", "11200"))
    assert model.height == 1, pair
    begins = model.with_columns(effective_date=pl.lit(release.first_day))
    strict = begins.with_columns(ccmi=pl.lit(0, dtype=ptp.schema["ccmi"]))
    added_edit = begins.with_columns(column_one=pl.lit("11402"), column_two=pl.lit("12031"))
    return pl.concat([ptp.with_columns(deletion_date=deletion_date), strict, added_edit]).sort(
        "column_one", "column_two", "effective_date"
    )


def change_report(old: pl.DataFrame, new: pl.DataFrame, release: Release) -> bytes:
    """Return CMS's own account of what changed in the practitioner's edits, as a zip of three texts."""
    key = ["column_one", "column_two"]
    before, now = (
        _active(edits, day) for edits, day in ((old, release.first_day - timedelta(days=1)), (new, release.first_day))
    )
    added_rows = now.join(before, on=key, how="anti")
    removed_rows = before.join(now, on=key, how="anti")
    both = now.join(before, on=key, suffix="_before").filter(pl.col("ccmi") != pl.col("ccmi_before"))
    day = f"{release.first_day:%m-%d-%Y}"
    return zip_of(
        {
            f"MCR_NCCI_Additions_Eff_{day}.txt": _text(added_rows),
            f"MCR_NCCI_Deletions_Eff_{day}.txt": _text(removed_rows),
            f"MCR_NCCI_CCMIChgs_Eff_{day}.txt": _text(both),
        }
    )


def _active(ptp: pl.DataFrame, day: date) -> pl.DataFrame:
    return ptp.filter(
        pl.col("effective_date") <= day, pl.col("deletion_date").is_null() | (pl.col("deletion_date") >= day)
    )


def _text(rows: pl.DataFrame) -> bytes:
    """One text of the report, in CMS's layout: the captions of the last column go on over several lines."""
    lines = ['"Whose codes these are stands here', 'in the files of CMS. "', 'Column 1\tColumn 2\t"Modifier']
    lines += ["0=not allowed", "1=allowed", '9=not applicable"']
    for one, two, ccmi in rows.select("column_one", "column_two", "ccmi").sort("column_one", "column_two").iter_rows():
        lines.append(f"{one}\t{two}\t{ccmi}")
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


@cache
def quarter(release: Release, reissue: int = 0) -> tuple[File, ...]:
    """Return the files that are posted for *release*; *reissue* counts the corrections under the same names."""
    of_release = tables(release, reissue)
    rendered_files = _rendered_files(release, reissue)
    posting_date = release.first_day - timedelta(days=30) + timedelta(days=45 * reissue)
    first = release.first_day - timedelta(days=30)
    files = [
        File(
            "mpfs",
            release,
            _package_path(release),
            rendered_files["mpfs"],
            f"RVU{_letter(release).upper()} (ZIP)",
            first,
        ),
        *_edits("practitioner", "ptp", "ccipra", release, rendered_files, of_release["ptp"].height),
        *_edits("hospital", "ptp_outpatient", "ccioph", release, rendered_files, of_release["ptp_outpatient"].height),
        _changes(release, of_release["ptp"]),
    ]
    suppliers = {"mue": "practitioner", "mue_outpatient": "facility-outpatient-hospital", "mue_dme": "dme-supplier"}
    for table, supplier in suppliers.items():
        path = f"/files/zip/medicare-ncci-{release.year}-q{release.quarter}-{supplier}-services-mue-table.zip"
        label = f"{release.year} Q{release.quarter} {supplier} services MUE table (ZIP)"
        files.append(
            File(table, release, path, rendered_files[table], label, posting_date if table == "mue" else first)
        )
    if release in (Release(2025, 4), Release(2026, 2), Release(2026, 3)):
        path = f"/files/zip/add-code-edits-medicare-effective-{release.first_day:%m%d%Y}.zip"
        files.append(File("aoc", release, path, rendered_files["add_on"], "Add-on code edits (ZIP)", first))
    month = f"{release.first_day:%B}".lower()
    path = f"/files/zip/{month}-{release.year}-alpha-numeric-hcpcs-file.zip"
    files.append(
        File("hcpcs", release, path, rendered_files["hcpcs"], f"{month} {release.year} Alpha-Numeric (ZIP)", first)
    )
    path = f"/files/zip/zip-code-carrier-locality-file-updated-{first:%m-%d-%Y}.zip"
    files.append(
        File("zip_locality", release, path, rendered_files["zip_locality"], "Zip Code to Carrier (ZIP)", first)
    )
    april = "april-1-" if release.quarter in (2, 3) else ""
    path = f"/files/zip/{april}{release.fiscal_year}-code-descriptions-tabular-order.zip"
    label = f"{release.fiscal_year} Code Descriptions in Tabular Order (ZIP)"
    files.append(File("icd10cm", release, path, _diagnoses(release.fiscal_year), label, first))
    beside = {"code-tables-tabular-and-index": _tabular_list, "conversion-table": _conversion_table}
    for kind, (name, content) in zip(("icd10cm_tabular", "icd10cm_conversion"), beside.items(), strict=True):
        path = f"/files/zip/{april}{release.fiscal_year}-{name}.zip"
        files.append(File(kind, release, path, content(release), f"{release.fiscal_year} {name} (ZIP)", first))
    path = f"/files/document/{release.year}-ncci-medicare-policy-manual-all-chapters.pdf"
    manual = f"%PDF-1.4\n% a stand-in for the Policy Manual of {release.year}\n%%EOF\n".encode()
    return (*files, File("policy_manual", release, path, manual, "All chapters (PDF)", date(release.year - 1, 12, 1)))


def _diagnoses(year: int) -> bytes:
    """An order file and a code file of three made entries."""
    entries = (("L57", 0), ("L570", 1), ("L579", 1))
    order = "".join(
        f"{number:05d} {code:<7} {flag} {f'Title of {code}':<60} Title of {code}\r\n"
        for number, (code, flag) in enumerate(entries, start=1)
    )
    codes = "".join(f"{code:<7} Title of {code}\r\n" for code, flag in entries if flag)
    return zip_of({f"icd10cm_order_{year}.txt": order.encode(), f"icd10cm_codes_{year}.txt": codes.encode()})


def _tabular_list(release: Release) -> bytes:
    """A tabular list of one category, with a note; that of April is named so."""
    note = "<excludes1><note>another (L56.-)</note></excludes1>"
    code = f"<diag><name>L57</name><desc>x</desc>{note}</diag>"
    section = f'<section id="L55-L59"><desc>x</desc>{code}</section>'
    chapter = f"<chapter><name>12</name><desc>x (L00-L99)</desc>{section}</chapter>"
    text = f"<ICD10CM.tabular><version>{release.fiscal_year}</version>{chapter}</ICD10CM.tabular>"
    april = "-April-1" if release.quarter in (2, 3) else ""
    return zip_of({f"icd10cm-tabular{april}-{release.fiscal_year}.xml": text.encode()})


def _conversion_table(release: Release) -> bytes:
    """A conversion table of one code."""
    month = "April" if release.quarter in (2, 3) else "October"
    notice = f"FY {release.fiscal_year} ({month} 1): unless otherwise specified, October 1 of the year listed,,"
    text = f"{notice}\nCurrent code assignment,Effective,Previous Code(s) Assignment\nL57.9,2020,L57.8\n"
    return zip_of({f"conversion-table-FY{release.fiscal_year}.csv": text.encode()})


@cache
def _rendered_files(release: Release, reissue: int) -> Mapping[str, bytes]:
    """The packages, as a zip each (PTP: one for each part, `ptp-1`); a reissue is of the practitioner's MUEs alone."""
    of_release = tables(release, reissue)
    if reissue:
        return _rendered_files(release, 0) | {"mue": _rendered_mues(of_release["mue"], release)}
    factors = list(facts(Release(2025, 4) if release < Release(2026, 1) else Release(2026, 3))[0].conversion_factors)
    factors = [
        ConversionFactor(factor.value, release.first_day, release.last_day, factor.participant) for factor in factors
    ]
    if release.year >= 2026:
        factors.append(ConversionFactor(_QUALIFYING, release.first_day, release.last_day, participant=Participant.QP))
    with tempfile.TemporaryDirectory() as folder:
        delivered_files = {
            path.name: path.read_bytes() for path in deliver(of_release, release, factors, Path(folder), PARTS)
        }
    packages = {"mpfs": delivered_files[f"rvu{_letter(release)}.zip"]}
    for table, stem in (("ptp", "ccipra"), ("ptp_outpatient", "ccioph")):
        for part in range(1, PARTS + 1):
            packages[f"{table}-{part}"] = delivered_files[f"{stem}-{ncci_version(release)}-f{part}.zip"]
    packages["mue"] = _rendered_mues(of_release["mue"], release)
    marks = {"mue_outpatient": "OutpatientHospital", "mue_dme": "DMESupplier", "add_on": "AOC"}
    marks |= {"hcpcs": "HCPC", "zip_locality": "ZIP5"}
    for table, mark in marks.items():
        packages[table] = zip_of({name: data for name, data in delivered_files.items() if mark in name})
    return packages


def _rendered_mues(mue: pl.DataFrame, release: Release) -> bytes:
    """The practitioner's MUEs in each form, as one zip."""
    with tempfile.TemporaryDirectory() as folder:
        return zip_of({path.name: path.read_bytes() for path in deliver({"mue": mue}, release, (), Path(folder))})


def _letter(release: Release) -> str:
    return f"{release.year % 100}{'abcd'[release.quarter - 1]}"


def _package_path(release: Release) -> str:
    """As CMS wrote its dates: with slashes up to 2025, with hyphens since."""
    day = release.first_day - timedelta(days=20)
    form = f"{day:%m/%d/%Y}" if release.year < 2026 else f"{day:%m-%d-%Y}"
    return f"/files/zip/rvu{_letter(release)}-updated-{form}.zip"


def _edits(
    supplier: str, table: str, stem: str, release: Release, rendered_files: Mapping[str, bytes], rows: int
) -> list[File]:
    size = -(-rows // PARTS)
    files = []
    for part in range(1, PARTS + 1):
        version = ncci_version(release)
        name = f"medicare-ncci-{release.year}q{release.quarter}-{supplier}-ptp-edits-{stem}-{version}-f{part}.zip"
        count = min(size, rows - (part - 1) * size)
        label = f"{release.year}Q{release.quarter} {supplier} PTP edits {version} f{part} ({count:,} records) (ZIP)"
        posting_date = release.first_day - timedelta(days=30)
        files.append(
            File(
                table, release, f"/files/zip/{name}", rendered_files[f"{table}-{part}"], label, posting_date, gated=True
            )
        )
    return files


def _changes(release: Release, ptp: pl.DataFrame) -> File:
    before = Release(release.year, release.quarter - 1) if release.quarter > 1 else Release(release.year - 1, 4)
    report = change_report(tables(before)["ptp"], ptp, release)
    name = (
        f"medicare-ncci-{release.year}q{release.quarter}-practitioner-quarterly-additions-deletions-revisions-ptp.zip"
    )
    label = f"{release.year}Q{release.quarter} practitioner additions, deletions and revisions (ZIP)"
    return File("ptp_changes", release, f"/files/zip/{name}", report, label, release.first_day - timedelta(days=30))
