"""What operators say of their modules in inference holds: of the parts together, and of each alone."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from fpngraph.inference.absorbing import absorb
from fpngraph.inference.classes import is_one_of
from fpngraph.inference.folding import ALONE, Chain, Held, chain, inference_copy
from fpngraph.inference.parts import Part
from fpngraph.ops import Fusion, Init, Operator, Resampler, operators
from fpngraph.ops.steps import step
from tests.ops.cases import Case, cases
from tests.ops.contract import call, random_maps
from tests.ops.test_contract import QUICK, label

CHAINED = [operator for operator in operators() if not issubclass(operator, (Init, Fusion))]
FUSIONS = [operator for operator in operators() if issubclass(operator, Fusion)]
FEW = settings(QUICK, max_examples=8)  # of what depends on classes alone
FACTORS = {"never": (), "non_negative": (0.0, 0.3), "always": (0.0, 0.3, -2.0)}


def trained_copy(case: Case) -> nn.Module:
    """The module of a case in eval mode, with weights and statistics that are no defaults.

    Convolutions keep the size of what goes through them: attention to large values makes much of rounding errors.
    """
    torch.manual_seed(0)
    module = case.op.build(case.inputs, case.site).double()
    with torch.no_grad():
        for name, value in (*module.named_parameters(), *module.named_buffers()):
            if value.dim() > 1:
                value.normal_(std=value[0].numel() ** -0.5)
            elif value.is_floating_point():
                value.uniform_(0.2, 2) if "running" in name else value.normal_()
    return inference_copy(module)


def folded(case: Case, module: nn.Module) -> Chain:
    """What a module in the place of a case is in inference."""
    return chain({"here": step(case.op, case.inputs, case.site, "here")}, [Held("here", "here", module)])


def run(parts: Sequence[nn.Module], x: Tensor, case: Case) -> Tensor:
    for part in parts:
        x = part(x, case.size_out) if isinstance(case.op, Resampler) else part(x)
    return x


def assert_same(got: Tensor, expected: Tensor) -> None:
    # Relative to the map: in a deep block a small value is the difference of large ones.
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12 * max(1.0, float(expected.abs().max())))


@pytest.mark.slow
@pytest.mark.parametrize("operator", CHAINED, ids=label)
@QUICK
@given(data=st.data())
def test_parts_do_what_the_module_does_and_what_they_say(operator: type[Operator], data: st.DataObject) -> None:
    case = data.draw(cases(operator))
    module = trained_copy(case)
    (x,) = random_maps(case.inputs, case.size_in)
    expected = call(case, module, [x]).clone()

    parts = case.op.parts(copy.deepcopy(module))

    assert_same(run([part.module for part in parts], x, case), expected)
    assert len(parts) == 1 or not isinstance(case.op, Resampler)
    for part in parts:
        y = run([part.module], x, case)
        assert_result(part, x, y)
        assert_writing(part, x, y, case)
        assert_affine(part, x, y)
        for factor in FACTORS[part.commutes]:
            assert_same(run([part.module], factor * x, case), factor * y)
        x = y


def assert_result(part: Part, x: Tensor, y: Tensor) -> None:
    own = y.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()
    assert own or part.result == "any" or (part.result == "new_or_input" and y is x)


def assert_writing(part: Part, x: Tensor, y: Tensor, case: Case) -> None:
    if part.writing is not None:
        given_map, followed = x.clone(), x.clone().requires_grad_()
        written = run([part.writing], given_map, case)
        assert written.data_ptr() == given_map.data_ptr()
        assert_same(written, y)
        assert_same(run([part.writing], followed, case), y)
        assert_same(followed.detach(), x)


def assert_affine(part: Part, x: Tensor, y: Tensor) -> None:
    if part.affine is not None:
        scale, shift = (value.view(1, -1, 1, 1) for value in part.affine)
        assert_same(x * scale + shift, y)


@pytest.mark.parametrize("operator", CHAINED, ids=label)
@QUICK
@given(data=st.data())
def test_a_part_that_absorbs_takes_in_a_scale_and_a_shift_of_its_result(
    operator: type[Operator], data: st.DataObject
) -> None:
    case = data.draw(cases(operator))
    (x,) = random_maps(case.inputs, case.size_in)

    for part in case.op.parts(trained_copy(case)):
        y = run([part.module], x, case)
        if part.absorbs:
            scale = torch.arange(1.0, y.shape[1] + 1, dtype=y.dtype)
            shift = 2 - scale / 3
            absorb(part.module, scale, shift)
            expected = y * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)
            torch.testing.assert_close(run([part.module], x, case), expected, rtol=1e-10, atol=1e-10)
        x = y


@pytest.mark.parametrize("operator", FUSIONS, ids=label)
@QUICK
@given(data=st.data())
def test_factors_of_a_fusion_make_a_sum_of_it(operator: type[Operator], data: st.DataObject) -> None:
    case = data.draw(cases(operator))
    assert isinstance(case.op, Fusion)
    module = trained_copy(case)
    maps = random_maps(case.inputs, case.size_in)

    factors = case.op.factors(module, len(maps))

    if factors is not None:
        total = torch.stack([x * factor for x, factor in zip(maps, factors, strict=True)]).sum(dim=0)
        assert_same(total, call(case, module, maps))


def test_which_operators_have_which_rule() -> None:
    assert sorted(operator.name for operator in FUSIONS if operator.factors is Fusion.factors) == [
        "concat",
        "global_gate",
        "inject",
        "max",
        "product",
        "spatial_softmax",
    ]
    unruly = [it for it in CHAINED if it.parts is Operator.parts and it.inner_rules is Operator.inner_rules]
    assert unruly == []


@pytest.mark.parametrize("operator", CHAINED, ids=label)
@FEW
@given(data=st.data())
def test_a_rule_is_for_the_class_that_an_operator_builds_and_for_no_other(
    operator: type[Operator], data: st.DataObject
) -> None:
    case = data.draw(cases(operator))
    module = case.op.build(case.inputs, case.site)

    assert is_one_of(module, operator.modules)
    module.__class__ = type("Own", (type(module),), {})
    own, other = folded(case, module), folded(case, nn.Softplus())
    assert [(type(part.module), part.absorbs, part.affine) for part in own.parts] == [(type(module), False, None)]
    assert own.unfolded == {"here": f"no rule for its class {__name__}.Own"}
    assert [(type(part.module), part.result, part.commutes) for part in other.parts] == [(nn.Softplus, "any", "never")]
    assert other.unfolded == {"here": "no rule for its class torch.nn.modules.activation.Softplus"}


@pytest.mark.parametrize("operator", FUSIONS, ids=label)
@FEW
@given(data=st.data())
def test_a_fusions_rule_is_for_the_class_that_it_builds(operator: type[Operator], data: st.DataObject) -> None:
    case = data.draw(cases(operator))

    assert is_one_of(case.op.build(case.inputs, case.site), operator.modules)


@pytest.mark.slow
@pytest.mark.parametrize("operator", CHAINED, ids=label)
@QUICK
@given(data=st.data())
def test_folded_it_gives_the_same_and_no_norm_is_left_that_could_be_folded(
    operator: type[Operator], data: st.DataObject
) -> None:
    case = data.draw(cases(operator))
    module = trained_copy(case)
    (x,) = random_maps(case.inputs, case.size_in)
    given_map, expected = x.clone(), call(case, module, [x]).clone()

    found = folded(case, module)

    parts = [part.module for part in found.parts]
    for _ in range(2):
        assert_same(run(parts, x, case), expected)
    assert torch.equal(x, given_map)
    norms = [part for piece in parts for part in piece.modules() if isinstance(part, nn.BatchNorm2d)]
    assert len(norms) == list(found.unfolded.values()).count(ALONE)
