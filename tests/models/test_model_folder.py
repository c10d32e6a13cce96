"""The folder of a model: what is saved comes back, and what is no such folder is refused."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mosforge import __version__
from mosforge.core.errors import MosforgeError
from mosforge.core.files import sha256_of_file
from mosforge.models.backbones import build_backbone
from mosforge.models.folder import (
    CARD,
    CARD_FOR_PEOPLE,
    WEIGHTS,
    copy_model,
    load_card,
    load_model,
    save_model,
)
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.models.weights import load_backbone

Saved = Callable[..., Path]


@pytest.mark.parametrize("head", ["score", "multitask"])
def test_a_model_comes_back_in_evaluation_mode(saved: Saved, networks: dict[str, Network], head: str) -> None:
    network, card = load_model(saved(head))
    assert not any(module.training for module in network.modules())
    for key, value in networks[head].state_dict().items():
        torch.testing.assert_close(network.state_dict()[key], value, rtol=0, atol=0)
    assert card["backbone"] == "resnet18"
    assert card["mosforge"] == __version__


def test_the_folder_holds_safetensors_and_a_card_and_nothing_else(saved: Saved) -> None:
    folder = saved()
    names = ["card.json", "card.md", "model.safetensors"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert set(load_file(folder / WEIGHTS)) > {"backbone.conv1.weight", "head.fc2.bias"}
    assert load_card(folder)["weights_sha256"] == sha256_of_file(folder / WEIGHTS)


def test_the_same_model_is_saved_as_the_same_bytes(
    templates: Path, networks: dict[str, Network], tmp_path: Path
) -> None:
    card = {
        key: value
        for key, value in load_card(templates / "score").items()
        if key not in ("mosforge", "weights_sha256")
    }
    save_model(tmp_path, networks["score"], dict(reversed(card.items())))
    for name in (CARD, CARD_FOR_PEOPLE, WEIGHTS):
        assert (tmp_path / name).read_bytes() == (templates / "score" / name).read_bytes()


def test_a_flipped_bit_in_the_weights_is_noticed(saved: Saved) -> None:
    folder = saved()
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1000] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(
        MosforgeError, match=r"model\.safetensors: damaged, its digest is not the one in card\.json"
    ):
        load_model(folder)


def test_a_folder_without_either_file_is_no_model(saved: Saved, tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match=r"nowhere: not a model folder, it has no card\.json"):
        load_model(tmp_path / "nowhere")
    folder = saved()
    (folder / WEIGHTS).unlink()
    with pytest.raises(MosforgeError, match=r"model: not a model folder, it has no model\.safetensors"):
        load_model(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"architectures": ["BertModel"], "head": ["x"]}',
    ],
)
def test_other_peoples_json_is_no_card(saved: Saved, content: bytes) -> None:
    folder = saved()
    (folder / CARD).write_bytes(content)
    with pytest.raises(MosforgeError, match=r"card\.json: not (a model card|the card of a mosforge model)"):
        load_model(folder)


@pytest.mark.parametrize(
    ("head", "fact"),
    [
        *(
            ("score", fact)
            for fact in ("backbone", "head", "weights_sha256", "crop", "test_crops", "range", "dropout")
        ),
        ("score", "higher_is_better"),
        ("multitask", "classes"),
        ("multitask", "label_kind"),
    ],
)
@pytest.mark.parametrize("value", [..., None, {"a": 1}])
def test_a_card_without_a_fact_is_refused(saved: Saved, head: str, fact: str, value: Any) -> None:
    folder = saved(head, facts={fact: value})
    with pytest.raises(MosforgeError, match=r"card\.json: not the card of a mosforge model"):
        load_model(folder)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("view_side", "512"),
        ("view_side", 0),
        ("view_side", True),
        ("head_width", 1.5),
        ("multi_level", "no"),
        ("initialisation", 3),
        ("objective", ["x"]),
    ],
)
def test_a_card_with_a_wrong_fact_that_may_lack_is_refused(saved: Saved, fact: str, value: Any) -> None:
    folder = saved("multitask", facts={fact: value})
    with pytest.raises(MosforgeError, match=rf"card\.json: .*'{fact}' is missing or wrong"):
        load_model(folder)
    assert load_model(saved("multitask", facts={fact: None}))


@pytest.mark.parametrize(("fact", "value"), [("pictures", "many"), ("measured", 3), ("correlations", [1])])
def test_a_card_that_cannot_be_written_for_people_leaves_no_copy(
    saved: Saved, tmp_path: Path, fact: str, value: Any
) -> None:
    folder = saved()
    target = tmp_path / "copy"
    with pytest.raises(MosforgeError, match=r"card\.json: a fact in it is wrong .*; copy the model again"):
        copy_model(folder, target, load_card(folder) | {fact: value})
    assert not target.exists()


def test_a_model_of_two_label_kinds_says_where_they_meet(saved: Saved) -> None:
    assert load_card(saved("multitask", facts={"label_kind": "both", "single_classes": 2}))
    with pytest.raises(MosforgeError, match="'single_classes' is missing or wrong"):
        load_card(saved("multitask", facts={"label_kind": "both", "single_classes": ...}))
    with pytest.raises(MosforgeError, match="'single_classes' is missing or wrong"):
        load_card(saved("multitask", facts={"label_kind": "both", "single_classes": 99}))


def test_a_model_with_multi_level_features_comes_back(saved: Saved, tmp_path: Path) -> None:
    torch.manual_seed(2)
    network = Network("resnet18", ScoreHead(960, 0.5), multi_level=True)
    torch.nn.init.normal_(network.head.fc2.weight)
    save_model(tmp_path / "deep", network, load_card(saved()) | {"multi_level": True})
    loaded, _ = load_model(tmp_path / "deep")
    pixels = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(pixels), network.eval()(pixels))


@pytest.mark.parametrize(
    ("head", "fact", "value"),
    [
        ("score", "range", [5, 1]),
        ("score", "range", [0, "1"]),
        ("score", "range", [0, float("nan")]),
        ("score", "crop", 0),
        ("score", "crop", True),
        ("score", "test_crops", 2.5),
        ("score", "dropout", 1.5),
        ("multitask", "classes", []),
        ("multitask", "classes", ["a", 2, "c"]),
        ("multitask", "label_kind", "neither"),
    ],
)
def test_a_card_with_an_impossible_fact_is_refused(saved: Saved, head: str, fact: str, value: Any) -> None:
    with pytest.raises(MosforgeError, match=f"card.json: .* '{fact}' is missing or wrong"):
        load_model(saved(head, facts={fact: value}))


def test_a_copy_says_more_and_needs_nothing_else(saved: Saved, tmp_path: Path) -> None:
    folder = saved()
    card = load_card(folder) | {"correlations": [{"test_dataset": "x", "images": 9, "srocc": 0.5}]}
    copy_model(folder, tmp_path / "copy", card)
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["card.json", "card.md", WEIGHTS]
    network, found = load_model(tmp_path / "copy")
    assert found == card
    for key, value in load_model(folder)[0].state_dict().items():
        torch.testing.assert_close(network.state_dict()[key], value, rtol=0, atol=0)
    with pytest.raises(MosforgeError, match="this is the model itself"):
        copy_model(folder, tmp_path / "copy/../model", card)


def test_a_damaged_model_is_not_copied(saved: Saved, tmp_path: Path) -> None:
    folder = saved()
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-10])
    with pytest.raises(MosforgeError, match="damaged"):
        copy_model(folder, tmp_path / "copy", load_card(folder))
    assert not (tmp_path / "copy" / CARD).exists()


@pytest.mark.parametrize(
    "facts",
    [
        {"backbone": "alexnet"},
        {"multi_level": True},
        {"head": "multitask", "classes": ["a", "b"], "label_kind": "single"},
    ],
)
def test_weights_that_do_not_fit_their_card_are_refused(saved: Saved, facts: dict[str, Any]) -> None:
    folder = saved(facts=facts)
    with pytest.raises(MosforgeError, match=r"model\.safetensors: the weights do not fit the network \(.+\)"):
        load_model(folder)


def test_an_unknown_backbone_in_a_card_is_reported(saved: Saved) -> None:
    folder = saved(facts={"backbone": "vgg99"})
    with pytest.raises(MosforgeError, match="backbone 'vgg99' is neither one of"):
        load_model(folder)


class Code:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self.file,))


def test_a_pickle_in_the_place_of_the_weights_is_refused_and_not_run(saved: Saved, tmp_path: Path) -> None:
    for write in (torch.save, lambda value, path: Path(path).write_bytes(pickle.dumps(value))):
        folder = saved()
        write({"x": Code(tmp_path / "was-run")}, folder / WEIGHTS)
        with pytest.raises(MosforgeError, match="damaged"):
            load_model(folder)
        card = json.loads((folder / CARD).read_text())
        card["weights_sha256"] = sha256_of_file(folder / WEIGHTS)  # a card forged to fit
        (folder / CARD).write_text(json.dumps(card))
        with pytest.raises(MosforgeError, match=r"model\.safetensors: not a file of weights"):
            load_model(folder)
        assert not (tmp_path / "was-run").exists()


def test_a_failed_save_leaves_the_old_model(
    saved: Saved, networks: dict[str, Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved()
    before = (folder / WEIGHTS).read_bytes()

    def full(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mosforge.models.weights.save_file", full)
    with pytest.raises(MosforgeError, match="no room on the disk"):
        save_model(folder, networks["score"], {})
    assert (folder / WEIGHTS).read_bytes() == before
    load_model(folder)


def test_a_backbone_starts_from_imagenet_weights_or_from_a_trained_model(
    saved: Saved, tmp_path: Path, networks: dict[str, Network]
) -> None:
    folder = saved("multitask")
    state = networks["multitask"].backbone.state_dict()
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "imagenet.safetensors")
    for file in (tmp_path / "imagenet.safetensors", folder / WEIGHTS):
        network = Network("resnet18", ScoreHead(512, 0.5))
        head = network.head.fc1.weight.detach().clone()
        load_backbone(network, file)
        for key, value in state.items():
            torch.testing.assert_close(network.backbone.state_dict()[key], value, rtol=0, atol=0)
        torch.testing.assert_close(network.head.fc1.weight, head, rtol=0, atol=0)


def test_weights_of_another_backbone_are_refused_in_a_sentence(saved: Saved, tmp_path: Path) -> None:
    network = Network("efficientnet_lite0", ScoreHead(1280, 0.5))
    other = {key: value.contiguous() for key, value in build_backbone("resnet18").state_dict().items()}
    save_file(other, tmp_path / "w.safetensors")
    for file in (tmp_path / "w.safetensors", saved("multitask") / WEIGHTS):
        with pytest.raises(MosforgeError, match=r"safetensors: the weights do not fit the network") as caught:
            load_backbone(network, file)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize("content", [None, b"", b"x" * 100])
def test_a_file_without_weights_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(MosforgeError, match=r"w\.safetensors: not a file of weights"):
        load_backbone(Network("resnet18", ScoreHead(512, 0.5)), tmp_path / "w.safetensors")


def test_prediction_uses_evaluation_mode(saved: Saved) -> None:
    """Batch normalisation and dropout in training mode would make a crop's score depend on its company."""
    network, _ = load_model(saved())
    crops = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.uint8))
    with torch.inference_mode():
        single = torch.cat([network(crop[None]) for crop in crops])
        torch.testing.assert_close(network(crops), single, rtol=1e-4, atol=1e-5)
