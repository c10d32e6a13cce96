"""The configuration's files, its merging, and the sentences about what is wrong with it."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from mosforge.configuration import check_config, entry_of, load_config
from mosforge.core.errors import MosforgeError
from mosforge.models.origins import ORIGINS

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMA = REPOSITORY / "workflow/schemas/config.schema.yaml"
BASE = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
OPTIONAL = {"md5", "sha256", "size"}


def changed(key: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(BASE)
    *parents, last = key.split(".")
    place = config
    for parent in parents:
        place = place[parent]
    place[last] = value
    return config


@pytest.mark.parametrize(
    "overlay", sorted((REPOSITORY / "workflow/configs").glob("*.yaml")), ids=lambda p: p.stem
)
def test_shipped_configurations_are_accepted(overlay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    check_config(load_config(), SCHEMA)
    check_config(load_config([overlay]), SCHEMA)


def test_every_key_of_the_schema_stands_in_the_commented_configuration() -> None:
    text = (REPOSITORY / "config.yaml").read_text()
    schema = yaml.safe_load(SCHEMA.read_text())

    def keys(node: Any) -> set[str]:
        if not isinstance(node, dict):
            return set()
        own = set(node.get("properties", {}))
        children = [*node.get("properties", {}).values(), node.get("additionalProperties"), node.get("items")]
        return own.union(*(keys(child) for child in children))

    absent = {key for key in keys(schema) if f"{key}:" not in text and f"{key} " not in text}
    assert absent <= OPTIONAL


def test_the_commented_configuration_tells_all_origins_of_weights() -> None:
    told = (REPOSITORY / "config.yaml").read_text().partition(" Weights:\n")[2].partition("  #   PATH")[0]
    assert told.splitlines() == [f"  #   {word:<11}  {about}" for word, about in ORIGINS.items()]


def archived(**digest: str) -> dict[str, Any]:
    archive = {"url": "http://x.org/x.tar", "pictures": "", **digest}
    return {"folder": "a", "images": 1, "archive": archive}


TABLE = {"layout": "table", "folder": "f", "table": "t.csv", "higher_is_better": True, "corpus": "synthetic"}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("pretraining.epocs", 3, "unknown key 'pretraining.epocs'; did you mean 'epochs'?"),
        ("zzz", 1, "unknown key 'zzz'"),
        ("pretraining.epochs", "thirty", "pretraining.epochs: 'thirty' is not of type 'integer'"),
        ("pretraining.epochs", 0, "pretraining.epochs: 0"),
        ("pretraining.warm_up", -1, "pretraining.warm_up: -1"),
        ("pretraining.gradient_clip", -0.1, "pretraining.gradient_clip: -0.1"),
        ("finetuning.weight_average", 1.0, "finetuning.weight_average: 1.0"),
        ("pretraining.crop", 300, "pretraining.crop: 300 is larger than pretraining.resize"),
        ("pretraining.resize", 63, "pretraining.resize: 63 is not a number of pixels from 64, or 0, which"),
        ("pretraining.resize", 96.5, "pretraining.resize: 96.5 is not a number of pixels from 64, or 0"),
        ("pretraining.resize", False, "pretraining.resize: False is not a number of pixels from 64, or 0"),
        ("sources.smallest_side", 160, "sources.smallest_side: 160"),
        ("finetuning.learning_rates.head", "1e-4", "in YAML, 1e-4 is written 1.0e-4"),
        ("finetuning.splits.validation", 1.0, "finetuning.splits.validation"),
        (
            "distortions.synthetic.gaussian_blur",
            [8],
            "distortions.synthetic.gaussian_blur.0: 8 is not an odd",
        ),
        ("distortions.synthetic.blur", [7], "unknown key 'distortions.synthetic.blur'"),
        (
            "distortions.corpora.synthetic.sources",
            ["voc"],
            "'voc' is not configured; did you mean 'voc2012'?",
        ),
        ("distortions.corpora.bad-name", {"kind": "synthetic", "sources": []}, "'bad-name' cannot be a name"),
        ("evaluation.experiments.table1.initialisations", ["multi"], "did you mean 'multitask'?"),
        ("evaluation.experiments.table1.backbones", ["vgg16"], "'vgg16' is not configured"),
        ("evaluation.experiments.table1.comparisons", ["niqe"], "table1.comparisons.0: 'niqe' is not one of"),
        (
            "evaluation.experiments.table3.comparisons",
            ["brisque", "psnr"],
            "table3.comparisons: psnr is not trained on any dataset; across datasets brisque alone",
        ),
        (
            "finetuning.datasets.live",
            {"layout": "live", "corpus": "synthetic"},
            "'folder' is a required property",
        ),
        (
            "sources.collections.x",
            {"folder": "a", "dataset": "live"},
            "is not a source: it needs either the key folder",
        ),
        ("sources.collections.x", archived(md5="12"), "archive.md5: '12' is not 32 hexadecimal digits"),
        ("sources.collections.x", archived(), "is not verifiable; it needs md5 or sha256"),
        ("sources.collections.x", {"obtain": "ask"}, "is not a source: it needs either the key folder"),
        (
            "finetuning.datasets.livec",
            {"layout": "proxy", "pictures": "synthetic", "corpus": "synthetic"},
            "sources.collections.livec.dataset: 'livec' is a proxy, whose pictures cannot be counted",
        ),
        ("sources.shard_size", 100.0, "sources.shard_size: 100.0 is not of type 'integer'"),
        ("finetuning.datasets.live.splits", ["offical"], "'offical' is not a seed, that is a whole number"),
        ("finetuning.datasets.live.splits", [-1], "live.splits.0: -1 is not a seed"),
        ("finetuning.datasets.live.splits", [1, "1"], "live.splits: one split is named twice"),
        (
            "finetuning.datasets.mine",
            TABLE | {"range": [5, 1]},
            "finetuning.datasets.mine.range: [5, 1] must be the lowest, then the highest possible score",
        ),
        (
            "finetuning.datasets.live.folder",
            "a{b}",
            "live.folder: 'a{b}' is not the name of a file or folder, w",
        ),
        ("finetuning.datasets.mine", TABLE | {"range": [1, float("inf")]}, "mine.range: [1, inf] must be"),
        (
            "finetuning.datasets.live.splits",
            ["1", "full"],
            "finetuning.datasets.live.splits: 'full' leaves nothing to test on; leave it out",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(key: str, value: Any, sentence: str) -> None:
    with pytest.raises(MosforgeError) as caught:
        check_config(changed(key, value), SCHEMA)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("logistic", "sentence"),
    [
        ({"dataset": None}, "the fusion logistic needs the name of a dataset with human scores"),
        ({"dataset": "tid"}, "'tid' is not configured"),
        ({"dataset": "tid2013"}, "'tid2013' is evaluated on by the experiment table1"),
        ({"dataset": "tid2013", "allow_evaluated": True}, None),
    ],
)
def test_labels_are_not_fitted_to_what_is_evaluated(logistic: dict[str, Any], sentence: str | None) -> None:
    pmos = {**BASE["pmos"], "fusion": "logistic", "logistic": {"allow_evaluated": False, **logistic}}
    config = changed("pmos", pmos)
    if sentence is None:
        check_config(config, SCHEMA)
    else:
        with pytest.raises(MosforgeError, match=rf"^configuration: pmos\.logistic\.dataset: .*{sentence}"):
            check_config(config, SCHEMA)


TABLE2 = "evaluation.experiments.table2.initialisations"
PAIR = {"synthetic": "synthetic", "authentic": "authentic"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {TABLE2: ["rank"]},
            f"{TABLE2}: 'rank' learns the order of levels, and the mixtures of 'authentic' have none",
        ),
        ({"evaluation.experiments.table1.initialisations": ["authentic-rank"]}, "'authentic' have none"),
        ({TABLE2: ["pair-rank"], "pretraining.unified": {"pair": PAIR}}, "'authentic' have none"),
        (
            {"evaluation.experiments.table1.initialisations": ["authentic-cls"]},
            "'authentic-cls' learns from the dataset's own training part, and the sources of 'authentic' are "
            "not made from 'live'",
        ),
        ({"pretraining.multi_level": True}, "ablation.backbones: alexnet has no stages"),
        ({"pretraining.unified": {"synthetic": PAIR}}, "there is a corpus of this name; take another"),
        (
            {"pretraining.unified": {"pair": PAIR | {"synthetic": "authentic"}}},
            "pretraining.unified.pair.synthetic: 'authentic' is not configured",
        ),
        (
            {"pretraining.unified": {"pair": PAIR | {"authentic": "autentic"}}},
            "did you mean 'authentic'?",
        ),
        ({TABLE2: ["pair-cls"]}, "'pair-cls' is not configured"),
        ({"pretraining.backbones.resnet50.a1_in1k": "timm"}, "'resnet50.a1_in1k' cannot be a name"),
        ({"pretraining.agreement_scale": -1}, "pretraining.agreement_scale: -1"),
        ({"pretraining.loss_weights": {"classification": 1.0, "scores": 1.0}}, "did you mean 'score'?"),
    ],
)
def test_what_pretraining_cannot_do_is_told(changes: dict[str, Any], sentence: str) -> None:
    config = BASE
    for key, value in changes.items():
        *parents, last = key.split(".", 2) if key.startswith("pretraining") else key.split(".")
        config = copy.deepcopy(config)
        place = config
        for parent in parents:
            place = place[parent]
        place[last] = value
    with pytest.raises(MosforgeError) as caught:
        check_config(config, SCHEMA)
    assert sentence in str(caught.value)


def test_digests_are_accepted_in_either_case() -> None:
    check_config(changed("sources.collections.x", archived(md5="aB" * 16)), SCHEMA)
    check_config(changed("sources.collections.x", archived(sha256="0F" * 32)), SCHEMA)


def test_what_pretraining_can_do_is_accepted() -> None:
    config = copy.deepcopy(BASE)
    config["pretraining"]["unified"] = {"pair": PAIR}
    config["pretraining"]["resize"] = 0  # whole pictures, from which a crop of any size is cut
    config["pretraining"]["backbones"]["convnext_tiny__in12k_ft_in1k"] = "timm"
    experiments = config["evaluation"]["experiments"]
    experiments["table1"]["initialisations"] = ["rank", "synthetic-rank"]
    experiments["table2"]["initialisations"] = ["pair-multitask", "pair-cls", "synthetic-rank", "reg"]
    check_config(config, SCHEMA)


def test_a_section_that_is_missing_is_named() -> None:
    config = {key: value for key, value in BASE.items() if key != "pmos"}
    with pytest.raises(MosforgeError, match="'pmos' is a required property"):
        check_config(config, SCHEMA)


def test_mappings_are_merged_and_lists_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("a: {b: 1, c: [1, 2]}\nd: 4\n")
    (tmp_path / "mine.yaml").write_text("a: {c: [3]}\n")
    monkeypatch.chdir(tmp_path)
    assert load_config([Path("mine.yaml")]) == {"a": {"b": 1, "c": [3]}, "d": 4}


def test_commands_for_people_refuse_what_the_workflow_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.yaml").write_text("finetuning: {datasets: {live: {higer_is_better: false}}}")
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(
        MosforgeError, match=r"unknown key .*higer_is_better'; did you mean 'higher_is_better'"
    ):
        load_config([tmp_path / "mine.yaml"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(b"a: [", "not YAML"), (b"- 1\n", "not a mapping"), (b"a: \xe9\n", "not a text file in UTF-8")],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, text: bytes, sentence: str) -> None:
    (tmp_path / "c.yaml").write_bytes(text)
    with pytest.raises(MosforgeError, match=sentence):
        load_config([tmp_path / "c.yaml"])


def test_an_entry_that_is_not_there_lists_those_that_are() -> None:
    assert entry_of(BASE, "finetuning.datasets", "live")["layout"] == "live"
    with pytest.raises(MosforgeError, match=r"'liv' is not in finetuning\.datasets; there are live, csiq"):
        entry_of(BASE, "finetuning.datasets", "liv")


@pytest.mark.parametrize("config", [{}, {"finetuning": None}, {"finetuning": {"datasets": None}}])
def test_a_section_that_is_not_there_is_told(config: dict[str, Any]) -> None:
    with pytest.raises(
        MosforgeError, match=r"no section finetuning\.datasets; run this where config\.yaml is"
    ):
        entry_of(config, "finetuning.datasets", "live")


def test_an_entry_that_is_no_mapping_is_told() -> None:
    with pytest.raises(MosforgeError, match=r"finetuning\.datasets\.live: None is not a mapping"):
        entry_of({"finetuning": {"datasets": {"live": None}}}, "finetuning.datasets", "live")
