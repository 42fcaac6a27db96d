"""The inference form gives what effdet's necks give, in a third of their memory."""

from __future__ import annotations

import pytest
import torch

from fpngraph.bench.memory import peak_bytes
from tests.equality.effdet_reference import Options, effdet_neck, equal_necks, feature_maps, graph_of

D0 = Options(fpn_channels=64, fpn_cell_repeats=3, pad_type="same")
IN_CHANNELS = (40, 112, 320)

CASES = [
    pytest.param((512, 512), D0, id="d0"),
    pytest.param((512, 512), Options(fpn_channels=64, fpn_cell_repeats=3), id="symmetric"),
    pytest.param((300, 420), Options(fpn_name="pan_fa", downsample_type="avg", pad_type="same"), id="pan"),
    pytest.param((333, 500), Options(fpn_name="qufpn_fa", upsample_type="bilinear"), id="qufpn"),
    pytest.param((500, 333), Options(fpn_name="bifpn_sum", conv_bn_relu_pattern=True, act_type="relu"), id="sum"),
    pytest.param((500, 333), Options(separable_conv=False, apply_resample_bn=False, redundant_bias=True), id="bias"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("image_size", "options"), CASES)
@torch.no_grad()
def test_outputs_equal_effdets(image_size: tuple[int, int], options: Options) -> None:
    torch.manual_seed(0)
    maps = feature_maps(IN_CHANNELS, 3, image_size)
    theirs = effdet_neck(options, IN_CHANNELS, image_size)
    fused = equal_necks(theirs, graph_of(options), maps).fuse()

    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        features = [x.to(dtype) for x in maps]
        outs, expected = fused.to(dtype)(features), theirs.eval().to(dtype)(list(features))
        for y, z in zip(outs, expected, strict=True):
            assert (y - z).abs().max() <= tolerance * z.abs().max()


@pytest.mark.slow
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_a_forward_holds_a_third_of_what_effdets_holds(layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    maps = [x.float().to(memory_format=layout) for x in feature_maps(IN_CHANNELS, 3, (512, 512))]
    theirs = effdet_neck(D0, IN_CHANNELS, (512, 512))
    ours = equal_necks(theirs, graph_of(D0), [x.double() for x in maps]).float().fuse()

    with torch.no_grad():
        mine, reference = (
            peak_bytes(lambda neck=neck: neck(list(maps)), [*maps, *neck.parameters(), *neck.buffers()])
            for neck in (ours, theirs.float().eval())
        )

    assert mine <= 0.32 * reference
