"""``fpngraph train`` and ``fpngraph evaluate``: a folder of scenes in, checkpoints, numbers and pictures out."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from fpngraph import efficientdet
from fpngraph.cli.main import main
from fpngraph.cli.starting import Start
from tests.cli.small import DATA, GRAPH, QUICK, SMALLEST

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of much


def test_a_graph_of_ones_own_is_trained_and_measured(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *DATA, "--graph", "my.yaml", *SMALLEST, *QUICK, "-o", "runs/a"]) == 0
    output, errors = capfd.readouterr()
    assert "24 images to learn from, 8 to measure with\n" in output
    assert output.splitlines()[-1].startswith("wrote ")
    assert "GPU available" not in output + errors  # only what a user asked for
    written = {"best.ckpt", "last.ckpt", "metrics.csv", "curve.png", "detections.png"}
    assert {path.name for path in (here / "runs/a").iterdir()} == written

    found = ["evaluate", "--val", "val", "val.json"]
    assert main([*found, "--weights", "runs/a/best.ckpt", "-o", "plots"]) == 0
    table, errors = capfd.readouterr()
    assert errors == ""
    assert table.split()[:2] == ["of", "AP"]
    assert {path.name for path in (here / "plots").iterdir()} == {
        *("metrics.json", "results.json", "precision_recall.svg", "classes.svg")
    }
    assert main([*found, "--weights", "runs/a/best.ckpt", "-o", "plots", "--force", "-q"]) == 0
    assert capfd.readouterr() == ("", "")
    assert main([*found, "--results", "plots/results.json", "-q"]) == 0
    again, _ = capfd.readouterr()
    assert again == table.partition("wrote")[0]
    assert set(json.loads((here / "plots/metrics.json").read_text())["per_class"]) == set("0123456789")

    assert main(["detect", "val", "--weights", "runs/a/best.ckpt", "--labels", "names.txt", "-o", "out"]) == 0
    output, _ = capfd.readouterr()
    assert "val/00001.png: " in output
    images = json.loads((here / "out/images.json").read_text())
    assert images["categories"][0] == {"id": 1, "name": "zero"}
    assert {it["category_id"] for it in json.loads((here / "out/detections.json").read_text())} <= set(range(1, 11))

    assert main(["detect", "val", "--weights", "runs/a/best.ckpt", "-o", "out", "--force", "-q"]) == 0
    assert capfd.readouterr() == ("", "")

    assert main(["train", *DATA, "--graph", "my.yaml", *SMALLEST, *QUICK, "-o", "runs/a"]) == 2
    assert capfd.readouterr().err == (
        "fpngraph train: 'runs/a/last.ckpt' exists already\n  hint: --resume goes on from it, --force writes over it\n"
    )
    wrong = ("--graph", "none.yaml", "--force", *SMALLEST, *QUICK)
    assert main(["train", *DATA, *wrong, "-o", "runs/a"]) == 2
    assert (here / "runs/a/last.ckpt").is_file()  # what is asked wrongly takes nothing away
    more = ("--graph", "fpn", "-p", "channels=16", "-p", "min=3", *SMALLEST, *QUICK)
    more = (*more, "--lean", "--weights", "runs/a/best.ckpt", "--pictures", "none")
    assert main(["train", *DATA, *more, "-o", "runs/b"]) == 0
    assert not (here / "runs/b/detections.png").exists()
    output, _ = capfd.readouterr()
    assert "weights of runs/a/best.ckpt: " in output


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            ["--train", "train", "train.json"],
            "--train IMAGES ANNOTATIONS and --val IMAGES ANNOTATIONS are required, or --data FOLDER",
        ),
        ([*DATA, "--data", "."], "--data stands for --train and --val: say it, or these"),
        (
            ["--data", "."],
            "'annotations' must have one file instances_train*.json, but has none\n"
            "  hint: --train IMAGES ANNOTATIONS and --val IMAGES ANNOTATIONS name any",
        ),
        ([*DATA, "--model", "efficientdet_d00"], "there is no configuration 'efficientdet_d00'\n  hint: did you mean"),
        (
            [*DATA, "--backbone", "resnet19", "--no-pretrained"],
            "timm has no model named 'resnet19'",
        ),
        ([*DATA, "--graph", "none.yaml", "--no-pretrained"], "'none.yaml'"),
        ([*DATA, "--preset", "small"], "--preset is for a graph\n  hint: add --graph GRAPH"),
        ([*DATA, "--layer-decay", "0"], "--layer-decay: "),
        ([*DATA, "--optimizer", "adamv"], "--optimizer: timm has no optimizer 'adamv'; did you mean 'adam'?"),
        ([*DATA, "--devices", "99999"], "--devices 99999: there are "),
        (["--train", "val", "train.json", "--val", "val", "val.json"], "the data cannot be trained on:\n"),
    ],
)
def test_what_is_asked_wrongly_is_a_message(
    typed: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["train", *typed, *QUICK, "-o", "runs/a"])

    errors = capsys.readouterr().err
    assert status == 2
    assert errors.startswith("fpngraph train: ")
    assert message in errors
    assert not (here / "runs").exists()


@pytest.mark.parametrize("rank", [None, "0", "1"], ids=["one process", "the first", "one more"])
def test_only_the_first_of_several_processes_says_how_it_goes(
    rank: str | None, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fpngraph.cli.training.run", lambda *_, **__: SimpleNamespace(evaluation=None))
    monkeypatch.setattr("fpngraph.cli.training.Start.check", lambda _: None)
    (here / "last.ckpt").touch()
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)

    assert main(["train", *DATA, "-o", ".", "--resume"]) == 0
    said = "" if rank == "1" else "24 images to learn from, 8 to measure with\nwrote last.ckpt\n"
    assert capsys.readouterr() == (said, "")
    assert main(["train", *DATA, "-o", ".", "--resume", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_bad_data_are_told_all_at_once_and_left_out_where_that_is_asked(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "train/00001.png").unlink()
    (here / "train/00002.png").write_bytes(b"no image")
    typed = ["train", *DATA, "--graph", "my.yaml", *SMALLEST, *QUICK, "-o", "runs/a"]

    assert main(typed) == 2
    assert capsys.readouterr().err == (
        "fpngraph train: the data cannot be trained on:\n"
        "train/00001.png: image 1: there is no such file\n"
        "train/00002.png: image 2: this is no image, or of a kind that Pillow cannot read\n"
        "  hint: --skip-bad leaves out these images and objects\n"
    )
    assert main([*typed, "--skip-bad"]) == 0
    output = capsys.readouterr().out
    assert "train.json: 2 left out, of which the first is\n  train/00001.png: image 1: there is no such" in output
    assert "22 images to learn from, 8 to measure with\n" in output


def test_a_state_dict_of_ours_is_taken_as_far_as_it_fits(here: Path) -> None:
    other = {"graph": "fpn", "params": {"min": 3}, "backbone": "test_efficientnet", "backbone_args": {}}
    theirs = efficientdet.create("efficientdet_d0", **other)
    torch.save(theirs.state_dict(), here / "other.pth")
    start = Start(
        model="efficientdet_d0",
        graph="my.yaml",
        preset=None,
        params={},
        backbone="test_efficientnet",
        pretrained=False,
        weights="other.pth",
        image_size=None,
        lean=False,
    )
    model = start.build(num_classes=10)

    matched = start.load(model)

    assert matched is not None
    assert matched.taken
    name = "backbone.conv_stem.weight"
    torch.testing.assert_close(model.state_dict()[name], theirs.state_dict()[name], rtol=0, atol=0)


def _found(**other: object) -> str:
    return json.dumps([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5, **other}])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "'found.json' is no JSON"),
        ("{}", "'found.json': entry 0 is no detection, with image_id, category_id, bbox, score"),
        ("[{}]", "'found.json': entry 0 is no detection, with image_id, category_id, bbox, score"),
        (_found(bbox=[1, 2, 3]), "'found.json': entry 0 must have four numbers as 'bbox', and a number as 'score'"),
        (
            _found(bbox=["1", 2, 3, 4]),
            "'found.json': entry 0 must have four numbers as 'bbox', and a number as 'score'",
        ),
        (
            _found(score=float("nan")),
            "'found.json': entry 0 must have four numbers as 'bbox', and a number as 'score'",
        ),
        (_found(image_id=99), "'found.json': entry 0 is of image 99, which 'val.json' lacks"),
        (_found(category_id=99), "'found.json' has no detection of a category of 'val.json'"),
    ],
)
def test_a_file_of_no_detections_is_refused(
    content: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "found.json").write_text(content, encoding="utf-8")

    assert main(["evaluate", "--val", "val", "val.json", "--results", "found.json"]) == 2
    assert capsys.readouterr().err == f"fpngraph evaluate: {message}\n"


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ("{", "truth.json: line 1 column 2: this is no JSON"),
        ({"annotations": 3}, "truth.json: annotations: it is a number, but must be a list"),
        (
            {"annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2]}]},
            "truth.json: annotation 1: 'bbox' is [1, 2], but must be 4 numbers",
        ),
    ],
)
def test_detections_in_a_file_need_annotations_that_are_some(
    truth: str | dict[str, object], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not isinstance(truth, str):
        truth = json.dumps(json.loads((here / "val.json").read_bytes()) | truth)
    (here / "truth.json").write_text(truth, encoding="utf-8")
    (here / "found.json").write_text("[]", encoding="utf-8")

    assert main(["evaluate", "--val", "val", "truth.json", "--results", "found.json"]) == 2
    assert capsys.readouterr().err == f"fpngraph evaluate: {message}\n"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["--graph", "gone.yaml"], "cannot read 'gone.yaml': No such file or directory [unreadable-file]"),
        (["--graph", "my.yaml", "--weights", "gone.pth"], "'gone.pth': No such file or directory"),
        (["--graph", "my.yaml", "-o", "my.yaml"], "'my.yaml' is no folder"),
        (["--graph", "my.yaml", "-o", "my.yaml/a"], "'my.yaml' is no folder"),
    ],
)
@pytest.mark.parametrize("command", ["train", "sweep"])
def test_what_is_asked_wrongly_is_told_before_images_are_looked_at(
    here: Path, capsys: pytest.CaptureFixture[str], command: str, typed: list[str], told: str
) -> None:
    assert main([command, *DATA, *SMALLEST, *QUICK, "-o", "runs/x", *typed]) == 2

    output, errors = capsys.readouterr()
    assert (output, told in errors) == ("", True)
    assert not Path("runs/x").exists()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["--seed", "4294967296"], "argument --seed: '4294967296' is not a whole number from 0 to 4294967295"),
        (["--workers", "many"], "argument --workers: 'many' is not a whole number from 0 to 1024"),
        (["-o", ""], "argument -o/--output: '' is no folder"),
    ],
)
def test_what_no_training_takes_leaves_an_earlier_one_as_it_is(
    here: Path, capsys: pytest.CaptureFixture[str], typed: list[str], told: str
) -> None:
    Path("runs/x").mkdir(parents=True)
    Path("runs/x/last.ckpt").touch()

    with pytest.raises(SystemExit) as ended:
        main(["train", *DATA, "--graph", "my.yaml", *SMALLEST, "-o", "runs/x", "--force", *typed])

    assert ended.value.code == 2
    assert f"fpngraph train: {told}" in capsys.readouterr().err
    assert [path.name for path in here.glob("runs/*/*")] == ["last.ckpt"]


def test_what_is_there_is_told_before_anything_is_measured(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("plots").mkdir()
    Path("plots/results.json").touch()
    for output, told in {
        "plots": "'plots/results.json' exists already\n  hint: add --force to write over it",
        "my.yaml": "'my.yaml' is no folder",
    }.items():
        assert main(["evaluate", "--val", "val", "val.json", "--weights", "gone.ckpt", "-o", output]) == 2
        assert capsys.readouterr().err == f"fpngraph evaluate: {told}\n"


def test_a_checkpoint_that_is_none_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--val", "val", "val.json", "--weights", "my.yaml"]) == 2
    assert "my.yaml" in capsys.readouterr().err
    assert (here / "my.yaml").read_text(encoding="utf-8") == GRAPH


def test_detect_needs_a_model_or_a_checkpoint_that_tells_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", "val", "-o", "out"]) == 2
    assert capsys.readouterr().err == "fpngraph detect: --model NAME or --weights FILE is required\n"
    assert main(["detect", "val", "--weights", "a.ckpt", "--graph", "my.yaml", "-o", "out"]) == 2
    assert capsys.readouterr().err == (
        "fpngraph detect: another graph changes a --model\n  hint: without one, a checkpoint of 'train' says its own\n"
    )
