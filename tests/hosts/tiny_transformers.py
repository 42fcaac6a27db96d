"""Small detectors and segmenters of transformers, with random weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tests.oracles.reference import library

HINT = "'make test-hosts' runs this"
RESNET = {"depths": [1, 1, 1, 1], "hidden_sizes": [8, 12, 16, 24], "embedding_size": 8, "layer_type": "basic"}
WIDTH = 32
ATTENTION = {
    "d_model": WIDTH,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": WIDTH,
    "decoder_ffn_dim": WIDTH,
    "num_queries": 8,
    "num_labels": 3,
}
RT_DETR = ATTENTION | {
    "encoder_hidden_dim": WIDTH,
    "encoder_in_channels": [12, 16, 24],
    "decoder_in_channels": [WIDTH] * 3,
    "num_denoising": 4,
}


ROUNDING = 1e-5
"""Torch's kernels round by where in memory a weight lies, and one from a file lies elsewhere."""


def both() -> tuple[Any, Any]:
    """transformers and our adapter to it. A test that asks for them is skipped where transformers is missing."""
    with library("transformers", hint=HINT):
        import transformers

        import fpngraph.adapters.transformers as ours

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
    return transformers, ours


def rt_detr_config(kind: str = "RTDetr", *, plain: bool = False, **settings: Any) -> Any:
    """The configuration of a small RT-DETR, RT-DETRv2 or D-FINE, of ours or of transformers' own."""
    transformers, ours = both()
    backbone = transformers.RTDetrResNetConfig(out_indices=[2, 3, 4], **RESNET)
    made = getattr(transformers, f"{kind}Config") if plain else getattr(ours, f"FPNGraph{kind}Config")
    return made(**({"backbone_config": backbone} | RT_DETR | settings))


def detector(config: Any, kind: str, seed: int = 0) -> Any:
    """A detector of that configuration, of ours or of transformers' own, in eval mode."""
    transformers, ours = both()
    torch.manual_seed(seed)
    name = f"{kind}ForObjectDetection"
    return getattr(transformers, name)(config).eval() if hasattr(transformers, name) else getattr(ours, name)(config)


def boxes(images: int = 2) -> list[dict[str, torch.Tensor]]:
    label = {"class_labels": torch.tensor([1]), "boxes": torch.tensor([[0.5, 0.5, 0.4, 0.3]])}
    return [label] * images


def losses(model: nn.Module, steps: int = 3, **batch: Any) -> list[float]:
    """The losses of some steps on one batch, with the same random numbers in each."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    values = []
    for _ in range(steps):
        torch.manual_seed(1)
        loss = model.train()(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    return values


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())
