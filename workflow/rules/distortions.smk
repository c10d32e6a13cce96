# Distorted images: one job for each distortion type (or mixtures) and shard of a source.

KEEP_IMAGES = configuration.distortions.keep
# Jobs that read images run before jobs that make images. If images are temporary, readers use one core each,
# so that they run beside jobs that make images: a reader that needs more cores would start only after those.
READER_PRIORITY = 10
READER_THREADS = 4 if KEEP_IMAGES else 1

IMAGES = directory(layout.SHARD)


rule distort:
    input:
        files=layout.FILES,
    output:
        IMAGES if KEEP_IMAGES else temp(IMAGES),
    log:
        "logs/distortions/{corpus}/{group}/{shard}.log",
    benchmark:
        "results/benchmarks/distort/{corpus}/{group}/{shard}.tsv"
    conda:
        "../../envs/cpu.yaml"
    # one worker: a second one takes a second to start, and parallel jobs use the cores just as well
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=code("distortions.distort"),
        cfg=lambda wildcards: parameters(
            plan.corpora.distortion(
                wildcards.corpus, wildcards.group, source_of(wildcards.shard)
            )
        ),
    shell:
        "mosforge distortions distort --files {input.files} --output {output}"
        " --threads {threads} --log {log} --cfg {params.cfg:q}"
