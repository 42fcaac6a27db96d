"""Necks of mmdet: by class and settings, or as a configuration that its wheel carries has them.

mmdet wants operators that mmcv compiles; a stand-in takes their place, and necks that call one fail.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch  # noqa: F401  # looks at every module that is there already, the stand-in too
from torch import nn

from tests.oracles.reference import Reference, library

COMPILED = "mmcv._ext"


class _Uncompiled(ModuleType):
    """In place of mmcv's compiled operators."""

    __file__ = COMPILED

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name.startswith("__"):
            raise AttributeError(name)

        def operator(*_: object) -> object:
            raise NotImplementedError(name)

        return operator


def neck(
    kind: str, in_channels: Mapping[int, int], levels: Sequence[int], *, multiple: int = 1, **settings: object
) -> Reference:
    """The neck of a class of mmdet that takes these channels by level, such as ``PAFPN``.

    Maps below its ``start_level``, which it wants and does not read, are no inputs.
    """
    start = settings.get("start_level", 0)
    assert isinstance(start, int)
    with library("mmdet"):
        module = getattr(necks(), kind)(in_channels=list(in_channels.values()), **settings)
    module.register_forward_pre_hook(partial(_with_unread, start))
    module.register_forward_hook(_listed)
    read = dict(sorted(in_channels.items())[start:])
    return Reference(module, read, tuple(levels), multiple)


def configured(file: str, inputs: Sequence[int], levels: Sequence[int], *, multiple: int = 1) -> Reference:
    """The neck of a configuration, such as ``yolox/yolox_s_8xb8-300e_coco.py``.

    ``inputs`` are the levels of the channels that the configuration lists, in its order. Statistics of norms that it
    would gather from several GPUs are those of one process.
    """
    said = _configuration(file)
    kind, widths = said.pop("type"), said.pop("in_channels")
    if said.get("norm_cfg", {}).get("type") == "SyncBN":
        said["norm_cfg"]["type"] = "BN"
    return neck(kind, dict(zip(inputs, widths, strict=True)), levels, multiple=multiple, **said)


def _configuration(file: str) -> dict[str, Any]:
    folder = Path(necks().__file__).parents[2] / ".mim" / "configs"
    with library("mmdet"):
        from mmengine import Config

        said: dict[str, Any] = Config.fromfile(folder / file).model.neck
    return said


def _with_unread(number: int, _module: nn.Module, given: tuple[Sequence[object]]) -> tuple[list[object]]:
    (maps,) = given
    return ([*maps[:1] * number, *maps],)


def _listed(_module: nn.Module, _given: object, maps: Sequence[object]) -> list[object]:
    return list(maps)


@cache
def necks() -> Any:
    stand_in = _Uncompiled(COMPILED)
    stand_in.__spec__ = ModuleSpec(COMPILED, None)
    with library("mmdet"):
        sys.modules.setdefault(COMPILED, stand_in)
        from mmdet.models import necks
    return necks
