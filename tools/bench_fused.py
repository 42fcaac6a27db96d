"""The inference form of EfficientDet's necks against effdet: time, interleaved on one thread, and peak memory.

Example: ``python tools/bench_fused.py --presets d0 d2 --rounds 20``
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles

import torch
from live_memory import peak_bytes
from torch import Tensor, nn

import fpngraph

Call = Callable[[list[Tensor]], object]
IN_CHANNELS: Mapping[str, Sequence[int]] = {"d0": (40, 112, 320), "d2": (48, 120, 352), "d4": (56, 160, 448)}
IMAGE_SIZES: Mapping[str, int] = {"d0": 512, "d2": 768, "d4": 1024}


def effdet_neck(preset: str) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # effdet scripts functions on import, which torch no longer likes
        from effdet import get_efficientdet_config
        from effdet.efficientdet import BiFpn

    info = [{"num_chs": channels} for channels in IN_CHANNELS[preset]]
    return BiFpn(get_efficientdet_config(f"tf_efficientdet_{preset}"), info).eval()


def milliseconds(neck: Call, maps: Sequence[Tensor]) -> float:
    given = list(maps)  # effdet writes to the list that it is called with
    start = time.perf_counter()
    neck(given)
    return 1000 * (time.perf_counter() - start)


def forms(preset: str, dtypes: Sequence[torch.dtype]) -> dict[str, nn.Module]:
    """The necks by name; the others are compared with the first, effdet's."""
    neck = fpngraph.build(fpngraph.load("bifpn", preset=preset, padding="same"), IN_CHANNELS[preset]).eval()
    return {
        "effdet": effdet_neck(preset),
        "plain": neck,
        "fused": neck.fuse(),
        **{f"fused {str(dtype).removeprefix('torch.')}": neck.fuse(dtype) for dtype in dtypes},
    }


def memory(neck: nn.Module, maps: Sequence[Tensor]) -> int:
    return peak_bytes(lambda: neck(list(maps)), [*maps, *neck.parameters(), *neck.buffers()])


def report(preset: str, necks: Mapping[str, nn.Module], rounds: int, memory_format: torch.memory_format) -> None:
    maps = [
        torch.randn(1, channels, *2 * [IMAGE_SIZES[preset] >> level]).to(memory_format=memory_format)
        for level, channels in enumerate(IN_CHANNELS[preset], start=3)
    ]
    with torch.no_grad():
        bytes_of = {name: memory(neck, maps) for name, neck in necks.items()}
        times = [{name: milliseconds(neck, maps) for name, neck in necks.items()} for _ in range(rounds + 2)][2:]
    reference = [row["effdet"] for row in times]
    print(
        f"{preset}: {IMAGE_SIZES[preset]} pixels, inputs {str(memory_format).removeprefix('torch.')}, {rounds} rounds"
    )
    for name in necks:
        own = [row[name] for row in times]
        low, _, high = quantiles([mine / theirs for mine, theirs in zip(own, reference, strict=True)], n=4)
        print(
            f"  {name:15} {median(own):8.1f} ms, ratio {median(own) / median(reference):.3f} (quartiles {low:.3f} to "
            f"{high:.3f}, of the least {min(own) / min(reference):.3f})  "
            f"peak {bytes_of[name] / 2**20:7.2f} MiB, ratio {bytes_of[name] / bytes_of['effdet']:.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--presets", nargs="+", choices=IN_CHANNELS, default=["d0"], help="default: d0")
    parser.add_argument("--rounds", type=int, default=20, help="calls of each form (default: %(default)s)")
    parser.add_argument(
        "--memory-format", choices=["contiguous_format", "channels_last"], default="contiguous_format", help="of inputs"
    )
    parser.add_argument("--bfloat16", action="store_true", help="that too, for processors that compute in it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for preset in arguments.presets:
        necks = forms(preset, [torch.bfloat16] * arguments.bfloat16)
        report(preset, necks, arguments.rounds, getattr(torch, arguments.memory_format))


if __name__ == "__main__":
    main()
