"""effdet's own neck, made equal to one of ours, to compare the two."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from torch import nn

from fpngraph.compiler.neck import Neck
from fpngraph.efficientdet.host import DOWNS, FUSIONS, GRAPHS, graph_of
from fpngraph.efficientdet.model import EfficientDet
from fpngraph.efficientdet.neck_weights import neck_state_from_effdet
from fpngraph.efficientdet.weights import effdet_state
from fpngraph.errors import Refusal
from fpngraph.weights.state import StateError


class PeerError(Refusal, ValueError):
    """effdet is not there, or has no neck that is equal."""


def effdet_neck(graph: str, params: Mapping[str, Any], neck: Neck, image_size: tuple[int, int]) -> nn.Module:
    """Effdet's neck of the topology of the shipped ``graph`` with values for its parameters, for images of one size.

    ``neck``, which is of that graph, takes over its weights. Raises PeerError where effdet has no such neck.
    """
    effdet = _effdet()
    topologies = {ours: theirs for theirs, ours in GRAPHS.items()}
    if graph not in topologies:
        raise PeerError(f"effdet has no neck like {graph!r}\n  hint: it has {', '.join(topologies)}")
    config = effdet.get_efficientdet_config("tf_efficientdet_d0")
    config.update(_options(params) | {"fpn_name": f"{topologies[graph]}_{_name(FUSIONS, params['fusion'])}"})
    config.image_size = image_size
    if graph_of(config) != neck.source_graph:
        raise PeerError(f"effdet has no option for every parameter of {graph!r} as it is set")
    _check_sizes(image_size, params["min"], params["max"])
    theirs: nn.Module = effdet.efficientdet.BiFpn(
        config, [{"num_chs": channels} for channels in neck.in_channels.values()]
    ).eval()
    neck.load_state_dict(neck_state_from_effdet(theirs.state_dict(), neck))
    return theirs


def effdet_detector(model: EfficientDet, image_size: tuple[int, int]) -> nn.Module:
    """Effdet's detector of the configuration of ``model``, with its weights, for images of one size.

    Raises PeerError where effdet has no such detector, or none for this size.
    """
    config = _effdet().get_efficientdet_config(model.config.name)
    _check_sizes(image_size, config.min_level, config.max_level)
    try:
        theirs: nn.Module = _effdet().create_model(
            model.config.name, pretrained_backbone=False, num_classes=model.config.num_classes, image_size=image_size
        )
        theirs.load_state_dict(effdet_state(model))
    except (AssertionError, RuntimeError, StateError) as error:
        raise PeerError(f"effdet has no detector like {model.config.name!r} for such images: {error}") from error
    return theirs.eval()


def _effdet() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it scripts functions when it is imported, which torch no longer likes
            import effdet  # type: ignore[import-untyped]  # it has no hints
    except ImportError as error:
        raise PeerError("effdet is not installed\n  hint: pip install effdet") from error
    return effdet


def _check_sizes(image_size: tuple[int, int], finest: int, coarsest: int) -> None:
    """Effdet skips a pooling where only one side of a map gets smaller: it gives other maps then."""
    for level in range(finest, coarsest):
        (height, lower), (width, narrower) = ([-(-side // 2**at) for at in (level, level + 1)] for side in image_size)
        if (height == lower) != (width == narrower):
            sides = "x".join(map(str, image_size))
            raise PeerError(
                f"effdet does not pool from level {level} to {level + 1} of {sides} images, "
                "where one side stays as it is\n"
                "  hint: choose a larger --image-size"
            )


def _options(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a shipped graph as effdet's configuration names them, as far as it can."""
    norm, layers = params["norm"], [_operator(layer) for layer in params["op"] if params["op"] != "none"]
    names = [name for name, _ in layers]
    return {
        "min_level": params["min"],
        "max_level": params["max"],
        "num_levels": params["max"] - params["min"] + 1,
        "fpn_channels": params["channels"],
        "fpn_cell_repeats": params["repeats"],
        "pad_type": "" if params["padding"] == "symmetric" else params["padding"],
        "act_type": params["act"],
        "norm_kwargs": norm.get("batch_norm", {}) if isinstance(norm, dict) else {},
        "separable_conv": "separable_conv" in names,
        "redundant_bias": any(settings.get("bias") is True for _, settings in layers),
        "conv_bn_relu_pattern": names[-1:] == ["act"],
        "apply_resample_bn": isinstance(params["project"], dict) and params["project"].get("norm") is True,
        "downsample_type": _name(DOWNS, params["down"]),
        "upsample_type": params["up"],
    }


def _operator(written: Any) -> tuple[str, dict[str, Any]]:
    """The name and the settings of a layer as a file has it."""
    ((name, settings),) = written.items() if isinstance(written, dict) else ((written, {}),)
    return name, settings or {}


def _name(names: Mapping[str, str], ours: Any) -> str:
    """Effdet's name of an operator of ours."""
    return next((name for name, operator in names.items() if operator == ours), str(ours))
