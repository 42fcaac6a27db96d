"""The published weights by name: fetched once, checked, and loaded into what is still as published."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import Tensor, hub, nn

from fpngraph.efficientdet import (
    ConfigError,
    DownloadError,
    EfficientDet,
    config,
    create,
    effdet_state,
    load_pretrained,
    names,
)
from fpngraph.weights.state import StateError
from tests.efficientdet.detectors import SMALL

NAME = "tf_efficientdet_lite0"
PREDICTORS = ("class_head.predict.", "box_head.predict.")


@pytest.fixture(scope="module", autouse=True)
def _small_configuration() -> Iterator[None]:
    """The configuration is that of a small detector for a while."""
    models = import_module("fpngraph.efficientdet.config")._models()
    small = {"neck_params": {"channels": 16, "repeats": 3, "fusion": "sum"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models, NAME, models[NAME] | SMALL | small)
        yield


def publish(folder: Path) -> tuple[str, dict[str, Tensor]]:
    """The address of a checkpoint as effdet publishes them, and its tensors by our names."""
    torch.manual_seed(0)
    model = create(NAME)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    path = folder / "a.pth"
    torch.save(effdet_state(model), path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.rename(path.with_name(f"a-{sha256[:8]}.pth")).as_uri(), model.state_dict()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Tensor]]:
    return publish(tmp_path_factory.mktemp("release"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    urlopen = hub.urlopen
    with ExitStack() as answers:  # which torch 2.8 leaves open, to be warned of in whatever test comes later
        monkeypatch.setattr(hub, "urlopen", lambda *asked, **how: answers.enter_context(urlopen(*asked, **how)))
        monkeypatch.setattr(hub, "_hub_dir", str(tmp_path / "hub"))
        yield tmp_path / "hub" / "checkpoints"


def assert_taken(model: EfficientDet, state: dict[str, Tensor], *, but: tuple[str, ...] = ()) -> None:
    taken = {name for name, tensor in model.state_dict().items() if name in state and torch.equal(tensor, state[name])}
    assert taken == {name for name in state if not name.startswith(but) or name.endswith("num_batches_tracked")}


@pytest.mark.slow
def test_the_published_weights_are_loaded_from_their_address_once(
    published: tuple[str, dict[str, Tensor]], cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address, state = published

    first = create(NAME, pretrained=True, weights=address)
    fetched = [(file.name, file.stat().st_mtime_ns) for file in cache.iterdir()]
    second = create(NAME, pretrained=True, weights=address)

    assert_taken(first, state)
    assert_taken(second, state)
    assert fetched == [(file.name, file.stat().st_mtime_ns) for file in cache.iterdir()]
    assert [name for name, _ in fetched] == [address.rpartition("/")[2]]
    assert capsys.readouterr().out == ""


def test_all_is_taken_by_an_unchanged_model(published: tuple[str, dict[str, Tensor]]) -> None:
    matched = load_pretrained(create(NAME, weights=published[0]))

    assert (matched.changed, matched.missing, matched.unexpected) == ((), (), ())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "new"),
    [
        pytest.param({"num_classes": 3}, PREDICTORS[:1], id="other classes"),
        pytest.param({"num_scales": 2}, PREDICTORS, id="fewer anchors"),
        pytest.param({"aspect_ratios": [1.0, 3.0, 0.3]}, PREDICTORS, id="as many anchors of other shapes"),
    ],
)
def test_predictors_of_other_heads_start_anew_without_a_word(
    published: tuple[str, dict[str, Tensor]], changes: dict[str, object], new: tuple[str, ...]
) -> None:
    address, state = published

    model = create(NAME, pretrained=True, weights=address, **changes)

    assert_taken(model, state, but=new)


def test_of_an_edited_neck_what_matches_is_taken_and_the_rest_is_warned_about(
    published: tuple[str, dict[str, Tensor]],
) -> None:
    address, state = published
    expected = (
        f"of the published weights of '{NAME}': 517 taken; "
        "48 missing: 'neck.bifpn.3.td5.op.separable_conv.depthwise.weight', "
        "'neck.bifpn.3.td5.op.separable_conv.pointwise.weight', "
        "'neck.bifpn.3.td5.op.separable_conv.pointwise.bias' and 45 more; "
        "68 unexpected: 'neck.bifpn.0.td6.op.separable_conv.depthwise.weight', "
        "'neck.bifpn.0.td6.op.separable_conv.pointwise.weight', "
        "'neck.bifpn.0.td6.op.separable_conv.pointwise.bias' and 65 more"
    )

    with pytest.warns(UserWarning, match=f"^{re.escape(expected)}$"):
        model = create(NAME, pretrained=True, weights=address, params={"repeats": 4, "max": 6})

    kept = [(name, it) for name, it in model.state_dict().items() if not name.startswith("neck.bifpn.3.")]
    assert all(torch.equal(tensor, state[name]) for name, tensor in kept)


def test_what_was_not_taken_is_a_value_too(published: tuple[str, dict[str, Tensor]]) -> None:
    model = create(NAME, weights=published[0], params={"repeats": 4})

    matched = load_pretrained(model)

    assert matched.missing == tuple(name for name in model.state_dict() if name.startswith("neck.bifpn.3."))
    assert (matched.changed, matched.unexpected) == ((), ())


def test_a_model_whose_modules_were_exchanged_takes_what_still_fits(published: tuple[str, dict[str, Tensor]]) -> None:
    model = create(NAME, weights=published[0])
    model.class_head.predict = nn.Conv2d(3, 4, 1)

    matched = load_pretrained(model)

    assert matched.missing == ("class_head.predict.weight", "class_head.predict.bias")
    assert matched.changed == ()
    assert {name.rpartition(".")[0] for name in matched.unexpected} <= {
        "class_head.predict.depthwise",
        "class_head.predict.pointwise",
    }


@pytest.mark.parametrize("exchanged", [False, True], ids=["of its configuration", "put in later"])
def test_weights_of_a_fusion_are_those_of_its_maps_in_whatever_order_a_graph_reads_them(
    exchanged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = import_module("fpngraph.efficientdet.config")._models()
    learned = {"neck_params": {"channels": 16, "repeats": 1, "fusion": "fast_normalized"}}
    monkeypatch.setitem(models, NAME, models[NAME] | learned)
    address, state = publish(tmp_path)
    graph = create(NAME).neck.source_graph
    nodes = {name: replace(node, edges=node.edges[::-1]) for name, node in graph.nodes.items()}
    model = create(NAME, graph=replace(graph, nodes=nodes), match=False, weights=address)
    if exchanged:
        model, neck = create(NAME, weights=address), model.neck
        model.neck = neck

    matched = load_pretrained(model)

    assert (matched.changed, matched.missing, matched.unexpected) == ((), (), ())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[name].flip(0) if name.endswith("fusion.weight") else state[name]), name


def test_a_file_of_another_hash_is_refused_and_not_kept(
    published: tuple[str, dict[str, Tensor]], cache: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a-00000000.pth"
    path.write_bytes(b"something else")
    found = hashlib.sha256(b"something else").hexdigest()

    with pytest.raises(DownloadError) as caught:
        create(NAME, pretrained=True, weights=path.as_uri())

    message, hint = str(caught.value).splitlines()
    assert message.startswith(f"the weights of '{NAME}' cannot be fetched from {path.as_uri()}: ")
    assert "00000000" in message  # in torch's words
    assert found in message
    assert hint == (
        f"  hint: fetch 'a-00000000.pth' elsewhere and put it into {str(cache)!r}, or call load_effdet(model, path)"
    )
    assert list(cache.iterdir()) == []


def test_without_a_network_the_file_is_named_and_what_to_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(hub, "urlopen", unreachable)
    address = config(NAME).weights

    with pytest.raises(DownloadError) as caught:
        create(NAME, pretrained=True)

    assert str(caught.value) == (
        f"the weights of '{NAME}' cannot be fetched from {address}: no network\n"
        f"  hint: fetch 'tf_efficientdet_lite0-dfacfc78.pth' elsewhere and put it into {str(cache)!r}, or call "
        "load_effdet(model, path)"
    )


def test_a_damaged_file_in_the_cache_is_named(cache: Path) -> None:
    path = cache / "tf_efficientdet_lite0-dfacfc78.pth"
    cache.mkdir(parents=True)
    path.write_bytes(b"half of it")

    with pytest.raises(StateError) as caught:
        create(NAME, pretrained=True)

    assert str(caught.value) == f"{str(path)!r} is no file of tensors that torch.save or safetensors wrote"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("cspresdext50", "cspresdext50pan", id="one of its family has some"),
        pytest.param(
            "mixdet_m", ", ".join(name for name in names() if config(name).weights), id="none of its family has any"
        ),
    ],
)
def test_a_configuration_without_published_weights_is_told_with_those_that_have_some(name: str, hint: str) -> None:
    with torch.device("meta"), pytest.raises(ConfigError) as caught:
        create(name, pretrained=True)

    assert str(caught.value) == f"configuration {name!r} has no published weights\n  hint: there are weights for {hint}"


def test_every_address_has_a_hash() -> None:
    addresses = [config(name).weights for name in names()]

    assert all(hub.HASH_REGEX.search(address) for address in addresses if address)
