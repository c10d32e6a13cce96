"""The labels of all distorted images of a pretraining, as tensors."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from mosforge.core.files import digest
from mosforge.core.tables import Frame


@dataclass(frozen=True)
class Labels:
    """The labels of all samples, on the device."""

    scores: Tensor  # pseudo-MOS, float32 (n,)
    class_index: Tensor | None  # int64 (n,), -1 for an image with several classes; None if all have several
    # 0 or 1 for each class, float32 (n, classes); None if all images have one class
    class_bits: Tensor | None
    series: Tensor  # a number for each pristine image and distortion type, int64 (n,)
    # the level within its series, from 1 (weakest); 0 for an image without a level. int64 (n,)
    levels: Tensor

    def digest(self) -> str:
        """The digest of all labels: a stopped training goes on only with the same labels."""
        present = {name: value for name, value in vars(self).items() if value is not None}
        return digest({name: sha256(value.cpu().numpy().data).hexdigest() for name, value in present.items()})


def read_labels(samples: Frame, kind: str, device: torch.device) -> Labels:
    """The labels in rows of the artefact `pmos`.

    Args:
        samples: the rows.
        kind: `single` (an image has one class), `multiple` (several), or `both` (some images are of the one
            kind, and some of the other).
        device: where the tensors go.
    """
    several = samples["class_index"].isna() | (kind == "multiple")
    return Labels(
        scores=torch.tensor(samples["pmos"].to_numpy(np.float32), device=device),
        class_index=None if kind == "multiple" else _class_index(samples).to(device),
        class_bits=None if kind == "single" else _class_bits(samples, several).to(device),
        series=torch.tensor(number_series(samples), device=device),
        levels=torch.tensor(samples["level"].fillna(0).to_numpy(np.int64), device=device),
    )


def number_series(samples: Frame) -> npt.NDArray[np.int64]:
    """A number for each pristine image and distortion type, whose levels are one series, int64 (n,)."""
    return samples.groupby(["source", "image_id", "group"], sort=False).ngroup().to_numpy().astype(np.int64)


def _class_index(samples: Frame) -> Tensor:
    return torch.tensor(samples["class_index"].fillna(-1).to_numpy(np.int64))


def _class_bits(samples: Frame, mixtures: "pd.Series[bool]") -> Tensor:
    """The bits of the mixtures; zeros for the other samples."""
    rows = np.array(samples.loc[mixtures, "labels"].tolist(), np.float32)
    bits = np.zeros((len(samples), rows.shape[1]), np.float32)
    bits[mixtures] = rows
    return torch.from_numpy(bits)
