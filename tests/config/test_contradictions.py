"""What labels, pretraining and rehearsal may not have together, and what they may."""

import copy
from typing import Any

import pytest
from changes import with_changes

from mosforge.config.contradictions import checked
from mosforge.config.files import PAPERS, read
from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.metrics import METRICS

BASE = read(PAPERS)


@pytest.mark.parametrize(
    ("logistic", "sentence"),
    [
        ({"dataset": None}, "the fusion logistic needs the name of a dataset with human scores"),
        ({"dataset": "tid"}, "'tid' is not configured"),
        ({"dataset": "tid2013"}, "'tid2013' is evaluated on by the experiment table1"),
        ({"dataset": "tid2013", "allow_evaluated": True}, None),
    ],
)
def test_labels_are_not_fitted_to_what_is_evaluated(logistic: dict[str, Any], sentence: str | None) -> None:
    pmos = {**BASE["pmos"], "fusion": "logistic", "logistic": {"allow_evaluated": False, **logistic}}
    config = with_changes(BASE, {"pmos": pmos})
    if sentence is None:
        checked(config)
    else:
        with pytest.raises(MosforgeError, match=rf"^configuration: pmos\.logistic\.dataset: .*{sentence}"):
            checked(config)


def test_weights_that_leave_no_metric_are_refused() -> None:
    with pytest.raises(MosforgeError, match=r"^configuration: pmos\.weights: all are 0"):
        checked(with_changes(BASE, {"pmos.weights": dict.fromkeys(METRICS, 0)}))
    with pytest.raises(MosforgeError, match=r"pmos\.weights\.vsi: -1 is not a number from 0"):
        checked(with_changes(BASE, {"pmos.weights.vsi": -1}))


TABLE2 = "evaluation.experiments.table2.initialisations"
PAIR = {"synthetic": "synthetic", "authentic": "authentic_livec"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {TABLE2: ["rank"]},
            f"{TABLE2}: 'rank' learns the order of levels, and the mixtures of 'authentic_livec' have none",
        ),
        (
            {"evaluation.experiments.table1.initialisations": ["authentic_livec-rank"]},
            "'authentic_livec' have none",
        ),
        ({TABLE2: ["pair-rank"], "pretraining.unified": {"pair": PAIR}}, "'authentic_livec' have none"),
        (
            {
                "evaluation.experiments.table1.initialisations": ["authentic_livec-cls"],
                "sources.leakage.guard": False,
            },
            "'authentic_livec-cls' learns from images of livec, and nothing proves that they show no test "
            "image of 'live'; set sources.leakage.guard to true",
        ),
        (
            {"evaluation.experiments.table3.initialisations": ["authentic_livec-cls"]},
            "table3.initialisations: 'authentic_livec-cls' learns from the images of 'livec', which are "
            "tested on",
        ),
        (
            {TABLE2: ["kadid25-cls"], "distortions.corpora.kadid25.sources": ["koniq10k"]},
            "'kadid25-cls' learns from images of 'koniq10k' in 'kadid25', and only a corpus of mixtures",
        ),
        ({"pretraining.multi_level": True}, "ablation.backbones: alexnet has no stages"),
        ({"finetuning.frozen_stages": 2}, "alexnet has no stages for finetuning.frozen_stages"),
        ({"finetuning.epochs": 0}, "finetuning.epochs: 0 leaves the head untrained"),
        ({"finetuning.interpolate": 1.0}, "finetuning.interpolate: unknown key"),
        ({"pretraining.frozen_stages": "none"}, "'none' is not a whole number from 0, or all"),
        ({"pretraining.unified": {"synthetic": PAIR}}, "there is a corpus of this name; take another"),
        (
            {
                "pretraining.unified": {"pair": PAIR | {"synthetic": "kadid25", "undistorted": 0.2}},
                "distortions.synthetic.undistorted": [0],
            },
            "pair.undistorted: 'kadid25' is of the kind kadid25, which has no undistorted images",
        ),
        (
            {TABLE2: ["synthetic-rank"], "distortions.synthetic": {"jpeg": [10], "undistorted": [0]}},
            "'synthetic-rank' learns the order of levels, and 'synthetic' has no type with 2 of them",
        ),
        (
            {TABLE2: ["synthetic-rank"], "pretraining.batch_size": 1},
            "'synthetic-rank' compares images of a batch; set pretraining.batch_size to more than 1",
        ),
        (
            {"finetuning.rehearsal.corpus": "synthetic", "distortions.synthetic": {"jpeg": [10]}},
            "'synthetic' has no distortion type with 2 levels to rehearse",
        ),
        (
            {"distortions.synthetic": {}},
            "distortions.corpora.synthetic: distortions.synthetic has no type with levels",
        ),
        (
            {"pretraining.unified": {"pair": PAIR | {"undistorted": 0.2}}},
            "pair.undistorted: there are none; set distortions.synthetic.undistorted to [0]",
        ),
        (
            {
                "pretraining.unified": {"pair": PAIR | {"share": 0.7, "undistorted": 0.3}},
                "distortions.synthetic.undistorted": [0],
            },
            "pair.undistorted: with share it leaves no room in a batch",
        ),
        (
            {"pretraining.unified": {"pair": PAIR | {"synthetic": "authentic_livec"}}},
            "pretraining.unified.pair.synthetic: 'authentic_livec' is not configured",
        ),
        (
            {"pretraining.unified": {"pair": PAIR | {"authentic": "authentic_live"}}},
            "did you mean 'authentic_livec'?",
        ),
        ({TABLE2: ["pair-cls"]}, "'pair-cls' is not configured"),
        ({"pretraining.backbones": {"resnet50.a1_in1k": "timm"}}, "'resnet50.a1_in1k' is not a name"),
        ({"pretraining.agreement_scale": 0.0}, "pretraining.agreement_scale: unknown key"),
        ({"pretraining.loss_weights": {"classification": 1.0, "scores": 1.0}}, "did you mean 'score'?"),
    ],
)
def test_what_pretraining_cannot_do_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MosforgeError) as caught:
        checked(with_changes(BASE, changes))
    assert sentence in str(caught.value)


def test_what_pretraining_can_do_is_accepted() -> None:
    config = copy.deepcopy(BASE)
    config["pretraining"]["unified"] = {"pair": PAIR}
    config["pretraining"]["resize"] = 0  # whole images, from which a crop of any size is cut
    config["pretraining"]["backbones"]["convnext_tiny__in12k_ft_in1k"] = "timm"
    experiments = config["evaluation"]["experiments"]
    experiments["table1"]["initialisations"] = ["rank", "synthetic-rank"]
    experiments["table2"]["initialisations"] = ["pair-multitask", "pair-cls", "synthetic-rank", "reg"]
    checked(config)


REHEARSAL = "finetuning.rehearsal.corpus"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({REHEARSAL: "synthetc"}, f"{REHEARSAL}: 'synthetc' is not configured; did you mean 'synthetic'?"),
        ({REHEARSAL: "authentic_livec"}, f"{REHEARSAL}: 'authentic_livec' holds mixtures"),
        (
            {REHEARSAL: "kadid25", "distortions.corpora.kadid25.sources": ["koniq10k"]},
            f"{REHEARSAL}: 'kadid25' learns from images of 'koniq10k' in 'kadid25'",
        ),
        (
            {
                REHEARSAL: "kadid25",
                "distortions.corpora.kadid25.sources": ["koniq10k"],
                "evaluation.experiments.table2.datasets": ["livec"],
                "evaluation.experiments.table3.datasets": ["livec"],
                "evaluation.experiments.ablation.datasets": ["livec"],
                "sources.leakage.guard": False,
            },
            f"{REHEARSAL}: 'kadid25' learns from images of koniq10k, and nothing proves",
        ),
        (
            {
                REHEARSAL: "kadid25",
                "finetuning.datasets.livec": {
                    "layout": "proxy",
                    "pictures": "kadid25",
                    "corpus": "synthetic",
                },
                "sources.collections.livec": {"folder": "mine"},
            },
            f"{REHEARSAL}: 'kadid25' holds the images of 'livec', which are tested on",
        ),
        (
            {REHEARSAL: "synthetic", "finetuning.crop": 320},
            "finetuning.crop: 320 is larger than pretraining.resize",
        ),
    ],
)
def test_what_cannot_be_rehearsed_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MosforgeError) as caught:
        checked(with_changes(BASE, changes))
    assert sentence in str(caught.value)


def test_what_can_be_rehearsed_is_accepted() -> None:
    """A frozen network rehearses nothing, whatever it is tested on."""
    checked(with_changes(BASE, {REHEARSAL: "synthetic"}))
    config = with_changes(BASE, {REHEARSAL: "kadid25", "distortions.corpora.kadid25.sources": ["koniq10k"]})
    for experiment in config["evaluation"]["experiments"].values():
        experiment |= {"adaptations": ["probe"], "initialisations": ["imagenet"], "comparisons": []}
    checked(config)


def test_two_sources_do_not_fill_one_folder_with_other_images() -> None:
    packaged = {"photographs": ["skimage/data/chelsea.png"], "tile": 168, "stride": 168}
    one = {"folder": "tiles", "images": 2, "packaged": packaged}
    same = {**one, "folder": "./tiles"}
    key = "sources.collections"
    checked(with_changes(BASE, {f"{key}.one": one, f"{key}.two": same}))
    others = {**same, "packaged": {**packaged, "stride": 84}}
    with pytest.raises(MosforgeError, match=r"sources\.collections\.two\.folder: '\./tiles' .* 'one'"):
        checked(with_changes(BASE, {f"{key}.one": one, f"{key}.two": others}))
