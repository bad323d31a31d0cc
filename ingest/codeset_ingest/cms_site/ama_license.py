"""The AMA's licence before some of CMS's files: who accepted it and when is kept; nobody accepts it but a person."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode, urljoin

from codeset.atomic_write import write_file
from codeset.errors import CodesetError, StoreProblem, WrongUse
from codeset.extras import extra
from codeset.schemas import faults_of
from codeset.store import Store

with extra("ingest"):
    from bs4 import BeautifulSoup

FILE = "licences.json"


class LicenceNeeded(CodesetError):
    """Files behind the licence page, and nobody's acceptance on record."""


@dataclass(frozen=True)
class Acceptance:
    """That a person accepted a licence: which, who, when (UTC, to the second), and the page that it stands on."""

    licence: str
    accepted_by: str
    accepted_at: str
    page: str


def recorded(store: Store, licence: str) -> Acceptance | None:
    """Return the last acceptance of *licence* that the store keeps, or None.

    Raises StoreProblem: if the record cannot be read.
    """
    return next((each for each in reversed(_all(store)) if each.licence == licence), None)


def _all(store: Store) -> list[Acceptance]:
    file = store.path / FILE
    try:
        plain = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    except (OSError, ValueError) as error:
        raise StoreProblem(f"{file}: cannot be read ({error})") from error
    if wrong := faults_of(plain, "licences"):
        raise StoreProblem(f"{file}: {'; '.join(wrong)}")
    return [Acceptance(**each) for each in plain]


def record(store: Store, licence: str, name: str, at: datetime, page: str) -> Acceptance:
    """Keep that *name* accepted *licence*; one who did before is not written down again.

    Raises WrongUse: without a name. StoreProblem: if it cannot be written.
    """
    if not name.strip():
        raise WrongUse('the licence is accepted by a person: --accept-ama-licence "First Last"')
    kept = _all(store)
    for each in kept:
        if (each.licence, each.accepted_by) == (licence, name.strip()):
            return each
    new = Acceptance(licence, name.strip(), at.isoformat(timespec="seconds"), page)
    _write(store.path / FILE, json.dumps([asdict(each) for each in [*kept, new]], indent=2, ensure_ascii=False) + "\n")
    return new


def _write(file: Path, text: str) -> None:
    try:
        write_file(file, text)
    except OSError as error:
        raise StoreProblem(f"{file}: cannot be written ({error})") from error


def accepting_address(html: bytes, page: str) -> str | None:
    """Return the address to which a licence page's "Accept" leads, or None if *html* is no licence page.

    The form is a GET: its hidden fields and its button become the query.
    """
    for form in BeautifulSoup(html, "lxml").find_all("form"):
        fields = {str(each.get("name")): str(each.get("value", "")) for each in form.find_all("input")}
        if fields.get("agree") == "yes":
            return urljoin(page, str(form.get("action", ""))) + "?" + urlencode(fields)
    return None
