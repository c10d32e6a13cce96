"""Options, help and checks that follow from the signature of a job."""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from mosforge import jobs
from mosforge.core.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]


class Choices(Settings):
    """The settings of the job."""

    mode: Literal["mean", "best"]
    knots: Annotated[int, Field(strict=True, ge=2)]


@dataclass(frozen=True)
class Machine:
    """Where it runs.

    Attributes:
        device: where to compute.
        threads: threads of the CPU.
        quick: 1: with 100% of the power.
    """

    device: Literal["auto", "cpu"] = "auto"
    threads: Annotated[int, Field(ge=1)] = 1
    quick: bool = False


def work(
    table: Path,
    leaks: list[Path],
    split: Path | None = None,
    *,
    output: Path,
    cfg: Choices,
    machine: Machine = Machine(),
) -> int | None:
    """Does all the work.

    It does it at once.

    Args:
        table: the rows, Parquet,
            each of them.
        leaks: what to leave out.
        split: its parts.
        output: the result.
        cfg: how to work.
        machine: where.

    Raises:
        MosforgeError: it cannot.
    """
    CALLS.append((table, leaks, split, output, cfg, machine))
    return 3


CALLS: list[tuple[object, ...]] = []

WORDS = ["--table", "t", "--leaks", "--output", "o", "--cfg", '{"mode": "mean", "knots": 5}']


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="work")
    jobs.add_options(made, work)
    return made


def test_a_job_is_called_with_the_options_of_its_signature() -> None:
    words = [*WORDS, "--threads", "4", "--quick", "1", "--leaks", "a", "--leaks", "b"]
    assert jobs.run(work, parser().parse_args(words)) == 3
    cfg = Choices(mode="mean", knots=5)
    machine = Machine(threads=4, quick=True)
    assert CALLS.pop() == (Path("t"), [Path("a"), Path("b")], None, Path("o"), cfg, machine)
    jobs.run(work, parser().parse_args(WORDS))
    assert CALLS.pop() == (Path("t"), [], None, Path("o"), cfg, Machine())


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (WORDS[2:], ["--table"]),
        ([*WORDS, "--cfg", "{"], ["--cfg", "JSON"]),
        ([*WORDS, "--cfg", '{"mode": "mean"}'], ["--cfg", "knots"]),
        ([*WORDS, "--cfg", '{"mode": "mean", "knots": 1}'], ["--cfg", "knots", "2"]),
        ([*WORDS, "--cfg", '{"mode": "mean", "knots": 2, "knot": 2}'], ["--cfg", "knot"]),
        ([*WORDS, "--cfg", '{"mode": "worst", "knots": 2}'], ["--cfg", "mode", "best"]),
        ([*WORDS, "--threads", "0"], ["--threads", "'0'", "1"]),
        ([*WORDS, "--threads", "two"], ["--threads", "'two'"]),
        ([*WORDS, "--device", "tpu"], ["--device", "tpu", "cpu"]),
        ([*WORDS, "--quick", "2"], ["--quick", "'2'"]),
        ([*WORDS, "--tabel", "x"], ["--tabel"]),
    ],
)
def test_a_wrong_option_is_a_usage_error_that_names_it(
    words: list[str], fragments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(words)
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert all(fragment in last for fragment in fragments)


def test_the_help_comes_from_the_docstrings() -> None:
    text = " ".join(parser().format_help().split())
    assert "--table PATH the rows, Parquet, each of them." in text
    assert "--cfg JSON how to work." in text
    assert "--device {auto,cpu} where to compute." in text
    assert "--quick {0,1} 1: with 100% of the power." in text


@pytest.mark.parametrize("stage", jobs.RULES)
def test_each_rule_of_the_workflow_is_a_job(stage: str) -> None:
    """A rule of the rule files with a shell line of its own runs the verb of its name."""
    text = (REPOSITORY / f"workflow/rules/{stage}.smk").read_text()
    rules = re.findall(r'^rule (\w+):\n(?:(?!^rule ).*\n)*?    shell:\n +"mosforge (\w+) (\w+)', text, re.M)
    assert [rule for rule, _, _ in rules] == list(jobs.RULES[stage])
    assert all((in_stage, verb) == (stage, rule) for rule, in_stage, verb in rules)


@pytest.mark.parametrize(("stage", "rule"), [(s, r) for s, rules in jobs.RULES.items() for r in rules])
def test_each_option_of_a_job_is_described(stage: str, rule: str) -> None:
    job = jobs.job_of(stage, rule)
    made = argparse.ArgumentParser()
    jobs.add_options(made, job)
    assert all(action.help for action in made._actions), [a.dest for a in made._actions if not a.help]
    assert jobs.summary_of(stage, rule)
