"""Configurations of other libraries as graph files, each with a table of what the library calls the weights."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fpngraph.importers.shipped import Imported

__all__ = ["Imported", "from_detectron2", "from_effdet", "from_mmdet", "from_transformers", "from_ultralytics"]


def from_effdet(name_or_path: str | os.PathLike[str]) -> Imported:
    """The neck that effdet calls by a name, such as ``bifpn_fa``, or that a file says: an ``fpn_config``, or a model's.

    What a file does not say is as in effdet's ``efficientdet_d0``.
    Raises GraphError with the place of all that is wrong.

    >>> found = from_effdet("pan_sum")
    >>> fpngraph.loads(found.text).name, found.table()["source"]
    ('pan_sum', 'effdet')
    """
    from fpngraph.importers.effdet.convert import convert
    from fpngraph.language.yaml.writing import to_yaml

    converted = convert(name_or_path)
    return Imported(to_yaml(converted.graph), converted.table())


def from_ultralytics(path: str | os.PathLike[str], scale: str | None = None) -> Imported:
    """The rows between backbone and head of a model file; ``scale`` is one of the file's.

    By default it is that in the name of the file, as Ultralytics has it, else the first.
    Inputs are called ``C3`` by their levels, outputs ``P3``. Raises GraphError with the place of each row that has no
    counterpart.

    >>> text = '''
    ... backbone:
    ...   - [-1, 1, Conv, [16, 8, 8]]
    ...   - [-1, 1, Conv, [32, 3, 2]]
    ... head:
    ...   - [-1, 1, nn.Upsample, [None, 2, nearest]]
    ...   - [[-1, 0], 1, Concat, [1]]
    ...   - [-1, 1, C2f, [16]]
    ...   - [[4, 1], 1, Detect, [80]]
    ... '''
    >>> _ = Path("small.yaml").write_text(text)
    >>> list(fpngraph.loads(from_ultralytics("small.yaml").text).inputs)
    ['C3', 'C4']
    """
    from fpngraph.importers.ultralytics.convert import convert
    from fpngraph.language.yaml.writing import to_yaml

    converted = convert(path, scale)
    return Imported(to_yaml(converted.graph), converted.table())


def from_mmdet(path: str | os.PathLike[str], strides: Sequence[int] | None = None) -> Imported:
    """The neck of a configuration in Python (which is read, not run), YAML or JSON, whole or of the neck alone.

    ``strides`` are those of the maps that the backbone gives, where its type does not tell. A list of an FPN and a BFP
    is one graph. Raises GraphError with the place of all that is wrong, or that no graph can say.

    >>> _ = Path("neck.py").write_text("neck = dict(type='FPN', in_channels=[64, 128], out_channels=32, num_outs=3)")
    >>> list(fpngraph.loads(from_mmdet("neck.py", strides=[8, 16]).text).outputs)
    ['P3', 'P4', 'P5']
    """
    from fpngraph.importers.mmdet.convert import convert

    return convert(path, strides)


def from_detectron2(path: str | os.PathLike[str]) -> Imported:
    """The neck of a configuration: a file of yacs with its ``_BASE_``, or a LazyConfig saved as YAML.

    Raises GraphError with the place of all that is wrong, or that no graph can say.

    >>> text = "MODEL: {BACKBONE: {NAME: build_resnet_fpn_backbone}, FPN: {IN_FEATURES: [res2, res3, res4, res5]}}"
    >>> _ = Path("model.yaml").write_text(text)
    >>> list(fpngraph.loads(from_detectron2("model.yaml").text).outputs)
    ['P2', 'P3', 'P4', 'P5', 'P6']
    """
    from fpngraph.importers.detectron2.convert import convert

    return convert(path)


def from_transformers(path: str | os.PathLike[str], strides: Sequence[int] | None = None) -> Imported:
    """The neck of a detector's ``config.json``; what it does not say is as in transformers.

    ``strides`` are those of the maps that the backbone gives, where they are others than the model's usual ones.
    Raises GraphError with the place of all that is wrong, or that no graph can say.

    >>> _ = Path("config.json").write_text('{"model_type": "rt_detr"}')
    >>> list(fpngraph.loads(from_transformers("config.json").text).outputs)
    ['P3', 'P4', 'P5']
    """
    from fpngraph.importers.transformers.convert import convert

    return convert(path, strides)
