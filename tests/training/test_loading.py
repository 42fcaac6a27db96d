"""Images are changed and boxes follow: a coloured rectangle is where its box says, in every epoch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw

from fpngraph.detection import Normalization
from fpngraph.feature import Size
from fpngraph.training import Augmentation
from fpngraph.training.dataset import Example
from fpngraph.training.loading import Shuffled, TrainingImages, ValidationImages, collate, share

LOOK = Normalization()
BOX = (30.0, 12.0, 70.0, 44.0)


def example(folder: Path, *, boxes: tuple[tuple[float, float, float, float], ...] = (BOX,)) -> Example:
    """A dark image with a white rectangle where its box is."""
    path = folder / "image.png"
    image = Image.new("RGB", (100, 60), "black")
    ImageDraw.Draw(image).rectangle((30, 12, 69, 43), fill="white")
    image.save(path)
    return Example(7, path, 100, 60, boxes, tuple(range(len(boxes))))


def bright(image: torch.Tensor) -> tuple[int, int, int, int]:
    """The box around what is white in a normalised image."""
    values = image * torch.tensor(LOOK.std)[:, None, None] + torch.tensor(LOOK.mean)[:, None, None]
    rows, columns = (values.min(dim=0).values > 0.75).nonzero().T
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize("epoch", range(12))
def test_boxes_follow_the_image(epoch: int, tmp_path: Path) -> None:
    images = TrainingImages([example(tmp_path)], Size(64, 96), LOOK, Augmentation(scales=(0.5, 1.5), colour=0.0))

    batch = images[epoch, 0]

    assert batch.images.shape == (1, 3, 64, 96)
    if len(batch.boxes[0]):  # it may be cropped away
        found, said = bright(batch.images[0]), batch.boxes[0][0].tolist()
        assert all(abs(a - b) <= 1.5 for a, b in zip(found, said, strict=True)), (found, said)


def test_an_epoch_shows_what_it_shows_whoever_asks_and_another_one_something_else(tmp_path: Path) -> None:
    images, again = (TrainingImages([example(tmp_path)], Size(64, 96), LOOK) for _ in range(2))
    torch.manual_seed(1)
    first = images[3, 0]
    state = torch.get_rng_state()

    assert torch.equal(first.images, again[3, 0].images)
    assert not torch.equal(first.images, images[4, 0].images)
    assert torch.equal(torch.get_rng_state(), state)  # what else draws numbers is not disturbed


@pytest.mark.parametrize("size", [Size(32, 128), Size(128, 32), Size(64, 64)], ids=["wide", "high", "square"])
def test_at_a_scale_of_1_an_image_is_as_large_as_fits_into_the_size(size: Size, tmp_path: Path) -> None:
    images = TrainingImages([example(tmp_path)], size, LOOK, Augmentation(scales=(1, 1), flip=0, colour=0.0))

    left, top, right, bottom = images[0, 0].boxes[0][0].tolist()

    scale = min(size.height / 60, size.width / 100)
    assert (right - left, bottom - top) == pytest.approx((40 * scale, 32 * scale), rel=0.05)


def test_an_image_that_is_less_than_a_pixel_high_is_one_pixel_high(tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    Image.new("RGB", (300, 2), "white").save(path)

    batch = TrainingImages([Example(7, path, 300, 2, (), ())], Size(64, 64), LOOK, Augmentation(scales=(0.5, 1)))[0, 0]

    assert batch.images.shape == (1, 3, 64, 64)


def test_an_image_without_objects_has_none(tmp_path: Path) -> None:
    batch = TrainingImages([example(tmp_path, boxes=())], Size(64, 96), LOOK)[0, 0]

    assert batch.boxes[0].shape == (0, 4)
    assert batch.labels[0].shape == (0,)


def test_images_to_measure_with_are_as_a_detector_takes_them(tmp_path: Path) -> None:
    batch = ValidationImages([example(tmp_path)], Size(64, 64), LOOK)[0]

    torch.testing.assert_close(batch.boxes[0][0], torch.tensor(BOX) * 0.64)
    assert all(abs(a - b) <= 1 for a, b in zip(bright(batch.images[0]), batch.boxes[0][0].tolist(), strict=True))
    assert batch.originals[0] == (Size(60, 100), 100 / 64)


def test_a_batch_joins_images_and_moves_as_one(tmp_path: Path) -> None:
    images = TrainingImages([example(tmp_path)], Size(64, 96), LOOK)

    batch = collate([images[0, 0], images[1, 0]]).to(torch.device("meta"))

    assert batch.images.shape == (2, 3, 64, 96)
    assert {x.device.type for x in (batch.images, *batch.boxes, *batch.labels)} == {"meta"}
    assert batch.ids == [7, 7]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_share_an_epoch_and_their_batches_together_are_those_of_one(processes: int) -> None:
    orders = [Shuffled(20, 5, rank=rank, processes=processes) for rank in range(processes)]
    whole = Shuffled(20, 5)
    for order in (*orders, whole):
        order.set_epoch(2)

    parts = [list(order) for order in orders]

    together = [it for step in zip(*parts, strict=True) for it in step]
    assert together == list(whole)[: len(together)]
    assert len(together) == 20 // processes * processes
    before = [place for _, place in whole]
    whole.set_epoch(3)
    assert [place for _, place in whole] != before
    assert sorted(place for _, place in whole) == list(range(20))


@pytest.mark.parametrize(("images", "processes"), [(8, 2), (5, 2), (1, 3), (7, 4)])
def test_processes_measure_equally_many_images_and_together_all(images: int, processes: int) -> None:
    every = [Example(number, Path("x.png"), 1, 1, (), ()) for number in range(images)]

    shares = [share(every, rank, processes) for rank in range(processes)]

    assert {len(it) for it in shares} == {-(-images // processes)}
    assert {example.id for it in shares for example in it} == set(range(images))
    assert share(every, 0, 1) == every
