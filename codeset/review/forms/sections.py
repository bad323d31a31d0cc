"""The sections of the page: their order and headings.

A section is shown by the macro of its name in `page/parts.html.j2`.
"""

from dataclasses import dataclass

from codeset.review.model import Review


@dataclass(frozen=True)
class Section:
    """One section of the page: `id` names it in links and its macro, `title` in the list of sections.

    An appendix is printed only on request.
    """

    id: str
    title: str
    heading: str
    is_appendix: bool = False

    @property
    def macro(self) -> str:
        """The macro of `page/parts.html.j2` that shows it."""
        return f"{self.id.replace('-', '_')}_section"


def sections(review: Review) -> list[Section]:
    """Return the sections that *review* has, in their order on the page."""
    own = review.own_differences or any(table.own_changes for table in review.tables)
    values: dict[str, object] = {"diagnoses": review.changes.diagnoses.is_reportable}
    values |= {"year": review.years, "claims": review.claims, "own-differences": own}
    return [section for section in _SECTIONS if values.get(section.id, True)]


_SECTIONS = (
    Section("limits", "Limitations", "Limitations — read before you sign"),
    Section("own-differences", "Differences from our files", "Differs because of our files, not CMS"),
    Section("year", "Your year", "Your practice's year"),
    Section("claims", "Your claims", "Your claims under both releases"),
    Section("payments", "Allowed amounts", "Allowed amounts"),
    Section("codes", "New and deleted codes", "New and deleted codes"),
    Section("diagnoses", "Diagnosis codes", "Diagnosis codes (ICD-10-CM)"),
    Section("indicators", "Global periods and indicators", "Global periods and indicators"),
    Section("edits", "Edits", "Edits"),
    Section("scenarios", "Test claims", "Test claims with a new result"),
    Section("pairs", "Code pairs", "Code pairs with a new result"),
    Section("guidance", "Coding guides", "Coding guides"),
    Section("practice-guide", "Practice guide", "Changes in the practice guide", is_appendix=True),
    Section("sign-off", "Sign-off", "Sign-off"),
    Section("gpci", "GPCIs", "Geographic practice cost indices (GPCIs)", is_appendix=True),
    Section("editions", "Source files", "Source files", is_appendix=True),
    Section("rows", "CMS rows", "CMS rows", is_appendix=True),
)
