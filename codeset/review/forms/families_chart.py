"""The chart of payment changes by family, as inline SVG in the page's own colors: `page/families_chart.svg.j2`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from textwrap import wrap

from codeset import wording
from codeset.participants import Participant
from codeset.review.payments import PaymentTable, Range

_COLORS = {"nonfacility": "var(--office)", "facility": "var(--facility)"}
_LEFT, _PLOT_WIDTH, _TOP = 156, 230, 64
_FAMILY_HEIGHT, _BAR_HEIGHT, _LEGEND_WIDTH = 34, 12, 90
_LABEL = 22
"""Characters after which a family's name continues on a second line."""

_STEPS = tuple(map(Decimal, ("0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10")))
_MOST_STEPS = 5
"""Intervals between grid lines: the labels of more would run into each other."""


@dataclass(frozen=True)
class _Scale:
    """The horizontal axis: changes from `least` to `most`, both on grid lines `step` apart, with 0 among them."""

    least: Decimal
    most: Decimal
    step: Decimal

    def x(self, change: Decimal) -> Decimal:
        return round(_LEFT + _PLOT_WIDTH * (change - self.least) / (self.most - self.least), 1)

    def ticks(self) -> Iterator[dict[str, object]]:
        change = self.least
        while change <= self.most:
            sign = "+" if change > 0 else "−" if change < 0 else ""
            yield {"x": self.x(change), "label": f"{sign}{abs(change * 100):.0f}%"}
            change += self.step


def chart_geometry(tables: Sequence[PaymentTable], participant: Participant | None) -> dict[str, object] | None:
    """Return what the template draws for one participant class: each family from least to most, with its median.

    Coordinates are in units of the picture. None if no amount changed. To a screen reader the chart is one
    picture: the page shows the same figures in a table beside it.
    """
    shown = [table for table in tables if table.participant is participant and table.families]
    if not any(table.rows for table in shown):
        return None
    ranges = [family for table in shown for family in table.families]
    names = list(dict.fromkeys(family.family for family in ranges))
    scale = _scale(ranges)
    bottom = _TOP + _FAMILY_HEIGHT * len(names)
    return {
        "width": _LEFT + _PLOT_WIDTH + 20,
        "height": bottom + 4,
        "left": _LEFT,
        "right": _LEFT + _PLOT_WIDTH,
        "plot_middle": _LEFT + _PLOT_WIDTH // 2,
        "top": _TOP,
        "bottom": bottom,
        "zero": scale.x(Decimal(0)),
        "ticks": list(scale.ticks()),
        "legend": [
            {"x": _LEFT + 6 + _LEGEND_WIDTH * place, "name": wording.setting(name), "color": _COLORS[name]}
            for place, name in enumerate(dict.fromkeys(table.setting for table in shown))
        ],
        "families": [_family(name, _TOP + _FAMILY_HEIGHT * place, shown, scale) for place, name in enumerate(names)],
    }


def _scale(ranges: Sequence[Range]) -> _Scale:
    # With 0 among them: bars that all begin at a cut would hide that they are cuts.
    least = min(Decimal(0), *(family.least for family in ranges))
    most = max(Decimal(0), *(family.most for family in ranges))
    for step in _STEPS:
        first, last = (
            (least / step).to_integral_value(ROUND_FLOOR),
            (most / step).to_integral_value(ROUND_CEILING),
        )
        if last - first <= _MOST_STEPS:
            break
    return _Scale(first * step, max(last, first + 1) * step, step)


def _family(name: str, top: int, tables: Sequence[PaymentTable], scale: _Scale) -> dict[str, object]:
    named = wording.family(name)
    lines = wrap(named[:1].upper() + named[1:], _LABEL)
    middle = top + _FAMILY_HEIGHT // 2
    first = middle - _BAR_HEIGHT * len(tables) // 2 + 2
    bars = [
        _bar(family, _COLORS[table.setting], first + _BAR_HEIGHT * place, scale)
        for place, table in enumerate(tables)
        for family in table.families
        if family.family == name
    ]
    return {"lines": lines, "y": middle + 4 - 13 * (len(lines) - 1) // 2, "bars": bars}


def _bar(family: Range, color: str, top: int, scale: _Scale) -> dict[str, object]:
    start, end = scale.x(family.least), scale.x(family.most)
    return {"x": start, "y": top, "width": max(end - start, 1), "median": scale.x(family.median), "color": color}
