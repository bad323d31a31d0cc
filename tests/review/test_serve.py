"""The page of this machine's own: who may ask, what is refused, and that signing goes through `approve`."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from accessibility import axe_violations

from codeset.errors import WrongUse
from codeset.review.decision_basis import basis_digest
from codeset.review.sign_off.read_review import read_review
from codeset.review.sign_off.serve import ReviewServer, SignRequest


@pytest.fixture
def requests() -> list[SignRequest]:
    return []


@pytest.fixture
def server(short_review_folder: Path, requests: list[SignRequest]) -> Iterator[ReviewServer]:
    def sign(request: SignRequest) -> str:
        if not request.by:
            raise WrongUse("first fault\nsecond <fault>")
        requests.append(request)
        return "2026q3 is signed by lead@practice"

    with ReviewServer(short_review_folder, sign) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)  # ends at once when asked
        thread.start()
        yield running
        running.shutdown()
        thread.join(timeout=60)


def ask(
    server: ReviewServer, method: str, path: str, body: str = "", **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, text, answer.headers


def form(server: ReviewServer, **fields: str) -> str:
    return urlencode({"review": basis_digest(read_review(server.folder)), "by": "A B, lead", **fields})


def post(server: ReviewServer, body: str, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
    origin = {"Origin": f"http://127.0.0.1:{server.server_port}", **headers}
    return ask(server, "POST", f"/{server.token}/sign", body, **origin)


def test_it_listens_on_loopback_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}/{server.token}/"


def test_the_page_shows_the_review_and_what_to_decide_and_loads_nothing(server):
    status, page, headers = ask(server, "GET", f"/{server.token}/")
    assert status == 200
    assert '<iframe src="review.html"' in page
    assert page.count('class="reason"') == len(read_review(server.folder)["to_decide"])
    assert "http://" not in page.replace(server.url, "")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert (headers["Cache-Control"], headers["Server"]) == ("no-store", "codeset")


@pytest.mark.parametrize("name", ["review.html", "review.xlsx", "fee-schedule.csv", "due-dates.ics"])
def test_the_review_s_own_files_are_served(server, name):
    status, _, headers = ask(server, "GET", f"/{server.token}/{name}")
    assert status == 200
    assert int(headers["Content-Length"]) == (server.folder / name).stat().st_size


@pytest.mark.parametrize(
    "path", ["../volumes.csv", "..%2fvolumes.csv", "/etc/passwd", "notes.txt", "review.html/", "x/"]
)
def test_no_other_file_is(server, path):
    (server.folder / "notes.txt").write_text("mine")
    assert ask(server, "GET", f"/{server.token}/{path}")[0] == 404
    (server.folder / "notes.txt").unlink()


@pytest.mark.parametrize("path", ["/", "/review.html", "/wrong/", "/wrong/review.html", "//", "/%00/"])
def test_without_the_token_there_is_nothing(server, path):
    status, text, _ = ask(server, "GET", path)
    assert (status, "review" in text) == (404, False)


@pytest.mark.parametrize("host", ["practice.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80", ""])
def test_another_host_name_is_refused(server, host):
    """A page of somebody else's whose name leads to this machine (DNS rebinding)."""
    assert ask(server, "GET", f"/{server.token}/", Host=host)[0] == 403
    assert ask(server, "POST", f"/{server.token}/sign", form(server), Host=host, Origin=f"http://{host}")[0] == 403


def test_localhost_is_this_machine(server):
    assert ask(server, "GET", f"/{server.token}/", Host=f"localhost:{server.server_port}")[0] == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
def test_another_page_cannot_sign(server, requests, origin):
    assert post(server, form(server), Origin=origin)[0] == 403
    assert post(server, form(server), Sec_Fetch_Site="cross-site")[0] == 403
    assert ask(server, "POST", f"/{server.token}/sign", form(server))[0] == 403
    assert requests == []


def test_other_methods_and_endless_posts_are_refused(server, requests):
    assert ask(server, "PUT", f"/{server.token}/sign")[0] == 501
    assert post(server, "", Content_Length="9" * 12)[0] == 413
    assert post(server, "", Content_Length="-1")[0] == 413
    assert requests == []


def test_what_is_filled_in_is_signed_once(server, requests):
    fields = {"decision-1": "accept", "reason-1": " as CMS published ", "note": "read", "decision-2": "reject"}
    status, _, headers = post(server, form(server, **fields))
    assert (status, headers["Location"]) == (303, f"/{server.token}/")
    assert post(server, form(server, **fields))[0] == 303
    (request,) = requests
    assert (request.by, request.note) == ("A B, lead", "read")
    assert [(entry.outcome, entry.decision, entry.reason) for entry in request.entries] == [
        ("1", "accept", "as CMS published"),
        ("2", "reject", ""),
    ]
    page = ask(server, "GET", f"/{server.token}/")[1]
    assert "2026q3 is signed by lead@practice" in page
    assert "<form" not in page


def test_what_cannot_be_signed_is_said_on_the_page_which_keeps_what_was_filled_in(server):
    status, page, _ = post(server, form(server, by="", note='so "it" is'))
    assert status == 422
    assert "<li>first fault</li>\n<li>second &lt;fault&gt;</li>" in page
    assert 'value="so &#34;it&#34; is"' in page


def test_a_review_that_was_made_again_meanwhile_is_not_signed_by_an_old_page(server, requests):
    status, page, _ = post(server, urlencode({"review": "0" * 64, "by": "A B, lead"}))
    assert (status, requests) == (422, [])
    assert "is about another review" in page


def test_a_folder_without_a_review_is_not_served(tmp_path):
    with pytest.raises(WrongUse, match=r"there is no review\.json in it"):
        ReviewServer(tmp_path, lambda _: "")


@pytest.mark.browser
def test_the_browser_signs_and_axe_finds_nothing(server, requests, browser_window):
    """On a phone and a desktop, blank, refused and signed; nothing is loaded from elsewhere."""
    for width in (375, 1280):
        page = browser_window.new_page()
        page.set_viewport_size({"width": width, "height": 800})
        hosts: set[str] = set()
        page.on("request", lambda request, hosts=hosts: hosts.add(request.url.split("/")[2]))
        page.goto(server.url)
        assert axe_violations(page) == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert hosts - {""} <= {f"127.0.0.1:{server.server_port}"}
    page.get_by_label("Accept").first.check()
    page.get_by_label("Reason for").first.fill("as CMS published")
    page.get_by_label("Your name and role").fill("A B, lead")
    page.get_by_role("button", name="Sign").click()
    page.wait_for_selector("[role=status]")
    assert "2026q3 is signed by lead@practice" in page.get_by_role("status").inner_text()
    assert axe_violations(page) == []
    for page in browser_window.pages[1:]:
        page.close()
    assert [(entry.decision, entry.reason) for entry in requests[0].entries[:1]] == [("accept", "as CMS published")]
