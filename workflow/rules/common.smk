# What all files of rules share: the checked configuration, and the plan made from it.
import atexit
import contextlib
import subprocess
import sys
import time
from pathlib import Path

from mosforge.config.files import check_files
from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.plan.estimate import estimate
from mosforge.plan.failed import explain_failed_jobs, explain_unknown_targets
from mosforge.plan.made import correlations_in, explain_made
from mosforge.plan.plan import Plan
from mosforge.plan.rule_parts import (
    check_command_line,
    check_folder,
    code,
    find_own_commands,
    growing,
    hidden_jobs,
    lock_folder,
    number_of,
    option_if_given,
    parameters,
    run_again,
    source_of,
    warn_of_folder,
)

find_own_commands()

try:
    check_folder(str(workflow.basedir))
    if workflow.is_main_process:
        check_command_line(sys.argv)
    configuration = check_files(config, workflow.configfiles)
    plan = Plan(configuration)
    notes = []
    if workflow.is_main_process:  # the process of a job would say nothing of it
        plan.check_networks()
        plan.experiments.check_ratings()
        notes += [plan.explain_missing() or ""]
        warnings = [
            *warn_of_folder(str(workflow.basedir), workflow.configfiles),
            *plan.warnings(),
        ]
        notes += [f"mosforge: warning: {line}" for line in warnings]
except MosforgeError as error:
    sys.exit(f"mosforge: error: {error}")

RUN_FOLDER = Path.cwd()
notes = "\n".join(filter(None, notes))


def print_estimate():
    # in a dry run all jobs count as finished
    jobs = workflow.dag.needrun_jobs(exclude_finished=False) if workflow.dag else ()
    if text := estimate(plan, [(job.rule.name, job.wildcards) for job in jobs]):
        print(text, file=sys.stderr)


BEGAN = time.time()
failures = []


def end_run():
    """A run prints a lot, so what matters is repeated at the end of the output."""
    if workflow.dryrun:
        with contextlib.chdir(RUN_FOLDER):  # Snakemake has left it
            print_estimate()
        if notes:
            print(notes, file=sys.stderr)
    unknown = []
    if settings := workflow.dag_settings:  # none where Snakemake only lists something
        rules = [rule.name for rule in workflow.rules if not rule.has_wildcards()]
        unknown = explain_unknown_targets(settings.targets, rules)
    for line in failures + unknown:
        print(line, file=sys.stderr)


if workflow.is_main_process:
    if notes:
        print(notes, file=sys.stderr)
    atexit.register(end_run)


hidden = set()


# Before the first job: a second run in this folder is refused.
onstart:
    lock_folder()
    print_estimate()
    hidden.update(hidden_jobs(workflow.dag))


onerror:
    failures.extend(explain_failed_jobs(workflow.dag.needrun_jobs(), BEGAN))


# If this run's comparison of pristine images with target datasets found images that the labels do not leave
# out, a second run makes the labels, and what follows from them, anew: the first could not know. Then the
# numbers of the experiments that were asked for, and where all of it lies. Last, a second run does what this
# one has not looked at.
onsuccess:
    jobs = sorted(workflow.dag.jobs, key=lambda job: job.jobid)
    labelled = [job.wildcards.corpus for job in jobs if job.rule.name == "fuse"]
    if outdated := plan.leakage.outdated(labelled):
        print(
            f"\nmosforge: target datasets show images of {', '.join(outdated)}: its labels, and what follows"
            " from them, are made anew",
            file=sys.stderr,
        )
        try:
            run_again()
        except MosforgeError as error:
            sys.exit(f"mosforge: error: {', '.join(outdated)}: {error}")
    if correlations := correlations_in(jobs):
        proxies = [
            word for name in plan.datasets.proxies for word in ("--proxy", name)
        ]
        print("\nCorrelations (median over splits):", flush=True)
        subprocess.run(["mosforge", "report", "summary", *correlations, *proxies])
    if text := explain_made(jobs, Path.cwd()):
        print(f"\n{text}", flush=True)
    for line in plan.leakage.left_out():
        print(f"\nmosforge: {line}", file=sys.stderr)
    if hidden:
        rules = ", ".join(sorted({job.rule.name for job in hidden}))
        print(
            f"\nmosforge: a second run starts, for jobs behind those that ran again: {rules}",
            file=sys.stderr,
        )
        try:
            run_again()
        except MosforgeError as error:
            print(f"mosforge: warning: {error}", file=sys.stderr)


def table_of_target(experiment):
    """The table of an experiment that is asked for by its name; a sentence if nothing of it can be done."""
    try:
        plan.check_experiment(experiment)
    except MosforgeError as error:
        sys.exit(f"mosforge: error: {error}")
    return layout.TABLE.format(experiment=experiment)


wildcard_constraints:
    source=r"[a-z0-9_]+",
    corpus=r"[a-z0-9_]+",
    group=r"[a-z0-9_]+",
    shard=r"[a-z0-9_]+-\d{5}",
    backbone=r"[a-z0-9_]+",
    objective=r"cls|reg|multitask|rank",
    dataset=r"[a-z0-9_]+",
    test_dataset=r"[a-z0-9_]+",
    # 1-25 is the split 1 with 25 rated images
    split=r"[a-z0-9_]+(-[1-9][0-9]*)?",
    initialisation=r"[a-z0-9_+-]+",
    # empty for the seed 0
    training=r"(\.seed[1-9][0-9]*)?",
    adaptation=r"finetune|probe|none",
    experiment=r"[a-z0-9_]+",
