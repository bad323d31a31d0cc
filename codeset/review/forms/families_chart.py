"""The chart of payment changes by family, as inline SVG in the page's own colors: `page/families_chart.svg.j2`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from textwrap import wrap

from codeset import wording
from codeset.participants import Participant
from codeset.review.payments import PaymentTable, Range

_COLORS = {"nonfacility": "var(--office)", "facility": "var(--facility)"}
_LEFT_EDGE, _PLOT_WIDTH, _TOP_EDGE = 156, 230, 64
_FAMILY_HEIGHT, _BAR_HEIGHT, _LEGEND_WIDTH = 34, 12, 90
_LABEL_CHARACTERS = 22
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
        return round(_LEFT_EDGE + _PLOT_WIDTH * (change - self.least) / (self.most - self.least), 1)

    def ticks(self) -> Iterator[dict[str, object]]:
        change = self.least
        while change <= self.most:
            yield {"x": self.x(change), "label": wording.signed_percent(change, places=0)}
            change += self.step


def chart_geometry(tables: Sequence[PaymentTable], participant: Participant | None) -> dict[str, object] | None:
    """Return what the template draws for one participant class: each family from least to most, with its median.

    Coordinates are in units of the picture. None if no amount changed. To a screen reader the chart is one
    picture: the page shows the same figures in a table beside it.
    """
    drawn_tables = [table for table in tables if table.participant is participant and table.families]
    if not any(table.rows for table in drawn_tables):
        return None
    ranges = [family for table in drawn_tables for family in table.families]
    family_names = list(dict.fromkeys(family.family for family in ranges))
    scale = _axis_scale(ranges)
    bottom = _TOP_EDGE + _FAMILY_HEIGHT * len(family_names)
    return {
        "width": _LEFT_EDGE + _PLOT_WIDTH + 20,
        "height": bottom + 4,
        "left": _LEFT_EDGE,
        "right": _LEFT_EDGE + _PLOT_WIDTH,
        "plot_middle": _LEFT_EDGE + _PLOT_WIDTH // 2,
        "top": _TOP_EDGE,
        "bottom": bottom,
        "zero": scale.x(Decimal(0)),
        "ticks": list(scale.ticks()),
        "legend": [
            {
                "x": _LEFT_EDGE + 6 + _LEGEND_WIDTH * position,
                "name": wording.setting(family_name),
                "color": _COLORS[family_name],
            }
            for position, family_name in enumerate(dict.fromkeys(table.setting for table in drawn_tables))
        ],
        "families": [
            _family_shape(family_name, _TOP_EDGE + _FAMILY_HEIGHT * position, drawn_tables, scale)
            for position, family_name in enumerate(family_names)
        ],
    }


def _axis_scale(ranges: Sequence[Range]) -> _Scale:
    # With 0 among them: bars that all begin at a cut would hide that they are cuts.
    least_change = min(Decimal(0), *(family.least for family in ranges))
    largest_change = max(Decimal(0), *(family.most for family in ranges))
    # The finest step whose grid lines are few enough; the last step is 1000%, which no family reaches.
    for step in _STEPS:
        first_tick, last_tick = (
            (least_change / step).to_integral_value(ROUND_FLOOR),
            (largest_change / step).to_integral_value(ROUND_CEILING),
        )
        if last_tick - first_tick <= _MOST_STEPS:
            break
    # At least one interval, so that `x` does not divide by zero where nothing but 0 is shown.
    return _Scale(first_tick * step, max(last_tick, first_tick + 1) * step, step)


def _family_shape(family_name: str, top_edge: int, tables: Sequence[PaymentTable], scale: _Scale) -> dict[str, object]:
    label_text = wording.family(family_name)
    label_lines = wrap(wording.capitalize_first(label_text), _LABEL_CHARACTERS)
    middle_line = top_edge + _FAMILY_HEIGHT // 2
    first_bar_top = middle_line - _BAR_HEIGHT * len(tables) // 2 + 2
    bars = [
        _bar_shape(family, _COLORS[table.setting], first_bar_top + _BAR_HEIGHT * position, scale)
        for position, table in enumerate(tables)
        for family in table.families
        if family.family == family_name
    ]
    # A name of two lines is centered on its bars.
    return {"lines": label_lines, "y": middle_line + 4 - 13 * (len(label_lines) - 1) // 2, "bars": bars}


def _bar_shape(family: Range, color: str, top_edge: int, scale: _Scale) -> dict[str, object]:
    left_edge, right_edge = scale.x(family.least), scale.x(family.most)
    return {
        "x": left_edge,
        "y": top_edge,
        # At least one unit: codes that all changed by the same percent would else have no bar.
        "width": max(right_edge - left_edge, 1),
        "median": scale.x(family.median),
        "color": color,
    }
