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


def guide_html(guide: Guide, earlier_guide: Guide | None = None, changes: Sequence[GuideChange] = ()) -> str:
    """Return *guide* as a page, with its *changes* since *earlier_guide*; the same guide gives the same bytes."""
    environment = Environment(loader=FunctionLoader(_page_asset), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = True
    environment.filters |= _FILTERS
    return environment.get_template("guide.html.j2").render(**_template_values(guide, earlier_guide, changes))


_FILTERS: Mapping[str, Any] = {
    "participant_label": participant_label,
    "amount_text": amount_text,
    "capitalize_first": capitalize_first,
    "guide_heading": guide_heading,
}


def _page_asset(asset_name: str) -> str:
    return files("codeset.practice_guide").joinpath("page", asset_name).read_text(encoding="utf-8")


def _template_values(guide: Guide, earlier_guide: Guide | None, changes: Sequence[GuideChange]) -> Mapping[str, Any]:
    """What the template uses; the style and the script are our own and go in unescaped."""
    style_sheet, page_script = _page_asset("guide.css"), _page_asset("guide.js")
    # A family may come in several runs: bundles are in the order of their codes.
    consecutive_bundles = groupby(guide.bundles, key=lambda bundle: bundle.family)
    bundles_of_family: dict[str, list[Any]] = {family.name: [] for family in guide.families}
    for family, family_bundles in consecutive_bundles:
        bundles_of_family[family] += list(family_bundles)
    return {
        "g": guide,
        "old": earlier_guide,
        "changes": changes,
        "css": Markup(style_sheet),  # noqa: S704
        "js": Markup(page_script),  # noqa: S704
        "policy": _content_security_policy(style_sheet, page_script),
        "title": release_title(guide.release),
        "notes": guide_notes(guide),
        "us_date": us_date,
        "amount_labels": amount_labels(guide),
        "bundles_by_family": [
            (family, family_bundles) for family, family_bundles in bundles_of_family.items() if family_bundles
        ],
        "pairs": sum(len(bundle.never) + len(bundle.with_modifier) for bundle in guide.bundles),
        "section_names": SECTION_NAMES,
        "table_names": TABLE_NAMES,
        "verdict_names": VERDICT_NAMES,
        "verdict_classes": {verdict: _VERDICT_CLASSES.get(verdict, "undecided") for verdict in VERDICT_NAMES},
    }


def _content_security_policy(style_sheet: str, page_script: str) -> str:
    """The one style and the one script that the page carries, by their digests, and nothing else."""
    # By digest, not `unsafe-inline`: a script that came in with a text would not run.
    style_digest, script_digest = (
        base64.b64encode(sha256(asset_text.encode()).digest()).decode() for asset_text in (style_sheet, page_script)
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style_digest}'; script-src 'sha256-{script_digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
