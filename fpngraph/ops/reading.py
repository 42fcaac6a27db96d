"""Operators and lists of layers from the plain data of a file, or of a block's own rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from fpngraph.codes import Code
from fpngraph.errors import nearest, slip
from fpngraph.ops.base import Activation, Operator
from fpngraph.ops.elsewhere import called_here, written_here
from fpngraph.ops.registry import KINDS, find, names

LAYERS = ("layer", "norm", "act")
WORDS = ("act", "norm")
"""What a list of layers says for the node's own activation and norm."""
MAX_LAYERS = 100  # of a list, with those in its layers
_FEW = 15  # names that a hint lists beside the one it gives
MAX_DEPTH = 8  # of layers that hold layers


def wrong(
    required: str,
    hint: str | None = None,
    nested: Iterable[ErrorDetails] = (),
    code: Code = "wrong-value",
    better: str | None = None,
) -> PydanticCustomError:
    """An error of a value that is not what is required; ``nested`` are those of an operator's own settings.

    ``better`` is what can be written in place of the value.
    """
    context = {"required": required, "hint": hint, "nested": list(nested), "code": code, "better": better}
    return PydanticCustomError("wrong", "{required}", context)


def read_operator(value: Any, kinds: tuple[str, ...]) -> Operator:
    """``name`` or ``{name: {settings}}``; some operators have a list in place of settings."""
    required = f"the name of {_a(kinds)}, or {{name: {{settings}}}}"
    name: Any = value
    settings: Any = {}
    if isinstance(value, dict):
        if len(value) != 1:
            first = next(iter(value), None)
            hint = f"; settings stand in braces of their own: '{{{first}: {{...}}}}'" if isinstance(first, str) else ""
            raise wrong(required, f"a mapping here has one key, the operator's name{hint}")
        [(name, settings)] = value.items()
        settings = {} if settings is None else settings
    if not isinstance(name, str):
        raise wrong(required)
    operator = find(kinds, name)
    if operator is None:
        words = WORDS if "layer" in kinds else ()
        hint, better = _likely_operator(name, [*(words if name is value else ()), *names(kinds)])
        if words and find(("down", "up"), name):
            better = None
            hint = f"a resampler such as {name!r} stands in 'down' or 'up' itself, and in no other list"
        if name is value:
            raise wrong(required, hint, code="unknown-operator", better=better)
        if name in words:
            better = None
            hint = f"{name!r} alone stands for what the node says under {name!r}, where its settings belong"
        unknown = PydanticCustomError("unknown_operator", "", {"required": _a(kinds), "hint": hint, "better": better})
        raise wrong(required, nested=[detail(unknown, (name,), value)])
    return _with_settings(operator, settings)


def _likely_operator(name: str, known: Sequence[str]) -> tuple[str, str | None]:
    """A hint for a name that no operator has, and the one that can be written in its place."""
    if meant := called_here(name, known):
        listed = f". There are: {', '.join(known)}" if len(known) <= _FEW else ""
        return f"here it is called {meant!r}{listed}", meant
    kind = next((kind for kind in KINDS if find((kind,), name)), None)
    if kind:
        return f"{name!r} is {_a((kind,))}; {nearest('', known)}", None
    meant, hint = slip(name, known), written_here(name, known) or nearest(name, known)
    own = "one of your own needs '--import MODULE', or an import of its module before the graph is loaded"
    return (hint, meant) if meant else (f"{hint}; {own}", None)


def _with_settings(operator: type[Operator], settings: Any) -> Operator:
    name, field = operator.name, operator.in_place_of_settings
    if field and isinstance(settings, dict):
        raise wrong(f"{{{name}: [...]}}, with a list of {field} in place of settings")
    try:
        return operator.model_validate({field: settings} if field else settings)
    except ValidationError as error:
        known = {"known": [entry.alias or key for key, entry in operator.model_fields.items()]}
        nested: list[ErrorDetails] = []
        for detail in error.errors(include_url=False):
            loc = (name, *detail["loc"][1 if field else 0 :])
            nested.append(detail | {"loc": loc, "ctx": known | detail.get("ctx", {})})
        raise wrong(f"settings of {name!r}", nested=nested) from None


def _a(kinds: tuple[str, ...]) -> str:
    words = {"down": "down-sampler", "up": "up-sampler", "act": "activation", "init": "recipe of initial weights"}
    kind = words.get(kinds[0], kinds[0])
    return f"an {kind}" if kind[0] in "au" else f"a {kind}"


def _read_activation(value: Any) -> Operator:
    return value if isinstance(value, Activation) else read_operator(value, ("act",))


def _written(operator: Operator) -> Any:
    settings = operator.model_dump(exclude_unset=True, by_alias=True)
    return {operator.name: settings} if settings else operator.name


ActivationSetting = Annotated[
    Activation,
    PlainValidator(_read_activation),
    PlainSerializer(_written, return_type=Any),
    WithJsonSchema({"definition": "act"}),
]
"""A setting that is an activation, written as everywhere: its name, or its name with its settings."""


def read_layers(value: Any, *also: str) -> tuple[Operator | str, ...]:
    """A list of layers, with words for the node's own; a list in it stands for its layers."""
    if not isinstance(value, list | tuple):
        hint = "no layers are []" if value in (None, "none") else "write the layer in brackets"
        raise wrong("a list of layers", hint)
    layers: list[Operator | str] = []
    details: list[ErrorDetails] = []
    for index, entry in enumerate(value[: MAX_LAYERS + 1]):
        try:
            layers += read_layers(entry, *also) if isinstance(entry, list | tuple) else (_read_layer(entry, also),)
        except PydanticCustomError as error:
            details.append(detail(error, (index,), entry))
    if details:
        raise wrong("a list of layers", nested=details)
    if len(value) > MAX_LAYERS or sum(map(_count, layers)) > MAX_LAYERS:
        raise wrong(f"a list of at most {MAX_LAYERS} layers, with those that they hold", code="limit-exceeded")
    if max(map(_depth, layers), default=0) > MAX_DEPTH:
        raise wrong(f"layers that hold layers at most {MAX_DEPTH} deep", code="limit-exceeded")
    return tuple(layers)


def _read_layer(entry: Any, also: Sequence[str]) -> Operator | str:
    if isinstance(entry, Operator) or (isinstance(entry, str) and entry in WORDS):
        return entry
    return read_operator(entry, (*LAYERS, *also))


def read_branches(value: Any) -> tuple[tuple[Operator | str, ...], ...]:
    """Two lists of layers or more."""
    required = "a list of two lists of layers or more"
    if not isinstance(value, list | tuple) or len(value) < 2 or not all(isinstance(it, list | tuple) for it in value):
        raise wrong(required, "each branch is a list in it, and [] is the map itself")
    if len(value) > MAX_LAYERS:
        raise wrong(f"{required}, of at most {MAX_LAYERS}", code="limit-exceeded")
    branches = []
    details: list[ErrorDetails] = []
    for index, entry in enumerate(value):
        try:
            branches.append(read_layers(entry))
        except PydanticCustomError as error:
            details.append(detail(error, (index,), entry))
    if details:
        raise wrong(required, nested=details)
    return tuple(branches)


def _count(layer: Operator | str) -> int:
    """How many layers there are in one, itself among them."""
    lists = () if isinstance(layer, str) else layer.held()
    return 1 + sum(_count(inner) for layers in lists for inner in layers)


def _depth(layer: Operator | str) -> int:
    lists = () if isinstance(layer, str) else layer.held()
    return 1 + max((_depth(inner) for layers in lists for inner in layers), default=0) if lists else 0


def detail(error: PydanticCustomError, loc: tuple[int | str, ...], value: Any) -> ErrorDetails:
    """An error at a place inside of a value, as pydantic tells it."""
    return {"type": error.type, "loc": loc, "msg": error.message(), "input": value, "ctx": error.context or {}}
