"""Training knows no EfficientDet: a pyramid with heads on it learns, in a loop of one's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

import fpngraph
from fpngraph import efficientdet
from fpngraph.detection import Anchors, Detector, Normalization, Predictions, Suppression
from fpngraph.feature import Size
from fpngraph.training import Augmentation, DetectionModule, TrainingSettings
from fpngraph.training.loading import Shuffled, TrainingImages, collate
from tests.training.small import Parts


class Heads(nn.Module):
    """A FeaturePyramid with a plain convolution for each head, or with EfficientDet's."""

    image_size = (64, 64)
    anchors = Anchors(num_scales=1, aspect_ratios=(1.0,), scale=3.0)
    normalization = Normalization()
    suppression = Suppression()

    def __init__(self, *, plain: bool) -> None:
        super().__init__()
        params: dict[str, Any] = {"channels": 16, "min": 3, "backbone_max": 5, "max": 5}
        self.pyramid = fpngraph.FeaturePyramid("test_efficientnet", "fpn", params=params)
        self.plain = plain
        if plain:
            self.classes: nn.Module = nn.Conv2d(16, 10, 3, padding=1)
            self.boxes: nn.Module = nn.Conv2d(16, 4, 3, padding=1)
            nn.init.constant_(self.classes.bias, -4.6)
        else:
            config = efficientdet.config("efficientdet_d0", head_repeats=1, num_scales=1, aspect_ratios=(1.0,))
            levels = self.pyramid.out_strides
            self.classes = efficientdet.Head(config, 16, levels, outputs=10, prior=0.01)
            self.boxes = efficientdet.Head(config, 16, levels, outputs=4)

    def forward(self, images: Tensor) -> Predictions:
        maps = self.pyramid(images)
        if self.plain:
            return Predictions([self.classes(x) for x in maps.values()], [self.boxes(x) for x in maps.values()])
        return Predictions(list(self.classes(maps).values()), list(self.boxes(maps).values()))


@pytest.mark.parametrize("plain", [True, False], ids=["plain heads", "the heads of EfficientDet"])
def test_a_pyramid_with_heads_learns_and_then_finds(plain: bool, parts: Parts) -> None:
    torch.manual_seed(0)
    train, _ = parts
    model = Heads(plain=plain)
    module = DetectionModule(model, train.categories)
    images = TrainingImages(train.examples, Size(64, 64), model.normalization, Augmentation(flip=0))
    order = Shuffled(len(images), seed=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    means = []

    for epoch in range(5):
        order.set_epoch(epoch)
        losses = []
        for batch in DataLoader(images, batch_size=12, sampler=order, collate_fn=collate):
            loss = module.losses(batch).total
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means.append(sum(losses) / len(losses))

    assert means[-1] < 0.85 * means[0]
    assert all(x.grad is not None for x in model.parameters())
    assert len(Detector(model).detect([train.examples[0].path])[0].boxes) == 100


def test_frozen_norms_need_a_backbone_that_has_them(parts: Parts) -> None:
    with pytest.raises(TypeError) as caught:
        DetectionModule(Heads(plain=True), parts[0].categories, TrainingSettings(freeze_norms=True))

    assert str(caught.value) == (
        "model is a Heads without backbone, a module\n  hint: freeze_norms is for the norms in it"
    )


def test_a_model_that_does_not_say_how_its_maps_are_read_is_refused(parts: Parts) -> None:
    model: Any = nn.Conv2d(3, 3, 1)

    with pytest.raises(TypeError, match="model is a Conv2d without image_size, anchors, normalization, suppression"):
        DetectionModule(model, parts[0].categories)
