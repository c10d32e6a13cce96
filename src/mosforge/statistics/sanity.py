"""How steadily a model's score falls when an image is distorted, and how well it follows the pseudo-MOS.

A series is one image, undistorted and at all levels of one distortion type.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mosforge.core.schemas.distortions import UNDISTORTED
from mosforge.statistics.intervals import interval_of_share, mean_srocc

SHARES = ("falls", "falls_but_one", "first", "above_level_1", "above_stronger", "type", "class")
"""Of all series: `falls`, the score falls at every step from the undistorted image to the strongest level;
`falls_but_one`, at every step but at most one, and with fewer than three levels at every one; `first`, the
undistorted image has the highest score. Of all its comparisons with distorted images: `above_level_1`, it is
above its level 1; `above_stronger`, it is above a level from 2 on. Of all images, where the model tells
classes: `type`, it tells the type; `class`, it tells type and level. Equal scores are no fall.
"""

FOLLOWS = "pmos"
"""In the place of a share: the SROCC of the scores with the pseudo-MOS."""

COLUMNS = ["type", "share", "value", "low", "high", "count", "images"]
"""Of `shares_of` and `agreement_of`."""

_KEY = ["source", "image_id"]


def shares_of(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The shares of one model, or the means of those of several trainings of it.

    Args:
        tables: rows of the artefact `sanity`, a table a training, all of the same images.

    Returns:
        A row for each share, of all types together (`type` is empty) and of each type, with the columns
        `COLUMNS`: `value` is the share; `low` and `high` the ends of its 95% interval over resamples of the
        pristine images, NaN for fewer than five of them; `count` of how many it is the share; `images` the
        number of pristine images. A share of nothing has no row.
    """
    found = pd.concat([pd.concat(_hits(table)) for table in tables], ignore_index=True)
    by_type = found.groupby(["type", "share", "image"], sort=False)[["hits", "total"]].sum().reset_index()
    joined = by_type.groupby(["share", "image"], sort=False)[["hits", "total"]].sum().reset_index()
    order = list(dict.fromkeys(by_type["type"]))
    rows = [
        _row(name, share, group, len(tables))
        for name, part in (("", joined), *((name, by_type[by_type["type"] == name]) for name in order))
        for share in SHARES
        if len(group := part[(part["share"] == share) & (part["total"] > 0)])
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def agreement_of(tables: Sequence[pd.DataFrame], labels: pd.DataFrame) -> pd.DataFrame:
    """The SROCC of a model's scores with the pseudo-MOS of the images, or the mean of those of trainings.

    Args:
        tables: as for `shares_of`.
        labels: of these images, rows of the artefact `pmos`.

    Returns:
        A row for all images, and one for each type with its undistorted images, with the columns `COLUMNS`:
        `share` is `FOLLOWS`, `count` the number of images, undistorted and distorted. Images without a label
        are left out; where the SROCC is undefined there is no row.
    """
    level = labels["level"].where(labels["group"] != UNDISTORTED, 0).astype("Int8")
    image = [*_KEY, "type", "level"]
    given = labels.assign(type=labels["group"], level=level).set_index(image)["pmos"]
    scores = [table.astype({"level": "Int8"}).set_index(image)["score"] for table in tables]
    joined = pd.concat([given, *scores], axis=1, join="inner").sort_index()
    types = joined.index.get_level_values("type")
    rows = []
    for name in ("", *dict.fromkeys(types[types != UNDISTORTED])):
        part = joined[types.isin([name, UNDISTORTED])] if name else joined
        contents = ["/".join(key[:2]) for key in part.index]
        given_here, *predicted = part.to_numpy(np.float64).T
        srocc, *ends = mean_srocc(np.array(predicted), given_here, contents, "sanity")
        if np.isfinite(srocc):
            rows.append((name, FOLLOWS, srocc, *ends, len(part), len(set(contents))))
    return pd.DataFrame(rows, columns=COLUMNS)


def shares_as_json(shares: pd.DataFrame) -> dict[str, Any]:
    """The rows of `shares_of` as JSON values: `all`, and for each type, the shares with their intervals."""
    found: dict[str, Any] = {"all": {}, "types": {}}
    for row in shares.to_dict("records"):
        place = found["types"].setdefault(row["type"], {}) if row["type"] else found["all"]
        ends = {end: row[end] if np.isfinite(row[end]) else None for end in ("low", "high")}
        place[row["share"]] = {"value": row["value"], **ends, "count": row["count"], "images": row["images"]}
    return found


def _row(name: str, share: str, group: pd.DataFrame, trainings: int) -> tuple[Any, ...]:
    group = group.sort_values("image")
    hits, totals = (group[column].to_numpy(np.float64) for column in ("hits", "total"))
    ends = interval_of_share(hits, totals, group["image"].tolist(), "sanity")
    count = round(totals.sum() / trainings)
    return name, share, float(hits.sum() / totals.sum()), *ends, count, len(group)


def _hits(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """For each type, share and image of a model: in how many cases it holds, and of how many."""
    table = table.assign(image=table[_KEY].agg("/".join, axis=1))
    undistorted = table[table["type"] == UNDISTORTED].set_index("image")["score"]
    for name, rows in table[table["type"] != UNDISTORTED].groupby("type", sort=False):
        levels = rows.pivot_table(index="image", columns="level", values="score", sort=True)
        grid = pd.concat([undistorted, levels], axis=1, join="inner").dropna()
        scores = grid.to_numpy(dtype=np.float64)
        falls, above = np.diff(scores, axis=1) < 0, scores[:, :1] > scores[:, 1:]
        allowed = 1 if levels.shape[1] > 2 else 0
        cases = {
            "falls": falls.all(axis=1, keepdims=True),
            "falls_but_one": (~falls).sum(axis=1, keepdims=True) <= allowed,
            "first": above.all(axis=1, keepdims=True),
            "above_level_1": above[:, :1],
            "above_stronger": above[:, 1:],
        }
        yield from (_of_images(str(name), share, grid.index, hits) for share, hits in cases.items())
    told = table[table["told_type"].notna()]
    for name, rows in told.groupby("type", sort=False):
        is_type = (rows["told_type"] == rows["type"]).to_numpy()
        is_class = is_type & (rows["told_level"] == rows["level"]).to_numpy(dtype=bool)
        for share, hits in (("type", is_type), ("class", is_class)):
            yield _of_images(str(name), share, pd.Index(rows["image"]), hits[:, None])


def _of_images(name: str, share: str, images: "pd.Index[Any]", hits: npt.NDArray[np.bool_]) -> pd.DataFrame:
    columns = {"image": images, "hits": hits.sum(axis=1), "total": hits.shape[1]}
    return pd.DataFrame(columns).assign(type=name, share=share)
