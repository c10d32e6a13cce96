"""A model's card with what its evaluation found."""

import math
from pathlib import Path
from typing import Any

from mosforge.core.errors import MosforgeError
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.tables import Frame, read_table

_MODEL = ("dataset", "split", "backbone", "initialisation")


def card_with(card: dict[str, Any], tables: list[Path]) -> dict[str, Any]:
    """The card, with the rows of evaluated experiments that are about its model as `correlations`.

    Args:
        card: of the model.
        tables: artefacts `correlations`; a row that several of them hold counts once.

    Raises:
        MosforgeError: no row is about the model.
    """
    if not tables:
        return card
    rows: list[dict[str, Any]] = []
    for path in tables:
        rows += [row for row in _rows_about(read_table(path, CORRELATIONS), card) if row not in rows]
    if not rows:
        model = "/".join(str(card.get(key, "?")) for key in _MODEL)
        raise MosforgeError(f"{', '.join(map(str, tables))}: no correlation of the model {model}")
    return {**card, "correlations": sorted(rows, key=lambda row: str(row["test_dataset"]))}


def _rows_about(table: Frame, card: dict[str, Any]) -> list[dict[str, Any]]:
    for key in _MODEL:
        table = table[table[key] == str(card.get(key))]
    return [
        {str(name): _plain(value) for name, value in row.items() if name not in _MODEL}
        for row in table.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
