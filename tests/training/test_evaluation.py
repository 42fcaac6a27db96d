"""What pycocotools measures, from values and files of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pycocotools", reason="pycocotools is not installed")

from fpngraph.training import Evaluation, evaluate
from fpngraph.training.plots import per_class, precision_recall

DATA: dict[str, Any] = {
    "images": [{"id": n, "file_name": f"{n}.png", "width": 200, "height": 200} for n in (1, 2)],
    "categories": [{"id": 3, "name": "dog"}, {"id": 7, "name": "cat"}, {"id": 9, "name": "owl"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 10, 40, 40]},
        {"id": 2, "image_id": 2, "category_id": 3, "bbox": [50, 50, 100, 100]},
        {"id": 3, "image_id": 2, "category_id": 7, "bbox": [10, 10, 20, 20]},
    ],
}
PERFECT = [
    {"image_id": it["image_id"], "category_id": it["category_id"], "bbox": it["bbox"], "score": 0.9}
    for it in DATA["annotations"]
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "data.json").write_text(json.dumps(DATA), encoding="utf-8")
    return tmp_path / "data.json"


def test_what_is_all_found_is_worth_all(file: Path) -> None:
    found = evaluate(file, PERFECT)

    assert found.ap["AP"] == pytest.approx(1)
    assert found.per_class == {"dog": pytest.approx(1), "cat": pytest.approx(1), "owl": None}
    assert min(found.precision["dog"]) == pytest.approx(1)
    assert len(found.precision["dog"]) == 101


def test_nothing_found_is_worth_nothing(file: Path) -> None:
    found = evaluate(file, [])

    assert found.ap["AP"] == 0
    assert found.ap["AP_large"] == 0


def test_a_box_counts_up_to_its_overlap(file: Path) -> None:
    moved = [dict(it) for it in PERFECT]
    moved[1]["bbox"] = [50, 50, 100, 77]  # an IoU of 0.77 with the annotation of 100x100

    found = evaluate(file, moved)

    # Six of ten thresholds find both dogs. From 0.8 on it is the first alone: 51 of the 101 recalls that are looked at.
    assert found.per_class["dog"] == pytest.approx(0.6 + 0.4 * 51 / 101)
    assert found.ap["AP50"] == pytest.approx(1)


def test_it_measures_the_images_that_are_named(file: Path) -> None:
    assert evaluate(file, PERFECT[:1], images=[1]).ap["AP"] == pytest.approx(1)
    assert evaluate(file, PERFECT[:1]).ap["AP"] == pytest.approx((51 / 101 + 0) / 2, abs=0.01)


@pytest.mark.parametrize("first", [0, 1, 10**30])
def test_it_does_not_matter_how_annotations_are_numbered(first: int, tmp_path: Path) -> None:
    numbered = [it | {"id": first + place} for place, it in enumerate(DATA["annotations"])]
    (tmp_path / "data.json").write_text(json.dumps(DATA | {"annotations": numbered}), encoding="utf-8")

    assert evaluate(tmp_path / "data.json", PERFECT).ap["AP"] == pytest.approx(1)


def test_what_an_annotation_may_leave_out_may_be_null_and_is_not_read_of_results(tmp_path: Path) -> None:
    whole = [it | {"area": None, "iscrowd": None} for it in DATA["annotations"]]
    (tmp_path / "data.json").write_text(json.dumps(DATA | {"annotations": whole}), encoding="utf-8")

    found = evaluate(tmp_path / "data.json", [it | {"area": 1e9, "iscrowd": 1} for it in PERFECT])

    assert (found.ap["AP"], found.ap["AP_small"], found.ap["AP_large"]) == pytest.approx((1, 1, 1))


def test_annotations_that_are_left_out_do_not_count_whatever_they_are(tmp_path: Path) -> None:
    broken = ["text", {"id": 7}, {"id": 8, "image_id": 1, "category_id": 3, "bbox": [0, 0, 9, 9]}]
    data = {**DATA, "annotations": [*broken, *DATA["annotations"]], "images": [*DATA["images"], "text"]}
    (tmp_path / "data.json").write_text(json.dumps(data), encoding="utf-8")

    found = evaluate(tmp_path / "data.json", PERFECT, images=[1, 2], left_out={0, 1, 2})

    assert found.ap["AP"] == pytest.approx(1)


def test_pictures_name_their_classes(file: Path) -> None:
    found = evaluate(file, PERFECT)

    for picture in (precision_recall(found), per_class(found)):
        assert picture.startswith(b"<?xml")
        assert b"<!-- dog -->" in picture
    assert b"<!-- owl -->" not in per_class(found)
    assert per_class(Evaluation({}, {}, {})).startswith(b"<?xml")
    assert precision_recall(Evaluation({}, {}, {})).startswith(b"<?xml")
