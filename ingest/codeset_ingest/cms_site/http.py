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
_ALL_ALLOWED = robots("", AGENT)
_TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_CHUNK_BYTES = 1 << 16

T = TypeVar("T")

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
        between = 0.0 if self.site.loopback else self.limits.between
        return max(self.robots.crawl_delay, between)


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
        pairs = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return {name: value for name, value in pairs if value}

    @property
    def for_range(self) -> str | None:
        """The value for If-Range: a strong ETag, else the date."""
        # A weak ETag may name two bodies that differ in bytes, and must not be used with a range (RFC 9110, section
        # 13.1.5).
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong or self.last_modified


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
            text = get_page(unrestricted, site.at("/robots.txt")).html.decode("utf-8", "replace")
        except NotFound:
            text = ""
        yield Connection(site, session, robots(text, AGENT), unrestricted.limits)


def get_page(connection: Connection, address: str) -> Page:
    """Return the page at *address*, whole.

    Raises NotFound: if there is none. SiteProblem: if it cannot be downloaded.
    """

    def attempt() -> Page:
        with _request(connection, address, {}) as response:
            _refuse_status(response, address)
            html = b"".join(_chunks(connection, response, address, connection.limits.page, time.monotonic()))
            _refuse_short(address, len(html), _full_size(response, 0))
            return Page(response.url, html)

    return _with_retries(connection, address, attempt)


def get_validators(connection: Connection, address: str) -> Validators | None:
    """Request only the headers of a file: its current validators; None if a web page would come in its place.

    Raises NotFound: if there is none. SiteProblem: if they cannot be downloaded.
    """

    def attempt() -> Validators | None:
        with _request(connection, address, {}, method="HEAD") as response:
            _refuse_status(response, address)
            # cms.gov answers 200 with a page for a file that does not exist.
            is_page = "html" in response.headers.get("Content-Type", "")
            return None if is_page else _validators(response)

    return _with_retries(connection, address, attempt)


def get_file(
    connection: Connection, address: str, part: Path, known: Validators | None, count: CountReceived
) -> Validators | None:
    """Download the file at *address* to *part*, resuming what is there already; None if *known* is still current.

    `*.json` beside *part* keeps the validators of its bytes. Both stay when the connection breaks, so that the next
    attempt, or the next command, requests only the rest.

    Raises NotFound: if there is none. SiteProblem: if it cannot be downloaded whole.
    """
    start = time.monotonic()

    def attempt() -> Validators | None:
        return _resume(connection, address, part, known, count, start)

    return _with_retries(connection, address, attempt)


def _resume(
    connection: Connection, address: str, part: Path, known: Validators | None, count: CountReceived, start: float
) -> Validators | None:
    offset, partial = partial_download(part)
    conditional = (known or Validators()).conditions
    ranged = {"Range": f"bytes={offset}-", "If-Range": partial.for_range or ""}
    with _request(connection, address, ranged if offset else conditional) as response:
        if response.status_code == requests.codes.not_modified:
            return _unchanged(_validators(response), known, connection, address, part, count, start)
        # 416 with our own length: all bytes are here already, the connection broke before we knew.
        if offset and response.headers.get("Content-Range") == f"bytes */{offset}":
            return Validators(partial.etag, partial.last_modified, offset)
        _refuse_other_range(response, address, part, offset)
        _refuse_status(response, address)
        # 200 instead of 206: the file changed since, or the site cannot resume; it begins anew.
        resumes = response.status_code == requests.codes.partial
        offset = offset if resumes else 0
        current = partial if resumes else _validators(response)
        if not resumes:
            _start_partial_download(part, current)
        size = _full_size(response, offset)
        _refuse_size(address, size, connection.limits.file)
        with part.open("ab" if resumes else "wb") as stream:
            for chunk in _chunks(connection, response, address, connection.limits.file - offset, start):
                stream.write(chunk)
                count(stream.tell(), size)
        _refuse_short(address, part.stat().st_size, size)
    return Validators(current.etag, current.last_modified, part.stat().st_size)


def _refuse_other_range(response: requests.Response, address: str, part: Path, offset: int) -> None:
    """Start over where the site cannot resume, or resumes elsewhere than at *offset*."""
    content_range = response.headers.get("Content-Range", "")
    if response.status_code == requests.codes.requested_range_not_satisfiable:
        remove_partial_download(part)
        raise TransientProblem(f"{address}: the site cannot go on where the download stopped")
    if response.status_code == requests.codes.partial and not content_range.startswith(f"bytes {offset}-"):
        remove_partial_download(part)
        raise TransientProblem(f"{address}: asked to go on at byte {offset}, the site sent another range")


def _unchanged(
    current: Validators,
    known: Validators | None,
    connection: Connection,
    address: str,
    part: Path,
    count: CountReceived,
    start: float,
) -> Validators | None:
    """Trust "not modified" unless the same response dates the file differently than when it was downloaded."""
    if known and current.last_modified and known.last_modified and current.last_modified != known.last_modified:
        return _resume(connection, address, part, None, count, start)
    return None


def partial_download(part: Path) -> tuple[int, Validators]:
    """Bytes already downloaded, and the validators (ETag, Last-Modified) the site sent with them.

    Zero bytes if no validator could tell whether they are still current.
    """
    try:
        note = json.loads(_validators_file(part).read_text(encoding="utf-8"))
        validators = Validators() if format_fault(note, "download") else from_fields(Validators, note)
        size = part.stat().st_size
    except (OSError, ValueError, TypeError):
        return 0, Validators()
    return (size, validators) if validators.for_range else (0, Validators())


def _validators_file(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _start_partial_download(part: Path, validators: Validators) -> None:
    """Remove the bytes of another attempt before writing the new validators: a kill leaves no mismatched pair."""
    remove_partial_download(part)
    note = {"format": FORMATS["download"]} | asdict(validators)
    _validators_file(part).write_text(json.dumps(note), encoding="utf-8")


def remove_partial_download(part: Path) -> None:
    """Remove the bytes downloaded so far, and their validators."""
    part.unlink(missing_ok=True)
    _validators_file(part).unlink(missing_ok=True)


def _validators(response: requests.Response) -> Validators:
    size = response.headers.get("Content-Length", "")
    return Validators(
        response.headers.get("ETag"), response.headers.get("Last-Modified"), int(size) if size.isdecimal() else None
    )


def _full_size(response: requests.Response, offset: int) -> int | None:
    size = response.headers.get("Content-Length", "")
    return offset + int(size) if size.isdecimal() else None


def _request(connection: Connection, address: str, headers: dict[str, str], method: str = "GET") -> requests.Response:
    """Send a request; follow redirects one at a time, refusing any that leaves the site or that robots.txt forbids."""
    limits, requested = connection.limits, address
    for _ in range(limits.redirects + 1):
        connection.site.refuse(address, requested)
        if not connection.robots.allows(address):
            message = "the site's robots.txt forbids programs to ask for it; a person may, with a browser"
            raise SiteProblem(f"{address}: {message}")
        time.sleep(connection.pause)
        timeouts = (limits.connecting, limits.silence)
        # Redirects by hand: each target is checked against our hosts and robots.txt before it is asked for.
        response = connection.session.request(
            method, address, headers=headers, stream=True, allow_redirects=False, timeout=timeouts
        )
        if not response.is_redirect:
            return response
        address = requests.compat.urljoin(address, response.headers["Location"])
        response.close()
    raise SiteProblem(f"{requested}: more than {limits.redirects} redirects, the last to {address}")


def _refuse_status(response: requests.Response, address: str) -> None:
    status = response.status_code
    if status in _TRANSIENT_STATUSES:
        after = _retry_after(response.headers.get("Retry-After"))
        raise TransientProblem(f"{address}: the site answers {status} {response.reason}", after)
    if status in (requests.codes.not_found, requests.codes.gone):
        raise NotFound(f"{address}: there is nothing (any more): the site answers {status} {response.reason}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise SiteProblem(f"{address}: came as {response.headers['Content-Encoding']}, which was not asked for")
    if not response.ok or status not in (requests.codes.ok, requests.codes.partial):
        raise SiteProblem(f"{address}: the site answers {status} {response.reason}")


def _retry_after(text: str | None) -> float | None:
    """Seconds to wait: the header holds seconds or an HTTP date (RFC 9110, section 10.2.3)."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _chunks(
    connection: Connection, response: requests.Response, address: str, limit: int, start: float
) -> Iterator[bytes]:
    """The body as it arrives. Any bytes are returned at once, so that a slow drip cannot outlast the time limit."""
    received = 0
    response.raw.enforce_content_length = False  # _refuse_short compares the lengths, with a message of its own
    while chunk := response.raw.read1(_CHUNK_BYTES):
        received += len(chunk)
        _refuse_size(address, received, limit)
        if time.monotonic() - start > connection.limits.whole:
            limit_seconds = f"{connection.limits.whole:,.0f}"
            raise SiteProblem(f"{address}: not whole after {limit_seconds} seconds ({received:,} bytes came)")
        yield chunk


def _refuse_size(address: str, size: int | None, limit: int) -> None:
    if size is not None and size > limit:
        raise SiteProblem(f"{address}: {size:,} bytes and more; what CMS posts here has less than {limit:,}")


def _refuse_short(address: str, received: int, size: int | None) -> None:
    if size is not None and received != size:
        raise TransientProblem(f"{address}: the answer ended after {received:,} of {size:,} bytes")


def _with_retries(connection: Connection, address: str, attempt: Callable[[], T]) -> T:
    """Retry what may pass, after longer and longer pauses, or as long as the site asks for."""
    limits = connection.limits
    for attempts in range(1, limits.tries + 1):
        try:
            return attempt()
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            problem = TransientProblem(f"{address}: the connection failed ({error})")
        except TransientProblem as error:
            problem = error
        # The site's own Retry-After counts; else 1, 2, 4, 8 seconds.
        wait = problem.after if problem.after is not None else limits.first_wait * 2 ** (attempts - 1)
        if wait > limits.longest_wait:
            raise SiteProblem(f"{problem}, and asks to come back in {wait:,.0f} seconds; do so")
        if attempts < limits.tries:
            time.sleep(wait)
    raise SiteProblem(f"{problem}. Tried {limits.tries} times; the same command later goes on from there")
