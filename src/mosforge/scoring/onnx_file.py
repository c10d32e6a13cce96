"""A trained model as one ONNX file, checked against torch.

The graph takes 8-bit crops as they are, normalises them itself, and has two outputs at most:

    crops          uint8 (n, crop, crop, 3), RGB
    quality        float32 (n,), higher is better; the mean over a picture's crops, cut off to [0, 1],
                   is its quality
    probabilities  float32 (n, classes), for a model that knows distortions

The metadata key `mosforge` holds, as JSON, what else a user needs (see `facts`), and `card` the model's
card (without what its training measured, so that the same weights make the same file). docs/score_onnx.py
scores pictures with it, without torch.
"""

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mosforge.core.errors import MosforgeError
from mosforge.core.files import atomic_file
from mosforge.core.images import Pixels, read_rgb
from mosforge.models.classes import knows_classes
from mosforge.models.crops import cut, draw_boxes
from mosforge.models.folder import MEASURED, load_model

TOLERANCE = 1e-4
"""Most that an output may differ from torch's."""


def facts(card: dict[str, Any]) -> dict[str, Any]:
    """What must be known to score pictures with the graph.

    `crop` (side in pixels), `crops` (number a picture), `colour_order`, `normalisation`, `range` and
    `higher_is_better` of the dataset's scale; for a model that knows distortions `classes`.
    """
    known = {
        "crop": card["crop"],
        "crops": card["test_crops"],
        "colour_order": "RGB",
        "normalisation": "in the graph",
        "range": card["range"],
        "higher_is_better": card["higher_is_better"],
    }
    return known | ({"classes": card["classes"]} if knows_classes(card) else {})


def export_onnx(folder: str | os.PathLike[str], output: Path, card: dict[str, Any]) -> float:
    """Writes a model's graph, and compares what onnxruntime makes of it with torch.

    Args:
        folder: of the model.
        output: the file; written only if the comparison holds.
        card: of the model.

    Returns:
        The largest difference of an output on a photograph.

    Raises:
        MosforgeError: not a model folder, a package is missing, or the graph computes something else.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MosforgeError(f"{error.name} is not installed: pip install 'mosforge[onnx]'") from None
    network, _ = load_model(folder)
    graph = _Graph(network, card).eval()
    model = _traced(graph, card["crop"])
    _forget_where_it_was_made(model.graph)
    lasting = {key: value for key, value in card.items() if key != MEASURED}
    onnx.helper.set_model_props(
        model, {"mosforge": json.dumps(facts(card)), "card": json.dumps(lasting, sort_keys=True)}
    )
    onnx.checker.check_model(model)
    content = model.SerializeToString(deterministic=True)
    difference = _difference(content, graph, card["crop"])
    if not difference <= TOLERANCE:
        raise MosforgeError(
            f"{folder}: the exported graph differs from torch by {difference:.1e}, more than {TOLERANCE}"
        )
    with atomic_file(output) as temporary:
        temporary.write_bytes(content)
    return difference


class _Graph(nn.Module):
    """A network with the outputs of the graph."""

    def __init__(self, network: nn.Module, card: dict[str, Any]) -> None:
        super().__init__()
        self.network = network
        self.knows_distortions = knows_classes(card)
        self.names = ["quality", "probabilities"] if self.knows_distortions else ["quality"]
        # see models.classes.class_chances
        kind = card.get("label_kind")
        self.singles = len(card["classes"]) if kind == "single" else card.get("single_classes", 0)

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        said = self.network(crops)
        if not self.knows_distortions:
            return (said[1] if isinstance(said, tuple) else said,)
        logits, quality = said
        singles, others = logits[:, : self.singles], logits[:, self.singles :]
        parts = [singles.softmax(dim=1)] * (singles.shape[1] > 0) + [others.sigmoid()] * (others.shape[1] > 0)
        return quality, torch.cat(parts, dim=1)


def _traced(graph: _Graph, size: int) -> Any:
    two = torch.zeros((2, size, size, 3), dtype=torch.uint8)  # of a single one, torch would fix the number
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about torch's own code
        program = torch.onnx.export(
            graph,
            (two,),
            input_names=["crops"],
            output_names=graph.names,
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # the exporter that returns none is the old one
    return program.model_proto


def _forget_where_it_was_made(graph: Any) -> None:
    """Drops the stack traces that the exporter notes: they name files of this machine."""
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def _difference(content: bytes, graph: _Graph, size: int) -> float:
    from onnxruntime import InferenceSession

    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    pixels = _photograph(size)
    crops = cut(pixels, draw_boxes(pixels, size, 5, "ONNX"), size)
    differences = []
    for batch in (crops, crops[:1]):
        found = session.run(graph.names, {"crops": batch})
        with torch.inference_mode():
            expected = graph(torch.from_numpy(batch))
        differences += [np.abs(a - b.numpy()).max() for a, b in zip(found, expected, strict=True)]
    return float(np.max(differences))


def _photograph(size: int) -> Pixels:
    """A photograph that travels in matplotlib, enlarged where it is smaller than needed."""
    from matplotlib import get_data_path
    from PIL import Image

    pixels = read_rgb(Path(get_data_path()) / "sample_data/grace_hopper.jpg")
    enough = max(1.0, (size + 32) / min(pixels.shape[:2]))
    width, height = (round(side * enough) for side in pixels.shape[1::-1])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
