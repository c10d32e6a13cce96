# Predictions of fine-tuned models, and of measures without a network, for images that they have not seen, and
# the correlations of the predictions with the given scores.


rule predict:
    input:
        # the split of the test dataset; across datasets its part `test` are all images
        unpack(lambda wildcards: plan.experiments.split_of(wildcards)),
        model=layout.of_model(layout.FINETUNED)["model"],
        card=layout.of_model(layout.FINETUNED)["card"],
        dataset=layout.DATASET.format(dataset="{test_dataset}"),
        pack=layout.PACK_OF_DATASET.format(dataset="{test_dataset}"),
    output:
        layout.PREDICTIONS,
    log:
        "logs/evaluation/{dataset}/{split}/{backbone}/{initialisation}{training}/{test_dataset}.log",
    benchmark:
        "results/benchmarks/predict/{dataset}/{split}/{backbone}/{initialisation}{training}/{test_dataset}.tsv"
    wildcard_constraints:
        # the rule `compare` serves measures without a network
        backbone=r"(?!none/)[a-z0-9_]+",
    conda:
        "../../envs/cuda.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
        gpu=1,
    params:
        code=code("evaluation.predict"),
        cfg=lambda wildcards: parameters(plan.experiments.predict_settings(wildcards)),
        split=option_if_given("split"),
    shell:
        "mosforge evaluation predict --model $(dirname {input.model}) --dataset {input.dataset} {params.split}"
        " --pack {input.pack} --output {output} --threads {threads} --log {log} --cfg {params.cfg:q}"


rule brisque:
    input:
        dataset=layout.DATASET,
        pack=layout.PACK_OF_DATASET,
    output:
        layout.BRISQUE,
    log:
        "logs/evaluation/brisque/{dataset}.log",
    benchmark:
        "results/benchmarks/brisque/{dataset}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=code("evaluation.brisque"),
    shell:
        "mosforge evaluation brisque --dataset {input.dataset} --pack {input.pack} --output {output}"
        " --threads {threads} --log {log}"


rule compare:
    input:
        unpack(lambda wildcards: plan.experiments.comparison(wildcards)),
    output:
        layout.PREDICTIONS,
    log:
        "logs/evaluation/{dataset}/{split}/{backbone}/{initialisation}{training}/{test_dataset}.log",
    benchmark:
        "results/benchmarks/compare/{dataset}/{split}/{backbone}/{initialisation}{training}/{test_dataset}.tsv"
    wildcard_constraints:
        backbone="none",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("evaluation.compare"),
        cfg=lambda wildcards: parameters(plan.experiments.compare_settings(wildcards)),
        test_split=option_if_given("test_split"),
        split=option_if_given("split"),
        dataset=option_if_given("dataset"),
        scores=option_if_given("scores"),
    shell:
        "mosforge evaluation compare --test_dataset {input.test_dataset} --test_scores {input.test_scores}"
        " {params.test_split} {params.split} {params.dataset} {params.scores} --output {output} --log {log}"
        " --cfg {params.cfg:q}"


rule correlate:
    input:
        predictions=lambda wildcards: plan.experiments.predictions(wildcards.experiment),
    output:
        layout.CORRELATIONS,
    log:
        "logs/evaluation/{experiment}.log",
    benchmark:
        "results/benchmarks/correlate/{experiment}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("evaluation.correlate"),
    shell:
        "mosforge evaluation correlate --predictions {input.predictions} --output {output} --log {log}"
