"""What the plan makes of a configuration: settings of tables and of the page, and what is said first."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from plans import plan_of, table_of

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.metrics import METRICS
from mosforge.report.published import deviations

EQUAL = dict.fromkeys(METRICS, 1)

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_table_knows_only_its_own_datasets(with_datasets: dict[str, Any]) -> None:
    plan = plan_of(with_datasets)
    tables = {name: plan.table(name) for name in plan.experiments.names}
    assert tables["table1"].sizes == {"tid2013": 3000}
    assert tables["table1"].scales == {"tid2013": (0, 9)}, "MOS from 0 to 9"
    assert tables["table2"].sizes == {"livec": 1162}
    assert tables["table3"].sizes == {"livec": 1162, "tid2013": 3000}
    assert [line.split()[1] for line in tables["table1"].left_out] == ["live", "csiq"]
    assert [line.split()[1] for line in tables["table2"].left_out] == ["koniq10k"]
    with_datasets["finetuning"]["datasets"]["livec"]["layout"] = "proxy"
    with_datasets["finetuning"]["datasets"]["livec"]["pictures"] = "authentic_livec"
    plan = plan_of(with_datasets)
    assert plan.table("table1") == tables["table1"]
    assert plan.table("table2").proxies == ("livec",)


def test_the_default_configuration_with_the_papers_labels_is_measured_as_in_the_paper(
    with_datasets: dict[str, Any],
) -> None:
    labels = yaml.safe_load((REPOSITORY / "runs/paper_labels.yaml").read_text())
    with_datasets["metrics"] |= labels["metrics"]
    with_datasets["pmos"] |= labels["pmos"]
    plan = plan_of(with_datasets)
    for name in ("table1", "table2", "table3", "ablation"):
        protocol = plan.table(name).protocol
        assert plan.page().experiments[name] == plan.table(name)
        assert deviations(name, plan.experiments.backbones([name]), protocol) == []
    shares = [plan.table(name).protocol.finetuning.get("train") for name in ("table1", "table3")]
    assert shares == [0.8, None]
    assert plan.table("table1").protocol.corpora == {"synthetic": {"photographs": 21869}}
    assert plan.table("table2").protocol.corpora == {"authentic_livec": {"mixtures": 700000}}


def test_a_table_says_that_labels_are_made_otherwise_than_in_the_paper(with_datasets: dict[str, Any]) -> None:
    """Those of classes only, and of ImageNet weights only, depend on no label."""

    def found(name: str) -> list[str]:
        plan = plan_of(with_datasets)
        return deviations(name, plan.experiments.backbones([name]), plan.table(name).protocol)

    scale, fusion, weights = found("table1")
    assert scale == "viewing scale of the metrics 2 (auto)"
    assert fusion == "fusion of the metrics in a label quantile (mean)"
    assert weights.startswith("weights of the metrics in a label ssim 0, ms_ssim 0, mdsi 1, ")
    with_datasets["pmos"]["weights"] = dict.fromkeys(METRICS, 2)
    assert found("table1") == [scale, fusion], "equal weights are the paper's, whatever they are"
    with_datasets["pmos"] |= {"fusion": "calibrated", "weights": {**EQUAL, "ssim": 0}}
    calibrated = "fusion of the metrics in a label calibrated (mean)"
    assert found("table1") == [scale, calibrated], "it has weights of its own"
    for starts in (["imagenet"], ["imagenet", "cls"]):
        with_datasets["evaluation"]["experiments"]["table1"]["initialisations"] = starts
        assert found("table1") == []


def test_a_table_knows_only_how_its_own_networks_were_trained(with_datasets: dict[str, Any]) -> None:
    """Else a key that they do not depend on would write it anew."""
    experiments = with_datasets["evaluation"]["experiments"]
    experiments["table1"]["initialisations"] = ["imagenet", "cls"]
    experiments["table2"]["initialisations"] = ["imagenet"]
    plan = plan_of(with_datasets)
    rates = plan.table("table1").protocol.rates
    assert rates == {"synthetic": {"backbone": 1.0e-4, "classification": 1.0e-5}}
    assert plan.table("table2").protocol.plain().keys() == {"evaluation", "finetuning", "weights"}
    with_datasets["finetuning"]["patches"] = 4
    with_datasets["evaluation"]["crops"] = 8
    with_datasets["pretraining"] |= {"multi_level": True, "resize": 0}
    with_datasets["pretraining"]["loss_weights"]["score"] = 2.0
    with_datasets["pretraining"]["backbones"] |= {"resnet50": "none", "alexnet": "none"}
    found = deviations("table1", ["resnet50"], plan_of(with_datasets).table("table1").protocol)
    assert found == [
        "first weights of resnet50 random (ImageNet's)",
        "crops of a test image 8 (60)",
        "crops of a training image in fine-tuning 4 (100)",
        "features of all stages of the backbone in fine-tuning yes (no)",
        "pixels of the side that images are scaled to in pretraining none (256)",
    ]


def test_what_no_training_read_is_no_deviation(with_datasets: dict[str, Any]) -> None:
    """A configuration of `mosforge init` under the recommended recipe, which trains only the head."""
    with_datasets["evaluation"]["experiments"]["table1"]["initialisations"] = ["imagenet"]
    with_datasets["finetuning"] |= {"patches": 4, "batch_size": 16, "schedule": "cosine", "epochs": 0}
    with_datasets["finetuning"]["learning_rates"]["backbone"] = 1.0e-3
    with_datasets["finetuning"]["head_first"]["epochs"] = 40
    found = deviations("table1", ["resnet50"], plan_of(with_datasets).table("table1").protocol)
    assert found == [
        "epochs in fine-tuning none (10)",
        "passes over the images in which the head alone is trained in fine-tuning 40 (none)",
    ]


def test_missing_weights_are_among_what_was_left_out(with_datasets: dict[str, Any]) -> None:
    with_datasets["pretraining"]["backbones"]["alexnet"] = "weights/alexnet.pth"
    plan = plan_of(with_datasets)
    line = "weights of alexnet are missing: weights/alexnet.pth"
    assert sum(entry.startswith(line) for entry in plan.page().left_out) == 1
    assert any(entry.startswith(line) for entry in plan.table("ablation").left_out)
    assert not any("alexnet" in entry for entry in plan.table("table1").left_out)
    assert (plan.explain_missing() or "").count(line) == 1


def test_what_is_rehearsed_is_a_deviation_and_brings_the_labels_with_it(
    with_datasets: dict[str, Any],
) -> None:
    experiments = with_datasets["evaluation"]["experiments"]
    experiments["table1"]["initialisations"] = ["imagenet"]
    experiments["table2"] |= {"initialisations": ["imagenet"], "adaptations": ["probe"]}
    with_datasets["finetuning"]["rehearsal"]["corpus"] = "kadid25"
    plan = plan_of(with_datasets)
    found = deviations("table1", ["resnet50"], plan.table("table1").protocol)
    assert "pairs of levels of a corpus in a step in fine-tuning kadid25 4 (none)" in found
    assert any(line.startswith("fusion of the metrics in a label") for line in found)
    assert any(line.startswith("pristine images configured for the corpus kadid25") for line in found)
    assert "rehearsal" not in plan.table("table2").protocol.finetuning


@pytest.mark.parametrize(
    ("changes", "starts", "told"),
    [
        ({}, ["imagenet", "multitask"], True),
        ({}, ["imagenet"], False),
        ({"weights": EQUAL}, ["multitask"], False),
        ({"weights": EQUAL, "fusion": "calibrated"}, ["multitask"], True),
    ],
)
def test_who_evaluates_on_kadid10k_is_told_that_the_labels_have_seen_it(
    changes: dict[str, Any], starts: list[str], told: bool, with_datasets: dict[str, Any]
) -> None:
    with_datasets["finetuning"]["datasets"]["rated"] = {
        "layout": "kadid10k",
        "folder": "kadid",
        "corpus": "synthetic",
    }
    experiment = copy.deepcopy(with_datasets["evaluation"]["experiments"]["table1"])
    experiment |= {"datasets": ["tid2013", "rated"], "initialisations": starts}
    with_datasets["evaluation"]["experiments"] = {"mine": experiment}
    with_datasets["pmos"] |= changes
    plan = plan_of(with_datasets)
    assert plan.table("mine").seen == (("rated",) if told else ())
    assert any(line.startswith("rated: the labels") for line in plan.warnings()) == told
    with_datasets["finetuning"]["rehearsal"]["corpus"] = "synthetic"
    assert plan_of(with_datasets).table("mine").seen == (("rated",) if told or not changes else ())


def test_an_experiment_without_any_dataset_is_refused_where_it_is_asked_for(
    with_datasets: dict[str, Any],
) -> None:
    plan = plan_of(with_datasets)
    plan.check_experiment("ablation")
    with_datasets["evaluation"]["experiments"]["table1"]["datasets"] = ["live", "csiq"]
    with_datasets["evaluation"]["experiments"]["table3"]["datasets"] = ["tid2013"]
    plan = plan_of(with_datasets)
    with pytest.raises(MosforgeError, match="experiment table1 can be done: dataset live is left out: the "):
        plan.check_experiment("table1")
    with pytest.raises(MosforgeError, match=r"experiment table3 can be done: .*needs two of them"):
        plan.check_experiment("table3")


def test_columns_that_are_probably_misspelt_are_warned_of(
    with_datasets: dict[str, Any], tmp_path: Path
) -> None:
    table = "image,mos,ref,std\na.png,1,x,0.1\n"
    with_datasets["finetuning"]["datasets"]["mine"] = table_of(tmp_path / "mine", table)
    assert plan_of(with_datasets).warnings() == [], "no experiment uses it"
    with_datasets["evaluation"]["experiments"]["table1"]["datasets"] = ["tid2013", "mine"]
    (line,) = plan_of(with_datasets).warnings()
    assert f"dataset mine, {tmp_path}/mine/scores.csv: the column 'ref' is not used" in line
    assert "did you mean 'reference'?" in line
