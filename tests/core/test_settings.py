"""Settings keep what was given, and refuse what they do not know."""

import json

import pytest
from pydantic import ValidationError

from mosforge.distortions.settings import AuthenticSettings, DistortSettings, SyntheticSettings
from mosforge.finetuning.settings import SplitSettings
from mosforge.report.settings import PageSettings
from mosforge.sources.settings import CatalogueShardSettings

SYNTHETIC = {
    "kind": "synthetic",
    "seed": 0,
    "type": "contrast",
    "levels": [[0.2, 1], 7, 7.0, -0.5],
    "first_class": 3,
}


def test_plain_gives_the_very_values_that_were_given() -> None:
    settings = SyntheticSettings.model_validate(SYNTHETIC)
    assert json.dumps(settings.plain(), sort_keys=True) == json.dumps(SYNTHETIC, sort_keys=True)
    assert settings.png_compression == 0  # which was not given, so that it is not in plain()


def test_nested_settings_leave_out_what_was_not_given() -> None:
    given = {"shards": 4, "smallest_side": 161, "dataset": {"layout": "table", "folder": "x"}}
    assert CatalogueShardSettings.model_validate(given).plain() == given


def test_the_configuration_on_the_page_keeps_its_numbers() -> None:
    given = {
        "config": {"a": [1, 1.0, True, None, {"b": "1"}]},
        "experiments": {"t": {"protocol": {"evaluation": {"crops": 60}}}},
    }
    assert json.dumps(PageSettings.model_validate(given).plain(), sort_keys=True) == json.dumps(
        given, sort_keys=True
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 1.0),
        ("seed", True),
        ("seed", "1"),
        ("seed", -1),
        ("levels", [True]),
        ("levels", [[1, 2, 3]]),
        ("levels", [float("nan")]),
        ("png_compression", 10),
        ("kinds", 1),
        ("type", 3),
    ],
)
def test_what_does_not_fit_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        SyntheticSettings.model_validate(SYNTHETIC | {key: value})


def test_settings_cannot_be_changed() -> None:
    settings = SplitSettings(layout="live", folder="x", validation=0.1)
    with pytest.raises(ValidationError, match="frozen"):
        settings.validation = 0.2  # type: ignore[misc]


def test_the_kind_says_which_form_the_settings_of_a_shard_have() -> None:
    assert type(DistortSettings.model_validate(SYNTHETIC)) is SyntheticSettings
    mixtures = {"kind": "authentic", "seed": 0, "types": {"jpeg": [30, 12]}, "types_per_image": [1, 2]}
    mixtures |= {"per_image": 3, "png_compression": 1}
    assert type(DistortSettings.model_validate(mixtures)) is AuthenticSettings
    with pytest.raises(ValidationError, match="kadid25"):
        DistortSettings.model_validate(SYNTHETIC | {"kind": "natural"})
