"""What torch, papers and configurations of others call operators, and what they have operators for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

_CALLED: Mapping[str, tuple[str, ...]] = {
    "add": ("sum",),
    "aifi": ("encoder_layer",),
    "average": ("mean", "avg_pool"),
    "avgpool": ("avg_pool",),
    "batchnorm": ("batch_norm",),
    "batchnorm2d": ("batch_norm",),
    "bn": ("batch_norm",),
    "cat": ("concat",),
    "conv": ("strided_conv",),
    "conv2d": ("conv", "strided_conv"),
    "convtranspose2d": ("deconv",),
    "coordatt": ("coordinate",),
    "gn": ("group_norm",),
    "groupnorm": ("group_norm",),
    "hadamard": ("product",),
    "interpolate": ("nearest",),
    "ln": ("layer_norm",),
    "lrelu": ("leaky_relu",),
    "maxpool": ("max_pool",),
    "maxpool2d": ("max_pool",),
    "mul": ("product",),
    "multiply": ("product",),
    "pixelshuffle": ("pixel_shuffle",),
    "se": ("squeeze_excite",),
    "seblock": ("squeeze_excite",),
    "selayer": ("squeeze_excite",),
    "transposedconv": ("deconv",),
    "upsample": ("nearest",),
    "weighted": ("fast_normalized",),
}
"""Other names of operators, without underscores; of several the first that fits its place."""
_ATTENTION = "'encoder_layer' is self-attention of all pixels, with two linear layers"
_CHANNELS = "'squeeze_excite', 'eca' and 'cbam' weigh channels"
_DEPTHWISE = "for 64 channels it is '{conv: {groups: 64}}'; 'separable_conv' has a 1x1 convolution after one"
_DILATED = "it is a setting: '{conv: {dilation: 2}}'"
_GROUPED = "it is a setting: '{conv: {groups: 2}}'"
_POINTWISE = "it is '{conv: {kernel: 1}}'"
_WRITTEN: Mapping[str, str] = {
    "atrousconv": _DILATED,
    "attention": _ATTENTION,
    "channelattention": _CHANNELS,
    "conv1x1": _POINTWISE,
    "conv3x3": "it is 'conv'",
    "depthwise": _DEPTHWISE,
    "depthwiseconv": _DEPTHWISE,
    "dilatedconv": _DILATED,
    "dwconv": _DEPTHWISE,
    "gconv": _GROUPED,
    "groupconv": _GROUPED,
    "groupedconv": _GROUPED,
    "mhsa": _ATTENTION,
    "multiheadattention": _ATTENTION,
    "pointwise": _POINTWISE,
    "pointwiseconv": _POINTWISE,
    "selfattention": _ATTENTION,
    "transformer": _ATTENTION,
}
"""How others' operators are written, which are none here."""
_SETTINGS: Mapping[str, tuple[str, str | None]] = {
    "in_channels": ("leave it out: what comes in says it", None),
    "kernel_size": ("here it is called 'kernel'", "kernel"),
    "out_channels": ("here it is called 'channels'", "channels"),
    "padding": ("leave it out: sizes follow from levels", None),
    "stride": ("leave it out: levels say it; a way to a coarser one is 'resample: {down: strided_conv}'", None),
}
"""Arguments of torch's modules, with a hint and what can be written in their place."""


def called_here(name: str, known: Collection[str]) -> str | None:
    """What of the ``known`` names is the same operator."""
    return next((it for it in _CALLED.get(_plain(name), ()) if it in known), None)


def written_here(name: str, known: Collection[str]) -> str | None:
    """How the operator ``name`` of others is written where these are ``known``, which have layers among them."""
    return _WRITTEN.get(_plain(name)) if "conv" in known else None


def setting_here(name: str, known: Collection[str]) -> tuple[str, str | None] | None:
    """A hint for an argument of torch where these settings of a convolution or a pool are ``known``, and its name."""
    hint, better = _SETTINGS.get(name, ("", None))
    return (hint, better) if hint and "kernel" in known and (better is None or better in known) else None


def _plain(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")
