"""What each technique of the inference form gains, switched off one at a time, and how exact it is in bfloat16.

Example: ``python -m tools.bench_techniques --preset d0 --rounds 30``
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from statistics import median
from unittest.mock import patch

import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.bench.forms import Form, eager
from fpngraph.bench.subject import Setting, of_neck
from fpngraph.bench.timing import interleaved
from fpngraph.compiler import fuse as fusing
from fpngraph.compiler import runtime
from fpngraph.inference import modules as inference
from fpngraph.inference.parts import Part
from fpngraph.layers import node
from fpngraph.layers.fusion.weighted import Weighted
from fpngraph.layers.resample.pool import _Pool
from fpngraph.ops.conv import Conv, SeparableConv
from fpngraph.ops.norm import BatchNorm
from tools.bench_training import IN_CHANNELS

IMAGE_SIZE = {"d0": (512, 512), "d2": (768, 768), "d4": (1024, 1024)}
Patches = Sequence[AbstractContextManager[object]]


def stacked(self: Weighted, maps: Iterable[Tensor]) -> Tensor:
    """A weighted sum as effdet has it: all maps at once, in a stack."""
    return (torch.stack(list(maps), dim=-1) * self.factors()).sum(dim=-1)


def convolutions(_: object, module: nn.Module) -> Sequence[Part]:
    """1x1 convolutions left to torch."""
    convs = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
    return [Part(conv, "new", absorbs=True) for conv in convs]


def variants() -> dict[str, Callable[[], Patches]]:
    """What is switched off, by what is patched for it while the form is made and while it runs."""
    return {
        "nothing": lambda: (),
        "norms folded": lambda: (patch.object(BatchNorm, "parts", lambda _, module: (Part(module, "new"),)),),
        "fusion weights folded": lambda: (patch.object(fusing, "take_factor", lambda _, factor: factor),),
        "dead maps written to": lambda: (patch.object(fusing._Plan, "_is_dead", lambda *_: False),),
        "doubled pixels added where they land": lambda: (patch.object(inference.Repeat, "add_to", lambda *_: False),),
        "channels_last inside": lambda: (
            patch.object(node, "inside", lambda x: x),
            patch.object(runtime, "outside", lambda x, _: x),
            patch.object(torch, "channels_last", torch.contiguous_format),
            patch.object(Conv, "parts", convolutions),
            patch.object(SeparableConv, "parts", convolutions),
        ),
        "1x1 convolutions as matrix products": lambda: (
            patch.object(Conv, "parts", convolutions),
            patch.object(SeparableConv, "parts", convolutions),
        ),
        "pooling without a padded copy": lambda: (patch.object(_Pool, "_modes", lambda _: ()),),
    }


class Patched(nn.Module):
    """A module that runs under patches."""

    def __init__(self, make: Callable[[], nn.Module], patches: Callable[[], Patches]) -> None:
        super().__init__()
        self.patches = patches
        with ExitStack() as stack:
            for each in patches():
                stack.enter_context(each)
            self.module = make()

    def forward(self, maps: list[Tensor]) -> object:
        with ExitStack() as stack:
            for each in self.patches():
                stack.enter_context(each)
            return self.module(maps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--preset", choices=IN_CHANNELS, default="d0", help="of EfficientDet (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=30, help="default: %(default)s")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)

    graph = fpngraph.load("bifpn", preset=arguments.preset, padding="same")
    neck = fpngraph.build(graph, IN_CHANNELS[arguments.preset]).eval()
    maps = of_neck(neck, Setting(image_size=IMAGE_SIZE[arguments.preset])).maps
    with torch.inference_mode():
        forms = [eager(name, Patched(neck.fuse, patches), maps) for name, patches in variants().items()]
        forms.append(eager("plain neck", neck, maps))
        no_stack: Callable[[], Patches] = lambda: (patch.object(Weighted, "forward", stacked),)  # noqa: E731
        forms.append(eager("plain neck, running sums", Patched(lambda: neck, no_stack), maps))
        report(forms, arguments.rounds)
        report_bfloat16(neck, maps)


def report_bfloat16(neck: fpngraph.Neck, maps: list[Tensor]) -> None:
    """What computing in bfloat16 costs in accuracy, with statistics as after a training."""
    norms = [part for part in neck.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    neck.train()([torch.cat([x, torch.randn_like(x)]) for x in maps])
    expected = neck.eval()(maps)
    pairs = list(zip(neck.fuse(torch.bfloat16)(maps), expected, strict=True))
    worst = torch.stack([(y - x).abs().max() / x.abs().max() for y, x in pairs]).max()
    typical = torch.stack([(y - x).square().mean() / x.square().mean() for y, x in pairs]).sqrt().max()
    print(
        f"bfloat16: off by {worst:.1%} of the largest value of an output at most, by {typical:.1%} in the mean square"
    )


def report(forms: Sequence[Form], rounds: int) -> None:
    """Measure in turns; ratios are medians over the rounds, of a form to the whole inference form of the same round."""
    calls = {form.name: form.call for form in forms if form.call}
    found = list(interleaved(calls, rounds=rounds, device=torch.device("cpu")))
    print("time and peak memory without ..., as multiples of the inference form's")
    for form in forms:
        ratio = median(turn[form.name] / turn["nothing"] for turn in found)
        memory = (form.peak_bytes or 0) / (forms[0].peak_bytes or 1)
        milliseconds = median(turn[form.name] for turn in found)
        print(f"  {form.name:37} {ratio:5.2f} {memory:5.2f}  ({milliseconds:.1f} ms, {form.operators} operators)")


if __name__ == "__main__":
    main()
