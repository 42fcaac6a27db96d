"""Compiled necks train: every parameter gets a gradient, alone and in two processes that share the work."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch import multiprocessing as mp
from torch.nn.parallel import DistributedDataParallel

import fpngraph
from tests.necks import GRAPHS, maps, shipped

PROCESSES = 2


def loss(outs: Sequence[Tensor]) -> Tensor:
    return torch.stack([y.square().mean() for y in outs]).sum()


@pytest.mark.parametrize("name", GRAPHS)
def test_every_parameter_and_every_input_that_is_read_gets_a_gradient(name: str) -> None:
    neck = shipped(name).train()
    features = [x.requires_grad_() for x in maps(neck, 260, 300)]

    loss(neck(features)).backward()

    assert [parameter for parameter, value in neck.named_parameters() if value.grad is None] == []
    assert all(value.grad is not None and value.grad.isfinite().all() for value in neck.parameters())
    assert all(x.grad is not None and x.grad.abs().max() > 0 for x in features)


def test_a_few_steps_bring_the_loss_down() -> None:
    neck = shipped("bifpn").train()
    features = maps(neck, 128, 128)
    targets = [torch.randn_like(y) for y in neck(features)]
    optimizer = torch.optim.SGD(neck.parameters(), lr=0.05)
    losses = []

    for _ in range(8):
        optimizer.zero_grad()
        value = loss([y - target for y, target in zip(neck(features), targets, strict=True)])
        value.backward()
        optimizer.step()
        losses.append(value.item())

    assert losses[-1] < 0.9 * losses[0]


def two_steps(module: nn.Module, features: Sequence[Tensor]) -> list[list[Tensor]]:
    """The gradients of two training steps."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    gradients = []
    for _ in range(2):
        optimizer.zero_grad()
        loss(module(list(features))).backward()
        gradients.append([value.grad.clone() for value in module.parameters() if value.grad is not None])
        optimizer.step()
    return gradients


def work(rank: int, folder: str, neck: fpngraph.Neck, shares: Sequence[Sequence[Tensor]]) -> None:
    """What one of the processes does."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=PROCESSES)
    try:
        own = copy.deepcopy(neck)  # tensors given to a process are in memory that all of them share
        module = DistributedDataParallel(own, find_unused_parameters=False)
        torch.save(two_steps(module, shares[rank]), Path(folder) / f"{rank}.pt")
    finally:
        dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_train_one_neck_without_looking_for_unused_parameters(tmp_path: Path) -> None:
    neck = shipped("bifpn").double()
    for part in neck.modules():
        part.train(not isinstance(part, nn.BatchNorm2d))  # so that the statistics of a share do not matter
    features = maps(neck, 128, 160, batch=PROCESSES, dtype=torch.float64)
    shares = [[x[rank : rank + 1] for x in features] for rank in range(PROCESSES)]
    expected = two_steps(copy.deepcopy(neck), features)

    mp.spawn(work, (str(tmp_path), neck, shares), nprocs=PROCESSES)

    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(PROCESSES))
    assert len(first[0]) == len(list(neck.parameters()))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first, expected, rtol=1e-9, atol=1e-12)
