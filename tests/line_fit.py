"""Gradient steps so small that their results are closed forms, on whatever backend is at hand."""

import keras
import numpy as np
import pytest
from keras import ops

from cyclegan_keras.training.gradient_steps import GradientSteps, Loss

X, Y = np.array([1.0, 2.0, 4.0, 5.0], "float32"), np.array([0.0, 1.0, 1.0, 3.0], "float32")


class Line(GradientSteps):
    """Fits y = w x + b by gradient steps of rate 1."""

    def __init__(self, parts):
        super().__init__()
        self.accumulate_steps = parts
        self.w, self.b = keras.Variable(2.0), keras.Variable(1.0)
        self.variables = [self.w, self.b]
        self.optimizers["line"] = keras.optimizers.SGD(1.0)
        self.optimizers["line"].build(self.variables)


def check_step(parts, with_forward_pass):
    """Takes one step in so many parts, at once or continuing from a forward pass."""
    line, data = Line(parts), {"x": ops.convert_to_tensor(X), "y": ops.convert_to_tensor(Y)}

    def multiply(batch):
        return line.w * batch["x"]

    def objective(batch, product=None):
        product = multiply(batch) if product is None else product
        error = product + line.b - batch["y"]
        return Loss(ops.mean(error**2) / 2, {"bias": ops.mean(error)}, {"error": error})

    forward_pass = None
    if with_forward_pass:
        forward_pass = line.forward_pass(multiply, data, line.variables)
        np.testing.assert_array_equal(forward_pass.value, 2 * X)
    loss = line.minimize(
        [objective],
        batch=data,
        variables=line.variables,
        optimizer="line",
        forward_pass=forward_pass,
    )
    expected = 2 * X + 1 - Y
    np.testing.assert_allclose(loss.pictures["error"], expected)
    assert float(loss.value) == pytest.approx(np.mean(expected**2) / 2)
    assert float(loss.terms["bias"]) == pytest.approx(np.mean(expected))
    assert float(line.w) == pytest.approx(2 - np.mean(expected * X))
    assert float(line.b) == pytest.approx(1 - np.mean(expected))
