# The pseudo-MOS: one table for a corpus, from the scores of all its shards.


rule fuse:
    input:
        lambda wildcards: plan.corpora.shard_files(
            wildcards.corpus, "results/metrics/{corpus}/{group}/{shard}.parquet"
        ),
        code=code("pmos", "orientation.py"),
    output:
        labels="results/pmos/{corpus}.parquet",
        mapping="results/pmos/{corpus}.mapping.json",
    log:
        "logs/pmos/{corpus}.log",
    benchmark:
        "results/benchmarks/fuse/{corpus}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        cfg=lambda wildcards: parameters(plan.corpora.fusion(wildcards.corpus)),
    shell:
        "mosforge pmos fuse --metrics results/metrics/{wildcards.corpus} --output {output.labels}"
        " --mapping {output.mapping} --log {log} --cfg {params.cfg:q}"


rule corpus:
    input:
        expand("results/pmos/{corpus}.parquet", corpus=plan.corpora.labelled),
