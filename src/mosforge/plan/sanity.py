"""Which models are asked for their sanity, and on which images: `evaluation.sanity`."""

from collections.abc import Sequence
from functools import cached_property

from mosforge.config.configuration import Configuration
from mosforge.core import layout
from mosforge.core.runs import FINETUNE, NO_ADAPTATION, RUN, Run, budget_of, whole_split
from mosforge.evaluation.settings import SanitySettings
from mosforge.models.objectives import corpus_and_objective, learns_score, side_by_side
from mosforge.plan.corpora import Corpora
from mosforge.plan.experiments import Experiments
from mosforge.plan.trainings import Trainings


class Sanity:
    """The key `evaluation.sanity`."""

    def __init__(
        self, config: Configuration, corpora: Corpora, trainings: Trainings, experiments: Experiments
    ) -> None:
        self.corpus = config.evaluation.sanity
        self._crops = config.evaluation.crops
        self._corpora = corpora
        self._trainings = trainings
        self._experiments = experiments

    def models(self, experiments: Sequence[str]) -> list[str]:
        """The models of experiments that are asked, as in `layout.SANITY`; none without a corpus."""
        return list(self._runs(experiments)) if self.corpus else []

    def files(self, experiments: Sequence[str]) -> list[str]:
        """Their scores."""
        return [layout.SANITY.format(model=model) for model in self.models(experiments)]

    def labels(self, experiments: Sequence[str]) -> list[str]:
        """The pseudo-MOS that their scores are compared with; none without such a model."""
        return [layout.LABELS.format(corpus=self.corpus)] if self.models(experiments) else []

    def inputs(self) -> dict[str, list[str]]:
        """What the rule reads beside a model: the shards of the corpus, and the catalogues of its sources."""
        if not self.corpus:
            return {}
        images = self._corpora.shard_files(self.corpus, layout.SHARD)
        return {"images": images, "catalogues": self._corpora.catalogues(self.corpus)}

    def image_count(self) -> int:
        """How many images a model scores."""
        return self._corpora.image_count(self.corpus) if self.corpus else 0

    def settings(self, model: str) -> SanitySettings:
        """Settings of the scores of a model."""
        run = self._of_all[model]
        values = {key: getattr(run, key) for key in RUN if key != "test_dataset"}
        if run.adaptation != FINETUNE:
            corpus, _ = corpus_and_objective(run.initialisation)
            if not self._trainings.uses_images_of(corpus, run.dataset):
                values |= {"dataset": None, "split": None}
        return SanitySettings(**values, crops=self._crops)

    @cached_property
    def _of_all(self) -> dict[str, Run]:
        return self._runs(self._experiments.names)

    def _runs(self, experiments: Sequence[str]) -> dict[str, Run]:
        """A run of each fine-tuned model of all ratings, and of each pretraining that scores and is used."""
        found: dict[str, Run] = {}
        for run in (run for name in experiments for run in self._experiments.networks(name)):
            if run.adaptation == FINETUNE and budget_of(run.split) is None:
                found.setdefault(layout.FINETUNED.format(**run.wildcards), run)
            for start in side_by_side(run.initialisation):
                if learns_score(corpus_and_objective(start)[1]):
                    alone = run._replace(initialisation=start, adaptation=NO_ADAPTATION, seed=0)
                    alone = alone._replace(split=whole_split(run.split))
                    weights = self._trainings.initial_weights(alone)
                    found.setdefault(weights.removesuffix(f"/{layout.MODEL}"), alone)
        return {folder.removeprefix("results/"): run for folder, run in found.items()}
