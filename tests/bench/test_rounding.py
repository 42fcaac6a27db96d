"""How a benchmark has products of float32 rounded."""

from __future__ import annotations

import pytest
import torch

import fpngraph
from fpngraph.bench.report import measure
from fpngraph.bench.subject import Setting, of_neck


@pytest.mark.parametrize(
    ("dtype", "rounded", "allowed"),
    [
        (torch.float32, False, 1e-5),
        (torch.float64, False, 1e-5),
        (torch.float32, True, 1e-2),
        (torch.bfloat16, False, 0.1),
        (torch.float16, True, 0.1),
    ],
)
def test_forms_may_differ_by_what_their_type_rounds(dtype: torch.dtype, rounded: bool, allowed: float) -> None:
    neck = fpngraph.build(fpngraph.load("fpn", channels=4), [4, 4, 4, 4])

    assert of_neck(neck, Setting(image_size=(64, 64), dtype=dtype)).tolerance(rounded=rounded) == allowed


@pytest.mark.parametrize("tf32", [False, True])
def test_all_forms_are_rounded_alike_and_afterwards_it_is_as_before(tf32: bool) -> None:
    backends = torch.backends.cudnn, torch.backends.cuda.matmul
    before = [it.allow_tf32 for it in backends]
    seen = []
    neck = fpngraph.build(fpngraph.load("fpn", channels=4), [4, 4, 4, 4]).eval()
    neck.register_forward_pre_hook(lambda *_: seen.append([it.allow_tf32 for it in backends]))

    setting = Setting(image_size=(64, 64), tf32=tf32, rounds=2, forms=("eager",))
    subject = of_neck(neck, setting)

    report = measure(subject, setting, progress=lambda *_: None)

    assert {tuple(it) for it in seen} == {(tf32, tf32)}
    assert [it.allow_tf32 for it in backends] == before
    assert report["dtype"] == ("tf32" if tf32 else "float32")
