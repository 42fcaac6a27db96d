"""Points, segments and curves of lines and cubic Béziers. Pixels, y downwards, angles in radians."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import hypot, sqrt

Point = tuple[float, float]
Piece = tuple[Point, ...]
"""A line as its two ends, or a cubic Bézier as its end, two controls and other end."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_PART = 14.0  # px of a Bézier that one straight part stands for
_MOST_PARTS = 24
_ROUND = 0.5523  # of a corner's radius


@dataclass(frozen=True, slots=True)
class Curve:
    """Pieces that each begin where the one before ends."""

    pieces: tuple[Piece, ...]

    @property
    def start(self) -> Point:
        return self.pieces[0][0]

    @property
    def end(self) -> Point:
        return self.pieces[-1][-1]

    def shifted(self, x: float, y: float = 0.0) -> Curve:
        return Curve(tuple(tuple((px + x, py + y) for px, py in piece) for piece in self.pieces))

    def turned(self) -> Curve:
        return Curve(tuple(tuple(map(turned, piece)) for piece in self.pieces))

    def box(self) -> Box:
        """The exact extent, not that of the control points."""
        points = [point for piece in self.pieces for point in _extremes(piece)]
        xs, ys = zip(*points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def flat(self, part_px: float = _PART) -> list[Point]:
        """Points along the curve; the curve between two is nearly straight, and of a Bézier about ``part_px`` long."""
        points = [self.start]
        for piece in self.pieces:
            if len(piece) == 2:
                points.append(piece[1])
            else:
                count = min(2 + int(_polygon(piece) / part_px), _MOST_PARTS)
                points += [at(piece, step / count) for step in range(1, count + 1)]
        return points


def turned(point: Point) -> Point:
    """Mirrored such that what went to the right goes up, and what was on top is on the right."""
    return -point[1], -point[0]


class Track:
    """A curve by the distance along it."""

    def __init__(self, curve: Curve) -> None:
        self.points = curve.flat(5.0)
        self.lengths = [0.0]
        for one, other in pairwise(self.points):
            self.lengths.append(self.lengths[-1] + distance(one, other))

    @property
    def length(self) -> float:
        return self.lengths[-1]

    def point(self, along: float) -> Point:
        number, share = self._place(along)
        return mix(self.points[number], self.points[number + 1], share)

    def heading(self, along: float) -> Point:
        """The unit vector in which the curve runs."""
        number, _ = self._place(along)
        return unit(self.points[number], self.points[number + 1])

    def _place(self, along: float) -> tuple[int, float]:
        number = min(max(bisect_left(self.lengths, along) - 1, 0), len(self.points) - 2)
        step = self.lengths[number + 1] - self.lengths[number]
        return number, (along - self.lengths[number]) / step if step else 0.0


def at(piece: Piece, t: float) -> Point:
    """The point of a Bézier at parameter ``t``."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = piece
    s = 1.0 - t
    a, b, c, d = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
    return a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy


def _polygon(piece: Piece) -> float:
    return sum(distance(one, other) for one, other in pairwise(piece))


def mix(one: Point, other: Point, share: float) -> Point:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def rounded(start: Point, corner: Point, end: Point) -> Piece:
    """The Bézier nearest to the quarter of a circle between two lines that would meet in a corner."""
    return start, mix(start, corner, _ROUND), mix(end, corner, _ROUND), end


def distance(one: Point, other: Point) -> float:
    return hypot(other[0] - one[0], other[1] - one[1])


def unit(one: Point, other: Point) -> Point:
    length = distance(one, other) or 1.0
    return (other[0] - one[0]) / length, (other[1] - one[1]) / length


def shortened(curve: Curve, length_px: float) -> Curve:
    """The curve without its last ``length_px``, which must lie within its last piece."""
    last = curve.pieces[-1]
    if len(last) == 2:
        share = 1.0 - length_px / distance(*last)
        return Curve((*curve.pieces[:-1], (last[0], mix(last[0], last[1], share))))
    return Curve((*curve.pieces[:-1], split_before_end(last, length_px)[0]))


def split_before_end(piece: Piece, length_px: float) -> tuple[Piece, Point]:
    """The part of a Bézier up to a point that is so far from its end, and that point."""
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if distance(at(piece, middle), piece[3]) > length_px else (low, middle)
    kept = _first_part(piece, low)
    return kept, kept[3]


def _first_part(piece: Piece, t: float) -> Piece:
    ab, bc, cd = (mix(one, other, t) for one, other in pairwise(piece))
    abc, bcd = mix(ab, bc, t), mix(bc, cd, t)
    return piece[0], ab, abc, mix(abc, bcd, t)


def _extremes(piece: Piece) -> Iterator[Point]:
    yield piece[0]
    yield piece[-1]
    if len(piece) == 4:
        for axis in (0, 1):
            for t in _turns(*(point[axis] for point in piece)):
                yield at(piece, t)


def _turns(a: float, b: float, c: float, d: float) -> list[float]:
    """Where the derivative of one coordinate of a Bézier is zero."""
    square, linear, constant = d - a + 3 * (b - c), 2 * (a - 2 * b + c), b - a
    if abs(square) < 1e-9:
        found = [-constant / linear] if abs(linear) > 1e-9 else []
    else:
        inside = linear * linear - 4 * square * constant
        root = sqrt(inside) if inside >= 0 else None
        found = [] if root is None else [(-linear - root) / (2 * square), (-linear + root) / (2 * square)]
    return [t for t in found if 0 < t < 1]


def union(boxes: Iterable[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def point_to_segment(point: Point, one: Point, other: Point) -> float:
    dx, dy = other[0] - one[0], other[1] - one[1]
    square = dx * dx + dy * dy
    share = 0.0
    if square:
        share = min(1.0, max(0.0, ((point[0] - one[0]) * dx + (point[1] - one[1]) * dy) / square))
    return hypot(point[0] - one[0] - share * dx, point[1] - one[1] - share * dy)


def crossing(a: Point, b: Point, c: Point, d: Point) -> tuple[float, float] | None:
    """Where the segments ab and cd cross, as shares of both; None where they only touch or not even that."""
    rx, ry, sx, sy = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
    across = rx * sy - ry * sx
    if abs(across) < 1e-9:
        return None
    qx, qy = c[0] - a[0], c[1] - a[1]
    t, u = (qx * sy - qy * sx) / across, (qx * ry - qy * rx) / across
    return (t, u) if 0 <= t < 1 and 0 <= u < 1 else None


def passes(one: Point, other: Point, box: Box) -> bool:
    """Whether any of a segment lies within a box."""
    (ax, ay), (bx, by), (left, top, right, bottom) = one, other, box
    if (
        (ax < left and bx < left)
        or (ax > right and bx > right)
        or (ay < top and by < top)
        or (ay > bottom and by > bottom)
    ):
        return False  # so are nearly all
    if left <= bx <= right and top <= by <= bottom:
        return True
    first, last = 0.0, 1.0
    for axis in (0, 1):
        start, way = one[axis], other[axis] - one[axis]
        low, high = box[axis] - start, box[axis + 2] - start
        if abs(way) < 1e-9:
            if low > 0 or high < 0:
                return False
            continue
        enter, leave = sorted((low / way, high / way))
        first, last = max(first, enter), min(last, leave)
    return first <= last


def grown(box: Box, margin: float) -> Box:
    return box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin


def meet(one: Box, other: Box) -> bool:
    """Whether two boxes have a point in common."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def to_box(point: Point, box: Box) -> float:
    """How far a point is from a box; 0 inside."""
    across, down = (max(box[axis] - point[axis], 0.0, point[axis] - box[axis + 2]) for axis in (0, 1))
    return hypot(across, down)
