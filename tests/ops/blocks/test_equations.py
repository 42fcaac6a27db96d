"""Each block is its paper's equation, costs what it has, and is convolutions only in the inference form."""

from __future__ import annotations

import pytest

from tests.ops.blocks import test_added, test_bep, test_context, test_csp, test_elan, test_rep, test_topformer
from tests.ops.blocks.equations import Block, assert_counted, assert_equals, assert_folds, assert_traces

CASES = {
    name: block
    for file in (test_added, test_bep, test_context, test_csp, test_elan, test_rep, test_topformer)
    for name, block in file.CASES.items()
}
EACH = pytest.mark.parametrize("block", CASES.values(), ids=CASES)


@EACH
def test_a_block_is_its_equation_in_both_modes_with_gradients(block: Block) -> None:
    assert_equals(block.op, block.in_channels, 16, block.equation)


@EACH
def test_a_block_costs_what_it_has(block: Block) -> None:
    assert_counted(block.op, block.in_channels, 16)


@EACH
def test_the_inference_form_has_convolutions_only(block: Block) -> None:
    assert_folds(block.op, block.in_channels, 16, block.convolutions)


@pytest.mark.slow
@EACH
def test_a_trace_holds_for_other_sizes(block: Block) -> None:
    assert_traces(block.op, block.in_channels, 16)
