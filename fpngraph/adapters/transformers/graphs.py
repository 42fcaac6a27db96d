"""What configurations and models with a graph in them have in common: how it is saved, and its initial weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import WeightRenaming

from fpngraph.adapters.host import HostError
from fpngraph.graph.graph import Graph
from fpngraph.language.explicit import dump
from fpngraph.language.uses import is_path
from fpngraph.language.yaml.source import read
from fpngraph.library import load, loads
from fpngraph.pyramid.plugged import Plugged


class WithGraph:
    """Part of a configuration: ``graph``, ``preset``, ``params`` and ``lean``, as ``fpngraph.plug`` takes them.

    ``config.json`` has all of it. A graph, or the path of a file, is replaced by what it says, so that a saved model
    needs no file beside it; a name stays.
    """

    graph: Any
    preset: str | None
    params: Mapping[str, Any]
    lean: bool

    def __post_init__(
        self,
        graph: Any = None,
        preset: str | None = None,
        params: Mapping[str, Any] | None = None,
        lean: bool = False,
        **kwargs: Any,
    ) -> None:
        self.graph, self.preset, self.params, self.lean = graph, preset, params or {}, lean
        kwargs.pop("model_type", None)  # of the published model that is loaded into one of ours
        super().__post_init__(**kwargs)  # type: ignore[misc]  # of the configuration that this is a part of

    def settled(self) -> Graph:
        """The graph, after the settings were made such as JSON gives them back.

        Raises GraphError for the graph, HostError where none is named.
        """
        if self.graph is None:
            raise HostError("the configuration has no 'graph', but the name, path or text of one is required")
        if isinstance(self.graph, Mapping):
            self.graph = _as_json(self.graph)
        self.params = _as_json(self.params or {})
        if isinstance(self.graph, Graph):
            graph = self.graph
        elif isinstance(self.graph, Mapping):
            graph = loads(self.graph, preset=self.preset, **self.params)
        else:
            graph = load(self.graph, preset=self.preset, **self.params)
        if isinstance(self.graph, Graph) or not isinstance(self.graph, str | Mapping) or _is_file(self.graph):
            self.graph, self.preset, self.params = _as_json(read(dump(graph), "<graph>").plain()), None, {}
        return graph


class WithNeck:
    """Part of a model: weights of ``neck`` that no checkpoint has are those of its graph.

    transformers makes a model without memory, fills in what the checkpoint has, and asks every module for the rest by
    rules of its own. They know no fusion weights, and RT-DETR's make the scales of batch norms 0.01.
    """

    neck: Plugged

    def _initialize_weights(self, module: Any, *_: Any, **__: Any) -> None:
        if module is not self or getattr(self, "_is_hf_initialized", False):
            return  # what is inside the neck
        neck: Any = self.neck.neck
        tensors = [*neck.parameters(), *neck.buffers()]
        loaded = [(x, x.detach().clone()) for x in tensors if getattr(x, "_is_hf_initialized", False)]
        if len(loaded) < len(tensors):
            neck.reset_parameters()
            with torch.no_grad():
                for x, value in loaded:
                    x.copy_(value)
        self._is_hf_initialized = True


def keep_names(class_name: str) -> None:
    """Have the weights of ``neck`` in models of that class found again under the names that they were saved by.

    The DETR family's models rename what old checkpoints call ``out_proj``, wherever in the model it is.
    """
    renaming = WeightRenaming("neck.neck.(.+).o_proj", r"neck.neck.\1.out_proj")
    register_checkpoint_conversion_mapping(class_name, [renaming], overwrite=True)


def _is_file(graph: Any) -> bool:
    return isinstance(graph, str) and is_path(graph)


def _as_json(value: Any) -> Any:
    """As JSON gives it back: keys are texts, sequences are lists. Mappings of any kind are taken."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{value!r} is a {type(value).__name__}, which no configuration can be saved with")
