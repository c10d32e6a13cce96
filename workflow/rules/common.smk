# What all rule files share: the checked configuration, and the plan made from it.
import atexit
import sys

from mosforge.config.files import check_files
from mosforge.core import layout
from mosforge.core.errors import MosforgeError
from mosforge.plan.plan import Plan
from mosforge.plan.rule_parts import (
    code,
    find_own_commands,
    growing,
    lock_folder,
    number_of,
    option_if_given,
    parameters,
    source_of,
)

find_own_commands()

try:
    configuration = check_files(config, workflow.configfiles)
    plan = Plan(configuration)
    missing = plan.explain_missing()
    if workflow.is_main_process:
        plan.check_networks()
    warnings = [f"mosforge: warning: {line}" for line in plan.warnings()]
except MosforgeError as error:
    sys.exit(f"mosforge: error: {error}")

notes = "\n".join([missing, *warnings] if missing else warnings)
if notes and workflow.is_main_process:
    print(notes, file=sys.stderr)
    # a dry run at the paper's size prints a lot, so the message is repeated at the end of the output
    atexit.register(lambda: workflow.dryrun and print(notes, file=sys.stderr))


# Before the first job: a second run in this folder is refused.
onstart:
    lock_folder()


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
    split=r"[a-z0-9_]+",
    initialisation=r"[a-z0-9_-]+",
    experiment=r"[a-z0-9_]+",
