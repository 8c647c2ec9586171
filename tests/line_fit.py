"""Gradient steps so small that their results are closed forms, on whatever backend is at hand."""

import keras
import numpy as np
import pytest
from keras import ops

from cyclegan_keras.training.descent import Descent

X, Y = np.array([1.0, 2.0, 4.0, 5.0], "float32"), np.array([0.0, 1.0, 1.0, 3.0], "float32")


class Line(Descent):
    """Fits y = w x + b by gradient steps of rate 1."""

    def __init__(self, parts):
        super().__init__()
        self.accumulate_steps = parts
        self.w, self.b = self.variables = [keras.Variable(2.0), keras.Variable(1.0)]
        self.optimizers["line"] = keras.optimizers.SGD(1.0)
        self.optimizers["line"].build(self.variables)


def check_step(parts, begins):
    """Takes one step, in so many parts, at once or from a beginning."""
    line, data = Line(parts), {"x": ops.convert_to_tensor(X), "y": ops.convert_to_tensor(Y)}

    def multiply(batch):
        return line.w * batch["x"]

    def objective(batch, product=None):
        product = multiply(batch) if product is None else product
        error = product + line.b - batch["y"]
        return ops.mean(error**2) / 2, {"bias": ops.mean(error)}, {"error": error}

    beginning = line.begin(multiply, data, line.variables) if begins else None
    if begins:
        np.testing.assert_array_equal(beginning.value, 2 * X)
    terms, pictures = line.minimize([objective], data, line.variables, "line", beginning)
    expected = 2 * X + 1 - Y
    np.testing.assert_allclose(pictures["error"], expected)
    assert float(terms["loss"]) == pytest.approx(np.mean(expected**2) / 2)
    assert float(terms["bias"]) == pytest.approx(np.mean(expected))
    assert float(line.w) == pytest.approx(2 - np.mean(expected * X))
    assert float(line.b) == pytest.approx(1 - np.mean(expected))
