"""Feature-pyramid necks as graph files: checked, shown, and compiled to torch modules.

The public names are loaded on first use, so that checking a graph never waits for torch.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as a type checker knows it; an import of typing is half of the time of importing this
if TYPE_CHECKING:
    from fpngraph.compiler import build as build
    from fpngraph.costs import Costs as Costs
    from fpngraph.costs import NodeCost as NodeCost
    from fpngraph.costs import cost as cost
    from fpngraph.drawing.files import render as render
    from fpngraph.errors import GraphError as GraphError
    from fpngraph.errors import Problem as Problem
    from fpngraph.errors import Span as Span
    from fpngraph.feature import Feature as Feature
    from fpngraph.feature import Size as Size
    from fpngraph.fused import FusedNeck as FusedNeck
    from fpngraph.graph import Graph as Graph
    from fpngraph.loader import load as load
    from fpngraph.loader import loads as loads
    from fpngraph.matching import Changed as Changed
    from fpngraph.matching import Matched as Matched
    from fpngraph.matching import load_matching as load_matching
    from fpngraph.neck import Neck as Neck
    from fpngraph.ops import Activation as Activation
    from fpngraph.ops import Cost as Cost
    from fpngraph.ops import Down as Down
    from fpngraph.ops import Fusion as Fusion
    from fpngraph.ops import Init as Init
    from fpngraph.ops import Layer as Layer
    from fpngraph.ops import Mismatch as Mismatch
    from fpngraph.ops import Norm as Norm
    from fpngraph.ops import Part as Part
    from fpngraph.ops import Site as Site
    from fpngraph.ops import Up as Up
    from fpngraph.ops import register as register
    from fpngraph.pyramid import FeaturePyramid as FeaturePyramid
    from fpngraph.shapes import infer as infer

__version__ = "0.1.0"

_PUBLIC = {
    "compiler": ("build",),
    "costs": ("Costs", "NodeCost", "cost"),
    "drawing.files": ("render",),
    "errors": ("GraphError", "Problem", "Span"),
    "feature": ("Feature", "Size"),
    "fused": ("FusedNeck",),
    "graph": ("Graph",),
    "loader": ("load", "loads"),
    "matching": ("Changed", "Matched", "load_matching"),
    "neck": ("Neck",),
    "ops": (
        *("Activation", "Cost", "Down", "Fusion", "Init", "Layer", "Mismatch", "Norm", "Part", "Site", "Up"),
        "register",
    ),
    "pyramid": ("FeaturePyramid",),
    "shapes": ("infer",),
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604  (the names of the table)


def __getattr__(name: str) -> object:
    if name == "efficientdet":
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
