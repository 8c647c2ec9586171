"""Both Adams that recorded steps were taken with: Keras' as we use it, and PyTorch's."""

import keras
from keras import ops

from cyclegan_keras.training.optimizers import adam
from cyclegan_keras.training.options import OptimizerOptions


class TorchAdam(keras.optimizers.Optimizer):
    """Adam as PyTorch computes it: epsilon joins after the bias correction, all in float64."""

    def __init__(self, golden):
        super().__init__(learning_rate=float(golden["lr"]))
        self.rate, self.epsilon = float(golden["lr"]), float(golden["adam_eps"])
        self.betas = float(golden["beta1"]), float(golden["beta2"])

    def build(self, variables):
        super().build(variables)
        self.moments = [
            [self.add_variable_from_reference(v, name) for v in variables] for name in "mv"
        ]

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        powers = (gradient, gradient**2)
        t = ops.cast(self.iterations + 1, "float64")
        corrected = []
        for moment, power, beta in zip(self.moments, powers, self.betas, strict=True):
            moment[index].assign(beta * moment[index] + (1 - beta) * power)
            corrected.append(moment[index] / (1 - beta**t))
        mean, square = corrected
        variable.assign_sub(self.rate * mean / (ops.sqrt(square) + self.epsilon))


def our_adam(golden):
    """Our optimizer at the recorded learning rate, which stays."""
    rates = {"learning_rate": float(golden["lr"]), "beta_1": float(golden["beta1"])}
    return adam(OptimizerOptions(lr_policy="constant", **rates), steps_per_epoch=1)
