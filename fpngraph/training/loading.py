"""From a data set to batches: images made larger, smaller, mirrored and of other colours, with boxes that follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler
from torchvision import tv_tensors  # type: ignore[import-untyped]  # torchvision has no hints
from torchvision.transforms import v2  # type: ignore[import-untyped]  # as above

from fpngraph.detection.boxes import Original
from fpngraph.detection.images import Normalization, fill_colour, letterbox, open_image
from fpngraph.feature import Size
from fpngraph.training.dataset import Example
from fpngraph.training.settings import Augmentation


class Batch(NamedTuple):
    """Images of one size, normalised, and what is in them.

    Shape: ``images`` [B, 3, H, W]; per image ``boxes`` [M, 4], left, top, right, bottom in its pixels, and ``labels``
    [M], int64. ``ids`` and ``originals`` are for what is found in them.
    """

    images: Tensor
    boxes: list[Tensor]
    labels: list[Tensor]
    ids: list[int]
    originals: list[Original]

    def to(self, device: torch.device, **arguments: Any) -> Self:
        """The same on a device."""
        images = self.images.to(device, **arguments)
        boxes, labels = ([x.to(device, **arguments) for x in of] for of in (self.boxes, self.labels))
        return self._replace(images=images, boxes=boxes, labels=labels)


class Shuffled(Sampler["tuple[int, int]"]):
    """Every place of a data set once per epoch, in an order that seed and epoch say, shared among processes.

    It gives pairs of epoch and place: what ``TrainingImages`` makes of an image depends on nothing else, so that a
    training that is taken up again sees what one in a piece sees. The last images that no process has a partner for
    are left out.
    """

    def __init__(self, length: int, seed: int, *, rank: int = 0, processes: int = 1) -> None:
        self.length, self.seed, self.rank, self.processes = length, seed, rank, processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """As Lightning calls it."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = torch.Generator().manual_seed(_mixed(self.seed, self.epoch))
        order = torch.randperm(self.length, generator=generator).tolist()
        return iter([(self.epoch, place) for place in order[self.rank :: self.processes][: len(self)]])

    def __len__(self) -> int:
        return self.length // self.processes


def share(examples: Sequence[Example], rank: int, processes: int) -> list[Example]:
    """Those that one of several processes measures, as many as every other: the first ones are measured twice.

    With other numbers of batches processes would wait for each other for ever.
    """
    each = -(-len(examples) // processes)
    return [examples[(rank + processes * number) % len(examples)] for number in range(each)]


def _mixed(*numbers: int) -> int:
    """A seed that tells them apart."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]) >> 1


class _Scaled(v2.Transform):  # type: ignore[misc]  # torchvision has no hints
    """Sides times a factor, drawn anew each time, of what fits into a size.

    torchvision's ``ScaleJitter`` takes the height of the size for its width.
    """

    def __init__(self, size: Size, scales: tuple[float, float]) -> None:
        super().__init__()
        self.size, self.scales = size, scales

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = v2.query_size(flat_inputs)
        least, greatest = self.scales
        scale = least + torch.rand(1) * (greatest - least)
        scale = min(self.size.height / height, self.size.width / width) * scale
        return {"size": (max(1, int(height * scale)), max(1, int(width * scale)))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return v2.functional.resize(inpt, params["size"], antialias=True)


class TrainingImages(Dataset[Batch]):
    """Images to learn from, each anew in size, place, direction and colours in every epoch.

    Asked for by epoch and place. Sides are scaled by a factor of what fits into ``size``; what is too large is cropped,
    around what is too small there is the grey of ``normalization``. Boxes of less than a pixel are gone.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        size: Size,
        normalization: Normalization,
        augmentation: Augmentation = Augmentation(),  # noqa: B008  (a value that never changes)
        *,
        seed: int = 0,
    ) -> None:
        self.examples, self.seed = list(examples), seed
        fill = fill_colour(normalization)
        self.transform = v2.Compose(
            [
                v2.ToImage(),
                v2.RandomHorizontalFlip(augmentation.flip),
                v2.ColorJitter(*[augmentation.colour] * 3),
                _Scaled(size, augmentation.scales),
                v2.RandomCrop(tuple(size), pad_if_needed=True, fill={tv_tensors.Image: fill, "others": 0}),
                v2.SanitizeBoundingBoxes(min_size=1.0),
                v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
                v2.Normalize(normalization.mean, normalization.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: tuple[int, int]) -> Batch:
        epoch, place = index
        example = self.examples[place]
        canvas = (example.height, example.width)
        boxes = torch.tensor(example.boxes, dtype=torch.float32).reshape(-1, 4)
        target = {
            "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=canvas),
            "labels": torch.tensor(example.labels, dtype=torch.int64),
        }
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_mixed(self.seed, epoch, place))
            image, target = self.transform(open_image(example.path), target)
        size = Size(*image.shape[-2:])
        boxes, image = target["boxes"].as_subclass(Tensor), image.as_subclass(Tensor)
        return Batch(image[None], [boxes], [target["labels"]], [example.id], [Original(size, 1.0)])


class ValidationImages(Dataset[Batch]):
    """Images to measure with, each as large as fits into ``size``, as a detector takes them."""

    def __init__(self, examples: Sequence[Example], size: Size, normalization: Normalization) -> None:
        self.examples, self.size, self.normalization = list(examples), size, normalization

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Batch:
        example = self.examples[index]
        image, original = letterbox(open_image(example.path), self.size, self.normalization)
        boxes = torch.tensor(example.boxes, dtype=torch.float32).reshape(-1, 4) / original.scale
        return Batch(image[None], [boxes], [torch.tensor(example.labels, dtype=torch.int64)], [example.id], [original])


def collate(parts: Sequence[Batch]) -> Batch:
    """One batch of several, for a DataLoader."""
    return Batch(
        torch.cat([it.images for it in parts]),
        [x for it in parts for x in it.boxes],
        [x for it in parts for x in it.labels],
        [number for it in parts for number in it.ids],
        [original for it in parts for original in it.originals],
    )
