# Predictions of fine-tuned and of frozen networks, and of measures without a network, for images that they have
# not seen, and the correlations of the predictions with the given scores.


rule predict:
    input:
        # the split of the test dataset; across datasets its part `test` are all images
        unpack(lambda wildcards: plan.evaluation.split_of(wildcards)),
        model=layout.of_model(layout.FINETUNED)["model"],
        card=layout.of_model(layout.FINETUNED)["card"],
        dataset=layout.DATASET.format(dataset="{test_dataset}"),
        pack=layout.PACK_OF_DATASET.format(dataset="{test_dataset}"),
    output:
        layout.PREDICTIONS,
    log:
        "logs/evaluation/{dataset}/{split}/{backbone}/{initialisation}{training}/{adaptation}/{test_dataset}.log",
    benchmark:
        "results/benchmarks/predict/{dataset}/{split}/{backbone}/{initialisation}{training}/{adaptation}/{test_dataset}.tsv"
    wildcard_constraints:
        # the rule `compare` serves measures without a network, `probe` frozen networks
        backbone=r"(?!none/)[a-z0-9_]+",
        adaptation="finetune",
    conda:
        "../../envs/cuda.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
        gpu=1,
    params:
        code=code("evaluation.predict"),
        cfg=lambda wildcards: parameters(plan.evaluation.predict_settings(wildcards)),
        split=option_if_given("split"),
    shell:
        "mosforge evaluation predict --model $(dirname {input.model}) --dataset {input.dataset} {params.split}"
        " --pack {input.pack} --output {output} --threads {threads} --log {log} --cfg {params.cfg:q}"


rule features:
    input:
        unpack(lambda wildcards: plan.trainings.frozen(wildcards)),
        dataset=layout.DATASET.format(dataset="{test_dataset}"),
        pack=layout.PACK_OF_DATASET.format(dataset="{test_dataset}"),
    output:
        layout.FEATURES,
    log:
        "logs/evaluation/features/{test_dataset}/{backbone}/{initialisation}.log",
    benchmark:
        "results/benchmarks/features/{test_dataset}/{backbone}/{initialisation}.tsv"
    conda:
        "../../envs/cuda.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
        gpu=1,
    params:
        code=code("evaluation.features"),
        cfg=lambda wildcards: parameters(plan.evaluation.features_settings(wildcards)),
    shell:
        "mosforge evaluation features --weights {input.weights} --dataset {input.dataset} --pack {input.pack}"
        " --output {output} --threads {threads} --log {log} --cfg {params.cfg:q}"


# A pretraining that has seen images of a dataset exists once for each split, and so do its features.
use rule features as features_on_split with:
    output:
        layout.FEATURES_ON_SPLIT,
    log:
        "logs/evaluation/features/{test_dataset}/{dataset}/{split}/{backbone}/{initialisation}.log",
    benchmark:
        "results/benchmarks/features_on_split/{test_dataset}/{dataset}/{split}/{backbone}/{initialisation}.tsv"


rule probe:
    input:
        unpack(lambda wildcards: plan.evaluation.probed(wildcards)),
    output:
        layout.PREDICTIONS,
    log:
        "logs/evaluation/{dataset}/{split}/{backbone}/{initialisation}{training}/{adaptation}/{test_dataset}.log",
    benchmark:
        "results/benchmarks/probe/{dataset}/{split}/{backbone}/{initialisation}{training}/{adaptation}/{test_dataset}.tsv"
    wildcard_constraints:
        backbone=r"(?!none/)[a-z0-9_]+",
        adaptation="probe|none",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("evaluation.probe"),
        cfg=lambda wildcards: parameters(plan.evaluation.compare_settings(wildcards)),
        test_split=option_if_given("test_split"),
        split=option_if_given("split"),
        dataset=option_if_given("dataset"),
    shell:
        "mosforge evaluation probe --test_dataset {input.test_dataset} --test_features {input.test_features}"
        " --features {input.features} {params.test_split} {params.split} {params.dataset} --output {output}"
        " --log {log} --cfg {params.cfg:q}"


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
        unpack(lambda wildcards: plan.evaluation.comparison(wildcards)),
    output:
        layout.PREDICTIONS,
    log:
        "logs/evaluation/{dataset}/{split}/{backbone}/{initialisation}{training}/{adaptation}/{test_dataset}.log",
    benchmark:
        "results/benchmarks/compare/{dataset}/{split}/{backbone}/{initialisation}{training}/{adaptation}/{test_dataset}.tsv"
    wildcard_constraints:
        backbone="none",
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("evaluation.compare"),
        cfg=lambda wildcards: parameters(plan.evaluation.compare_settings(wildcards)),
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


# Only of the models that an experiment names, where there is a corpus for it: `evaluation.sanity`.
rule sanity:
    input:
        unpack(lambda wildcards: plan.sanity.inputs()),
        model=layout.of_model(layout.ANY_MODEL)["model"],
        card=layout.of_model(layout.ANY_MODEL)["card"],
    output:
        scores=layout.SANITY,
        shares=layout.SANITY_SHARES,
    log:
        "logs/evaluation/sanity/{model}.log",
    benchmark:
        "results/benchmarks/sanity/{model}.tsv"
    wildcard_constraints:
        model=r"(pretraining|finetuning)/[a-z0-9_+./-]+",
    priority: READER_PRIORITY
    conda:
        "../../envs/cuda.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
        gpu=1,
    params:
        code=code("evaluation.sanity"),
        cfg=lambda wildcards: parameters(plan.sanity.settings(wildcards.model)),
    shell:
        "mosforge evaluation sanity --model $(dirname {input.model}) --images {input.images}"
        " --catalogues {input.catalogues} --output {output.scores} --shares {output.shares} --threads {threads}"
        " --log {log} --cfg {params.cfg:q}"
