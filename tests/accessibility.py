"""What axe finds in a page of the browser."""

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

COLOR_RULES = ("color-contrast", "link-in-text-block")
"""The rules that look at colors: in another color scheme no other rule can find anything else."""

ONE_ROW_OF_EACH_LOOK = """
for (const body of document.querySelectorAll('tbody')) {
  const looks = new Set();
  for (const row of [...body.rows]) {
    const elements = [row, ...row.querySelectorAll('*')].map((element) => `${element.tagName}.${element.className}`);
    const look = [getComputedStyle(row).display, ...elements].join(' ');
    if (looks.has(look)) row.remove(); else looks.add(look);
  }
}"""
"""Rows of the same elements and classes have the same colors and sizes; axe takes its time for each cell."""


@cache
def _axe() -> str:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def axe_violations(page: Any, rules: Collection[str] = (), part: str = ":root") -> list[tuple[str, str]]:
    """Return each rule (of all, or of *rules*) that *part* of the page breaks, with the first element that does."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    results = page.evaluate("([part, options]) => axe.run(part, options)", [part, options])
    assert results["passes"]
    return [(violation["id"], violation["nodes"][0]["html"]) for violation in results["violations"]]
