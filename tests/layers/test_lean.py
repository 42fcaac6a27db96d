"""A lean neck gives, learns and remembers what the plain one does, and holds less while it does so."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

import fpngraph
from fpngraph import Size
from fpngraph.bench.memory import peak_bytes
from fpngraph.layers.fusion.elementwise import Sum
from fpngraph.layers.fusion.weighted import FastNormalized
from fpngraph.layers.lean import LeanNode
from fpngraph.layers.node import Edge, Node
from fpngraph.ops import Fusion, Init, Operator, Resampler
from fpngraph.ops.registry import operators
from tests.necks import CHANNELS, GRAPHS, maps, randomised
from tests.ops.cases import Case, cases

LAYERS = [operator for operator in operators() if not issubclass(operator, Init)]


class Forgetful(nn.Module):
    """Drops pixels by chance, counts its calls, and scales by what it has counted before."""

    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.rate = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        scale = self.calls.clone()
        self.calls += 1
        return nn.functional.dropout(x, 0.5, self.training) * (self.rate + scale)


class Recurrent(nn.Module):
    """Reads each row of pixels with torch's own recurrent layer, which keeps a list of its parameters."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gru = nn.GRU(channels, channels, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        rows, _ = self.gru(x.permute(0, 2, 3, 1).reshape(batch * height, width, channels))
        y: Tensor = rows.reshape(batch, height, width, channels).permute(0, 3, 1, 2)
        return y


class Modulated(nn.Module):
    """Multiplies by a tensor that somebody works out for each step, and that is no parameter."""

    def __init__(self, gain: Tensor) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain[:, None, None]


class Stopped(nn.Module):
    """Lets no gradient through."""

    def forward(self, x: Tensor) -> Tensor:
        return x.detach()


def pair(edges: Sequence[Edge], fusion: nn.Module, op: Sequence[nn.Module]) -> tuple[Node, Node]:
    """A plain and a lean node with equal weights of their own."""
    plain = Node(edges, fusion, op).double()
    copied = copy.deepcopy(plain)
    return plain, LeanNode(copied.edges, copied.fusion, copied.op)  # type: ignore[arg-type]  # lists of modules


def assert_same_step(plain: nn.Module, lean: nn.Module, *given: object, maps: Sequence[Tensor]) -> None:
    """Two steps give equal results, gradients, statistics and random numbers, to the last bit."""
    found = []
    for module in (plain, lean):
        torch.manual_seed(0)
        leaves = [x.detach().clone().requires_grad_(x.requires_grad) for x in maps]
        outs = []
        for _ in range(2):
            result = module(*given, *leaves) if given else module(leaves)
            results = [result] if isinstance(result, Tensor) else result
            drawn = [(y, torch.randn_like(y)) for y in results]
            for y, gradient in drawn:
                if y.requires_grad:
                    y.backward(gradient, retain_graph=True)
            outs += [y.detach() for y in results]
        gradients = [parameter.grad for parameter in module.parameters()]
        found.append([outs, [x.grad for x in leaves], gradients, list(module.buffers()), torch.rand(1)])
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)


def node_around(case: Case) -> tuple[Node, Node]:
    """A plain and a lean node that do what the operator does, then square it, so that its result is kept too."""
    module = case.op.build(case.inputs, case.site)
    edges = [Edge() for _ in case.inputs]
    if isinstance(case.op, Resampler):
        return pair([Edge({"resampled": module}, resampler="resampled")], Sum(), [nn.SiLU()])
    if isinstance(case.op, Fusion):
        return pair(edges, module, [nn.SiLU()])
    return pair(edges, Sum(), [module, nn.SiLU()])


@pytest.mark.slow
@pytest.mark.parametrize("operator", LAYERS, ids=lambda operator: f"{operator.kind}-{operator.name}")
@hypothesis_settings(max_examples=8, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_every_operator_trains_in_a_lean_node_as_in_a_plain_one(operator: type[Operator], data: st.DataObject) -> None:
    case = data.draw(cases(operator))
    plain, lean = node_around(case)
    for module in (plain, lean):
        torch.manual_seed(1)
        for parameter in module.parameters():
            nn.init.normal_(parameter)
    given_maps = [torch.randn(2, each.channels, *case.size_in, dtype=torch.float64) for each in case.inputs]

    assert_same_step(plain, lean, case.size_out, maps=[x.requires_grad_() for x in given_maps])


OWN = {
    "random-and-counting": lambda: [Forgetful(), nn.SiLU()],
    "recurrent": lambda: [Recurrent(4), nn.SiLU()],
    "stopped": lambda: [nn.Conv2d(4, 4, 1), Stopped()],
    "frozen": lambda: [nn.Conv2d(4, 4, 1).requires_grad_(False), nn.BatchNorm2d(4)],
    "statistics-frozen": lambda: [nn.BatchNorm2d(4).eval(), nn.SiLU()],
    "tied": lambda: [conv := nn.Conv2d(4, 4, 1), nn.SiLU(), conv],
    "nothing": list,
}


@pytest.mark.parametrize("layers", OWN.values(), ids=OWN)
@pytest.mark.parametrize("needed", [(True, True), (False, True), (False, False)], ids=["both", "one", "none"])
def test_modules_of_any_kind_train_as_in_a_plain_node(
    layers: Callable[[], list[nn.Module]], needed: tuple[bool, bool]
) -> None:
    torch.manual_seed(0)
    plain, lean = pair([Edge()] * 2, FastNormalized(2), layers())
    given_maps = [torch.randn(2, 4, 3, 5, dtype=torch.float64).requires_grad_(need) for need in needed]

    assert_same_step(plain, lean, Size(3, 5), maps=given_maps)


def test_hooks_on_parameters_run_once() -> None:
    plain, lean = pair([Edge()], Sum(), [nn.Conv2d(4, 4, 1)])
    for node in (plain, lean):
        for parameter in node.parameters():
            parameter.register_hook(lambda gradient: 3 * gradient)

    assert_same_step(plain, lean, Size(3, 5), maps=[torch.randn(2, 4, 3, 5, dtype=torch.float64)])


def learned(node: Node, use: Callable[[Node, Tensor], Tensor]) -> list[Tensor | None]:
    """The gradients of the parameters, for what somebody makes of a call."""
    torch.manual_seed(0)
    use(node, torch.randn(2, 4, 3, 5, dtype=torch.float64)).pow(2).sum().backward()
    return [parameter.grad for parameter in node.parameters()]


def evaluated(node: Node, x: Tensor) -> Tensor:
    y = node(Size(3, 5), x)
    node.eval()
    return y


def hooked(node: Node, x: Tensor) -> Tensor:
    kept: list[Tensor] = []
    node.op[0].register_forward_hook(lambda _module, _given, y: kept.append(y))
    return node(Size(3, 5), x) + kept[0]


def cached(node: Node, x: Tensor) -> Tensor:
    parametrizations.weight_norm(node.op[0])
    with parametrize.cached():  # the weight is worked out once, here in the first run
        y = node(Size(3, 5), x)
        y.sum().backward(retain_graph=True)
    return y


def foreign(node: Node, x: Tensor) -> Tensor:
    conv = node.op[0]
    source = conv.weight
    del conv.weight
    conv.weight = 2 * source  # a tensor that is no parameter, as another network may give it
    conv.register_parameter("source", source)
    return node(Size(3, 5), x)


def modulated(node: Node, x: Tensor) -> Tensor:
    conv = node.op[0]
    node.op[1] = Modulated(2 * conv.bias)
    return node(Size(3, 5), x)


def hooked_with_all(node: Node, x: Tensor) -> Tensor:
    kept: list[Tensor] = []
    with nn.modules.module.register_module_forward_hook(lambda _module, _given, y: kept.append(y)):
        y = node(Size(3, 5), x)
    return y + kept[-3]


def replicated(node: Node, x: Tensor) -> Tensor:
    def copied(module: nn.Module) -> nn.Module:  # as torch.nn.parallel.replicate does for several GPUs
        replica = module._replicate_for_data_parallel()
        for name, parameter in module.named_parameters(recurse=False):
            setattr(replica, name, parameter.clone())
        for name, child in module.named_children():
            replica._modules[name] = copied(child)
        return replica

    y: Tensor = copied(node)(Size(3, 5), x)
    return y


@pytest.mark.parametrize(
    "use", [evaluated, hooked, hooked_with_all, cached, foreign, modulated, replicated], ids=lambda use: use.__name__
)
def test_gradients_are_those_of_a_plain_node_whatever_is_done_with_it_meanwhile(
    use: Callable[[Node, Tensor], Tensor],
) -> None:
    plain, lean = pair([Edge()], Sum(), [nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5)])

    expected = learned(plain, use)

    assert all(gradient is not None for gradient in expected)
    torch.testing.assert_close(learned(lean, use), expected, rtol=0, atol=0)
    assert lean.training is plain.training


def necks(name: str) -> tuple[fpngraph.Neck, fpngraph.Neck]:
    """A shipped graph, built plain and lean, with equal weights, in training mode and float64."""
    graph = fpngraph.load(name, preset=None, **GRAPHS[name])
    channels = CHANNELS[: len(graph.inputs)]
    plain, lean = fpngraph.build(graph, channels), fpngraph.build(graph, channels, lean=True)
    lean.load_state_dict(randomised(plain).state_dict())
    return plain.double().train(), lean.double().train()


@pytest.mark.parametrize("name", GRAPHS)
def test_a_lean_neck_takes_the_same_steps(name: str) -> None:
    plain, lean = necks(name)

    assert list(lean.state_dict()) == list(plain.state_dict())
    assert_same_step(plain, lean, maps=[x.requires_grad_() for x in maps(plain, 97, 161, dtype=torch.float64)])


@pytest.mark.parametrize(
    "way", [copy.deepcopy, lambda neck: pickle.loads(pickle.dumps(neck))], ids=["deepcopy", "pickle"]
)
def test_copies_of_a_lean_neck_are_lean(way: Callable[[fpngraph.Neck], fpngraph.Neck]) -> None:
    plain, lean = necks("bifpn")

    other = way(lean)

    kinds, same = ([type(node) for node in neck.modules() if isinstance(node, Node)] for neck in (lean, other))
    assert same == kinds
    assert set(kinds) == {Node, LeanNode}
    assert_same_step(plain, other, maps=maps(plain, 97, 161, dtype=torch.float64))


@pytest.mark.parametrize("inside", [True, False], ids=["backward-inside", "backward-outside"])
def test_autocast_is_the_same_in_both_runs(inside: bool) -> None:
    found = []
    for neck in necks("bifpn"):
        neck.float()
        features = [x.requires_grad_() for x in maps(neck, 96, 128)]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outs = neck(features)
            if inside:
                torch.autograd.backward(outs, outs)
        if not inside:
            torch.autograd.backward(outs, outs)
        found.append([outs, [x.grad for x in features], [parameter.grad for parameter in neck.parameters()]])

    torch.testing.assert_close(
        found[1], found[0], rtol=0.02, atol=0.02
    )  # sums of gradients are rounded in other places
    assert found[0][0][0].dtype is torch.bfloat16


def test_a_backward_pass_can_be_repeated() -> None:
    found = []
    for node in pair([Edge()], Sum(), [Forgetful(), nn.SiLU()]):
        torch.manual_seed(0)
        y = node(Size(3, 5), torch.ones(2, 4, 3, 5, dtype=torch.float64))
        for _ in range(3):
            y.sum().backward(retain_graph=True)
        found.append([[parameter.grad for parameter in node.parameters()], list(node.buffers())])

    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)


def test_gradients_have_gradients() -> None:
    plain, lean = necks("bifpn")
    found = []
    for neck in (plain, lean):
        features = [x.requires_grad_() for x in maps(neck, 96, 128, dtype=torch.float64)]
        outs = neck(features)
        slopes = torch.autograd.grad(outs, features, outs, create_graph=True)
        torch.autograd.backward([slope.pow(2).sum() for slope in slopes])
        found.append([[x.grad for x in features], [parameter.grad for parameter in neck.parameters()]])

    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-9)


def test_weights_cast_in_the_first_run_are_cast_anew_for_others() -> None:
    (_, lean) = pair([Edge()], Sum(), [nn.Conv2d(4, 4, 1)])
    lean.float()
    x = torch.randn(2, 4, 3, 5)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        lean(Size(3, 5), x)
        lean.op[0](x).sum().backward()

    assert all(parameter.grad is not None for parameter in lean.parameters())


def test_in_eval_mode_a_lean_neck_is_a_plain_one() -> None:
    _, lean = necks("bifpn")
    features = maps(lean, 96, 128, dtype=torch.float64)

    trained, evaluated = lean(features), lean.eval()(features)

    assert computed_by(trained[0]) == "_RecomputedBackward"
    assert {computed_by(y) for y in evaluated} == {"NativeBatchNormBackward0"}


def test_torchs_transforms_give_a_lean_nodes_gradients() -> None:
    plain, lean = pair([Edge()], Sum(), [nn.Conv2d(4, 4, 1), nn.GroupNorm(2, 4)])
    images = torch.randn(3, 1, 4, 3, 5, dtype=torch.float64)

    def gradients(node: Node) -> dict[str, Tensor]:
        def loss(weights: dict[str, Tensor], x: Tensor) -> Tensor:
            return torch.func.functional_call(node, weights, (Size(3, 5), x)).pow(3).sum()

        return torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(dict(node.named_parameters()), images)

    torch.testing.assert_close(gradients(lean), gradients(plain), rtol=0, atol=0)


def computed_by(y: Tensor) -> str:
    """What computed an output, before it was laid out as the inputs are."""
    step: object = y.grad_fn
    while type(step).__name__ in ("CloneBackward0", "ViewBackward0"):
        step = step.next_functions[0][0]  # type: ignore[attr-defined]  # torch has no public class for it
    return type(step).__name__


def test_a_lean_node_that_trains_is_compiled_in_one_piece() -> None:
    plain, lean = pair([Edge()], Sum(), [nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)])
    x = torch.randn(2, 4, 3, 5, dtype=torch.float64)

    compiled = torch.compile(lean, fullgraph=True, backend="eager")

    assert_same_step(torch.compile(plain, fullgraph=True, backend="eager"), compiled, Size(3, 5), maps=[x])


def test_a_training_step_of_a_lean_neck_of_few_channels_holds_half() -> None:
    plain, lean = necks("bifpn")

    assert held(lean) < 0.51 * held(plain)


def held(neck: fpngraph.Neck) -> int:
    """Bytes that a step holds at most, with the gradients of the parameters."""
    features = maps(neck, 256, 256, dtype=torch.float64)
    gradients = [torch.ones_like(y) for y in neck(features)]
    own = [*features, *gradients, *neck.parameters(), *neck.buffers()]
    return peak_bytes(lambda: torch.autograd.backward(neck(features), gradients), own)
