# Pristine images: fetched if the configuration says how, checked, catalogued, and compared by content with the
# target datasets.


localrules:
    fetch_source,


rule fetch_source:
    output:
        layout.FETCHED,
    log:
        "logs/sources/{source}.fetch.log",
    benchmark:
        "results/benchmarks/fetch_source/{source}.tsv"
    conda:
        "../../envs/cpu.yaml"
    params:
        code=code("sources.fetch_source"),
        cfg=lambda wildcards: parameters(plan.sources.fetched(wildcards.source)),
    shell:
        "mosforge sources fetch_source --name {wildcards.source} --output {output} --log {log} --cfg {params.cfg:q}"


# The images of a source are spread over its shards by a hash of their ids, so that an image that is added,
# removed or replaced concerns one shard.
rule catalogue_shard:
    input:
        unpack(
            lambda wildcards: plan.sources.inputs(
                source_of(wildcards.shard), number_of(wildcards.shard), ancient
            )
        ),
    output:
        layout.FILES,
    log:
        "logs/sources/shards/{shard}.log",
    benchmark:
        "results/benchmarks/catalogue_shard/{shard}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=lambda wildcards: code(
            "sources.catalogue_shard",
            *(
                plan.datasets.code(dataset)
                if (dataset := plan.sources.dataset_of(source_of(wildcards.shard)))
                else ()
            ),
        ),
        cfg=lambda wildcards: parameters(
            plan.sources.catalogue_shard(
                source_of(wildcards.shard), number_of(wildcards.shard)
            )
        ),
        source=lambda wildcards: source_of(wildcards.shard),
        number=lambda wildcards: number_of(wildcards.shard),
        dataset=option_if_given("dataset"),
    shell:
        "mosforge sources catalogue_shard --name {params.source} --number {params.number} --output {output}"
        " {params.dataset} --threads {threads} --log {log} --cfg {params.cfg:q}"


rule catalogue:
    input:
        lambda wildcards: plan.sources.shard_tables(wildcards.source),
    output:
        catalogue=layout.CATALOGUE,
        excluded=layout.EXCLUDED,
    log:
        "logs/sources/{source}.catalogue.log",
    benchmark:
        "results/benchmarks/catalogue/{source}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("sources.catalogue"),
        cfg=lambda wildcards: parameters(plan.sources.catalogue(wildcards.source)),
        shards=layout.FOLDER_OF_FILES,
    shell:
        "mosforge sources catalogue --name {wildcards.source} --shards {params.shards} --output {output.catalogue}"
        " --excluded {output.excluded} --log {log} --cfg {params.cfg:q}"


rule screen:
    input:
        catalogue=layout.CATALOGUE,
        dataset=lambda wildcards: plan.datasets.table_for_images(
            wildcards.dataset, ancient
        ),
    output:
        layout.LEAKS_IN_DATASET,
    log:
        "logs/sources/leaks/{source}/{dataset}.log",
    benchmark:
        "results/benchmarks/screen/{source}/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=lambda wildcards: code(
            "sources.screen", *plan.datasets.code(wildcards.dataset)
        ),
        cfg=lambda wildcards: parameters(plan.leakage.comparison(wildcards.dataset)),
    shell:
        "mosforge sources screen --catalogue {input.catalogue} --dataset {input.dataset} --name {wildcards.dataset}"
        " --output {output} --threads {threads} --log {log} --cfg {params.cfg:q}"


# One table for each source, with a fixed name: rules that read it do not depend on the list of datasets.
rule leaks:
    input:
        tables=lambda wildcards: plan.leakage.tables(wildcards.source),
    output:
        layout.LEAKS,
    log:
        "logs/sources/{source}.leaks.log",
    benchmark:
        "results/benchmarks/leaks/{source}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("sources.leaks"),
    shell:
        "mosforge sources leaks --tables {input.tables} --output {output} --log {log}"


rule screened:
    input:
        plan.leakage.all_leaks,
