"""What a changed configuration would make snakemake do, found in this process: a tenth of a second each."""

import contextlib
import io
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)
from workflow_project import REPOSITORY

from mosforge.core.files import sha256_of_file
from mosforge.plan.rule_parts import hidden_jobs


@dataclass(frozen=True)
class Job:
    """A job that a run would do.

    Attributes:
        rule: its rule.
        output: its first output.
        follows: whether it is to run only because a job before it is.
    """

    rule: str
    output: str
    follows: bool


def planned_jobs(
    folder: Path, change: Mapping[str, Any] | None = None, *targets: str, cores: int = 1
) -> list[Job]:
    """The jobs of a run in a project's folder whose configuration is changed.

    Args:
        folder: a project of `workflow_project.make_project`.
        change: laid over the configuration, as a further `--configfile` would be.
        targets: of the run; `all` by default.
        cores: that the run may use.
    """
    with _planned(folder, change or {}, targets, cores) as workflow:
        return sorted(_jobs(workflow.dag), key=lambda job: (job.rule, job.output))


def hidden_rules(folder: Path, change: Mapping[str, Any]) -> set[str]:
    """The rules of the jobs that Snakemake does not look at; see `rule_parts.hidden_jobs`."""
    with _planned(folder, change, ()) as workflow:
        return {job.rule.name for job in hidden_jobs(workflow.dag)}


def pretend_all_was_made(folder: Path) -> None:
    """Results of the target `all` without content, with Snakemake's own record of what made them.

    Only the tables of datasets and shards say what they were made for, and what the images were, since
    planning reads that.

    What a run would do next is then found as after a real one: from parameters, inputs, times and
    digests of code.
    """
    with _planned(folder, {}, ()) as workflow:
        jobs = [job for job in workflow.dag.jobs if job.output]
        for output in (output for job in jobs for output in job.output):
            output.touch_or_create()
        for job in jobs:
            made = {"mosforge": json.dumps({"cfg": getattr(job.params, "cfg", None)})}
            if job.rule.name == "dataset":
                pq.write_table(pa.schema([], metadata=made).empty_table(), str(job.output.dataset))
            if job.rule.name == "fuse":
                Path(job.output.left_out).write_text("{}")
            if job.rule.name in {"dataset", "catalogue_shard"}:
                paths = [
                    path for path in Path().glob("*/**/*") if path.is_file() and "results" not in path.parts
                ]
                digests = pa.table({"path": map(str, paths), "sha256": map(sha256_of_file, paths)})
                pq.write_table(digests.replace_schema_metadata(made), str(job.output[-1]))
        now = time.time()
        for path in Path("results").rglob("*"):
            os.utime(path, (now, now))  # so that none is newer than what was made of it
        workflow.execution_settings = ExecutionSettings()
        for job in jobs:
            workflow.async_run(workflow.persistence.finished(job))


@contextlib.contextmanager
def _planned(
    folder: Path, change: Mapping[str, Any], targets: tuple[str, ...], cores: int = 1
) -> Iterator[Any]:
    """Snakemake's workflow with its graph of jobs, while the project's folder is the working directory."""
    overlay = folder / "change.yaml"
    overlay.write_text(yaml.safe_dump(dict(change)))
    try:
        with _in_folder(folder), SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=cores),
                config_settings=ConfigSettings(configfiles=[folder / "tiny.yaml", overlay]),
                snakefile=REPOSITORY / "Snakefile",
                workdir=folder,
            )
            workflow.dag(DAGSettings(targets=set(targets or ("all",))))
            inner = workflow._workflow
            inner._prepare_dag(forceall=False, ignore_incomplete=True, lock_warn_only=True)
            inner._build_dag()
            yield inner
    finally:
        overlay.unlink()


def _jobs(dag: Any) -> Iterator[Job]:
    for job in dag.needrun_jobs():
        if job.output:
            reason = dag.reason(job)
            itself = (
                reason.params_changed,
                reason.input_changed,
                reason.code_changed,
                reason.missing_output,
                reason.updated_input,
            )
            yield Job(job.rule.name, str(job.output[0]), follows=not any(itself))


@contextlib.contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    """Snakemake changes the working directory, prints, and sets up logging; all that is put back."""
    before, handlers, path = Path.cwd(), logging.root.handlers[:], os.environ["PATH"]
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.chdir(before)
        os.environ["PATH"] = path
        logging.root.handlers[:] = handlers
