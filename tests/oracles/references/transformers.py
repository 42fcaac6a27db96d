"""Necks of transformers' detectors: the projections of a backbone's maps and the hybrid encoder behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from tests.oracles.reference import Reference, library

BASIC = {"depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512], "layer_type": "basic"}
# What differs from the configuration's defaults, which are those of a ResNet-50.
SIZES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "r18": (BASIC, {"encoder_in_channels": [128, 256, 512], "hidden_expansion": 0.5}),
    "r34": (BASIC | {"depths": [3, 4, 6, 3]}, {"encoder_in_channels": [128, 256, 512], "hidden_expansion": 0.5}),
    "r50m": ({}, {"hidden_expansion": 0.5}),
    "r50": ({}, {}),
    "r101": (
        {"depths": [3, 4, 23, 3]},
        {"encoder_hidden_dim": 384, "encoder_ffn_dim": 2048, "decoder_in_channels": [384, 384, 384]},
    ),
}


class HybridEncoder(nn.Module):
    """Projections and encoder of a model, named as in the model: ``encoder.fpn_blocks.0.conv1.conv.weight``."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder_input_proj, self.encoder = model.encoder_input_proj, model.encoder

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        projected = [project(x) for project, x in zip(self.encoder_input_proj, maps, strict=True)]
        return list(self.encoder(projected).last_hidden_state)


def rt_detr(size: str, version: str = "") -> Reference:
    """The neck of RT-DETR with the backbone of that size, or of RT-DETRv2 with ``version="V2"``."""
    backbone, settings = SIZES[size]
    with library("transformers"):
        import transformers

        config = getattr(transformers, f"RTDetr{version}Config")(
            backbone_config=transformers.RTDetrResNetConfig(out_indices=[2, 3, 4], **backbone), **settings
        )
        return _neck(getattr(transformers, f"RTDetr{version}Model")(config), config)


def d_fine() -> Reference:
    """The neck of D-FINE as its configuration has it by default."""
    with library("transformers"):
        import transformers

        config = transformers.DFineConfig()
        return _neck(transformers.DFineModel(config), config)


class PixelDecoder(nn.Module):
    """The pixel decoder of a MaskFormer, named as in ``model.pixel_level_module``."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        return [self.decoder(list(maps)).last_hidden_state]


def maskformer() -> Reference:
    """The pixel decoder of a MaskFormer with the widths of a ResNet-50, and mask features of another width."""
    widths = {2: 256, 3: 512, 4: 1024, 5: 2048}
    with library("transformers"):
        from transformers.models.maskformer.modeling_maskformer import MaskFormerPixelDecoder

        *lateral, last = widths.values()
        decoder = MaskFormerPixelDecoder(last, lateral, feature_size=256, mask_feature_size=128)
    return Reference(PixelDecoder(decoder), widths, (2,))


def _neck(model: Any, config: Any) -> Reference:
    # Maps are enlarged by 2, so that those of other sizes do not meet.
    return Reference(HybridEncoder(model), dict(enumerate(config.encoder_in_channels, 3)), (3, 4, 5), multiple=32)
