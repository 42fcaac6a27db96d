"""Data sets with which something is wrong: all of it is told at once, with its place, before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fpngraph.detection import Category
from fpngraph.training import DataError, read_coco

HINT = "  hint: skip_bad=True (--skip-bad) leaves out these images and objects"


def good(folder: Path) -> dict[str, Any]:
    """Three images in a folder, and annotations for them."""
    for number in range(3):
        Image.new("RGB", (40, 30), (50 * number, 0, 0)).save(folder / f"{number}.png")
    return {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 40, "height": 30} for n in range(3)],
        "categories": [{"id": 7, "name": "cat"}, {"id": 3, "name": "dog"}],
        "annotations": [
            {"id": 10, "image_id": 0, "category_id": 7, "bbox": [1, 2, 10, 20]},
            {"id": 11, "image_id": 0, "category_id": 3, "bbox": [30.5, 10, 10, 5]},
            {"id": 12, "image_id": 1, "category_id": 3, "bbox": [0, 0, 40, 30], "iscrowd": 1},
        ],
    }


def changed(*path: Any, to: Any = None, drop: bool = False) -> Callable[[dict[str, Any], Path], None]:
    """A change of the annotations at a place."""

    def change(data: dict[str, Any], _: Path) -> None:
        place: Any = data
        for key in path[:-1]:
            place = place[key]
        if drop:
            del place[path[-1]]
        else:
            place[path[-1]] = to

    return change


def more(key: str, entry: Any) -> Callable[[dict[str, Any], Path], None]:
    return lambda data, _: data[key].append(entry)


def truncated(_: dict[str, Any], folder: Path) -> None:
    path = folder / "1.png"
    path.write_bytes(path.read_bytes()[:60])


def several(data: dict[str, Any], folder: Path) -> None:
    (folder / "2.png").unlink()
    data["annotations"][0]["bbox"] = [5, 5, 0, 3]
    data["annotations"][1]["category_id"] = 1
    data["categories"][0]["name"] = "dog"


# A change, and what is said: lines of the annotations' file but where they name an image's, which follow in "images/".
BAD: dict[str, tuple[Callable[[dict[str, Any], Path], None], list[str]]] = {
    "no-images": (changed("images", to=[]), ["annotation 10: there is no image 0", "..."]),
    "nothing-at-all": (
        lambda data, _: data.update(images=[], annotations=[]),
        ["images: there are none"],
    ),
    "no-list-of-images": (changed("images", drop=True), ["images: it is missing, but must be a list"]),
    "annotations-are-a-mapping": (
        changed("annotations", to={}),
        ["annotations: it is a mapping, but must be a list"],
    ),
    "no-categories": (
        lambda data, _: data.update(categories=[], annotations=[]),
        ["categories: there are none"],
    ),
    "a-category-twice": (
        more("categories", {"id": 3, "name": "cow"}),
        ["category 3: the number is there twice"],
    ),
    "a-name-twice": (
        more("categories", {"id": 4, "name": "cat"}),
        ['categories: the name "cat" is there twice'],
    ),
    "a-category-without-a-number": (
        changed("categories", 0, "id", drop=True),
        ["categories[0]: 'id' is missing, but must be an integer", "annotation 10: there is no category 7"],
    ),
    "an-image-twice": (
        more("images", {"id": 0, "file_name": "2.png", "width": 40, "height": 30}),
        ["image 0: the number is there twice"],
    ),
    "an-annotation-twice": (changed("annotations", 1, "id", to=10), ["annotation 10: the number is there twice"]),
    "an-image-is-a-text": (
        changed("images", 2, to="2.png"),
        ["images[2]: it is a text, but must be a mapping", HINT],
    ),
    "an-image-without-a-name": (
        changed("images", 2, "file_name", drop=True),
        ["images[2]: 'file_name' is missing, but must be a text", HINT],
    ),
    "a-width-that-is-a-text": (
        changed("images", 2, "width", to="40"),
        ["images[2]: 'width' is \"40\", but must be an integer", HINT],
    ),
    "a-number-that-is-true": (
        changed("images", 2, "id", to=True),
        ["images[2]: 'id' is true, but must be an integer", HINT],
    ),
    "an-image-is-missing": (
        lambda _, folder: (folder / "1.png").unlink(),
        ["images/1.png: image 1: there is no such file", HINT],
    ),
    "an-image-is-a-folder": (
        changed("images", 1, "file_name", to=""),
        ["images: image 1: Is a directory", HINT],
    ),
    "an-image-is-no-image": (
        lambda _, folder: (folder / "1.png").write_text("text", encoding="utf-8"),
        ["images/1.png: image 1: this is no image, or of a kind that Pillow cannot read", HINT],
    ),
    "an-image-of-another-size": (
        changed("images", 1, "height", to=40),
        ["images/1.png: image 1: it is 40x30, but the annotations say 40x40", HINT],
    ),
    "a-box-without-width": (
        changed("annotations", 0, "bbox", to=[1, 2, 0, 20]),
        ["annotation 10: the box [1, 2, 0, 20] of image 0 has no area", HINT],
    ),
    "a-box-turned-around": (
        changed("annotations", 0, "bbox", to=[10, 20, -5, -5]),
        ["annotation 10: the box [10, 20, -5, -5] of image 0 has no area", HINT],
    ),
    "a-box-outside": (
        changed("annotations", 0, "bbox", to=[35, 2, 10, 20]),
        ["annotation 10: the box [35, 2, 10, 20] sticks out of image 0, which is 40x30", HINT],
    ),
    "a-box-before-the-image": (
        changed("annotations", 0, "bbox", to=[-3, 2, 10, 20]),
        ["annotation 10: the box [-3, 2, 10, 20] sticks out of image 0, which is 40x30", HINT],
    ),
    "a-box-of-three-numbers": (
        changed("annotations", 0, "bbox", to=[1, 2, 10]),
        ["annotation 10: 'bbox' is [1, 2, 10], but must be 4 numbers", HINT],
    ),
    "a-box-with-a-text": (
        changed("annotations", 0, "bbox", to=[1, 2, 10, "20"]),
        ["annotation 10: 'bbox' is [1, 2, 10, \"20\"], but must be 4 numbers", HINT],
    ),
    "a-box-that-is-no-number": (
        changed("annotations", 0, "bbox", to=[1, 2, 10, float("nan")]),
        ["annotation 10: 'bbox' is [1, 2, 10, NaN], but must be 4 numbers", HINT],
    ),
    "a-box-that-no-float-holds": (
        changed("annotations", 0, "bbox", to=[1, 2, 10, 10**400]),
        [f"annotation 10: 'bbox' is [1, 2, 10, 1{'0' * 65}..., but must be 4 numbers", HINT],
    ),
    "a-crowd-in-words": (
        changed("annotations", 0, "iscrowd", to="0"),
        ["annotation 10: 'iscrowd' is \"0\", but must be 0 or 1", HINT],
    ),
    "an-area-that-is-a-text": (
        changed("annotations", 0, "area", to="200"),
        ["annotation 10: 'area' is \"200\", but must be a number", HINT],
    ),
    "an-unknown-category": (
        changed("annotations", 0, "category_id", to=1),
        ["annotation 10: there is no category 1", HINT],
    ),
    "an-unknown-image": (
        changed("annotations", 0, "image_id", to=99),
        ["annotation 10: there is no image 99", HINT],
    ),
    "several-at-once": (
        several,
        [
            'categories: the name "dog" is there twice',
            "annotation 10: the box [5, 5, 0, 3] of image 0 has no area",
            "annotation 11: there is no category 1",
            "images/2.png: image 2: there is no such file",
        ],
    ),
}


def written(tmp_path: Path, change: Callable[[dict[str, Any], Path], object]) -> tuple[Path, Path]:
    folder, file = tmp_path / "images", tmp_path / "data.json"
    folder.mkdir()
    data = good(folder)
    change(data, folder)
    file.write_text(json.dumps(data), encoding="utf-8")
    return folder, file


def told(error: DataError, tmp_path: Path) -> list[str]:
    lines = str(error).replace(f"{tmp_path}/", "").splitlines()
    return [line.removeprefix("data.json: ") for line in lines]


@pytest.mark.parametrize("name", BAD)
def test_all_that_is_wrong_is_told_before_anything_is_trained(name: str, tmp_path: Path) -> None:
    change, expected = BAD[name]
    folder, file = written(tmp_path, change)

    with pytest.raises(DataError) as caught:
        read_coco(folder, file)

    found = told(caught.value, tmp_path)
    assert found == expected or (expected[-1] == "..." and found[: len(expected) - 1] == expected[:-1])


def test_a_broken_image_is_told_with_its_file(tmp_path: Path) -> None:
    folder, file = written(tmp_path, truncated)

    with pytest.raises(DataError) as caught:
        read_coco(folder, file)

    (problem,) = caught.value.problems
    assert (problem.file, problem.where) == (str(folder / "1.png"), "image 1")
    assert problem.message.startswith("the image is broken: ")


def test_a_good_set_has_its_objects_by_the_order_of_the_categories(tmp_path: Path) -> None:
    data = read_coco(*written(tmp_path, lambda *_: None))

    assert data.categories == (Category(3, "dog"), Category(7, "cat"))
    assert [(it.id, it.labels) for it in data.examples] == [(0, (1, 0)), (1, ()), (2, ())]  # a crowd is no object
    assert data.examples[0].boxes == ((1, 2, 11, 22), (30.5, 10, 40, 15))  # half a pixel too much is cut off
    assert data.skipped == ()


def test_what_is_wrong_is_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    def change(data: dict[str, Any], folder: Path) -> None:
        (folder / "2.png").unlink()
        data["annotations"][0]["bbox"] = [5, 5, 0, 3]

    data = read_coco(*written(tmp_path, change), skip_bad=True)

    assert [(it.id, it.labels) for it in data.examples] == [(0, (0,)), (1, ())]
    assert len(data.skipped) == 2
    assert data.left_out == {0}


def test_nothing_is_left_out_where_it_is_not_known_what_is_meant(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="image 0: the number is there twice"):
        read_coco(*written(tmp_path, BAD["an-image-twice"][0]), skip_bad=True)
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match="images: none is left"):
        read_coco(
            *written(tmp_path / "b", lambda _, folder: [path.unlink() for path in folder.iterdir()]), skip_bad=True
        )


def test_a_part_of_the_data_has_to_have_the_categories_of_the_other(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_coco(*written(tmp_path, lambda *_: None), categories=[Category(3, "dog"), Category(7, "cow")])

    assert told(caught.value, tmp_path) == ["categories: they are 3 dog, 7 cat, but must be 3 dog, 7 cow"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "line 1 column 2: this is no JSON"),
        ("[1]", "it is a list, but must be a mapping"),
        ("[" * 100_000, "this is no JSON"),
        ("9" * 5000, "this is no JSON"),
    ],
)
def test_a_file_that_is_none(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(text, encoding="utf-8")

    with pytest.raises(DataError) as caught:
        read_coco(tmp_path, tmp_path / "data.json")

    assert told(caught.value, tmp_path) == [expected]


def test_a_file_and_a_folder_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_coco(tmp_path, tmp_path / "data.json")
    assert told(caught.value, tmp_path) == ["No such file or directory"]

    folder, file = written(tmp_path, lambda *_: None)
    with pytest.raises(DataError) as caught:
        read_coco(folder / "more", file)
    assert told(caught.value, tmp_path) == ["images/more: there is no such folder"]


def test_a_file_and_a_folder_in_each_others_place(tmp_path: Path) -> None:
    folder, file = written(tmp_path, lambda *_: None)

    with pytest.raises(DataError) as caught:
        read_coco(file, folder)

    assert told(caught.value, tmp_path) == [
        "it is a file, but must be the folder of images",
        "images: it is a folder, but must be the file of annotations",
        "  hint: the folder comes first, then the file",
    ]


def test_a_message_has_the_first_problems_of_many_and_says_how_many_more(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_coco(*written(tmp_path, lambda data, _: data["annotations"].extend([{}] * 50)))

    assert len(caught.value.problems) == 200
    assert told(caught.value, tmp_path)[-2:] == ["... and 180 more", HINT]
