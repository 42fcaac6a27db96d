"""A neck in Lightning: it is fitted, saved with its graph as hyper-parameters, and comes back the same."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import fpngraph
from tests.oracles.reference import library
from tests.pages import run_page

pytestmark = pytest.mark.hosts

HINT = "'make test-hosts' runs this"
TEXT = """\
fpngraph: 1
name: mine
params: {width: 8}
inputs: C(3..5)
defaults: {channels: $width, norm: {group_norm: {groups: 2}}}
nodes:
  M(3..5): {inputs: [{from: C(l), project: always}, M(l+1) | none], op: [norm]}
  P(3..5): {inputs: [M(l), C(l)], fusion: fast_normalized, op: [{conv: {kernel: 3}}, act]}
outputs: P(3..5)
"""


@pytest.fixture(scope="module")
def host() -> SimpleNamespace:
    with library("lightning", hint=HINT):
        import lightning

        class Learner(lightning.LightningModule):  # type: ignore[misc]  # of any type where it is missing
            """Draws the sum of all maps to a number, from a graph that its hyper-parameters tell."""

            def __init__(self, graph: str, params: dict[str, Any]) -> None:
                super().__init__()
                self.save_hyperparameters()
                self.neck = fpngraph.plug(graph, {8: 8, 16: 8, 32: 8}, params=params)
                self.losses: list[float] = []

            def training_step(self, maps: list[torch.Tensor], index: int) -> torch.Tensor:
                results = self.neck([x.to(self.dtype) for x in maps])
                loss = torch.stack([(x.float().mean() - 3) ** 2 for x in results]).sum()
                self.losses.append(loss.item())
                self.types = {x.dtype for x in results}
                return loss

            def configure_optimizers(self) -> torch.optim.Optimizer:
                return torch.optim.AdamW(self.parameters(), lr=1e-2)

        return SimpleNamespace(lightning=lightning, Learner=Learner)


def maps(side: int = 65) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 8, -(-side // s), -(-side // s), generator=generator) for s in (8, 16, 32)]


def fitted(host: SimpleNamespace, folder: Path, model: Any, **settings: Any) -> Any:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = host.lightning.Trainer(
        accelerator="cpu", max_epochs=1, enable_checkpointing=False, default_root_dir=folder, **quiet, **settings
    )
    with library("lightning"):
        trainer.fit(model, torch.utils.data.DataLoader([maps()] * 5, batch_size=None))
    return trainer


@pytest.mark.parametrize("form", ["path", "text", "name"])
def test_a_checkpoint_brings_back_the_graph_and_its_maps(host: SimpleNamespace, tmp_path: Path, form: str) -> None:
    torch.manual_seed(0)
    (tmp_path / "mine.yaml").write_text(TEXT, encoding="utf-8")
    graph = {"path": str(tmp_path / "mine.yaml"), "text": TEXT, "name": "bifpn"}[form]
    params = {"channels": 8, "repeats": 1} if form == "name" else {"width": 16}
    model = host.Learner(graph, params)
    trainer = fitted(host, tmp_path, model)
    with library("lightning"):
        trainer.save_checkpoint(tmp_path / "some.ckpt")
        again = host.Learner.load_from_checkpoint(tmp_path / "some.ckpt", map_location="cpu", weights_only=True)

    assert model.losses[-1] < model.losses[0]
    assert [name for name, x in model.named_parameters() if x.grad is None] == []
    assert again.hparams == {"graph": graph, "params": params}
    assert again.neck.neck.source_graph == model.neck.neck.source_graph
    for x, y in zip(model.eval().neck(maps(97)), again.eval().neck(maps(97)), strict=True):
        assert torch.equal(x, y)


@pytest.mark.parametrize(
    ("precision", "found"), [("bf16-mixed", torch.bfloat16), ("64-true", torch.float64)], ids=["bf16-mixed", "64-true"]
)
def test_it_learns_in_other_precisions(
    host: SimpleNamespace, tmp_path: Path, precision: str, found: torch.dtype
) -> None:
    torch.manual_seed(0)
    model = host.Learner(TEXT, {"width": 16})

    fitted(host, tmp_path, model, precision=precision)

    assert model.losses[-1] < model.losses[0]
    assert model.types == {found}
    kept = torch.float64 if precision == "64-true" else torch.float32
    assert {x.dtype for x in model.parameters()} == {kept}


def test_gradients_are_accumulated_and_weights_averaged(host: SimpleNamespace, tmp_path: Path) -> None:
    from lightning.pytorch.callbacks import WeightAveraging

    torch.manual_seed(0)
    model = host.Learner(TEXT, {"width": 16})
    before = {name: x.clone() for name, x in model.neck.named_parameters()}

    fitted(host, tmp_path, model, accumulate_grad_batches=2, callbacks=[WeightAveraging()])

    assert all(not torch.equal(x, before[name]) for name, x in model.neck.named_parameters())
    assert isinstance(model.neck, nn.Module)


def test_documentation_runs(host: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with library("lightning"):
        run_page("hosts/lightning.md")
