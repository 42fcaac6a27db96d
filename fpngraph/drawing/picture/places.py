"""Free places for signs: texts and squares on edges, names beside nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import cos, radians, sin

from fpngraph.drawing.layout.geometry import Box, Point, Track, grown, meet, passes, point_to_segment, to_box
from fpngraph.drawing.layout.grid import Place
from fpngraph.drawing.layout.penalties import Tile, tile_of, tiles
from fpngraph.drawing.picture.marks import HEAD, Segments

_STEP = 4.0  # px between places that are tried on an edge
_TRIALS = 40
_LARGEST = 60.0  # radius of a node, and what is near it

# What a sign keeps to other things, in px, and what it costs where it does not.
_TO_LINE, _TO_NODE, _TO_SIGN, _TO_TIP, _TO_FRAME = 2.0, 3.0, 3.0, 7.0, 2.0
_FROM_EDGE = 4.0  # of a sign on an edge to the other edges
_HITS_LINE, _HITS_NODE, _HITS_SIGN, _HITS_TIP, _HITS_FRAME = 50.0, 240.0, 240.0, 60.0, 50.0
_BENT = 15.0
_FLANKS = (5.0, 8.0, 12.0)  # px between an edge and a text beside it
_ENDS = (8.0, 12.0)  # px from an end of an edge, for a text beside it that has no other place
_SHARED, _NEARER = 10.0, 2.0  # where another line is as near to the text as its own
_NOBODY = -1  # no track's key
_FLAT = 1.2  # px that a line under a sign may bow
_ANGLES = (-40, -140, 40, 140, -60, -120, 60, 120, -25, -155, 25, 155, -90, 90, 0, 180)
_OFFS = (2.0, 5.0, 9.0)


class FreePlaces:
    """Finds places for signs where they are clear of lines, nodes, borders of cells and one another."""

    def __init__(
        self, tracks: Sequence[Track], segments: Segments, places: Mapping[str, Place], frames: Sequence[Box]
    ) -> None:
        self._tracks = tracks
        self._segments = segments
        self._frames = frames
        self._places: dict[Tile, list[Place]] = defaultdict(list)
        self._tips: dict[Tile, list[tuple[int, Point]]] = defaultdict(list)
        self._signs: dict[Tile, list[Box]] = defaultdict(list)
        for place in places.values():
            self._places[tile_of((place.x, place.y))].append(place)
        for key, track in enumerate(tracks):
            self._tips[tile_of(track.points[-1])].append((key, track.points[-1]))

    def _put(self, sign: Box) -> None:
        """Keep a place for what is there now."""
        for tile in tiles(sign, 0.0):
            self._signs[tile].append(sign)

    def _take(self, sign: Box) -> None:
        for tile in tiles(sign, 0.0):
            self._signs[tile].remove(sign)

    def on(self, key: int, wide: float, high: float, *, from_start: float | None = None) -> float:
        """How far along a track a sign of this size fits: nearest to so far from its start, or to its middle."""
        track = self._tracks[key]
        _, along = min(self._on(key, wide, high, from_start))
        self._put(_around(track.point(along), wide, high))
        return along

    def text(self, key: int, wide: float, high: float) -> tuple[Point, float | None]:
        """The centre of a text for a track, and how far along it lies; None for one that lies beside the track."""
        track = self._tracks[key]
        price, along = min(self._on(key, wide, high, None))
        centre, on = track.point(along), True
        if price >= _BENT:
            beside, point = min(self._beside(key, wide, high))
            if beside < price:
                centre, on = point, False
        self._put(_around(centre, wide, high))
        return centre, along if on else None

    def _beside(self, key: int, wide: float, high: float) -> Iterator[tuple[float, Point]]:
        """Places beside a track, each with what speaks against it: another line that is nearer, whose it would seem."""
        for rank, (off, point) in enumerate(_flanks(self._tracks[key], wide, high)):
            box = _around(point, wide, high)
            room = grown(box, off + _NEARER)
            others = (other != key and passes(a, b, room) for other, _, a, b in self._segments.around(room, 0.0))
            yield self._price(box, _NOBODY) + (_SHARED if any(others) else 0.0) + rank * 0.001, point

    def _on(self, key: int, wide: float, high: float, from_start: float | None) -> Iterator[tuple[float, float]]:
        """What speaks against places on a track, and how far along they are; nothing behind the first good one."""
        track = self._tracks[key]
        for rank, along in enumerate(_tried(track, from_start)):
            box = _around(track.point(along), wide, high)
            price = self._price(box, key) + _bend(track, along, wide, high) + rank * 0.01
            yield price, along
            if price < 1.0:
                return

    def beside(self, nodes: Sequence[Place], wide: float, high: float) -> list[Point] | None:
        """The centres of free places for one name at each of these nodes, or None where one of them has none."""
        found: list[Box] = []
        for place in nodes:
            boxes = (_around(_at(place, angle, off, wide, high), wide, high) for off in _OFFS for angle in _ANGLES)
            free = next((box for box in boxes if not self._price(box, place)), None)
            if free is None:
                for box in found:
                    self._take(box)
                return None
            self._put(free)
            found.append(free)
        return [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in found]

    def at_border(self, place: Place, size: float) -> Point:
        """The centre of a small sign on the border of a node, as clear of what is there as possible."""
        boxes = [_around(_at(place, angle, 0.0, 0.0, 0.0), size, size) for angle in _ANGLES]
        best = min(boxes, key=lambda box: self._price(box, place, on=True))
        self._put(best)
        return (best[0] + best[2]) / 2, (best[1] + best[3]) / 2

    def _price(self, box: Box, own: Place | int, *, on: bool = False) -> float:
        """What speaks against a sign of an edge or a node; ``on``: it may touch its node."""
        price = sum(_HITS_FRAME for frame in self._frames if _straddles(box, frame))
        keep = _FROM_EDGE if isinstance(own, int) else _TO_LINE
        room = grown(box, keep)
        hit: set[int] = set()
        for other, _, a, b in self._segments.around(box, keep):
            if other != own and other not in hit and passes(a, b, room):
                hit.add(other)
        price += _HITS_LINE * len(hit)
        for tile in tiles(box, _LARGEST):
            price += sum(
                _HITS_NODE
                for place in self._places.get(tile, ())
                if not (on and place is own) and _touches(box, place, own)
            )
            for other, tip in self._tips.get(tile, ()):
                if other != own and to_box(tip, box) < _TO_TIP:
                    price += _HITS_TIP
        kept = grown(box, _TO_SIGN)
        for tile in tiles(box, _TO_SIGN):
            price += sum(_HITS_SIGN for sign in self._signs.get(tile, ()) if meet(kept, sign))
        return price


def _tried(track: Track, from_start: float | None) -> list[float]:
    """Places along a track, the best first."""
    first = 16.0 if from_start is None else from_start
    last = track.length - HEAD - 8.0
    count = min(max(1, int((last - first) // _STEP)), _TRIALS)
    options = [first + step * (last - first) / count for step in range(count + 1)] if last > first else [last / 2]
    ideal = (first + last) / 2 if from_start is None else first
    return sorted(options, key=lambda along: (abs(along - ideal), along))


def _flanks(track: Track, wide: float, high: float) -> Iterator[tuple[float, Point]]:
    """Places right beside a track with how far off they are, those at its ends last."""
    for along in (*_tried(track, None), *_ENDS, *(track.length - HEAD - end for end in _ENDS)):
        (x, y), (dx, dy) = track.point(along), track.heading(along)
        for more in _FLANKS:
            off = abs(dy) * wide / 2 + abs(dx) * high / 2 + more
            yield more, (x - dy * off, y + dx * off)
            yield more, (x + dy * off, y - dx * off)


def _around(point: Point, wide: float, high: float) -> Box:
    x, y = point
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _at(place: Place, angle: int, off: float, wide: float, high: float) -> Point:
    """The centre of a box that lies in a direction from a node, ``off`` px from its border."""
    dx, dy = cos(radians(angle)), sin(radians(angle))
    reach = place.half * (1.2 if place.square and abs(dx * dy) > 0.3 else 1.0) + off
    across, down = (max(-1.0, min(1.0, 1.6 * part)) for part in (dx, dy))
    return place.x + dx * reach + across * wide / 2, place.y + dy * reach + down * high / 2


def _bend(track: Track, along: float, wide: float, high: float) -> float:
    """What it costs that a line is not straight under a sign."""
    dx, dy = track.heading(along)
    half = min(wide / max(abs(dx), 1e-6), high / max(abs(dy), 1e-6)) / 2 + 3.0
    if along - half < 0 or along + half > track.length - HEAD:
        return _BENT
    ends = track.point(along - half), track.point(along + half)
    middle = (track.point(along + share * half) for share in (-0.5, 0.0, 0.5))
    return 0.0 if max(point_to_segment(point, *ends) for point in middle) < _FLAT else _BENT


def _straddles(box: Box, frame: Box) -> bool:
    """Whether the border of a cell runs through a box."""
    return meet(grown(box, _TO_FRAME), frame) and not (
        frame[0] + _TO_FRAME < box[0]
        and frame[1] + _TO_FRAME < box[1]
        and box[2] < frame[2] - _TO_FRAME
        and box[3] < frame[3] - _TO_FRAME
    )


def _touches(box: Box, place: Place, own: Place | int) -> bool:
    """Whether a sign is at a node, nearer than it may be to its own one."""
    if place is own:
        return to_box((place.x, place.y), box) < place.half + 1.0
    if place.square:
        return meet(grown(box, _TO_NODE), _around((place.x, place.y), 2 * place.half, 2 * place.half))
    return to_box((place.x, place.y), box) < place.half + _TO_NODE + 1.0
