"""The files of a configuration: how they are merged, and what is wrong with one."""

from pathlib import Path

import pytest
import yaml

from mosforge.config.contradictions import checked
from mosforge.config.files import check_files, entry_of, load_config, read, without_names
from mosforge.core.errors import MosforgeError

REPOSITORY = Path(__file__).resolve().parents[2]
BASE = read(REPOSITORY / "config.yaml")


def test_the_shipped_configuration_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert load_config() == check_files(BASE, ["config.yaml"])


@pytest.mark.parametrize("name", ["demo", "biq2021"])
def test_a_folder_with_a_run_has_only_the_names_of_its_own(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY / "runs" / name)
    config, own = load_config(), read(Path("run.yaml"))
    assert list(config.evaluation.experiments) == [name]
    assert set(config.sources.collections) == set(own["sources"]["collections"])
    assert set(config.distortions.corpora) == set(own["distortions"]["corpora"])
    assert list(config.finetuning.datasets) == [name]
    assert config.finetuning.crop == BASE["finetuning"]["crop"], "all else is that of config.yaml"
    values = without_names(BASE)
    assert values["evaluation"] == BASE["evaluation"] | {"experiments": {}}
    assert BASE["evaluation"]["experiments"], "the given values are as before"


def test_the_papers_literal_labels_are_laid_over_the_shipped_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(REPOSITORY)
    config = load_config([Path("runs/paper_labels.yaml")])
    assert (config.metrics.scale, config.pmos.fusion) == ("auto", "mean")
    assert set(config.pmos.weights.plain().values()) == {1}
    assert config.evaluation == load_config().evaluation


def test_the_recommended_recipe_is_laid_over_the_run_of_the_built_in_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(REPOSITORY / "runs/builtin")
    config = load_config([REPOSITORY / "runs/recommended.yaml"])
    assert list(config.pretraining.unified) == ["pristine"]
    assert config.finetuning.rehearsal.corpus == "synthetic"
    assert config.evaluation.sanity == "sanity"
    assert config.evaluation.experiments["builtin"].initialisations == ("pristine-multitask",)


def test_the_configuration_of_another_folders_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laid over config.yaml it would be another run, whose results lie among others."""
    file = REPOSITORY / "runs/demo/run.yaml"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MosforgeError, match=r"runs/demo/run\.yaml: .* --directory .*/runs/demo"):
        check_files(BASE, [file])
    monkeypatch.chdir(file.parent)
    check_files(BASE, ["run.yaml", file])


def test_mappings_are_merged_and_lists_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("distortions: {synthetic: {jpeg: [90], jpeg2000: []}}\n")
    levels, shipped = load_config([Path("mine.yaml")]).distortions.levels("synthetic"), BASE["distortions"]
    assert levels["jpeg"] == (90,)
    assert "jpeg2000" not in levels
    assert levels["white_noise"] == tuple(shipped["synthetic"]["white_noise"])


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
        (b"a: &a {b: 1}\nc:\n  <<: *a\n  <<: {b: 2}\n", "the key '<<' stands twice, in lines 3 and 4"),
        (b"a: 1\nrange: [0, 0100]\n", "c.yaml: line 2: 0100 is octal"),
        (b"seeds: [-017]\n", "line 1: -017 is octal"),
        (b"range: [0, 1:40]\n", "1:40 is octal or of base 60"),
        (b"a: 1:30.5\n", "1:30.5 is octal or of base 60"),
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


def test_a_key_that_stands_twice_is_refused_although_snakemake_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("metrics: {engine: piq}\nmetrics: {engine: fused}\n")
    with pytest.raises(MosforgeError, match=r"mine\.yaml: the key 'metrics' stands twice"):
        check_files(BASE, [REPOSITORY / "config.yaml", file])


def test_without_a_configuration_the_papers_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config() == checked(BASE)
    (tmp_path / "mine.yaml").write_text("sources: {smallest_side: 200}\n")
    assert load_config([Path("mine.yaml")]).sources.smallest_side == 200
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(BASE | {"report": {"title": "mine"}}))
    assert load_config().report.title == "mine"


def test_an_entry_that_is_not_there_lists_those_that_are() -> None:
    datasets = checked(BASE).finetuning.datasets
    assert entry_of(datasets, "finetuning.datasets", "live") is datasets["live"]
    with pytest.raises(
        MosforgeError, match=r"'liv' is not in .*\.datasets; there are live, csiq.*--directory"
    ):
        entry_of(datasets, "finetuning.datasets", "liv")


def test_numbers_that_are_what_they_look_like(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("a: [0, -7, 10, 0x10, 1_000, 0.5, -0.25, 1.0e-4, .5, '010', 0.05]\n")
    assert read(tmp_path / "c.yaml")["a"] == [0, -7, 10, 16, 1000, 0.5, -0.25, 1e-4, 0.5, "010", 0.05]
