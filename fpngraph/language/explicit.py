"""The explicit form of a graph: the same file with every parameter, range, fallback and index worked out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fpngraph.language.expand import Expansion
from fpngraph.language.members import Candidates, Key, Member, Stage, text_of
from fpngraph.language.source import dump


def explicit(expansion: Expansion) -> str:
    """YAML text that loads again to an equal graph.

    Runs stay a ``repeat``, and a fallback stays where the runs choose differently.
    """
    spec = expansion.spec
    data: dict[str, Any] = {"fpngraph": 1, "name": spec.name}
    data |= {key: value for key, value in (("description", spec.description), ("source", spec.source)) if value}
    data["inputs"] = {entry.name: entry.level for entry in expansion.inputs}
    if expansion.defaults:
        data["defaults"] = dict(expansion.defaults)
    stages = {stage.name: _stage(stage, expansion) for stage in expansion.stages}
    data |= stages.get(None, {"stages": stages})
    data["outputs"] = {output.name: text_of(output.found) for output in expansion.outputs}
    return dump(data)


def _stage(stage: Stage, expansion: Expansion) -> dict[str, Any]:
    written: dict[str, Any] = {} if stage.repeat is None else {"repeat": stage.repeat}
    if stage.defaults:
        written["defaults"] = dict(stage.defaults)
    written["nodes"] = {text_of(member.key): _node(stage, member, expansion) for member in stage.members}
    if stage.outputs is not None:
        written["outputs"] = {}
        for position, binding in enumerate(stage.outputs):
            chosen = expansion.choices[stage.name, None, position]
            name = binding.key or next(key for key in chosen if key is not None)
            written["outputs"][text_of(name)] = _reference(binding.candidates, chosen)
    return written


def _node(stage: Stage, member: Member, expansion: Expansion) -> dict[str, Any]:
    inputs: list[Any] = []
    for position, candidates in enumerate(member.inputs):
        text = _reference(candidates, expansion.choices[stage.name, member.key, position])
        if text != "none":
            inputs.append({"from": text, **candidates.written} if candidates.written else text)
    level = {} if member.key[1] == member.level else {"level": member.level}
    rest = {key: value for key, value in member.written.items() if key != "level"}
    return {"inputs": inputs, **level, **rest}


def _reference(candidates: Candidates, chosen: Iterable[Key | None]) -> str:
    """The candidates that some run chose, in their order."""
    taken = set(chosen)
    names = [text_of(key) for key in candidates.keys if key in taken]
    return " | ".join(dict.fromkeys([*names, "none"] if None in taken else names))
