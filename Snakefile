# The entry of the workflow: `snakemake TARGET`. The stages follow in the order in which images flow; the
# tables of the target datasets (stage finetuning) are read by earlier stages too.
from snakemake.utils import min_version

from mosforge.config.files import OWN, without_names

min_version("9.0")


configfile: Path(workflow.basedir) / "config.yaml"


# A folder with a run.yaml is a run of its own: `snakemake --directory runs/NAME -- TARGET`.
if OWN.exists():
    config.update(without_names(config))

    configfile: OWN


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/distortions.smk"
include: "workflow/rules/metrics.smk"
include: "workflow/rules/pmos.smk"
include: "workflow/rules/pretraining.smk"
include: "workflow/rules/finetuning.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        rules.corpus.input,
        rules.pretrained.input,
        rules.report.input,
