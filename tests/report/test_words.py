"""How methods, datasets and numbers are written."""

import math

import pytest
from rows import correlations, crossed

from mosforge.report import words


@pytest.mark.parametrize(
    ("initialisation", "adaptation", "name"),
    [
        ("imagenet", "finetune", "FT"),
        ("synthetic-cls", "finetune", "CLS"),
        ("my-own-corpus-reg", "finetune", "REG"),
        ("authentic-multitask", "finetune", "CLS+REG"),
        ("synthetic-rank", "finetune", "RANK"),
        ("psnr", "none", "PSNR"),
        ("fsim", "none", "FSIMc"),
        ("ms_ssim", "none", "MS-SSIM"),
        ("brisque", "none", "BRISQUE"),
        ("imagenet", "probe", "ImageNet, probe"),
        ("imagenet+synthetic-multitask", "probe", "ImageNet and CLS+REG, probe"),
        ("synthetic-multitask", "none", "CLS+REG, zero-shot"),
    ],
)
def test_names_of_methods(initialisation: str, adaptation: str, name: str) -> None:
    assert words.method_of(initialisation, adaptation) == name


def test_a_corpus_is_in_the_name_if_an_objective_has_several() -> None:
    starts = ("imagenet", "big-multitask", "tiles-multitask", "tiles-cls")
    rows = correlations({("net", start): [0.5] for start in starts})
    assert words.method_names(rows) == {
        ("imagenet", "finetune"): "FT",
        ("big-multitask", "finetune"): "CLS+REG from big",
        ("tiles-multitask", "finetune"): "CLS+REG from tiles",
        ("tiles-cls", "finetune"): "CLS",
    }
    assert (
        words.method_of("imagenet+big-cls", "probe", with_corpus=True) == "ImageNet and CLS from big, probe"
    )
    # each dataset has a corpus of its own: one method, and one name
    own = {("live", "livec", "net", "tiles-multitask"): 0.5, ("livec", "live", "net", "big-multitask"): 0.4}
    assert set(words.method_names(crossed(own)).values()) == {"CLS+REG"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.8155, "0.816"), (-0.1234, "−0.123"), (-0.0001, "0.000"), (math.nan, "–"), (None, "–")],
)
def test_numbers(value: float | None, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, "+0.012"), (-0.0123, "−0.012"), (0.0001, "0.000"), (math.nan, "–")]
)
def test_differences(value: float, text: str) -> None:
    assert words.signed(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100%"),
        (0.0, "0%"),
        (0.514, "51%"),
        (0.999, "99.90%"),
        (1 - 1 / 21869, "over 99.99%"),
        (1 / 21869, "under 0.01%"),
    ],
)
def test_only_all_is_100_percent_and_only_none_is_0_percent(share: float, text: str) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize(("seconds", "text"), [(4.23, "4.2 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")])
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_names_and_spans_in_a_sentence() -> None:
    assert words.listed(["live"]) == "live"
    assert words.listed(["live", "csiq"]) == "live and csiq"
    assert words.listed(["live", "csiq", "own"]) == "live, csiq and own"
    assert [words.span([2, 2]), words.span([10, 2, 5])] == ["2", "2 to 10"]
