"""The AMA's license in front of some of CMS's files: who accepted it and when is recorded; only a person accepts it."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urljoin

from codeset.atomic_write import write_file
from codeset.errors import CodesetError, StoreProblem, WrongUse, extra
from codeset.formats import FORMATS, from_fields
from codeset.schemas import reading_faults
from codeset.store import Store

with extra("ingest"):
    from bs4 import BeautifulSoup

# Spelled as the first versions wrote it: the file is read by all of them.
FILE = "licences.json"


class LicenseNeeded(CodesetError):
    """Files are behind the license page, and no acceptance is on record."""


@dataclass(frozen=True)
class Acceptance:
    """A person's acceptance of a license: which, who, when (UTC, to the second), and the page that shows it.

    The fields are named as in `licences.json`.
    """

    licence: str
    accepted_by: str
    accepted_at: str
    page: str


def last_acceptance(store: Store, license_name: str) -> Acceptance | None:
    """Return the last acceptance of *license_name* that the store keeps, or None.

    Raises StoreProblem: if the record cannot be read.
    """
    matching = [acceptance for acceptance in _acceptances(store) if acceptance.licence == license_name]
    return matching[-1] if matching else None


def _acceptances(store: Store) -> list[Acceptance]:
    file = store.path / FILE
    try:
        contents: Any = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    except (OSError, ValueError) as error:
        raise StoreProblem(f"{file}: cannot be read ({error})") from error
    plain = {"acceptances": contents} if isinstance(contents, list) else contents  # a list, before there were formats
    if wrong := reading_faults(plain, "licences"):
        raise StoreProblem(f"{file}: {'; '.join(wrong)}")
    return [from_fields(Acceptance, row) for row in plain["acceptances"]]


def record(store: Store, license_name: str, name: str, at: datetime, page: str) -> Acceptance:
    """Record that *name* accepted *license_name*; whoever did before is not recorded again.

    Raises WrongUse: without a name. StoreProblem: if it cannot be written.
    """
    if not name.strip():
        raise WrongUse('the license is accepted by a person: --accept-ama-license "First Last"')
    acceptances = _acceptances(store)
    for acceptance in acceptances:
        if (acceptance.licence, acceptance.accepted_by) == (license_name, name.strip()):
            return acceptance
    new = Acceptance(license_name, name.strip(), at.isoformat(timespec="seconds"), page)
    rows = [asdict(acceptance) for acceptance in [*acceptances, new]]
    plain = {"format": FORMATS["licences"], "acceptances": rows}
    file = store.path / FILE
    try:
        write_file(file, json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise StoreProblem(f"{file}: cannot be written ({error})") from error
    return new


def accepting_address(html: bytes, page: str) -> str | None:
    """Return the address to which a license page's "Accept" leads, or None if *html* is no license page.

    The form is a GET: its hidden fields and its button become the query.
    """
    for form in BeautifulSoup(html, "lxml").find_all("form"):
        fields = {str(field.get("name")): str(field.get("value", "")) for field in form.find_all("input")}
        # The form's own fields are used, whatever else CMS may put into it.
        if fields.get("agree") == "yes":
            return urljoin(page, str(form.get("action", ""))) + "?" + urlencode(fields)
    return None
