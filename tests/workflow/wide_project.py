"""A project that sets every key of the configuration, whose results are pretended: it is only planned."""

import copy
import shutil
from pathlib import Path
from typing import Any

import yaml
from planning import pretend_all_was_made
from workflow_project import TINY, make_project

SYNTHETIC = {
    "gaussian_blur": [7, 39],
    "white_noise": [-5.5, 0],
    "jpeg": [12, 0],
    "jpeg2000": [0.46, 0.02],
    "contrast": [[0.2, 0.8], [0.4, 0.6]],
    "pink_noise": [0.3, 2],
    "color_dither": [64, 4],
    "overexposure": [0.15, 0.3],
    "underexposure": [0.15, 0.3],
    "undistorted": [0],
}

TABLE = {"layout": "table", "folder": "rated", "images": "pictures", "higher_is_better": True}


def wide(sanity: str | None) -> dict[str, Any]:
    """The small configuration with every kind of source, corpus, dataset, pretraining and experiment.

    Args:
        sanity: the corpus on which the sanity of its models is tested, if any.
    """
    config = copy.deepcopy(TINY)
    config["sources"]["collections"] |= {
        "archived": {
            "folder": "archived",
            "images": 3,
            "archive": {
                "url": "https://localhost/photographs.tar",
                "md5": "0" * 32,
                "sha256": "0" * 64,
                "size": 1000,
                "pictures": "pictures",
            },
        },
        "again": {"dataset": "rated"},
        "fresh": {"folder": "fresh"},
    }
    config["sources"]["collections"]["photos"]["obtain"] = "ask for them"
    config["distortions"]["corpora"] |= {
        "kadid25": {"sources": ["archived"]},
        "fresh": {"kind": "synthetic", "sources": ["fresh"]},
        "others": {"kind": "authentic", "sources": ["again"], "total": 20},
    }
    config["distortions"]["synthetic"] = SYNTHETIC
    config["pretraining"] |= {
        "schedule": "cosine",
        "backbones": {"resnet18": "none"},
        "unified": {"both": {"synthetic": "synthetic", "authentic": "authentic"}},
    }
    config["finetuning"]["schedule"] = "cosine"
    config["finetuning"]["datasets"] |= {
        "rated": {**TABLE, "table": "labels.csv", "range": [0, 10], "corpus": "authentic", "splits": [1]},
        "second": {**TABLE, "table": "second.csv", "range": [0, 10], "corpus": "synthetic"},
        "official": {"layout": "kadid10k", "folder": "official", "corpus": "synthetic"},
    }
    del config["finetuning"]["datasets"]["csiq"]  # a dataset more of what `second` is
    config["evaluation"]["sanity"] = sanity
    config["evaluation"]["comparisons"] = {"niqe": "rated/second.csv"}
    experiment = {"datasets": ["second"], "backbones": ["efficientnet_lite0"], "comparisons": []}
    config["evaluation"]["experiments"] |= {
        "table1": {"datasets": []},
        "table3": experiment | {"datasets": ["rated", "stand_in"], "initialisations": ["imagenet"]},
        "ablation": {"datasets": []},
        "objectives": experiment
        | {"initialisations": ["cls", "rank", "kadid25-reg"], "comparisons": ["niqe"]},
        "unified": experiment | {"datasets": ["rated"], "initialisations": ["both-multitask"]},
        "frozen": experiment
        | {
            "datasets": ["second", "rated"],
            "initialisations": ["imagenet", "multitask", "imagenet+multitask"],
            "adaptations": ["probe", "none"],
        },
        "released": experiment | {"datasets": ["official"], "initialisations": ["imagenet"]},
    }
    return config


def make_wide_project(folder: Path, sanity: str | None = None) -> Path:
    """The files that the plan looks at, and results as a run would leave them, but empty."""
    make_project(folder)
    shutil.copytree(folder / "photos", folder / "fresh")
    labels = (folder / "rated/labels.csv").read_text()
    for i in range(5):  # enough to take ten ratings of the training part
        shutil.copy(folder / f"rated/pictures/cup {i} (10).jpg", folder / f"rated/pictures/more {i}.jpg")
        labels += f"more {i}.jpg,{i}\n"
    (folder / "rated/labels.csv").write_text(labels)
    for name in ("second", "third"):
        (folder / f"rated/{name}.csv").write_text(labels)
    for name in ("images", "distorted_images", "reference_images"):
        (folder / "official" / name).mkdir(parents=True)
    for name in ("dmos.csv", "mos_with_names.txt"):
        (folder / "official" / name).touch()
    (folder / "tiny.yaml").write_text(yaml.safe_dump(wide(sanity)))
    pretend_all_was_made(folder)
    return folder
