"""In what an experiment was measured otherwise than in the paper."""

from rows import correlations

from mosforge.report.experiment_table import experiment_table
from mosforge.report.published import deviations
from mosforge.report.settings import Protocol, TableSettings

OURS = Protocol.model_validate(
    {
        "evaluation": {"crops": 8},
        "finetuning": {
            **{"patches": 4, "epochs": 10, "learning_rates": {"backbone": 1e-4, "head": 1e-5}},
            **{"dropout": 0.2, "frozen_stages": 0, "multi_level": True},
        },
        "pretraining": {
            **{"epochs": 30, "schedule": "cosine", "resize": 0},
            "loss_weights": {"classification": 0.5, "score": 1.0},
        },
        "weights": {"resnet50": "none", "alexnet": "torchvision", "resnet18": "own.pth"},
        "corpora": {"bsds": {"photographs": 500}, "mixed": {"mixtures": 700000}},
        "rates": {"synthetic": {"backbone": 1e-4, "score": 1e-3}, "unified": {"backbone": 1.0}},
    }
)


def test_what_deviates_is_listed_and_what_is_the_papers_own_is_not() -> None:
    crops = Protocol(evaluation={"crops": 60})
    assert deviations("table1", ["resnet50"], Protocol()) == []
    assert deviations("ablation", ["resnet50", "alexnet"], crops) == []
    assert deviations("table1", ["resnet50", "alexnet"], OURS) == [
        "backbone alexnet (resnet50)",
        "first weights of resnet50 random (ImageNet's)",
        "first weights of resnet18 from own.pth (ImageNet's)",
        "pristine images configured for the corpus bsds 500 (21,869)",
        "crops of a test image 8 (60)",
        "crops of a training image in fine-tuning 4 (100)",
        "dropout in fine-tuning 0.2 (0.5)",
        "features of all stages of the backbone in fine-tuning yes (no)",
        "pixels of the side that images are scaled to in pretraining none (256)",
        "schedule of the learning rates in pretraining cosine (constant)",
        "factors of the losses in pretraining classification 0.5, score 1 (classification 1, score 1)",
        "learning rates of fine-tuning: backbone 0.0001 (1e-05)",
        "learning rates of synthetic pretraining: score branch 0.001 (1e-06)",
    ]


def test_the_table_lists_them_in_a_note() -> None:
    rows = correlations({("net", "imagenet"): [0.5, 0.6]}, "live")
    notes = experiment_table("table1", rows, TableSettings(protocol=OURS)).notes
    (note,) = (note for note in notes if "Different from the paper" in note)
    assert "backbone net (resnet50); first weights of resnet50 random (ImageNet's);" in note
    assert any("how many splits it used (here 2)" in note for note in notes)


def test_the_images_that_were_used_are_counted() -> None:
    """The leakage guard may leave out nearly all that is configured."""
    used = {"bsds": {"photographs": 1, "mixtures": 39}, "mixed": {"photographs": 9, "mixtures": 700000}}
    found = deviations("table1", ["resnet50"], OURS, used)
    assert "pristine images in the corpus bsds 1 of 500 that are configured (21,869)" in found
    assert not any("mixed" in line for line in found)
    used["bsds"]["photographs"] = 500
    assert "pristine images in the corpus bsds 500 (21,869)" in deviations("table1", ["resnet50"], OURS, used)
