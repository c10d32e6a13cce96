"""The backbone of a trained model as a torch module of its own."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch.nn.functional import cosine_similarity

import mosforge
from mosforge.core.errors import MosforgeError
from mosforge.models.folder import save_model
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.scoring.backbone import Preprocessing, pretrained_backbone

PIXELS = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)


def save(folder: Path, name: str, width: int) -> Network:
    """Saves a network with random weights; the network."""
    torch.manual_seed(0)
    network = Network(name, ScoreHead(width, 0.5)).eval()
    facts = {"backbone": name, "crop": 64, "test_crops": 2, "range": [0.0, 1.0]}
    save_model(folder, network, {"head": "score", "dropout": 0.5, "higher_is_better": True, **facts})
    return network


@pytest.mark.parametrize(("name", "width"), [("efficientnet_lite0", 1280), ("alexnet", 4096)])
def test_its_features_are_those_that_the_head_of_the_model_sees(
    name: str, width: int, tmp_path: Path
) -> None:
    network = save(tmp_path, name, width)
    seen: list[torch.Tensor] = []
    network.head.register_forward_pre_hook(lambda _, inputs: seen.append(*inputs))
    backbone, preprocess = pretrained_backbone(tmp_path)
    with torch.inference_mode():
        network(torch.from_numpy(PIXELS[None]))
        features = backbone(preprocess(PIXELS)[None])
    assert not backbone.training
    assert features.shape == (1, width)
    torch.testing.assert_close(features, seen[0], rtol=1e-4, atol=1e-5)


def test_its_weights_fit_the_network_of_timm(tmp_path: Path) -> None:
    save(tmp_path, "efficientnet_lite0", 1280)
    backbone, preprocess = mosforge.pretrained_backbone(tmp_path)
    other = timm.create_model("tf_efficientnet_lite0", num_classes=0).eval()
    other.load_state_dict(backbone.state_dict())
    planes = preprocess(PIXELS)[None]
    with torch.inference_mode():
        assert cosine_similarity(other(planes), backbone(planes)).item() > 0.9999


def test_a_file_an_image_an_array_and_a_batch_become_the_same_planes(tmp_path: Path) -> None:
    preprocess = pickle.loads(pickle.dumps(Preprocessing((127.0, 100.0, 0.0), (128.0, 1.0, 2.0))))
    planes = preprocess(PIXELS)
    assert planes.dtype == torch.float32
    assert planes.shape == (3, 70, 90)
    np.testing.assert_allclose(planes[1], PIXELS[:, :, 1] - 100.0)
    np.testing.assert_allclose(planes[2], PIXELS[:, :, 2] / 2.0)
    Image.fromarray(PIXELS).save(tmp_path / "image.png")
    for image in (tmp_path / "image.png", str(tmp_path / "image.png"), Image.fromarray(PIXELS)):
        assert torch.equal(preprocess(image), planes)
    assert torch.equal(preprocess(torch.from_numpy(np.stack([PIXELS] * 2)))[1], planes)
    with Image.open(tmp_path / "image.png") as image:
        assert preprocess(image.convert("L")).shape == (3, 70, 90)


WRONG = [
    *(PIXELS / 255, PIXELS[:, :, 0], PIXELS.transpose(2, 0, 1), PIXELS[:0], PIXELS.astype(np.uint16)),
    *(np.ma.masked_less(PIXELS, 9), torch.from_numpy(PIXELS / 255), None, b"a.png"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_what_is_not_8_bit_rgb_is_refused(wrong: Any) -> None:
    with pytest.raises(MosforgeError, match="must be uint8"):
        Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))(wrong)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match="not a model folder"):
        pretrained_backbone(tmp_path)
