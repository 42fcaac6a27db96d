"""Decoders of segmentation-models-pytorch for a ResNet, with the library's own settings, as necks of one map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from tests.oracles.reference import Reference, library

# By decoder: the levels of the encoder that it reads, and that of its map.
LEVELS: Mapping[str, tuple[Sequence[int], int]] = {
    "deeplabv3plus": ((2, 4), 2),  # its encoder is dilated: the last map has the level of the one before
    "fpn": (range(2, 6), 2),
    "linknet": (range(1, 6), 0),
    "unet": (range(1, 6), 0),
    "unetplusplus": (range(1, 6), 0),
    "upernet": (range(2, 6), 2),
}


class Decoder(nn.Module):
    """A decoder named as in its model, which wants a map for every level of the encoder, the image included."""

    def __init__(self, decoder: nn.Module, unread: int) -> None:
        super().__init__()
        self.decoder, self.unread = decoder, unread

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        height, width = (pixels << self.unread for pixels in maps[0].shape[2:])
        image = maps[0].new_empty(1, 0, height, width)  # of which no more than the size is read
        return [self.decoder([image] * self.unread + list(maps))]


def neck(architecture: str, encoder: str = "resnet18", **settings: object) -> Reference:
    """The decoder of an architecture, for the widths of an encoder."""
    with library("segmentation-models-pytorch", "segmentation_models_pytorch"):
        import segmentation_models_pytorch as smp

        model = smp.create_model(architecture, encoder, encoder_weights=None, **settings)
    inputs, output = LEVELS[architecture]
    if settings.get("encoder_output_stride") == 8:
        inputs = (*inputs[:-1], 3)
    widths = model.encoder.out_channels
    channels = {level: widths[level] for level in inputs} | {inputs[-1]: widths[-1]}
    return Reference(Decoder(model.decoder, inputs[0]), channels, (output,), multiple=32)
