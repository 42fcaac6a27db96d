"""A neck for a host's maps: chosen by stride, given in whatever form the host has them, cut down to what it reads."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import fpngraph
from fpngraph.errors import GraphError
from tests.traces import trace

CHANNELS = {4: 24, 8: 40, 16: 112, 32: 320}
KEYED = {4: ("res2", 24), 8: ("res3", 40), 16: ("res4", 112), 32: ("res5", 320)}
TAKES = "graph 'BiFPN' takes maps of the strides 8, 16, 32"
SMALL: dict[str, Any] = {"channels": 8, "repeats": 1}
INLINE = {
    "fpngraph": 1,
    "name": "inline",
    "inputs": "C(3..4)",
    "params": {"width": {3: 8, 4: 16}},
    "nodes": {"P(3..4)": {"inputs": ["C(l)"], "channels": "$(width(l))", "op": ["conv"]}},
    "outputs": "P(3..4)",
}


def images(side: int = 128, channels: Mapping[int, int] = CHANNELS) -> dict[int, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        stride: torch.randn(2, c, -(-side // stride), -(-side // stride), generator=generator)
        for stride, c in channels.items()
    }


class Configured(Mapping[str, Any]):
    """A mapping that is no dict, as configurations of other libraries are; its lists are no lists."""

    def __init__(self, data: Mapping[Any, Any]) -> None:
        self.data = {key: _configured(value) for key, value in data.items()}

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


class Listed(Sequence[Any]):
    def __init__(self, data: Sequence[Any]) -> None:
        self.data = [_configured(value) for value in data]

    def __getitem__(self, index: Any) -> Any:
        return self.data[index]

    def __len__(self) -> int:
        return len(self.data)


def _configured(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Configured(value)
    return Listed(value) if isinstance(value, list) else value


def test_it_gives_what_the_neck_gives_for_the_maps_of_its_strides_in_any_form() -> None:
    plugged = fpngraph.plug("bifpn", KEYED, params=SMALL).eval()
    maps = images()
    by_key = OrderedDict((KEYED[stride][0], x) for stride, x in maps.items())
    expected = plugged.neck([maps[8], maps[16], maps[32]])
    more = {"stem": torch.zeros(1), **by_key}

    forms = [list(maps.values()), tuple(maps.values()), maps.values(), iter(maps.values()), maps, by_key, more]
    for form in forms:
        found = plugged(form)
        assert isinstance(found, tuple)
        assert all(torch.equal(x, y) for x, y in zip(found, expected, strict=True))


def test_it_says_what_it_gives() -> None:
    plugged = fpngraph.plug("bifpn", CHANNELS, params=SMALL, outputs=["P5", "P3"])

    assert plugged.names == ("P5", "P3")
    assert plugged.out_channels == (8, 8)
    assert plugged.out_strides == (32, 8)
    assert [name for name, _ in plugged.named_children()] == ["neck"]


def test_a_host_with_the_maps_in_another_order_gets_the_same() -> None:
    plugged = fpngraph.plug("bifpn", CHANNELS, params=SMALL).eval()
    turned = fpngraph.plug("bifpn", dict(reversed(CHANNELS.items())), params=SMALL).eval()
    turned.load_state_dict(plugged.state_dict())
    maps = images()

    for x, y in zip(plugged(list(maps.values())), turned([*reversed(maps.values())]), strict=True):
        assert torch.equal(x, y)


def test_maps_in_another_order_than_was_told_are_refused_where_their_sizes_show_it() -> None:
    plugged = fpngraph.plug("fpn", {4: 8, 8: 8, 16: 8, 32: 8}, params={"channels": 8})

    with pytest.raises(ValueError, match="map 'C3' is 8x8, but map 'C2', of a finer level, is 4x4; are the maps in"):
        plugged([*reversed(images(channels=dict.fromkeys(CHANNELS, 8)).values())])


@pytest.mark.parametrize(
    "graph",
    [INLINE, Configured(INLINE), fpngraph.loads(INLINE), fpngraph.dump(fpngraph.loads(INLINE)), Path("my.yaml")],
    ids=["dict", "configuration", "graph", "text", "path"],
)
def test_a_graph_comes_in_any_form(graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(fpngraph.dump(fpngraph.loads(INLINE)), encoding="utf-8")

    plugged = fpngraph.plug(graph, CHANNELS)

    assert plugged.neck.source_graph == fpngraph.loads(INLINE)


def test_parameters_are_those_of_the_host_too() -> None:
    plugged = fpngraph.plug(Configured(INLINE), CHANNELS, params=Configured({"width": {3: 4, 4: 12}}))

    assert plugged.out_channels == (4, 12)


def test_the_host_names_what_it_reads_and_every_parameter_gets_a_gradient() -> None:
    plugged = fpngraph.plug("fpn", CHANNELS, params={"channels": 8}, outputs={"p4": "P4", "last": "P5"})

    found = plugged(images())

    assert isinstance(found, dict)
    assert {name: tuple(x.shape) for name, x in found.items()} == {"p4": (2, 8, 8, 8), "last": (2, 8, 4, 4)}
    sum(x.sum() for x in found.values()).backward()
    assert [name for name, x in plugged.named_parameters() if x.grad is None] == []
    assert plugged.names == ("p4", "last")


def test_its_inference_form_is_a_copy_that_gives_the_same() -> None:
    plugged = fpngraph.plug("bifpn", KEYED, params=SMALL, outputs={"a": "P3"}).eval()
    maps = images()

    fused = plugged.fuse()

    torch.testing.assert_close(fused(maps)["a"], plugged(maps)["a"], rtol=1e-4, atol=1e-4)
    assert (fused.names, fused.out_channels, fused.out_strides) == (("a",), (8,), (8,))
    assert isinstance(plugged.neck, fpngraph.Neck)
    straight = plugged.fuse(image_sizes=[(64, 64)])
    assert torch.equal(straight(maps)["a"], fused(maps)["a"])


@pytest.mark.parametrize(
    ("other", "kind"),
    [(lambda neck: neck.fuse(), "FusedNeck"), (lambda neck: torch.compile(neck, backend="eager"), "OptimizedModule")],
    ids=["inference form", "compiled"],
)
def test_what_stands_in_the_place_of_the_neck_and_cannot_be_fused_is_told(
    other: Callable[[fpngraph.Neck], Any], kind: str
) -> None:
    plugged: Any = fpngraph.plug("bifpn", CHANNELS, params=SMALL).eval()
    plugged.neck = other(plugged.neck)

    with pytest.raises(TypeError) as caught:
        plugged.fuse()

    assert str(caught.value) == (
        f"the neck is a {kind}, but a Neck is required\n  hint: fuse with the neck that can be trained in it"
    )


def test_it_is_copied_pickled_traced_and_exported() -> None:
    plugged = fpngraph.plug("bifpn", CHANNELS, params=SMALL).eval()
    maps = list(images().values())
    expected = plugged(maps)

    exported = torch.export.export(plugged, (maps,)).module()
    for other in (copy.deepcopy(plugged), pickle.loads(pickle.dumps(plugged)), trace(plugged, maps), exported):
        for x, y in zip(other(maps), expected, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("maps", "text"),
    [
        (
            {4: 24, 16: 112},
            f"{TAKES}, but the host has 4, 16: 8, 32 is missing [in-channels]",
        ),
        (
            {},
            f"{TAKES}, but the host has none: 8, 16, 32 is missing [in-channels]",
        ),
        (
            [(8, 40), (8, 40), (16, 112)],
            f"{TAKES}, but the host has 8, 16: 32 is missing [in-channels]\n"
            "the host has several maps of stride 8 [in-channels]\n  hint: say only those that it is to take",
        ),
        ({8: 0, 16: 4, 32: 4}, "in_channels of 'P3' is 0, not a positive integer [in-channels]"),
    ],
)
def test_strides_that_do_not_fit_are_told_at_once(maps: Any, text: str) -> None:
    with pytest.raises(GraphError) as caught:
        fpngraph.plug("bifpn", maps)

    assert str(caught.value) == text


def test_a_graph_with_two_maps_of_one_stride_is_refused() -> None:
    text = "fpngraph: 1\nname: two\ninputs: {a: 3, b: 3}\nnodes:\n  P3: {inputs: [a, b], channels: 8}\noutputs: P3\n"

    with pytest.raises(GraphError) as caught:
        fpngraph.plug(fpngraph.loads(text), {8: 8})

    assert str(caught.value) == (
        "graph 'two' takes 2 maps of stride 8: a, b [in-channels]\n"
        "  hint: strides cannot tell them apart: make the neck by fpngraph.build, which takes maps by name"
    )


def test_parameters_of_a_loaded_graph_are_refused() -> None:
    with pytest.raises(ValueError, match="'preset' and 'params' are for the name, path or text of a graph"):
        fpngraph.plug(fpngraph.load("fpn"), CHANNELS, params={"channels": 8})


@pytest.mark.parametrize(
    ("maps", "kind", "text"),
    [
        (
            [torch.zeros(1, 24, 8, 8)],
            ValueError,
            "there are 1 maps, but the host was said to have",
        ),
        (torch.zeros(1, 24, 8, 8), TypeError, "maps is a Tensor, but must be the maps as a sequence or a mapping"),
        (None, TypeError, "maps is a NoneType, but must be"),
        ({"res3": None, 8: None}, ValueError, "the maps are 'res3', 8, but the neck takes 'res4', 'res5' too"),
    ],
)
def test_maps_that_do_not_fit_are_refused(maps: Any, kind: type[Exception], text: str) -> None:
    plugged = fpngraph.plug("bifpn", KEYED, params=SMALL)

    with pytest.raises(kind, match=text):
        plugged(maps)


def test_channels_without_strides_are_refused_with_what_is_required() -> None:
    with pytest.raises(TypeError) as caught:
        fpngraph.plug("bifpn", [40, 112, 320])  # type: ignore[list-item]  # that is it

    assert str(caught.value) == (
        "maps has 40, but must say a stride and channels for each map\n"
        "  hint: {8: 128, 16: 256} are maps of the strides 8 and 16, of 128 and 256 channels"
    )


@pytest.mark.parametrize("channels", ["40", "128", 40.0, None, ("C3", 40, 3), np.int64(40)])
def test_what_is_no_number_of_channels_is_refused_as_build_refuses_it(channels: Any) -> None:
    with pytest.raises(fpngraph.GraphError) as caught:
        fpngraph.plug("bifpn", {8: channels, 16: 112, 32: 320})

    assert str(caught.value) == f"in_channels of 'P3' is {channels!r}, not a positive integer [in-channels]"


def test_one_name_is_no_list_of_outputs() -> None:
    with pytest.raises(TypeError) as caught:
        fpngraph.plug("bifpn", {8: 40, 16: 112, 32: 320}, outputs="P3")

    assert str(caught.value) == "outputs is 'P3', but must be names in a list: ['P3']"
