"""``fpngraph sweep``: several graphs, trained alike and compared."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from fpngraph.cli import training
from fpngraph.cli.main import main
from fpngraph.cli.starting import Start
from fpngraph.cli.values import UsageError
from fpngraph.training import read_saved
from tests.cli.small import DATA, QUICK, SMALLEST

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns of much
OTHER = ("--graph", "fpn", "-p", "min=3")
TYPED = ["sweep", *DATA, *SMALLEST, *QUICK, "-o", "runs/s", "-p", "channels=16"]
MINE = ("--graph", "mine.yaml")


@pytest.fixture
def mine(here: Path) -> Path:
    """A graph with a parameter."""
    text = (here / "my.yaml").read_text(encoding="utf-8")
    file = here / "mine.yaml"
    file.write_text(
        text.replace("channels: 16", "channels: $channels").replace("inputs:", "params: {channels: 8}\ninputs:", 1)
    )
    return file


def test_presets_and_parameters_are_of_the_graph_before_them_and_before_the_first_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: dict[str, tuple[str | None, object]] = {}

    def sweep(_: object, starts: list[tuple[str, Start]], *__: object, **___: object) -> int:
        found.update({name: (start.preset, start.params) for name, start in starts})
        return 0

    monkeypatch.setattr("fpngraph.cli.sweeping.sweep", sweep)
    of_all = ["--preset", "d1", "-p", "channels=16", "-p", "repeats=1"]

    main(["sweep", *DATA, "-o", "x", *of_all, "--graph", "a", "-p", "channels=8", "--graph", "b", "--preset", "d2"])

    assert found == {
        "a channels=8": ("d1", {"channels": 8, "repeats": 1}),
        "b@d2": ("d2", {"channels": 16, "repeats": 1}),
    }


def times(folder: Path) -> dict[str, int]:
    """When the checkpoint of each run was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("*/last.ckpt")}


def test_each_graph_is_trained_alike_and_what_is_finished_is_not_done_again(
    here: Path, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TYPED, *OTHER, *MINE]) == 0
    output = capsys.readouterr().out
    assert "8 to measure with\nfpn min=3 (1 of 2): runs/s/fpn_min=3\nmine (2 of 2): runs/s/mine\n" in output
    assert output.splitlines()[-1] == "wrote runs/s/table.csv, runs/s/table.md, runs/s/sweep.svg"
    folder = here / "runs/s"
    rows = list(csv.DictReader((folder / "table.csv").read_text().splitlines()))
    assert [row["graph"] for row in rows] == ["fpn min=3", "mine"]
    saved = read_saved(folder / "mine/best.ckpt")
    assert "channels: 16" in saved.recipe["graph"]
    learned = {name for name, x in saved.state.items() if "running" not in name and "num_batches" not in name}
    assert int(rows[1]["parameters"]) == sum(saved.state[name].numel() for name in learned)
    assert (folder / "table.md").read_text().splitlines()[3].split("|")[1] == " mine "
    picture = (folder / "sweep.svg").read_text()
    assert all(
        f"<!-- {name} -->" in picture for name in ("fpn min=3", "mine", "parameters, millions", "MACs, billions")
    )

    assert main([*TYPED, *OTHER, *MINE]) == 2
    assert capsys.readouterr().err == (
        "fpngraph sweep: 'runs/s/fpn_min=3/last.ckpt' exists already\n"
        "  hint: --resume goes on from it, --force writes over it\n"
    )
    before = times(folder)
    assert main([*TYPED, *OTHER, *MINE, "--graph", "my.yaml", "--resume"]) == 2  # my.yaml has no parameter
    assert "my: there is no parameter 'channels'" in capsys.readouterr().err
    mine.write_text(mine.read_text().replace("fusion: sum", "fusion: softmax"))
    assert main([*TYPED, *OTHER, *MINE, "--resume"]) == 2
    assert capsys.readouterr().err == (
        "fpngraph sweep: the runs in 'runs/s' are not those that are asked for:\n"
        "  graph 'mine' has changed since\n"
        "  hint: another -o keeps them, --force writes over them\n"
    )
    mine.write_text(mine.read_text().replace("fusion: softmax", "fusion: sum"))
    assert main([*TYPED, "--lr", "0.1", *MINE, "--resume"]) == 2
    assert "\n  lr was 0.001, and is 0.1\n" in capsys.readouterr().err
    assert times(folder) == before
    assert main([*TYPED, *MINE, "--graph", "none.yaml", "--force"]) == 2
    assert times(folder) == before
    assert main([*TYPED, *MINE, *OTHER, "--resume"]) == 0
    assert "mine (1 of 2): finished before\nfpn min=3 (2 of 2): finished before\n" in capsys.readouterr().out
    assert times(folder) == before


def test_force_begins_anew(here: Path, mine: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*TYPED, *MINE, "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")
    before = times(here / "runs/s")

    assert main([*TYPED, "--lr", "0.1", *MINE, "--force"]) == 0

    assert times(here / "runs/s") != before


def test_a_run_that_fails_does_not_lose_the_others(here: Path, mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "runs/s").mkdir(parents=True)
    (here / "runs/s/mine").write_text("a file in the place of the run's folder")
    several = (*MINE, *MINE, "-p", "channels=24")

    assert main([*TYPED, *several]) == 1
    output, errors = capsys.readouterr()
    assert errors.splitlines()[0].startswith("fpngraph sweep: mine: ")
    assert errors.splitlines()[0].endswith("runs/s/mine': File exists")
    assert errors.splitlines()[-1] == "fpngraph sweep: 1 of 2 runs failed: mine"
    table = (here / "runs/s/table.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in table] == ["graph", "mine channels=24"]

    (here / "runs/s/mine").unlink()
    assert main([*TYPED, *several, "--resume"]) == 0
    output = capsys.readouterr().out
    assert "mine (1 of 2): runs/s/mine\nmine channels=24 (2 of 2): finished before\n" in output


def test_a_graph_that_is_edited_before_its_turn_is_not_trained_in_the_name_of_the_other(
    here: Path, mine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[str] = []

    def edit(start: Start, *_: object, **__: object) -> None:
        turns.append(str(start.graph))
        mine.write_text(mine.read_text().replace("fusion: sum", "fusion: softmax"))
        raise UsageError("it takes too long")

    monkeypatch.setattr(training, "run", edit)

    assert main([*TYPED, *OTHER, *MINE]) == 1

    assert turns == ["fpn"]
    assert capsys.readouterr().err == (
        "fpngraph sweep: fpn min=3: it takes too long\n"
        "fpngraph sweep: mine: its graph has changed since the sweep began\n"
        "  hint: --resume trains it as it is then\n"
        "fpngraph sweep: 2 of 2 runs failed: fpn min=3, mine\n"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("epoch,seconds,AP\n1,2.5\n", "line 2: there are 2 values, but 3 columns"),
        ("epoch,seconds,AP\n1,2.5,\ntwo,2.5,0.1\n", "line 3: epoch is 'two', but must be a whole number"),
        ("epoch,seconds,AP\n1,,0.1\n", "line 2: seconds is '', but must be a number"),
        ("epoch,seconds,AP\n1,2.5,good\n", "line 2: AP is 'good', but must be a number"),
        ("epoch,AP\n1,0.1\n", "line 1: there is no column 'seconds'"),
        ("", "line 1: there is no column 'epoch'"),
        ("\xff", "is no text of comma-separated values"),
    ],
)
def test_a_curve_that_somebody_has_changed_is_told_before_the_first_step(
    content: str, problem: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "runs/s/my").mkdir(parents=True)
    (here / "runs/s/my/metrics.csv").write_text(content, encoding="latin-1")

    assert main(["sweep", *DATA, *SMALLEST, *QUICK, "-o", "runs/s", "--graph", "my.yaml", "--resume"]) == 2

    assert capsys.readouterr().err == (
        f"fpngraph sweep: 'runs/s/my/metrics.csv': {problem}\n  hint: put it back as it was; only trainings write it\n"
    )


def test_a_preset_belongs_to_the_graph_before_it(here: Path, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine.write_text(mine.read_text() + "presets: {wide: {channels: 24}, slim: {channels: 4}}\n")
    trained: list[tuple[str | None, object, str]] = []

    def refuse(start: Start, parts: object, folder: Path, *_: object, **__: object) -> None:
        trained.append((start.preset, dict(start.params), str(folder)))
        raise UsageError("no")

    monkeypatch.setattr("fpngraph.cli.training.run", refuse)
    typed = [*DATA, *SMALLEST, *QUICK, *MINE, "--preset", "wide", *MINE, "--preset", "slim", "-p", "channels=8"]

    assert main(["sweep", *typed, "-o", "runs/s"]) == 1

    assert trained == [("wide", {}, "runs/s/mine@wide"), ("slim", {"channels": 8}, "runs/s/mine@slim_channels=8")]
    graphs = json.loads((here / "runs/s/sweep.json").read_text())["graphs"]
    assert "channels: 24" in graphs["mine@wide"]
    assert "channels: 8" in graphs["mine@slim channels=8"]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            ["--graph", "my.yaml", "--graph", "my.yaml"],
            "two runs would be called 'my'\n"
            "  hint: files of other names, or other parameters after --graph, tell them apart\n",
        ),
        (
            ["--graph", "fpn", "-p", "chanels=8", "--graph", "nix.yaml"],
            "fpn chanels=8: there is no parameter 'chanels' [unknown-param]\n"
            "  hint: did you mean 'channels'? There are: min, max, backbone_max, channels, lateral, smooth, norm\n"
            "nix: cannot read 'nix.yaml': No such file or directory [unreadable-file]\n",
        ),
        (["--graph", "my.yaml", "--graph", "fpn", "--backbone", "resnet19"], "my, fpn: timm has no model named"),
        (["--graph", "my.yaml", "--preset", "big"], "my@big: there is no preset 'big' [unknown-preset]"),
    ],
    ids=["twice", "all graphs at once", "once for all", "no such preset"],
)
def test_what_is_asked_wrongly_is_told_before_the_first_step(
    typed: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *DATA, *SMALLEST, *QUICK, "-o", "runs/s", *typed]) == 2

    errors = capsys.readouterr().err
    assert errors.startswith(f"fpngraph sweep: {message}")
    assert not (here / "runs").exists()
