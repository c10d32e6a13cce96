"""A trained model for use elsewhere: one ONNX file, checked against torch, or a card with its correlations.

The ONNX graph takes 8-bit crops, normalises them itself, and has at most two outputs:

    crops          uint8 (n, crop, crop, 3), RGB
    quality        float32 (n,), higher is better; the quality of an image is the mean over its crops,
                   clipped to [0, 1]
    probabilities  float32 (n, classes), for a model that knows distortions

The metadata key `mosforge` holds, as JSON, the other facts that a user needs (see `graph_facts`), and `card`
the model's card (without the speed of its training, so that the same weights make the same file).
docs/score_onnx.py scores images with it, without torch.
"""

import json
import math
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mosforge.core.atomic import atomic_file
from mosforge.core.errors import MosforgeError
from mosforge.core.files import read_text
from mosforge.core.images import Pixels, read_rgb
from mosforge.core.runs import FINETUNE
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import Frame, read_table
from mosforge.models.card import Card, knows_classes
from mosforge.models.crops import cut_crops, draw_boxes
from mosforge.models.folder import MEASURED, check_scores, copy_model, load_model
from mosforge.models.weights import adapt_weights, halved

TOLERANCE = 1e-4
"""Largest allowed difference of an output from torch's."""

TOLERANCE_OF_HALF = 5e-3
"""Largest allowed difference of a score in half precision."""

_MODEL_KEYS = ("dataset", "split", "backbone", "initialisation")


def add_correlations(card: Card, tables: list[Path]) -> Card:
    """The card, with the rows of evaluated experiments that are about its model as `correlations`.

    Args:
        card: of the model.
        tables: artefacts `correlations`; a row that several of them hold counts once.

    Raises:
        MosforgeError: no row is about the model, or two of one dataset differ.
    """
    if not tables:
        return card
    rows: list[dict[str, Any]] = []
    for path in tables:
        rows += [row for row in _model_rows(read_table(path, CORRELATIONS), card) if row not in rows]
    if not rows:
        model = "/".join(str(card.get(key, "?")) for key in _MODEL_KEYS)
        raise MosforgeError(f"{', '.join(map(str, tables))}: no correlation of the model {model}")
    tested = [str(row["test_dataset"]) for row in rows]
    if twins := [name for name in tested if tested.count(name) > 1]:
        raise MosforgeError(
            f"{', '.join(map(str, tables))}: different correlations of the model on {twins[0]}; give those "
            "of its own run only"
        )
    return {**card, "correlations": sorted(rows, key=lambda row: str(row["test_dataset"]))}


def _model_rows(table: Frame, card: Card) -> list[dict[str, Any]]:
    table = table[table["adaptation"] == FINETUNE].drop(columns="adaptation")
    for key in _MODEL_KEYS:
        table = table[table[key] == str(card.get(key))]
    table = table[table["seed"] == card.get("seed", 0)]
    return [
        {str(name): _json_value(value) for name, value in row.items() if name not in _MODEL_KEYS}
        for row in table.to_dict("records")
    ]


def _json_value(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def add_notes(card: Card, notes: Path | None) -> Card:
    """The card, with a user's words, Markdown, as `notes`.

    Raises:
        MosforgeError: the file is missing, or is not UTF-8.
    """
    if notes is None:
        return card
    return {**card, "notes": read_text(notes).strip()}


def export_folder(folder: Path, output: Path, card: Card, *, half: bool) -> float:
    """Writes a copy of a model.

    Args:
        folder: of the model.
        output: the folder of the copy; written only if its scores are near those of the model.
        card: of the model, with facts added.
        half: in half precision.

    Returns:
        The largest difference of a score, on crops of one image.

    Raises:
        MosforgeError: as `copy_model`, or half precision is too coarse for the model.
    """
    difference = 0.0
    if half:
        network, _ = load_model(folder)
        crops = torch.from_numpy(_test_crops(card["crop"]))
        graph = _Graph(network, card)
        with torch.inference_mode():
            exact = graph(crops)[0]
            rounded = adapt_weights(halved(network.state_dict()), network, folder)
            network.load_state_dict(rounded)
            difference = float((graph(crops)[0] - exact).abs().max())
        if not difference <= TOLERANCE_OF_HALF:
            raise MosforgeError(
                f"{folder}: half precision changes a score by {difference:.1e}, more than "
                f"{TOLERANCE_OF_HALF}; leave out --half"
            )
        card = {**card, "precision": "float16"}
    copy_model(folder, output, card, half=half)
    return difference


def graph_facts(card: Card) -> dict[str, Any]:
    """The facts that are needed to score images with the graph.

    `crop` (side in pixels), `crops` (a number of random ones, or `grid`) and `view_side` (the longest shorter
    side that a grid shows in its own size, or none), `colour_order`, `normalisation`, `range` and
    `higher_is_better` of the dataset's scale; for a model that knows distortions `classes`.
    """
    known = {
        "crop": card["crop"],
        "crops": card["test_crops"],
        "view_side": card.get("view_side"),
        "colour_order": "RGB",
        "normalisation": "in the graph",
        "range": card["range"],
        "higher_is_better": card["higher_is_better"],
    }
    return known | ({"classes": card["classes"]} if knows_classes(card) else {})


def export_onnx(folder: str | os.PathLike[str], output: Path, card: Card) -> float:
    """Writes a model's graph, and compares its outputs in onnxruntime with those of torch.

    Args:
        folder: of the model.
        output: the file; written only if the comparison holds.
        card: of the model.

    Returns:
        The largest difference of an output, on crops of one image.

    Raises:
        MosforgeError: not a model folder, a package is missing, or the graph computes something else.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MosforgeError(f"{error.name} is not installed: pip install 'mosforge[onnx]'") from None
    check_scores(folder, card)
    network, _ = load_model(folder)
    graph = _Graph(network, card).eval()
    model = _traced(graph, card["crop"])
    _drop_traces(model.graph)
    lasting = {key: value for key, value in card.items() if key != MEASURED}
    onnx.helper.set_model_props(
        model, {"mosforge": json.dumps(graph_facts(card)), "card": json.dumps(lasting, sort_keys=True)}
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

    def __init__(self, network: nn.Module, card: Card) -> None:
        super().__init__()
        self.network = network
        self.knows_distortions = knows_classes(card)
        self.names = ["quality", "probabilities"] if self.knows_distortions else ["quality"]
        # see scorer.class_probabilities
        kind = card.get("label_kind")
        self.singles = len(card["classes"]) if kind == "single" else card.get("single_classes", 0)

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        outputs = self.network(crops)
        if not self.knows_distortions:
            return (outputs[1] if isinstance(outputs, tuple) else outputs,)
        logits, quality = outputs
        singles, others = logits[:, : self.singles], logits[:, self.singles :]
        parts = [singles.softmax(dim=1)] * (singles.shape[1] > 0) + [others.sigmoid()] * (others.shape[1] > 0)
        return quality, torch.cat(parts, dim=1)


def _traced(graph: _Graph, size: int) -> Any:
    two = torch.zeros((2, size, size, 3), dtype=torch.uint8)  # with one crop, torch would fix their number
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they concern torch's own code
        program = torch.onnx.export(
            graph,
            (two,),
            input_names=["crops"],
            output_names=graph.names,
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # only the old exporter returns None
    return program.model_proto


def _drop_traces(graph: Any) -> None:
    """Removes the stack traces that the exporter writes: they name files of this machine."""
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def _difference(content: bytes, graph: _Graph, size: int) -> float:
    from onnxruntime import InferenceSession

    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    crops = _test_crops(size)
    differences = []
    for batch in (crops, crops[:1]):
        found = session.run(graph.names, {"crops": batch})
        with torch.inference_mode():
            expected = graph(torch.from_numpy(batch))
        differences += [np.abs(a - b.numpy()).max() for a, b in zip(found, expected, strict=True)]
    return float(np.max(differences))


def _test_crops(size: int) -> Pixels:
    """Crops of an image that matplotlib brings along, enlarged where it is smaller than needed."""
    from matplotlib import get_data_path
    from PIL import Image

    pixels = read_rgb(Path(get_data_path()) / "sample_data/grace_hopper.jpg")
    enough = max(1.0, (size + 32) / min(pixels.shape[:2]))
    width, height = (round(side * enough) for side in pixels.shape[1::-1])
    pixels = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
    return cut_crops(pixels, draw_boxes(pixels, size, 5, "ONNX"), size)
