"""The one module that joins a detector, its targets, its losses and its evaluation; Lightning runs it."""

from __future__ import annotations

import math
import os
from collections.abc import Container, Mapping, Sequence
from typing import Any, cast

import lightning
import torch
from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]  # timm's hints do not export it
from timm.scheduler.cosine_lr import CosineLRScheduler
from torch import Tensor, distributed, nn

from fpngraph.detection.anchors import anchor_boxes
from fpngraph.detection.boxes import Predictions, detections
from fpngraph.detection.coco import Category, results
from fpngraph.detection.detector import DetectionModel, Detector
from fpngraph.errors import Refusal
from fpngraph.feature import Size
from fpngraph.training.evaluation import Evaluation, evaluate
from fpngraph.training.loading import Batch
from fpngraph.training.losses import Losses
from fpngraph.training.saved import KEY, entry
from fpngraph.training.settings import TrainingSettings
from fpngraph.training.targets import assign

_BATCH_NORMS = (nn.modules.batchnorm._BatchNorm,)


class DivergedError(Refusal, ArithmeticError):
    """A training that came to weights with which nothing can be worked out."""


class DetectionModule(lightning.LightningModule):
    """A detector that learns, for Lightning's Trainer or a loop of one's own.

    ``model`` gives ``Predictions`` of images and says how they are read, as ``fpngraph.detection.DetectionModel``.
    ``annotations`` is the file that validation is measured against, without those that are ``left_out``. ``recipe`` is
    plain data that checkpoints have, so that the model can be built again.

    ``losses(batch)`` is what a loop of one's own needs; ``training_step`` logs as well.
    Raises TypeError for a model that is none, or that has no ``backbone`` whose norms could be frozen.
    """

    def __init__(  # noqa: PLR0913  (each says something else)
        self,
        model: DetectionModel,
        categories: Sequence[Category],
        settings: TrainingSettings = TrainingSettings(),  # noqa: B008  (a value that never changes)
        *,
        annotations: str | os.PathLike[str] | None = None,
        left_out: Container[int] = (),
        recipe: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        Detector(model)  # refuses what is no DetectionModel
        if settings.freeze_norms and not isinstance(getattr(model, "backbone", None), nn.Module):
            raise TypeError(
                f"model is a {type(model).__name__} without backbone, a module\n"
                "  hint: freeze_norms is for the norms in it"
            )
        self.model = cast("nn.Module", model)
        self.categories, self.settings = tuple(categories), settings
        self.annotations, self.left_out, self.recipe = annotations, left_out, dict(recipe or {})
        self.evaluation: Evaluation | None = None
        """Of the last validation."""
        self.found: list[dict[str, Any]] = []
        """Detections of the last validation, of all processes, in COCO's format of results."""
        self._found: dict[int, list[dict[str, Any]]] = {}

    def losses(self, batch: Batch) -> Losses:
        """What the model's maps of a batch are worth."""
        return self._losses(batch, self.model(batch.images))

    def _losses(self, batch: Batch, predictions: Predictions) -> Losses:
        size, maps = Size(*batch.images.shape[-2:]), [Size(*x.shape[-2:]) for x in predictions.classes]
        anchors = anchor_boxes(self._read.anchors, size, maps, batch.images.device)
        return self.settings.loss(predictions, assign(anchors, batch.boxes, batch.labels))

    @property
    def _read(self) -> DetectionModel:
        return cast("DetectionModel", self.model)

    def training_step(self, batch: Batch, place: int) -> Tensor:
        losses = self.losses(batch)
        self._check(losses.total)
        size = len(batch.images)
        self.log("loss", losses.total, prog_bar=True, on_epoch=False, batch_size=size)
        named = {"train_loss": losses.total, "train_classes": losses.classes, "train_boxes": losses.boxes}
        self.log_dict(named, on_step=False, on_epoch=True, batch_size=size, sync_dist=True)
        return losses.total * self._share(place)

    def _share(self, place: int) -> float:
        """By what a loss is multiplied, so that a step is the mean of its batches.

        Lightning divides by the batches of a full step, of which the last step of an epoch may have fewer.
        """
        full = self.trainer.accumulate_grad_batches
        return full / min(full, self.trainer.num_training_batches - place // full * full)

    def _check(self, numbers: Tensor) -> None:
        if not numbers.isfinite().all():
            raise DivergedError(
                f"what the model gives is no number any more, in epoch {self.current_epoch + 1} "
                f"after {self.global_step} steps\n"
                "  hint: a lower learning rate, a longer warm-up, or gradients that are clipped lower"
            )

    def on_fit_start(self) -> None:
        """Raises ValueError where norms have lost activations, as by Lightning's ``sync_batchnorm``."""
        lost = [name for name, part in self.model.named_modules() if _has_lost(part)]
        if lost:
            raise ValueError(
                f"norms of the model have lost what they did beside: {lost[0]!r} and {len(lost) - 1} more; torch's "
                "convert_sync_batchnorm does that to timm's, and so does sync_batchnorm=True\n"
                "  hint: timm.layers.convert_sync_batchnorm(model) before the training, without sync_batchnorm"
            )

    def on_train_epoch_start(self) -> None:
        torch.manual_seed(self.settings.seed + self.current_epoch)  # what layers drop, also where it goes on
        if self.settings.freeze_norms:
            for part in cast("nn.Module", self.model.backbone).modules():
                if isinstance(part, _BATCH_NORMS):
                    part.eval()

    def on_validation_epoch_start(self) -> None:
        self._found = {}

    def validation_step(self, batch: Batch, _: int) -> None:
        predictions = self.model(batch.images)
        model, size = self._read, Size(*batch.images.shape[-2:])
        losses = self._losses(batch, predictions)
        found = detections(
            predictions, size, anchors=model.anchors, suppression=model.suppression, originals=batch.originals
        )
        self._check(losses.total)
        for image, of_image in zip(batch.ids, found, strict=True):
            self._check(of_image.boxes)
            self._found[image] = results(of_image, image, self.categories)
        self.log("val_loss", losses.total, batch_size=len(batch.images), sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        if self.annotations is None:
            return
        found = _gathered(self._found)
        self.found = [row for rows in found.values() for row in rows]
        self.evaluation = evaluate(self.annotations, self.found, images=list(found), left_out=self.left_out)
        known = {name: value for name, value in self.evaluation.ap.items() if value is not None}
        self.log("AP", known.pop("AP", math.nan), prog_bar=True)
        self.log_dict(known)

    def configure_optimizers(self) -> Any:
        settings = self.settings
        optimizer = create_optimizer_v2(
            self.model,
            settings.optimizer,
            lr=settings.lr,
            weight_decay=settings.weight_decay,
            layer_decay=settings.layer_decay,
        )
        steps = int(self.trainer.estimated_stepping_batches)
        warm = round(steps * min(settings.warmup_epochs / settings.epochs, 0.5))
        schedule = _Schedule(
            optimizer,
            t_initial=max(1, steps - warm),
            lr_min=settings.lr / 100,
            warmup_t=warm,
            warmup_lr_init=settings.lr / 100,
            warmup_prefix=True,
            t_in_epochs=False,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def lr_scheduler_step(self, scheduler: Any, _: Any) -> None:
        scheduler.step_update(num_updates=self.global_step)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[KEY] = entry(self.recipe, self.categories, self.settings.model_dump(mode="json"))


def _has_lost(part: nn.Module) -> bool:
    """Whether it is a norm of torch's that holds what it never calls."""
    return type(part) is nn.SyncBatchNorm and any(not isinstance(it, nn.Identity) for it in part.children())


class _Schedule(CosineLRScheduler):
    """Learning rates that follow from the step alone, so that more epochs than before change those of what is left."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing: what a checkpoint has is of the epochs that were asked for then."""


def _gathered(own: dict[int, list[dict[str, Any]]]) -> dict[int, list[dict[str, Any]]]:
    """What all processes have found, by image; one that several have seen counts once."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return own
    every: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(every, own)
    return {image: rows for found in every for image, rows in found.items()}
