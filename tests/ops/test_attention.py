from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import fpngraph
from fpngraph.feature import Feature, Size
from fpngraph.ops import Cost, Mismatch, Site, find
from fpngraph.ops.attention import Cbam, Coordinate, Eca, SqueezeExcite
from tests.necks import maps, neck_of
from tests.ops.equations import MODES, assert_equals, built

C12, C40 = (Feature(3, 12),), (Feature(3, 40),)
AREA = Size(4, 5)


def logistic(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


def linear(x: Tensor, conv: Any) -> Tensor:
    """A 1x1 convolution of maps of one pixel, [B, C]."""
    y = x @ conv.weight.flatten(1).T
    return y if conv.bias is None else y + conv.bias


def normalised(x: Tensor, norm: Any) -> Tensor:
    """Batch normalisation over all but the channels, by the statistics of the batch while training."""
    mean, variance = norm.running_mean, norm.running_var
    if norm.training:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    scaled = (x - mean.view(1, -1, 1, 1)) / (variance.view(1, -1, 1, 1) + norm.eps).sqrt()
    return scaled * norm.weight.view(1, -1, 1, 1) + norm.bias.view(1, -1, 1, 1)


@pytest.mark.parametrize("training", MODES.values(), ids=MODES)
def test_squeeze_and_excitation_is_that_of_the_paper(training: bool) -> None:
    module: Any = built(SqueezeExcite(reduction=3), 12).train(training)

    def equation(x: Tensor) -> Tensor:
        hidden = linear(x.flatten(2).sum(2) / 20, module.fc1).clamp(min=0)
        return x * logistic(linear(hidden, module.fc2))[..., None, None]

    assert_equals(module, equation, torch.randn(2, 12, 4, 5, dtype=torch.float64))


def test_squeeze_and_excitation_has_the_activation_and_the_gate_that_it_is_told() -> None:
    module: Any = built(SqueezeExcite(reduction=3, act={"leaky_relu": {"slope": 0.5}}, gate="hard_sigmoid"), 12)

    def equation(x: Tensor) -> Tensor:
        hidden = linear(x.mean((2, 3)) - 30, module.fc1)
        hidden = torch.where(hidden < 0, hidden / 2, hidden)
        return (x - 30) * ((linear(hidden, module.fc2) + 3).clamp(0, 6) / 6)[..., None, None]

    shifted = nn.Sequential(Minus(30), module)
    assert_equals(shifted, equation, torch.randn(2, 12, 4, 5, dtype=torch.float64))


class Minus(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        return x - self.value


@pytest.mark.parametrize("training", MODES.values(), ids=MODES)
def test_eca_is_that_of_the_paper(training: bool) -> None:
    module: Any = built(Eca(kernel=5), 12).train(training)

    def equation(x: Tensor) -> Tensor:
        means = torch.cat([x.new_zeros(2, 2), x.mean((2, 3)), x.new_zeros(2, 2)], dim=1)
        kernel = module.conv.weight.flatten()
        factors = [(means[:, channel : channel + 5] * kernel).sum(1) for channel in range(12)]
        return x * logistic(torch.stack(factors, dim=1))[..., None, None]

    assert_equals(module, equation, torch.randn(2, 12, 4, 5, dtype=torch.float64))


@pytest.mark.parametrize(("channels", "kernel"), [(1, 3), (8, 3), (64, 3), (128, 5), (256, 5), (512, 5), (2048, 7)])
def test_ecas_kernel_follows_the_channels_as_in_the_authors_code(channels: int, kernel: int) -> None:
    cost = Eca().cost((Feature(3, channels),), Site(), AREA, AREA)

    assert cost == Cost(kernel, kernel * channels)


@pytest.mark.parametrize("training", MODES.values(), ids=MODES)
def test_cbam_is_that_of_the_paper(training: bool) -> None:
    module: Any = built(Cbam(reduction=3, kernel=3), 12).train(training)
    channel, pixel = module.channel, module.spatial.conv

    def equation(x: Tensor) -> Tensor:
        pools = [x.mean((2, 3)), x.flatten(2).max(2).values]
        x = (
            x
            * logistic(sum(linear(linear(it, channel.fc1).clamp(min=0), channel.fc2) for it in pools))[..., None, None]
        )
        pooled = torch.stack([x.mean(1), x.max(1).values], dim=1)
        padded = torch.zeros(2, 2, 6, 7, dtype=x.dtype)
        padded[:, :, 1:5, 1:6] = pooled
        windows = padded.unfold(2, 3, 1).unfold(3, 3, 1)
        factors = torch.einsum("bcyxuv,cuv->byx", windows, pixel.conv.weight[0])[:, None]
        return x * logistic(normalised(factors, pixel.bn))

    assert_equals(module, equation, torch.randn(2, 12, 4, 5, dtype=torch.float64))


@pytest.mark.parametrize("training", MODES.values(), ids=MODES)
def test_coordinate_attention_is_that_of_the_paper(training: bool) -> None:
    module: Any = built(Coordinate(reduction=2), 40).train(training)

    def equation(x: Tensor) -> Tensor:
        def shared(line: Tensor) -> Tensor:  # [B, C, N]
            return torch.einsum("bcn,kc->bkn", line, module.conv1.weight.flatten(1))

        lines = torch.cat([shared(x.mean(3)), shared(x.mean(2))], dim=2)
        lines = normalised(lines[..., None], module.bn1)[..., 0]
        lines = lines * (lines + 3).clamp(0, 6) / 6
        rows, columns = lines[..., :4], lines[..., 4:]
        down = torch.einsum("bkn,ck->bcn", rows, module.conv_h.weight.flatten(1)) + module.conv_h.bias[:, None]
        across = torch.einsum("bkn,ck->bcn", columns, module.conv_w.weight.flatten(1)) + module.conv_w.bias[:, None]
        return x * logistic(down)[:, :, :, None] * logistic(across)[:, :, None, :]

    assert_equals(module, equation, torch.randn(2, 40, 4, 5, dtype=torch.float64))


@pytest.mark.parametrize(
    ("name", "channels", "cost"),
    [
        ("squeeze_excite", C40, Cost(2 * 40 * 2 + 2 + 40, 2 * 40 * 2)),
        ("squeeze_excite", C12, Cost(2 * 12 + 1 + 12, 2 * 12)),
        ("cbam", C40, Cost(2 * 40 * 2 + 2 * 49 + 2, 2 * 2 * 40 * 2 + 2 * 49 * 20)),
        ("coordinate", C40, Cost(3 * 40 * 8 + 2 * 8 + 2 * 40, 2 * 40 * 8 * 9)),
    ],
)
def test_costs_by_hand(name: str, channels: tuple[Feature, ...], cost: Cost) -> None:
    operator = find(["layer"], name)
    assert operator is not None

    assert operator().cost(channels, Site(), AREA, AREA) == cost


@pytest.mark.parametrize("op", [Eca(kernel=4), Cbam(kernel=4)])
def test_an_even_kernel_is_refused(op: Eca | Cbam) -> None:
    with pytest.raises(Mismatch) as caught:
        op.infer(C12, Site())

    assert (caught.value.reason, caught.value.hint) == (
        "has a kernel of 4, which has no middle",
        "its kernel is an odd number",
    )


NAMES = ("squeeze_excite", "eca", "cbam", "coordinate")


@pytest.mark.parametrize("name", NAMES)
def test_in_the_inference_form_no_norm_of_it_is_left(name: str) -> None:
    neck = neck_of(f"out4: {{inputs: [P4, P5], op: [conv, norm, act, {name}]}}", outputs="[out4]")

    fused = neck.fuse()

    assert fused.unfolded == {}
    assert not [module for module in fused.modules() if isinstance(module, nn.BatchNorm2d)]
    given = maps(neck, 64, 96)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("path", "replaced", "reason"),
    [
        (
            "cbam.spatial.conv.bn",
            lambda _: nn.BatchNorm2d(1, track_running_stats=False),
            "its norm: has no running statistics",
        ),
        (
            "coordinate.bn1",
            lambda _: nn.GroupNorm(1, 8),
            "its norm: no rule for its class torch.nn.modules.normalization.GroupNorm",
        ),
    ],
    ids=["without statistics", "another norm"],
)
def test_a_norm_in_it_that_cannot_be_folded_stays_and_is_named(path: str, replaced: Any, reason: str) -> None:
    name = path.partition(".")[0]
    neck = neck_of(f"out4: {{inputs: [P4, P5], op: [conv, norm, {name}]}}", outputs="[out4]")
    neck.set_submodule(f"out4.op.{path}", replaced(None))

    fused = neck.fuse()

    assert fused.unfolded == {f"out4.op.{name}": reason}
    given = maps(neck, 64, 96)
    torch.testing.assert_close(fused(given), neck(given), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_it_can_be_told_to_write_into_its_input(name: str) -> None:
    neck = neck_of(f"out4: {{inputs: [P4, P5], op: [{name}]}}", outputs="[out4]")

    assert not [module for form in (neck, neck.fuse()) for module in form.modules() if hasattr(module, "inplace")]


def test_settings_that_are_activations_are_written_and_read_again() -> None:
    graph = fpngraph.loads(
        "fpngraph: 1\nname: small\ninputs: P(3..3)\nnodes:\n"
        "  a3: {inputs: [P3], op: [{squeeze_excite: {act: {leaky_relu: {slope: 0.2}}, gate: hard_sigmoid}}]}\n"
        "outputs: [a3]\n"
    )

    text = fpngraph.dump(graph)

    assert "{squeeze_excite: {act: {leaky_relu: {slope: 0.2}}, gate: hard_sigmoid}}" in text
    assert fpngraph.loads(text) == graph
