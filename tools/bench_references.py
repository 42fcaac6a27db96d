"""The necks of detectors against their references: time and peak memory, all forms in turns, on one thread.

Ultralytics' rows run as they come and as Ultralytics itself folds them; the others have no folded form. It runs where
the references are: ``make test-oracles`` makes that environment.
Example: ``.venv-oracles/bin/python -m tools.bench_references yolov8s rt_detr-r50 --rounds 20``
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from copy import deepcopy
from typing import NamedTuple

import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.bench.floor import floor
from fpngraph.bench.forms import Form, eager
from tests.oracles.reference import Reference, maps, randomised
from tests.oracles.references import torchvision, ultralytics
from tests.oracles.references.every import BACKBONE, NECKS
from tools.bench_rows import report

TOLERANCE = 1e-4  # of single precision, through some fifty convolutions with random norms


class Case(NamedTuple):
    """A reference by its name in the tests, and the graph that it is."""

    graph: str
    preset: str | None
    source: str
    file: str = ""
    scale: str | None = None


CASES = {
    "yolov5s": Case("yolov5", "s", "ultralytics", "v5/yolov5.yaml", "s"),
    "yolov8n": Case("yolov8", None, "ultralytics", "v8/yolov8.yaml", "n"),
    "yolov8s": Case("yolov8", "s", "ultralytics", "v8/yolov8.yaml", "s"),
    "yolov9c": Case("yolov9", None, "ultralytics", "v9/yolov9c.yaml"),
    "yolov10s": Case("yolov10", "s", "ultralytics", "v10/yolov10s.yaml", "s"),
    "yolo11s": Case("yolo11", "s", "ultralytics", "11/yolo11.yaml", "s"),
    "yolo12s": Case("yolo12", "s", "ultralytics", "12/yolo12.yaml", "s"),
    "yolox-s": Case("yolox", None, "mmdet.YOLOXPAFPN"),
    "rtmdet-s": Case("rtmdet", None, "mmdet.CSPNeXtPAFPN"),
    "rt_detr-r18": Case("rtdetr", "r18", "transformers.RTDetrModel"),
    "rt_detr-r50": Case("rtdetr", None, "transformers.RTDetrModel"),
    "nas_fpn": Case("nas_fpn_mmdet", None, "mmdet.NASFPN"),
    "pafpn": Case("panet", None, "mmdet.PAFPN"),
    "torchvision": Case("fpn", None, "torchvision.FeaturePyramidNetwork"),
}


def references(name: str, case: Case) -> tuple[Reference, nn.Module | None]:
    """The reference with random weights and norms, and its own folded form where it has one."""
    if not case.file:
        reference = torchvision.max_pooled(BACKBONE, 256) if name == "torchvision" else NECKS[name]()
        randomised(reference.neck).eval()
        return reference, None
    text = ultralytics.read(case.file, case.scale)
    model = randomised(ultralytics.model_of(text)).eval()
    folded = deepcopy(model).fuse(verbose=False)
    return ultralytics.cut(model, text), ultralytics.cut(folded, text).neck.eval()


def ours(case: Case, reference: Reference) -> fpngraph.Neck:
    """The graph with the weights of the reference."""
    channels = {f"C{level}": width for level, width in reference.in_channels.items()}
    neck = fpngraph.build(fpngraph.load(case.graph, preset=case.preset), channels)
    fpngraph.load_from(neck, reference.neck.state_dict(), case.source)
    return neck.eval()


def forms_of(
    reference: nn.Module,
    folded: nn.Module | None,
    neck: fpngraph.Neck,
    given: list[Tensor],
    image_size: tuple[int, int],
) -> Iterator[Form]:
    """Every form of both, for maps that are contiguous and for maps that are ``channels_last``."""
    for layout, memory_format in (("", torch.contiguous_format), (", channels_last", torch.channels_last)):
        laid_out = [x.to(memory_format=memory_format) for x in given]

        def form(name: str, module: nn.Module) -> Form:
            own = deepcopy(module).to(memory_format=memory_format)  # noqa: B023  (called before the next turn)
            return eager(f"{name}{layout}", own, laid_out)  # noqa: B023

        if folded is not None:
            yield form("reference, folded by itself", folded)
        yield form("reference", reference)
        yield form("fpngraph", neck)
        yield form("fpngraph, fused", neck.fuse())
        yield form("fpngraph, fused for the size", neck.fuse(image_sizes=[image_size]))


def assert_equal(form: Form, expected: list[Tensor]) -> None:
    """The form's outputs are those expected, but for rounding."""
    assert form.call is not None
    outputs = form.call()
    assert isinstance(outputs, list | tuple)
    for got, y in zip(outputs, expected, strict=True):
        off = float((got - y).abs().max() / y.abs().max())
        assert off <= TOLERANCE, f"{form.name} is off by {off:.1e} of the largest value"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", default=list(CASES), metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--only", metavar="FORM", help="one form, such as 'fpngraph, fused', beside the floor")
    parser.add_argument("--image-size", type=int, default=640, metavar="PIXELS", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=20, help="default: %(default)s")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    side = arguments.image_size
    for name in arguments.names:
        reference, folded = references(name, CASES[name])
        neck = ours(CASES[name], reference)
        given = maps(reference, side, side, batch=1, dtype=torch.float32)
        with torch.inference_mode():
            forms = list(forms_of(reference.neck.eval(), folded, neck, given, (side, side)))
            expected = list(reference.neck(given))
            for form in forms:
                assert_equal(form, expected)
            if arguments.only:
                forms = [form for form in forms if form.name == arguments.only]
            report(f"{name}, {side} px", forms, arguments.rounds, floor(neck.fuse(), given))


if __name__ == "__main__":
    main()
