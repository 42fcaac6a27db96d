"""Modules of a model file as layers of a graph file, and what their weights are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import gcd
from typing import Any, NamedTuple

from fpngraph.importers.ultralytics.rows import Row, Unknown

_RESAMPLERS = frozenset({"nn.Upsample", "nn.ConvTranspose2d", "ADown", "AConv", "SCDown"})


class Layer(NamedTuple):
    """A layer as a graph file says it, its role in a state dict, and what their module of it is called."""

    said: Any
    key: str
    theirs: str = ""
    """Empty: it has no weights."""
    block: str = ""
    """The block of the table that says what is in it."""
    stage: bool = False
    """Whether it gives the channels of its node."""


def changes_level(row: Row) -> bool:
    """Whether what a row gives has another level than what it takes."""
    strided = row.module in ("Conv", "DWConv", "GhostConv") and len(row.arguments) > 2 and row.arguments[2] != 1
    return strided or row.module in _RESAMPLERS


def layers_of(row: Row, taken: int) -> list[Layer]:
    """The layers of a row that takes so many channels. Raises Unknown."""
    write = _MODULES.get(row.module)
    if write is None:
        known = "the modules of published necks can be converted, others be registered and written in by hand"
        raise Unknown(f"is a {row.module!r}, for which there are no layers here", known)
    names = [f"model.{row.number}" + (f".{run}" if row.times > 1 else "") for run in range(row.times)]
    try:
        return [layer for name in names for layer in write(row, taken, name)]
    except (IndexError, TypeError, ValueError) as error:  # too few arguments, or of other kinds
        raise Unknown(
            f"is a {row.module!r} with the arguments {list(row.arguments)}, which it does not take"
        ) from error


def _rest(row: Row, *defaults: Any) -> list[Any]:
    """The arguments after the channels, with defaults for those that are not there."""
    given = list(row.arguments[1:])
    if len(given) > len(defaults):
        raise Unknown(f"has {len(row.arguments)} arguments, where {len(defaults) + 1} are known")
    return [*given, *defaults[len(given) :]]


def _conv(row: Row, taken: int, name: str) -> list[Layer]:
    kernel, stride, padding, groups, dilation, act = _rest(row, 1, 1, None, 1, 1, True)
    return _cna(
        row.channels, (kernel, stride, padding, groups, dilation), name, act=act, taken=taken if stride == 2 else 0
    )


def _cna(
    channels: int, how: tuple[int, int, Any, int, int], name: str, *, act: Any = True, taken: int = 0
) -> list[Layer]:
    """A convolution, its norm, and its activation."""
    kernel, stride, padding, groups, dilation = how
    margin = dilation * (kernel - 1)
    # of an even kernel Ultralytics' own padding is a pixel more
    padded = padding == margin // 2 or (padding is None and margin % 2 == 0)
    if not padded or stride not in (1, 2) or act not in (True, False):
        raise Unknown("is a convolution with a padding, stride or activation of its own")
    if stride == 2 and dilation > 1:
        raise Unknown(f"is a convolution with the stride 2 and the dilation {dilation}, which none here has together")
    settings: dict[str, Any] = {"kernel": kernel}
    settings |= {"channels": channels} if channels != taken else {}
    settings |= {"groups": groups} if groups > 1 else {}
    settings |= {"dilation": dilation} if dilation > 1 else {}
    operator = "conv" if stride == 1 else "strided_conv"
    layers = [Layer({operator: settings}, operator, f"{name}.conv"), Layer("norm", "norm", f"{name}.bn")]
    return [*layers, Layer("act", "act")] if act else layers


def _depthwise(row: Row, taken: int, name: str) -> list[Layer]:
    kernel, stride, dilation, act = _rest(row, 1, 1, 1, True)
    return _cna(row.channels, (kernel, stride, None, gcd(taken, row.channels), dilation), name, act=act)


def _ghost(row: Row, taken: int, name: str) -> list[Layer]:
    kernel, stride, groups, act = _rest(row, 1, 1, 1, True)
    half = row.channels // 2
    first = _cna(half, (kernel, stride, None, groups, 1), f"{name}.cv1", act=act)
    second = [layer.said for layer in _cna(half, (5, 1, None, half, 1), "", act=act)]
    return [*first, Layer({"concat": [[], second]}, "concat", f"{name}.cv2", "ghost")]


def _bottleneck(row: Row, taken: int, name: str) -> list[Layer]:
    shortcut, groups, kernels, expand = _rest(row, True, 1, (3, 3), 0.5)
    if shortcut and taken == row.channels:
        raise Unknown("adds its map")
    inner = int(row.channels * expand)
    return [
        *_cna(inner, (kernels[0], 1, None, 1, 1), f"{name}.cv1"),
        *_cna(row.channels, (kernels[1], 1, None, groups, 1), f"{name}.cv2"),
    ]


def _c2(row: Row, taken: int, name: str) -> list[Layer]:
    blocks, shortcut, groups, expand = _rest(row, 1, True, 1, 0.5)
    half = int(row.channels * expand)
    one = [layer.said for layer in _cna(half, (3, 1, None, groups, 1), "")]
    run = [{"residual": [*one, *one]}] if shortcut else [*one, *one]
    split = [[{"slice": {"index": 0}}, {"repeat": {"times": blocks, "layers": run}}], [{"slice": {"index": 1}}]]
    return [
        *_cna(2 * half, (1, 1, None, 1, 1), f"{name}.cv1"),
        Layer({"concat": split}, "concat", name, "c2"),
        *_cna(row.channels, (1, 1, None, 1, 1), f"{name}.cv2"),
    ]


def _separated(row: Row, taken: int, name: str) -> list[Layer]:
    kernel, stride = _rest(row, 3, 2)
    wide = row.channels
    return [
        *_cna(wide, (1, 1, None, 1, 1), f"{name}.cv1", taken=taken),
        *_cna(wide, (kernel, stride, None, wide, 1), f"{name}.cv2", act=False, taken=wide),
    ]


def _halved(row: Row, taken: int, name: str) -> list[Layer]:
    if row.channels != taken:
        raise Unknown(f"gives {row.channels} channels of {taken}, where 'a_down' keeps them")
    return [Layer("a_down", "a_down", name, "a_down")]


def _averaged(row: Row, taken: int, name: str) -> list[Layer]:
    said = {"a_conv": {"channels": row.channels}} if row.channels != taken else "a_conv"
    return [Layer(said, "a_conv", name, "a_conv")]


def _upsampled(row: Row, taken: int, name: str) -> list[Layer]:
    if row.arguments[0] is not None:
        raise Unknown("goes to a size of its own")
    if any(row.arguments[3:]):
        raise Unknown(f"interpolates with {list(row.arguments[3:])}, where the mode is the last that is known")
    mode = row.arguments[2] if len(row.arguments) > 2 else "nearest"
    if mode not in ("nearest", "bilinear"):
        raise Unknown(f"interpolates by {mode!r}, where 'nearest' and 'bilinear' are known")
    return [Layer(mode, mode)]


def _deconv(row: Row, taken: int, name: str) -> list[Layer]:
    kernel, stride, padding = _rest(row, 2, 2, 0)
    if (kernel, padding) != (stride, 0):
        raise Unknown("is a transposed convolution whose windows overlap")
    if taken % row.channels:
        raise Unknown(f"gives {row.channels} channels of {taken}, no whole part of them")
    said = {"deconv": {"reduction": taken // row.channels}} if taken != row.channels else "deconv"
    return [Layer(said, "deconv", name)]


def _stage(operator: str, block: str, defaults: Sequence[Any], settings: Callable[..., Mapping[str, Any]]) -> Any:
    """A stage of blocks: what it is called here, and its settings from the arguments after the channels."""

    def write(row: Row, taken: int, name: str) -> list[Layer]:
        said = {key: value for key, value in settings(*_rest(row, *defaults)).items() if value is not None}
        names = said.pop("names", block)
        return [Layer({operator: said} if said else operator, operator, name, names, stage=True)]

    return write


def _c3k2(*said: Any) -> Mapping[str, Any]:
    blocks, c3k, expand, attn, groups, shortcut = said
    if groups != 1:
        raise Unknown("has blocks with groups")
    block = {"block": "c3", "names": "c2f_c3"} if c3k else {"block": "narrow"}
    block = {"block": "attention", "names": "c2f_attention"} if attn else block
    return {"blocks": blocks, "shortcut": shortcut, **block, **_expand(expand)}


def _cib(blocks: int, shortcut: bool, large: bool, groups: int, expand: float) -> Mapping[str, Any]:
    block = "large_cib" if large else "cib"
    return {"blocks": blocks, "shortcut": shortcut, "block": block, **_expand(expand), "names": f"c2f_{block}"}


def _a2c2f(*said: Any) -> Mapping[str, Any]:
    blocks, attention, *_of_attention, expand, groups, shortcut = said
    if attention:
        raise Unknown("has blocks with area attention")
    if groups != 1:
        raise Unknown("has convolutions with groups")
    return {"blocks": blocks, "shortcut": None if shortcut else False, **_expand(expand)}


def _csp(blocks: int, shortcut: bool, groups: int, expand: float) -> Mapping[str, Any]:
    if groups != 1:
        raise Unknown("has convolutions with groups")
    return {"blocks": blocks, "shortcut": shortcut, **_expand(expand)}


def _ghosts(*said: Any) -> Mapping[str, Any]:
    return {**_csp(*said), "block": "ghost", "shortcut": True}  # they add their map whatever the file says


def _elan(row: Row, taken: int, name: str) -> list[Layer]:
    inner, inmost, *more = row.arguments[1:]
    if inmost != inner // 2:
        raise Unknown(f"has {inner} and {inmost} inner channels, of which the latter are not half of the former")
    said = {"blocks": more[0] if more else 1, **_expand(inner / row.channels, default=1)}
    return [Layer({"rep_elan": said}, "rep_elan", name, "rep_elan", stage=True)]


def _pooled(row: Row, taken: int, name: str) -> list[Layer]:
    (kernels,) = _rest(row, (5, 9, 13))
    kernel = kernels[0]
    if list(kernels) != [kernel + number * (kernel - 1) for number in range(len(kernels))]:
        raise Unknown(f"pools windows of {list(kernels)}, where each is as much wider than the one before it")
    said = "spp" if (kernel, len(kernels)) == (5, 3) else {"spp": {"kernel": kernel, "times": len(kernels)}}
    return [
        *_cna(taken // 2, (1, 1, None, 1, 1), f"{name}.cv1"),
        Layer(said, "spp"),
        *_cna(row.channels, (1, 1, None, 1, 1), f"{name}.cv2"),
    ]


def _encoder(row: Row, taken: int, name: str) -> list[Layer]:
    (heads,) = _rest(row, 8)
    return [Layer({"encoder_layer": {"heads": heads, "hidden": row.arguments[0]}}, "encoder_layer", name, "aifi")]


def _expand(expand: float, default: float = 0.5) -> Mapping[str, Any]:
    return {} if expand == default else {"expand": expand}


_MODULES: Mapping[str, Callable[[Row, int, str], list[Layer]]] = {
    "Conv": _conv,
    "DWConv": _depthwise,
    "GhostConv": _ghost,
    "SCDown": _separated,
    "ADown": _halved,
    "AConv": _averaged,
    "nn.Upsample": _upsampled,
    "nn.ConvTranspose2d": _deconv,
    "Bottleneck": _bottleneck,
    "C2": _c2,
    "C3": _stage("c3", "c3", (1, True, 1, 0.5), _csp),
    "C3Ghost": _stage("c3", "c3_ghost", (1, True, 1, 0.5), _ghosts),
    "C2f": _stage("c2f", "c2f", (1, False, 1, 0.5), _csp),
    "C3k2": _stage("c2f", "c2f", (1, False, 0.5, False, 1, True), _c3k2),
    "C2fCIB": _stage("c2f", "c2f_cib", (1, False, False, 1, 0.5), _cib),
    "A2C2f": _stage("a2c2f", "a2c2f", (1, True, 1, False, 2.0, 0.5, 1, True), _a2c2f),
    "RepC3": _stage("csp_rep", "csp_rep", (3, 1.0), lambda blocks, expand: {"blocks": blocks, "expand": expand}),
    "RepNCSPELAN4": _elan,
    "SPP": _pooled,
    "AIFI": _encoder,
}
