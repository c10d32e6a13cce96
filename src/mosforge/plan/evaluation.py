"""The jobs that predict scores, and their inputs: of a network, of frozen features, of other measures."""

from typing import Any

from mosforge.config.configuration import Configuration
from mosforge.core import layout
from mosforge.core.runs import BRISQUE, PROBE, RUN, whole_split
from mosforge.evaluation.settings import CompareSettings, FeaturesSettings, PredictSettings
from mosforge.models.objectives import corpus_and_objective, side_by_side
from mosforge.plan.datasets import Datasets
from mosforge.plan.trainings import Trainings


class Evaluation:
    """The stage `evaluation`, a run at a time; a run may also be wildcards of the same names."""

    def __init__(self, config: Configuration, datasets: Datasets, trainings: Trainings) -> None:
        self._crops = config.evaluation.crops
        self._files = config.evaluation.comparisons
        self._of_features: dict[str, Any] = {
            "multi_level": config.pretraining.multi_level,
            "crop": config.finetuning.crop,
            "feature_crops": config.evaluation.feature_crops,
        }
        self._datasets = datasets
        self._trainings = trainings

    def comparison(self, run: Any) -> dict[str, str]:
        """Inputs of the predictions of a measure without a network; only BRISQUE is trained.

        A user's scores are compared with those of the training part, to find which way they point.
        """
        brisque, own = run.initialisation == BRISQUE, self._files.get(run.initialisation)
        scores = own or (layout.BRISQUE if brisque else layout.TARGETS)
        tested = {
            "test_dataset": layout.DATASET.format(dataset=run.test_dataset),
            "test_scores": scores.format(dataset=run.test_dataset),
        }
        tested |= self.split_of(run, "test_split")
        if not (brisque or own):
            return tested
        tested["dataset"] = layout.DATASET.format(dataset=run.dataset)
        tested["split"] = layout.SPLIT.format(dataset=run.dataset, split=run.split)
        return tested | ({"scores": scores.format(dataset=run.dataset)} if brisque else {})

    def split_of(self, run: Any, name: str = "split") -> dict[str, str]:
        """The split that says which images a run is tested on and which of them are clean.

        Args:
            run: the run, or wildcards of the same names.
            name: of this input of the rule; there is none across datasets whose contents are not compared.
        """
        if run.dataset == run.test_dataset:
            return {name: layout.SPLIT.format(dataset=run.dataset, split=run.split)}
        if not self._datasets.compares_contents:
            return {}
        return {name: layout.SPLIT_ACROSS.format(dataset=run.dataset, test_dataset=run.test_dataset)}

    def probed(self, run: Any) -> dict[str, str | list[str]]:
        """Inputs of the predictions from frozen features; only a probe is fitted."""
        tested: dict[str, str | list[str]] = {
            "test_dataset": layout.DATASET.format(dataset=run.test_dataset),
            "test_features": self._features(run, run.test_dataset),
        }
        tested |= self.split_of(run, "test_split")
        if run.adaptation != PROBE:
            return {**tested, "features": []}
        return tested | {
            "dataset": layout.DATASET.format(dataset=run.dataset),
            "split": layout.SPLIT.format(dataset=run.dataset, split=run.split),
            "features": self._features(run, run.dataset),
        }

    def _features(self, run: Any, dataset: str) -> list[str]:
        """The features of a dataset's images, a file for each network of a run that stands side by side."""
        files = []
        for name in side_by_side(run.initialisation):
            corpus, _ = corpus_and_objective(name)
            sees_split = corpus and self._trainings.uses_images_of(corpus, run.dataset)
            pattern = layout.FEATURES_ON_SPLIT if sees_split else layout.FEATURES
            files.append(
                pattern.format(
                    **_keys(run)
                    | {"initialisation": name, "test_dataset": dataset, "split": whole_split(run.split)}
                )
            )
        return files

    def features_settings(self, which: Any) -> FeaturesSettings:
        """Settings of the features of a dataset's images."""
        keys = ("backbone", "initialisation", "test_dataset")
        return FeaturesSettings(**{key: getattr(which, key) for key in keys}, **self._of_features)

    def compare_settings(self, run: Any) -> CompareSettings:
        """Settings of the predictions of a measure without a network, or from frozen features."""
        return CompareSettings(**_keys(run))

    def predict_settings(self, run: Any) -> PredictSettings:
        """Settings of the predictions of a fine-tuned model."""
        return PredictSettings(**_keys(run), crops=self._crops)


def _keys(run: Any) -> dict[str, Any]:
    """The keys of a run, or of wildcards of the same names; the seed follows from `training`."""
    keys = {key: getattr(run, key) for key in RUN if key != "seed"}
    return keys | {"seed": layout.seed_in(run.training)}
