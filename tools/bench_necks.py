"""The time of our fused necks over that of their references in eval mode, in turns, on one thread, in float32.

It runs where the references are, which ``make test-oracles`` makes, adds to docs/necks/times.csv what it measures, and
leaves the rest there. A reference of which a part was replaced to run here has no time.
Example: ``.venv-oracles/bin/python -m tools.bench_necks fpn panet --rounds 10``
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import nn

import fpngraph
from fpngraph.bench.timing import interleaved
from fpngraph.efficientdet.neck_weights import neck_state_from_effdet
from tests.differences import library_of
from tests.oracles.pairing import carry, pairs
from tests.oracles.reference import Reference, maps, randomised
from tests.oracles.references import mmdet, mmdet_replaced, modelscope, smp, torchvision
from tests.oracles.references.every import BACKBONE, NECKS
from tools.necks_doc import TIMES, Time, channels, merge, sources_of

TOLERANCE = 1e-4  # of single precision, through some fifty convolutions with random norms


class Case(NamedTuple):
    """A reference, and what the graph's parameters and image have to be for it, where not as by default."""

    reference: Callable[[], Reference]
    params: Mapping[str, Any] = {}
    source: str | None = None
    """Of the weights; by default the first that the page has."""
    side: int = 640


def effdet(name: str) -> Reference:
    """The neck of EfficientDet-D0, or another of its cells."""
    from tests.equality.effdet_reference import Options, effdet_neck

    options = Options(fpn_name=name, fpn_channels=64, fpn_cell_repeats=3)
    return Reference(effdet_neck(options, channels("bifpn"), (512, 512)), dict(enumerate(channels("bifpn"), 3)), ())


COARSE = {level: width for level, width in BACKBONE.items() if level > 2}
TORCHVISION = "torchvision.FeaturePyramidNetwork"
EQUAL = dict.fromkeys(range(3, 6), 256)
CASES: Mapping[str, Case] = {
    **{name: Case(partial(effdet, cell), side=512) for name, cell in (("bifpn", "bifpn_fa"), ("qufpn", "qufpn_fa"))},
    "pan_effdet": Case(partial(effdet, "pan_fa"), side=512),
    "fpn": Case(partial(torchvision.max_pooled, BACKBONE, 256), source=TORCHVISION),
    "retinanet_fpn": Case(partial(torchvision.convolved, COARSE, 256), source=TORCHVISION),
    "bfp": Case(partial(mmdet_replaced.bfp, 256, range(2, 7), "non_local")),
    "libra": Case(partial(mmdet_replaced.libra, BACKBONE, 256, range(2, 7))),
    "ssh": Case(partial(mmdet.neck, "SSH", EQUAL, range(3, 6), num_scales=3, out_channels=[256] * 3)),
    "gfpn": Case(
        partial(modelscope.gfpn, COARSE | {6: 2048, 7: 2048}, 5, 256, 256, separable=False), {"backbone_max": 7}
    ),
    "deeplabv3p": Case(partial(smp.neck, "deeplabv3plus")),
    "maskformer_fpn": Case(NECKS["maskformer"], {"mask": 128}),
    **{
        graph: Case(NECKS[reference])
        for graph, reference in {
            "damo_yolo": "damo_yolo-t",
            "fpg": "fpg",
            "hrfpn": "hrfpn",
            "linknet": "smp-linknet",
            "nas_fpn_mmdet": "nas_fpn",
            "panet": "pafpn",
            "ppyoloe": "pp_yoloe-s",
            "rtdetr": "rt_detr-r50",
            "rtmdet": "rtmdet-s",
            "semantic_fpn": "smp-fpn",
            "unetpp": "smp-unetplusplus",
            "upernet": "smp-upernet",
            "yolo11": "yolo11n",
            "yolo12": "yolo12n",
            "yolo26": "yolo26n",
            "yolov10": "yolov10n",
            "yolov3": "yolov3-mmdet",
            "yolov5": "yolov5n",
            "yolov8": "yolov8n",
            "yolov9": "yolov9c",
            "yolox": "yolox-s",
        }.items()
    },
}
PREFIXED = {"linknet", "unetpp", "upernet", "semantic_fpn", "deeplabv3p", "maskformer_fpn"}


def fused(name: str, case: Case, reference: Reference) -> nn.Module:
    """Our neck with the weights of the reference."""
    graph = fpngraph.load(name, **case.params)
    given = tuple(reference.in_channels.values())
    assert case.params or given == channels(name), f"{name} is given {channels(name)}, its reference {given}"
    neck = fpngraph.build(graph, given)
    state = reference.neck.state_dict()
    source = case.source or next(iter(sources_of(name)), None)
    if source is None:
        nodes = {node: f"cell.giraffeNeck.fnode.{number}" for number, node in enumerate(graph.nodes)}
        carry(neck, reference.neck, pairs(neck, reference.neck, nodes))
    elif source == "efficientdet.load_effdet":
        neck.load_state_dict(neck_state_from_effdet(state, neck))
    else:
        fpngraph.load_from(neck, state, source, prefix="decoder." if name in PREFIXED else "")
    return neck.eval().fuse()


def measured(name: str, rounds: int) -> Time:
    """Both in turns, once their outputs are equal."""
    case = CASES[name]
    reference = case.reference()
    theirs = randomised(reference.neck).eval()
    ours = fused(name, case, reference)
    given = maps(reference, case.side, case.side, batch=1, dtype=torch.float32)
    with torch.inference_mode():
        outputs = [sorted(neck(list(given)), key=lambda y: -y.shape[-1]) for neck in (ours, theirs)]
        for y, expected in zip(*outputs, strict=True):
            off = float((y - expected).abs().max() / expected.abs().max())
            assert off <= TOLERANCE, f"{name} is off by {off:.1e} of the largest value"
        calls = {"ours": lambda: ours(list(given)), "theirs": lambda: theirs(list(given))}
        turns = list(interleaved(calls, rounds=rounds, device=torch.device("cpu")))
    mine, other = (median(turn[whose] for turn in turns) for whose in calls)
    library = library_of(theirs) or ""
    return Time(name, library, version(library), str(case.side), f"{other:.1f}", f"{mine / other:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", default=list(CASES), metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=10, help="default: %(default)s")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.names:
        found = measured(name, arguments.rounds)
        print(*found)
        merge(Time, TIMES, [found])


if __name__ == "__main__":
    main()
