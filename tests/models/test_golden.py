"""The networks against outputs and gradients recorded from the reference implementation."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_files import load_golden, nhwc, to_keras, torch_variables

from cyclegan_keras.models import PatchDiscriminator, PixelDiscriminator, ResNetGenerator

NETWORKS = {
    "generator_resnet6": lambda: ResNetGenerator(ngf=8, n_blocks=6),
    "generator_resnet9": lambda: ResNetGenerator(ngf=8, n_blocks=9),
    "discriminator_basic": lambda: PatchDiscriminator(ndf=8),
    "discriminator_nlayers2": lambda: PatchDiscriminator(ndf=8, n_layers=2),
    "discriminator_pixel": lambda: PixelDiscriminator(ndf=8),
}
# (y, gradient of the input, of live weights, of dead weights), relative to the largest value
TOLERANCES = {"float32": (2e-5, 5e-4, 1e-3, 5e-5), "float64": (1e-5, 3e-4, 5e-4, 1e-11)}


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(request.param)
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.fixture(params=NETWORKS)
def network(request, dtype):
    golden = load_golden(f"{request.param}.npz")
    model = NETWORKS[request.param]()
    variables = torch_variables(model, golden, "weights/")
    for key, variable in variables.items():
        variable.assign(to_keras(golden[f"weights/{key}"]))
    return golden, model, variables


def relative_error(value, expected):
    return np.abs(np.array(value) - expected).max() / np.abs(expected).max()


def run(model, variables, images):
    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            y = model(images, training=True)
            total = tf.reduce_sum(y**2)
        return y, tape.gradient(total, [images, *[v.value for v in variables]])

    y, (input_gradient, *gradients) = step(tf.constant(images))
    return y, input_gradient, gradients


@pytest.mark.parametrize("case", ["0", "1"])  # two pictures; one that is not square
def test_outputs_and_gradients(network, dtype, case):
    golden, model, variables = network
    output, to_input, live, dead = TOLERANCES[dtype]
    y, input_gradient, gradients = run(
        model, variables.values(), nhwc(golden[f"x{case}"]).astype(dtype)
    )
    assert y.dtype == dtype
    assert relative_error(y, nhwc(golden[f"y{case}"])) < output

    expected = nhwc(golden[f"grad{case}/input"])
    errors = np.abs(np.array(input_gradient) - expected).max(axis=-1) / np.abs(expected).max()
    # In float32 a pixel's (Leaky)ReLU may fall on the other side of its kink.
    assert (errors > to_input).mean() <= (1e-3 if dtype == "float32" else 0)

    if f"grad{case}/{next(iter(variables))}" not in golden:
        return
    dead_keys = set(golden["dead_keys"])
    largest = max(
        np.abs(golden[f"grad{case}/{key}"]).max() for key in variables if key not in dead_keys
    )
    for key, gradient in zip(variables, gradients, strict=True):
        if key in dead_keys:
            assert np.abs(gradient).max() < dead * largest, key
        else:
            assert relative_error(gradient, to_keras(golden[f"grad{case}/{key}"])) < live, key
