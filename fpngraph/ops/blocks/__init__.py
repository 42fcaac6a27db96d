"""Blocks of convolutions of published necks, one family a file."""

from fpngraph.ops.blocks import bep, context, csp, down, elan, inverted, rep, residual, topformer  # noqa: F401  (they register themselves)
