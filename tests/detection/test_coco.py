"""Classes and files as COCO has them."""

from __future__ import annotations

import torch

from fpngraph.detection import Detections
from fpngraph.detection.coco import Category, CocoImage, class_names, dataset, numbered, results


def test_the_names_are_cocos_by_category() -> None:
    from torchvision.models.detection import RetinaNet_ResNet50_FPN_Weights

    known = RetinaNet_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:]

    assert [name for name, wanted in zip(class_names(90), known, strict=True) if wanted not in {"N/A", name}] == []


def test_classes_that_are_not_cocos_are_numbers_from_1_on() -> None:
    assert class_names(3) == ["1", "2", "3"]


def test_results_have_left_top_width_and_height_and_the_numbers_of_categories() -> None:
    found = Detections(torch.tensor([[1.0, 2.5, 11.0, 22.5]]), torch.tensor([0.75]), torch.tensor([1]))

    for categories, number in ((numbered(["cat", "dog"]), 2), ([Category(3, "cat"), Category(7, "dog")], 7)):
        assert results(found, 7, categories) == [
            {"image_id": 7, "category_id": number, "bbox": [1.0, 2.5, 10.0, 20.0], "score": 0.75}
        ]


def test_a_dataset_has_its_images_and_categories() -> None:
    assert dataset([CocoImage(7, "one/a.png", 40, 30)], numbered(["cat", "dog"])) == {
        "info": {},
        "images": [{"id": 7, "file_name": "one/a.png", "width": 40, "height": 30}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [],
    }
