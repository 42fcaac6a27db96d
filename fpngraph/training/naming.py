"""Names beside the points of a picture, where they hide neither each other nor a point."""

from __future__ import annotations

import math
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

Point = tuple[float, float]
_CLEAR = 5.0  # around a point, in points of the page
_DIRECTIONS = (
    0,
    180,
    90,
    270,
    45,
    315,
    135,
    225,
    20,
    340,
    160,
    200,
    70,
    290,
    110,
    250,
)  # degrees, in the order in which they are tried
_DISTANCES = (8, 18, 30, 44, 60, 78, 100, 130)  # points of the page
_NEAR = 8  # as far off it needs no line


def place_names(axes: Axes, points: Mapping[str, Point]) -> None:
    """Write each name near its point, with a line to it where it stands further off.

    The figure has been drawn, so that all is where it will be. If there is no room for one, there is a legend
    of all points.
    """
    taken = [_around(axes, point) for point in points.values()]
    for name, point in points.items():
        found = _placed(axes, name, point, taken)
        if found is None:
            axes.legend(fontsize="small")
        else:
            taken.append(found)


def _placed(axes: Axes, name: str, point: Point, taken: list[Bbox]) -> Bbox | None:
    """Where the name is now, in pixels; None where there was no room."""
    room = axes.get_window_extent()
    for distance, angle in ((distance, angle) for distance in _DISTANCES for angle in _DIRECTIONS):
        x, y = (round(distance * turn(math.radians(angle)), 3) for turn in (math.cos, math.sin))
        text = axes.annotate(
            name,
            point,
            xytext=(x, y),
            textcoords="offset points",
            fontsize="small",
            horizontalalignment="left" if x > 0 else "right" if x < 0 else "center",
            verticalalignment="bottom" if y > 0 else "top" if y < 0 else "center",
            arrowprops={"arrowstyle": "-", "color": "0.6", "shrinkB": 3} if distance > _NEAR else None,
        )
        box = _extent(text)
        inside = room.x0 <= box.x0 and box.x1 <= room.x1 and room.y0 <= box.y0 and box.y1 <= room.y1
        if inside and not box.count_overlaps(taken):
            return box
        text.remove()
    return None


def _extent(text: Annotation) -> Bbox:
    """Of the letters alone, without the line."""
    text.get_window_extent()  # puts it in its place
    return Text.get_window_extent(text)


def _around(axes: Axes, point: Point) -> Bbox:
    """What is kept clear around a point, in pixels."""
    x, y = axes.transData.transform(point)
    side = _CLEAR * axes.figure.dpi / 72
    return Bbox.from_extents(x - side, y - side, x + side, y + side)
