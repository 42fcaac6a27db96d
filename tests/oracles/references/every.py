"""The published necks that can be referred to, by name, each built when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from tests.oracles.reference import Reference
from tests.oracles.references import mmdet, modelscope, smp, super_gradients, transformers, ultralytics

BACKBONE = {2: 256, 3: 512, 4: 1024, 5: 2048}  # of a ResNet-50
SCALED = {
    "yolov5{}": "v5/yolov5",
    "yolov5{}-p6": "v5/yolov5-p6",
    "yolov6{}": "v6/yolov6",  # Ultralytics' own, not Meituan's
    "yolov8{}": "v8/yolov8",
    "yolov8{}-p2": "v8/yolov8-p2",
    "yolov8{}-p6": "v8/yolov8-p6",
    "yolov8{}-ghost": "v8/yolov8-ghost",
    "yolo11{}": "11/yolo11",
    "yolo12{}": "12/yolo12",
    "yolo26{}": "26/yolo26",
    "yolo26{}-p2": "26/yolo26-p2",
    "yolo26{}-p6": "26/yolo26-p6",
}


def _ultralytics() -> Iterator[tuple[str, Callable[[], Reference]]]:
    for name, file in SCALED.items():
        yield from ((name.format(scale), partial(ultralytics.neck, f"{file}.yaml", scale)) for scale in "nsmlx")
    yield "yolov3", partial(ultralytics.neck, "v3/yolov3.yaml")
    for size in "tsmce":
        yield f"yolov9{size}", partial(ultralytics.neck, f"v9/yolov9{size}.yaml")
    for size in "nsmblx":
        scale = None if size == "b" else size
        yield f"yolov10{size}", partial(ultralytics.neck, f"v10/yolov10{size}.yaml", scale)
    for size in ("l", "x", "resnet50", "resnet101"):
        yield f"rtdetr-{size}", partial(ultralytics.neck, f"rt-detr/rtdetr-{size}.yaml")


def _mmdet() -> Iterator[tuple[str, Callable[[], Reference]]]:
    def configured(file: str, inputs: range, levels: range, multiple: int) -> Callable[[], Reference]:
        return partial(mmdet.configured, f"{file}_coco.py", inputs, levels, multiple=multiple)

    four, three, coarse_first = range(2, 6), range(3, 6), range(5, 2, -1)
    for mode in (False, "on_input", "on_lateral", "on_output"):
        settings = {"start_level": 1, "num_outs": 5, "add_extra_convs": mode, "relu_before_extra_convs": True}
        name = f"fpn-{mode}" if mode else "fpn"
        yield name, partial(mmdet.neck, "FPN", BACKBONE, range(3, 8), out_channels=256, **settings)
    yield "pafpn", configured("pafpn/faster-rcnn_r50_pafpn_1x", four, range(2, 7), 1)
    yield "nas_fpn", configured("nas_fpn/retinanet_r50_nasfpn_crop640-50e", four, range(3, 8), 128)
    yield "fpg", configured("fpg/retinanet_r50_fpg_crop640_50e", four, range(3, 8), 128)
    yield "hrfpn", configured("hrnet/faster-rcnn_hrnetv2p-w18-1x", four, range(2, 7), 64)
    yield "yolov3-mmdet", configured("yolo/yolov3_d53_8xb8-ms-608-273e", coarse_first, coarse_first, 32)
    for size in ("nano", "tiny", "s", "m", "l", "x"):
        yield f"yolox-{size}", configured(f"yolox/yolox_{size}_8xb8-300e", three, three, 32)
    for size in ("tiny", "s", "m", "l", "x"):
        yield f"rtmdet-{size}", configured(f"rtmdet/rtmdet_{size}_8xb32-300e", three, three, 32)


def _others() -> Iterator[tuple[str, Callable[[], Reference]]]:
    for size in transformers.SIZES:
        yield f"rt_detr-{size}", partial(transformers.rt_detr, size)
        yield f"rt_detr_v2-{size}", partial(transformers.rt_detr, size, "V2")
    yield "d_fine", transformers.d_fine
    yield "maskformer", transformers.maskformer
    for architecture in smp.LEVELS:
        # Dropout would make a step of training random.
        dropout = {"fpn": "decoder_dropout", "deeplabv3plus": "decoder_aspp_dropout"}.get(architecture)
        yield f"smp-{architecture}", partial(smp.neck, architecture, **({dropout: 0.0} if dropout else {}))
    for size in modelscope.SIZES:
        yield f"damo_yolo-{size}", partial(modelscope.damo_yolo, size)
    for size in super_gradients.SIZES:
        yield f"pp_yoloe-{size}", partial(super_gradients.pp_yoloe, size)


NECKS: Mapping[str, Callable[[], Reference]] = dict([*_ultralytics(), *_mmdet(), *_others()])
