"""A neck of detectron2 as a graph file, and the table of what its weights are called."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fpngraph.errors import GraphError, Problem
from fpngraph.files import did_you_mean
from fpngraph.importers.mmdet.config import read_plain
from fpngraph.importers.mmdet.laying import merged
from fpngraph.importers.settings import CONV, STRIDED, Findings, levels_of
from fpngraph.importers.shipped import Imported, Piece, imported, params
from fpngraph.language.yaml.value import Scalar, Value

BACKBONES = {"build_resnet_fpn_backbone": "fpn", "build_retinanet_resnet_fpn_backbone": "retinanet_fpn"}
"""What builds the backbones with a pyramid of detectron2's own, and the graph of each."""
_TOPS = {"LastLevelMaxPool": "fpn", "LastLevelP6P7": "retinanet_fpn"}
_NORMS = {"BN": "batch_norm", "SyncBN": "batch_norm", "nnSyncBN": "batch_norm", "naiveSyncBN": "batch_norm"}
_FUSIONS = {"sum": "sum", "avg": "mean"}
_STAGES = {**{f"res{level}": level for level in range(2, 6)}, **{f"s{stage}": stage + 1 for stage in range(1, 5)}}
"""The levels of the stages of a ResNet and of a RegNet."""
_REFERENCE = re.compile(r"\$\{\.([\w.]+)\}")
_GROUPS = {"GN": {"group_norm": {"groups": 32}}}


def convert(path: str | os.PathLike[str]) -> Imported:
    """As ``fpngraph.importers.from_detectron2`` says."""
    value = _read(Path(path))
    backbone = value.at(["model", "backbone"])
    kind = str(backbone.entries["_target_"].plain()) if "_target_" in backbone.entries else ""
    if kind.rpartition(".")[2] == "FPN":
        graph, found = _lazy(backbone)
    else:
        graph, found = _yacs(value)
    piece = _piece(graph, found)
    if found.problems:
        raise GraphError(found.problems)
    return imported([piece], "")


def _read(path: Path, chain: tuple[Path, ...] = ()) -> Value:
    if path.suffix == ".py":
        hint = "'LazyConfig.save(config, path)' of detectron2 writes it as YAML"
        raise GraphError([Problem("not-converted", f"{str(path)!r} would have to be run to be read", None, hint)])
    value = read_plain(path)
    base = value.entries.get("_BASE_")
    if base is None:
        return value
    said = base.plain()
    other = (path.parent / str(said)).resolve()
    if "://" in str(said) or not other.is_file():
        message = f"there is no file {str(said)!r}"
        raise GraphError([Problem("unreadable-file", message, base.span, did_you_mean(other))])
    if other in chain or other == path.resolve():
        raise GraphError([Problem("not-converted", f"{said!r} is based on itself", base.span)])
    return merged(_read(other, (*chain, path.resolve())), value)


def _yacs(value: Value) -> tuple[str, Findings]:
    """The graph, and the settings of the pyramid by their names in capitals."""
    model = value.at(["MODEL"])
    name = model.at(["BACKBONE", "NAME"])
    kind = name.plain() if isinstance(name.data, str) else "build_resnet_backbone"
    if kind not in BACKBONES:
        message, hint = f"the backbone is {kind!r}, which has no pyramid", f"there are: {', '.join(BACKBONES)}"
        raise GraphError([Problem("not-converted", message, name.span, hint)])
    found = Findings(model.at(["FPN"]))
    dilation = model.at(["RESNETS", "RES5_DILATION"])
    if isinstance(dilation.data, int) and dilation.data > 1:
        message = "'RES5_DILATION' makes res5 as fine as res4, but each map must be half of the one before"
        found.problems.append(Problem("not-converted", message, dilation.span))
    return BACKBONES[kind], found


def _lazy(backbone: Value) -> tuple[str, Findings]:
    top = backbone.entries.get("top_block")
    found = Findings(_capitals(_resolved(backbone)))
    kind = str(top.entries["_target_"].plain()).rpartition(".")[2] if top and "_target_" in top.entries else None
    if kind is None and (top is None or top.data is None):
        return "plain", found
    if kind not in _TOPS:
        found.add("TOP_BLOCK", f"there is no graph for the levels of {kind!r}", f"there are: {', '.join(_TOPS)}")
    return _TOPS.get(str(kind), "fpn"), found


def _resolved(value: Value) -> Value:
    """The entries of a mapping with those in the place of ``${.bottom_up.out_features}`` that it stands for."""
    entries = dict(value.entries)
    for key, entry in value.entries.items():
        if isinstance(entry.data, str) and (other := _REFERENCE.fullmatch(entry.data)):
            entries[key] = value.at(other[1].split("."))
    return Value(entries, value.span, value.key_spans, False)


def _capitals(value: Value) -> Value:
    entries: dict[Scalar, Value] = {str(key).upper(): it for key, it in value.entries.items()}
    return Value(entries, value.span, {str(key).upper(): it for key, it in value.key_spans.items()}, False)


def _piece(graph: str, found: Findings) -> Piece:
    said: Mapping[str, Any] = {key: it.plain() for key, it in found.value.entries.items()}
    levels = _levels(said.get("IN_FEATURES"), found)
    low, high = levels[0], levels[-1]
    last = high + {"plain": 0, "fpn": 1, "retinanet_fpn": 2}[graph]
    channels = said.get("OUT_CHANNELS", 256)
    values = params(min=low, max=last, backbone_max=high, channels=channels)
    if graph == "retinanet_fpn":
        values |= params(source=_source(said.get("TOP_BLOCK"), high), first=STRIDED)
    if fusion := _FUSIONS.get(str(said.get("FUSE_TYPE", "sum"))):
        values[("defaults", "fusion")] = fusion
    else:
        found.add("FUSE_TYPE", f"'FUSE_TYPE' is {said['FUSE_TYPE']!r}, but must be 'sum' or 'avg'")
    norm = said.get("NORM")
    if norm:
        known = _GROUPS.get(str(norm)) or found.norm("NORM", norm, _NORMS | {"GN": "group_norm"})
        values |= params(norm=known, smooth=[CONV, "norm"], lateral={"when": "always", "norm": True})
    if not isinstance(channels, int):
        found.add("OUT_CHANNELS", f"'OUT_CHANNELS' is {channels!r}, but must be an integer")
    return Piece("fpn" if graph == "plain" else graph, "detectron2.FPN", levels, range(low, last + 1), values)


def _levels(features: Any, found: Findings) -> list[int]:
    """Levels of a ResNet's stages, which are called after them."""
    names = list(map(str, features)) if isinstance(features, list) else []
    levels = levels_of([1 << _STAGES[name] for name in names if name in _STAGES])
    if not levels or len(levels) < len(names):
        said = ", ".join(names) or "nothing"
        hint = f"there are: {', '.join(_STAGES)}; each has to be half of the one before"
        found.add("IN_FEATURES", f"'IN_FEATURES' is {said}", hint)
        return [2]
    return levels


def _source(top: Any, high: int) -> str:
    """What the first level beyond the backbone's is made of."""
    said = top.get("in_feature", "res5") if isinstance(top, Mapping) else "res5"
    return f"P{said[1:]}" if str(said).startswith("p") else f"C{high}"
