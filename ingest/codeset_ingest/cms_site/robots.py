"""What a site's robots.txt allows (RFC 9309): the longest matching rule decides; `*` and `$` are understood."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Robots:
    """The rules of one robots.txt for us: (allowed, path pattern), and the pause that it asks for, in seconds."""

    rules: tuple[tuple[bool, str], ...]
    crawl_delay: float

    def allows(self, address: str) -> bool:
        """Whether *address* may be asked for."""
        parts = urlsplit(address)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        matching = [(len(pattern), allowed) for allowed, pattern in self.rules if _matches(pattern, path)]
        return max(matching, default=(0, True))[1]


def robots(text: str, agent: str) -> Robots:
    """Read a robots.txt for the product token *agent*: its own group, else that of `*`, else nothing is forbidden."""
    groups: dict[str, list[tuple[str, str]]] = {}
    agents: list[str] = []
    in_heading = False
    for line in text.splitlines():
        field, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        if field.lower() == "user-agent":
            agents = [*agents, value.lower()] if in_heading else [value.lower()]
            in_heading = True
            for token in agents:
                groups.setdefault(token, [])
        elif field:
            in_heading = False
            for token in agents:
                groups[token].append((field.lower(), value))
    own = groups.get(agent.lower(), groups.get("*", []))
    rules = tuple((field == "allow", value) for field, value in own if field in ("allow", "disallow") and value)
    return Robots(rules, _delay(own))


def _delay(fields: list[tuple[str, str]]) -> float:
    delays = [value for field, value in fields if field == "crawl-delay"]
    try:
        return max(0.0, float(delays[0])) if delays else 0.0
    except ValueError:
        return 0.0


def _matches(pattern: str, path: str) -> bool:
    """Whether the rule covers the path; of `*` any text, a closing `$` the path's end."""
    end = "$" if pattern.endswith("$") else ""
    parts = (re.escape(part) for part in pattern.removesuffix("$").split("*"))
    return re.match(".*".join(parts) + end, path) is not None
