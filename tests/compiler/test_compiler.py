"""What a graph is compiled to: the generated code, how long maps live, sizes of levels, initial weights."""

from __future__ import annotations

import copy
import dataclasses
import weakref
from collections.abc import Iterable
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.ops import Init
from fpngraph.ops.init import Effdet
from tests.necks import maps, neck_of

CHAIN = """
a: {inputs: [P3], level: 3, op: [act]}
b: {inputs: [a, P4], level: 4, op: [act]}
c: {inputs: [b], level: 6, op: [act]}
d: {inputs: [b, c], level: 5}
"""
CHAIN_CODE = """\
def forward(self, features):
    maps = fpngraph_compiler_runtime_unpack(features, {'P3': (3, 4), 'P4': (4, 4), 'P5': (5, 4)})
    P3 = maps[0]
    P4 = maps[1]
    P5 = maps[2];  maps = None
    size3 = fpngraph_compiler_runtime_size_of(P3)
    size4 = fpngraph_compiler_runtime_size_of(P4)
    size5 = fpngraph_compiler_runtime_size_of(P5);  P5 = None
    size6 = fpngraph_compiler_runtime_coarser(size5, 1)
    a = self.a(size3, P3);  size3 = None
    b = self.b(size4, a, P4);  size4 = a = P4 = None
    c = self.c(size6, b);  size6 = None
    d = self.d(size5, b, c);  size5 = b = c = None
    d_out = fpngraph_layers_layout_outside(d, P3);  d = None
    outputs = fpngraph_compiler_runtime_pack(features, {'low': d_out, 'same': P3});  features = d_out = P3 = None
    return outputs"""


def test_the_generated_forward_reads_like_the_graph_and_releases_each_map_after_its_last_reader() -> None:
    neck = neck_of(CHAIN, outputs="{low: d, same: P3}")

    code = "\n".join(line.rstrip() for line in neck.code.strip().splitlines())

    assert code == CHAIN_CODE


def test_a_map_is_gone_before_the_node_after_its_last_reader_runs() -> None:
    neck = neck_of(CHAIN, outputs="[P3, d]")
    made: dict[str, weakref.ref[Tensor]] = {}
    alive: dict[str, list[str]] = {}
    for name in "abcd":

        def note(_module: nn.Module, arguments: tuple[object, ...], name: str = name) -> None:
            del arguments
            alive[name] = [other for other, reference in made.items() if reference() is not None]

        def keep(_module: nn.Module, _arguments: object, y: Tensor, name: str = name) -> None:
            made[name] = weakref.ref(y)

        neck.get_submodule(name).register_forward_pre_hook(note)
        neck.get_submodule(name).register_forward_hook(keep)

    with torch.no_grad():
        neck(maps(neck, 64, 64))

    assert alive == {"a": [], "b": ["a"], "c": ["b"], "d": ["b", "c"]}


class OneByOne(nn.Module):
    """A sum that counts how many of its maps there are at a time."""

    most = 0

    def forward(self, fused: Iterable[Tensor]) -> Tensor:
        seen: list[weakref.ref[Tensor]] = []
        total = torch.zeros(())
        for x in fused:
            seen.append(weakref.ref(x))
            total = total + x
            self.most = max(self.most, sum(reference() is not None for reference in seen))
            del x
        return total


def test_edges_are_worked_out_one_at_a_time() -> None:
    neck = neck_of("out: {inputs: [P3, P5, P5], level: 4, resample: {project: always}}", outputs="[out]")
    expected = neck(maps(neck, 64, 64))
    fusion = OneByOne()
    neck.set_submodule("out.fusion", fusion)

    with torch.no_grad():
        got = neck(maps(neck, 64, 64))

    torch.testing.assert_close(got, expected)
    assert fusion.most == 1


def test_a_recipe_sees_every_module_of_its_node_and_of_no_other() -> None:
    seen: list[nn.Module] = []

    class Recorder(Init):
        name: ClassVar[str] = "recorder"

        def apply(self, module: nn.Module) -> None:
            seen.append(module)

    graph = neck_of(CHAIN, outputs="[d]").source_graph
    node = dataclasses.replace(graph.nodes["b"], init=Recorder())

    neck = fpngraph.build(dataclasses.replace(graph, nodes={**graph.nodes, "b": node}), [4, 4, 4])

    assert seen == list(neck.get_submodule("b").modules())


def test_weights_that_a_recipe_draws_are_drawn_once() -> None:
    graph = fpngraph.load("bifpn", channels=8, repeats=1)
    torch.manual_seed(3)
    neck = fpngraph.build(graph, [4, 4, 4])

    torch.manual_seed(3)
    for part in neck.modules():
        if isinstance(part, nn.Conv2d):
            conv = copy.deepcopy(part)
            Effdet().draw(conv)
            assert torch.equal(conv.weight, part.weight)


def test_a_recipe_that_needs_what_torch_draws_gets_it() -> None:
    class Halved(Effdet):
        name: ClassVar[str] = "halved"

        def apply(self, module: nn.Module) -> None:
            if isinstance(module, nn.Conv2d):
                module.weight.data /= 2

    plain = neck_of("a: {inputs: [P3, P4], level: 3, op: [conv]}", outputs="[a]").source_graph
    nodes = {name: dataclasses.replace(node, init=Halved()) for name, node in plain.nodes.items()}
    torch.manual_seed(3)
    expected = fpngraph.build(plain, [4] * 3)

    torch.manual_seed(3)
    neck = fpngraph.build(dataclasses.replace(plain, nodes=nodes), [4] * 3)

    for name, weight in expected.named_parameters():
        assert torch.equal(neck.get_parameter(name), weight / (2 if name.endswith("weight") else 1))


SIZES = [
    pytest.param("[P4, P5]", {"P4": (33, 50), "P5": (17, 25)}, 7, (5, 7), id="coarser-than-all-inputs"),
    pytest.param("[P4, P7]", {"P4": (9, 13), "P7": (5, 5)}, 6, (3, 4), id="between-inputs-from-the-finer-one"),
    pytest.param("[P4, P7]", {"P4": (9, 13), "P7": (5, 5)}, 7, (5, 5), id="that-of-an-input"),
    pytest.param("[P4, P7]", {"P4": (9, 13), "P7": (5, 5)}, 8, (3, 3), id="from-the-coarsest-input"),
    pytest.param("[P4, P7]", {"P4": (9, 13), "P7": (5, 5)}, 2, (36, 52), id="finer-than-all-inputs"),
    pytest.param("[P3]", {"P3": (1, 1)}, 6, (1, 1), id="one-pixel-stays-one"),
]


@pytest.mark.parametrize(("inputs", "sizes", "level", "expected"), SIZES)
@pytest.mark.parametrize("resample", ["{down: max_pool, up: nearest}", "{down: bilinear, up: bilinear}"])
def test_a_level_has_one_size(
    inputs: str, sizes: dict[str, tuple[int, int]], level: int, expected: tuple[int, int], resample: str
) -> None:
    first = next(iter(sizes))
    neck = neck_of(
        f"out: {{inputs: [{first}], level: {level}, resample: {resample}}}", inputs=inputs, outputs="{out: out}"
    )
    features = {name: torch.randn(1, 4, *size) for name, size in sizes.items()}

    out = neck(features)["out"]

    assert out.shape[-2:] == expected


def test_a_pooled_map_of_another_size_than_the_level_is_resized_to_it_by_nearest() -> None:
    neck = neck_of(
        "out: {inputs: [P3], level: 4, resample: {down: {max_pool: {kernel: 1}}}}", inputs="P(3..4)", outputs="[out]"
    )
    fine = torch.arange(9.0).expand(1, 4, 9, 9)  # a backbone that rounds down makes 4 of 9 pixels, pooling 5

    (out,) = neck([fine, torch.zeros(1, 4, 9, 4)])

    assert out[0, 0, 0].tolist() == [0.0, 2.0, 4.0, 6.0]
    assert out.shape == (1, 4, 9, 4)


def test_two_builds_share_no_weights() -> None:
    graph = fpngraph.load("fpn", channels=8)
    first, second = fpngraph.build(graph, [4, 4, 4, 4]), fpngraph.build(graph, [4, 4, 4, 4])
    before = copy.deepcopy(second.state_dict())

    with torch.no_grad():
        for parameter in first.parameters():
            parameter.zero_()

    torch.testing.assert_close(second.state_dict(), before)


def test_a_mismatch_of_channels_is_found_before_any_module_is_made() -> None:
    graph = fpngraph.loads(
        "fpngraph: 1\nname: bad\ninputs: P(3..4)\nnodes:\n  out: {inputs: [P3, P4], level: 3}\noutputs: [out]\n"
    )

    with pytest.raises(fpngraph.GraphError) as raised:
        fpngraph.build(graph, {"P3": 8, "P4": 16})

    assert raised.value.problems[0].line == 5
