"""The compiled graph as it is trained: one module and one line of code per node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import fx, nn

from fpngraph.compiler.compiled import Compiled
from fpngraph.compiler.program import begin, call, end, variable
from fpngraph.feature import Feature
from fpngraph.graph.graph import Graph
from fpngraph.layers.layout import outside

if TYPE_CHECKING:
    import torch

    from fpngraph.compiler.fused_neck import FusedNeck
    from fpngraph.compiler.straight import ImageSizes


class Neck(Compiled):
    """A compiled graph: feature maps in, feature maps out. Made by ``fpngraph.build``.

    Called with a sequence of maps in the order of the graph's inputs it returns a list in the order of the
    outputs; called with a mapping by the inputs' names it returns a dict by the outputs' names.
    An output that is an input of the graph is the caller's own tensor.

    ``code`` is the forward as Python text. Copies and pickles have it written anew from ``source_graph``.
    ``torch.export`` keeps sizes open as long as every level has two pixels or more on each side.

    Shape: maps [B, C, H, W] with the channels of ``in_channels`` to maps with those of ``out_channels``.
    Raises TypeError and ValueError for maps that do not fit the graph's inputs.
    """

    _version = 2  # of the names in its state dict; those of 1 were positions in lists

    def __init__(
        self,
        graph: Graph,
        nodes: Mapping[str, nn.Module],
        *,
        in_channels: Mapping[str, int],
        outputs: Mapping[str, Feature],
    ) -> None:
        super().__init__(dict(nodes), _forward(graph, in_channels), class_name="Neck")
        self.source_graph = graph
        self.in_channels = dict(in_channels)
        self.out_channels = {name: feature.channels for name, feature in outputs.items()}
        self.out_strides = {name: feature.stride for name, feature in outputs.items()}

    def _write(self) -> fx.Graph:
        return _forward(self.source_graph, self.in_channels)

    def reset_parameters(self) -> None:
        """Give all parameters and buffers the graph's initial values again, in place, as a neck built anew has them.

        For hosts that allocate a model first, or load a checkpoint that lacks the neck. Tensors stay the same objects,
        on their devices and in their types; with the same seed the values are those of ``fpngraph.build`` on the CPU.
        Every node is made anew by its operators, whether or not their modules have a ``reset_parameters``.
        Raises ValueError, and changes nothing, where modules have other tensors than the graph gives them.
        """
        from fpngraph.compiler.builder import reset

        reset(self)

    def fuse(self, dtype: torch.dtype | None = None, *, image_sizes: ImageSizes = ()) -> FusedNeck:
        """Its inference form, a module of its own: what the neck gives in eval mode, in less time and memory.

        With a ``dtype`` it computes in that type; outputs have the inputs' type all the same. Hooks of the neck itself
        stay behind. ``unfolded`` of the result has the modules that run as they did, with the reason.

        For the maps of images of ``image_sizes``, pairs of height and width in pixels, it runs straight code, in which
        all that depends on sizes is decided: ``neck.fuse(image_sizes=[(512, 512)])``. Results are the same, bit by bit,
        and come sooner: the smaller the maps, the more. Maps of other sizes, maps with gradients, and maps under
        autocast or in a trace take the usual way. The code is made here for one image, and at the first call for
        each other batch, layout and type; it is made anew where weights or modules are others than they were.
        Raises ValueError for a module that cannot be copied, and with ``image_sizes`` for one that is hooked or not of
        this package, which may decide by more than sizes.
        """
        from fpngraph.compiler.fuse import fuse
        from fpngraph.compiler.straight import checked

        sizes = checked(image_sizes)
        fused = fuse(self, dtype)
        if sizes:
            fused.prepare(sizes)
        return fused


def _forward(graph: Graph, in_channels: Mapping[str, int]) -> fx.Graph:
    """The forward of ``graph``: unpack, the sizes of the levels, one call per node, pack.

    An output is laid out as soon as it is there, so that its gradient is laid out only when the node's turn comes.
    """
    program = fx.Graph()
    features, values, sizes = begin(program, graph, in_channels)
    like = next(iter(values.values()))
    left = dict(values)
    for name, node in graph.nodes.items():
        arguments = (sizes[node.level], *(values[edge.source] for edge in node.edges))
        values[name] = program.create_node("call_module", name, arguments, name=variable(name))
        if name in graph.outputs.values():
            left[name] = call(program, f"{name}_out", outside, values[name], like)
    end(program, features, {name: left[source] for name, source in graph.outputs.items()})
    return program
