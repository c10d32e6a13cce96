"""What the plan makes of a configuration."""

import copy
import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from plans import plan_of

from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.core.files import read_json
from mosforge.core.layout import shard_name
from mosforge.core.runs import Run
from mosforge.core.schemas.metrics import METRICS
from mosforge.finetuning.settings import PackDatasetSettings
from mosforge.plan import datasets as module
from mosforge.plan.plan import Plan
from mosforge.plan.rule_parts import Parameters, growing, number_of, parameters, source_of
from mosforge.pmos.curves import CURVES
from mosforge.report.published import deviations
from mosforge.report.settings import Protocol

EQUAL = dict.fromkeys(METRICS, 1)

REPOSITORY = Path(__file__).resolve().parents[2]


def test_shards_of_the_papers_corpus(config: dict[str, Any]) -> None:
    plan = plan_of(config)
    assert plan.corpora.shards("synthetic").shards == {"waterloo": 64, "voc2012": 128}
    assert len(plan.corpora.groups("synthetic")) == 9
    assert len(plan.corpora.class_names("synthetic")) == 39


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


def test_a_table_knows_only_its_own_datasets(with_datasets: dict[str, Any]) -> None:
    plan = plan_of(with_datasets)
    tables = {name: plan.table(name) for name in plan.experiments.names}
    assert tables["table1"].sizes == {"tid2013": 3000}
    assert tables["table2"].sizes == {"livec": 1162}
    assert tables["table3"].sizes == {"livec": 1162, "tid2013": 3000}
    assert [line.split()[1] for line in tables["table1"].left_out] == ["live", "csiq"]
    assert [line.split()[1] for line in tables["table2"].left_out] == ["koniq10k"]
    with_datasets["finetuning"]["datasets"]["livec"]["layout"] = "proxy"
    with_datasets["finetuning"]["datasets"]["livec"]["pictures"] = "authentic_livec"
    plan = plan_of(with_datasets)
    assert plan.table("table1") == tables["table1"]
    assert plan.table("table2").proxies == ("livec",)


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


def test_the_default_configuration_with_the_papers_labels_is_measured_as_in_the_paper(
    with_datasets: dict[str, Any],
) -> None:
    labels = yaml.safe_load((REPOSITORY / "runs/paper_labels.yaml").read_text())
    with_datasets["metrics"] |= labels["metrics"]
    with_datasets["pmos"] |= labels["pmos"]
    plan = plan_of(with_datasets)
    for name in ("table1", "table2", "table3", "ablation"):
        protocol = plan.table(name).protocol
        assert plan.page().protocols[name] == protocol
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
    with_datasets["pretraining"] |= {"multi_level": True, "agreement_scale": 0.1, "resize": 0}
    with_datasets["pretraining"]["backbones"] |= {"resnet50": "none", "alexnet": "none"}
    found = deviations("table1", ["resnet50"], plan_of(with_datasets).table("table1").protocol)
    assert found == [
        "first weights of resnet50 random (of ImageNet)",
        "crops of a test image 8 (60)",
        "crops of a training image in fine-tuning 4 (100)",
        "features of all stages of the backbone in fine-tuning yes (no)",
        "pixels of the side that images are scaled to in pretraining none (256)",
    ]


def test_missing_weights_are_among_what_was_left_out(with_datasets: dict[str, Any]) -> None:
    with_datasets["pretraining"]["backbones"]["alexnet"] = "weights/alexnet.pth"
    plan = plan_of(with_datasets)
    line = "weights of alexnet are missing: weights/alexnet.pth"
    assert sum(entry.startswith(line) for entry in plan.page().left_out) == 1
    assert any(entry.startswith(line) for entry in plan.table("ablation").left_out)
    assert not any("alexnet" in entry for entry in plan.table("table1").left_out)
    assert (plan.explain_missing() or "").count(line) == 1


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


def test_full_reference_rows_need_references(with_datasets: dict[str, Any]) -> None:
    with_datasets["evaluation"]["experiments"]["table2"]["comparisons"] = ["psnr", "brisque"]
    experiments = plan_of(with_datasets).experiments
    assert {run.initialisation for run in experiments.runs("table2") if run.backbone == "none"} == {"brisque"}
    assert "psnr on dataset livec left out of table2: it has no reference images" in experiments.left_out(
        ["table2"]
    )
    run = Run("tid2013", "3", "none", "fsim", "tid2013")
    assert experiments.comparison(run) == {
        "test_split": "results/finetuning/tid2013/3/split.parquet",
        "test_dataset": "results/finetuning/tid2013/dataset.parquet",
        "test_scores": "results/metrics/targets/tid2013.parquet",
    }
    run = Run("tid2013", "full", "none", "brisque", "livec")
    assert experiments.comparison(run) == {
        "dataset": "results/finetuning/tid2013/dataset.parquet",
        "split": "results/finetuning/tid2013/full/split.parquet",
        "scores": "results/evaluation/brisque/tid2013.parquet",
        "test_dataset": "results/finetuning/livec/dataset.parquet",
        "test_scores": "results/evaluation/brisque/livec.parquet",
        "test_split": "results/finetuning/livec/across/tid2013/split.parquet",
    }
    assert not any("none" in path for path in experiments.pretrained)


@pytest.fixture
def mine(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The listings of the shards of a folder `photos` of the user's."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    config["sources"]["collections"]["mine"] = {"folder": "photos"}

    def listings() -> list[str]:
        sources = plan_of(config).sources
        shards = [sources.catalogue_shard("mine", number) for number in range(sources.shards("mine"))]
        return [str(shard.listing) for shard in shards]

    return listings


def test_a_users_folder_is_counted_and_watched(mine: Callable[[], list[str]]) -> None:
    for i in range(150):
        Path(f"photos/{i}.jpg").write_bytes(b"x")
    Path("photos/notes.txt").write_text("not an image")
    before = mine()
    assert len(before) == 2
    Path("photos/notes.txt").write_text("still none")
    assert mine() == before
    for change in (
        lambda: Path("photos/5.jpg").write_bytes(b"y"),
        lambda: Path("photos/5.jpg").unlink(),
        lambda: Path("photos/another.jpg").write_bytes(b"x"),
    ):
        change()
        after = mine()
        assert [one != other for one, other in zip(before, after, strict=True)].count(True) == 1
        before = after


def test_a_link_that_leads_nowhere_stops_no_plan(mine: Callable[[], list[str]]) -> None:
    Path("photos/gone.jpg").symlink_to(Path("later").absolute())
    before = mine()
    Path("later").write_bytes(b"x")
    assert mine() != before


@pytest.fixture
def rated(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The configuration with a user's table of 200 images, and a source of them."""
    monkeypatch.chdir(tmp_path)
    Path("rated/images").mkdir(parents=True)
    lines = ["image,mos,reference_image"]
    for i in range(200):
        Path(f"rated/images/{i}.jpg").write_bytes(b"x")
        lines.append(f"{i}.jpg,{i / 50},{'original.JPG' if i == 7 else ''}")
    Path("rated/images/original.jpg").write_bytes(b"x")
    Path("rated/labels.csv").write_text("\n".join(lines))
    entry = {"layout": "table", "folder": "rated", "table": "labels.csv", "images": "images", "range": [0, 5]}
    entry |= {"corpus": "synthetic", "higher_is_better": True}
    config["finetuning"]["datasets"]["rated"] = entry
    config["sources"]["collections"]["again"] = {"dataset": "rated"}
    return config


@pytest.mark.parametrize(("name", "shards"), [("images/5.jpg", 1), ("images/original.jpg", 0), ("x.jpg", 0)])
def test_another_image_under_a_name_is_seen_by_what_reads_it(
    rated: dict[str, Any], name: str, shards: int
) -> None:
    def settings() -> tuple[Any, list[Any]]:
        plan = plan_of(rated)
        assert plan.sources.shards("again") == 2
        return plan.datasets.images("rated"), [plan.sources.catalogue_shard("again", n) for n in range(2)]

    before = settings()
    Path("rated", name).write_bytes(b"y")
    after = settings()
    assert (before[0] != after[0]) == (name != "x.jpg")
    assert [one != other for one, other in zip(before[1], after[1], strict=True)].count(True) == shards


def test_planning_with_many_images_reads_none(rated: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> str:
        raise AssertionError(f"{path} is read")

    monkeypatch.setattr("mosforge.plan.watched.sha256_of_file", refuse)
    first = plan_of(rated).datasets.images("rated")
    assert plan_of(rated).datasets.images("rated") == first
    Path("rated/images/5.jpg").touch()
    with pytest.raises(AssertionError, match=r"rated/images/5\.jpg is read"):
        plan_of(rated).datasets.images("rated")


def test_a_table_is_read_once_and_what_is_missing_is_told_without_a_look_at_images(
    rated: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("images are looked at")

    read, found = [], module._read
    monkeypatch.setattr(module, "_read", lambda table: read.append(table) or found(table))
    with monkeypatch.context() as context:
        context.setattr(module, "describe", refuse)
        rated["evaluation"]["experiments"]["table1"]["datasets"] = ["rated"]
        plan = plan_of(rated)
        assert "dataset rated is left out" not in (plan.explain_missing() or "")
        assert plan.warnings() == []
        assert plan.experiments.sizes(["table1"]) == {"rated": 200}
    assert plan.datasets.images("rated").files
    assert plan.table("table1").sizes == {"rated": 200}
    assert read == ["rated/labels.csv"]


def test_a_folder_that_cannot_be_listed_is_an_error(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> Iterator[os.DirEntry[str]]:
        if Path(folder).name == "private":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    scandir = os.scandir
    (tmp_path / "private").mkdir()
    monkeypatch.setattr("mosforge.core.folders.os.scandir", refuse)
    config["sources"]["collections"]["mine"] = {"folder": str(tmp_path)}
    config["distortions"]["corpora"]["synthetic"]["sources"] = ["mine"]
    with pytest.raises(MosforgeError, match="private: Permission denied"):
        plan_of(config).explain_missing()


def test_parameters_are_json_in_a_shell_line_and_sorted() -> None:
    one, other = (
        Protocol(weights=weights, rates={}) for weights in ({"b": "y", "a": "x"}, {"a": "x", "b": "y"})
    )
    assert repr(parameters(one)) == repr(parameters(other))
    assert isinstance(parameters(one), Parameters)
    assert json.loads(f"{parameters(one)}") == {"weights": {"a": "x", "b": "y"}, "rates": {}}


def test_shard_names_can_be_taken_apart() -> None:
    assert source_of(shard_name("voc2012", 17)) == "voc2012"
    assert number_of(shard_name("voc2012", 17)) == 17


def test_a_retry_asks_for_as_much_again() -> None:
    assert [growing(2000)(wildcards=None, attempt=attempt) for attempt in (1, 2, 3)] == [2000, 4000, 6000]


def table_of(folder: Path, lines: str) -> dict[str, Any]:
    """A dataset of the user's with this table."""
    folder.mkdir()
    (folder / "scores.csv").write_text(lines)
    scale = {"range": [0, 1], "higher_is_better": True}
    return {"layout": "table", "folder": str(folder), "table": "scores.csv", **scale, "corpus": "synthetic"}


def test_a_table_is_found_whatever_the_case_of_its_name(config: dict[str, Any], tmp_path: Path) -> None:
    entry = table_of(tmp_path / "mine", "image,mos\na.png,1\n")
    config["finetuning"]["datasets"]["mine"] = entry | {"table": "Scores.CSV"}
    datasets = plan_of(config).datasets
    assert datasets.files("mine") == [f"{tmp_path}/mine/scores.csv"]
    assert datasets.image_count("mine") == 1


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


@pytest.mark.parametrize(
    ("name", "why"), [("csiq", "the folder resources/datasets/csiq is missing"), ("livec", "no reference")]
)
def test_labels_cannot_be_fitted_to_what_is_not_there(
    name: str, why: str, with_datasets: dict[str, Any]
) -> None:
    with_datasets["pmos"] |= {"fusion": "logistic", "logistic": {"dataset": name, "allow_evaluated": True}}
    with pytest.raises(MosforgeError, match=rf"pmos\.logistic\.dataset: {name} cannot be fitted to: .*{why}"):
        plan_of(with_datasets)


@pytest.mark.parametrize("separator", [",", "\t"])
def test_scores_are_nothing_to_what_reads_a_dataset_for_its_images(
    config: dict[str, Any], tmp_path: Path, separator: str
) -> None:
    entry = {"layout": "table", "folder": str(tmp_path), "table": "t.csv", "range": [0, 9]}
    config["finetuning"]["datasets"]["mine"] = {**entry, "higher_is_better": True, "corpus": "synthetic"}

    def seen(*rows: tuple[str, ...]) -> PackDatasetSettings:
        lines = [separator.join(row) for row in [("image", "MOS", "reference"), *rows]]
        (tmp_path / "t.csv").write_bytes("\n".join(lines).encode("latin-1"))
        return plan_of(config).datasets.images("mine")

    first, second = ("a.png", "3", "x"), ("b.png", "4", "y")
    expected = seen(first, second)
    assert plan_of(config).datasets.image_count("mine") == 2
    assert seen(second, ("a.png", "3.5", "x")) == expected
    assert seen(first, second, ("c.png", "1", "z")) != expected
    assert seen(first, ("b.png", "4", "x")) != expected
    assert seen(first, ("caf\xe9.png", "4", "x")) != expected  # not UTF-8: the job says so, not the plan


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
    with pytest.raises(MosforgeError, match="experiment table3 can be done"):  # across a single dataset
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


def test_the_features_of_a_dataset_are_shared_unless_the_pretraining_has_seen_a_split(
    with_datasets: dict[str, Any],
) -> None:
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
    both = next(run for run in runs if "+" in run.initialisation)
    shared = "results/evaluation/features/livec/resnet50/imagenet.parquet"
    of_split = "results/evaluation/features/livec/livec/1/resnet50/authentic_livec-multitask.parquet"
    assert experiments.probed(both)["features"] == [shared, of_split]
    own = experiments.probed(runs[-1])
    assert (own["test_features"], own["features"], "dataset" in own) == ([of_split], [], False)
    for split in ("1", "2"):
        run = Run("tid2013", split, "resnet50", "synthetic-multitask", "tid2013", 0, "probe")
        folder = "results/evaluation/features/tid2013/resnet50"
        assert experiments.probed(run)["features"] == [f"{folder}/synthetic-multitask.parquet"]
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
    inputs = plan.experiments.comparison(runs[0])
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
    assert plan.experiments.predict_settings(run).seed == 3
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
    assert plan.experiments.probed(run)["features"] == [features]
    assert plan.experiments.probed(run)["split"] == "results/finetuning/livec/1-25/split.parquet"
    single = plan.experiments.predictions_of_single_splits("table2")
    assert len(single) == 3 * len(trained) + 1
