"""What the configuration may hold, and the sentences about what is wrong with it."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from changes import with_changes

from mosforge.config.contradictions import checked
from mosforge.config.evaluation import MEASURES
from mosforge.config.files import read
from mosforge.config.finetuning import Layout
from mosforge.core.errors import MosforgeError
from mosforge.core.runs import BRISQUE
from mosforge.core.schemas.distortions import UNDISTORTED
from mosforge.core.schemas.metrics import METRICS
from mosforge.core.values import CorpusKind, Engine, Objective
from mosforge.distortions.kinds import TYPES
from mosforge.finetuning.registry import LAYOUTS
from mosforge.metrics.engines import ENGINES
from mosforge.models.objectives import LOSSES

REPOSITORY = Path(__file__).resolve().parents[2]
BASE = read(REPOSITORY / "config.yaml")


def changed(key: str, value: Any) -> dict[str, Any]:
    return with_changes(BASE, {key: value})


def archived(**digest: str) -> dict[str, Any]:
    archive = {"url": "http://x.org/x.tar", "pictures": "", **digest}
    return {"folder": "a", "images": 1, "archive": archive}


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    config = changed("sources.collections.mine", {"folder": "~/photos"})
    config["finetuning"]["datasets"]["mine"] = TABLE | {
        "range": [1, 5],
        "folder": "~/rated",
        "images": "~/jpg",
    }
    config["pretraining"]["backbones"]["resnet50"] = "~/resnet50.pth"
    found = checked(config)
    assert found.sources.collections["mine"].folder == "/home/me/photos"
    assert found.finetuning.datasets["mine"].folder == "/home/me/rated"
    assert found.finetuning.datasets["mine"].images == "/home/me/jpg"
    assert found.pretraining.backbones["resnet50"] == "/home/me/resnet50.pth"


TABLE = {"layout": "table", "folder": "f", "table": "t.csv", "higher_is_better": True, "corpus": "synthetic"}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("pretraining.epocs", 3, "pretraining.epocs: unknown key; did you mean 'epochs'?"),
        ("pretraining.optimiser", "adam", "pretraining.optimiser: unknown key"),
        ("finetuning.optimiser", "adam", "finetuning.optimiser: unknown key"),
        ("pretraining.weight_decay", 0.0, "pretraining.weight_decay: unknown key"),
        ("finetuning.weight_decay", 0.0, "finetuning.weight_decay: unknown key"),
        ("zzz", 1, "configuration: zzz: unknown key; known here: sources, "),
        ("pretraining.epochs", "thirty", "pretraining.epochs: 'thirty' is not a whole number from 1"),
        ("pretraining.epochs", 0, "pretraining.epochs: 0"),
        ("pretraining.warm_up", -1, "pretraining.warm_up: -1"),
        ("finetuning.head_first.weight_decay", -0.1, "finetuning.head_first.weight_decay: -0.1"),
        ("finetuning.dropout", 1.0, "finetuning.dropout: 1.0"),
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
        ("distortions.synthetic.blur", [7], "distortions.synthetic.blur: unknown key"),
        ("distortions.synthetic.undistorted", [1], "undistorted.0: 1 is not 0, the only level"),
        ("distortions.synthetic.undistorted", [0, 0], "undistorted: [0, 0] is not a list of at most 1"),
        (
            "distortions.authentic.types_per_image",
            [0, 3],
            "types_per_image.0: 0 is not a whole number from 1",
        ),
        (
            "distortions.corpora.synthetic.sources",
            ["voc"],
            "'voc' is not configured; did you mean 'voc2012'?",
        ),
        (
            "distortions.corpora.bad-name",
            {"kind": "synthetic", "sources": []},
            "'bad-name' is not a name of small letters",
        ),
        ("evaluation.experiments.table1.initialisations", ["multi"], "did you mean 'multitask'?"),
        ("evaluation.experiments.table1.initialisations", ["imagenet+multi"], "'multi' is not configured"),
        ("evaluation.experiments.table1.initialisations", ["cls+cls"], "names one network twice"),
        ("evaluation.experiments.table1.initialisations", ["cls+reg"], "'cls+reg' can have probe"),
        ("evaluation.experiments.table2.adaptations", ["none"], "'imagenet' can have finetune or probe"),
        ("evaluation.experiments.table2.ratings", [25, 100], "ratings: add all"),
        ("evaluation.experiments.table2.ratings", [9, "all"], "9 is not a number of rated images"),
        ("evaluation.experiments.table2.adaptations", ["tune"], "'finetune', 'probe' or 'none'"),
        ("evaluation.experiments.table1.backbones", ["vgg16"], "'vgg16' is not configured"),
        ("evaluation.comparisons", {"fsim": "mine.csv"}, "comparisons.fsim: this name has a meaning"),
        (
            "evaluation.experiments.table1.comparisons",
            ["niqe"],
            "table1.comparisons: 'niqe' is not configured",
        ),
        (
            "evaluation.experiments.table3.comparisons",
            ["brisque", "psnr"],
            "table3.comparisons: psnr is not trained on any dataset; across datasets only brisque",
        ),
        (
            "finetuning.datasets.live",
            {"layout": "live", "corpus": "synthetic"},
            "finetuning.datasets.live: a dataset of the layout live needs the key 'folder'",
        ),
        (
            "sources.collections.x",
            {"folder": "a", "dataset": "live"},
            "collections.x: a source needs either the key folder or the key dataset",
        ),
        (
            "sources.collections.x",
            archived(md5="12" * 16) | {"packaged": {"photographs": ["a/b"], "tile": 256, "stride": 256}},
            "x: a source has either archive or packaged",
        ),
        ("sources.collections.x", archived(md5="12"), "archive.md5: '12' is not 32 hexadecimal digits"),
        ("sources.collections.x", archived(), "x.archive: the archive cannot be verified; it needs md5"),
        ("sources.collections.x", {"obtain": "ask"}, "collections.x: a source needs either the key folder"),
        (
            "finetuning.datasets.livec",
            {"layout": "proxy", "pictures": "synthetic", "corpus": "synthetic"},
            "sources.collections.livec.dataset: 'livec' is a proxy, whose images cannot be counted",
        ),
        ("sources.shard_size", True, "sources.shard_size: True is not a whole number"),
        ("sources.shard_size", "3", "sources.shard_size: '3' is not a whole number"),
        ("sources.shard_size", None, "sources.shard_size: None is not a whole number"),
        ("sources.leakage", 3, "sources.leakage: 3 is not a mapping"),
        (
            "distortions.synthetic.contrast",
            [[0.1, 0.2, 0.3]],
            "contrast.0: [0.1, 0.2, 0.3] is not a low and a high end",
        ),
        (
            "distortions.synthetic.contrast",
            [[0.2, 0.8], [0.6, 0.4]],
            "contrast.1: [0.6, 0.4] is not a low and a high end",
        ),
        ("distortions.synthetic.gaussian_blur", [2001], "blur.0: 2001 is not an odd number of pixels from 3"),
        ("distortions.kadid25.pixelate", [0.5, 1.0], "pixelate.1: 1.0 is not a positive number up to 0.9"),
        (
            "distortions.corpora.synthetic.total",
            None,
            "synthetic.total: null says nothing; leave the key out",
        ),
        ("finetuning.seeds", [0, 2**63], "seeds.1: 9223372036854775808 is not a whole number from 0 to 9"),
        ("finetuning.splits.seeds", [], "finetuning.splits.seeds: [] is not a list of at least 1"),
        ("sources.shard_size", 100.0, "sources.shard_size: 100.0 is not a whole number"),
        ("finetuning.datasets.live.splits", ["offical"], "'offical' is not a seed, that is a whole number"),
        ("finetuning.datasets.live.splits", [-1], "live.splits.0: -1 is not a seed"),
        (
            "finetuning.datasets.live.splits",
            [1, "1"],
            "live.splits: [1, '1'] is not a list in which nothing stands twice",
        ),
        ("finetuning.datasets.live.range", [0, 100], "live: a dataset of the layout live has no key 'range'"),
        (
            "finetuning.datasets.mine",
            TABLE | {"range": [0, 1], "pictures": "synthetic"},
            "mine: a dataset of the layout table has no key 'pictures'",
        ),
        (
            "distortions.corpora.synthetic.total",
            500,
            "synthetic: a corpus of the kind synthetic has no key total",
        ),
        (
            "finetuning.datasets.mine",
            TABLE | {"range": [5, 1]},
            "finetuning.datasets.mine.range: [5, 1] must be the lowest, then the highest score",
        ),
        (
            "finetuning.datasets.live.folder",
            "a{b}",
            "live.folder: 'a{b}' is not the name of a file or folder, w",
        ),
        (
            "finetuning.datasets.mine",
            TABLE | {"range": [1, float("inf")]},
            "mine.range.1: inf is not a number",
        ),
        (
            "finetuning.datasets.live.splits",
            ["1", "full"],
            "finetuning.datasets.live.splits: 'full' leaves nothing to test on; leave it out",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(key: str, value: Any, sentence: str) -> None:
    with pytest.raises(MosforgeError) as caught:
        checked(changed(key, value))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_digests_are_accepted_in_either_case() -> None:
    checked(changed("sources.collections.x", archived(md5="aB" * 16)))
    checked(changed("sources.collections.x", archived(sha256="0F" * 32)))


def test_a_section_that_is_missing_is_named() -> None:
    config = {key: value for key, value in BASE.items() if key != "pmos"}
    with pytest.raises(MosforgeError, match="the key 'pmos' is missing"):
        checked(config)


def test_numbers_are_kept_as_they_are_given() -> None:
    found = checked(changed("finetuning.head_first.weight_decay", 0))
    assert repr(found.finetuning.head_first.weight_decay) == "0"
    given = {"sources": BASE["sources"], **{key: BASE[key] for key in sorted(BASE)}}
    assert json.dumps(checked(given).plain(), sort_keys=True) == json.dumps(given, sort_keys=True)


@pytest.mark.parametrize("kind", TYPES)
def test_the_types_stand_in_the_order_of_their_classes(kind: CorpusKind) -> None:
    config = changed("distortions.synthetic.undistorted", [0])
    assert list(checked(config).distortions.levels(kind)) == list(TYPES[kind])
    assert UNDISTORTED not in checked(BASE).distortions.levels(kind)


def test_names_are_those_that_the_stages_know() -> None:
    assert set(get_args(Layout)) == {*LAYOUTS, "table", "proxy"}
    assert set(MEASURES) == {*METRICS, "psnr", BRISQUE}
    assert set(get_args(Objective)) == set(LOSSES)
    assert set(get_args(CorpusKind)) == set(TYPES)
    assert set(get_args(Engine)) == set(ENGINES)
