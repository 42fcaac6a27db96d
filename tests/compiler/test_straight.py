"""A fused neck for given image sizes: the same results bit by bit, and never those of modules as they once were."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import fpngraph
from fpngraph.bench.memory import peak_bytes
from fpngraph.library import shipped as all_shipped
from tests.fused_graphs import trained
from tests.necks import GRAPHS, maps, neck_of, shipped

SIZES = [(256, 320), (130, 99)]


def assert_equal(got: list[Tensor], expected: list[Tensor]) -> None:
    assert all(torch.equal(y, z) and y.stride() == z.stride() for y, z in zip(got, expected, strict=True))
    assert [y.requires_grad for y in got] == [y.requires_grad for y in expected]


def recorded(fused: fpngraph.FusedNeck) -> int:
    """For how many kinds of maps it has straight code."""
    straight = fused._straight
    return (
        0 if straight is None or straight.kept is None else sum(run is not None for run in straight.kept.runs.values())
    )


@pytest.fixture
def neck() -> fpngraph.Neck:
    return trained(shipped("bifpn"))


@pytest.mark.parametrize("name", GRAPHS)
def test_outputs_are_those_of_the_fused_neck_bit_by_bit(name: str) -> None:
    neck = trained(shipped(name))
    fused, straight = neck.fuse(), neck.fuse(image_sizes=SIZES)

    for height, width in (*SIZES, (64, 64)):
        for batch in (1, 4):
            for layout in (torch.contiguous_format, torch.channels_last):
                features = [x.to(memory_format=layout) for x in maps(neck, height, width, batch=batch)]
                assert_equal(straight(features), fused(features))
    assert recorded(straight) == 8
    assert straight.image_sizes == tuple(SIZES)


@pytest.mark.slow
@pytest.mark.parametrize("name", all_shipped())
def test_every_shipped_graph_has_it(name: str) -> None:
    graph = fpngraph.load(name)
    neck = trained(fpngraph.build(graph, [512] * len(graph.inputs)))
    fused, straight = neck.fuse(), neck.fuse(image_sizes=[(64, 97)])
    features = maps(neck, 64, 97, batch=2)

    assert_equal(straight(features), fused(features))
    assert recorded(straight) == 2
    own = [*features, *fused.parameters(), *fused.buffers()]
    with torch.no_grad():
        assert peak_bytes(lambda: straight(features), [*features, *straight.parameters(), *straight.buffers()]) <= (
            peak_bytes(lambda: fused(features), own)
        )


def test_it_runs_no_module_and_holds_no_more_memory(neck: fpngraph.Neck, monkeypatch: pytest.MonkeyPatch) -> None:
    fused, straight = neck.fuse(), neck.fuse(image_sizes=[(256, 256)])
    features = maps(neck, 256, 256, batch=1)
    calls: list[nn.Module] = []
    call = nn.Module.__call__

    with monkeypatch.context() as patched:
        patched.setattr(nn.Module, "__call__", lambda self, *given: calls.append(self) or call(self, *given))
        straight(features)

    assert calls in ([straight], [])  # torch has a call of its own for what a graph is compiled to
    bytes_ = [peak_bytes(lambda it=it: it(features), [*features, *it.parameters()]) for it in (fused, straight)]  # type: ignore[misc]
    assert bytes_[0] == bytes_[1]


def test_a_mapping_gives_a_dict_and_maps_that_do_not_fit_are_refused_as_before(neck: fpngraph.Neck) -> None:
    fused, straight = neck.fuse(), neck.fuse(image_sizes=[(128, 128)])
    features = maps(neck, 128, 128)
    named = dict(zip(neck.in_channels, features, strict=True))

    assert list(straight(named)) == list(fused(named))
    assert_equal(list(straight(named).values()), list(fused(named).values()))
    assert list(straight(dict(reversed(named.items())))) == list(fused(named))
    for wrong in (features[:1], [*features[1:], features[0]], [x[:, 1:] for x in features], [None, *features[1:]]):
        with pytest.raises((TypeError, ValueError)) as expected:
            fused(wrong)
        with pytest.raises(type(expected.value)) as raised:
            straight(wrong)
        assert str(raised.value) == str(expected.value)


CHANGES: dict[str, Callable[[fpngraph.FusedNeck], object]] = {
    "values": lambda it: [x.mul_(1.5) for x in it.parameters()],
    "type": lambda it: it.double(),
    "state dict": lambda it: it.load_state_dict(trained(shipped("bifpn"), seed=3).fuse().state_dict()),
    "state dict, assigned": lambda it: it.load_state_dict(
        trained(shipped("bifpn"), seed=3).fuse().state_dict(), assign=True
    ),
    "data": lambda it: [setattr(x, "data", x.data * 1.5) for x in it.parameters()],
    "data, as they lie in the same storage": lambda it: setattr(weight(it), "data", weight(it).data.transpose(2, 3)),
    "weights with gradients": lambda it: it.requires_grad_(),
    "a hook": lambda it: hooked(it).register_forward_hook(lambda module, given, y: y * 2),
    "a pre-hook": lambda it: hooked(it).register_forward_pre_hook(lambda module, given: given[0] * 2),
    "a method": lambda it: setattr(hooked(it), "forward", lambda x: x * 2),
    "another module": lambda it: it.set_submodule(hook_path(it), nn.ReLU()),
    "a setting": lambda it: [setattr(m, "factor", 2.0) for m in it.modules() if hasattr(m, "factor")],
    "the program": lambda it: doubled(it),  # noqa: PLW0108  (it is written below)
}


def weight(fused: fpngraph.FusedNeck) -> nn.Parameter:
    """A kernel of more than one pixel."""
    return next(x for x in fused.parameters() if x.dim() == 4 and x.shape[2] > 1)


def doubled(fused: fpngraph.FusedNeck) -> None:
    """Write a line into the program: the first node's map twice as large."""
    line = next(it for it in fused.graph.nodes if it.op == "call_module")
    with fused.graph.inserting_after(line):
        twice = fused.graph.call_function(torch.mul, (line, 2.0))
    line.replace_all_uses_with(twice, delete_user_cb=lambda user: user is not twice)
    fused.recompile()


def hook_path(fused: fpngraph.FusedNeck) -> str:
    return next(
        path
        for path, module in fused.named_modules()
        if isinstance(module, nn.Conv2d) and module.in_channels == module.out_channels
    )


def hooked(fused: fpngraph.FusedNeck) -> nn.Module:
    return fused.get_submodule(hook_path(fused))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_afterwards_is_seen(
    neck: fpngraph.Neck, change: Callable[[fpngraph.FusedNeck], object]
) -> None:
    fused, straight = neck.fuse(), neck.fuse(image_sizes=[(128, 128)])
    features = maps(neck, 128, 128, batch=1)
    before = straight(features)

    with torch.no_grad():
        change(fused)
        change(straight)

    features = [x.to(next(straight.parameters()).dtype) for x in features]
    outs = straight(features)
    assert_equal(outs, fused(features))
    same = all(torch.equal(y, z.to(y)) for y, z in zip(outs, before, strict=True))
    assert same == any(x.requires_grad for x in straight.parameters())


WAYS: dict[str, Callable[[fpngraph.FusedNeck], fpngraph.FusedNeck]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda it: pickle.loads(pickle.dumps(it)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_copy_has_code_of_its_own_weights(
    neck: fpngraph.Neck, way: Callable[[fpngraph.FusedNeck], fpngraph.FusedNeck]
) -> None:
    straight, features = neck.fuse(image_sizes=[(128, 128)]), maps(neck, 128, 128, batch=1)
    expected = straight(features)

    other = way(straight)

    assert_equal(other(features), expected)
    assert (recorded(other), other.image_sizes) == (1, ((128, 128),))
    assert list(other.state_dict()) == list(neck.fuse().state_dict())
    if way is not copy.copy:
        with torch.no_grad():
            for x in straight.parameters():
                x.zero_()
        assert_equal(other(features), expected)


def test_maps_with_gradients_and_maps_under_autocast_take_the_usual_way(neck: fpngraph.Neck) -> None:
    fused, straight = neck.fuse(), neck.fuse(image_sizes=[(128, 128)])
    features = [x.requires_grad_() for x in maps(neck, 128, 128)]

    for y, z in zip(
        torch.autograd.grad([y.sum() for y in straight(features)], features),
        torch.autograd.grad([y.sum() for y in fused(features)], features),
        strict=True,
    ):
        assert torch.equal(y, z)
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        assert_equal(straight(features), fused(features))
    with torch.inference_mode():
        assert_equal(straight(features), fused(features))
    assert recorded(straight) == 2


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
def test_torchs_compiler_exporter_and_transforms_see_the_usual_forward(neck: fpngraph.Neck) -> None:
    straight, features = neck.fuse(image_sizes=[(128, 128)]), maps(neck, 128, 128)
    expected = neck.fuse()(features)

    program = torch.export.export(straight, (features,))
    compiled = torch.compile(straight, fullgraph=True, backend="eager")
    result, _ = torch.func.jvp(lambda *given: tuple(straight(list(given))), tuple(features), tuple(features))

    for outs in (program.module()(features), compiled(features), list(result)):
        torch.testing.assert_close(outs, expected, rtol=1e-5, atol=1e-5)


def test_a_hook_of_all_modules_is_called(neck: fpngraph.Neck) -> None:
    fused, straight = neck.fuse(), neck.fuse(image_sizes=[(128, 128)])
    features = maps(neck, 128, 128)
    before = straight(features)

    with nn.modules.module.register_module_forward_hook(lambda module, given, y: y * 2 if _convolves(module) else y):
        hooked, expected = straight(features), fused(features)
        with pytest.raises(ValueError, match=r"all modules have a hook"):
            neck.fuse(image_sizes=[(128, 128)])

    assert_equal(hooked, expected)
    assert not torch.equal(hooked[0], before[0])
    assert_equal(straight(features), before)


def _convolves(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d)


def test_weights_of_torchs_transforms_take_the_usual_way(neck: fpngraph.Neck) -> None:
    fused, straight = neck.fuse(), neck.fuse(image_sizes=[(128, 128)])
    features = maps(neck, 128, 128)

    def gradients(module: fpngraph.FusedNeck) -> dict[str, Tensor]:
        def total(weights: dict[str, Tensor]) -> Tensor:
            return sum(y.sum() for y in torch.func.functional_call(module, weights, (features,)))

        return torch.func.grad(total)(dict(module.named_parameters()))

    torch.testing.assert_close(gradients(straight), gradients(fused))


def test_maps_without_numbers_give_their_sizes(neck: fpngraph.Neck) -> None:
    straight = neck.fuse(image_sizes=[(128, 128)])
    features = maps(neck, 128, 128)

    outs = straight.to("meta")([x.to("meta") for x in features])

    assert [x.shape for x in outs] == [x.shape for x in neck(features)]


def test_threads_share_it(neck: fpngraph.Neck) -> None:
    straight = neck.fuse(image_sizes=[(128, 128)])
    given = [[x + index for x in maps(neck, 128, 128)] for index in range(4)]
    expected = [neck.fuse()(features) for features in given]
    results: dict[int, list[Tensor]] = {}

    def run(index: int) -> None:
        for _ in range(5):
            results[index] = straight(given[index])

    threads = [threading.Thread(target=run, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for index, outs in enumerate(expected):
        assert_equal(results[index], outs)


def test_what_is_fused_under_autocast_computes_in_its_own_type_without(neck: fpngraph.Neck) -> None:
    fused, features = neck.fuse(), maps(neck, 128, 128, batch=1)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        straight = neck.fuse(image_sizes=[(128, 128)])

    assert_equal(straight(features), fused(features))
    assert recorded(straight) == 1  # what was made at first


def test_torchs_default_device_may_be_another(neck: fpngraph.Neck) -> None:
    fused, straight = neck.fuse(), neck.fuse(image_sizes=[(128, 128)])
    features = maps(neck, 128, 128)

    with torch.device("meta"):
        outs = straight(features)

    assert_equal(outs, fused(features))
    assert recorded(straight) == 2


def test_batches_of_any_size_fill_no_memory(neck: fpngraph.Neck) -> None:
    fused, straight = neck.fuse(), neck.fuse(image_sizes=[(32, 32)])

    for batch in range(1, 36):
        features = maps(neck, 32, 32, batch=batch)
        assert_equal(straight(features), fused(features))

    assert recorded(straight) == 32


def test_a_type_of_its_own_is_kept() -> None:
    neck = trained(shipped("fpn"))
    features = maps(neck, 130, 99)

    straight = neck.fuse(torch.bfloat16, image_sizes=[(130, 99)])

    assert_equal(straight(features), neck.fuse(torch.bfloat16)(features))


class Loud(nn.Conv2d):
    """A convolution of somebody's own."""


def test_modules_that_may_decide_by_more_than_sizes_are_refused_by_their_names() -> None:
    neck = neck_of("out: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}", outputs="[out]")
    neck.set_submodule("out.op.conv", Loud(4, 4, 1))

    with pytest.raises(ValueError) as raised:
        neck.fuse(image_sizes=[(64, 64)])

    assert str(raised.value) == (
        "this neck has no form for given sizes: 'out.op.0.0' is a tests.compiler.test_straight.Loud, "
        "which may decide by more than sizes\n  hint: fuse it without 'image_sizes'"
    )


class Noisy(nn.Dropout):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, 0.5, training=True)


def test_random_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    neck = neck_of("out: {inputs: [P3], level: 3, op: [{conv: {kernel: 1}}]}", outputs="[out]")
    neck.set_submodule("out.op.conv", Noisy())
    monkeypatch.setattr(Noisy, "__module__", "fpngraph.layers.drop")

    with pytest.raises(ValueError, match="no form for given sizes: run again it gives something else"):
        neck.fuse(image_sizes=[(64, 64)])


EXAMPLE = "image_sizes is a list of (height, width) in pixels, such as [(512, 512)]"


@pytest.mark.parametrize(
    ("sizes", "kind", "message"),
    [
        ((512, 512), TypeError, f"{EXAMPLE}, but it has 512"),
        (512, TypeError, f"{EXAMPLE}, not 512"),
        ([(512, 512, 3)], TypeError, f"{EXAMPLE}, but it has (512, 512, 3)"),
        (["512"], TypeError, f"{EXAMPLE}, but it has '512'"),
        ([(512, 0)], ValueError, f"{EXAMPLE}, but it has (512, 0); a side has a pixel or more"),
    ],
    ids=str,
)
def test_sizes_that_are_none_are_refused(sizes: object, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as raised:
        shipped("fpn").fuse(image_sizes=sizes)  # type: ignore[arg-type]  # as somebody may write it

    assert str(raised.value) == message
