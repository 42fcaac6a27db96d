"""Whether edges stay clear of the nodes that are not their ends, and the warning where one does not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fpngraph.drawing.layout import metrics
from fpngraph.drawing.layout.geometry import point_to_segment, to_box
from fpngraph.drawing.picture.diagram import Diagram

_LEAST = metrics.CLEARANCE - 1.0
_PART = 5.0  # px of a bent edge that are taken for straight


class Crowded(UserWarning):
    """An edge comes so near to a node that it seems to end there."""


@dataclass(frozen=True, slots=True)
class Near:
    """An edge beside a node that is not its end."""

    px: float
    """From its line to the border of the node; below 0 within it."""
    source: str
    target: str
    node: str

    def __str__(self) -> str:
        way = "through" if self.px < 0 else "close to"
        return f"the edge from {self.source!r} to {self.target!r} runs {way} node {self.node!r}, which is not its end"


def too_near(parts: Sequence[Diagram]) -> Near | None:
    """Of all rows, the edge that comes nearest to a node; None where none comes so near that it seems to end there."""
    return min((near for part in parts for near in _of(part)), key=lambda near: near.px, default=None)


def _of(drawn: Diagram) -> Iterator[Near]:
    for route in drawn.routes:
        sections, box = [*pairwise(route.curve.flat(_PART))], route.curve.box()
        ends = (route.source, route.target) if route.link else (route.source,)
        for name, place in drawn.grid.places.items():
            centre = place.x, place.y
            if name in ends or to_box(centre, box) >= place.half + _LEAST:
                continue
            px = round(min(point_to_segment(centre, a, b) for a, b in sections) - place.half, 2)  # copies are alike
            if px < _LEAST:
                yield Near(px, route.source, route.target, name)


def warn_of(near: Near, where: str, ways: Sequence[str]) -> None:
    """``where``: in which picture; ``ways``: what may make room."""
    warnings.warn(f"{where}, {near}\n  hint: try {', or '.join(ways)}", Crowded, stacklevel=4)
