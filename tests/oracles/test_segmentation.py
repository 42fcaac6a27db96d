"""The graphs of decoders give the numbers of smp and transformers, which ``load_from`` has taken the weights of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import pytest

import fpngraph
from fpngraph.weights.sources import names_of, table_for
from tests.oracles.comparison import assert_equal_necks
from tests.oracles.reference import Reference, maps, randomised
from tests.oracles.references import smp
from tests.oracles.references.every import NECKS


class Case(NamedTuple):
    graph: str
    source: str
    reference: Callable[[], Reference]
    params: Mapping[str, Any] = {}


RATES = (2, 5, 7)
PLAIN = {"decoder_aspp_separable": False, "decoder_aspp_dropout": 0.0, "decoder_atrous_rates": RATES}
SMP = "segmentation_models_pytorch"
CASES = {
    "unetpp": Case("unetpp", f"{SMP}.UnetPlusPlusDecoder", NECKS["smp-unetplusplus"]),
    "linknet": Case("linknet", f"{SMP}.LinknetDecoder", NECKS["smp-linknet"]),
    "unetpp, resnet50": Case(
        "unetpp",
        f"{SMP}.UnetPlusPlusDecoder",
        partial(smp.neck, "unetplusplus", "resnet50"),
        {"preset": "resnet50"},
    ),
    "linknet, resnet50": Case(
        "linknet",
        f"{SMP}.LinknetDecoder",
        partial(smp.neck, "linknet", "resnet50"),
        {"preset": "resnet50"},
    ),
    "deeplabv3p, stride 8": Case(
        "deeplabv3p",
        f"{SMP}.DeepLabV3PlusDecoder",
        partial(smp.neck, "deeplabv3plus", encoder_output_stride=8, decoder_aspp_dropout=0.0),
        {"dropout": 0.0, "level": 3},
    ),
    "upernet": Case("upernet", f"{SMP}.UPerNetDecoder", NECKS["smp-upernet"]),
    "semantic_fpn": Case("semantic_fpn", f"{SMP}.FPNDecoder", NECKS["smp-fpn"]),
    "deeplabv3p": Case("deeplabv3p", f"{SMP}.DeepLabV3PlusDecoder", NECKS["smp-deeplabv3plus"], {"dropout": 0.0}),
    "deeplabv3p, not separable": Case(
        "deeplabv3p",
        f"{SMP}.DeepLabV3PlusDecoder",
        partial(smp.neck, "deeplabv3plus", **PLAIN),
        {"dropout": 0.0, "separable": False, "rates": list(RATES)},
    ),
    "maskformer_fpn": Case("maskformer_fpn", "transformers.MaskFormerPixelDecoder", NECKS["maskformer"], {"mask": 128}),
}
SIZES = [(64, 96), (160, 96)]


def compare(case: Case, size: tuple[int, int]) -> None:
    """All weights come over, and everything is equal."""
    reference = case.reference()
    theirs = randomised(reference.neck)
    channels = {f"C{level}": width for level, width in reference.in_channels.items()}
    ours = fpngraph.build(fpngraph.load(case.graph, **case.params), channels)
    state = theirs.state_dict()

    carried = fpngraph.load_from(ours, state, case.source, prefix="decoder.")

    assert (carried.missing, carried.unused) == ((), ())
    names = names_of(ours, table_for(ours, case.source), "decoder.", state)
    assert_equal_necks(ours, theirs, {name: one for name, (one,) in names.items()}, maps(reference, *size))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_the_librarys_own(case: Case, size: tuple[int, int]) -> None:
    compare(case, size)


@pytest.mark.parametrize("name", ["upernet", "maskformer_fpn"])
def test_it_is_so_at_odd_sizes_where_theirs_takes_them(name: str) -> None:
    compare(CASES[name], (101, 147))
