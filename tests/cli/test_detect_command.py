"""``fpngraph detect``: real images in, pictures and COCO's results out, and every mistake a message."""

from __future__ import annotations

import json
import os
import pty
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO

from fpngraph import efficientdet
from fpngraph.cli.main import main
from fpngraph.detection import Detector
from fpngraph.efficientdet import EfficientDet, create
from fpngraph.library import shipped
from fpngraph.weights.state import StateError
from tests.efficientdet.test_model import small

ASTRONAUT = Path(__file__).parents[2] / "tools" / "astronaut.jpg"


def spread(**changes: Any) -> EfficientDet:
    """A small detector with scores that differ from place to place."""
    torch.manual_seed(0)
    model = small(**{"image_size": (64, 64)} | changes)
    for parameter in model.class_head.predict.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


@pytest.fixture(autouse=True)
def asked(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What detectors are created with. They are small, and their weights are in ``own.pth``."""
    calls = []

    def create(name: str, **changes: Any) -> EfficientDet:
        calls.append({"name": name} | changes)
        return spread(**{field: value for field, value in changes.items() if field in {"num_classes", "image_size"}})

    monkeypatch.setattr(efficientdet, "create", create)
    torch.save(spread().state_dict(), "own.pth")
    Image.open(ASTRONAUT).resize((120, 90)).save("astronaut.jpg")
    return calls


def ends(capsys: pytest.CaptureFixture[str], status: int, *options: str, output: str = "out") -> tuple[str, str]:
    """Run ``detect`` with a status; what it printed, and what to standard error."""
    try:
        found = main(
            [
                "detect",
                *options,
                "--model",
                "efficientdet_d0",
                "--weights",
                "own.pth",
                "-o",
                output,
                "--device",
                "cpu",
            ]
        )
    except SystemExit as ended:  # argparse's way out
        found = ended.code  # type: ignore[assignment]
    printed = capsys.readouterr()
    assert found == status, printed.err
    return printed.out, printed.err


def written() -> list[str]:
    return sorted(path.name for path in Path("out").iterdir())


def size(path: str | Path) -> tuple[int, int]:
    """Width and height of an image file."""
    with Image.open(path) as image:
        return image.size


def read(name: str) -> Any:
    return json.loads(Path("out", name).read_text(encoding="utf-8"))


def test_an_image_becomes_a_picture_and_results_that_pycocotools_reads(capsys: pytest.CaptureFixture[str]) -> None:
    printed, _ = ends(capsys, 0, "astronaut.jpg")

    dataset = COCO("out/images.json")
    rows = dataset.loadRes("out/detections.json").loadAnns(range(1, 101))
    (wanted,) = Detector(spread()).detect(["astronaut.jpg"])
    assert [row["category_id"] for row in rows] == [label + 1 for label in wanted.labels.tolist()]
    assert [row["score"] for row in rows] == pytest.approx(wanted.scores.tolist(), abs=1e-5)
    left, top, width, height = torch.tensor([row["bbox"] for row in rows]).unbind(1)
    torch.testing.assert_close(torch.stack([left, top, left + width, top + height], 1), wanted.boxes, rtol=0, atol=2e-3)
    assert dataset.loadImgs(1) == [{"id": 1, "file_name": "astronaut.jpg", "width": 120, "height": 90}]
    assert dataset.loadCats(18) == [{"id": 18, "name": "dog"}]
    assert size("out/astronaut.jpg") == (120, 90)
    assert written() == ["astronaut.jpg", "detections.json", "images.json"]
    first, last = printed.splitlines()[:2]
    assert re.fullmatch(r"astronaut\.jpg: (\d+ [a-z ]+, )*\d+ [a-z ]+ -> out/astronaut\.jpg", first)
    assert last == "wrote out/detections.json and out/images.json"


def test_results_are_the_same_in_batches(capsys: pytest.CaptureFixture[str]) -> None:
    Path("many").mkdir()
    for number in range(5):
        Image.open(ASTRONAUT).resize((60 + 9 * number, 80 - 9 * number)).save(f"many/{number + 100}.png")

    ends(capsys, 0, "many")
    ends(capsys, 0, "many", "--batch-size", "2", output="batched")

    alone, together = read("detections.json"), json.loads(Path("batched/detections.json").read_bytes())
    assert [row["image_id"] for row in alone] == [number for number in range(100, 105) for _ in range(100)]
    assert [row["image_id"] for row in together] == [row["image_id"] for row in alone]
    assert [row["score"] for row in together] == pytest.approx([row["score"] for row in alone], abs=1e-4)


def turned(image: Image.Image, path: Path) -> None:
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)


KINDS: dict[str, tuple[str, Callable[[Image.Image, Path], None]]] = {
    "turned.JPG": ("turned.jpg", turned),
    "grey.jpeg": ("grey.jpg", lambda image, path: image.convert("L").save(path)),
    "inks.jpg": ("inks.jpg", lambda image, path: image.convert("CMYK").save(path)),
    "alpha.png": ("alpha.png", lambda image, path: image.convert("RGBA").save(path)),
    "bits.tif": ("bits.png", lambda image, path: image.convert("1").save(path)),
    "deep.png": ("deep.png", lambda image, path: image.convert("L").convert("I").convert("I;16").save(path)),
    "moving.gif": ("moving.png", lambda image, path: image.save(path, save_all=True, append_images=[image.rotate(9)])),
    "modern.webp": ("modern.png", lambda image, path: image.save(path)),
    "thin.png": ("thin.png", lambda image, path: image.resize((300, 1)).save(path)),
    "dot.bmp": ("dot.png", lambda image, path: image.resize((1, 1)).save(path)),
}


def test_images_of_every_kind_are_found_in(capsys: pytest.CaptureFixture[str]) -> None:
    Path("kinds").mkdir()
    for name, (_, save) in KINDS.items():
        save(Image.open("astronaut.jpg"), Path("kinds", name))

    ends(capsys, 0, *(f"kinds/{name}" for name in KINDS))

    sizes = {
        Path(image["file_name"]).name: (image["width"], image["height"]) for image in read("images.json")["images"]
    }
    unlike = {"turned.JPG": (90, 120), "thin.png": (300, 1), "dot.bmp": (1, 1)}
    assert sizes == dict.fromkeys(KINDS, (120, 90)) | unlike
    assert {name: size(Path("out", output)) for name, (output, _) in KINDS.items()} == sizes


def test_a_broken_image_is_told_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fpngraph.detection.images.MOST_PIXELS", 600 * 600)
    Image.new("1", (601, 600)).save("large.png")
    Path("broken.jpg").write_bytes(ASTRONAUT.read_bytes()[:9000])
    Path("text.png").write_text("no image")

    _, errors = ends(capsys, 1, "broken.jpg", "astronaut.jpg", "gone.jpg", "text.png", "large.png", "--batch-size", "4")

    assert re.sub(r"\d+ bytes", "N bytes", errors) == (
        "fpngraph detect: 'gone.jpg': there is no such file\n"
        "fpngraph detect: 'broken.jpg': the image is broken: image file is truncated (N bytes not processed)\n"
        "fpngraph detect: 'text.png': this is no image, or of a kind that Pillow cannot read\n"
        "fpngraph detect: 'large.png': the image has 601 x 600 pixels, more than 360,000 in all\n"
    )
    assert [image["file_name"] for image in read("images.json")["images"]] == ["astronaut.jpg"]
    assert written() == ["astronaut.jpg", "detections.json", "images.json"]


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ("gone.jpg", "fpngraph detect: 'gone.jpg': there is no such file\n"),
        ("pipe.png", "fpngraph detect: 'pipe.png': this is no regular file\n"),
        ("empty", "fpngraph detect: 'empty': there are no images in this folder\n"),
        ("text.png", "fpngraph detect: 'text.png': this is no image, or of a kind that Pillow cannot read\n"),
    ],
)
def test_without_any_image_nothing_is_written(capsys: pytest.CaptureFixture[str], named: str, text: str) -> None:
    Path("empty").mkdir()
    os.mkfifo("pipe.png")
    Path("text.png").write_text("no image")

    printed, errors = ends(capsys, 2, named)

    assert (printed, errors) == ("", text)
    assert not Path("out").exists()


def test_files_that_are_called_by_no_text_are_found_in(capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"new\nline \xff.png")
    Image.new("RGB", (20, 20)).save(name)

    ends(capsys, 0, name)

    assert [image["file_name"] for image in read("images.json")["images"]] == [name]
    assert written() == ["detections.json", "images.json", name]


def test_a_folder_stands_for_its_images(capsys: pytest.CaptureFixture[str]) -> None:
    Path("photos/within").mkdir(parents=True)
    for name in ("b.png", "a.JPG", ".hidden.png", "within/c.png"):
        Image.open("astronaut.jpg").save(Path("photos", name))
    Path("photos/notes.txt").write_text("no image")

    ends(capsys, 0, "photos")

    assert [image["file_name"] for image in read("images.json")["images"]] == ["photos/a.JPG", "photos/b.png"]


def test_files_of_one_name_have_pictures_of_their_own_and_a_file_has_one(capsys: pytest.CaptureFixture[str]) -> None:
    for number, path in enumerate(["one/a.png", "two/a.png", "two/A.gif", "two/a-2.png"]):
        Path(path).parent.mkdir(exist_ok=True)
        Image.new("RGB", (20 + number, 20)).save(path)

    printed, _ = ends(capsys, 0, "one/a.png", "two", "./one/a.png", "--score", "1")

    outputs = dict(line.split(": nothing -> ") for line in printed.splitlines()[:-1])
    assert outputs == {
        "one/a.png": "out/a.png",
        "two/A.gif": "out/A-2.png",
        "two/a-2.png": "out/a-2-2.png",
        "two/a.png": "out/a-3.png",
    }
    assert {path: size(output) for path, output in outputs.items()} == {path: size(path) for path in outputs}


def test_a_file_that_is_called_by_a_number_has_this_number(capsys: pytest.CaptureFixture[str]) -> None:
    for path in ("one/000000000139.png", "one/2.png", "one/cat.png", "two/2.png", f"two/{10**18}.png"):
        Path(path).parent.mkdir(exist_ok=True)
        Image.new("RGB", (20, 20)).save(path)

    ends(capsys, 0, "one", "two")

    assert {image["file_name"]: image["id"] for image in read("images.json")["images"]} == {
        "one/000000000139.png": 139,
        "one/2.png": 2,
        "one/cat.png": 1,
        f"two/{10**18}.png": 3,
        "two/2.png": 4,
    }


def test_only_what_reaches_the_score_is_drawn_and_all_is_in_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    Image.open("astronaut.jpg").save("a.png")

    printed, _ = ends(capsys, 0, "a.png", "--threshold", "1")

    assert printed.splitlines()[0] == "a.png: nothing -> out/a.png"
    assert Image.open("out/a.png").tobytes() == Image.open("a.png").tobytes()
    assert len(read("detections.json")) == 100


def test_what_exists_is_written_over_by_force_only(capsys: pytest.CaptureFixture[str]) -> None:
    ends(capsys, 0, "astronaut.jpg")
    before = Path("out/detections.json").read_bytes()

    _, errors = ends(capsys, 2, "astronaut.jpg", "--image-size", "96")
    kept = Path("out/detections.json").read_bytes()
    ends(capsys, 0, "astronaut.jpg", "--image-size", "96", "--force")

    assert errors == ("fpngraph detect: 'out/detections.json' exists already\n  hint: add --force to write over it\n")
    assert kept == before != Path("out/detections.json").read_bytes()


def test_an_image_is_never_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("astronaut.jpg").read_bytes()

    _, errors = ends(capsys, 2, "astronaut.jpg", "--force", output=".")

    assert errors == (
        "fpngraph detect: 'astronaut.jpg' is an image itself, and would be written over\n"
        "  hint: name another folder with -o\n"
    )
    assert Path("astronaut.jpg").read_bytes() == before


def test_classes_are_called_by_the_names_in_a_file(
    capsys: pytest.CaptureFixture[str], asked: list[dict[str, Any]]
) -> None:
    Path("names.txt").write_bytes("\ufeffröd bil \r\nblue car\r\n\r\n".encode())
    torch.save(spread(num_classes=2).state_dict(), "own.pth")

    printed, _ = ends(capsys, 0, "astronaut.jpg", "--labels", "names.txt")

    assert re.match(r"astronaut\.jpg: \d+ (röd bil|blue car), ", printed)
    assert read("images.json")["categories"] == [{"id": 1, "name": "röd bil"}, {"id": 2, "name": "blue car"}]
    assert asked[0]["num_classes"] == 2


def test_the_model_is_made_as_asked(capsys: pytest.CaptureFixture[str], asked: list[dict[str, Any]]) -> None:
    options = ["--graph", "retinanet_fpn", "-p", "channels=32", "--soft-nms", "--image-size", "64x96"]

    ends(capsys, 0, "astronaut.jpg", *options)

    assert asked == [
        {
            "name": "efficientdet_d0",
            "pretrained": False,
            "graph": "retinanet_fpn",
            "params": {"channels": 32},
            "soft_nms": True,
            "image_size": (64, 96),
        }
    ]


@pytest.mark.parametrize(("option", "match"), [("--match", True), ("--no-match", False)])
def test_whether_a_graph_is_scaled_as_the_model_is_asked_for(
    capsys: pytest.CaptureFixture[str], asked: list[dict[str, Any]], option: str, match: bool
) -> None:
    ends(capsys, 0, "astronaut.jpg", "--graph", "mine.yaml", option)

    assert asked == [{"name": "efficientdet_d0", "pretrained": False, "graph": "mine.yaml", "match": match}]


def test_whether_a_graph_is_scaled_needs_a_graph(capsys: pytest.CaptureFixture[str]) -> None:
    _, errors = ends(capsys, 2, "astronaut.jpg", "--match")

    assert errors == "fpngraph detect: --match and --no-match are for a graph file\n  hint: add --graph GRAPH\n"


def test_what_a_graph_keeps_is_told_before_its_weights_are_found_not_to_fit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(efficientdet, "create", create)
    text = shipped()["bifpn"].read_text(encoding="utf-8")
    Path("mine.yaml").write_text(text.replace("  repeats: 3\n", "  repeats: 1\n"), encoding="utf-8")

    _, errors = ends(capsys, 2, "astronaut.jpg", "--graph", "mine.yaml")

    assert errors.startswith(
        "fpngraph detect: warning: graph 'BiFPN' is not as configuration 'efficientdet_d0' says:\n"
        "  repeats is 1, not 3\n"
        "  hint: --match sets its parameters as the configuration says; --no-match takes it as it is, without a "
        "warning\n"
        "fpngraph detect: 'own.pth' does not fit model 'efficientdet_d0'"
    )


def test_without_a_checkpoint_the_published_weights_are_taken(asked: list[dict[str, Any]]) -> None:
    assert main(["detect", "astronaut.jpg", "--model", "efficientdet_d1", "-o", "out", "--device", "cpu"]) == 0

    assert asked == [{"name": "efficientdet_d1", "pretrained": True}]


@pytest.mark.parametrize(
    ("options", "option"),
    [
        (["--graph", "mine.yaml"], "another graph"),
        (["-p", "channels=8"], "-p"),
        (["--num-classes", "3"], "--num-classes"),
    ],
    ids=["graph", "parameter", "classes"],
)
def test_published_weights_are_for_the_published_model(
    capsys: pytest.CaptureFixture[str], options: list[str], option: str
) -> None:
    assert main(["detect", "astronaut.jpg", "--model", "efficientdet_d0", "-o", "out", *options]) == 2

    assert capsys.readouterr().err == (
        f"fpngraph detect: {option} needs weights that fit\n  hint: add --weights FILE\n"
    )


MISTAKES = {
    "score": (["--score", "2"], "argument --score/--threshold: '2' is not a number from 0 to 1"),
    "no score": (["--score", "half"], "argument --score/--threshold: 'half' is not a number from 0 to 1"),
    "batch": (["--batch-size", "0"], "argument --batch-size: '0' is not a whole number from 1 to a million"),
    "classes": (["--num-classes", "-3"], "argument --num-classes: '-3' is not a whole number from 1 to a million"),
    "size": (["--image-size", "big"], "argument --image-size: 'big' is no image size such as 512 or 512x640"),
    "large size": (["--image-size", "8193x8192"], "--image-size has more than 67,108,864 pixels"),
    "device": (["--device", "gpu"], "--device 'gpu' is no device\n  hint: cpu, cuda, cuda:1"),
    "no labels": (["--labels", "gone.txt"], "'gone.txt': No such file or directory"),
    "labels of other weights": (
        ["--labels", "names.txt"],
        "--labels has 2 names, but the model has 90 classes",
    ),
    "few labels": (
        ["--labels", "names.txt", "--num-classes", "90"],
        "--labels has 2 names, but the model has 90 classes",
    ),
    "a line": (["--labels", "gap.txt"], "'gap.txt' has no name in line 2\n  hint: write one per line"),
    "no text": (["--labels", "astronaut.jpg"], "'astronaut.jpg' is no text in UTF-8"),
    "no weights": (["--weights", "gone.pth"], "'gone.pth': No such file or directory"),
    "output": (["-o", "names.txt"], "'names.txt' is no folder"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("options", "text"), MISTAKES.values(), ids=MISTAKES)
def test_every_mistake_is_a_message(capsys: pytest.CaptureFixture[str], options: list[str], text: str) -> None:
    Path("names.txt").write_text("cat\ndog\n")
    Path("gap.txt").write_text("cat\n\ndog\n")
    required = ["--model", "efficientdet_d0", "--weights", "own.pth", "-o", "out", "--device", "cpu"]

    try:
        status = main(["detect", "astronaut.jpg", *required, *options])
    except SystemExit as ended:  # argparse's way out
        status = ended.code  # type: ignore[assignment]

    assert status == 2
    assert f"fpngraph detect: {text}" in capsys.readouterr().err.replace("error: ", "")
    assert not Path("out").exists()


def test_weights_of_another_neck_are_told_with_the_options_that_say_it(capsys: pytest.CaptureFixture[str]) -> None:
    state = spread().state_dict()
    del state["class_head.predict.pointwise.bias"]
    torch.save(state, "own.pth")

    _, told = ends(capsys, 2, "astronaut.jpg")

    assert told == (
        "fpngraph detect: 'own.pth' does not fit model 'efficientdet_d0':\n"
        "  1 missing: 'class_head.predict.pointwise.bias'\n"
        "  hint: the graph, -p and --num-classes say of which neck and of how many classes it is\n"
    )


def test_a_checkpoint_of_a_training_needs_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": {f"model.{name}": tensor for name, tensor in spread().state_dict().items()}}, "own.pth")

    _, told = ends(capsys, 2, "astronaut.jpg")

    assert told == (
        "fpngraph detect: 'own.pth' is of 'fpngraph train', which keeps its own model\n  hint: leave out --model\n"
    )


def test_weights_that_do_not_tell_their_model_are_told_what_does(capsys: pytest.CaptureFixture[str]) -> None:
    said = "'own.pth' is no checkpoint of a training of fpngraph\n  hint: "

    assert main(["detect", "astronaut.jpg", "--weights", "own.pth", "-o", "out"]) == 2
    assert capsys.readouterr().err == (
        f"fpngraph detect: {said}--model NAME says of which detector of effdet's it is\n"
    )
    assert main(["evaluate", "--val", "images", "val.json", "--weights", "own.pth"]) == 2
    assert capsys.readouterr().err == (
        f"fpngraph evaluate: {said}'fpngraph detect --model NAME' finds objects with weights of effdet's; "
        "--results measures these\n"
    )


def test_a_model_or_a_graph_that_does_not_exist_is_a_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(efficientdet, "create", efficientdet.by_name.create)

    assert main(["detect", "astronaut.jpg", "--model", "efficientdet_d9", "--weights", "own.pth", "-o", "out"]) == 2
    misspelt = capsys.readouterr().err
    _, no_graph = ends(capsys, 2, "astronaut.jpg", "--graph", "gone.yaml")
    _, no_parameter = ends(capsys, 2, "astronaut.jpg", "-p", "width=3")

    assert misspelt.startswith("fpngraph detect: there is no configuration 'efficientdet_d9'\n  hint: did you mean ")
    assert no_graph.startswith("fpngraph detect: cannot read 'gone.yaml': No such file or directory")
    assert "'width'" in no_parameter


def test_a_model_that_gives_no_numbers_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    state = spread().state_dict()
    state["class_head.predict.pointwise.bias"][:] = torch.nan
    torch.save(state, "own.pth")

    _, errors = ends(capsys, 2, "astronaut.jpg")

    assert errors == "fpngraph detect: what the model gives are no numbers: its weights are broken\n"


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")], ids=["Pillow", "torch"]
)
def test_a_memory_that_is_too_small_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def detect(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Detector, "detect", detect)

    _, errors = ends(capsys, 2, "astronaut.jpg")

    assert errors == (
        "fpngraph detect: the memory is too small\n  hint: --batch-size and --image-size can be smaller\n"
    )


def read_to_the_end(terminal: int) -> str:
    """What was written to the other end of a terminal: a read gives what fits into its buffer, about 4 KiB."""
    written = b""
    with suppress(OSError):  # that end is closed
        while more := os.read(terminal, 1 << 16):
            written += more
    os.close(terminal)
    return written.decode()


@pytest.mark.parametrize(("number", "shown"), [(1, False), (3, True)], ids=["one", "some"])
def test_a_terminal_shows_how_far_it_is_with_more_than_one_image(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, shown: bool
) -> None:
    main_end, terminal = pty.openpty()
    names = [f"{index}.png" for index in range(number)]
    for name in names:
        Image.new("RGB", (20, 20)).save(name)

    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        printed, _ = ends(capsys, 0, *names, "--score", "1")
        stderr.write("\n")
    written = read_to_the_end(main_end)

    assert (f"{number}/{number}" in written) is shown
    assert printed.splitlines()[:-1] == [f"{name}: nothing -> out/{name}" for name in names]


def test_a_real_detector_is_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientdet, "create", efficientdet.by_name.create)
    efficientdet.save_effdet(efficientdet.create("efficientdet_d0"), "own.pth")

    ends(capsys, 0, "astronaut.jpg", "--image-size", "64x96", "--soft-nms")

    assert {row["image_id"] for row in read("detections.json")} == {1}


def test_a_checkpoint_of_effdets_for_an_edited_neck_is_told_what_the_command_line_has_for_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StateError("'own.pth' does not fit:\n  1 missing: 'fpn.a'\n  hint: fpngraph.load_matching(model, state)")

    torch.save({"fpn.a": torch.zeros(1)}, "own.pth")
    monkeypatch.setattr(efficientdet, "load_effdet", refuse)

    _, told = ends(capsys, 2, "astronaut.jpg")

    assert told == (
        "fpngraph detect: 'own.pth' does not fit:\n  1 missing: 'fpn.a'\n"
        "  hint: 'fpngraph train --weights FILE' takes every tensor that fits, and trains the rest\n"
    )
