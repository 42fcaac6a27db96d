"""A graph cut down to some of its outputs: the same maps, by fewer nodes, from fewer inputs."""

from __future__ import annotations

import pytest
import torch

import fpngraph
from fpngraph.errors import GraphError
from fpngraph.library import load, shipped
from tests.language.loading import graph
from tests.necks import maps, randomised

BODY = """\
inputs: C(2..4)
defaults: {channels: 8, op: [conv]}
nodes:
  M(2..4): {inputs: [C(l), M(l+1) | none]}
  P5: {inputs: [M4]}
outputs: {a: M2, b: M3, c: P5, d: C4}
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped())
def test_each_output_alone_is_that_of_the_whole_pixel_for_pixel(name: str) -> None:
    whole = load(name)
    neck = randomised(fpngraph.build(whole, [8 << index for index in range(len(whole.inputs))]))
    given = dict(zip(whole.inputs, maps(neck, 75, 139), strict=True))
    with torch.no_grad():
        expected = neck(given)
        for output in whole.outputs:
            part = whole.select(output)
            alone = fpngraph.build(part, {it: neck.in_channels[it] for it in part.inputs}).eval()
            missing, _ = alone.load_state_dict(neck.state_dict(), strict=False)
            found = alone({it: given[it] for it in part.inputs})

            assert not missing
            assert found.keys() == {output}
            assert torch.equal(found[output], expected[output])


@pytest.mark.parametrize("name", shipped())
def test_what_is_selected_is_written_and_loaded_again(name: str) -> None:
    whole = load(name)

    for part in (whole.select(output) for output in whole.outputs):
        assert fpngraph.loads(fpngraph.dump(part)) == part
    assert whole.select(*whole.outputs) == whole


def test_every_parameter_of_what_is_selected_gets_a_gradient() -> None:
    part = load("bifpn", preset="d0").select("P5")
    neck = fpngraph.build(part, [40, 112, 320])

    sum(x.square().sum() for x in neck(maps(neck, 256, 256))).backward()

    assert [name for name, parameter in neck.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize(
    ("outputs", "inputs", "nodes"),
    [
        (["a"], ["C2", "C3", "C4"], ["M4", "M3", "M2"]),
        (["c", "b"], ["C3", "C4"], ["M4", "M3", "P5"]),
        (["d"], ["C4"], []),
    ],
)
def test_it_keeps_what_the_outputs_need_in_the_order_of_the_graph(
    outputs: list[str], inputs: list[str], nodes: list[str]
) -> None:
    part = graph(BODY).select(*outputs)

    assert list(part.outputs) == outputs
    assert list(part.inputs) == inputs
    assert list(part.nodes) == nodes


def test_an_input_that_fixes_a_size_stays_though_nobody_reads_it() -> None:
    whole = graph("inputs: C(2..4)\ndefaults: {channels: 8}\nnodes:\n  a3: {inputs: [C4]}\noutputs: a3\n")

    assert list(whole.select("a3").inputs) == ["C3", "C4"]


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ((), "no output of graph 'test' is selected [no-outputs]"),
        (("e",), "graph 'test' has no output 'e' [unknown-name]\n  hint: there are: a, b, c, d"),
        (
            ("M2", "a", "a"),
            "graph 'test' has no output 'M2' [unknown-name]\n  hint: there are: a, b, c, d\n"
            "output 'a' is selected 2 times [declared-twice]",
        ),
    ],
)
def test_what_cannot_be_selected_is_told_at_once(outputs: tuple[str, ...], text: str) -> None:
    with pytest.raises(GraphError) as caught:
        graph(BODY).select(*outputs)

    assert str(caught.value) == text


def test_a_list_of_names_is_no_name() -> None:
    with pytest.raises(TypeError) as caught:
        graph(BODY).select(["a", "b"])  # type: ignore[arg-type]

    assert str(caught.value) == "outputs are ['a', 'b'], not names, such as select('P4', 'P5')"
