"""Sums over the places of pictures, from which regressions are solved without keeping samples."""

import numpy as np


class Gram:
    """The second moments of some channels.

    Args:
        channels: how many.

    Example:
        >>> gram = Gram(2)
        >>> gram.add(np.array([[1.0, 2.0], [3.0, 4.0]]))
        >>> gram.matrix(centered=False).tolist()
        [[10.0, 14.0], [14.0, 20.0]]
        >>> gram.matrix(centered=True).tolist()
        [[2.0, 2.0], [2.0, 2.0]]
    """

    def __init__(self, channels: int):
        self.count = 0
        self._sum = np.zeros(channels)
        self._products = np.zeros((channels, channels))

    def add(self, values: np.ndarray) -> None:
        """Adds the places of `values`, floats (..., channels)."""
        rows = _rows(values)
        self.count += len(rows)
        self._sum += rows.sum(0)
        self._products += rows.T @ rows

    def matrix(self, *, centered: bool) -> np.ndarray:
        """Returns A'A of all places' values A, float64 (channels, channels).

        Args:
            centered: whether the mean of every channel is taken off first.
        """
        if not centered:
            return self._products.copy()
        return self._products - np.outer(self._sum, self._sum) / self.count


class Regression:
    """The sums that a linear regression of some channels on others needs.

    Args:
        inputs: how many channels explain.
        targets: how many channels are explained.

    Attributes:
        count: of places.
    """

    def __init__(self, inputs: int, targets: int):
        self.count = 0
        self._input_sum = np.zeros(inputs)
        self._target_sum = np.zeros(targets)
        self._gram = np.zeros((inputs, inputs))
        self._cross = np.zeros((inputs, targets))
        self._squares = np.zeros(targets)

    def add(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Adds the same places' values of both, floats (..., channels)."""
        x, y = _rows(inputs), _rows(targets)
        self.count += len(x)
        self._input_sum += x.sum(0)
        self._target_sum += y.sum(0)
        self._gram += x.T @ x
        self._cross += x.T @ y
        self._squares += np.square(y).sum(0)

    @property
    def input_mean(self) -> np.ndarray:
        """The mean of every explaining channel, float64 (inputs,)."""
        return self._input_sum / self.count

    @property
    def target_mean(self) -> np.ndarray:
        """The mean of every explained channel, float64 (targets,)."""
        return self._target_sum / self.count

    def gram(self, *, centered: bool) -> np.ndarray:
        """Returns X'X of the explaining channels X, float64 (inputs, inputs)."""
        if not centered:
            return self._gram.copy()
        return self._gram - np.outer(self._input_sum, self._input_sum) / self.count

    def cross(self, *, centered: bool) -> np.ndarray:
        """Returns X'Y with the explained channels Y, float64 (inputs, targets)."""
        if not centered:
            return self._cross.copy()
        return self._cross - np.outer(self._input_sum, self._target_sum) / self.count

    def squares(self, *, centered: bool) -> np.ndarray:
        """Returns the sum of squares of every explained channel, float64 (targets,)."""
        if not centered:
            return self._squares.copy()
        return self._squares - np.square(self._target_sum) / self.count


def rounding_of(products: np.ndarray) -> float:
    """Returns below what the variances of channels are no more than rounding errors, above 0.

    Channels that are constant, as those of a picture of one color, have a variance of 0 but for
    rounding, which regressions must neither divide by nor explain.

    Args:
        products: A'A of values whose means are not taken off, floats (channels, channels).
    """
    mean_square = float(np.trace(products)) / len(products)
    return max(1e-10 * mean_square, float(np.finfo("float64").tiny))


def _rows(values):
    values = np.asarray(values, "float64")
    return values.reshape(-1, values.shape[-1])
