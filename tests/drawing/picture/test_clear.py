"""What is said where an edge comes so near to a node that it seems to end there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from fpngraph import load
from fpngraph.cli.main import main
from fpngraph.drawing import draw
from fpngraph.drawing.picture import assemble, clear
from fpngraph.drawing.picture.clear import Crowded, Near
from fpngraph.drawing.picture.diagram import Diagram

NEAR = "the edge from 'P4' to 'bifpn.0.out4' runs close to node 'bifpn.0.td4', which is not its end"


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if edges had to stay further off, since layouts keep them clear."""
    monkeypatch.setattr(clear, "_LEAST", 30.0)


@pytest.mark.usefixtures("strict")
def test_a_width_at_which_no_way_to_draw_is_clear_is_said_with_what_may_help() -> None:
    with pytest.warns(Crowded) as caught:
        scene = draw(load("bifpn", repeats=1), width="3.4in")

    assert [str(warning.message) for warning in caught] == [
        f"at a width of 3.4in, {NEAR}\n  hint: try direction='up' (--direction up)"
    ]
    assert scene.width


def test_of_ways_that_are_not_clear_the_clearest_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def near(parts: Sequence[Diagram]) -> Near:
        return Near(-abs(2.0 - len(parts)), "a", "b", f"of {len(parts)} rows")

    monkeypatch.setattr(assemble, "too_near", near)

    with pytest.warns(Crowded, match="close to node 'of 2 rows'"):
        draw(load("bifpn", repeats=3), width="7in")


@pytest.mark.usefixtures("strict")
def test_rows_that_are_asked_for_and_not_clear_are_said() -> None:
    with pytest.warns(Crowded) as caught:
        draw(load("bifpn", repeats=2), rows=2)

    assert [str(warning.message) for warning in caught] == [f"in 2 rows, {NEAR}\n  hint: try another number of rows"]


def test_rows_that_are_clear_say_nothing(recwarn: pytest.WarningsRecorder) -> None:
    draw(load("bifpn", repeats=2), rows=2)

    assert not recwarn


@pytest.mark.usefixtures("strict")
def test_the_command_prints_it_and_writes_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    status = main(["render", "bifpn", "-p", "repeats=2", "--rows", "2", "-o", "out.svg"])

    assert status == 0
    assert f"fpngraph render: warning: in 2 rows, {NEAR}\n  hint: try another" in capsys.readouterr().err
    assert Path("out.svg").exists()
