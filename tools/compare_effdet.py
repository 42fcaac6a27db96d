"""Outputs of every EfficientDet against effdet's own, with equal weights drawn as after a training.

Run: python -m tools.compare_effdet [NAME ...] [--largest-side PX]

Differences are relative: the largest of a map over the largest value of effdet's map, and of all maps the largest.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings

import torch

from fpngraph.efficientdet import EfficientDet, create, effdet_state, load_effdet, names

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # effdet scripts functions on import, which torch no longer likes
    from effdet import EfficientDet as EffdetModel
    from effdet.config import get_efficientdet_config

from tests.equality.effdet_reference import calibrate, randomise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help="configurations (default: all)")
    parser.add_argument("--largest-side", type=int, metavar="PX", help="of images (default: each model's own size)")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # timm's of a backbone's arguments
    chosen = arguments.names or names()
    largest = dict.fromkeys((torch.float64, torch.float32), 0.0)
    print(f"{'':<9}{'model':<26}{'image':<12}{'float64':>10}{'float32':>10}{'seconds':>9}")
    for number, name in enumerate(chosen, 1):
        start = time.perf_counter()
        theirs, ours, size = pair(name, arguments.largest_side)
        found = {dtype: difference(theirs.to(dtype), ours.to(dtype), size, dtype) for dtype in largest}
        largest = {dtype: max(value, found[dtype]) for dtype, value in largest.items()}
        if any(math.isnan(value) for value in found.values()):
            parser.error(f"{name} gives no numbers")
        numbers = "".join(f"{value:>10.1e}" for value in found.values())
        image = "x".join(map(str, size))
        print(
            f"{number:>2} of {len(chosen):<3}{name:<26}{image:<12}{numbers}{time.perf_counter() - start:>9.0f}",
            flush=True,
        )
    print(f"{'':<9}{'largest':<38}{''.join(f'{value:>10.1e}' for value in largest.values())}")


def pair(name: str, largest_side: int | None) -> tuple[EffdetModel, EfficientDet, tuple[int, int]]:
    """The model of effdet and ours in float64 with equal weights, and the height and width of the images for them."""
    torch.manual_seed(0)
    config = get_efficientdet_config(name)
    height, width = (min(side, largest_side or side) for side in config.image_size)
    config.image_size = (height, width)
    theirs, ours = EffdetModel(config, pretrained_backbone=False).double(), create(name).double()
    randomise(theirs)
    load_effdet(ours, theirs.state_dict())
    side = 2 << config.max_level  # 8 values of a channel at the coarsest level
    calibrate(ours, torch.randn(2, 3, side, side, dtype=torch.float64))
    theirs.load_state_dict(effdet_state(ours))
    return theirs.eval(), ours.eval(), (height, width)


@torch.inference_mode()
def difference(theirs: EffdetModel, ours: EfficientDet, size: tuple[int, int], dtype: torch.dtype) -> float:
    """The largest relative difference of a map for one image."""
    image = torch.randn(1, 3, *size, dtype=dtype)
    classes, boxes = theirs(image)
    found = ours(image)
    pairs = list(zip([*found.classes, *found.boxes], [*classes, *boxes], strict=True))
    return torch.stack([(y - reference).abs().max() / reference.abs().max() for y, reference in pairs]).max().item()


if __name__ == "__main__":
    main()
