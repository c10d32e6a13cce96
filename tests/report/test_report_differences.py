"""Paired differences and what the page concludes from them, against scipy."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rows import correlations, crossed, no_predictions
from scipy import stats

from mosforge.core.runs import Run
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.seeds import generator
from mosforge.core.tables import read_table
from mosforge.report.artefacts import predictions_in, predictions_of
from mosforge.report.differences import IMAGES, SPLITS, paired_differences
from mosforge.report.methods import method_names
from mosforge.report.sections import Experiment, findings
from mosforge.statistics.intervals import RESAMPLES, intervals


def test_several_splits_have_scipys_t_interval() -> None:
    base, other = [0.80, 0.70, 0.75, 0.90], [0.82, 0.75, 0.74, 0.93]
    table = correlations({("net", "imagenet"): base, ("net", "tiles-cls"): other})
    (found,) = paired_differences(table, no_predictions)
    interval = stats.ttest_rel(other, base).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert (found.method, found.base, found.splits, found.over) == ("CLS", "FT", 4, SPLITS)
    assert found.value == pytest.approx(0.0225)
    assert (found.first, found.second) == pytest.approx((np.mean(other), np.mean(base)))


@pytest.mark.slow
def test_a_single_split_has_the_interval_of_its_resampled_images(results: Path) -> None:
    rows = read_table(results / "evaluation/ablation.parquet", CORRELATIONS)
    (found,) = paired_differences(rows, lambda run: predictions_of(run, results))
    first, second = (
        predictions_of(Run("tid2013", "1", "efficientnet_lite0", start, "tid2013"), results)
        for start in ("tiles-multitask", "imagenet")
    )
    assert first is not None
    assert second is not None
    one, other = (table.sort_values("image") for table in (first, second))
    given = one["quality"].to_numpy()
    drawn = generator("bootstrap over test images", "tid2013", "1").integers(0, 36, (RESAMPLES, 36))
    sroccs = [
        [stats.spearmanr(table["prediction"].to_numpy()[row], given[row]).statistic for row in drawn]
        for table in (one, other)
    ]
    wanted = np.percentile(np.subtract(*sroccs), [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx(tuple(wanted), abs=1e-9)
    assert found.over == IMAGES
    # and these resamples are those of the model's own interval
    alone = intervals(one["prediction"].to_numpy(), given, "tid2013", "1")["srocc"]
    assert alone == pytest.approx(tuple(np.percentile(sroccs[0], [2.5, 97.5])), abs=1e-9)


def test_the_predictions_are_found_among_files(results: Path) -> None:
    rows = read_table(results / "evaluation/ablation.parquet", CORRELATIONS)
    files = sorted((results / "evaluation/tid2013").rglob("*.parquet"))
    there = paired_differences(rows, lambda run: predictions_of(run, results))
    assert paired_differences(rows, predictions_in(files)) == there


def test_without_predictions_a_single_split_has_no_interval() -> None:
    table = correlations({("net", "imagenet"): [0.8], ("net", "t-reg"): [0.9]})
    (found,) = paired_differences(table, no_predictions)
    assert found.value == pytest.approx(0.1)
    assert math.isnan(found.low)
    assert found.over == ""


def test_models_of_other_images_are_not_paired() -> None:
    def of_run(run: Run) -> pd.DataFrame:
        images = [f"{run.initialisation}-{i}" for i in range(9)]
        values = np.linspace(0, 1, 9)
        return pd.DataFrame({**run._asdict(), "image": images, "prediction": values, "quality": values})

    table = correlations({("net", "imagenet"): [0.8], ("net", "t-reg"): [0.9]})
    (found,) = paired_differences(table, of_run)
    assert found.over == ""


def test_the_multi_task_pretraining_is_set_against_its_halves_of_the_same_corpus() -> None:
    starts = ("imagenet", "big-cls", "tiles-cls", "tiles-reg", "tiles-rank", "tiles-multitask")
    table = correlations({("net", start): [0.5, 0.6] for start in starts})
    pairs = [(item.method, item.base) for item in paired_differences(table, no_predictions)]
    assert pairs == [
        ("CLS from big", "FT"),
        ("CLS from tiles", "FT"),
        ("REG", "FT"),
        ("RANK", "FT"),
        ("CLS+REG", "FT"),
        ("CLS+REG", "CLS from tiles"),
        ("CLS+REG", "REG"),
    ]


def test_each_pair_of_datasets_is_told_apart() -> None:
    values = {
        ("live", test, "net", start): srocc
        for test in ("csiq", "livec")
        for start, srocc in (("imagenet", 0.2), ("tiles-cls", 0.8))
    }
    found = paired_differences(crossed(values), no_predictions)
    assert [(item.train, item.test) for item in found] == [("live", "csiq"), ("live", "livec")]


def sentences(values: dict[str, list[float]], proxies: tuple[str, ...] = ()) -> list[str]:
    table = correlations({("net", start): sroccs for start, sroccs in values.items()})
    gains = tuple(paired_differences(table, no_predictions))
    experiments = [Experiment(name, name, gains=gains) for name in ("mine", "again")]
    return findings(experiments, method_names(table), proxies)


@pytest.mark.parametrize(
    ("gains", "told"),
    [
        ((0.03, 0.04, 0.05), "+0.015 to +0.065: all of it above zero."),
        ((-0.03, -0.04, -0.05), "−0.065 to −0.015: all of it below zero."),
        ((-0.03, 0.00, 0.05), "it contains zero, so no difference is shown."),
        ((0.03,), "No interval of the difference can be told: it may be chance."),
    ],
)
def test_a_finding_says_what_its_interval_shows(gains: tuple[float, ...], told: str) -> None:
    base = [0.7, 0.6, 0.8][: len(gains)]
    other = [low + gain for low, gain in zip(base, gains, strict=True)]
    (sentence,) = sentences({"imagenet": base, "tiles-multitask": other})
    assert f"SROCC {np.mean(base):.3f} from ImageNet weights alone" in sentence
    assert f"{np.mean(other):.3f} after CLS+REG pretraining" in sentence
    assert sentence.endswith(told)


def test_no_finding_is_chosen_by_its_score() -> None:
    best = {"imagenet": [0.5, 0.6], "tiles-rank": [0.8, 0.9], "tiles-multitask": [0.4, 0.5]}
    (sentence,) = sentences(best, proxies=("own",))
    assert "after CLS+REG pretraining" in sentence
    assert "not human scores" in sentence
    (sentence,) = sentences({"imagenet": [0.5, 0.6], "tiles-cls": [0.4, 0.5], "tiles-reg": [0.8, 0.9]})
    assert "after CLS pretraining" in sentence
    assert sentences({"imagenet": [0.5, 0.6]}) == []
