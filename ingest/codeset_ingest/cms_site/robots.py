"""What a site's robots.txt allows us (RFC 9309), as the library Protego reads it."""

import re
from dataclasses import dataclass

from protego import Protego

_RULE_LINE = re.compile(r"\s*(user-agent|allow|disallow)\s*:", re.IGNORECASE)
_PRODUCT_VERSION = re.compile(r"(?im)^(\s*user-agent\s*:\s*[\w-]+)/\S*")


@dataclass(frozen=True)
class Robots:
    """The rules of one robots.txt for the product token *agent*, and the pause that it asks for, in seconds."""

    rules: Protego
    agent: str
    crawl_delay: float

    def allows(self, address: str) -> bool:
        """Whether *address* may be requested."""
        return self.rules.can_fetch(address, self.agent)


def robots(robots_text: str, product_token: str) -> Robots:
    """Read a robots.txt for *product_token*: its own group, else that of `*`, else nothing is forbidden.

    A group names its agents by their product token: a version behind it does not count (section 2.2.1), and other
    lines, such as Crawl-delay or Sitemap, do not end the list of its agents (section 2.2.4). Protego reads
    both otherwise.
    """
    # A file that begins with a byte order mark would lose its first rule.
    robots_text = _PRODUCT_VERSION.sub(r"\1", robots_text.removeprefix("\ufeff"))
    rule_lines = "\n".join(robots_line for robots_line in robots_text.splitlines() if _RULE_LINE.match(robots_line))
    crawl_delay = Protego.parse(robots_text).crawl_delay(product_token)
    return Robots(Protego.parse(rule_lines), product_token, float(crawl_delay or 0.0))
