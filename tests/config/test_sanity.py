"""Which corpus `evaluation.sanity` may name."""

import copy
from typing import Any

import pytest
from changes import with_changes

from mosforge.config.contradictions import checked
from mosforge.config.files import PAPERS, read
from mosforge.core.errors import MosforgeError

BASE = copy.deepcopy(read(PAPERS))
BASE["sources"]["collections"] |= {
    "fresh": {"folder": "fresh"},
    "voc_again": {"folder": f"./{BASE['sources']['collections']['voc2012']['folder']}"},
}
BASE["distortions"]["corpora"] |= {
    "fresh": {"kind": "synthetic", "sources": ["fresh"]},
    "shown": {"kind": "synthetic", "sources": ["fresh"]},
}
BASE["distortions"]["synthetic"]["undistorted"] = [0]
BASE["evaluation"]["sanity"] = "fresh"


def test_unseen_images_that_also_stand_undistorted_are_accepted() -> None:
    assert checked(BASE).evaluation.sanity == "fresh"
    assert checked(with_changes(BASE, {"evaluation.sanity": None})).evaluation.sanity is None
    assert checked(read(PAPERS)).evaluation.sanity is None


SOURCES = "distortions.corpora.fresh.sources"
PROXY = {"layout": "proxy", "pictures": "shown", "corpus": "kadid25"}
PAIR = {"synthetic": "shown", "authentic": "authentic_livec"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"evaluation.sanity": "frsh"}, "evaluation.sanity: 'frsh' is not configured; did you mean 'fresh'?"),
        (
            {"evaluation.sanity": "kadid25"},
            "'kadid25' is of the kind kadid25; name one of the kind synthetic",
        ),
        ({"distortions.synthetic.undistorted": []}, "set distortions.synthetic.undistorted to [0]"),
        ({SOURCES: []}, "'fresh' has no source"),
        ({SOURCES: ["fresh", "waterloo"]}, "the images of 'waterloo', in the corpus 'synthetic'"),
        ({SOURCES: ["voc_again"]}, "the images of 'voc_again', in the corpus 'synthetic'"),
        ({SOURCES: ["livec"]}, "the images of 'livec', in the dataset 'livec'"),
        (
            {"evaluation.experiments.table1.initialisations": ["shown-cls"]},
            "the images of 'fresh', in the corpus 'shown'",
        ),
        (
            {
                "pretraining.unified": {"pair": PAIR},
                "evaluation.experiments.table2.initialisations": ["pair-cls"],
            },
            "the images of 'fresh', in the corpus 'shown'",
        ),
        ({"finetuning.rehearsal.corpus": "shown"}, "the corpus 'shown', which fine-tuning rehearses"),
        (
            {"finetuning.datasets.mine": PROXY, "evaluation.experiments.table1.datasets": ["mine"]},
            "the images of 'fresh', in the dataset 'mine'",
        ),
    ],
)
def test_a_corpus_that_cannot_show_it_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MosforgeError) as caught:
        checked(with_changes(BASE, changes))
    assert str(caught.value).startswith("configuration: evaluation.sanity: ")
    assert sentence in str(caught.value)
