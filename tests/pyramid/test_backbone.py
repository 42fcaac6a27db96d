"""Backbones of timm are cut down to the maps of the levels asked for, and stay timm's own modules."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import nn

from fpngraph.pyramid.backbone import BackboneError, backbone_channels, create_backbone, feature_maps, map_channels


def shapes(backbone: nn.Module, side: int) -> list[tuple[int, ...]]:
    """Channels, height and width of the maps of a square image."""
    with torch.no_grad():
        return [tuple(x.shape[1:]) for x in feature_maps(backbone.eval(), torch.randn(1, 3, side, side))]


@pytest.mark.parametrize(
    ("name", "indices"),
    [
        pytest.param("test_efficientnet", (2, 3, 4), id="efficientnet"),
        pytest.param("resnet18", (2, 3, 4), id="resnet"),
        pytest.param("darknet17", (3, 4, 5), id="darknet, which has a map of stride 1"),
        pytest.param("test_convnext", (1, 2, 3), id="convnext, which has no map of stride 2"),
    ],
)
def test_the_choice_by_stride_is_timms_own_module_with_those_places(name: str, indices: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    theirs = timm.create_model(name, features_only=True, out_indices=indices).state_dict()
    torch.manual_seed(0)

    ours = create_backbone(name, [3, 4, 5]).state_dict()

    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_channels_are_those_of_the_maps() -> None:
    backbone = create_backbone("test_efficientnet", [3, 4, 5])

    channels = map_channels(backbone)

    assert [(c, 64 >> level, 64 >> level) for c, level in zip(channels, [3, 4, 5], strict=True)] == shapes(backbone, 64)
    assert backbone_channels("test_efficientnet", [5, 3]) == {5: channels[2], 3: channels[0]}


def test_the_coarsest_level_is_found_where_timm_leaves_it_out_by_itself() -> None:
    assert backbone_channels("sedarknet21", [5]) == {5: 1024}


def test_of_several_maps_of_one_stride_the_last_one_is_taken() -> None:
    last = create_backbone("test_vit", [4])
    first = create_backbone("test_vit", [4], out_indices=[0])

    assert len(list(last.model.blocks)) > len(list(first.model.blocks)) == 1


def test_maps_with_channels_last_are_permuted() -> None:
    backbone = create_backbone("swin_tiny_patch4_window7_224", [3, 5], depths=(1, 1, 1, 1), embed_dim=24)

    assert shapes(backbone, 224) == [(48, 28, 28), (192, 7, 7)]


def test_arguments_go_to_timm() -> None:
    plain = create_backbone("test_efficientnet", [3, 4])
    grey = create_backbone("test_efficientnet", [3, 4], in_chans=1, feature_location="depthwise")

    assert grey.conv_stem.weight.shape[1] == 1
    assert map_channels(grey) != map_channels(plain)


def test_places_of_maps_may_count_from_the_end() -> None:
    assert shapes(create_backbone("resnet18", [4, 5], out_indices=[-2, -1]), 32) == [(256, 2, 2), (512, 1, 1)]


@pytest.mark.parametrize(
    ("name", "levels", "arguments", "message"),
    [
        pytest.param(
            "%", [3], {}, "timm has no model named '%'\n  hint: timm.list_models() has all names", id="no name"
        ),
        pytest.param(
            "resnet18",
            [5, 6, 7],
            {},
            "model 'resnet18' has no level 6 (stride 64), 7 (stride 128); its strides are 2, 4, 8, 16, 32",
            id="level",
        ),
        pytest.param(
            "resnet18",
            [3],
            {"depth": 3},
            "timm makes no feature maps of model 'resnet18': "
            "ResNet.__init__() got an unexpected keyword argument 'depth'",
            id="argument",
        ),
        pytest.param(
            "resnet18",
            [3, 4],
            {"out_indices": [1, 2]},
            "the maps 1, 2 of model 'resnet18' have the strides 4, 8, but 8, 16 are required",
            id="place of another stride",
        ),
        pytest.param(
            "resnet18", [3], {"out_indices": [7]}, "model 'resnet18' has no map 7; it has 0 to 4", id="no such place"
        ),
        pytest.param(
            "resnet18",
            [3, 3],
            {},
            "the maps 2, 2 of model 'resnet18' do not ascend\n"
            "  hint: it has 1 map of stride 8, and the graph takes 2: make the maps by hand, for the neck of "
            "fpngraph.build",
            id="one map for two",
        ),
        pytest.param(
            "resnet18",
            [3, 3],
            {"out_indices": [2, 2]},
            "the maps 2, 2 of model 'resnet18' do not ascend\n"
            "  hint: it has 1 map of stride 8, and the graph takes 2: make the maps by hand, for the neck of "
            "fpngraph.build",
            id="one map for two, chosen",
        ),
        pytest.param(
            "test_vit",
            [4, 4],
            {},
            "the maps 5, 5 of model 'test_vit' do not ascend\n"
            "  hint: choose one for each input by 'out_indices', in ascending order",
            id="one map for two of many",
        ),
    ],
)
def test_what_does_not_fit_is_told(name: str, levels: list[int], arguments: dict[str, object], message: str) -> None:
    with pytest.raises(BackboneError) as caught:
        create_backbone(name, levels, **arguments)

    assert str(caught.value) == message


def test_a_name_is_told_with_those_near_it() -> None:
    with pytest.raises(
        BackboneError, match=r"^timm has no model named 'resnet188'\n  hint: did you mean 'resnet18', '"
    ):
        create_backbone("resnet188", [3])


def test_weights_are_loaded_once_and_only_where_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    create_model, asked = timm.create_model, []

    def recorded(name: str, pretrained: bool = False, **arguments: Any) -> nn.Module:
        asked.append(pretrained)
        return create_model(name, **arguments)

    monkeypatch.setattr(timm, "create_model", recorded)

    create_backbone("test_efficientnet", [3], pretrained=True)
    create_backbone("test_efficientnet", [3])

    assert asked.count(True) == 1


def test_a_model_that_needs_values_when_it_is_made_is_made_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    create_model = timm.create_model

    def curious(name: str, **arguments: Any) -> nn.Module:
        torch.rand(3).sum().item()
        return create_model(name, **arguments)

    monkeypatch.setattr(timm, "create_model", curious)
    torch.manual_seed(0)
    before = torch.get_rng_state()

    channels = backbone_channels("test_efficientnet", [3, 4])

    assert channels == {3: 32, 4: 48}
    assert torch.equal(torch.get_rng_state(), before)
