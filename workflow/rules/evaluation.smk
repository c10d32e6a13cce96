# Predictions of the fine-tuned models for pictures they have not seen, and their correlations.


rule predict:
    input:
        # within a dataset the split says which pictures are tested on, across datasets all are
        unpack(lambda wildcards: plan.experiments.split_of(wildcards)),
        model="results/finetuning/{dataset}/{split}/{backbone}/{initialisation}/model.safetensors",
        card="results/finetuning/{dataset}/{split}/{backbone}/{initialisation}/card.json",
        dataset="results/finetuning/{test_dataset}/dataset.parquet",
        pack="results/finetuning/{test_dataset}/pack.parquet",
        code=code(
            "evaluation/predictions.py",
            "scoring/crops.py",
            "models",
            "packs.py",
            "images.py",
            "seeds.py",
        ),
    output:
        "results/evaluation/{dataset}/{split}/{backbone}/{initialisation}/{test_dataset}.parquet",
    log:
        "logs/evaluation/{dataset}/{split}/{backbone}/{initialisation}/{test_dataset}.log",
    benchmark:
        "results/benchmarks/predict/{dataset}/{split}/{backbone}/{initialisation}/{test_dataset}.tsv"
    conda:
        "../../envs/cuda.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        runtime=120,
        gpu=1,
    params:
        cfg=lambda wildcards: parameters(plan.experiments.prediction(wildcards)),
        split=option_if_given("split"),
    shell:
        "mosforge evaluation predict --model $(dirname {input.model}) --dataset {input.dataset} {params.split}"
        " --pack {input.pack} --output {output} --threads {threads} --log {log} --cfg {params.cfg:q}"


rule correlate:
    input:
        predictions=lambda wildcards: [
            run.predictions for run in plan.experiments.runs(wildcards.experiment)
        ],
        code=code("evaluation/correlations.py", "correlations.py", "logistic.py"),
    output:
        "results/evaluation/{experiment}.parquet",
    log:
        "logs/evaluation/{experiment}.log",
    benchmark:
        "results/benchmarks/correlate/{experiment}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "mosforge evaluation correlate {input.predictions} --output {output} --log {log}"
