"""Tables that jobs have written, as planning looks at them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mosforge.plan.recorded import recorded_rows


def test_rows_are_those_of_a_table_that_is_there(tmp_path: Path) -> None:
    table = str(tmp_path / "table.parquet")
    assert recorded_rows(table, "path") == []
    pq.write_table(pa.table({"path": ["a", "b"], "sha256": ["1", None], "other": [1, 2]}), table)
    assert recorded_rows(table, "path", "sha256") == [("a", "1"), ("b", None)]
    assert recorded_rows(table, "image_id", "path") == [], "another table"
    Path(table).write_bytes(b"PAR1")
    assert recorded_rows(table, "path") == []
