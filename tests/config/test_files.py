"""The files of a configuration: how they are merged, and what is wrong with one."""

from pathlib import Path
from typing import Any

import pytest

from mosforge.config.files import check_files, entry_of, load_config, read, value_of
from mosforge.config.finetuning import Dataset
from mosforge.core.errors import MosforgeError

REPOSITORY = Path(__file__).resolve().parents[2]
BASE = read(REPOSITORY / "config.yaml")


@pytest.mark.parametrize(
    "overlay", sorted((REPOSITORY / "workflow/configs").glob("*.yaml")), ids=lambda path: path.stem
)
def test_shipped_configurations_are_accepted(overlay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    check_files(load_config(), ["config.yaml"])
    check_files(load_config([overlay]), ["config.yaml", overlay])


def test_mappings_are_merged_and_lists_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("a: {b: 1, c: [1, 2]}\nd: 4\n")
    (tmp_path / "mine.yaml").write_text("a: {c: [3]}\n")
    monkeypatch.chdir(tmp_path)
    assert load_config([Path("mine.yaml")]) == {"a": {"b": 1, "c": [3]}, "d": 4}


def test_commands_for_people_refuse_what_the_workflow_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.yaml").write_text("finetuning: {datasets: {live: {higer_is_better: false}}}")
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(
        MosforgeError, match=r"datasets\.live\.higer_is_better: unknown key; did you mean 'higher_is_better'"
    ):
        load_config([tmp_path / "mine.yaml"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"a: [", "not YAML"),
        (b"- 1\n", "not a mapping"),
        (b"a: \xe9\n", "not a text file in UTF-8"),
        (b"a: {b: 1}\nc: 2\na: {d: 1}\n", "c.yaml: the key 'a' stands twice, in lines 1 and 3; remove one"),
        (b"a: {b: 1, c: [{d: 1, d: 2}]}\n", "c.yaml: the key 'd' stands twice, in lines 1 and 1"),
        (b"a: {1: 1, 0x1: 2}\n", "the key 1 stands twice"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, text: bytes, sentence: str) -> None:
    (tmp_path / "c.yaml").write_bytes(text)
    with pytest.raises(MosforgeError, match=sentence) as caught:
        load_config([tmp_path / "c.yaml"])
    assert "\n" not in str(caught.value)


def test_keys_of_an_anchor_may_be_overridden(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("a: &a {b: 1, c: 2}\nd: {<<: *a, b: 3}\n")
    assert read(tmp_path / "c.yaml")["d"] == {"b": 3, "c": 2}


def test_a_key_that_stands_twice_is_told_although_snakemake_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("metrics: {engine: piq}\nmetrics: {engine: fused}\n")
    with pytest.raises(MosforgeError, match=r"mine\.yaml: the key 'metrics' stands twice"):
        check_files(BASE, [REPOSITORY / "config.yaml", file])


def test_a_part_of_a_configuration_is_checked_where_it_is_asked_for() -> None:
    config: dict[str, Any] = {"sources": {"smallest_side": 200, "zzz": 1}, "finetuning": {"datasets": 3}}
    assert value_of(config, "sources.smallest_side") == 200
    with pytest.raises(MosforgeError, match=r"configuration: sources\.smallest_side: 20 is not"):
        value_of({"sources": {"smallest_side": 20}}, "sources.smallest_side")
    with pytest.raises(MosforgeError, match=r"finetuning\.datasets: 3 is not a mapping"):
        entry_of(config, "finetuning.datasets", "live")


def test_an_entry_that_is_not_there_lists_those_that_are() -> None:
    dataset: Dataset = entry_of(BASE, "finetuning.datasets", "live")
    assert dataset.layout == "live"
    with pytest.raises(MosforgeError, match=r"'liv' is not in finetuning\.datasets; there are live, csiq"):
        entry_of(BASE, "finetuning.datasets", "liv")


@pytest.mark.parametrize("config", [{}, {"finetuning": None}, {"finetuning": {"datasets": None}}])
def test_a_section_that_is_not_there_is_told(config: dict[str, Any]) -> None:
    with pytest.raises(MosforgeError, match=r"no key finetuning\.datasets; run this where config\.yaml is"):
        entry_of(config, "finetuning.datasets", "live")


def test_an_entry_that_is_no_mapping_is_told() -> None:
    with pytest.raises(MosforgeError, match=r"finetuning\.datasets\.live: None is not a mapping"):
        entry_of({"finetuning": {"datasets": {"live": None}}}, "finetuning.datasets", "live")
