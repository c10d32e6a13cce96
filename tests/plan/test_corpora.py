"""What the plan makes of the corpora and their labels."""

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from plans import plan_of, table_of

from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.files import read_json
from mosforge.plan.plan import Plan
from mosforge.pmos.curves import CURVES


def test_shards_of_the_papers_corpus(config: dict[str, Any]) -> None:
    plan = plan_of(config)
    assert plan.corpora.shards("synthetic").shards == {"waterloo": 64, "voc2012": 128}
    assert len(plan.corpora.groups("synthetic")) == 9
    assert len(plan.corpora.class_names("synthetic")) == 39


def test_the_undistorted_image_is_a_40th_class(config: dict[str, Any]) -> None:
    before = plan_of(config).corpora
    others = config["distortions"]["synthetic"]
    config["distortions"]["synthetic"] = {
        "undistorted": [0],
        **{name: others[name] for name in others if name != "undistorted"},
    }
    after = plan_of(config).corpora
    assert after.class_names("synthetic") == [*before.class_names("synthetic"), "undistorted"]
    assert after.groups("synthetic")[-1] == "undistorted"
    cfg = after.distortion("synthetic", "undistorted", "waterloo").plain()
    assert (cfg["levels"], cfg["first_class"]) == ([0], 39)
    jpeg = [part.distortion("synthetic", "jpeg", "waterloo").plain() for part in (before, after)]
    assert jpeg[0] == jpeg[1]


def test_authentic_classes_are_26_and_mixtures_equal(with_datasets: dict[str, Any]) -> None:
    plan = plan_of(with_datasets)
    assert len(plan.corpora.class_names("authentic_livec")) == 26
    assert plan.corpora.sources("authentic_livec") == ["livec"]
    assert plan.corpora.distortion("authentic_livec", "authentic", "livec").per_image == 700_000 // 1_162


def everything_of(plan: Plan, corpus: str, dataset: str) -> dict[str, Any]:
    """What the jobs of a corpus of mixtures and of the pretraining on it depend on."""
    which = {"corpus": corpus, "dataset": dataset, "split": "1", "backbone": "resnet50"}
    (source,) = plan.corpora.sources(corpus)
    return {
        "distort": plan.corpora.distortion(corpus, "authentic", source).plain(),
        "shards": plan.corpora.shard_files(corpus, layout.SHARD),
        "index_packs": plan.corpora.shards(corpus).plain(),
        "leaks": plan.leakage.leaks(corpus, str),
        "fuse": plan.corpora.fusion(corpus).plain(),
        "pretrain": plan.trainings.pretraining(SimpleNamespace(**which, objective="multitask")).plain(),
        "size": plan.corpora.size(corpus),
    }


def test_a_further_dataset_changes_no_other_datasets_mixtures(
    with_datasets: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIVEC's 602 mixtures an image and KonIQ-10k's 69 are the paper's 700,000 of each (section 4.2)."""
    alone = plan_of(with_datasets)
    assert alone.corpora.sources("authentic_koniq10k") == []
    monkeypatch.setattr("mosforge.plan.datasets.missing", lambda cfg: None)
    beside = plan_of(with_datasets)
    before, after = (everything_of(plan, "authentic_livec", "livec") for plan in (alone, beside))
    assert before == after
    assert before["distort"]["per_image"] == 602
    assert everything_of(beside, "authentic_koniq10k", "koniq10k")["distort"]["per_image"] == 69


def test_the_total_of_mixtures_is_of_each_source(with_datasets: dict[str, Any], monkeypatch: Any) -> None:
    monkeypatch.setattr("mosforge.plan.datasets.missing", lambda cfg: None)
    with_datasets["distortions"]["corpora"]["authentic_livec"]["sources"] = ["livec", "koniq10k"]
    corpora = plan_of(with_datasets).corpora
    shares = [
        corpora.distortion("authentic_livec", "authentic", name).per_image for name in ("livec", "koniq10k")
    ]
    assert shares == [602, 69]
    assert corpora.size("authentic_livec") == {"mixtures": 1_400_000}


def test_first_class_follows_the_order_and_dropped_types(config: dict[str, Any]) -> None:
    assert plan_of(config).corpora.distortion("synthetic", "jpeg", "waterloo").first_class == 10
    config["distortions"]["synthetic"]["white_noise"] = []
    plan = plan_of(config)
    assert plan.corpora.distortion("synthetic", "jpeg", "waterloo").first_class == 5
    assert "white_noise" not in plan.corpora.groups("synthetic")


def test_classes_are_numbered_alike_whatever_the_order_of_the_keys(config: dict[str, Any]) -> None:
    """Snakemake puts the keys of a further file first, and lays the base configuration over them."""
    expected = plan_of(config)
    types = config["distortions"]["synthetic"]
    config["distortions"]["synthetic"] = {"jpeg": types["jpeg"], **types}
    plan = plan_of(config)
    assert plan.corpora.class_names("synthetic") == expected.corpora.class_names("synthetic")
    assert plan.corpora.shards("synthetic") == expected.corpora.shards("synthetic")
    jpeg = plan.corpora.distortion("synthetic", "jpeg", "waterloo")
    assert jpeg == expected.corpora.distortion("synthetic", "jpeg", "waterloo")


def test_kadid25_is_planned_as_a_corpus_of_one_class_an_image(config: dict[str, Any]) -> None:
    assert "kadid25" not in plan_of(config).corpora.names  # without a source it is not made
    config["distortions"]["corpora"]["kadid25"]["sources"] = ["waterloo"]
    config["distortions"]["kadid25"]["lens_blur"] = []
    plan = plan_of(config)
    assert len(plan.corpora.groups("kadid25")) == 24
    assert len(plan.corpora.class_names("kadid25")) == 120
    cfg = plan.corpora.distortion("kadid25", "motion_blur", "waterloo")
    assert (cfg.kind, cfg.first_class, cfg.levels) == ("kadid25", 5, (2, 4, 6, 8, 10))
    which = SimpleNamespace(corpus="kadid25", backbone="resnet50", objective="cls")
    training = plan.trainings.pretraining(which)
    assert training.label_kind == "single"
    assert training.learning_rates.items() <= config["pretraining"]["learning_rates"]["synthetic"].items()


def test_parameters_of_one_type_do_not_follow_another_ones_values(config: dict[str, Any]) -> None:
    before = plan_of(config).corpora.distortion("synthetic", "jpeg", "waterloo")
    other = copy.deepcopy(config)
    other["distortions"]["synthetic"]["gaussian_blur"][0] = 9
    other["pretraining"]["epochs"] = 1
    assert plan_of(other).corpora.distortion("synthetic", "jpeg", "waterloo") == before


def test_the_compression_of_png_is_nothing_to_a_codecs_bitstream(config: dict[str, Any]) -> None:
    config["distortions"]["corpora"]["kadid25"]["sources"] = ["waterloo"]
    corpora = plan_of(config).corpora
    without = {
        (corpus, group)
        for corpus in ("synthetic", "kadid25", "authentic_livec")
        for group in corpora.groups(corpus)
        if "png_compression" not in corpora.distortion(corpus, group, "livec").plain()
    }
    assert without == {
        (corpus, codec) for corpus in ("synthetic", "kadid25") for codec in ("jpeg", "jpeg2000")
    }


def test_datasets_with_references_are_validated(with_datasets: dict[str, Any], tmp_path: Path) -> None:
    for name, lines in (
        ("with", "\ufeffimage\tmos\tReference_Image \r\na.png\t1\tb.png\r\nb.png\t2\t\r\n"),
        ("without", "image,mos,reference\na.png,1,a\n"),
        ("empty", "image,mos,reference_image\na.png,1, \nb.png,2\n"),
    ):
        with_datasets["finetuning"]["datasets"][f"table_{name}"] = table_of(tmp_path / name, lines)
    plan = plan_of(with_datasets)
    assert plan.datasets.with_references == ["tid2013", "table_with"]
    assert plan.corpora.validation_inputs("tid2013") == {
        "targets": "results/metrics/targets/tid2013.parquet",
        "mapping": "results/pmos/synthetic.mapping.json",
    }
    with_datasets["pmos"]["logistic"] = {"dataset": "table_with", "allow_evaluated": False}
    plan = plan_of(with_datasets)
    fitted = "results/metrics/targets/table_with.parquet"
    assert plan.corpora.validation_inputs("tid2013")["fitted"] == fitted
    assert "fitted" not in plan.corpora.validation_inputs("table_with")
    assert plan.corpora.fusion("synthetic").logistic is None
    assert plan.corpora.fit_inputs() == {}
    with_datasets["pmos"]["fusion"] = "logistic"
    plan = plan_of(with_datasets)
    assert plan.corpora.fusion("synthetic").logistic == "table_with"
    assert plan.corpora.fit_inputs() == {"targets": fitted}


def test_calibrated_labels_have_the_curves_of_the_viewing_scale(
    with_datasets: dict[str, Any], tmp_path: Path
) -> None:
    with_datasets["finetuning"]["datasets"]["tid2013"]["layout"] = "tid2013"
    weighed = plan_of(with_datasets).corpora
    assert weighed.fusion("synthetic").weights == with_datasets["pmos"]["weights"]
    assert weighed.fusion("synthetic").curves is None
    with_datasets["pmos"]["fusion"] = "calibrated"
    shipped = read_json(CURVES)["scales"]
    for scale in (1, 2):
        with_datasets["metrics"]["scale"] = scale
        found = plan_of(with_datasets).corpora
        assert found.fusion("synthetic").plain()["curves"] == shipped[str(scale)]["curves"]
        assert found.fusion("synthetic").weights == shipped[str(scale)]["weights"]
        assert found.validation("tid2013").calibration is not None
    with_datasets["metrics"]["scale"] = 3
    with pytest.raises(
        MosforgeError, match=r"no curves for the viewing scale 3; set metrics\.scale to 1 or 2"
    ):
        plan_of(with_datasets)


def test_what_learnt_from_kadid10k_is_not_compared_with_it(with_datasets: dict[str, Any]) -> None:
    with_datasets["finetuning"]["datasets"]["rated"] = {
        "layout": "kadid10k",
        "folder": "kadid",
        "corpus": "synthetic",
    }
    plan = plan_of(with_datasets)
    assert plan.corpora.validation("rated").calibration is None
    assert plan.corpora.validation("tid2013").calibration is not None


@pytest.mark.parametrize(
    ("name", "why"), [("csiq", "the folder resources/datasets/csiq is missing"), ("livec", "no reference")]
)
def test_labels_cannot_be_fitted_to_what_is_not_there(
    name: str, why: str, with_datasets: dict[str, Any]
) -> None:
    with_datasets["pmos"] |= {"fusion": "logistic", "logistic": {"dataset": name, "allow_evaluated": True}}
    with pytest.raises(MosforgeError, match=rf"pmos\.logistic\.dataset: {name} cannot be fitted to: .*{why}"):
        plan_of(with_datasets)
