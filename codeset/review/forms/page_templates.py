"""The templates, styles and scripts in `page/`, and how templates are filled in."""

from importlib.resources import files

from codeset.errors import extra

with extra("review"):
    from jinja2 import Environment, FunctionLoader, StrictUndefined


def page_asset(file_name: str) -> str:
    """Return the text of a file in `page/`."""
    return files("codeset.review.forms").joinpath("page", file_name).read_text(encoding="utf-8")


def template_environment() -> Environment:
    """Return the environment of the templates in `page/`; texts that are filled in are escaped."""
    # StrictUndefined: a name that a template misspells stops the page instead of leaving a figure out.
    environment = Environment(loader=FunctionLoader(page_asset), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = True
    return environment
