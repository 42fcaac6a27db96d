"""A photograph through a backbone and a compiled neck: the whole way, once, on a CPU.

Run: python tools/demo.py [FOLDER]    (FOLDER gets the expanded graph; default: demo)
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from torch import Tensor

GRAPH = "bifpn"
BACKBONE = "efficientnet_b0"
PHOTOGRAPH = Path(__file__).parent / "astronaut.jpg"
RUNS = 5


def main(folder: Path) -> None:
    """Prints what comes out at every stop, and writes the expanded graph."""
    if not _reachable(os.environ.get("HF_ENDPOINT", "https://huggingface.co")):
        os.environ["HF_HUB_OFFLINE"] = "1"  # read at timm's import: no retries, but weights in the cache still load

    import torch

    import fpngraph

    torch.set_num_threads(1)  # for a time that does not depend on what else the machine does
    graph = fpngraph.load(GRAPH)
    image = _image(PHOTOGRAPH)
    backbone = _backbone()
    with torch.inference_mode():
        by_stride = dict(zip(backbone.feature_info.reduction(), backbone(image), strict=True))
    features = {name: by_stride[1 << entry.level] for name, entry in graph.inputs.items()}
    print(f"{PHOTOGRAPH.name} through {BACKBONE}, channels x height x width:")
    _print_maps(features)

    neck = fpngraph.build(graph, {name: x.shape[1] for name, x in features.items()}).eval()
    with torch.inference_mode():
        outputs = neck(features)
        seconds = [_seconds(lambda: neck(features)) for _ in range(RUNS)]
    print(f"\nThe graph {GRAPH!r}, compiled for these maps:\n")
    _print_table(features, image)
    print("\nWhat comes out of the neck:")
    _print_maps(outputs)
    print(f"\nThe neck takes {statistics.median(seconds) * 1000:.0f} ms on one core (median of {RUNS} runs).")
    print("The graph with every range, fallback and repeat worked out:")
    _write_expanded(folder / f"{GRAPH}.explicit.yaml")


def _backbone() -> Any:
    """The feature extractor, with published weights where they can be had."""
    import timm

    try:
        model = timm.create_model(BACKBONE, features_only=True, pretrained=True)
    except Exception as error:  # whatever the way of fetching ends in, the demo goes on
        print(f"The weights of {BACKBONE} cannot be fetched ({type(error).__name__}), so they are random.\n")
        model = timm.create_model(BACKBONE, features_only=True, pretrained=False)
    return model.eval()


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

    path.parent.mkdir(parents=True, exist_ok=True)
    command(["expand", GRAPH, "--force", "-o", str(path)])


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo"))
