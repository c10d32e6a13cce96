"""The rule `fetch_weights`: files of both formats, downloads, and files that hold no weights."""

import hashlib
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torchvision import models

from mosforge.cli import main
from mosforge.core.errors import MosforgeError
from mosforge.models.backbones import build_backbone
from mosforge.models.folder import WEIGHTS, save_model
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.models.origins import ORIGINS
from mosforge.models.weights import load_backbone
from mosforge.pretraining.fetch_weights import load_weights


@pytest.fixture(scope="module")
def whole() -> dict[str, torch.Tensor]:
    """ResNet-18's state dict as torchvision names it, with its classifier."""
    torch.manual_seed(3)
    return dict(models.resnet18(weights=None).state_dict())


def write(path: Path, state: Any) -> str:
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    return str(path)


@pytest.mark.parametrize("ending", ["safetensors", "pth", "pt"])
def test_a_state_dict_is_read_without_its_classifier(
    tmp_path: Path, whole: dict[str, Any], ending: str
) -> None:
    state = load_weights("resnet18", write(tmp_path / f"w.{ending}", whole))
    assert set(whole) - set(state) == {"fc.weight", "fc.bias"}
    assert list(state) == list(build_backbone("resnet18").state_dict())
    for key, value in state.items():
        torch.testing.assert_close(value, whole[key], rtol=0, atol=0)


def test_half_precision_becomes_float32(tmp_path: Path, whole: dict[str, Any]) -> None:
    halves = {key: value.half() if value.is_floating_point() else value for key, value in whole.items()}
    state = load_weights("resnet18", write(tmp_path / "w.pth", halves))
    assert state["conv1.weight"].dtype == torch.float32


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(
    tmp_path: Path, whole: dict[str, Any], number: float
) -> None:
    damaged = {**whole, "layer1.0.bn1.running_var": torch.full((64,), number)}
    with pytest.raises(MosforgeError, match=r"w\.pth: 'layer1\.0\.bn1\.running_var' has .* not finite"):
        load_weights("resnet18", write(tmp_path / "w.pth", damaged))


def test_an_older_file_without_counters_is_enough(tmp_path: Path, whole: dict[str, Any]) -> None:
    older = {key: value for key, value in whole.items() if not key.endswith("num_batches_tracked")}
    assert load_weights("resnet18", write(tmp_path / "w.pth", older))["bn1.num_batches_tracked"] == 0


class Code:
    """An object whose unpickling runs code: it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self.file,))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors", "w"])
def test_code_in_a_pickle_is_not_run(tmp_path: Path, name: str) -> None:
    for write_it in (torch.save, lambda value, path: Path(path).write_bytes(pickle.dumps(value))):
        write_it({"conv1.weight": Code(tmp_path / "was-run")}, tmp_path / name)
        with pytest.raises(MosforgeError, match="not a") as caught:
            load_weights("resnet18", str(tmp_path / name))
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "was-run").exists()


def test_shapes_that_do_not_fit_are_named(tmp_path: Path, whole: dict[str, Any]) -> None:
    file = write(tmp_path / "w.pth", whole | {"conv1.weight": torch.zeros(64, 1, 7, 7)})
    with pytest.raises(
        MosforgeError, match=r"w\.pth: the weights do not fit resnet18 \(see 'conv1\.weight'\)"
    ):
        load_weights("resnet18", file)


def test_keys_too_many_and_too_few_are_named(tmp_path: Path, whole: dict[str, Any]) -> None:
    more = write(tmp_path / "more.pth", whole | {"extra.weight": torch.zeros(1)})
    with pytest.raises(MosforgeError, match=r"see 'extra\.weight'"):
        load_weights("resnet18", more)
    fewer = write(tmp_path / "fewer.pth", {key: value for key, value in whole.items() if key != "bn1.bias"})
    with pytest.raises(MosforgeError, match=r"see 'bn1\.bias'"):
        load_weights("resnet18", fewer)


def test_the_weights_of_another_backbone_do_not_fit(tmp_path: Path, whole: dict[str, Any]) -> None:
    with pytest.raises(MosforgeError, match="do not fit resnet50"):
        load_weights("resnet50", write(tmp_path / "w.pth", whole))


@pytest.mark.parametrize("wrapper", ["state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_wrappers_of_training_scripts_are_removed(
    tmp_path: Path, whole: dict[str, Any], wrapper: str, prefix: str
) -> None:
    named = {f"{prefix}{key}": value for key, value in whole.items()}
    file = write(tmp_path / "w.pth", {"epoch": 90, wrapper: named, "optimizer": {"lr": 0.1}})
    state = load_weights("resnet18", file)
    torch.testing.assert_close(state["layer4.1.bn2.bias"], whole["layer4.1.bn2.bias"], rtol=0, atol=0)


def test_the_backbone_of_a_trained_model_is_taken(tmp_path: Path) -> None:
    torch.manual_seed(4)
    network = Network("resnet18", ScoreHead(512, 0.5))
    facts = {"backbone": "resnet18", "crop": 64, "test_crops": 3, "range": [0, 9], "higher_is_better": True}
    save_model(tmp_path / "m", network, {"head": "score", "dropout": 0.5, **facts})
    for source in (tmp_path / "m", tmp_path / "m/model.safetensors"):
        state = load_weights("resnet18", str(source))
        for key, value in network.backbone.state_dict().items():
            torch.testing.assert_close(state[key], value, rtol=0, atol=0)
    with pytest.raises(MosforgeError, match="m: a model of resnet18, not of resnet50"):
        load_weights("resnet50", str(tmp_path / "m"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(MosforgeError, match="empty: not a model folder"):
        load_weights("resnet18", str(tmp_path / "empty"))


def test_a_file_of_timm_loses_its_classifier(tmp_path: Path) -> None:
    whole = timm.create_model("mobilenetv3_small_050").state_dict()
    state = load_weights("mobilenetv3_small_050", write(tmp_path / "w.safetensors", dict(whole)))
    assert set(whole) - set(state) == {"classifier.weight", "classifier.bias"}
    torch.testing.assert_close(state["conv_head.weight"], whole["conv_head.weight"], rtol=0, atol=0)


@pytest.mark.parametrize(
    "value",
    [{"state_dict": {"a": 1}}, {"model": [torch.zeros(1)]}, [torch.zeros(1)], torch.zeros(1), {"a": 1}],
)
def test_a_file_without_a_state_dict_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(MosforgeError, match=r"not a state dict of tensors.*torch\.save\(network\.state_dict"):
        load_weights("resnet18", write(tmp_path / "w.pth", value))


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
@pytest.mark.parametrize("length", [0, 1, 7, 100, -100])
def test_a_truncated_file_is_refused(tmp_path: Path, ending: str, length: int) -> None:
    file = tmp_path / f"w.{ending}"
    write(file, {"conv1.weight": torch.zeros(300)})
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(MosforgeError, match=rf"w\.{ending}: not a") as caught:
        load_weights("resnet18", str(file))
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for name in ("none.pth", "none.safetensors"):
        with pytest.raises(MosforgeError, match="no such file of weights"):
            load_weights("resnet18", str(tmp_path / name))
    for folder in ("f", "f.safetensors"):
        (tmp_path / folder).mkdir()
        with pytest.raises(MosforgeError, match="not a model folder"):
            load_weights("resnet18", str(tmp_path / folder))


@pytest.mark.parametrize("word", ORIGINS)
def test_a_folder_of_the_working_directory_hides_no_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """resnet50_mlp has weights nowhere, so that each word ends in its own way, and none in a download."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / word).mkdir()
    if word == "none":
        assert load_weights("resnet18", word)
        return
    with pytest.raises(MosforgeError, match=r"has no (ImageNet )?weights of|only efficientnet_lite0 has a"):
        load_weights("resnet50_mlp", word)
    with pytest.raises(MosforgeError, match="not a model folder"):
        load_weights("resnet50_mlp", f"./{word}")


def test_random_weights_are_the_same_each_time_and_leave_the_random_state() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one = load_weights("resnet18", "none")
    torch.testing.assert_close(torch.rand(1), expected, rtol=0, atol=0)
    torch.manual_seed(6)
    for key, value in load_weights("resnet18", "none").items():
        torch.testing.assert_close(value, one[key], rtol=0, atol=0)


def test_a_network_that_uses_a_layer_twice_has_its_weights_in_a_file(tmp_path: Path) -> None:
    """safetensors refuses two names for one memory, as CoaT's blocks have."""
    backbone, file = "coat_lite_tiny", tmp_path / "w.safetensors"
    words = [
        "pretraining",
        "fetch_weights",
        "--backbone",
        backbone,
        "--source",
        "none",
        "--output",
        str(file),
    ]
    assert main(words) == 0
    network = Network(backbone, ScoreHead(320, 0.5))
    load_backbone(network, file)
    facts = {"backbone": backbone, "crop": 224, "test_crops": 3, "range": [0, 9], "higher_is_better": True}
    save_model(tmp_path / "m", network, {"head": "score", "dropout": 0.5, **facts})
    state, saved = load_weights(backbone, "none"), load_file(tmp_path / "m" / WEIGHTS)
    for key, value in state.items():
        assert torch.equal(saved[f"backbone.{key}"], value), key


def test_missing_origins_are_reported() -> None:
    with pytest.raises(MosforgeError, match="only efficientnet_lite0 has a package"):
        load_weights("resnet50", "package")
    with pytest.raises(MosforgeError, match="torchvision has no ImageNet weights of efficientnet_lite0"):
        load_weights("efficientnet_lite0", "torchvision")
    with pytest.raises(MosforgeError, match="timm has no alexnet; set"):
        load_weights("alexnet", "timm")
    with pytest.raises(
        MosforgeError, match=r"timm has no weights of resnet50_mlp; set pretraining.* to a file"
    ):
        load_weights("resnet50_mlp", "timm")


def test_timm_gives_its_weights_without_the_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """The download itself, replaced by what it would have fetched."""
    whole = timm.create_model("resnet18").state_dict()
    asked = []

    def fetched(*words: Any, **named: Any) -> dict[str, torch.Tensor]:
        asked.append(words)
        return dict(whole)

    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", fetched)
    state = load_weights("resnet18", "timm")
    assert "timm/resnet18.tv_in1k" in str(asked), "torchvision's weights, which are the paper's"
    assert set(whole) - set(state) == {"fc.weight", "fc.bias"}
    torch.testing.assert_close(state["conv1.weight"], whole["conv1.weight"], rtol=0, atol=0)


@pytest.fixture
def published(
    tmp_path: Path, whole: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A file that torchvision downloads from a server on this machine in the place of ResNet-18's weights.

    It has their names and shapes, each tensor filled with a number of its own, and a digest in its name.
    """
    state = {key: torch.tensor(float(i)).expand(value.shape) for i, (key, value) in enumerate(whole.items())}
    write(tmp_path / "w.pth", state)
    digest = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()[:8]
    file = (tmp_path / "w.pth").rename(tmp_path / f"resnet18-{digest}.pth")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    url = f"http://127.0.0.1:{server.server_address[1]}/{file.name}"
    monkeypatch.setattr(models.ResNet18_Weights.IMAGENET1K_V1.value, "url", url)
    yield file
    server.shutdown()
    thread.join()
    server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test's output clean."""


def test_torchvisions_weights_are_downloaded_once(published: Path, whole: dict[str, torch.Tensor]) -> None:
    output = published.parent / "out.safetensors"
    words = ["pretraining", "fetch_weights", "--backbone", "resnet18", "--source", "torchvision"]
    assert main([*words, "--output", str(output)]) == 0
    state = load_file(output)
    assert set(whole) - set(state) == {"fc.weight", "fc.bias"}
    for i, key in enumerate(whole):
        if key in state:
            assert state[key].shape == whole[key].shape
            assert (state[key] == i).all()
    published.unlink()
    torch.testing.assert_close(load_weights("resnet18", "torchvision"), state, rtol=0, atol=0)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mosforge.pretraining.fetch_weights.PAUSES", (0.0, 0.0))


def test_another_file_than_torchvision_published_is_refused(published: Path) -> None:
    published.write_bytes(published.read_bytes()[:-1] + b"x")
    with pytest.raises(MosforgeError, match=r"could not be downloaded from .*\(invalid hash value") as caught:
        load_weights("resnet18", "torchvision")
    assert "\n" not in str(caught.value)


def test_a_failed_download_names_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib.error import URLError

    from torchvision.models._api import WeightsEnum

    attempts = []

    def offline(*_: object, **__: object) -> None:
        attempts.append("one more")
        raise URLError("no route to host")

    monkeypatch.setattr(WeightsEnum, "get_state_dict", offline)
    with pytest.raises(
        MosforgeError, match=r"set pretraining\.backbones\.resnet50 to the file's path"
    ) as caught:
        load_weights("resnet50", "torchvision")
    assert "https://download.pytorch.org/models/resnet50-0676ba61.pth" in str(caught.value), (
        "V1, as the paper had"
    )
    assert len(attempts) == 3


def test_a_failed_download_of_timm_names_a_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        MosforgeError,
        match=r"from timm/mobilenetv3_small_050\.lamb_in1k .*; download them elsewhere and set pretraining",
    ) as caught:
        load_weights("mobilenetv3_small_050", "timm")
    assert "\n" not in str(caught.value)
