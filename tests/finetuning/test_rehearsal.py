"""Rehearsal: which pairs are drawn, and what their loss is."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional

from mosforge.core.errors import MosforgeError
from mosforge.core.images import Pixels
from mosforge.core.packs import Pack, locate, write_pack
from mosforge.core.schemas.distortions import UNDISTORTED
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.seeds import generator
from mosforge.core.tables import Frame, read_table, write_table
from mosforge.finetuning.finetune_settings import RehearsalSettings
from mosforge.finetuning.rehearsal import Rehearsal, find_pairs, pair_losses, read_rehearsal
from mosforge.training.loop import fit
from mosforge.training.losses import Losses
from mosforge.training.settings import TrainingSettings
from mosforge.training.setup import Setup

CPU = torch.device("cpu")
LEVELS = {"blur": 3, "noise": 2, "single": 1}
TOGETHER = "are given together, or none"


def labels(undistorted: bool, images: int = 2) -> Frame:
    """Rows in an order of no meaning: `images` of two sources under the same names, types and levels."""
    types = LEVELS | ({UNDISTORTED: 1} if undistorted else {})
    rows = [
        (source, f"{i}.png", group, level, f"{source}/{i}/{group}/{level}.png", 1 - 0.2 * level)
        for source in ("one", "other")
        for i in range(images)
        for group, count in types.items()
        for level in range(1, count + 1)
    ]
    columns = ["source", "image_id", "group", "level", "path", "pmos"]
    frame = pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=3)
    frame["class_index"] = frame.groupby(["group", "level"]).ngroup()
    return frame.astype({"level": "Int8", "class_index": "Int16"}).reset_index(drop=True)


def level_of(row: Any) -> int:
    return 0 if row.group == UNDISTORTED else int(row.level)


@pytest.mark.parametrize("undistorted", [False, True])
def test_a_pair_is_one_image_and_type_at_two_levels_and_one_crop(undistorted: bool) -> None:
    frame = labels(undistorted)
    pairs = find_pairs(frame)
    seen: Counter[tuple[Any, ...]] = Counter()
    for step in range(800):
        rows, draws = pairs.draw(3, 5, 1, step)
        assert np.array_equal(draws[:3], draws[3:])
        assert draws.dtype == np.float32
        for weaker, stronger in zip(rows[:3], rows[3:], strict=True):
            one, two = frame.iloc[weaker], frame.iloc[stronger]
            assert (one.source, one.image_id) == (two.source, two.image_id)
            assert one.group in (two.group, UNDISTORTED)
            assert level_of(one) < level_of(two)
            seen[(two.source, two.image_id, two.group, level_of(one), level_of(two))] += 1
    first = 0 if undistorted else 1
    series = [
        (source, name, group, range(first, count + 1))
        for source in ("one", "other")
        for name in ("0.png", "1.png")
        for group, count in LEVELS.items()
        if count + 1 - first >= 2
    ]
    expected = {
        (source, name, group, weak, strong): 2400 / len(series) / (len(levels) * (len(levels) - 1) / 2)
        for source, name, group, levels in series
        for weak in levels
        for strong in levels
        if weak < strong
    }
    assert seen.keys() == expected.keys()
    for pair, count in expected.items():
        assert seen[pair] == pytest.approx(count, abs=5 * count**0.5), "each series, then each two levels"


def test_the_draws_of_a_step_follow_from_seed_epoch_and_step() -> None:
    pairs = find_pairs(labels(True))
    keys = [(seed, epoch, step) for seed in range(2) for epoch in range(2) for step in range(2)]
    drawn = {key: [part.tolist() for part in pairs.draw(4, *key)] for key in keys}
    assert len({str(value) for value in drawn.values()}) == len(keys)
    assert drawn[1, 0, 1] == [part.tolist() for part in find_pairs(labels(True)).draw(4, 1, 0, 1)]


def test_a_corpus_without_two_levels_of_a_type_is_refused() -> None:
    frame = labels(False)
    with pytest.raises(MosforgeError, match="two levels"):
        find_pairs(frame[frame["level"] == 1])


def test_the_loss_of_pairs_is_their_mean_hinge() -> None:
    """Margins: .4 x .5 = .2, and at least .03 where the labels hardly differ, or differ the wrong way."""
    pmos = torch.tensor([0.9, 0.5, 0.3, 0.4, 0.5, 0.6])
    predicted = torch.tensor([0.6, 0.52, 0.5, 0.5, 0.5, 0.6])
    losses = pair_losses(predicted, pmos)
    hinges = [0.2 - 0.1, 0.03 - 0.02, 0.03 + 0.1]
    assert losses["rehearsal_loss"].item() == pytest.approx(sum(hinges) / 3, abs=1e-6)
    assert losses["in_order"].item() == pytest.approx(2 / 3)
    apart = pair_losses(torch.tensor([0.9, 0.5]), torch.tensor([0.9, 0.5]))
    assert (apart["rehearsal_loss"].item(), apart["in_order"].item()) == (0, 1)


@pytest.mark.parametrize("classes", [None, 6])
def test_it_is_added_to_the_loss_of_the_rated_images(classes: int | None) -> None:
    """The first logits are the classes of the corpus; others may follow."""
    frame = labels(False)
    rehearsal = Rehearsal(frame, RehearsalSettings(corpus="c", pairs=2, classes=classes))
    rated = torch.tensor([0.2, 0.4, 0.6])

    def of_rated(scores: torch.Tensor, positions: torch.Tensor) -> dict[str, torch.Tensor]:
        loss = (scores - rated[positions]).abs().mean()
        return {"loss": loss, "score_loss": loss}

    positions = torch.tensor([2, 0, 3 + 4, 3 + 0, 3 + 1, 3 + 9])
    scores, logits = torch.rand(6), torch.rand(6, 8)
    output = scores if classes is None else (logits, scores)
    losses = rehearsal.add_to(of_rated, 3, CPU)(output, positions)
    rows = [4, 0, 1, 9]
    score = (scores[:2] - rated[[2, 0]]).abs().mean()
    pairs = pair_losses(scores[2:], torch.tensor(frame["pmos"].to_numpy(np.float32)[rows]))["rehearsal_loss"]
    total = score + pairs
    if classes is not None:
        targets = torch.tensor(frame["class_index"].to_numpy(np.int64)[rows])
        cross_entropy = functional.cross_entropy(logits[2:, :6], targets)
        torch.testing.assert_close(losses["class_loss"], cross_entropy)
        total = total + 0.1 * cross_entropy
    assert ("class_loss" in losses) == (classes is not None)
    torch.testing.assert_close(losses["score_loss"], score)
    torch.testing.assert_close(losses["rehearsal_loss"], pairs)
    torch.testing.assert_close(losses["loss"], total)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Labels of a corpus, and the index of its packs."""
    frame = labels(True)
    further = {"reference": "r.png", "labels": None, "seed": 0, "agreement": 0.0}
    metrics = dict.fromkeys(("ssim", "ms_ssim", "mdsi", "vsi", "fsim", "gmsd"), 0.5)
    frame = frame.assign(**further, **metrics)
    write_table(tmp_path / "labels.parquet", LABELS, frame, stage="test", cfg={})
    images = [(path, np.full((8, 9, 3), i, np.uint8)) for i, path in enumerate(frame["path"])]
    write_pack(tmp_path / "pack.parquet", tmp_path / "pack.pixels", images, stage="test", cfg={})
    return tmp_path / "labels.parquet", tmp_path / "pack.parquet"


def test_it_is_read_whole_or_not_at_all(files: tuple[Path, Path]) -> None:
    cfg = RehearsalSettings(corpus="c", pairs=2)
    assert read_rehearsal(None, None, None) is None
    given = [files[0], files[1], cfg]
    for i in range(3):
        some = [value if i == j else None for j, value in enumerate(given)]
        with pytest.raises(MosforgeError, match=TOGETHER):
            read_rehearsal(*some)  # type: ignore[arg-type]
    found = read_rehearsal(*files, cfg)
    assert found is not None
    assert len(found.samples) == len(labels(True))
    beside = found.beside(30)
    assert beside.crops == 4
    assert beside.rows.tolist() == list(range(30, 30 + len(found.samples)))


@pytest.mark.parametrize(("column", "value"), [("pmos", 0.123), ("sha256", "0"), ("level", 7)])
def test_its_digest_follows_what_is_learnt(files: tuple[Path, Path], column: str, value: Any) -> None:
    cfg = RehearsalSettings(corpus="c", pairs=2)
    found = read_rehearsal(*files, cfg)
    assert found is not None
    other = found.samples.copy()
    other.loc[3, column] = value
    assert Rehearsal(found.samples.copy(), cfg).digest == found.digest != Rehearsal(other, cfg).digest


def test_mixtures_are_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    table = read_table(files[0], LABELS)
    table.loc[2, ["level", "class_index"]] = pd.NA
    write_table(tmp_path / "mixed.parquet", LABELS, table, stage="test", cfg={})
    with pytest.raises(MosforgeError, match=r"mixed\.parquet: mixtures have no levels"):
        read_rehearsal(tmp_path / "mixed.parquet", files[1], RehearsalSettings(corpus="c", pairs=2))


class Toy(nn.Module):
    """Sees edges and colours."""

    frozen_statistics = False

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.Conv2d(3, 16, 3)
        self.head = nn.Linear(16, 1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        planes = (pixels.permute(0, 3, 1, 2).float() - 127) / 64
        scores: torch.Tensor = self.head(torch.relu(self.backbone(planes)).mean((2, 3)))
        return scores.squeeze(1)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        return {"backbone": list(self.backbone.parameters()), "head": list(self.head.parameters())}


def noisy(image: int, level: int) -> Pixels:
    """An image of its own brightness, with noise of a level; level 0 is not without any."""
    draw = generator("noisy", image, level)
    brightness = 60 + 130 * generator("brightness", image).random()
    return (brightness + draw.normal(0, 8 + 8 * level, (12, 12, 3))).clip(0, 255).astype(np.uint8)


def wrong_order(folder: Path, pairs: int) -> float:
    """The share of pairs of unseen images that a network puts into the wrong order.

    It learns that dark images, all as noisy as each other, are the good ones.
    """
    rated = pd.DataFrame({"path": [f"rated {i}" for i in range(20)]})
    levels = [(i, level) for i in range(20, 30) for level in range(3)]
    rehearsed = pd.DataFrame(
        {
            "path": [f"{i} {level}" for i, level in levels],
            "image_id": [str(i) for i, _ in levels],
            "group": [UNDISTORTED if level == 0 else "noise" for _, level in levels],
            "level": [max(level, 1) for _, level in levels],
            "pmos": [1 - 0.25 * level for _, level in levels],
        }
    ).assign(source="s", class_index=0)
    images = [noisy(i, 1) for i in range(20)] + [noisy(*level) for level in levels]
    paths = [*rated["path"], *rehearsed["path"]]
    write_pack(
        folder / "p.parquet", folder / "p.pixels", zip(paths, images, strict=True), stage="test", cfg={}
    )
    index = read_table(folder / "p.parquet", PACK)
    quality = torch.tensor([1 - images[i].mean() / 255 for i in range(20)], dtype=torch.float32)

    def loss_of(predicted: torch.Tensor, positions: torch.Tensor) -> Losses:
        return {"loss": functional.l1_loss(predicted, quality[positions])}

    loss, beside = loss_of, None
    if pairs:
        rehearsal = Rehearsal(locate(rehearsed, index), RehearsalSettings(corpus="c", pairs=pairs))
        loss, beside = rehearsal.add_to(loss_of, 20, CPU), rehearsal.beside(20)
    network: Any = Toy()
    cfg = TrainingSettings(
        **{"seed": 0, "crop": 8, "flip": True, "epochs": 30, "batch_size": 10},
        **{"learning_rates": {"backbone": 1e-2, "head": 1e-2}, "schedule": "constant"},
        **{"multi_level": False, "backbone": "toy"},
    )
    fit(
        network,
        Pack(index),
        np.arange(20),
        loss,
        cfg,
        names=paths,
        state_file=folder / "s.pt",
        setup=Setup(),
        device=CPU,
        beside=beside,
    )
    unseen = np.stack([noisy(i, level) for i in range(100, 150) for level in range(3)])
    with torch.no_grad():
        scores = network(torch.from_numpy(unseen)).reshape(50, 3)
    return float(
        torch.stack([scores[:, i] <= scores[:, j] for i, j in ((0, 1), (0, 2), (1, 2))]).float().mean()
    )


def test_with_it_a_degraded_image_scores_lower_more_often(tmp_path: Path) -> None:
    shares = []
    for pairs in (0, 4):
        (tmp_path / str(pairs)).mkdir()
        shares.append(wrong_order(tmp_path / str(pairs), pairs))
    without, rehearsed = shares
    assert rehearsed < 0.1 < 0.3 < without
