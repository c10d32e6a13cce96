"""The end of a run that could not do all."""

import os
from pathlib import Path
from types import SimpleNamespace

from mosforge.plan.failed import explain_failed_jobs, explain_unknown_targets

RULES = ["all", "corpus", "table1", "table2"]


def test_a_word_that_is_no_target_is_told_with_the_nearest_or_with_all() -> None:
    near, far = explain_unknown_targets(["tabel1", "everything", "table1", "results/x", "x.csv"], RULES)[::-1]
    assert near.startswith("mosforge: error: tabel1: ")
    assert "table1" in near
    assert far.startswith("mosforge: error: everything: ")
    assert "all, corpus, table1, table2" in far


def test_sentences_of_failed_jobs_are_told_once_and_those_of_older_runs_not(tmp_path: Path) -> None:
    logs = [tmp_path / f"{i}.log" for i in range(4)]
    for log, text in zip(
        logs, ("epoch 1\nmosforge: error: b: bad\n", "mosforge: error: b: bad\n"), strict=False
    ):
        log.write_text(text)
    logs[2].write_text("mosforge: error: of the run before\n")
    os.utime(logs[2], (50, 50))
    jobs = [SimpleNamespace(log=[str(log)]) for log in logs]
    assert explain_failed_jobs(jobs, 100.0) == ["mosforge: error: b: bad"]
