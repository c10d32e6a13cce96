"""Which models are asked for their sanity, on which images."""

from types import SimpleNamespace
from typing import Any

import pytest
from plans import plan_of

from mosforge.plan.estimate import work_of


@pytest.fixture
def fresh(rated: dict[str, Any], tmp_path: Any) -> dict[str, Any]:
    """A user's ratings, of which a budget is an experiment of its own, and a corpus of four unseen images."""
    for name in ("fresh", "photos"):
        (tmp_path / name).mkdir()
        for number in range(4):
            (tmp_path / name / f"{number}.png").write_bytes(b"x")
        rated["sources"]["collections"][name] = {"folder": name}
    rated["distortions"]["corpora"] = {
        "synthetic": {"kind": "synthetic", "sources": ["photos"]},
        "fresh": {"kind": "synthetic", "sources": ["fresh"]},
        "own": {"kind": "authentic", "sources": ["again"], "total": 400},
    }
    rated["distortions"]["synthetic"]["undistorted"] = [0]
    rated["finetuning"]["splits"]["seeds"] = [1, 2]
    rated["evaluation"]["sanity"] = "fresh"
    rated["evaluation"]["experiments"] = {
        "few": {
            "datasets": ["rated"],
            "backbones": ["resnet50"],
            "initialisations": ["imagenet", "multitask", "own-reg", "own-cls", "imagenet+multitask"],
            "adaptations": ["finetune", "probe", "none"],
            "ratings": [25, "all"],
            "comparisons": ["brisque"],
        }
    }
    return rated


def test_fine_tuned_and_zero_shot_models_of_all_ratings_are_asked_once(fresh: dict[str, Any]) -> None:
    plan = plan_of(fresh)
    models = plan.sanity.models(["few"])
    starts = ("imagenet", "synthetic-multitask", "own-reg", "own-cls")
    finetuned = [f"finetuning/rated/{split}/resnet50/{start}" for split in (1, 2) for start in starts]
    pretrained = ["pretraining/synthetic/resnet50/multitask"]
    pretrained += [f"pretraining/own/rated/{split}/resnet50/reg" for split in (1, 2)]
    assert sorted(models) == sorted([*finetuned, *pretrained])
    assert plan.sanity.files(["few"])[0] == f"results/evaluation/sanity/{models[0]}.parquet"
    assert plan.page().sanity == {"few": tuple(models)}
    settings = {name: plan.sanity.settings(name) for name in models}
    tuned = settings["finetuning/rated/2/resnet50/own-reg"]
    assert (tuned.dataset, tuned.split, tuned.adaptation, tuned.crops) == ("rated", "2", "finetune", 60)
    seen = settings["pretraining/own/rated/2/resnet50/reg"]
    assert (seen.dataset, seen.split, seen.adaptation) == ("rated", "2", "none")
    unseen = settings["pretraining/synthetic/resnet50/multitask"]
    assert (unseen.dataset, unseen.split, unseen.initialisation) == (None, None, "synthetic-multitask")


def test_a_pretraining_that_scores_is_asked_where_only_its_fine_tuned_models_are(
    fresh: dict[str, Any],
) -> None:
    few = fresh["evaluation"]["experiments"]["few"]
    few |= {"adaptations": ["finetune", "probe"], "initialisations": ["cls", "imagenet+multitask"]}
    plan = plan_of(fresh)
    models = plan.sanity.models(["few"])
    assert [name for name in models if name.startswith("pretraining/")] == [
        "pretraining/synthetic/resnet50/multitask"
    ]
    settings = plan.sanity.settings("pretraining/synthetic/resnet50/multitask")
    assert (settings.adaptation, settings.initialisation, settings.seed) == ("none", "synthetic-multitask", 0)


def test_its_images_and_labels_are_those_of_a_corpus_that_nothing_learns_from(fresh: dict[str, Any]) -> None:
    plan = plan_of(fresh)
    inputs = plan.sanity.inputs()
    assert len(inputs["images"]) == 10
    assert plan.sanity.labels(["few"]) == ["results/pmos/fresh.parquet"]
    assert plan.leakage.leaks("synthetic", str) == ["results/sources/photos.leaks.parquet"]
    assert plan.leakage.leaks("fresh", str) == [], "nothing learns from its labels"
    assert plan.page().sanity_corpus == "fresh"
    assert inputs["images"][-1] == "results/distortions/fresh/undistorted/fresh-00000"
    assert inputs["catalogues"] == ["results/sources/fresh.parquet"]
    assert plan.corpora.labelled == ["synthetic", "own"]
    job = ("sanity", SimpleNamespace(model="pretraining/synthetic/resnet50/multitask"))
    assert work_of(plan, [job]).scored == {"resnet50": 4 * 40 * 60}
    fresh["evaluation"]["crops"] = "grid"
    assert work_of(plan_of(fresh), [job]).scored == {"resnet50": 4 * 40 * 6}


def test_without_a_corpus_no_model_is_asked(fresh: dict[str, Any]) -> None:
    fresh["evaluation"]["sanity"] = None
    plan = plan_of(fresh)
    assert plan.sanity.models(["few"]) == plan.sanity.files(["few"]) == plan.sanity.labels(["few"]) == []
    assert plan.page().sanity == {}
    assert plan.corpora.labelled == ["synthetic", "fresh", "own"]
