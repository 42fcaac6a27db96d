"""How a detector is trained, as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
)

from fpngraph.errors import Refusal, nearest
from fpngraph.training.losses import DetectionLoss

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]
_MAY_CHANGE = ("epochs", "workers")
"""Settings of a training that goes on."""
_LONGEST = 100  # letters that tell of one change


class SettingsError(Refusal, ValueError):
    """A training cannot go on with other settings than it had."""


class Augmentation(BaseModel):
    """How images are changed each time that they are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scales: tuple[PositiveFloat, PositiveFloat] = Field(default=(0.5, 2.0), description="Least and greatest scale.")
    flip: float = Field(default=0.5, ge=0, le=1, description="How often they are mirrored.")
    colour: float = Field(default=0.2, ge=0, le=1, description="Change of brightness, contrast and saturation.")


class TrainingSettings(BaseModel):
    """How long, how fast and with what a detector is trained. The names of optimizers are timm's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: PositiveInt = 50
    batch_size: PositiveInt = Field(default=8, description="Images of a step, in each process.")
    optimizer: str = "adamw"
    lr: PositiveFloat = Field(default=1e-3, description="The highest learning rate.")
    weight_decay: NonNegativeFloat = 1e-4
    layer_decay: float | None = Field(default=None, gt=0, le=1, description="Factor of the rate from layer to layer.")
    warmup_epochs: NonNegativeFloat = Field(default=1.0, description="Over which the rate grows to lr; it falls after.")
    clip: PositiveFloat | None = Field(default=10.0, description="The largest norm of all gradients.")
    accumulate: PositiveInt = Field(default=1, description="Batches of a step.")
    ema: float | None = Field(default=0.998, gt=0, lt=1, description="Decay of averaged weights, or None for none.")
    precision: Precision = "32-true"
    freeze_norms: bool = Field(default=False, description="Whether statistics of the backbone's norms stay.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Of weights and of what images look like.")
    workers: NonNegativeInt = Field(default=2, description="Processes that read images.")
    augmentation: Augmentation = Augmentation()
    loss: DetectionLoss = DetectionLoss()

    @field_validator("optimizer")
    @classmethod
    def _is_known(cls, name: str) -> str:
        from timm.optim import list_optimizers  # type: ignore[attr-defined]  # timm's hints do not export it

        known = list(map(str, list_optimizers()))
        if name not in known:
            raise ValueError(f"timm has no optimizer {name!r}; {nearest(name, known)}")
        return name

    def check_same(self, before: Mapping[str, Any]) -> None:
        """Raises SettingsError unless a training that had these, as plain data, can go on with those of now.

        Optimizers take up their own rates again, whatever is asked for now.
        """
        now = self.model_dump(mode="json", exclude=set(_MAY_CHANGE))
        check_same("settings", {name: before[name] for name in now if name in before}, now)


def check_same(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises SettingsError where plain data of a training are others than they were; what it had none of is left out.

    >>> check_same("model", {"config": {"size": 64}}, {"config": {"size": 96}})
    Traceback (most recent call last):
    fpngraph.training.settings.SettingsError: the training had another model: config.size was 64, not 96
      hint: another training can begin with its weights
    """
    others = list(_others(before, now))
    if others:
        free = f"only {' and '.join(_MAY_CHANGE)} may be others; " if what == "settings" else ""
        had = "other settings" if what == "settings" else f"another {what}"
        raise SettingsError(
            f"the training had {had}: {'; '.join(others)}\n  hint: {free}another training can begin with its weights"
        )


def _others(before: Mapping[str, Any], now: Mapping[str, Any], within: str = "") -> Iterator[str]:
    for name in (name for name in now if name in before and before[name] != now[name]):
        old, new, path = before[name], now[name], f"{within}{name}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _others(old, new, f"{path}.")
        else:
            told = f"{path} was {old!r}, not {new!r}"
            yield told if len(told) <= _LONGEST else f"{path} is another"
