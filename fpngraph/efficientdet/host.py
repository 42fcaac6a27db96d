"""effdet as a host: the compiled form of the neck of one of its models."""

from __future__ import annotations

from typing import Any

from fpngraph.compiler.builder import build
from fpngraph.compiler.neck import Neck
from fpngraph.efficientdet.neck_weights import neck_state_from_effdet
from fpngraph.graph.graph import Graph
from fpngraph.library import load

GRAPHS = {"bifpn": "bifpn", "pan": "pan_effdet", "qufpn": "qufpn"}
FUSIONS = {"sum": "sum", "attn": "softmax", "fa": "fast_normalized"}
DOWNS = {"max": "max_pool", "avg": "avg_pool"}


def neck_of(model: Any) -> Neck:
    """The neck of an ``effdet.EfficientDet``, compiled, with copies of its weights.

    ``model.fpn = neck_of(model)`` puts it in the place of effdet's. It is in the same mode, on the same device
    and of the same type. Raises ValueError for a neck whose nodes were written by hand (``fpn_config``): write those as
    a graph.

    >>> model = effdet.EfficientDet(effdet.get_efficientdet_config("efficientdet_d0"), pretrained_backbone=False)
    >>> model.fpn = neck_of(model)
    """
    neck = build(graph_of(model.config), model.backbone.feature_info.channels())
    neck.to(next(model.fpn.parameters()))  # before the weights come, which would else be rounded
    neck.load_state_dict(neck_state_from_effdet(model.fpn.state_dict(), neck))
    return neck.train(model.fpn.training)


def graph_of(config: Any, **params: Any) -> Graph:
    """The graph of the neck that an effdet configuration describes; ``params`` are set over what follows from it."""
    if config.fpn_config:
        raise ValueError(
            f"configuration {config.name!r} has nodes of its own in 'fpn_config'\n"
            "  hint: write them as a graph and pass that to fpngraph.build"
        )
    topology, _, fusion = (config.fpn_name or "bifpn_fa").partition("_")
    return load(GRAPHS[topology], fusion=FUSIONS[fusion], **parameters(config) | params)


def parameters(config: Any) -> dict[str, Any]:
    """What an effdet configuration says of a neck whatever its topology, as parameters of the shipped graphs."""
    conv = "separable_conv" if config.separable_conv else "conv"
    before_norm: object = {conv: {"bias": True}} if config.redundant_bias else conv
    # effdet has no redundant bias where the activation comes last
    op = [conv, "norm", "act"] if config.conv_bn_relu_pattern else ["act", before_norm, "norm"]
    return {
        "min": config.min_level,
        "max": config.max_level,
        "channels": config.fpn_channels,
        "repeats": config.fpn_cell_repeats,
        "act": config.act_type,
        "norm": {"batch_norm": dict(config.norm_kwargs or {})},
        "op": op,
        "down": DOWNS.get(config.downsample_type, config.downsample_type),
        "up": config.upsample_type,
        "project": {"norm": config.apply_resample_bn} | ({"bias": True} if config.redundant_bias else {}),
        "padding": config.pad_type or "symmetric",
    }
