"""The page on which a review is signed: the review itself, a decision on each changed result, the signer's name."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from markupsafe import Markup

from codeset import wording
from codeset.review.decision_basis import basis_digest
from codeset.review.forms.page_templates import page_asset, template_environment
from codeset.review.sign_off.read_review import Plain, blockers


@dataclass(frozen=True)
class FilledIn:
    """What was filled in, by the name of its field, and why it was not signed."""

    fields: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def sign_page(review: Plain, filled_in: FilledIn, signed_note: str) -> str:
    """Return the page for *review* (as `review.json` has it); *signed_note* says what was signed, if it was."""
    template = template_environment().get_template("sign.html.j2")
    return template.render(
        css=Markup(_style_sheet()),  # noqa: S704 (our own)
        old=wording.release_title(review["old"]["release"]),
        new=wording.release_title(review["new"]["release"]),
        release=review["new"]["release"],
        review=review,
        blockers=blockers(review),
        digest=basis_digest(review),
        filled=filled_in.fields,
        faults=filled_in.faults,
        signed=signed_note,
    )


def page_policy() -> str:
    """Return what the page may load: its one style and the review, from here; it posts here alone."""
    style_digest = base64.b64encode(sha256(_style_sheet().encode()).digest()).decode()
    # Only what is needed is allowed: a script that got into a review, through a text of a file, cannot run here.
    return (
        f"default-src 'none'; style-src 'sha256-{style_digest}'; img-src data:; frame-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def _style_sheet() -> str:
    return page_asset("review.css") + page_asset("sign.css")
