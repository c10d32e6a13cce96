# Six full-reference scores of every distorted image, and of the target datasets that have reference images.


rule score:
    input:
        images=layout.SHARD,
    output:
        layout.METRICS,
    log:
        "logs/metrics/{corpus}/{group}/{shard}.log",
    benchmark:
        "results/benchmarks/score/{corpus}/{group}/{shard}.tsv"
    priority: READER_PRIORITY
    conda:
        "../../envs/cpu.yaml"
    threads: READER_THREADS
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=code("metrics.score"),
        cfg=parameters(plan.score()),
    shell:
        "mosforge metrics score --images {input.images} --output {output} --threads {threads} --log {log}"
        " --cfg {params.cfg:q}"


rule score_dataset:
    input:
        dataset=layout.DATASET,
        images=lambda wildcards: plan.corpora.images_of_proxy(wildcards.dataset),
    output:
        layout.TARGETS,
    log:
        "logs/metrics/targets/{dataset}.log",
    benchmark:
        "results/benchmarks/score_dataset/{dataset}.tsv"
    priority: READER_PRIORITY
    conda:
        "../../envs/cpu.yaml"
    threads: READER_THREADS
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=code("metrics.score_dataset"),
        cfg=lambda wildcards: parameters(plan.score_dataset(wildcards.dataset)),
    shell:
        "mosforge metrics score_dataset --dataset {input.dataset} --output {output} --threads {threads} --log {log}"
        " --cfg {params.cfg:q}"
