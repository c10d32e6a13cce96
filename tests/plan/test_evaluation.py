"""Which files the jobs that predict scores need, and their settings."""

from typing import Any

from plans import plan_of

from mosforge.core.runs import Run


def test_a_measure_without_a_network_needs_its_scores_and_brisque_a_training_part(
    with_datasets: dict[str, Any],
) -> None:
    evaluation = plan_of(with_datasets).evaluation
    run = Run("tid2013", "3", "none", "fsim", "tid2013")
    assert evaluation.comparison(run) == {
        "test_split": "results/finetuning/tid2013/3/split.parquet",
        "test_dataset": "results/finetuning/tid2013/dataset.parquet",
        "test_scores": "results/metrics/targets/tid2013.parquet",
    }
    run = Run("tid2013", "full", "none", "brisque", "livec")
    assert evaluation.comparison(run) == {
        "dataset": "results/finetuning/tid2013/dataset.parquet",
        "split": "results/finetuning/tid2013/full/split.parquet",
        "scores": "results/evaluation/brisque/tid2013.parquet",
        "test_dataset": "results/finetuning/livec/dataset.parquet",
        "test_scores": "results/evaluation/brisque/livec.parquet",
        "test_split": "results/finetuning/livec/across/tid2013/split.parquet",
    }


def test_the_features_of_a_dataset_are_shared_unless_the_pretraining_has_seen_a_split(
    with_datasets: dict[str, Any],
) -> None:
    plan = plan_of(with_datasets)
    both = Run("livec", "1", "resnet50", "imagenet+authentic_livec-multitask", "livec", 0, "probe")
    shared = "results/evaluation/features/livec/resnet50/imagenet.parquet"
    of_split = "results/evaluation/features/livec/livec/1/resnet50/authentic_livec-multitask.parquet"
    assert plan.evaluation.probed(both)["features"] == [shared, of_split]
    own = plan.evaluation.probed(both._replace(initialisation="authentic_livec-multitask", adaptation="none"))
    assert (own["test_features"], own["features"], "dataset" in own) == ([of_split], [], False)
    for split in ("1", "2"):
        run = Run("tid2013", split, "resnet50", "synthetic-multitask", "tid2013", 0, "probe")
        folder = "results/evaluation/features/tid2013/resnet50"
        assert plan.evaluation.probed(run)["features"] == [f"{folder}/synthetic-multitask.parquet"]
