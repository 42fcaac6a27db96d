"""The measure of memory that tests and benchmarks use counts what it says."""

from __future__ import annotations

import torch

from fpngraph.bench.memory import peak_bytes

KIB = torch.zeros(256)


def test_what_is_freed_makes_room() -> None:
    assert peak_bytes(lambda: KIB.exp().exp().exp().exp(), [KIB]) == 2 * 1024
    assert peak_bytes(lambda: [KIB.exp() for _ in range(5)], [KIB]) == 5 * 1024


def test_a_view_holds_its_storage_once_and_nothing_of_what_is_excluded() -> None:
    assert peak_bytes(lambda: KIB.exp().view(16, 16)[0].view(4, 4), [KIB]) == 1024
    assert peak_bytes(lambda: KIB[:4], [KIB]) == 0
    assert peak_bytes(lambda: KIB[:4], []) == 1024


def test_what_autograd_keeps_and_gradients_count() -> None:
    weight = KIB.clone().requires_grad_()

    def step() -> None:
        weight.grad = None
        y = weight.exp().sin()  # both results are alive, and exp and sin each keep one of them
        y.backward(KIB)

    # Going back: y, what exp gave, the cosine of that, and the product that is the gradient of it.
    assert peak_bytes(step, [weight, KIB]) == 4 * 1024
    assert peak_bytes(step, [weight, KIB]) == 4 * 1024
