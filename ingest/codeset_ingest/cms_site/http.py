"""The network: one polite visitor of one site. Pages are read whole; files go on where an earlier try stopped."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from codeset.extras import extra
from codeset_ingest.cms_site.hosts import Site, SiteProblem
from codeset_ingest.cms_site.partial_download import Validators, begin, begun, forget
from codeset_ingest.cms_site.robots import Robots, robots

with extra("ingest"):
    import requests
    import urllib3

AGENT = "derm-codeset"
_ALL_ALLOWED = Robots((), 0.0)
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_PIECE = 1 << 16

T = TypeVar("T")

Tell = Callable[[int, int | None], None]
"""Told how many bytes of a file have come, and of how many (None: the site does not say)."""


@dataclass(frozen=True)
class Limits:
    """How long and how often is tried (seconds, tries), and how large an answer may be (bytes)."""

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
class Visit:
    """A site, the connection to it, and the manners to be kept; one request at a time."""

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
    """A page that was read: the address that answered in the end, and its bytes."""

    address: str
    html: bytes


class Gone(SiteProblem):
    """The site has nothing at that address."""


class Interrupted(SiteProblem):
    """An answer that may be better next time: the site is busy, or the connection was cut."""

    def __init__(self, says: str, after: float | None = None) -> None:
        """Keep the seconds that the site asks to wait, if it does."""
        self.after = after
        super().__init__(says)


@contextmanager
def visit(site: Site, limits: Limits | None = None) -> Iterator[Visit]:
    """Begin a visit: read the site's robots.txt, and keep to it.

    Raises SiteProblem: if the site cannot be reached, or does not say what its robots.txt is.
    """
    with requests.Session() as session:
        session.trust_env = not site.loopback
        session.headers.clear()
        session.headers["User-Agent"] = f"{AGENT}/{version(AGENT)} (reads Medicare's public code sets, once a week)"
        session.headers["Accept-Encoding"] = "identity"
        bare = Visit(site, session, _ALL_ALLOWED, limits or Limits())
        try:
            text = page(bare, site.at("/robots.txt")).html.decode("utf-8", "replace")
        except Gone:
            text = ""
        yield Visit(site, session, robots(text, AGENT), bare.limits)


def page(visited: Visit, address: str) -> Page:
    """Read a page whole.

    Raises Gone: if there is none. SiteProblem: if it cannot be had.
    """

    def once() -> Page:
        with _answer(visited, address, {}) as answer:
            _refuse_status(answer, address)
            html = b"".join(_pieces(visited, answer, address, visited.limits.page, time.monotonic()))
            _refuse_short(address, len(html), _length(answer, 0))
            return Page(answer.url, html)

    return _patiently(visited, address, once)


def validators(visited: Visit, address: str) -> Validators | None:
    """Ask only for the headers of a file: what it is told by at present; None if a web page would come in its place.

    Raises Gone: if there is none. SiteProblem: if it cannot be had.
    """

    def once() -> Validators | None:
        with _answer(visited, address, {}, method="HEAD") as answer:
            _refuse_status(answer, address)
            is_page = "html" in answer.headers.get("Content-Type", "")
            return None if is_page else _validators(answer)

    return _patiently(visited, address, once)


def download(visited: Visit, address: str, part: Path, known: Validators | None, tell: Tell) -> Validators | None:
    """Bring the file at *address* to *part*, going on with what is there already; None if it is as *known* says.

    Beside *part*, `*.json` keeps by what its bytes are told. Both stay when the connection breaks, so that the next
    try, or the next command, asks only for the rest.

    Raises Gone: if there is none. SiteProblem: if it cannot be had whole.
    """
    start = time.monotonic()

    def once() -> Validators | None:
        return _piece_by_piece(visited, address, part, known, tell, start)

    return _patiently(visited, address, once)


def _piece_by_piece(
    visited: Visit, address: str, part: Path, known: Validators | None, tell: Tell, start: float
) -> Validators | None:
    have, told = begun(part)
    asked = (
        {"Range": f"bytes={have}-", "If-Range": told.for_range or ""} if have else (known or Validators()).conditions
    )
    with _answer(visited, address, asked) as answer:
        if answer.status_code == requests.codes.not_modified:
            return _unchanged(_validators(answer), known, visited, address, part, tell, start)
        if have and answer.headers.get("Content-Range") == f"bytes */{have}":
            return Validators(told.etag, told.last_modified, have)
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            forget(part)
            raise Interrupted(f"{address}: the site cannot go on where the download stopped")
        _refuse_status(answer, address)
        goes_on = answer.status_code == requests.codes.partial
        if goes_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            forget(part)
            raise Interrupted(f"{address}: asked to go on at byte {have}, the site sent another range")
        have = have if goes_on else 0
        now = told if goes_on else _validators(answer)
        if not goes_on:
            begin(part, now)
        whole = _length(answer, have)
        _refuse_size(address, whole, visited.limits.file)
        with part.open("ab" if goes_on else "wb") as stream:
            for piece in _pieces(visited, answer, address, visited.limits.file - have, start):
                stream.write(piece)
                tell(stream.tell(), whole)
        _refuse_short(address, part.stat().st_size, whole)
    return Validators(now.etag, now.last_modified, part.stat().st_size)


def _unchanged(
    now: Validators, known: Validators | None, visited: Visit, address: str, part: Path, tell: Tell, start: float
) -> Validators | None:
    """Believe "not modified" unless the same answer dates the file otherwise than when it was fetched."""
    if known and now.last_modified and known.last_modified and now.last_modified != known.last_modified:
        return _piece_by_piece(visited, address, part, None, tell, start)
    return None


def _validators(answer: requests.Response) -> Validators:
    size = answer.headers.get("Content-Length", "")
    return Validators(
        answer.headers.get("ETag"), answer.headers.get("Last-Modified"), int(size) if size.isdigit() else None
    )


def _length(answer: requests.Response, have: int) -> int | None:
    size = answer.headers.get("Content-Length", "")
    return have + int(size) if size.isdigit() else None


def _answer(visited: Visit, address: str, headers: dict[str, str], method: str = "GET") -> requests.Response:
    """Ask, and follow redirects one by one, each refused if it leaves the site or its robots.txt forbids it."""
    limits, asked = visited.limits, address
    for _ in range(limits.redirects + 1):
        visited.site.refuse(address, asked)
        if not visited.robots.allows(address):
            says = "the site's robots.txt forbids programs to ask for it; a person may, with a browser"
            raise SiteProblem(f"{address}: {says}")
        time.sleep(visited.pause)
        timeouts = (limits.connecting, limits.silence)
        answer = visited.session.request(
            method, address, headers=headers, stream=True, allow_redirects=False, timeout=timeouts
        )
        if not answer.is_redirect:
            return answer
        address = requests.compat.urljoin(address, answer.headers["Location"])
        answer.close()
    raise SiteProblem(f"{asked}: more than {limits.redirects} redirects, the last to {address}")


def _refuse_status(answer: requests.Response, address: str) -> None:
    status = answer.status_code
    if status in _PASSING:
        after = _retry_after(answer.headers.get("Retry-After"))
        raise Interrupted(f"{address}: the site answers {status} {answer.reason}", after)
    if status in (requests.codes.not_found, requests.codes.gone):
        raise Gone(f"{address}: there is nothing (any more): the site answers {status} {answer.reason}")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise SiteProblem(f"{address}: came as {answer.headers['Content-Encoding']}, which was not asked for")
    if not answer.ok or status not in (requests.codes.ok, requests.codes.partial):
        raise SiteProblem(f"{address}: the site answers {status} {answer.reason}")


def _retry_after(text: str | None) -> float | None:
    """Seconds or an HTTP date."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _pieces(visited: Visit, answer: requests.Response, address: str, limit: int, start: float) -> Iterator[bytes]:
    """The body as it comes in; whatever comes is looked at at once, so that a drip cannot outlast the time limit."""
    came = 0
    answer.raw.enforce_content_length = False  # the lengths are compared here, with a message of our own
    while piece := answer.raw.read1(_PIECE):
        came += len(piece)
        _refuse_size(address, came, limit)
        if time.monotonic() - start > visited.limits.whole:
            raise SiteProblem(f"{address}: not whole after {visited.limits.whole:,.0f} seconds ({came:,} bytes came)")
        yield piece


def _refuse_size(address: str, size: int | None, limit: int) -> None:
    if size is not None and size > limit:
        raise SiteProblem(f"{address}: {size:,} bytes and more; what CMS posts here has less than {limit:,}")


def _refuse_short(address: str, came: int, whole: int | None) -> None:
    if whole is not None and came != whole:
        raise Interrupted(f"{address}: the answer ended after {came:,} of {whole:,} bytes")


def _patiently(visited: Visit, address: str, once: Callable[[], T]) -> T:
    """Try again what may pass, with longer and longer pauses, or as long as the site asks for."""
    limits = visited.limits
    for tried in range(1, limits.tries + 1):
        try:
            return once()
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            problem = Interrupted(f"{address}: the connection failed ({error})")
        except Interrupted as error:
            problem = error
        wait = problem.after if problem.after is not None else limits.first_wait * 2 ** (tried - 1)
        if wait > limits.longest_wait:
            raise SiteProblem(f"{problem}, and asks to come back in {wait:,.0f} seconds; do so")
        if tried < limits.tries:
            time.sleep(wait)
    raise SiteProblem(f"{problem}. Tried {limits.tries} times; the same command later goes on from there")
