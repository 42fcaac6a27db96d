"""A detector from a checkpoint of ``fpngraph train``, which needs nothing else."""

from __future__ import annotations

from typing import Any

from fpngraph import efficientdet
from fpngraph.cli.values import UsageError
from fpngraph.detection.coco import Category
from fpngraph.training.saved import NotSavedError, read_saved
from fpngraph.weights.state import differences, refuse


def trained(path: str, hint: str = "", **changes: Any) -> tuple[efficientdet.EfficientDet, tuple[Category, ...]]:
    """The detector with its weights, and its categories; ``changes`` are of its configuration.

    Raises Refusal, with the hint where the tensors in the file are not of ``fpngraph train``.
    """
    try:
        saved = read_saved(path)
    except NotSavedError as error:
        raise UsageError(f"{error}\n  hint: {hint}" if hint else str(error)) from error
    model = efficientdet.from_recipe(saved.recipe, **changes)
    refuse(f"{path!r} does not fit its own recipe", differences(saved.state, model.state_dict()))
    model.load_state_dict(dict(saved.state))
    return model, saved.categories
