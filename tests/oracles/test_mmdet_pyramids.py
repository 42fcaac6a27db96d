"""The graphs of mmdet's other pyramids give its numbers, with weights that ``load_from`` has taken where it can."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import fpngraph
from fpngraph.weights.sources import names_of, table_for
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.pairing import Theirs, pairs
from tests.oracles.reference import Reference, maps, randomised
from tests.oracles.references import mmdet, mmdet_replaced
from tests.oracles.references.every import NECKS

WIDTHS = {2: 6, 3: 8, 4: 10, 5: 12}
EVEN, ODD = (128, 192), (100, 52)


def assert_loads_and_equals(
    reference: Reference, graph: fpngraph.Graph, source: str, *sizes: tuple[int, int]
) -> fpngraph.Neck:
    """All weights come by the table of ``source``, and give equal numbers; the neck in eval mode."""
    theirs = randomised(reference.neck)
    names = list(graph.inputs)
    ours = fpngraph.build(graph, dict(zip(names, reference.in_channels.values(), strict=True)))
    state = theirs.state_dict()

    carried = fpngraph.load_from(ours, state, source)

    assert (carried.missing, carried.unused) == ((), ())
    named = {name: one for name, (one,) in names_of(ours, table_for(ours, source), state=state).items()}
    for size in sizes:
        assert_equal_necks(ours, theirs, named, maps(reference, *size))
    return ours.eval()


@pytest.mark.parametrize("pool", ["AVG", "MAX"])
def test_hrfpn_is_mmdets_where_the_sides_are_multiples_of_the_coarsest_stride(pool: str) -> None:
    settings = {"out_channels": 8, "num_outs": 5, "pooling_type": pool}
    reference = mmdet.neck("HRFPN", WIDTHS, range(2, 7), **settings)
    pooled = {f"{pool.lower()}_pool": {"kernel": "ratio"}}

    neck = assert_loads_and_equals(
        reference, fpngraph.load("hrfpn", channels=8, pool=pooled), "mmdet.HRFPN", (128, 192), (64, 128)
    )

    assert neck.fuse().unfolded == {}


def test_hrfpn_is_that_of_mmdets_configuration() -> None:
    assert_loads_and_equals(NECKS["hrfpn"](), fpngraph.load("hrfpn"), "mmdet.HRFPN", (64, 128))


@pytest.mark.parametrize(
    ("refine", "ours"),
    [("non_local", {}), ("conv", {"refine": [{"conv": {"kernel": 3}}, "act"]})],
    ids=["attention", "convolution"],
)
def test_bfp_is_mmdets(refine: str, ours: Mapping[str, object]) -> None:
    reference = mmdet_replaced.bfp(8, range(2, 7), refine)

    neck = assert_loads_and_equals(reference, fpngraph.load("bfp", channels=8, **ours), "mmdet.BFP", EVEN, ODD)

    assert neck.fuse().unfolded == {}


def test_bfp_without_refinement_is_mmdets() -> None:
    reference = mmdet_replaced.bfp(8, range(3, 6), None)
    ours = fpngraph.build(fpngraph.load("bfp", min=3, max=5, level=5, refine="none", channels=8), [8, 8, 8])

    assert_equal_necks(ours, reference.neck, {}, maps(reference, *ODD))


@pytest.mark.parametrize("size", [EVEN, ODD], ids=str)
def test_libra_is_mmdets_two_necks(size: tuple[int, int]) -> None:
    reference = mmdet_replaced.libra(WIDTHS, 8, range(2, 7))

    neck = assert_loads_and_equals(reference, fpngraph.load("libra", channels=8), "mmdet.BFP", size)

    assert neck.fuse().unfolded == {}


def test_fpg_is_that_of_mmdets_configuration() -> None:
    neck = assert_loads_and_equals(NECKS["fpg"](), fpngraph.load("fpg"), "mmdet.FPG", (128, 256))

    assert neck.fuse().unfolded == {}


def test_fpg_from_the_second_level_is_that_of_mmdets_faster_rcnn() -> None:
    reference = mmdet.configured("fpg/faster-rcnn_r50_fpg_crop640-50e_coco.py", range(2, 6), range(2, 7))
    graph = fpngraph.load("fpg", min=2, extra={"max_pool": {"kernel": 1}})

    assert_loads_and_equals(reference, graph, "mmdet.FPG", (64, 128))


@pytest.mark.parametrize("size", [EVEN, ODD], ids=str)
def test_ssh_is_mmdets(size: tuple[int, int]) -> None:
    channels = {3: 6, 4: 8, 5: 10}
    reference = mmdet.neck("SSH", channels, range(3, 6), num_scales=3, out_channels=[8, 16, 12])
    graph = fpngraph.load("ssh", width={3: 8, 4: 16, 5: 12})

    neck = assert_loads_and_equals(reference, graph, "mmdet.SSH", size)

    assert neck.fuse().unfolded == {}


def test_ssd_is_mmdets_for_images_of_its_size() -> None:
    width = (8, 12, 16, 10, 14, 18, 20)
    reference = mmdet_replaced.ssd(width)
    graph = fpngraph.load("ssd", width=dict(enumerate(width[2:], 5)))

    neck = assert_loads_and_equals(reference, graph, "mmdet.SSDNeck", (512, 512))

    assert neck.fuse().unfolded == {"P3.op.l2_norm": "its lengths are those of each pixel"}


@pytest.mark.parametrize("size", [EVEN, ODD], ids=str)
def test_nasfcos_fpn_is_mmdets_with_plain_convolutions(size: tuple[int, int]) -> None:
    reference = mmdet_replaced.nas_fcos(WIDTHS, 8)

    assert_loads_and_equals(reference, fpngraph.load("nasfcos_fpn", channels=8), "mmdet.NASFCOS_FPN", size)


@pytest.mark.parametrize("size", [EVEN, ODD], ids=str)
@pytest.mark.parametrize("last", [5, 6, 7])
def test_carafe_fpn_is_mmdets_with_its_kernel_in_plain_torch(last: int, size: tuple[int, int]) -> None:
    reference = mmdet_replaced.carafe(WIDTHS, 8, range(2, last + 1))
    theirs = randomised(reference.neck)
    ours = fpngraph.build(fpngraph.load("carafe_fpn", channels=8, max=last), list(WIDTHS.values()))
    nodes: dict[str, Theirs] = {f"M{level + 1}": f"upsample_modules.{level - 1}" for level in range(1, last - 1)}
    for index, level in enumerate(range(2, last + 1)):
        nodes |= {f"L{level}": f"lateral_convs.{index}", f"P{level}": f"fpn_convs.{index}"}

    assert_equal_necks(ours, theirs, pairs(ours, theirs, nodes), maps(reference, *size))
    assert ours.eval().fuse().unfolded == {}
