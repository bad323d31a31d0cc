"""Files of diagnoses and coverage for the campaign, in made entries: editions, conversion table, notes, articles.

What they hold is what the reader makes of them unbroken; the tests of each reader hold that against the layouts.
"""

import io
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from facts import Facts
from openpyxl import Workbook

from codeset.releases import Release
from codeset.store import Store
from codeset_ingest.build import build

RELEASE = Release(2026, 3)
_DAY = "2025-08-06 00:00:00"

_CODES = [f"L{group}{place}" for group in (20, 23, 40, 57, 70, 82) for place in ("", *range(6))]
_ORDER = [(code, len(code) > 3, f"Title of the code {code}") for code in _CODES]


def _table(columns: str, *rows: tuple[object, ...]) -> bytes:
    lines = [columns.split(","), *rows]
    return "".join(",".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines).encode()


def _order() -> bytes:
    numbered_codes = enumerate(_ORDER, start=1)
    return "".join(
        f"{n:05d} {code:<7} {flag:d} {title:<60} {title}\r\n" for n, (code, flag, title) in numbered_codes
    ).encode()


def _valid() -> bytes:
    return "".join(f"{code:<7} {title}\r\n" for code, flag, title in _ORDER if flag).encode()


def _conversion() -> bytes:
    book, stream = Workbook(), io.BytesIO()
    book.active.append(["FY 2026 (October 1, 2025): unless otherwise specified, October 1 of the year listed"])
    book.active.append(["Current code assignment", "Effective", "Previous Code(s) Assignment"])
    for place in range(30):
        book.active.append([f"L{40 + place}.1{place % 10}", str(2017 + place % 8), f"L{40 + place}.1"])
    book.save(stream)
    return stream.getvalue()


def _tabular() -> bytes:
    codes = "".join(
        f"<diag>\n<name>L{number}</name>\n<desc>x</desc>\n<excludes1>\n<note>other (L{number + 30}.-)</note>\n"
        f"<note>more (L{number + 31}.{number % 10})</note>\n</excludes1>\n</diag>\n"
        for number in range(20, 45)
    )
    section = f'<section id="L20-L45">\n<desc>x</desc>\n{codes}</section>\n'
    chapter = f"<chapter>\n<name>12</name>\n<desc>x (L00-L99)</desc>\n{section}</chapter>\n"
    head = '<?xml version="1.0" encoding="utf-8"?>\n<ICD10CM.tabular>\n<version>2026</version>\n'
    return f"{head}{chapter}</ICD10CM.tabular>\n".encode()


def _code_list(kind: str) -> bytes:
    head = f"article_id,article_version,icd10_code_id,icd10_code_version,icd10_{kind}_group,range,last_updated"
    codes = (f"L{20 + number}.{number % 10}" for number in range(30))
    return _table(head, *((57000 + n % 4, 10 + n % 4, code, 31, 1 + n % 3, "N", _DAY) for n, code in enumerate(codes)))


def _documents() -> Mapping[str, bytes]:
    days = [date(2025, 1, 1) + timedelta(31 * number) for number in range(30)]
    article = "article_id,article_version,article_type,title,article_eff_date,article_end_date,description,status"
    rows = [(57000 + n, n + 1, 6, f"Article {n}", f"{day} 00:00:00", "", "prose", "A") for n, day in enumerate(days)]
    by = "article_id,article_version,article_type,contractor_id,contractor_type_id,contractor_version,last_updated"
    names = "contractor_id,contractor_type_id,contractor_version,contractor_bus_name,contractor_number,status"
    contractors = ((number, 9, 1, f"Contractor {number}", f"1520{number % 10}", "A") for number in range(220, 230))
    return {
        "article.csv": _table(article, *rows),
        "article_x_contractor.csv": _table(by, *((57000 + n, n + 1, 6, 220 + n % 10, 9, 1, _DAY) for n in range(30))),
        "contractor.csv": _table(names, *contractors),
        "contractor_type_lookup.csv": _table(
            "contractor_type_id,description", (8, "MAC - Part A"), (9, "MAC - Part B")
        ),
    }


@cache
def file_sets() -> tuple[tuple[str, Mapping[str, bytes]], ...]:
    """Return by table the files that make it up."""
    services = [f"17{number:03}" for number in range(30)]
    codes = _table("article_id,article_version,hcpc_code_id,range", *((57000, 10, code, "N") for code in services))
    return (
        ("diagnosis", {"icd10cm_order_2026.txt": _order(), "icd10cm_codes_2026.txt": _valid()}),
        ("diagnosis_replacement", {"fy2026_conversion-table.xlsx": _conversion()}),
        ("excludes", {"icd10cm_tabular_2026.xml": _tabular()}),
        ("coverage_diagnosis", {"article_x_icd10_covered.csv": _code_list("covered")}),
        ("coverage_diagnosis", {"article_x_icd10_noncovered.csv": _code_list("noncovered")}),
        ("coverage_hcpcs", {"article_x_hcpc_code.csv": codes}),
        ("coverage_document", _documents()),
    )


@cache
def facts_of() -> tuple[Facts, ...]:
    """Return what each of the file sets holds, unbroken."""
    return tuple(_facts_of(table, files) for table, files in file_sets())


def _facts_of(table: str, files: Mapping[str, bytes]) -> Facts:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in files]
        for path, data in zip(paths, files.values(), strict=True):
            path.write_bytes(data)
        snapshot = build(RELEASE, paths, Store(Path(folder) / "store")).sealed.snapshot
        return Facts(RELEASE, {table: snapshot.table(table)}, ())
