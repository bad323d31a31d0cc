"""A checklist for the exam room, as one printed page."""

from importlib.resources import files

from codeset.errors import extra
from codeset.visit.checklists import Checklist
from codeset.wording import us_date

with extra("review"):
    from jinja2 import Environment, StrictUndefined


def checklist_html(checklist: Checklist) -> str:
    """Return a checklist as a page that loads nothing and prints on one sheet: a box for each item, and its source."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["us_date"] = us_date
    template = files("codeset.visit").joinpath("checklist.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(list=checklist)
