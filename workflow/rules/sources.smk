# Source photographs: fetched where the configuration says how, then checked and catalogued.


localrules:
    fetch_source,


rule fetch_source:
    output:
        "results/sources/{source}.fetched.json",
    log:
        "logs/sources/{source}.fetch.log",
    benchmark:
        "results/benchmarks/fetch_source/{source}.tsv"
    retries: 2
    conda:
        "../../envs/cpu.yaml"
    params:
        cfg=lambda wildcards: parameters(plan.sources.collection(wildcards.source)),
    shell:
        "mosforge sources fetch --name {wildcards.source} --output {output} --log {log} --cfg {params.cfg:q}"


rule catalogue:
    input:
        unpack(lambda wildcards: plan.sources.inputs(wildcards.source)),
        code=code("sources/catalogue.py", "images.py"),
    output:
        catalogue="results/sources/{source}.parquet",
        excluded="results/sources/{source}.excluded.parquet",
    log:
        "logs/sources/{source}.catalogue.log",
    benchmark:
        "results/benchmarks/catalogue/{source}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 4
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        cfg=lambda wildcards: parameters(plan.sources.catalogue(wildcards.source)),
        dataset=option_if_given("dataset"),
    shell:
        "mosforge sources catalogue --name {wildcards.source} --output {output.catalogue}"
        " --excluded {output.excluded} {params.dataset} --threads {threads} --log {log} --cfg {params.cfg:q}"
