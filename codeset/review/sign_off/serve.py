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
_MOST_POSTED_BYTES, _TIMEOUT_SECONDS = 2_000_000, 30
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FIELD_NUMBER = re.compile(r"(?:decision|reason)-(\d{1,6})")


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

    # Ctrl-C ends the server at once, whatever a browser keeps open.
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
        return tuple(f"{host_name}:{self.server_port}" for host_name in (LOOPBACK, "localhost"))

    @property
    def url(self) -> str:
        """The page's address, with the token."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    timeout = _TIMEOUT_SECONDS

    def do_GET(self) -> None:
        """Give the page to sign on, or a file of the review."""
        if (requested_path := self._requested_path()) is None:
            return
        if requested_path == "":
            self._send_page(FilledIn())
        elif requested_path in FILES and (file_path := self.server.folder / requested_path).is_file():
            policy_header = {"Content-Security-Policy": "frame-ancestors 'self'"} if requested_path == PAGE else {}
            self._send_response(HTTPStatus.OK, file_path.read_bytes(), _CONTENT_TYPES[file_path.suffix], policy_header)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such page.")

    def do_POST(self) -> None:
        """Sign what was filled in."""
        if (requested_path := self._requested_path()) is None:
            return
        if requested_path != "sign":
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such page.")
        elif not self._is_same_origin():
            self._refuse(HTTPStatus.FORBIDDEN, "Only the page itself may sign.")
        elif (form_fields := self._form_fields()) is not None:
            self._sign_form(form_fields)

    def _requested_path(self) -> str | None:
        """The path behind the token; None, and refused, for another host name or token."""
        token, separator, requested_path = self.path.lstrip("/").partition("/")
        # A page elsewhere may let its name resolve to this machine (DNS rebinding): its requests come with that name.
        if self.headers.get("Host") not in self.server.hosts:
            self._refuse(HTTPStatus.FORBIDDEN, "This page is for this machine alone.")
        elif not separator or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND, "Open the whole address that codeset printed.")
        else:
            return requested_path
        return None

    def _is_same_origin(self) -> bool:
        # Older browsers do not send Sec-Fetch-Site; all send the origin with a post.
        origin_matches = self.headers.get("Origin") == f"http://{self.headers.get('Host')}"
        return origin_matches and self.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"

    def _form_fields(self) -> Mapping[str, str] | None:
        length_text = self.headers.get("Content-Length", "")
        if not length_text.isascii() or not length_text.isdecimal() or int(length_text) > _MOST_POSTED_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This is more than the page sends.")
            return None
        body_text = self.rfile.read(int(length_text)).decode("utf-8", errors="replace")
        # The last of a repeated field: one outcome has one decision.
        return {
            field_name: field_values[-1].strip()
            for field_name, field_values in parse_qs(body_text, keep_blank_values=True).items()
        }

    def _sign_form(self, form_fields: Mapping[str, str]) -> None:
        server = self.server
        # Two clicks are two requests: the second waits, and finds what the first has signed.
        with server.signing:
            try:
                if not server.signed:
                    server.signed = server.sign(self._sign_request(form_fields))
            except CodesetError as error:
                self._send_page(FilledIn(form_fields, tuple(str(error).splitlines())), HTTPStatus.UNPROCESSABLE_ENTITY)
                return
        # See other: a page that is loaded again asks for the page, and does not post again.
        self._send_response(HTTPStatus.SEE_OTHER, b"", "text/plain", {"Location": f"/{server.token}/"})

    def _sign_request(self, form_fields: Mapping[str, str]) -> SignRequest:
        review = read_review(self.server.folder)
        check_review(DecisionFile("What was filled in", form_fields.get("review", ""), ()), review)
        outcome_numbers = sorted(
            {int(name_match[1]) for field_name in form_fields if (name_match := _FIELD_NUMBER.fullmatch(field_name))}
        )
        entries = (
            Entry(
                f"Result {outcome_number}",
                str(outcome_number),
                *(form_fields.get(f"{field_name}-{outcome_number}", "") for field_name in ("decision", "reason")),
            )
            for outcome_number in outcome_numbers
        )
        return SignRequest(form_fields.get("by", ""), form_fields.get("note", ""), tuple(entries))

    def _send_page(self, filled_in: FilledIn, status: HTTPStatus = HTTPStatus.OK) -> None:
        try:
            page_html = sign_page(read_review(self.server.folder), filled_in, self.server.signed)
        except CodesetError as error:
            self._refuse(HTTPStatus.CONFLICT, str(error))
            return
        self._send_response(
            status, page_html.encode(), _CONTENT_TYPES[".html"], {"Content-Security-Policy": page_policy()}
        )

    def _refuse(self, status: HTTPStatus, reason_text: str) -> None:
        # What the request still sends is not read: the next bytes of the
        # connection are not the start of another request.
        self.close_connection = True
        self._send_response(status, f"{reason_text}\n".encode(), "text/plain; charset=utf-8")

    _HEADERS: ClassVar[Mapping[str, str]] = {
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        # The address has the token.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }

    def _send_response(
        self, status: HTTPStatus, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for header_name, header_value in {**self._HEADERS, **(headers or {}), "Content-Type": content_type}.items():
            self.send_header(header_name, header_value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Say no versions."""
        return "codeset"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the method that it replaces)
        """Log nothing: addresses have the token."""
