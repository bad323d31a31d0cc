"""A small page of this machine's own on which a review is read, decided and signed without a terminal.

It listens on loopback alone. Every address has a token that only whoever started it knows; requests by another host
name (DNS rebinding) and posts from another page are refused; nothing is loaded from elsewhere. What is signed goes
through the same function as `codeset approve`.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import ClassVar
from urllib.parse import parse_qs

from codeset.errors import CodesetError
from codeset.review.folder import FILES, PAGE
from codeset.review.sign_off.decision_files import DecisionFile, check_review
from codeset.review.sign_off.decisions import Entry
from codeset.review.sign_off.read_review import read_review
from codeset.review.sign_off.sign_page import FilledIn, page_policy, sign_page

LOOPBACK = "127.0.0.1"
_MOST_POSTED_BYTES, _SECONDS = 2_000_000, 30
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_NUMBERED = re.compile(r"(?:decision|reason)-(\d{1,6})")


@dataclass(frozen=True)
class SignRequest:
    """What somebody filled in on the page and signs."""

    by: str
    note: str
    entries: tuple[Entry, ...]


Sign = Callable[[SignRequest], str]
"""Signs, and returns what was signed in a sentence. Raises CodesetError: with why it was not."""


class ReviewServer(ThreadingHTTPServer):
    """Serves the review in *folder* on loopback, on *port* or on any that is free; *sign* is called once at a time."""

    daemon_threads = True
    # On Windows it would let another program take the same port, and be handed what is signed.
    allow_reuse_address = False

    def __init__(self, folder: Path, sign: Sign, port: int = 0) -> None:
        """Listen; `serve_forever` answers.

        Raises WrongUse: if there is no review in *folder*. OSError: if the port is taken.
        """
        read_review(folder)
        super().__init__((LOOPBACK, port), _Handler)
        self.folder, self.sign = folder, sign
        self.token = secrets.token_urlsafe(32)
        self.signing, self.signed = Lock(), ""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names by which a browser of this machine may ask."""
        return tuple(f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost"))

    @property
    def url(self) -> str:
        """The page's address, with the token."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    timeout = _SECONDS

    def do_GET(self) -> None:
        """Give the page to sign on, or a file of the review."""
        if (path := self._path()) is None:
            return
        if path == "":
            self._page(FilledIn())
        elif path in FILES and (file := self.server.folder / path).is_file():
            policy = {"Content-Security-Policy": "frame-ancestors 'self'"} if path == PAGE else {}
            self._send(HTTPStatus.OK, file.read_bytes(), _TYPES[file.suffix], policy)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such page.")

    def do_POST(self) -> None:
        """Sign what was filled in."""
        if (path := self._path()) is None:
            return
        if path != "sign":
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such page.")
        elif not self._is_same_origin():
            self._refuse(HTTPStatus.FORBIDDEN, "Only the page itself may sign.")
        elif (fields := self._fields()) is not None:
            self._sign(fields)

    def _path(self) -> str | None:
        """The path behind the token; None, and refused, for another host name or token."""
        token, slash, path = self.path.lstrip("/").partition("/")
        # A page elsewhere may let its name resolve to this machine (DNS rebinding): its requests come with that name.
        if self.headers.get("Host") not in self.server.hosts:
            self._refuse(HTTPStatus.FORBIDDEN, "This page is for this machine alone.")
        elif not slash or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND, "Open the whole address that codeset printed.")
        else:
            return path
        return None

    def _is_same_origin(self) -> bool:
        # Older browsers do not send Sec-Fetch-Site; all send the origin with a post.
        origin_matches = self.headers.get("Origin") == f"http://{self.headers.get('Host')}"
        return origin_matches and self.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"

    def _fields(self) -> Mapping[str, str] | None:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdecimal() or int(length) > _MOST_POSTED_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This is more than the page sends.")
            return None
        body = self.rfile.read(int(length)).decode("utf-8", errors="replace")
        return {name: values[-1].strip() for name, values in parse_qs(body, keep_blank_values=True).items()}

    def _sign(self, fields: Mapping[str, str]) -> None:
        server = self.server
        # Two clicks are two requests: the second waits, and finds what the first has signed.
        with server.signing:
            try:
                if not server.signed:
                    server.signed = server.sign(self._request(fields))
            except CodesetError as error:
                self._page(FilledIn(fields, tuple(str(error).splitlines())), HTTPStatus.UNPROCESSABLE_ENTITY)
                return
        # See other: a page that is loaded again asks for the page, and does not post again.
        self._send(HTTPStatus.SEE_OTHER, b"", "text/plain", {"Location": f"/{server.token}/"})

    def _request(self, fields: Mapping[str, str]) -> SignRequest:
        review = read_review(self.server.folder)
        check_review(DecisionFile("What was filled in", fields.get("review", ""), ()), review)
        numbers = sorted({int(match[1]) for name in fields if (match := _NUMBERED.fullmatch(name))})
        entries = (
            Entry(
                f"Result {number}",
                str(number),
                *(fields.get(f"{name}-{number}", "") for name in ("decision", "reason")),
            )
            for number in numbers
        )
        return SignRequest(fields.get("by", ""), fields.get("note", ""), tuple(entries))

    def _page(self, filled_in: FilledIn, status: HTTPStatus = HTTPStatus.OK) -> None:
        try:
            page = sign_page(read_review(self.server.folder), filled_in, self.server.signed)
        except CodesetError as error:
            self._refuse(HTTPStatus.CONFLICT, str(error))
            return
        self._send(status, page.encode(), _TYPES[".html"], {"Content-Security-Policy": page_policy()})

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        self.close_connection = True
        self._send(status, f"{text}\n".encode(), "text/plain; charset=utf-8")

    _ALWAYS: ClassVar[Mapping[str, str]] = {
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        # The address has the token.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }

    def _send(self, status: HTTPStatus, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**self._ALWAYS, **(headers or {}), "Content-Type": kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Say no versions."""
        return "codeset"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the method that it replaces)
        """Log nothing: addresses have the token."""
