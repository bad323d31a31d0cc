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
    matching = [acceptance for acceptance in _recorded_acceptances(store) if acceptance.licence == license_name]
    return matching[-1] if matching else None


def _recorded_acceptances(store: Store) -> list[Acceptance]:
    record_path = store.path / FILE
    try:
        contents: Any = json.loads(record_path.read_text(encoding="utf-8")) if record_path.exists() else []
    except (OSError, ValueError) as error:
        raise StoreProblem(f"{record_path}: cannot be read ({error})") from error
    # Before there were formats the file was a bare list.
    record_document = {"acceptances": contents} if isinstance(contents, list) else contents
    if schema_faults := reading_faults(record_document, "licences"):
        raise StoreProblem(f"{record_path}: {'; '.join(schema_faults)}")
    return [from_fields(Acceptance, acceptance_fields) for acceptance_fields in record_document["acceptances"]]


def record(
    store: Store, license_name: str, person_name: str, accepted_at: datetime, license_address: str
) -> Acceptance:
    """Record that *person_name* accepted *license_name*; whoever did before is not recorded again.

    Raises WrongUse: without a name. StoreProblem: if it cannot be written.
    """
    if not person_name.strip():
        raise WrongUse('the license is accepted by a person: --accept-ama-license "First Last"')
    acceptances = _recorded_acceptances(store)
    for acceptance in acceptances:
        if (acceptance.licence, acceptance.accepted_by) == (license_name, person_name.strip()):
            return acceptance
    new_acceptance = Acceptance(
        license_name, person_name.strip(), accepted_at.isoformat(timespec="seconds"), license_address
    )
    acceptance_rows = [asdict(acceptance) for acceptance in [*acceptances, new_acceptance]]
    record_document = {"format": FORMATS["licences"], "acceptances": acceptance_rows}
    record_path = store.path / FILE
    try:
        write_file(record_path, json.dumps(record_document, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise StoreProblem(f"{record_path}: cannot be written ({error})") from error
    return new_acceptance


def accepting_address(page_html: bytes, page_address: str) -> str | None:
    """Return the address to which a license page's "Accept" leads, or None if *page_html* is no license page.

    The form is a GET: its hidden fields and its button become the query.
    """
    for page_form in BeautifulSoup(page_html, "lxml").find_all("form"):
        form_fields = {str(field.get("name")): str(field.get("value", "")) for field in page_form.find_all("input")}
        # The form's own fields are used, whatever else CMS may put into it.
        if form_fields.get("agree") == "yes":
            return urljoin(page_address, str(page_form.get("action", ""))) + "?" + urlencode(form_fields)
    return None
