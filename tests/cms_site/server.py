"""The server: ranges, conditions and redirects as a good site has them, and faults where they are asked for."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from cms_site import pages
from cms_site.packages import File, quarter
from codeset.releases import Release


@dataclass
class Fault:
    """A fault of the paths that match: its kind, how often it happens (None: always), and what it needs."""

    kind: str
    path: str
    times: int | None = None
    value: str = ""

    def strikes(self, path: str) -> bool:
        """Whether it happens to this request; each time is counted."""
        if self.times == 0 or not re.search(self.path, path):
            return False
        self.times = None if self.times is None else self.times - 1
        return True


@dataclass
class Request:
    """One request as it came; when it came, and when the last of the answer began to be sent (monotonic seconds)."""

    method: str
    path: str
    headers: dict[str, str]
    began: float
    ended: float = 0.0
    status: int = 0
    bytes_sent: int = 0


@dataclass
class CmsSite:
    """What is posted, how the gate and robots.txt are, which faults there are, and the requests that came."""

    files: dict[str, File] = field(default_factory=dict)
    reissues: dict[Release, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    robots: str = pages.ROBOTS
    gate: str = "open"
    origin: str = ""

    def post(self, label: str) -> None:
        """Post all files of a quarter."""
        self.files |= {file.path: file for file in quarter(Release.parse(label))}

    def reissue(self, label: str) -> None:
        """Post the quarter's MUE again, changed, under the same name."""
        release = Release.parse(label)
        self.reissues[release] = self.reissues.get(release, 0) + 1
        again = quarter(release, self.reissues[release])
        self.files |= {file.path: file for file in again if file.kind == "mue"}

    def withdraw(self, pattern: str) -> None:
        """Take files away."""
        self.files = {path: file for path, file in self.files.items() if not re.search(pattern, path)}

    def replace_data(self, pattern: str, data: bytes, *, same_validators: bool = False) -> None:
        """Put other bytes under the same names; with *same_validators* the site lies that nothing changed."""
        for path, file in list(self.files.items()):
            if re.search(pattern, path):
                self.files[path] = (
                    _FileWithFalseEtag(**vars(file) | {"data": data}, false_etag=file.etag)
                    if same_validators
                    else replace(file, data=data)
                )

    def fault(self, kind: str, path: str, times: int | None = None, value: str = "") -> None:
        """Let something go wrong."""
        self.faults.append(Fault(kind, path, times, value))

    def heal(self) -> None:
        """Take all faults away."""
        self.faults.clear()

    def downloads(self) -> list[str]:
        """Return the paths of files whose bytes were sent, whole or in part."""
        return [request.path for request in self.requests if request.path.startswith("/files/") and request.bytes_sent]


@dataclass(frozen=True)
class _FileWithFalseEtag(File):
    false_etag: str = ""

    @property
    def etag(self) -> str:
        return self.false_etag


class Host(ThreadingHTTPServer):
    """A server on loopback that shows one site at a time."""

    daemon_threads = True
    cms: CmsSite

    def show(self, site: CmsSite) -> CmsSite:
        """Show *site* from now on, and tell it where it is."""
        self.cms = site
        site.origin = f"http://127.0.0.1:{self.server_address[1]}"
        return site


@contextmanager
def serving(site: CmsSite, port: int = 0) -> Iterator[Host]:
    """Serve *site* on loopback; its `origin` is the address."""
    host = Host(("127.0.0.1", port), _Handler)
    host.show(site)
    thread = threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        host.shutdown()
        thread.join(timeout=60)
        host.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Host
    protocol_version = "HTTP/1.0"

    @property
    def cms(self) -> CmsSite:
        """The site that is shown."""
        return self.server.cms

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing; what was asked is kept."""

    def do_GET(self) -> None:
        """Answer, and keep what was asked."""
        self.record = Request(self.command, self.path, dict(self.headers), time.monotonic())
        self.cms.requests.append(self.record)
        with suppress(BrokenPipeError, ConnectionResetError):
            self._respond()

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """Change the site by hand: /-/post/2026q4, /-/reissue/2026q4, /-/heal, /-/fault?kind=busy&path=mue&times=2."""
        parts = urlsplit(self.path)
        _, _, verb, *label = parts.path.split("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if verb in ("post", "reissue"):
            getattr(self.cms, verb)(label[0])
        elif verb == "heal":
            self.cms.heal()
        elif verb == "fault":
            times = int(query["times"]) if "times" in query else None
            self.cms.fault(query["kind"], query["path"], times, query.get("value", ""))
        self._send(200, b"done\n", "text/plain")

    def _respond(self) -> None:
        path = unquote(urlsplit(self.path).path)
        fault = next((strike for strike in self.cms.faults if strike.strikes(path)), None)
        if fault and fault.kind in _ANSWERS:
            return _ANSWERS[fault.kind](self, fault)
        if path == "/robots.txt":
            return self._send(200, self.cms.robots.encode(), "text/plain")
        if path == pages.LICENCE:
            file_path = parse_qs(urlsplit(self.path).query).get("file", [""])[0]
            return self._send(200, pages.license_page(file_path).encode(), "text/html")
        if file := self.cms.files.get(path):
            return self._file(file, fault)
        page = pages.pages(self.cms.files.values()).get(path.rstrip("/"))
        if page is None:
            return self._send(404, b"<!DOCTYPE html><title>Page not found | CMS</title>", "text/html")
        return self._send(200, (_other_layout(page) if fault else page).encode(), "text/html")

    def _file(self, file: File, fault: Fault | None) -> None:
        license_accepted = parse_qs(urlsplit(self.path).query).get("agree") == ["yes"]
        if file.gated and self.cms.gate == "page" and not license_accepted:
            return self._send(200, pages.license_page(file.path).encode(), "text/html")
        if file.gated and self.cms.gate == "redirect" and not license_accepted:
            return self._redirect(f"{pages.LICENCE}?file={file.path}")
        headers = {"ETag": file.etag, "Last-Modified": file.last_modified, "Accept-Ranges": "bytes"}
        matches = self.headers.get("If-None-Match") == file.etag
        since = self.headers.get("If-Modified-Since") == file.last_modified
        if matches or ("If-None-Match" not in self.headers and since):
            return self._send(304, b"", None, headers)
        start = None if fault and fault.kind == "length" else self._start(file)
        if start is not None and start >= len(file.data):
            return self._send(416, b"", None, headers | {"Content-Range": f"bytes */{len(file.data)}"})
        if start is not None:
            headers |= {"Content-Range": f"bytes {start}-{len(file.data) - 1}/{len(file.data)}"}
        return self._send(206 if start is not None else 200, file.data[start or 0 :], "application/zip", headers, fault)

    def _start(self, file: File) -> int | None:
        byte_range = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        holds = self.headers.get("If-Range") in (None, file.etag, file.last_modified)
        return int(byte_range[1]) if byte_range and holds else None

    def _redirect(self, location: str, status: int = 302) -> None:
        self._send(status, b"", None, {"Location": location})

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str | None,
        headers: dict[str, str] | None = None,
        fault: Fault | None = None,
    ) -> None:
        content_length = len(body) + int(fault.value or 0) if fault and fault.kind == "length" else len(body)
        self.record = getattr(self, "record", Request(self.command, self.path, {}, 0.0))
        self.record.status = status
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if kind:
            self.send_header("Content-Type", kind)
        if status != 304:
            self.send_header("Content-Length", str(content_length))
        self.record.ended = time.monotonic()
        self.end_headers()
        if self.command != "HEAD":
            self._body(body, fault)

    def _body(self, body: bytes, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        if kind == "cut":
            body = body[: len(body) // 2]
        pieces = [body[place : place + 1] for place in range(len(body))] if kind == "drip" else [body]
        for piece in pieces:
            self.record.ended = time.monotonic()
            self.wfile.write(piece)
            self.wfile.flush()
            self.record.bytes_sent += len(piece)
            if kind == "drip":
                time.sleep(0.01)

    def _busy(self, fault: Fault) -> None:
        status, _, after = (fault.value or "503").partition(" ")
        self._send(int(status), b"busy", "text/plain", {"Retry-After": after} if after else {})

    def _html(self, fault: Fault) -> None:
        self._send(200, b"<!DOCTYPE html><html><head><title>Page not found | CMS</title></head></html>", "text/html")

    def _elsewhere(self, fault: Fault) -> None:
        self._redirect(fault.value, 301)

    def _nothing(self, fault: Fault) -> None:
        self._send(404, b"<!DOCTYPE html><title>Page not found | CMS</title>", "text/html")


def _other_layout(page: str) -> str:
    """The page after a redesign: its files are buttons of a script, no links any more."""
    return re.sub(
        r'<a href="(/files|/license|/medicare/payment)[^>]*>([^<]*)</a>', r"<cms-download>\2</cms-download>", page
    )


_ANSWERS = {
    "busy": _Handler._busy,
    "html": _Handler._html,
    "redirect": _Handler._elsewhere,
    "gone": _Handler._nothing,
}
"""Faults that answer by themselves; `cut`, `length`, `drip` and `layout` change what is sent."""
