"""`make cms-site`: the site, started by hand. It posts what it is told to, until it is stopped."""

import argparse
import os
import signal

from cms_site.server import CmsSite, serving

HELP = """CODESET_CMS_SITE={origin} codeset watch --since {since}

To change the site while it runs:
  curl -X POST {origin}/-/post/2026q4          post a quarter
  curl -X POST {origin}/-/reissue/2026q4       post its MUE again, changed, under the same name
  curl -X POST '{origin}/-/fault?kind=busy&path=mue&times=2'
                                               kinds: busy cut length drip html gone redirect layout
  curl -X POST {origin}/-/heal                 take all faults away
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="cms_site", description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--post", nargs="+", default=["2026q2", "2026q3"], metavar="RELEASE")
    parser.add_argument("--gate", choices=("open", "page", "redirect"), default="open")
    arguments = parser.parse_args()
    site = CmsSite(gate=arguments.gate)
    for label in arguments.post:
        site.post(label)
    # A signal that comes before the wait is kept for it. It cannot be blocked instead: libraries have threads by now.
    stopped, stop = os.pipe()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.write(stop, b"."))
    with serving(site, arguments.port):
        print(
            f"A stand-in for cms.gov is at {site.origin}\n" + HELP.format(origin=site.origin, since=arguments.post[0]),
            flush=True,
        )
        os.read(stopped, 1)


if __name__ == "__main__":
    main()
