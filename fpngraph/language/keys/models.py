"""The keys of a graph file and what each may hold, as pydantic models."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    PositiveInt,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from fpngraph.feature import Padding
from fpngraph.graph.nodes import Order, When
from fpngraph.language.limits import MAX_INPUTS, MAX_LEVEL, MAX_RUNS
from fpngraph.ops import Activation, Fusion, Init, Norm, Operator, Resampler
from fpngraph.ops.reading import detail, read_layers, read_operator, wrong

_LEVEL = re.compile(r"0|[1-9][0-9]?")
_ENDS_IN_A_LEVEL = re.compile(r"[A-Za-z_]+([0-9]|[1-9][0-9])")
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # nobody means them, and a terminal would do as they say
_WIDEST = 60  # characters of a text that a hint writes anew


def _read_op(value: Any) -> tuple[Operator | str, ...]:
    if value == "none":
        return ()
    if not isinstance(value, list | tuple):
        brackets = f"[{value}]" if isinstance(value, str) and len(value) <= _WIDEST else None
        hint = f"write {brackets!r}" if brackets else "write the layers in brackets"
        raise wrong("a list of layers, or 'none'", hint, better=brackets)
    return read_layers(value)


def _read_path(value: Any, kind: str) -> tuple[Operator | str, ...]:
    """A resampler, or a list of layers with exactly one among them."""
    if not isinstance(value, list | tuple):
        return (read_operator(value, (kind,)),)
    layers = read_layers(value, kind)
    if sum(isinstance(layer, Resampler) for layer in layers) != 1:
        raise wrong(f"a list of layers with exactly one {kind}-sampler among them")
    return layers


def _read_channels(value: Any) -> int | dict[int, int]:
    if isinstance(value, dict) and value:
        return _by_level(value)
    if type(value) is not int or value <= 0:
        hint = "one for each level is written '{3: 64, 4: 128}'" if isinstance(value, list | tuple) else None
        raise wrong("a positive integer, or a mapping of level to number", hint)
    return value


def _by_level(value: dict[Any, Any]) -> dict[int, int]:
    """A mapping of level to number, whose keys may have become text on their way through JSON."""
    levels: dict[int, int] = {}
    details: list[ErrorDetails] = []
    for key, number in value.items():
        level = int(key) if isinstance(key, str) and _LEVEL.fullmatch(key) else key
        if type(level) is not int or not 0 <= level <= MAX_LEVEL:
            details.append(detail(_no_level(key), (key,), value))
        elif level in levels:
            raise wrong("a mapping of level to number with each level once", f"{level} and '{level}' are one level")
        elif type(number) is not int or number <= 0:
            details.append(detail(wrong("a positive integer"), (key,), number))
        else:
            levels[level] = number
    if details:
        raise wrong("a mapping of level to number", nested=details)
    return levels


def _no_level(key: Any) -> PydanticCustomError:
    """An error of a key that should be a level."""
    ends = _ENDS_IN_A_LEVEL.fullmatch(key) if isinstance(key, str) else None
    better = ends[1] if ends and int(ends[1]) <= MAX_LEVEL else None
    context = {"required": f"a level from 0 to {MAX_LEVEL}", "better": better}
    return PydanticCustomError("wrong_key", "", context | {"hint": f"write {better!r}" if better else None})


def _operator(kind: str) -> tuple[Any, Any]:
    return PlainValidator(lambda value: read_operator(value, (kind,))), WithJsonSchema({"definition": kind})


def _path(kind: str) -> tuple[Any, Any]:
    return PlainValidator(lambda value: _read_path(value, kind)), WithJsonSchema({"definition": f"{kind}_path"})


def _read_projection(value: Any) -> Any:
    """``project: always`` is short for ``project: {when: always}``."""
    if isinstance(value, str):
        return {"when": value}
    if not isinstance(value, dict):
        raise wrong("'auto', 'always' or 'never', or a mapping")
    return value


def _read_text(value: str) -> str:
    if found := _CONTROL.search(value):
        raise wrong("a text without control characters", f"it has U+{ord(found[0]):04X}")
    return value


Text = Annotated[str, AfterValidator(_read_text)]
Op = Annotated[tuple[Any, ...], PlainValidator(_read_op), WithJsonSchema({"definition": "op"})]
Channels = Annotated[int | dict[int, int], PlainValidator(_read_channels), WithJsonSchema({"definition": "channels"})]


class Settings(BaseModel):
    """Settings that merge key by key; a key that is absent (or null) is not said."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Project(Settings):
    """The 1x1 convolution of an edge."""

    when: When | None = Field(None, description="auto: only where the channels differ; always; never")
    norm: bool | None = Field(None, description="whether the node's norm follows")
    bias: Literal["auto", True, False] | None = Field(None, description="auto: only without norm")
    channels: PositiveInt | None = Field(None, description="channels it gives; the node's by default")


Projection = Annotated[Project, BeforeValidator(_read_projection), WithJsonSchema({"definition": "project"})]


class Resample(Settings):
    """How an edge brings a map to the level and channels of its node."""

    down: Annotated[tuple[Any, ...], *_path("down")] | None = Field(None, description="to a coarser level")
    up: Annotated[tuple[Any, ...], *_path("up")] | None = Field(None, description="to a finer level")
    lateral: Op | None = Field(None, description="layers for a source at the node's own level, or none")
    project: Projection | None = Field(
        None, description="the 1x1 convolution; 'project: always' is short for 'project: {when: always}'"
    )
    order: Order | None = Field(None, description="which comes first, the projection or the resampling")


class Defaults(Settings):
    """What nodes do unless they say otherwise."""

    channels: Channels | None = Field(None, description="channels of the result, or a mapping of level to channels")
    fusion: Annotated[Fusion, *_operator("fusion")] | None = Field(None, description="joins the edges, in order")
    resample: Resample | None = Field(None, description="brings each edge to the node's level and channels")
    op: Op | None = Field(None, description="layers after the fusion, in order, or none")
    norm: Annotated[Norm, *_operator("norm")] | None = Field(None, description="what 'norm' means in a list of layers")
    act: Annotated[Activation, *_operator("act")] | None = Field(
        None, description="what 'act' means in a list of layers"
    )
    padding: Padding | None = Field(None, description="symmetric, or same as in TensorFlow")
    init: Annotated[Init, *_operator("init")] | None = Field(None, description="recipe of initial weights")


class EdgeSpec(Resample):
    """One input of a node with settings of its own."""

    reference: str = Field(alias="from", description="a reference: P5, or td(l+1) | P(l+1)")


def _read_input(value: Any) -> str | EdgeSpec:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise wrong("a reference such as P5 or td(l+1), or a mapping {from: reference, ...}")
    try:
        return EdgeSpec.model_validate(value)
    except ValidationError as error:
        raise wrong("an edge", nested=error.errors(include_url=False)) from None


Input = Annotated[str | EdgeSpec, PlainValidator(_read_input), WithJsonSchema({"definition": "input"})]


# keys of a stage that has nodes of its own, and of one that is another graph
OF_NODES, OF_USE = ("defaults",), ("preset", "params", "inputs")
# parts that are read later, member by member or with their positions at hand
RawDefaults = Annotated[Any, WithJsonSchema({"definition": "Defaults"})]
RawNodes = dict[str, Annotated[Any, WithJsonSchema({"definition": "NodeSpec"})]]
RawInputs = Annotated[Any, WithJsonSchema({"definition": "inputs"})]
RawUsedInputs = Annotated[Any, WithJsonSchema({"definition": "used_inputs"})]
RawUse = Annotated[Any, WithJsonSchema({"definition": "use"})]
RawOutputs = Annotated[Any, WithJsonSchema({"definition": "outputs"})]


class NodeSpec(Defaults):
    """A node, or a family of nodes."""

    inputs: list[Input] = Field(
        min_length=1, max_length=MAX_INPUTS, description="references, or mappings {from: reference, ...}"
    )
    level: Annotated[int, Field(ge=0, le=MAX_LEVEL)] | None = Field(None, description="the index by default")


class StageSpec(Settings):
    """Nodes that see what came before, and bind names for what follows."""

    repeat: Annotated[int, Field(gt=0, le=MAX_RUNS)] | None = Field(
        None, description="how many times the stage runs, each with its own weights"
    )
    defaults: RawDefaults = Field(None, description="what the nodes of this stage do unless they say otherwise")
    nodes: RawNodes | None = Field(None, description="a node (P6) or a family of nodes (td(3..6)) and what it does")
    use: RawUse = Field(None, description="another graph in place of nodes: its name, the path of its file, or itself")
    preset: str | None = Field(None, description="a preset of the graph that is used")
    params: dict[str, Any] | None = Field(None, description="parameters of the graph that is used")
    inputs: RawUsedInputs = Field(None, description="inputs of the graph that is used, each with what it is here")
    outputs: RawOutputs = Field(None, description="names that the stage binds when it ends")


class GraphSpec(Settings):
    """A graph file."""

    fpngraph: Literal[1] = Field(description="version of the language")
    name: Text = Field(min_length=1, description="what the neck is called")
    description: Text = Field("", description="one sentence")
    source: Text = Field("", description="address of the paper or code it is taken from")
    params: dict[str, Any] = Field({}, description="parameters with their default values, for $name and indices")
    presets: dict[str, dict[str, Any]] = Field({}, description="named sets of values of parameters")
    inputs: RawInputs = Field(description="maps of the backbone: P(3..5), a list, or name: level")
    defaults: RawDefaults = Field(None, description="what nodes do unless they say otherwise")
    nodes: RawNodes | None = Field(None, description="the nodes, where there is one unnamed stage")
    stages: dict[str, StageSpec] | None = Field(None, min_length=1, description="the stages, in order")
    outputs: RawOutputs = Field(description="what the neck gives: P(3..7), a list of references, or name: reference")
