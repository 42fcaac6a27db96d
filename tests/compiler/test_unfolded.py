"""``unfolded`` says what a fused neck has not folded, and why; the commands print it."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.cli.main import main
from fpngraph.inference.folding import told
from tests.fused_graphs import assert_fused_equals, neck
from tests.necks import maps, neck_of

OF_THE_IMAGE = "its statistics are those of each image"


def doubled(_module: nn.Module, _given: object, y: Tensor) -> Tensor:
    return y * 2


def halved(_module: nn.Module, given: tuple[Tensor, ...]) -> tuple[object, ...]:
    return (*given[:-1], given[-1] / 2)


@pytest.mark.parametrize("norm", ["{group_norm: {groups: 2}}", "layer_norm"])
def test_norms_that_depend_on_the_image_are_named(norm: str) -> None:
    plain = neck_of(f"a: {{inputs: [P3, P4], level: 3, op: [{{conv: {{}}}}, {norm}, act]}}", outputs="[a]")

    assert plain.fuse().unfolded == {"a.op.norm": OF_THE_IMAGE}


@pytest.mark.parametrize(
    "path", ["a", "a.edges.P4", "a.edges.P4.nearest", "a.fusion", "a.op", "a.op.conv", "b.edges.P4.project.norm"]
)
def test_what_is_hooked_runs_with_its_hook_and_is_named(path: str) -> None:
    hooked = neck()
    hooked.get_submodule(path).register_forward_hook(doubled)

    fused = assert_fused_equals(hooked)

    assert fused.unfolded[path] == f"has a forward hook, {__name__}.doubled"


def test_a_hooked_projection_runs_with_its_hook_in_both_forms() -> None:
    hooked = neck()
    features = maps(hooked, 64, 96, dtype=torch.float64)
    before = hooked(features)
    hooked.get_submodule("b.edges.P4.project").register_forward_hook(doubled)

    fused = assert_fused_equals(hooked)

    assert "b.edges.P4.project" in fused.unfolded
    assert all(not torch.equal(y, x) for y, x in zip(hooked(features), before, strict=True))


@pytest.mark.parametrize("path", ["a", "a.op", "a.op.conv", "b.op.separable_conv.pointwise"])
def test_hooks_before_the_forward_count_as_well(path: str) -> None:
    hooked = neck()
    hooked.get_submodule(path).register_forward_pre_hook(halved)

    fused = assert_fused_equals(hooked)

    outer, inside = ("b.op.separable_conv", "its 'pointwise' ") if "pointwise" in path else (path, "")
    assert fused.unfolded[outer] == f"{inside}has a forward pre-hook, {__name__}.halved"


def test_hooks_of_the_neck_itself_stay_behind_and_are_named() -> None:
    hooked = neck()
    hooked.register_forward_hook(doubled)

    assert hooked.fuse().unfolded == {"": f"has a forward hook, {__name__}.doubled, which stays behind"}


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_copies_and_pickles_say_the_same(way: Callable[[fpngraph.FusedNeck], fpngraph.FusedNeck]) -> None:
    fused = neck_of("a: {inputs: [P3], level: 3, op: [norm]}", inputs="[P3]", outputs="[a]").fuse()

    assert way(fused).unfolded == fused.unfolded == {"a.op.norm": "follows no convolution that could take it in"}


def test_it_is_told_in_a_line_for_each_reason() -> None:
    unfolded = {f"P{level}": "is odd" for level in range(1, 8)} | {"": "has a hook", "a.op.norm": "is odd"}

    assert list(told(unfolded)) == [
        "not folded: P1, P2, P3, P4 and 4 more: is odd",
        "not folded: the whole: has a hook",
    ]
    assert list(told({})) == []


GROUPS = ["-p", "norm={group_norm: {groups: 4}}", "-p", "channels=8", "-p", "repeats=1", "--in-channels", "4,6,8"]


def test_bench_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["bench", "bifpn", *GROUPS, "--image-size", "128x192", "--rounds", "2", "--forms", "fused"]

    assert main(asked) == 0
    printed = capsys.readouterr().out.splitlines()
    assert main([*asked, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)

    norms = [line for line in printed if line.startswith("not folded: ")]
    assert norms[-1].endswith(f" more: {OF_THE_IMAGE}")
    assert list(told(report["unfolded"])) == norms


@pytest.mark.exports
def test_export_prints_it(workshop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workshop / "my.yaml").write_text(
        "fpngraph: 1\nname: small\ninputs: P(3..3)\nnodes: {Q3: {inputs: [P3], op: [norm, act]}}\noutputs: [Q3]\n",
        encoding="utf-8",
    )

    asked = ["export", "my.yaml", "--in-channels", "4", "--image-size", "64", "--format", "torch-export"]

    assert main([*asked, "-o", "my.pt2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "not folded: Q3.op.norm: follows no convolution that could take it in"
