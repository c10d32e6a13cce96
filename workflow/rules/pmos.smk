# The pseudo-MOS: one table per corpus, its diagnostics, and its agreement with human scores.


rule fuse:
    input:
        lambda wildcards: [
            file
            for corpus in plan.corpora.parts(wildcards.corpus)
            for file in plan.corpora.shard_files(corpus, layout.METRICS)
        ],
        unpack(lambda wildcards: plan.corpora.fit_inputs()),
        catalogues=lambda wildcards: plan.corpora.catalogues(wildcards.corpus),
        leaks=lambda wildcards: plan.leakage.leaks(wildcards.corpus, ancient),
    output:
        labels=layout.LABELS,
        mapping=layout.MAPPING,
        left_out=layout.LEFT_OUT,
    log:
        "logs/pmos/{corpus}.log",
    benchmark:
        "results/benchmarks/fuse/{corpus}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        code=code("pmos.fuse"),
        cfg=lambda wildcards: parameters(plan.corpora.fusion(wildcards.corpus)),
        metrics=lambda wildcards: expand(
            layout.METRICS_OF_CORPUS, corpus=plan.corpora.parts(wildcards.corpus)
        ),
        targets=option_if_given("targets"),
    shell:
        "mosforge pmos fuse --metrics {params.metrics} --catalogues {input.catalogues} {params.targets}"
        " --leaks {input.leaks} --output {output.labels} --mapping {output.mapping} --left_out {output.left_out}"
        " --log {log} --cfg {params.cfg:q}"


rule diagnose:
    input:
        labels=layout.LABELS,
    output:
        layout.DIAGNOSTICS,
    log:
        "logs/pmos/{corpus}.diagnostics.log",
    benchmark:
        "results/benchmarks/diagnose/{corpus}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        code=code("pmos.diagnose"),
    shell:
        "mosforge pmos diagnose --labels {input.labels} --output {output} --log {log}"


rule validate:
    input:
        unpack(lambda wildcards: plan.corpora.validation_inputs(wildcards.dataset)),
    output:
        layout.VALIDATION,
    log:
        "logs/pmos/validation/{dataset}.log",
    benchmark:
        "results/benchmarks/validate/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("pmos.validate"),
        cfg=lambda wildcards: parameters(plan.corpora.validation(wildcards.dataset)),
        mapping=option_if_given("mapping"),
        fitted=option_if_given("fitted"),
    shell:
        "mosforge pmos validate --targets {input.targets} {params.mapping} {params.fitted}"
        " --output {output} --log {log} --cfg {params.cfg:q}"


rule corpus:
    input:
        expand(layout.LABELS, corpus=plan.corpora.labelled),
