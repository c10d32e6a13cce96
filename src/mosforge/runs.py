"""One evaluated model on one dataset: what identifies it, and where its files lie below `results/`."""

from typing import NamedTuple


class Run(NamedTuple):
    """A fine-tuned model, or a measure in its place, and the dataset that it is evaluated on."""

    dataset: str
    split: str
    backbone: str
    initialisation: str
    test_dataset: str

    @property
    def predictions(self) -> str:
        """File of the predictions, below the folder of results."""
        return f"evaluation/{self._model}/{self.test_dataset}.parquet"

    @property
    def history(self) -> str:
        """File of the fine-tuning's epochs, below the folder of results."""
        return f"finetuning/{self._model}/history.parquet"

    @property
    def _model(self) -> str:
        return "/".join(self[:4])


RUN = Run._fields
"""The keys of a run, which are columns of `predictions` and of `correlations` too."""
