"""Time and memory of planning the paper's full run: `python tests/benchmarks/bench_dag.py`.

The five target datasets are there by name (21,869 pristine images in shards of 100, 11,235 rated ones for
700,000 mixtures), and nothing else is: every job is planned. The goals are 15 s and 1 GB for the graph of
`all`, and 5 s for that of one shard's scores. Each is a process of its own, the interpreter's start
included. A dry run builds the same graph, and then formats every job's description, printed or not.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mosforge.finetuning.registry import LAYOUTS

REPOSITORY = Path(__file__).resolve().parents[2]
GOALS = {"all": (15, 1024), "results/metrics/synthetic/jpeg/waterloo-00000.parquet": (5, 1024)}


def make_datasets(folder: Path) -> None:
    """The files by which the official datasets are known to be there, empty."""
    for name in ("live", "csiq", "tid2013", "livec", "koniq10k"):
        for names in LAYOUTS[name].required:
            path = folder / "resources/datasets" / name / names[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch() if path.suffix else path.mkdir(exist_ok=True)


def seconds_of(folder: Path, target: str, *words: str) -> tuple[float, str]:
    """Seconds and output of a planning."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")]
    command += ["--directory", str(folder), "--nocolor", *words, "--", target]
    began = time.monotonic()
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return time.monotonic() - began, done.stdout + done.stderr


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_datasets(folder)
        for target in reversed(GOALS):  # the peak is that of the largest child so far
            graph, _ = seconds_of(folder, target, "--rulegraph")
            dry_run, text = seconds_of(folder, target, "--dry-run", "--quiet", "rules")
            jobs = re.search(r"^total\s+(\d+)$", text, flags=re.MULTILINE)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            most, memory = GOALS[target]
            print(
                f"{target}: {int(jobs[1]) if jobs else 0} jobs, graph {graph:.1f} s (goal {most}), ", end=""
            )
            print(f"dry run {dry_run:.1f} s, {peak:.0f} MB (goal {memory})")


if __name__ == "__main__":
    main()
