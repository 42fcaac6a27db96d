"""Ways out for a reference that leads nowhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from fpngraph.errors import nearest
from fpngraph.language.members import Candidates, Key, text_of


def way_out(candidates: Candidates, visible: Collection[Key], fallbacks: Iterable[str]) -> str:
    """What there is of the family, and what can be written after ``|``: a name in scope, or one of ``fallbacks``."""
    family, index = candidates.keys[-1]
    if index is None:
        return nearest(family, map(text_of, islice(visible, 1000)))
    levels = sorted(number for name, number in visible if name == family and number is not None)
    here = f"family {family!r} has {_ranges(levels)} here" if levels else f"family {family!r} has no member here"
    names = [*islice(_same_index(candidates, visible), 1), *fallbacks] if len(candidates.text) < 60 else []
    ways = " or ".join(repr(f"{candidates.text} | {name}") for name in names)
    return f"{here}; write {ways}" if ways else here


def _same_index(candidates: Candidates, visible: Collection[Key]) -> Iterator[str]:
    """Members of other families with the index that is missing, written in the same way."""
    tried = {family for family, _ in candidates.keys}
    index = candidates.keys[-1][1]
    last = candidates.text.rpartition("|")[2].strip()
    written = last[last.index("(") :] if "(" in last else str(index)
    for family, number in visible:
        if number == index and family not in tried:
            yield f"{family}{written}"


def _ranges(numbers: list[int]) -> str:
    """``3..7`` or ``3, 5..7``."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    shown = [f"{part[0]}..{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts[:8]]
    return ", ".join(shown) + (", ..." if len(parts) > 8 else "")
