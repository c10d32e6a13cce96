# Packs of pixels, and the multi-task pretraining on a pseudo-labelled corpus.


localrules:
    fetch_weights,


rule fetch_weights:
    input:
        lambda wildcards: plan.trainings.weights_file(wildcards.backbone),
    output:
        layout.WEIGHTS,
    log:
        "logs/pretraining/weights/{backbone}.log",
    benchmark:
        "results/benchmarks/fetch_weights/{backbone}.tsv"
    conda:
        "../../envs/cuda.yaml"
    params:
        code=code("pretraining.fetch_weights"),
        source=lambda wildcards: configuration.pretraining.backbones[wildcards.backbone],
    shell:
        "mosforge pretraining fetch_weights --backbone {wildcards.backbone} --source {params.source:q}"
        " --output {output} --log {log}"


rule pack_shard:
    input:
        images=layout.SHARD,
    output:
        index=layout.PACK_OF_SHARD,
        pixels=layout.PIXELS_OF_SHARD,
    log:
        "logs/pretraining/{corpus}/packs/{group}/{shard}.log",
    benchmark:
        "results/benchmarks/pack_shard/{corpus}/{group}/{shard}.tsv"
    priority: READER_PRIORITY
    conda:
        "../../envs/cpu.yaml"
    threads: READER_THREADS
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=code("pretraining.pack_shard"),
        cfg=parameters(plan.trainings.pack()),
    shell:
        "mosforge pretraining pack_shard --images {input.images} --index {output.index} --pixels {output.pixels}"
        " --threads {threads} --log {log} --cfg {params.cfg:q}"


rule index_packs:
    input:
        lambda wildcards: plan.corpora.shard_files(
            wildcards.corpus,
            layout.PACK_OF_SHARD,
        ),
    output:
        layout.PACK_OF_CORPUS,
    log:
        "logs/pretraining/{corpus}/pack.log",
    benchmark:
        "results/benchmarks/index_packs/{corpus}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("pretraining.index_packs"),
        cfg=lambda wildcards: parameters(plan.corpora.shards(wildcards.corpus)),
        packs=lambda wildcards: layout.PACKS_OF_CORPUS.format(corpus=wildcards.corpus),
    shell:
        "mosforge pretraining index_packs --packs {params.packs} --output {output}"
        " --log {log} --cfg {params.cfg:q}"


rule pretrain:
    input:
        labels=layout.LABELS,
        pack=lambda wildcards: plan.trainings.files(
            wildcards.corpus, layout.PACK_OF_CORPUS
        ),
        weights=layout.WEIGHTS,
    output:
        **layout.of_model(layout.PRETRAINED),
    log:
        "logs/pretraining/{corpus}/{backbone}/{objective}.log",
    benchmark:
        "results/benchmarks/pretrain/{corpus}/{backbone}/{objective}.tsv"
    conda:
        "../../envs/cuda.yaml"
    threads: 8
    resources:
        mem_mb=growing(16000),
        runtime=2880,
        gpu=1,
        compile=0,
        deterministic=0,
        precision="auto",
    params:
        code=code("pretraining.pretrain"),
        cfg=lambda wildcards: parameters(plan.trainings.pretraining(wildcards)),
        split=option_if_given("split"),
    shell:
        "mosforge pretraining pretrain --labels {input.labels} --pack {input.pack} --weights {input.weights}"
        " {params.split} --output $(dirname {output.model}) --threads {threads} --gpus {resources.gpu}"
        " --compile {resources.compile} --deterministic {resources.deterministic}"
        " --precision {resources.precision} --events {log}.events --log {log} --cfg {params.cfg:q}"


# A pretraining on mixtures of the target dataset's own images may use only its training part, so there is one
# for each split. The same holds for the unified pretraining on such mixtures and a synthetic corpus.
use rule pretrain as pretrain_authentic with:
    input:
        labels=layout.LABELS,
        pack=lambda wildcards: plan.trainings.files(
            wildcards.corpus, layout.PACK_OF_CORPUS
        ),
        weights=layout.WEIGHTS,
        split=layout.SPLIT,
    output:
        **layout.of_model(layout.PRETRAINED_ON_SPLIT),
    log:
        "logs/pretraining/{corpus}/{dataset}/{split}/{backbone}/{objective}.log",
    benchmark:
        "results/benchmarks/pretrain_authentic/{corpus}/{dataset}/{split}/{backbone}/{objective}.tsv"


rule pretrained:
    input:
        plan.experiments.pretrained,
