"""A neck of mmdet as a graph file, and the table of what its weights are called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fpngraph.errors import GraphError, Problem, listed
from fpngraph.importers.mmdet.backbones import strides_of
from fpngraph.importers.mmdet.config import Found, find_neck, read_config
from fpngraph.importers.mmdet.necks import RULES
from fpngraph.importers.settings import Findings, levels_of
from fpngraph.importers.shipped import Imported, Piece, imported, table_within
from fpngraph.language.keys.findings import validate
from fpngraph.language.yaml.value import Value

_AFTER = "BFP"
"""What may stand behind another neck."""


def convert(path: str | os.PathLike[str], strides: Sequence[int] | None = None) -> Imported:
    """As ``fpngraph.importers.from_mmdet`` says."""
    found = find_neck(read_config(Path(path)))
    levels: Sequence[int] = _levels(found, strides)
    pieces: list[Piece] = []
    problems: list[Problem] = []
    for place, neck in enumerate(found.necks):
        piece = _piece(neck, levels, problems, place)
        if piece is None:
            break
        pieces.append(piece)
        levels = piece.outputs
    if problems:
        raise GraphError(problems)
    result = imported(pieces, "Necks of a configuration of mmdet, one after the other.")
    if found.listed and len(pieces) == 1:  # a detector holds even one of a list as the first of several
        return Imported(result.text, table_within(pieces[0], "", "0."))
    return result


def _levels(found: Found, strides: Sequence[int] | None) -> list[int]:
    """The levels of the maps that the first neck is given."""
    known = list(strides) if strides else strides_of(found.backbone)
    first = found.necks[0]
    channels = first.at(["in_channels"]).data
    number = len(channels) if isinstance(channels, tuple) else None
    span = found.backbone.span if found.backbone is not None else first.span
    if known is None:
        kind = found.backbone.entries.get("type") if found.backbone is not None and found.backbone.entries else None
        what = f"of a backbone {kind.plain()!r}" if kind else "of the backbone"
        hint = "--strides says them: --strides 4,8,16,32"
        raise GraphError([Problem("not-converted", f"the strides {what} are not known", span, hint)])
    if number not in (None, len(known)):
        message = f"the backbone gives {len(known)} maps, of the strides {listed(known)}, but the neck takes {number}"
        raise GraphError([Problem("not-converted", message, first.at(["in_channels"]).span)])
    levels = levels_of(known)
    if levels is None:
        message = f"the backbone's maps have the strides {listed(known)}, but each must be twice the one before"
        raise GraphError([Problem("not-converted", message, span)])
    return levels


def _piece(neck: Value, levels: Sequence[int], problems: list[Problem], place: int) -> Piece | None:
    kind = neck.entries.get("type")
    name = str(kind.plain()).removeprefix("mmdet.") if kind is not None else None
    span = kind.span if kind is not None else neck.span
    if name is None or name not in RULES:
        what = "the neck has no 'type'" if name is None else f"there is no graph for the neck {name!r}"
        problems.append(Problem("not-converted", what, span, f"there are: {', '.join(RULES)}"))
        return None
    if place and name != _AFTER:
        message = f"{name!r} is the neck after another one, but only {_AFTER!r} may be"
        problems.append(Problem("not-converted", message, span, "convert each by itself, and join the files by 'use'"))
        return None
    model, rule = RULES[name]
    said = validate(model, neck, problems, neck.plain())
    if said is None:
        return None
    findings = Findings(neck)
    piece = rule(said, levels, findings)
    problems += findings.problems
    return piece
