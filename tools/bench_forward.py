"""Forward of EfficientDet's D0 neck: fpngraph against effdet, interleaved, on one thread.

Example: ``python tools/bench_forward.py --model tf_efficientdet_d0 --rounds 30``
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from statistics import median, quantiles

import torch
from torch import Tensor, nn

import fpngraph

MODELS = {"tf_efficientdet_d0": "same", "efficientdet_d0": "symmetric"}  # and the padding of its weights
IN_CHANNELS = {3: 40, 4: 112, 5: 320}


def effdet_neck(model: str) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # effdet scripts functions on import, which torch no longer likes
        from effdet import get_efficientdet_config
        from effdet.efficientdet import BiFpn

    info = [{"num_chs": channels, "reduction": 2**level} for level, channels in IN_CHANNELS.items()]
    return BiFpn(get_efficientdet_config(model), info).eval()


def milliseconds(neck: Callable[[list[Tensor]], object], maps: list[Tensor]) -> float:
    given = list(maps)  # effdet writes to the list that it is called with
    start = time.perf_counter()
    neck(given)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", choices=MODELS, default="tf_efficientdet_d0", help="default: %(default)s")
    parser.add_argument("--image-size", type=int, default=512, metavar="PIXELS", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=30, help="calls of each neck (default: %(default)s)")
    parser.add_argument(
        "--memory-format", choices=["contiguous_format", "channels_last"], default="contiguous_format", help="of both"
    )
    parser.add_argument("--compile", action="store_true", help="ours through torch.compile with inductor")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    memory_format = getattr(torch, arguments.memory_format)

    graph = fpngraph.load("bifpn", preset="d0", padding=MODELS[arguments.model])
    ours = fpngraph.build(graph, list(IN_CHANNELS.values())).eval().to(memory_format=memory_format)
    if arguments.compile:
        ours.compile()
    theirs = effdet_neck(arguments.model).to(memory_format=memory_format)
    maps = [
        torch.randn(1, channels, *2 * [-(-arguments.image_size // 2**level)]).to(memory_format=memory_format)
        for level, channels in IN_CHANNELS.items()
    ]
    with torch.inference_mode():
        rounds = [(milliseconds(ours, maps), milliseconds(theirs, maps)) for _ in range(arguments.rounds + 3)][3:]

    mine, reference = (list(column) for column in zip(*rounds, strict=True))
    for name, times in (("fpngraph", mine), ("effdet", reference)):
        low, _, high = quantiles(times, n=4)
        print(f"{name:8}  {median(times):7.1f} ms  (quartiles {low:.1f} to {high:.1f}, least {min(times):.1f})")
    low, _, high = quantiles([a / b for a, b in rounds], n=4)
    print(f"ratio of medians {median(mine) / median(reference):.2f}  (quartiles of the rounds {low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
