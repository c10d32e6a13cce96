"""The schemas of the artefacts: all of them, each described and unlike the others."""

import itertools

from mosforge.core.runs import RUN
from mosforge.core.schemas import Artefact
from mosforge.core.schemas.correlations import AGREEMENT, CORRELATIONS, MEASURES, VALIDATION
from mosforge.core.schemas.distortions import UNDISTORTED, class_name
from mosforge.core.schemas.metrics import METRIC_SCORES, METRICS
from mosforge.core.schemas.pmos import LABELS
from mosforge.core.schemas.predictions import PREDICTIONS
from mosforge.core.schemas.targets import TARGET_SCORES


def test_every_module_declares_artefacts_each_with_a_name_of_its_own(
    artefacts: dict[str, list[Artefact]],
) -> None:
    assert all(artefacts.values())
    names = [artefact.name for found in artefacts.values() for artefact in found]
    assert len(set(names)) == len(names)
    assert {"catalogue", "manifest", "metrics", "pmos", "pack", "history", "correlations"} <= set(names)


def test_every_column_says_what_it_is(artefact: Artefact) -> None:
    assert len(set(artefact.columns)) == len(artefact.columns)
    for field in artefact.schema:
        assert len(field.metadata[b"about"]) > 5, field.name


def test_two_artefacts_never_look_the_same(artefacts: dict[str, list[Artefact]]) -> None:
    every = [artefact for found in artefacts.values() for artefact in found]
    for one, other in itertools.combinations(every, 2):
        assert not one.schema.equals(other.schema), (one.name, other.name)


def test_the_metrics_are_columns_in_their_order() -> None:
    for artefact in (METRIC_SCORES, TARGET_SCORES, LABELS):
        assert [name for name in artefact.columns if name in METRICS] == list(METRICS)


def test_the_measures_are_columns_in_their_order() -> None:
    assert tuple(field.name for field in AGREEMENT if field.name in MEASURES) == MEASURES
    for artefact in (CORRELATIONS, VALIDATION):
        assert tuple(name for name in artefact.columns if name in MEASURES) == MEASURES


def test_the_keys_of_a_run_are_the_first_columns() -> None:
    for artefact in (PREDICTIONS, CORRELATIONS):
        assert tuple(artefact.columns[: len(RUN)]) == RUN


def test_a_class_is_named_by_its_type_and_its_level_where_it_has_one() -> None:
    assert class_name("jpeg", 2) == "jpeg 2"
    assert class_name("jpeg", None) == "jpeg"
    assert {class_name(UNDISTORTED, level) for level in (None, 0, 1)} == {UNDISTORTED}
