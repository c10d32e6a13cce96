"""Which runs the experiments are made of, and what these need."""

from pathlib import Path
from typing import Any

from plans import plan_of, table_of

from mosforge.core.runs import Run


def test_runs_are_those_of_the_datasets_that_are_there(with_datasets: dict[str, Any]) -> None:
    plan = plan_of(with_datasets)
    table1 = plan.experiments.runs("table1")
    assert {run.dataset for run in table1} == {"tid2013"}
    assert {run.split for run in table1} == {str(seed) for seed in range(1, 11)}
    networks = {run.initialisation for run in table1 if run.backbone != "none"}
    assert networks == {"imagenet", "synthetic-multitask"}
    assert {run.initialisation for run in table1} - networks == {"psnr", "ssim", "fsim", "brisque"}
    table3 = plan.experiments.runs("table3")
    assert {(run.dataset, run.test_dataset, run.split) for run in table3} == {
        ("tid2013", "livec", "full"),
        ("livec", "tid2013", "full"),
    }
    left_out = "\n".join(plan.experiments.left_out(["table1", "table2"]))
    assert all(f"dataset {name} is left out" in left_out for name in ("live", "csiq", "koniq10k"))
    assert "tid2013 is" not in left_out


def test_a_table_reads_the_predictions_of_what_is_measured_once(with_datasets: dict[str, Any]) -> None:
    experiments = plan_of(with_datasets).experiments
    assert experiments.predictions_of_single_splits("table1") == []
    table3 = experiments.predictions_of_single_splits("table3")
    assert table3 == [file for file in experiments.predictions("table3") if "/none/" not in file]
    assert "results/evaluation/tid2013/full/resnet50/synthetic-multitask/finetune/livec.parquet" in table3
    with_datasets["finetuning"]["datasets"]["tid2013"]["splits"] = ["official"]
    single = plan_of(with_datasets).experiments.predictions_of_single_splits("table1")
    folder = "results/evaluation/tid2013/official/resnet50"
    assert single == [
        f"{folder}/{start}/finetune/tid2013.parquet" for start in ("imagenet", "synthetic-multitask")
    ]


def test_full_reference_rows_need_references(with_datasets: dict[str, Any]) -> None:
    with_datasets["evaluation"]["experiments"]["table2"]["comparisons"] = ["psnr", "brisque"]
    experiments = plan_of(with_datasets).experiments
    assert {run.initialisation for run in experiments.runs("table2") if run.backbone == "none"} == {"brisque"}
    assert "psnr on dataset livec left out of table2: it has no reference images" in experiments.left_out(
        ["table2"]
    )
    assert not any("none" in path for path in experiments.pretrained)


def test_full_reference_metrics_stand_where_reference_images_are(
    with_datasets: dict[str, Any], tmp_path: Path
) -> None:
    rows = [f"{i}.png,1,ref {i}.png\n" for i in range(20)]  # enough to be tested
    for name, lines in (
        ("all", "".join(["image,mos,reference_image\n", *rows])),
        ("some", "".join(["image,mos,reference_image\n", *rows[:19], "a.png,1,\n"])),
        ("none", "".join(["image,mos\n", *(f"{i}.png,1\n" for i in range(20))])),
    ):
        with_datasets["finetuning"]["datasets"][name] = table_of(tmp_path / name, lines)
    asked = {"backbones": [], "initialisations": [], "comparisons": ["psnr", "brisque", "gmsd"]}
    datasets = ["all", "some", "none", "tid2013"]
    with_datasets["evaluation"]["experiments"] = {"within": asked | {"datasets": datasets}}
    experiments = plan_of(with_datasets).experiments
    measured = {(run.dataset, run.initialisation) for run in experiments.runs("within")}
    assert measured == {(name, "brisque") for name in datasets} | {
        (name, metric) for name in ("all", "some", "tid2013") for metric in ("psnr", "gmsd")
    }
    assert experiments.left_out(["within"]) == [
        "psnr, gmsd on dataset some of within: measured only on the images that have a reference "
        "image, 19 of 20",
        "psnr, gmsd on dataset none left out of within: it has no reference images",
    ]


def test_only_a_frozen_network_stands_side_by_side_or_is_not_adapted(with_datasets: dict[str, Any]) -> None:
    with_datasets["evaluation"]["experiments"]["table2"] |= {
        "datasets": ["livec", "tid2013"],
        "initialisations": ["imagenet", "cls", "multitask", "imagenet+multitask"],
        "adaptations": ["finetune", "probe", "none"],
        "comparisons": [],
    }
    experiments = plan_of(with_datasets).experiments
    runs = [run for run in experiments.runs("table2") if run.split == "1" and run.dataset == "livec"]
    starts = [(run.initialisation.replace("authentic_livec-", ""), run.adaptation) for run in runs]
    assert starts == [
        *(("imagenet", "finetune"), ("cls", "finetune"), ("multitask", "finetune")),
        *(("imagenet", "probe"), ("cls", "probe"), ("multitask", "probe"), ("imagenet+multitask", "probe")),
        ("multitask", "none"),
    ]
    protocol = plan_of(with_datasets).table("table2").protocol
    assert protocol is not None
    assert protocol.evaluation == {"crops": 60, "feature_crops": 4}


def test_a_users_scores_go_through_the_splits_as_brisque_does(with_datasets: dict[str, Any]) -> None:
    evaluation = with_datasets["evaluation"]
    evaluation["comparisons"] = {"niqe": "niqe.csv", "ilniqe": "gone.csv"}
    evaluation["experiments"]["table1"]["comparisons"] = ["niqe", "ilniqe", "brisque"]
    Path("niqe.csv").write_text("image,score\n")
    plan = plan_of(with_datasets)
    runs = [run for run in plan.experiments.runs("table1") if run.initialisation == "niqe"]
    assert [run.split for run in runs] == [str(seed) for seed in range(1, 11)]
    assert {run.dataset for run in runs} == {"tid2013"}  # the only one of its datasets that is there
    inputs = plan.evaluation.comparison(runs[0])
    assert inputs["test_scores"] == "niqe.csv"
    assert {"test_dataset", "test_split", "dataset", "split"} <= set(inputs)
    assert any("gone.csv" in line for line in plan.table("table1").left_out)
    assert all(run.initialisation != "ilniqe" for run in plan.experiments.runs("table1"))


def test_table3_has_imagenet_weights_beside_the_papers_pretraining(with_datasets: dict[str, Any]) -> None:
    runs = plan_of(with_datasets).experiments.runs("table3")
    networks = {run.initialisation for run in runs if run.backbone != "none"}
    assert "imagenet" in networks
    assert len(networks) > 1


def test_each_seed_is_a_training_of_each_split(with_datasets: dict[str, Any]) -> None:
    before = plan_of(with_datasets).experiments.predictions("table1")
    with_datasets["finetuning"]["seeds"] = [0, 3]
    plan = plan_of(with_datasets)
    after = plan.experiments.predictions("table1")
    assert set(before) < set(after)  # a further seed moves nothing
    networks = [path for path in before if "/none/" not in path]
    assert len(after) == len(before) + len(networks)
    run = next(run for run in plan.experiments.runs("table1") if run.seed == 3)
    assert plan.trainings.finetuning(run).seed == 3
    assert plan.evaluation.predict_settings(run).seed == 3
    assert plan.trainings.initial_weights(run) == plan.trainings.initial_weights(run._replace(seed=0))


def test_a_budget_of_ratings_is_a_split_of_what_learns_from_scores(with_datasets: dict[str, Any]) -> None:
    with_datasets["finetuning"]["datasets"]["livec"]["splits"] = [1]
    with_datasets["evaluation"]["experiments"]["table2"] |= {
        "datasets": ["livec"],
        "initialisations": ["imagenet", "multitask"],
        "adaptations": ["finetune", "probe", "none"],
        "comparisons": ["brisque"],
        "ratings": ["all", 100, 25],
    }
    plan = plan_of(with_datasets)
    found: dict[str, list[tuple[str, str]]] = {}
    for run in plan.experiments.runs("table2"):
        start = run.initialisation.removeprefix("authentic_livec-")
        found.setdefault(run.split, []).append((start, run.adaptation))
    trained = [(name, way) for way in ("finetune", "probe") for name in ("imagenet", "multitask")]
    brisque = ("brisque", "none")
    assert found == {
        "1": [*trained, ("multitask", "none"), brisque],
        "1-25": [*trained, brisque],
        "1-100": [*trained, brisque],
    }
    assert plan.datasets.split("livec", "1-25").plain() == {
        **plan.datasets.split("livec", "1").plain(),
        "ratings": 25,
    }
    # a pretraining that has seen the training part needs no rating
    run = Run("livec", "1-25", "resnet50", "authentic_livec-multitask", "livec", 0, "probe")
    assert plan.trainings.initial_weights(run).startswith("results/pretraining/authentic_livec/livec/1/")
    features = "results/evaluation/features/livec/livec/1/resnet50/authentic_livec-multitask.parquet"
    assert plan.evaluation.probed(run)["features"] == [features]
    assert plan.evaluation.probed(run)["split"] == "results/finetuning/livec/1-25/split.parquet"
    single = plan.experiments.predictions_of_single_splits("table2")
    assert len(single) == 3 * len(trained) + 1
