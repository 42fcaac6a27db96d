"""A whole EfficientDet against effdet's: time and peak memory, in turns, on one thread.

The last rows are of neck and heads alone, from the maps of the backbone on.
Example: ``python tools/bench_detector.py tf_efficientdet_d0 --rounds 20``
"""

from __future__ import annotations

import argparse
import warnings

import torch
from torch import Tensor, nn

from fpngraph.bench.forms import Form, eager
from fpngraph.bench.timing import interleaved, summary
from fpngraph.efficientdet import create, names
from fpngraph.efficientdet.network import Network

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # effdet scripts functions on import, which torch no longer likes
    import effdet


class Whole(nn.Module):
    """A detector that is called with a list of one batch of images."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, given: list[Tensor]) -> object:
        return self.model(given[0])


class WithoutBackbone(nn.Module):
    """Neck and heads of one of our detectors."""

    def __init__(self, model: Network) -> None:
        super().__init__()
        self.model = model.neck, model.class_head, model.box_head

    def forward(self, maps: list[Tensor]) -> object:
        neck, class_head, box_head = self.model
        named = neck(dict(zip(neck.in_channels, maps, strict=True)))
        return class_head(named), box_head(named)


class EffdetWithoutBackbone(nn.Module):
    """Neck and heads of one of effdet's detectors."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, maps: list[Tensor]) -> object:
        fused = self.model.fpn(maps)
        return self.model.class_net(fused), self.model.box_net(fused)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("name", nargs="?", choices=names(), default="tf_efficientdet_d0", metavar="NAME")
    parser.add_argument("--rounds", type=int, default=20, help="default: %(default)s")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)

    ours = create(arguments.name).eval()
    fused = ours.fuse()
    theirs = effdet.create_model(arguments.name, pretrained_backbone=False).eval()
    image = torch.randn(1, 3, *ours.config.image_size)
    with torch.inference_mode():
        maps = theirs.backbone(image)
        whole = {"effdet": Whole(theirs), "fpngraph": Whole(ours), "fused": Whole(fused)}
        rest = {
            "effdet": EffdetWithoutBackbone(theirs),
            "fpngraph": WithoutBackbone(ours),
            "fused": WithoutBackbone(fused),
        }
        report("whole", [eager(name, module, [image]) for name, module in whole.items()], arguments.rounds)
        report("neck and heads", [eager(name, module, maps) for name, module in rest.items()], arguments.rounds)


def report(what: str, forms: list[Form], rounds: int) -> None:
    """Measure the forms in turns and print a line for each; ratios are to the first."""
    calls = {form.name: form.call for form in forms if form.call}
    found = list(interleaved(calls, rounds=rounds, device=torch.device("cpu")))
    times = {name: summary([turn[name] for turn in found]) for name in calls}
    base = times[forms[0].name]
    width = max(len(form.name) for form in forms)
    print(what)
    for form in forms:
        if form.name not in times:
            print(f"  {form.name:{width}} was not run: {form.reason}")
            continue
        mine = times[form.name]
        line = (
            f"  {form.name:{width}} {mine.median:7.1f} ms ({mine.low:.1f} to {mine.high:.1f}),"
            f" ratio {mine.median / base.median:.2f} (of the least {mine.least / base.least:.2f})"
        )
        if form.operators is not None:
            line += f", operators {form.operators}"
        if form.peak_bytes is not None:
            line += f", peak memory {form.peak_bytes / (forms[0].peak_bytes or 1):.2f}"
        print(line)


if __name__ == "__main__":
    main()
