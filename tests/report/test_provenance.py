"""Where results come from: versions, and the times of rules in the order of the stages."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from mosforge import __version__
from mosforge.core import stamps
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.sanity import SANITY
from mosforge.core.schemas.targets import FEATURES
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import write_table
from mosforge.report.artefacts import read_artefacts
from mosforge.report.provenance import RULES, devices, times, versions
from mosforge.report.settings import PageSettings

FILES = Path(__file__).resolve().parents[2] / "workflow/rules"


def test_rules_are_those_that_are_timed_in_the_order_of_the_snakefile() -> None:
    stages = re.findall(r"workflow/rules/(\w+)\.smk", (FILES.parents[1] / "Snakefile").read_text())
    texts = [(FILES / f"{stage}.smk").read_text() for stage in stages]
    assert re.findall(r"results/benchmarks/(\w+)/", "".join(texts)) == RULES


def write_benchmark(results: Path, rule: str, text: str, name: str = "a.tsv") -> None:
    path = results / "benchmarks" / rule / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_times_stand_in_the_order_of_the_stages_and_what_is_unknown_last(tmp_path: Path) -> None:
    for rule in ("another", "compare", "distort", "finetune", "table", "catalogue"):
        write_benchmark(tmp_path, rule, "s\tmax_rss\n1\t-\n")
    lines = times(tmp_path, {})
    assert [line[0] for line in lines] == ["catalogue", "distort", "finetune", "compare", "table", "another"]
    assert lines[0][4] == "–"


def test_benchmarks_are_added_up_by_rule(tmp_path: Path) -> None:
    for name, seconds, memory in (("deeper/a.tsv", "1.5", "100.0"), ("deeper/b.tsv", "2.0", "-")):
        (tmp_path / "benchmarks/score/deeper").mkdir(parents=True, exist_ok=True)
        write_benchmark(tmp_path, "score", f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{memory}\n", name)
    assert times(tmp_path, {"finetune": "a GPU"}) == [["score", "2", "3.5 s", "2.0 s", "100 MB", "CPU"]]
    assert times(tmp_path, {"score": "a GPU"})[0][-1] == "a GPU"
    assert times(tmp_path, {"score": ""})[0][-1] == "unknown"


@pytest.mark.parametrize("text", ["", "s\th:m", "s\th:m:s\tmax_rss\n", "s\th:m:s\tmax_rss\n-"])
def test_a_benchmark_that_was_cut_short_is_passed_over(tmp_path: Path, text: str) -> None:
    write_benchmark(tmp_path, "score", "s\tmax_rss\n1.5\t100.0\n")
    write_benchmark(tmp_path, "score", text, "b.tsv")
    assert times(tmp_path, {}) == [["score", "1", "1.5 s", "1.5 s", "100 MB", "CPU"]]


def test_devices_are_those_of_the_files_and_unknown_with_piq(results: Path, tmp_path: Path) -> None:
    cfg = {"experiments": {"table1": {}}, "config": {"metrics": {"engine": "piq"}}}
    found = devices(read_artefacts(results, PageSettings.model_validate(cfg)))
    assert found["finetune"] == found["pretrain"] == "a fine GPU"
    assert (found["predict"], found["score"]) == ("", "")
    for artefact, path in ((FEATURES, "features/own/net/imagenet"), (SANITY, "sanity/pretraining/a/b/cls")):
        file = tmp_path / f"evaluation/{path}.parquet"
        write_table(file, artefact, {}, stage="evaluation", cfg={}, device="another GPU")
    found = devices(read_artefacts(tmp_path, PageSettings()))
    known = {rule for rule, names in found.items() if names == "another GPU"}
    assert known == {"features", "features_on_split", "sanity"}
    assert found["finetune"] == "", "it may have run on a GPU"


def test_versions_are_those_of_the_results_and_those_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artefacts = read_artefacts(tmp_path, PageSettings())
    assert dict(versions([], artefacts))["mosforge of the results"] == "unknown"
    for made, path in (("0.7", "evaluation/a.parquet"), ("0.6", "finetuning/a/1/b/c/history.parquet")):
        monkeypatch.setattr(stamps, "__version__", made)
        artefact = HISTORY if "history" in path else CORRELATIONS
        write_table(tmp_path / path, artefact, {}, stage="test", cfg={})
    (tmp_path / "evaluation/notes.parquet").write_bytes(b"of the user's")
    found = dict(versions([], artefacts))
    assert found["mosforge of the results"] == "0.6, 0.7"
    assert found["mosforge of this page"] == __version__
    assert found["torch of this page"] == version("torch")
