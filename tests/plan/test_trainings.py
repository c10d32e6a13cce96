"""What the plan makes of a configuration for the trainings: their weights, and what each depends on."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from plans import plan_of

from mosforge.core.errors import MosforgeError
from mosforge.core.runs import Run
from mosforge.models.objectives import LOSSES
from mosforge.plan.plan import Plan
from mosforge.pretraining.pretrain_settings import PretrainingSettings


def pretraining(plan: Plan, corpus: str, objective: str = "multitask", **more: str) -> PretrainingSettings:
    which = SimpleNamespace(corpus=corpus, backbone="resnet50", objective=objective, **more)
    return plan.trainings.pretraining(which)


@pytest.mark.parametrize(
    ("objective", "rates"),
    [
        ("cls", {"backbone", "classification"}),
        ("reg", {"backbone", "classification", "score"}),
        ("rank", {"backbone", "classification", "score"}),
    ],
)
def test_a_training_has_the_keys_that_it_uses(
    objective: str, rates: set[str], config: dict[str, Any]
) -> None:
    which = SimpleNamespace(corpus="synthetic", backbone="resnet50", objective=objective)
    cfg = plan_of(config).trainings.pretraining(which)
    assert set(cfg.learning_rates) == rates
    assert "warm_up" not in cfg.plain()
    config["pretraining"]["schedule"] = "cosine"
    assert plan_of(config).trainings.pretraining(which).warm_up == 50


def test_authentic_weights_exist_for_each_split(with_datasets: dict[str, Any]) -> None:
    plan = plan_of(with_datasets)
    livec = Run("livec", "3", "resnet50", "authentic_livec-multitask", "livec")
    tid = Run("tid2013", "3", "resnet50", "synthetic-cls", "tid2013")
    plain = Run("livec", "3", "alexnet", "imagenet", "livec")
    weights = plan.trainings.initial_weights
    assert (
        weights(livec) == "results/pretraining/authentic_livec/livec/3/resnet50/multitask/model.safetensors"
    )
    assert weights(tid) == "results/pretraining/synthetic/resnet50/cls/model.safetensors"
    assert weights(plain) == "results/pretraining/weights/alexnet.safetensors"
    assert weights(livec) in plan.experiments.pretrained


def test_pretraining_on_synthetic_corpora_needs_no_dataset(config: dict[str, Any], tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        pretrained = plan_of(config).experiments.pretrained
    assert pretrained
    assert all(path.startswith("results/pretraining/synthetic/") for path in pretrained)


def test_authentic_pretraining_names_the_sources_of_its_dataset(with_datasets: dict[str, Any]) -> None:
    collections = with_datasets["sources"]["collections"]
    collections["wild"] = collections.pop("livec")
    with_datasets["distortions"]["corpora"]["authentic_livec"]["sources"] = ["wild", "koniq10k"]
    which = SimpleNamespace(
        corpus="authentic_livec", backbone="resnet50", objective="cls", dataset="livec", split="2"
    )
    cfg = plan_of(with_datasets).trainings.pretraining(which)
    assert cfg.sources == ("wild",)
    assert (cfg.dataset, cfg.split, cfg.label_kind) == ("livec", "2", "multiple")


def test_a_pretraining_depends_on_the_options_of_its_objective_only(config: dict[str, Any]) -> None:
    plan = plan_of(config)
    options = {"loss_weights", "rank_margin"}
    used = {
        objective: options & set(pretraining(plan, "synthetic", objective).plain()) for objective in LOSSES
    }
    assert used == {"cls": set(), "reg": set(), "multitask": {"loss_weights"}, "rank": {"rank_margin"}}


def test_unified_pretraining_learns_from_two_corpora_and_exists_for_each_split(
    with_datasets: dict[str, Any],
) -> None:
    with_datasets["pretraining"]["unified"] = {
        "pair": {"synthetic": "synthetic", "authentic": "authentic_livec"}
    }
    with_datasets["pretraining"]["learning_rates"]["unified"]["score"] = 1e-5
    with_datasets["evaluation"]["experiments"]["ablation"] = {
        "datasets": ["livec"],
        "backbones": ["resnet50"],
        "initialisations": ["pair-multitask"],
    }
    plan = plan_of(with_datasets)
    model = "results/pretraining/pair/livec/3/resnet50/multitask/model.safetensors"
    run = Run("livec", "3", "resnet50", "pair-multitask", "livec")
    assert plan.trainings.initial_weights(run) == model
    assert model in plan.experiments.pretrained
    assert plan.trainings.files("pair", "{corpus}.parquet") == [
        "synthetic.parquet",
        "authentic_livec.parquet",
    ]
    cfg = pretraining(plan, "pair", dataset="livec", split="3")
    assert cfg.label_kind == "both"
    assert (len(cfg.classes), cfg.single_classes) == (39 + 26, 39)
    assert len(set(cfg.classes)) == 65
    assert cfg.classes[38] == "synthetic underexposure 2"
    assert cfg.learning_rates["score"] == 1e-5
    assert (cfg.sources, cfg.split, cfg.authentic_share) == (("livec",), "3", 0.5)
    # one map for both
    joined = plan.corpora.fusion("pair")
    assert joined.shards == plan.corpora.shards("synthetic").shards
    assert [part.shards for part in joined.joined] == [plan.corpora.shards("authentic_livec").shards]
    assert plan.corpora.fusion("synthetic").joined == ()


def test_heads_learn_from_a_synthetic_corpus_and_mixtures_of_the_same_pristine_images(
    config: dict[str, Any],
) -> None:
    sources = config["distortions"]["corpora"]["synthetic"]["sources"]
    config["distortions"]["corpora"]["mixed"] = {"kind": "authentic", "sources": sources, "total": 100}
    config["pretraining"]["unified"] = {
        "pair": {"synthetic": "synthetic", "authentic": "mixed", "share": 0.5, "undistorted": 0.3}
    }
    config["distortions"]["synthetic"]["undistorted"] = [0]
    config["pretraining"] |= {"frozen_stages": "all", "standardise": True}
    cfg = pretraining(plan_of(config), "pair")
    assert (cfg.frozen_stages, cfg.standardise) == ("all", True)
    assert (cfg.authentic_share, cfg.undistorted_share) == (0.5, 0.3)
    assert set(cfg.learning_rates) == {"classification", "score"}, "none of the backbone"
    assert list(cfg.sources) == plan_of(config).corpora.sources("synthetic")
    run = Run("live", "1", "resnet50", "pair-multitask", "live")
    assert plan_of(config).trainings.finetuning(run).sources == cfg.sources, "each once"
    config["distortions"]["corpora"]["mixed"]["sources"] = sources[:1]
    assert pretraining(plan_of(config), "pair").sources == cfg.sources, "those of both corpora"
    config["pretraining"]["learning_rates"]["unified"]["backbone"] = 0.01
    assert pretraining(plan_of(config), "pair") == cfg
    config["pretraining"] |= {"frozen_stages": 0, "standardise": False}
    cfg = pretraining(plan_of(config), "pair")
    assert cfg.learning_rates["backbone"] == 0.01
    assert "standardise" not in cfg.plain()


def test_multi_level_features_are_in_both_trainings(with_datasets: dict[str, Any]) -> None:
    run = Run("tid2013", "3", "resnet50", "synthetic-cls", "tid2013")
    for choice in (False, True):
        with_datasets["pretraining"]["multi_level"] = choice
        plan = plan_of(with_datasets)
        assert pretraining(plan, "synthetic").multi_level is choice
        assert plan.trainings.finetuning(run).multi_level is choice


def test_with_the_head_first_that_of_a_pretraining_is_kept(with_datasets: dict[str, Any]) -> None:
    runs = [Run("tid2013", "3", "resnet50", start, "tid2013") for start in ("imagenet", "synthetic-cls")]
    trainings = plan_of(with_datasets).trainings
    plain = [trainings.finetuning(run) for run in runs]
    assert all("head_first" not in cfg.plain() for cfg in plain)
    assert [set(trainings.start_inputs(run)) for run in runs] == [{"weights"}, {"weights"}]
    first = {"epochs": 7, "learning_rate": 0.01, "weight_decay": 0.5}
    with_datasets["finetuning"]["head_first"] = first
    trainings = plan_of(with_datasets).trainings
    found = [trainings.finetuning(run) for run in runs]
    assert all(cfg.plain()["head_first"] == first for cfg in found)
    assert [set(cfg.learning_rates) for cfg in found] == [{"backbone", "head"}, {"backbone", "score"}]
    assert found[1].learning_rates["score"] == plain[1].learning_rates["head"]
    assert [set(trainings.start_inputs(run)) for run in runs] == [{"weights"}, {"weights", "card"}]
    assert trainings.start_inputs(runs[1])["card"].endswith("synthetic/resnet50/cls/card.json")


@pytest.mark.parametrize("start", ["imagenet", "synthetic-multitask"])
def test_a_training_of_the_head_alone_does_not_depend_on_that_of_the_whole_network(
    with_datasets: dict[str, Any], start: str
) -> None:
    run = Run("tid2013", "3", "resnet50", start, "tid2013")
    section = with_datasets["finetuning"]
    section |= {"rehearsal": {"corpus": "synthetic", "pairs": 3}}
    section["head_first"]["epochs"] = 7
    others: dict[str, Any] = {
        **{"patches": 3, "batch_size": 7, "flip": False, "schedule": "cosine", "warm_up": 9},
        **{"frozen_stages": 2, "frozen_statistics": True},
        "learning_rates": {"backbone": 0.5, "head": 0.5, "classification": 0.5},
    }
    for epochs in (0, 2):
        section["epochs"] = epochs
        before = plan_of(with_datasets).trainings.finetuning(run)
        for key, value in others.items():
            after = plan_of({**with_datasets, "finetuning": section | {key: value}}).trainings.finetuning(run)
            is_same = epochs == 0 or (key == "warm_up" and section["schedule"] == "constant")
            assert (after == before) is is_same, key
    assert before.head_first is not None
    section["epochs"] = 0
    assert plan_of(with_datasets).trainings.finetuning(run).learning_rates == {}


def test_a_backbone_that_stays_has_no_statistics_to_freeze(with_datasets: dict[str, Any]) -> None:
    run = Run("tid2013", "3", "resnet50", "synthetic-cls", "tid2013")
    found = set()
    for frozen in (False, True):
        for section in ("pretraining", "finetuning"):
            with_datasets[section] |= {"frozen_stages": "all", "frozen_statistics": frozen}
        plan = plan_of(with_datasets)
        found.add(
            (
                pretraining(plan, "synthetic").frozen_statistics,
                plan.trainings.finetuning(run).frozen_statistics,
            )
        )
    assert found == {(True, True)}


def test_weights_that_are_not_there_are_listed_with_all_that_is_missing(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backbones = config["pretraining"]["backbones"]
    backbones |= {"alexnet": "alexnet.pth", "efficientnet_lite0": "unused.pth", "resnet50": "timm"}
    message = plan_of(config).explain_missing()
    assert message is not None
    lines = [line for line in message.splitlines() if "weights of" in line]
    assert len(lines) == 1, "lite0 is in no experiment"
    assert (
        "weights of alexnet are missing: alexnet.pth; put them there, or set pretraining.backbones"
        in lines[0]
    )
    (tmp_path / "alexnet.pth").touch()
    assert "weights of" not in (plan_of(config).explain_missing() or "")
    model = tmp_path / "model"
    model.mkdir()
    backbones["alexnet"] = "model"
    assert plan_of(config).trainings.weights_file("alexnet") == ["model/model.safetensors", "model/card.json"]
    assert "weights of alexnet are missing: model/card.json" in (plan_of(config).explain_missing() or "")


@pytest.mark.parametrize("key", ["warm_up", "frozen_stages"])
def test_options_of_the_loop_reach_the_training_of_their_section_only(
    config: dict[str, Any], key: str
) -> None:
    def parameters_of(config: dict[str, Any]) -> list[Any]:
        trainings = plan_of(config).trainings
        which = SimpleNamespace(corpus="synthetic", backbone="resnet50", objective="cls")
        run = Run("live", "1", "resnet50", "imagenet", "live")
        return [trainings.pretraining(which).plain()[key], trainings.finetuning(run).plain()[key]]

    for section in ("pretraining", "finetuning"):
        config[section]["schedule"] = "cosine"  # the only one that has a warm-up
    before = parameters_of(config)
    config["pretraining"][key] = 7
    assert parameters_of(config) == [7, before[1]]
    config["finetuning"][key] = 8
    assert parameters_of(config) == [7, 8]


def test_a_misspelt_network_is_refused_while_planning(config: dict[str, Any]) -> None:
    config["pretraining"]["backbones"] |= {"resnet5": "torchvision", "mobilenetv3_small_100": "timm"}
    plan = plan_of(config)
    plan.check_networks()  # an unknown name that no experiment uses harms nobody
    ablation = config["evaluation"]["experiments"]["ablation"]
    ablation["backbones"] = ["mobilenetv3_small_100"]
    plan_of(config).check_networks()
    ablation["backbones"] = ["resnet5"]
    with pytest.raises(MosforgeError, match=r"pretraining\.backbones\.resnet5: .* did you mean .*resnet50"):
        plan_of(config).check_networks()


def test_mixtures_of_another_dataset_serve_as_those_of_any_source(
    with_datasets: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_datasets["evaluation"]["experiments"]["ablation"] = {
        "datasets": ["tid2013", "livec"],
        "backbones": ["resnet50"],
        "initialisations": ["authentic_koniq10k-reg"],
    }
    without = plan_of(with_datasets).experiments
    assert without.runs("ablation") == []
    assert (
        "authentic_koniq10k-reg on dataset livec left out of ablation: it learns from images of koniq10k"
        in "".join(without.left_out(["ablation"]))
    )
    monkeypatch.setattr("mosforge.plan.datasets.missing", lambda cfg: None)
    plan = plan_of(with_datasets)
    run = Run("livec", "3", "resnet50", "authentic_koniq10k-reg", "livec")
    assert run in plan.experiments.runs("ablation")
    model = "results/pretraining/authentic_koniq10k/resnet50/reg/model.safetensors"
    assert plan.trainings.initial_weights(run) == model  # one for all
    assert model in plan.experiments.pretrained
    cfg = pretraining(plan, "authentic_koniq10k", "reg")
    assert (cfg.sources, cfg.split, cfg.label_kind) == (("koniq10k",), None, "multiple")
    assert plan.trainings.finetuning(run).sources == ("koniq10k",)
    own = run._replace(dataset="koniq10k", test_dataset="koniq10k")
    assert "/koniq10k/3/" in plan.trainings.initial_weights(own)


def test_a_fine_tuning_that_rehearses_has_the_files_and_sources_of_the_corpus(
    with_datasets: dict[str, Any],
) -> None:
    runs = [Run("livec", "3", "resnet50", start, "livec") for start in ("imagenet", "authentic_livec-cls")]
    plain = plan_of(with_datasets).trainings
    assert plain.rehearsal_inputs() == {}
    assert all("rehearsal" not in plain.finetuning(run).plain() for run in runs)
    with_datasets["finetuning"]["rehearsal"] = {"corpus": "synthetic", "pairs": 3}
    trainings = plan_of(with_datasets).trainings
    assert trainings.rehearsal_inputs() == {
        "rehearsal": "results/pmos/synthetic.parquet",
        "rehearsal_pack": "results/pretraining/synthetic/pack.parquet",
    }
    for run, before in zip(runs, ([], ["livec"]), strict=True):
        cfg = trainings.finetuning(run).plain()
        assert cfg.pop("rehearsal") == {"corpus": "synthetic", "pairs": 3}
        assert cfg.pop("sources") == [*before, "waterloo", "voc2012"]
        without = plain.finetuning(run).plain()
        assert without.pop("sources") == before
        assert cfg == without


@pytest.mark.parametrize(
    ("first", "initialisation", "told"),
    [
        (3, "synthetic-multitask", True),
        (3, "synthetic-reg", False),
        (3, "kadid25-cls", False),
        (3, "imagenet", False),
        (0, "synthetic-multitask", False),
    ],
)
def test_classes_are_rehearsed_where_a_kept_head_tells_them(
    first: int, initialisation: str, told: bool, with_datasets: dict[str, Any]
) -> None:
    with_datasets["finetuning"]["head_first"]["epochs"] = first
    with_datasets["finetuning"]["rehearsal"] = {"corpus": "synthetic", "pairs": 3}
    run = Run("tid2013", "3", "resnet50", initialisation, "tid2013")
    with_datasets["finetuning"]["learning_rates"]["classification"] = 2.5e-4
    cfg = plan_of(with_datasets).trainings.finetuning(run)
    assert cfg.rehearsal is not None
    assert cfg.rehearsal.classes == (39 if told else None)
    assert cfg.learning_rates.get("classification") == (2.5e-4 if told else None)
