"""A photograph through a backbone and a compiled neck: the whole way, once, on a CPU.

Run: python -m tools.demo [FOLDER]    (FOLDER gets a page of HTML with all of it, and its parts; default: demo)
"""

from __future__ import annotations

import io
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tools.demo_page import Page, Shown

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from fpngraph import Graph

GRAPH = "bifpn"
BACKBONE = "efficientnet_b0"
PHOTOGRAPH = Path(__file__).parent / "astronaut.jpg"
RUNS = 5
COLOUR = (255, 106, 0)  # of what responds most
SHARE = 0.1  # of the places of an output that count as that
SIDE = 360  # pixels of a photograph on the page


def main(folder: Path) -> None:
    """Prints what comes out at every stop, and writes the page and its parts."""
    if not _reachable(os.environ.get("HF_ENDPOINT", "https://huggingface.co")):
        os.environ["HF_HUB_OFFLINE"] = "1"  # read at timm's import: no retries, but weights in the cache still load

    import torch

    import fpngraph

    torch.set_num_threads(1)  # for a time that does not depend on what else the machine does
    torch.manual_seed(0)  # the neck has learned nothing: its weights are drawn
    graph = fpngraph.load(GRAPH)
    image = _image(PHOTOGRAPH)
    backbone, learned = _backbone()
    with torch.inference_mode():
        by_stride = dict(zip(backbone.feature_info.reduction(), backbone(image), strict=True))
    features = {name: by_stride[1 << entry.level] for name, entry in graph.inputs.items()}
    print(f"{PHOTOGRAPH.name} through {BACKBONE}, channels x height x width:")
    _print_maps(features)

    neck = fpngraph.build(graph, {name: x.shape[1] for name, x in features.items()}).eval()
    with torch.inference_mode():
        outputs = neck(features)
        seconds = statistics.median(_seconds(lambda: neck(features)) for _ in range(RUNS))
    print(f"\nThe graph {GRAPH!r}, compiled for these maps:\n")
    _print_table(features, image)
    print("\nWhat comes out of the neck:")
    _print_maps(outputs)
    print(f"\nThe neck takes {seconds * 1000:.0f} ms on one core (median of {RUNS} runs).\n")
    folder.mkdir(parents=True, exist_ok=True)
    _write_expanded(folder / f"{GRAPH}.explicit.yaml")
    whose = "the neck" if learned else "backbone and neck"
    notes = (
        f"{graph.description} A photograph of {image.shape[2]} x {image.shape[3]} pixels went through {BACKBONE} and "
        f"this neck, which took {seconds * 1000:.0f} ms on one core.",
        f"The weights of {whose} are random: nothing here has learned what an astronaut is.",
    )
    _write_page(folder, graph, (features, outputs), image.shape[2:], notes)


def _write_page(
    folder: Path,
    graph: Graph,
    maps: tuple[Mapping[str, Tensor], Mapping[str, Tensor]],
    size: tuple[int, int],
    notes: Sequence[str],
) -> None:
    """The picture of the graph, the photographs, and the page that holds all; says what to try next."""
    import fpngraph
    from fpngraph.analysis.report import report

    features, outputs = maps
    channels = [x.shape[1] for x in features.values()]
    drawn = folder / f"{GRAPH}.svg"
    fpngraph.render(graph, drawn, in_channels=channels, image_size=tuple(size))
    shown = _photographs(outputs)
    for photograph in shown:
        (folder / f"{photograph.name}.jpg").write_bytes(photograph.jpeg)
    commands = _commands()
    svg = drawn.read_text(encoding="utf-8")
    page = Page(graph.name, svg, shown, report(graph, channels, tuple(size)), notes, commands)
    (folder / "index.html").write_text(page.html(), encoding="utf-8")
    names = ", ".join(f"{it.name}.jpg" for it in shown)
    print(f"wrote {drawn}, {names} and, with all of it on one page, {folder / 'index.html'}\n\nNext:")
    for command, about in commands.items():
        print(f"  {command}\n      {about}")


def _commands() -> dict[str, str]:
    """What to try next, as it can be typed here."""
    beside = Path(sys.executable).with_name("fpngraph")
    program = os.path.relpath(beside) if beside.exists() else "fpngraph"
    return {
        f"{program} new {GRAPH} -o my.yaml": "a graph file of your own, as a copy of this one, to change",
        f"{program} render my.yaml -o my.svg --watch": "its picture, drawn again whenever you save it",
        f"{program} bench my.yaml {GRAPH} --backbone {BACKBONE}": "how fast your neck is beside this one",
    }


def _photographs(outputs: Mapping[str, Tensor]) -> list[Shown]:
    """The photograph with the places of each output whose values are largest."""
    from PIL import Image

    with Image.open(PHOTOGRAPH) as photograph:
        grey = photograph.convert("L").convert("RGB")
    return [
        Shown(name, " x ".join(map(str, x.shape[1:])), _jpeg(_responses(grey, x[0]))) for name, x in outputs.items()
    ]


def _responses(photograph: Image, x: Tensor) -> Image:
    """The photograph where a map [channels, height, width] is largest in colour, else darkened."""
    import torch
    from PIL import Image

    strength = x.float().square().sum(0).sqrt()
    least = strength.flatten().quantile(1 - SHARE)
    mask = torch.where(strength >= least, 170, 0).to(torch.uint8).numpy()
    places = Image.fromarray(mask).resize(photograph.size, Image.Resampling.NEAREST)
    darker = photograph.point(lambda value: value * 0.75)
    return Image.composite(Image.new("RGB", photograph.size, COLOUR), darker, places)


def _jpeg(picture: Image) -> bytes:
    picture.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return file.getvalue()


def _backbone() -> tuple[Any, bool]:
    """The feature extractor, with published weights where they can be had, and whether it has them."""
    import timm

    try:
        return timm.create_model(BACKBONE, features_only=True, pretrained=True).eval(), True
    except Exception as error:  # whatever the way of fetching ends in, the demo goes on
        print(f"The weights of {BACKBONE} cannot be fetched ({type(error).__name__}), so they are random.\n")
    return timm.create_model(BACKBONE, features_only=True, pretrained=False).eval(), False


def _reachable(address: str) -> bool:
    """Whether anybody answers there within a few seconds."""
    try:
        urlopen(Request(address, method="HEAD"), timeout=3).close()
    except HTTPError:
        return True  # an answer, if no welcome
    except (OSError, ValueError):  # the address may be none
        return False
    return True


def _image(path: Path) -> Tensor:
    """The photograph as a batch of one, [1, 3, H, W], normalised as timm's models expect it."""
    import numpy
    import torch
    from PIL import Image
    from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

    with Image.open(path) as photograph:
        pixels = torch.from_numpy(numpy.array(photograph.convert("RGB"))).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD))
    return ((pixels - mean) / std)[None]


def _print_maps(maps: Mapping[str, Tensor]) -> None:
    for name, x in maps.items():
        print(f"  {name}: {' x '.join(map(str, x.shape[1:]))}")


def _print_table(features: Mapping[str, Tensor], image: Tensor) -> None:
    from fpngraph.cli.main import main as command

    channels = ",".join(str(x.shape[1]) for x in features.values())
    size = "x".join(map(str, image.shape[2:]))
    command(["show", GRAPH, "--in-channels", channels, "--image-size", size])


def _write_expanded(path: Path) -> None:
    from fpngraph.cli.main import main as command

    command(["expand", GRAPH, "--force", "-o", str(path)])


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo"))
