"""Nodes that are alike level by level as one entry of a family: ``T(3..4): {inputs: [T(l+1) | C(l+1), C(l)]}``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

_NAME = re.compile(r"([A-Za-z_]+)(\d+)")
Entry = Mapping[str, Any]
"""A node as a graph file has it: ``inputs``, of which each is a mapping with ``from``, ``channels``, ``op``."""


def families(nodes: Mapping[str, Entry], known: Sequence[str]) -> dict[str, Entry]:
    """The entries of nodes, of which those in a row that differ by their level alone are one.

    ``known`` are the names of all inputs and nodes.
    """
    entries: dict[str, Entry] = {}
    left = dict(nodes)
    for name in nodes:
        run = {name: left.pop(name)} if name in left else {}
        found: Mapping[str, Entry] = run
        while (follower := _follower(run, left)) and (merged := _merged({**run, follower: left[follower]}, known)):
            run[follower] = left.pop(follower)
            found = merged
        entries |= found
    return entries


def _follower(run: Mapping[str, Entry], left: Mapping[str, Entry]) -> str | None:
    """A node of the family of a run that stands a level beside it."""
    levels = [_split(name)[1] for name in run]
    family = _split(next(iter(run), ""))[0]
    beside = (f"{family}{level}" for level in (min(levels) - 1, max(levels) + 1)) if levels else ()
    return next((name for name in beside if name in left), None)


def _split(name: str) -> tuple[str, int]:
    found = _NAME.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, -1)


def _merged(run: Mapping[str, Entry], known: Sequence[str]) -> dict[str, Entry] | None:
    """One entry for all; None where they differ by more than their level."""
    levels = [_split(name)[1] for name in run]
    entries = list(run.values())
    first = entries[0]
    others = [{key: value for key, value in entry.items() if key != "inputs"} for entry in entries]
    if len({other.get("channels") for other in others}) > 1 and all("channels" in other for other in others):
        by_level = dict(sorted((level, other["channels"]) for level, other in zip(levels, others, strict=True)))
        others = [{**other, "channels": by_level} for other in others]
    if any(other != others[0] for other in others) or len({len(entry["inputs"]) for entry in entries}) > 1:
        return None
    inputs: list[Any] = []
    for slot in range(len(first["inputs"])):
        edges = [entry["inputs"][slot] for entry in entries]
        settings = [{key: value for key, value in edge.items() if key != "from"} for edge in edges]
        reference = _reference([edge["from"] for edge in edges], levels, known)
        if reference is None or any(it != settings[0] for it in settings):
            return None
        inputs.append({"from": reference, **settings[0]})
    family, _ = _split(next(iter(run)))
    return {f"{family}({min(levels)}..{max(levels)})": {"inputs": inputs, **others[0]}}


def _reference(sources: Sequence[str], levels: Sequence[int], known: Sequence[str]) -> str | None:
    """A reference that stands for each of the sources in the member of its level."""
    found = dict.fromkeys(
        (family, level - own) for (family, level), own in zip(map(_split, sources), levels, strict=True)
    )
    for order in permutations(found):
        chosen = (
            next((name for family, offset in order if (name := f"{family}{own + offset}") in known), None)
            for own in levels
        )
        if all(name == source for name, source in zip(chosen, sources, strict=True)):
            return " | ".join(f"{family}({_index(offset)})" for family, offset in order)
    return None


def _index(offset: int) -> str:
    return "l" if offset == 0 else f"l{offset:+d}"
