"""PP-YOLOE's neck, of super-gradients' files for it alone: the rest asks for versions that are long gone."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from torch import nn

from tests.oracles.reference import Reference, library
from tests.oracles.references.unimported import bare, stand_in

# By size: what the depths and the widths of the largest are multiplied with.
SIZES = {"s": (0.33, 0.5), "m": (0.67, 0.75), "l": (1.0, 1.0), "x": (1.33, 1.25)}
WIDTHS = (256, 512, 1024)


def pp_yoloe(size: str) -> Reference:
    """The neck of PP-YOLOE in a size of its publication; it gives its coarsest map first."""
    depth, width = SIZES[size]
    neck = _pan().PPYoloECSPPAN(
        in_channels=WIDTHS,
        out_channels=(768, 384, 192),
        activation=nn.SiLU,
        stage_num=1,
        block_num=3,
        spp=True,
        width_mult=width,
        depth_mult=depth,
    )
    neck.register_forward_hook(lambda _module, _given, maps: list(maps))
    return Reference(neck, {level: round(c * width) for level, c in enumerate(WIDTHS, 3)}, (5, 4, 3), multiple=32)


@cache
def _pan() -> ModuleType:
    models = "training.models.detection_models"
    with library("super-gradients", "super_gradients"):
        bare("super_gradients", "modules", "training", "training.models", models, f"{models}.pp_yolo_e")
        _without_the_rest()
        from super_gradients import modules
        from super_gradients.modules.conv_bn_act_block import ConvBNAct
        from super_gradients.modules.repvgg_block import RepVGGBlock
        from super_gradients.modules.se_blocks import EffectiveSEBlock

        vars(modules).update(ConvBNAct=ConvBNAct, RepVGGBlock=RepVGGBlock, EffectiveSEBlock=EffectiveSEBlock)
        from super_gradients.training.models.detection_models.pp_yolo_e import pan
    return pan


def _without_the_rest() -> None:
    """What those files import of the library and do not need: registries, factories, distributed training."""

    def as_it_is(*_: object) -> Any:
        return lambda thing: thing

    common, utils = "super_gradients.common", "super_gradients.training.utils"
    for package in (common, f"{common}.registry", f"{common}.decorators", f"{common}.factories", utils):
        stand_in(package)
    stand_in(f"{common}.environment")
    stand_in(f"{common}.registry.registry", register_detection_module=as_it_is)
    stand_in(f"{common}.decorators.factory_decorator", resolve_param=as_it_is)
    stand_in(f"{common}.factories.activations_type_factory", ActivationsTypeFactory=object)
    stand_in(f"{common}.environment.ddp_utils", get_local_rank=None)
    stand_in(f"{utils}.distributed_training_utils", wait_for_the_master=None)
    stand_in("super_gradients.module_interfaces", SupportsReplaceInputChannels=object)
