# Distorted images: one job for each distortion type (or mixtures) and block of a source's catalogue.

KEPT = configuration.distortions.keep
# Jobs that read images come before jobs that make new ones. If images do not stay, readers take one core each,
# so that they fit beside the makers: a reader that waited for more cores would wait until all are made.
READERS_FIRST = 10
READERS_THREADS = 4 if KEPT else 1

IMAGES = directory(layout.SHARD)


rule distort:
    input:
        catalogue=lambda wildcards: layout.CATALOGUE.format(
            source=source_of(wildcards.shard)
        ),
    output:
        IMAGES if KEPT else temp(IMAGES),
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
        "mosforge distortions distort --catalogue {input.catalogue} --number {params.number} --output {output}"
        " --threads {threads} --log {log} --cfg {params.cfg:q}"
