# The entry of the workflow: `snakemake TARGET`. The stages follow in the order in which images flow; the
# tables of the target datasets (stage finetuning) are read by earlier stages too.
import sys

from snakemake.utils import min_version

from mosforge.config.files import OWN, read, without_names
from mosforge.core.errors import MosforgeError

min_version("9.0")


configfile: Path(workflow.basedir) / "config.yaml"


# A folder with a run.yaml is a run of its own: `snakemake --directory runs/NAME -- TARGET`.
if OWN.exists():
    try:
        read(OWN)  # before Snakemake does, which does not say the file's name
    except MosforgeError as error:
        sys.exit(f"mosforge: error: {error}")
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
