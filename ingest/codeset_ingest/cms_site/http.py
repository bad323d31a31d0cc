"""The network: one polite client of one site. Pages are read whole; interrupted file downloads resume."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from codeset.errors import extra
from codeset.formats import FORMATS, format_fault, from_fields
from codeset_ingest.cms_site.hosts import Site, SiteProblem
from codeset_ingest.cms_site.robots import Robots, robots

with extra("ingest"):
    import requests
    import urllib3

AGENT = "derm-codeset"
# robots.txt itself may always be read (RFC 9309).
_ALL_ALLOWED = robots("", AGENT)
# Too slow, too many requests, or a server's own trouble: the same request may succeed later.
_TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_CHUNK_BYTES = 1 << 16

Downloaded = TypeVar("Downloaded")

CountReceived = Callable[[int, int | None], None]
"""Receives how many bytes of a file have arrived, and its size (None: the site does not say)."""


@dataclass(frozen=True)
class Limits:
    """How long and how often to try (seconds, tries), and how large a response may be (bytes)."""

    connecting: float = 10.0
    silence: float = 60.0
    whole: float = 1800.0
    tries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 120.0
    between: float = 1.0
    page: int = 20 << 20
    file: int = 512 << 20
    redirects: int = 5


@dataclass(frozen=True)
class Connection:
    """A site, the HTTP session, its robots.txt and our limits; one request at a time."""

    site: Site
    session: requests.Session
    robots: Robots
    limits: Limits

    @property
    def pause(self) -> float:
        """Seconds to wait before each request."""
        pause_between = 0.0 if self.site.loopback else self.limits.between
        return max(self.robots.crawl_delay, pause_between)


@dataclass(frozen=True)
class Page:
    """A downloaded page: the address after redirects, and its bytes."""

    address: str
    html: bytes


@dataclass(frozen=True)
class Validators:
    """What identifies one version of a file on the site (RFC 9110, section 8.8)."""

    etag: str | None = None
    last_modified: str | None = None
    size: int | None = None

    @property
    def conditions(self) -> dict[str, str]:
        """The headers that request the file only if it changed."""
        header_pairs = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return {header_name: header_value for header_name, header_value in header_pairs if header_value}

    @property
    def for_range(self) -> str | None:
        """The value for If-Range: a strong ETag, else the date."""
        # A weak ETag may name two bodies that differ in bytes, and must not be used with a range (RFC 9110, section
        # 13.1.5).
        strong_etag = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong_etag or self.last_modified


class NotFound(SiteProblem):
    """The site has nothing at that address."""


class TransientProblem(SiteProblem):
    """A failure that may pass: the site is busy, or the connection was cut."""

    def __init__(self, message: str, after: float | None = None) -> None:
        """Keep the seconds that the site asks to wait, if it does."""
        self.after = after
        super().__init__(message)


@contextmanager
def connect(site: Site, limits: Limits | None = None) -> Iterator[Connection]:
    """Open a session with *site*: read its robots.txt first, and obey it.

    Raises SiteProblem: if the site cannot be reached, or its robots.txt cannot be read.
    """
    with requests.Session() as session:
        # A proxy of the environment cannot reach a stand-in on this machine.
        session.trust_env = not site.loopback
        session.headers.clear()
        session.headers["User-Agent"] = f"{AGENT}/{version(AGENT)} (reads Medicare's public code sets, once a week)"
        # Uncompressed: lengths and ranges then count the bytes that are kept, and a download can be resumed.
        session.headers["Accept-Encoding"] = "identity"
        unrestricted = Connection(site, session, _ALL_ALLOWED, limits or Limits())
        try:
            robots_text = get_page(unrestricted, site.at("/robots.txt")).html.decode("utf-8", "replace")
        except NotFound:
            # A site without a robots.txt forbids nothing (RFC 9309, section 2.3.1.3).
            robots_text = ""
        yield Connection(site, session, robots(robots_text, AGENT), unrestricted.limits)


def get_page(connection: Connection, address: str) -> Page:
    """Return the page at *address*, whole.

    Raises NotFound: if there is none. SiteProblem: if it cannot be downloaded.
    """

    def attempt() -> Page:
        with _send_request(connection, address, {}) as response:
            _refuse_status(response, address)
            page_bytes = b"".join(_body_chunks(connection, response, address, connection.limits.page, time.monotonic()))
            _refuse_short(address, len(page_bytes), _full_size(response, 0))
            return Page(response.url, page_bytes)

    return _with_retries(connection, address, attempt)


def get_validators(connection: Connection, address: str) -> Validators | None:
    """Request only the headers of a file: its current validators; None if a web page would come in its place.

    Raises NotFound: if there is none. SiteProblem: if they cannot be downloaded.
    """

    def attempt() -> Validators | None:
        with _send_request(connection, address, {}, http_method="HEAD") as response:
            _refuse_status(response, address)
            # cms.gov answers 200 with a page for a file that does not exist.
            is_page = "html" in response.headers.get("Content-Type", "")
            return None if is_page else _validators_of(response)

    return _with_retries(connection, address, attempt)


def get_file(
    connection: Connection,
    address: str,
    part_file: Path,
    known_validators: Validators | None,
    count_received: CountReceived,
) -> Validators | None:
    """Download the file at *address* to *part_file*, resuming what is there; None if *known_validators* still hold.

    `*.json` beside *part_file* keeps the validators of its bytes. Both stay when the connection breaks, so that the
    next attempt, or the next command, requests only the rest.

    Raises NotFound: if there is none. SiteProblem: if it cannot be downloaded whole.
    """
    # One clock for all attempts: a file that comes in drips must not get the whole limit again with each of them.
    start_seconds = time.monotonic()

    def attempt() -> Validators | None:
        return _download_or_resume(connection, address, part_file, known_validators, count_received, start_seconds)

    return _with_retries(connection, address, attempt)


def _download_or_resume(
    connection: Connection,
    address: str,
    part_file: Path,
    known_validators: Validators | None,
    count_received: CountReceived,
    start_seconds: float,
) -> Validators | None:
    bytes_present, partial_validators = partial_download(part_file)
    conditional_headers = (known_validators or Validators()).conditions
    range_headers = {"Range": f"bytes={bytes_present}-", "If-Range": partial_validators.for_range or ""}
    with _send_request(connection, address, range_headers if bytes_present else conditional_headers) as response:
        if response.status_code == requests.codes.not_modified:
            return _confirmed_unchanged(
                _validators_of(response),
                known_validators,
                connection,
                address,
                part_file,
                count_received,
                start_seconds,
            )
        # 416 with our own length: all bytes are here already, the connection broke before we knew.
        if bytes_present and response.headers.get("Content-Range") == f"bytes */{bytes_present}":
            return Validators(partial_validators.etag, partial_validators.last_modified, bytes_present)
        _refuse_other_range(response, address, part_file, bytes_present)
        _refuse_status(response, address)
        # 200 instead of 206: the file changed since, or the site cannot resume; it begins anew.
        resumes = response.status_code == requests.codes.partial
        bytes_present = bytes_present if resumes else 0
        current_validators = partial_validators if resumes else _validators_of(response)
        if not resumes:
            _start_partial_download(part_file, current_validators)
        full_size = _full_size(response, bytes_present)
        _refuse_size(address, full_size, connection.limits.file)
        with part_file.open("ab" if resumes else "wb") as part_stream:
            for body_chunk in _body_chunks(
                connection, response, address, connection.limits.file - bytes_present, start_seconds
            ):
                part_stream.write(body_chunk)
                count_received(part_stream.tell(), full_size)
        _refuse_short(address, part_file.stat().st_size, full_size)
    return Validators(current_validators.etag, current_validators.last_modified, part_file.stat().st_size)


def _refuse_other_range(response: requests.Response, address: str, part_file: Path, bytes_present: int) -> None:
    """Start over where the site cannot resume, or resumes elsewhere than at *bytes_present*."""
    content_range = response.headers.get("Content-Range", "")
    if response.status_code == requests.codes.requested_range_not_satisfiable:
        remove_partial_download(part_file)
        raise TransientProblem(f"{address}: the site cannot go on where the download stopped")
    if response.status_code == requests.codes.partial and not content_range.startswith(f"bytes {bytes_present}-"):
        remove_partial_download(part_file)
        raise TransientProblem(f"{address}: asked to go on at byte {bytes_present}, the site sent another range")


def _confirmed_unchanged(
    current_validators: Validators,
    known_validators: Validators | None,
    connection: Connection,
    address: str,
    part_file: Path,
    count_received: CountReceived,
    start_seconds: float,
) -> Validators | None:
    """Trust "not modified" unless the same response dates the file differently than when it was downloaded."""
    if (
        known_validators
        and current_validators.last_modified
        and known_validators.last_modified
        and current_validators.last_modified != known_validators.last_modified
    ):
        return _download_or_resume(connection, address, part_file, None, count_received, start_seconds)
    return None


def partial_download(part_file: Path) -> tuple[int, Validators]:
    """Bytes already downloaded, and the validators (ETag, Last-Modified) the site sent with them.

    Zero bytes if no validator could tell whether they are still current.
    """
    try:
        validators_document = json.loads(_validators_file(part_file).read_text(encoding="utf-8"))
        validators = (
            Validators()
            if format_fault(validators_document, "download")
            else from_fields(Validators, validators_document)
        )
        bytes_present = part_file.stat().st_size
    except (OSError, ValueError, TypeError):
        return 0, Validators()
    return (bytes_present, validators) if validators.for_range else (0, Validators())


def _validators_file(part_file: Path) -> Path:
    return part_file.with_name(part_file.name + ".json")


def _start_partial_download(part_file: Path, validators: Validators) -> None:
    """Remove the bytes of another attempt before writing the new validators: a kill leaves no mismatched pair."""
    remove_partial_download(part_file)
    validators_document = {"format": FORMATS["download"]} | asdict(validators)
    _validators_file(part_file).write_text(json.dumps(validators_document), encoding="utf-8")


def remove_partial_download(part_file: Path) -> None:
    """Remove the bytes downloaded so far, and their validators."""
    part_file.unlink(missing_ok=True)
    _validators_file(part_file).unlink(missing_ok=True)


def _validators_of(response: requests.Response) -> Validators:
    length_text = response.headers.get("Content-Length", "")
    return Validators(
        response.headers.get("ETag"),
        response.headers.get("Last-Modified"),
        int(length_text) if length_text.isdecimal() else None,
    )


def _full_size(response: requests.Response, bytes_present: int) -> int | None:
    length_text = response.headers.get("Content-Length", "")
    return bytes_present + int(length_text) if length_text.isdecimal() else None


def _send_request(
    connection: Connection, address: str, request_headers: dict[str, str], http_method: str = "GET"
) -> requests.Response:
    """Send a request; follow redirects one at a time, refusing any that leaves the site or that robots.txt forbids."""
    limits, first_address = connection.limits, address
    for _ in range(limits.redirects + 1):
        connection.site.refuse(address, first_address)
        if not connection.robots.allows(address):
            message = "the site's robots.txt forbids programs to ask for it; a person may, with a browser"
            raise SiteProblem(f"{address}: {message}")
        time.sleep(connection.pause)
        timeouts = (limits.connecting, limits.silence)
        # Redirects by hand: each target is checked against our hosts and robots.txt before it is requested.
        response = connection.session.request(
            http_method, address, headers=request_headers, stream=True, allow_redirects=False, timeout=timeouts
        )
        if not response.is_redirect:
            return response
        address = requests.compat.urljoin(address, response.headers["Location"])
        # The body of a redirect is not read: closing frees its connection.
        response.close()
    raise SiteProblem(f"{first_address}: more than {limits.redirects} redirects, the last to {address}")


def _refuse_status(response: requests.Response, address: str) -> None:
    status_code = response.status_code
    if status_code in _TRANSIENT_STATUSES:
        seconds_asked = _retry_after(response.headers.get("Retry-After"))
        raise TransientProblem(f"{address}: the site answers {status_code} {response.reason}", seconds_asked)
    if status_code in (requests.codes.not_found, requests.codes.gone):
        raise NotFound(f"{address}: there is nothing (any more): the site answers {status_code} {response.reason}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise SiteProblem(f"{address}: came as {response.headers['Content-Encoding']}, which was not asked for")
    if not response.ok or status_code not in (requests.codes.ok, requests.codes.partial):
        raise SiteProblem(f"{address}: the site answers {status_code} {response.reason}")


def _retry_after(header_text: str | None) -> float | None:
    """Seconds to wait: the header holds seconds or an HTTP date (RFC 9110, section 10.2.3)."""
    if header_text is None:
        return None
    if header_text.strip().isdecimal():
        return float(header_text)
    try:
        return max(0.0, (parsedate_to_datetime(header_text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _body_chunks(
    connection: Connection, response: requests.Response, address: str, size_limit: int, start_seconds: float
) -> Iterator[bytes]:
    """The body as it arrives. Any bytes are returned at once, so that a slow drip cannot outlast the time limit."""
    bytes_received = 0
    response.raw.enforce_content_length = False  # _refuse_short compares the lengths, with a message of its own
    while body_chunk := response.raw.read1(_CHUNK_BYTES):
        bytes_received += len(body_chunk)
        _refuse_size(address, bytes_received, size_limit)
        if time.monotonic() - start_seconds > connection.limits.whole:
            limit_seconds = f"{connection.limits.whole:,.0f}"
            raise SiteProblem(f"{address}: not whole after {limit_seconds} seconds ({bytes_received:,} bytes came)")
        yield body_chunk


def _refuse_size(address: str, received_size: int | None, size_limit: int) -> None:
    if received_size is not None and received_size > size_limit:
        raise SiteProblem(
            f"{address}: {received_size:,} bytes and more; what CMS posts here has less than {size_limit:,}"
        )


def _refuse_short(address: str, bytes_received: int, full_size: int | None) -> None:
    if full_size is not None and bytes_received != full_size:
        raise TransientProblem(f"{address}: the answer ended after {bytes_received:,} of {full_size:,} bytes")


def _with_retries(connection: Connection, address: str, attempt: Callable[[], Downloaded]) -> Downloaded:
    """Retry what may pass, after longer and longer pauses, or as long as the site asks for."""
    limits = connection.limits
    for attempt_number in range(1, limits.tries + 1):
        try:
            return attempt()
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            problem = TransientProblem(f"{address}: the connection failed ({error})")
        except TransientProblem as error:
            problem = error
        # The site's own Retry-After counts; else 1, 2, 4, 8 seconds.
        seconds_to_wait = problem.after if problem.after is not None else limits.first_wait * 2 ** (attempt_number - 1)
        if seconds_to_wait > limits.longest_wait:
            raise SiteProblem(f"{problem}, and asks to come back in {seconds_to_wait:,.0f} seconds; do so")
        if attempt_number < limits.tries:
            time.sleep(seconds_to_wait)
    raise SiteProblem(f"{problem}. Tried {limits.tries} times; the same command later goes on from there")
