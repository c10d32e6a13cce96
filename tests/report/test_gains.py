"""What one pretraining adds to another, against scipy, and what the page concludes from it."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rows import correlations, crossed, measured, no_predictions
from scipy import stats

from mosforge.core.runs import Run
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.seeds import generator
from mosforge.core.tables import read_table
from mosforge.report.artefacts import predictions_in, read_artefacts
from mosforge.report.blocks import say
from mosforge.report.gains import CONTENTS, SPLITS, findings, gains_grid, gains_of, summary_of_findings
from mosforge.report.settings import PageSettings
from mosforge.report.words import method_names
from mosforge.statistics.intervals import RESAMPLES, intervals


def gains(table: pd.DataFrame, predictions: Any = no_predictions, proxies: tuple[str, ...] = ()) -> list[Any]:
    """The gains as named tuples."""
    return list(gains_of("mine", table, predictions, proxies).itertuples())


def test_several_splits_have_the_corrected_interval() -> None:
    """As many contents are tested as make a quarter of the others: 50 and 200 of 100 images."""
    base, other = [0.80, 0.70, 0.75, 0.90], [0.82, 0.73, 0.79, 0.91]
    (found,) = gains(correlations({("net", "imagenet"): base, ("net", "tiles-cls"): other}))
    student = stats.ttest_rel(other, base).confidence_interval(0.95)
    half = (student.high - student.low) / 2 * math.sqrt((1 / 4 + 0.25) / (1 / 4))
    assert (found.low, found.high) == pytest.approx((0.025 - half, 0.025 + half), abs=1e-4)
    assert student.low > 0 > found.low, "only the corrected one holds zero"
    assert (found.method, found.against, found.splits, found.interval_over) == ("CLS", "FT", 4, SPLITS)
    assert found.difference == pytest.approx(0.025)
    assert (found.first, found.second) == pytest.approx((np.median(other), np.median(base)))


def test_an_interval_ends_where_no_two_correlations_differ_more() -> None:
    """Student's quantile of two splits is 12.7."""
    (found,) = gains(correlations({("net", "imagenet"): [0.1, 0.5], ("net", "tiles-cls"): [0.6, 0.5]}))
    assert (found.low, found.high, found.interval_over) == (-2.0, 2.0, SPLITS)


@pytest.mark.slow
def test_a_single_split_has_the_interval_of_its_resampled_images(results: Path) -> None:
    rows = read_table(results / "evaluation/ablation.parquet", CORRELATIONS)
    predictions = read_artefacts(results, PageSettings()).predictions
    (found,) = gains(rows, predictions)
    first, second = (
        predictions(Run("tid2013", "1", "efficientnet_lite0", start, "tid2013"))
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
    assert found.interval_over == CONTENTS
    # and these resamples are those of the model's own interval
    own = intervals(one["prediction"].to_numpy(), given, one["content"].tolist(), "tid2013", "1")["srocc"]
    assert own == pytest.approx(tuple(np.percentile(sroccs[0], [2.5, 97.5])), abs=1e-9)


def test_the_predictions_are_found_among_files(results: Path) -> None:
    rows = read_table(results / "evaluation/ablation.parquet", CORRELATIONS)
    files = sorted((results / "evaluation/tid2013").rglob("*.parquet"))
    there = read_artefacts(results, PageSettings()).predictions
    assert str(gains(rows, predictions_in(files))) == str(gains(rows, there))  # NaN is not NaN


def test_without_predictions_a_single_split_has_no_interval() -> None:
    table = correlations({("net", "imagenet"): [0.8], ("net", "t-reg"): [0.9]})
    (found,) = gains(table)
    assert found.difference == pytest.approx(0.1)
    assert math.isnan(found.low)
    assert found.interval_over == ""


def test_models_of_other_images_are_not_paired() -> None:
    def of_run(run: Run) -> pd.DataFrame:
        images = [f"{run.initialisation}-{i}" for i in range(9)]
        values = np.linspace(0, 1, 9)
        return pd.DataFrame({**run._asdict(), "image": images, "prediction": values, "quality": values})

    table = correlations({("net", "imagenet"): [0.8], ("net", "t-reg"): [0.9]})
    (found,) = gains(table, of_run)
    assert found.interval_over == ""


def test_the_multi_task_pretraining_is_set_against_its_halves_of_the_same_corpus() -> None:
    starts = ("imagenet", "big-cls", "tiles-cls", "tiles-reg", "tiles-rank", "tiles-multitask")
    table = correlations({("net", start): [0.5, 0.6] for start in starts})
    pairs = [(item.method, item.against) for item in gains(table)]
    assert pairs == [
        ("CLS from big", "FT"),
        ("CLS from tiles", "FT"),
        ("REG", "FT"),
        ("RANK", "FT"),
        ("CLS+REG", "FT"),
        ("CLS+REG", "CLS from tiles"),
        ("CLS+REG", "REG"),
    ]


def test_each_pair_of_datasets_has_its_gain() -> None:
    values = {
        ("live", test, "net", start): srocc
        for test in ("csiq", "livec")
        for start, srocc in (("imagenet", 0.2), ("tiles-cls", 0.8))
    }
    found = gains(crossed(values))
    assert [(item.train_dataset, item.test_dataset) for item in found] == [
        ("live", "csiq"),
        ("live", "livec"),
    ]


def sentences(values: dict[str, list[float]], proxies: tuple[str, ...] = ()) -> list[str]:
    """The findings of two experiments with the same rows."""
    table = correlations({("net", start): sroccs for start, sroccs in values.items()})
    found = gains_of("mine", table, no_predictions, proxies)
    return findings(pd.concat([found, found.assign(experiment="again")]), method_names(table))


@pytest.mark.parametrize(
    ("added", "shown"),
    [
        ((0.03, 0.04, 0.05), "+0.007 to +0.073: all of it above zero"),
        ((-0.03, -0.04, -0.05), "−0.073 to −0.007: all of it below zero"),
        ((-0.03, 0.00, 0.05), "contains zero"),
        ((0.03,), "no interval"),
    ],
)
def test_a_finding_says_what_its_interval_shows(added: tuple[float, ...], shown: str) -> None:
    base = [0.7, 0.6, 0.8][: len(added)]
    other = [low + gain for low, gain in zip(base, added, strict=True)]
    (sentence,) = sentences({"imagenet": base, "tiles-multitask": other})
    assert f"SROCC {np.median(base):.3f} from the first weights" in sentence
    assert f"{np.median(other):.3f} after CLS+REG pretraining" in sentence
    assert shown in sentence


def test_several_findings_come_to_one_sentence() -> None:
    """It counts what the intervals of all show, those without one too."""
    base = [0.7, 0.6, 0.8]
    found = [
        gains_of(
            "mine", correlations({("net", "imagenet"): base, ("net", "t-cls"): other}, name), no_predictions
        )
        for name, other in (
            ("a", [0.73, 0.64, 0.85]),
            ("b", [0.67, 0.56, 0.75]),
            ("c", [0.67, 0.6, 0.85]),
            ("d", [0.74]),
        )
    ]
    text = summary_of_findings(pd.concat(found))
    assert "in 4 comparisons: " in text
    assert "above zero in 1, below zero in 1, and contains zero or is not known in 2" in text
    proxies = gains_of(
        "mine", correlations({("net", "imagenet"): base, ("net", "t-cls"): base}), no_predictions, ("own",)
    )
    assert "not human scores" in summary_of_findings(pd.concat([*found, proxies]))


def test_no_finding_is_chosen_by_its_score() -> None:
    best = {"imagenet": [0.5, 0.6], "tiles-rank": [0.8, 0.9], "tiles-multitask": [0.4, 0.5]}
    (sentence,) = sentences(best, proxies=("own",))
    assert "after CLS+REG pretraining" in sentence
    assert "not human scores" in sentence
    (sentence,) = sentences({"imagenet": [0.5, 0.6], "tiles-cls": [0.4, 0.5], "tiles-reg": [0.8, 0.9]})
    assert "after CLS pretraining" in sentence
    assert sentences({"imagenet": [0.5, 0.6]}) == []


def trained_twice(split: str, sroccs: dict[str, list[float]]) -> pd.DataFrame:
    """Rows of the trainings of one split, of each initialisation a list."""
    return pd.DataFrame(
        [
            measured(Run("own", split, "net", start, "own", seed), srocc)
            for start, values in sroccs.items()
            for seed, srocc in enumerate(values)
        ]
    )


def test_of_several_trainings_of_a_split_the_mean_counts() -> None:
    rows = [
        trained_twice(
            split, {"imagenet": [base, base + 0.02], "tiles-cls": [base + gain, base + gain + 0.02]}
        )
        for split, base, gain in (("1", 0.7, 0.01), ("2", 0.8, 0.02), ("3", 0.75, 0.03))
    ]
    (found,) = gains(pd.concat(rows))
    assert (found.splits, found.trainings) == (3, 2)
    assert found.difference == pytest.approx(0.02)
    student = stats.ttest_1samp([0.01, 0.02, 0.03], 0).confidence_interval(0.95)
    half = (student.high - 0.02) * math.sqrt((1 / 3 + 0.25) / (1 / 3))
    assert (found.low, found.high) == pytest.approx((0.02 - half, 0.02 + half))


def test_splits_that_all_differ_alike_give_no_interval() -> None:
    """Two splits of few images can have the same SROCC twice: that is no certainty."""
    table = correlations({("net", "imagenet"): [0.8, 0.6], ("net", "tiles-multitask"): [0.8, 0.6]})
    (found,) = gains(table)
    assert (found.difference, found.interval_over) == (0, "")
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert "no interval" in gains_grid(gains_of("mine", table, no_predictions)).rows[""][0][2].small
    (sentence,) = sentences({"imagenet": [0.8, 0.6], "tiles-multitask": [0.8, 0.6]})
    assert sentence.endswith(say("finding_without_interval"))
    assert "0.000 to 0.000" not in sentence


def test_two_models_of_one_order_in_a_single_split_have_no_interval() -> None:
    given = np.linspace(0, 1, 9)

    def of_run(run: Run) -> pd.DataFrame:
        images = [f"{place}" for place in range(9)]
        predicted = given if run.initialisation == "imagenet" else given**2
        columns = {"image": images, "content": images, "quality": given, "prediction": predicted}
        return pd.DataFrame({**run._asdict(), **columns})

    (found,) = gains(correlations({("net", "imagenet"): [1.0], ("net", "t-reg"): [1.0]}), of_run)
    assert found.interval_over == ""
    assert math.isnan(found.low)


def test_the_noise_of_training_is_in_the_gain_of_a_single_split() -> None:
    draws = np.random.default_rng(0)
    given = draws.uniform(size=60)
    images = [f"{i:02}" for i in range(60)]
    noise = {(start, seed): draws.normal(0, 0.2, 60) for start in ("imagenet", "t-reg") for seed in range(3)}

    def of_run(run: Run) -> pd.DataFrame:
        columns = {"image": images, "content": images, "quality": given}
        return pd.DataFrame(
            {**run._asdict(), **columns, "prediction": given + noise[run.initialisation, run.seed]}
        )

    sroccs = {
        start: [float(stats.spearmanr(given + noise[start, seed], given)[0]) for seed in range(3)]
        for start in ("imagenet", "t-reg")
    }
    (found,) = gains(trained_twice("official", sroccs), of_run)
    assert (found.splits, found.trainings, found.interval_over) == (1, 3, CONTENTS)
    differences = np.subtract(sroccs["t-reg"], sroccs["imagenet"])
    assert found.difference == pytest.approx(differences.mean())
    student = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert found.high - found.low > student.high - student.low
    (single,) = gains(trained_twice("official", {key: value[:1] for key, value in sroccs.items()}), of_run)
    assert single.trainings == 1


def test_the_gain_without_contents_that_are_trained_on_stands_beside() -> None:
    rows = correlations({("net", "imagenet"): [0.6, 0.7], ("net", "own-cls"): [0.8, 0.8]})
    assert gains_of("own", rows, no_predictions)["clean"].isna().all()
    spoiled = rows["split"] == "0"
    rows.loc[spoiled, "clean_images"] = 50
    rows.loc[spoiled, "clean_srocc"] = [0.5, 0.6]
    gains = gains_of("own", rows, no_predictions)
    assert gains["difference"].tolist() == pytest.approx([0.15])
    assert gains["clean"].tolist() == pytest.approx([0.1])
    assert "clean +0.100" in gains_grid(gains).rows[""][0][2].small
