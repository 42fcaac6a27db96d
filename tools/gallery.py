"""The pictures of the gallery: every shipped graph as SVG, a page that shows them, and the references of their test.

Run: python tools/gallery.py    (writes docs/gallery, docs/language and tests/drawing/references)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from fpngraph.drawing import Scene, draw
from fpngraph.drawing.formats import png, svg
from fpngraph.library import load, loads

if TYPE_CHECKING:
    from PIL.Image import Image

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "gallery"
REFERENCES = ROOT / "tests" / "drawing" / "references"
LANGUAGE = ROOT / "docs" / "language.md"
_SHOWN = re.compile(
    r"^<!-- file: (\w+)\.yaml; in_channels: ([\d, ]+); picture: \1\.svg -->\n```yaml\n(.*?)^```$", re.M | re.S
)

HEAD = """\
# Gallery

Pictures of all necks that come with fpngraph, each with the command that draws it. [In a paper](#in-a-paper) shows how to
make a figure. The colours follow your setting for light or dark. `make gallery` draws this folder again.

{index}

## In a paper

```
fpngraph render panet --width 3.4in --theme print -o panet.pdf
fpngraph render bifpn --direction up --width 3.4in --cell "bifpn=BiFPN cell" --in-channels 40,112,320 -o bifpn.pdf
fpngraph render nas_fpn --direction up --width 10cm --node-labels ops --theme grey -o nas_fpn.pdf
```

- `--width` is the width of the column: 3.4in, 86mm, 245pt. The picture is cropped, and its fonts are embedded. Columns
  move closer together if needed. If the smallest text had less than 5 pt, the message tells which width is enough.
- If one row is too wide, cells continue in rows below; `--rows 2` sets how many. Maps that a row reads from the row above
  are drawn again, pale and dashed. If an edge comes too near to a node in all of these ways, a warning names both, and
  what may help.
- `--direction up` makes a long neck narrow. `--collapse` draws equal runs once.
- `--theme grey` has no colours. `--theme print` has CMYK colours in a PDF, with greys in black ink alone.
- `--title`, `--cell STAGE=TEXT` and `--legend beside` put your words and the legend where you want them.
- `--weights FILE --backbone NAME` makes edges as wide as the fusion weights that a neck has learned. `FILE` can be a
  checkpoint of `fpngraph train`.
- `--node-labels ops` shows what nodes and edges do. What most of them do is in the legend. The others have words, or a
  letter that the legend explains.

## Beside the figures of papers

Looked at beside the figures that authors have in their repositories:
[EfficientDet](https://github.com/google/automl/blob/master/efficientdet/g3doc/network.png),
[GiraffeDet](https://github.com/damo-cv/GiraffeDet/blob/main/docs/Giraffe_framework.jpg),
[RT-DETR](https://github.com/lyuwenyu/RT-DETR/blob/main/assets/framework.png),
[DAMO-YOLO](https://github.com/tinyvision/DAMO-YOLO/blob/master/assets/DAMO-YOLO.pdf) (figure 2) and
[UNet++](https://github.com/MrGiovanni/UNetPlusPlus/blob/master/Figures/fig_unet%2B%2B.png). Where authors have none, beside
copies that readers have in theirs:
[PANet](https://github.com/rootzzp/notes/blob/master/images/deeplearning/feature_integration/PANet.png),
[NAS-FPN](https://github.com/ms-cs/USTC-MASTER-WANG/tree/master/NAS-FPN) (figures 6 and 7),
[PP-YOLOE](https://github.com/iscyy/yoloair/blob/main/docs/image/ppyoloe_model.png) (the PAN of a YOLO) and
[M2Det](https://github.com/rootzzp/notes/blob/master/images/deeplearning/feature_integration/mlfpn.png). Of FPG and Gold-YOLO
no figure was found as a file in a public repository.

| Neck | The paper's reads better | Ours reads better |
|---|---|---|
| BiFPN | It has the backbone and the heads, so that it tells where the neck stands. Cells take less room without names. | The backbone gives three levels, and the neck makes P6 and P7: the paper draws all five alike. Every way down in the pyramid looks alike; there, the last is black as the skips are. Projections are marked. |
| GFPN | The idea is seen at once: one row shows the log2n links, dashed, and the others leave them out. | All links are there, and can be counted. Where a node reads the level above and below is told by colour and dash; there, each level's colour says where an edge comes from. |
| RT-DETR | What AIFI does with a map is drawn, and colours tell the two kinds of convolutions apart. | Levels are rows, from input to output, so that the way down and the way up are seen as such; `--node-labels ops` writes the convolutions at their places. The paper's picture is the whole detector. |
| PANet | Two dashed arrows over the maps show what the paper is about: the long way from a fine map to the top, and the short one. Maps are planes that get smaller, and the heads are there. | Sums are nodes; there, arrows meet in the middle of an arrow. The convolutions before and behind the second pathway are there. Up and down differ; there, all arrows are black. |
| NAS-FPN | Figure 7 has six graphs on small grids of dots without names: so differences are seen at once. Figure 6 draws maps as large as they are. | What figure 6 needs both for is in one picture: rows of levels, and beside a node whether it is a gate or a sum. In figure 6, maps of one level stand at different heights, and its words have a third of the size of its caption. |
| PP-YOLOE | Five circles: what a PAN is, is seen in a second. Backbone and head are there. | The convolution that halves the channels before each way down is a node. In the paper the head takes half of the figure, and the neck less than an eighth. |
| DAMO-YOLO | The fusion block is drawn once, large, and its places in the neck have a letter. | All edges into a node end at it, coloured by direction; there, colours are those of levels. The paper draws a sixth block, at the finest level, that its code does not have. |
| UNet++ | One name with two indices, and nodes on diagonals: which of them a smaller network keeps is seen at once. Ours pulls the last node of each level to the right. | No line runs through a node; there, every longer skip does. |
| M2Det | Each module is a picture of its shape, so that encoder and decoder are recognised. | What is inside a module can be read; the seven equal ones are drawn once. There, the edges inside are left out. |

What follows from it: draw the whole graph with `--collapse` or `-p repeats=1` where the idea matters more than the count, and
put the backbone's and the heads' boxes beside it in your drawing program, from the SVG.
"""  # noqa: E501  (a row of a table is a line)


@dataclass(frozen=True)
class Picture:
    """One picture: a shipped graph with settings."""

    name: str
    caption: str
    graph: str
    preset: str | None = None
    params: Mapping[str, int] = field(default_factory=dict)
    in_channels: Sequence[int] | None = None
    image_size: int | None = None

    def command(self) -> str:
        """What draws it on the command line."""
        words = ["fpngraph render", self.graph]
        words += [f"--preset {self.preset}"] if self.preset else []
        words += [f"-p {name}={value}" for name, value in self.params.items()]
        words += [f"--in-channels {','.join(map(str, self.in_channels))}"] if self.in_channels else []
        words += [f"--image-size {self.image_size}"] if self.image_size else []
        return " ".join([*words, f"-o {self.name}.svg"])


PICTURES = (
    Picture("bifpn_cell", "One cell of BiFPN, levels 3 to 7", "bifpn", params={"repeats": 1}),
    Picture(
        *("bifpn_d0", "The neck of EfficientDet-D0: three cells, with channels and cost", "bifpn", "d0"),
        in_channels=(40, 112, 320),
        image_size=512,
    ),
    Picture(
        *("bifpn_d5", "The neck of EfficientDet-D5: seven equal cells, drawn once", "bifpn", "d5"),
        in_channels=(64, 176, 512),
        image_size=1280,
    ),
    Picture("fpn", "FPN as in torchvision and detectron2", "fpn"),
    Picture("retinanet_fpn", "FPN of RetinaNet", "retinanet_fpn"),
    Picture("panet", "PANet: FPN and a way back up", "panet"),
    Picture("nas_fpn_cell", "One cell of NAS-FPN", "nas_fpn", params={"repeats": 1}),
    Picture("nas_fpn_mmdet_cell", "One cell of NAS-FPN as mmdet has it", "nas_fpn_mmdet", params={"repeats": 1}),
    Picture("yolov5", "The neck of YOLOv5", "yolov5"),
    Picture("yolov5_p6", "The neck of YOLOv5 with four levels", "yolov5", "n6"),
    Picture("yolov8", "The neck of YOLOv8", "yolov8"),
    Picture("yolov8_p2", "The neck of YOLOv8 with a finer level", "yolov8", params={"min": 2}),
    Picture("yolov9", "The neck of YOLOv9-C", "yolov9"),
    Picture("yolov10", "The neck of YOLOv10", "yolov10"),
    Picture("yolo11", "The neck of YOLO11", "yolo11"),
    Picture("yolo12", "The neck of YOLO12", "yolo12"),
    Picture("yolo26", "The neck of YOLO26", "yolo26"),
    Picture("yolox", "The neck of YOLOX, with outputs of one width", "yolox"),
    Picture("rtmdet", "The neck of RTMDet", "rtmdet"),
    Picture("rtdetr", "The hybrid encoder of RT-DETR", "rtdetr"),
    Picture("sta", "The spatial tuning adapter of DEIMv2, from maps of one stride and a small network", "sta"),
    Picture("yolov3", "The neck of YOLOv3", "yolov3"),
    Picture("ppyoloe", "The neck of PP-YOLOE", "ppyoloe"),
    Picture("damo_yolo", "The neck of DAMO-YOLO", "damo_yolo"),
    Picture("libra", "The neck of Libra R-CNN: FPN, and BFP behind it", "libra"),
    Picture("bfp", "BFP alone, for maps of a pyramid", "bfp", in_channels=(256,) * 5),
    Picture("fpg", "FPG: nine pathways, of which each takes in a finer level until all are there", "fpg"),
    Picture("nasfcos_fpn", "The searched pyramid of NAS-FCOS", "nasfcos_fpn"),
    Picture("hrfpn", "HRFPN: all levels at the finest one, and down again", "hrfpn"),
    Picture("carafe_fpn", "FPN with CARAFE", "carafe_fpn"),
    Picture("gfpn", "GFPN of GiraffeDet, five layers", "gfpn"),
    Picture("asff", "ASFF: every level is a mean of all, weighed pixel by pixel", "asff"),
    Picture("afpn", "AFPN", "afpn"),
    Picture("yolov6", "The neck of YOLOv6", "yolov6"),
    Picture("yolov7", "The neck of YOLOv7", "yolov7"),
    Picture("gold_yolo", "The neck of Gold-YOLO", "gold_yolo"),
    Picture("mafpn", "MAFPN of MHAF-YOLO", "mafpn"),
    Picture("prn", "The progressive refinement neck of PRNet", "prn"),
    Picture("lim_yolo", "The neck of LiM-YOLO", "lim_yolo"),
    Picture("bifpn_paddle", "BiFPN as PaddleDetection has it", "bifpn_paddle"),
    Picture("m2det", "The thinned U-shaped modules of M2Det", "m2det"),
    Picture("unetpp", "The decoder of UNet++", "unetpp"),
    Picture("linknet", "The decoder of LinkNet", "linknet"),
    Picture("upernet", "The decoder of UPerNet", "upernet"),
    Picture("semantic_fpn", "The semantic branch of Panoptic FPN", "semantic_fpn"),
    Picture("deeplabv3p", "The decoder of DeepLabV3+", "deeplabv3p"),
    Picture("maskformer_fpn", "The pixel decoder of MaskFormer", "maskformer_fpn"),
    Picture("clft", "The decoder of CLFTv2, for the maps of a camera and of a LiDAR", "clft"),
    Picture("cobicount", "The shared features of COBICount", "cobicount"),
    Picture("ssd", "The levels of SSD512", "ssd"),
    Picture("ssh", "The context modules of SSH", "ssh"),
    Picture("pan_effdet", "PAN as effdet has it, three cells", "pan_effdet"),
    Picture("simple_fpn", "The pyramid of ViTDet, from one map", "simple_fpn"),
    Picture("qufpn_cell", "One cell of QuFPN", "qufpn", params={"repeats": 1}),
)


@cache
def scene(name: str) -> Scene:
    """The scene of a picture, in colours that follow the reader."""
    (picture,) = (picture for picture in PICTURES if picture.name == name)
    graph = load(picture.graph, preset=picture.preset, **picture.params)
    return draw(graph, in_channels=picture.in_channels, image_size=picture.image_size)


def files() -> Iterator[tuple[Path, str]]:
    """Path and text of every file of the gallery."""
    places = {it.name: re.sub(r"[^\w\- ]", "", it.caption.lower()).replace(" ", "-") for it in PICTURES}
    index = ", ".join(f"[{name}](#{place})" for name, place in sorted(places.items()))
    parts = [HEAD.replace("{index}", "\n".join(wrap(index, 125, break_on_hyphens=False)))]
    for picture in PICTURES:
        yield FOLDER / f"{picture.name}.svg", svg.write(scene(picture.name))
        shown = f"![{picture.caption}]({picture.name}.svg)"
        parts.append(f"## {picture.caption}\n\n```\n{picture.command()}\n```\n\n{shown}\n")
    yield FOLDER / "README.md", "\n".join(parts)


def of_the_language() -> Iterator[tuple[Path, str]]:
    """Path and text of every picture of the page of the language: of the graphs whose comments name one."""
    for name, channels, text in _SHOWN.findall(LANGUAGE.read_text(encoding="utf-8")):
        drawn = draw(loads(text), in_channels=[int(number) for number in channels.split(",")])
        yield LANGUAGE.with_suffix("") / f"{name}.svg", svg.write(drawn)


def references() -> Iterator[tuple[Path, Image]]:
    """Path and picture of every reference, at one pixel per pixel of the scene."""
    from PIL import Image

    for picture in PICTURES:
        drawn = scene(picture.name)
        for fixed in (replace(drawn, theme="light"), replace(drawn, theme="dark")):
            image = Image.open(BytesIO(png.write(fixed, scale=1.0))).convert("RGB")
            yield REFERENCES / f"{picture.name}.{fixed.theme}.png", image


def _with_palette(image: Image) -> Image:
    """A third as large as a file, and hardly changed: a diagram has few colours."""
    from PIL.Image import Dither, Quantize

    return image.quantize(256, method=Quantize.MAXCOVERAGE, dither=Dither.NONE)


def main() -> None:
    """Writes all files, and removes pictures that are no longer among them."""
    written = set()
    for folder in (FOLDER, REFERENCES, LANGUAGE.with_suffix("")):
        folder.mkdir(parents=True, exist_ok=True)
    for path, text in (*files(), *of_the_language()):
        path.write_text(text, encoding="utf-8", newline="\n")
        written.add(path)
    for path, image in references():
        _with_palette(image).save(path, optimize=True)
        written.add(path)
    for path in {*FOLDER.glob("*.svg"), *LANGUAGE.with_suffix("").glob("*.svg"), *REFERENCES.glob("*.png")} - written:
        path.unlink()
    print(f"wrote {len(written)} files")


if __name__ == "__main__":
    main()
