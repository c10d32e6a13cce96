"""Where results come from: versions, and the times of rules in the order of the stages."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from mosforge import __version__
from mosforge.core import stamps
from mosforge.core.schemas.correlations import CORRELATIONS
from mosforge.core.schemas.training import HISTORY
from mosforge.core.tables import write_table
from mosforge.report.provenance import STAGES, read_benchmarks, versions

RULES = Path(__file__).resolve().parents[2] / "workflow/rules"


def test_rules_are_those_that_are_timed_in_the_order_of_the_snakefile() -> None:
    stages = re.findall(r"workflow/rules/(\w+)\.smk", (RULES.parents[1] / "Snakefile").read_text())
    timed = {}
    for stage in stages:
        text = (RULES / f"{stage}.smk").read_text()
        timed[stage] = tuple(re.findall(r"results/benchmarks/(\w+)/", text))
    assert {stage: rules for stage, rules in timed.items() if rules} == dict(STAGES)
    assert [stage for stage in stages if timed[stage]] == list(STAGES)


def test_times_stand_in_the_order_of_the_stages_and_what_is_unknown_last(tmp_path: Path) -> None:
    for rule in ("another", "compare", "distort", "finetune", "table", "catalogue"):
        (tmp_path / "benchmarks" / rule).mkdir(parents=True)
        (tmp_path / "benchmarks" / rule / "a.tsv").write_text("s\tmax_rss\n1\t-\n")
    rules = [row.rule for row in read_benchmarks(tmp_path, {})]
    assert rules == ["catalogue", "distort", "finetune", "compare", "table", "another"]


def test_versions_are_those_of_the_results_and_those_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dict(versions(tmp_path))["mosforge of the results"] == "not told"
    for made, path in (("0.7", "evaluation/a.parquet"), ("0.6", "finetuning/a/1/b/c/history.parquet")):
        monkeypatch.setattr(stamps, "__version__", made)
        artefact = HISTORY if "history" in path else CORRELATIONS
        write_table(tmp_path / path, artefact, {}, stage="test", cfg={})
    (tmp_path / "evaluation/notes.parquet").write_bytes(b"of the user's")
    found = dict(versions(tmp_path))
    assert found["mosforge of the results"] == "0.6, 0.7"
    assert found["mosforge of this page"] == __version__
    assert found["torch of this page"] == version("torch")
