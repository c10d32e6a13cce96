"""What a run has made, for its end: where the tables, the page and the models lie."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mosforge.core.layout import MODEL
from mosforge.models.objectives import corpus_and_objective

CHANGES_NO_RESULT = "words for people after a run"

_PRETRAININGS = ("pretrain", "pretrain_authentic")


def correlations_in(jobs: Sequence[Any]) -> list[str]:
    """The correlations of the experiments that a run was asked for.

    Args:
        jobs: Snakemake's jobs of the run, done in it or before.
    """
    return [str(job.input.correlations) for job in jobs if job.rule.name == "table"]


def explain_made(jobs: Sequence[Any], folder: Path) -> str:
    """Lines that name what a run has made; empty where it made nothing for people.

    Args:
        jobs: as for `correlations_in`.
        folder: of the run; the paths start with it, so that they can be used anywhere.
    """
    tables = [folder / str(job.output.csv) for job in jobs if job.rule.name == "table"]
    pages = [folder / str(job.output.page) for job in jobs if job.rule.name == "page"]
    finetunings = sorted((job for job in jobs if job.rule.name == "finetune"), key=_what_to_try_first)
    models = [folder / str(job.output.model) for job in finetunings]
    lines = [f"The table: {table} (and .md)" for table in tables]
    lines += [f"The page:  {page}" for page in pages]
    if models:
        lines.append(f"Folders with {MODEL}: {len(models)}; score images with one of them:")
        lines.append(f"  mosforge score IMAGE --model {shlex.quote(str(models[0].parent))}")
    elif pretrained := [folder / str(job.output.model) for job in jobs if job.rule.name in _PRETRAININGS]:
        lines += [f"A pretrained network: {model.parent}" for model in sorted(pretrained)]
    return "\n".join(lines)


def _what_to_try_first(job: Any) -> tuple[bool, bool, str]:
    """The order of fine-tuned models: those of the multi-task pretraining first, those of none last."""
    corpus, objective = corpus_and_objective(job.wildcards.initialisation)
    return objective != "multitask", not corpus, str(job.output.model)
