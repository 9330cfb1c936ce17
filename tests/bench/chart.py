"""Line charts as SVG, written out by hand: values on a logarithmic axis over a few named places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 176, 48, 52
# Told apart by people with any colour vision, and by their marks as well.
_COLOURS = ("#0b5fff", "#d55e00", "#009e73", "#cc79a7", "#6b6b6b", "#8f7a00", "#5b2a86", "#b00020")
_LEAST_GAP = 15  # between two names at the right edge


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows. A series has one value, or None, for each place."""

    title: str
    across: str  # what the places are
    upwards: str  # what the values are
    places: Sequence[str]
    series: Mapping[str, Sequence[float | None]]


def svg(chart: Chart) -> str:
    """The chart as a document of its own. Values must be above 0."""
    values = [value for row in chart.series.values() for value in row if value is not None]
    low, high = _decades(values)
    parts = [_frame(chart), *_grid(low, high), *_places(chart.places)]
    ends: list[tuple[float, str, str]] = []
    for number, (name, row) in enumerate(chart.series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = [
            (_across(place, len(chart.places)), _upwards(value, low, high))
            for place, value in enumerate(row)
            if value is not None
        ]
        if not points:
            continue
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        width = 3 if number == 0 else 1.8
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        parts.extend(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}"/>' for x, y in points)
        ends.append((points[-1][1], name, colour))
    parts.extend(_names(ends))
    return "\n".join([*parts, "</svg>", ""])


def _frame(chart: Chart) -> str:
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(chart.title)}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#222">\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>\n'
        f'<text x="{_LEFT}" y="24" font-size="15" font-weight="600">{escape(chart.title)}</text>\n'
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 12}" text-anchor="middle">'
        f"{escape(chart.across)}</text>\n"
        f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(chart.upwards)}</text>"
    )


def _grid(low: int, high: int) -> list[str]:
    lines = []
    for power in range(low, high + 1):
        y = _upwards(10.0**power, low, high)
        lines.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    return lines


def _places(places: Sequence[str]) -> list[str]:
    y = _HEIGHT - _BOTTOM + 18
    return [
        f'<text x="{_across(number, len(places)):.1f}" y="{y}" text-anchor="middle">{escape(place)}</text>'
        for number, place in enumerate(places)
    ]


def _names(ends: Sequence[tuple[float, str, str]]) -> list[str]:
    """Each line's name at its end, moved down where two would overlap."""
    names, last = [], 0.0
    for y, name, colour in sorted(ends):
        last = max(y + 4, last + _LEAST_GAP)
        names.append(f'<text x="{_WIDTH - _RIGHT + 12}" y="{last:.1f}" fill="{colour}">{escape(name)}</text>')
    return names


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around all values, at least one apart."""
    if not values:
        return 0, 1
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _across(place: int, count: int) -> float:
    return _LEFT + 16 + place * (_WIDTH - _LEFT - _RIGHT - 32) / max(count - 1, 1)


def _upwards(value: float, low: int, high: int) -> float:
    share = (math.log10(value) - low) / (high - low)
    return (_HEIGHT - _BOTTOM) - share * (_HEIGHT - _TOP - _BOTTOM)
