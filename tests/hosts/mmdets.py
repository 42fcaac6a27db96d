"""Small detectors of mmdet from the configurations that its wheel carries, and images with boxes for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import ops

from tests.oracles.reference import library
from tests.oracles.references import mmdet as reference

HINT = "'make test-hosts' runs this"
WIDTHS = (8, 16, 32, 64)  # of the maps of the narrow backbone
NARROW: Mapping[str, Any] = {"type": "FPNGraph", "in_channels": WIDTHS}


@contextmanager
def mmdet() -> Iterator[None]:
    """Where mmdet is there and may warn, with torchvision's operators in place of those that mmcv compiles."""
    with library("mmdet", hint=HINT), library("mmcv", hint=HINT):
        reference.necks()
        from mmengine.registry import init_default_scope

        compiled: Any = sys.modules[reference.COMPILED]
        compiled.nms = _nms
        compiled.roi_align_forward, compiled.roi_align_backward = _pooled, _pooled_back
        import fpngraph.adapters.mmdet  # noqa: F401  # registers the neck, as custom_imports does

        init_default_scope("mmdet")
        yield


def _nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    assert offset == 0
    return ops.nms(boxes, scores, iou_threshold)


def _pooled(maps: Tensor, regions: Tensor, pooled: Tensor, *_: Tensor, **said: Any) -> None:
    size = said["aligned_height"], said["aligned_width"]
    pooled.copy_(
        ops.roi_align(maps, regions, size, said["spatial_scale"], said["sampling_ratio"], said["aligned"]),
    )


def _pooled_back(gradient: Tensor, regions: Tensor, *rest: Tensor, **said: Any) -> None:
    result = rest[-1]
    size = said["spatial_scale"], said["aligned_height"], said["aligned_width"]
    more = said["sampling_ratio"], said["aligned"]
    result.copy_(torch.ops.torchvision._roi_align_backward(gradient, regions, *size, *result.shape, *more))


def configuration(file: str) -> Any:
    """One of mmdet's, such as ``fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py``, for two classes and a narrow backbone."""
    from mmengine import Config

    config = Config.fromfile(Path(reference.necks().__file__).parents[2] / ".mim" / "configs" / file)
    model = config.model
    model.backbone.update(depth=18, out_indices=(0, 1, 2, 3), base_channels=WIDTHS[0], init_cfg=None, frozen_stages=-1)
    model.data_preprocessor.update(pad_size_divisor=1)
    if "encoder" in model:
        model.encoder.num_layers, model.decoder.num_layers = 1, 2
        model.num_queries, model.bbox_head.num_classes = 50, 2
    elif "bbox_head" in model:
        model.bbox_head.update(num_classes=2, in_channels=32, feat_channels=32, stacked_convs=1)
    if "rpn_head" in model:
        model.rpn_head.update(in_channels=32, feat_channels=32)
    if "roi_head" in model:
        model.roi_head.bbox_roi_extractor.update(out_channels=32)
        model.roi_head.bbox_head.update(in_channels=32, fc_out_channels=64, num_classes=2)
        model.train_cfg.rpn_proposal.update(nms_pre=100, max_per_img=50)
        model.test_cfg.rpn.update(nms_pre=100, max_per_img=50)
    return config


def detector(file: str, neck: Any) -> Any:
    """That of a configuration with another neck, with initial weights."""
    from mmdet.registry import MODELS

    model = configuration(file).model
    model.neck = neck
    torch.manual_seed(0)
    made = MODELS.build(model)
    initialised(made)
    return made


def initialised(module: nn.Module) -> None:
    """``init_weights`` without the line per parameter that mmengine logs."""
    from mmengine.logging import MMLogger

    MMLogger.get_current_instance().setLevel("WARNING")
    module.init_weights()


def scenes() -> dict[str, Any]:
    """Two dark images of odd sizes with a bright rectangle of each of two classes, as a data loader gives them."""
    from mmdet.structures import DetDataSample
    from mmengine.structures import InstanceData

    images, samples = [], []
    for index, (height, width) in enumerate([(121, 131), (131, 99)]):
        image = torch.full((3, height, width), 25, dtype=torch.uint8)
        boxes = torch.tensor([[10, 20, 60, 70], [50 - 20 * index, 60, 95, 110]])
        for (left, top, right, bottom), brightness in zip(boxes.tolist(), (127, 230), strict=True):
            image[:, top:bottom, left:right] = brightness
        size = {"img_shape": (height, width), "ori_shape": (height, width), "scale_factor": (1.0, 1.0)}
        sample = DetDataSample(metainfo={**size, "img_id": index})
        sample.gt_instances = InstanceData(bboxes=boxes.float(), labels=torch.tensor([0, 1]))
        images.append(image)
        samples.append(sample)
    return {"inputs": images, "data_samples": samples}


def losses(model: Any, steps: int) -> list[float]:
    """Of some steps of training."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    found = []
    for _ in range(steps):
        torch.manual_seed(1)  # detectors sample their proposals
        loss, _ = model.parse_losses(model(**model.data_preprocessor(scenes(), True), mode="loss"))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


class _Scenes(list[dict[str, Any]]):
    metainfo: Mapping[str, Any] = {"classes": ("dark", "bright"), "palette": [(0, 0, 0), (255, 255, 255)]}


def trained(config: Any, folder: Path) -> Any:
    """A Runner that has trained the detector of a configuration for two epochs of one batch, into ``folder``."""
    from mmengine.dataset import pseudo_collate
    from mmengine.runner import Runner
    from torch.utils.data import DataLoader

    scene = scenes()
    pairs = _Scenes(dict(zip(scene, pair, strict=True)) for pair in zip(*scene.values(), strict=True))
    runner = Runner(
        model=config.model,
        work_dir=str(folder),
        train_dataloader=DataLoader(pairs, batch_size=2, collate_fn=pseudo_collate),
        train_cfg={"by_epoch": True, "max_epochs": 2},
        optim_wrapper=config.get("optim_wrapper"),
        default_hooks={"checkpoint": {"type": "CheckpointHook", "interval": 1}},
        custom_hooks=config.get("custom_hooks"),
        experiment_name=folder.name,
        default_scope="mmdet",
        log_level="WARNING",
        cfg=config,
    )
    runner.train()
    return runner


def images(*sizes: tuple[int, int], dtype: torch.dtype = torch.float32) -> list[Tensor]:
    return [torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(size[0])).to(dtype) for size in sizes]
