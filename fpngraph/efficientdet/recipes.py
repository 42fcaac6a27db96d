"""An EfficientDet as plain data, from which it is built again: its configuration, and the text of its graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fpngraph.efficientdet.config import ConfigError, of_fields
from fpngraph.efficientdet.model import EfficientDet
from fpngraph.language.explicit import dump
from fpngraph.library import loads

_KIND = "efficientdet"
_OF_GRAPH = {"graph", "params", "neck_params", "match"}
"""Fields that say the neck in other words."""


def recipe(model: EfficientDet) -> dict[str, Any]:
    """What ``from_recipe`` takes, without weights; it goes through JSON and checkpoints.

    >>> list(recipe(create("efficientdet_d0")))
    ['kind', 'config', 'graph']
    """
    config = model.config.model_dump(mode="json", exclude=_OF_GRAPH)
    return {"kind": _KIND, "config": config, "graph": dump(model.neck.source_graph)}


def from_recipe(data: Mapping[str, Any], **changes: Any) -> EfficientDet:
    """The detector of a recipe, with initial weights; ``changes`` are fields of ``Config``.

    Raises ConfigError for what is none.

    >>> from_recipe(recipe(create("efficientdet_d0")), num_classes=3).config.num_classes
    3
    """
    if data.get("kind") != _KIND:
        raise ConfigError(f"this is the recipe of {data.get('kind')!r}, not of {_KIND!r}")
    return EfficientDet(of_fields({**data["config"], "graph": loads(data["graph"]), "match": False, **changes}))
