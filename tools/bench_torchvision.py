"""torchvision's FeaturePyramidNetwork against the graph fpn: time and peak memory, in turns, on one thread.

Example: ``python tools/bench_torchvision.py --rounds 20``
"""

from __future__ import annotations

import argparse

import torch
from bench_rows import report
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

import fpngraph
from fpngraph.bench.forms import eager

IN_CHANNELS = {3: 512, 4: 1024, 5: 2048}  # of a ResNet-50


class Peer(nn.Module):
    """torchvision's pyramid, called with a list of maps as ours is."""

    def __init__(self) -> None:
        super().__init__()
        self.pyramid = FeaturePyramidNetwork(list(IN_CHANNELS.values()), 256, LastLevelMaxPool())

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        named = {str(level): x for level, x in zip(IN_CHANNELS, maps, strict=True)}
        return list(self.pyramid(named).values())


def carry(peer: Peer, ours: fpngraph.Neck) -> None:
    """Give ``ours`` the weights of ``peer``."""
    state = peer.pyramid.state_dict()
    names = {"inner_blocks": "M{0}.edges.C{0}.project.conv", "layer_blocks": "P{}.op.conv"}
    ours.load_state_dict(
        {
            f"{name.format(level)}.{kind}": state[f"{block}.{index}.0.{kind}"]
            for block, name in names.items()
            for index, level in enumerate(IN_CHANNELS)
            for kind in ("weight", "bias")
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--image-size", type=int, default=512, metavar="PIXELS", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=20, help="default: %(default)s")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    peer = Peer().eval()
    ours = fpngraph.build(fpngraph.load("fpn", min=3), list(IN_CHANNELS.values())).eval()
    carry(peer, ours)
    maps = [
        torch.randn(1, channels, *2 * [-(-arguments.image_size // 2**level)]) for level, channels in IN_CHANNELS.items()
    ]
    for memory_format in (torch.contiguous_format, torch.channels_last):
        given = [x.to(memory_format=memory_format) for x in maps]
        for module in (peer, ours):
            module.to(memory_format=memory_format)
        with torch.inference_mode():
            forms = [
                eager("torchvision", peer, given),
                eager("fpngraph", ours, given),
                eager("fused", ours.fuse(), given),
            ]
            for y, expected in zip(ours(list(given)), peer(list(given)), strict=True):
                torch.testing.assert_close(y, expected, rtol=1e-4, atol=1e-4)
            report(str(memory_format), forms, arguments.rounds)


if __name__ == "__main__":
    main()
