"""The regression from BRISQUE's features to scores, fitted to the training part of a split.

Apart from the features, whose library takes seconds to import.
"""

import numpy as np
import numpy.typing as npt
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVR

Floats = npt.NDArray[np.float64]

FEATURES = 36


def regression() -> Pipeline:
    """A support vector regression with its authors' kernel, from features in [-1, 1] to quality in [0, 1].

    A picture without features gets the means of the training part.
    """
    # libsvm -s 3 -g 0.05 -c 1024 is the authors' call for scores from 0 to 100: for scores from 0 to 1
    # both the cost and the tolerance of an error shrink with the scores
    scaled = SVR(kernel="rbf", gamma=0.05, C=10.24, epsilon=0.001)
    return make_pipeline(SimpleImputer(), MinMaxScaler((-1, 1)), scaled)


def predict(training: Floats, quality: Floats, test: Floats) -> Floats:
    """Qualities of test pictures from a regression fitted to training pictures.

    Args:
        training: features, shape (n, 36); a row of NaN where there are none.
        quality: given qualities on [0, 1], shape (n,).
        test: features, shape (m, 36).

    Returns:
        Shape (m,).
    """
    predicted: Floats = regression().fit(training, quality).predict(test)
    return predicted
