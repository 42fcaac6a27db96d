"""What a detector says to images and settings that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fpngraph import efficientdet
from fpngraph.graph import Graph
from fpngraph.loader import load


@pytest.fixture(scope="module")
def detector() -> efficientdet.Detector:
    return efficientdet.Detector(efficientdet.create("efficientdet_d0"))


@pytest.mark.parametrize(
    ("images", "changes", "message"),
    [
        pytest.param(
            [np.zeros((4, 4, 3), np.uint8)],
            {},
            "one of images is a ndarray, not an image of Pillow or a path\n"
            "  hint: PIL.Image.fromarray makes an image of an array [height, width, 3] of uint8",
            id="array",
        ),
        pytest.param(iter([]), {}, "images is a list_iterator, not a list of images or paths", id="iterator"),
        pytest.param("a.jpg", {}, "images is a str, not a list of images or paths", id="path"),
        pytest.param(
            [], {"image_size": 512}, "image_size is 512, but must be (height, width) in pixels", id="size-one-number"
        ),
        pytest.param(
            [], {"image_size": (0, 64)}, "image_size is (0, 64), but must be (height, width) in pixels", id="size-zero"
        ),
        pytest.param([], {"batch_size": -1}, "batch_size is -1, but must be 1 or more", id="batch-size"),
    ],
)
def test_what_is_no_list_of_images_or_no_setting_is_refused(
    detector: efficientdet.Detector, images: Any, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        detector.detect(images, **changes)

    assert str(raised.value) == message


def test_of_many_files_the_broken_one_is_named(detector: efficientdet.Detector, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no image")

    with pytest.raises(efficientdet.ImageError) as raised:
        detector.detect([Image.new("RGB", (8, 8)), path], batch_size=2)

    assert str(raised.value) == f"{str(path)!r}: this is no image, or of a kind that Pillow cannot read"


@pytest.mark.parametrize(
    ("images", "message"),
    [
        pytest.param(
            [Image.new("RGB", (8, 8))],
            "images is a list, not a tensor\n  hint: 'detect' takes images of Pillow and image files",
            id="list",
        ),
        pytest.param(
            torch.zeros(1, 3, 64, 64, dtype=torch.uint8),
            "images is of torch.uint8, but normalised images are of a floating-point type",
            id="bytes",
        ),
    ],
)
def test_a_batch_is_a_tensor_of_normalised_images(detector: efficientdet.Detector, images: Any, message: str) -> None:
    with pytest.raises(TypeError) as raised:
        detector(images)

    assert str(raised.value) == message


def test_parameters_for_a_graph_that_is_loaded_already_are_refused() -> None:
    graph: Graph = load("bifpn")

    with pytest.raises(efficientdet.ConfigError) as raised:
        efficientdet.create("efficientdet_d0", graph=graph, params={"channels": 8})

    assert str(raised.value) == (
        "'params' and 'match' are for the name or path of a graph, but 'graph' is loaded already\n"
        "  hint: fpngraph.load(path, NAME=VALUE) sets parameters"
    )


def test_what_is_no_detector_is_refused_when_one_is_made() -> None:
    name: Any = "efficientdet_d0"

    with pytest.raises(TypeError) as raised:
        efficientdet.Detector(name)

    assert str(raised.value) == ("model is a str, not an EfficientDet\n  hint: fpngraph.efficientdet.create makes one")
