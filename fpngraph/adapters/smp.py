"""A graph as the decoder of segmentation_models_pytorch: any of its encoders, and masks of the size of the image."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Self

import segmentation_models_pytorch as smp
from segmentation_models_pytorch.base.initialization import initialize_head
from torch import Tensor, nn
from torch.nn import functional as F

from fpngraph.adapters.host import HostError
from fpngraph.graph.graph import Graph
from fpngraph.language.explicit import dump
from fpngraph.pyramid.plugged import GraphLike, plug


class FPNGraph(smp.base.SegmentationModel):
    """An encoder of smp, a decoder that a graph makes, and smp's heads.

    ``encoder_name``, ``encoder_depth``, ``encoder_weights``, ``in_channels``, ``classes``, ``activation`` and
    ``aux_params`` are those of smp's own models; other arguments go to the encoder. ``graph``, ``preset``, ``params``,
    ``folder`` and ``lean`` are those of ``fpngraph.plug``. ``output`` names the one map that masks are made from, where
    the graph gives several. Images can be of any size. The decoder starts with the weights that the graph gives it.

    Shape: image [B, in_channels, H, W] to masks [B, classes, H, W], with ``aux_params`` to a pair of masks and labels.
    Raises HostError where the graph gives several maps and ``output`` does not choose, GraphError for the graph.

    >>> model = FPNGraph("resnet18", "semantic_fpn", encoder_weights=None, classes=3)
    >>> model(torch.zeros(1, 3, 129, 161)).shape
    torch.Size([1, 3, 129, 161])
    """

    requires_divisible_input_shape = False

    def __new__(cls, *args: Any, **arguments: Any) -> Self:
        """What smp keeps of the arguments for ``save_pretrained`` has to be text."""
        kept = {name: _as_text(value) for name, value in arguments.items()}
        made: Self = super().__new__(cls, *map(_as_text, args), **kept)
        return made

    def __init__(  # noqa: PLR0913  (smp's arguments, and a graph's)
        self,
        encoder_name: str = "resnet34",
        graph: GraphLike = "semantic_fpn",
        *,
        encoder_depth: int = 5,
        encoder_weights: str | None = "imagenet",
        in_channels: int = 3,
        classes: int = 1,
        activation: Any = None,
        aux_params: Mapping[str, Any] | None = None,
        output: str | None = None,
        preset: str | None = None,
        params: Mapping[str, Any] | None = None,
        folder: str | os.PathLike[str] | None = None,
        lean: bool = False,
        **encoder: Any,
    ) -> None:
        super().__init__()
        encoder.pop("_model_class", None)  # smp's note in what it saved
        self.encoder = smp.encoders.get_encoder(
            encoder_name, in_channels=in_channels, depth=encoder_depth, weights=encoder_weights, **encoder
        )
        of_graph: dict[str, Any] = {"preset": preset, "params": params, "folder": folder, "lean": lean}
        self.decoder = Decoder(self.encoder, graph, output=output, **of_graph)
        width = self.decoder.out_channels
        self.segmentation_head = smp.base.SegmentationHead(width, classes, kernel_size=1, activation=activation)
        self.classification_head = None
        if aux_params is not None:
            self.classification_head = smp.base.ClassificationHead(self.encoder.out_channels[-1], **aux_params)
        self.name = f"fpngraph-{encoder_name}"
        initialize_head(self.segmentation_head)
        if self.classification_head is not None:
            initialize_head(self.classification_head)
        self.config.update(graph=self.decoder.text, output=None, preset=None, params=None, folder=None)

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        maps = self.encoder(image)
        convolution, _, activation = self.segmentation_head
        # as smp's own heads enlarge masks, but to the image, of whatever size
        masks = F.interpolate(convolution(self.decoder(maps)), image.shape[-2:], mode="bilinear", align_corners=True)
        masks = activation(masks)
        return masks if self.classification_head is None else (masks, self.classification_head(maps[-1]))


class Decoder(nn.Module):
    """A graph behind an encoder of smp, in the place of one of smp's decoders; ``plugged.neck`` is the compiled graph.

    The arguments are those of :class:`FPNGraph`. Of several maps of one stride, as dilated encoders have them, the
    graph is given the last.

    Shape: the encoder's maps, from that of stride 1 on, to one map [B, ``out_channels``, H', W'].
    """

    def __init__(self, encoder: nn.Module, graph: GraphLike, *, output: str | None = None, **arguments: Any) -> None:
        super().__init__()
        channels: Sequence[int] = encoder.out_channels  # type: ignore[assignment]  # smp's encoders have a list
        coarsest: int = encoder.output_stride  # type: ignore[assignment]  # a number
        places = {min(1 << place, coarsest): place for place, width in enumerate(channels) if width}
        have = {stride: channels[place] for stride, place in places.items()}
        self.plugged = plug(graph, have, outputs=output and [output], **arguments)
        if len(self.plugged.names) > 1:
            names = ", ".join(self.plugged.names)
            raise HostError(
                f"the graph gives {len(self.plugged.names)} maps, but masks are made from one: {names}\n"
                f"  hint: choose it, such as output={self.plugged.names[0]!r}"
            )
        self.out_channels = self.plugged.out_channels[0]
        self._places = tuple(places.values())

    @property
    def text(self) -> str:
        """The graph as text, with what its parameters came to, as ``save_pretrained`` keeps it."""
        return dump(self.plugged.neck.source_graph)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        result: Tensor = self.plugged([maps[place] for place in self._places])[0]
        return result


def _as_text(value: Any) -> Any:
    return dump(value) if isinstance(value, Graph) else value
