"""Feature-pyramid necks as graph files: checked, shown, and compiled to torch modules.

The public names are loaded on first use, so that checking a graph never waits for torch.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as a type checker knows it; an import of typing is half of the time of importing this
if TYPE_CHECKING:
    from fpngraph.analysis.costs import Costs as Costs
    from fpngraph.analysis.costs import NodeCost as NodeCost
    from fpngraph.analysis.costs import cost as cost
    from fpngraph.analysis.shapes import infer as infer
    from fpngraph.compiler.builder import build as build
    from fpngraph.compiler.fused_neck import FusedNeck as FusedNeck
    from fpngraph.compiler.neck import Neck as Neck
    from fpngraph.drawing.files import render as render
    from fpngraph.errors import GraphError as GraphError
    from fpngraph.errors import Problem as Problem
    from fpngraph.errors import Span as Span
    from fpngraph.feature import Feature as Feature
    from fpngraph.feature import Size as Size
    from fpngraph.graph.graph import Graph as Graph
    from fpngraph.inference.parts import Part as Part
    from fpngraph.language.explicit import dump as dump
    from fpngraph.library import Description as Description
    from fpngraph.library import describe as describe
    from fpngraph.library import load as load
    from fpngraph.library import loads as loads
    from fpngraph.ops import Activation as Activation
    from fpngraph.ops import Block as Block
    from fpngraph.ops import Cost as Cost
    from fpngraph.ops import Down as Down
    from fpngraph.ops import Fusion as Fusion
    from fpngraph.ops import Init as Init
    from fpngraph.ops import Layer as Layer
    from fpngraph.ops import Mismatch as Mismatch
    from fpngraph.ops import Norm as Norm
    from fpngraph.ops import Site as Site
    from fpngraph.ops import Up as Up
    from fpngraph.ops import register as register
    from fpngraph.pyramid.feature_pyramid import FeaturePyramid as FeaturePyramid
    from fpngraph.pyramid.plugged import Plugged as Plugged
    from fpngraph.pyramid.plugged import plug as plug
    from fpngraph.weights.matching import Changed as Changed
    from fpngraph.weights.matching import Matched as Matched
    from fpngraph.weights.matching import load_matching as load_matching
    from fpngraph.weights.sources import Carried as Carried
    from fpngraph.weights.sources import load_from as load_from

__version__ = "0.1.0"

_PUBLIC = {
    "compiler.builder": ("build",),
    "language.explicit": ("dump",),
    "analysis.costs": ("Costs", "NodeCost", "cost"),
    "drawing.files": ("render",),
    "errors": ("GraphError", "Problem", "Span"),
    "feature": ("Feature", "Size"),
    "compiler.fused_neck": ("FusedNeck",),
    "graph.graph": ("Graph",),
    "inference.parts": ("Part",),
    "library": ("Description", "describe", "load", "loads"),
    "weights.matching": ("Changed", "Matched", "load_matching"),
    "weights.sources": ("Carried", "load_from"),
    "compiler.neck": ("Neck",),
    "ops": (
        *("Activation", "Block", "Cost", "Down", "Fusion", "Init", "Layer", "Mismatch", "Norm", "Site", "Up"),
        "register",
    ),
    "pyramid.feature_pyramid": ("FeaturePyramid",),
    "pyramid.plugged": ("Plugged", "plug"),
    "analysis.shapes": ("infer",),
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
