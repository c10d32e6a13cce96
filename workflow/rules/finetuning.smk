# Target datasets, their splits and packs, and the fine-tuning on their scores.


rule label_proxy:
    input:
        catalogues=lambda wildcards: plan.corpora.catalogues_of_proxy(wildcards.dataset),
        shards=lambda wildcards: plan.corpora.images_of_proxy(wildcards.dataset),
    output:
        layout.PROXY_LABELS,
    log:
        "logs/finetuning/{dataset}/labels.log",
    benchmark:
        "results/benchmarks/label_proxy/{dataset}.tsv"
    priority: READER_PRIORITY
    conda:
        "../../envs/cpu.yaml"
    threads: READER_THREADS
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("finetuning.label_proxy"),
    shell:
        "mosforge finetuning label_proxy --shards {input.shards} --catalogues {input.catalogues} --output {output} --threads {threads} --log {log}"


rule dataset:
    input:
        lambda wildcards: plan.datasets.files(wildcards.dataset),
        images=lambda wildcards: plan.corpora.images_of_proxy(wildcards.dataset),
    output:
        dataset=layout.DATASET,
        files=layout.FILES_OF_DATASET,
    log:
        "logs/finetuning/{dataset}/dataset.log",
    benchmark:
        "results/benchmarks/dataset/{dataset}.tsv"
    priority: READER_PRIORITY
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=lambda wildcards: code(*plan.datasets.code(wildcards.dataset)),
        cfg=lambda wildcards: parameters(plan.datasets.table(wildcards.dataset)),
    shell:
        "mosforge finetuning dataset --name {wildcards.dataset} --output {output.dataset} --files {output.files}"
        " --threads {threads} --log {log} --cfg {params.cfg:q}"


rule contents:
    input:
        dataset=lambda wildcards: plan.datasets.table_for_images(
            wildcards.dataset, ancient
        ),
        images=lambda wildcards: plan.corpora.images_of_proxy(wildcards.dataset),
    output:
        layout.CONTENTS,
    log:
        "logs/finetuning/{dataset}/contents.log",
    benchmark:
        "results/benchmarks/contents/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=lambda wildcards: code(
            "finetuning.contents", *plan.datasets.code(wildcards.dataset)
        ),
        cfg=lambda wildcards: parameters(plan.datasets.contents(wildcards.dataset)),
    shell:
        "mosforge finetuning contents --dataset {input.dataset} --output {output} --threads {threads}"
        " --log {log} --cfg {params.cfg:q}"


rule split:
    input:
        unpack(lambda wildcards: plan.datasets.contents_inputs(wildcards.dataset)),
        dataset=lambda wildcards: plan.datasets.table_for_images(
            wildcards.dataset, ancient
        ),
    output:
        layout.SPLIT,
    log:
        "logs/finetuning/{dataset}/{split}/split.log",
    benchmark:
        "results/benchmarks/split/{dataset}/{split}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=lambda wildcards: code(
            "finetuning.split", *plan.datasets.code(wildcards.dataset)
        ),
        cfg=lambda wildcards: parameters(
            plan.datasets.split(wildcards.dataset, wildcards.split)
        ),
        contents=option_if_given("contents"),
    shell:
        "mosforge finetuning split --dataset {input.dataset} {params.contents} --name {wildcards.split}"
        " --output {output} --log {log} --cfg {params.cfg:q}"


# Across datasets all images of the one are tested on, and all of the other trained on.
rule split_across:
    input:
        dataset=lambda wildcards: plan.datasets.table_for_images(
            wildcards.test_dataset, ancient
        ),
        trained_on=lambda wildcards: plan.datasets.table_for_images(
            wildcards.dataset, ancient
        ),
        contents=layout.CONTENTS.format(dataset="{test_dataset}"),
    output:
        layout.SPLIT_ACROSS,
    log:
        "logs/finetuning/{test_dataset}/across/{dataset}.log",
    benchmark:
        "results/benchmarks/split_across/{test_dataset}/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=lambda wildcards: code(
            "finetuning.split_across",
            *plan.datasets.code(wildcards.test_dataset),
            *plan.datasets.code(wildcards.dataset),
        ),
        cfg=lambda wildcards: parameters(
            plan.datasets.split_across(wildcards.test_dataset, wildcards.dataset)
        ),
    shell:
        "mosforge finetuning split_across --dataset {input.dataset} --trained_on {input.trained_on}"
        " --contents {input.contents} --output {output} --threads {threads} --log {log} --cfg {params.cfg:q}"


rule pack_dataset:
    input:
        dataset=lambda wildcards: plan.datasets.table_for_images(
            wildcards.dataset, ancient
        ),
        images=lambda wildcards: plan.corpora.images_of_proxy(wildcards.dataset),
    output:
        index=layout.PACK_OF_DATASET,
        pixels=layout.PIXELS_OF_DATASET,
    log:
        "logs/finetuning/{dataset}/pack.log",
    benchmark:
        "results/benchmarks/pack_dataset/{dataset}.tsv"
    priority: READER_PRIORITY
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=lambda wildcards: code(
            "finetuning.pack_dataset", *plan.datasets.code(wildcards.dataset)
        ),
        cfg=lambda wildcards: parameters(plan.datasets.images(wildcards.dataset)),
    shell:
        "mosforge finetuning pack_dataset --dataset {input.dataset} --index {output.index} --pixels {output.pixels}"
        " --log {log} --cfg {params.cfg:q}"


rule finetune:
    input:
        unpack(lambda wildcards: plan.trainings.start_inputs(wildcards)),
        unpack(lambda wildcards: plan.trainings.rehearsal_inputs()),
        dataset=layout.DATASET,
        split=layout.SPLIT,
        pack=layout.PACK_OF_DATASET,
    output:
        **layout.of_model(layout.FINETUNED),
    log:
        "logs/finetuning/{dataset}/{split}/{backbone}/{initialisation}{training}.log",
    benchmark:
        "results/benchmarks/finetune/{dataset}/{split}/{backbone}/{initialisation}{training}.tsv"
    conda:
        "../../envs/cuda.yaml"
    threads: 8
    resources:
        mem_mb=growing(16000),
        runtime=720,
        gpu=1,
        compile=0,
        deterministic=0,
        precision="auto",
    params:
        code=code("finetuning.finetune"),
        cfg=lambda wildcards: parameters(plan.trainings.finetuning(wildcards)),
        rehearsal=option_if_given("rehearsal"),
        rehearsal_pack=option_if_given("rehearsal_pack"),
    shell:
        "mosforge finetuning finetune --dataset {input.dataset} --split {input.split} --pack {input.pack}"
        " --weights {input.weights} {params.rehearsal} {params.rehearsal_pack}"
        " --output $(dirname {output.model}) --threads {threads} --gpus {resources.gpu}"
        " --compile {resources.compile} --deterministic {resources.deterministic}"
        " --precision {resources.precision} --events {log}.events --log {log} --cfg {params.cfg:q}"
