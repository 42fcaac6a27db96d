"""Small necks of the shipped graphs and of graph text, with weights that tell their parts apart, and maps for them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

import fpngraph

CHANNELS = (12, 10, 14, 18)
GRAPHS: Mapping[str, Mapping[str, int]] = {
    "bifpn": {"channels": 8, "repeats": 2},
    "pan_effdet": {"channels": 8, "repeats": 1},
    "qufpn": {"channels": 8, "repeats": 1},
    "fpn": {"channels": 8},
    "retinanet_fpn": {"channels": 8},
    "panet": {"channels": 8},
    "simple_fpn": {"channels": 8},
}


def shipped(name: str) -> fpngraph.Neck:
    """The neck of a shipped graph, narrow and in eval mode."""
    graph = fpngraph.load(name, preset=None, **GRAPHS[name])
    return randomised(fpngraph.build(graph, CHANNELS[: len(graph.inputs)]))


def neck_of(nodes: str, *, inputs: str = "P(3..5)", outputs: str, channels: int = 4) -> fpngraph.Neck:
    """The neck of a graph with these ``nodes``, all inputs and nodes of ``channels``, in eval mode."""
    text = f"fpngraph: 1\nname: small\ninputs: {inputs}\ndefaults: {{channels: {channels}}}\nnodes:\n"
    lines = "".join(f"  {line.strip()}\n" for line in nodes.strip().splitlines())
    graph = fpngraph.loads(f"{text}{lines}outputs: {outputs}\n")
    return randomised(fpngraph.build(graph, [channels] * len(graph.inputs)))


def randomised(neck: fpngraph.Neck) -> fpngraph.Neck:
    """The neck itself in eval mode, with random fusion weights, biases and statistics of norms."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in neck.named_parameters():
        if parameter.dim() == 1:
            nn.init.uniform_(parameter, 0.5, 1.5, generator=generator)
        else:
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5, generator=generator)
        if name.endswith("bias"):
            nn.init.normal_(parameter, generator=generator)
    for buffer in neck.buffers():
        if buffer.is_floating_point():
            nn.init.uniform_(buffer, 0.5, 1.5, generator=generator)
    return neck.eval()


def maps(
    neck: fpngraph.Neck, height: int, width: int, *, batch: int = 2, dtype: torch.dtype = torch.float32
) -> list[Tensor]:
    """One random map per input of the neck for images of ``height`` x ``width`` pixels."""
    generator = torch.Generator().manual_seed(height * 10_000 + width)
    features = []
    for name, entry in neck.source_graph.inputs.items():
        size = [-(-pixels // 2**entry.level) for pixels in (height, width)]
        features.append(torch.randn(batch, neck.in_channels[name], *size, generator=generator).to(dtype))
    return features


def assert_close(ours: object, theirs: object, tolerance: float = 1e-5) -> None:
    """Lists or dicts of equal maps: same keys, shapes and types, values within ``tolerance``."""
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)
