"""The practice guide as one self-contained page that loads nothing; template, style and script are in `page/`."""

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from itertools import groupby
from typing import Any

from markupsafe import Markup

from codeset.errors import extra
from codeset.participants import participant_label
from codeset.practice_guide.guide import Guide
from codeset.practice_guide.guide_changes import GuideChange, amount_text
from codeset.practice_guide.guide_wording import (
    SECTION_NAMES,
    TABLE_NAMES,
    VERDICT_NAMES,
    amount_labels,
    guide_notes,
)
from codeset.wording import capitalize_first, guide_heading, release_title, us_date

with extra("review"):
    from jinja2 import Environment, FunctionLoader, StrictUndefined

_VERDICT_CLASSES = {"contradicted": "contradicted", "confirmed": "confirmed"}


def guide_html(guide: Guide, old: Guide | None = None, changes: Sequence[GuideChange] = ()) -> str:
    """Return *guide* as a page, with its *changes* since *old*; the same guide gives the same bytes."""
    environment = Environment(loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = True
    environment.filters |= _FILTERS
    return environment.get_template("guide.html.j2").render(**_context(guide, old, changes))


_FILTERS: Mapping[str, Any] = {
    "participant_label": participant_label,
    "amount_text": amount_text,
    "capitalize_first": capitalize_first,
    "guide_heading": guide_heading,
}


def _asset(name: str) -> str:
    return files("codeset.practice_guide").joinpath("page", name).read_text(encoding="utf-8")


def _context(guide: Guide, old: Guide | None, changes: Sequence[GuideChange]) -> Mapping[str, Any]:
    """What the template uses; the style and the script are our own and go in unescaped."""
    css, js = _asset("guide.css"), _asset("guide.js")
    # A family may come in several runs: bundles are in the order of their codes.
    by_family = groupby(guide.bundles, key=lambda bundle: bundle.family)
    bundles: dict[str, list[Any]] = {family.name: [] for family in guide.families}
    for family, of_family in by_family:
        bundles[family] += list(of_family)
    return {
        "g": guide,
        "old": old,
        "changes": changes,
        "css": Markup(css),  # noqa: S704
        "js": Markup(js),  # noqa: S704
        "policy": _policy(css, js),
        "title": release_title(guide.release),
        "notes": guide_notes(guide),
        "us_date": us_date,
        "amount_labels": amount_labels(guide),
        "bundles_by_family": [(family, of_family) for family, of_family in bundles.items() if of_family],
        "pairs": sum(len(bundle.never) + len(bundle.with_modifier) for bundle in guide.bundles),
        "section_names": SECTION_NAMES,
        "table_names": TABLE_NAMES,
        "verdict_names": VERDICT_NAMES,
        "verdict_classes": {verdict: _VERDICT_CLASSES.get(verdict, "undecided") for verdict in VERDICT_NAMES},
    }


def _policy(css: str, js: str) -> str:
    """The one style and the one script that the page carries, by their digests, and nothing else."""
    style, script = (base64.b64encode(sha256(text.encode()).digest()).decode() for text in (css, js))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
