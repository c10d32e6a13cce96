"""How many human scores a pretraining saves:
`python tests/benchmarks/bench_ratings.py RUN DATASET SPLIT PRETRAINED [--finetuned RATINGS ...]`.

RUN is the folder of a run, such as runs/builtin, whose target dataset DATASET is packed, with its split SPLIT
and the weights of PRETRAINED, such as pristine/efficientnet_lite0/multitask. For each number of ratings as
many images of the training part are drawn, several times (--draws, --finetuned_draws) and nested. The test
images that share their scene with no other part are scored from the crops of the grid. A line gives a
method's mean SROCC over the draws, their standard deviation, and by how much it is above FT, with the 95%
interval over resampled contents and draws; the last two lines of a number say so of the pretrained head and a
new one. Where the draws share many images, these intervals are too narrow.

    none         the score of the pretraining, without any human score
    probe        a ridge regression on frozen features (and on the score that was learned)
    head first   `finetuning.head_first` with `epochs: 0`
    FT           ImageNet weights, the whole network trained; only with the ratings in --finetuned, since each
                 training takes minutes on a CPU
    with FT      the mean of the scores of FT and of `head first`; likewise

What --keep names is a folder for the scores of each method and draw. Those that are there, of the same
images, weights and settings, are not made again, so that another call goes on, or compares another
pretraining with the same FT. What --figure names is a file for the curves: mean and standard deviation over
the draws.
"""

import argparse
import copy
import math
import os
import tempfile
from functools import cached_property
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from mosforge.core.atomic import atomic_file
from mosforge.core.errors import MosforgeError
from mosforge.core.files import digest, sha256_of_file
from mosforge.core.packs import Pack, locate
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.packs import PACK
from mosforge.core.seeds import generator
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.core.values import GRID_CROPS
from mosforge.finetuning.finetune import finetune
from mosforge.finetuning.finetune_settings import FinetuningSettings
from mosforge.finetuning.head_first import CropFeatures, crop_features, learn_scores
from mosforge.models.crops import view_side
from mosforge.models.devices import pick_device
from mosforge.models.folder import load_model
from mosforge.models.frozen import frozen_network
from mosforge.models.heads import ScoreHead
from mosforge.models.network import Network
from mosforge.report import drawing
from mosforge.statistics.intervals import interval_of_difference
from mosforge.statistics.ridge import fit_ridge
from mosforge.training.setup import Setup

CROP = 256
RECIPE: dict[str, Any] = {
    **{"dataset": "bench", "split": "bench", "crop": CROP, "flip": True, "batch_size": 16, "dropout": 0.5},
    **{"schedule": "cosine", "warm_up": 50},
    **{"sources": [], "range": [0, 1], "higher_is_better": True, "layout": "table"},
    "learning_rates": {"backbone": 1e-4, "head": 1e-3},
}
HEAD_FIRST = {"epochs": 20, "learning_rate": 3e-4, "weight_decay": 0.05}
FROZEN = ("probe", "head first")
FT_EPOCHS = 8
FT_CROPS = 400  # in an epoch at least, so that the fewest ratings have 200 steps, too

Array = np.ndarray[Any, Any]
Curves = dict[str, dict[int, Array]]
"""The SROCC of each draw, by method and number of ratings."""


class Seen:
    """What one network makes of the rated images: the features of all crops, their means, and its scores."""

    def __init__(
        self, start: str, network: Network, rows: Frame, training: Array, device: torch.device
    ) -> None:
        self.start, self._head = start, network.head
        self._network, self._rows, self._training, self._device = network, rows, training, device

    @cached_property
    def _crops(self) -> CropFeatures:
        images, everything = Pack(self._rows), np.arange(len(self._rows))
        side = view_side(images.heights[self._training], images.widths[self._training])
        network = copy.deepcopy(self._network).to(self._device)
        return crop_features(network, images, everything, side, CROP, self._device, torch.get_num_threads())

    @cached_property
    def means(self) -> Array:
        """The mean features of the crops of each image, shape (images, width)."""
        sums = np.add.reduceat(self._crops.features.double().numpy(), self._crops.starts)
        return np.asarray(sums / self._crops.counts[:, None])

    @property
    def own(self) -> Array:
        """The score that was learned, shape (images, 1); of ImageNet's network there is none: (images, 0)."""
        scores: Array = self._crops.scores.numpy()[:, None]
        return scores if self.start != "imagenet" else scores[:, :0]

    def probe(self, chosen: Array, quality: Array, contents: list[str], tested: Array) -> Array:
        """Scores of the tested images by a ridge regression on the chosen ones."""
        ridge = fit_ridge(self.means[chosen], quality, contents, self.own[chosen])
        return ridge.predict(self.means[tested], self.own[tested])

    def head_first(self, chosen: Array, quality: Array, tested: Array, cfg: FinetuningSettings) -> Array:
        """Scores of the tested images by a head that learned from the chosen ones."""
        head = copy.deepcopy(self._head).eval()
        if isinstance(head, ScoreHead):
            torch.manual_seed(cfg.seed)
            head = ScoreHead(self.means.shape[1], 0.0).eval()
        else:  # as where no classes are rehearsed: those that are told stay right
            for parameter in head.parameter_groups()["classification"]:
                parameter.requires_grad_(False)
        learn_scores(head, self._part(chosen), torch.tensor(quality, dtype=torch.float32), cfg)
        crops = self._part(tested)
        with torch.inference_mode():
            output = head(crops.features)
        scores = (output[-1] if isinstance(output, tuple) else output).double().numpy()
        return np.add.reduceat(scores, crops.starts) / crops.counts

    def _part(self, chosen: Array) -> CropFeatures:
        starts, counts = self._crops.starts[chosen], self._crops.counts[chosen]
        rows = np.concatenate([np.arange(a, a + n) for a, n in zip(starts, counts, strict=True)])
        begins = np.cumsum(counts) - counts
        return CropFeatures(self._crops.features[rows], self._crops.scores[chosen], begins, counts)


class Bench:
    """The rated images of a split, and what is learned from some of its training part."""

    def __init__(self, dataset: str, split: str, pretrained: str, kept: Path | None) -> None:
        self._kept, self._device = kept, pick_device("auto")
        results = Path("results")
        target = results / "finetuning" / dataset
        self._dataset, self._pack = target / "dataset.parquet", target / "pack.parquet"
        parts = read_table(target / split / "split.parquet", SPLIT)
        parts = parts[(parts["part"] != "test") | parts["clean"].fillna(True)]
        rows = read_table(self._dataset, DATASET).drop(columns="part").merge(parts, on=["image", "reference"])
        self._rows = locate(rows, read_table(self._pack, PACK)).reset_index(drop=True)
        self.training = np.flatnonzero(self._rows["part"] == "train")
        self.tested = np.flatnonzero(self._rows["part"] == "test")
        self.quality = self._rows["quality"].to_numpy(np.float64)
        self.contents = self._rows["content"].to_numpy()
        network, card = load_model(results / "pretraining" / pretrained)
        self._network = {"backbone": card["backbone"], "multi_level": bool(card["multi_level"])}
        start = f"{pretrained.split('/')[0]}-{card['objective']}"
        self._weights = results / "pretraining/weights" / f"{card['backbone']}.safetensors"
        learned = results / "pretraining" / pretrained / "model.safetensors"
        rated = self._rows[["image", "part", "quality"]].to_numpy().tolist()
        settings = [rated, self._network, RECIPE, HEAD_FIRST, FT_EPOCHS, FT_CROPS, CROP, GRID_CROPS]
        self._digests = {
            name: digest([*settings, sha256_of_file(weights)])
            for name, weights in ((start, learned), ("imagenet", self._weights))
        }
        plain = frozen_network(self._weights, initialisation="imagenet", **self._network)
        self.seen = [
            Seen(name, one, self._rows, self.training, self._device)
            for name, one in {start: network, "imagenet": plain}.items()
        ]

    def predictions(self, method: str, seen: Seen, number: int, draws: int) -> Array:
        """Scores of the test images, shape (draws, images)."""
        return np.stack([self._prediction(method, seen, number, draw) for draw in range(draws)])

    def _prediction(self, method: str, seen: Seen, number: int, draw: int) -> Array:
        if self._kept is None:
            return self._learn(method, seen, number, draw)
        name = f"{self._digests[seen.start]}-{seen.start}-{method.replace(' ', '_')}-{number}-{draw}.npy"
        if not (self._kept / name).exists():
            found = self._learn(method, seen, number, draw)
            with atomic_file(self._kept / name) as temporary, temporary.open("wb") as stream:
                np.save(stream, found)
        return np.asarray(np.load(self._kept / name))

    def _learn(self, method: str, seen: Seen, number: int, draw: int) -> Array:
        chosen = generator("bench ratings", draw).permutation(self.training)[:number]
        quality = self.quality[chosen]
        if method == "probe":
            return seen.probe(chosen, quality, self.contents[chosen].tolist(), self.tested)
        if method == "head first":
            cfg = self._settings(seen.start, draw, epochs=0, patches=1, head_first=HEAD_FIRST)
            return seen.head_first(chosen, quality, self.tested, cfg)
        return self._finetuned(chosen, draw)

    def _finetuned(self, chosen: Array, draw: int) -> Array:
        cfg = self._settings("imagenet", draw, epochs=FT_EPOCHS, patches=math.ceil(FT_CROPS / len(chosen)))
        with tempfile.TemporaryDirectory() as name:
            split, model = Path(name, "split.parquet"), Path(name, "model")
            part = self._rows.iloc[chosen][["image", "reference", "content"]].assign(part="train")
            write_table(split, SPLIT, part, stage="bench", cfg={})
            finetune(self._dataset, split, self._pack, self._weights, output=model, cfg=cfg, setup=Setup())
            network, card = load_model(model)
        rows, side = Pack(self._rows), int(card["view_side"])
        network = network.to(self._device)
        found = crop_features(network, rows, self.tested, side, CROP, self._device, torch.get_num_threads())
        return found.scores.numpy()

    def _settings(self, initialisation: str, seed: int, **others: Any) -> FinetuningSettings:
        return FinetuningSettings(
            **RECIPE, **self._network, initialisation=initialisation, seed=seed, **others
        )

    def sroccs(self, found: Array) -> Array:
        """The SROCC of each draw, shape (draws,)."""
        given = self.quality[self.tested]
        return np.array([spearmanr(one, given).statistic for one in found])

    def line(self, method: str, number: int, found: Array, base: Array | None) -> str:
        """Mean and deviation of the SROCC of a method's draws, and how far it is above FT."""
        values = self.sroccs(found)
        deviation = f"{values.std(ddof=1):5.3f}" if len(values) > 1 else "    -"
        text = f"{number:7d}  {method:36} {values.mean():6.3f}  {deviation}"
        return text if base is None else f"{text}  {self.gain(found, base)}"

    def gain(self, found: Array, base: Array) -> str:
        """How far the SROCC of a method is above that of another on the same draws, with its 95% interval."""
        alike = min(len(found), len(base))
        difference = self.sroccs(found[:alike]).mean() - self.sroccs(base[:alike]).mean()
        given, contents = self.quality[self.tested], self.contents[self.tested].tolist()
        low, high = interval_of_difference(found[:alike], base[:alike], given, contents, "bench")
        return f"{difference:+.3f} ({low:+.3f} to {high:+.3f}), draws: {alike}"


def draw(curves: Curves, file: Path) -> None:
    """Draws the SROCC against the number of ratings, a line for each method but the probes.

    Bars are standard deviations over the draws; a single draw has none.
    """
    curves = {method: found for method, found in curves.items() if not method.endswith("probe")}
    colours = (drawing.GREY, drawing.ACCENT, drawing.INK, drawing.OCHRE, drawing.PLUM)
    with drawing.canvas(5.0, 3.2, grid="y") as (canvas, axes):
        for (method, found), colour in zip(curves.items(), colours, strict=False):
            means = [values.mean() for values in found.values()]
            bars = [values.std(ddof=1) if len(values) > 1 else np.nan for values in found.values()]
            style: dict[str, Any] = {"color": colour, "marker": "o", "markersize": 3, "capsize": 2}
            axes.errorbar(list(found), means, bars, label=method, **style)
        axes.set_xscale("log")
        numbers = sorted({number for found in curves.values() for number in found})
        axes.set_xticks(numbers, [str(number) for number in numbers], minor=False)
        axes.minorticks_off()
        axes.set_xlabel("human scores")
        axes.set_ylabel("SROCC")
        axes.legend(loc="lower right")
        file.write_bytes(drawing.finish(canvas, file.stem, "SROCC by the number of human scores").svg)


def main() -> None:
    """Measures all methods, and prints a line for each and each number of ratings."""
    about = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=about)
    for name in ("run", "dataset", "split", "pretrained"):
        parser.add_argument(name, nargs="?")
    parser.add_argument("--ratings", type=int, nargs="+", default=[25, 50, 100, 250, 500, 1000])
    parser.add_argument("--draws", type=int, default=10, help="of the frozen networks; 0: only FT")
    parser.add_argument(
        "--finetuned", type=int, nargs="*", default=[], help="with which ratings FT is trained"
    )
    parser.add_argument(
        "--finetuned_draws", type=int, nargs="+", default=[2], help="of all of these, or of each"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder of scores that another call need not make again")
    parser.add_argument("--figure", type=Path, help="SVG file of the curves")
    options = parser.parse_args()
    if not set(options.finetuned) <= set(options.ratings):
        parser.error("--finetuned: each of its numbers must be one of --ratings")
    if len(options.finetuned_draws) not in (1, len(options.finetuned)):
        parser.error("--finetuned_draws: one number, or one for each of --finetuned")
    if options.pretrained is None:
        print("Nothing to do: name a run, its dataset, its split and its pretrained model")
        return
    torch.set_num_threads(options.threads)
    for name in ("keep", "figure"):  # the paths in a run's tables start from its folder
        if getattr(options, name) is not None:
            setattr(options, name, getattr(options, name).resolve())
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
    os.chdir(options.run)
    measure(options)


def report(
    bench: Bench, curves: Curves, name: str, number: int, found: Array, base: Array | None = None
) -> None:
    """Prints the line of a method, and adds it to its curve."""
    print(bench.line(name, number, found, base), flush=True)
    curves.setdefault(name, {})[number] = bench.sroccs(found)


def measure(options: argparse.Namespace) -> None:
    """Prints a line for each method and each number of ratings."""
    bench = Bench(options.dataset, options.split, options.pretrained, options.keep)
    print(f"{len(bench.training)} training images, {len(bench.tested)} clean test images", flush=True)
    print(f"ratings  {'method':36}  SROCC  s. d.  above FT (95% interval)")
    if max(options.ratings) > len(bench.training):
        raise MosforgeError(f"--ratings: there are only {len(bench.training)} training images")
    pretrained, plain = bench.seen
    curves: Curves = {}
    if options.draws:
        own = pretrained.own[bench.tested].T
        print(bench.line(f"{pretrained.start}, none", 0, own, None), flush=True)
    finetuned = dict(zip(options.finetuned, cycle(options.finetuned_draws), strict=False))
    for number in options.ratings:
        base = None
        if number in finetuned:
            base = bench.predictions("FT", plain, number, finetuned[number])
            report(bench, curves, "FT", number, base)
        frozen = {}
        for seen in bench.seen if options.draws else []:
            for method in FROZEN:
                frozen[seen.start, method] = found = bench.predictions(method, seen, number, options.draws)
                report(bench, curves, f"{seen.start}, {method}", number, found, base)
            if base is not None:
                alike = min(len(base), len(found))
                both = (base[:alike] + found[:alike]) / 2
                report(bench, curves, f"{seen.start}, with FT", number, both, base)
        for method in FROZEN if options.draws else []:
            gain = bench.gain(*(frozen[seen.start, method] for seen in bench.seen))
            name = f"{method}: {pretrained.start} above {plain.start}"
            print(f"{number:7d}  {name:52} {gain}", flush=True)
    if options.figure is not None:
        draw(curves, options.figure)


if __name__ == "__main__":
    main()
