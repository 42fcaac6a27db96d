"""A way of an edge over the page: a curve, and what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass, field

from fpngraph.drawing.layout.geometry import Curve
from fpngraph.drawing.layout.penalties import Stroke, Tile, between, stroke
from fpngraph.drawing.layout.wishes import Wish


@dataclass(slots=True, eq=False)
class Way:
    """A curve that a wish could take, with what its shape and the nodes say against it."""

    price: float
    curve: Curve
    wish: Wish
    stroke: Stroke
    _tiles: frozenset[Tile] = frozenset()
    _copies: tuple[Stroke, ...] = ()
    _known: dict[Way, float] = field(default_factory=dict)

    def copies(self) -> tuple[Stroke, ...]:
        """The stroke at every place where the wish's edges are."""
        if not self._copies:
            pairs = zip(self.wish.ends, self.wish.shifts, strict=True)
            self._copies = tuple(
                stroke(*ends, self.wish.direction, self.curve.shifted(shift)) if shift else self.stroke
                for ends, shift in pairs
            )
        return self._copies

    @property
    def tiles(self) -> frozenset[Tile]:
        """Where the stroke may meet something. Asked of few: worked out once, and not before."""
        if not self._tiles:
            self._tiles = self.stroke.tiles()
        return self._tiles

    def against(self, other: Way) -> float:
        """What another way that is taken says against this one."""
        found = self._known.get(other)
        if found is None:
            # one that has no copies may meet any of the other's
            mine = self.copies() if len(other.wish.keys) == 1 else (self.stroke,)
            found = sum(between(one, two) for one in mine for two in other.copies())
            self._known[other] = found
        return found

    def against_itself(self) -> float:
        """What its copies in two runs after each other say against one another."""
        copies = self.copies()
        return between(*copies[:2]) if len(copies) > 1 else 0.0

    def telling(self) -> tuple[Stroke, ...]:
        """The stroke where it stands first, in the run before and in the last, which have other neighbours."""
        copies = self.copies()
        return tuple({id(copy): copy for copy in (*copies[:2], copies[-1])}.values())
