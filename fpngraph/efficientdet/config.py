"""What a detector is made of, as a value; and the configurations that effdet has, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from fpngraph.detection.anchors import Anchors, AspectRatio
from fpngraph.detection.boxes import Suppression
from fpngraph.detection.images import Colour, Deviations, Fill, Normalization
from fpngraph.errors import Refusal, nearest
from fpngraph.graph.graph import Graph
from fpngraph.language.yaml.source import read
from fpngraph.library import describe, load, shipped
from fpngraph.ops import Operator, find

Named = str | dict[str, Any]
"""An operator as graph files name one."""
NormOrder = Literal["repeat_first", "level_first"]
GraphSource = str | InstanceOf[os.PathLike[str]] | InstanceOf[Graph]


class ConfigError(Refusal, ValueError):
    """A configuration that does not exist, or values that are none."""


def operator(kind: str, value: str | Mapping[str, Any]) -> Operator:
    """What a name, or a mapping of one name to settings, stands for; as graph files write it.

    Raises ValueError for whatever is no operator of this kind.
    """
    entries: Mapping[str, Any] = {value: {}} if isinstance(value, str) else value
    if len(entries) != 1:
        raise ValueError(f"{value!r} is not one name, nor a mapping of one name to settings")
    ((name, settings),) = entries.items()
    found = find([kind], name)
    if found is None:
        raise ValueError(f"there is no {kind} {name!r}")
    if not isinstance(settings, Mapping):
        raise _wrong_settings(f"the settings of {name!r} are {settings!r}, not a mapping")
    try:
        return found.model_validate(settings)
    except ValidationError as error:
        told = (_setting(found, detail) for detail in error.errors(include_url=False))
        raise _wrong_settings("; ".join(told)) from None


def _wrong_settings(told: str) -> PydanticCustomError:
    return PydanticCustomError("wrong_settings", "{told}", {"told": told})


def _setting(found: type[Operator], detail: ErrorDetails) -> str:
    """What is wrong with a setting of an operator."""
    setting = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        return f"unknown setting {setting!r} of {found.name!r}, {nearest(setting, found.model_fields)}"
    return f"setting {setting!r} of {found.name!r} is {detail['input']!r}: {detail['msg']}"


def _of_kind(kind: str) -> AfterValidator:
    def check(value: Named | None) -> Named | None:
        if value is not None:
            operator(kind, value)
        return value

    return AfterValidator(check)


def _without_bias(value: Named) -> Named:
    if isinstance(value, dict) and any("bias" in settings for settings in value.values()):
        raise ValueError("whether it has a bias is what 'conv_bias' says")
    return value


class Config(BaseModel):
    """What a detector is made of. Its fields are the keys of ``models.yaml``.

    The fields from ``conv`` to ``init`` are said once: for the heads and, with ``neck_params``, as parameters of the
    graph where it declares parameters of these names. A graph at a path takes them with ``match``, else it keeps what
    its file says; one that is loaded keeps what it says. ``params`` are set over either.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="What it is called; the rest follows from no name.")
    backbone: str = Field(description="A model of timm.")
    backbone_args: dict[str, Any] = Field(default={}, description="More arguments of timm.create_model.")
    image_size: tuple[PositiveInt, PositiveInt] = Field(description="Height and width it was trained for, in pixels.")
    graph: GraphSource = Field(default="bifpn", description="The neck: the name of a graph, a path, or a Graph.")
    params: dict[str, Any] = Field(default={}, description="Parameters of the graph, whichever it is.")
    neck_params: dict[str, Any] = Field(default={}, description="Parameters of a shipped graph, as it declares them.")
    match: bool | None = Field(
        default=None,
        description="Whether a graph at a path is scaled as a shipped one; where nobody says, a warning lists it.",
    )

    conv: Annotated[Named, _of_kind("layer"), AfterValidator(_without_bias)] = Field(
        default="separable_conv", description="The convolution of nodes and heads."
    )
    conv_bias: bool = Field(default=False, description="Whether a convolution has a bias where a norm follows.")
    act: Annotated[Named, _of_kind("act")] = Field(default="silu", description="The activation of nodes and heads.")
    norm: Annotated[Named, _of_kind("norm")] = Field(
        default={"batch_norm": {"eps": 0.001, "momentum": 0.01}}, description="The norm of nodes and heads."
    )
    down: Annotated[Named, _of_kind("down")] = Field(default="max_pool", description="How edges go to coarser levels.")
    up: Annotated[Named, _of_kind("up")] = Field(default="nearest", description="How edges go to finer levels.")
    padding: Literal["symmetric", "same"] = Field(default="symmetric", description="'same' for TensorFlow's weights.")
    init: Literal["effdet", "effdet_alt"] = Field(default="effdet", description="The recipe of initial weights.")

    head_act: Annotated[Named | None, _of_kind("act")] = Field(default=None, description="The heads', if it differs.")
    head_repeats: NonNegativeInt = Field(default=3, description="Convolutions of a head before its predictor.")
    num_classes: PositiveInt = 90
    num_scales: PositiveInt = Field(default=3, description="Sizes of anchors per octave.")
    aspect_ratios: tuple[AspectRatio, ...] = Field(
        default=((1.0, 1.0), (1.4, 0.7), (0.7, 1.4)),
        min_length=1,
        description="Shapes of anchors: factors of width and height, or width / height.",
    )
    anchor_scale: PositiveFloat = Field(default=4.0, description="Side of the smallest square anchor, in strides.")
    max_candidates: PositiveInt = Field(default=5000, description="Best scores of an image that become boxes.")
    max_detections: PositiveInt = Field(default=100, description="Boxes of an image that are kept.")
    soft_nms: bool = Field(default=False, description="Whether overlap lowers scores instead of removing boxes.")

    mean: Colour = Field(default=(0.485, 0.456, 0.406), description="Subtracted from red, green, blue in 0 to 1.")
    std: Deviations = Field(default=(0.229, 0.224, 0.225), description="What they are divided by then.")
    fill: Fill = Field(default="mean", description="Around an image; or 0 to 255.")
    weights: str | None = Field(default=None, description="Address of the published checkpoint.")
    effdet_norms: NormOrder = Field(default="repeat_first", description="How effdet orders the norms of its heads.")

    @property
    def num_anchors(self) -> int:
        """Anchors per pixel of a map."""
        return self.anchors.per_place

    @property
    def anchors(self) -> Anchors:
        return Anchors(num_scales=self.num_scales, aspect_ratios=self.aspect_ratios, scale=self.anchor_scale)

    @property
    def normalization(self) -> Normalization:
        return Normalization(mean=self.mean, std=self.std, fill=self.fill)

    @property
    def suppression(self) -> Suppression:
        return Suppression(max_candidates=self.max_candidates, max_detections=self.max_detections, soft=self.soft_nms)

    @property
    def scales(self) -> bool:
        """Whether parameters of the graph are set to what the configuration says."""
        return bool(self.match) or self.ships

    @property
    def ships(self) -> bool:
        """Whether the graph is one that comes with the package, by its name."""
        return isinstance(self.graph, str) and self.graph in shipped()

    def load_graph(self) -> Graph:
        """The graph of the neck. Raises GraphError as ``fpngraph.load`` does, ConfigError for what it cannot take."""
        if isinstance(self.graph, Graph):
            if self.params or self.match:
                raise ConfigError(
                    "'params' and 'match' are for the name or path of a graph, but 'graph' is loaded already\n"
                    "  hint: fpngraph.load(path, NAME=VALUE) sets parameters"
                )
            return self.graph
        known = describe(self.graph).params if self.scales else {}
        return load(self.graph, **{name: value for name, value in self.wanted().items() if name in known} | self.params)

    def wanted(self) -> dict[str, Any]:
        """What the configuration says of a neck, as parameters of a graph."""
        ((conv, settings),) = ({self.conv: {}} if isinstance(self.conv, str) else self.conv).items()
        bias = {"bias": True} if self.conv_bias else {}
        return {
            "op": ["act", {conv: settings | bias}, "norm"],
            "project": {"norm": True} | bias,
            "act": self.act,
            "norm": self.norm,
            "down": self.down,
            "up": self.up,
            "padding": self.padding,
            "init": self.init,
        } | self.neck_params


def names() -> list[str]:
    """The names of effdet's configurations, in its order.

    >>> names()[0], len(names())
    ('efficientdet_d0', 47)
    """
    return list(_models())


def config(
    name: str, *, graph: GraphSource | None = None, params: Mapping[str, Any] | None = None, **changes: Any
) -> Config:
    """Effdet's configuration of that name, with changes: fields of Config.

    Raises ConfigError for a name or a field that does not exist and for values that are none.

    >>> config("efficientdet_d0", num_classes=20).num_classes
    20
    """
    models = _models()
    if name not in models:
        raise ConfigError(f"there is no configuration {name!r}\n  hint: {nearest(name, models)}")
    if params is not None and not isinstance(params, Mapping):
        raise ConfigError(f"'params' is {params!r}, not a mapping")
    chosen = {field: value for field, value in (("graph", graph), ("params", params)) if value is not None}
    return of_fields({"name": name} | models[name] | chosen | changes)


def change(config: Config, **changes: Any) -> Config:
    """The configuration with other values of some fields. Raises ConfigError for values that are none."""
    return of_fields({field: getattr(config, field) for field in Config.model_fields} | changes)


def of_fields(fields: Mapping[str, Any]) -> Config:
    """The configuration with these fields, plain data too. Raises ConfigError for values that are none."""
    try:
        return Config.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(f"configuration {fields.get('name')!r} has wrong fields:\n{_written(error)}") from None


def _written(error: ValidationError) -> str:
    """What pydantic found, a line each, with the name of the field and a hint for one that does not exist."""
    lines = []
    for detail in error.errors(include_url=False):
        field = ".".join(map(str, detail["loc"][:1]))
        if detail["type"] == "extra_forbidden":
            lines.append(f"  there is no field {field!r}\n    hint: {nearest(field, Config.model_fields)}")
        elif detail["type"] == "wrong_settings":
            lines.append(f"  {field!r}: {detail['msg']}")
        else:
            lines.append(f"  {field!r} is {detail['input']!r}: {detail['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


@cache
def _models() -> dict[str, dict[str, Any]]:
    path = Path(__file__).with_name("models.yaml")
    models: dict[str, dict[str, Any]] = read(path.read_text(encoding="utf-8"), path.name).plain()["models"]
    return models
