"""The Parquet artefacts: what is written comes back, and other files are refused."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mosforge import __version__
from mosforge.core.errors import MosforgeError
from mosforge.core.schemas import Artefact
from mosforge.core.schemas.datasets import DATASET, SPLIT
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.metrics import METRIC_SCORES
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.schemas.training import HISTORY
from mosforge.core.stamps import read_stamp
from mosforge.core.tables import read_table, write_table


def sample_of(kind: pa.DataType, row: int) -> Any:
    if pa.types.is_string(kind):
        return ["plain", "with space, comma", "späßig 名", ""][row % 4]
    if pa.types.is_list(kind):
        return [row % 2, 1, 0]
    if pa.types.is_boolean(kind):
        return bool(row % 2)
    if pa.types.is_floating(kind):
        return [0.1, -1e300, 5e-324, 1 / 3][row % 4]
    return [0, 1, 127, 5][row % 4]


def columns_of(artefact: Artefact, rows: int = 4, *, empty: bool = False) -> dict[str, list[Any]]:
    """Made-up values of every column; with `empty`, none in the columns that may have none."""
    return {
        field.name: [None if empty and field.nullable else sample_of(field.type, row) for row in range(rows)]
        for field in artefact.schema
    }


def plain(frame: pd.DataFrame) -> dict[str, list[Any]]:
    def value(cell: Any) -> Any:
        if isinstance(cell, np.ndarray):
            return cell.tolist()
        return None if cell is None or pd.isna(cell) else cell

    return {name: [value(cell) for cell in frame[name].tolist()] for name in frame}


@pytest.mark.parametrize("empty", [False, True])
def test_what_is_written_comes_back(tmp_path: Path, artefact: Artefact, empty: bool) -> None:
    columns = columns_of(artefact, empty=empty)
    write_table(tmp_path / "t.parquet", artefact, columns, stage="test", cfg={})
    assert plain(read_table(tmp_path / "t.parquet", artefact)) == columns
    assert pq.read_schema(tmp_path / "t.parquet").equals(artefact.schema)


def test_what_was_read_can_be_written_again(tmp_path: Path, artefact: Artefact) -> None:
    mixed = columns_of(artefact)
    for field in artefact.schema:
        if field.nullable:
            mixed[field.name][1] = None
    write_table(tmp_path / "1.parquet", artefact, mixed, stage="test", cfg={"a": 1})
    write_table(
        tmp_path / "2.parquet",
        artefact,
        read_table(tmp_path / "1.parquet", artefact),
        stage="test",
        cfg={"a": 1},
    )
    assert plain(read_table(tmp_path / "2.parquet", artefact)) == mixed
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path, artefact: Artefact) -> None:
    for name, rows in {"frame": pd.DataFrame(), "columns": columns_of(artefact, 0)}.items():
        write_table(tmp_path / name, artefact, rows, stage="test", cfg={})
        frame = read_table(tmp_path / name, artefact)
        assert len(frame) == 0
        assert list(frame) == artefact.columns


def test_integers_that_may_be_empty_stay_integers(tmp_path: Path) -> None:
    columns = columns_of(MANIFEST, 2)
    columns["level"], columns["class_index"] = [3, None], [None, 38]
    write_table(tmp_path / "t", MANIFEST, columns, stage="test", cfg={})
    frame = read_table(tmp_path / "t", MANIFEST)
    assert frame["level"].dtype == pd.Int8Dtype()
    assert frame["class_index"].dtype == pd.Int16Dtype()
    assert frame["level"].iloc[0] == 3
    assert frame["level"].isna().tolist() == [False, True]


def test_the_metadata_says_what_made_it(tmp_path: Path) -> None:
    cfg = {"b": [1, {"ä": None}], "a": 1e-4}
    write_table(tmp_path / "t", SPLIT, columns_of(SPLIT), stage="finetuning", cfg=cfg)
    made = {"artefact": "split", "stage": "finetuning", "version": __version__, "cfg": cfg}
    assert json.loads(pq.read_schema(tmp_path / "t").metadata[b"mosforge"]) == made
    assert read_stamp(tmp_path / "t") == made


def test_the_bytes_depend_only_on_the_content(tmp_path: Path) -> None:
    columns = columns_of(SPLIT)
    write_table(tmp_path / "1", SPLIT, columns, stage="s", cfg={"a": 1, "b": 2})
    write_table(tmp_path / "2", SPLIT, dict(reversed(columns.items())), stage="s", cfg={"b": 2, "a": 1})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_an_unknown_and_a_missing_column_are_refused(tmp_path: Path) -> None:
    columns = columns_of(SPLIT)
    with pytest.raises(ValueError, match="colour"):
        write_table(tmp_path / "t", SPLIT, columns | {"colour": [1] * 4}, stage="s", cfg={})
    with pytest.raises(ValueError, match="part"):
        write_table(
            tmp_path / "t", SPLIT, {k: v for k, v in columns.items() if k != "part"}, stage="s", cfg={}
        )
    assert not (tmp_path / "t").exists()


def test_a_nullable_column_may_be_left_out(tmp_path: Path) -> None:
    for artefact in (HISTORY, MANIFEST):  # one of numbers, one with a list
        needed = {field.name for field in artefact.schema if not field.nullable}
        kept = {name: values for name, values in columns_of(artefact).items() if name in needed}
        write_table(tmp_path / "t", artefact, kept, stage="s", cfg={})
        found = plain(read_table(tmp_path / "t", artefact))
        assert found == {name: kept.get(name, [None] * 4) for name in artefact.columns}


@pytest.mark.parametrize("hole", [None, np.nan])
def test_a_column_without_empty_cells_refuses_one(tmp_path: Path, hole: float | None) -> None:
    columns = columns_of(PREDICTIONS)
    columns["prediction"][2] = hole
    with pytest.raises((pa.ArrowException, ValueError)):
        write_table(tmp_path / "t", PREDICTIONS, columns, stage="s", cfg={})
    assert list(tmp_path.iterdir()) == []


def test_another_artefact_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "t", SPLIT, columns_of(SPLIT), stage="s", cfg={})
    with pytest.raises(MosforgeError, match=r"t: not a dataset table .*delete it"):
        read_table(tmp_path / "t", DATASET)


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(MosforgeError, match=r"a\.parquet: not a split table"):
        read_table(tmp_path / "a.parquet", SPLIT)
    pq.write_table(pa.Table.from_pydict(columns_of(SPLIT), schema=SPLIT.schema), tmp_path / "b.parquet")
    with pytest.raises(MosforgeError, match=r"b\.parquet: not written by mosforge"):
        read_stamp(tmp_path / "b.parquet")


def test_planning_reads_what_made_a_table_without_pandas(tmp_path: Path) -> None:
    """The import of pandas takes longer than to plan a small project."""
    write_table(tmp_path / "t", SPLIT, columns_of(SPLIT), stage="s", cfg={"a": 1})
    code = (
        "import sys, mosforge.plan; from mosforge.core.stamps import read_stamp;"
        "print(read_stamp(sys.argv[1])['cfg'], "
        "[name for name in ('pandas', 'torch') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "t")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "{'a': 1} []\n"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MosforgeError, match=r"none\.parquet: no such file"):
        read_table(tmp_path / "none.parquet", SPLIT)
    with pytest.raises(MosforgeError, match=r"none\.parquet: no such file"):
        read_stamp(tmp_path / "none.parquet")


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    write_table(tmp_path / "t", MANIFEST, columns_of(MANIFEST), stage="s", cfg={})
    content = (tmp_path / "t").read_bytes()
    for length in sorted(
        {0, 1, 4, 8, len(content) - 1, len(content) - 4, len(content) - 8, *range(9, len(content), 331)}
    ):
        (tmp_path / "t").write_bytes(content[:length])
        for read in (lambda file: read_table(file, MANIFEST), read_stamp):
            with pytest.raises(MosforgeError, match=r"t: not a readable Parquet file .*delete it") as caught:
                read(tmp_path / "t")
            assert "\n" not in str(caught.value)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8")),
            st.one_of(st.none(), st.lists(st.integers(0, 1), max_size=30)),
            st.one_of(st.none(), st.integers(-(2**15), 2**15 - 1)),
            st.integers(-(2**63), 2**63 - 1),
        )
    )
)
def test_any_key_survives(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]) -> None:
    file = tmp_path_factory.mktemp("tables") / "t"
    columns = columns_of(METRIC_SCORES, len(rows))
    for i, name in enumerate(("path", "labels", "class_index", "seed")):
        columns[name] = [row[i] for row in rows]
    write_table(file, METRIC_SCORES, columns, stage="s", cfg={})
    assert plain(read_table(file, METRIC_SCORES)) == columns
