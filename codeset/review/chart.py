"""The chart of payment changes by family, as inline SVG in the page's own colours."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt
import vl_convert

from codeset import wording
from codeset.participants import Participant
from codeset.review.payments import PaymentTable

_INK, _GRID = "currentColor", "var(--line)"
_COLOURS = {"nonfacility": "var(--office)", "facility": "var(--facility)"}
_LABEL = 22
"""Characters after which a family's name goes on in a second line."""

_STYLE = re.compile(r' style="[^"]*"')
_CLASS = re.compile(r' class="[^"]*"')
_SIZE = re.compile(r'<svg([^>]*?) width="[^"]*" height="[^"]*"')


def families_svg(tables: Sequence[PaymentTable], participant: Participant | None) -> str:
    """Return the changes of each family, from least to most with the median, for one participant class; "" for none.

    The same figures stand in a table beside it: to a screen reader the chart is one picture.
    """
    rows = [
        {
            "family": _broken(each.family),
            "setting": wording.setting(table.setting),
            "least": float(each.least),
            "median": float(each.median),
            "most": float(each.most),
        }
        for table in tables
        if table.participant == participant
        for each in table.families
    ]
    return _svg(_spec(rows)) if rows else ""


def _broken(name: str) -> str:
    """A name in lines, parted by a bar: the chart breaks there."""
    lines = [""]
    for word in name.split():
        fits = len(lines[-1]) + len(word) < _LABEL
        lines = [*lines[:-1], f"{lines[-1]} {word}".strip()] if fits else [*lines, word]
    return "|".join(lines)


def _spec(rows: list[dict[str, Any]]) -> alt.LayerChart:
    settings = list(dict.fromkeys(row["setting"] for row in rows))
    colours = [_COLOURS[name] for name in _COLOURS if wording.setting(name) in settings]
    x = alt.X("least:Q", title="change of the amount", axis=alt.Axis(format="+.0%", orient="top"))
    y = alt.Y("family:N", sort=None, title=None, axis=alt.Axis(labelExpr="split(datum.label, '|')", labelLimit=200))
    offset = alt.YOffset("setting:N", sort=settings)
    colour = alt.Color("setting:N", scale=alt.Scale(domain=settings, range=colours), title=None)
    base = alt.Chart(alt.InlineData(values=rows))
    span = base.mark_bar(height=8, opacity=0.75).encode(x=x, x2="most:Q", y=y, yOffset=offset, color=colour)
    dot = base.mark_circle(size=36, opacity=1, stroke=_INK, strokeWidth=1)
    middle = dot.encode(x="median:Q", y=y, yOffset=offset, color=colour)
    zero = alt.Chart(alt.InlineData(values=[{}])).mark_rule(color=_INK, strokeWidth=1).encode(x=alt.datum(0))
    chart: alt.LayerChart = (
        alt.layer(zero, span, middle)
        .properties(width=230, height=alt.Step(12))
        .configure(background="transparent", aria=False, font="inherit", padding=2)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK, titleColor=_INK, gridColor=_GRID, domainColor=_GRID, tickColor=_GRID, labelFontSize=11
        )
        .configure_legend(labelColor=_INK, orient="top", labelFontSize=11)
        .configure_scale(bandWithNestedOffsetPaddingInner=0.3)
    )
    return chart


@cache
def _converted(spec: str) -> str:
    return vl_convert.vegalite_to_svg(spec)


def _svg(chart: alt.LayerChart) -> str:
    """The chart without style attributes, which the page's policy forbids, and as wide as it may be."""
    svg = _CLASS.sub("", _STYLE.sub("", _converted(chart.to_json(indent=None))))
    return _SIZE.sub(r'<svg\1 aria-hidden="true" focusable="false"', svg, count=1)
