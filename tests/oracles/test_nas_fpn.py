"""The graph of mmdet's NAS-FPN gives the numbers of mmdet, which ``load_from`` has taken the weights of."""

from __future__ import annotations

import fpngraph
from fpngraph.weights.sources import names_of, table_for
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.reference import maps, randomised
from tests.oracles.references.every import NECKS

SOURCE = "mmdet.NASFPN"


def test_it_is_mmdets_where_the_sides_are_multiples_of_the_coarsest_stride() -> None:
    reference = NECKS["nas_fpn"]()
    theirs = randomised(reference.neck)
    channels = {f"C{level}": width for level, width in reference.in_channels.items()}
    ours = fpngraph.build(fpngraph.load("nas_fpn_mmdet"), channels)
    state = theirs.state_dict()

    carried = fpngraph.load_from(ours, state, SOURCE)

    assert (carried.missing, carried.unused) == ((), ())
    names = {name: one for name, (one,) in names_of(ours, table_for(ours, SOURCE), state=state).items()}
    assert_equal_necks(ours, theirs, names, maps(reference, 128, 256))
