"""Which sources are compared with which target datasets."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from plans import plan_of

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The full configuration where every dataset but CSIQ is there."""
    monkeypatch.setattr(
        "mosforge.plan.datasets.missing", lambda cfg: "gone" if cfg.layout == "csiq" else None
    )
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
    return loaded


def test_a_source_is_compared_with_all_that_is_evaluated_on_but_itself(config: dict[str, Any]) -> None:
    leakage = plan_of(config).leakage
    assert leakage.datasets("voc2012") == ["koniq10k", "live", "livec", "tid2013"]
    assert leakage.leaks("synthetic", str) == [
        "results/sources/waterloo.leaks.parquet",
        "results/sources/voc2012.leaks.parquet",
    ]
    assert leakage.tables("voc2012")[0] == "results/sources/leaks/voc2012/koniq10k.parquet"


def test_a_datasets_images_are_compared_only_with_what_they_serve(config: dict[str, Any]) -> None:
    leakage = plan_of(config).leakage
    assert leakage.datasets("livec") == leakage.datasets("koniq10k") == []
    assert leakage.leaks("authentic_livec", str) == ["results/sources/livec.leaks.parquet"]
    config["evaluation"]["experiments"]["table1"]["initialisations"] += ["authentic_koniq10k-reg"]
    config["pretraining"]["unified"] = {"both": {"synthetic": "synthetic", "authentic": "authentic_koniq10k"}}
    serving = plan_of(config).leakage
    assert serving.datasets("koniq10k") == ["live", "tid2013"]
    assert serving.leaks("authentic_koniq10k", str) == ["results/sources/koniq10k.leaks.parquet"]
    assert len(serving.leaks("both", str)) == 3
    assert serving.datasets("livec") == []


def test_a_dataset_of_no_experiment_is_not_compared(config: dict[str, Any]) -> None:
    for experiment in config["evaluation"]["experiments"].values():
        experiment["datasets"] = [name for name in experiment["datasets"] if name != "live"]
    assert "live" not in plan_of(config).leakage.datasets("voc2012")


def test_a_proxy_is_not_compared_with_what_it_is_made_of(config: dict[str, Any]) -> None:
    config["distortions"]["corpora"]["stand_in"] = {"kind": "synthetic", "sources": ["waterloo"]}
    proxy = {"layout": "proxy", "pictures": "stand_in", "corpus": "synthetic"}
    config["finetuning"]["datasets"]["proxy"] = proxy
    config["evaluation"]["experiments"]["table1"]["datasets"] = ["proxy"]
    leakage = plan_of(config).leakage
    assert "proxy" in leakage.datasets("voc2012")
    assert "proxy" not in leakage.datasets("waterloo")


def test_without_the_guard_nothing_is_compared(config: dict[str, Any]) -> None:
    config["sources"]["leakage"]["guard"] = False
    leakage = plan_of(config).leakage
    assert leakage.all_leaks == []
    assert leakage.leaks("synthetic", str) == []
    assert leakage.compared == {}


def test_a_corpus_that_is_rehearsed_is_compared_with_what_its_networks_are_tested_on(
    config: dict[str, Any],
) -> None:
    """Also where no network is pretrained on it; a frozen network rehearses nothing."""
    config["distortions"]["corpora"]["degraded"] = {"kind": "kadid25", "sources": ["koniq10k"]}
    experiments = config["evaluation"]["experiments"]
    frozen = experiments["table1"] | {"adaptations": ["probe"]}
    tuned = experiments["table2"] | {"datasets": ["livec"], "initialisations": ["imagenet"]}
    config["evaluation"]["experiments"] = {"frozen": frozen, "tuned": tuned}
    assert plan_of(config).leakage.datasets("koniq10k") == []
    config["finetuning"]["rehearsal"]["corpus"] = "degraded"
    leakage = plan_of(config).leakage
    assert leakage.datasets("koniq10k") == ["livec"]
    assert leakage.leaks("degraded", str) == ["results/sources/koniq10k.leaks.parquet"]


def test_a_corpus_that_is_only_rehearsed_and_scored_is_labelled(config: dict[str, Any]) -> None:
    config["distortions"]["corpora"]["shown"] = {"kind": "kadid25", "sources": ["waterloo"]}
    config["finetuning"]["datasets"]["proxy"] = {
        "layout": "proxy",
        "pictures": "shown",
        "corpus": "synthetic",
    }
    assert "shown" not in plan_of(config).corpora.labelled
    config["finetuning"]["rehearsal"]["corpus"] = "shown"
    assert "shown" in plan_of(config).corpora.labelled


def test_images_without_labels_are_told_with_where_they_were_seen(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    leakage = plan_of(config).leakage
    assert leakage.left_out() == []
    Path("results/sources").mkdir(parents=True)
    for source, images in {"waterloo": 3, "voc2012": 9}.items():
        names = [f"{i}.png" for i in range(images)]
        pq.write_table(pa.table({"image_id": names}), f"results/sources/{source}.parquet")
        found = {"image_id": ["0.png", "1.png", "1.png"], "dataset": ["live", "live", "tid2013"]}
        pq.write_table(pa.table(found), f"results/sources/{source}.leaks.parquet")
    few, most = leakage.left_out()
    assert "2 of 9 pristine images of voc2012 got no labels" in few
    assert "live, tid2013" in few
    assert "take other images" not in few
    assert "2 of 3 pristine images of waterloo" in most
    assert "take other images" in most
