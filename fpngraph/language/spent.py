"""How much a graph has said so far: the files of the graphs that it uses count together with its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Spent:
    """Counts against the limits."""

    bytes: int = 0
    values: int = 0
    inserted: int = 0
    """Values that structured parameters bring along."""
    characters: int = 0
    """Of ``$(...)``, each counted once."""
    varying: int = 0
    """Values that are worked out for each member."""
    repeated: int = 0
    """Characters of ``$(...)`` that are worked out for each member."""
    steps: int = 0
    """Operands and operators of indices."""
    edges: int = 0
    members: int = 0
    nodes: int = 0
    """All runs counted, those of a used graph at each graph that it is part of."""
    uses: int = 0
    files: dict[Path, None] = field(default_factory=dict)
    """Those that are used, links resolved, in the order in which they are read; one that is not there too."""
