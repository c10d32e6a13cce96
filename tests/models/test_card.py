"""`card.md`: what a model was trained on and how far it can be trusted, in words."""

from typing import Any

import pytest

from mosforge.models.card import card_markdown

NEEDED = {
    "head": "score",
    "backbone": "resnet50",
    "crop": 224,
    "test_crops": 60,
    "range": [-3.0, 112.0],
    "higher_is_better": False,
}
TUNED = NEEDED | {
    "dataset": "live",
    "split": "3",
    "labels": "human scores",
    "licence": "to be cited",
    "initialisation": "synthetic-multitask",
    "sources": ["waterloo", "voc2012"],
    "pictures": 12345,
    "data_digest": "0123abcd",
    "measured": {"device": "NVIDIA H100", "images_per_second": 3456.7, "peak_memory_mib": 23456},
}
PRETRAINED = NEEDED | {
    "head": "multitask",
    "corpus": "synthetic",
    "classes": ["jpeg 1", "jpeg 2"],
    "label_kind": "single",
    "labels": "pseudo-MOS (fused full-reference metrics), not human scores",
    "sources": ["holiday"],
}
ROW = {"test_dataset": "live", "images": 160, "srocc": 0.9, "plcc": None, "krocc": 0.7, "rmse": 0.1}
ROW["plcc_mapped"] = 0.91


def test_the_view_of_a_model_that_takes_a_grid() -> None:
    grid = "mean over six crops of 224x224 pixels"
    assert grid in card_markdown(TUNED | {"test_crops": "grid"})
    text = card_markdown(TUNED | {"test_crops": "grid", "view_side": 768, "precision": "float16"})
    assert "shorter side is longer than 768 pixels is shrunk to it first" in text
    assert "as float16" in text


def test_the_agreement_on_scenes_that_no_training_image_shows() -> None:
    clean = {"clean_images": 120, "clean_srocc": 0.8, "clean_srocc_low": 0.75, "clean_srocc_high": 0.85}
    text = card_markdown(TUNED | {"correlations": [ROW | clean]})
    assert "| ... those of no scene in the training part | 120 | 0.800 (0.750 to 0.850) | undefined |" in text
    assert "no scene in" not in card_markdown(TUNED | {"correlations": [ROW | {"clean_srocc": None}]})


def test_the_notes_of_a_user_stand_before_the_intended_use() -> None:
    text = card_markdown(TUNED | {"notes": "## Speed\n\nFast."})
    assert text.index("## Agreement") < text.index("## Speed\n\nFast.\n\n## Intended use")


def test_a_fine_tuned_model() -> None:
    text = card_markdown(TUNED)
    for words in (
        "# resnet50: image quality, learned from live",
        "Labels: **human scores**",
        "the training part of the dataset `live`, split `3`",
        "Images: 12,345",
        "the pretraining `synthetic-multitask`",
        "`0123abcd`",
        "- Ran on: NVIDIA H100; 3,456.7 images a second (the median of its epochs), "
        "23,456 MiB of memory at most\n",
        "60 random crops of 224x224",
        "the score on -3 to 112, lower is better",
        "Not measured yet",
        "The dataset: to be cited",
        "The images of the sources `waterloo`, `voc2012`",
        "## Intended use",
        "## Limits",
    ):
        assert words in text


def test_a_fine_tuned_model_that_kept_its_head() -> None:
    kept = {"head": "multitask", "classes": ["jpeg 1", "jpeg 2"], "label_kind": "single"}
    kept["head_first"] = {"epochs": 7, "learning_rate": 0.01, "weight_decay": 0.5}
    text = card_markdown(TUNED | kept | {"epochs": 3})
    assert "the training part of the dataset `live`, split `3`" in text
    assert "one class of 2: jpeg 1, jpeg 2" in text
    assert "The head alone was trained first, for 7 epochs\n" in text
    text = card_markdown(TUNED | kept | {"initialisation": "synthetic-reg", "epochs": 0})
    assert "jpeg 1" not in text
    assert "for 7 epochs, and nothing more" in text


def test_one_of_a_thing_is_in_the_singular() -> None:
    ones = {"head_first": {"epochs": 1}, "rehearsal": {"corpus": "levels", "pairs": 1}, "test_crops": 1}
    text = card_markdown(TUNED | ones | {"epochs": 3})
    assert "for 1 epoch\n" in text
    assert "1 pair of images" in text
    assert "1 random crop of 224x224" in text


def test_a_model_that_rehearsed_a_corpus() -> None:
    text = card_markdown(TUNED | {"rehearsal": {"corpus": "levels", "pairs": 4}, "rehearsal_digest": "4567"})
    assert "Sources of the pretraining and of what is rehearsed: `waterloo`, `voc2012`" in text
    assert "4 pairs of images of the corpus `levels` in each step" in text
    assert "`4567`" in text
    assert "rehearse" not in card_markdown(TUNED)


def test_a_pretrained_model() -> None:
    text = card_markdown(PRETRAINED)
    assert "pseudo-MOS (fused full-reference metrics), not human scores" in text
    assert "one class of 2: jpeg 1, jpeg 2" in text
    assert "The dataset:" not in text


def test_classes_of_both_kinds() -> None:
    text = card_markdown(PRETRAINED | {"label_kind": "both", "single_classes": 1})
    assert "one class of the first 1, and several labels of the others, of 2: jpeg 1, jpeg 2" in text


def test_correlations_with_their_intervals() -> None:
    row = ROW | {"srocc_low": 0.85, "srocc_high": 0.93}
    text = card_markdown(TUNED | {"correlations": [row]})
    assert "| live (test part) | 160 | 0.900 (0.850 to 0.930) | undefined | 0.910 | 0.700 | 0.100 |" in text
    assert "95% bootstrap interval" in text
    assert "Not measured yet" not in text


def test_facts_that_are_missing_are_left_out() -> None:
    text = card_markdown(TUNED | {"correlations": [ROW]})
    assert "interval" not in text
    assert "None" not in card_markdown(NEEDED)


KEPT = NEEDED | {"head": "multitask", "classes": ["jpeg 1", "jpeg 2"], "label_kind": "single"}
FULL = {
    **TUNED,
    **KEPT,
    "head_first": {"epochs": 7},
    "epochs": 3,
    "rehearsal": {"corpus": "levels", "pairs": 4},
    "rehearsal_digest": "4567",
    "test_crops": "grid",
    "view_side": 768,
    "precision": "float16",
    "mosforge": "1.0",
    "correlations": [ROW],
    "notes": "Fast.",
}


@pytest.mark.parametrize("key", sorted(FULL.keys() - KEPT.keys()))
def test_a_fact_that_is_none_is_left_out_as_one_that_is_missing(key: str) -> None:
    without = {name: fact for name, fact in FULL.items() if name != key}
    assert card_markdown(without | {key: None}) == card_markdown(without)


def test_of_a_fact_the_part_that_is_none_is_left_out() -> None:
    measured = {"device": "CPU", "images_per_second": None, "peak_memory_mib": None}
    assert "- Ran on: CPU\n" in card_markdown(TUNED | {"measured": measured})


@pytest.mark.parametrize("labels", ["proxy scores (HaarPSI), not human scores"])
def test_a_proxy_is_named_beside_the_numbers(labels: str) -> None:
    card: dict[str, Any] = TUNED | {"labels": labels, "correlations": [ROW]}
    assert f"Labels: {labels}." in card_markdown(card).partition("## Agreement")[2]
