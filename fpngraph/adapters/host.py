"""What all adapters need: the error for what does not go together, and the settings of norms that hosts overwrite."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from fpngraph.compiler.builder import build
from fpngraph.compiler.neck import Neck

_SETTINGS = ("eps", "momentum")


class HostError(ValueError):
    """A neck and the detector around it do not fit each other."""


def check_order(graph: object, sorted_by: str, *, always: bool) -> None:
    """Raises HostError for a mapping with several stages that a host may have sorted: their order means something.

    ``always``: whether or not its keys are in order now. Else only where they are, as somebody rarely writes them.
    """
    stages = graph.get("stages") if isinstance(graph, Mapping) else None
    if not isinstance(graph, Mapping) or not isinstance(stages, Mapping) or len(stages) < 2:
        return
    if always or list(graph) == sorted(graph, key=str):
        raise HostError(
            f"the graph is a mapping with stages, whose order means something, but {sorted_by} sorts mappings when it "
            "saves a configuration\n  hint: give the graph as text, or as the path of a file"
        )


def restore_norms(neck: Neck) -> tuple[str, ...]:
    """Give the norms of a neck the settings of its graph again; names of those that had others.

    For hosts that set ``eps`` and ``momentum`` of every batch norm that they find. Conversion to a synchronised batch
    norm stays. Raises HostError, and changes nothing, where a host has put modules of other classes in place of norms:
    what it froze has lost its statistics.
    """
    as_built = dict(build(neck.source_graph, neck.in_channels, init=False).named_modules())
    norms = {name: part for name, part in as_built.items() if hasattr(part, "eps")}
    found = dict(neck.named_modules())
    replaced = [
        f"{name!r} is a {type(found.get(name)).__name__}, built as a {type(part).__name__}"
        for name, part in norms.items()
        if type(found.get(name)) not in (type(part), nn.SyncBatchNorm)
    ]
    if replaced:
        more = f" and {len(replaced) - 1} more" if len(replaced) > 1 else ""
        raise HostError(f"norms of the neck were replaced: {replaced[0]}{more}")
    changed = []
    for name, part in norms.items():
        for setting in _SETTINGS:
            value = getattr(part, setting, None)
            if getattr(found[name], setting, None) != value:
                setattr(found[name], setting, value)
                changed.append(name)
    return tuple(dict.fromkeys(changed))
