"""Which channels stay, and what they take over from those that go: linear algebra in numpy."""

import dataclasses

import numpy as np

from cyclegan_keras.compression.gram import Regression, rounding_of

# Ridges to choose from, relative to the mean square of the channels that stay.
_RIDGES = 10.0 ** np.arange(-10, 2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Merge:
    """How all channels are made of those that stay: `all = kept @ matrix + offset`, about.

    Attributes:
        matrix: float64 (kept, all).
        offset: float64 (all,).
        ridge: relative to the mean square of the channels that stay.
        unexplained: which share of the mean square of all channels, 0 to 1, is not explained; of
            their variance where the offset is free.
    """

    matrix: np.ndarray
    offset: np.ndarray
    ridge: float
    unexplained: float

    @classmethod
    def of_equal(cls, channels: int) -> "Merge":
        """Returns the one where all channels stay as they are."""
        return cls(matrix=np.eye(channels), offset=np.zeros(channels), ridge=0.0, unexplained=0.0)


def choose_channels(gram: np.ndarray, count: int) -> np.ndarray:
    """Returns the channels that span most of all: the first pivots of a pivoted QR.

    Each is the channel with the most that those before it do not explain. The pivots of a QR of the
    samples A are those of a Cholesky decomposition of A'A, so no samples are needed.

    Args:
        gram: A'A, floats (channels, channels).
        count: how many channels to choose, from 1 to all.

    Returns:
        Their numbers in ascending order, ints (count,).

    Example:
        >>> samples = np.array([[1.0, 3.0, 0.0], [0.0, 0.0, 2.0]])
        >>> choose_channels(samples.T @ samples, 2).tolist()
        [1, 2]

    Reference:
        Higham, "Cholesky Factorization", 2009; Chin et al. and others prune networks by it.
    """
    left = np.array(gram, "float64")
    chosen: list[int] = []
    for _ in range(count):
        unexplained = np.diag(left).copy()
        unexplained[chosen] = -np.inf
        pivot = int(np.argmax(unexplained))
        chosen.append(pivot)
        if unexplained[pivot] > 0:
            left -= np.outer(left[:, pivot], left[pivot]) / unexplained[pivot]
    return np.sort(np.array(chosen, "int64"))


def merge(gram: np.ndarray, cross: np.ndarray, kept: np.ndarray, ridge: float) -> np.ndarray:
    """Returns the matrix by which the channels that stay explain all: a ridge regression.

    It minimizes `|X M - Y|^2 + ridge |M - E|^2`, where E takes every channel that stays as it is
    and nothing for the others.

    Args:
        gram: X'X of the channels X that stay, floats (kept, kept).
        cross: X'Y with all channels Y, floats (kept, all).
        kept: which of all stay, ints (kept,).
        ridge: how strongly M is held at E, > 0.

    Returns:
        M, float64 (kept, all).
    """
    as_it_is = _selection(kept, cross.shape[1])
    damped = gram + ridge * np.eye(len(gram))
    return as_it_is + np.linalg.solve(damped, cross - gram @ as_it_is)


def regress(sums: Regression, kept: np.ndarray, *, centered: bool) -> Merge:
    """Returns how all channels are made of those that stay, with the ridge that predicts best.

    The ridge is chosen by generalized cross-validation: none to speak of where the channels that
    stay explain everything, and a strong one where there are few places to learn from.

    Args:
        sums: the channels that stay as inputs, all channels as targets.
        kept: which of all stay, ints (kept,).
        centered: whether the offset is free. If not, the matrix explains the means as well, and
            the offset is what is left of them.

    Reference:
        Golub, Heath and Wahba, "Generalized Cross-Validation as a Method for Choosing a Good Ridge
        Parameter", 1979.
    """
    gram, cross = sums.gram(centered=centered), sums.cross(centered=centered)
    squares = sums.squares(centered=centered)
    as_it_is = _selection(kept, cross.shape[1])
    # What is to be learned: all channels less those that stay, as they are.
    start = squares.sum() + np.sum((gram @ as_it_is - 2 * cross) * as_it_is)
    scale = np.trace(gram) / len(gram)
    rounding = rounding_of(sums.gram(centered=False))
    if not start > 0 or scale <= rounding:
        offset = sums.target_mean - sums.input_mean @ as_it_is
        return Merge(matrix=as_it_is, offset=offset, ridge=0.0, unexplained=0.0)
    values, vectors = np.linalg.eigh(gram)
    values = np.maximum(values, 0)
    explainable = np.square(vectors.T @ (cross - gram @ as_it_is)).sum(1)
    ridges = _RIDGES * scale + 1e-2 * rounding
    scores, errors = [], []
    for ridge in ridges:
        error = start - np.sum(explainable * (values + 2 * ridge) / np.square(values + ridge))
        freedom = np.sum(values / (values + ridge)) + centered
        errors.append(max(error, 1e-14 * start))  # below lie rounding errors
        scores.append(errors[-1] / max(1 - freedom / sums.count, 1e-8) ** 2)
    best = int(np.argmin(scores))
    matrix = merge(gram, cross, kept, ridges[best])
    return Merge(
        matrix=matrix,
        offset=sums.target_mean - sums.input_mean @ matrix,
        ridge=float(_RIDGES[best]),
        unexplained=min(float(errors[best] / squares.sum()), 1.0) if squares.sum() > 0 else 0.0,
    )


def _selection(kept, channels):
    """Returns E, float64 (kept, channels)."""
    selection = np.zeros((len(kept), channels))
    selection[np.arange(len(kept)), kept] = 1
    return selection
