"""The tables of docs/necks.md: what the graphs say of themselves, what follows from them, and what was measured.

Run: ``python tools/necks_doc.py [RESULTS.xml ...]``, with results of tests that compared necks, if there are any:
``pytest tests/oracles tests/equality --junitxml=RESULTS.xml``. A part of the tests updates what it measured. Times come
from ``tools/bench_necks.py``. The page around the tables is written by hand.

A new graph has its rows without a change here, as of a ResNet-50. It needs an entry of WIDTHS where it takes other
channels, one of REMARKS where its reference equals it not always, and a run of its comparison with the results.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from io import StringIO
from pathlib import Path
from typing import NamedTuple, TypeVar
from xml.etree import ElementTree

import torch

import fpngraph
from fpngraph.files import replace_file
from fpngraph.library import shipped
from fpngraph.weights.tables import shipped_tables
from tools.gallery import PICTURES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "necks.md"
DIFFERENCES, TIMES = (ROOT / "docs" / "necks" / f"{what}.csv" for what in ("differences", "times"))
MARK, END = "<!-- {}, written by tools/necks_doc.py -->\n", "<!-- end of the table -->\n"
NECKS = ["Neck", "What it is", "Picture", "Parameters", "Weights by `load_from`"]
MEASURED = ["Neck", "Lines", "Equal to", "Off by", "In training", "Time"]

NOTHING = "\N{EN DASH}"
RESNET_50 = {1: 64, 2: 256, 3: 512, 4: 1024, 5: 2048}
RESNET_18, WIDE, NARROW, LAST = (64, 128, 256, 512), (128, 256, 512), (64, 128, 256), (128, 128, 256)
EFFICIENTNET_B0, VGG, DARKNET = (40, 112, 320), (512, 1024), (256, 512, 1024)
WIDTHS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("bifpn", "pan_effdet", "qufpn"), EFFICIENTNET_B0),
    **dict.fromkeys(("linknet", "unetpp"), (64, *RESNET_18)),
    **dict.fromkeys(("semantic_fpn", "upernet"), RESNET_18),
    **dict.fromkeys(("m2det", "ssd"), VGG),
    **dict.fromkeys(("ppyoloe", "rtmdet", "yolox"), WIDE),
    **dict.fromkeys(("yolov5", "yolov8", "yolov10"), NARROW),
    **dict.fromkeys(("yolo11", "yolo12", "yolo26"), LAST),
    "asff": (256, 256, 512),
    "bfp": (256,) * 5,
    "damo_yolo": (96, 192, 384),
    "deeplabv3p": (64, 512),
    "hrfpn": (18, 36, 72, 144),
    "simple_fpn": (768,),
    "ssh": (256,) * 3,
    "yolov3": DARKNET,
    **dict.fromkeys(("gold_yolo", "mafpn", "prn", "yolov6"), (32, *NARROW)),
    "lim_yolo": (256, 512, 512),
    "yolov7": (512, 1024, 1024),
    "sta": (192, 192, 192, *NARROW),
    "clft": (96, 192, 384, 768) * 2,
    "cobicount": (64, 128, 192, 256),
    "yolov9": (512,) * 3,
}
"""The channels that a neck is usually given, by its name, where they are not those of a ResNet-50."""

REMARKS: Mapping[str, str] = {
    **dict.fromkeys(("yolo11", "yolo12", "yolo26", "yolov10"), "n to x"),
    **dict.fromkeys(("bifpn", "pan_effdet", "qufpn"), "every pair of its options"),
    **dict.fromkeys(("rtmdet", "yolox"), "tiny to x"),
    "bfp": "all three refinements",
    "carafe_fpn": "its compiled kernel in plain torch",
    "damo_yolo": "t to m",
    "deeplabv3p": "separable and not",
    "fpg": "for sides of multiples of 128",
    "gfpn": "3, 4 and 13 layers, and node for node 2 to 65",
    "hrfpn": "for sides of multiples of 64",
    "nas_fpn_mmdet": "for sides of multiples of 128",
    "nasfcos_fpn": "its deformable convolutions replaced by plain ones",
    "ppyoloe": "s to x",
    "retinanet_fpn": "mmdet's in its three forms",
    "rtdetr": "v1 and v2, R18 to R101",
    "ssd": "for images of 512x512, its norm in the maps' own type",
    "yolov5": "n to x, P6 too",
    "yolov8": "n to x, P2 too",
    "yolov9": "t to c",
}
"""What a reader has to know of the comparison, behind the names of the references."""


SOURCES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("detectron2.FPN", "mmdet.FPN", "torchvision.FeaturePyramidNetwork"), ("fpn", "retinanet_fpn")),
    "efficientdet.load_effdet": ("bifpn", "pan_effdet", "qufpn"),
    "mmdet.CSPNeXtPAFPN": ("rtmdet",),
    "mmdet.FPG": ("fpg",),
    "mmdet.HRFPN": ("hrfpn",),
    "mmdet.NASFCOS_FPN": ("nasfcos_fpn",),
    "mmdet.NASFPN": ("nas_fpn_mmdet",),
    "mmdet.PAFPN": ("panet",),
    "mmdet.SSDNeck": ("ssd",),
    "mmdet.SSH": ("ssh",),
    "mmdet.YOLOV3Neck": ("yolov3",),
    "mmdet.YOLOXPAFPN": ("yolox",),
    "modelscope.GiraffeNeckV2": ("damo_yolo",),
    "super_gradients.PPYoloECSPPAN": ("ppyoloe",),
}
"""The graphs that sources of weights are for, where their tables name no graph."""


class Difference(NamedTuple):
    """What a test found: the largest difference of an output, as part of its largest value, in either mode."""

    graph: str
    reference: str  # empty: an implementation in the tests
    version: str
    test: str
    eval: str
    training: str

    @property
    def key(self) -> tuple[str, ...]:
        return self.graph, self.reference, self.test


class Time(NamedTuple):
    """How long the fused neck takes, and the reference as it comes: milliseconds, and the ratio of the two."""

    graph: str
    reference: str
    version: str
    pixels: str
    milliseconds: str
    ratio: str

    @property
    def key(self) -> tuple[str, ...]:
        return self.graph, self.reference


Row = TypeVar("Row", Difference, Time)


def read(kind: type[Row], path: Path) -> list[Row]:
    """The rows of a file of measurements."""
    return [kind(**row) for row in csv.DictReader(StringIO(path.read_text(encoding="utf-8")))]


def merge(kind: type[Row], path: Path, found: Iterable[Row]) -> None:
    """Rows that were measured again take the place of the earlier ones, and the others stay."""
    rows = {row.key: row for row in [*read(kind, path), *found]}
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([kind._fields, *(rows[key] for key in sorted(rows))])
    replace_file(path, text.getvalue().encode())


def results(path: Path) -> Iterator[Difference]:
    """The differences in a file that pytest has written, of shipped graphs."""
    files = {fpngraph.load(name).name: name for name in shipped()}
    for test in ElementTree.parse(path).iter("testcase"):
        name = f"{test.get('classname', '').removeprefix('tests.')}.{test.get('name')}"
        for found in test.iter("property"):
            if found.get("name") == "difference":
                title, library, version, *numbers = json.loads(found.get("value", ""))
                said = ("" if number is None else f"{number:.1e}" for number in numbers)
                if title in files:
                    yield Difference(files[title], library or "", version or "", name, *said)


@cache
def channels(name: str) -> tuple[int, ...]:
    """What the neck of that name is usually given."""
    inputs = fpngraph.describe(name).inputs
    return WIDTHS.get(name) or tuple(RESNET_50[level] for level in inputs.values())


@cache
def neck(name: str) -> fpngraph.Neck:
    """The neck as its file has it by default, without numbers."""
    with torch.device("meta"):
        return fpngraph.build(fpngraph.load(name), channels(name))


def sources_of(name: str) -> list[str]:
    """What ``load_from`` takes weights of the neck by, and what else does."""
    title = neck(name).source_graph.name
    sources = [it.source for it in shipped_tables() if it.graph == title or name in SOURCES.get(it.source, ())]
    return sources + [source for source in ("efficientdet.load_effdet",) if name in SOURCES[source]]


def worst(numbers: Iterable[str]) -> str:
    """The largest of the numbers that there are."""
    return max(filter(None, numbers), key=float, default=NOTHING).replace("0.0e+00", "0")


def lines(path: Path) -> int:
    """How many lines of a graph file are neither blank nor a comment."""
    stripped = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return sum(bool(line) and not line.startswith("#") for line in stripped)


def told(name: str) -> list[str]:
    """What a graph is: its cells of the first table."""
    path, graph = shipped()[name], neck(name).source_graph
    label = f"arXiv:{graph.source.rpartition('/')[2]}" if "arxiv.org" in graph.source else "source"
    pictures = [f"[picture](gallery/{it.name}.svg)" for it in PICTURES if it.graph == name][:1]
    return [
        f"[`{name}`](../{path.relative_to(ROOT).as_posix()})",
        f"{graph.description.removesuffix('.')} ([{label}]({graph.source}))",
        *(pictures or [NOTHING]),
        f"{sum(parameter.numel() for parameter in neck(name).parameters()):,}",
        ", ".join(f"`{source}`" for source in sources_of(name)) or NOTHING,
    ]


def measured(name: str, differences: Iterable[Difference], times: Iterable[Time]) -> list[str]:
    """What was measured of a graph: its cells of the second table."""
    mine = [one for one in differences if one.graph == name]
    peers = {one.reference: f"{one.reference} {one.version}" for one in mine if one.reference}
    peers |= {"": "an implementation in the tests"} if any(not one.reference for one in mine) else {}
    equal = ", ".join(peers[peer] for peer in sorted(peers, reverse=True)) or "nothing that runs here"
    return [
        f"`{name}`",
        str(lines(shipped()[name])),
        f"{equal}, {REMARKS[name]}" if name in REMARKS else equal,
        worst(one.eval for one in mine),
        worst(one.training for one in mine),
        next((one.ratio for one in times if one.graph == name), NOTHING),
    ]


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, ["---"] * len(head), *rows])


def tables() -> Mapping[str, str]:
    """The tables of the page, by what their marks call them."""
    differences, times, names = read(Difference, DIFFERENCES), read(Time, TIMES), sorted(shipped())
    return {
        "the necks": table(NECKS, (told(name) for name in names)),
        "what was measured": table(MEASURED, (measured(name, differences, times) for name in names)),
    }


def page() -> str:
    """The page with its tables anew."""
    text = PAGE.read_text(encoding="utf-8")
    for what, written in tables().items():
        before, rest = text.split(MARK.format(what))
        text = f"{before}{MARK.format(what)}{written}{END}{rest.split(END, 1)[1]}"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("results", nargs="*", type=Path, help="what pytest wrote with --junitxml, the newest last")
    for path in parser.parse_args().results:
        merge(Difference, DIFFERENCES, results(path))
    replace_file(PAGE, page().encode())


if __name__ == "__main__":
    main()
