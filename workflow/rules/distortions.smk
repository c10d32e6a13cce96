# Distorted pictures: one job for each distortion type (or mixtures) and block of a source's catalogue.

KEPT = config["distortions"]["keep"]
# Readers of pictures come before the making of new ones. Of pictures that do not stay they need one core
# each, so that they fit beside the makers: a reader that waited for more would wait until all are made.
READERS_FIRST = 10
READERS_THREADS = 4 if KEPT else 1

PICTURES = directory(layout.SHARD)


rule distort:
    input:
        catalogue=lambda wildcards: layout.CATALOGUE.format(
            source=source_of(wildcards.shard)
        ),
    output:
        PICTURES if KEPT else temp(PICTURES),
    log:
        "logs/distortions/{corpus}/{group}/{shard}.log",
    benchmark:
        "results/benchmarks/distort/{corpus}/{group}/{shard}.tsv"
    conda:
        "../../envs/cpu.yaml"
    # a second worker costs a second of start and runs beside the first; several jobs do as well
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=code("distortions.distort"),
        cfg=lambda wildcards: parameters(
            plan.corpora.distortion(wildcards.corpus, wildcards.group)
        ),
        number=lambda wildcards: number_of(wildcards.shard),
    shell:
        "mosforge distortions shard --catalogue {input.catalogue} --shard {params.number} --output {output}"
        " --threads {threads} --log {log} --cfg {params.cfg:q}"
