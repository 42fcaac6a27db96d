"""A backbone and a neck in one module: image in, feature maps out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from fpngraph.compiler.builder import build
from fpngraph.compiler.neck import Neck
from fpngraph.compiler.straight import ImageSizes
from fpngraph.graph.graph import Graph
from fpngraph.library import describe, load
from fpngraph.pyramid.backbone import BackboneError, create_backbone, layer_matcher, map_channels
from fpngraph.pyramid.fused_pyramid import FusedPyramid
from fpngraph.pyramid.pyramid import Pyramid


class FeaturePyramid(Pyramid):
    """A backbone of timm, ``backbone``, and the compiled graph that it feeds, ``neck``.

    ``graph`` is the name of a shipped graph, the path of a file, or a graph; of the first two, ``preset`` names a set
    of parameters and ``params`` overrides single ones. The maps of the backbone are chosen by the levels of the graph's
    inputs; ``out_indices`` chooses them by their places in timm's order instead, one per input, finest first.
    A ``lean`` neck trains in less memory and more time, as that of ``fpngraph.build``.
    ``timm_arguments`` go to timm's ``create_model``.

    Shape: image [B, in_chans, H, W] to an OrderedDict, by the names of the graph's outputs, of maps [B, C, H', W'].
    Raises GraphError for the graph, BackboneError for a backbone that does not exist or does not fit it.
    """

    def __init__(  # noqa: PLR0913  (the settings of two parts)
        self,
        backbone: str,
        graph: str | os.PathLike[str] | Graph,
        *,
        pretrained: bool = False,
        in_chans: int = 3,
        out_indices: Sequence[int] | None = None,
        preset: str | None = None,
        params: Mapping[str, Any] | None = None,
        lean: bool = False,
        **timm_arguments: Any,
    ) -> None:
        known: Mapping[str, Any] = {}
        if not isinstance(graph, Graph):
            known = describe(graph, preset=preset, **(params or {})).params if timm_arguments else {}
            graph = load(graph, preset=preset, **(params or {}))
        elif preset is not None or params:
            raise ValueError("'preset' and 'params' are for the name or path of a graph, but 'graph' is loaded already")
        entries = sorted(graph.inputs.values(), key=lambda entry: entry.level)
        with _graphs_own(timm_arguments, known):
            made = create_backbone(
                backbone,
                [entry.level for entry in entries],
                out_indices=out_indices,
                pretrained=pretrained,
                in_chans=in_chans,
                **timm_arguments,
            )
        inputs = [entry.name for entry in entries]
        neck = build(graph, dict(zip(inputs, map_channels(made), strict=True)), lean=lean)
        super().__init__(made, neck, inputs)
        self.in_chans = in_chans
        self._timm = backbone, timm_arguments

    def fuse(self, dtype: torch.dtype | None = None, *, image_sizes: ImageSizes = ()) -> FusedPyramid:
        """Its inference form, a module of its own: the same maps in less time.

        Backbone and neck are folded, and maps lie in memory as is fastest. With ``dtype`` it computes in that type;
        image and maps keep theirs. The pyramid stays as it is and can be trained on.
        For images of ``image_sizes`` the neck runs straight code; see ``Neck.fuse``.
        ``unfolded`` of the result has the modules that run as they did, with the reason.
        Raises TypeError for a neck that is an inference form already, ValueError for a module that cannot be copied.
        """
        if not isinstance(self.neck, Neck):
            raise TypeError(
                f"the neck is a {type(self.neck).__name__}, but a Neck is required\n"
                "  hint: fuse the pyramid with the neck that can be trained in it"
            )
        return FusedPyramid(self, self.neck, dtype, image_sizes)

    def group_matcher(self, coarse: bool = False) -> Callable[[str], float]:
        """For timm's layer-wise learning rates: layers of the backbone as timm has them, then the neck as the last."""
        name, arguments = self._timm
        return layer_matcher(self.backbone, name, coarse=coarse, **arguments)


@contextmanager
def _graphs_own(timm_arguments: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[None]:
    """Where timm fails: a hint if it was given what the graph has a parameter for."""
    try:
        yield
    except BackboneError as error:
        name = next((name for name in timm_arguments if name in known), None)
        if name is None:
            raise
        hint = f"{name!r} is a parameter of the graph: params={{{name!r}: {timm_arguments[name]!r}}}"
        raise BackboneError(f"{error}\n  hint: {hint}") from error
