"""The JSON schema of graph files: it takes what loads, and shows where and why not."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from fpngraph.language.explicit import dump
from fpngraph.language.keys import json_schema
from fpngraph.language.keys.json_schema import schema
from fpngraph.language.yaml.source import read
from fpngraph.library import loads, shipped
from fpngraph.ops import Layer, operators
from tests.language.bad_files import BAD
from tests.language.strategies import graphs

SCHEMA = schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
HEAD = "fpngraph: 1\nname: test\ninputs: P(3..5)\n"
GOOD = "nodes: {a4: {inputs: [P4]}}\noutputs: a4\n"


def as_json(text: str) -> Any:
    """What an editor makes of a file."""
    return json.loads(json.dumps(read(text, "f.yaml").plain()))


def places(data: Any) -> list[str]:
    """Where the schema finds something wrong: the deepest places, keys joined by dots."""
    found = []
    stack = list(VALIDATOR.iter_errors(data))
    while stack:
        error = stack.pop()
        if error.context:
            stack.extend(error.context)
        else:
            found.append((len(error.absolute_path), ".".join(["$", *map(str, error.absolute_path)])))
    deepest = max((depth for depth, _ in found), default=0)
    return sorted({path for depth, path in found if depth == deepest})


def test_it_is_a_schema_of_its_draft() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("name", sorted(shipped()))
def test_it_takes_every_shipped_graph_and_its_explicit_form(name: str) -> None:
    text = shipped()[name].read_text(encoding="utf-8")

    VALIDATOR.validate(as_json(text))
    VALIDATOR.validate(as_json(dump(loads(text))))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_it_takes_every_graph_that_loads(data: dict[str, Any]) -> None:
    VALIDATOR.validate(json.loads(json.dumps(data)))


REFUSED = [
    pytest.param("x: 1\n" + GOOD, ["$"], id="unknown key"),
    pytest.param("outputs: P3\n", ["$"], id="neither nodes nor stages"),
    pytest.param("stages: {s: {nodes: {b4: {inputs: [P4]}}}}\n" + GOOD, ["$"], id="both"),
    pytest.param("nodes: {a4: {inputs: [P4]}}\n", ["$"], id="no outputs"),
    pytest.param("params: [1]\n" + GOOD, ["$.params"], id="params"),
    pytest.param("presets: {d0: 3}\n" + GOOD, ["$.presets.d0"], id="preset"),
    pytest.param("defaults: {fuson: sum}\n" + GOOD, ["$.defaults"], id="unknown key of defaults"),
    pytest.param("defaults: {resample: {upp: nearest}}\n" + GOOD, ["$.defaults.resample"], id="of resample"),
    pytest.param(
        "defaults: {resample: {project: {whn: auto}}}\n" + GOOD, ["$.defaults.resample.project"], id="of project"
    ),
    pytest.param("defaults: {padding: valid}\n" + GOOD, ["$.defaults.padding"], id="padding"),
    pytest.param("nodes: [a4]\noutputs: a4\n", ["$.nodes"], id="nodes"),
    pytest.param("nodes: {a4: {inputs: [P4], opp: none}}\noutputs: a4\n", ["$.nodes.a4"], id="unknown key of a node"),
    pytest.param("nodes: {a4: {fusion: sum}}\noutputs: a4\n", ["$.nodes.a4"], id="no inputs"),
    pytest.param("nodes: {a4: {inputs: []}}\noutputs: a4\n", ["$.nodes.a4.inputs"], id="empty inputs"),
    pytest.param("nodes: {a4: {inputs: P4}}\noutputs: a4\n", ["$.nodes.a4.inputs"], id="inputs are a list"),
    pytest.param("nodes: {a4: {inputs: [4]}}\noutputs: a4\n", ["$.nodes.a4.inputs.0"], id="input"),
    pytest.param(
        "nodes: {a4: {inputs: [P3, {from: P4, x: 1}]}}\noutputs: a4\n", ["$.nodes.a4.inputs.1"], id="key of an edge"
    ),
    pytest.param("nodes: {a4: {inputs: [P4], level: -1}}\noutputs: a4\n", ["$.nodes.a4.level"], id="level"),
    pytest.param("nodes: {a4: {inputs: [P4], level: 31}}\noutputs: a4\n", ["$.nodes.a4.level"], id="large level"),
    pytest.param("nodes: {a4: {inputs: [P4], channels: 0}}\noutputs: a4\n", ["$.nodes.a4.channels"], id="channels"),
    pytest.param(
        "nodes: {a4: {inputs: [P4], channels: {x: 8}}}\noutputs: a4\n", ["$.nodes.a4.channels"], id="name for a level"
    ),
    pytest.param(
        "nodes: {a4: {inputs: [P4], channels: {4: x}}}\noutputs: a4\n", ["$.nodes.a4.channels.4"], id="of a level"
    ),
    pytest.param("nodes: {a4: {inputs: [P4], fusion: add}}\noutputs: a4\n", ["$.nodes.a4.fusion"], id="operator"),
    pytest.param(
        "nodes: {a4: {inputs: [P4], fusion: {add: {}}}}\noutputs: a4\n", ["$.nodes.a4.fusion"], id="with settings"
    ),
    pytest.param(
        "nodes: {a4: {inputs: [P4], fusion: {fast_normalized: {ep: 1}}}}\noutputs: a4\n",
        ["$.nodes.a4.fusion.fast_normalized"],
        id="setting of an operator",
    ),
    pytest.param(
        "nodes: {a4: {inputs: [P4], op: [act, {conv: {kernel: 0}}]}}\noutputs: a4\n",
        ["$.nodes.a4.op.1.conv.kernel"],
        id="value of a setting",
    ),
    pytest.param("nodes: {a4: {inputs: [P4], op: [max_pool]}}\noutputs: a4\n", ["$.nodes.a4.op.0"], id="no layer"),
    pytest.param(
        "nodes: {a4: {inputs: [{from: P4, down: [act, pool]}]}}\noutputs: a4\n",
        ["$.nodes.a4.inputs.0.down.1"],
        id="in a path",
    ),
    *(
        pytest.param(f"nodes: {{a4: {{inputs: [P4], op: {op}}}}}\noutputs: a4\n", [f"$.nodes.a4.op.{place}"], id=op)
        for op, place in (
            ("[[act, [cnv]]]", "0.1.0"),
            ("[residual]", "0"),
            ("[{residual: [{conv: {kernl: 3}}]}]", "0.residual.0.conv"),
            ("[{residual: conv}]", "0.residual"),
            ("[{residual: [nearest]}]", "0.residual.0"),
            ("[{sum: [[conv]]}]", "0.sum"),
            ("[{concat: [[], [{sum: [[act], [cnv]]}]]}]", "0.concat.1.0.sum.1.0"),
            ("[repeat]", "0"),
            ("[{repeat: {times: 2}}]", "0.repeat"),
            ("[{repeat: {times: -1, layers: []}}]", "0.repeat.times"),
            ("[{slice: {index: 0, start: 3, channels: 2}}]", "0.slice"),
            ("[{slice: {start: 3}}]", "0.slice"),
        )
    ),
    pytest.param(
        "nodes: {a4: {inputs: [{from: P4, up: [[nearest, [{residual: [deconv]}]]]}]}}\noutputs: a4\n",
        ["$.nodes.a4.inputs.0.up.0.1.0.residual.0"],
        id="a resampler inside",
    ),
    pytest.param("stages: {s: {node: {}}}\noutputs: P3\n", ["$.stages.s"], id="unknown key of a stage"),
    pytest.param(
        "stages: {s: {use: a, nodes: {a4: {inputs: [P4]}}}}\noutputs: P3\n", ["$.stages.s"], id="nodes beside use"
    ),
    pytest.param(
        "stages: {s: {nodes: {a4: {inputs: [P4]}}, inputs: {P3: P4}}}\noutputs: P3\n",
        ["$.stages.s"],
        id="inputs without use",
    ),
    pytest.param("stages: {s: {use: a, inputs: [P3]}}\noutputs: P3\n", ["$.stages.s.inputs"], id="inputs of a list"),
    pytest.param("stages: {s: {use: {fpngraph: 1, name: x}}}\noutputs: P3\n", ["$.stages.s.use"], id="half a graph"),
    pytest.param("stages: {s: {repeat: 0, nodes: {}}}\noutputs: P3\n", ["$.stages.s.repeat"], id="repeat"),
    pytest.param("stages: {'a b': {nodes: {}}}\noutputs: P3\n", ["$.stages"], id="name of a stage"),
    pytest.param("stages: {}\noutputs: P3\n", ["$.stages"], id="no stages"),
]


@pytest.mark.parametrize(("body", "expected"), REFUSED)
def test_it_refuses_and_says_where(body: str, expected: list[str]) -> None:
    assert places(as_json(HEAD + body)) == expected


@pytest.mark.parametrize(
    "change",
    [{"fpngraph": 2}, {"fpngraph": "1"}, {"name": ""}, {"name": 3}, {"inputs": 3}, {"inputs": []}, {"outputs": {}}],
    ids=str,
)
def test_it_refuses_a_wrong_head(change: dict[str, Any]) -> None:
    data = {**as_json(HEAD + GOOD), **change}

    assert places(data) == [f"$.{name}" for name in change]


TAKEN = [
    "[[act, [conv]], [], {residual: []}]",
    "[{residual: $layers}, {sum: $branches}, {concat: [$layers, []]}]",
    "[{repeat: {times: $times, layers: [$layers, [act]], keep: all}}]",
    "[{slice: {index: 0}}, {slice: {index: $i, parts: 3}}, {slice: {start: 0, channels: $c}}]",
]


@pytest.mark.parametrize("op", TAKEN)
def test_it_takes_lists_in_lists_and_parameters_in_them(op: str) -> None:
    VALIDATOR.validate(as_json(f"{HEAD}nodes: {{a4: {{inputs: [P4], op: {op}}}}}\noutputs: a4\n"))


STRUCTURAL = ("top-unknown", "top-no", "top-version", "node-unknown-key", "edge-unknown-key", "fusion-unknown")


@pytest.mark.parametrize(
    ("name", "text"), [entry for entry in BAD if entry[0].startswith(STRUCTURAL)], ids=lambda entry: entry[:30]
)
def test_it_refuses_what_the_checker_refuses_for_its_form(name: str, text: str) -> None:
    assert not VALIDATOR.is_valid(as_json(text))


def descriptions(part: Any) -> list[str]:
    """Every text that an editor can show."""
    if isinstance(part, dict):
        own = [part["description"]] if isinstance(part.get("description"), str) else []
        return own + [text for value in part.values() for text in descriptions(value)]
    return [text for value in part for text in descriptions(value)] if isinstance(part, list) else []


@pytest.mark.parametrize("operator", operators(), ids=lambda operator: f"{operator.kind}-{operator.name}")
def test_every_operator_and_each_of_its_settings_is_described(operator: Any) -> None:
    texts = descriptions(SCHEMA)

    assert all(field.description in texts for field in operator.model_fields.values())
    assert operator.__doc__.partition("\n")[0] in texts


class Undescribed(Layer):
    name: ClassVar[str] = "undescribed"


def test_an_operator_without_a_docstring_is_described_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_schema, "operators", lambda: [Undescribed])

    assert "undescribed" in descriptions(schema())


@pytest.mark.parametrize("section", ["Defaults", "NodeSpec", "EdgeSpec", "StageSpec", "Project"])
def test_every_key_of_a_file_is_described(section: str) -> None:
    properties = SCHEMA["$defs"][section]["properties"]

    assert [name for name, value in properties.items() if not value.get("description")] == []
    assert [name for name, value in SCHEMA["properties"].items() if not value.get("description")] == []


@pytest.mark.parametrize(
    "stage",
    [
        "use: pan",
        "use: ./pan.yaml, preset: d0, params: {width: {3: 8}, op: [act]}, inputs: {C(3..5): P(l)}, outputs: N(3..5)",
        "use: $neck, preset: $size, params: $values, repeat: $runs, outputs: {P(3..5): N(l) | none}",
        "use: {fpngraph: 1, name: x, inputs: P3, stages: {s: {use: fpn}}, outputs: P3}",
    ],
)
def test_a_stage_may_be_another_graph(stage: str) -> None:
    VALIDATOR.validate(as_json(f"{HEAD}stages: {{s: {{{stage}}}}}\noutputs: P3\n"))


def test_levels_that_json_made_text_are_levels_to_the_schema_and_to_load() -> None:
    text = HEAD + "defaults: {channels: {3: 8, 4: 16}}\n" + GOOD
    data = as_json(text)

    assert data["defaults"]["channels"] == {"3": 8, "4": 16}
    assert places(data) == []
    assert loads(data) == loads(text)
    assert loads(dump(loads(data))) == loads(text)
