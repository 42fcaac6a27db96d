"""What is wrong with a configuration is told, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from fpngraph.efficientdet import Config, ConfigError, config, create


def test_a_name_that_does_not_exist_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        create("tf_efficientdet_d9")

    first, hint = str(caught.value).split("\n")
    assert first == "there is no configuration 'tf_efficientdet_d9'"
    assert hint.startswith("  hint: did you mean 'tf_efficientdet_d")


def test_every_wrong_field_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        create("efficientdet_d0", num_clases=3, act="silo", conv={"conv": {"bias": True}}, num_scales=0)

    assert str(caught.value) == (
        "configuration 'efficientdet_d0' has wrong fields:\n"
        "  'conv' is {'conv': {'bias': True}}: whether it has a bias is what 'conv_bias' says\n"
        "  'act' is 'silo': there is no act 'silo'\n"
        "  'num_scales' is 0: Input should be greater than 0\n"
        "  there is no field 'num_clases'\n"
        "    hint: did you mean 'num_classes'?"
    )


NO_SETTINGS = {
    "misspelt": (
        {"conv": {"conv": {"kernl": 3}}},
        "'conv': unknown setting 'kernl' of 'conv', did you mean 'kernel'? "
        "There are: kernel, channels, dilation, bias, groups",
    ),
    "there are none": ({"head_act": {"silu": {"x": 1}}}, "'head_act': unknown setting 'x' of 'silu', there are none"),
    "two": (
        {"norm": {"batch_norm": {"epz": 1, "momentun": 1}}},
        "'norm': unknown setting 'epz' of 'batch_norm', did you mean 'eps'? There are: eps, momentum; "
        "unknown setting 'momentun' of 'batch_norm', did you mean 'momentum'? There are: eps, momentum",
    ),
    "a number": ({"conv": {"conv": 3}}, "'conv': the settings of 'conv' are 3, not a mapping"),
    "nothing": ({"conv": {"conv": None}}, "'conv': the settings of 'conv' are None, not a mapping"),
    "a list": ({"act": {"silu": [1]}}, "'act': the settings of 'silu' are [1], not a mapping"),
}


@pytest.mark.parametrize(("changes", "told"), NO_SETTINGS.values(), ids=NO_SETTINGS)
def test_what_are_no_settings_of_an_operator_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config("tf_efficientdet_d0", **changes)

    assert str(caught.value) == f"configuration 'tf_efficientdet_d0' has wrong fields:\n  {told}"


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"kernel": "x"}, "'kernel' of 'conv' is 'x'"), ({3: 1}, "'3' of 'conv' is 3")],
    ids=["value", "name"],
)
def test_a_wrong_value_of_a_setting_is_told_with_its_operator(settings: dict[Any, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config("tf_efficientdet_d0", conv={"conv": settings})

    _, line = str(caught.value).split("\n")
    assert line.startswith(f"  'conv': setting {told}: ")  # the rest is pydantic's wording


def test_parameters_that_are_no_mapping_are_refused() -> None:
    params: Any = 3

    with pytest.raises(ConfigError) as caught:
        config("tf_efficientdet_d0", params=params)

    assert str(caught.value) == "'params' is 3, not a mapping"


def test_a_configuration_cannot_be_changed() -> None:
    settings = config("efficientdet_d0")

    with pytest.raises(ValueError):
        settings.num_classes = 3  # type: ignore[misc]

    assert isinstance(settings, Config)
