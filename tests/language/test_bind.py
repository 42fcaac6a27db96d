"""What a reference stands for: existence, fallbacks, scope, runs, and what is odd about them."""

from __future__ import annotations

import pytest

from fpngraph.language.explicit import dump
from fpngraph.library import loads
from tests.language.loading import graph, refused, sources, warned


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        pytest.param("[P3]", ["P3"], id="name"),
        pytest.param("[P(3)]", ["P3"], id="index in parentheses is the same node"),
        pytest.param("[P(l)]", ["P4"], id="l of a single member"),
        pytest.param("[P(l-1), P(2*l-3)]", ["P3", "P5"], id="expressions"),
        pytest.param("[P(3..5)]", ["P3", "P4", "P5"], id="range in ascending order"),
        pytest.param("[P(l..l+1)]", ["P4", "P5"], id="range of l"),
        pytest.param("[P4, P(5..3)]", ["P4"], id="empty range"),
        pytest.param("[P(l+9) | P5]", ["P5"], id="fallback"),
        pytest.param("[P(l+9) | P(l-9) | P3 | P4]", ["P3"], id="the first that exists"),
        pytest.param("[P4, P(l-9) | none]", ["P4"], id="a negative index does not exist"),
        pytest.param("[P4, e6 | none]", ["P4"], id="a family without a member"),
        pytest.param("[e(l) | P(l)]", ["P4"], id="a family without a member, and a fallback"),
        pytest.param("[P5, P3]", ["P5", "P3"], id="the order written"),
        pytest.param("[P4, P4]", ["P4", "P4"], id="the same twice"),
        pytest.param("[{from: P(3..4), up: bilinear}, P5]", ["P3", "P4", "P5"], id="range of edges with settings"),
        pytest.param("[image]", ["image"], id="name without an index"),
    ],
)
def test_an_input_stands_for(inputs: str, expected: list[str]) -> None:
    found = graph(
        "inputs: {P3: 3, P4: 4, P5: 5, image: 0}\n"
        f"nodes: {{a4: {{inputs: {inputs}}}, e(7..6): {{inputs: [P(l)]}}}}\noutputs: a4\n"
    )

    assert sources(found) == {"a4": expected}


def test_an_edge_knows_the_name_by_which_it_was_found() -> None:
    found = graph(
        "inputs: P(3..4)\n"
        "stages: {s: {repeat: 2, nodes: {a4: {inputs: [Q(l) | P(l)]}}, outputs: {Q4: a4}}}\noutputs: Q4\n"
    )

    edges = [node.edges[0] for node in found.nodes.values()]
    assert [(edge.reference, edge.source) for edge in edges] == [("P4", "P4"), ("Q4", "s.0.a4")]


def test_a_stage_sees_what_came_before_and_its_own_nodes() -> None:
    found = graph(
        "inputs: P(3..4)\n"
        "stages:\n"
        "  one: {nodes: {a4: {inputs: [P4]}}}\n"
        "  two: {nodes: {b4: {inputs: [a4, P3, c3]}, c3: {inputs: [P3]}}}\n"
        "outputs: [b4, a4, P3]\n"
    )

    assert sources(found) == {"one.a4": ["P4"], "two.c3": ["P3"], "two.b4": ["one.a4", "P3", "two.c3"]}
    assert found.outputs == {"b4": "two.b4", "a4": "one.a4", "P3": "P3"}


def test_outputs_bind_and_the_rest_stays_as_it_was() -> None:
    found = graph(
        "inputs: P(3..5)\n"
        "stages:\n"
        "  one: {nodes: {a(4..5): {inputs: [P(l)]}}, outputs: {P(3..4): a(l) | P(l), Q5: a5}}\n"
        "  two: {nodes: {b3: {inputs: [P(3..5), Q5]}}}\n"
        "outputs: b3\n"
    )

    assert sources(found)["two.b3"] == ["P3", "one.a4", "P5", "one.a5"]


def test_outputs_that_are_a_list_bind_names_to_themselves_and_hide_the_others() -> None:
    text = "inputs: P(3..5)\nstages: {one: {nodes: {a(3..5): {inputs: [P(l)]}}, outputs: [a(4..5)]}}\noutputs: a%d\n"

    assert graph(text % 5).outputs == {"a5": "one.a5"}
    assert refused(text % 3).splitlines()[-1] == (
        "  hint: stage 'one' has a node 'a3', but its 'outputs' do not bind that name"
    )


def test_outputs_see_the_names_as_they_were_in_the_run() -> None:
    found = graph(
        "inputs: P(3..4)\n"
        "stages: {s: {repeat: 2, nodes: {a3: {inputs: [P3]}}, outputs: {P3: P4, P4: P3}}}\n"
        "outputs: P(3..4)\n"
    )

    assert found.outputs == {"P3": "P3", "P4": "P4"}


def test_every_run_sees_the_bindings_of_the_one_before() -> None:
    found = graph(
        "inputs: P(3..4)\nstages: {s: {repeat: 3, nodes: {a4: {inputs: [P4, P3]}}, outputs: {P4: a4}}}\noutputs: P4\n"
    )

    assert sources(found) == {"s.0.a4": ["P4", "P3"], "s.1.a4": ["s.0.a4", "P3"], "s.2.a4": ["s.1.a4", "P3"]}
    assert [node.run for node in found.nodes.values()] == [0, 1, 2]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        pytest.param("Q4 | P4", ["P4", "s.0.a4", "s.1.a4"], id="another fallback in the first run"),
        pytest.param("Q4 | none", [None, "s.0.a4", "s.1.a4"], id="no input in the first run"),
        pytest.param("Q(l) | Q(l+1) | P(l)", ["P4", "s.0.a4", "s.1.a4"], id="one that never exists between them"),
    ],
)
def test_the_first_run_takes_the_fallback_of_what_later_ones_bind(reference: str, expected: list[str | None]) -> None:
    found = graph(
        "inputs: P(3..4)\n"
        f"stages: {{s: {{repeat: 3, nodes: {{a4: {{inputs: [P3, {reference}]}}}}, outputs: {{Q4: a4}}}}}}\n"
        "outputs: Q4\n"
    )

    assert list(sources(found).values()) == [["P3", source] if source else ["P3"] for source in expected]


def test_none_in_the_outputs_of_a_stage_binds_nothing_and_what_was_bound_stays() -> None:
    found = graph(
        "inputs: P(3..4)\n"
        "stages:\n"
        "  one: {nodes: {a3: {inputs: [P3]}}, outputs: {Q3: a3, R3: a4 | none, Q4: b(4) | none}}\n"
        "  two: {nodes: {b3: {inputs: [Q3, R3 | none]}}, outputs: {Q(3..4): b(l+1) | none, S3: b3, b3: b3 | none}}\n"
        "  three: {nodes: {c3: {inputs: [Q3, S3, R3 | P4]}}}\n"
        "outputs: [c3, b3]\n",
    )

    assert sources(found) == {"one.a3": ["P3"], "two.b3": ["one.a3"], "three.c3": ["one.a3", "two.b3", "P4"]}


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_names_that_are_handed_on_from_run_to_run_connect_runs_of_any_depth(depth: int) -> None:
    found = graph(
        f"params: {{depth: {depth}}}\ninputs: P3\n"
        "stages:\n"
        "  cell:\n"
        "    repeat: $depth\n"
        "    nodes: {t3: {inputs: [P3, A3 | none, B3 | none, D3 | none]}}\n"
        "    outputs: {P3: t3, A3: P3, B3: A3 | none, C3: B3 | none, D3: C3 | none}\n"
        "outputs: P3\n",
    )

    runs = ["P3", *(f"cell.{run}.t3" for run in range(depth))]
    assert sources(found) == {
        f"cell.{run}.t3": [runs[run - delay] for delay in (0, 1, 2, 4) if run >= delay] for run in range(depth)
    }
    assert loads(dump(found)) == found


def test_repeat_once_still_counts_its_run() -> None:
    found = graph("inputs: P4\nstages: {s: {repeat: 1, nodes: {a4: {inputs: [P4]}}, outputs: {P4: a4}}}\noutputs: P4\n")

    assert [(node.name, node.stage, node.run, node.member) for node in found.nodes.values()] == [
        ("s.0.a4", "s", 0, "a4")
    ]


def test_names_of_a_stage_without_repeat_and_of_no_stage() -> None:
    staged = graph("inputs: P4\nstages: {s: {nodes: {a4: {inputs: [P4]}}}}\noutputs: a4\n")
    flat = graph("inputs: P4\nnodes: {a4: {inputs: [P4]}}\noutputs: a4\n")

    assert [(node.name, node.stage, node.run) for node in staged.nodes.values()] == [("s.a4", "s", None)]
    assert [(node.name, node.stage, node.run) for node in flat.nodes.values()] == [("a4", None, None)]


def test_members_and_runs_that_say_the_same_say_it_once() -> None:
    said = refused(
        "inputs: P(3..5)\n"
        "stages: {s: {repeat: 3, nodes: {a(5..9): {inputs: [P(l+1)]}}, outputs: {P3: a5}}}\noutputs: P3\n"
    )

    assert said.splitlines() == [
        "<text>:4:52: node 's.0.a5' reads 'P6', which does not exist [unresolved-reference]",
        "  4 | stages: {s: {repeat: 3, nodes: {a(5..9): {inputs: [P(l+1)]}}, outputs: {P3: a5}}}",
        "    |                                                    ^^^^^^",
        "  hint: family 'P' has 3..5 here; write 'P(l+1) | a(l+1)' or 'P(l+1) | none'",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            "td(3..7): {inputs: [P(l), td(l+1)]}",
            "node 'td7' reads 'td8', which does not exist [unresolved-reference]\n"
            "  hint: family 'td' has 3..7 here; write 'td(l+1) | Q(l+1)' or 'td(l+1) | none'",
            id="another family has the level",
        ),
        pytest.param(
            "td(3..7): {inputs: [P(l), td(l+2) | td(l+3)]}",
            "node 'td6' reads 'td8' or 'td9', of which none exists [unresolved-reference]\n"
            "  hint: family 'td' has 3..7 here; write 'td(l+2) | td(l+3) | none'",
            id="several",
        ),
        pytest.param(
            "td3: {inputs: [td(l+20)]}",
            "node 'td3' reads 'td23', which does not exist [unresolved-reference]\n"
            "  hint: family 'td' has 3 here; write 'td(l+20) | none'",
            id="one member",
        ),
    ],
)
def test_what_does_not_exist_comes_with_a_way_out(line: str, expected: str) -> None:
    said = refused(f"inputs: [P(3..7), Q8]\nnodes:\n  {line}\noutputs: td3\n").splitlines()

    assert said[0].partition(": ")[2] + "\n" + said[-1] == expected


WARNINGS = [
    pytest.param(
        "inputs: P(3..5)\nnodes: {a(3..4): {inputs: [P(l)]}, b(3..5): {inputs: [P(l)]}}\noutputs: a3\n",
        [
            (3, 9, "nobody reads the inputs 'P4', 'P5'"),
            (4, 9, "node 'a4' is left out, since no output depends on it"),
            (4, 36, "nodes 'b3', 'b4', 'b5' are left out, since no output depends on them"),
        ],
        id="unread and left out, once per place",
    ),
    pytest.param(
        "inputs: P3\nstages: {s: {repeat: 3, nodes: {a3: {inputs: [P3]}, b3: {inputs: [a3]}}, outputs: {P3: a3}}}\n"
        "outputs: P3\n",
        [(4, 53, "nodes 's.0.b3', 's.1.b3', 's.2.b3' are left out, since no output depends on them")],
        id="in every run",
    ),
    pytest.param(
        "inputs: P3\nstages: {s: {repeat: 2, nodes: {a3: {inputs: [P3]}}, outputs: {Q3: a3}}}\noutputs: Q3\n",
        [(4, 33, "node 's.0.a3' is left out, since no output depends on it")],
        id="in one run",
    ),
    pytest.param(
        "inputs: P(3..4)\nnodes: {a(3..4): {inputs: [P(l), P(l), {from: P(l)}]}}\noutputs: a(3..4)\n",
        [(4, 34, "node 'a3' reads 'P3' twice"), (4, 47, "node 'a3' reads 'P3' twice")],
        id="the same source twice",
    ),
    pytest.param(
        "inputs: P(3..4)\nnodes: {a(3..4): {inputs: [P(l), P(l-1) | none], fusion: softmax}}\noutputs: a(3..4)\n",
        [(4, 9, "node 'a3' has one input, but its fusion 'softmax' learns a weight for it")],
        id="a weighted fusion of one input",
    ),
    pytest.param(
        "inputs: P3\nnodes: {a(5..4): {inputs: [P3]}, b3: {inputs: [P3]}}\noutputs: b3\n",
        [(4, 9, "family 'a(5..4)' has no member")],
        id="no member",
    ),
    pytest.param(
        "params: {top: 4}\ninputs: P3\n"
        "nodes: {a(5..top): {inputs: [P3]}, c(top+1..4): {inputs: [P3]}, b3: {inputs: [P3]}}\noutputs: b3\n",
        [],
        id="no member because of a parameter",
    ),
    pytest.param(
        "inputs: P(3..5)\nnodes: {a3: {inputs: [P(3..5)]}}\noutputs: {a3: a3, P(3..4): P(l+1), out: P5, b7: a3}\n",
        [
            (5, 28, "output 'P3' is at level 4, 'P4' is at level 5"),
            (5, 49, "output 'b7' is at level 3"),
        ],
        id="an output that says another level",
    ),
]


@pytest.mark.parametrize(("text", "expected"), WARNINGS)
def test_what_is_odd_is_warned_about_once_per_place(text: str, expected: list[tuple[int, int, str]]) -> None:
    found = graph(text)

    assert warned(found) == expected


TWICE = [
    pytest.param("inputs: [a4, a4]", True, id="of the node's channels, so that neither is projected"),
    pytest.param("inputs: [a4, a4], channels: 16", False, id="two projections"),
    pytest.param("inputs: [P4, P4]", False, id="two projections, perhaps"),
    pytest.param("inputs: [P4, P4], resample: {project: never}", True, id="two without a projection"),
    pytest.param("inputs: [a4, a4], resample: {project: always}", False, id="two projections of equal channels"),
    pytest.param("inputs: [a4, a4], fusion: softmax", False, id="two weights"),
    pytest.param("inputs: [P4, P4], fusion: concat", True, id="a concatenation"),
    pytest.param("inputs: [P4, P4], fusion: concat, resample: {project: {channels: 4}}", False, id="to channels"),
    pytest.param("inputs: [a3, a3]", True, id="two poolings"),
    pytest.param("inputs: [a3, {from: a3, down: avg_pool}]", False, id="two different poolings"),
    pytest.param("inputs: [a4, {from: a4, down: avg_pool}]", True, id="a pooling that none of them needs"),
    pytest.param("inputs: [a3, a3], resample: {down: strided_conv}", False, id="two convolutions"),
    pytest.param("inputs: [a5, a5], resample: {up: [nearest, conv]}", False, id="convolutions after a resampler"),
    pytest.param("inputs: [a5, a5], resample: {up: [nearest, act]}", True, id="activations after a resampler"),
]


@pytest.mark.parametrize(("entry", "expected"), TWICE)
def test_reading_a_map_twice_is_odd_only_where_both_edges_do_the_same_and_learn_nothing(
    entry: str, *, expected: bool
) -> None:
    found = graph(
        "inputs: P(3..5)\ndefaults: {channels: 8}\n"
        f"nodes: {{a(3..5): {{inputs: [P(l)]}}, b4: {{{entry}}}}}\noutputs: [a(3..5), b4]\n"
    )

    assert [warning.message.partition(" twice")[1] for warning in found.warnings] == [" twice"] * expected


SINGLE = [
    pytest.param("a4: {inputs: [P4]}", "write 'fusion: sum'", id="a node"),
    pytest.param("a(4..5): {inputs: [P(l)]}", "write 'fusion: sum'", id="a family of such nodes"),
    pytest.param(
        "a(4..6): {inputs: [P(l), a(l+1) | none, P(l-9) | none]}",
        "give 'a6' an entry of its own with 'fusion: sum'; in this one it would hold for all members",
        id="one of a family",
    ),
    pytest.param(
        "a4: {inputs: [P4, Q4 | none]}", "other runs of it have more inputs, and the same fusion", id="one of the runs"
    ),
]


@pytest.mark.parametrize(("entry", "expected"), SINGLE)
def test_the_way_out_for_a_single_input_is_for_those_that_have_one(entry: str, expected: str) -> None:
    found = graph(
        "inputs: P(4..6)\ndefaults: {channels: 8, fusion: softmax}\n"
        f"stages: {{s: {{repeat: 2, nodes: {{{entry}}}, outputs: {{P4: a4, Q4: a4}}}}}}\noutputs: P(4..6)\n"
    )

    assert [warning.hint for warning in found.warnings if "one input" in warning.message] == [expected]


def test_what_is_left_out_is_not_in_the_graph() -> None:
    found = graph("inputs: P3\nnodes: {a3: {inputs: [P3]}, b3: {inputs: [a3]}}\noutputs: a3\n")

    assert list(found.nodes) == ["a3"]
