"""Detectors by the names of effdet's configurations, with the weights that are published for these."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import hub

from fpngraph.efficientdet.checkpoint import read_checkpoint
from fpngraph.efficientdet.config import Config, ConfigError, GraphSource, config, names
from fpngraph.efficientdet.model import EfficientDet, changed_predictors
from fpngraph.efficientdet.weights import state_from_effdet
from fpngraph.errors import Refusal
from fpngraph.weights.matching import Matched, load_matching
from fpngraph.weights.state import StateError


class DownloadError(Refusal, OSError):
    """A published file is not in the cache and cannot be fetched."""


def create(
    name: str,
    pretrained: bool = False,
    graph: GraphSource | None = None,
    *,
    pretrained_backbone: bool = False,
    lean: bool = False,
    **changes: Any,
) -> EfficientDet:
    """The detector of that name of effdet's (``names()`` has them), with changes: fields of ``Config``.

    ``graph`` takes the place of its neck. The name of a shipped graph is scaled as the configuration says; a path or a
    Graph keeps what it says, and an UnmatchedWarning lists what the configuration says instead. With ``match=True`` a
    path is scaled too, with ``match=False`` nothing is listed. ``params`` are the graph's, and win over both.
    ``pretrained`` loads effdet's published weights as ``load_pretrained`` does, and warns of what else than the
    predictors of changed heads they are not for. A ``lean`` one trains in less memory.
    Raises ConfigError, GraphError or BackboneError for what does not exist or does not fit together.

    >>> model = create("efficientdet_d0", graph="panet", num_classes=20)
    >>> model.neck.source_graph.name
    'PANet'
    """
    chosen = config(name, graph=graph, **changes)
    model = EfficientDet(chosen, pretrained_backbone=pretrained_backbone, lean=lean)
    if pretrained:
        matched = load_pretrained(model)
        new = tuple(f"{head}.predict" for head in changed_predictors(config(name), model.config))
        left = (*(it.tensor for it in matched.changed), *matched.missing, *matched.unexpected)
        if not all(part.startswith(new) for part in left):
            warnings.warn(f"of the published weights of {name!r}: {matched}", stacklevel=2)
    return model


def load_pretrained(model: EfficientDet) -> Matched:
    """Load the weights published for the configuration of the model's name into whatever parts are still as there.

    The file is fetched once, checked against the hash in its name, and kept in the cache of torch.hub. Predictors of
    other classes or anchors than the published ones keep the weights that they have.
    Raises ConfigError if none are published, DownloadError if the file cannot be fetched, and StateError if it is
    another than it should be.
    """
    published = config(model.config.name)
    if model.config.weights is None:
        raise ConfigError(
            f"configuration {published.name!r} has no published weights\n  hint: {_others(published.name)}"
        )
    return take_over(model, _cached(model.config.weights, published.name))


def take_over(model: EfficientDet, path: str | os.PathLike[str]) -> Matched:
    """Load what a checkpoint of effdet has for the parts of the model that are as in its configuration.

    Predictors of other classes or anchors keep the weights that they have.
    Raises ConfigError for a model of no configuration, OSError and StateError as ``load_effdet``.
    """
    published, named = config(model.config.name), repr(os.fspath(path))
    checkpoint = read_checkpoint(path, ema=None)
    if _is_as(published, model):
        with suppress(StateError):  # of a model whose modules somebody has exchanged it takes what still fits
            model.load_state_dict(state_from_effdet(checkpoint, model, named))
            return load_matching(model, model.state_dict())
    with torch.device("meta"):  # no weights are drawn
        original = EfficientDet(published).to_empty(device="cpu")
    original.load_state_dict(state_from_effdet(checkpoint, original, named))
    state = original.state_dict()  # which says the maps of each fusion
    new = tuple(f"{head}.predict." for head in changed_predictors(published, model.config))
    for name in [name for name in state if name.startswith(new)]:
        del state[name]
    return load_matching(model, state)


def _is_as(published: Config, model: EfficientDet) -> bool:
    """Whether a model is the one of a configuration, wherever its weights come from."""
    return (
        model.config.model_copy(update={"weights": published.weights}) == published
        and model.neck.source_graph == published.load_graph()
    )


def _cached(address: str, name: str) -> Path:
    """The file of the address, fetched where it is not in the cache."""
    path = Path(hub.get_dir(), "checkpoints", PurePosixPath(urlsplit(address).path).name)
    if not path.exists():
        sha256 = hub.HASH_REGEX.search(path.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            hub.download_url_to_file(address, str(path), sha256[1] if sha256 else None)
        except (OSError, HTTPException, RuntimeError) as error:  # the last where the hash is another
            raise DownloadError(
                f"the weights of {name!r} cannot be fetched from {address}: {getattr(error, 'reason', error)}\n"
                f"  hint: fetch {path.name!r} elsewhere and put it into {str(path.parent)!r}, or call "
                "load_effdet(model, path)"
            ) from error
    return path


def _others(name: str) -> str:
    """Those of its family that have weights, else all that have."""
    published = [other for other in names() if config(other).weights]
    family = [other for other in published if _family(other) == _family(name)]
    return f"there are weights for {', '.join(family or published)}"


def _family(name: str) -> str:
    return re.split(r"\d", name.removeprefix("tf_"), maxsplit=1)[0]
