# Tables that compare measured with published results, and the page.


rule table:
    input:
        correlations=layout.CORRELATIONS,
        predictions=lambda wildcards: plan.experiments.predictions_of_single_splits(
            wildcards.experiment
        ),
        sane=lambda wildcards: plan.sanity.files([wildcards.experiment]),
        labels=lambda wildcards: plan.sanity.labels([wildcards.experiment]),
    output:
        csv=report(
            layout.TABLE,
            caption="../report/table.rst",
            category="Tables",
            labels={"experiment": "{experiment}"},
        ),
        markdown=layout.TABLE_MARKDOWN,
        gains=report(
            layout.TABLE_OF_GAINS,
            caption="../report/gains.rst",
            category="Tables",
            labels={"experiment": "{experiment}, gains"},
        ),
        splits=report(
            layout.TABLE_OF_SPLITS,
            caption="../report/splits.rst",
            category="Tables",
            labels={"experiment": "{experiment}, every split"},
        ),
        sanity=report(
            layout.TABLE_OF_SANITY,
            caption="../report/sanity.rst",
            category="Tables",
            labels={"experiment": "{experiment}, sanity"},
        ),
    log:
        "logs/report/{experiment}.log",
    benchmark:
        "results/benchmarks/table/{experiment}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("report.table"),
        cfg=lambda wildcards: parameters(plan.table(wildcards.experiment)),
    shell:
        "mosforge report table --experiment {wildcards.experiment} --correlations {input.correlations}"
        " --predictions {input.predictions} --output {output.csv} --markdown {output.markdown}"
        " --sane {input.sane} --labels {input.labels} --gains {output.gains} --splits {output.splits} --sanity {output.sanity} --log {log}"
        " --cfg {params.cfg:q}"


rule page:
    input:
        labels=expand(layout.LABELS, corpus=plan.corpora.labelled),
        diagnostics=expand(layout.DIAGNOSTICS, corpus=plan.corpora.labelled),
        validations=expand(
            layout.VALIDATION,
            dataset=plan.datasets.with_references,
        ),
        leaks=plan.leakage.all_leaks,
        correlations=expand(
            layout.CORRELATIONS,
            experiment=plan.experiments.names,
        ),
        sane=plan.sanity.files(plan.experiments.names),
        labels_of_sanity=plan.sanity.labels(plan.experiments.names),
    output:
        page=report(
            layout.PAGE,
            caption="../report/page.rst",
            category="Page",
            labels={"page": "all on one page"},
        ),
        figures=report(
            directory(layout.FIGURES),
            patterns=["{figure}.png"],
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        "logs/report/page.log",
    benchmark:
        "results/benchmarks/page/page.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("report.page"),
        cfg=parameters(plan.page()),
    shell:
        "mosforge report page --results results --output {output.page} --figures {output.figures} --log {log} --cfg {params.cfg:q}"


rule report:
    input:
        layout.PAGE,
        expand(layout.TABLE, experiment=plan.experiments.names),


# Every experiment of the configuration is a target with the same name.
for experiment in plan.experiments.names:
    if workflow.is_rule(experiment) or experiment == "all":
        sys.exit(
            f"mosforge: error: configuration: evaluation.experiments.{experiment}: the workflow has a rule of this"
            " name; take another"
        )

    rule:
        name:
            experiment
        input:
            # a function, so that only those that are asked for are looked at
            lambda wildcards, experiment=experiment: table_of_target(experiment),
