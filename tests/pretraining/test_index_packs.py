"""The rules `pack_shard` and `index_packs`: the packs of two shards under one index."""

import json
from pathlib import Path
from typing import Any

import pytest

from mosforge.cli import main
from mosforge.core.files import sha256_of_file
from mosforge.core.schemas.distortions import MANIFEST
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.schemas.packs import PACK
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.tables import read_table, write_table


def test_the_packs_of_two_shards_are_joined_in_order(
    corpus: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    manifest = read_table(corpus.labels, LABELS).drop(columns=[*METRICS, "pmos", "agreement"])
    for number in range(2):
        shard = tmp_path / f"images/{number}"
        rows = manifest[12 * number : 12 * number + 12].assign(width=100, height=90, bytes=1)
        rows["sha256"] = [sha256_of_file(path) for path in rows["path"]]
        write_table(shard / "manifest.parquet", MANIFEST, rows, stage="test", cfg={})
        out = f"packs/blur/s-{number:05d}"
        words = ["--images", str(shard), "--index", f"{out}.parquet", "--pixels", f"{out}.pixels"]
        assert main(["pretraining", "pack_shard", *words, "--threads", "2", "--cfg", '{"resize": 80}']) == 0
    words = ["--packs", "packs", "--output", "pack.parquet"]
    words += ["--cfg", json.dumps({"groups": ["blur"], "shards": {"s": 2}})]
    assert main(["pretraining", "index_packs", *words]) == 0
    joined, expected = read_table("pack.parquet", PACK), read_table(corpus.pack, PACK)
    assert joined["path"].tolist() == expected["path"].tolist()
    assert joined["sha256"].tolist() == expected["sha256"].tolist()
