"""Weights of other libraries' necks: taken whole by a table of names, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7

import fpngraph
from fpngraph.errors import GraphError
from fpngraph.weights.state import StateError
from fpngraph.weights.tables import Rule, Table, read_table, shipped_tables

SOURCE = "torchvision.FeaturePyramidNetwork"
WIDTHS = [8, 16, 24, 32]
GRAPH = """
fpngraph: 1
name: two
inputs: {P3: 3, P4: 4}
defaults: {channels: 8}
nodes:
  a3: {inputs: [P3], op: [conv, norm]}
  a4: {inputs: [P4], op: [conv, norm]}
outputs: [a3, a4]
"""


def randomised(module: nn.Module) -> nn.Module:
    torch.manual_seed(3)
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)
    return module.double().eval()


def furthest(ours: list[Tensor], theirs: list[Tensor]) -> float:
    return max(float(((a - b).abs().max() / b.abs().max()).detach()) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    ("graph", "params", "extra"),
    [
        pytest.param("fpn", {}, LastLevelMaxPool(), id="max-pool"),
        pytest.param("fpn", {"max": 5}, None, id="no-extra"),
        pytest.param("retinanet_fpn", {"min": 2}, LastLevelP6P7(32, 16), id="from-C5"),
        pytest.param("retinanet_fpn", {"min": 2, "source": "P5"}, LastLevelP6P7(16, 16), id="from-P5"),
    ],
)
@pytest.mark.parametrize("size", [(64, 96), (51, 77)])
def test_torchvisions_pyramid_gives_the_same_afterwards(
    graph: str, params: dict[str, Any], extra: Any, size: tuple[int, int]
) -> None:
    theirs = randomised(torchvision.ops.FeaturePyramidNetwork(WIDTHS, 16, extra))
    neck = fpngraph.build(fpngraph.load(graph, channels=16, **params), WIDTHS).double().eval()
    state = {f"backbone.fpn.{name}": tensor for name, tensor in theirs.state_dict().items()}

    carried = fpngraph.load_from(neck, state | {"head.weight": torch.ones(2)}, SOURCE, prefix="backbone.fpn.")

    maps = [torch.randn(2, width, -(-size[0] >> k), -(-size[1] >> k)).double() for k, width in enumerate(WIDTHS)]
    expected = list(theirs({str(k): x.clone() for k, x in enumerate(maps)}).values())
    assert furthest(neck(maps), expected) < 1e-14
    assert set(carried.taken) == set(neck.state_dict())
    assert (carried.missing, carried.unused) == ((), ("head.weight",))


def fitting() -> dict[str, Tensor]:
    return torchvision.ops.FeaturePyramidNetwork(WIDTHS, 16).state_dict()


def pyramid() -> fpngraph.Neck:
    return fpngraph.build(fpngraph.load("fpn", channels=16, max=5), WIDTHS)


def test_all_that_is_wrong_is_told_at_once_and_nothing_changes() -> None:
    neck = pyramid()
    before = {name: tensor.clone() for name, tensor in neck.state_dict().items()}
    state = fitting() | {"inner_blocks.7.0.weight": torch.ones(1), "layer_blocks.1.0.weight": torch.ones(2).to_sparse()}
    del state["layer_blocks.3.0.bias"]

    with pytest.raises(StateError) as caught:
        fpngraph.load_from(neck, state, SOURCE)

    assert str(caught.value) == (
        "the weights of 'torchvision.FeaturePyramidNetwork' do not fit graph 'FPN':\n"
        "  1 missing: 'P5.op.conv.bias' (theirs is 'layer_blocks.3.0.bias')\n"
        "  1 of theirs without a counterpart: 'inner_blocks.7.0.weight'\n"
        "  1 that cannot be copied: 'layer_blocks.1.0.weight' is of the layout sparse_coo, not strided"
    )
    assert all(torch.equal(tensor, before[name]) for name, tensor in neck.state_dict().items())


def test_another_shape_is_told_and_nothing_changes() -> None:
    neck = pyramid()
    before = neck.P2.op.conv.weight.clone()

    with pytest.raises(StateError) as caught:
        fpngraph.load_from(neck, torchvision.ops.FeaturePyramidNetwork([8, 16, 24, 40], 16).state_dict(), SOURCE)

    assert str(caught.value) == (
        "the weights of 'torchvision.FeaturePyramidNetwork' do not fit graph 'FPN':\n"
        "  1 of another shape: 'M5.edges.C5.project.conv.weight' is [16, 40, 1, 1], not [16, 32, 1, 1]"
    )
    assert torch.equal(neck.P2.op.conv.weight, before)


def test_a_source_that_nobody_knows_is_told_with_those_there_are() -> None:
    with pytest.raises(StateError) as caught:
        fpngraph.load_from(pyramid(), fitting(), "torchvision.FeaturePyramid")

    first, hint = str(caught.value).splitlines()
    assert first == "there is no table of names for the source 'torchvision.FeaturePyramid'"
    assert hint.startswith("  hint: did you mean 'torchvision.FeaturePyramidNetwork'?")


def test_what_is_no_state_dict_is_refused() -> None:
    with pytest.raises(StateError, match="state is a list, but must be a state dict"):
        fpngraph.load_from(pyramid(), [], SOURCE)  # type: ignore[arg-type]


def test_missing_is_a_word() -> None:
    with pytest.raises(ValueError, match="missing is 'skip', but must be 'error' or 'init'"):
        fpngraph.load_from(pyramid(), fitting(), SOURCE, missing="skip")  # type: ignore[arg-type]


def test_nodes_that_were_added_may_start_anew() -> None:
    text = fpngraph.dump(fpngraph.load("fpn", channels=16, max=5)).replace("outputs:", "outputs:\n  X: X\n", 1)
    text = text.replace("nodes:\n", "nodes:\n  X: {inputs: [P2], level: 2, op: [{conv: {kernel: 1}}]}\n", 1)
    graph = fpngraph.loads(text.replace("outputs:\n  X: X\n {", "outputs: {X: X, "))
    neck = fpngraph.build(graph, WIDTHS)
    before = neck.X.op.conv.weight.clone()

    with pytest.raises(StateError, match=r"2 of ours that the table does not name: 'X.op.conv.weight'"):
        fpngraph.load_from(neck, fitting(), SOURCE)
    carried = fpngraph.load_from(neck, fitting(), SOURCE, missing="init")

    assert carried.missing == ("X.op.conv.weight", "X.op.conv.bias")
    assert str(carried) == "16 taken; 2 missing: 'X.op.conv.weight', 'X.op.conv.bias'"
    assert torch.equal(neck.X.op.conv.weight, before)


def table(names: list[dict[str, Any]], **more: Any) -> Table:
    return Table.model_validate({"source": "mine", "names": names, **more})


def state_of(*names: str) -> dict[str, Tensor]:
    """A state dict of convolutions and norms under these names, each with other numbers."""
    found: dict[str, Tensor] = {}
    for number, name in enumerate(names):
        found[f"{name}.conv.weight"] = torch.full((8, 8, 3, 3), float(number))
        found |= {f"{name}.bn.{it}": torch.full((8,), number + 0.5) for it in ("weight", "bias")}
        found |= {f"{name}.bn.running_{it}": torch.full((8,), number + 0.25) for it in ("mean", "var")}
    return found


CBS = {"cbs": [{"ours": "conv", "theirs": "conv"}, {"ours": "norm", "theirs": "bn"}]}


def test_a_block_says_what_is_in_a_module_and_counters_may_be_missing() -> None:
    neck = fpngraph.build(fpngraph.loads(GRAPH), [8, 8])
    names = [{"ours": "a3.op", "theirs": "model.12", "as": "cbs"}, {"ours": "a4.op", "theirs": "model.1", "as": "cbs"}]
    state = state_of("model.12", "model.1") | {"model.2.conv.weight": torch.ones(3)}

    carried = fpngraph.load_from(neck, state, "mine", table=table(names, blocks=CBS, whole=False))

    assert neck.a3.op.conv.weight.unique().tolist() == [0.0]
    assert neck.a4.op.norm.weight.unique().tolist() == [1.5]
    assert carried.unused == ("model.2.conv.weight",)


def test_counters_that_our_norms_have_not_may_be_left_over() -> None:
    graph = fpngraph.loads(GRAPH.replace("{channels: 8}", "{channels: 8, norm: frozen_batch_norm}"))
    names = [{"ours": "a{l}.op", "theirs": "x{l}", "as": "cbs"}]
    state = state_of("x3", "x4") | {"x3.bn.num_batches_tracked": torch.tensor(7)}

    carried = fpngraph.load_from(fpngraph.build(graph, [8, 8]), state, "mine", table=table(names, blocks=CBS))

    assert carried.unused == ("x3.bn.num_batches_tracked",)


def test_of_a_whole_model_only_the_rows_of_the_table_have_to_be_used_up() -> None:
    neck = fpngraph.build(fpngraph.loads(GRAPH), [8, 8])
    names = [{"ours": "a3.op", "theirs": "model.12", "as": "cbs"}, {"ours": "a4.op", "theirs": "model.1", "as": "cbs"}]
    state = state_of("model.12", "model.1") | {"model.1.more.weight": torch.ones(3), "model.15.w": torch.ones(3)}

    with pytest.raises(StateError) as caught:
        fpngraph.load_from(neck, state, "mine", table=table(names, blocks=CBS, whole=False))

    assert str(caught.value).splitlines()[1:] == ["  1 of theirs without a counterpart: 'model.1.more.weight'"]


def test_several_tensors_of_theirs_are_joined_in_their_order() -> None:
    text = GRAPH.replace("op: [conv, norm]", "op: [conv]")
    neck = fpngraph.build(fpngraph.loads(text), [8, 8])
    rule = [{"ours": "a{l}.op.conv", "theirs": ["x{l-2}.first", "x{l-2}.second"]}]
    parts = {"first": torch.zeros(5, 8, 3, 3), "second": torch.ones(3, 8, 3, 3)}
    state = {f"x{k}.{part}.weight": tensor for k in (1, 2) for part, tensor in parts.items()}
    state |= {f"x{k}.{part}.bias": tensor[:, 0, 0, 0] for k in (1, 2) for part, tensor in parts.items()}

    fpngraph.load_from(neck, state, "mine", table=table(rule))

    assert neck.a4.op.conv.bias.tolist() == [0.0] * 5 + [1.0] * 3


def test_two_rules_that_name_a_tensor_otherwise_are_refused() -> None:
    neck = fpngraph.build(fpngraph.loads(GRAPH), [8, 8])
    names = [{"ours": "a{l}.op.conv", "theirs": "c{l}"}, {"ours": "a3.op.conv", "theirs": "d"}]

    with pytest.raises(StateError) as caught:
        fpngraph.load_from(neck, {}, "mine", table=table(names))

    assert str(caught.value) == "table of 'mine': 'a3.op.conv.weight' is called 'c3.weight' and 'd.weight'"


def test_a_number_of_our_name_is_the_same_wherever_it_stands_again() -> None:
    rule = Rule("M{l}.edges.C{l}.conv", ["x.{l-min}"])

    assert rule.theirs("M4.edges.C4.conv.weight", {"min": 3}) == ["x.1.weight"]
    assert rule.theirs("M4.edges.C5.conv.weight", {"min": 3}) is None
    assert rule.theirs("M4.edges.C4.convolution", {"min": 3}) is None


def test_a_table_of_ones_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.weights.yaml"
    path.write_text('source: mine\nnames:\n  - {ours: "a{l}.op", theirs: "x{l-3}", as: cbs}\nblocks:\n'
                    "  cbs: [{ours: conv, theirs: conv}, {ours: norm, theirs: bn}]\n")  # fmt: skip
    neck = fpngraph.build(fpngraph.loads(GRAPH), [8, 8])

    fpngraph.load_from(neck, state_of("x0", "x1"), "mine", table=path)

    assert neck.a4.op.norm.running_mean.unique().tolist() == [1.25]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("source: mine\n", "the key 'names' is missing", id="no names"),
        pytest.param("source: mine\nnames: [{our: a, theirs: b}]\n", "unknown key 'our'", id="unknown key"),
        pytest.param(
            "source: mine\nnames: [{ours: a, theirs: b, as: c}]\n",
            "table of 'mine': block 'c' is not in 'blocks'",
            id="no block",
        ),
        pytest.param(
            "source: mine\nnames: [{ours: a, theirs: b, as: c}]\nblocks: {c: [{ours: d, theirs: e, as: c}]}\n",
            "table of 'mine': block 'c' holds itself",
            id="block in itself",
        ),
        pytest.param(
            "source: mine\nnames: [{ours: a, theirs: [b, d], as: c}]\nblocks: {c: [{ours: d, theirs: e}]}\n",
            "table of 'mine': 'a' is block 'c', but has 2 names of theirs",
            id="block of two",
        ),
        pytest.param(
            "source: mine\nnames: [{ours: a, theirs: []}]\n",
            "'theirs' is an empty list, but must be a string or a list with at least one entry",
            id="no name of theirs",
        ),
        pytest.param(
            "source: mine\nnames: [{ours: 'a{l}', theirs: 'b.{l**2}'}]\n",
            "table of 'mine': 'b.{l**2}': the operator '**' is not allowed",
            id="expression",
        ),
        pytest.param(
            "source: mine\nnames: [{ours: 'a{l}', theirs: b, as: c}]\nblocks: {c: [{ours: d, theirs: 'e{k}'}]}\n",
            "table of 'mine': 'b.e{k}': 'k' is no number of the name that it stands for",
            id="unknown number in a block",
        ),
        pytest.param(
            "source: mine\nnames: [{ours: 'a.{source}', theirs: 'b.{source}'}]\n",
            "table of 'mine': 'b.{source}': 'source' is no number of the name that it stands for",
            id="word",
        ),
        pytest.param(
            "source: mine\nnames: [{ours: 'a{l}', theirs: 'b{w(l)}'}]\n",
            "table of 'mine': 'b{w(l)}': 'w' is no number of the name that it stands for",
            id="look-up",
        ),
    ],
)
def test_a_wrong_table_is_told_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.weights.yaml"
    path.write_text(text)

    with pytest.raises(GraphError) as caught:
        read_table(path)

    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")


def halves() -> dict[str, Tensor]:
    """The first and the second four channels of every convolution and norm in ``GRAPH``."""
    return {
        f"{half}{level}.{name}": torch.full(x.shape, float(level + number)) if x.ndim else x
        for level in (3, 4)
        for number, half in enumerate("xy")
        for name, x in nn.ModuleDict({"conv": nn.Conv2d(8, 4, 3), "norm": nn.BatchNorm2d(4)}).state_dict().items()
        if name != "conv.bias"
    }


HALVES = [{"ours": "a{l}.op", "theirs": ["x{l}", "y{l}"]}]


def test_modules_are_joined_with_their_counters() -> None:
    neck = fpngraph.build(fpngraph.loads(GRAPH), [8, 8])

    carried = fpngraph.load_from(neck, halves(), "mine", table=table(HALVES))

    assert neck.a4.op.norm.weight.tolist() == [4.0] * 4 + [5.0] * 4
    assert set(carried.taken) == set(neck.state_dict())


def test_what_cannot_be_joined_is_told() -> None:
    state = halves() | {"y3.conv.weight": torch.ones(4, 7, 3, 3), "y4.norm.bias": torch.ones(())}

    with pytest.raises(StateError) as caught:
        fpngraph.load_from(fpngraph.build(fpngraph.loads(GRAPH), [8, 8]), state, "mine", table=table(HALVES))

    assert str(caught.value) == (
        "the weights of 'mine' do not fit graph 'two':\n"
        "  2 that cannot be joined: 'x3.conv.weight' and 'y3.conv.weight' are [4, 8, 3, 3] and [4, 7, 3, 3], "
        "'x4.norm.bias' and 'y4.norm.bias' are [4] and []"
    )


def test_a_name_that_cannot_be_worked_out_is_told() -> None:
    names = table([{"ours": "a{l}.op", "theirs": "x{9 // (l - 3)}", "as": "cbs"}], blocks=CBS)

    with pytest.raises(StateError, match=r"^table of 'mine': 'a3.op.conv.weight' cannot be named: division by zero$"):
        fpngraph.load_from(fpngraph.build(fpngraph.loads(GRAPH), [8, 8]), state_of("x3"), "mine", table=names)


def test_a_number_may_have_any_name() -> None:
    assert Rule("M{rest}.conv{min}", ["x.{rest-min}"]).theirs("M5.conv3.bias", {"min": 4}) == ["x.2.bias"]


def test_every_table_that_is_shipped_has_all_its_blocks() -> None:
    assert all(table.rules() for table in shipped_tables())


def test_of_two_rules_the_one_that_the_state_dict_has_is_taken() -> None:
    neck = fpngraph.build(fpngraph.loads(GRAPH), [8, 8])
    names = [{"ours": "a{l}.op", "theirs": "x{l}", "as": "cbs"}, {"ours": "a4.op", "theirs": "y", "as": "cbs"}]

    fpngraph.load_from(neck, state_of("x3", "y"), "mine", table=table(names, blocks=CBS))

    assert neck.a4.op.norm.weight.unique().tolist() == [1.5]


def retinanet(**params: Any) -> fpngraph.Neck:
    return fpngraph.build(fpngraph.load("retinanet_fpn", channels=8, **params), [6, 8, 10])


def mmdets(neck: fpngraph.Neck) -> dict[str, Tensor]:
    """The tensors of a neck as mmdet's FPN calls them."""
    places = {"M": "lateral_convs", "P": "fpn_convs"}
    state = {}
    for name, tensor in neck.state_dict().items():
        node, leaf = name.split(".")[0], name.rpartition(".")[2]
        state[f"{places[node[0]]}.{int(node[1]) - 3}.conv.{leaf}"] = tensor
    return state


PLAIN = {"extra": {"strided_conv": {"kernel": 3}}}  # no activation between the levels beyond the backbone


@pytest.mark.parametrize(
    ("params", "config"),
    [
        ({}, {"add_extra_convs": "on_input", "relu_before_extra_convs": True}),
        ({}, {"add_extra_convs": True, "relu_before_extra_convs": True}),
        (PLAIN, {"add_extra_convs": "on_input"}),
        ({"source": "M5", **PLAIN}, {"add_extra_convs": "on_lateral", "relu_before_extra_convs": False}),
        ({"source": "P5"}, {"add_extra_convs": "on_output", "relu_before_extra_convs": True}),
    ],
    ids=["input", "true", "no relu", "lateral", "output"],
)
def test_settings_that_tensors_do_not_tell_are_held_against_the_graph(
    params: dict[str, Any], config: dict[str, Any]
) -> None:
    neck = retinanet(**params)

    carried = fpngraph.load_from(neck, mmdets(neck), "mmdet.FPN", config=config)

    assert set(carried.taken) == set(neck.state_dict())


@pytest.mark.parametrize(
    ("params", "config", "message"),
    [
        pytest.param(
            {},
            None,
            "the tensors of 'mmdet.FPN' do not tell its 'add_extra_convs' and 'relu_before_extra_convs'\n"
            "  hint: give 'config', a mapping with the settings of their neck",
            id="no settings",
        ),
        pytest.param(
            {},
            {"add_extra_convs": "on_input"},
            "'relu_before_extra_convs' is False, but the edge from 'P6' to 'P7' has the activation 'relu' in front",
            id="published settings",
        ),
        pytest.param(
            PLAIN,
            {"relu_before_extra_convs": True},
            "'relu_before_extra_convs' is True, but the edge from 'P6' to 'P7' has no activation in front",
            id="an activation",
        ),
        pytest.param(
            {"source": "P5"},
            {"add_extra_convs": "on_lateral", "relu_before_extra_convs": True},
            "'add_extra_convs' is 'on_lateral', but node 'P6' of the graph reads 'P5'",
            id="another source",
        ),
        pytest.param(
            {},
            {"add_extra_convs": "on_nothing", "relu_before_extra_convs": True},
            "'add_extra_convs' is 'on_nothing', but node 'P6' of the graph reads 'C5'",
            id="another word",
        ),
    ],
)
def test_other_settings_than_the_graphs_are_refused(
    params: dict[str, Any], config: dict[str, Any] | None, message: str
) -> None:
    neck = retinanet(**params)
    state = {name: tensor + 1 for name, tensor in mmdets(neck).items()}
    before = neck.M3.edges.C3.project.conv.weight.clone()

    with pytest.raises(StateError) as caught:
        fpngraph.load_from(neck, state, "mmdet.FPN", config=config)

    assert str(caught.value) == message
    assert torch.equal(neck.M3.edges.C3.project.conv.weight, before)


def test_of_pooled_levels_no_settings_are_asked() -> None:
    neck = fpngraph.build(fpngraph.load("fpn", min=3, max=7, channels=8), [6, 8, 10])

    assert fpngraph.load_from(neck, mmdets(neck), "mmdet.FPN").missing == ()


EXTRA_CONVS = {"type": "FPN", "add_extra_convs": "on_input"}


class Config:
    """As mmengine and transformers have them."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said

    def to_dict(self) -> dict[str, Any]:
        return self.said


@pytest.mark.parametrize(
    "config",
    [
        {"neck": EXTRA_CONVS},
        {"model": {"neck": EXTRA_CONVS}},
        {"model": {"neck": [EXTRA_CONVS, {"type": "BFP"}]}},
        {"model": {"detector": {"neck": EXTRA_CONVS}}},
        Config({"model": {"neck": EXTRA_CONVS}}),
    ],
    ids=["model", "configuration", "several necks", "tracker", "object"],
)
def test_a_whole_configuration_says_what_tensors_do_not(config: Any) -> None:
    graph = fpngraph.load("retinanet_fpn", channels=8, extra={"strided_conv": {"kernel": 3}})
    neck = fpngraph.build(graph, WIDTHS[1:])

    assert fpngraph.load_from(neck, mmdets(neck), "mmdet.FPN", config=config).missing == ()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"model": {"neck": {"type": "PAFPN"}}},
            "config is of a 'PAFPN', but the source is 'mmdet.FPN'",
        ),
        ({"model": {"neck": [{"type": "BFP"}]}}, "config is a dict, but must be the settings of 'mmdet.FPN'"),
        (3, "config is a int, but must be the settings of 'mmdet.FPN'"),
        (
            EXTRA_CONVS | {"upsample_cfg": {"mode": "bilinear"}, "act_cfg": {"type": "ReLU"}},
            "the settings of 'mmdet.FPN' are not those of the graph:\n"
            "  'act_cfg' is {'type': 'ReLU'}, but the graph is for None\n"
            "  'upsample_cfg' is {'mode': 'bilinear'}, but the graph is for {'mode': 'nearest'}",
        ),
    ],
    ids=["another class", "others only", "no configuration", "no parameter"],
)
def test_a_configuration_of_something_else_is_refused(config: Any, message: str) -> None:
    graph = fpngraph.load("retinanet_fpn", channels=8, extra={"strided_conv": {"kernel": 3}})
    neck = fpngraph.build(graph, WIDTHS[1:])

    with pytest.raises(StateError) as caught:
        fpngraph.load_from(neck, mmdets(neck), "mmdet.FPN", config=config)

    assert str(caught.value) == message


def test_a_neck_that_holds_its_backbone_gives_its_own_tensors_only() -> None:
    neck = fpngraph.build(fpngraph.load("fpn", channels=8), WIDTHS)
    state = {}
    for level in range(2, 6):
        for ours, theirs in ((f"M{level}.edges.C{level}.project.conv", "lateral"), (f"P{level}.op.conv", "output")):
            for leaf in ("weight", "bias"):
                state[f"backbone.fpn_{theirs}{level}.{leaf}"] = neck.state_dict()[f"{ours}.{leaf}"]
    state["backbone.bottom_up.stem.conv1.weight"] = torch.zeros(1)

    carried = fpngraph.load_from(neck, state, "detectron2.FPN", prefix="backbone.")

    assert (len(carried.taken), carried.unused) == (16, ("backbone.bottom_up.stem.conv1.weight",))
