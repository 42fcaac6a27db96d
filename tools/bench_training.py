"""Forward and backward of EfficientDet's necks: fpngraph, plain and lean, against effdet, interleaved, on one thread.

Example: ``python tools/bench_training.py --models d0 d2 --batch-sizes 4 16 --memory-format channels_last --autocast``
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from statistics import median, quantiles

import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.bench.memory import peak_bytes

LEVELS = (3, 4, 5)
IN_CHANNELS = {"d0": (40, 112, 320), "d2": (48, 120, 352), "d4": (56, 160, 448)}
CHANNELS = {"d0": 64, "d2": 112, "d4": 224}
PREDICTIONS = 36  # of a pixel: four numbers for each of nine boxes


def necks(model: str) -> tuple[Mapping[str, nn.Module], int]:
    """The necks by name, effdet's first, in training mode, and the side of their images in pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # effdet scripts functions on import, which torch no longer likes
        from effdet import get_efficientdet_config
        from effdet.efficientdet import BiFpn

    config = get_efficientdet_config(f"tf_efficientdet_{model}")
    channels = IN_CHANNELS[model]
    theirs = BiFpn(config, [{"num_chs": count} for count in channels])
    graph = fpngraph.load("bifpn", preset=model, padding="same")
    ours = {name: fpngraph.build(graph, channels, lean=name == "lean") for name in ("default", "lean")}
    return {"effdet": theirs} | ours, config.image_size[0]


def step(neck: nn.Module, maps: list[Tensor], *, autocast: bool = False) -> Callable[[], None]:
    """One forward and backward, to the maps too, with gradients of the outputs that are drawn once."""

    def forward() -> list[Tensor]:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            found: list[Tensor] = neck(list(maps))  # effdet writes to the list that it is called with
        return found

    with torch.no_grad():
        gradients = [torch.randn_like(y) for y in forward()]

    def run() -> None:
        for leaf in (*neck.parameters(), *maps):
            leaf.grad = None
        torch.autograd.backward(forward(), gradients)

    return run


def learning(neck: nn.Module, head: nn.Module, maps: list[Tensor], *, autocast: bool = False) -> Callable[[], None]:
    """One forward and backward by way of a head and a loss, so that gradients come and go as in a detector.

    Those that are drawn once stay, and a neck that lays them out anew would hold each of them twice.
    """

    def run() -> None:
        for leaf in (*neck.parameters(), *head.parameters(), *maps):
            leaf.grad = None
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            loss = torch.stack([head(y).square().mean() for y in neck(list(maps))]).sum()
        torch.autograd.backward(loss)

    return run


def milliseconds(run: Callable[[], None]) -> float:
    """Of the processor, so that what else runs on the machine does not count."""
    start = time.process_time()
    run()
    return 1000 * (time.process_time() - start)


def measure(model: str, batch: int, rounds: int, memory_format: torch.memory_format, *, autocast: bool) -> None:
    """Print a line for each neck, with time and memory as shares of effdet's: time alone, memory with a head."""
    modules, side = necks(model)
    maps = [
        torch.randn(batch, channels, side >> level, side >> level).to(memory_format=memory_format).requires_grad_()
        for level, channels in zip(LEVELS, IN_CHANNELS[model], strict=True)
    ]
    runs = {name: step(neck.to(memory_format=memory_format), maps, autocast=autocast) for name, neck in modules.items()}
    head = nn.Conv2d(CHANNELS[model], PREDICTIONS, 1).to(memory_format=memory_format)
    bytes_ = {
        name: peak_bytes(
            learning(neck, head, maps, autocast=autocast),
            [*maps, *head.parameters(), *neck.parameters(), *neck.buffers()],
        )
        for name, neck in modules.items()
    }
    times = {name: [milliseconds(run)] for name, run in runs.items()}  # the first round is not counted
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(milliseconds(run))

    middle = {name: median(values[1:]) for name, values in times.items()}
    for name, values in times.items():
        low, _, high = quantiles(values[1:], n=4, method="inclusive")
        print(
            f"{model}, {batch} images, {name:8} {middle[name] / middle['effdet']:5.2f} of the time "
            f"(median {middle[name]:.0f} ms, quartiles {low:.0f} to {high:.0f}, least {min(values[1:]):.0f}), "
            f"{bytes_[name] / bytes_['effdet']:.3f} of the memory ({bytes_[name] / 2**20:.1f} MiB)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", nargs="+", choices=IN_CHANNELS, default=list(IN_CHANNELS), help="default: all")
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[1, 4, 16], metavar="N", help="default: 1 4 16")
    parser.add_argument("--autocast", action="store_true", help="in bfloat16, with weights of float32")
    parser.add_argument("--rounds", type=int, default=15, help="steps of each neck (default: %(default)s)")
    parser.add_argument(
        "--memory-format", choices=["contiguous_format", "channels_last"], default="contiguous_format", help="of all"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for model in arguments.models:
        for batch in arguments.batch_sizes:
            memory_format = getattr(torch, arguments.memory_format)
            measure(model, batch, arguments.rounds, memory_format, autocast=arguments.autocast)


if __name__ == "__main__":
    main()
