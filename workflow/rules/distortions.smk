# Distorted pictures: one job for each distortion type (or mixtures) and block of a source's catalogue.


rule distort:
    input:
        catalogue=lambda wildcards: f"results/sources/{source_of(wildcards.shard)}.parquet",
        code=code(
            "distortions",
            "images.py",
            "seeds.py",
            without=("gallery.py", "settings.py"),
        ),
    output:
        directory("results/distortions/{corpus}/{group}/{shard}"),
    log:
        "logs/distortions/{corpus}/{group}/{shard}.log",
    benchmark:
        "results/benchmarks/distort/{corpus}/{group}/{shard}.tsv"
    conda:
        "../../envs/cpu.yaml"
    # a second worker costs a second of start and runs beside the first; several jobs do as well
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        cfg=lambda wildcards: parameters(
            plan.corpora.distortion(wildcards.corpus, wildcards.group)
        ),
        number=lambda wildcards: number_of(wildcards.shard),
    shell:
        "mosforge distortions shard --catalogue {input.catalogue} --shard {params.number} --output {output}"
        " --threads {threads} --log {log} --cfg {params.cfg:q}"
