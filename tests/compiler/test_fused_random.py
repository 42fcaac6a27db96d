"""The inference form gives what the neck gives, whatever operators meet in it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fpngraph
from tests.fused_graphs import SIZES, maps, necks


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(neck=necks(), size=st.sampled_from(SIZES), batch=st.integers(1, 2), channels_last=st.booleans())
def test_a_fused_neck_equals_its_neck(
    neck: fpngraph.Neck, size: tuple[int, int], batch: int, channels_last: bool
) -> None:
    features = maps(size, neck, batch)
    if channels_last:
        features = [x.to(memory_format=torch.channels_last) for x in features]
    copies = [x.clone() for x in features]

    with torch.no_grad():
        expected = neck(features)
        got = neck.fuse()(features)

    for y, z in zip(got, expected, strict=True):
        assert y.shape == z.shape
        # Fast normalized fusion with an eps of zero and no weight above zero is 0 / 0, in both forms.
        assert torch.equal(y.isnan(), z.isnan())
        assert (y - z).nan_to_num(nan=0.0).abs().max() <= 1e-12 * max(z.nan_to_num(nan=0.0).abs().max(), 1e-3)
    assert all(torch.equal(x, copy) for x, copy in zip(features, copies, strict=True))
